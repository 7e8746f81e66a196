# SPDX-License-Identifier: Apache-2.0
# pytorch-plans.awk - the error of predicted steps, from rows that pytorch/truth.py --csv wrote
#
# A row a plan, then the median and the largest error of each set.  "off": the predicted step over the measured one.
function row(set, step, policy, mib, ms, predicted, off, stalls, reruns, moved,    text) {
	text = sprintf("%-11s %-19s %-15s %6s %8s %9s %8s %7s %7s %7s", set, step, policy, mib, ms, predicted, off, stalls, reruns, moved)
	sub(/ +$/, "", text)
	print text
}

function absolute(x) { return x < 0 ? -x : x }

# Sorts list[1..n] upwards.
function sort(list, n,    i, j, x) {
	for (i = 2; i <= n; i++) {
		x = list[i]
		for (j = i - 1; j > 0 && list[j] > x; j--)
			list[j + 1] = list[j]
		list[j + 1] = x
	}
}

function fail(why) {
	printf "%s:%d: %s\n", FILENAME, FNR, why >"/dev/stderr"
	failed = 1
	exit 1
}

BEGIN {
	FS = ","
	row("set", "step", "policy", "MiB", "ms", "predicted", "off", "stalls", "reruns", "moved")
}
FNR == 1 {
	if ($0 != "set,step,policy,torch,device,budget_mib,mib,ms,predicted_ms,ideal_ms,bound_ms,stall_ms,rerun_ms,moved_mib,process_mib,held_mib,context_mib")
		fail("columns of another form")
	next
}
NF != 17 { fail("expected 17 columns, got " NF) }
{
	off = 100 * ($9 / $8 - 1)
	row($1, $2, $3, $7, sprintf("%.2f", $8), sprintf("%.2f", $9), sprintf("%+.1f %%", off), sprintf("%.1f", $12), sprintf("%.1f", $13), $14)
	error[$1, ++count[$1]] = absolute(off)
	where[$5 ", PyTorch " $4]
}

END {
	if (failed)
		exit 1
	for (set in count) {
		n = count[set]
		for (i = 1; i <= n; i++)
			list[i] = error[set, i]
		sort(list, n)
		print set ": " n " plans, error of the predicted step: median " sprintf("%.1f %%", list[int((n + 1) / 2)]) ", worst " \
		    sprintf("%.1f %%", list[n]) | "LC_ALL=C sort"
	}
	close("LC_ALL=C sort")
	for (w in where)
		print "measured on " w
}
