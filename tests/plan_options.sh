#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The table of planning options (`layrub list options`): each option is taken by each command that it names, refuses nonsense there in
# one way, stands in that command's --help, and is refused with the table's reason by the commands that the table excludes.
# shellcheck source=lib.sh
. "${LAYRUB_TESTS:-tests}/lib.sh"
cd "$work" || exit 1
net=$LAYRUB_TESTS/data/replay-cnn.json

"$LAYRUB" plan "$net" --device h100 --policy layrub -o plan.json >out 2>err || { diag err; exit 1; }
"$LAYRUB" list options >rows
[ -s rows ]
ok $? "there are planning options"

# A value for an option.
value() {	# OPTION
	case $1 in
	device) echo h100 ;;
	budget) echo 100% ;;
	memory) echo 40GiB ;;
	host-memory) echo 64GiB ;;
	slowdown) echo 50% ;;
	minimise) echo memory ;;
	batch) echo 2 ;;
	seq) echo 8 ;;
	image) echo 16 ;;
	accumulate) echo 2 ;;
	set) echo dtype=bfloat16 ;;
	policy) echo keep ;;
	exec) echo 'echo "{\"format\": \"layrub-schedule\", \"version\": 1, \"intervals\": []}"' ;;
	placement) echo first-fit ;;
	lowering) echo framework ;;
	reorder) echo updates ;;
	times) echo traced ;;
	time-limit) echo 5s ;;
	effort) echo 0.1 ;;
	floors) echo 2 ;;
	start | homes) echo plan.json ;;
	write-lp) echo model.lp ;;
	h2d | d2h | link | duplex) echo 10GB/s ;;
	latency) echo 20us ;;
	gpus-per-link) echo 2 ;;
	*) echo "no-value-of-$1-is-known-to-this-test" ;;
	esac
}

# with COMMAND OPTION VALUE: the option on a small step; only graphs have --times, and networks of ids --seq.
with() {
	case $1 in
	explain) set -- explain plan.json "--$2" "$3" ;;
	*)
		operand=$net
		[ "$2" != times ] || operand=graphs/alexnet
		[ "$2" != seq ] || operand=$LAYRUB_TESTS/data/replay-transformer.json
		if [ "$2" = device ]; then
			set -- "$1" "$operand" --device "$3"
		else
			set -- "$1" "$operand" --device h100 "--$2" "$3"
		fi ;;
	esac
	run "$@"
}

# An option's line names the commands that take it; lines "not COMMAND: REASON" follow.
awk '/^ / { sub(/^ */, ""); rows = rows ";" $0; next } { if (rows != "") print rows; rows = $0 } END { print rows }' rows >joined
while read -r option row; do
	taken=${row%%;*}
	for command in $(echo "$taken" | tr -d ,); do
		with "$command" "$option" "$(value "$option")"
		[ "$status" -le 1 ] && [ -s out ]
		ok $? "$command --$option $(value "$option"): taken (status $status)"
		case $option in
		device | write-lp | exec | start | homes) ;;	# exec: a plan may not be needed
		*)
			with "$command" "$option" ','
			[ "$status" -eq 2 ] && grep -q "^layrub: --$option: .*,.*" err
			ok $? "$command --$option ,: refused, with the option's name (status $status)" ;;
		esac
		"$LAYRUB" "$command" --help | grep -q -- " --$option "
		ok $? "$command --help: has --$option"
	done
	echo "$row" | tr ';' '\n' | sed -n 's/^not \([a-z]*\): \(.*\)/\1 \2/p' >excluded
	while read -r command reason; do
		[ -n "$reason" ]
		ok $? "$command does without --$option: $reason"
		# A command may have one of that name with a meaning of its own.
		case $reason in *"another --$option"*) continue ;; esac
		with "$command" "$option" "$(value "$option")"
		[ "$status" -eq 2 ] && grep -qxF "layrub: '$command' does not take --$option: $reason" err
		ok $? "$command --$option: refused with the reason"
	done <excluded
	[ $(($(echo "$taken" | wc -w) + $(wc -l <excluded))) -eq 5 ]
	ok $? "--$option: the table says it for five commands"
done <joined
done_testing
