#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh FOLDER SECONDS [TARGET]...: lets libFuzzer work on each target (default: all) for so many seconds, one
# after the other, from the corpus in FOLDER/corpus, which grows.  Seeds are in FOLDER/seeds.  Findings and logs lie
# in FOLDER; FOLDER/totals gets a line a run: target, cases, CPU seconds, edges of the code that were
# reached, findings.  The fuzz targets stand in ./tests/fuzz.
# FUZZ_RUNS: so many cases, unless the seconds end them; FUZZ_SEED: the same cases again (default: others each time).
set -eu
folder=$1 seconds=$2
shift 2
if [ $# -eq 0 ]; then
	set -- network graph device plan csv results
fi
# What costs most in a build with sanitizers is to remember who allocated what.
ASAN_OPTIONS=malloc_context_size=3:quarantine_size_mb=16
export ASAN_OPTIONS
status=0

# CPU seconds of this shell's children so far, user and system.  Not in a $( ), which has children of its own.
cpu() {
	times >"$folder/times.$$"
	cpu=$(awk 'NR == 2 { n = 0; for (i = 1; i <= 2; i++) { split($i, t, "[ms]"); n += 60 * t[1] + t[2] } printf "%.1f", n }' "$folder/times.$$")
	rm "$folder/times.$$"
}

# stat NAME LOG: one of libFuzzer's final figures.
stat() {
	awk -v name="stat::$1:" '$1 == name { n = $2 } END { print n + 0 }' "$2"
}

for target; do
	mkdir -p "$folder/corpus/$target"
	log=$folder/$target.log
	cpu
	before=$cpu
	"./tests/fuzz/$target" -max_total_time="$seconds" -runs="${FUZZ_RUNS:--1}" -seed="${FUZZ_SEED:-0}" -timeout=20 -rss_limit_mb=2048 -max_len=16384 -print_final_stats=1 \
	    -dict="$folder/seeds/$target.dict" -artifact_prefix="$folder/$target-" \
	    "$folder/corpus/$target" "$folder/seeds/$target" >"$log" 2>&1 || status=1
	findings=$(grep -c 'Test unit written to' "$log") || :
	cpu
	edges=$(sed -n 's/.* cov: \([0-9]*\) ft: .*/\1/p' "$log" | tail -n 1)
	echo "$target $(stat number_of_executed_units "$log") $(echo "$cpu $before" | awk '{ print $1 - $2 }') ${edges:-0} $findings" |
	    tee -a "$folder/totals"
	if [ "$findings" -ne 0 ]; then
		grep -E 'expected|SUMMARY|ERROR|runtime error|last error|written to' "$log" >&2 || tail -n 3 "$log" >&2
	fi
done
exit "$status"
