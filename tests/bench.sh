#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Time and peak memory of the command on the largest trace and on a common network.
# $LAYRUB is the command, $MEASURE tests/measure; `make bench` sets both.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# row LIMIT_S LIMIT_MIB LABEL COMMAND...: a dash is no limit.
row() {
	seconds=$1 mebibytes=$2 label=$3
	shift 3
	figures=$("$MEASURE" "$@" 2>"$work/err") || { cat "$work/err" >&2; exit 1; }
	echo "$figures" | awk -v label="$label" -v s="$seconds" -v m="$mebibytes" '{
		over = (s != "-" && $1 > s) || (m != "-" && $3 > m) ? "  over" : ""
		printf "%-40s %8.3f s %8.3f s %8.1f MiB   limit %4s s %4s MiB%s\n", label, $1, $2, $3, s, m, over
	}'
}

printf '%-40s %10s %10s %12s\n' command wall processor memory
big="$work/resnet1517.plan.json"
small="$work/resnet50.plan.json"

row - - "info graphs/resnet1517" "$LAYRUB" info graphs/resnet1517
row 2 300 "plan graphs/resnet1517 --policy keep" "$LAYRUB" plan graphs/resnet1517 --device h200 --policy keep -o "$big"
row 0.5 300 "check" "$LAYRUB" check "$big"
row 2 300 "simulate" "$LAYRUB" simulate "$big"
row 2 300 "plan graphs/resnet1517 --policy layrub" "$LAYRUB" plan graphs/resnet1517 --device h200 --policy layrub -o "$big"
row 0.5 300 "check" "$LAYRUB" check "$big"
row 2 300 "simulate" "$LAYRUB" simulate "$big"
row 0.1 - "plan graphs/resnet50 --policy keep" "$LAYRUB" plan graphs/resnet50 --device h200 --policy keep -o "$small"
row 0.1 - "plan graphs/resnet50 --policy layrub" "$LAYRUB" plan graphs/resnet50 --device h200 --policy layrub -o "$small"
row 0.1 - "check" "$LAYRUB" check "$small"
row 0.1 - "simulate" "$LAYRUB" simulate "$small"
row 0.1 - "info resnet50" "$LAYRUB" info resnet50
row - - "info caffe/resnet1517 --batch 16" "$LAYRUB" info caffe/resnet1517 --batch 16
row - - "plan caffe/resnet1517 --batch 16" "$LAYRUB" plan caffe/resnet1517 --batch 16 --device k40m -o "$big"
row 10 - "sweep resnet50, 1,000 links of one plan" "$LAYRUB" sweep resnet50 --device rtx4090 --budget 50% --link 0.1GB/s:100GB/s:0.1GB/s -o "$work/sweep.jsonl"
row - 64 "sweep resnet18, 10,000 links of one plan" "$LAYRUB" sweep resnet18 --device rtx4090 --policy layrub --link 0.01GB/s:100GB/s:0.01GB/s -o "$work/many.jsonl"
