/* SPDX-License-Identifier: Apache-2.0 */
/* pack_greedy.h - items placed one after the other, each into a hole that fits
 *
 * A struct greedy is made once for a problem and then run with many orders.  It never builds the graph of conflicts.  Each node of
 * a tree over time stands for a stretch of time and has two sorted lists of blocks.  `any`: bytes taken at some time in the stretch.
 * `cover`: bytes taken during all of it.  Placing an item reads as many lists as the tree is deep.  Lists are short where the packing is
 * tight.
 *
 * Times are compressed to those at which an item begins: two items are alive together exactly when one of them begins while the other is
 * alive.
 */
#ifndef PLANNER_PLACEMENT_PACK_GREEDY_H
#define PLANNER_PLACEMENT_PACK_GREEDY_H
#include <stdbool.h>

#include "planner/placement/placement.h"

/* An item that takes room and has no place yet. */
struct greedy_item {
	bytes_t bytes;			/* a multiple of the unit */
	bytes_t align;
	uint32_t lower, upper;		/* compressed */
	uint32_t id;			/* in the problem */
};

enum greedy_fit {
	GREEDY_BEST,			/* the tightest hole, ties to the lowest; on top when none fits */
	GREEDY_FIRST			/* the lowest offset */
};

struct greedy {
	const struct place_problem *problem;	/* not owned */
	uint32_t count, times;
	struct greedy_item *items;	/* [count] in the problem's order */
	uint32_t busiest;		/* the time of the largest load, given offsets included */
	bytes_t *offsets;		/* [count] of the latest run */
	uint64_t work;			/* blocks looked at so far, about 7 ns each: the measure for budgets */
	uint64_t work_limit;		/* a run ends when work passes it */

	/* private */
	bytes_t unit;
	bytes_t fixed_end;
	bytes_t *load;			/* [times] bytes alive, sizes rounded up to the unit */
	uint32_t *rank;			/* of each time of the problem: the number of compressed times before it */
	struct greedy_blocks *any, *cover;	/* [2 * leaves], [leaves]: the tree over the times, root 1 */
	struct greedy_blocks *holes;	/* [2] where the item being placed may go, and scratch; the last hole has no end ... */
	unsigned now;			/* ... and which of the two is which */
	uint32_t leaves;
	struct arena *arena;
};

void greedy_init(struct greedy *g, const struct place_problem *p, struct arena *a);

/* Places the items in this order (indices into items) and returns the arena's size.  UINT64_MAX as soon as the arena reaches `under`
 * or work passes its limit; the offsets have no meaning then. */
bytes_t greedy_run(struct greedy *g, const uint32_t *order, enum greedy_fit fit, bytes_t under);

/* Writes all offsets to the result: of the latest run, of fixed items, of items without bytes. */
void greedy_take(const struct greedy *g, struct place_result *r, bytes_t arena_bytes);

/* ---- orders ---- */

enum greedy_key {
	GREEDY_BY_START,		/* the earliest first; by every other key the largest first */
	GREEDY_BY_SIZE, GREEDY_BY_AREA, GREEDY_BY_CONFLICTS, GREEDY_BY_LENGTH,
	GREEDY_BY_LOAD,			/* the largest load at a time of its lifetime */
	GREEDY_BY_NEARNESS,		/* items alive at the busiest moment first, then outward in time */
	GREEDY_BY_SHORTER_SIDE		/* the shorter part of its lifetime: before or after the busiest moment */
};

/* Returns the indices of items by first, then by second, then by index. */
uint32_t *greedy_order(const struct greedy *g, enum greedy_key first, enum greedy_key second, struct arena *a);

/* Fills r from one order and one fit, which is all that most rows of the table do. */
void greedy_place(struct place_result *r, const struct place_problem *p, enum greedy_key first, enum greedy_key second,
    enum greedy_fit fit, struct arena *a);
#endif
