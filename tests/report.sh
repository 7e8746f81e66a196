#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Reports of real plans, placements and sweeps in every format, and the errors without gnuplot.
# shellcheck source=lib.sh
. "${LAYRUB_TESTS:-tests}/lib.sh"
command -v gnuplot >/dev/null 2>&1 || skip_all "gnuplot is not installed"

check() {	# NAME COMMAND...
	name=$1
	shift
	if "$@" >/dev/null 2>&1; then
		ok 0 "$name"
	else
		ok 1 "$name"
	fi
}

under() {	# FILE BYTES
	[ "$(wc -c <"$1")" -lt "$2" ]
}

run plan graphs/resnet50 --device h200 --policy keep -o "$work/probe.json"
run report "$work/probe.json" -o "$work/probe.svg"
if grep 'built without gnuplot' "$work/err" >/dev/null; then
	skip_all "built without gnuplot"
fi
for policy in keep layrub; do
	plan=$work/$policy.plan.json
	run plan graphs/resnet50 --device h200 --policy "$policy" -o "$plan"
	is 0 "resnet50's trace is planned by $policy"
	run report "$plan" -o "$work/$policy.svg"
	is 0 "$policy: drawn as svg"
	check "$policy: it is an svg" grep '<svg' "$work/$policy.svg"
	check "$policy: it is whole" grep '</svg>' "$work/$policy.svg"
	check "$policy: it names the network and the policy" grep "resnet50.*policy $policy" "$work/$policy.svg"
	check "$policy: it has a legend of memory by kind" grep 'activation, up to' "$work/$policy.svg"
	check "$policy: it is below 2 MB" under "$work/$policy.svg" 2000000
	run report "$plan" -o "$work/$policy.png"
	is 0 "$policy: drawn as png"
	head -c 4 "$work/$policy.png" >"$work/head" 2>/dev/null
	printf '\211PNG' >"$work/want"
	check "$policy: it is a png" cmp "$work/head" "$work/want"
	run report "$plan" -o "$work/$policy.pdf"
	is 0 "$policy: drawn as pdf"
	check "$policy: it is a pdf" grep -a '^%PDF-' "$work/$policy.pdf"
	run report "$plan" -o term
	is 0 "$policy: drawn in characters"
	check "$policy: with memory and budget" grep 'device memory.*budget' "$work/out"
done
check "layrub's stalls are in its picture" grep 'stall [0-9]' "$work/layrub.svg"

plan=$work/keep.plan.json
run report "$plan" -o "$work/x.gif"
is 2 "an unknown suffix is bad usage"
check "and leaves no file" test ! -e "$work/x.gif"
run report "$plan" -o "$work/none/x.svg"
is 3 "a folder that is not there is the system's failure"
run report "$plan" -o "$work/none/x.html"
is 3 "for a page, too"
run report "$plan" -o "$work/none/x.json"
is 3 "and for a timeline"
run report "$plan" -o -
is 2 "standard output says no format"
run report "$work/nothing.json" -o "$work/x.svg"
is 2 "a plan that is not there is bad input"
check "which leaves no file" test ! -e "$work/x.svg"
cp "$work/keep.svg" "$work/before"
run report "$plan" -o "$work/keep.svg"
check "the same plan makes the same picture" cmp "$work/keep.svg" "$work/before"

# ---- a plan's timeline for Perfetto ----

