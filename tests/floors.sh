#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# No answer is worse than one for less memory, a slower link, another policy or the graph's own order; and what is said without a plan.
# The right values of the small steps were found by hand.
# shellcheck source=tests/lib.sh
. "${LAYRUB_TESTS:-tests}/lib.sh"
data=$LAYRUB_TESTS/data
small=$data/cases.dev.json
infer=$data/search-infer.json

# true when the awk expression holds of values passed as a, b, c.
is_true() {	# NAME EXPRESSION A B C
	[ -n "$3" ] && awk -v a="$3" -v b="${4:-0}" -v c="${5:-0}" "BEGIN { exit !($2) }" </dev/null
	ok $? "$1 ($3 ${4:-} ${5:-})"
}

# Plans at budgets FROM to TO MiB; sets $plans to their number, and $slower to the steps up that are slower by more than 0.01 %.
climb() {	# FROM TO STEP ARGUMENT...
	from=$1 to=$2 by=$3 last='' plans=0 slower=''
	shift 3
	while [ "$from" -le "$to" ]; do
		run plan "$@" --budget "${from}MiB" --json
		time=$(field step_time_us)
		if [ "$status" -eq 0 ]; then
			plans=$((plans + 1))
			awk -v a="$time" -v b="${last:-$time}" 'BEGIN { exit !(a > b * 1.0001) }' </dev/null && slower="$slower ${from}MiB"
			last=$time
		fi
		from=$((from + by))
	done
}

# ---- budgets ----

climb 24 88 4 "$infer" --device "$small"
[ "$plans" -eq 17 ] && [ -z "$slower" ]
ok $? "parameters on the host: a plan for every budget, none slower than for less ($plans;$slower)"
answers 0 "the smallest budget" plan "$infer" --device "$small" --minimise memory --json
is_true "is what the largest op needs" "a == 25165824 && b == 25165824" "$(field budget_bytes)" "$(field arena_bytes)"
answers 0 "at most 1 % longer" plan "$infer" --device "$small" --slowdown 1 --json
budget=$(field budget_bytes)
is_true "needs at most 80 MiB" "a <= 83886080 && b <= 0.01" "$budget" "$(field overhead)"
answers 0 "the same budget" plan "$infer" --device "$small" --budget "$budget" --json
is_true "is fast enough" "a <= 0.01" "$(field overhead)"
run fit "$infer" --device "$small" --budget 31MiB
grep -q '^answer  *yes, with a plan: .* 31.0 MiB are available' "$work/out"
ok $? "fit has the plan, too"

answers 0 "a trace" plan alexnet --device h100 --budget 71% --json
at71=$(field step_time_us)
answers 0 "with a little less memory" plan alexnet --device h100 --budget 70% --json
is_true "is not faster" "a <= b * 1.0001" "$at71" "$(field step_time_us)"

# ---- feasibility ----

sed 's/"time_us": 10}/"time_us": 1000}/' "$data/g-fastops.json" >"$work/slowops.json"
for graph in "$data/g-fastops.json" "$work/slowops.json"; do
	answers 0 "a plan for what the largest op needs" plan "$graph" --device "$small" --budget 4MiB --json
	is_true "which is all that it takes" "a == 4194304" "$(field arena_bytes)"
	answers 0 "the smallest budget" plan "$graph" --device "$small" --minimise memory --json
	is_true "is the same, whatever the ops' times" "a == 4194304" "$(field budget_bytes)"
done
answers 0 "two outputs that share one input's bytes" plan "$data/g-chunk.json" --device "$small" --budget 60% --json
is_true "have a plan within 60 %" "a <= 4443340" "$(field arena_bytes)"

# ---- no time at all ----

zero=$data/floors-zerotime.json
answers 0 "a step whose ops take no time" plan "$zero" --device "$small" --slowdown 5 --json
is_true "is not longer than that within 4.02 MiB" "a == 0 && b >= 4.01 * 1048576" "$(field step_time_us)" "$(field budget_bytes)"
answers 0 "within less it fits, because memory alone counts" fit "$zero" --device "$small" --budget 60%
holds 'infinitely longer' "$work/out" "although any time is longer than none"
"$LAYRUB" plan "$zero" --device "$small" --budget 60% -o "$work/zero.json" >/dev/null
answers 0 "explain" explain "$work/zero.json"
holds ', n/a over the ideal 0.0 us' "$work/out" "has no overhead for it, either"
run compare "$zero" --device "$small" --budget 60%
grep -q 'n/a' "$work/out" && ! grep -q 'nan' "$work/out"
ok $? "compare has no overhead for it"

answers 0 "compare" compare "$infer" --device "$small" --budget 40MiB
grep -q '^hybrid ' "$work/out"
ok $? "its first row names hybrid"

# ---- no plan ----

answers 1 "without pinned memory" plan "$infer" --device "$data/search-device-nopin.json" --budget 31MiB
holds 'a plan for 88.0 MiB is known; no plan needs less than 24.0 MiB, for op 16' "$work/err" "the least memory known, and the bound"
answers 0 "the memory that is known to do" plan "$infer" --device "$data/search-device-nopin.json" --budget 88MiB
answers 1 "less than the largest op needs" plan "$infer" --device "$small" --budget 20MiB
holds 'no plan needs less than 24.0 MiB (25165824 bytes), for op 16' "$work/err" "the bound"
holds 'a plan for 24.0 MiB is known' "$work/err" "and the least memory known"

# ---- links, policies, orders ----

