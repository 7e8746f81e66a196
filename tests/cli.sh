#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The command as its users meet it: exit status, standard output, standard error.
# LAYRUB_GOLDEN=update rewrites tests/golden instead of comparing with it.
# shellcheck source=lib.sh
. "${LAYRUB_TESTS:-tests}/lib.sh"

# same FILE GOLDEN NAME: the same text, except for the folder of the data.
same() {
	sed "s|$LAYRUB_DATA|DATA|g" "$1" >"$work/same"
	if [ "${LAYRUB_GOLDEN:-}" = update ]; then
		cp "$work/same" "$golden/$2"
	fi
	if diff -u "$golden/$2" "$work/same" >"$work/diff" 2>&1; then
		ok 0 "$3"
	else
		ok 1 "$3"
		diag "$work/diff"
	fi
}

# holds EXPRESSION NAME: awk says whether it is true.
holds() {
	if awk "BEGIN { exit !($1) }" </dev/null; then
		ok 0 "$2"
	else
		ok 1 "$2"
		echo "# false: $1"
	fi
}

# ---- help and mistakes of usage ----

run list commands
commands=$(cut -d ' ' -f 1 "$work/out")
: >"$work/help"
for c in "" $commands; do
	# shellcheck disable=SC2086
	run $c --help
	[ "$status" -eq 0 ] && [ ! -s "$work/err" ]
	ok $? "$c --help: status 0, nothing on stderr"
	cat "$work/out" >>"$work/help"
done
awk 'length > 80 { print; bad = 1 } END { exit bad }' "$work/help" >"$work/long"
ok $? "no line of help is wider than a terminal"
diag "$work/long"
# The names that an option takes, on one line.  Rows of tables are left out of golden texts, because tables grow.
sed -e ':more' -e '/ of: .*,$/{' -e N -e 's/,\n */, /' -e 'b more' -e '}' "$work/help" >"$work/joined"
sed 's/ of: .*/ of: .../' "$work/joined" >"$work/stable"
same "$work/stable" help.txt "what --help says"
run --version
is 0 "--version"

# Each line is one call.
cat >"$work/calls" <<'CALLS'

nonsense
plann
--nonsense
info
info a b
info --nonsense a
info --lowring reuse a
info --policy keep a
info -z a
info graphs/resnet50 --batch 64
info graphs/resnet50 --lowering reuse
info graphs/resnet50 --accumulate 2
info graphs/resnet50 --set dtype=bfloat16
info resnet50 --accumulate 0
info resnet50 --set
info resnet50 --set conv1
info resnet50 --set bacth=3
info resnet50 --batch
info resnet50 --batch 0
info resnet50 --batch -4
info resnet50 --batch 2147483648
info resnet50 --batch 4x
info resnet50 --lowering fast
info --max-input 12G resnet50
info --max-input -1 resnet50
plan
plan resnet50
plan resnet50 --slowdown 10%
plan resnet50 --device h200 --slowdown 10% --budget 3GiB
plan resnet50 --device h200 --slowdown 10% --minimise memory
plan resnet50 --device h200 --minimise time
plan resnet50 --device h200 --slowdown few
plan resnet50 --device h200 --reorder gradients
plan resnet50 --time-limit 3
plan graphs/resnet50 --device h200 --batch 3
plan resnet50 --device h200 --times scaled
plan resnet50 --device h200 --policy best
plan resnet50 --device h200 --policy hybird
plan resnet50 --devise h200
plan resnet50 --link 6GB/s
plan resnet50 --jitter=5%
plan resnet50 --device h200 --placement best
plan resnet50 --device h200 --budget 12G
plan resnet50 --device h200 --budget -1GiB
plan resnet50 --device h200 --budget nan%
plan resnet50 --device h200 --budget 0
plan resnet50 --device h200 --budget 50
compare resnet50 --policy keep
compare resnet50 --slowdown 10%
plan resnet50 --device h200 --budget=
check
check a b
explain
explain a b c
explain resnet50
simulate graphs/gpt2
explain a --device h200
simulate
simulate a --h2d 16GB
simulate a --h2d 0GB/s
simulate a --latency 5
simulate a --compute-scale 0
simulate a --compute-scale inf
simulate a --h2d 1B/s
simulate a --gpus-per-link 2000
simulate a --jitter 100%
simulate a --jitter x
simulate a --runs 3
simulate a --jitter 5% --runs 2000000
plan resnet50 --device h200 --gpus-per-link 0
fit
sweep
report
report a
list nonsense
list polices
sweep resnet50 --device h200 --policy hybird
list policies placements
CALLS
: >"$work/usage"
wrong=0
while read -r call; do
	# shellcheck disable=SC2086
	run $call
	if [ "$status" -ne 2 ] || [ -s "$work/out" ] || [ "$(wc -l <"$work/err")" -ne 2 ]; then
		wrong=1
		echo "# 'layrub $call': status $status"
		diag "$work/out" "$work/err"
	fi
	{ echo "\$ layrub $call"; cat "$work/err"; } >>"$work/usage"
