#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# layrub fit: its answers compared with plans, and their wording.
# shellcheck source=lib.sh
. "${LAYRUB_TESTS:-tests}/lib.sh"
cd "$work" || exit 1

# A number of the JSON in out inside an object on one line.
inside() {	# OBJECT FIELD
	sed -n "s/^ *\"$1\": {.*\"$2\": \([^,}]*\).*/\1/p" out
}
true_that() {	# EXPRESSION NAME
	awk "BEGIN { exit !($1) }" </dev/null
	ok $? "$2 ($1)"
}

# small_device BYTES: k40m with less memory.
small_device() {
	sed 's/"memory_bytes": [0-9]*/"memory_bytes": '"$1"'/; s/"reserved_bytes": [0-9]*/"reserved_bytes": 0/' "$LAYRUB_DATA/devices/k40m.json"
}

# A network and a device small enough for quick searches.
cp "$LAYRUB_TESTS/data/replay-cnn.json" net.json
small_device 60000000 >small.json

# ---- it fits ----

answers 0 "all resident" fit net.json --device small.json --batch 4 --json
[ "$(field fits)" = true ]
ok $? "fits is true"
top=$(inside largest_resident batch)
answers 0 "the largest resident batch" plan net.json --device small.json --policy keep --batch "$top"
answers 1 "the next one" plan net.json --device small.json --policy keep --batch $((top + 1))
answers 0 "at the largest resident batch" fit net.json --device small.json --batch "$top"
holds "yes: all of it stays in memory" out "says that nothing need move"
holds "--policy keep -o net.plan.json" out "the command keeps everything"
command=$(sed -n 's/^plan it *layrub //p' out)
# shellcheck disable=SC2086
answers 0 "the command that it prints" $command
answers 0 "makes a plan" check net.plan.json

# ---- no device given: all of them ----

answers 0 "without a device" fit net.json --batch 4 --json
devices=$(find "$LAYRUB_DATA/devices" -name '*.json' | wc -l)
[ "$(grep -c '"fits": true' out)" -eq "$devices" ]
ok $? "every device is tried"
sed -n 's/.*"memory_bytes": \([0-9]*\).*/\1/p' out | sort -n -c
ok $? "least memory comes first"
answers 0 "in words" fit net.json --batch 4
[ "$(grep -c 'all resident$' out)" -eq "$devices" ]
ok $? "a line for each that fits"
answers 1 "where no device is large enough" fit net.json --batch 100000000
holds "0 of $devices devices fit" out "says so"
answers 0 "a graph measured elsewhere" fit graphs/alexnet --json
[ "$(sed -n 's/.*"step_time_us": \([0-9.e+]*\).*/\1/p' out | sort -u | wc -l)" -gt 5 ]
ok $? "has scaled times"

