/* SPDX-License-Identifier: Apache-2.0 */
/* pack_gaps.h - a depth-first search beside given items, which fills the gaps that they leave
 *
 * A given item forces its neighbours: whatever touches it must fit.  A skyline that rises from the bottom meets this only once it is there,
 * after many choices that have nothing to do with it.  This search may continue at any height.
 *
 * State: the gaps of each section, which are its free levels below the capacity, and its spare levels, which are those that its open items
 * do not need.
 *
 * Branching: at the bottom of a gap either an open item begins or a hole does.  In a section without spare levels there is no hole, and an item
 * ends at each top of a gap, too.  The search takes the end of a gap with the fewest cases, so most choices are forced.
 *
 * Bound: a gap takes at most the largest sum of sizes of items that have a place in it (subset sum).  What the gaps of a section leave must
 * not exceed its spare levels.
 *
 * A hole reaches to the lowest place of an item above it, which leaves out placements.  So a failure is a proof only where all branches were
 * made in sections without spare levels.
 */
#ifndef PLANNER_PLACEMENT_PACK_GAPS_H
#define PLANNER_PLACEMENT_PACK_GAPS_H
#include "planner/placement/pack_search.h"

/* As pack_search(), with a strategy of its own, for sections with given items. */
enum pack_answer pack_gaps(level_t *level, const struct sections *s, bytes_t capacity, uint64_t seed, const struct pack_limits *limits,
    struct arena *a);
#endif
