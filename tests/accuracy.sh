#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# docs/data/pytorch-accuracy.awk: the table of docs/accuracy.md from its rows.
# shellcheck source=lib.sh
. "${LAYRUB_TESTS:-tests}/lib.sh"
data=$(cd "$LAYRUB_TESTS/../docs/data" && pwd) || exit 1
cd "$work" || exit 1

head -n 1 "$data/pytorch-accuracy.csv" >rows.csv
cp rows.csv none.csv
cat >>rows.csv <<'END'
tiny,2.13.0,Toy GPU,12,yes,104857600,104857600,990,1000,no
tiny,2.13.0,Toy GPU,7,op 3: outputs,103809024,104857600,1030,1000,yes
END
run_this awk -f "$data/pytorch-accuracy.awk" rows.csv
is 0 "a table"
cat >want <<'END'
model                        ops ghost and real          peak MiB allocated       off    ops ms  captured       off
tiny                          12 equal                        100       100   +0.00 %      0.99      1.00   -1.00 %
tiny, compiled                 7 op 3: outputs                 99       100   -1.00 %      1.03      1.00   +3.00 %
measured on Toy GPU, PyTorch 2.13.0
END
diff want out >err
ok $? "a row for each model, with both deviations"
run_this awk -f "$data/pytorch-accuracy.awk" "$data/pytorch-accuracy.csv"
is 0 "the measured rows"
[ "$(wc -l <out)" -ge 1 ]
ok $? "make a table"

bad() {	# TEXT FILE
	run_this awk -f "$data/pytorch-accuracy.awk" "$2"
	[ "$status" -ne 0 ]
	ok $? "$2: refused"
	holds "$1" err "says: $1"
}
echo "tiny,12" | cat none.csv - >short.csv
bad "short.csv:2: expected 10 columns, got 2" short.csv
echo "model,ops" >other.csv
bad "other.csv:1: columns of another form" other.csv
done_testing
