#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Ctrl-C: a search with an answer writes it and ends with status 0, one without ends by the signal.  Then streams that fail: closed
# pipes, full devices, streams that the parent closed.
# strace sends the signal at an exact place; without it those are skipped.
# A background job and its children ignore Ctrl-C: the test starts itself again with the default effect.
if [ -z "${LAYRUB_SIGNALS-}" ] && env --default-signal=INT,TERM true 2>/dev/null; then
	LAYRUB_SIGNALS=default exec env --default-signal=INT,TERM sh "$0" "$@"
fi
# shellcheck source=lib.sh
. "${LAYRUB_TESTS:-tests}/lib.sh"
cd "$work" || exit 1
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0"
net=$LAYRUB_TESTS/data/replay-cnn.json

"$LAYRUB" plan "$net" --device h100 --policy layrub -o plan.json >out 2>err || { diag err; exit 1; }
# Placed exactly only after a long search.
awk 'BEGIN { print "id,lower,upper,size"; for (i = 0; i < 400; i++) { l = (i * 37) % 90; print i "," l "," l + 3 + i * i % 23 "," 256 * (1 + i * i % 91) } }' >list.csv

# ---- Ctrl-C ----

# The Nth call of NAME in the last traced run that PATTERN matches the Mth time.
place() {	# NAME PATTERN M
	awk -v name="$1(" -v pattern="$2" -v m="$3" 'index($0, name) == 1 { n++; if ($0 ~ pattern && ++seen == m) { print n; exit } }' log
}

# Interrupt a command as soon as it watches for it, which is the same call in all of a program's commands ...
watches() {	# COMMAND ARGUMENT...
	run_this strace -o log "$@"
	place rt_sigaction 'SIGTERM, .sa_handler=0x' 1
}

interrupt() {	# SIGNAL CALL COMMAND ARGUMENT...
	signal=$1 n=$2
	shift 2
	run_this strace -o /dev/null -e inject="rt_sigaction:signal=$signal:when=$n" "$@"
}

# ... or half way through a search, which gives memory back after each evaluation.
interrupt_half_way() {	# COMMAND ARGUMENT...
	run_this strace -o log -e trace=munmap "$@"
	n=$(($(grep -c '^munmap' log) / 2))
	run_this strace -o /dev/null -e inject="munmap:signal=INT:when=$n" "$@"
}

said() {	# PATTERN NAME: on standard error
	grep -q -e "$1" err
	ok $? "$2"
}

shows() {	# PATTERN NAME: on standard output
	grep -q -e "$1" out
	ok $? "$2"
}

if ! strace -o log true 2>err; then
	skip "Ctrl-C at exact places" "no strace that may trace (Debian: strace)"
else
	begin=$(watches "$LAYRUB" plan "$net" --device h100 --policy keep)
	begin_replay=$(watches "$LAYRUB_REPLAY" --backend host plan.json --steps 1)
	for policy in hybrid ilp; do
		case $policy in ilp) "$LAYRUB" list policies | grep -q '^ilp' || continue ;; esac
		for signal in INT TERM; do
			rm -f cut.json
			interrupt $signal "$begin" "$LAYRUB" plan "$net" --device h100 --budget 85% --policy $policy -o cut.json
			is 0 "plan, $policy, $signal: the best so far is an answer"
			shows '^status  *time-limit' "its status says that it was cut short"
			run check cut.json
			is 0 "and it is sound"
		done
	done
	interrupt INT "$begin" "$LAYRUB" plan "$net" --device h100 --slowdown 10 -o cut.json --json
	is 0 "plan --slowdown: the smallest budget so far"
	said 'interrupted: a smaller budget may do' "says that it is not the smallest"
	[ "$(field status)" = heuristic ] && awk -v o="$(field overhead)" 'BEGIN { exit !(o <= 0.1) }'
	ok $? "its plan is made in full and as asked"
	interrupt INT "$begin" "$LAYRUB" compare "$net" --device h100 --budget 85%
	is 0 "compare: the rows so far"
	said 'interrupted: 1 of .* policies' "says that rows are missing"
	interrupt INT "$begin" "$LAYRUB" compare "$net" --device h100 --budget 85% --json
	[ "$(grep -c '"policy"' out)" -eq 1 ] && [ "$(field status)" = time-limit ]
	ok $? "and so does the row that was cut short"
	for placement in auto exact hill-climb; do
		rm -f placed.csv
		interrupt INT "$begin" "$LAYRUB" place list.csv --placement $placement --time-limit 50 -o placed.csv
		is 0 "place, $placement: the best so far"
		run place placed.csv --placement first-fit
		is 0 "and it is whole"
	done
	sed 's/"memory_bytes": [0-9]*/"memory_bytes": 600000000/; s/"reserved_bytes": [0-9]*/"reserved_bytes": 0/' "$LAYRUB_DATA/devices/k40m.json" >small.json
	interrupt INT "$begin" "$LAYRUB" fit resnet18 --device small.json --batch 4
	is 0 "fit: the answer that is known"
	said 'interrupted: larger sizes may fit' "says that the largest batch is not"
	shows 'at least batch 4' "names the largest so far"
	interrupt_half_way "$LAYRUB" fit resnet18 --device small.json --batch 4 --json
	is 0 "fit, later"
	[ "$(field status)" = time-limit ] && [ "$(sed -n 's/.*"largest_resident": {"batch": \([0-9]*\).*/\1/p' out)" -gt 4 ]
	ok $? "it has got further"
	interrupt INT "$begin" "$LAYRUB" fit resnet18 --device small.json --batch 100000
	[ "$status" -eq 130 ] && [ ! -s out ]
	ok $? "fit without an answer ends by the signal: status 130 (got $status)"

	grid="$net --device h100 --policy layrub --link 1GB/s:9GB/s:1GB/s --ordered"
	# shellcheck disable=SC2086
	run sweep $grid -o whole.jsonl
	# shellcheck disable=SC2086
	interrupt INT "$begin" "$LAYRUB" sweep $grid -o part.jsonl
	is 130 "sweep, at once"
	said 'interrupted with 0 of 9 points' "says how far it got"
	rm -f part.jsonl
	# shellcheck disable=SC2086
	run_this env OMP_NUM_THREADS=1 strace -o log "$LAYRUB" sweep $grid -o part.jsonl
	n=$(place write 'sweep-line' 4)
	rm -f part.jsonl
	# shellcheck disable=SC2086
	run_this env OMP_NUM_THREADS=1 strace -o /dev/null -e inject="write:signal=INT:when=$n" "$LAYRUB" sweep $grid -o part.jsonl
	is 130 "sweep, at its fourth point"
	said 'interrupted with 4 of 9 points' "says how far it got"
	head -n 4 whole.jsonl | cmp -s - part.jsonl
	ok $? "four whole lines are there"
	# shellcheck disable=SC2086
	run sweep $grid -o part.jsonl
	cmp -s whole.jsonl part.jsonl
	ok $? "and the same command goes on to the same bytes"

	interrupt INT "$begin_replay" "$LAYRUB_REPLAY" --backend host plan.json --steps 7 --trace t.json --json
	is 0 "replay: the steps so far"
	[ "$(field data_ok)" = true ] && [ "$(field steps)" -eq 1 ] && [ "$(tail -c 2 t.json)" = '}' ]
	ok $? "one is timed, and its timeline is whole"
	said 'interrupted' "says so"
	interrupt INT "$begin_replay" "$LAYRUB_REPLAY" --backend host plan.json plan.json --steps 7
	[ "$status" -eq 130 ] && [ "$(grep -c 'steps  *1 after' out)" -eq 1 ]
	ok $? "of two plans, one: status 130 (got $status)"
	# A background job of a script ignores Ctrl-C.
	n=$((begin - 1))
	run_this sh -c 'trap "" INT; exec "$@"' sh strace -o /dev/null -e inject="rt_sigaction:signal=INT:when=$n" "$LAYRUB" plan "$net" --device h100 --budget 85%
	is 0 "a program that was told to ignore Ctrl-C"
	shows '^status  *heuristic' "does"
