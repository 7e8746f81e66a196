#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The pages that extend the program (docs/add-*.md) show whole diffs.  Each is applied to a copy of the sources; what it adds,
# the table that takes its row and the test that walks that table are compiled, and linked with what is built already.
# Then the test runs, and so do the page's commands, by the new layrub.
. "${LAYRUB_TESTS:-tests}/lib.sh"
[ -n "${LAYRUB_COMPILE-}" ] || skip_all "needs the compiler's options: run by make check"
command -v patch >/dev/null 2>&1 || skip_all "no patch"
root=$(cd "$LAYRUB_TESTS/.." && pwd) || exit 1
cd "$(dirname "$LAYRUB")" || exit 1
[ -f libplanner.a ] || skip_all "no build folder with libplanner.a"

# Ends the page when the last run failed.
good() {	# NAME
	ok "$status" "$1"
	return "$status"
}

# A TAP program: all of it passes.
passes() {	# NAME COMMAND...
	name=$1
	shift
	run_this "$@"
	[ "$status" -eq 0 ] && grep -q '^1\.\.[1-9]' "$work/out" && ! grep '^not ok' -A 20 "$work/out" >"$work/err"
	ok $? "$name"
}

compile() {	# TREE SOURCE...
	tree=$1
	shift
	objects=
	for source; do
		object=$tree/$(echo "${source%.c}" | tr / -).o
		# shellcheck disable=SC2086
		$LAYRUB_COMPILE -Werror -I"$tree" -I. -c -o "$object" "$tree/$source" || return
		objects="$objects $object"
	done
}

page() {	# PAGE NEW TABLE TEST
	tree=$work/$1
	mkdir -p "$tree/networks" "$tree/bin"
	for folder in src planner tests docs; do
		cp -R "$root/$folder" "$tree"
	done
	cp "$root"/networks/*.schema.json "$tree/networks"
	chmod -R u+w "$tree"
	awk '/^```diff$/ { on = 1; next } /^```$/ { on = 0 } on' "$root/docs/$1.md" >"$tree/page.diff"
	run_this patch -p1 --no-backup-if-mismatch -d "$tree" -i page.diff
	good "$1: the diff applies" || return
	run_this compile "$tree" "$4" "$2" "$3"
	good "$1: it compiles without a warning" || return
	# shellcheck disable=SC2086
	run_this $LAYRUB_COMPILE -o "$tree/bin/test" $objects $LAYRUB_TEST_LIBS
	good "$1: the test links" || return
	# shellcheck disable=SC2086
	run_this $LAYRUB_COMPILE -o "$tree/bin/layrub" $LAYRUB_OBJECTS ${objects#* * } $LAYRUB_TEST_LIBS
	good "$1: layrub links" || return
	ln -s layrub "$tree/bin/patched-layrub"
	passes "$1: $4 passes with it" "$tree/bin/test"
	passes "$1: its commands print what it shows" env LAYRUB_COMPILE= LAYRUB="$tree/bin/layrub" sh "$LAYRUB_TESTS/docs.sh" "docs/$1.md"
}

page add-policy planner/policy/policy_swap_large.c planner/policy/policies.c tests/policies.c
page add-placement planner/placement/place_longest_first.c planner/placement/placements.c tests/placement.c
page add-layer src/network/layer_prelu.c src/network/layers.c tests/network.c
done_testing