answers 0 "a good plan" plan "$infer" --device "$small" --budget 40MiB --json -o "$work/good.json"
good=$(field step_time_us)
answers 0 "a policy that is no match for it" plan "$infer" --device "$small" --budget 40MiB --policy vdnn-all --start "$work/good.json" --json -o "$work/same.json"
is_true "takes it over" "a == b" "$(field step_time_us)" "$good"
is_true "and names whose it is" 'a == "hybrid"' "$(field found_by)"
answers 0 "the plan taken over is sound" check "$work/same.json"
sed 's/1e10/1.1e10/g; s/2e10/2.2e10/' "$small" >"$work/faster.dev.json"
run simulate "$work/good.json" --h2d 11GB/s --d2h 11GB/s --duplex 22GB/s --json
old=$(field step_time_us)
answers 0 "a new plan for a faster link" plan "$infer" --device "$work/faster.dev.json" --budget 40MiB --start "$work/good.json" --json
is_true "is no slower than the old one on it" "a <= b * (1 + 1e-9)" "$(field step_time_us)" "$old"
cnn=$data/replay-cnn.json
answers 0 "everything stays" plan "$cnn" --device h100 --policy keep --json -o "$work/keep.json"
keep=$(field step_time_us)
answers 0 "a slower policy alone" plan "$cnn" --device h100 --policy vdnn-all --json
is_true "is slower" "a > b" "$(field step_time_us)" "$keep"
answers 0 "with a faster plan to start from" plan "$cnn" --device h100 --policy vdnn-all --start "$work/keep.json" --json
is_true "it is as fast" "a == b" "$(field step_time_us)" "$keep"
answers 2 "a plan of another step is refused" plan "$zero" --device "$small" --budget 40MiB --start "$work/good.json"
answers 2 "a start and a budget search" plan "$infer" --device "$small" --slowdown 5 --start "$work/good.json"

answers 0 "a link that is no help" plan unet --device h100 --budget 80% --link 3GB/s --json
linked=$(field step_time_us)
answers 0 "no copies at all" plan unet --device h100 --budget 80% --link 3GB/s --host-memory 0 --json
is_true "host memory makes no plan slower" "a <= b * (1 + 1e-9)" "$linked" "$(field step_time_us)"
if "$LAYRUB" list policies | grep -q '^ilp '; then
	run plan graphs/vgg16 --device h100 --budget 92% --policy g10 --json
	other=$(field step_time_us)
	answers 0 "ilp, whose time ends" plan graphs/vgg16 --device h100 --budget 92% --policy ilp --time-limit 2 --json
	is_true "is no slower than another policy" "a <= b * (1 + 1e-9)" "$(field step_time_us)" "$other"
else
	skip "ilp and other policies" "built without GLPK"
fi

# Capuchin alone is slower at 7 GB/s than at 6, and with 75 % of the peak than with 70 %.
run sweep resnet18 --device h100 --budget 70%,80% --policy capuchin --link 9GB/s,6GB/s,7GB/s --replan --ordered
is 0 "links in any order, planned anew"
sed -n 's/.*"budget_bytes": \([0-9]*\),.*"step_time_us": \([0-9.e+]*\),.*"d2h_bytes_per_s": \([0-9.e+]*\),.*/\1 \3 \2/p' "$work/out" | sort -k1,1n -k2,2g >"$work/rows"
awk '{ n++; if ($1 == budget && $3 > last * (1 + 1e-9)) slower++; budget = $1; last = $3 } END { exit !(n == 6 && slower == 0) }' "$work/rows"
ok $? "no faster link has a slower plan"

answers 0 "in its own order" plan resnet18 --device h100 --budget 75% --policy layup --json
own=$(field step_time_us)
answers 0 "with updates early" plan resnet18 --device h100 --budget "$(field budget_bytes)" --policy layup --reorder updates --json
is_true "the step is no slower" "a <= b * (1 + 1e-9)" "$(field step_time_us)" "$own"

# ---- frontier ----

answers 0 "the frontier of a policy whose times rise" plan resnet18 --device h100 --policy capuchin --frontier --json
sed -n 's/^ *"step_time_us": \(.*\),$/\1/p' "$work/out" | awk 'NR > 1 && $1 > last * (1 + 1e-12) { slower++ } { last = $1 } END { exit !(NR > 4 && slower == 0) }'
ok $? "has none that rises"
answers 0 "the frontier" plan "$infer" --device "$small" --frontier --json
grep -q '"budget_bytes": 25165824' "$work/out"
ok $? "it begins with what the largest op needs"
answers 0 "as a table, with the last plan" plan "$infer" --device "$small" --frontier -o "$work/last.json"
head -n 1 "$work/out" | grep -q 'budget .*least peak .*step time .*over ideal .*gap .*found by'
ok $? "it has a head"
answers 0 "the plan is sound" check "$work/last.json"
answers 0 "up to a budget" plan "$infer" --device "$small" --frontier --budget 30MiB --json
is_true "it ends there" "a == 3" "$(grep -c '"step_time_us"' "$work/out")"
answers 2 "a frontier and a budget search" plan "$infer" --device "$small" --frontier --slowdown 5
answers 2 "a picture without a frontier" plan "$infer" --device "$small" --picture "$work/x.svg"
if command -v gnuplot >/dev/null 2>&1 && "$LAYRUB" report --help >/dev/null; then
	run plan "$infer" --device "$small" --frontier --picture "$work/frontier.svg"
	if grep -q 'without gnuplot' "$work/err"; then
		skip "the picture" "built without gnuplot"
	else
		is 0 "the picture"
		grep -q '</svg>' "$work/frontier.svg"
		ok $? "it is whole"
	fi
else
	skip "the picture" "no gnuplot"
fi
done_testing
