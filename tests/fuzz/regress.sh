#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What fuzzers have found once: each case goes through its target again, with whatever compiler built it.
cases=${LAYRUB_TESTS:-tests}/fuzz/regress
n=0
for target in network graph device plan csv results; do
	for case in "$cases/$target"/*; do
		[ -f "$case" ] || continue
		n=$((n + 1))
		if why=$("${FUZZ:-./tests/fuzz}/$target" "$case" 2>&1 >/dev/null); then
			echo "ok $n - $target: ${case##*/}"
		else
			echo "not ok $n - $target: ${case##*/}"
			printf '%s\n' "$why" | sed 's/^/# /'
		fi
	done
done
echo "1..$n"
