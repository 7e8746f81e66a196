/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>
#include "src/command/explain_more.h"

#include <assert.h>

#include "planner/planner.h"
#include "sim/time/simulate.h"

static const double more_bytes_per_s = 1e9;
static const bytes_t more_bytes = UINT64_C(1) << 30;

/* 1 GB/s more in each direction; both together and a measured curve change in proportion. */
static void
faster_link(struct device *d, struct arena *a)
{
	double before = 0, after = 0;

	for (int dir = 0; dir < DIRECTION_COUNT; dir++) {
		struct link_direction *l = &d->link[dir];
		const struct curve_point *most = l->point_count > 0 ? &l->points[l->point_count - 1] : NULL;
		double rate = most != NULL && most->time_us > 0 ? 1e6 * (double)most->bytes / most->time_us : l->bytes_per_s;
		double factor = rate > 0 ? rate / (rate + more_bytes_per_s) : 1;
		struct curve_point *points = ARENA_NEW(a, struct curve_point, l->point_count);

		assert(l->points != NULL || l->point_count == 0);
		for (uint32_t i = 0; i < l->point_count; i++)
			points[i] = (struct curve_point) { l->points[i].bytes, l->points[i].time_us * factor };
		l->points = points;
		l->bytes_per_s += more_bytes_per_s;
		before += rate;
		after += rate + more_bytes_per_s;
	}
	if (before > 0)
		d->duplex_bytes_per_s *= after / before;
}

/* Hybrid's step time for p's graph; 0: it has no plan, and *reason says why. */
static int
plan_anew(double *us, const char **reason, const struct graph *g, const struct device *d, bytes_t budget, struct arena *a, struct err *e)
{
	struct planner_options o = { .policy = policy_find("hybrid"), .placement = placement_find("auto"), .budget_bytes = budget,
	    .bound_time_us = 1 };
	struct err no = ERR_INIT;
	struct plan p;

	if (planner_run(&p, g, d, &o, a, &no) == 0) {
		*us = p.predicted.step_time_us;
		return 0;
	}
	if (no.code != ERR_NO) {
		*e = no;
		return -1;
	}
	*reason = arena_strdup(a, no.text);
	return 0;
}

int
explain_more(struct more *m, const struct plan *p, struct arena *a, struct err *e)
{
	struct device faster = *p->device, larger = *p->device;
	const char *reason;
	struct sim_result r;

	*m = (struct more) { .budget_bytes = p->budget_bytes + more_bytes };
	faster_link(&faster, a);
	if (simulate(&r, p, &faster, a, e) < 0)
		return -1;
	m->link_us = r.step_time_us;
	larger.memory_bytes += more_bytes;
	if (plan_anew(&m->link_anew_us, &reason, p->graph, &faster, p->budget_bytes, a, e) < 0)
		return -1;
	return plan_anew(&m->memory_us, &m->reason, p->graph, &larger, m->budget_bytes, a, e);
}
