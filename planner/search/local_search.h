/* SPDX-License-Identifier: Apache-2.0 */
/* local_search.h - better fates by small changes
 *
 * The search starts from decisions with a packing within the budget.  It draws an op, half of the time one where the step loses time, and
 * changes the fates of a few idle intervals across it.  While the change is over the budget, it sends more intervals away from the
 * fullest op.  A change is kept if the step is faster, without addresses and then with them.  README.md tells the whole story.
 */
#ifndef PLANNER_SEARCH_LOCAL_SEARCH_H
#define PLANNER_SEARCH_LOCAL_SEARCH_H
#include "planner/search/evaluator.h"

struct local_search_result {
	double us;			/* step time with addresses */
	const bytes_t *offsets;		/* of the program's buffers */
	uint64_t trials, kept;
};

/* Returns the step time of decisions whose program has these offsets; INFINITY: it has none. */
typedef double local_search_time(void *arg, const struct decisions *d, const bytes_t *offsets);

/* Improves d in place.  On entry, *r holds the step time and the offsets of d's program.  The work is counted, so the result
 * is the same on every machine; p->control may end it early, and with a time limit there is more of it.  False: without addresses, d makes no schedule within the budget. */
bool local_search(struct decisions *d, struct local_search_result *r, const struct problem *p, local_search_time *time, void *arg,
    struct arena *a);
#endif
