#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The installed library: what a program outside the tree gets by pkg-config, which names it sees, what is linked.
set -u
: "${LAYRUB:=$PWD/layrub}" "${LAYRUB_TESTS:=$PWD/tests}" "${LAYRUB_DATA:=$PWD/networks}" "${LAYRUB_CC:=cc}"
export LAYRUB_DATA
build=$(dirname "$LAYRUB")
if [ ! -f "$build/liblayrub.a" ] || ! command -v pkg-config >/dev/null || ! command -v nm >/dev/null; then
	echo "1..0 # SKIP no liblayrub.a beside the program, no pkg-config or no nm"
	exit 0
fi
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
count=0

ok() {	# STATUS NAME
	count=$((count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $count - $2"
	else
		echo "not ok $count - $2"
		sed 's/^/# /' "$work/log" 2>/dev/null | tail -n 20
	fi
}

# Only what the header declares, sorted.
declared() {
	grep -o '\<layrub_[a-z_]*(' "$work/layrub.h" | tr -d '(' | sort -u
}

# ---- installed, and outside the tree ----

(unset MAKEFLAGS MFLAGS MAKELEVEL; make -s -C "$build" install DESTDIR="$work/root") >"$work/log" 2>&1
ok $? "make install"
pc=$(find "$work/root" -name layrub.pc)
prefix=$(sed -n 's/^prefix=//p' "$pc")
PKG_CONFIG_PATH=$(dirname "$pc")${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
export PKG_CONFIG_PATH
config() {
	pkg-config --define-variable=prefix="$work/root$prefix" "$@" layrub
}
libdir=$(config --variable=libdir)
header=$(config --variable=includedir)/layrub.h
[ -f "$header" ] && cp "$header" "$work/layrub.h"
ok $? "the header is where pkg-config says"
(cd "$libdir" && [ -h liblayrub.so ] && [ -h liblayrub.so.0 ] && [ -f liblayrub.so.0 ] && [ -f liblayrub.a ])
ok $? "the libraries are where pkg-config says"
source=$(find "$work/root" -name half.c)
[ -f "$source" ] && cp "$source" "$work/half.c"
ok $? "the example is installed"
cd "$work" || exit 1

# shellcheck disable=SC2046,SC2086
$LAYRUB_CC half.c $(config --cflags --libs) -o half-shared >log 2>&1
ok $? "the example builds against the shared library"
# shellcheck disable=SC2046,SC2086
$LAYRUB_CC half.c $(config --static --cflags --libs | sed 's/-llayrub/-l:liblayrub.a/') -o half-static >log 2>&1
ok $? "and against the static one"
LD_LIBRARY_PATH=$libdir ./half-shared graphs/resnet50 h100 layrub >shared.txt 2>log
ok $? "it runs with the shared library"
./half-static graphs/resnet50 h100 layrub >static.txt 2>log
ok $? "and with the static one"
diff -u "$LAYRUB_TESTS/golden/half.txt" shared.txt >log
ok $? "it says what it always says"
cmp shared.txt static.txt >log 2>&1
ok $? "both say the same"
./half-static graphs/no-such-graph h100 >out.txt 2>log
[ $? -eq 2 ] && grep 'expected a file or the name of a network' log >/dev/null
ok $? "a mistake is explained"

# ---- names and needs ----

declared >want
[ "$(wc -l <want)" -gt 15 ]
ok $? "the header declares functions"
nm -D --defined-only "$libdir/liblayrub.so.0" | awk '$2 ~ /[A-Z]/ { print $3 }' | sort -u >got
diff -u want got >log
ok $? "the shared library shows what the header declares, and nothing else"
nm -g --defined-only "$libdir/liblayrub.a" | awk '$2 ~ /[A-Z]/ && NF == 3 { print $3 }' | sort -u >got
diff -u want got >log
ok $? "so does the static one"
ldd "$libdir/liblayrub.so.0" >log
! grep -i glpk log >/dev/null && grep jansson log >/dev/null
ok $? "no GLPK is linked"
nm -u "$libdir/liblayrub.a" >log
! grep -i ' glp_' log >/dev/null && grep ' json_' log >/dev/null
ok $? "nor asked for"
nm -D "$libdir/liblayrub.so.0" | awk '$NF ~ /^(exit|_exit|printf|puts|perror)(@|$)/' >log
[ ! -s log ]
ok $? "nothing in it prints or exits"

# ---- the command's bytes ----

cat >plan.c <<'END'
#include <layrub.h>
int main(int argc, char **argv)
{
	struct layrub_problem_options o = { .device = argv[2] };
	struct layrub_plan_options b = { .policy = argv[3], .budget_percent = 60 };
	struct layrub_problem *p = layrub_problem_open(argv[1], &o, 0);
	struct layrub_plan *l = layrub_plan_make(p, &b, 0);
	return argc != 5 || layrub_plan_write(l, argv[4], 0) < 0;
}
END
# shellcheck disable=SC2046,SC2086
$LAYRUB_CC plan.c $(config --cflags --libs) -Wl,-rpath,"$libdir" -o plan >log 2>&1
ok $? "a second program builds"
for policy in checkpoint-dp capuchin; do
	# Leaks are what such a short program does.
	ASAN_OPTIONS=detect_leaks=0 ./plan graphs/resnet50 h200 "$policy" library.json >log 2>&1 &&
	    "$LAYRUB" plan graphs/resnet50 --device h200 --policy "$policy" --budget 60% -o command.json >log 2>&1
	ok $? "$policy: planned by the library and by the command"
	# The command may know a sharper bound on the time.
	sed 's/, "bound_time_us": [0-9.e+]*//' library.json >library.txt
	sed 's/, "bound_time_us": [0-9.e+]*//' command.json >command.txt
	cmp library.txt command.txt >log 2>&1
	ok $? "$policy: the same bytes"
done

(cd / && unset MAKEFLAGS MFLAGS MAKELEVEL && make -s -C "$build" uninstall DESTDIR="$work/root") >log 2>&1
find "$work/root" ! -type d >left
[ ! -s left ]
ok $? "make uninstall leaves nothing"
echo "1..$count"