plan=$work/layrub.plan.json
run report "$plan" -o "$work/t.json"
is 0 "a plan's timeline is written as json"
if command -v jq >/dev/null 2>&1; then
	check "it is JSON with events" jq -e '.traceEvents | length > 1000' "$work/t.json"
	check "one track a queue" jq -e '[.traceEvents[] | select(.ph == "M" and .name == "thread_name") | .args.name] == ["compute", "out", "in"]' \
		"$work/t.json"
	check "counters of memory" jq -e '[.traceEvents[] | select(.ph == "C" and .name == "device memory")] | length > 100' "$work/t.json"
	check "every arrow that starts ends, no earlier than it starts" jq -e '[.traceEvents[] | select(.ph == "s" or .ph == "f")] | group_by(.id) |
		length > 10 and all(length == 2 and (.[0].ph != .[1].ph) and ((map(select(.ph == "f"))[0].ts) >= (map(select(.ph == "s"))[0].ts)))' \
		"$work/t.json"
	check "arrows from offloads to fetches and on to ops" jq -e '[.traceEvents[] | select(.ph == "f") | .tid] | unique == [0, 2]' "$work/t.json"
else
	count=$((count + 1))
	echo "ok $count - the timeline's content # SKIP jq is not installed"
fi

# ---- scripts that stay ----

run report "$plan" -o "$work/kept.svg" --keep
is 0 "--keep"
gnuplot "$work/kept.svg.gp" >"$work/again.svg" 2>"$work/err"
check "the script that was kept draws the same picture" cmp "$work/kept.svg" "$work/again.svg"
run report "$plan" -o term --keep
is 2 "--keep with nothing to stand beside is bad usage"
run report "$plan" -o "$work/x.json" --keep
is 2 "so it is for a timeline"

# ---- a placement ----

printf 'id,lower,upper,size,offset\na,0,4,1000,0\nb,1,3,500,1000\n<i>c&,3,9,700,1000\n' >"$work/placed.csv"
for suffix in svg png pdf html; do
	run report "$work/placed.csv" -o "$work/placed.$suffix"
	is 0 "a placement is drawn as $suffix"
done
check "with its name and figures" grep 'placed.csv: 3 buffers in 1.66 KiB, at least 1.66 KiB' "$work/placed.svg"
check "a page shows names as they are, and runs none of them" grep 'u003ci\\u003ec\\u0026' "$work/placed.html"
run report "$work/placed.csv" -o term
is 0 "and in characters"
run report "$work/placed.csv" -o "$work/x.json"
is 2 "a placement has no timeline"
printf 'id,lower,upper,size\na,0,4,1000\n' >"$work/unplaced.csv"
run report "$work/unplaced.csv" -o "$work/x.svg"
is 2 "buffers without offsets are bad input"
check "which names the command that finds them" grep "'a' has no offset: 'layrub place" "$work/err"
awk 'BEGIN { print "id,lower,upper,size,offset"; for (i = 0; i < 30000; i++) print i "," i % 300 "," i % 300 + 1 ",64," int(i / 300) * 64 }' \
	>"$work/many.csv"
run report "$work/many.csv" -o "$work/many.html"
is 0 "30,000 buffers make a page"
check "that says how many are merged" grep 'the smallest 10000 are merged' "$work/many.html"
check "and is not large" under "$work/many.html" 6000000

# ---- a sweep ----

point() {	# POLICY BATCH BUDGET-GB LINK-GB/S STEP
	printf '{"point":"p","graph":"net","device":"d","batch":%s,"policy":"%s","budget_bytes":%s000000000,"arena_bytes":%s000000000,' "$2" "$1" "$3" "$3"
	printf '"step_time_us":%s,"overhead":%s,"bound_time_us":1000,"d2h_bytes_per_s":%s000000000,"h2d_bytes_per_s":%s000000000}\n' "$5" \
		"$(awk "BEGIN { print $5 / 1000 - 1 }" </dev/null)" "$4" "$4"
}
{
	point hybrid 8 4 16 1300; point hybrid 8 6 16 1100; point hybrid 8 8 16 1000
	point "it's <b>" 8 4 16 1600; point "it's <b>" 8 6 16 1400
	echo '{"graph":"net","device":"d","batch":8,"policy":"keep","status":"infeasible"}'
	echo '{"point":"q","error":"out of luck"}'
} >"$work/s.jsonl"
for suffix in svg png pdf html; do
	run report "$work/s.jsonl" -o "$work/s.$suffix"
	is 0 "a sweep is drawn as $suffix"
