/* SPDX-License-Identifier: Apache-2.0 */
/* frontier.c - the answers for a list of budgets, closer together where the step time changes
 *
 * The ends of the list come first.  Then the middle of two budgets is planned, again and again, until they are neighbours in the list or
 * their step times are close: whatever lies between them is between their times, too.  At last, each point takes the plan of a smaller
 * budget where that is faster.
 */
#include <config.h>
#include "planner/frontier.h"

#include "planner/bound/bounds.h"
#include "planner/floors.h"

enum { STRIDE = 5 };		/* 1 .. LADDER_OCTAVE: rungs from one budget of the list to the next; a divisor of the octave, so that the peak is one */
#define NO_LOSS 1e-4		/* 0 .. 0.01: more memory cannot make a step faster that is within this part of the bound for all of it */
#define CLOSE 0.02		/* 0 .. 1: the part by which a step must be slower than one with more memory for budgets between them to count */

struct frontier_making {
	struct floors floors;
	bytes_t most;			/* the largest budget */
	bytes_t *budgets;		/* [count] the list, rising */
	struct plan **plans;		/* [count] NULL: none, or not planned */
	size_t count, budget_capacity;
	double least_us;		/* no plan for the largest budget is faster */
	struct err why;			/* of the last budget without a plan */
};

/* Appends the budget of the next rung of the list, or the largest; false: the list is at its end. */
static bool
add_budget(struct frontier_making *m, uint32_t *rung)
{
	const struct ladder *l = &m->floors.ladder;
	bytes_t last = m->count > 0 ? m->budgets[m->count - 1] : 0, next;

	do
		next = ladder_budget(l, *rung += STRIDE);
	while (next == last);
	next = next < m->most ? next : m->most;
	if (next == last)
		return false;
	*ARENA_PUSH(m->floors.arena, m->budgets, m->count, m->budget_capacity) = next;
	return true;
}

static void
list_budgets(struct frontier_making *m)
{
	const struct ladder *l = &m->floors.ladder;
	uint32_t rung = ladder_rung(l, l->least_bytes) / STRIDE * STRIDE;

	*ARENA_PUSH(m->floors.arena, m->budgets, m->count, m->budget_capacity) = l->least_bytes;
	while (m->budgets[m->count - 1] < l->peak_bytes / l->unit_bytes * l->unit_bytes && add_budget(m, &rung))
		;
	m->plans = ARENA_NEW(m->floors.arena, struct plan *, m->count);
}

/* Fills plan: the answer for the largest budget, the plan of the rung for others, whose floors are the other points.  Returns 1 without a
 * plan. */
static int
find_plan(struct plan *plan, struct frontier_making *m, size_t i, struct err *e)
{
	const struct rung *r;

	if (!m->floors.options.policy->has_floors)
		return floors_try(plan, &m->floors, m->budgets[i], &m->why, e);
	if (i + 1 == m->count)
		return floors_plan(plan, &m->floors, m->budgets[i], &m->why, e);
	if (floors_rung(&r, &m->floors, m->budgets[i], e) < 0)
		return -1;
	*plan = r->plan;
	m->why = r->why;
	return r->has_plan ? 0 : 1;
}

/* Plans the i-th budget. */
static int
plan_budget(struct frontier_making *m, size_t i, struct err *e)
{
	struct floors *f = &m->floors;
	struct plan *plan = ARENA_NEW(f->arena, struct plan, 1);
	char size[32], time[32];
	int rc = find_plan(plan, m, i, e);

	if (rc < 0)
		return -1;
	if (rc == 0)
		m->plans[i] = plan;
	search_tell(f->options.control, "budget %s: %s", units_size(size, m->budgets[i]),
	    rc == 0 ? units_time(time, plan->predicted.step_time_us) : "no plan");
	return 0;
}

static bool
are_close(const struct plan *less, const struct plan *more)
{
	return less != NULL && more != NULL && less->predicted.step_time_us <= more->predicted.step_time_us * (1 + CLOSE);
}

/* Plans between two budgets that are planned. */
static int
plan_between(struct frontier_making *m, size_t low, size_t high, struct err *e)
{
	size_t middle = low + (high - low) / 2;

	if (high - low < 2 || (m->plans[low] == NULL && m->plans[high] == NULL) || are_close(m->plans[low], m->plans[high]) ||
	    search_stopped(m->floors.options.control))
		return 0;
	if (plan_budget(m, middle, e) < 0 || plan_between(m, low, middle, e) < 0)
		return -1;
	return plan_between(m, middle, high, e);
}

/* Fills the points: of each budget with a plan, the fastest so far, with the budget's bound. */
static void
fill_points(struct frontier *to, struct frontier_making *m)
{
	struct floors *f = &m->floors;
	const struct plan *best = NULL;

	to->points = ARENA_NEW(f->arena, struct frontier_point, m->count);
	for (size_t i = 0; i < m->count; i++) {
		struct plan *plan = m->plans[i];

		if (plan == NULL)
			continue;
		if (best != NULL && best->predicted.step_time_us <= plan->predicted.step_time_us)
			*plan = *best;
		plan->budget_bytes = m->budgets[i];
		plan->bound_time_us = 0;
		if (f->options.bound_time_us >= 0)
			plan->bound_time_us = bounds_time_us(NULL, &f->life, f->device, m->budgets[i], f->arena);
		to->points[to->count++] = (struct frontier_point) { m->budgets[i], plan->bound_time_us, plan };
		best = plan;
		if (plan->predicted.step_time_us <= m->least_us * (1 + NO_LOSS))
			return;
	}
}

int
frontier_make(struct frontier *to, const struct graph *g, const struct device *d, const struct planner_options *o, struct arena *a,
    struct err *e)
{
	struct frontier_making m = { .most = o->budget_bytes == 0 ? device_budget(d) : o->budget_bytes, .why = ERR_INIT };
	struct plan none;

	*to = (struct frontier) { .count = 0 };
	search_begin(o->control);
	floors_init(&m.floors, g, d, o, a);
	if (m.floors.ladder.least_bytes > m.most)
		return planner_run(&none, g, d, o, a, e);	/* says why not */
	to->peak_bytes = m.floors.life.peak_bytes;
	m.least_us = floors_bound_us(&m.floors, m.most);
	list_budgets(&m);
	if (plan_budget(&m, m.count - 1, e) < 0 || (m.count > 1 && !search_stopped(o->control) && plan_budget(&m, 0, e) < 0) ||
	    plan_between(&m, 0, m.count - 1, e) < 0)
		return -1;
	fill_points(to, &m);
	if (to->count > 0)
		return 0;
	*e = m.why;
	return -1;
}
