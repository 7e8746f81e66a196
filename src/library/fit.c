/* SPDX-License-Identifier: Apache-2.0 */
/* fit.c - the answer to the question whether a training step fits a device, and at which batch */
#include <config.h>
#include "src/library/fit.h"

#include <string.h>

#include "src/library/usage.h"
#include "src/network/network.h"

#define GAIN 1e-3	/* 0 .. 0.1: the part by which a way must be faster than a simpler one */
enum {
	MIXED_OPS = 8000,	/* 0 .. 10^6: a step of planned passes with more ops is not tried: a plan for it takes too long */
	MOST_UNIT = 64		/* 1 .. 1024: other lengths and images are multiples of the largest power of two up to this that divides their own */
};

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

/* Plans the samples of a step as passes: of micro-steps that stay resident, or as large as the fastest quick plan if that has more samples
 * a second.  The inputs of all passes are there from the beginning, so that such micro-steps may need a plan, too. */
static int
mix(struct fit_answer *w, uint32_t samples, struct err *e)
{
	const struct fit_evaluation *each = &w->scan.fastest;
	struct fit_problem p = w->problem;
	double most = w->micro.micro_batch > 0 ? samples / w->micro.step_time_us * 1e6 : 0;
	bool quick = each->batch > 0 && each->batch < samples && fit_samples_per_s(each, 1) > most * (1 + GAIN);
	uint32_t batch;

	p.axis = FIT_BATCH;
	p.passes = quick ? (samples + each->batch - 1) / each->batch : w->micro.micro_steps;
	if (p.passes < 2 || p.passes > MIXED_OPS / w->problem.task->graph.op_count || fit_stopped(&p))
		return 0;
	batch = (samples + p.passes - 1) / p.passes;
	if (!quick && fit_evaluate(&w->mixture, &p, FIT_RESIDENT, batch, e) < 0)
		return -1;
	w->mixture_resident = w->mixture.ok;
	return w->mixture.ok ? 0 : fit_evaluate(&w->mixture, &p, FIT_DRAFT, batch, e);
}

/* Finds what else a network may do: other batches, and passes. */
static int
search_batches(struct fit_answer *w, struct err *e)
{
	const struct task *t = w->problem.task;
	uint64_t samples = (uint64_t)t->batch * t->accumulate;

	if (fit_largest(&w->most_resident, &w->problem, FIT_RESIDENT, FIT_BATCH_MAX, e) < 0)
		return -1;
	w->scan.problem = &w->problem;
	w->scan.best = w->most_resident;
	if (fit_scan(&w->scan, e) < 0)
		return -1;
	w->most_planned = w->scan.best;
	/* The plan for the batch that was asked for is a plan, too. */
	if (w->planned.ok && w->most_planned.size < w->planned.size)
		w->most_planned = w->planned;
	if (!w->resident.ok && samples <= INT32_MAX &&
	    (fit_accumulate(&w->micro, &w->problem, (uint32_t)samples, &t->device, e) < 0 || mix(w, (uint32_t)samples, e) < 0))
		return -1;
	w->unfinished = fit_stopped(&w->problem);
	w->is_largest = !w->unfinished && w->most_planned.size == w->scan.top;
	return 0;
}

