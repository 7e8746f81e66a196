#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The architecture, held against the #include lines: each room includes only what tests/rooms.list allows.  And names: a struct tag has
# one definition, every source says in its second line what it owns.
. "${LAYRUB_TESTS:-tests}/lib.sh"
root=$(cd "$LAYRUB_TESTS/.." && pwd) || exit 1

# refused ROOT: "FILE: HEADER" for each include that the list does not allow, and each file outside every room.
refused() {
	(cd "$1" && find src planner sim cuda_validate pytorch/runtime -name '*.[ch]' -o -name '*.cu' | LC_ALL=C sort |
	    xargs grep -H '^#include "' /dev/null) | awk -F '[:"]' -v list="$LAYRUB_TESTS/rooms.list" '
		function room(path) { sub(/\/[^\/]*$/, "", path); return path }
		BEGIN {
			while ((getline line <list) > 0) {
				if (line ~ /^#/ || split(line, word, /:? +/) == 0)
					continue
				sub(/:$/, "", word[1])
				known[word[1]] = 1
				allowed[word[1], word[1]] = 1
				for (i in word)
					allowed[word[1], word[i]] = 1
			}
		}
		!(room($1) in known) || !((room($1), room($3)) in allowed || (room($1), $3) in allowed) { print $1 ": " $3 }'
}

refused "$root" >"$work/err"
[ ! -s "$work/err" ]
ok $? "every include is one that the architecture allows"

# Each rule that matters most is seen to fail: one line FILE HEADER, put into a copy.
forbidden() {	# FILE HEADER
	mkdir -p "$work/broken/src" "$work/broken/planner" "$work/broken/sim" "$work/broken/cuda_validate" "$work/broken/pytorch/runtime"
	mkdir -p "$work/broken/$(dirname "$1")"
	echo "#include \"$2\"" >"$work/broken/$1"
	[ "$(refused "$work/broken")" = "$1: $2" ]
	ok $? "$1 may not include $2"
	rm -r "$work/broken"
}
forbidden src/base/arena.c src/documents/graph.h
forbidden planner/placement/place_auto.c src/documents/graph.h
forbidden sim/time/simulate.c planner/planner.h
forbidden sim/check/check.c sim/time/simulate.h
forbidden planner/bound/bounds.c planner/policy/policy.h
forbidden planner/policy/policy_capuchin.c planner/hybrid/hybrid_model.h
forbidden planner/hybrid/policy_hybrid.c planner/ilp/ilp.h
forbidden planner/ilp/policy_ilp.c planner/policy/layers.h
forbidden src/library/layrub_plan.c src/command/command.h
forbidden pytorch/runtime/runtime.c sim/time/simulate.h
forbidden src/new_room/file.c src/base/arena.h

# ---- names ----

sources() {
	(cd "$root" && find src planner sim cuda_validate pytorch/runtime tests -name '*.[ch]' -o -name '*.cu' | LC_ALL=C sort)
}

# The back ends' `struct machine` is opaque to all others: each back end defines its own.
(cd "$root" && sources | xargs sed -n 's/^\(typedef \)\{0,1\}\(static const \)\{0,1\}struct \([a-z_0-9]*\) {.*/\3/p') |
    grep -vx machine | LC_ALL=C sort | uniq -d >"$work/err"
[ ! -s "$work/err" ]
ok $? "a struct tag has one definition"
(cd "$root" && for file in $(sources); do
	case $file in tests/*) head="/\\* " ;; *) head="/\\* $(basename "$file") - " ;; esac
	sed -n 2p "$file" | grep -q "^$head" || echo "$file"
done) >"$work/err"
[ ! -s "$work/err" ]
ok $? "every source says in its second line what it owns"
(cd "$root" && for room in src/* planner/* sim/* cuda_validate; do
	[ "$(find "$room" -maxdepth 1 -name '*.[ch]' | wc -l)" -le 5 ] || [ -f "$room/README.md" ] || echo "$room"
done) >"$work/err"
[ ! -s "$work/err" ]
ok $? "a room of more than five files has a README"
done_testing
