/* SPDX-License-Identifier: Apache-2.0 */
/* layrub_simulate.c - one step of a plan on its own or on a changed machine, and its timeline */
#include <config.h>
#include "src/library/layrub_private.h"

#include <assert.h>
#include <stdlib.h>

#include "src/library/usage.h"
#include "sim/time/what_if.h"

static_assert(LAYRUB_NONE == PLAN_NONE, "none is the same");

/* The public part comes first, so that the handle is its address. */
struct owned_timeline {
	struct layrub_timeline timeline;
	struct arena arena;
};

/* One call, with memory of its own. */
struct simulating {
	struct arena arena;
	const struct layrub_plan *plan;
	const struct layrub_change *change;	/* as given */
	struct layrub_figures *figures;		/* NULL: not wanted */
	struct owned_timeline *timeline;	/* NULL: not wanted */
	struct err err;
};

/* Fills *d with the machine of the change `to`, and gives *p, the plan, that machine's op times.  *changed: the machine is not the plan's
 * own. */
static int
change_machine(struct device *d, struct plan *p, bool *changed, const struct layrub_change *to, struct simulating *s)
{
	struct arena *a = &s->arena;
	struct err *e = &s->err;
	const struct what_if w = { .rate = { [H2D] = to->h2d_bytes_per_s, [D2H] = to->d2h_bytes_per_s }, .duplex = to->duplex_bytes_per_s,
	    .latency = to->latency_us > 0 ? to->latency_us : -1, .compute_scale = to->compute_scale, .gpus_per_link = to->gpus_per_link };

	if (check_device_options(to->device, to->device_text, to->device_data, e) < 0)
		return -1;
	if (what_if_check(&w, e) < 0)
		return usage_at(e, NULL);
	if (w.compute_scale != 0 && !(w.compute_scale >= 1e-9 && w.compute_scale <= 1e9))
		return usage_error(e, "--compute-scale", "expected a factor over 0, at most 1e9");
	*d = *s->plan->plan.device;
	*changed = to->device != NULL || to->device_text != NULL;
	if (*changed && task_read_device(d, to->device, to->device_text, a, e) < 0)
		return -1;
	if (to->device_data != NULL && take_device(d, to->device_data, a, e) < 0)
		return -1;
	*changed |= to->device_data != NULL || what_if_any(&w);
	what_if_device(d, &w, a);
	if (w.compute_scale > 0)
		what_if_compute(p, w.compute_scale, a);
	return what_if_fits(p, d, e);
}

/* ---- the timeline ---- */

static void
view_spans(struct layrub_timeline *to, const struct sim_result *r, uint32_t count, struct arena *a)
{
	struct layrub_span *spans = ARENA_NEW(a, struct layrub_span, count);
	struct layrub_stall *stalls = ARENA_NEW(a, struct layrub_stall, r->stall_count);

	for (uint32_t i = 0; i < count; i++)
		spans[i] = (struct layrub_span) { r->spans[i].start_us, r->spans[i].end_us };
	for (uint32_t i = 0; i < r->stall_count; i++)
		stalls[i] = (struct layrub_stall) { r->stalls[i].start_us, r->stalls[i].end_us, r->stalls[i].waiting, r->stalls[i].cause };
	to->spans = spans;
	to->span_count = count;
	to->stalls = stalls;
	to->stall_count = r->stall_count;
}

/* Copies the occupancy into one array for each kind. */
static void
view_occupancy(struct layrub_timeline *to, const struct sim_memory *m, struct arena *a)
{
	double *times = ARENA_NEW(a, double, m->count);
	uint64_t *device = ARENA_NEW(a, uint64_t, m->count), *host = ARENA_NEW(a, uint64_t, m->count);
	uint64_t **kinds = ARENA_NEW(a, uint64_t *, SIM_KINDS);

	for (int k = 0; k < SIM_KINDS; k++)
		kinds[k] = ARENA_NEW(a, uint64_t, m->count);
	for (uint32_t i = 0; i < m->count; i++) {
		times[i] = m->time_us[i];
		host[i] = m->host_bytes[i];
		for (int k = 0; k < SIM_KINDS; k++) {
			kinds[k][i] = m->bytes[i][k];
			device[i] += m->bytes[i][k];
		}
	}
	to->row_count = m->count;
	to->times_us = times;
	to->device_bytes = device;
	to->host_bytes = host;
	to->workspace_bytes = kinds[SIM_WORKSPACE];
	to->kind_count = KIND_COUNT;
	to->kind_bytes = (const uint64_t *const *)kinds;
}

struct timeline_filling {
	struct owned_timeline *to;
	const struct sim_result *result;
	const struct plan *plan;
	struct arena *scratch;
};

/* Runs in the timeline's own arena, nested in a call that has another one. */
static int
fill_timeline(void *arg)
{
	struct timeline_filling *f = arg;
	struct layrub_timeline *t = &f->to->timeline;
	struct sim_memory m;

	t->size = sizeof(*t);
	view_spans(t, f->result, f->plan->instruction_count, &f->to->arena);
	sim_memory(&m, f->result, f->plan, f->scratch);
	view_occupancy(t, &m, &f->to->arena);
	return 0;
}

/* ---- the step ---- */

static int
run_step(void *arg)
{
	struct simulating *s = arg;
	struct layrub_change change = { .size = 0 };
	struct plan p = s->plan->plan;
	struct sim_result r;
	struct figures f;
	struct device d;
	bool changed = false;

	if (options_copy(&change, sizeof(change), s->change, "layrub_change", &s->err) < 0 || check_figures_size(s->figures, &s->err) < 0 ||
	    plan_verdict(s->plan, &s->arena, &s->err) < 0 || change_machine(&d, &p, &changed, &change, s) < 0 ||
	    simulate(&r, &p, &d, &s->arena, &s->err) < 0)
		return -1;
	if (s->timeline != NULL && arena_run(&s->timeline->arena, fill_timeline,
	    &(struct timeline_filling) { s->timeline, &r, &p, &s->arena }, &s->err) < 0)
		return -1;
	if (s->figures == NULL)
		return 0;
	figures_of_plan(&f, &s->plan->plan);
	figures_simulate(&f, &r, changed);
	view_figures(s->figures, &f, count_estimated(&p), &r);
	return 0;
}

int
layrub_plan_simulate(const struct layrub_plan *plan, const struct layrub_change *change, struct layrub_figures *figures,
    struct layrub_timeline **timeline, struct layrub_error *error)
{
	struct simulating s = { .plan = plan, .change = change, .figures = figures, .err = ERR_INIT };
	int rc;

	if (timeline != NULL) {
		*timeline = NULL;
		s.timeline = handle_new(sizeof(*s.timeline), error);
		if (s.timeline == NULL)
			return -1;
	}
	rc = guard(&s.arena, run_step, &s, &s.err, error);
	arena_free(&s.arena);
	if (timeline != NULL && rc == 0)
		*timeline = &s.timeline->timeline;
	else if (timeline != NULL)
		layrub_timeline_free(&s.timeline->timeline);
	return rc;
}

void
layrub_timeline_free(struct layrub_timeline *timeline)
{
	struct owned_timeline *t = (struct owned_timeline *)timeline;

	if (t == NULL)
		return;
	arena_free(&t->arena);
	free(t);
}
