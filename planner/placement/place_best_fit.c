/* SPDX-License-Identifier: Apache-2.0 */
/* place_best_fit.c - in program order, the tightest hole that is free */
#include <config.h>
#include "planner/placement/pack_greedy.h"

void
place_best_fit(struct place_result *r, const struct place_problem *p, struct arena *a)
{
	greedy_place(r, p, GREEDY_BY_START, GREEDY_BY_START, GREEDY_BEST, a);
}
