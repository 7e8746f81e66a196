/* SPDX-License-Identifier: Apache-2.0 */
/* pack_sections.h - a placement problem in the coordinates that an exact search wants
 *
 * Time: the maximal sets of items alive together, in order ("sections", the maximal cliques of
 * an interval graph).  Two items meet if and only if they share a section, so nothing else of time matters, and
 * an item covers the sections first..last.  Space: units of the greatest common divisor of all
 * sizes and alignments.  Items that are alive in every section stand at the bottom, outside.
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

/* A given item: an obstacle. */
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

/* The sections of p; the offsets of items that are outside the search are filled in.
 * Items with 0 bytes are outside, too. */
void sections_init(struct sections *s, const struct place_problem *p, bytes_t *offsets, struct arena *a);
#endif
