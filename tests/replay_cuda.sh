#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The same on a GPU, where there is one: data of small plans, streams and captured, delayed and timed.
# shellcheck source=lib.sh
. "${LAYRUB_TESTS:-tests}/lib.sh"

replay() {
	"$LAYRUB_REPLAY" --backend cuda "$@" >"$work/out" 2>"$work/err" </dev/null
}

if ! "$LAYRUB_REPLAY" --help | grep -e 'one of: cuda' >/dev/null; then
	echo "1..0 # SKIP built without CUDA"
	exit 0
fi
policies=$("$LAYRUB" list policies | awk 'NF { print $1 }')
for network in cnn deep transformer; do
	for policy in $policies; do
		plan=$work/$network-$policy.json
		if ! "$LAYRUB" plan "$LAYRUB_TESTS/data/replay-$network.json" --device h100 --policy "$policy" -o "$plan" >/dev/null 2>&1; then
			continue
		fi
		replay "$plan" --steps 3 --jitter 100
		status=$?
		if [ "$count" -eq 0 ] && [ "$status" -eq 3 ] && grep -E 'no CUDA device|no driver|driver is too old' "$work/err" >/dev/null; then
			echo "1..0 # SKIP no CUDA device"
			exit 0
		fi
		ok "$status" "$network: $policy: the data is right on streams"
		replay "$plan" --steps 3 --capture
		ok $? "$network: $policy: the data is right as a graph"
	done
done
replay "$work/deep-layrub.json" --time traced --touch sample --capture --trace "$work/trace.json" --json
ok $? "ops that last their time"
grep '"time_error"' "$work/out" >/dev/null
ok $? "have a predicted time"
line=$(grep -n '"do": "run".*"after"' "$work/deep-layrub.json" | tail -n 1 | cut -d: -f1)
sed "${line}s/, \"after\": \[[^]]*\]//" "$work/deep-layrub.json" >"$work/broken.json"
replay "$work/broken.json"
[ $? -eq 1 ]
ok $? "an unsound plan is not executed"
done_testing
