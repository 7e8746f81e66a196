/* SPDX-License-Identifier: Apache-2.0 */
/* pack_sections.h - a placement problem in the coordinates of the exact search
 *
 * Time: sections are the maximal sets of items alive together, in order (the maximal cliques of an interval graph).  Two items are alive
 * together if and only if they share a section, so the search needs only the sections, not the times.  An item covers sections
 * first..last.  Space: units of the greatest common divisor of all sizes and alignments.  Items alive in every section are stacked at
 * the bottom, outside the search.
 */
#ifndef PLANNER_PLACEMENT_PACK_SECTIONS_H
#define PLANNER_PLACEMENT_PACK_SECTIONS_H
#include "planner/placement/placement.h"

typedef int64_t level_t;	/* an offset in units */

struct packed {
	uint32_t item;			/* in the problem */
	int first, last;		/* sections, both included */
	level_t size, align;		/* units */
};

/* A fixed item. */
struct obstacle {
	int first, last;
	level_t bottom, top;
};

struct sections {
	bytes_t unit;			/* bytes */
	int count;			/* sections */
	int item_count;
	struct packed *items;		/* [item_count] */
	int obstacle_count;
	struct obstacle *obstacles;	/* [obstacle_count] by bottom */
	level_t *load;			/* [count] units of the items over each section */
	bytes_t floor;			/* bytes below level 0: the items that are always alive */
};

/* Fills s from p, and the offsets of the items outside the search: fixed items, items alive in every section, items of 0 bytes. */
void sections_init(struct sections *s, const struct place_problem *p, bytes_t *offsets, struct arena *a);
#endif
