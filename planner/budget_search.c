/* SPDX-License-Identifier: Apache-2.0 */
/* budget_search.c - bisection over the rungs of the ladder
 *
 * The bisection runs between a rung that is fast enough and one that is not.  A bound on the time shows from the start which rungs
 * cannot be.  A rung that is too slow may be an unlucky draw, so that a few rungs below it are searched, too.
 */
#include <config.h>
#include "planner/budget_search.h"

#include <math.h>

#include "planner/floors.h"

enum {
	LOOK_BELOW = 2,			/* 0 .. 10: rungs searched below the one that ends the bisection */
	REFINEMENTS = 2			/* 0 .. 10: halvings of the way from there to the next lower rung, which is too slow */
};

struct budget_bisection {
	struct floors floors;
	double most_overhead;
	uint32_t low;			/* no lower rung can be fast enough */
	uint32_t high;			/* a rung that is fast enough */
	const struct plan *best;	/* NULL: none is fast enough */
	uint32_t best_rung;
};

static bytes_t
budget_of(const struct budget_bisection *x, uint32_t rung)
{
	return ladder_budget(&x->floors.ladder, rung);
}

static void
tell(const struct budget_bisection *x, bytes_t budget, const struct plan *plan)
{
	char size[32];

	if (plan == NULL)
		search_tell(x->floors.options.control, "budget %s: no plan", units_size(size, budget));
	else
		search_tell(x->floors.options.control, "budget %s: step time %+.1f %%", units_size(size, budget), 100 * plan_overhead(plan));
}

/* Searches a rung.  *good: its plan is fast enough. */
static int
evaluate(bool *good, struct budget_bisection *x, uint32_t rung, struct err *e)
{
	const struct rung *r;

	if (floors_rung(&r, &x->floors, budget_of(x, rung), e) < 0)
		return -1;
	tell(x, r->budget_bytes, r->has_plan ? &r->plan : NULL);
	*good = r->has_plan && plan_overhead(&r->plan) <= x->most_overhead;
	if (!*good)
		return 0;
	x->best = &r->plan;
	x->best_rung = rung;
	x->high = rung;
	/* Most of a large device may not be needed at all. */
	if (r->plan.arena_bytes < r->budget_bytes)
		x->high = ladder_rung(&x->floors.ladder, r->plan.arena_bytes) + 1;
	x->high = x->high < rung ? x->high : rung;
	return 0;
}

/* Returns the lowest rung that a bound on the time does not rule out, at or below `high`. */
static uint32_t
lowest_rung(struct budget_bisection *x, uint32_t high)
{
	double most_us = x->floors.life.ideal_time_us * (1 + x->most_overhead);
	uint32_t low = ladder_rung(&x->floors.ladder, x->floors.ladder.least_bytes), first = low;

	if (isinf(most_us) || isnan(most_us))
		return low;
	/* Rung low - 1 is ruled out, unless low is the first; rung high is not. */
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (floors_bound_us(&x->floors, budget_of(x, middle)) > most_us)
			low = middle + 1;
		else
			high = middle;
	}
	return low < first ? first : low;
}

/* Bisects between the lowest rung that may be fast enough and rung high. */
static int
bisect(struct budget_bisection *x, struct err *e)
{
	uint32_t low = x->low;
	bool good;

	while (low < x->high && !search_stopped(x->floors.options.control)) {
		uint32_t middle = low + (x->high - low) / 2;

		if (evaluate(&good, x, middle, e) < 0)
			return -1;
		if (!good)
			low = middle + 1;
	}
	/* The smallest arena so far may end below its rung. */
	return x->high == x->best_rung || search_stopped(x->floors.options.control) ? 0 : evaluate(&good, x, x->high, e);
}

/* Searches a few rungs below the one that is too slow.  *found: one of them is fast enough. */
static int
look_below(bool *found, struct budget_bisection *x, struct err *e)
{
	*found = false;
	for (uint32_t i = 2; i < 2 + LOOK_BELOW && x->high >= x->low + i && !*found; i++) {
		if (search_stopped(x->floors.options.control))
			return 0;
		if (evaluate(found, x, x->high - i, e) < 0)
			return -1;
	}
	return 0;
}

