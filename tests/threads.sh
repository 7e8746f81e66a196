#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every command with threads, on small inputs: one thread and four give the same bytes.  A build with --enable-tsan also looks for races.
. "${LAYRUB_TESTS:-tests}/lib.sh"
cd "$work" || exit 1
deep=$LAYRUB_TESTS/data/replay-deep.json
awk 'BEGIN { print "id,lower,upper,size"; for (i = 0; i < 120; i++) { l = (i * 37) % 50; print i "," l "," l + 3 + i * i % 23 "," 256 * (1 + i * i % 91) } }' >list.csv

# same NAME ARGUMENT...: with one thread and with four, into the file OUT.
same() {
	name=$1
	shift
	for threads in 1 4; do
		run_this env OMP_NUM_THREADS=$threads "$@"
		is 0 "$name with $threads threads"
		mv OUT "out.$threads"
	done
	[ -s out.1 ] && cmp out.1 out.4 >err 2>&1
	ok $? "$name: the same bytes"
}

same "plan, hybrid" "$LAYRUB" plan "$deep" --device h100 --budget 75% --policy hybrid -o OUT
mv out.4 plan.json
same "place, exact" "$LAYRUB" place list.csv --placement exact -o OUT
same "sweep, ordered" "$LAYRUB" sweep "$deep" --device h100 --policy layrub,keep --link 1GB/s:9GB/s:0.5GB/s --ordered -o OUT
run_this "$LAYRUB_REPLAY" --backend host plan.json --steps 2 --jitter 100 --seeds 10
is 0 "replay: three queues and their delays"
done_testing