static int
search(struct fit_answer *w, struct err *e)
{
	const struct task *t = w->problem.task;
	uint32_t own = w->problem.axis == FIT_BATCH ? t->batch : w->problem.own;

	if (fit_evaluate(&w->resident, &w->problem, FIT_RESIDENT, own, e) < 0)
		return -1;
	w->planned = w->resident;
	if (!w->resident.ok && fit_evaluate(&w->planned, &w->problem, FIT_PLANNED, own, e) < 0)
		return -1;
	w->fits = w->planned.ok;
	/* A plan that was not finished does not prove that the step does not fit. */
	if (!w->fits && fit_stopped(&w->problem))
		return err_set(e, ERR_SYSTEM, "interrupted");
	return t->is_network && !w->this_batch_only ? search_batches(w, e) : 0;
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
limit_at(const struct fit_problem *p, uint32_t size, const char *why, struct arena *a)
{
	return size > 0 ? arena_printf(a, "at %s %" PRIu32 ": %s", fit_axis_names[p->axis], fit_size(p, size), why) : arena_strdup(a, why);
}

/* Returns the reason against a larger size, or against this one; NULL: there is none. */
static const char *
limit_of(const struct fit_answer *w, struct arena *a)
{
	const struct fit_scan *s = &w->scan;

	if (w->unfinished)
		return NULL;
	if (w->is_largest && s->why[0] != '\0')
		return limit_at(&w->problem, s->top + 1, s->why, a);
	/* The plan for the size that was asked for says more than a quick search for a fast one. */
	if (s->over.size > w->most_planned.size)
		return limit_at(&w->problem, s->over.size, s->over.size == w->planned.size && w->planned.has_plan ? w->planned.why : s->over.why, a);
	return w->planned.ok || w->planned.why[0] == '\0' ? NULL : limit_at(&w->problem, w->planned.size, w->planned.why, a);
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

/* ---- ways ---- */

/* Returns the tokens of a sample: the length of the network's first sequence of whole numbers, or 0. */
static uint64_t
tokens_of(const struct network *n)
{
	for (uint32_t i = 0; i < n->layer_count; i++) {
		const struct layer *l = &n->layers[i];

		if (l->input_count == 0 && l->dtype >= DTYPE_INT64 && l->shape.rank == 1 && l->shape.size[0] > 1)
			return l->shape.size[0];
	}
	return 0;
}

/* Returns the height of the network's first image of real numbers, or 0. */
static uint64_t
image_of(const struct network *n)
{
	for (uint32_t i = 0; i < n->layer_count; i++) {
		const struct layer *l = &n->layers[i];

		if (l->input_count == 0 && l->dtype < DTYPE_INT64 && l->shape.rank == 3 && l->shape.size[1] > 1)
			return l->shape.size[1];
	}
	return 0;
}

int
fit_along(struct fit_problem *p, const char *axis, struct err *e)
{
	enum fit_axis x = FIT_BATCH;
	uint64_t own;

	while (axis != NULL && fit_axis_names[x] != NULL && strcmp(fit_axis_names[x], axis) != 0)
		x++;
	if (fit_axis_names[x] == NULL)
		return usage_unknown(e, "--largest", axis);
	p->axis = x;
	if (x == FIT_BATCH)
		return 0;
	if (p->document != NULL && strcmp(p->document, "-") == 0)
		return usage_error(e, "--largest", "standard input is not read again at other sizes: expected a file, a name or a text");
	own = !p->task->is_network ? 0 : x == FIT_SEQ ? tokens_of(p->task->network) : image_of(p->task->network);
	if (own == 0 || own > UINT32_MAX)
		return usage_error(e, "--largest", x == FIT_SEQ ? "only a network of ids has a sequence" : "only a network of images has an image");
	for (p->unit = 1; p->unit < MOST_UNIT && own % (2 * p->unit) == 0; p->unit *= 2)
		;
	p->own = (uint32_t)(own / p->unit);
	return 0;
}

/* Returns the way of an evaluation that is ok; batch 0: it is not. */
static struct fit_way
way_of(const struct fit_answer *w, const struct fit_evaluation *v, bool resident, const char *how, struct arena *a)
{
	const struct task *t = w->problem.task;
	struct fit_way way = { .batch = 0 };

	if (!v->ok)
		return way;
	way = (struct fit_way) { .batch = v->batch, .passes = v->passes, .resident = resident, .effort = v->effort };
	way.step_time_us = v->figures.step_time_us;
	way.samples_per_s = fit_samples_per_s(v, t->accumulate);
	way.tokens_per_s = way.samples_per_s * (double)tokens_of(t->network);
	way.peak_share = v->figures.step_time_us > 0 ? v->peak_time_us / v->figures.step_time_us : 0;
	way.how = v->passes == 0 ? arena_printf(a, "%s, batch %" PRIu32, how, v->batch) :
	    arena_printf(a, "%s, %" PRIu32 " micro-steps of %" PRIu32, how, v->passes, v->batch);
	return way;
}

/* Returns the way with most samples a second of all that were tried; the simplest come first. */
static struct fit_way
fastest_of(const struct fit_answer *w, struct arena *a)
{
	static const struct fit_evaluation none;	/* at another length, a sample is not the same */
	const struct fit_way ways[] = {
		way_of(w, w->problem.axis == FIT_BATCH ? &w->most_resident : &none, true, "all resident", a),
		way_of(w, &w->planned, w->resident.ok, w->resident.ok ? "all resident" : "with a plan", a),
		way_of(w, &w->scan.fastest, false, "with a plan", a),
		w->mixed
	};
	size_t best = 0;

	for (size_t i = 1; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (ways[i].samples_per_s > ways[best].samples_per_s * (1 + GAIN))
			best = i;
	return ways[best];
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
	if (!w->problem.task->is_network || w->this_batch_only)
		return 0;
	w->mixed = way_of(w, &w->mixture, w->mixture_resident, w->mixture_resident ? "all resident" : "with a plan", a);
	w->fastest = fastest_of(w, a);
	return 0;
}
