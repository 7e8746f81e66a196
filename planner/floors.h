/* SPDX-License-Identifier: Apache-2.0 */
/* floors.h - plans that are never slower than those for less memory
 *
 * A search is a draw: a little more memory may end in a slower plan.  So plans come from the rungs of a ladder (ladder.h), where each
 * rung's search is the same for whoever asks.  The answer for a budget is the fastest plan of the rung at or below it and of the
 * next lower ones.  A budget between two rungs is searched, too, and its own plan taken if it is much faster.  Nothing is kept between two
 * runs.  Given homes (schedule/homes.h) have a ladder of their own: it begins at what they need, and its peak has room for the step above them.
 */
#ifndef PLANNER_FLOORS_H
#define PLANNER_FLOORS_H
#include "planner/ladder.h"
#include "planner/planner.h"

/* The search at one rung. */
struct rung {
	bytes_t budget_bytes;
	bool has_plan;
	struct plan plan;		/* in memory of the floors */
	struct err why;			/* ERR_NO, without a plan */
};

struct floors {
	const struct graph *graph;	/* not owned */
	const struct device *device;	/* not owned */
	struct planner_options options;	/* of each search, but for its budget */
	struct lifetimes life;
	struct ladder ladder;
	struct rung **rungs;		/* [rung_count] that were searched */
	size_t rung_count, rung_capacity;
	bool quiet;			/* searches tell no progress */
	struct arena *arena;
};

/* Fills f; plans live in a. */
void floors_init(struct floors *f, const struct graph *g, const struct device *d, const struct planner_options *o, struct arena *a);

/* Sets *to to the rung of that budget, searched once.  Fails for other reasons than the lack of a plan. */
int floors_rung(const struct rung **to, struct floors *f, bytes_t budget, struct err *e) WARN_UNUSED;

/* Returns a time in microseconds that no plan within the budget beats, without much work. */
double floors_bound_us(struct floors *f, bytes_t budget);

/* Sets *least to the smallest rung above a budget that a simple search finds a plan for.  Returns 0; 1: no rung within the device's memory
 * has one; -1: another failure. */
int floors_least(bytes_t *least, struct floors *f, bytes_t above, struct err *e) WARN_UNUSED;

/* Both fill plan for a budget of at least the lowest rung, without a bound on its time: the answer, or one search for exactly this budget.  They
 * return 0; 1: there is no plan, and *why says so; -1: another failure. */
int floors_plan(struct plan *plan, struct floors *f, bytes_t budget, struct err *why, struct err *e) WARN_UNUSED;
int floors_try(struct plan *plan, struct floors *f, bytes_t budget, struct err *why, struct err *e) WARN_UNUSED;
#endif
