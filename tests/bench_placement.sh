#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# layrub place over every list below $DATA, and over 1,000,000 random buffers: processor time, memory, and how
# far from the bound.  A list called NAME.1048576.csv is placed with that capacity, too.
# $LAYRUB is the command, $MEASURE tests/measure, $HARD_LISTS tests/hard_lists; `make bench-placement DATA=DIR` sets all.
# $MINIMALLOC, where it is set, is the binary of MiniMalloc: it is run on the lists with a capacity, for 20 s at most.
set -eu
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

# peer LABEL FILE CAPACITY: MiniMalloc's processor time, and whether it wrote a solution.
peer() {
	[ -n "${MINIMALLOC:-}" ] || return 0
	rm -f "$work/theirs"
	figures=$("$MEASURE" "$MINIMALLOC" --capacity="$3" --input="$2" --output="$work/theirs" --timeout=20s 2>/dev/null) || true
	[ -s "$work/theirs" ] && found=placed || found=none
	echo "$figures" | awk -v label="$1" -v found="$found" '{ printf "%-34s %50s %-10s %8.2f s %8.1f MiB\n", label, "", found, $2, $3 }'
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
			peer "$name, given, MiniMalloc" "$list" "$capacity"
			;;
		esac
	done <"$work/lists"
fi

for kind in "cut 200 1 20" "pinwheel 200 1 20" "cut 400 1" "pinwheel 400 1" "sync 1000 1" "awkward 10000 1" "awkward 100000 1"; do
	# shellcheck disable=SC2086
	"$HARD_LISTS" $kind >"$work/hard.csv"
	row "generated: $kind" "$work/hard.csv"
done

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
