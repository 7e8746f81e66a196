#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Digests of the program's answers: a line "PLAN SAID POINT" for each training step, device, policy and budget.
# PLAN is the digest of the plan's bytes, without its version, its tool and the name of its configuration, or the exit status where there is no
# plan.  SAID is the digest of the messages; for one plan of each step also of the outputs of info, check, simulate, explain and report.
# A change that only moves or renames code leaves every line as it was, a change of wording only the second column:
#	tests/digests.sh ./layrub >before; ...; tests/digests.sh ./layrub | diff before -
# A second argument is a pattern of points.  Deep networks have one budget, ilp only graphs that it solves before its time limit.
set -eu
LAYRUB=$(realpath "${1:-./layrub}")
: "${LAYRUB_DATA:=$(cd "$(dirname "$0")/.." && pwd)/networks}"
: "${JOBS:=$(getconf _NPROCESSORS_ONLN)}"
OMP_NUM_THREADS=1
export LAYRUB LAYRUB_DATA OMP_NUM_THREADS

steps() {
	(cd "$LAYRUB_DATA" && ls -S -r ./*.json caffe/*.json graphs/*.graph.json) | grep -v schema |
	    sed 's,^\./,,; s,\.graph\.json$,,; s,\.json$,,'
}

points() {
	policies=$("$LAYRUB" list policies --json | sed -n 's/.*"name": "\([^"]*\)".*/\1/p' | grep -v '^ilp$')
	for step in $(steps); do
		for device in h100 k40m; do
			budgets="90% 60% 35%"
			case $step in *resnet1001 | *resnet1517 | *resnet2504) budgets=60% ;; esac
			for budget in $budgets; do
				for policy in $policies; do
					echo "$step $device $budget $policy"
				done
			done
			for lowering in framework caffe; do
				case $step in graphs/* | caffe/*) ;; *) echo "$step $device 90% keep --lowering $lowering" ;; esac
			done
			echo "$step $device 70% hybrid --reorder updates"
			echo "$step $device 60% layrub said"
		done
	done
	for step in alexnet caffe/alexnet unet vgg16; do
		echo "$step k40m 95% ilp"
	done
}

short() {
	sha256sum | cut -c 1-16
}

# digest STEP DEVICE BUDGET POLICY [OPTION...]
digest() {
	step=$1 device=$2 budget=$3 policy=$4
	shift 4
	name="$step $device $budget $policy $*"
	said=no
	[ "$*" != said ] || { said=yes; shift; }
	case $step in graphs/*) set -- "$@" --times scaled ;; esac
	work=$(mktemp -d)
	status=0
	"$LAYRUB" plan "$step" --device "$device" --budget "$budget" --policy "$policy" "$@" -o "$work/plan" >/dev/null 2>"$work/err" || status=$?
	if [ $said = yes ] && [ "$status" -eq 0 ]; then
		cd "$work"
		"$LAYRUB" info "$step" --device "$device" >info
		"$LAYRUB" check plan >check
		"$LAYRUB" simulate plan >simulate
		"$LAYRUB" explain plan >explain
		"$LAYRUB" report plan -o trace.json >/dev/null
		"$LAYRUB" report plan -o picture.svg --keep >/dev/null
		rm -f picture.svg
	fi
	cd "$work"
	plan=status-$status
	# A plan's tool has a version; a plan's version follows from its provenance, and the configuration that won is a name.
	[ ! -f plan ] || plan=$(sed '/^ "version": /d; /^ "tool": /d; /^ "provenance": /,/^ "arena_bytes": /{ /^  "configuration": /d; }' plan | short)
	rm -f plan
	printf '%-16s %s %s\n' "$plan" "$(cat -- * | short)" "$name"
	rm -rf "$work"
}

if [ "${2:-}" = point ]; then
	shift 2
	digest "$@"
else
	points | grep -E -- "${2:-.}" | xargs -P "$JOBS" -L 1 sh "$0" "$LAYRUB" point | LC_ALL=C sort -k 3
fi
