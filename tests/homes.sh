#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# --homes: plans of several batches, or of a training step and an evaluation step, serve one set of parameters.
# shellcheck source=tests/lib.sh
. "${LAYRUB_TESTS:-tests}/lib.sh"
dev=$LAYRUB_TESTS/data/cases.dev.json
cd "$work" || exit 1

# graph NAME TENSORS OPS: a graph of 1 MiB units; a tensor is "MiB kind name", an op "inputs > outputs".
graph() {
	awk -v name="$1" -v tensors="$2" -v ops="$3" 'BEGIN {
		printf "{\"format\": \"layrub-graph\", \"version\": 2, \"name\": \"%s\", \"tensors\": [", name
		n = split(tensors, t, ", ")
		for (i = 1; i <= n; i++) {
			split(t[i], f, " ")
			printf("%s{\"id\": %d, \"bytes\": %d, \"kind\": \"%s\"%s}", (i > 1 ? "," : ""), i - 1, f[1] * 1048576, f[2],
			    (f[3] == "" ? "" : ", \"name\": \"" f[3] "\""))
		}
		printf "], \"ops\": ["
		n = split(ops, o, ", ")
		for (i = 1; i <= n; i++) {
			split(o[i], f, " > ")
			gsub(" ", ",", f[1]); gsub(" ", ",", f[2])
			printf("%s{\"name\": \"op%d\", \"phase\": \"forward\", \"inputs\": [%s], \"outputs\": [%s], \"workspace_bytes\": 0, \"time_us\": 1000, \"recomputable\": false}",
			    (i > 1 ? "," : ""), i - 1, f[1], f[2])
		}
		print "]}"
	}' </dev/null >"$1.json"
}
# Training: two parameters, a momentum of the second, a batch; forward, then an update.
graph train "4 parameter w1, 4 parameter w2, 8 optimizer m2, 2 input x, 6 activation, 6 activation" "3 0 > 4, 4 1 > 5, 5 1 2 > 1 2"
# Evaluation: a larger batch, the parameters in another order, and a table of its own.
graph eval "4 parameter w2, 3 input x, 4 parameter w1, 5 state table, 9 activation, 9 activation" "1 2 > 4, 4 0 3 > 5"
graph bigger "8 parameter w1, 4 parameter w2, 2 activation" "0 1 > 2"
graph transient "4 activation w1, 4 parameter w2" "1 > 0"
graph strange "4 parameter v1, 2 activation" "0 > 1"

# ---- an evaluation step beside a training step ----

answers 0 "a plan of the training step" plan train.json --device "$dev" -o train.plan.json
answers 0 "one of the evaluation step with its homes" plan eval.json --device "$dev" --homes train.plan.json -o eval.plan.json --json
arena=$(field arena_bytes)
# w1, w2, m2 and table stay for the whole step; the second op has both activations besides.  The input goes where the training step has its own.
[ "$arena" -ge $((39 * 1048576)) ]
ok $? "the arena has room for the momentum, too ($arena)"
answers 0 "both serve one set" check eval.plan.json --homes train.plan.json
holds 'homes                2 shared (8.00 MiB), 2 only here, 2 only there' out "and how many tensors they share"
answers 0 "the other way round, too" check train.plan.json --homes eval.plan.json --json
[ "$(field shared_tensors)" = 2 ] && [ "$(field shared_bytes)" = 8388608 ] && [ "$(field own_tensors)" = 2 ] && [ "$(field other_tensors)" = 2 ]
ok $? "as JSON"
answers 0 "a third plan" plan train.json --device "$dev" --homes eval.plan.json -o again.plan.json
answers 0 "serves the same set" check again.plan.json --homes eval.plan.json

# ---- what is refused ----

answers 0 "a plan with homes of its own" plan eval.json --device "$dev" -o free.plan.json
answers 1 "does not serve the set" check free.plan.json --homes train.plan.json
grep -q "^layrub: free.plan.json: initial\[0\]: tensor 0 ('w2') is at home at offset [0-9]*, but at [0-9]* in the plan with the homes\$" err
ok $? "the check says where it differs"
sed 's/"version": 2, "name": "train"/&/; s/"offset_bytes": 0,/"offset_bytes": 1,/' train.plan.json >broken.plan.json

refused() {	# STATUS TEXT ARGUMENT...
	want=$1 text=$2
	shift 2
	answers "$want" "$*" "$@"
	holds "$text" err "$text"
}
refused 2 "layrub: --homes: tensor 0 'w1' has 8388608 bytes here, and 4194304 bytes there" plan bigger.json --device "$dev" --homes train.plan.json
refused 2 "layrub: --homes: tensor 0 'w1' is activation here, and parameter there" plan transient.json --device "$dev" --homes train.plan.json
refused 2 "layrub: --homes: none of the 1 persistent tensors of 'strange' has the name of one there" plan strange.json --device "$dev" --homes train.plan.json
refused 2 "layrub: broken.plan.json: buffers[0]" plan eval.json --device "$dev" --homes broken.plan.json
refused 2 "layrub: broken.plan.json: buffers[0]" check eval.plan.json --homes broken.plan.json
refused 2 "layrub: none.json: cannot open" plan eval.json --device "$dev" --homes none.json
# Two activations and both parameters, the momentum and the table, each above the other plan's arena.
refused 1 "is too small for the homes given: no plan with them needs less than 35.0 MiB" plan eval.json --device "$dev" --homes train.plan.json --budget 34MiB
answers 0 "the smallest budget with homes" plan eval.json --device "$dev" --homes train.plan.json --minimise memory --json
least=$(field budget_bytes)
[ "$least" -ge $((35 * 1048576)) ]
ok $? "is no smaller ($least)"

answers 0 "the frontier with homes" plan eval.json --device "$dev" --homes train.plan.json --frontier --json
! grep -q '"budget_bytes": [12]\{0,1\}[0-9]\{7\}[,}]' out
ok $? "begins there, too"

# ---- homes on the host ----

answers 0 "a tight plan of the training step" plan train.json --device "$dev" --budget 19MiB -o tight.plan.json
grep -q '"host": [0-9]*}' tight.plan.json
ok $? "has homes on the host"
answers 0 "they stay there" plan eval.json --device "$dev" --homes tight.plan.json -o host.plan.json
answers 0 "and serve both" check host.plan.json --homes tight.plan.json
refused 1 "policy 'keep' begins with all persistent tensors on the device, but " plan eval.json --device "$dev" --homes tight.plan.json --policy keep
refused 1 "the homes given need " plan eval.json --device "$dev" --homes tight.plan.json --host-memory 1MiB

# ---- two batches of one network ----

net=$LAYRUB_TESTS/data/replay-cnn.json
last=''
answers 0 "a plan of a network" plan "$net" --device h100 --batch 8 --budget 70% -o eight.plan.json
for percent in 60 75 100; do
	answers 0 "of twice the batch, at $percent %" plan "$net" --device h100 --batch 16 --homes eight.plan.json --budget $percent% -o sixteen.plan.json --json
	time=$(field step_time_us)
	awk -v a="$time" -v b="${last:-$time}" 'BEGIN { exit !(a <= b * 1.0001) }' </dev/null
	ok $? "no slower than with less memory ($last $time)"
	last=$time
	answers 0 "serves the set" check sixteen.plan.json --homes eight.plan.json
done
done_testing
