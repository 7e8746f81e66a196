#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# One peak everywhere: a budget of 100 % is info's peak, which keep's plan does not exceed; what the placement adds is under 0.2 %.
. "$LAYRUB_TESTS/lib.sh"

# The figure NAME of the last run.
of() {
	sed -n "s/^ \"$1\": \([0-9]*\),*$/\1/p" "$work/out"
}

# A device with room for every network.
sed -E 's/"memory_bytes": [0-9]+/"memory_bytes": 1099511627776/' "$LAYRUB_DATA/devices/h200.json" >"$work/room.json"
# The networks of over 5,000 layers take seconds each, and are like their shorter sisters.
for name in $("$LAYRUB" list networks | sed -E 's/ .*//; /resnet(1001|1517|2504)$/d'); do
	run info "$name" --device "$work/room.json" --json
	peak=$(of peak_bytes)
	run plan "$name" --device "$work/room.json" --policy keep --budget "$((peak + peak / 500))" --json
	[ "$status" -eq 0 ] && [ "$(of peak_bytes)" -le "$peak" ]
	ok $? "$name: keep's peak is within info's"
done
run plan resnet50 --device h200 --policy keep --budget 100%
is 0 "a budget of 100 % keeps all of it"
run plan alexnet --device h200 --policy keep --budget 100% --batch 7
is 0 "at an odd batch, too"
done_testing