mkdir -p data/devices
sed 's/"name": "k40m"/"name": "another"/' "$LAYRUB_DATA/devices/k40m.json" >data/devices/file.json
run_this env LAYRUB_DATA=data "$LAYRUB" fit net.json --batch 4 --json
[ "$(sed -n 's/.*{"device": "\([^"]*\)".*/\1/p' out)" = another ]
ok $? "a device has the name in its document"

# ---- it fits with a plan ----

batch=$((2 * top))
answers 0 "with a plan" fit net.json --device small.json --batch $batch --slowdown 60% --json
[ "$(field fits)" = true ]
ok $? "fits is true"
true_that "$(field overhead) > 0 && $(field overhead) <= 0.6" "slower, but not more than is allowed"
planned=$(inside largest_planned batch)
true_that "$planned >= $batch" "the largest batch with a plan"
true_that "$(inside largest_planned overhead) <= 0.6" "takes no more than is allowed"
true_that "$(inside accumulation micro_batch) * $(inside accumulation micro_steps) >= $batch" "micro-steps make up the batch"
true_that "$(inside accumulation micro_batch) <= $top" "a micro-batch is at most the largest resident batch"
true_that "$(inside accumulation step_time_us) > $(field ideal_time_us)" "accumulation is slower than all at once"
true_that "$(field persistent_bytes) + $(field activation_bytes) + $(field gradient_bytes) + $(field workspace_bytes) == $(field step_peak_bytes)" "parts add up to the peak"
step=$(field step_time_us)
command=$(field command)
# shellcheck disable=SC2086
answers 0 "the plan itself" ${command#layrub } --json
[ "$(field step_time_us)" = "$step" ]
ok $? "has the step time that fit says"
answers 0 "another batch" fit net.json --device small.json --batch 2 --slowdown 60% --json
[ "$(inside largest_planned batch)" = "$planned" ]
ok $? "has the same largest batch"
answers 0 "in words" fit net.json --device small.json --batch $batch --slowdown 60%
holds "yes, with a plan: the step would need" out "says so"
holds "limit                at batch" out "names what limits a larger batch"
most=$(sed -n 's/^most samples\/s *\([0-9.e+]*\) .*/\1/p' out)
sed -n 's/.* \([0-9.e+]*\) samples\/s$/\1/p' out >rates
command=$(sed -n '/^most samples/,$s/^  made by *layrub //p' out)
# shellcheck disable=SC2086
answers 0 "the command beside it" $command --json
samples=$(echo "$command" | sed 's/.*--batch \([0-9]*\).*/\1/')
passes=$(echo "$command" | sed -n 's/.*--accumulate \([0-9]*\).*/\1/p')
true_that "($samples * ${passes:-1} / $(field step_time_us) * 1e6 / $most - 1) ^ 2 < 1e-6" "makes a step with as many samples a second"
true_that "$(awk -v m="$most" '$1 > m * 1.001 { bad++ } END { print bad + 0 }' rates) == 0 && $(wc -l <rates) >= 2" "no row has more samples a second than the most"

# ---- the longest sequence, and the largest image ----

cat >ids.json <<'END'
{"format": "layrub-network", "version": 1, "name": "ids", "batch": 8, "layers": [
 {"name": "x", "type": "input", "shape": [48], "dtype": "int64"},
 {"name": "y", "type": "input", "shape": [48], "dtype": "int64"},
 {"name": "e", "type": "embedding", "inputs": ["x"], "vocabulary": 100, "features": 64},
 {"name": "f", "type": "linear", "features": 256}, {"name": "r", "type": "relu"}, {"name": "g", "type": "linear", "features": 100},
 {"name": "l", "type": "cross-entropy", "inputs": ["g", "y"]}]}
END
small_device 2000000 >tiny.json
answers 0 "by sequence" fit ids.json --device tiny.json --largest seq --slowdown 60% --json
seq=$(inside largest_resident seq) planned=$(inside largest_planned seq)
command=$(sed -n 's/^ "command": "layrub \(.*\)",*$/\1/p' out)
longest=$(sed -n '/"largest_planned"/s/.*"command": "\([^"]*\)".*/\1/p' out)
answers 0 "a sequence that stays resident" plan ids.json --device tiny.json --seq "$seq" --policy keep
answers 1 "one unit more does not" plan ids.json --device tiny.json --seq $((seq + 16)) --policy keep
true_that "$seq % 16 == 0 && $planned > $seq" "a plan has a longer one, both in units of 16, which divides 48"
# shellcheck disable=SC2086
answers 0 "the command for it" ${longest#layrub } --json
true_that "$(field overhead) <= 0.6" "is as fast as asked for"
# shellcheck disable=SC2086
answers 0 "the command for its own length" $command
answers 0 "in words" fit ids.json --device tiny.json --largest seq
grep -q "^all resident  *longest sequence $seq: .* tokens/s$" out
ok $? "says the length and tokens a second"
answers 0 "by image" fit net.json --device small.json --largest image --json
true_that "$(inside largest_resident image) > 0" "an image"
answers 2 "no sequence" fit net.json --device small.json --largest seq
answers 2 "no device" fit net.json --largest image

# ---- threads, and passes that are planned ----

cat >wide.json <<'END'
{"format": "layrub-network", "version": 1, "name": "wide", "batch": 4, "optimizer": "adam", "layers": [
 {"name": "x", "type": "input", "shape": [64, 512]},
 {"name": "y", "type": "input", "shape": [1], "dtype": "int64"},
 {"name": "a", "type": "linear", "inputs": ["x"], "features": 2048},
 {"name": "block", "type": "repeat", "count": 3, "inputs": ["a"], "layers": [
  {"name": "f", "type": "linear", "inputs": ["in"], "features": 2048}, {"name": "r", "type": "relu"}]},
 {"name": "flat", "type": "reshape", "shape": [131072]},
 {"name": "out", "type": "linear", "features": 10},
 {"name": "l", "type": "cross-entropy", "inputs": ["out", "y"]}]}
END
small_device 210000000 >tight.json
for threads in 1 3; do
	OMP_NUM_THREADS=$threads "$LAYRUB" fit net.json --device small.json --batch $batch --slowdown 60% --json >"threads.$threads" 2>err
done
cmp threads.1 threads.3
ok $? "any number of threads gives the same answer"
"$LAYRUB" fit wide.json --device tight.json --batch 200 --json >out 2>err
true_that "$(inside accumulation_plan micro_batch) * $(inside accumulation_plan micro_steps) >= 200" "passes of one plan make up the batch"
rate=$(inside fastest samples_per_s)
passes=$(inside fastest accumulate)
samples=$(($(inside fastest batch) * ${passes:-1}))
command=$(sed -n '/"fastest"/s/.*"command": "\([^"]*\)".*/\1/p' out)
# shellcheck disable=SC2086
answers 0 "the command of the fastest" ${command#layrub } --json
true_that "($samples / $(field step_time_us) * 1e6 / $rate - 1) ^ 2 < 1e-20" "makes exactly that step"

# ---- it does not ----

answers 1 "too slow" fit net.json --device small.json --batch $batch --slowdown 0%
holds "% longer, and 0 % are allowed" out "says what it would take"
holds "does not fit" err "one line on stderr"
answers 1 "too large" fit net.json --device small.json --batch 100000 --json
[ "$(field fits)" = false ] && [ "$(field status)" = infeasible ]
ok $? "fits is false, status infeasible"
true_that "$(inside largest_planned batch) > 0" "a smaller batch would"
answers 1 "parameters alone" fit vgg16 --device small.json
holds "parameters, state and optimizer take" out "says that no batch helps"
holds "at no batch" out "and that there is none"
holds "limit                at batch 1:" out "and why the smallest batch has no plan"
answers 1 "a budget" fit net.json --device small.json --batch 8 --budget 1MiB
answers 0 "a graph" fit graphs/resnet50 --device h200
! grep -q "with a plan " out
ok $? "a graph has one batch"

# ---- planning options ----

answers 0 "the graph's own order" fit graphs/vgg16 --device h100 --json
peak=$(field step_peak_bytes)
answers 0 "another order" fit graphs/vgg16 --device h100 --reorder updates --json
true_that "$(field step_peak_bytes) < $peak" "updating early lowers the peak"
small_device 600000000 >larger.json
answers 0 "options of the plan" fit resnet18 --device larger.json --batch 27 --slowdown 400% --policy layup --placement by-size --time-limit 10s --gpus-per-link 2 --json
[ "$(field policy)" = layup ] && [ "$(field placement)" = by-size ]
ok $? "the answer names them"
step=$(field step_time_us)
command=$(field command)
case $command in *" --gpus-per-link 2 --policy layup --placement by-size --time-limit 10s -o "*) ok 0 "the command has them" ;; *) ok 1 "the command has them: $command" ;; esac
# shellcheck disable=SC2086
answers 0 "the command that it prints" ${command#layrub } --json
[ "$(field step_time_us)" = "$step" ]
ok $? "makes the same plan"

# ---- several passes ----

batch=$((7 * top / 4))
answers 0 "passes" fit net.json --device small.json --batch $batch --accumulate 2 --slowdown 60% --json
[ "$(field accumulate)" = 2 ]
ok $? "says how many"
true_that "$(inside accumulation micro_batch) * $(inside accumulation micro_steps) >= 2 * $batch" "micro-steps make up the samples of both"
micro=$(inside accumulation step_time_us)
"$LAYRUB" fit net.json --device small.json --batch $((2 * batch)) --slowdown 60% --json >out 2>err
[ "$(inside accumulation step_time_us)" = "$micro" ]
ok $? "and take as long as those of one pass of all samples"
answers 0 "passes in words" fit net.json --device small.json --batch $batch --accumulate 2 --slowdown 60%
holds "batch                $batch x 2" out "tells the passes"
holds "accumulation         batch $batch x 2 as " out "and counts their samples"
holds "--batch $batch --accumulate 2 " out "the command has the passes"

# ---- bad input ----

bad() {	# TEXT ARGUMENT...
	text=$1
	shift
	answers 2 "$*" fit "$@"
	holds "$text" err "says: $text"
}
bad "--slowdown: expected a percentage such as 25%" net.json -d k40m --slowdown fast
bad "--slowdown: expected a percentage such as 25%" net.json -d k40m --slowdown -5%
bad "--budget: expected a size" net.json -d k40m --budget much
bad "got '-'" - -d k40m
bad "a graph is traced at one batch" graphs/resnet50 -d h200 --batch 3

done_testing
