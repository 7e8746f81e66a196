#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Op times that a graph lacks: estimated for the device in question, and said to be by every command.
# shellcheck source=lib.sh
. "${LAYRUB_TESTS:-tests}/lib.sh"

cat >"$work/half.json" <<'END'
{"format": "layrub-graph", "version": 2, "name": "half",
 "measured": {"device": "NVIDIA H200", "step_time_us": 50, "peak_bytes": 2363392, "resident_bytes": 266240},
 "tensors": [
  {"id": 0, "bytes": 262144, "kind": "input"}, {"id": 1, "bytes": 4096, "kind": "parameter"},
  {"id": 2, "bytes": 1048576, "kind": "activation"}, {"id": 3, "bytes": 1048576, "kind": "activation"},
  {"id": 4, "bytes": 4096, "kind": "gradient"}],
 "ops": [
  {"name": "linear", "source": "train.py:12", "phase": "forward", "inputs": [0, 1], "outputs": [2], "workspace_bytes": 0,
   "flops": 1e9, "math": "tf32"},
  {"name": "gelu", "phase": "forward", "inputs": [2], "outputs": [3], "workspace_bytes": 0, "time_us": 1, "estimated": true},
  {"name": "gelu_backward", "phase": "backward", "inputs": [2, 3], "outputs": [4], "workspace_bytes": 0, "time_us": 20},
  {"name": "sgd", "phase": "update", "inputs": [1, 4], "outputs": [1], "workspace_bytes": 0, "time_us": 5}]}
END
cd "$work" || exit 1

# Microseconds of an op in a plan's graph.
time_of() {
	sed -n "s/.*{\"name\": \"$1\", .*\"time_us\": \([0-9.]*\).*/\1/p" "$2"
}

answers 0 "info without a device" info half.json
holds "not known: 1 of 4 ops have no time" out "info says that a time is missing"
holds "estimated op times   1" out "and that another is estimated"
answers 0 "info without a device, for programs" info half.json --json
[ "$(field untimed_ops) $(field estimated_ops)$(field ideal_time_us)$(field time_error_percent)" = "1 1" ]
ok $? "the same for programs, without an ideal time"
answers 0 "info with a device" info half.json --device h200 --json
[ "$(field estimated_ops)$(field untimed_ops)" = 2 ]
ok $? "a device gives the times"
ideal=$(field ideal_time_us)

answers 0 "plan" plan half.json --device h200 --json -o h200.json
[ "$(field estimated_ops) $(field ideal_time_us)" = "2 $ideal" ]
ok $? "plan says how many times are estimated"
holds '"version": 2' h200.json "a plan with a graph of version 2 is of version 2"
holds '"estimated": true, "flops": 1000000000' h200.json "the graph in a plan is complete"
answers 0 "plan for a slower device" plan half.json --device k40m -o k40m.json
for op in linear gelu; do
	awk "BEGIN { exit !($(time_of $op k40m.json) > $(time_of $op h200.json)) }"
	ok $? "$op is estimated for the device in question"
done
[ "$(time_of gelu_backward k40m.json)" = 20 ]
ok $? "a measured time stays"
answers 0 "plan with scaled times" plan half.json --device k40m --times scaled -o scaled.json
[ "$(time_of linear scaled.json)" = "$(time_of linear k40m.json)" ] && [ "$(time_of gelu scaled.json)" = "$(time_of gelu k40m.json)" ]
ok $? "an estimate is never scaled"
[ "$(time_of gelu_backward scaled.json)" != 20 ]
ok $? "a measured time is"
answers 0 "check --graph" check k40m.json --graph half.json
answers 1 "check --graph with another measured time" check scaled.json --graph half.json

answers 0 "simulate" simulate h200.json
holds "estimated op times   2" out "simulate says so"
answers 0 "explain" explain h200.json
holds "estimated op times   2" out "explain says so"
if command -v gnuplot >/dev/null; then
	answers 0 "report as a page" report h200.json -o page.html
	holds "Estimated op times" page.html "the page of a report says so"
	answers 0 "report as a picture" report h200.json -o term
	holds "2 of 4 op times estimated" out "a picture says so"
else
	skip "report says so" "no gnuplot"
fi

answers 0 "plan without estimates" plan graphs/alexnet --device h200 --json
[ -z "$(field estimated_ops)" ]
ok $? "a graph whose times are all measured says nothing"
done_testing
