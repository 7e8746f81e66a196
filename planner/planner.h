/* SPDX-License-Identifier: Apache-2.0 */
/* planner.h - from a problem to a checked, simulated plan
 *
 * The planner runs a policy's row, places its buffers and writes the program.  sim/check/check.h then checks the plan, and
 * sim/time/simulate.h times it.  Every plan that the planner returns has passed the check.
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
	bytes_t budget_bytes;		/* 0: the device's memory minus the reserved bytes */
	uint32_t batch;			/* for the plan's record; 0: a graph */
	const char *options;		/* the command's options as text, for the plan's record */
	double bound_time_us;		/* 0: unknown; over 0: the known bound on the time at this budget; NO_TIME_BOUND: none is wanted */
	struct search_control *control;	/* NULL: searches end by themselves */
	double *bounds_us;		/* NULL, or [BOUND_COUNT] filled with each bound on the time (bounds.h) */
};

/* Fills plan.  ERR_NO: no plan of this policy fits; the message names the bytes that are missing, and the op and the tensors that alone
 * exceed the budget, if they do. */
int planner_run(struct plan *plan, const struct graph *g, const struct device *d,
    const struct planner_options *o, struct arena *a, struct err *e) WARN_UNUSED;
#endif
