# SPDX-License-Identifier: Apache-2.0
# The helpers of the shell tests: each begins with `. "${LAYRUB_TESTS:-tests}/lib.sh"` and ends with `done_testing`.
# $work is a folder of the test's own; the last run's standard output and error are $work/out and $work/err.
# shellcheck shell=sh disable=SC2034,SC2119,SC2120
set -u
: "${LAYRUB:=$PWD/layrub}" "${LAYRUB_REPLAY:=$PWD/layrub-replay}" "${LAYRUB_TESTS:=$PWD/tests}" "${LAYRUB_DATA:=$PWD/networks}"
export LAYRUB LAYRUB_REPLAY LAYRUB_TESTS LAYRUB_DATA
golden=$LAYRUB_TESTS/golden
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
count=0 status=0

diag() {
	sed 's/^/# /' "$@"
}

ok() {	# STATUS NAME: 0 passes; else the output of the last run is shown
	count=$((count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $count - $2"
	else
		echo "not ok $count - $2"
		[ ! -s "$work/err" ] || head -n 40 "$work/err" | diag
	fi
}

skip() {	# NAME REASON
	count=$((count + 1))
	echo "ok $count - $1 # SKIP $2"
}

skip_all() {	# REASON
	echo "1..0 # SKIP $1"
	exit 0
}

# Runs the command or, with run_this, any other one; sets $status, out and err.
run() {
	run_this "$LAYRUB" "$@"
}

run_this() {
	status=0
	"$@" >"$work/out" 2>"$work/err" </dev/null || status=$?
}

is() {	# STATUS NAME: of the last run
	[ "$status" -eq "$1" ]
	ok $? "$2: status $1 (got $status)"
}

answers() {	# STATUS NAME ARGUMENT...: run and is
	want=$1 name=$2
	shift 2
	run "$@"
	is "$want" "$name"
}

holds() {	# TEXT FILE NAME
	grep -qF -- "$1" "$2"
	ok $? "$3"
}

# A member of the JSON document in out that stands on a line of its own.
field() {
	sed -n "s/^ *\"$1\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}\$/\1/p" "$work/out"
}

done_testing() {
	echo "1..$count"
}
