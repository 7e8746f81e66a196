/* SPDX-License-Identifier: Apache-2.0 */
/* fit.c - the answer to the question whether a training step fits a device, and at which batch */
#include <config.h>
#include "src/library/fit.h"

static void
count_memory(struct fit_answer *w)
{
	const struct lifetimes *l = &w->planning.life;
	const struct graph *g = &w->problem.task->graph;

	for (uint32_t t = 0; t < g->tensor_count; t++) {
		bytes_t bytes = bytes_align(g->tensors[t].bytes, DEVICE_ALIGN);

		if (kind_is_persistent(g->tensors[t].kind))
			w->kind_bytes[g->tensors[t].kind] += bytes;
		else if (g->tensors[t].kind == KIND_GRADIENT && l->first[t] <= l->peak_op && l->last[t] >= l->peak_op)
			w->gradient_bytes += bytes;
	}
	w->workspace_bytes = bytes_align(g->ops[l->peak_op].workspace_bytes, DEVICE_ALIGN);
	w->transient_bytes = l->peak_bytes - l->persistent_bytes - w->workspace_bytes;
}

static int
search(struct fit_answer *w, struct err *e)
{
	const struct task *t = w->problem.task;
	uint64_t samples;

	if (fit_evaluate(&w->resident, &w->problem, FIT_RESIDENT, t->batch, e) < 0)
		return -1;
	w->planned = w->resident;
	if (!w->resident.ok && fit_evaluate(&w->planned, &w->problem, FIT_DRAFT, t->batch, e) < 0)
		return -1;
	if (!w->planned.ok && fit_evaluate(&w->planned, &w->problem, FIT_PLANNED, t->batch, e) < 0)
		return -1;
	w->fits = w->planned.ok;
	/* A plan that was not finished does not prove that the step does not fit. */
	if (!w->fits && fit_stopped(&w->problem))
		return err_set(e, ERR_SYSTEM, "interrupted");
	if (!t->is_network || w->this_batch_only)
		return 0;
	if (fit_largest(&w->most_resident, &w->problem, FIT_RESIDENT, FIT_BATCH_MAX, e) < 0)
		return -1;
	w->scan.problem = &w->problem;
	if (fit_scan(&w->scan, e) < 0)
		return -1;
	w->most_planned = w->scan.best;
	/* Other plans that are known are plans, too. */
	if (w->most_planned.batch < w->most_resident.batch)
		w->most_planned = w->most_resident;
	if (w->planned.ok && w->most_planned.batch < t->batch)
		w->most_planned = w->planned;
	samples = (uint64_t)t->batch * t->accumulate;
	if (!w->resident.ok && samples <= INT32_MAX && fit_accumulate(&w->micro, &w->problem, (uint32_t)samples, &t->device, e) < 0)
		return -1;
	w->unfinished = fit_stopped(&w->problem);
	w->is_largest = !w->unfinished && w->most_planned.batch == w->scan.top;
	return 0;
}

/* ---- words ---- */

static const char *
verdict_of(const struct fit_answer *w, struct arena *a)
{
	char need[32], have[32], longer[32];

	fit_longer(longer, w->planned.overhead);
	units_size(need, w->planning.life.peak_bytes);
	units_size(have, w->planning.options.budget_bytes);
	if (w->resident.ok)
		return arena_printf(a, "yes: all of it stays in memory, %s of %s", units_size(need, w->resident.figures.arena_bytes), have);
	if (w->fits)
		return arena_printf(a, "yes, with a plan: the step would need %s and %s are available; it takes %s", need, have, longer);
	if (w->planned.has_plan)
		return arena_printf(a, "no: there is a plan for %s, but the step would take %s, and %g %% are allowed", have, longer,
		    100 * w->problem.most_overhead);
	return arena_printf(a, "no: the step needs %s, %s are available, and no plan was found", need, have);
}

static const char *
limit_at(uint32_t batch, const char *why, struct arena *a)
{
	return batch > 0 ? arena_printf(a, "at batch %" PRIu32 ": %s", batch, why) : arena_strdup(a, why);
}

/* Returns the reason against a larger batch, or against this one; NULL: there is none. */
static const char *
limit_of(const struct fit_answer *w, struct arena *a)
{
	const struct fit_scan *s = &w->scan;

	if (w->unfinished)
		return NULL;
	if (w->is_largest && s->why[0] != '\0')
		return limit_at(s->top + 1, s->why, a);
	if (s->over.batch > w->most_planned.batch)
		return limit_at(s->over.batch, s->over.why, a);
	return w->planned.ok || w->planned.why[0] == '\0' ? NULL : limit_at(w->planned.batch, w->planned.why, a);
}

/* Returns what holds at every batch: the persistent tensors apart from the batch do not fit; NULL: they do. */
static const char *
always_of(const struct fit_answer *w, struct arena *a)
{
	bytes_t bytes = w->planning.life.persistent_bytes - w->kind_bytes[KIND_INPUT];
	char size[32], have[32];

	if (bytes <= w->planning.options.budget_bytes)
		return NULL;
	return arena_printf(a, "parameters, state and optimizer take %s, and %s are available: some of them must be on the host",
	    units_size(size, bytes), units_size(have, w->planning.options.budget_bytes));
}

/* Returns what gives most samples a second of all that was tried; NULL: nothing fits. */
static const char *
fastest_of(const struct fit_answer *w, struct arena *a)
{
	const struct task *t = w->problem.task;
	const struct fit_evaluation *planned = &w->scan.fastest, *resident = &w->most_resident;
	double most = 0, rate;
	const char *words = NULL;

	rate = fit_samples_per_s(resident, t->accumulate);
	if (rate > most) {
		most = rate;
		words = arena_printf(a, "%.4g with all resident, batch %" PRIu32, rate, resident->batch);
	}
	rate = fit_samples_per_s(planned, t->accumulate);
	if (rate > most) {
		most = rate;
		words = arena_printf(a, "%.4g with a plan, batch %" PRIu32, rate, planned->batch);
	}
	rate = w->micro.micro_batch > 0 ? t->batch * (double)t->accumulate / w->micro.step_time_us * 1e6 : 0;
	if (rate > most)
		words = arena_printf(a, "%.4g by accumulation, %" PRIu32 " micro-steps of %" PRIu32, rate, w->micro.micro_steps, w->micro.micro_batch);
	return words;
}

int
fit_answer(struct fit_answer *w, struct arena *a, struct err *e)
{
	count_memory(w);
	if (search(w, e) < 0)
		return -1;
	w->verdict = verdict_of(w, a);
	w->limit = limit_of(w, a);
	w->always = always_of(w, a);
	w->fastest = w->problem.task->is_network ? fastest_of(w, a) : NULL;
	return 0;
}
