#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# External policies (--exec COMMAND): a program's schedule is placed, checked and simulated like any other; every way to fail has its
# message; no process stays, and no side waits for the other.
# shellcheck source=lib.sh
. "${LAYRUB_TESTS:-tests}/lib.sh"
cd "$work" || exit 1
net=$LAYRUB_TESTS/data/replay-cnn.json

# answer ENTRIES: a program that gives this schedule.
answer() {
	printf '#!/bin/sh\ncat >/dev/null\necho '\''{"format": "layrub-schedule", "version": 1, "intervals": [%s]}'\''\n' "$1" >policy.sh
}

refused() {	# ENTRIES PATTERN: by its message
	answer "$1"
	run plan "$net" --device h100 --exec 'sh policy.sh'
	[ "$status" -eq 2 ] && grep -q -e "$2" err
	ok $? "refused: $2"
	[ "$status" -eq 2 ] && grep -q -e "$2" err || diag err
}

fails() {	# COMMAND PATTERN
	run plan "$net" --device h100 --exec "$1"
	[ "$status" -eq 2 ] && [ ! -s out ] && grep -q -e "$2" err
	ok $? "a program that fails: $2"
	[ "$status" -eq 2 ] && grep -q -e "$2" err || diag err
}

# ---- the problem ----

run plan "$net" --device h100 --budget 90% --exec 'cat >problem.json; echo "{\"format\": \"layrub-schedule\", \"version\": 1, \"intervals\": []}"' -o /dev/null
grep -q '"format": "layrub-schedule-problem"' problem.json && grep -q '"may_drop": true' problem.json && grep -q '"layrub-graph"' problem.json
ok $? "the problem has intervals and the graph"
grep '"out_us"' problem.json >intervals
last=$(wc -l <intervals)
drop=$(sed -n 's/.*"id": \([0-9]*\),.*"may_drop": true.*/\1/p' intervals | head -n 1)
kept=$(grep -v may_drop intervals | sed -n 's/.*"id": \([0-9]*\),.*/\1/p' | head -n 1)
[ -n "$drop" ] && [ -n "$kept" ]
ok $? "of tensors that may be dropped, and of persistent ones"

# ---- schedules ----

answer ''
run plan "$net" --device h100 --exec 'sh policy.sh' -o kept.json --json
is 0 "nothing leaves"
[ "$(sed -n 's/.*"policy": "\(.*\)",/\1/p' out)" = 'exec:sh policy.sh' ] && [ "$(sed -n 's/.*"offload_bytes": \([0-9]*\),.*/\1/p' out)" = 0 ]
ok $? "the plan records the policy, and keeps everything"
answer "{\"id\": $drop, \"do\": \"offload\"}"
run plan "$net" --device h100 --exec 'sh policy.sh' -o moved.json --json
is 0 "one tensor leaves"
bytes=$(sed -n "s/.*\"id\": $drop, .*\"bytes\": \([0-9]*\),.*/\1/p" intervals)
got=$(sed -n 's/.*"offload_bytes": \([0-9]*\),.*/\1/p' out)
[ "$got" -gt 0 ] && [ "$got" -le "$bytes" ] && [ "$got" -gt $((bytes - 256)) ]
ok $? "its bytes move"
run check moved.json
is 0 "and the plan is sound"
run plan "$net" --device h100 --exec 'sh policy.sh' -o again.json
cmp -s moved.json again.json
ok $? "the same bytes twice"
from=$(sed -n "s/.*\"id\": $drop, .*\"from\": \([0-9]*\),.*/\1/p" intervals)
to=$(sed -n "s/.*\"id\": $drop, .*\"to\": \([0-9]*\),.*/\1/p" intervals)
answer "{\"id\": $drop, \"do\": \"offload\", \"gone\": $to, \"back\": $to}"
run plan "$net" --device h100 --exec 'sh policy.sh' -o late.json
is 0 "with moments of its own"
answer "{\"id\": $drop, \"do\": \"drop\"}"
run plan "$net" --device h100 --exec 'sh policy.sh' -o dropped.json --json
is 0 "one tensor is made again"
[ "$(sed -n 's/.*"offload_bytes": \([0-9]*\),.*/\1/p' out)" = 0 ] && [ "$(grep -c '"do": "run"' dropped.json)" -gt "$(grep -c '"do": "run"' kept.json)" ]
ok $? "by a rerun"

