/* SPDX-License-Identifier: Apache-2.0 */
/* frontier.h - step time against memory: the plans for a fixed list of budgets
 *
 * The list of budgets follows from the graph alone: the least that any plan needs, and every fifth rung of the ladder (ladder.h) up to the
 * step's own peak.  Budgets between two whose step times are close are left out.  Each point is the plan of its rung (floors.h; of the
 * largest budget, the answer), or the plan of a smaller budget where that is faster.  So the step time never rises with the budget.
 */
#ifndef PLANNER_FRONTIER_H
#define PLANNER_FRONTIER_H
#include "planner/planner.h"

struct frontier_point {
	bytes_t budget_bytes;
	double bound_time_us;		/* no plan within the budget is faster; 0: none was wanted */
	const struct plan *plan;	/* its budget and its bound are the point's */
};

struct frontier {
	uint32_t count;			/* of the budgets that were planned and have a plan */
	bytes_t peak_bytes;		/* of the step, if everything stays */
	struct frontier_point *points;	/* [count] from the smallest budget to the first one at which no time is lost */
};

/* Fills f for the budgets at or below o->budget_bytes (0: the device's memory).  ERR_NO: none of them has a plan.  A search that o->control
 * stops leaves the points out that it has not reached.  Progress: a line for each budget. */
int frontier_make(struct frontier *f, const struct graph *g, const struct device *d, const struct planner_options *o, struct arena *a,
    struct err *e) WARN_UNUSED;
#endif
