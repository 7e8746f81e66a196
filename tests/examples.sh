#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The programs of docs/library.md and the policy of docs/add-policy.md: each builds against the installed library and runs; and the document shows lines of them only.  The steps of docs/pytorch.md are run by docs.sh.
. "${LAYRUB_TESTS:-tests}/lib.sh"
: "${LAYRUB_CC:=cc}" "${LAYRUB_CXX:=c++}" "${LAYRUB_PYTHON:=}"
build=$(dirname "$LAYRUB")
examples=$(cd "$LAYRUB_TESTS/../docs/example" && pwd) || exit 1
document=$LAYRUB_TESTS/../docs/library.md

# ---- the document ----

# shown_lines FILE: the lines of the blocks that follow a link to the program, up to the next link or heading.
shown_lines() {
	awk -v link="(example/$1)" '
		!block && /\(example\// { ours = index($0, link) > 0 }
		!block && /^##/ { ours = 0 }
		/^```/ { block = !block; next }
		block && ours { gsub(/^[ \t]+|[ \t]+$/, ""); if ($0 != "" && $0 != "...") print }' "$document"
}
for file in "$examples"/*; do
	name=$(basename "$file")
	grep -qF "(example/$name)" "$document" "$LAYRUB_TESTS/../docs/add-policy.md" "$LAYRUB_TESTS/../docs/pytorch.md"
	ok $? "docs/library.md, docs/add-policy.md or docs/pytorch.md names $name"
	sed 's/^[ \t]*//; s/[ \t]*$//' "$file" >"$work/lines"
	shown_lines "$name" | grep -vxFf "$work/lines" >"$work/err"
	[ ! -s "$work/err" ]
	ok $? "and shows nothing else than its lines"
done

# Every function, struct and member of the committed interface.
{
	sed -n 's/@.*//; s/^layrub_/&/p' "$golden/library-symbols.txt"
	sed -n 's/^struct \([a-z_]*\) .*/\1/p; s/^  \([a-z_0-9]*\) .*/\1/p' "$golden/library-layout.txt"
} | sort -u | while read -r word; do
	grep -q "\`${word}[\`(]" "$document" || echo "$word"
done >"$work/err"
[ ! -s "$work/err" ]
ok $? "docs/library.md describes every function, struct and member"

# ---- build ----

case $LAYRUB_CC in
*-fsanitize=*) sanitized=yes ;;
*) sanitized=no ;;
esac
if [ ! -f "$build/liblayrub.a" ] || ! command -v pkg-config >/dev/null; then
	skip "the programs" "no liblayrub.a beside the program, or no pkg-config"
	done_testing
	exit 0
fi
cd "$work" || exit 1
make_in_build() {
	(unset MAKEFLAGS MFLAGS MAKELEVEL; cd / && make -s -C "$build" "$@" DESTDIR="$work/root")
}
run_this make_in_build install
is 0 "make install"
pc=$(find root -name layrub.pc)
prefix=$(sed -n 's/^prefix=//p' "$pc")
PKG_CONFIG_PATH=$work/$(dirname "$pc")${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
export PKG_CONFIG_PATH
config() {
	pkg-config --define-variable=prefix="$work/root$prefix" "$@" layrub
}
LD_LIBRARY_PATH=$(config --variable=libdir)${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH

for file in "$examples"/*.c; do
	name=$(basename "$file" .c)
	# shellcheck disable=SC2046,SC2086
	run_this $LAYRUB_CC -Wall -Wextra -Werror "$file" $(config --cflags --libs) -o "$name"
	is 0 "$name.c builds"
done
# shellcheck disable=SC2086
if echo 'int main() { return 0; }' >try.cc && $LAYRUB_CXX -std=c++17 try.cc -o try 2>/dev/null && [ $sanitized = no ]; then
	# shellcheck disable=SC2046
	run_this $LAYRUB_CXX -std=c++17 -Wall -Wextra -Werror "$examples/half.cc" $(config --cflags --libs) -o half_cc
	is 0 "half.cc builds"
fi

# ---- run ----

says() {	# PROGRAM EXPECTED COMMAND...: standard output
	name=$1 expected=$2
	shift 2
	run_this "$@"
	diff -u "$expected" out >difference 2>&1
	same=$?
	[ $same -eq 0 ] || cat difference >>err
	[ "$status" -eq 0 ] && [ $same -eq 0 ]
	ok $? "$name says what it always says"
}
says half.c "$golden/half.txt" ./half graphs/resnet50 h100 layrub
if [ -x half_cc ]; then
	says half.cc "$golden/half.txt" ./half_cc graphs/resnet50 h100 layrub
	run_this ./half_cc no-such-graph h100
	is 2 "half.cc: a mistake"
	holds "half: expected a file or the name of a network" err "is explained"
else
	skip "half.cc" "no C++ compiler for C++17, or a build with sanitizers"
fi
if [ -n "$LAYRUB_PYTHON" ] && [ $sanitized = no ]; then
	PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$(dirname "$(dirname "$(find "$work/root" -path '*/layrub/library.py')")")
	# The library beside the package, not an older one where the package will be one day.
	LAYRUB_LIBRARY=$(config --variable=libdir)/liblayrub.so.1
	export PYTHONDONTWRITEBYTECODE PYTHONPATH LAYRUB_LIBRARY
	says half.py "$golden/half.txt" "$LAYRUB_PYTHON" "$examples/half.py" graphs/resnet50 h100 layrub
	run_this "$LAYRUB_PYTHON" "$examples/half.py" no-such-graph h100
	is 2 "half.py: a mistake"
	holds "half.py: expected a file or the name of a network" err "is explained"
else
	skip "half.py" "configured without Python, or a build with sanitizers"
fi

answers 0 "a plan with copies" plan resnet18 --batch 1 --device k40m --budget 60% --effort 0.2 -o tight.json
grep -q '"do": "fetch"' tight.json
ok $? "it has copies"
answers 0 "a plan without" plan resnet18 --batch 1 --device k40m --policy keep -o keep.json
run_this ./execute tight.json
is 0 "execute.c"
sed 's/.*digest //' out >tight.digest
run_this ./execute keep.json
is 0 "execute.c, everything resident"
sed 's/.*digest //' out >keep.digest
cmp tight.digest keep.digest >err 2>&1
ok $? "the step makes the same data"

run_this ./what_if tight.json
is 0 "what_if.c"
awk '/own machine/ { own = $4 } /two GPUs/ { shared = $6 } END { exit !(NR == 5 && own > 0 && shared > own) }' out
ok $? "a shared link makes the step longer"

echo "sound for any timing, and made for this step" >sound.txt
says check.c sound.txt ./check tight.json resnet18 k40m 1
run_this ./check tight.json resnet18 k40m 2
is 1 "check.c: a plan for another batch"
sed 's/"arena_bytes": [0-9]*/"arena_bytes": 4096/' tight.json >broken.json
run_this ./check broken.json resnet18 k40m 1
is 1 "check.c: a plan that is not sound"
holds "not sound" out "is called so"

run_this ./arrays h100
is 0 "arrays.c"
awk '/resident/ { all = $1 } /planned/ { planned = $1 } END { exit !(planned > 0 && planned <= all / 2) }' out
ok $? "the plan has half of the memory"
run_this ./fit resnet18 k40m keep
is 0 "fit.c"
holds "largest batch" out "finds the largest batch"
run_this ./place
is 0 "place.c"
holds "item 3 at 0" out "an item with a given address stays there"

run_this ./cancel graphs/resnet50 h100
is 0 "cancel.c"
holds "status time-limit" out "the search was ended"
[ -s err ]
ok $? "after it had told its progress"
run_this ./search
is 0 "search.c"
grep -q '^status   time-limit$' out && grep -q 'lines of progress' out
ok $? "search.c ends its search after 100 ms, and has a plan"
done_testing
