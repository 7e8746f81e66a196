/* SPDX-License-Identifier: Apache-2.0 */
/* budget_search.h - the smallest budget at which a plan still does what is asked
 *
 * The fastest plan for a budget is planner_run()'s; this asks the other way round.
 */
#ifndef PLANNER_BUDGET_SEARCH_H
#define PLANNER_BUDGET_SEARCH_H
#include "planner/planner.h"

struct objective {
	double most_overhead;	/* of the simulated step; INFINITY: any, as long as there is a plan */
	/* Called after each budget that was tried; may be NULL. */
	void (*tried)(void *arg, bytes_t budget, const struct plan *plan);	/* plan NULL: none fits */
	void *arg;
};

/* Set *budget to the smallest one at or below o->budget_bytes at which o->policy's plan is as asked, to within
 * a 256th of the budget or 1 MiB.  ERR_NO when there is none at o->budget_bytes either.  The search supposes that a larger budget is never
 * worse; the budget found always has its plan.  When o->control stops it, it is the smallest that was found until then. */
int objective_budget(bytes_t *budget, const struct graph *g, const struct device *d, const struct planner_options *o,
    const struct objective *objective, struct arena *a, struct err *e) WARN_UNUSED;
#endif
