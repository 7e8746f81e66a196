#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make check-valgrind: the commands on small documents under valgrind, which must find no bad access and no leak.
# Not in make check: it takes a minute.
set -u
: "${LAYRUB:=$PWD/layrub}" "${LAYRUB_REPLAY:=$PWD/layrub-replay}" "${LAYRUB_TESTS:=$PWD/tests}" "${LAYRUB_DATA:=$PWD/networks}"
export LAYRUB_DATA
if ! command -v valgrind >/dev/null 2>&1; then
	echo '1..0 # SKIP no valgrind'
	exit 0
fi
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
net=$LAYRUB_TESTS/data/replay-cnn.json
# OpenMP's library keeps its threads until the process ends.
OMP_NUM_THREADS=1
export OMP_NUM_THREADS
count=0

# clean WANTED COMMAND...: valgrind reports no error, and the exit status is WANTED.
clean() {
	want=$1
	shift
	count=$((count + 1)) status=0
	valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,indirect,possible --log-file=log \
	    "$@" >out 2>err </dev/null || status=$?
	shift
	if [ "$status" -eq "$want" ] && [ ! -s log ]; then
		echo "ok $count - $*"
	else
		echo "not ok $count - $*: status $status"
		sed 's/^/# /' log err | head -n 40
	fi
}

printf 'id,lower,upper,size\nA,0,2,8\nB,1,4,6\nC,3,5,4\nD,2,4,2\n' >list.csv
clean 0 "$LAYRUB" info "$net" --device h100
clean 0 "$LAYRUB" plan "$net" --device h100 --policy layrub -o plan.json
clean 0 "$LAYRUB" plan "$net" --device h100 --policy hybrid --budget 90% -o hybrid.json
clean 0 "$LAYRUB" plan "$net" --device k40m --policy checkpoint-dp --lowering caffe --json
clean 0 "$LAYRUB" check hybrid.json
clean 0 "$LAYRUB" simulate hybrid.json --json
clean 0 "$LAYRUB" explain hybrid.json
clean 0 "$LAYRUB" report hybrid.json -o trace.json
clean 0 "$LAYRUB" place list.csv -o placed.csv
clean 0 "$LAYRUB" sweep "$net" --device h100,k40m --policy keep,layrub --link 8GB/s,16GB/s -o results
clean 0 "$LAYRUB" sweep "$net" --device h100,k40m --policy keep,layrub --link 8GB/s,16GB/s -o results
clean 0 "$LAYRUB" list networks
clean 0 "$LAYRUB_REPLAY" hybrid.json --backend host --steps 1
clean 1 "$LAYRUB" plan "$net" --device h100 --budget 1KiB
for bad in plan-truncated network-cycle graph-bytes-sum device-curve-falls; do
	clean 2 "$LAYRUB" info "$LAYRUB_TESTS/bad/$bad.json" --device h100
done
clean 2 "$LAYRUB" place "$LAYRUB_TESTS/bad-csv/id-twice.csv"
echo "1..$count"
