#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Floors over budgets: steps up in budget that make the step slower by more than 0.01 %, each budget in a run of its own.
# $LAYRUB is the command; `make bench-floors` sets it.  GRAPHS, STEPS (budgets a graph) and SPARE (the part of the way from the least
# budget to the peak that is left out at its low end, in percent) choose a part; ARGUMENTS go to every plan.
set -eu
: "${LAYRUB:=./layrub}"
: "${GRAPHS:=alexnet:h100 vgg16:h100 unet:h100 googlenet:k40m resnet18:k40m resnet50:k40m densenet121:k40m graphs/gpt2:h100 graphs/vit_b_16:h100 graphs/resnet50:h100}"
: "${STEPS:=200}" "${SPARE:=10}" "${ARGUMENTS:=}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

field() {	# NAME FILE
	sed -n "s/^ *\"$1\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}\$/\1/p" "$2"
}

printf '%-28s %8s %6s %8s %8s %10s %10s\n' graph budgets plans slower worst 'mean gap' 'mean time'
for row in $GRAPHS; do
	graph=${row%:*} device=${row#*:}
	"$LAYRUB" info "$graph" --device "$device" --json >"$work/info"
	least=$(field bound_bytes "$work/info") peak=$(field peak_bytes "$work/info")
	i=0
	: >"$work/rows"
	while [ "$i" -lt "$STEPS" ]; do
		budget=$(awk -v l="$least" -v p="$peak" -v i="$i" -v n="$STEPS" -v s="$SPARE" \
			'BEGIN { low = l + (p - l) * s / 100; printf "%.0f", low + (p - low) * i / (n - 1) }')
		# shellcheck disable=SC2086
		"$LAYRUB" plan "$graph" --device "$device" --budget "$budget" --json $ARGUMENTS >"$work/plan" 2>/dev/null || :
		echo "$budget $(field step_time_us "$work/plan") $(field gap "$work/plan") $(field plan_time_s "$work/plan")" >>"$work/rows"
		i=$((i + 1))
	done
	awk -v name="$graph $device" -v n="$STEPS" 'NF == 4 {
		plans++
		if (plans > 1 && $2 > last * 1.0001) { slower++; if ($2 / last - 1 > worst) worst = $2 / last - 1 }
		last = $2; gap += $3; time += $4
	} END { printf "%-28s %8d %6d %8d %7.2f%% %9.2f%% %8.2f s\n", name, n, plans, slower, 100 * worst, 100 * gap / plans, time / plans }' "$work/rows"
done
