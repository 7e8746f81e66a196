#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# mutate.sh SOURCE FOLDER [PATTERN]: whether the tests see it when the program means something else.
#
# A mutant is a line of mutate.list: an edit of one line of the sources, and the test that must fail then.  FOLDER holds two copies of the
# sources, each with its build.  A mutant is applied to one of them, what it changes is built again, its test runs, and the file is put
# back.  PATTERN (as grep -E has it) chooses the mutants whose line matches.  CC and CFLAGS are configure's.
# Exit status: 0 all mutants are caught, 1 one survives, changes nothing or does not compile.
set -u
source=$(cd "$1" && pwd) || exit 1
mkdir -p "$2" && folder=$(cd "$2" && pwd) || exit 1
pattern=${3:-.}
jobs=2 seconds=300		# a test that has not ended by then has failed
LAYRUB_TESTS=$source/tests LAYRUB_DATA=$source/networks OMP_NUM_THREADS=1
export LAYRUB_TESTS LAYRUB_DATA OMP_NUM_THREADS
tab=$(printf '\t')

fail() {
	echo "mutate: $*" >&2
	exit 1
}

# Bring the copy in tree $1 up to date.  A copied source is new, so that what was made of another is made again.
copy_sources() {
	(cd "$source" && find . \( -path ./build\* -o -path ./mutate -o -path ./fuzz -o -path './.*' \) -prune -o -type f \
	    \( -name '*.[ch]' -o -name local.mk -o -name '*.in' -o -name '*.m4' -o -name '*.am' -o -name '*.ac' -o -name configure \
	    -o -path './build-aux/*' \) ! -path ./config.h -print; find ./build-aux -type f) | sort -u >"$folder/files"
	while read -r f; do
		cmp -s "$source/$f" "$1/source/$f" && continue
		mkdir -p "$1/source/${f%/*}"
		cp -p "$source/$f" "$1/source/$f" || exit 1
		chmod u+w "$1/source/$f"
		case $f in *.[ch]) touch "$1/source/$f" ;; esac
	done <"$folder/files"
}

configure_tree() {
	mkdir -p "$1/build"
	[ -f "$1/build/Makefile" ] || (cd "$1/build" && ../source/configure --quiet CC="${CC:-cc}" CFLAGS="${CFLAGS:--O1}" --without-cuda) \
	    >"$1/configure.log" 2>&1 || { cat "$1/configure.log" >&2; exit 1; }
}

# What test $1 is made of.
targets_of() {
	case $1 in
	*.t) echo "$1" ;;
	*) echo "layrub layrub-replay" ;;
	esac
}

build() {	# TREE TARGET...
	tree=$1
	shift
	make -s -C "$tree/build" "$@" >"$tree/build.log" 2>&1 </dev/null
}

passes() {	# TREE TEST
	case $2 in
	*.t) set -- "$1" "$1/build/$2" ;;
	*) set -- "$1" sh "$source/$2" ;;
	esac
	tree=$1
	shift
	(cd "$tree/build" && LAYRUB=$tree/build/layrub LAYRUB_REPLAY=$tree/build/layrub-replay timeout "$seconds" "$@") >"$tree/test.log" 2>&1 </dev/null &&
		! grep -q '^not ok' "$tree/test.log"
}

# Apply the mutant, say what became of it, and put the file back.
mutate() {	# TREE FILE EDIT TEST WORDS
	file=$1/source/$2
	began=$(date +%s)
	sed "$3" "$source/$2" >"$file"
	lines=$(diff "$source/$2" "$file" | grep -c '^>')
	# shellcheck disable=SC2046
	if [ "$lines" -lt 1 ] || [ "$lines" -gt 3 ]; then
		said="ERROR    changes $lines lines"
	elif ! build "$1" $(targets_of "$4"); then
		said="ERROR    does not compile"
	elif passes "$1" "$4"; then
		said=SURVIVED
	else
		said=caught
	fi
	cp "$source/$2" "$file"
	printf '%-8s %4d s  %-22s %s: %s\n' "$said" $(($(date +%s) - began)) "$4" "$2" "$5" | tee -a "$1/said"
}

# Take mutants from the list until none is left.  The first worker to make a mutant's folder has it.
work() {	# TREE
	number=0
	while IFS=$tab read -r file edit test words; do
		number=$((number + 1))
		mkdir "$folder/taken/$number" 2>/dev/null && mutate "$1" "$file" "$edit" "$test" "$words"
	done <"$folder/list"
}

grep -v '^#' "$source/tests/mutate.list" | grep . | grep -E -e "$pattern" >"$folder/list" || fail "no mutant matches '$pattern'"
awk -F'\t+' 'NF != 4 { print "mutate: expected four columns: " $0; bad = 1 } END { exit bad }' "$folder/list" >&2 || exit 1
first=$folder/1
copy_sources "$first"
configure_tree "$first"
# The integer programs are not in a build without GLPK.
if ! grep -q '^#define HAVE_GLPK 1' "$first/build/config.h"; then
	awk -F'\t+' '$3 != "tests/ilp.t" && $1 !~ /ilp/' "$folder/list" >"$folder/rest" && mv "$folder/rest" "$folder/list"
	echo "mutants of integer programs are left out: no GLPK"
fi
tests=$(awk -F'\t+' '{ print $3 }' "$folder/list" | sort -u)
# shellcheck disable=SC2046
build "$first" -j "$jobs" $(for t in $tests; do targets_of "$t"; done | sort -u) || { tail -n 30 "$first/build.log" >&2; fail "the build fails"; }
for t in $tests; do
	passes "$first" "$t" || { grep '^not ok' "$first/test.log" >&2; fail "$t fails without a mutant"; }
done
rm -rf "$folder/taken" "$folder"/*/said
mkdir "$folder/taken"
for i in $(seq 2 "$jobs"); do
	rm -rf "${folder:?}/$i" && cp -Rp "$first" "$folder/$i" || exit 1
done
workers=
for i in $(seq "$jobs"); do
	work "$folder/$i" &
	workers="$workers $!"
done
# Workers in the background do not hear Ctrl-C.
# shellcheck disable=SC2064
trap "kill $workers; exit 1" INT TERM
wait
cat "$folder"/*/said | awk '{ n += $1 == "caught" } END { print n + 0 " of " NR " caught"; exit n < NR }'
