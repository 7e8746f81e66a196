/* SPDX-License-Identifier: Apache-2.0 */
/* place_by_conflicts.c - the item alive together with the most others first, best fit
 *
 * TVM's greedy-by-conflicts rule (USMP) without its graph of conflicts: conflicts are counted and never listed.
 */
#include <config.h>
#include "planner/placement/pack_greedy.h"

void
place_by_conflicts(struct place_result *r, const struct place_problem *p, struct arena *a)
{
	greedy_place(r, p, GREEDY_BY_CONFLICTS, GREEDY_BY_SIZE, GREEDY_BEST, a);
}
