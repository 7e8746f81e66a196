#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Sweeps: the grid, resuming, shards, order, failing points, bad input.
# shellcheck source=lib.sh
. "${LAYRUB_TESTS:-tests}/lib.sh"
cd "$work" || exit 1

same() {
	cmp -s "$1" "$2"
	ok $? "$3"
}

lines() {	# FILE COUNT NAME
	[ "$(wc -l <"$1")" -eq "$2" ]
	ok $? "$3: $2 lines"
}

# 2 networks x 2 batches x 2 budgets x 2 policies x 3 links = 48 points; layrub and keep are quick.
grid="resnet18 resnet34 --device k40m --batch 8:16:8 --budget 90%,all --policy keep,layrub --link 4GB/s,8GB/s,16GB/s"

# ---- the grid ----

# shellcheck disable=SC2086
{
answers 0 "dry run" sweep $grid --dry-run
sort out >points
lines points 48 "the grid"
[ "$(sort -u points | wc -l)" -eq 48 ]
ok $? "no point twice"
# keep needs 100 % of the peak: at 90 % it fails, 12 points of 48.
answers 1 "a sweep of which some points fail" sweep $grid --ordered -o whole.jsonl
}
lines whole.jsonl 48 "every point has a line"
holds "12 of 48 points failed" err "the message counts what failed"
[ "$(grep -c '"error": "' whole.jsonl)" -eq 12 ]
ok $? "12 lines have an error"
[ "$(grep '"error"' whole.jsonl | grep -c '"status": "infeasible".*"error": "policy .keep. needs an arena of')" -eq 12 ]
ok $? "the error says what is missing"
sed 's/^{.*"point": "\([^"]*\)".*/\1/' whole.jsonl | sort >named
same points named "lines name the points of the dry run"
sed 's/^{.*"point": "\([^"]*\)".*/\1/' whole.jsonl >order
# shellcheck disable=SC2086
answers 0 "dry run again" sweep $grid -n
same out order "--ordered: in the grid's order"

# ---- threads ----

for threads in 1 2; do
	# shellcheck disable=SC2086
	OMP_NUM_THREADS=$threads "$LAYRUB" sweep $grid --ordered >"ordered.$threads" 2>err
done
same ordered.1 ordered.2 "--ordered: the same bytes with one thread and two"
same ordered.1 whole.jsonl "the same bytes on standard output and in a file"
# shellcheck disable=SC2086
OMP_NUM_THREADS=2 "$LAYRUB" sweep $grid >loose 2>err
sed 's/"plan_time_s": [^,]*, //' loose | sort >loose.sorted
sort whole.jsonl >whole.sorted
same loose.sorted whole.sorted "without --ordered: the same lines but for the time of planning"

# ---- resuming ----

# shellcheck disable=SC2086
{
cp whole.jsonl again.jsonl
answers 1 "a finished sweep once more" sweep $grid --ordered -o again.jsonl --json
same again.jsonl whole.jsonl "nothing is run again"
holds '"found": 48' out "the summary says so"
head -20 whole.jsonl >part.jsonl
answers 1 "the rest of a sweep" sweep $grid --ordered -o part.jsonl
same part.jsonl whole.jsonl "what was there stays and the rest follows"
sed -n 21p whole.jsonl | cut -c 1-100 | tr -d '\n' >half
head -20 whole.jsonl | cat - half >half.jsonl
answers 1 "a half-written last line" sweep $grid --ordered -o half.jsonl
holds "half.jsonl: the last line was half written: 100 bytes dropped" err "there is a warning"
same half.jsonl whole.jsonl "its point is run again"
: >empty.jsonl
answers 1 "an empty file" sweep $grid --ordered -o empty.jsonl
same empty.jsonl whole.jsonl "is filled"
sed -n '3p;40p' whole.jsonl >gaps.jsonl
answers 1 "any points in any order" sweep $grid -o gaps.jsonl
lines gaps.jsonl 48 "gaps are filled"
echo '{"rows": []}' >other.jsonl
answers 2 "another file" sweep $grid -o other.jsonl
holds "other.jsonl: line 1: expected a sweep's result" err "is not appended to"
lines other.jsonl 1 "it stays as it was"
[ "$(grep -c '^{"format": "layrub-sweep-line", "version": 1, "point": ' whole.jsonl)" -eq 48 ]
ok $? "each line says its format and version"
sed 's/"format": "layrub-sweep-line", "version": 1, //; 40q' whole.jsonl >older.jsonl
answers 1 "a file without them" sweep $grid --ordered -o older.jsonl
lines older.jsonl 48 "is continued"
sed 's/"version": 1/"version": 2/' whole.jsonl >newer.jsonl
answers 2 "a newer version" sweep $grid -o newer.jsonl
holds "line 1" err "is refused"
}

# ---- shards ----

for n in 1 3 5 48 60; do
	i=0
	: >union
	while [ $i -lt $n ]; do
		i=$((i + 1))
		# shellcheck disable=SC2086
		"$LAYRUB" sweep $grid -n --shard $i/$n >>union 2>err
	done
	sort union >union.sorted
	same union.sorted points "the union of $n shards is the grid"
done
for i in 1 2 3; do
	# shellcheck disable=SC2086
	"$LAYRUB" sweep $grid --ordered --shard $i/3 -o "shard.$i.jsonl" >out 2>err
done
sort shard.?.jsonl >shards.sorted
same shards.sorted whole.sorted "three shards' lines are the whole sweep's"
if command -v parallel >/dev/null && parallel --version 2>/dev/null | grep -q GNU; then
	# shellcheck disable=SC2086
	parallel -j2 "$LAYRUB" sweep $grid --ordered --shard '{}/4' -o 'job.{}.jsonl' ::: 1 2 3 4 >out 2>err
	sort job.?.jsonl >jobs.sorted
	same jobs.sorted whole.sorted "GNU parallel over four shards"
else
	skip "GNU parallel over four shards" "no GNU parallel"
fi
if command -v flock >/dev/null; then
	status=0
	# shellcheck disable=SC2086
	flock -w 10 whole.jsonl "$LAYRUB" sweep $grid -o whole.jsonl >out 2>err || status=$?
	[ $status -eq 3 ] && grep -q "another sweep is writing this file" err
	ok $? "two sweeps do not write one file"
else
	skip "two sweeps do not write one file" "no flock"
fi

# ---- planning options ----

answers 0 "an order of ops" sweep graphs/vgg16 --device h100 --policy keep --reorder updates --ordered
holds 'link=own reorder=updates", ' out "is part of the point's name"
early=$(sed -n 's/.*"peak_bytes": \([0-9]*\),.*/\1/p' out)
"$LAYRUB" plan graphs/vgg16 --device h100 --policy keep --reorder updates --json >out 2>err
[ "$(field peak_bytes)" = "$early" ]
ok $? "the peak is that of 'plan' with the same order"
answers 0 "a time limit" sweep graphs/vgg16 --device h100 --budget 75% --time-limit 1us --ordered
holds 'link=own time-limit=1us", ' out "is part of the point's name"
holds '"status": "time-limit"' out "and ends the search"

# ---- the link ----

answers 0 "links" sweep resnet18 --device k40m --batch 8 --budget 90% --policy layrub --h2d 1GB/s,2GB/s --d2h 3GB/s --gpus-per-link 1,2 --ordered
lines out 4 "two rates times one times two"
holds '"gpus_per_link": 2, "d2h_bytes_per_s": 1500000000, "h2d_bytes_per_s": 500000000' out "GPUs get their share"
# A point's figures equal those of the plan and of `simulate` with the same change.
"$LAYRUB" plan resnet18 --device k40m --batch 8 --budget 90% --policy layrub -o a.plan.json >/dev/null 2>err
step=$("$LAYRUB" simulate a.plan.json --h2d 2GB/s --d2h 3GB/s --gpus-per-link 2 --json | sed -n 's/.*"step_time_us": \([^,]*\),.*/\1/p' | head -1)
tail -1 out | grep -q "\"step_time_us\": $step,"
ok $? "the same figure as 'plan' and 'simulate' give"
answers 0 "planned anew" sweep resnet18 --device k40m --batch 8 --budget 70% --policy g10 --link 1GB/s,100GB/s --replan --ordered
[ "$(grep -c '"gap": ' out)" -eq 2 ]
ok $? "--replan: each link has its own bound"
answers 0 "one plan" sweep resnet18 --device k40m --batch 8 --budget 70% --policy g10 --link 1GB/s,100GB/s --ordered
! grep -q '"gap": ' out
ok $? "without: the plan's bound is not one on another link"
answers 0 "a factor" sweep alexnet --device k40m --batch 1:8:x2 --policy keep -n
lines out 4 "1:8:x2"
answers 0 "what is written twice" sweep alexnet --device k40m --batch 8,8,4:8:4 --budget 1GiB,1024MiB --policy keep -n
lines out 2 "is taken once"

# ---- interrupted ----

# shellcheck disable=SC2086
{
status=0
( exec "$LAYRUB" sweep alexnet --device k40m --batch 1:4000 --policy keep -o x.jsonl ) >/dev/null 2>&1 || status=$?
[ $status -eq 2 ]
ok $? "a range without a step is refused"
}
if command -v timeout >/dev/null; then
	status=0
	timeout -k 20 -s INT 1 "$LAYRUB" sweep resnet50 --device k40m --batch 1:20000:1 --policy keep --link 1GB/s:9GB/s:1GB/s -o stopped.jsonl >out 2>err || status=$?
	grep -q "interrupted with .* the same command goes on from there" err
	ok $? "Ctrl-C ends the sweep and says so (status $status)"
	[ -s stopped.jsonl ] && [ -z "$(tail -c 1 stopped.jsonl | tr -d '\n')" ]
	ok $? "what was done is there in whole lines"
else
	skip "Ctrl-C" "no timeout"
	skip "Ctrl-C" "no timeout"
fi

# ---- bad input ----

bad() {	# TEXT ARGUMENT...
	text=$1
	shift
	answers 2 "$*" sweep "$@"
	holds "$text" err "says: $text"
}
bad "--shard: expected a whole number from 1 to 4, got '0'" alexnet -d k40m --shard 0/4
bad "--shard: expected a whole number from 1 to 4, got '5'" alexnet -d k40m --shard 5/4
bad "--shard: expected a whole number from 1 to 1000000, got '0'" alexnet -d k40m --shard 1/0
bad "--shard: expected a part such as 2/8, got '3'" alexnet -d k40m --shard 3
bad "--link: expected a rate such as 16GB/s, got '0GB/s'" alexnet -d k40m --link 0GB/s
bad "--link: expected a rate from 1kB/s to 1000TB/s" alexnet -d k40m --link 1B/s
bad "--h2d: expected a rate from 1kB/s to 1000TB/s" alexnet -d k40m --h2d 1e17B/s
bad "--link: gives both directions one rate" alexnet -d k40m --link 8GB/s --h2d 8GB/s
bad "--batch: expected a whole number from 1 to 2147483647, got '0'" alexnet -d k40m --batch 0,1
bad "--batch: expected a value between commas, got nothing" alexnet -d k40m --batch 1,,2
bad "--batch: expected a range that rises, got '9:1'" alexnet -d k40m --batch 9:1:1
bad "--batch: expected a whole number from 1 to 2147483647, got '0'" alexnet -d k40m --batch 1:9:0
bad "--batch: expected at most 100000 values" alexnet -d k40m --batch 1:200000:1
bad "--budget: expected percentages or sizes" alexnet -d k40m --budget 10%:2GiB:1GiB
bad "--budget: expected more than nothing, got '0%'" alexnet -d k40m --budget 0%
bad "expected a grid of at most 10000000 points" alexnet -d k40m --batch 1:50000:1 --link 1GB/s:500GB/s:1GB/s
bad "--policy: unknown policy 'best'" alexnet -d k40m --policy keep,best
bad "--gpus-per-link: expected a whole number from 1 to 1024" alexnet -d k40m --gpus-per-link 2000
bad "expected a device" alexnet
bad "--batch: 'graphs/resnet50' is a graph" graphs/resnet50 -d h200 --batch 4
bad "--accumulate: 'graphs/resnet50' is a graph" graphs/resnet50 -d h200 --accumulate 4
bad "--set: 'graphs/resnet50' is a graph" graphs/resnet50 -d h200 --set a.b=1
bad "--set: expected PATH=VALUE" alexnet -d k40m --set conv1
bad "--set conv9.bias: expected the name of a layer" alexnet -d k40m --set conv9.bias=false
bad "got 'nonsense'" nonsense -d k40m
bad "got 'nonsense'" alexnet -d nonsense
# ---- the table ----

answers 1 "two things vary" sweep resnet18 resnet34 --device k40m --batch 8 --budget 90%,all --policy keep -o two.jsonl
grep -q '^network  *90%  *all$' out && grep -q '^resnet18  *no plan  *\*[0-9]* (0.0 %)$' out && grep -q '^resnet34, 90%: policy .keep. needs an arena' out
ok $? "a matrix: the best has a star, a point without a plan its reason"
run report two.jsonl -o term
grep -q '^network  *90%  *all *$' out
ok $? "the report has it, too"
sed 's/"resnet34"/"aaa34"/g; s/network=resnet34/network=aaa34/' two.jsonl | sort -r >turned.jsonl
"$LAYRUB" report turned.jsonl -o term | sed -n '/^network /,/^resnet18/p' >turned
[ "$(sed -n '2s/ .*//p' turned)" = aaa34 ] && [ "$(sed -n '3s/ .*//p' turned)" = resnet18 ]
ok $? "names stand by the alphabet, whichever point ended first"
answers 1 "every device" sweep resnet18 --device all --batch 8 --policy keep --budget 50%,51% -o every.jsonl
[ "$(wc -l <every.jsonl)" -eq $((2 * $("$LAYRUB" list devices | wc -l))) ]
ok $? "all that ship"
[ "$(grep -c " and [1-9][0-9]* more: policy 'keep' keeps all" out)" -eq 4 ] && ! grep -q "^v100, " out
ok $? "points with one reason share a line"
sed 's/"name": "k40m"/"name": "another"/' "$LAYRUB_DATA/devices/k40m.json" >file.json
answers 1 "a device from a file" sweep resnet18 --device ./file.json,v100 --batch 8 --policy keep --budget 50%,all --ordered -o file.jsonl
[ "$(grep -c '^another ' out)" -eq 1 ] && grep -q '^another, 50% and 1 more: policy ' out && [ "$(grep -c '"device": "another"' file.jsonl)" -eq 2 ]
ok $? "has the name in its document"
run report file.jsonl -o file.html
[ "$(grep -c '<th scope="row">resnet18, device another, budget 50%</th>' file.html)" -eq 1 ]
ok $? "in the page's list of points without a plan, too"
answers 0 "three things vary" sweep resnet18 resnet34 --device k40m,v100 --batch 16,8 --policy keep -o three.jsonl
sed -n '/^network /,$p' out >table
[ "$(sed -n '1p' table | tr -s ' ')" = "network device batch step time slower samples/s arena host" ] && [ "$(sed 1d table | wc -l)" -eq 8 ]
ok $? "a row each point, a column for what varies and for each figure"
[ "$(sed -n '2,3p' table | awk '{ print $3 }' | tr '\n' ' ')" = "8 16 " ] && [ "$(grep -c '\*' table)" -eq 1 ]
ok $? "numbers rise; one is the best"

answers 0 "sizes and devices" sweep gpt2 --device rtx4090 --seq 256:512:256 --set 'h.attn.heads=6,12' --set 'h.attn.x-list=[1,2]' --memory 16GiB,24GiB --host-memory 1GiB --policy keep --batch 1 --ordered -o sizes.jsonl
lines sizes.jsonl 8 "two lengths, two numbers of heads, two memories"
holds 'memory=17179869184 host-memory=1073741824 batch=1 seq=256 set=h.attn.heads=6 set=h.attn.x-list=[1,2] budget=all' sizes.jsonl "points tell them"
budget=$(sed -n '1s/.*"budget_bytes": \([0-9]*\),.*/\1/p' sizes.jsonl)
"$LAYRUB" plan gpt2 --device rtx4090 --memory 16GiB --batch 1 --seq 256 --set h.attn.heads=6 --policy keep --json >out 2>err
[ "$(field budget_bytes)" = "$budget" ] && grep -q "\"step_time_us\": $(field step_time_us)," sizes.jsonl
ok $? "a point has the figures of the plan with the same options"
# A missing folder of documents is a failure of input; a device document has its own name in every line, failed or not.
sed 's/"name": "k40m"/"name": "own-name"/' "$LAYRUB_DATA/devices/k40m.json" >card.json
answers 1 "a device's file" sweep resnet18 --device card.json --policy keep --budget 50% --ordered
holds '"device": "own-name"' out "a failed point has the device's name"
# What the system fails is no result.
# shellcheck disable=SC3045
if (ulimit -v 60000 && "$LAYRUB" --version >out 2>err); then
	(ulimit -v 60000 && OMP_NUM_THREADS=1 "$LAYRUB" sweep resnet1517 --device h100 --policy keep -o starved.jsonl >out 2>err)
	status=$?
	is 3 "no memory"
	[ ! -s starved.jsonl ] && grep -q "1 of 1 points could not be run; the same command tries them again: .*out of memory" err
	ok $? "no line, and the reason"
	(ulimit -v 110000 && OMP_NUM_THREADS=2 "$LAYRUB" sweep caffe/resnet2504 alexnet -d k40m --batch 1 --policy keep --ordered -o waiting.jsonl >out 2>err)
	[ "$(wc -l <waiting.jsonl)" -eq 1 ] && grep -q '"network": "alexnet"' waiting.jsonl
	ok $? "a later point's line, which waited for it, is written"
	(ulimit -v 800000 && OMP_NUM_THREADS=4 OMP_STACKSIZE=300M "$LAYRUB" sweep resnet18 --device h100 --policy keep >out 2>err)
	status=$?
	is 3 "no thread is no no"
else
	skip "no memory" "the program does not start with 60 MB"
fi
answers 0 "passes and changes" sweep alexnet -d h200 --policy keep --batch 8,16 --accumulate 2 --set fc6.bias=false -o passes.jsonl
[ "$(grep -c '"point": ".* set=fc6.bias=false .* accumulate=2".*"accumulate": 2' passes.jsonl)" -eq 2 ]
ok $? "points tell passes and changes"
answers 3 "a folder that is not there" sweep alexnet -d k40m --policy keep -o none/x.jsonl
if [ -c /dev/full ]; then
	answers 3 "a full disk" sweep alexnet -d k40m --policy keep -o /dev/full
	holds "/dev/full: cannot write" err "a full disk: says so"
fi

done_testing
