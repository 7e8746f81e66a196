/* SPDX-License-Identifier: Apache-2.0 */
/* pack_greedy.h - items placed one after the other, each where it fits
 *
 * A greedy is made once for a problem and then tried with many orders.  It never builds
 * the graph of conflicts: a tree over time keeps, for each stretch of time, which bytes are taken
 * at some moment of it, so that placing an item asks as many sorted lists as the tree is
 * deep, and those lists are short where the packing is tight.
 *
 * Times are compressed to those at which an item begins: two items are alive together exactly when one
 * of them begins while the other is alive.
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
	GREEDY_BEST,			/* the tightest gap, ties to the lowest; on top when there is none */
	GREEDY_FIRST			/* the lowest offset */
};

struct greedy {
	const struct place_problem *problem;	/* not owned */
	uint32_t count, times;
	struct greedy_item *items;	/* [count] in the problem's order */
	uint32_t busiest;		/* the time of the largest load, given offsets included */
	bytes_t *offsets;		/* [count] of the latest run */
	uint64_t work;			/* blocks looked at so far: the measure for budgets, about 7 ns each */
	uint64_t work_limit;		/* a run ends where work passes it */

	/* private */
	bytes_t unit;
	bytes_t fixed_end;
	bytes_t *load;			/* [times] bytes alive, sizes rounded up to the unit */
	uint32_t *rank;			/* of a time: how many compressed ones are before it */
	struct greedy_blocks *any, *cover;	/* [2 * leaves] a tree over the times */
	struct greedy_blocks *holes;	/* [2] where the item being placed may go, and scratch; the last hole has no end */
	uint32_t leaves;
	struct arena *arena;
};

void greedy_init(struct greedy *g, const struct place_problem *p, struct arena *a);

/* Place the items in this order (indices into items).  The arena's size; UINT64_MAX as soon as it is
 * plain that it will not be under `under`, or the work limit is passed: offsets are then worth nothing. */
bytes_t greedy_run(struct greedy *g, const uint32_t *order, enum greedy_fit fit, bytes_t under);

/* Take the latest run's offsets as the result; fixed ones and those of items without bytes, too. */
void greedy_take(const struct greedy *g, struct place_result *r, bytes_t arena_bytes);

/* ---- orders: what comes first ---- */

enum greedy_key {
	GREEDY_BY_START,		/* the earliest first; of all others the largest first */
	GREEDY_BY_SIZE, GREEDY_BY_AREA, GREEDY_BY_CONFLICTS, GREEDY_BY_LENGTH,
	GREEDY_BY_LOAD,			/* the largest total load at a time of its life */
	GREEDY_BY_NEARNESS,		/* to the busiest moment: what is alive then, then outward in time */
	GREEDY_BY_SHORTER_SIDE		/* how long it lives before or after the busiest moment, whichever is less */
};

/* Indices by first, then by second, then by index. */
uint32_t *greedy_order(const struct greedy *g, enum greedy_key first, enum greedy_key second, struct arena *a);

/* One order, one fit: what most rows of the table are. */
void greedy_place(struct place_result *r, const struct place_problem *p, enum greedy_key first, enum greedy_key second,
    enum greedy_fit fit, struct arena *a);
#endif
