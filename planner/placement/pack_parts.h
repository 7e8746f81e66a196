/* SPDX-License-Identifier: Apache-2.0 */
/* pack_parts.h - placements of items that are not solid: lives with gaps, and items that share bytes on purpose
 *
 * Rows of the table see every free item as solid, and of an item with a given offset its parts.  This is sound, and it is a start.
 * "auto" then places the items one by one at their lowest offsets: in the order of the offsets found, in a few others, and in orders that
 * differ by one move from the best.  For a few items all orders are tried, which proves the smallest arena.
 *
 * Two items exclude a range of distances between their offsets for each two parts that are alive together.
 */
#ifndef PLANNER_PLACEMENT_PACK_PARTS_H
#define PLANNER_PLACEMENT_PACK_PARTS_H
#include "planner/placement/placement.h"

/* Fills r for a problem with parts, by the row's function. */
void place_parts(struct place_result *r, const struct place_problem *p, place_fn *place, struct arena *a);
#endif
