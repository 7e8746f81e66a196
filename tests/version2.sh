#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Device and plan documents of version 2 in the commands: pinned memory without a limit and by --host-memory, the memory of a process, the
# configuration that won.
# shellcheck source=lib.sh
. "${LAYRUB_TESTS:-tests}/lib.sh"
cd "$work" || exit 1
net=$LAYRUB_TESTS/data/replay-cnn.json

# text FILE KEY: the value of the key's first line.
value() {
	sed -n "s/^ *\"$2\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}\$/\1/p" "$1" | head -1
}

# A device of version 2 without a limit on pinned memory, and the same one of version 1.
sed -e '/"host": /d' -e 's/^ "version": 1/ "version": 2/' -e 's/^\( "contention".*\),$/\1}/' \
    -e 's/^ "reserved_bytes".*/&\n "process_bytes": 123456789,/' "$LAYRUB_DATA/devices/k40m.json" >free.json
sed 's/"pinned_bytes": [0-9]*/"pinned_bytes": 0/' "$LAYRUB_DATA/devices/k40m.json" >none.json

run plan "$net" --device none.json --policy layrub
[ "$status" -eq 1 ] && grep -q 'pinned host memory' err
ok $? "no pinned memory: layrub has no plan"
run plan "$net" --device none.json --policy layrub --host-memory 1GiB -o plan.json
[ "$status" -eq 0 ] && grep -q '"host": {"pinned_bytes": 1073741824}' plan.json && grep -q -- '--host-memory 1073741824"' plan.json
ok $? "--host-memory gives it, and the plan records it"
run check plan.json
ok "$status" "the plan is sound"
sed 's/"pinned_bytes": 1073741824/"pinned_bytes": 1/' plan.json >less.json
run check less.json
[ "$status" -ne 0 ]
ok $? "the device in the plan counts"

run plan "$net" --device free.json --policy layrub -o plan.json --json
[ "$status" -eq 0 ] && ! grep -q '"host": {' plan.json && [ "$(grep -c '"version": 2' plan.json)" -eq 2 ] && [ "$(value plan.json version)" = 2 ]
ok $? "no host: no limit, and a device of version 2 makes the plan's version 2"
[ "$(value out process_bytes)" = $(($(value out arena_bytes) + 123456789)) ]
ok $? "process_bytes: arena and what a process takes beside it"
host=$(value out host_bytes)
run check plan.json
ok "$status" "the plan is sound"
run plan "$net" --device free.json --policy layrub --host-memory "$((host - 1))"
[ "$status" -eq 1 ] && grep -q 'more than ' err
ok $? "a byte less than it pins: no plan"
run plan "$net" --device free.json --policy layrub --host-memory "$host"
ok "$status" "as many bytes as it pins"
run plan "$net" --device free.json --policy keep
grep -q '^process  ' out
ok $? "the process in a table"
run info "$net" --device free.json --json
[ "$(value out process_bytes)" = $(($(value out peak_bytes) + 123456789)) ]
ok $? "info: the process with an arena of the peak's size"
run info "$net" --device k40m
! grep -q '^process ' out
ok $? "no process where the device does not say so"
for command in plan compare fit sweep; do
	run $command "$net" --device free.json --host-memory 12G
	[ "$status" -eq 2 ] && grep -q '^layrub: --host-memory: expected 12GiB ' err
	ok $? "$command --host-memory 12G is refused"
done
run sweep "$net" --device free.json --policy keep --host-memory 1GiB -o points.jsonl
grep -q 'host-memory=1073741824' points.jsonl
ok $? "a sweep's points have names with the limit"

run plan alexnet --device h100 --budget 75% --json -o plan.json
configuration=$(value plan.json configuration)
[ "$status" -eq 0 ] && [ -n "$configuration" ] && [ "$(value plan.json version)" = 2 ] && [ "$(value out configuration)" = "$configuration" ]
ok $? "hybrid: the plan has version 2 and names its configuration, $configuration"
run explain plan.json --effort 0.25
grep -q "^configuration  *$configuration\$" out
ok $? "explain shows it"
run explain plan.json --effort 0.25 --json
[ "$(value out configuration)" = "$configuration" ]
ok $? "explain --json, too"
run check plan.json
ok "$status" "a plan of version 2 is checked"
run plan "$net" --device k40m --policy keep --json -o plan.json
[ "$status" -eq 0 ] && [ "$(value plan.json version)" = 1 ] && ! grep -q '"configuration"' plan.json out
ok $? "keep: version 1, no configuration"

done_testing
