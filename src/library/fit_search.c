/* SPDX-License-Identifier: Apache-2.0 */
/* fit_search.c - evaluations of batches, and the bisection over them */
#include <config.h>
#include "src/library/fit_search.h"

#include <string.h>

#include "src/network/roofline.h"

enum { GRAIN = 32 };	/* the search ends when it knows a large batch to one part in GRAIN */

struct fit_job {
	struct fit_evaluation *evaluation;
	const struct fit_problem *problem;
	enum fit_mode mode;
	struct arena arena;
	struct err err;
	bool planning;		/* planning has begun: ERR_NO now means "no plan", not "bad input" */
};

bool
fit_stopped(const struct fit_problem *p)
{
	return p->request.stopped != NULL && p->request.stopped(p->request.user);
}

/* Returns the bytes of the gradients that updates read.  keep: these gradients live over the whole step, as over all micro-steps. */
static bytes_t
read_by_updates(struct graph *g, bool keep, struct arena *a)
{
	bool *seen = ARENA_NEW(a, bool, g->tensor_count);
	bytes_t sum = 0;

	for (uint32_t k = 0; k < g->op_count; k++) {
		const struct op *o = &g->ops[k];

		for (uint32_t i = 0; o->phase == PHASE_UPDATE && i < o->input_count; i++) {
			uint32_t t = o->inputs[i];

			if (g->tensors[t].kind != KIND_GRADIENT || seen[t])
				continue;
			sum += g->tensors[t].bytes;
			seen[t] = true;
			if (keep)
				g->tensors[t].kind = KIND_STATE;
		}
	}
	return sum;
}

static int
run_job(void *arg)
{
	struct fit_job *j = arg;
	struct fit_evaluation *v = j->evaluation;
	struct plan_request q = j->problem->request;
	struct arena *a = &j->arena;
	struct task task;
	struct plan p;

	q.no_time_bound = true;		/* the bound costs more than the plan, and fit does not show it */
	if (j->mode != FIT_PLANNED) {
		q.policy = "keep";
		q.exec_count = 0;
	}
	/* A micro-step is one pass. */
	if (task_at_batch(&task, j->problem->task, v->batch, j->mode == FIT_MICRO ? 1 : 0, a, &j->err) < 0)
		return -1;
	v->gradient_bytes = read_by_updates(&task.graph, j->mode == FIT_MICRO, a);
	for (uint32_t k = 0; k < task.graph.op_count; k++) {
		v->ideal_time_us += task.graph.ops[k].time_us;
		if (task.graph.ops[k].phase == PHASE_UPDATE)
			v->update_time_us += task.graph.ops[k].time_us;
	}
	j->planning = true;
	if (plan_request_run(&p, &q, &task, a, &j->err) < 0)
		return -1;
	v->has_plan = true;
	figures_of_plan(&v->figures, &p);
	v->figures.graph = v->figures.device = v->figures.configuration = NULL;	/* gone with the arena */
	v->overhead = plan_overhead(&p);
	return 0;
}

/* Tells which batch is planned next. */
static void
tell(const struct fit_problem *p, enum fit_mode mode, uint32_t batch)
{
	static const char *const modes[] = { [FIT_RESIDENT] = "all resident", [FIT_PLANNED] = "planned", [FIT_MICRO] = "a micro-step" };
	char line[64];

	if (p->request.progress == NULL)
		return;
	if (batch > 0)
		snprintf(line, sizeof(line), "batch %" PRIu32 ", %s", batch, modes[mode]);
	else
		snprintf(line, sizeof(line), "the step, %s", modes[mode]);
	p->request.progress(p->request.user, line);
}

const char *
fit_longer(char text[32], double overhead)
{
	if (isfinite(overhead))
		snprintf(text, 32, "%.1f %% longer", 100 * overhead);
	else
		snprintf(text, 32, "infinitely longer");
	return text;
}

