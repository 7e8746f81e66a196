/* SPDX-License-Identifier: Apache-2.0 */
/* layrub_fit.c - layrub_fit(): the answer of fit.h in the plain struct of layrub.h */
#include <config.h>
#include "src/library/layrub_private.h"

#include "src/library/fit.h"
#include "src/library/usage.h"

/* One call, with memory of its own. */
struct fitting {
	struct arena arena;
	const struct layrub_problem *problem;
	const struct layrub_fit_options *options;	/* as given */
	struct layrub_fit_result *result;
	struct err err;
};

/* Returns the public options as a request. */
static struct plan_request
request_of(const struct layrub_fit_options *o)
{
	return (struct plan_request) { .link = WHAT_IF_INIT, .policy = o->policy, .placement = o->placement, .budget_bytes = o->budget_bytes,
	    .budget_percent = o->budget_percent, .time_limit_s = o->time_limit_s, .threads = o->threads, .stopped = o->stopped,
	    .progress = o->progress, .user = o->user, .effort = o->effort };
}

static struct layrub_fit_batch
view_batch(const struct fit_evaluation *v)
{
	struct layrub_fit_batch to = { .batch = v->batch, .has_plan = v->has_plan };

	if (!v->has_plan)
		return to;
	to.arena_bytes = v->figures.arena_bytes;
	to.host_bytes = v->figures.host_bytes;
	to.step_time_us = v->figures.step_time_us;
	to.overhead = v->overhead;
	return to;
}

static struct layrub_fit_way
view_way(const struct fit_way *w, const struct task *t)
{
	if (w->batch == 0)
		return (struct layrub_fit_way) { .batch = 0 };
	return (struct layrub_fit_way) { .batch = w->batch, .accumulate = w->passes > 0 ? w->passes : t->accumulate, .resident = w->resident,
	    .effort = w->effort, .step_time_us = w->step_time_us, .samples_per_s = w->samples_per_s, .tokens_per_s = w->tokens_per_s,
	    .peak_share = w->peak_share };
}

static void
copy_words(char *to, size_t size, const char *words)
{
	snprintf(to, size, "%s", words == NULL ? "" : words);
}

static void
view_answer(struct layrub_fit_result *to, const struct fit_answer *w)
{
	struct layrub_fit_result result = { .fits = w->fits, .resident = w->resident.ok, .unfinished = w->unfinished,
	    .micro_batch = w->micro.micro_batch, .micro_steps = w->micro.micro_steps, .micro_step_time_us = w->micro.step_time_us,
	    .own = view_batch(&w->planned), .largest_resident = view_batch(&w->most_resident), .largest_planned = view_batch(&w->most_planned),
	    .budget_bytes = w->planning.options.budget_bytes, .step_peak_bytes = w->planning.life.peak_bytes,
	    .persistent_bytes = w->planning.life.persistent_bytes, .transient_bytes = w->transient_bytes,
	    .workspace_bytes = w->workspace_bytes, .gradient_bytes = w->gradient_bytes,
	    .resident_size = fit_size(&w->problem, w->most_resident.size), .planned_size = fit_size(&w->problem, w->most_planned.size),
	    .is_largest = w->is_largest, .accumulation = view_way(&w->mixed, w->problem.task), .fastest = view_way(&w->fastest, w->problem.task) };

	copy_words(result.answer, sizeof(result.answer), w->verdict);
	copy_words(result.limit, sizeof(result.limit), w->limit);
	copy_words(result.at_every_batch, sizeof(result.at_every_batch), w->always);
	result_copy(to, &result, sizeof(result));
}

static int
fit(void *arg)
{
	struct fitting *f = arg;
	struct layrub_fit_options o = { .size = 0 };
	struct fit_answer w = { .problem = { .task = &f->problem->task, .most_overhead = 0.25 } };
	struct plan_request *q = &w.problem.request;

	if (options_copy(&o, sizeof(o), f->options, "layrub_fit_options", &f->err) < 0)
		return -1;
	if (f->result == NULL || f->result->size < sizeof(f->result->size))
		return usage_error(&f->err, "layrub_fit_result", "expected the size of the struct, %zu bytes", sizeof(*f->result));
	if (!(o.slowdown_percent >= 0 && o.slowdown_percent <= 1e9))
		return usage_error(&f->err, "--slowdown", "expected a percentage of at least 0");
	*q = request_of(&o);
	w.this_batch_only = o.this_batch_only != 0;
	if (o.slowdown_percent > 0)
		w.problem.most_overhead = o.slowdown_percent / 100;
	if (planning_begin(&w.planning, q, &f->problem->task, &f->arena, &f->err) < 0)
		return -1;
	q->budget_bytes = w.planning.options.budget_bytes;
	q->budget_percent = 0;
	q->task = f->problem->again;
	w.problem.document = f->problem->name;
	w.problem.text = &f->problem->text;
	if (fit_along(&w.problem, o.largest, &f->err) < 0)
		return -1;
	if (fit_answer(&w, &f->arena, &f->err) < 0)
		return -1;
	view_answer(f->result, &w);
	return 0;
}

int
layrub_fit(const struct layrub_problem *problem, const struct layrub_fit_options *options, struct layrub_fit_result *result,
    struct layrub_error *error)
{
	struct fitting f = { .problem = problem, .options = options, .result = result, .err = ERR_INIT };
	int rc = guard(&f.arena, fit, &f, &f.err, error);

	arena_free(&f.arena);
	return rc;
}
