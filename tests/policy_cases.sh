#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Policies on graphs at which they failed.
# shellcheck source=tests/lib.sh
. "${LAYRUB_TESTS:-tests}/lib.sh"
small=$LAYRUB_TESTS/data/cases.dev.json

# As compilers write steps: a table that all layers read, kernels that are given their output's memory, and a gradient that is made
# long after the backward of its layer.
for policy in checkpoint-dp checkpoint-sqrt; do
	answers 0 "a compiled chain: $policy has a plan" plan "$LAYRUB_TESTS/data/compiled-chain.graph.json" --device "$small" --budget 70% \
		--policy "$policy" --json
done

# Tensors that ops which must not run again have written over: nothing of their blocks runs again, and no version is mixed up.
answers 1 "overwritten maps: checkpoint-dp has no plan" plan "$LAYRUB_TESTS/data/g-norecompute.json" --device "$small" --budget 75% \
	--policy checkpoint-dp
holds 'the best choice of checkpoints over 7 blocks has a peak of 9.61 MiB' "$work/err" "for lack of memory"

if "$LAYRUB" list policies | grep -q '^ilp'; then

# The plan of hybrid fits with the slow placement only.
answers 0 "resnet18 at 45 %: a plan" plan resnet18 --device k40m --budget 45% --policy ilp --time-limit 4 --json
answers 0 "and its document has a status" plan resnet18 --device k40m --budget 45% --policy ilp --time-limit 4
holds 'overhead' "$work/out" "and a time"

# Every tensor leaves after each use, so that the program has a plan to begin with.
answers 0 "two outputs that share one input's bytes: a plan" plan "$LAYRUB_TESTS/data/g-chunk.json" \
	--device "$small" --budget 60% --policy ilp --time-limit 10

# Op times of microseconds, and copies of hundreds.
answers 0 "fast ops at 90 %: a plan" plan "$LAYRUB_TESTS/data/g-fastops.json" --device "$small" \
	--budget 90% --policy ilp --time-limit 10 --json
holds '"arena_bytes": 4194304' "$work/out" "of 4 MiB"
fi
done_testing
