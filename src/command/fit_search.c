/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>
#include "src/command/fit_search.h"

#include <string.h>

#include "src/network/roofline.h"

enum { GRAIN = 32 };	/* large batches are found to one part in so many */

struct attempt {
	struct fit_trial *trial;
	const struct fit_problem *problem;
	enum fit_way way;
	struct arena arena;
	struct err err;
	bool planning;		/* an answer of no is one about the plan, not about the input */
};

/* Gradients that updates read live over all micro-steps. */
static void
keep_gradients(struct graph *g)
{
	for (uint32_t k = 0; k < g->op_count; k++) {
		const struct op *o = &g->ops[k];

		for (uint32_t i = 0; o->phase == PHASE_UPDATE && i < o->input_count; i++)
			if (g->tensors[o->inputs[i]].kind == KIND_GRADIENT)
				g->tensors[o->inputs[i]].kind = KIND_STATE;
	}
}

static bytes_t
read_by_updates(const struct graph *g, struct arena *a)
{
	bool *seen = ARENA_NEW(a, bool, g->tensor_count);
	bytes_t sum = 0;

	for (uint32_t k = 0; k < g->op_count; k++) {
		const struct op *o = &g->ops[k];

		for (uint32_t i = 0; o->phase == PHASE_UPDATE && i < o->input_count; i++) {
			uint32_t t = o->inputs[i];

			if (g->tensors[t].kind == KIND_GRADIENT && !seen[t])
				sum += g->tensors[t].bytes;
			seen[t] = true;
		}
	}
	return sum;
}

static int
attempt(void *arg)
{
	struct attempt *t = arg;
	struct fit_trial *r = t->trial;
	struct task_options o = t->problem->task;
	/* A known bound is not looked for: it costs more than the plan and nobody asks for it here. */
	struct planner_options po = { .placement = placement_find("auto"), .bound_time_us = 1,
	    .budget_bytes = t->problem->budget_bytes };
	struct arena *a = &t->arena;
	struct task task;
	struct search_control control = { .stopped = t->problem->stopped };
	struct plan p;

	po.control = &control;
	if (r->batch > 0)
		o.batch = r->batch;
	if (task_read(&task, t->problem->name, &o, a, &t->err) < 0)
		return -1;
	r->gradient_bytes = read_by_updates(&task.graph, a);
	if (t->way == FIT_MICRO)
		keep_gradients(&task.graph);
	for (uint32_t k = 0; k < task.graph.op_count; k++) {
		r->ideal_time_us += task.graph.ops[k].time_us;
		if (task.graph.ops[k].phase == PHASE_UPDATE)
			r->update_time_us += task.graph.ops[k].time_us;
	}
	po.policy = policy_find(t->way == FIT_PLANNED ? "hybrid" : "keep");
	po.batch = task.batch;
	t->planning = true;
	if (planner_run(&p, &task.graph, &task.device, &po, a, &t->err) < 0)
		return -1;
	r->has_plan = true;
	r->step_time_us = p.predicted.step_time_us;
	r->stall_time_us = p.predicted.stall_time_us;
	r->recompute_time_us = p.predicted.recompute_time_us;
	r->overhead = r->ideal_time_us > 0 ? r->step_time_us / r->ideal_time_us - 1 : 0;
	r->arena_bytes = p.arena_bytes;
	r->peak_bytes = p.figures.peak_bytes;
	r->host_bytes = p.host_bytes;
	r->offload_bytes = p.figures.offload_bytes;
	r->fetch_bytes = p.figures.fetch_bytes;
	return 0;
}

