#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Pictures of real plans: a trace planned, drawn as SVG and PNG.
set -u
: "${LAYRUB:=$PWD/layrub}" "${LAYRUB_DATA:=$PWD/networks}"
export LAYRUB_DATA
if ! command -v gnuplot >/dev/null 2>&1; then
	echo "1..0 # SKIP gnuplot is not installed"
	exit 0
fi
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
count=0

ok() {	# STATUS NAME
	count=$((count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $count - $2"
	else
		echo "not ok $count - $2"
		sed 's/^/# /' "$work/err"
	fi
}

# Run the command; its $status and $work/err stay.
run() {
	status=0
	"$LAYRUB" "$@" >"$work/out" 2>"$work/err" </dev/null || status=$?
}

is() {	# NAME WANT
	if [ "$status" -eq "$2" ]; then
		ok 0 "$1"
	else
		ok 1 "$1: status $status, want $2"
	fi
}

check() {	# NAME COMMAND...
	name=$1
	shift
	if "$@" >/dev/null 2>&1; then
		ok 0 "$name"
	else
		ok 1 "$name"
	fi
}

under() {	# FILE BYTES
	[ "$(wc -c <"$1")" -lt "$2" ]
}

run plan graphs/resnet50 --device h200 --policy keep -o "$work/probe.json"
run report "$work/probe.json" -o "$work/probe.svg"
if grep 'built without gnuplot' "$work/err" >/dev/null; then
	echo "1..0 # SKIP built without gnuplot"
	exit 0
fi
for policy in keep layrub; do
	plan=$work/$policy.plan.json
	run plan graphs/resnet50 --device h200 --policy "$policy" -o "$plan"
	is "resnet50's trace is planned by $policy" 0
	run report "$plan" -o "$work/$policy.svg"
	is "$policy: drawn as svg" 0
	check "$policy: it is an svg" grep '<svg' "$work/$policy.svg"
	check "$policy: it is whole" grep '</svg>' "$work/$policy.svg"
	check "$policy: it names the network and the policy" grep "resnet50.*policy $policy" "$work/$policy.svg"
	check "$policy: it has a legend of memory by kind" grep 'activation, up to' "$work/$policy.svg"
	check "$policy: it is below 2 MB" under "$work/$policy.svg" 2000000
	run report "$plan" -o "$work/$policy.png"
	is "$policy: drawn as png" 0
	head -c 4 "$work/$policy.png" >"$work/head" 2>/dev/null
	printf '\211PNG' >"$work/want"
	check "$policy: it is a png" cmp "$work/head" "$work/want"
done
check "layrub's stalls are in its picture" grep 'stall [0-9]' "$work/layrub.svg"

plan=$work/keep.plan.json
run report "$plan" -o "$work/x.gif"
is "an unknown suffix is bad usage" 2
check "and leaves no file" test ! -e "$work/x.gif"
run report "$plan" -o "$work/none/x.svg"
is "a folder that is not there is the system's failure" 3
run report "$work/nothing.json" -o "$work/x.svg"
is "a plan that is not there is bad input" 2
check "which leaves no file" test ! -e "$work/x.svg"
cp "$work/keep.svg" "$work/before"
run report "$plan" -o "$work/keep.svg"
check "the same plan makes the same picture" cmp "$work/keep.svg" "$work/before"
echo "1..$count"