done <"$work/calls"
ok $wrong "a mistake of usage: status 2, two lines on stderr, nothing on stdout"
sed 's/expected one of .*, got/expected one of ..., got/' "$work/usage" >"$work/stable"
same "$work/stable" usage.txt "what mistakes of usage are answered"

# ---- bad files ----

cp "$LAYRUB_TESTS"/bad/*.json "$work" || exit 1
awk 'BEGIN { for (i = 0; i < 100000; i++) printf "["; print "" }' >"$work/graph-deep.json"
awk 'BEGIN { for (i = 0; i < 100000; i++) printf "{\"layers\":"; print "" }' >"$work/network-deep.json"
awk 'BEGIN { printf "{\"x-a\":"; for (i = 0; i < 100000; i++) printf "[1,"; print "" }' >"$work/plan-deep.json"
cd "$work" || exit 1
: >bad
for f in device-*.json graph-*.json network-*.json plan-*.json unsound-*.json; do
	want=2
	case $f in
	unsound-*) want=1; run check "$f" ;;
	device-*) run plan graphs/alexnet --device "$f" -o made ;;
	plan-*) run check "$f" ;;
	*) run info "$f" ;;
	esac
	# The words after the colon are the JSON library's, and change with its version.
	sed 's/\(not valid JSON:\).*/\1 .../' err >>bad
	[ "$status" -eq $want ] && [ ! -s out ] && [ "$(wc -l <err)" -eq 1 ] && [ ! -e made ] &&
	    grep -q "^layrub: $f: " err
	good=$?
	ok $good "$f: status $want, one line on stderr, nothing else"
	if [ $good -ne 0 ]; then
		echo "# status $status"
		head -n 5 out | diag
		head -n 40 err | diag
	fi
done
same bad bad.txt "what bad files are answered"

run info no-such-network
is 2 "a name that is nothing"
run info resnet5O
grep -q "did you mean 'resnet50'" err
ok $? "a name that is nearly something"
run plan resnet50 --device a100
grep -q "did you mean 'a100-40g' or 'a100-80g'? ('layrub list devices' shows all)$" err
ok $? "the beginning of two names is nearer than another name"
run plan resnet50 --device A100
grep -q "did you mean 'a100-40g' or 'a100-80g'?" err
ok $? "in letters of either case"
run plan resnet50 --device h100-sxm5
grep -q "did you mean 'h100'?" err
ok $? "a name that is the typed one's beginning"
run plan resnet50 --device 4090
grep -q "did you mean 'rtx4090'?" err
ok $? "a part of a name"
printf '\357\273\277' | cat - "$LAYRUB_DATA/alexnet.json" >marked.json
run info marked.json
is 0 "a byte order mark is skipped"
run info network-of-nothing.json --json
[ ! -s out ] && grep -q '^{"format": "layrub-error", "version": 1, "code": "input", "error": "network-of-nothing.json: .*", "source": "network-of-nothing.json", "text": ".*"}$' err
ok $? "an error under --json is JSON"
run info --bath 3 --json
grep -q '"code": "usage"' err && [ "$(wc -l <err)" -eq 1 ]
ok $? "so is a mistake of usage before the option"
sed -E 's/("bytes_per_s"|"duplex_bytes_per_s"): [0-9]+/\1: 100000/g' "$LAYRUB_DATA/devices/h100.json" >slow.json
run plan alexnet --device slow.json --gpus-per-link 1000 -o slow.plan
grep -q "^layrub: the changed link: link.d2h.bytes_per_s: expected 1000 or more, got 100$" err && [ ! -e slow.plan ]
ok $? "no plan for a link that no plan can have"
run info "$work"
is 2 "a folder is no document"
run info ./missing.json
is 2 "a file that is not there"
run info graphs/alexnet --max-input 1kB
is 2 "an input over --max-input"
if [ "$(id -u)" -eq 0 ]; then
	count=$((count + 1))
	echo "ok $count - a file that may not be read # SKIP root reads everything"
