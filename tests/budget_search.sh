#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Questions besides the fastest plan for a budget: --slowdown and --minimise (budget searches), --reorder, and explain.
# shellcheck source=lib.sh
. "${LAYRUB_TESTS:-tests}/lib.sh"

# true when the awk expression holds of values passed as a, b, c.
holds() {	# NAME EXPRESSION A B C
	[ -n "$3" ] && awk -v a="$3" -v b="${4:-0}" -v c="${5:-0}" "BEGIN { exit !($2) }" </dev/null
	ok $? "$1 ($3 ${4:-} ${5:-})"
}

said() {	# NAME PATTERN
	grep -- "$2" "$work/err" >/dev/null
	ok $? "$1"
}

# ---- minimise and slowdown ----

run plan graphs/vgg16 --device h100 --policy keep --json
keep=$(field arena_bytes)
run plan graphs/vgg16 --device h100 --policy keep --minimise memory --json
is 0 "minimise memory with keep"
holds "the smallest budget of keep is its arena, within a 256th" "a >= b && a <= b * (1 + 1 / 255)" "$(field budget_bytes)" "$keep"

run plan graphs/vgg16 --device h100 --slowdown 4 --json -o "$work/a.json"
is 0 "slowdown of 4 %"
budget=$(field budget_bytes)
holds "its overhead is at most 4 %" "a <= 0.04" "$(field overhead)"
holds "its arena is within its budget, which is less than keep needs" "a <= b && b < c" "$(field arena_bytes)" "$budget" "$keep"
run plan graphs/vgg16 --device h100 --budget "$budget" --json
holds "the same budget gives the same figures" "a <= 0.04" "$(field overhead)"
run plan graphs/vgg16 --device h100 --budget "$((budget - budget / 128))" --json
if [ "$status" -eq 1 ]; then
	ok 0 "a budget smaller by a 128th has no plan"
else
	holds "a budget smaller by a 128th is slower than that" "a > 0.04" "$(field overhead)"
fi
run plan graphs/vgg16 --device h100 --slowdown 4% -o "$work/b.json"
cmp "$work/a.json" "$work/b.json" >/dev/null 2>&1
ok $? "twice the same question, twice the same plan"
run check "$work/a.json"
is 0 "the plan is sound"

run plan graphs/gpt2 --device k40m --policy checkpoint-sqrt --slowdown 0 --json
is 1 "what no budget of the device reaches is answered with no"
run plan graphs/vgg16 --device h100 --slowdown 4 --budget 3GiB
is 2 "--slowdown and --budget do not go together"
said "the message says so" "--budget: expected no budget with --slowdown, which finds one"
run plan graphs/vgg16 --device h100 --minimise memory --budget 3GiB
is 2 "--minimise and --budget do not go together"
run plan graphs/vgg16 --device h100 --minimise memory --slowdown 4
is 2 "--minimise and --slowdown do not go together"
run plan graphs/vgg16 --device h100 --slowdown much
is 2 "a slowdown is a percentage"
said "the message says so" "--slowdown: expected a percentage"

# ---- reorder ----

run info graphs/vgg16 --json
peak=$(field peak_bytes)
run info graphs/vgg16 --reorder updates --json
holds "updating early lowers VGG-16's peak" "a < b" "$(field peak_bytes)" "$peak"
run plan graphs/vgg16 --device h100 --reorder updates --policy keep -o "$work/early.json"
is 0 "a plan of the reordered graph"
grep -- '--reorder updates' "$work/early.json" >/dev/null
ok $? "the plan says which order it has"
run check "$work/early.json"
is 0 "it is sound"
run check "$work/early.json" --graph "$LAYRUB_DATA/graphs/vgg16.graph.json"
is 1 "it is not a plan of the graph in its own order"

# ---- explain ----

run plan graphs/resnet50 --device h100 --budget 60% --json -o "$work/plan.json"
offload=$(field offload_bytes) fetch=$(field fetch_bytes) rerun=$(field recompute_time_us) plan_peak=$(field peak_bytes)
run explain "$work/plan.json" --effort 0.25 --json
is 0 "explain --json"
cp "$work/out" "$work/explained"
# Sums over one record a line; field 1 of the result is the member named.
sum() {	# MEMBER
	awk -v key="\"$1\":" '/"tensor":/ && /"reruns":/ { for (i = 1; i < NF; i++) if ($i == key) s += $(i + 1) } END { printf "%.6f", s }' "$work/explained"
}
holds "all offloaded bytes belong to a tensor" "a == b" "$(sum offload_bytes)" "$offload"
holds "all fetched bytes do" "a == b" "$(sum fetch_bytes)" "$fetch"
holds "so does all time of reruns" "a - b < 1e-3 && b - a < 1e-3" "$(sum recompute_time_us)" "$rerun"
holds "what moves saves something" "a > 0" "$(sum saved_at_step_peak_bytes)"
kinds=$(awk '/"peak": / { for (i = 1; i < NF; i++) {
	if ($i ~ /^"(parameter|state|optimizer|input|activation|gradient|workspace)_bytes":/) s += $(i + 1)
	if ($i == "\"in_place_bytes\":") s -= $(i + 1) } printf "%.0f", s }' "$work/explained")
holds "the kinds at the peak sum to it" "a == b" "$kinds" "$plan_peak"
cp "$work/explained" "$work/out"
holds "a faster link is no slower" "a <= b * (1 + 1e-3)" "$(field link_step_time_us)" "$(field step_time_us)"
holds "more memory is no slower" "a <= b * (1 + 1e-9)" "$(field memory_step_time_us)" "$(field step_time_us)"
near() {	# NAME VALUE A B: VALUE is A / B - 1
	holds "$1" "a - (b / c - 1) < 1e-6 && (b / c - 1) - a < 1e-6" "$2" "$3" "$4"
}
near "overhead is step time over ideal time" "$(field overhead)" "$(field step_time_us)" "$(field ideal_time_us)"
near "gap is step time over its bound" "$(field gap)" "$(field step_time_us)" "$(field bound_time_us)"
near "the gap in bytes is the arena over its bound" "$(field bytes_gap)" "$(field arena_bytes)" "$(field bound_bytes)"
holds "fragmentation is arena over peak" "a * b - c < 1 && c - a * b < 1" "$(field fragmentation)" "$(field peak_bytes)" "$(field arena_bytes)"
tensor=$(sed -n 's/.*"tensor": \([0-9]*\),.*"offload_bytes": [1-9].*"reruns".*/\1/p' "$work/explained" | head -n 1)
run explain "$work/plan.json" --effort 0.25
is 0 "explain for people"
grep '^peak .* at op ' "$work/out" >/dev/null
ok $? "it names the op of the peak"
run explain "$work/plan.json" "${tensor:-0}"
is 0 "the story of one tensor"
[ -n "$tensor" ] && { grep 'offloaded' "$work/out" && grep 'fetched' "$work/out"; } >/dev/null
ok $? "an offloaded tensor's story has both copies"
run explain "$work/plan.json" "${tensor:-0}" --json
is 0 "the same as JSON"
run explain "$work/plan.json" --policy checkpoint-dp
grep '^1 GiB more .* checkpoint-dp with a budget of ' "$work/out" >/dev/null
ok $? "another policy says what more would buy"
run explain "$work/plan.json" 1000000
is 2 "a tensor that is not there"
run explain "$work/early.json"
grep 'no tensor leaves' "$work/out" >/dev/null
ok $? "a plan that keeps everything has nothing to explain away"
run explain "$LAYRUB_DATA/graphs/vgg16.graph.json"
is 2 "a graph is no plan"
done_testing
