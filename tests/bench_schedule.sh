#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Quality of schedules: hybrid against every other policy and against the bound on the time, over the traces, budgets as parts of
# the step's own peak, and two devices; then Layrub's own networks as Caffe keeps them.
# $LAYRUB is the command; `make bench-schedule` sets it.  TRACES, BUDGETS, DEVICES and CAFFE choose a part of them, PARTS the
# tables: grid, targets, caffe, deep, deepest.
set -eu
: "${LAYRUB:=./layrub}"
: "${TRACES:=alexnet vgg16 resnet50 resnet152 vit_b_16 gpt2 resnet1517}"
: "${BUDGETS:=90 75 60 45 30}"
: "${DEVICES:=h100:traced k40m:scaled}"
: "${CAFFE:=alexnet:256 googlenet:32 vgg16:64 resnet18:32 resnet34:32 resnet50:32 resnet101:32 resnet152:32 densenet121:16 inception-v4:16 resnet1001:32 resnet1517:32}"
: "${PARTS:=grid targets caffe deep deepest}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A member of a JSON document that stands on a line of its own.
field() {	# NAME FILE
	sed -n "s/^ *\"$1\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}\$/\1/p" "$2"
}

# The rows of `compare --json`, one a line: policy, status, arena, budget, step time, overhead, gap, planning time; a dash: unknown.
rows() {	# FILE
	awk '
		function put() {
			if (name != "")
				print name, at("status"), at("arena_bytes"), at("budget_bytes"), at("step_time_us"), at("overhead"), at("gap"), at("plan_time_s")
			name = ""
			split("", v)
		}
		function at(key) { return key in v ? v[key] : "-" }
		/^ *}/ { put() }
		{
			key = $1
			gsub(/[":]/, "", key)
			value = $2
			gsub(/[",]/, "", value)
			v[key] = value
			if (key == "policy")
				name = value
		}
	' "$1"
}

# ---- hybrid against all others ----

# One point of the grid: a line of figures in $work/points, and its line of the table.
point() {	# TRACE DEVICE TIMES PERCENT
	status=0
	"$LAYRUB" compare "graphs/$1" --device "$2" --times "$3" --budget "$4%" --json >"$work/said" 2>"$work/err" || status=$?
	if [ "$status" -ne 0 ] && [ "$status" -ne 1 ]; then
		if grep -q 'expected at most the' "$work/err"; then
			printf '%-11s %-5s %3s %%  skipped: more than the device has\n' "$1" "$2" "$4"
			echo "$1 $2 $4 skipped" >>"$work/points"
			return
		fi
		cat "$work/err" >&2
		exit 1
	fi
	rows "$work/said" >"$work/rows"
	bound=$(field bound_bytes "$work/said" | head -n 1)
	resident=$(field resident_bound_bytes "$work/said" | head -n 1)
	budget=$(field budget_bytes "$work/said" | head -n 1)
	awk -v trace="$1" -v device="$2" -v percent="$4" -v bound="$bound" -v resident="$resident" -v budget="$budget" -v points="$work/points" '
		$5 == "-" { next }
		$3 > $4 { over = over " " $1 }
		$1 == "hybrid" { us = $5; overhead = $6; gap = $7; seconds = $8; next }
		$1 == "ilp" { ilp = $5; next }	# it may search for long: listed beside the others
		best == "" || $5 < best { best = $5; other = $1 }
		END {
			head = sprintf("%-11s %-5s %3d %%  %8.0f MiB", trace, device, percent, budget / 1048576)
			if (budget + 0 < bound + 0) {
				print head "  skipped: under the bound of " int(bound / 1048576) " MiB"
				print trace, device, percent, "skipped" >>points
				exit
			}
			apart = budget + 0 < resident + 0 ? "apart" : "grid"
			if (us == "") {
				print head "  hybrid has no plan" (other == "" ? "" : ", " other " has") (apart == "apart" ? "  (persistent tensors must wait on the host)" : "")
				print trace, device, percent, apart == "apart" ? "apart-none" : "none", "-", "-", best == "" ? 0 : 1 >>points
				exit
			}
			worse = best != "" && us > best * (1 + 1e-9)
			printf "%s  %9.2f ms %8.2f %% %7s %%  %-15s %9s ms %9s ms %7.2f s%s%s%s\n", head, us / 1000, 100 * overhead,
			    gap == "-" ? "-" : sprintf("%.2f", 100 * gap), other == "" ? "-" : other, best == "" ? "-" : sprintf("%.2f", best / 1000),
			    ilp == "" ? "-" : sprintf("%.2f", ilp / 1000), seconds, worse ? "  SLOWER" : "", over == "" ? "" : "  OVER BUDGET:" over,
			    apart == "apart" ? "  (persistent tensors wait on the host)" : ""
			printf "%s %s %d %s %.9g %s %d %d %s\n", trace, device, percent, apart, us, gap, worse, over != "", ilp == "" ? "-" : us / ilp - 1 >>points
		}' "$work/rows"
}

grid() {
	printf '%-11s %-5s %5s  %12s  %12s %10s %9s  %-15s %12s %12s %9s\n' trace on part budget hybrid overhead gap 'best other' 'its time' ilp planned
	: >"$work/points"
	for trace in $TRACES; do
		for device in $DEVICES; do
			for percent in $BUDGETS; do
				point "$trace" "${device%:*}" "${device#*:}" "$percent"
			done
		done
	done
	grep ' grid ' "$work/points" | awk '$6 != "-" { print $6 }' | sort -g >"$work/gaps"
	awk -v gaps="$work/gaps" '
		{ state[$4]++ }
		$4 == "grid" || $4 == "apart" {
			slower += $7
			over += $8
			if ($9 != "-" && $9 > 1e-9) {
				ilp_wins++
				if ($9 > ilp_most)
					ilp_most = $9
			}
			key = $1 " " $2
			# Budgets fall along the list: less memory must not be faster.
			if (key in least && least[key] > $5 * (1 + 1e-9))
				turns++
			if (!(key in least) || $5 > least[key])
				least[key] = $5
		}
		$4 == "none" { beaten += $7 }
		END {
			while ((getline line <gaps) > 0)
				g[++n] = line
			printf "\npoints                    %d, %d apart, %d skipped, %d without a plan\n", state["grid"], state["apart"],
			    state["skipped"], state["none"] + state["apart-none"]
			if (n > 0)
				printf "gap                       median %.2f %% (at most 5), worst %.2f %% (at most 20), least %.4f %% (never negative)\n",
				    50 * (g[int((n + 1) / 2)] + g[int(n / 2) + 1]), 100 * g[n], 100 * g[1]
			printf "slower than another       %d, without a plan where another has one %d\n", slower, beaten
			printf "slower than ilp           %d, at most by %.2f %%\n", ilp_wins, 100 * ilp_most
			printf "slower with more memory   %d\n", turns
			printf "arena over its budget     %d\n", over
		}' "$work/points"
}

# ---- targets at one budget ----

target() {	# TRACE BUDGET LIMIT OTHER
	"$LAYRUB" plan "graphs/$1" --device h100 --budget "$2" --json >"$work/said" 2>"$work/err" || { cat "$work/err" >&2; return; }
	awk -v name="$1" -v budget="$2" -v limit="$3" -v other="$4" -v overhead="$(field overhead "$work/said")" -v gap="$(field gap "$work/said")" 'BEGIN {
		printf "%-11s %9s  %.3fx ideal (at most %.2fx%s), gap %.2f %%%s\n", name, budget, 1 + overhead, limit,
		    other == "" ? "" : "; block checkpointing " other, 100 * gap, (1 + overhead > limit) ? "  MISSED" : ""
	}'
}

targets() {
	echo
	target resnet50 4756MiB 1.15 1.29x
	target gpt2 11132MiB 1.10 1.26x
	target vit_b_16 4000MiB 1.03 ''
}

# ---- Layrub's networks ----

# `none` needs more memory than a K40m has: the same machine with enough memory.
caffe() {
	large=$work/k40m-large.json
	shelf=${LAYRUB_DATA:-networks}/devices/k40m.json
	sed -e 's/"memory_bytes": [0-9]*/"memory_bytes": 4398046511104/' -e 's/"pinned_bytes": [0-9]*/"pinned_bytes": 4398046511104/' "$shelf" >"$large"
	printf '\n%-14s %5s %10s %10s %8s %9s  %14s %7s  %18s %8s\n' caffe batch none layrub saved overhead 'hybrid there' of 'hybrid in 24.1 %' saved
	: >"$work/caffe"
	for row in $CAFFE; do
		name=${row%:*} batch=${row#*:}
		set -- "caffe/$name" --batch "$batch" --device "$large" --lowering caffe --json
		for policy in none layrub; do
			"$LAYRUB" plan "$@" --policy "$policy" >"$work/$policy" 2>"$work/err" || { cat "$work/err" >&2; : >"$work/$policy"; }
		done
		arena=$(field arena_bytes "$work/layrub")
		: >"$work/there"
		if [ -n "$arena" ]; then
			"$LAYRUB" plan "$@" --budget "$arena" >"$work/there" 2>"$work/err" || sed 's/^/# /' "$work/err"
		fi
		"$LAYRUB" plan "$@" --slowdown 24.1 >"$work/slowdown" 2>"$work/err" || sed 's/^/# /' "$work/err"
		awk -v name="$name" -v batch="$batch" -v none="$(field arena_bytes "$work/none")" -v arena="$arena" \
		    -v overhead="$(field overhead "$work/layrub")" -v there="$(field overhead "$work/there")" \
		    -v small="$(field arena_bytes "$work/slowdown")" -v table="$work/caffe" 'BEGIN {
			gib = 1073741824
			printf "%-14s %5d %6.2f GiB %6.2f GiB %6.1f %% %7.1f %%  %12s %% %7s  %14s GiB %8s\n", name, batch, none / gib, arena / gib,
			    none ? 100 * (1 - arena / none) : 0, 100 * overhead, there == "" ? "-" : sprintf("%.2f", 100 * there),
			    there == "" || overhead + 0 <= 0 ? "-" : sprintf("%.2f", there / overhead), small == "" ? "-" : sprintf("%.2f", small / gib),
			    small == "" || !none ? "-" : sprintf("%.1f %%", 100 * (1 - small / none))
			if (none && arena)
				print 1 - arena / none, overhead, there == "" ? overhead : there, small == "" ? 0 : 1 - small / none >>table
		}'
	done
	awk '{ s += $1; o += $2; t += $3; h += $4; n++; if ($1 > m) m = $1 } END {
		if (n > 0)
			printf "in the mean: layrub saves %.1f %% (at most %.1f %%) for %+.1f %% time; hybrid there %+.2f %%; hybrid in 24.1 %% saves %.1f %%\n",
			    100 * s / n, 100 * m, 100 * o / n, 100 * t / n, 100 * h / n
	}' "$work/caffe"
	echo "(the paper: 58.2 % on average, up to 98.9 %, for +24.1 % time)"
}

deep() {
	echo
	for name in resnet1517 resnet2504; do
		if "$LAYRUB" plan "caffe/$name" --batch 16 --device k40m --json >"$work/said" 2>"$work/err"; then
			awk -v name="$name" -v arena="$(field arena_bytes "$work/said")" -v overhead="$(field overhead "$work/said")" \
			    -v gap="$(field gap "$work/said")" -v s="$(field plan_time_s "$work/said")" 'BEGIN {
				printf "caffe/%s, batch 16, on k40m: arena %.2f GiB, overhead %.1f %%, gap %.2f %%, planned in %.1f s\n", name,
				    arena / 1073741824, 100 * overhead, 100 * gap, s
			}'
		else
			printf 'caffe/%s, batch 16, on k40m: ' "$name"
			cat "$work/err"
		fi
	done
}

