/* SPDX-License-Identifier: Apache-2.0 */
/* blocks.h - a training step as a chain of blocks, with the time and the bytes of rerunning each
 *
 * Forward is split into blocks (segments.h).  A backward op belongs to the block whose maps it reads, and backward goes through the blocks
 * in reverse.  Some maps would join many blocks to one: those that forward reads in many segments (a table of angles that every layer
 * uses), and those that backward reads long after their block's turn.  They are shared: they stay on the device like persistent tensors.
 */
#ifndef PLANNER_POLICY_BLOCKS_H
#define PLANNER_POLICY_BLOCKS_H
#include "planner/policy/layers.h"
#include "planner/policy/segments.h"
#include "planner/schedule/lifetimes.h"

struct block {
	double us;			/* time of a rerun that makes all tensors that leave the block */
	double own_us;			/* time of a rerun for its own backward alone */
	bytes_t input;			/* bytes that enter the block */
	bytes_t hold;			/* bytes that it leaves for its own backward and for the next block */
	bytes_t through;		/* peak of its forward, input not counted, if it keeps no tensor for its own backward */
	bytes_t keep;			/* the same, if it keeps all of hold */
	bytes_t own;			/* the same, if it reruns for its own backward alone */
	bytes_t backward;		/* peak of its backward, gradients included */
	bytes_t gradients;		/* bytes that the backward of later blocks leaves */
	uint32_t from, to;		/* forward ops [from, to) */
	uint32_t back_from, back_to;	/* backward ops [back_from, back_to); back_from UINT32_MAX: none */
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
	bool *shared;			/* [tensor_count] */
	bytes_t shared_bytes;
	bool *again;			/* [op_count] the op is part of a rerun that makes all tensors that leave its block */
	bool *own;			/* [op_count] the op is part of a rerun for its block's own backward alone */
};

/* Splits forward into at most `most` blocks; ERR_NO: forward has no maps to split at. */
int blocks_init(struct blocks *d, const struct lifetimes *l, uint32_t most, struct arena *a, struct err *e) WARN_UNUSED;
#endif
