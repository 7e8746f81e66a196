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

struct homes;

#define NO_TIME_BOUND (-1.0)

struct planner_options {
	const struct policy *policy;
	const struct placement *placement;
	bytes_t budget_bytes;		/* 0: the device's memory minus the reserved bytes */
	uint32_t batch;			/* for the plan's record; 0: a graph */
	const char *options;		/* the command's options as text, for the plan's record */
	double bound_time_us;		/* 0: unknown; over 0: the known bound on the time at this budget; NO_TIME_BOUND: none is wanted */
	struct search_control *control;	/* NULL: searches end by themselves */
	double most_us;			/* 0, or plans that take longer may be given up: to see that there is no other takes less time */
	uint32_t lower_rungs;		/* 0: floors as usual (floors.h); N: from N rungs below the budget's, and only from rungs.  With all of them
					 * no plan is slower than one for less memory, by more than 0.01 % */
	const struct plan *start;	/* NULL, or a plan for the same graph, of any device; no answer is slower than it is on this one.  Not owned,
					 * and the answer may share its arrays */
	const struct homes *homes;	/* NULL, or the homes of the graph's persistent tensors (schedule/homes.h).  Not owned */
	bool advises;			/* a refusal names a budget that is known to do, if the search for it is quick */
	double *bounds_us;		/* NULL, or [BOUND_COUNT] filled with each bound on the time (bounds.h) */
};

/* Fills plan.  ERR_NO: no plan of this policy fits; the message names the bytes that are missing, and the op and the tensors that alone
 * exceed the budget, if they do. */
int planner_run(struct plan *plan, const struct graph *g, const struct device *d,
    const struct planner_options *o, struct arena *a, struct err *e) WARN_UNUSED;

/* Returns the problem of a graph, a device and o's budget. */
struct problem planner_problem(const struct graph *g, const struct device *d, const struct lifetimes *life, const struct planner_options *o);

/* Gives a plan the bound on its time that o asks for. */
void planner_bound(struct plan *plan, const struct lifetimes *life, const struct planner_options *o, struct arena *a);

/* Fills plan by one search of o's policy for problem p, whose budget is within the device's memory and at least the bound.  The plan has
 * no bound on its time, and o's homes, which the problem does not know. */
int planner_try(struct plan *plan, const struct problem *p, const struct planner_options *o, struct arena *a, struct err *e) WARN_UNUSED;
#endif
