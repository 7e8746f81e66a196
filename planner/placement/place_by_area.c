/* SPDX-License-Identifier: Apache-2.0 */
/* place_by_area.c - the most bytes times lifetime first, best fit */
#include <config.h>
#include "planner/placement/pack_greedy.h"

void
place_by_area(struct place_result *r, const struct place_problem *p, struct arena *a)
{
	greedy_place(r, p, GREEDY_BY_AREA, GREEDY_BY_SIZE, GREEDY_BEST, a);
}
