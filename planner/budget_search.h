/* SPDX-License-Identifier: Apache-2.0 */
/* budget_search.h - the smallest budget with a plan that is fast enough
 *
 * planner_run() makes the fastest plan for a budget; this search finds the budget for an overhead.
 */
#ifndef PLANNER_BUDGET_SEARCH_H
#define PLANNER_BUDGET_SEARCH_H
#include "planner/planner.h"

/* Sets *budget to the smallest one at or below o->budget_bytes at which o->policy's plan has at most the overhead (step time / ideal
 * time - 1; INFINITY: any), to within a 256th of the budget or 1 MiB.  ERR_NO when o->budget_bytes itself is too small.  The search
 * supposes that a larger budget is never worse.  The budget that it returns has been planned.  When o->control stops the search, the
 * result is the smallest budget found until then.  Progress: a line for each budget. */
int budget_search(bytes_t *budget, const struct graph *g, const struct device *d, const struct planner_options *o,
    double most_overhead, struct arena *a, struct err *e) WARN_UNUSED;
#endif
