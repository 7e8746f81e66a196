#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The policy ilp on graphs at which it failed: the plan of hybrid that it begins with, and what it says without a plan.
# shellcheck source=tests/lib.sh
. "${LAYRUB_TESTS:-tests}/lib.sh"
"$LAYRUB" list policies | grep -q '^ilp' || skip_all "built without GLPK"

# The plan of hybrid fits with the slow placement only.
answers 0 "resnet18 at 45 %: a plan" plan resnet18 --device k40m --budget 45% --policy ilp --time-limit 4 --json
answers 0 "and its document has a status" plan resnet18 --device k40m --budget 45% --policy ilp --time-limit 4
holds 'overhead' "$work/out" "and a time"

# Nothing is left to search: that is no matter of time.
answers 1 "two outputs that share one input's bytes: no plan" plan "$LAYRUB_TESTS/data/g-chunk.json" \
	--device "$LAYRUB_TESTS/data/cases.dev.json" --budget 60% --policy ilp
holds 'the integer program has no solution that fits' "$work/err" "the reason is not the time"

# Op times of microseconds, and copies of hundreds.
answers 0 "fast ops at 90 %: a plan" plan "$LAYRUB_TESTS/data/g-fastops.json" --device "$LAYRUB_TESTS/data/cases.dev.json" \
	--budget 90% --policy ilp --time-limit 10 --json
holds '"arena_bytes": 4194304' "$work/out" "of 4 MiB"
done_testing