done
check "its title counts" grep 'net on d, batch 8, 5 results, 1 more do not fit, 1 failed' "$work/s.svg"
check "a curve a policy" grep "it's &lt;b" "$work/s.svg"
check "the bound" grep 'bound at that budget' "$work/s.svg"
check "what does not vary has no chart" sh -c '! grep "Link rate against" "$1"' sh "$work/s.svg"
check "nor has it in a page" sh -c '! grep "Link rate against" "$1"' sh "$work/s.html"
{ cat "$work/s.jsonl"; point hybrid 16 6 16 2000; point hybrid 16 6 8 2100; } >"$work/s2.jsonl"
run report "$work/s2.jsonl" -o "$work/s2.html"
check "batches and link rates, where they vary, have their charts" grep 'Batch against throughput' "$work/s2.html"
sort -r "$work/s2.jsonl" >"$work/s3.jsonl"
run report "$work/s3.jsonl" -o "$work/s3.html"
for page in s2 s3; do
	sed -n '/>Results</,/<.table>/p' "$work/$page.html" >"$work/$page.table"
done
check "the table of a page does not depend on the order in which points ended" sh -c '[ -s "$1" ] && cmp "$1" "$2"' sh "$work/s2.table" "$work/s3.table"
{ cat "$work/s.jsonl"; printf '{"graph":"net","devi'; } >"$work/half.jsonl"
run report "$work/half.jsonl" -o "$work/half.svg"
is 0 "a last line that is half written does no harm"
check "it is told of" grep 'warning.*line 8 is half written' "$work/err"
check "and left out" cmp "$work/half.svg" "$work/s.svg"
{ echo '{"graph":"net","devi'; cat "$work/s.jsonl"; } >"$work/torn.jsonl"
run report "$work/torn.jsonl" -o "$work/x.svg"
is 2 "a broken line in the middle is bad input"
check "with its number" grep 'line 1: ' "$work/err"
: >"$work/empty.jsonl"
run report "$work/empty.jsonl" -o "$work/x.svg"
is 2 "an empty file is bad input"
echo '{"point":"q","error":"out of luck"}' >"$work/failed.jsonl"
run report "$work/failed.jsonl" -o "$work/x.svg"
is 2 "so is one without a result"
check "which says what is in it" grep '1 failed' "$work/err"

# ---- a measured step: every run twice as long as it was simulated ----

run report "$work/layrub.plan.json" -o "$work/simulated.json"
sed -n '/"tid": 0, "ts"/s/.*"ts": \([^,]*\), "dur": \([^,]*\),.*"instruction": \([0-9]*\),.*/\1 \2 \3/p' "$work/simulated.json" |
	awk 'BEGIN { print "[" } NR > 1 { print "," } { printf "{\"ph\":\"X\",\"cat\":\"cpu_op\",\"name\":\"layrub run %d\",\"ts\":%.9g,\"dur\":%.9g}", $3, 2 * $1, 2 * $2 }
		END { print "]" }' >"$work/measured.json"
run report --measured "$work/measured.json" "$work/layrub.plan.json"
is 0 "a measured step is compared without a picture"
check "the ops took twice as long" awk '$1 == "ops" && $2 != "by" { simulated = $2; measured = $4 } END { exit !(measured > 1.99 * simulated && measured < 2.01 * simulated) }' "$work/out"
for suffix in svg html json; do
	run report --measured "$work/measured.json" "$work/layrub.plan.json" -o "$work/both.$suffix"
	is 0 "a measured step is drawn as $suffix"
	check "both steps are in the $suffix" grep 'simulated' "$work/both.$suffix"
	check "the measured one is in the $suffix" grep 'measured' "$work/both.$suffix"
