#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# layrub compare: every row of the table of policies, the reasons of those that refuse, and the exit status.
# shellcheck source=lib.sh
. "${LAYRUB_TESTS:-tests}/lib.sh"

# A small step, on which every policy ends at once.  ilp searches until its time limit: compare leaves it out.
set -- caffe/resnet18 --batch 8 --device k40m --placement by-size --effort 0.2
"$LAYRUB" list policies --json 2>/dev/null | sed -n 's/.*{"name": "\([^"]*\)".*/\1/p' | grep -v '^ilp$' | sort >"$work/policies"

run compare "$@" --json
ok "$status" "all of the device: status 0"
sed -n 's/^   "policy": "\(.*\)",$/\1/p' "$work/out" | sort >"$work/rows"
[ -s "$work/rows" ] && cmp -s "$work/policies" "$work/rows"
ok $? "a row for every policy"
grep -q '"status": "infeasible"' "$work/out" && grep -q '"reason": "no ' "$work/out"
[ $? -ne 0 ]
ok $? "on this network every policy has something to say"
cp "$work/out" "$work/first"
run compare "$@" --json
sed '/plan_time_s/d' "$work/first" >"$work/a"
sed '/plan_time_s/d' "$work/out" >"$work/b"
cmp -s "$work/a" "$work/b"
ok $? "the same twice, but for the time it took"

run compare "$@" --budget 85%
ok "$status" "a budget that some policies meet: status 0"
grep -q "^keep .* more than the budget of " "$work/out"
ok $? "keep is listed with its reason"
grep -Eq "^checkpoint-dp .* %" "$work/out"
ok $? "checkpoint-dp is listed with its figures"

run compare "$@" --budget 1MiB
[ "$status" -eq 1 ]
ok $? "a budget that none meets: status 1"
grep -q "too small: no plan" "$work/out" && [ "$(grep -c 'too small: no plan' "$work/out")" -eq 1 ]
ok $? "with the reason that all of them have, once"
grep -q "^layrub: none of the " "$work/err"
ok $? "and an error"

run compare "$@" --policy keep
[ "$status" -eq 2 ]
ok $? "--policy is not one of its options"
run compare "$@" --budget 85% --json
alone=$(sed -n 's/^   "step_time_us": \(.*\),$/\1/p' "$work/out" | sort -n | tail -n 1)
run compare "$@" --budget 85% --gpus-per-link 2 --json
shared=$(sed -n 's/^   "step_time_us": \(.*\),$/\1/p' "$work/out" | sort -n | tail -n 1)
awk "BEGIN { exit !(${shared:-0} > ${alone:-0}) }" </dev/null
ok $? "a shared link makes the slowest policy slower"

run compare "$@" --budget 85%
[ ! -s "$work/err" ]
ok $? "no progress where standard error is no terminal"
if script -qec true /dev/null </dev/null >/dev/null 2>&1; then
	run_this script -qec "'$LAYRUB' compare $* --budget 85% >'$work/table'" /dev/null
	grep -q "policy 'capuchin'" "$work/out" && ! grep -q "$(printf '\033')" "$work/table"
	ok $? "on a terminal, a line tells the policy"
else
	skip "progress on a terminal" "no script(1) with -e and -c"
fi

run compare caffe/alexnet
[ "$status" -eq 2 ] && grep -q -- "--device" "$work/err"
ok $? "no device: status 2"
done_testing
