/* SPDX-License-Identifier: Apache-2.0 */
/* pack_eject.h - a placement whose arena shrinks: items above a level move below it and eject those in their way
 *
 * The items that end above a level have no place at first.  Each in its turn takes the tightest hole below the level.  Where none fits,
 * the item takes the place that ejects the least, and the ejected items wait for their turns.  An item becomes dearer with each
 * ejection, so that no two items eject each other for ever (Voudouris and Tsang 1999, guided local search; ejection chains: Glover 1996).
 * The level is the bound first, then lies between the bound and the best arena, by bisection.
 *
 * A turn reads the items alive with one item, so the cost depends on the items that move and not on the number of all.
 */
#ifndef PLANNER_PLACEMENT_PACK_EJECT_H
#define PLANNER_PLACEMENT_PACK_EJECT_H
#include "planner/placement/placement.h"

/* Shrinks the arena of r, which holds a sound placement, to placement_target() at best.  work: items looked at, about 30 ns each; with a
 * deadline of the monotonic clock, 0: none, it ends there at the latest. */
void pack_eject(struct place_result *r, const struct place_problem *p, uint64_t work, double deadline_s, struct arena *a);
#endif
