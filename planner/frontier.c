/* SPDX-License-Identifier: Apache-2.0 */
/* frontier.c - the answers for one budget after the other, from the smallest up */
#include <config.h>
#include "planner/frontier.h"

#include "planner/bound/bounds.h"
#include "planner/floors.h"

enum { STRIDE = 5 };		/* 1 .. LADDER_OCTAVE: rungs from one point to the next; a divisor of the octave, so that the peak is a point */
#define NO_LOSS 1e-4		/* 0 .. 0.01: more memory cannot make a step faster that is within this part of the bound for all of it */

struct frontier_making {
	struct floors floors;
	struct frontier *frontier;
	size_t capacity;
	double least_us;		/* no plan for the whole budget is faster */
	struct err why;			/* of the last budget without a plan */
};

/* Adds the point of a budget: plan, or the fastest one before it.  plan NULL: the budget has none of its own. */
static void
add_point(struct frontier_making *m, bytes_t budget, struct plan *plan)
{
	struct floors *f = &m->floors;
	struct frontier *to = m->frontier;
	const struct plan *before = to->count > 0 ? to->points[to->count - 1].plan : NULL;
	struct frontier_point *point;
	size_t count = to->count;

	if (plan == NULL && before == NULL)
		return;
	if (plan == NULL || (before != NULL && before->predicted.step_time_us <= plan->predicted.step_time_us)) {
		plan = ARENA_NEW(f->arena, struct plan, 1);
		*plan = *before;
		plan->budget_bytes = budget;
	}
	plan->bound_time_us = 0;
	if (f->options.bound_time_us >= 0)
		plan->bound_time_us = bounds_time_us(NULL, &f->life, f->device, budget, f->arena);
	point = ARENA_PUSH(f->arena, to->points, count, m->capacity);
	*point = (struct frontier_point) { budget, plan->bound_time_us, plan };
	to->count = (uint32_t)count;
}

static int
make_point(struct frontier_making *m, bytes_t budget, struct err *e)
{
	struct floors *f = &m->floors;
	struct plan *plan = ARENA_NEW(f->arena, struct plan, 1);
	char size[32], time[32];
	int rc = f->options.policy->has_floors ? floors_plan(plan, f, budget, &m->why, e) : floors_try(plan, f, budget, &m->why, e);

	if (rc < 0)
		return -1;
	add_point(m, budget, rc == 0 ? plan : NULL);
	search_tell(f->options.control, "budget %s: %s", units_size(size, budget),
	    rc == 0 ? units_time(time, plan->predicted.step_time_us) : "no plan");
	return 0;
}

static uint32_t
lowest_rung(const struct ladder *l)
{
	return ladder_rung(l, l->least_bytes);
}

static bool
is_over(const struct frontier_making *m)
{
	const struct frontier *to = m->frontier;

	return search_stopped(m->floors.options.control) ||
	    (to->count > 0 && to->points[to->count - 1].plan->predicted.step_time_us <= m->least_us * (1 + NO_LOSS));
}

int
frontier_make(struct frontier *to, const struct graph *g, const struct device *d, const struct planner_options *o, struct arena *a,
    struct err *e)
{
	struct frontier_making m = { .frontier = to, .why = ERR_INIT };
	bytes_t most = o->budget_bytes == 0 ? device_budget(d) : o->budget_bytes, last = 0;
	struct plan none;

	*to = (struct frontier) { .count = 0 };
	search_begin(o->control);
	floors_init(&m.floors, g, d, o, a);
	if (m.floors.ladder.least_bytes > most)
		return planner_run(&none, g, d, o, a, e);	/* says why not */
	to->peak_bytes = m.floors.life.peak_bytes;
	m.least_us = floors_bound_us(&m.floors, most);
	for (uint32_t rung = lowest_rung(&m.floors.ladder) / STRIDE * STRIDE; ladder_budget(&m.floors.ladder, rung) <= most && !is_over(&m); rung += STRIDE) {
		bytes_t budget = ladder_budget(&m.floors.ladder, rung);

		if (budget > last && make_point(&m, budget, e) < 0)
			return -1;
		last = budget;
	}
	if (last < most && !is_over(&m) && make_point(&m, most, e) < 0)
		return -1;
	if (to->count > 0)
		return 0;
	*e = m.why;
	return e->code == ERR_NONE ? err_set(e, ERR_SYSTEM, "interrupted") : -1;
}