else
	cp graph-null.json secret.json
	chmod 0 secret.json
	run info ./secret.json
	is 2 "a file that may not be read"
fi

# ---- info ----

for g in "$LAYRUB_DATA"/graphs/*.graph.json; do
	name=graphs/$(basename "$g" .graph.json)
	run info "$name" --json
	is 0 "info $name"
	holds "$(field peak_error_percent) >= -3 && $(field peak_error_percent) <= 1" "info $name: the peak is what was measured"
done
run info graphs/resnet50
same out info-resnet50.txt "info for people"
run info graphs/resnet50 --json
same out info-resnet50.json "info for programs"
cp out first
"$LAYRUB" info - --json <"$LAYRUB_DATA/graphs/resnet50.graph.json" >out
cmp -s first out
ok $? "info reads standard input"
run info graphs/resnet50 --device k40m
grep -q "k40m: .*fit" out
ok $? "info says whether a graph fits a device"
run info resnet50 --batch 7 --json
[ "$(field batch)" = 7 ]
ok $? "info takes a batch"
run info resnet50 --batch 7 --accumulate 3
grep -q '^batch  *7 x 3$' out && grep -q 'batch 7 x 3, lowering' out
ok $? "info tells the passes"
run info resnet50 --batch 7 --accumulate 3 --json
[ "$(field batch)" = 7 ] && [ "$(field accumulate)" = 3 ]
ok $? "info --json: both"
run info gpt2 --json
all=$(field persistent_bytes)
run info gpt2 --set 'h.*.trainable=false' --set dtype=bfloat16 --json
is 0 "info takes changes"
# Adam has two states; a parameter of 2 bytes without them takes less than a sixth of 12.
[ $((6 * $(field persistent_bytes))) -lt $((2 * all)) ]
ok $? "frozen blocks in bfloat16 take less"
while IFS=: read -r change text; do
	run info gpt2 --set "$change"
	[ "$status" -eq 2 ] && [ ! -s out ] && [ "$(cat err)" = "layrub: --set ${change%=*}:$text" ]
	ok $? "info --set $change: refused, by the name of the change"
done <<'END'
h.atn.heads=8: expected the name of a layer or a pattern for names, got 'h.atn', which matches none; did you mean 'h.attn'?
h.attn.heads=many: layers[5].layers[2].heads: layer 'h.0.attn': expected a whole number, got a string
h.*.heads=8: layers[5].layers[0]: layer 'h.0.ln_1': expected an attribute of 'layer-norm' ('inputs', 'trainable', 'affine'), got 'heads'
*.trainable=false: layers[1].trainable: layer 'wte': expected at least one layer with parameters that is trainable, got none
END
run plan gpt2 --device h200 --policy keep --accumulate 2 --set 'h.*.trainable=false' --set "h.attn.x-note=it's" -o passes.json
is 0 "plan takes passes and changes"
grep -qF '"options": "--lowering reuse --accumulate 2 --set '"'h.*.trainable=false'"' --set '"'h.attn.x-note=it'\\\\''s'"'"' passes.json
ok $? "and records them, quoted for a shell"
run check passes.json
is 0 "the plan is sound"

# ---- plan, check, simulate ----

run plan resnet50 --batch 32 --device k40m --policy keep --json -o keep.json
is 0 "plan --policy keep"
keep=$(field arena_bytes)
sed -n 's/^ "\([a-z_0-9]*\)":.*/\1/p' out >names
same names plan-fields.txt "the names of plan's figures"
run plan resnet50 --batch 32 --device k40m --budget 50% --effort 0.2 --json -o half.json
is 0 "plan into half of the peak"
holds "$(field arena_bytes) <= $(field budget_bytes) && $(field arena_bytes) <= 0.52 * $keep" "the arena is within the budget"
holds "$(field overhead) >= 0 && $(field step_time_us) >= $(field ideal_time_us)" "no step is faster than its ops"
cp out planned
run plan resnet50 --batch 32 --device k40m --budget 50% --effort 0.2
is 0 "plan for people"
run plan resnet50 --batch 32 --device k40m --budget 50% --effort 0.2 -o -
cmp -s out half.json
ok $? "plan to standard output is the same plan"
grep -q '^arena ' err
ok $? "and the table goes to standard error"
for p in keep half; do
	run check $p.json
	is 0 "check $p"
	[ ! -s err ]
	ok $? "check $p is quiet on stderr"
	run simulate $p.json --json
	is 0 "simulate $p"