/* Fills plan if planner_run() finds one for the budget that is fast enough.  Returns 1 if it does not. */
static int
answer_for(struct plan *plan, struct budget_bisection *x, bytes_t budget, struct err *e)
{
	struct floors *f = &x->floors;
	struct err why = ERR_INIT;
	struct plan p;
	int rc = f->options.policy->has_floors ? floors_plan(&p, f, budget, &why, e) : floors_try(&p, f, budget, &why, e);

	if (rc == 0 && plan_overhead(&p) <= x->most_overhead) {
		*plan = p;
		return 0;
	}
	return rc < 0 ? -1 : 1;
}

/* Fills plan: the best one, for a budget as small as its own arena, or smaller: the next rung is too low. */
static int
take_best(struct plan *plan, struct budget_bisection *x, struct err *e)
{
	const struct ladder *l = &x->floors.ladder;
	bytes_t rung = budget_of(x, x->best_rung), low = rung > l->least_bytes ? ladder_budget(l, ladder_rung(l, rung - 1)) : rung;

	*plan = *x->best;
	if (plan->arena_bytes < plan->budget_bytes && !search_stopped(x->floors.options.control) &&
	    answer_for(plan, x, plan->arena_bytes, e) < 0)
		return -1;
	for (int i = 0; i < REFINEMENTS && low < plan->budget_bytes && !search_stopped(x->floors.options.control); i++) {
		bytes_t middle = low + (plan->budget_bytes - low) / 2;
		int rc;

		middle -= middle % l->unit_bytes;
		if (middle <= low)
			break;
		rc = answer_for(plan, x, middle, e);
		if (rc < 0)
			return -1;
		if (rc > 0)
			low = middle;
	}
	return 0;
}

static int
no_answer(const struct plan *plan, const struct planner_options *o, double most_overhead, struct err *e)
{
	char budget[32];

	return err_set(e, ERR_NO, "policy '%s' takes %.1f %% longer than the ideal time even with a budget of %s, more than the %.1f %% asked for",
	    o->policy->name, 100 * plan_overhead(plan), units_size(budget, plan->budget_bytes), 100 * most_overhead);
}

/* Any plan will do: the least budget may have one. */
static int
begin_lowest(bool *good, struct budget_bisection *x, bytes_t budget, struct err *e)
{
	*good = false;
	return !isinf(x->most_overhead) || x->floors.ladder.least_bytes > budget ? 0 : evaluate(good, x, x->low, e);
}

/* Begins with the plan for the whole budget. */
static int
begin_highest(struct plan *plan, struct budget_bisection *x, const struct planner_options *o, bytes_t budget, struct arena *a, struct err *e)
{
	struct planner_options whole = *o;
	bool good;

	x->high = ladder_rung(&x->floors.ladder, budget);
	if (evaluate(&good, x, x->high, e) < 0)
		return -1;
	if (good)
		return 0;
	whole.budget_bytes = budget;
	whole.bound_time_us = NO_TIME_BOUND;
	whole.bounds_us = NULL;
	if (planner_run(plan, x->floors.graph, x->floors.device, &whole, a, e) < 0)
		return -1;
	if (plan_overhead(plan) > x->most_overhead)
		return no_answer(plan, o, x->most_overhead, e);
	x->best = plan;
	x->best_rung = x->high;
	return 0;
}

int
budget_search(struct plan *plan, const struct graph *g, const struct device *d, const struct planner_options *o, double most_overhead,
    struct arena *a, struct err *e)
{
	struct budget_bisection x = { .most_overhead = most_overhead };
	bytes_t budget = o->budget_bytes == 0 ? device_budget(d) : o->budget_bytes;
	bool good, found;

	search_begin(o->control);
	floors_init(&x.floors, g, d, o, a);
	if (x.floors.ladder.least_bytes > budget)
		return planner_run(plan, g, d, o, a, e);	/* says why not */
	x.low = lowest_rung(&x, ladder_rung(&x.floors.ladder, budget));
	if (begin_lowest(&good, &x, budget, e) < 0 || (!good && begin_highest(plan, &x, o, budget, a, e) < 0))
		return -1;
	for (found = x.best != plan && !good; found;)
		if (bisect(&x, e) < 0 || look_below(&found, &x, e) < 0)
			return -1;
	if (x.best == plan)
		return 0;
	return take_best(plan, &x, e);
}
