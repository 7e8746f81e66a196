/* SPDX-License-Identifier: Apache-2.0 */
/* pack_state.h - the state of the depth-first search, and the bound on it
 *
 * Private to pack_search.c and pack_bound.c.
 */
#ifndef PLANNER_PLACEMENT_PACK_STATE_H
#define PLANNER_PLACEMENT_PACK_STATE_H
#include "planner/placement/pack_search.h"

/* An open item and the highest level below it. */
struct open_item { int item; level_t lb; };

/* The level of a section before a change, for undoing it. */
struct change { int section; level_t level; };

struct pack_state {
	const struct sections *s;
	level_t capacity;		/* whole units */
	const level_t *most;		/* [item_count] the highest end of each item: a unit more where its last one is not full */
	const level_t *top;		/* [count] the highest of them over each section */
	const struct strategy *how;
	const struct pack_limits *limits;
	uint64_t work;
	bool gave_up;
	level_t *level;			/* [item_count] of the placed items */
	double *key;			/* [item_count] larger is tried first */
	level_t *sky, *load;		/* [count] by section: its level, its units not placed yet */
	level_t *end, *least;		/* [count] scratch of the bound: the last end so far; the smallest open item */
	uint32_t *passed;		/* [count] scratch of the bound: given items below the last end */
	int *cases, *part;		/* [count] scratch */
	bool *covered, *joined;		/* [count + 1] scratch of the decomposition */
	struct change *changes;
	size_t change_count, change_capacity;
	int *placed;			/* [item_count] items in the order of placing */
	int placed_count;
	struct open_item *pool;		/* a stack of lists of open items */
	size_t pool_used, pool_size;
	struct pack_memo *memo;
	struct arena *arena;
};

/* Sets the level of a section and notes the old one for undoing. */
void pack_set_level(struct pack_state *x, int section, level_t level);

/* Sorts by lb, by insertion: lists are nearly sorted, because a child's list is its parent's with a few changes. */
void pack_sort(struct open_item *list, int count);

/* Raises each section of left..right to the lb of its lowest item and tests the machine bound of each; false: one exceeds the capacity.
 * list is sorted by lb. */
bool pack_within_bound(struct pack_state *x, int left, int right, const struct open_item *list, int count);
#endif