fi

# ---- closed pipes, full devices, closed streams ----

sed -n 1,9p list.csv >short.csv
run sweep "$net" --device h100 --policy layrub --link 1GB/s:9GB/s:1GB/s -o results.jsonl
mkfifo pipe
while read -r program line; do
	command=$LAYRUB
	[ "$program" = layrub ] || command=$LAYRUB_REPLAY
	# shellcheck disable=SC2086,SC2046
	set -- $(echo "$line" | sed "s|NET|$net|")
	# The reader has gone when the program begins.
	(exec 3<pipe) &
	exec 4>pipe
	wait $!
	status=0
	sh -c 'trap "" PIPE; exec "$@"' sh "$command" "$@" >&4 2>err || status=$?
	exec 4>&-
	[ "$status" -eq 141 ] && [ ! -s err ]
	ok $? "$program $1, reader gone: ends quietly by the signal (status $status)"
	[ -w /dev/full ] || continue
	status=0
	"$command" "$@" >/dev/full 2>err || status=$?
	[ "$status" -eq 3 ] && [ "$(wc -l <err)" -eq 1 ] && grep -q "^$program: (standard output): cannot write: No space left on device\$" err
	ok $? "$program $1, device full: status 3 (got $status) and the reason"
	status=0
	"$command" "$@" >&- 2>err || status=$?
	[ "$status" -eq 3 ] && [ "$(wc -l <err)" -eq 1 ] && grep -q "^$program: (standard output): cannot write: Bad file descriptor\$" err
	ok $? "$program $1, stream closed: status 3 (got $status) and the reason"
done <<'END'
layrub --help
layrub --version
layrub list devices
layrub info NET
layrub info NET --json
layrub plan NET --device h100 --policy layrub
layrub plan NET --device h100 --policy layrub -o -
layrub compare NET --device h100
layrub fit NET --device h100
layrub check plan.json
layrub explain plan.json
layrub simulate plan.json --json
layrub place short.csv
layrub place short.csv -o -
layrub sweep NET --device h100 --policy layrub
layrub-replay --help
layrub-replay --backend host plan.json
layrub-replay --backend host plan.json --json
END

# Printed text does not land in a document whose file took the closed stream's descriptor.
"$LAYRUB" plan "$net" --device h100 --policy layrub -o closed.json >&- 2>err
cmp -s plan.json closed.json
ok $? "a plan written with standard output closed is the same"
"$LAYRUB" plan "$net" --device h100 --policy layrub -o closed.json <&- >&- 2>&-
cmp -s plan.json closed.json
ok $? "and with all three closed"
# shellcheck disable=SC2016
run_this sh -c '"$0" check - <&-' "$LAYRUB"
[ "$status" -ne 0 ] && [ -s err ]
ok $? "standard input closed: an error (status $status)"
done_testing
