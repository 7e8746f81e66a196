#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# layrub place: lists of buffers in, offsets out.
# LAYRUB_GOLDEN=update rewrites tests/golden instead of comparing with it.
# shellcheck source=lib.sh
. "${LAYRUB_TESTS:-tests}/lib.sh"

hard_lists=$PWD/tests/hard_lists
cp "$LAYRUB_TESTS"/bad-csv/*.csv "$work" || exit 1
cd "$work" || exit 1

# ---- bad files ----

: >bad
for f in *.csv; do
	run place "$f" -o made
	cat err >>bad
	[ $status -eq 2 ] && [ ! -s out ] && [ "$(wc -l <err)" -eq 1 ] && [ ! -e made ] && grep -q "^layrub: $f: " err
	ok $? "$f: status 2, one line on stderr, nothing else"
done
if [ "${LAYRUB_GOLDEN:-}" = update ]; then
	cp bad "$golden/bad-csv.txt"
fi
diff -u "$golden/bad-csv.txt" bad >out 2>&1
ok $? "what bad lists are answered"
run place no-such.csv
[ $status -eq 2 ]
ok $? "a file that is not there"
run place .
[ $status -eq 2 ]
ok $? "a folder is no list"
run place id-twice.csv --max-input 10
[ $status -eq 2 ]
ok $? "a list over --max-input"
for call in "--time-limit 0" "--time-limit x" "--capacity 12G" "--placement best"; do
	# shellcheck disable=SC2086
	run place size-text.csv $call
	[ $status -eq 2 ] && [ "$(wc -l <err)" -ge 1 ]
	ok $? "place $call: a mistake of usage"
done

# ---- lists as people write them ----

# The five buffers of a list whose bound, 14, is worked out in tests/placement.c.
printf 'id,lower,upper,size\nA,0,2,8\nB,1,4,6\nC,3,5,4\nD,2,4,2\n' >good
run place good --json -o placed
[ $status -eq 0 ] && [ "$(field arena_bytes)" = 14 ] && [ "$(field lower_bound_bytes)" = 14 ] &&
    [ "$(field status)" = optimal ] && [ "$(field buffers)" = 4 ] && [ -n "$(field time_s)" ]
ok $? "a list, and its result's names"
[ "$(cut -d , -f 1-4 placed)" = "$(cat good)" ] && [ "$(sed -n 1p placed)" = id,lower,upper,size,offset ]
ok $? "the same lines come out, in the same order"
run place placed --json
[ $status -eq 0 ] && [ "$(field arena_bytes)" = 14 ]
ok $? "and are a list, all given"
run place good -o -
cmp -s out placed && grep -q '^arena ' err
ok $? "offsets to standard output, the table to standard error"
run place good
[ $status -eq 0 ] && grep -q '^status .*optimal' out
ok $? "a table for people"
"$LAYRUB" place - --json <good >out 2>err
[ "$(field arena_bytes)" = 14 ]
ok $? "a list from standard input"
{ printf '\357\273\277'; sed 's/$/\r/' good | head -c -2; } >crlf
run place crlf -o crlf-placed
cmp -s crlf-placed placed
ok $? "CRLF, a byte order mark, no last line end"
sed 's/,/ ,\t/g; $s/$/\n\n/' good >blanks
run place blanks --json
[ "$(field arena_bytes)" = 14 ]
ok $? "blanks around cells, empty lines"
awk -F, -v OFS=, '{ print $4, $1, $3, $2 }' good >turned
run place turned --json
[ "$(field arena_bytes)" = 14 ]
ok $? "columns in another order"
printf 'id,lower,upper,size\n' >none
run place none --json -o none-placed
[ $status -eq 0 ] && [ "$(field arena_bytes)" = 0 ] && [ "$(cat none-placed)" = id,lower,upper,size,offset ]
ok $? "a list of nothing"
printf 'id,lower,upper,size\na,-9223372036854775808,9223372036854775807,4611686018427387903\nb,-5,5,1\n' >wide
run place wide --json
[ $status -eq 0 ] && [ "$(field arena_bytes)" = 4611686018427387904 ]
ok $? "times and sizes of 64 bits"
printf 'buffer_id,start,end,size,hint\na,0,3,4,-1\nb,3,5,4,7\nc,4,4,2,\n' >inclusive
run place inclusive --json -o inclusive-placed
[ $status -eq 0 ] && [ "$(field arena_bytes)" = 8 ] && [ "$(sed -n 1p inclusive-placed)" = buffer_id,start,end,size,hint,offset ]
ok $? "the other names of MiniMalloc's columns: end is the last time of a life"
printf 'id,lower,upper,size,gaps\na,0,3,4,1-2\n' >gap
run place gap --json
[ $status -eq 0 ] && [ "$(field arena_bytes)" = 4 ] && [ "$(field status)" = optimal ]
ok $? "a gap in the life of the only buffer"
printf 'id,lower,upper,size,gaps\na,0,10,4,2-8\nb,3,7,4,\nc,0,10,2,\n' >gaps
run place gaps --json -o gaps-placed
[ $status -eq 0 ] && [ "$(field arena_bytes)" = 6 ] && [ "$(field status)" = optimal ]
ok $? "a gap in a life is room for another buffer"
run place gaps-placed --json
[ $status -eq 0 ] && [ "$(field arena_bytes)" = 6 ]
ok $? "and the offsets are a list, all given"
run place gaps --json --capacity 5
[ $status -eq 1 ] && grep -q "6 are needed at least, 1 more; at time 0 'a', 'c' need 6\"" err
ok $? "the moment and the buffers that prove it, with gaps"
run place gaps --json --placement by-size
[ $status -eq 0 ] && [ "$(field arena_bytes)" = 10 ]
ok $? "the other placements see no gaps"
printf 'id,start,end,size,gaps\na,0,9,4,2-7@0:2\nb,3,7,4,\n' >window
run place window --json -o window-placed
[ "$(field arena_bytes)" = 6 ] && [ "$(cut -d , -f 6 window-placed | tr '\n' ' ')" = 'offset 0 2 ' ]
ok $? "a gap in which some of the bytes are taken, with inclusive ends"
printf 'id,lower,upper,size,alias,distance\na,0,6,8,,\nv,4,9,2,a,4\nw,7,9,6,,\nx,0,6,1,,\n' >aliases
run place aliases --json -o alias-placed
[ "$(field arena_bytes)" = 10 ] && awk -F, '{ at[$1] = $7 } END { exit at["v"] != at["a"] + 4 }' alias-placed
ok $? "an alias shares the bytes of its buffer, and lives on alone"
run place alias-placed --json
[ $status -eq 0 ] && [ "$(field arena_bytes)" = 10 ]
ok $? "also with all offsets given"
printf 'id,lower,upper,size\na,0,3,4\nb,3,5,4\n' >touching
for ends in exclusive:4 inclusive:8; do
	run place touching --json --ends "${ends%:*}"
	[ $status -eq 0 ] && [ "$(field arena_bytes)" = "${ends#*:}" ]
	ok $? "--ends ${ends%:*}"
done
"$hard_lists" pinwheel 300 3 >hard && run place hard -o hard-placed --placement by-size && sed '1s/offset/hint/' hard-placed >hinted
run place hinted --json --placement auto
[ "$(field arena_bytes)" -le "$(cut -d , -f 4,6 hinted | awk -F, 'NR > 1 && $1 + $2 > m { m = $1 + $2 } END { print m }')" ]
ok $? "hints for all buffers: never worse than the placement that they are"
"$hard_lists" cut 96 5 >hard && sed '1s/offset/hint/' hard | awk -F, -v OFS=, 'NR > 1 { $6 = -1 } 1' >hinted
run place hinted --json
[ $status -eq 0 ]
ok $? "a hint of -1 is none"
printf 'id,lower,upper,size,alignment,offset\na,0,9,100,256,\nb,0,9,100,256,1024\nc,0,9,10,,\n' >given
run place given -o given-placed --json
[ $status -eq 0 ] && [ "$(field arena_bytes)" = 1124 ] && grep -q '^b,0,9,100,256,1024$' given-placed &&
    awk -F, 'NR > 1 && $5 != "" && $6 % $5 { exit 1 }' given-placed
ok $? "alignments and given offsets"

# ---- idealloc's binary lists ----

# record ID BIRTH DEATH SIZE HEAP OFFSET ALIGNMENT REQUESTED: numbers below 2^16, each in eight bytes, the highest first.
record() {
	for n; do
		# shellcheck disable=SC2059
		printf "$(printf '\\000\\000\\000\\000\\000\\000\\%03o\\%03o' $((n / 256)) $((n % 256)))"
	done
}
{ record 0 0 2 8 7 0 0 8; record 1 1 4 6 7 8 2 5; record 2 3 5 4 7 0 64 4; record 3 2 4 2 7 14 0 2; } >good.plc
run place good.plc --json -o placed.csv
[ $status -eq 0 ] && [ "$(field arena_bytes)" = 14 ] && [ "$(field status)" = optimal ] && [ "$(field buffers)" = 4 ]
ok $? "a list of records"
[ "$(cut -d , -f 1-6 placed.csv)" = "id,lower,upper,size,alignment,hint
0,0,2,8,,0
1,1,4,6,2,8
2,3,5,4,64,0
3,2,4,2,,14" ]
ok $? "its offsets are hints, and it is written as a text"
run place placed.csv --json
[ $status -eq 0 ] && [ "$(field arena_bytes)" = 14 ]
ok $? "that is a list, all given"
run place good.plc --json --ends inclusive
[ $status -eq 0 ] && [ "$(field arena_bytes)" = 16 ]
ok $? "with inclusive ends"
# bad_plc MESSAGE: the records in bad.plc are refused.
bad_plc() {
	run place bad.plc -o made.csv
	[ $status -eq 2 ] && [ "$(cat err)" = "layrub: bad.plc: $1" ] && [ ! -e made.csv ]
	ok $? "refused: $1"
}
head -c 200 good.plc >bad.plc
bad_plc "record 4: expected records of 64 bytes, got 8 bytes at the end"
{ head -c 64 good.plc; record 0 1 2 3 7 0 0 0; } >bad.plc
bad_plc "record 2: id: '0' stands in record 1, too"
{ head -c 64 good.plc; record 1 1 2 3 6 0 0 0; } >bad.plc
bad_plc "record 2: expected one heap, got 7 and 6"
{ head -c 64 good.plc; record 1 1 1 3 7 0 0 0; } >bad.plc
bad_plc "record 2: upper: expected more than 'lower', because a life ends just before \
'upper' (with --ends inclusive or in a column 'end': with it), got '1'"
{ head -c 64 good.plc; record 1 1 2 0 7 0 0 0; } >bad.plc
bad_plc "record 2: size: expected a whole number from 1 to 2^62, got '0'"
{ head -c 64 good.plc; printf '\001'; record 1 1 2 3 7 0 0 0 | head -c 63; } >bad.plc
bad_plc "record 2: expected an id of 32 bits, got 72057594037927936: no list of idealloc, or a byte is missing"

# ---- capacities ----

run place good --json --capacity 14
[ $status -eq 0 ] && [ "$(field status)" = optimal ]
ok $? "a capacity that is just enough"
run place good --json --capacity 1kB
[ $status -eq 0 ] && [ "$(field arena_bytes)" -le 1000 ]
ok $? "a roomy one"
run place good --json --capacity 13 -o best
[ $status -eq 1 ] && [ "$(field status)" = infeasible ] && [ "$(field arena_bytes)" = 14 ] && [ -s best ] && [ "$(wc -l <err)" -eq 1 ]
ok $? "one under the bound: status 1, infeasible, the best arena is still given"
run place given --json --capacity 1000
[ $status -eq 1 ] && [ "$(field status)" = infeasible ]
ok $? "one under a given offset"
run place good --json --capacity 13 --placement first-fit
[ $status -eq 1 ]
ok $? "the same of another placement"

run place good --json --capacity 13
grep -q "14 are needed at least, 1 more; at time 1 'A', 'B' need 14\"" err
ok $? "the moment and the buffers that prove it"
run place given --json --capacity 1000
grep -q "1124 are needed at least, 124 more; at time 0 'b' need 1124\"" err
ok $? "a given offset that proves it"
# Two buffers of 4 that cannot lie side by side below the given one: only the search proves that 7 is too little.
printf 'id,lower,upper,size,offset\ng,0,4,2,3\na,0,4,2,\nb,0,4,2,\n' >narrow
run place narrow --json --capacity 6
[ $status -eq 1 ] && [ "$(field status)" = infeasible ] && [ "$(field lower_bound_bytes)" = 7 ] && [ "$(field arena_bytes)" = 7 ]
ok $? "a proof by the search"

# ---- cases with a known answer ----

# answer ARENA PLACEMENT: the buffers on standard input, alignment and offset given, need ARENA by PLACEMENT.
answer() {
	{ echo id,lower,upper,size,alignment,offset; cat; } >case
	run place case --placement "$2" --json
	[ $status -eq 0 ] && [ "$(field arena_bytes)" = "$1" ]
	ok $? "$2: an arena of $1"
}
answer 1 boxing <<'END'
b0,7,9,1,2,
END
answer 5 exact <<'END'
b0,3,7,1,4,
b1,5,11,2,4,
END
answer 136 auto <<'END'
p1,0,10,10,1,0
p2,0,10,32,1,64
dyn,0,10,40,32,
END
for row in $("$LAYRUB" list placements | cut -d ' ' -f 1); do
	[ "$row" = ilp ] || answer 180 "$row" <<'END'
A,0,2,100,,
B,1,3,80,,
C,2,4,60,,
END
done
# Cut from a perfect placement of 4096 bytes, a fifth with its offset.
for list in fixed32 fixed-capacity; do
	for capacity in "" "--capacity 4096"; do
		# shellcheck disable=SC2086
		run place "$LAYRUB_TESTS/data/place-$list.csv" --json $capacity
		[ $status -eq 0 ] && [ "$(field arena_bytes)" = 4096 ] && [ "$(field status)" = optimal ]
		ok $? "$list $capacity: a perfect placement with given offsets"
	done
done

answer 4 auto <<'END'
a,-9223372036854775808,0,4,,
END
# The buffers of alexnet on an h200 by the policy `keep`; one byte under the need, the need is still told.
for capacity in "" "--capacity 2624143872" "--capacity 2624143871"; do
	# shellcheck disable=SC2086
	run place "$LAYRUB_TESTS/data/place-alexnet-keep.csv" --json $capacity
	[ "$(field arena_bytes)" = 2624143872 ] && [ "$(field lower_bound_bytes)" = 2624143872 ]
	ok $? "alexnet $capacity: the smallest arena"
done

# Rectangles of a known height, some buffers with their offsets.
missed=0
for kind in cut pinwheel; do
	for size in "12 10" "24 40" "48 20" "96 20" "200 20"; do
		for seed in 1 2; do
			# shellcheck disable=SC2086
			set -- $size
			"$hard_lists" $kind "$1" $seed "$2" >hard || exit 1
			[ "$1" -gt 100 ] && height=4194304 || height=4096
			run place hard --json
			[ "$(field arena_bytes)" = "$height" ] && [ "$(field status)" = optimal ] || missed=$((missed + 1))
		done
	done
done
[ $missed -eq 0 ]
ok $? "perfect placements with given offsets are found ($missed of 20 are not)"
"$hard_lists" cut 200 4 10 >hard && run place hard --json
[ "$(field arena_bytes)" = 4194304 ] && [ "$(field status)" = optimal ]
ok $? "few given offsets, which force their neighbours: the gaps between them are filled"
"$hard_lists" sync 200 1 >hard && run place hard --json
[ $status -eq 0 ]
ok $? "threads that meet"
"$hard_lists" awkward 2000 1 >hard && run place hard --json
[ $status -eq 0 ] && [ $(($(field arena_bytes) * 50)) -le $(($(field lower_bound_bytes) * 51)) ]
ok $? "log-uniform sizes with exponential lifetimes: at most 2 % over the bound"

# ---- every placement ----

awk 'BEGIN { srand(5); print "id,lower,upper,size"
    for (i = 0; i < 60; i++) { l = int(rand() * 40); print i "," l "," l + 1 + int(rand() * 8) "," 1 + int(rand() * 50) } }' >some
"$LAYRUB" list placements | cut -d ' ' -f 1 >rows
while read -r row; do
	run place some --placement "$row" --json -o once
	cp err said
	first=$status
	run place some --placement "$row" -o twice
	if [ "$first" -eq 0 ]; then
		cmp -s once twice
	else
		[ "$first" -eq 1 ] && grep -q "does not handle" said
	fi
	ok $? "$row: the same bytes twice, or a reason why not"
done <rows
run place some --time-limit 200ms --json
[ $status -eq 0 ]
ok $? "a time limit"
run place good -o /dev/full
[ $status -eq 3 ]
ok $? "a full disk"
run place good -o no/such/folder
[ $status -eq 3 ]
ok $? "a folder that is not there"
done_testing
