/* SPDX-License-Identifier: Apache-2.0 */
/* budget_search.h - the smallest budget at which a plan does what is asked
 *
 * planner_run() makes the fastest plan for a budget; this search asks the other way round.
 */
#ifndef PLANNER_BUDGET_SEARCH_H
#define PLANNER_BUDGET_SEARCH_H
#include "planner/planner.h"

/* Sets *budget to the smallest one at or below o->budget_bytes at which o->policy's plan has at most the overhead (step time / ideal
 * time - 1; INFINITY: any), to within a 256th of the budget or 1 MiB.  ERR_NO when o->budget_bytes itself does not do.  The search
 * supposes that a larger budget is never worse.  Every budget it ends with has had its plan.  When o->control stops the search, the
 * result is the smallest budget until then.  Progress: a line for each budget. */
int budget_search(bytes_t *budget, const struct graph *g, const struct device *d, const struct planner_options *o,
    double most_overhead, struct arena *a, struct err *e) WARN_UNUSED;
#endif
