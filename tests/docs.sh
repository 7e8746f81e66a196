#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs every command that the documents show, each document in a scratch folder of its own, and compares what it prints
# with what the document says it prints; docs.awk describes the form, docs.sed what may differ.  A line "..." stands for
# lines that are left out, once in an output.
#
#     LAYRUB_DOCS=update make check TESTS='tests/docs.sh tests/docs_diffs.sh'
#
# writes what the commands print now, and the pictures that they draw, into the documents instead.  LAYRUB_DOCS=long runs
# those that take long, too, and LAYRUB_DOCS='update long' does both.  Arguments are the documents to be tested.
. "${LAYRUB_TESTS:-tests}/lib.sh"
: "${LAYRUB_DOCS:=}" "${OMP_NUM_THREADS:=2}" "${LAYRUB_PYTHON:=}" "${LAYRUB_LIBRARY_FILE:=}"
LC_ALL=C PATH=$(dirname "$LAYRUB"):$(dirname "$LAYRUB_REPLAY"):$PATH
export LC_ALL PATH OMP_NUM_THREADS
root=$(cd "$LAYRUB_TESTS/.." && pwd) || exit 1
[ -f "$root/docs/README.md" ] || skip_all "no documents beside the tests"
"$LAYRUB" list placements | grep -q '^ilp' || skip_all "built without GLPK: bounds in the documents come from its linear programs"
case ${LAYRUB_COMPILE-} in
*-fsanitize=*) skip_all "sanitizers make it slow: the plain build runs the same commands" ;;
esac

asked() {	# WORD
	case " $LAYRUB_DOCS " in
	*" $1 "*) return 0 ;;
	esac
	return 1
}

# Prints the reason why a command is not run, if there is one.
reason() {	# NOTE
	case $1 in
	'not run: '*) echo "${1#not run: }" ;;
	'takes: '*) asked long || echo "takes ${1#takes: }" ;;
	'needs: PyTorch') has_module torch || echo "no PyTorch" ;;
	'needs: transformers') has_module transformers || echo "no transformers" ;;
	'needs: '*) command -v "${1#needs: }" >/dev/null 2>&1 || echo "no ${1#needs: }" ;;
	esac
}

has_module() {	# NAME
	[ -f "$LAYRUB_LIBRARY_FILE" ] && [ -n "$LAYRUB_PYTHON" ] &&
	    "$LAYRUB_PYTHON" -c 'import sys; from importlib.util import find_spec; sys.exit(not find_spec(sys.argv[1]))' "$1"
}

# layrub-torch as it stands in the sources, and Python with the package.  What PyTorch has to say about itself is not for the documents.
make_python() {	# FOLDER
	cat >"$1/python3" <<-END
		#!/bin/sh
		LAYRUB_LIBRARY='$LAYRUB_LIBRARY_FILE' PYTHONPATH='$root/pytorch' PYTHONDONTWRITEBYTECODE=1 PYTHONWARNINGS=ignore
		export LAYRUB_LIBRARY PYTHONPATH PYTHONDONTWRITEBYTECODE PYTHONWARNINGS
		exec '$LAYRUB_PYTHON' "\$@"
	END
	cat >"$1/layrub-torch" <<-END
		#!/bin/sh
		exec python3 -c 'import sys; sys.argv[0] = "layrub-torch"
		from layrub.command import main; sys.exit(main())' "\$@"
	END
	chmod +x "$1/python3" "$1/layrub-torch"
}

# Prints the part of GOT that WANT shows.
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
	diff "$1.want.masked" "$1.part.masked" >"$work/err"
	same=$?
	if asked update; then
		cmp -s "$1.want" "$1.part" || cp "$1.part" "$1.shown"
		same=0
	fi
	[ $status -eq 0 ] || echo "exit status $status" >>"$work/err"
	[ $status -eq 0 ] && [ $same -eq 0 ]
	ok $? "$(cat "$1.place")"
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

# Runs a document in a process and a folder of its own.
run_document() {	# DOCUMENT NAME
	mkdir -p "$work/parts" "$work/here"
	ln -s "$LAYRUB_DATA" "$work/here/networks"
	ln -s "$root/docs" "$work/here/docs"
	grep -n '^    [$] ' "$1" >"$work/err"
	[ ! -s "$work/err" ]
	ok $? "$2: commands stand in \`\`\`console blocks, where they are run"
	awk -v mode=split -v dir="$work/parts" -v name="$2" -f "$LAYRUB_TESTS/docs.awk" "$1"
	: >"$work/skipped"
	for command in "$work"/parts/*.command; do
		[ -e "$command" ] || continue
		part=${command%.command} why=
		[ ! -f "$part.note" ] || why=$(reason "$(cat "$part.note")")
		if [ -n "$why" ]; then
			echo "$why" >>"$work/skipped"
		else
			run_command "$part" "$work/here"
		fi
	done
	sort "$work/skipped" | uniq -c | while read -r number why; do
		skip "$2: $number of its commands" "$why"
	done
	! asked update || update "$1" "$work"
}

# The documents side by side, their results in order.
cd "$root" || exit 1
[ $# -gt 0 ] || set -- README.md docs/*.md docs/*/*.md
mkdir "$work/bin"
[ -z "$LAYRUB_PYTHON" ] || make_python "$work/bin"
PATH=$work/bin:$PATH
all=$work number=0
for document; do
	number=$((number + 1)) work=$all/$number
	mkdir "$work" || exit 1
	run_document "$root/$document" "$document" >"$work.tap" &
done
wait
i=0
while [ $((i += 1)) -le $number ]; do
	cat "$all/$i.tap"
done | awk '/^(not )?ok / { sub(/ok [0-9]*/, "ok " ++n) } { print } END { print "1.." n + 0 }'
