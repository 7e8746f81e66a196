#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Replays real traces on this machine's GPU, and compares their data and their times with what they should be.
#   validate.sh FOLDER
# calibrates the machine, plans every trace with every policy at four budgets on it, proves each plan with
# --touch all and times it with --touch sample --time traced, and leaves in FOLDER:
#   device.json calibration.txt   the machine
#   proof.jsonl time.jsonl        what layrub-replay said of each plan
#   table.md points.dat           one row a plan; what validation.gp draws
#   trace.json                    one plan's timelines, predicted and measured
#   log.txt                       everything else, with a line for each check
# $LAYRUB $LAYRUB_REPLAY $LAYRUB_DATA: the programs and documents; $TRACES $POLICIES: fewer of them;
# $DEVICE: a document instead of calibrating; $SMALL_PLANS: a folder with the networks of tests/data.
# The failure of a plan is noted, and the plan is left out.  Time: some 8 minutes on 16 cores and an H100.
set -u
if [ $# -ne 1 ]; then
	echo "usage: validate.sh FOLDER" >&2
	exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
: "${LAYRUB:=$here/../build/layrub}" "${LAYRUB_REPLAY:=$here/../build/layrub-replay}" "${LAYRUB_DATA:=$here/../networks}"
: "${TRACES:=alexnet vgg16 resnet50 resnet152 vit_b_16 gpt2 resnet1517}" "${POLICIES:=keep layrub hybrid checkpoint-sqrt}"
: "${SMALL_PLANS:=$here/../tests/data}" "${STEPS:=5}"
export LAYRUB LAYRUB_REPLAY LAYRUB_DATA
mkdir -p "$1" || exit 1
out=$(cd "$1" && pwd)
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
began=$(date +%s)

say() {
	echo "[$(($(date +%s) - began)) s] $*" | tee -a "$out/log.txt"
}

# try NAME COMMAND...: runs the command; its output and its status go to the log.
try() {
	name=$1
	shift
	status=0
	"$@" >>"$out/log.txt" 2>&1 || status=$?
	say "$name: status $status"
}

# lines COMMAND...: prints the documents of a command, each on one line.
lines() {
	"$@" 2>>"$out/log.txt" | awk '{ printf "%s", $0 } /^}/ || /^{.*}$/ { print "" }'
}

# ---- the machine ----
: >"$out/log.txt"
nvidia-smi >>"$out/log.txt" 2>&1
if [ -n "${DEVICE:-}" ]; then
	cp "$DEVICE" "$out/device.json"
else
	timeout 120 "$LAYRUB_REPLAY" --calibrate -o "$out/device.json" >"$out/calibration.txt" 2>>"$out/log.txt"
	say "calibration: status $?"
fi
if [ ! -s "$out/device.json" ]; then
	say "no device document: nothing more to do"
	exit 3
fi

# ---- plans: a ladder of budgets, of which only the smallest with a plan is kept ----
cat >"$work/plan.sh" <<'PLAN'
#!/bin/sh
# plan.sh FOLDER DEVICE NAME POLICY BUDGET: a plan, or nothing
file=$1/$(echo "$3" | sed 's|^graphs/||; s|/|-|')@$4@$5.json
device=$2 name=$3 policy=$4
case $5 in
none)	set -- ;;
*B)	set -- --budget "$5" ;;
*)	set -- --budget "$5%" ;;
esac
if [ "$name" = caffe/resnet1517 ]; then
	set -- --batch 16 "$@"
fi
timeout 150 "$LAYRUB" plan "$name" --device "$device" --policy "$policy" "$@" -o "$file" >/dev/null 2>"$file.err" ||
    echo "no plan: $name $policy $*: $(tail -n 1 "$file.err")"
rm -f "$file.err"
PLAN
chmod +x "$work/plan.sh"
mkdir "$work/plans"
known=" $("$LAYRUB" list policies | awk 'NF { printf "%s ", $1 }')"
# The slowest points first.  ResNet-1517 in 12 GB: the authors' network and the trace.
{
for policy in hybrid layrub; do
	echo "caffe/resnet1517 $policy 12GB"
	echo "graphs/resnet1517 $policy 12GB"
done
for trace in $(echo "$TRACES" | tr ' ' '\n' | sed '1!G;h;$!d'); do
	for policy in $POLICIES; do
		case $known in
		*" $policy "*) ;;
		*) say "no policy '$policy'"; continue ;;
		esac
		for budget in none 75 50 45 40 35 30 25 20 15 10; do
			echo "graphs/$trace $policy $budget"
		done
	done
done
} >"$work/points"
xargs -P "$jobs" -L 1 "$work/plan.sh" "$work/plans" "$out/device.json" <"$work/points" >>"$out/log.txt" 2>&1
for trace in $TRACES; do
	for policy in $POLICIES; do
		smallest=
		for budget in 10 15 20 25 30 35 40 45; do
			file=$work/plans/$trace@$policy@$budget.json
			if [ -f "$file" ] && [ -z "$smallest" ]; then
				smallest=$file
			else
				rm -f "$file"
			fi
		done
	done
