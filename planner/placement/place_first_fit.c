/* SPDX-License-Identifier: Apache-2.0 */
/* place_first_fit.c - in program order, the lowest offset that is free
 *
 * The behaviour of an allocator without knowledge of the future, and the baseline of every other row.
 */
#include <config.h>
#include "planner/placement/pack_greedy.h"

void
place_first_fit(struct place_result *r, const struct place_problem *p, struct arena *a)
{
	greedy_place(r, p, GREEDY_BY_START, GREEDY_BY_START, GREEDY_FIRST, a);
}
