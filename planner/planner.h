/* SPDX-License-Identifier: Apache-2.0 */
/* planner.h - from a problem to a checked, simulated plan
 *
 * Runs a policy's row, places its buffers, writes the program, has the plan
 * checked by sim/check/check.h and timed by sim/time/simulate.h.  A plan that this returns has
 * passed check.
 */
#ifndef PLANNER_PLANNER_H
#define PLANNER_PLANNER_H
#include "planner/placement/placement.h"
#include "planner/policy/policy.h"
#include "src/documents/plan.h"

#define NO_TIME_BOUND (-1.0)

struct planner_options {
	const struct policy *policy;
	const struct placement *placement;
	bytes_t budget_bytes;		/* 0: the device's memory less what is reserved */
	uint32_t batch;			/* for the plan's record; 0: a graph */
	const char *options;		/* the command's options as text, for the plan's record */
	double bound_time_us;		/* 0: to be found; over 0: known for this budget; NO_TIME_BOUND: the plan does without */
	struct search_control *control;	/* NULL: searches end by themselves */
	double *bounds_us;		/* NULL, or [BOUND_COUNT] filled with each bound on the time (bounds.h) */
};

/* ERR_NO when no plan of this policy fits: the message names the op and the tensors
 * that alone exceed the budget where that is the reason, and what is missing. */
int planner_run(struct plan *plan, const struct graph *g, const struct device *d,
    const struct planner_options *o, struct arena *a, struct err *e) WARN_UNUSED;
#endif
