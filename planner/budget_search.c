/* SPDX-License-Identifier: Apache-2.0 */
/* budget_search.c - bisection over budgets, one plan a step
 *
 * Between a budget at which the answer is yes and one at which it is no.  The upper end is
 * always a budget that was tried.  Trials do without the bound on the time, and each has an arena of its own.
 */
#include <config.h>
#include "planner/budget_search.h"

#include <math.h>

enum { FINENESS = 256 };
static const bytes_t finest = 1 << 20;

struct trial {
	const struct graph *graph;
	const struct device *device;
	const struct objective *objective;
	struct planner_options options;
	struct arena *scratch;
	struct err err;
	bytes_t arena_bytes;
	double overhead;
	bool fits, good;
};

static int
run_trial(void *arg)
{
	struct trial *t = arg;
	struct plan p;

	if (planner_run(&p, t->graph, t->device, &t->options, t->scratch, &t->err) < 0)
		return -1;
	t->fits = true;
	t->arena_bytes = p.arena_bytes;
	t->overhead = p.predicted.ideal_time_us > 0 ? p.predicted.step_time_us / p.predicted.ideal_time_us - 1 : 0;
	t->good = t->overhead <= t->objective->most_overhead;
	if (t->objective->tried != NULL)
		t->objective->tried(t->objective->arg, t->options.budget_bytes, &p);
	return 0;
}

/* Plan at this budget; only an answer of no is an outcome, any other failure ends the search. */
static int
try_budget(struct trial *t, bytes_t budget, struct err *e)
{
	struct arena scratch = ARENA_INIT;
	int rc;

	t->options.budget_bytes = budget;
	t->fits = t->good = false;
	t->err = (struct err) ERR_INIT;
	t->scratch = &scratch;
	rc = arena_run(&scratch, run_trial, t, &t->err);
	arena_free(&scratch);
	t->scratch = NULL;
	if (rc == 0)
		return 0;
	if (t->err.code != ERR_NO) {
		*e = t->err;
		return -1;
	}
	if (t->objective->tried != NULL)
		t->objective->tried(t->objective->arg, budget, NULL);
	return 0;
}

static int
no_answer(const struct trial *t, struct err *e)
{
	char budget[32];

	if (!t->fits) {
		*e = t->err;
		return -1;
	}
	return err_set(e, ERR_NO, "policy '%s' takes %.1f %% longer than the ideal time even with a budget of %s, more than the %.1f %% asked for",
	    t->options.policy->name, 100 * t->overhead, units_size(budget, t->options.budget_bytes), 100 * t->objective->most_overhead);
}

static bytes_t
smaller(bytes_t x, bytes_t y)
{
	return x < y ? x : y;
}

int
objective_budget(bytes_t *budget, const struct graph *g, const struct device *d, const struct planner_options *o,
    const struct objective *objective, struct arena *a, struct err *e)
{
	struct trial t = { .graph = g, .device = d, .objective = objective, .options = *o };
	struct lifetimes l;
	bytes_t low, high;

	lifetimes_init(&l, g, a);
	/* Any bound will do: trials are not shown. */
	t.options.bound_time_us = l.ideal_time_us > 0 ? l.ideal_time_us : 1;
	t.options.bounds_us = NULL;
	high = o->budget_bytes == 0 ? device_budget(d) : o->budget_bytes;
	if (try_budget(&t, high, e) < 0)
		return -1;
	if (!t.good)
		return no_answer(&t, e);
	low = smaller(l.bound_bytes > 0 ? l.bound_bytes - 1 : 0, high);
	/* Most of a large device may not be needed at all: the first step goes to what its plan used. */
	for (bytes_t next = t.arena_bytes; high - low > finest && high - low > high / FINENESS && !search_stopped(o->control); next = low + (high - low) / 2) {
		if (next <= low || next >= high)
			next = low + (high - low) / 2;
		if (try_budget(&t, next, e) < 0)
			return -1;
		/* A plan that was not finished says nothing against the budget; the loop ends. */
		if (t.good || !search_stopped(o->control))
			*(t.good ? &high : &low) = next;
	}
	*budget = high;
	return 0;
}
