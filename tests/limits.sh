#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Hostile input, small or large, is refused soon and within bounded memory.
. "${LAYRUB_TESTS:-tests}/lib.sh"
cd "$work" || exit 1

# The limit is on address space, where the shell can set it; sanitizers take terabytes of it.
limit=
# shellcheck disable=SC3045
if (ulimit -v 1500000 && "$LAYRUB" --version) >/dev/null 2>&1; then
	limit=1500000
else
	skip "at most 1.5 GB of memory" "this build needs more address space"
fi

# refused NAME TEXT ARGUMENT...: status 2, one line that says TEXT, within the limit.
refused() {
	name=$1 text=$2
	shift 2
	status=0
	(
		# shellcheck disable=SC3045
		[ -z "$limit" ] || ulimit -v $limit
		exec "$LAYRUB" "$@" --device h100 >out 2>err </dev/null
	) || status=$?
	[ "$status" -eq 2 ] && [ "$(wc -l <err)" -eq 1 ] && grep -qF -- "$text" err
	ok $? "$name: $(cut -c 1-120 err)"
}

# net LAYERS...: a network of an input and these layers.
net() {
	printf '{"format":"layrub-network","version":1,"name":"n","batch":%s,"layers":[{"name":"x","type":"input","shape":[3,8,8]},%s]}\n' \
	    "$1" "$2"
}

# ---- large ----

truncate -s 1G sparse
refused "1 GB of nothing" "expected at most 268435456 bytes (--max-input), got 1073741824" info sparse
status=0
"$LAYRUB" place sparse >out 2>err || status=$?
[ "$status" -eq 2 ] && grep -q 'expected at most 268435456 bytes (--max-input), got 1073741824' err
ok $? "a list of 1 GB: unread"
rm sparse
big() {	# TEXT [BYTES]: again and again, 100 MB of it
	yes "$1" | tr -d '\n' | head -c "${2:-100000000}"
}
(printf '['; big '{},') >objects
refused "empty objects" "expected a document that takes at most 8589934592 bytes of memory" info objects
rm objects
big '[' 10000000 >deep
refused "brackets" "maximum parsing depth" info deep
rm deep
(printf '"'; big 'a') >string
refused "one string" "not valid JSON" info string
rm string
(printf '{"point": "'; head -c 2000000 /dev/zero | tr '\0' 'a'; printf '"}\n') >results
status=0
"$LAYRUB" report results -o x.svg >out 2>err || status=$?
[ "$status" -ne 0 ] && [ "$(wc -l <err)" -eq 1 ] && [ ! -e x.svg ]
ok $? "a line of results of 2 MB: $(cut -c 1-120 err)"
net 1 '{"name":"c","type":"relu"}' >small
status=0
"$LAYRUB" sweep small --device h100 -o results >out 2>err || status=$?
[ "$status" -eq 2 ] && grep -q 'expected lines of less than 1048576 bytes' err && [ "$(wc -c <results)" -eq 2000014 ]
ok $? "a sweep does not go on with it, and leaves it: $(cut -c 1-120 err)"

# ---- small ----

loss='{"name":"all","type":"global-avg-pool"},{"name":"f","type":"linear","features":2},{"name":"y","type":"input","shape":[1],"dtype":"int64"},{"name":"l","type":"cross-entropy","inputs":["f","y"]}'
net 1000000000000000000 '{"name":"r","type":"relu"}' >much
refused "a batch of 10^18" "expected a whole number from 1 to 2147483647" info much
net 2147483647 '{"name":"c","type":"conv","channels":2147483647,"kernel":1},'"$loss" >overflow
refused "channels and a batch that overflow" "expected tensors of at most 4611686018427387904 bytes" info overflow
net 1 '{"name":"r","type":"repeat","count":1000000000,"layers":[{"name":"a","type":"relu"}]}' >repeat
refused "a repeat of 10^9" "layers" info repeat
layer='{"name":"a","type":"relu"}'
for i in 1 2 3 4 5 6 7 8; do
	layer='{"name":"r'$i'","type":"repeat","count":1000,"layers":['$layer']}'
done
net 1 "$layer" >nested
refused "repeats in repeats" "expected at most 1000000 layers" info nested
name=$(head -c 20000 /dev/zero | tr '\0' 'n')
net 1 '{"name":"'"$name"'","type":"repeat","count":1000000,"layers":[{"name":"a","type":"relu"}]}' >name
refused "a long name a million times" "expected a name of at most 1000 bytes" info name
words=$(i=0; while [ $i -lt 5000 ]; do printf ',"x-%d":0' $i; i=$((i + 1)); done)
net 1 '{"name":"r","type":"repeat","count":999998,"layers":[{"name":"a","type":"relu"'"$words"'}]}' >words
refused "many words a million times" "expected at most 50000000 keys and inputs" info words
done_testing