done
for f in step_time_us overhead arena_bytes offload_bytes fetch_bytes; do
	said=$(field $f)
	cp out simulated
	cp planned out
	[ -n "$said" ] && [ "$said" = "$(field $f)" ]
	ok $? "simulate says the same $f as plan"
	cp simulated out
done
step=$(field step_time_us)
run simulate half.json --json --h2d 1GB/s --d2h 1GB/s
holds "$(field step_time_us) > $step" "a slower link makes a slower step"
ideal=$(field ideal_time_us)
cp out ways
run simulate half.json --json --link 1GB/s
cmp -s out ways
ok $? "--link is the rate of both"
run simulate half.json --link 1GB/s --d2h 1GB/s
[ "$status" -eq 2 ] && grep -q -- '--link: gives both directions one rate' err
ok $? "and allows none of one direction"
run simulate half.json --json --compute-scale 2
holds "$(field ideal_time_us) < 0.51 * $ideal" "twice as fast compute"
run simulate half.json --device h200 --json
[ "$(field device)" = h200 ]
ok $? "simulate on another device"
run simulate half.json --h2d 1GB/s --d2h 1GB/s
grep -q '^waits for fetch  .* in [1-9]' out && [ "$(sed -n '/^longest waits/,$p' out | grep -c '^  .* before ')" -ge 5 ]
ok $? "simulate for people: what a slow link makes wait"
run simulate half.json --jitter 20%
grep -q '^100 steps, every time drawn from 20 % around its own' out && grep -q '^  step time .*,.*,' out
ok $? "jitter for people"
run simulate half.json --jitter 20% --runs 50 --json
cp out jitter
spread=$(sed -n 's/.*"step_time_us": {"p5": \([0-9.]*\), "p50": \([0-9.]*\), "p95": \([0-9.]*\)}.*/\1 <= \2 \&\& \2 <= \3 \&\& \1 < \3/p' out)
holds "${spread:-0}" "jitter spreads the step time"
run simulate half.json --jitter 20% --runs 50 --json
cmp -s out jitter
ok $? "the same draws every time"
run simulate half.json --jitter 20% --runs 50 --seed 2 --json
! cmp -s out jitter
ok $? "others with another seed"
"$LAYRUB" check - <half.json >out 2>err
ok $? "check reads standard input"
"$LAYRUB" plan graphs/alexnet --device h200 -o - 2>/dev/null | "$LAYRUB" check - --graph graphs/alexnet >out 2>err
ok $? "check --graph: the plan's own graph"
run check half.json --graph graphs/alexnet
is 1 "check --graph: another graph"
sed 's/"do": "offload"/"do": "fetch"/' half.json >wrong.json
run check wrong.json
holds "$status == 1 || $status == 2" "a plan that was changed is refused"
run plan graphs/alexnet --device k40m --policy keep --budget 10GiB
grep -q "warning: .*NVIDIA H200" err
ok $? "times of another device are warned of"
run plan graphs/alexnet --device h200 --policy keep
[ ! -s err ]
ok $? "times of the same device are not"

run plan graphs/alexnet --device a100-40g --policy keep --times scaled --json
holds "$status == 0 && $(field ideal_time_us) > 1000" "times scaled to another device"
[ ! -s err ]
ok $? "need no warning"