# ---- refused schedules ----

refused "{\"id\": $last, \"do\": \"drop\"}" 'intervals\[0\].id: expected the id of an interval'
refused "{\"id\": $drop, \"do\": \"drop\"}, {\"id\": $drop, \"do\": \"offload\"}" 'intervals\[1\].id: expected each interval once'
refused "{\"id\": $kept, \"do\": \"drop\"}" "intervals\[0\].do: expected 'offload', got 'drop' of a persistent tensor"
refused "{\"id\": $drop, \"do\": \"keep\"}" 'intervals\[0\].do: '
refused "{\"id\": $drop, \"do\": \"offload\", \"gone\": $((from - 1))}" "intervals\[0\].gone: expected an op from $from to $to"
refused "{\"id\": $drop, \"do\": \"offload\", \"gone\": $to, \"back\": $from}" "intervals\[0\].back: expected an op from $to to $to"
refused "{\"id\": $drop, \"do\": \"offload\", \"when\": 1}" "unknown key 'when'"

# ---- programs that fail ----

fails 'echo no idea >&2; exit 7' 'the command ended with status 7: no idea'
fails 'kill -KILL $$' 'the command died by signal 9'
fails 'no-such-program-here' 'the command ended with status 127: .*not found'
fails 'cat >/dev/null' 'expected'
fails 'echo hello' "'['{] expected\|expected"
fails 'cat' "expected 'layrub-schedule', got 'layrub-schedule-problem'"
run plan "$net" --device h100 --max-input 4MiB --exec 'yes'
[ "$status" -eq 2 ] && grep -q 'expected at most 4194304 bytes of output' err
ok $? "a program that writes without end"
run plan "$net" --device h100 --time-limit 300ms --exec '(sleep 1; touch late) & wait'
[ "$status" -eq 1 ] && grep -q 'the command was ended before it answered' err
ok $? "a program that hangs is ended by the time limit"
sleep 1.2
[ ! -e late ]
ok $? "and so is what it has started"

# ---- large problems, compare ----

run plan graphs/resnet152 --device h100 --exec 'sh -c "echo \"{\\\"format\\\": \\\"layrub-schedule\\\", \\\"version\\\": 1, \"; cat >/dev/null; echo \"\\\"intervals\\\": []}\""'
is 0 "a problem larger than a pipe, and an answer that begins before it is read"
run plan graphs/resnet152 --device h100 --exec 'echo "{\"format\": \"layrub-schedule\", \"version\": 1, \"intervals\": []}"'
is 0 "a program that does not read its input"
answer "{\"id\": $drop, \"do\": \"offload\"}"
run compare "$net" --device h100 --budget 90% --exec 'sh policy.sh' --exec 'sleep 9' --time-limit 300ms
is 0 "compare"
grep -q '^exec:sh policy.sh  *[0-9]' out && grep -q '^exec:sleep 9  *the command was ended' out && grep -q '^hybrid ' out
ok $? "external rows stand beside ours, or have their reason"
run plan "$net" --device h100 --policy keep --exec 'sh policy.sh'
[ "$status" -eq 2 ] && grep -q -e '--exec: expected one policy' err
ok $? "one policy, not two"
run plan "$net" --device h100 --policy 'exec:touch started'
[ "$status" -eq 2 ] && [ ! -e started ]
ok $? "no name of a policy starts a process"
example=$LAYRUB_TESTS/../docs/example/policy.py
if command -v python3 >/dev/null 2>&1; then
	run plan "$net" --device h100 --budget 60% --exec "python3 $example" -o example.json
	is 0 "the example in Python"
	run check example.json
	is 0 "its plan is sound"
else
	skip "the example in Python" "no python3"
fi
done_testing