int
fit_try(struct fit_trial *trial, const struct fit_problem *p, enum fit_way way, uint32_t batch, struct err *e)
{
	struct attempt t = { .trial = trial, .problem = p, .way = way, .arena = ARENA_INIT, .err = ERR_INIT };
	char percent[16];
	int rc;

	*trial = (struct fit_trial) { .batch = batch };
	rc = arena_run(&t.arena, attempt, &t, &t.err);
	arena_free(&t.arena);
	if (rc < 0 && !(t.planning && t.err.code == ERR_NO)) {
		*e = t.err;
		return -1;
	}
	snprintf(trial->why, sizeof(trial->why), "%s", t.err.text);
	trial->ok = trial->has_plan && trial->overhead <= p->most_overhead;
	if (trial->has_plan && !trial->ok) {
		snprintf(percent, sizeof(percent), "%.1f %%", 100 * trial->overhead);
		snprintf(trial->why, sizeof(trial->why), "the step would take %s longer, most of it %s", percent,
		    trial->stall_time_us >= trial->recompute_time_us ? "waiting for copies over the link" : "recomputing");
	}
	return 0;
}

/* Where between a batch that is ok and one that is not to look next: where the overhead would pass what is allowed if
 * it rose evenly, but never close to an end.  Plans of large batches take seconds, and this saves half of them. */
static uint32_t
between(const struct fit_trial *best, const struct fit_trial *over, double most_overhead, uint32_t low, uint32_t high)
{
	uint32_t width = high - low, edge = width / 8 > 0 ? width / 8 : 1, guess;
	double rise = over->overhead - best->overhead;

	if (best->batch != low || !over->has_plan || !(rise > 0))
		return low + width / 2;
	guess = low + (uint32_t)((most_overhead - best->overhead) / rise * width);
	return guess < low + edge ? low + edge : guess > high - edge ? high - edge : guess;
}

int
fit_largest(struct fit_trial *best, struct fit_trial *over, const struct fit_problem *p, enum fit_way way, uint32_t at_least,
    uint32_t at_most, struct err *e)
{
	uint32_t low = at_least, high = 0;
	struct fit_trial t;

	*over = (struct fit_trial) { .batch = 0 };
	if (low == 0)
		*best = (struct fit_trial) { .batch = 0 };
	else if (best->batch != low || !best->ok) {
		if (fit_try(best, p, way, low, e) < 0)
			return -1;
		if (!best->ok) {
			/* Not what was known: search from below. */
			*over = *best;
			*best = (struct fit_trial) { .batch = 0 };
			high = low;
			low = 0;
		}
	}
	while (!p->stopped() && low < at_most && (high == 0 || high - low > (low < 2 * GRAIN ? 1 : low / GRAIN))) {
		uint32_t batch = high > 0 ? between(best, over, p->most_overhead, low, high) : low == 0 ? 1 : low < at_most / 2 ? 2 * low : at_most;

		if (fit_try(&t, p, way, batch, e) < 0) {
			/* A batch may be too large for the arithmetic of sizes: then it is too large to fit. */
			if (e->code != ERR_INPUT || low == 0)
				return -1;
			snprintf(t.why, sizeof(t.why), "%s", e->text);
			*e = (struct err) ERR_INIT;
		}
		if (t.ok) {
			low = batch;
			*best = t;
		} else if (!p->stopped()) {	/* a plan that was not finished says nothing against its batch */
			high = batch;
			*over = t;
		}
	}
	return 0;
}

int
fit_accumulate(struct fit_accumulation *f, const struct fit_problem *p, uint32_t batch, const struct device *d, struct err *e)
{
	struct fit_trial best, over;
	double pass, add;

	*f = (struct fit_accumulation) { .micro_batch = 0 };
	if (fit_largest(&best, &over, p, FIT_MICRO, 0, batch, e) < 0)
		return -1;
	if (best.batch == 0)
		return 0;
	f->micro_steps = (batch + best.batch - 1) / best.batch;
	f->micro_batch = (batch + f->micro_steps - 1) / f->micro_steps;
	if (fit_try(&best, p, FIT_MICRO, f->micro_batch, e) < 0)
		return -1;
	pass = best.ideal_time_us - best.update_time_us;
	/* Each micro-step but the first adds its gradients to those before: two are read and one is written. */
	add = roofline_us(d, CLASS_ELEMENTWISE, MATH_FLOAT32, 0, 3 * (double)best.gradient_bytes);
	f->step_time_us = f->micro_steps * pass + (f->micro_steps - 1) * add + best.update_time_us;
	return 0;
}
