/* SPDX-License-Identifier: Apache-2.0 */
/* blocks.h - a training step as a chain of blocks, and what running each again would take
 *
 * Forward is cut into blocks (segments.h); backward's ops belong to the block whose maps they read, so that backward goes through
 * the blocks in reverse.
 */
#ifndef PLANNER_POLICY_BLOCKS_H
#define PLANNER_POLICY_BLOCKS_H
#include "planner/policy/layers.h"
#include "planner/policy/segments.h"
#include "planner/schedule/lifetimes.h"

struct block {
	double us, own_us;		/* of running it again for what leaves it, or for its own backward alone */
	bytes_t input, hold;		/* x, h */
	bytes_t through, keep;		/* most that its forward has at once beside x, keeping nothing or what it leaves */
	bytes_t own;			/* as keep, when it runs again for its own backward alone */
	bytes_t backward;		/* most that its backward has, gradients included */
	bytes_t gradients;		/* that are there before its backward begins */
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
	bool *again, *own;		/* [op_count] runs when its block runs again, or only for its own backward */
};

/* At most `most` blocks; ERR_NO when forward has no maps to cut at. */
int blocks_init(struct blocks *d, const struct lifetimes *l, uint32_t most, struct arena *a, struct err *e) WARN_UNUSED;
#endif