# A type of 16 bits that the device lacks: the step takes longer, and how long with a type that the device has.
run plan bert-large --device v100 --batch 1 --policy keep --set dtype=float16 --set optimizer=sgd --json
float16=$(field ideal_time_us)
run plan bert-large --device v100 --batch 1 --policy keep --set optimizer=sgd --json
holds "$(field ideal_time_us) > 3 * $float16" "bfloat16 takes float32's time on a V100"
grep -q "^layrub: warning: 'v100' does not calculate in bfloat16: .* a step without copies; with --set dtype=float16 it would be " err
ok $? "and is warned of, with the time in float16"
run info bert-large --device gtx1080ti
grep -q "^layrub: warning: 'gtx1080ti' does not calculate in bfloat16: .* without copies$" err
ok $? "info warns, too; where there is no float16 either, only of that"
run info bert-large --device h200
[ ! -s err ]
ok $? "a device that has bfloat16 needs no warning"
run info resnet50 --device k40m
[ ! -s err ]
ok $? "float32 in place of tf32 needs no warning"

# The networks that the paper is about.
run plan resnet50 --batch 64 --device k40m --policy keep --json
keep=$(field arena_bytes)
run plan resnet50 --batch 64 --device k40m --policy layrub --json
holds "$(field arena_bytes) < 0.5 * $keep" "layrub: ResNet-50 in less than half of what keep uses"
run plan caffe/resnet1517 --batch 16 --device k40m --policy layrub --json
holds "$status == 0 && $(field arena_bytes) < 12 * 1024 ^ 3" "layrub: ResNet-1517 in 12 GB"
run plan caffe/resnet1517 --batch 16 --device k40m --policy keep
is 1 "keep: ResNet-1517 does not fit"

# ---- no for an answer, and machines that fail ----

run plan resnet50 --batch 32 --device k40m --budget 100MiB -o made
[ "$status" -eq 1 ] && [ ! -e made ] && [ ! -s out ] && [ "$(wc -l <err)" -eq 1 ]
ok $? "a budget under the bound: status 1, one line, no file"
grep -q "^layrub: a budget of .* no plan needs less than .* for op [0-9]* '.*': tensor [0-9]* (.*workspace" err
ok $? "which names the op and its tensors"
run plan resnet50 --batch 32 --device k40m --budget 100MiB --json
[ "$status" -eq 1 ] && [ "$(field status)" = infeasible ]
ok $? "and is a result for programs, too"
run plan resnet50 --device k40m --budget 13GB -o made
is 2 "a budget over the device's memory"
grep -q "device 'k40m' has 10.9 GiB for a plan, got a budget of 12.1 GiB" err
ok $? "and the message has both"
# over POLICY NETWORK BUDGET: the refusal says by how much the peak misses the budget.
over() {
	run plan "$2" --device h200 --policy "$1" --budget "$3"
	[ "$status" -eq 1 ] && grep -q " peak .*, [0-9.]* [KMG]*i*B over the budget of " err
	ok $? "$1: the bytes over the budget"
	diag err
}
over superneurons resnet50 18%
run plan graphs/alexnet --device h200 -o /dev/full
is 3 "a full disk: plan"
"$LAYRUB" info graphs/alexnet >/dev/full 2>err
status=$?
is 3 "a full disk: info"
run plan graphs/alexnet --device h200 -o "$work/no/such/folder"
is 3 "a folder that is not there"
set -- "$work"/*.tmp
[ ! -e "$1" ]
ok $? "no temporary file is left"
run report half.json -o plan.pdff
is 2 "an unknown picture format"
"$LAYRUB" plan graphs/resnet50 --device h200 -o - 2>err | head -n 1 >out
[ -s out ] && [ ! -s err ]
ok $? "a closed pipe ends the command quietly"
# Also when the parent ignores the signal.
(trap '' PIPE; "$LAYRUB" plan graphs/resnet50 --device h200 -o - 2>err) | head -n 1 >out
[ -s out ] && [ ! -s err ]
ok $? "and does so for a parent that ignores the signal"

# ---- sizes ----

run info gpt2 --json
before=$(field peak_bytes)
sed 's/\[1024/[512/' "$LAYRUB_DATA/gpt2.json" >short.json
run info short.json --json
short=$(field peak_bytes)
run info gpt2 --seq 512 --json
[ "$short" -lt "$before" ] && [ "$(field peak_bytes)" -eq "$short" ]
ok $? "--seq: as the document with the other length"
run info vit-b16 --image 384 --json
# torchvision's vit_b_16 at 384 has 86859496 parameters, 24 x 24 patches and a class token among them.
parameters=$(sed -n 's/.*"parameter", "tensors": [0-9]*, "bytes": \([0-9]*\).*/\1/p' out)
[ "$parameters" -ge $((4 * 86859496)) ] && [ "$parameters" -lt $((4 * 86859496 + 256 * 152)) ]
ok $? "--image: the positions of a vision transformer follow"
run info resnet50 --seq 3
[ "$status" -eq 2 ] && grep -q "resnet50.json: --seq: the network has no input of ids" err
ok $? "--seq of a network without ids"
run plan graphs/alexnet --device h100 --image 3
[ "$status" -eq 2 ] && grep -q -- "--image: a graph is traced at one size" err
ok $? "--image of a graph"
run plan resnet50 --device h100 --memory 100MiB
[ "$status" -eq 2 ] && grep -q "the changed memory: reserved_bytes: expected less than memory_bytes" err
ok $? "--memory below what is reserved"

