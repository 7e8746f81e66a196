#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs every command that the documents show, each document in a scratch folder of its own, and compares what it prints
# with what the document says it prints; docs.awk describes the form, docs.sed what may differ.  A line "..." stands for
# lines that are left out, once in an output.
#
#     LAYRUB_DOCS=update make check TESTS='tests/docs.sh tests/docs_diffs.sh'
#
# writes what the commands print now, and the pictures that they draw, into the documents instead.  LAYRUB_DOCS=long runs those that take long, too, and
# LAYRUB_DOCS='update long' does both.  Arguments are the documents to be tested.
set -u
: "${LAYRUB:=$PWD/layrub}" "${LAYRUB_TESTS:=$PWD/tests}" "${LAYRUB_DATA:=$PWD/networks}" "${LAYRUB_DOCS:=}"
export LAYRUB_DATA
LC_ALL=C PATH=$(dirname "$LAYRUB"):$PATH OMP_NUM_THREADS=${OMP_NUM_THREADS:-2}
export LC_ALL PATH OMP_NUM_THREADS
root=$(cd "$LAYRUB_TESTS/.." && pwd) || exit 1
if [ ! -f "$root/docs/README.md" ]; then
	echo '1..0 # SKIP no documents beside the tests'
	exit 0
fi
if ! "$LAYRUB" list placements | grep -q '^ilp'; then
	echo '1..0 # SKIP built without GLPK: bounds in the documents come from its linear programs'
	exit 0
fi
case ${LAYRUB_COMPILE-} in
*-fsanitize=*)
	echo '1..0 # SKIP sanitizers make it slow: the plain build runs the same commands'
	exit 0
	;;
esac
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

ok() {	# STATUS NAME [DIAGNOSTICS]
	if [ "$1" -eq 0 ]; then
		printf 'ok - %s\n' "$2"
	else
		printf 'not ok - %s\n' "$2"
		[ -z "${3-}" ] || sed 's/^/# /' "$3"
	fi
}

asked() {	# WORD
	case " $LAYRUB_DOCS " in
	*" $1 "*) return 0 ;;
	esac
	return 1
}

# Why a command is not run, or nothing.
reason() {	# NOTE
	case $1 in
	'not run: '*) echo "${1#not run: }" ;;
	'takes: '*) asked long || echo "takes ${1#takes: }" ;;
	'needs: '*) command -v "${1#needs: }" >/dev/null 2>&1 || echo "no ${1#needs: }" ;;
	esac
}

# As much of GOT as WANT shows.
shorten() {	# WANT GOT
	line=$(grep -n '^ *\.\.\.$' "$1" | head -n 1 | cut -d : -f 1)
	if [ -z "$line" ]; then
		cat "$2"
	else
		after=$(($(wc -l <"$1") - line))
		head -n $((line - 1)) "$2"
		sed -n "${line}p" "$1"
		tail -n "$after" "$2"
	fi
}

run_command() {	# FILE-WITHOUT-SUFFIX FOLDER
	status=0
	(cd "$2" && sh "$1.command") >"$1.got" 2>&1 </dev/null || status=$?
	shorten "$1.want" "$1.got" >"$1.part"
	sed -E -f "$LAYRUB_TESTS/docs.sed" "$1.want" >"$1.want.masked"
	sed -E -f "$LAYRUB_TESTS/docs.sed" "$1.part" >"$1.part.masked"
	diff "$1.want.masked" "$1.part.masked" >"$1.diff"
	same=$?
	if asked update; then
		[ $same -eq 0 ] || mv "$1.part" "$1.shown"
		same=0
	fi
	[ $status -eq 0 ] || echo "exit status $status" >>"$1.diff"
	[ $status -eq 0 ] && [ $same -eq 0 ]
	ok $? "$(cat "$1.place")" "$1.diff"
}

# The outputs, and the pictures that were drawn anew.
update() {	# DOCUMENT FOLDER
	awk -v mode=join -v dir="$2/parts" -f "$LAYRUB_TESTS/docs.awk" "$1" >"$2/document" || return
	cmp -s "$2/document" "$1" || cat "$2/document" >"$1"
	for picture in "$2"/here/*.png; do
		old=$(dirname "$1")/$(basename "$picture")
		[ ! -e "$old" ] || cat "$picture" >"$old"
	done
}

run_document() {	# DOCUMENT NAME FOLDER
	mkdir -p "$3/parts" "$3/here"
	ln -s "$LAYRUB_DATA" "$3/here/networks"
	grep -n '^    [$] ' "$1" >"$3/other"
	[ ! -s "$3/other" ]
	ok $? "$2: commands stand in \`\`\`console blocks, where they are run" "$3/other"
	awk -v mode=split -v dir="$3/parts" -v name="$2" -f "$LAYRUB_TESTS/docs.awk" "$1"
	: >"$3/skipped"
	for command in "$3"/parts/*.command; do
		[ -e "$command" ] || continue
		part=${command%.command} why=
		[ ! -f "$part.note" ] || why=$(reason "$(cat "$part.note")")
		if [ -n "$why" ]; then
			echo "$why" >>"$3/skipped"
		else
			run_command "$part" "$3/here"
		fi
	done
	sort "$3/skipped" | uniq -c | while read -r number why; do
		echo "ok - $2: $number of its commands # SKIP $why"
	done
	! asked update || update "$1" "$3"
}

# The documents side by side, their results in order.
count=0
cd "$root" || exit 1
[ $# -gt 0 ] || set -- README.md docs/*.md docs/*/*.md
for document; do
	count=$((count + 1))
	run_document "$root/$document" "$document" "$work/$count" >"$work/$count.tap" &
done
wait
i=0
while [ $((i += 1)) -le $count ]; do
	cat "$work/$i.tap"
done | awk '/^(not )?ok - / { sub(/ok/, "ok " ++n) } { print } END { print "1.." n + 0 }'
