#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Plans executed on real data by the host back end: each policy's give correct data for any timing of the queues, and a plan
# that lacks an edge does not.
# shellcheck source=lib.sh
. "${LAYRUB_TESTS:-tests}/lib.sh"

replay() {
	run_this "$LAYRUB_REPLAY" --backend host "$@"
}

has() {	# FILE TEXT NAME
	grep -e "$2" "$work/$1" >/dev/null
	ok $? "$3"
}

# A plan of a network in tests/data: its name in $plan, empty when there is none.
plan() {	# NETWORK POLICY BUDGET
	plan=$work/$1-$2-$3.json
	budget=
	if [ "$3" != all ]; then
		budget="--budget $3"
	fi
	case $2 in
	ilp) budget="$budget --time-limit 1s" ;;	# it searches as long as it may
	hybrid) budget="$budget --effort 0.5" ;;	# a good plan is no better a test
	esac
	# shellcheck disable=SC2086
	run plan "$LAYRUB_TESTS/data/replay-$1.json" --device h200 --policy "$2" $budget -o "$plan"
	if [ "$status" -ne 0 ]; then
		plan=
	fi
}

# ---- every policy, 100 seeds of random delays (sanitizers are content with fewer) ----
seeds=${LAYRUB_REPLAY_SEEDS:-100}
policies=$("$LAYRUB" list policies | awk 'NF { print $1 }')
planned=0
for network in cnn deep transformer; do
	for policy in $policies; do
		for share in all 75% 50%; do
			plan "$network" "$policy" "$share"
			# A policy without an answer is skipped.
			if [ "$status" -eq 1 ]; then
				continue
			fi
			if [ -z "$plan" ]; then
				ok 1 "$network: $policy plans at $share"
				continue
			fi
			planned=$((planned + 1))
			replay "$plan" --jitter 100 --seeds "$seeds" --steps 1
			is 0 "$network: $policy at $share: the data is right with $seeds seeds"
		done
	done
done

[ "$planned" -ge "$(echo "$policies" | wc -l)" ]
ok $? "there are at least as many plans as policies ($planned)"

# ---- a plan broken on purpose ----
plan deep layrub all
cp "$plan" "$work/whole.json"
replay "$work/whole.json" --steps 5
is 0 "the plan to be broken is right"
lost=0 caught=0 missed=
for line in $(grep -n '"do".*"after"' "$work/whole.json" | cut -d: -f1); do
	sed "${line}s/, \"after\": \[[^]]*\]//" "$work/whole.json" >"$work/broken.json"
	if "$LAYRUB" check "$work/broken.json" >/dev/null 2>&1; then
		continue
	fi
	lost=$((lost + 1))
	replay "$work/broken.json" --test-only-unchecked --jitter 500 --seeds 200 --steps 4
	if [ "$status" -eq 1 ] && grep 'wrong data .*op .*tensor' "$work/err" >/dev/null; then
		caught=$((caught + 1))
	else
		missed="$missed $line"
	fi
done
[ "$lost" -gt 10 ]
ok $? "more than 10 instructions need what they wait for ($lost)"
[ "$caught" -eq "$lost" ]
ok $? "a missing edge that check refuses is seen in the data each time ($caught of $lost${missed:+, not in lines$missed})"
replay "$work/broken.json" --seeds 2
if "$LAYRUB" check "$work/broken.json" >/dev/null 2>&1; then
	is 0 "an edge that can go does no harm"
else
	is 1 "an unsound plan is not executed"
fi

# ---- what it prints and writes ----
replay "$work/whole.json" --json --trace "$work/trace.json" --time traced --touch sample
is 0 "ops that last their time"
for key in backend data_ok arena_bytes step_time_us predicted_step_time_us time_error offload_bytes_per_s fetch_bytes_per_s steps; do
	has out "\"$key\": " "the result has $key"
done
has trace.json '"name": "measured"' "the trace has the measured timeline"
has trace.json '"name": "predicted"' "and the predicted one"
has trace.json '"name": "comes back"' "and arrows"
if command -v python3 >/dev/null 2>&1; then
	python3 -c 'import json, sys; json.load(open(sys.argv[1]))' "$work/trace.json" 2>"$work/err"
	ok $? "the trace is JSON"
fi
replay "$work/whole.json"
has out '^data  *right' "people are told that the data is right"

# ---- mistakes and failures ----
replay "$work/whole.json" --graph graphs/alexnet
is 1 "another graph than the plan's is refused"
replay "$work/nothing.json"
is 2 "a plan that is not there is bad input"
replay
is 2 "no plan is bad usage"
replay "$work/whole.json" --steps 0
is 2 "no steps are bad usage"
replay "$work/whole.json" --touch some
has err "expected one of 'all', 'sample', got 'some'" "a wrong word is named"
replay "$work/whole.json" --steps 1
[ "$status" -eq 0 ] && [ ! -s "$work/err" ]
ok $? "no progress where standard error is no terminal"
if script -qec true /dev/null </dev/null >/dev/null 2>&1; then
	run_this script -qec "'$LAYRUB_REPLAY' --backend host '$work/whole.json' --steps 1" /dev/null
	has out 'step 2 of 2' "on a terminal, a line tells the step"
else
	skip "progress on a terminal" "no script(1) with -e and -c"
fi
run_this "$LAYRUB_REPLAY" --help
is 0 "help"
has out 'one of: .*host' "names the back ends"
run_this "$LAYRUB_REPLAY" --version
is 0 "version"
run plan vgg16 --batch 2048 --device h200 --policy keep -o "$work/large.json"
available=$(awk '/^MemAvailable/ { print int($2 / 1048576) }' /proc/meminfo 2>/dev/null)
if [ "$status" -eq 0 ] && [ "${available:-1000}" -lt 50 ]; then
	replay "$work/large.json"
	is 3 "too little memory is the system's failure"
	has err 'not enough host memory: .* are missing$' "which says how much is missing"
fi
done_testing