done
say "$(find "$work/plans" -name '*.json' | wc -l) plans of $(wc -l <"$work/points") points"

# The largest pool first: it stays locked for the others.
for file in "$work"/plans/*.json; do
	echo "$(sed -n 's/^ "host_bytes": \([0-9]*\),$/\1/p' "$file" | head -n 1) $file"
done | sort -rn | cut -d' ' -f2- >"$work/order"

# ---- proof, then time ----
# shellcheck disable=SC2046
{
	lines timeout 240 "$LAYRUB_REPLAY" --json --steps 3 $(cat "$work/order") >"$out/proof.jsonl"
	say "proof: $(grep -c '"data_ok": true' "$out/proof.jsonl") of $(wc -l <"$work/order") plans right"
	lines timeout 240 "$LAYRUB_REPLAY" --json --touch sample --time traced --capture --steps "$STEPS" \
	    --device "$out/device.json" $(cat "$work/order") >"$out/time.jsonl"
	say "time: $(grep -c '"data_ok": true' "$out/time.jsonl") plans timed"
}

# ---- small plans: both ways to launch, delays, and the sanitizer ----
for network in cnn deep transformer; do
	plan=$work/small-$network.json
	"$LAYRUB" plan "$SMALL_PLANS/replay-$network.json" --device "$out/device.json" --policy layrub -o "$plan" >/dev/null 2>>"$out/log.txt"
	try "$network on streams, delayed" timeout 60 "$LAYRUB_REPLAY" "$plan" --jitter 200 --seeds 10
	try "$network as a graph" timeout 60 "$LAYRUB_REPLAY" "$plan" --capture
	if command -v compute-sanitizer >/dev/null 2>&1; then
		try "$network under memcheck" timeout 90 compute-sanitizer --tool memcheck --error-exitcode 9 "$LAYRUB_REPLAY" "$plan" --steps 1
		try "$network under racecheck" timeout 90 compute-sanitizer --tool racecheck --error-exitcode 9 "$LAYRUB_REPLAY" "$plan" --steps 1
	else
		say "compute-sanitizer is not there"
	fi
done
if [ -f "$work/plans/resnet50@layrub@50.json" ]; then
	try "a trace" "$LAYRUB_REPLAY" --touch sample --time traced --device "$out/device.json" --trace "$out/trace.json" \
	    "$work/plans/resnet50@layrub@50.json"
fi

# ---- the table ----
awk -v points="$out/points.dat" '
function text(key,    s) {
	if (!match($0, "\"" key "\": \"[^\"]*\""))
		return "-"
	s = substr($0, RSTART, RLENGTH)
	gsub(/^[^:]*: "|"$/, "", s)
	return s
}
function number(key,    s) {
	if (!match($0, "\"" key "\": [^,}]*"))
		return ""
	s = substr($0, RSTART, RLENGTH)
	sub(/^[^:]*: /, "", s)
	return s + 0
}
function percent(x) { return x == "" ? "-" : sprintf("%.1f", 100 * x) }
FNR == 1 { file++ }
!/"plan"/ { next }
file == 1 { right[text("plan")] = /"data_ok": true/ ? "right" : "WRONG"; next }
{
	plan = text("plan")
	name = plan
	sub(/.*\//, "", name)
	sub(/\.json$/, "", name)
	split(name, part, "@")
	measured = number("step_time_us")
	predicted = number("predicted_step_time_us")
	error = 100 * (predicted / measured - 1)
	printf "| %s | %s | %s | %s | %.2f | %.2f | %.2f | %.2f | %+.2f | %s | %s | %.1f |\n", part[1], part[2], part[3],
	    plan in right ? right[plan] : "-", number("arena_bytes") / 1e9, number("host_bytes") / 1e9, predicted / 1e3, measured / 1e3,
	    error, percent(number("offload_rate_share")), percent(number("fetch_rate_share")),
	    100 * (measured / number("ideal_time_us") - 1)
	print predicted / 1e3, measured / 1e3, part[1], part[2], part[3] >points
	errors[n++] = error < 0 ? -error : error
}
END {
	for (i = 1; i < n; i++)
		for (k = i; k > 0 && errors[k - 1] > errors[k]; k--) {
			t = errors[k]; errors[k] = errors[k - 1]; errors[k - 1] = t
		}
	if (n > 0)
		printf "\n%d plans: error of the predicted step time, median %.2f %%, worst %.2f %%.\n", n, errors[int(n / 2)], errors[n - 1]
}' "$out/proof.jsonl" "$out/time.jsonl" >"$work/rows"
{
	echo "| trace | policy | budget % | data | arena GB | pool GB | predicted ms | measured ms | error % | offload rate % | fetch rate % | overhead % |"
	echo "|---|---|---|---|---|---|---|---|---|---|---|---|"
	cat "$work/rows"
} >"$out/table.md"
if command -v gnuplot >/dev/null 2>&1; then
	(cd "$out" && gnuplot "$here/validation.gp") >>"$out/log.txt" 2>&1
fi
cat "$out/table.md"
say "done"
