/* SPDX-License-Identifier: Apache-2.0 */
/* pack_state.h - the state of the depth-first search, the bound on it, and the choice of its branches
 *
 * Private to pack_search.c, pack_branch.c and pack_bound.c.
 */
#ifndef PLANNER_PLACEMENT_PACK_STATE_H
#define PLANNER_PLACEMENT_PACK_STATE_H
#include "planner/placement/pack_search.h"

/* Sections, both ends included. */
struct run { int first, last; };

/* Open items that are connected, and their sections.  A search moves the items within the list and leaves the set as it is. */
struct part {
	struct run over;
	struct open_item *list;		/* [count] */
	int count;
};

/* An open item and the highest level below it. */
struct open_item { int item; level_t lb; };

/* The level of a section, or the lb of an item, before a change, for undoing it. */
struct change { int of; level_t level; };

struct changes { struct change *all; size_t count, capacity; };

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
	level_t *lb;			/* [item_count] of the open items */
	double *key;			/* [item_count] larger is tried first */
	level_t *sky, *load;		/* [count] by section: its level, its units not placed yet */
	level_t *end, *least;		/* [count] scratch of the bound: the last end so far; the smallest open item */
	uint32_t *passed;		/* [count] scratch of the bound: given items below the last end */
	uint32_t *next;			/* [count + 1] scratch of the bound (skip.h) */
	int *cases;			/* [count + 1] scratch of the branching */
	int *valley;			/* [count] scratch of the branching */
	struct run *valleys;		/* [count] scratch of the branching */
	int *part;			/* [count] scratch of the decomposition */
	int *covers, *joins;		/* [count + 1] scratch of the decomposition */
	struct open_item *sorted;	/* [item_count] scratch of the decomposition */
	struct changes skies, lbs;
	int *placed;			/* [item_count] items in the order of placing */
	int placed_count;
	int *pool;			/* [pool_size] a stack of what the nodes of the path hold: their cases and their parts */
	size_t pool_used, pool_size;
	struct pack_memo *memo;
	struct arena *arena;
};

/* ---- pack_search.c ---- */

/* True when a search whose work has grown from `before` must give up.  The clock and the caller are asked now and then. */
bool pack_must_end(const struct pack_limits *limits, uint64_t before, uint64_t work);

/* Returns the items' keys, [item_count], perturbed by up to 15 % unless seed is 0. */
double *pack_keys(const struct sections *s, const struct strategy *how, uint64_t seed, struct arena *a);

/* ---- pack_bound.c ---- */

/* Sets the level of a section and notes the old one for undoing. */
void pack_set_level(struct pack_state *x, int section, level_t level);

/* Sorts by lb, then by item. */
void pack_sort(struct open_item *list, int count);

/* Raises each section of `over` to the lb of its lowest item and tests the machine bound of each; false: one exceeds the capacity.
 * list is sorted by lb. */
bool pack_within_bound(struct pack_state *x, struct run over, const struct open_item *list, int count);

/* ---- pack_branch.c; lists are sorted by lb ---- */

/* Returns the section to branch on, among those of valleys. */
int pack_choose_section(struct pack_state *x, const struct part *p);

/* Fills cases, [p->count], with the items that may rest on the floor at the section, best key first, one of each set of twins; the count. */
int pack_find_cases(const struct pack_state *x, int section, const struct part *p, int *cases);

/* Returns the lowest level to which the section rises when none of its items rests on its floor, -1: no such level.  Take a solution in
 * which no item can move down alone, and the section's lowest item.  Either the item cannot begin at the floor, or another item that does
 * not cover the section is in the way, and the lowest item lies on that one or above. */
level_t pack_find_raised(const struct pack_state *x, int section, const struct part *p);

/* Returns the key of an item in the strategy's order: larger is tried first. */
double pack_item_key(const struct sections *s, const struct packed *p, const struct strategy *how);
#endif
