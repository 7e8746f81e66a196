#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The installed library: flags from pkg-config, visible names and linked libraries of a program outside the tree.
. "${LAYRUB_TESTS:-tests}/lib.sh"
: "${LAYRUB_CC:=cc}"
build=$(dirname "$LAYRUB")
if [ ! -f "$build/liblayrub.a" ] || ! command -v pkg-config >/dev/null || ! command -v nm >/dev/null; then
	skip_all "no liblayrub.a beside the program, no pkg-config or no nm"
fi
cd "$work" || exit 1

this() {	# NAME COMMAND...: it succeeds
	name=$1
	shift
	run_this "$@"
	ok "$status" "$name"
}

same() {	# FILE FILE NAME
	diff -u "$1" "$2" >err 2>&1
	ok $? "$3"
}

make_in_build() {
	(unset MAKEFLAGS MFLAGS MAKELEVEL; cd / && make -s -C "$build" "$@" DESTDIR="$work/root")
}

# ---- installed, and outside the tree ----

this "make install" make_in_build install
pc=$(find root -name layrub.pc)
prefix=$(sed -n 's/^prefix=//p' "$pc")
PKG_CONFIG_PATH=$work/$(dirname "$pc")${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
export PKG_CONFIG_PATH
config() {
	pkg-config --define-variable=prefix="$work/root$prefix" "$@" layrub
}
libdir=$(config --variable=libdir)
this "the header is where pkg-config says" cp "$(config --variable=includedir)/layrub.h" .
[ -h "$libdir/liblayrub.so" ] && [ -h "$libdir/liblayrub.so.1" ] && [ -f "$libdir/liblayrub.so.1" ] && [ -f "$libdir/liblayrub.a" ]
ok $? "the libraries are where pkg-config says"
this "the example is installed" cp "$(find root -name half.c)" .

# shellcheck disable=SC2046,SC2086
{
	this "the example builds against the shared library" $LAYRUB_CC half.c $(config --cflags --libs) -o half-shared
	this "and against the static one" $LAYRUB_CC half.c $(config --static --cflags --libs | sed 's/-llayrub/-l:liblayrub.a/') -o half-static
}
this "it runs with the shared library" env LD_LIBRARY_PATH="$libdir" ./half-shared graphs/resnet50 h100 layrub
same "$golden/half.txt" out "it says what it always says"
cp out shared.txt
this "and with the static one" ./half-static graphs/resnet50 h100 layrub
same shared.txt out "both say the same"
this "the shared library finds the installed documents" env -u LAYRUB_DATA LD_LIBRARY_PATH="$libdir" ./half-shared graphs/resnet50 h100 layrub
same shared.txt out "and says the same"
mkdir tree tree/build && ln -s "$(dirname "$LAYRUB_TESTS")/networks" tree/networks && cp -P "$libdir"/liblayrub.so* tree/build
mkdir beside && cp half-shared beside
this "and from a build folder those of the tree" env -u LAYRUB_DATA LD_LIBRARY_PATH=tree/build beside/half-shared graphs/resnet50 h100 layrub
same shared.txt out "and says the same"
run_this ./half-static graphs/no-such-graph h100
is 2 "a mistake"
holds "expected a file or the name of a network" err "is explained"

# ---- names and needs ----

grep -o '\<layrub_[a-z_]*(' layrub.h | tr -d '(' | sort -u >want
[ "$(wc -l <want)" -gt 15 ]
ok $? "the header declares functions"
nm -D --defined-only "$libdir/liblayrub.so.1" | awk '$2 ~ /[B-Z]/ { print $3 }' | LC_ALL=C sort -u >symbols
sed 's/@.*//' symbols | sort -u >got
same want got "the shared library shows what the header declares, and nothing else"
nm -g --defined-only "$libdir/liblayrub.a" | awk 'NF == 3 { print $3 }' | sort -u >got
same want got "so does the static one"

# ---- the binary interface, held against committed lists: a line of them never changes under one soname ----

same "$golden/library-symbols.txt" symbols "the exported symbols and their versions"

layout_of() {	# HEADER
	$LAYRUB_CC -E -P "$1" | tr '\n\t' '  ' | sed 's/\(struct\|enum\) \([a-z_]* \)\{0,1\}{/\n&/g' |
	    awk -f "$LAYRUB_TESTS/library_layout.awk" >layout.c && $LAYRUB_CC -I. layout.c -o layout && ./layout
}
layout_of layrub.h >got
if [ "$(getconf LONG_BIT)" = 64 ]; then
	same "$golden/library-layout.txt" got "the layout of every struct: size, then offset and size of each member; and the constants"
else
	skip "the layout of every struct" "the list is for 64 bits"
fi
# none PATTERN SOME COMMAND...: the output of the command contains SOME, and not PATTERN
none() {
	pattern=$1 some=$2
	shift 2
	"$@" >list 2>err && grep "$some" list >out && ! grep -E "$pattern" list >err
}
none glpk jansson ldd "$libdir/liblayrub.so.1"
ok $? "no GLPK is linked"
none ' glp_' json_ nm -u "$libdir/liblayrub.a"
ok $? "nor asked for"
none ' (exit|_exit|printf|puts|perror)(@|$)' json_ nm -D "$libdir/liblayrub.so.1"
ok $? "nothing in it prints or exits"
runtime=$libdir/layrub/liblayrub-torch.so
if [ -f "$runtime" ]; then
	nm -D --defined-only "$runtime" | awk '{ print $3 }' | LC_ALL=C sort >got
	sed '/^typedef/d' "$LAYRUB_TESTS/../pytorch/runtime/runtime.h" | grep -o '\<layrub_torch_[a-z_]*(' | tr -d '(' |
	    LC_ALL=C sort -u >want
	same want got "the runtime for PyTorch shows what its header declares, and nothing else"
	none 'cuda|glpk' jansson ldd "$runtime"
	ok $? "it links neither CUDA nor GLPK"
else
	skip "the runtime for PyTorch" "configured without Python"
fi

# ---- the command's bytes ----

cat >plan.c <<'END'
#include <layrub.h>
int main(int argc, char **argv)
{
	struct layrub_problem_options o = { .size = sizeof(o), .device = argv[2] };
	struct layrub_plan_options b = { .size = sizeof(b), .policy = argv[3], .budget_percent = 60 };
	struct layrub_problem *p = layrub_problem_open(argv[1], &o, 0);
	struct layrub_plan *l = layrub_plan_make(p, &b, 0);
	int rc = argc != 5 || layrub_plan_write(l, argv[4], 0) < 0;
	layrub_problem_free(p);
	layrub_plan_free(l);
	return rc;
}
END
# shellcheck disable=SC2046,SC2086
this "a second program builds" $LAYRUB_CC plan.c $(config --cflags --libs) -Wl,-rpath,"$libdir" -o plan
for policy in checkpoint-dp capuchin; do
	this "$policy: planned by the library" ./plan graphs/resnet50 h200 "$policy" library.json
	this "$policy: and by the command" "$LAYRUB" plan graphs/resnet50 --device h200 --policy "$policy" --budget 60% -o command.json
	# The command may know a sharper bound on the time.
	sed 's/, "bound_time_us": [0-9.e+]*//' library.json >library.txt
	sed 's/, "bound_time_us": [0-9.e+]*//' command.json >command.txt
	same command.txt library.txt "$policy: the same bytes"
done

this "make uninstall" make_in_build uninstall
find root ! -type d >err
[ ! -s err ]
ok $? "leaves nothing"
done_testing
