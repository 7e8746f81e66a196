#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The lines that the tests ran, by folder, and the files below $LEAST per cent (default: 90).  Status 1 when all
# of src, planner and sim together are below it.  In the folder of a build with --enable-coverage, after its tests.
set -eu
: "${LEAST:=90}"
find . -name '*.gcno' | LC_ALL=C sort >coverage.list
if ! find . -name '*.gcda' | grep . >/dev/null; then
	echo "no counters here: configure with --enable-coverage, then make check" >&2
	exit 1
fi
# gcov names each source once for an object; of a source with two objects the one that ran more counts.
xargs gcov -n <coverage.list 2>/dev/null | awk -v least="$LEAST" '
	/^File / {
		file = ""
		if (match($0, /(src|planner|sim|cuda_validate)\/[a-z0-9_]+\.c/))
			file = substr($0, RSTART, RLENGTH)
	}
	/^Lines executed:/ && file != "" {
		split($0, part, /[:% ]+/)
		lines[file] = $NF
		ran = part[3] / 100 * $NF
		if (ran > hit[file])
			hit[file] = ran
		file = ""
	}
	function row(name, h, n) { printf "%-32s %6d of %6d lines %6.1f %%\n", name, h + 0.5, n, 100 * h / n }
	END {
		for (f in lines) {
			folder = f
			sub(/\/.*/, "", folder)
			all[folder] += lines[f]
			ran_in[folder] += hit[f]
			if (hit[f] < least / 100 * lines[f])
				printf "%-32s %6d of %6d lines %6.1f %%\n", f, hit[f] + 0.5, lines[f], 100 * hit[f] / lines[f] | "LC_ALL=C sort"
		}
		close("LC_ALL=C sort")
		print ""
		for (i = split("src planner sim cuda_validate", order, " "); i > 0; i--)
			if (all[order[5 - i]] > 0)
				row(order[5 - i], ran_in[order[5 - i]], all[order[5 - i]])
		h = ran_in["src"] + ran_in["planner"] + ran_in["sim"]
		n = all["src"] + all["planner"] + all["sim"]
		row("src, planner and sim", h, n)
		exit h < least / 100 * n
	}'
