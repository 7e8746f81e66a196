#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# layrub place over every list below $DATA, and over 1,000,000 random buffers: processor time, memory, and how
# far from the bound.  A list called NAME.1048576.csv is placed with that capacity, too.  Then generated lists, and 216 of a known height with
# given offsets.
# $LAYRUB is the command, $MEASURE tests/measure, $HARD_LISTS tests/hard_lists; `make bench-placement DATA=DIR` sets all.
# Other solvers are run on the lists that they read, for $LIMIT seconds (default: 20) and twice that where they do not end by themselves:
# $MINIMALLOC, MiniMalloc's binary, which is told the list's capacity or else the bound; $SUPERMALLOC_PYTHON, a Python with the package omnimalloc;
# $IDEALLOC, idealloc's binary.  Each may take $MEMORY KiB of addresses (default: 4 GiB).
set -eu
LIMIT=${LIMIT:-20} MEMORY=${MEMORY:-4194304}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

field() {
	sed -n "s/^ *\"$1\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}\$/\1/p" "$work/said"
}

# row LABEL FILE OPTION...: the result goes to standard error where the offsets go to standard output.
row() {
	label=$1
	shift
	figures=$("$MEASURE" "$LAYRUB" place --json -o - "$@" 2>"$work/said") || true
	echo "$(field buffers) $(field lower_bound_bytes) $(field arena_bytes) $(field status) $figures" |
	    awk -v label="$label" 'NF < 7 { printf "%-34s failed\n", label; exit }
		{ printf "%-34s %8d %14.0f %14.0f %9.5f %% %-10s %8.2f s %8.1f MiB\n", label, $1, $2, $3, $2 ? 100 * ($3 / $2 - 1) : 0, $4, $6, $7 }'
}

# peer LABEL BOUND COMMAND: what another solver, whose command prints its arena, takes for a list.
peer() {
	figures=$("$MEASURE" sh -c "ulimit -v $MEMORY; { $3; } >'$work/theirs'" 2>/dev/null) || true
	arena=$(sed -n '1s/^\([0-9][0-9]*\)$/\1/p' "$work/theirs")
	echo "$2 ${arena:-0} $figures" | awk -v label="  $1" '{ printf "%-34s %8s %14s ", label, "", ""
		if ($2) printf "%14.0f %9.5f %% %-10s", $2, 100 * ($2 / $1 - 1), "placed"; else printf "%14s %11s %-10s", "", "", "none"
		printf " %8.2f s %8.1f MiB\n", $4, $5 }'
}

# peers FILE [CAPACITY]: those that are given, on a list of the four columns that all of them read, with numbers as ids.
peers() {
	[ "$(head -n 1 "$1")" = id,lower,upper,size ] || return 0
	awk -F, -v OFS=, 'NR > 1 { $1 = NR - 2 } 1' "$1" >"$work/list.csv"
	bound=$(field lower_bound_bytes)
	[ -z "${MINIMALLOC:-}" ] ||
	    peer "MiniMalloc, given" "$bound" "timeout $((2 * LIMIT)) '$MINIMALLOC' --capacity=${2:-$bound} --input='$work/list.csv' --output='$work/csv' --timeout=${LIMIT}s &&
		awk -F, 'NR > 1 && \$4 + \$NF > m { m = \$4 + \$NF } END { print m }' '$work/csv'; rm -f '$work/csv'"
	[ -z "${SUPERMALLOC_PYTHON:-}" ] ||
	    peer SuperMalloc "$bound" "timeout $((2 * LIMIT)) '$SUPERMALLOC_PYTHON' '$(dirname "$0")/bench_supermalloc.py' '$work/list.csv' $LIMIT"
	[ -z "${IDEALLOC:-}" ] ||
	    peer idealloc "$bound" "timeout $((2 * LIMIT)) '$IDEALLOC' -i '$work/list.csv' ex-csv | awk '/^Makespan/ { print \$2 }'"
}

printf '%-34s %8s %14s %14s %11s %-10s %10s %12s\n' list buffers bound arena over status processor memory
if [ -n "${DATA:-}" ]; then
	find "$DATA" -name '*.csv' | sort >"$work/lists"
	while read -r list; do
		name=$(basename "$list" .csv)
		row "$name" "$list"
		capacity=${name##*.}
		case $capacity in
		"$name" | *[!0-9]*) ;;
		*)
			row "$name, given" "$list" --capacity "$capacity"
			;;
		esac
		peers "$list" "${capacity#"$name"}"
	done <"$work/lists"
fi

for kind in "cut 200 1 20" "pinwheel 200 1 20" "cut 400 1" "pinwheel 400 1" "sync 1000 1" "awkward 10000 1" "awkward 10000 1 10" \
    "awkward 100000 1" "awkward 1000000 1"; do
	# shellcheck disable=SC2086
	"$HARD_LISTS" $kind >"$work/hard.csv"
	row "generated: $kind" "$work/hard.csv"
	[ "$(wc -l <"$work/hard.csv")" -gt 200000 ] || peers "$work/hard.csv"
done

# Cut from perfect placements, with a part of the offsets given.
lists=0 optimal=0
for kind in cut pinwheel; do
	for size in 12 24 48 96 200 400; do
		for percent in 10 20 40; do
			for seed in 1 2 3 4 5 6; do
				"$HARD_LISTS" $kind $size $seed $percent >"$work/hard.csv"
				"$LAYRUB" place "$work/hard.csv" --json >"$work/said" || true
				lists=$((lists + 1))
				! grep -q '"status": "optimal"' "$work/said" || optimal=$((optimal + 1))
			done
		done
	done
done
echo "$lists lists with given offsets: $optimal optimal"

# Lifetimes: any two of 10^6 times; up to 100 of them; up to a hundredth of all.
for kind in any short long; do
	awk -v kind="$kind" 'BEGIN {
		n = 1000000
		srand(1)
		print "id,lower,upper,size"
		for (i = 0; i < n; i++) {
			l = int(rand() * n)
			u = l + 1 + int(rand() * (kind == "short" ? 100 : n / 100))
			if (kind == "any") {
				x = int(rand() * n)
				u = (x > l ? x : l) + 1
				l = x < l ? x : l
			}
			printf "%d,%d,%d,%d\n", i, l, u, 1 + int(rand() * 1048576)
		}
	}' >"$work/random.csv"
	row "1,000,000 random, $kind" "$work/random.csv"
done
