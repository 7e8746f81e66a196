/* SPDX-License-Identifier: Apache-2.0 */
/* packing.h - addresses that change with the live ranges, a few at a time
 *
 * A packing gives every live range of a base timeline an offset within the budget.  For another timeline, ranges that have not changed
 * keep their offsets.  Each of the others takes a hole, or a place from which it ejects the fewest bytes; the ejected ones look for
 * places in their turn.  A range is known again by its tensor and its beginning and end, as moments of the graph's order: they do not depend
 * on the number of reruns before them.
 */
#ifndef PLANNER_SEARCH_PACKING_H
#define PLANNER_SEARCH_PACKING_H
#include "planner/search/timeline.h"

/* A live range with its moments: it is in use in [from, to). */
struct pack_range {
	uint64_t from, to;
	bytes_t bytes, offset;		/* offset: PACK_NOWHERE while it has no place */
	uint32_t range;			/* of the timeline */
	uint32_t owner;
	bool fixed;			/* at home, where it stays */
	uint32_t ejections;
};
#define PACK_NOWHERE UINT64_MAX

/* A range with a place.  Lists of them are in the order of their offsets, ties by range. */
struct placed_range { uint64_t from, to; bytes_t start, end; uint32_t id; bool fixed; };

struct packing_list {
	struct pack_range *ranges;	/* [count] by owner, then time */
	struct placed_range *placed;	/* [placed_count] */
	uint32_t count, placed_count;
	size_t capacity;
};

struct packing {
	struct arena *arena;
	bytes_t budget;
	uint32_t tensor_count, op_count;
	struct packing_list lists[2], *base, *trial;
	bytes_t *home;			/* [tensor_count] of persistent tensors at home on the device, or PACK_NOWHERE */
	uint64_t *moment;		/* [moment_capacity] of each step */
	size_t moment_capacity;
	/* Scratch. */
	uint32_t *owner_start;		/* [tensor_count + op_count + 2] */
	uint32_t *waiting;		/* [waiting_capacity] ranges without a place */
	size_t waiting_capacity;
	uint32_t *number_of;		/* [scratch_capacity] of a timeline's range: its number in the list */
	uint32_t *kept;			/* [scratch_capacity] of a base's range: the trial's that it is, or PLAN_NONE */
	struct placed_range *near;	/* [scratch_capacity] placed ranges alive with the one at hand */
	struct pack_end *ends;		/* [scratch_capacity] the ends of those, rising */
	size_t scratch_capacity;
	bytes_t *offsets;		/* [offset_capacity] */
	size_t offset_capacity;
};

/* Fills k: the packing of timeline t with these offsets of its ranges, which are a sound packing. */
void packing_init(struct packing *k, const struct time_line *t, const bytes_t *offsets, struct arena *a);

/* Finds offsets for the ranges of t, near the base's.  False: this found none within the budget. */
bool packing_try(struct packing *k, const struct time_line *t);

/* Makes the last packing found the base. */
void packing_accept(struct packing *k);

/* Returns the offsets of a packing of t, by its ranges: [t->counts.ranges].  The next call fills the same array. */
const bytes_t *packing_offsets(struct packing *k, const struct packing_list *l, const struct time_line *t);
#endif