# ---- explain ----

run plan gpt2 --device rtx4090 --budget 50% --effort 0.2 -o gpt2.json
run explain gpt2.json --effort 0.25
is 0 "explain"
cp out explained
grep -q '^activation from gelu of h\.[0-9,-]*\.act: run again, [0-9]* x 192.0 MiB$' out
ok $? "groups tensors by layer"
grep -q '; copies out and back would take .*, on a link that is busy for .* of the step$' out
ok $? "with the price of the alternative"
grep -q '^1 GiB less ' out && grep -q '^1 GiB more ' out
ok $? "and of less and more memory"
run explain gpt2.json --effort 0.25 --json
[ "$(field format)" = layrub-explain-result ]
ok $? "explain --json"
# All lost time has a cause, and each peak is within the arena.
for part in ideal stall recompute contention slower_algorithms; do
	field "${part}_time_us"
done | awk -v step="$(field step_time_us)" '{ step -= $1 } END { exit !(step * step < 1) }' &&
	[ "$(sed -n 's/^ "peak": .*"bytes": \([0-9]*\), "in_place.*/\1/p' out)" -le "$(field arena_bytes)" ]
ok $? "the parts of the lost time sum up; the peak is within the arena"
act=$(sed -n 's/^activation from gelu of h\.\([0-9]*\).*: run again, \([0-9]*\) x .*/\1 \2/p' explained | head -n 1)
run explain gpt2.json "h.${act% *}.act"
is 0 "explain a layer"
grep -q "^  [0-9]* .* gelu of h.${act% *}.act, forward, run 2 times\$" out &&
	grep -q ": run again; away .*; one of ${act#* }, for all of which copies out and back would take " out
ok $? "its ops and its tensors"
run explain gpt2.json h.3 --json
is 0 "a block, for programs"
grep -q '"fate": "stays"' out && ! grep -q '"layer": "h.30*[^.0-9"]' out
ok $? "its tensors have their fates"
run explain gpt2.json h.33
[ "$status" -eq 2 ] && grep -q "got 'h.33'" err
ok $? "a layer that is not there"
run report gpt2.json -o gpt2.trace.json
grep -q '"name": "h.3.act gelu"' gpt2.trace.json && grep -q '"name": "offload h[^"]*"' gpt2.trace.json
ok $? "slices of a trace carry their layers"

# ---- list ----

run list --json
is 0 "list --json"
cp out list
for f in "$LAYRUB_DATA"/*.json "$LAYRUB_DATA"/caffe/*.json; do
	name=${f#"$LAYRUB_DATA"/}
	case $name in
	*.schema.json) continue ;;
	esac
	grep -q "\"name\": \"${name%.json}\"" list || echo "$name"
done >missing
[ ! -s missing ]
ok $? "every network is listed"
diag missing
for t in policies placements lowerings; do
	run list "$t"
	cut -d ' ' -f 1 out >rows
	while read -r name; do
		grep -q " of:.* $name\(,\|\$\)" "$work/joined" || echo "$name"
	done <rows >missing
	[ -s rows ] && [ ! -s missing ]
	ok $? "every row of $t is in --help"
done

done_testing