int
fit_evaluate(struct fit_evaluation *v, const struct fit_problem *p, enum fit_mode mode, uint32_t batch, struct err *e)
{
	struct fit_job j = { .evaluation = v, .problem = p, .mode = mode, .arena = ARENA_INIT, .err = ERR_INIT };
	char longer[32];
	int rc;

	*v = (struct fit_evaluation) { .batch = batch };
	figures_init(&v->figures);
	tell(p, mode, batch);
	rc = arena_run(&j.arena, run_job, &j, &j.err);
	arena_free(&j.arena);
	if (rc < 0 && !(j.planning && j.err.code == ERR_NO)) {
		*e = j.err;
		return -1;
	}
	snprintf(v->why, sizeof(v->why), "%s", j.err.text);
	v->ok = v->has_plan && v->overhead <= p->most_overhead;
	if (v->has_plan && !v->ok) {
		snprintf(v->why, sizeof(v->why), "the step would take %s, most of it %s", fit_longer(longer, v->overhead),
		    v->figures.stall_time_us >= v->figures.recompute_time_us ? "waiting for copies over the link" : "recomputing");
	}
	return 0;
}

/* Returns the next batch to evaluate between `low`, which is ok, and `high`, which is not.  The guess takes the overhead to rise evenly,
 * and keeps an eighth of the width from both ends.  Plans of large batches take seconds; the guess saves half of them. */
static uint32_t
between(const struct fit_evaluation *best, const struct fit_evaluation *over, double most_overhead, uint32_t low, uint32_t high)
{
	uint32_t width = high - low, edge = width / 8 > 0 ? width / 8 : 1, guess;
	double rise = over->overhead - best->overhead;

	if (best->batch != low || !over->has_plan || !(rise > 0))
		return low + width / 2;
	guess = low + (uint32_t)((most_overhead - best->overhead) / rise * width);
	return guess < low + edge ? low + edge : guess > high - edge ? high - edge : guess;
}

int
fit_largest(struct fit_evaluation *best, struct fit_evaluation *over, const struct fit_problem *p, enum fit_mode mode, uint32_t at_least,
    uint32_t at_most, struct err *e)
{
	uint32_t low = at_least, high = 0;
	struct fit_evaluation v;

	*over = (struct fit_evaluation) { .batch = 0 };
	if (low == 0)
		*best = (struct fit_evaluation) { .batch = 0 };
	else if (best->batch != low || !best->ok) {
		if (fit_evaluate(best, p, mode, low, e) < 0)
			return -1;
		if (!best->ok) {
			/* The caller's batch is not ok: the search begins below it. */
			*over = *best;
			*best = (struct fit_evaluation) { .batch = 0 };
			high = low;
			low = 0;
		}
	}
	while (!fit_stopped(p) && low < at_most && (high == 0 || high - low > (low < 2 * GRAIN ? 1 : low / GRAIN))) {
		uint32_t batch = high > 0 ? between(best, over, p->most_overhead, low, high) : low == 0 ? 1 : low < at_most / 2 ? 2 * low : at_most;

		if (fit_evaluate(&v, p, mode, batch, e) < 0) {
			/* Bad input after a batch that was read: this batch is too large for the arithmetic of sizes. */
			if (e->code != ERR_INPUT || low == 0)
				return -1;
			snprintf(v.why, sizeof(v.why), "%s", e->text);
			*e = (struct err) ERR_INIT;
		}
		if (v.ok) {
			low = batch;
			*best = v;
		} else if (!fit_stopped(p)) {	/* an unfinished plan does not prove that its batch does not fit */
			high = batch;
			*over = v;
		}
	}
	return 0;
}

int
fit_accumulate(struct fit_accumulation *f, const struct fit_problem *p, uint32_t samples, const struct device *d, struct err *e)
{
	struct fit_evaluation best, over;
	double pass, add;

	*f = (struct fit_accumulation) { .micro_batch = 0 };
	if (fit_largest(&best, &over, p, FIT_MICRO, 0, samples, e) < 0)
		return -1;
	if (best.batch == 0)
		return 0;
	f->micro_steps = (samples + best.batch - 1) / best.batch;
	f->micro_batch = (samples + f->micro_steps - 1) / f->micro_steps;
	if (fit_evaluate(&best, p, FIT_MICRO, f->micro_batch, e) < 0)
		return -1;
	pass = best.ideal_time_us - best.update_time_us;
	/* Each micro-step but the first adds its gradients to those before: two are read and one is written. */
	add = roofline_us(d, CLASS_ELEMENTWISE, MATH_FLOAT32, 0, 3 * (double)best.gradient_bytes);
	f->step_time_us = f->micro_steps * pass + (f->micro_steps - 1) * add + best.update_time_us;
	return 0;
}
