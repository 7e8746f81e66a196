/* SPDX-License-Identifier: Apache-2.0 */
/* pack_sections.h - a placement problem in the coordinates of the exact search
 *
 * Time: sections are the maximal sets of items alive together, in order (the maximal cliques of an interval graph).  Two items are alive
 * together if and only if they share a section, so the search needs only the sections, not the times.  An item covers sections
 * first..last.  Space: units, of which all sizes, alignments and given offsets are multiples.  Sizes are rounded up to the greatest
 * common divisor of all alignments; only an item at the top of the arena may end with its last byte.  Without given offsets and with one
 * alignment, items alive in every section are stacked at the bottom, outside the search.
 *
 * A given offset bans a range of levels from each item that is alive with it.  These ranges, and the given items of each section, are
 * listed once.
 */
#ifndef PLANNER_PLACEMENT_PACK_SECTIONS_H
#define PLANNER_PLACEMENT_PACK_SECTIONS_H
#include "planner/placement/placement.h"

typedef int64_t level_t;	/* an offset in units */

/* Levels [from, to). */
struct stretch_of_levels { level_t from, to; };

struct packed {
	uint32_t item;			/* in the problem */
	int first, last;		/* sections, both included */
	level_t size, align;		/* units */
	bytes_t tail;			/* bytes of its last unit, 1 to unit */
	uint32_t ban_count;
	const struct stretch_of_levels *bans;	/* [ban_count] where it cannot begin, rising, apart */
};

/* The items with a given offset over one section. */
struct given_levels {
	uint32_t count;
	struct stretch_of_levels *at;	/* [count] rising */
};

struct sections {
	bytes_t unit;			/* bytes */
	bytes_t step;			/* bytes: every arena is a multiple */
	int count;			/* sections */
	int item_count;
	struct packed *items;		/* [item_count] */
	bool any_given;
	struct given_levels *given;	/* [count] */
	level_t *load;			/* [count] units of the items over each section */
	bytes_t floor;			/* bytes below level 0: the items that are always alive */
	bytes_t given_end;		/* bytes: the largest end of a given item */
};

/* Fills s from p, and the offsets of the items outside the search: given offsets, items alive in every section, items of 0 bytes.
 * False: the lists of given items would be too long; s has no meaning then. */
bool sections_init(struct sections *s, const struct place_problem *p, bytes_t *offsets, struct arena *a);

/* Returns the highest end of p below a capacity in bytes above the floor: a unit more where its last one is not full. */
level_t sections_highest_end(const struct sections *s, const struct packed *p, bytes_t capacity);

/* Returns the lowest level at or above `level` at which p may begin, by its alignment and its bans. */
level_t sections_settle(const struct packed *p, level_t level);
#endif
