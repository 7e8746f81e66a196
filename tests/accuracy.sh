#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# docs/data/pytorch-*.awk: the tables of docs/accuracy.md and docs/training.md from their rows.
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

table=accuracy
bad() {	# TEXT FILE
	run_this awk -f "$data/pytorch-$table.awk" "$2"
	[ "$status" -ne 0 ]
	ok $? "$2: refused"
	holds "$1" err "says: $1"
}
echo "tiny,12" | cat none.csv - >short.csv
bad "short.csv:2: expected 10 columns, got 2" short.csv
echo "model,ops" >other.csv
bad "other.csv:1: columns of another form" other.csv

head -n 1 "$data/pytorch-training.csv" >rows.csv
cat >>rows.csv <<'END'
tiny,plans,2.13.0,Toy GPU,5,4,11.00,9.9,8,9,6,2 0.5
tiny,eager,2.13.0,Toy GPU,,9,10.00,,,,,2 0.5
tiny,checkpoint,2.13.0,Toy GPU,,5,14.00,,,,,2 0.4
END
run_this awk -f "$data/pytorch-training.awk" rows.csv
is 0 "a table of ways"
cat >want <<'END'
step                 way                  MiB       ms  predicted      off    bound    losses
tiny                 plan                   4    11.00       9.90  -10.0 %     9.00     equal
tiny                 eager                  9    10.00
tiny                 checkpoint             5    14.00                                  2e-01
measured on Toy GPU, PyTorch 2.13.0
END
diff want out >err
ok $? "a row for each way: what was predicted, and losses against the resident step"
run_this awk -f "$data/pytorch-training.awk" "$data/pytorch-training.csv"
is 0 "the measured ways"
table=training
head -n 1 "$data/pytorch-training.csv" >none.csv
echo "tiny,12" | cat none.csv - >short.csv
bad "short.csv:2: expected 12 columns, got 2" short.csv
bad "other.csv:1: columns of another form" other.csv
done_testing
