#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# One peak and one set of bounds everywhere: in info, plan, explain, simulate, report, fit and the library.  keep meets a budget of 100 %, info's peak.
. "$LAYRUB_TESTS/lib.sh"
: "${LAYRUB_PYTHON:=}" "${LAYRUB_LIBRARY_FILE:=}"

# Writes the peak and the bounds of the last run.
figures() {
	sed -nE 's/^ "((peak|bound|resident_bound)_bytes)": ([0-9]+),*$/\1 \3/p' "$work/out"
}

same() {	# FILE NAME: the last run's figures are those in the file
	figures | diff "$work/$1" - >"$work/err" 2>&1
	ok $? "$2"
}

# A device with room for every network.
sed -E 's/"memory_bytes": [0-9]+/"memory_bytes": 1099511627776/' "$LAYRUB_DATA/devices/h200.json" >"$work/room.json"

# ---- keep at 100 % ----

# The networks of over 5,000 layers take seconds each, and are like their shorter sisters.
for name in $("$LAYRUB" list networks | sed -E 's/ .*//; /resnet(1001|1517|2504)$/d'); do
	run info "$name" --device "$work/room.json" --json
	peak=$(field peak_bytes)
	run plan "$name" --device "$work/room.json" --policy keep --budget 100% --json
	[ "$status" -eq 0 ] && [ "$(field peak_bytes)" -le "$peak" ] && [ "$(field arena_bytes)" -le "$peak" ]
	ok $? "$name: keep meets a budget of 100 %"
done
run plan alexnet --device h200 --policy keep --budget 100% --batch 7
is 0 "at an odd batch, too"

# ---- one figure ----

case ${LAYRUB_CC-} in
*-fsanitize=*) library=no ;;
*) [ -f "$LAYRUB_LIBRARY_FILE" ] && [ -n "$LAYRUB_PYTHON" ] && library=yes || library=no ;;
esac
python() {
	LAYRUB_LIBRARY=$LAYRUB_LIBRARY_FILE PYTHONPATH=$LAYRUB_TESTS/../pytorch PYTHONDONTWRITEBYTECODE=1 "$LAYRUB_PYTHON" -c '
import sys
import layrub
with layrub.Problem.open(sys.argv[1], device="h200") as problem, layrub.Plan.read(sys.argv[2]) as plan:
    for record in (problem.needs, plan.figures):
        for figure in ("peak_bytes", "bound_bytes", "resident_bound_bytes"):
            print(f""" "{figure}": {getattr(record, figure)}""")
' "$@"
}

for name in resnet50 gpt2 unet graphs/alexnet; do
	run info "$name" --device h200 --json
	figures >"$work/graph"
	run plan "$name" --device h200 --policy vdnn-all --json -o "$work/plan.json"
	figures >"$work/plan"
	sed 1d "$work/plan" >"$work/bounds"
	sed 1d "$work/graph" | diff - "$work/bounds" >"$work/err" 2>&1 && [ "$(wc -l <"$work/bounds")" -eq 2 ]
	ok $? "$name: a plan has info's bounds"
	run simulate "$work/plan.json" --json
	same plan "simulate has the plan's peak and bounds"
	run explain "$work/plan.json" --json
	same plan "so has explain"
	holds "\"bytes\": $(field peak_bytes)," "$work/out" "and the moment of the peak is as full"
	run simulate "$work/plan.json"
	sed -nE 's/^(peak|bound|resident bound) +([0-9].*)$/\2/p' "$work/out" >"$work/shown"
	run report "$work/plan.json" -o "$work/page.html"
	[ "$(wc -l <"$work/shown")" -eq 3 ] && ! while read -r size; do
		grep -qF ">$size<" "$work/page.html" || echo "$size"
	done <"$work/shown" | grep .
	ok $? "and the page shows them"
	[ "$library" = no ] && continue
	run_this python "$name" "$work/plan.json"
	cat "$work/graph" "$work/plan" >"$work/both"
	same both "and the library has both"
done
run fit graphs/alexnet --device h200 --json
same graph "what fits resident has the graph's peak and bounds"
done_testing
