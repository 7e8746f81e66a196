/* SPDX-License-Identifier: Apache-2.0 */
/* explain_more.c - three more plans of a plan's step, and one simulation of the plan itself */
#include <config.h>
#include "src/command/explain_more.h"

#include <assert.h>

static const double more_bytes_per_s = 1e9;
static const bytes_t more_bytes = UINT64_C(1) << 30;

/* Returns a curve with all times multiplied by the factor. */
static struct curve_point *
scale_curve(const struct curve_point *points, uint32_t count, double factor, struct arena *a)
{
	struct curve_point *to = ARENA_NEW(a, struct curve_point, count);

	for (uint32_t i = 0; i < count; i++)
		to[i] = (struct curve_point) { points[i].bytes, points[i].time_us * factor };
	return to;
}

/* Adds 1 GB/s to each direction.  The duplex rate and measured curves change in proportion. */
static void
faster_link(struct device *d, struct arena *a)
{
	double before = 0, after = 0;

	for (int dir = 0; dir < DIRECTION_COUNT; dir++) {
		struct link_direction *l = &d->link[dir];
		const struct curve_point *most = l->point_count > 0 ? &l->points[l->point_count - 1] : NULL;
		double rate = most != NULL && most->time_us > 0 ? 1e6 * (double)most->bytes / most->time_us : l->bytes_per_s;
		double factor = rate > 0 ? rate / (rate + more_bytes_per_s) : 1;

		assert(l->points != NULL || l->point_count == 0);
		l->points = scale_curve(l->points, l->point_count, factor, a);
		l->loaded = scale_curve(l->loaded, l->loaded_count, factor, a);
		l->bytes_per_s += more_bytes_per_s;
		before += rate;
		after += rate + more_bytes_per_s;
	}
	if (before > 0)
		d->duplex_bytes_per_s *= after / before;
}

/* Sets *us to the step time of a new plan of p's step for device d.  Without a plan *us is unchanged and *reason says why. */
static int
plan_anew(double *us, const char **reason, const struct plan *p, const struct device *d, const struct plan_request *q, struct arena *a,
    struct err *e)
{
	const struct task task = { .graph = *p->graph, .device = *d, .has_device = true, .batch = p->batch, .times = task_times[0].name };
	struct err no = ERR_INIT;
	struct plan anew;

	if (plan_request_run(&anew, q, &task, a, &no) == 0) {
		*us = anew.predicted.step_time_us;
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
explain_more(struct more *m, const struct plan *p, const struct plan_request *options, struct arena *a, struct err *e)
{
	struct device faster = *p->device, larger = *p->device;
	struct plan_request q = *options;
	const char *reason;
	struct sim_result r;

	*m = (struct more) { .policy = q.policy == NULL ? policies[0].name : q.policy, .budget_bytes = p->budget_bytes + more_bytes };
	faster_link(&faster, a);
	if (simulate(&r, p, &faster, a, e) < 0)
		return -1;
	m->link_us = r.step_time_us;
	larger.memory_bytes += more_bytes;
	q.no_time_bound = true;
	q.budget_bytes = p->budget_bytes;
	q.start_plan = p;
	if (q.effort == 0 && q.policy == NULL && q.exec_count == 0)
		q.effort = EFFORT_NO_FLOORS;
	if (plan_anew(&m->link_anew_us, &reason, p, &faster, &q, a, e) < 0)
		return -1;
	q.budget_bytes = m->less_budget_bytes = p->budget_bytes > more_bytes ? p->budget_bytes - more_bytes : 0;
	if (q.budget_bytes > 0 && plan_anew(&m->less_us, &m->less_reason, p, p->device, &q, a, e) < 0)
		return -1;
	q.budget_bytes = m->budget_bytes;
	return plan_anew(&m->memory_us, &m->reason, p, &larger, &q, a, e);
}
