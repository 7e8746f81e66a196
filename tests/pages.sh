#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The man pages compared with the programs: every subcommand has a page, which lists every option of --help with its letter,
# value, default and choices, and no other option; the examples run.
# shellcheck source=lib.sh
. "${LAYRUB_TESTS:-tests}/lib.sh"
# shellcheck source=help.sh
. "$LAYRUB_TESTS/help.sh"
pages=$(cd "$LAYRUB_TESTS/../docs/man" && pwd) || exit 1
PATH=$(dirname "$LAYRUB"):$PATH
export PATH
cd "$work" || exit 1

# Passes when err is empty.
nothing_wrong() {	# NAME
	[ ! -s err ]
	ok $? "$1"
}

# The options that a page has items for: LONG SHORT VALUE.
page_options() {	# PAGE
	awk '
	/^\.It Fl / {
		long = short = value = "-"
		for (i = 2; i < NF; i++) {
			if ($i == "Fl" && $(i + 1) ~ /^-/) long = "-" $(i + 1)
			else if ($i == "Fl") short = "-" $(i + 1)
			else if ($i == "Ar") value = $(i + 1)
		}
		print long, short, value
	}' "$1" | LC_ALL=C sort
}

# A page's text on an option, in one line.
page_item() {	# PAGE LONG
	awk -v name="-${2#--}" '
	/^\.(It|El)/ { on = 0; for (i = 2; i < NF; i++) if ($i == "Fl" && $(i + 1) == substr(name, 1)) on = 1; next }
	on { sub(/^\.[A-Z][a-z] /, ""); printf "%s ", $0 }' "$1"
}

# Every option that is named anywhere on a page.
page_mentions() {	# PAGE
	grep -o 'Fl [-a-zA-Z0-9][-a-zA-Z0-9]*' "$1" | sed 's/^Fl /-/' | sort -u
}

# Compares the default and the choices of each option; tables that grow have a page of their own.
check_items() {	# PAGE: with the files options and defaults
	while read -r long default; do
		value=$(awk -v long="$long" '$1 == long { print $3 }' options)
		item=$(page_item "$1" "$long")
		[ -n "$item" ] || echo "$long: nothing is said of it"
		[ "$value" != - ] || continue
		case $default in
		'(none)') echo "$long: --help does not say its default" ;;
		required) echo "$item" | grep -q 'Required' || echo "$long: not said to be required" ;;
		*' '*) echo "$item" | grep -q 'Default: ' || echo "$long: no default" ;;
		*) echo "$item" | grep -qF -e "Default: $default." -e "Default: $default;" || echo "$long: no default $default" ;;
		esac
	done <defaults
	while read -r long _ value choices; do
		case ${value%,...} in
		POLICY) place=$pages/layrub-plan.1 ;;
		PLACEMENT) place=$pages/layrub-place.1 ;;
		*) place=$1 ;;
		esac
		for choice in $choices; do
			grep -q "Cm $choice\\( \\|\$\\)" "$1" "$place" || echo "$long: nothing is said of $choice in ${place##*/}"
		done
	done <options
}

# A program or a subcommand against its page.
check_page() {	# PAGE WORD...
	name=$1 page=$pages/$1.1
	shift
	"$@" --help >help
	help_options <help >options
	help_defaults <help >defaults
	ls "$page" 2>err >out
	nothing_wrong "$name: a page"
	[ -f "$page" ] || return
	cut -d ' ' -f 1-3 options | LC_ALL=C sort >have
	page_options "$page" >stand
	diff have stand >err
	nothing_wrong "$name: the options of --help, with letters and values, and no other"
	check_items "$page" >err
	nothing_wrong "$name: defaults and choices"
	awk '{ print $1; print $2 }' options >known
	# The page layrub(1) lists the options of all commands.
	[ "$name" != layrub ] || printf '%s\n' --json --max-input >>known
	page_mentions "$page" | grep -vxF -f known >err
	nothing_wrong "$name: names no option that there is not"
	sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESCRIPTION/p' "$page" | page_mentions - >synopsis
	awk '$1 != "--help" && $1 != "--version" { print $1 }' options | grep -vxF -f synopsis >err
	nothing_wrong "$name: the synopsis has all options"
	for section in 'EXIT STATUS' EXAMPLES 'SEE ALSO'; do
		grep -qx "\\.Sh $section" "$page" || echo "no section $section"
	done >err
	nothing_wrong "$name: says what it ends with, how it is used and what to read next"
}

