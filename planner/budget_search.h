/* SPDX-License-Identifier: Apache-2.0 */
/* budget_search.h - the smallest budget with a plan that is fast enough
 *
 * planner_run() makes the fastest plan for a budget; this search finds the budget for an overhead.  It looks at rungs (floors.h), so that
 * planner_run() finds a plan at least as fast for the budget that it returns.
 */
#ifndef PLANNER_BUDGET_SEARCH_H
#define PLANNER_BUDGET_SEARCH_H
#include "planner/planner.h"

/* Fills plan: the one with the smallest budget at or below o->budget_bytes that the search finds, among those of o->policy with at most
 * the overhead (plan_overhead(); INFINITY: any).  plan->budget_bytes is that budget, and the plan has no bound on its time.  ERR_NO: the
 * plan for o->budget_bytes is too slow, or there is none.  When o->control stops the search, the result is the smallest budget found
 * until then.  Progress: a line for each rung. */
int budget_search(struct plan *plan, const struct graph *g, const struct device *d, const struct planner_options *o,
    double most_overhead, struct arena *a, struct err *e) WARN_UNUSED;
#endif