done
run report --measured "$work/measured.json" "$work/layrub.plan.json" -o term
check "the lag is drawn in characters" grep 'measured - simulated' "$work/out"
run report --json --measured "$work/measured.json" "$work/layrub.plan.json"
check "every instruction is in the JSON" sh -c '[ "$(grep -c measured_end_us "$1")" -eq "$(grep -c "\"queue\":" "$2")" ]' sh "$work/out" "$work/layrub.plan.json"
# A real one: three captured steps of a ResNet-50 on an H200, and one op by op.
gzip -dc "$LAYRUB_TESTS/data/measured-resnet50.plan.json.gz" >"$work/real.plan.json"
gzip -dc "$LAYRUB_TESTS/data/measured-resnet50.trace.json.gz" >"$work/real.json"
run report --json --measured "$work/real.json" "$work/real.plan.json"
is 0 "a real trace is read"
check "whole: three captured steps, no copy missing, no kernel without an op" \
	sh -c 'grep "\"steps\": 3," "$1" && grep "\"captured\": true" "$1" && grep "\"missing_copies\": 0" "$1" && grep "\"other_kernels\": 0" "$1"' sh "$work/out"
check "the parts are the step, within what the steps differ" awk '/"step":/ { step = $NF + 0 } /"copies":/ { exit } /"parts":/ { parts = 1 } parts { sum += $NF }
	END { exit !(step > 40000 && sum > 0.999 * step && sum < 1.001 * step) }' "$work/out"
copies=$(grep -c '"queue": "out"' "$work/out")
check "$copies copies out a step take as long as in the trace" awk -v copies="$copies" 'FNR == NR && /Memcpy DtoH/ { sub(/.*"dur":/, ""); us += $0; n++ }
	FNR != NR && /"d2h":/ { step = $NF } END { exit !(copies > 0 && n >= 3 * copies && us / n * copies > 0.95 * step && us / n * copies < 1.05 * step) }' \
	"$work/real.json" "$work/out"
run report --measured "$work/measured.json" "$work/keep.plan.json"
is 2 "a trace of another plan is refused"
check "and the error says so" grep 'another plan\|whole step' "$work/err"
run report --measured "$work/measured.json" "$work/placed.csv" -o "$work/x.svg"
is 2 "a placement has no measured step"

# ---- gnuplot that is not there, or dies ----

mkdir "$work/bin" "$work/none.d"
LAYRUB_PATH=$PATH
real=$(command -v "$LAYRUB" || echo "$LAYRUB")
without() {	# PATH COMMAND...
	path=$1
	shift
	status=0
	PATH=$path "$real" "$@" >"$work/out" 2>"$work/err" </dev/null || status=$?
}
without "$work/none.d" report "$plan" -o "$work/x.html"
is 3 "no gnuplot: no picture"
check "the error names the package" grep gnuplot-nox "$work/err"
without "$work/none.d" report "$plan" -o "$work/ok.json"
is 0 "a timeline needs no gnuplot"
printf '#!/bin/sh\ncat >/dev/null\necho "line 1: no ink" >&2\nexit 1\n' >"$work/bin/gnuplot"
chmod +x "$work/bin/gnuplot"
echo old >"$work/old.html"
for input in "$plan" "$work/placed.csv" "$work/s.jsonl"; do
	without "$work/bin:$LAYRUB_PATH" report "$input" -o "$work/old.html"
	is 3 "gnuplot dies over a page of ${input##*/}"
	check "its words are passed on" grep 'no ink' "$work/err"
	check "what was there stays" grep old "$work/old.html"
done
without "$work/bin:$LAYRUB_PATH" report "$plan" -o "$work/y.svg" --keep
check "the script is kept when gnuplot dies of it" test -s "$work/y.svg.gp"
check "nothing half written is left" sh -c '! ls "$1" | grep -v "^old.html$" | grep "^\(old\|x\.\)"' sh "$work"
done_testing