# Plan the authors' ResNet of 3, n, 5n and 3 blocks.  Its layers are those of ResNet-1517; only the counts differ.
plan_depth() {	# N [OPTION...]
	sed -e "s/\(\"stage_2\".*\"count\": \)[0-9]*/\1$(($1 - 1))/" -e "s/\(\"stage_3\".*\"count\": \)[0-9]*/\1$((5 * $1 - 1))/" \
	    "${LAYRUB_DATA:-networks}/caffe/resnet1517.json" >"$work/deep.json"
	shift
	"$LAYRUB" plan "$work/deep.json" --batch 16 --device k40m --json "$@" >"$work/said" 2>"$work/err"
}

# Finds, to a sixteenth, the deepest network for which any plan fits, and plans that one for ten minutes.  Each test takes minutes.
deepest() {
	echo
	low=83 high=3000
	while [ $((high - low)) -gt $((low / 16)) ]; do
		n=$(((low + high) / 2))
		if plan_depth "$n" --time-limit 1; then
			low=$n
			echo "# n = $n: a plan"
		else
			high=$n
			cp "$work/err" "$work/why"
			echo "# n = $n: $(cat "$work/why")"
		fi
	done
	if plan_depth "$low" --time-limit 600; then
		awk -v n="$low" -v overhead="$(field overhead "$work/said")" -v gap="$(field gap "$work/said")" 'BEGIN {
			printf "deepest ResNet (3, %d, %d, 3), batch 16, on k40m: %d layers, overhead %.1f %%, gap %.2f %%\n", n, 5 * n, 18 * n + 20,
			    100 * overhead, 100 * gap
		}'
	else
		echo "deepest ResNet (3, n, 5n, 3), batch 16, on k40m: none of more than $low blocks has a plan"
	fi
	echo "(3, $high, $((5 * high)), 3), $((18 * high + 20)) layers: $(cat "$work/why")"
}

for part in $PARTS; do
	case $part in
	grid | targets | caffe | deep | deepest) "$part" ;;
	*) echo "bench_schedule.sh: unknown part '$part'" >&2; exit 2 ;;
	esac
done
