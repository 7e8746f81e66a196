# SPDX-License-Identifier: Apache-2.0
# pytorch-accuracy.awk - the table of recorded PyTorch steps, from rows that pytorch/validate.py --csv wrote
function deviation(ours, theirs) {
	return sprintf("%+.2f %%", 100 * (ours / theirs - 1))
}

function row(model, ops, equal, peak, allocated, off, sum, captured, late) {
	printf "%-24s %7s %-22s %9s %9s %9s %9s %9s %9s\n", model, ops, equal, peak, allocated, off, sum, captured, late
}

BEGIN {
	FS = ","
	row("model", "ops", "ghost and real", "peak MiB", "allocated", "off", "ops ms", "captured", "off")
}
FNR == 1 {
	if ($0 != "model,torch,device,ops,equal,peak_recorded_bytes,max_memory_allocated_bytes,sum_of_op_times_us,captured_step_us,compiled")
		fail("columns of another form")
	next
}
NF != 10 { fail("expected 10 columns, got " NF) }
{
	row($1 ($10 == "yes" ? ", compiled" : ""), $4, $5 == "yes" ? "equal" : $5, sprintf("%.0f", $6 / 1048576), sprintf("%.0f", $7 / 1048576), \
	    deviation($6, $7), sprintf("%.2f", $8 / 1000), sprintf("%.2f", $9 / 1000), deviation($8, $9))
	where[$3 ", PyTorch " $2]
}

function fail(why) {
	printf "%s:%d: %s\n", FILENAME, FNR, why >"/dev/stderr"
	failed = 1
	exit 1
}

END {
	if (failed)
		exit 1
	for (w in where)
		print "measured on " w | "LC_ALL=C sort"
}
