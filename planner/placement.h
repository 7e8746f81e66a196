/* SPDX-License-Identifier: Apache-2.0 */
/* placement.h - an offset for every buffer
 *
 * A placement is a row of the table: to add one, write place_NAME.c, name it in
 * local.mk, and add a row.  It knows buffers with sizes and half-open lifetimes, and nothing of graphs.
 */
#ifndef PLANNER_PLACEMENT_H
#define PLANNER_PLACEMENT_H
#include "src/arena.h"
#include "src/units.h"

struct place_item {
	bytes_t bytes;			/* 0: takes no room */
	uint32_t lower, upper;		/* alive in [lower, upper), lower < upper */
};

struct place_problem {
	uint32_t count;
	const struct place_item *items;	/* [count] */
	bytes_t align;			/* of every offset */
};

/* Fill offsets[count] so that no two items alive at the same time share a byte.
 * Returns the arena's size: the largest end, aligned. */
typedef bytes_t place_fn(const struct place_problem *p, bytes_t *offsets, struct arena *a);

#define PLACEMENTS(ROW) \
	ROW("by-size", place_by_size, "largest first, into the tightest gap among those placed")

struct placement { const char *name; const char *summary; place_fn *place; };
extern const struct placement placements[];	/* ends with a NULL name */

#define ROW(name, fn, summary) place_fn fn;
PLACEMENTS(ROW)
#undef ROW

const struct placement *placement_find(const char *name);	/* NULL: none of that name */

/* The largest sum of aligned bytes alive at one time: no arena can be smaller. */
bytes_t placement_bound(const struct place_problem *p, struct arena *a);
#endif
