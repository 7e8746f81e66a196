#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The batches of layrub fit against a scan of batches one by one: a batch above the answer that has a plan, too, was missed.
# $LAYRUB is the command; `make bench-fit` sets it.  NETWORKS and DEVICES choose a part; STEPS are the batches above each answer, each one part in
# 64 (below 64: one) larger than the last.  The scan's plans are as quick as fit's own.
set -eu
: "${LAYRUB:=./layrub}" "${STEPS:=8}"
: "${NETWORKS:=alexnet vgg16 googlenet resnet18 resnet34 resnet50 densenet121 unet vit-b16 gpt2 bert-large convnext-tiny}"
: "${DEVICES:=k40m gtx1080ti v100 rtx4090}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

inside() {	# OBJECT FIELD
	sed -n "s/^ *\"$1\": {.*\"$2\": \([^,}]*\).*/\1/p" "$work/fit"
}

# Prints the overhead of a plan, or nothing.
overhead() {	# NETWORK DEVICE BATCH ARGUMENT...
	network=$1 device=$2 batch=$3
	shift 3
	"$LAYRUB" plan "$network" --device "$device" --batch "$batch" --json "$@" 2>/dev/null | sed -n 's/^ *"overhead": \([^,]*\).*/\1/p'
}

printf '%-16s %-12s %9s %9s %9s %9s %8s\n' network device resident next planned scan time
for network in $NETWORKS; do
	for device in $DEVICES; do
		begin=$(date +%s)
		"$LAYRUB" fit "$network" --device "$device" --batch 1 --json >"$work/fit" 2>/dev/null || :
		seconds=$(($(date +%s) - begin))
		resident=$(inside largest_resident batch) planned=$(inside largest_planned batch)
		next=no
		[ -z "$(overhead "$network" "$device" $((resident + 1)) --policy keep)" ] || next=fits
		grain=$((planned < 64 ? 1 : planned / 64)) most=$planned i=1
		while [ "$i" -le "$STEPS" ]; do
			batch=$((planned + i * grain))
			awk -v o="$(overhead "$network" "$device" "$batch" --effort 0.1)" 'BEGIN { exit !(o != "" && o <= 0.25) }' </dev/null && most=$batch
			i=$((i + 1))
		done
		printf '%-16s %-12s %9s %9s %9s %9s %6s s\n' "$network" "$device" "$resident" "$next" "$planned" "$most" "$seconds"
	done
done
