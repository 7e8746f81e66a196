#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Completions of bash and zsh for every subcommand, option and operand, compared with --help and `layrub list`.
# tests/complete.bash and complete.zsh drive the two shells.
# shellcheck source=lib.sh
. "${LAYRUB_TESTS:-tests}/lib.sh"
# shellcheck source=help.sh
. "$LAYRUB_TESTS/help.sh"
PATH=$(dirname "$LAYRUB"):$PATH
export PATH
folder=$LAYRUB_TESTS/../docs/completion
# A folder without files, because files would be candidates, too.
mkdir "$work/empty" && cd "$work/empty" || exit 1

# Command lines up to the cursor, each with its wanted completions below it.
want() {	# LINE: the rest on standard input, one a line
	echo "> $1"
	grep . | LC_ALL=C sort -u
}

names() {	# TABLE...
	for table in "$@"; do
		layrub list "$table" | cut -d ' ' -f 1
	done
}

# The values of an option, by their word in --help.
values() {	# WORD CHOICE...
	word=${1%,...}
	shift
	printf '%s\n' "$@"
	case $word in
	DEVICE) names devices; echo '(files)' ;;
	GRAPH) names graphs; echo '(files)' ;;
	FILE) echo '(files)' ;;
	*)
		[ $# -gt 0 ] || case $word in
		N | PCT | SIZE | RATE | TIME | X | I/N | PROGRAM | PATH=VALUE | 'SIZE|N%') ;;
		*) echo "no values for $word" ;;
		esac ;;
	esac
}

# All lines for a program or a subcommand: its options, the values of each, its first operand.
lines() {	# WORD...
	"$@" --help >"$work/help"
	help_options <"$work/help" >"$work/options"
	while read -r long short _; do
		printf '%s\n' "$long" "${short#-}" | sed 's/^[^-]$/-&/'
	done <"$work/options" | want "$* -"
	while read -r long short word choices; do
		[ "$word" != - ] || continue
		# shellcheck disable=SC2086
		values "$word" $choices >"$work/values"
		want "$* $long " <"$work/values"
		want "$* $long=" <"$work/values"
		if [ "$short" != - ]; then
			want "$* x $short " <"$work/values"
		fi
	done <"$work/options"
	case ${2:-$1} in
	layrub) names commands | want "$* " ;;
	info | plan | compare | fit | sweep) { names networks graphs; echo '(files)'; } | want "$* " ;;
	check | explain | simulate | report | place | layrub-replay) echo '(files)' | want "$* " ;;
	list) names tables | want "$* " ;;
	*) echo "no operand is known to this test" | want "$* " ;;
	esac
}

{
	for c in '' $(names commands); do
		# shellcheck disable=SC2086
		lines layrub $c
	done
	lines layrub-replay
	printf '%s\n' simulate sweep | want "layrub s"
	printf '%s\n' --picture --placement --policy | want "layrub plan resnet50 --p"
	printf '%s\n' vdnn-all vdnn-conv | want "layrub plan resnet50 --policy vdnn"
	printf '%s\n' vdnn-all vdnn-conv | want "layrub plan resnet50 --policy=vdnn"
	printf '%s\n' caffe/vgg16 '(files)' | want "layrub plan --device h200 caffe/v"
	printf '%s\n' graphs/vgg16 graphs/vit_b_16 '(files)' | want "layrub sweep resnet50 graphs/v"
	printf '%s\n' k40m '(files)' | want "layrub sweep resnet50 --device h200,k"
	printf '%s\n' layrub layup | want "layrub sweep resnet50 --policy hybrid,lay"
	printf '%s\n' all autoswap | want "layrub sweep resnet50 -p keep,a"
	printf '%s\n' term '(files)' | want "layrub report plan.json -o "
	printf '%s\n' '(files)' | want "layrub report plan.json -o x"
	printf '%s\n' --graph -g --homes --json --max-input --help -h | want "layrub check plan.json "
	want "layrub explain plan.json " </dev/null
	want "layrub nonsense " </dev/null
	want "layrub plan resnet50 --nonsense" </dev/null
} >"$work/want"
grep '^> ' "$work/want" | cut -c 3- >"$work/lines"

# Each block of want against the one of got, as TAP.  Where an option may stand an operand may, too: zsh offers files there.
compare() {	# SHELL
	awk -v shell="$1" -v count="$count" '
	/^> / { key = $0 }
	FNR == NR { if (/^> /) keys[++n] = key; else want[key] = want[key] " " $0; next }
	/^> / { seen[key] = 1; next }
	!($0 == "(files)" && key ~ / -[^ =]*$/) { got[key] = got[key] " " $0 }
	END {
		for (i = 1; i <= n; i++) {
			key = keys[i]
			good = seen[key] && got[key] == want[key]
			print (good ? "ok " : "not ok ") ++count " - " shell ": " substr(key, 3)
			if (!good) print "# want" want[key] "\n# got" got[key]
		}
	}' "$work/want" "$work/got"
	count=$((count + $(wc -l <"$work/lines")))
}

for shell in bash zsh; do
	if ! "$shell" -c : 2>/dev/null; then
		skip "completion in $shell" "no $shell"
		continue
	fi
	"$shell" "$LAYRUB_TESTS/complete.$shell" "$folder" <"$work/lines" >"$work/got" 2>"$work/err"
	status=$?
	[ $status -eq 0 ] && [ ! -s "$work/err" ]
	ok $? "$shell: nothing goes wrong"
	compare "$shell"
done
done_testing
