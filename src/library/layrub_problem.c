/* SPDX-License-Identifier: Apache-2.0 */
/* layrub_problem.c - a training step and a device, opened once and planned often */
#include <config.h>
#include "src/library/layrub_private.h"

#include <stdlib.h>

#include "src/library/plan_request.h"
#include "src/library/usage.h"

struct opening {
	struct layrub_problem *problem;
	const char *name;		/* of the document; NULL: source has its text */
	struct json_source source;
	const struct layrub_problem_options *options;	/* as given */
	struct err err;
};

static void
find_needs(struct layrub_needs *n, const struct task *t, struct arena *a)
{
	struct lifetimes l;

	lifetimes_init(&l, &t->graph, a);
	*n = (struct layrub_needs) { .size = sizeof(*n), .batch = t->batch, .foreign_times = task_has_foreign_times(t),
	    .device_bytes = device_budget(&t->device), .peak_bytes = l.peak_bytes, .persistent_bytes = l.persistent_bytes,
	    .bound_bytes = l.bound_bytes, .resident_bound_bytes = l.resident_bound_bytes, .peak_op = l.peak_op,
	    .bound_op = l.bound_op, .resident_bound_op = l.resident_bound_op, .ideal_time_us = l.ideal_time_us };
}

/* The public options as a request. */
static struct plan_request
request_of(const struct layrub_problem_options *o)
{
	return (struct plan_request) { .task = { .device = o->device, .device_text = o->device_text, .lowering = o->lowering,
	    .times = o->times, .reorder = o->reorder, .batch = o->batch }, .link = { .latency = -1, .gpus_per_link = o->gpus_per_link } };
}

static int
open_problem(void *arg)
{
	struct opening *o = arg;
	struct layrub_problem *p = o->problem;
	struct layrub_problem_options options = { .size = 0 };
	struct plan_request q;

	if (options_copy(&options, sizeof(options), o->options, "layrub_problem_options", &o->err) < 0)
		return -1;
	q = request_of(&options);
	if (q.task.device == NULL && q.task.device_text == NULL)
		return usage_error(&o->err, "--device", "expected a device, got none");
	if (plan_request_task(&p->task, o->name, &o->source, &q, &p->arena, &o->err) < 0)
		return -1;
	p->graph = view_graph(&p->task.graph, &p->arena);
	find_needs(&p->needs, &p->task, &p->arena);
	return 0;
}

static struct layrub_problem *
new_problem(struct opening *o, const struct layrub_problem_options *options, struct layrub_error *error)
{
	o->problem = handle_new(sizeof(*o->problem), error);
	if (o->problem == NULL)
		return NULL;
	o->options = options;
	atomic_init(&o->problem->users, 1);
	if (guard(&o->problem->arena, open_problem, o, &o->err, error) == 0)
		return o->problem;
	layrub_problem_free(o->problem);
	return NULL;
}

struct layrub_problem *
layrub_problem_open(const char *name, const struct layrub_problem_options *options, struct layrub_error *error)
{
	struct opening o = { .name = name, .err = ERR_INIT };

	return new_problem(&o, options, error);
}

struct layrub_problem *
layrub_problem_parse(const char *text, size_t size, const struct layrub_problem_options *options, struct layrub_error *error)
{
	struct opening o = { .source = { .text = text, .size = size }, .err = ERR_INIT };

	return new_problem(&o, options, error);
}

/* Frees the problem when its last reference is released. */
void
layrub_problem_free(struct layrub_problem *problem)
{
	if (problem == NULL || atomic_fetch_sub_explicit(&problem->users, 1, memory_order_acq_rel) > 1)
		return;
	arena_free(&problem->arena);
	free(problem);
}

const struct layrub_graph *
layrub_problem_graph(const struct layrub_problem *problem)
{
	return problem->graph;
}

const struct layrub_needs *
layrub_problem_needs(const struct layrub_problem *problem)
{
	return &problem->needs;
}
