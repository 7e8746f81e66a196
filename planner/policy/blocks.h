/* SPDX-License-Identifier: Apache-2.0 */
/* blocks.h - a training step as a chain of blocks, with the time and the bytes of rerunning each
 *
 * Forward is split into blocks (segments.h).  A backward op belongs to the block whose maps it reads, and backward goes through the blocks
 * in reverse.
 */
#ifndef PLANNER_POLICY_BLOCKS_H
#define PLANNER_POLICY_BLOCKS_H
#include "planner/policy/layers.h"
#include "planner/policy/segments.h"
#include "planner/schedule/lifetimes.h"

struct block {
	double us, own_us;		/* of rerunning it for what leaves it, or for its own backward alone */
	bytes_t input, hold;		/* that cross into it; that it leaves for its own backward and the next block together */
	bytes_t through, keep;		/* peak of its forward beside input, if it keeps nothing, or what it leaves */
	bytes_t own;			/* as keep, if it reruns for its own backward alone */
	bytes_t backward;		/* peak of its backward, gradients included */
	bytes_t gradients;		/* alive before its backward begins */
	uint32_t from, to;		/* its forward ops */
	uint32_t back_from, back_to;	/* its backward's ops */
};

struct blocks {
	const struct graph *graph;
	const struct lifetimes *life;
	struct arena *arena;
	struct segments y;
	struct layers layers;
	struct block *blocks;		/* [count] */
	uint32_t count;
	uint32_t *block_of;		/* [op_count] */
	bool *again, *own;		/* [op_count] reruns with its block, for what leaves the block, or for its own backward alone */
};

/* Splits forward into at most `most` blocks; ERR_NO: forward has no maps to split at. */
int blocks_init(struct blocks *d, const struct lifetimes *l, uint32_t most, struct arena *a, struct err *e) WARN_UNUSED;
#endif
