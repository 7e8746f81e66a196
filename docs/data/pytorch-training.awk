# SPDX-License-Identifier: Apache-2.0
# pytorch-training.awk - the table of training inside plans, from rows that pytorch/peers.py --csv wrote
#
# "losses": the largest relative difference of the first losses from those of the step's way with everything resident.
function row(step, way, mib, ms, predicted, off, bound, losses,    text) {
	text = sprintf("%-20s %-16s %7s %8s %10s %8s %8s %9s", step, way, mib, ms, predicted, off, bound, losses)
	sub(/ +$/, "", text)
	print text
}

function difference(a, b,    x, y, n, i, most, d) {
	n = split(a, x, " ")
	if (n == 0 || split(b, y, " ") != n)
		return "?"
	for (i = 1; i <= n; i++) {
		d = x[i] / y[i] - 1
		if (d < 0)
			d = -d
		if (d > most)
			most = d
	}
	return most == 0 ? "equal" : sprintf("%.0e", most)
}

function is_resident(way) { return way == "eager" || way == "compiled" }

BEGIN {
	FS = ","
	row("step", "way", "MiB", "ms", "predicted", "off", "bound", "losses")
}
FNR == 1 {
	if ($0 != "step,way,torch,device,budget_mib,mib,ms,predicted_ms,ideal_ms,bound_ms,host_mib,losses")
		fail("columns of another form")
	next
}
NF != 12 { fail("expected 12 columns, got " NF) }
{
	line[++count] = $0
	if (is_resident($2))
		resident[$1] = $12
	where[$4 ", PyTorch " $3]
}

function fail(why) {
	printf "%s:%d: %s\n", FILENAME, FNR, why >"/dev/stderr"
	failed = 1
	exit 1
}

END {
	if (failed)
		exit 1
	for (i = 1; i <= count; i++) {
		split(line[i], c, ",")
		planned = c[2] == "plans"
		row(c[1], planned ? "plan" : c[2], c[6], sprintf("%.2f", c[7]), planned ? sprintf("%.2f", c[8]) : "", \
		    planned ? sprintf("%+.1f %%", 100 * (c[8] / c[7] - 1)) : "", planned ? sprintf("%.2f", c[10]) : "", \
		    is_resident(c[2]) ? "" : difference(c[12], resident[c[1]]))
	}
	for (w in where)
		print "measured on " w | "LC_ALL=C sort"
}