# shellcheck disable=SC2094
layrub list commands >commands
[ -s commands ]
ok $? "there are commands"
check_page layrub layrub
check_page layrub-replay layrub-replay
while read -r command summary; do
	check_page "layrub-$command" layrub "$command"
	{
		first=$(echo "$summary" | cut -c 1 | tr '[:upper:]' '[:lower:]')
		grep -qxF ".Nd $first$(echo "$summary" | cut -c 2-)" "$pages/layrub-$command.1" || echo "another summary than: $summary"
		grep -qx "\\.It Cm $command" "$pages/layrub.1" || echo "not among the commands in layrub.1"
		grep -qF "$summary" "$pages/layrub.1" || echo "another summary in layrub.1 than: $summary"
	} >err
	nothing_wrong "layrub-$command: the summary that the program gives"
done <commands

# The rows of a table that a page describes are rows of it; integer programs need GLPK, and the page says so.
check_rows() {	# PAGE SECTION TABLE
	layrub list "$3" | cut -d ' ' -f 1 >rows
	echo ilp >>rows
	sed -n "/^\\.Ss $2/,/^\\.El/p" "$pages/$1" | grep '^\.It' | grep -o 'Cm [-a-z0-9]*' | cut -c 4- >described
	[ -s described ] || echo "(nothing)" >described
	grep -vxF -f rows described >err
	nothing_wrong "$1: describes $3 that there are"
}
check_rows layrub-plan.1 Policies policies
check_rows layrub-place.1 Placements placements
check_rows layrub.1 Lowerings lowerings

# No page of a command that is gone, no reference to a page that is not there.
for page in "$pages"/*.1; do
	name=$(basename "$page" .1)
	case $name in
	layrub | layrub-replay | layrub-torch) ;;
	*) grep -q "^${name#layrub-} " commands || echo "$name: no such command" ;;
	esac
	grep -o 'Xr [a-z-]* 1' "$page" | cut -d ' ' -f 2 | sort -u | while read -r other; do
		[ -f "$pages/$other.1" ] || echo "$name: refers to $other(1)"
	done
done >err
nothing_wrong "pages and references are of things that there are"

if command -v mandoc >/dev/null; then
	mandoc -T lint -W warning "$pages"/*.1 >err 2>&1
	nothing_wrong "mandoc has nothing to say"
else
	skip "mandoc has nothing to say" "no mandoc"
fi

# ---- examples: each literal block is a script; later blocks of a page go on where earlier ones ended ----

blocks() {	# PAGE: into the files block.N
	awk '/^\.Bd -literal/ { file = "block." ++n; next } /^\.Ed/ { file = ""; next } file != "" { print >file }' "$1"
}

for page in "$pages"/*.1; do
	name=$(basename "$page" .1)
	mkdir "$work/$name" && cd "$work/$name" || exit 1
	blocks "$page"
	for block in block.*; do
		sed -e 's/^\$ //' -e 's/\\-/-/g' -e 's/\\e/\\/g' "$block" >script
		what="$name, ${block#block.}: $(sed -n '1s/\\.*//p; 1p' script | head -n 1)"
		if grep -q -e --calibrate script; then
			skip "$what" "measures a GPU"
			continue
		elif [ "$name" = layrub-torch ]; then
			# Its options are compared by pytorch/tests/test_command.py, its commands run from docs/pytorch.md.
			skip "$what" "runs PyTorch"
			continue
		fi
		sh -e script >../out 2>../err </dev/null
		status=$?
		if [ $status -eq 3 ] && grep -q gnuplot ../err; then
			skip "$what" "no gnuplot"
		else
			ok $status "$what"
		fi
	done
	cd "$work" || exit 1
done

done_testing
