/* SPDX-License-Identifier: Apache-2.0 */
/* place_settle.h - items that are always alive go below all others
 *
 * No other item shares a byte with an item that is alive all the time.  So in any packing these items can change places with the
 * memory below them: the arena and all that shares bytes stay as they are.
 */
#ifndef PLANNER_PLACEMENT_PLACE_SETTLE_H
#define PLANNER_PLACEMENT_PLACE_SETTLE_H
#include "planner/placement/placement.h"

/* Changes the offsets of a sound packing of p's solid items, none of them fixed or with an alignment of its own.  Items always alive keep
 * their order, and items without bytes their offsets. */
void place_settle(bytes_t *offsets, const struct place_problem *p, struct arena *a);
#endif
