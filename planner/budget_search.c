/* SPDX-License-Identifier: Apache-2.0 */
/* budget_search.c - bisection over budgets, one evaluation a step
 *
 * The bisection runs between a budget that does and one that does not.  The upper end has always been evaluated.
 * Evaluations do without the bound on the time, and each has an arena of its own.
 */
#include <config.h>
#include "planner/budget_search.h"

enum { FINENESS = 256 };
static const bytes_t finest = 1 << 20;

struct budget_evaluation {
	const struct graph *graph;
	const struct device *device;
	struct planner_options options;
	double most_overhead;
	struct arena *scratch;
	struct err err;
	bytes_t arena_bytes;
	double overhead;
	bool fits, good;
};

static int
run_evaluation(void *arg)
{
	struct budget_evaluation *v = arg;
	char size[32];
	struct plan p;

	if (planner_run(&p, v->graph, v->device, &v->options, v->scratch, &v->err) < 0)
		return -1;
	v->fits = true;
	v->arena_bytes = p.arena_bytes;
	v->overhead = p.predicted.ideal_time_us > 0 ? p.predicted.step_time_us / p.predicted.ideal_time_us - 1 : 0;
	v->good = v->overhead <= v->most_overhead;
	search_tell(v->options.control, "budget %s: step time %+.1f %%", units_size(size, v->options.budget_bytes), 100 * v->overhead);
	return 0;
}

/* Evaluates a budget.  An answer of no is an outcome; any other failure ends the search. */
static int
evaluate(struct budget_evaluation *v, bytes_t budget, struct err *e)
{
	struct arena scratch = ARENA_INIT;
	char size[32];
	int rc;

	v->options.budget_bytes = budget;
	v->fits = v->good = false;
	v->err = (struct err) ERR_INIT;
	v->scratch = &scratch;
	rc = arena_run(&scratch, run_evaluation, v, &v->err);
	arena_free(&scratch);
	v->scratch = NULL;
	if (rc == 0)
		return 0;
	if (v->err.code != ERR_NO) {
		*e = v->err;
		return -1;
	}
	search_tell(v->options.control, "budget %s: no plan", units_size(size, budget));
	return 0;
}

static int
no_answer(const struct budget_evaluation *v, struct err *e)
{
	char budget[32];

	if (!v->fits) {
		*e = v->err;
		return -1;
	}
	return err_set(e, ERR_NO, "policy '%s' takes %.1f %% longer than the ideal time even with a budget of %s, more than the %.1f %% asked for",
	    v->options.policy->name, 100 * v->overhead, units_size(budget, v->options.budget_bytes), 100 * v->most_overhead);
}

static bytes_t
smaller(bytes_t x, bytes_t y)
{
	return x < y ? x : y;
}

int
budget_search(bytes_t *budget, const struct graph *g, const struct device *d, const struct planner_options *o, double most_overhead,
    struct arena *a, struct err *e)
{
	struct budget_evaluation v = { .graph = g, .device = d, .options = *o, .most_overhead = most_overhead };
	struct lifetimes l;
	bytes_t low, high;

	lifetimes_init(&l, g, a);
	v.options.bound_time_us = NO_TIME_BOUND;
	v.options.bounds_us = NULL;
	high = o->budget_bytes == 0 ? device_budget(d) : o->budget_bytes;
	if (evaluate(&v, high, e) < 0)
		return -1;
	if (!v.good)
		return no_answer(&v, e);
	low = smaller(l.bound_bytes > 0 ? l.bound_bytes - 1 : 0, high);
	/* Most of a large device may not be needed at all: the first step goes to the arena of its plan. */
	for (bytes_t next = v.arena_bytes; high - low > finest && high - low > high / FINENESS && !search_stopped(o->control); next = low + (high - low) / 2) {
		if (next <= low || next >= high)
			next = low + (high - low) / 2;
		if (evaluate(&v, next, e) < 0)
			return -1;
		/* An unfinished plan does not prove that its budget is too small; the loop ends. */
		if (v.good || !search_stopped(o->control))
			*(v.good ? &high : &low) = next;
	}
	*budget = high;
	return 0;
}
