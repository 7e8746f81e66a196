/* SPDX-License-Identifier: Apache-2.0 */
/* layrub_problem.c - a training step and a device, opened once and planned often */
#include <config.h>
#include "src/library/layrub_private.h"

#include <stdlib.h>
#include <string.h>

#include "src/library/plan_request.h"
#include "src/library/usage.h"

struct opening {
	struct layrub_problem *problem;
	/* The step: a graph in memory, or a document. */
	const struct layrub_graph *graph;	/* as given; NULL: a document */
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
	*n = (struct layrub_needs) { .size = sizeof(*n), .batch = t->batch, .accumulate = t->accumulate, .foreign_times = task_has_foreign_times(t),
	    .device_bytes = device_budget(&t->device), .peak_bytes = l.peak_bytes, .persistent_bytes = l.persistent_bytes,
	    .bound_bytes = l.bound_bytes, .resident_bound_bytes = l.resident_bound_bytes, .peak_op = l.peak_op,
	    .bound_op = l.bound_op, .resident_bound_op = l.resident_bound_op, .ideal_time_us = l.ideal_time_us };
	for (uint32_t i = 0; i < t->graph.op_count; i++)
		n->estimated_ops += t->graph.ops[i].estimated;
}

/* The public options as a request, but for device_data.  They come by reference: *o lives as long as the request. */
static struct plan_request
request_of(const struct layrub_problem_options *o)
{
	return (struct plan_request) { .task = { .device = o->device, .device_text = o->device_text, .lowering = o->lowering,
	    .times = o->times, .reorder = o->reorder, .batch = o->batch, .accumulate = o->accumulate, .set = o->set,
	    .set_count = o->set_count, .host_bytes = o->host_bytes, .seq = o->seq, .image = o->image },
	    .link = { .latency = -1, .gpus_per_link = o->gpus_per_link } };
}

/* Reads or takes the step and the device. */
static int
open_task(struct opening *o, const struct layrub_problem_options *options)
{
	struct layrub_problem *p = o->problem;
	struct plan_request q = request_of(options);
	struct arena *a = &p->arena;
	struct device device;
	struct graph graph;

	if (check_device_options(options->device, options->device_text, options->device_data, &o->err) < 0)
		return -1;
	if (q.task.device == NULL && q.task.device_text == NULL && options->device_data == NULL)
		return usage_error(&o->err, "--device", "expected a device, got none");
	if (options->host_bytes > BYTES_MAX)
		return usage_error(&o->err, "host_bytes", "expected at most %" PRI_BYTES " bytes", BYTES_MAX);
	if (options->device_data != NULL && take_device(&device, options->device_data, a, &o->err) < 0)
		return -1;
	q.task.device_data = options->device_data != NULL ? &device : NULL;
	if (o->graph == NULL)
		return plan_request_task(&p->task, o->name, &o->source, &q, a, &o->err);
	return take_graph(&graph, o->graph, a, &o->err) < 0 ? -1 : plan_request_graph(&p->task, &graph, &q, a, &o->err);
}

/* Keeps what the network is read again from.  The problem's device has the options' changes already. */
static void
keep_document(const struct opening *o, const struct layrub_problem_options *options)
{
	struct layrub_problem *p = o->problem;
	const char **set = ARENA_NEW(&p->arena, const char *, options->set_count);

	if (!p->task.is_network)
		return;
	for (uint32_t i = 0; i < options->set_count; i++)
		set[i] = arena_strdup(&p->arena, options->set[i]);
	p->again = (struct task_options) { .device_data = &p->task.device, .lowering = p->task.lowering, .reorder = p->task.reorder,
	    .accumulate = options->accumulate, .seq = options->seq, .image = options->image, .set = set, .set_count = options->set_count };
	if (o->name != NULL)
		p->name = arena_strdup(&p->arena, o->name);
	else
		p->text = (struct json_source) { .text = memcpy(arena_alloc(&p->arena, 1, o->source.size), o->source.text, o->source.size),
		    .size = o->source.size };
}

static int
open_problem(void *arg)
{
	struct opening *o = arg;
	struct layrub_problem *p = o->problem;
	struct layrub_problem_options options = { .size = 0 };

	if (options_copy(&options, sizeof(options), o->options, "layrub_problem_options", &o->err) < 0 || open_task(o, &options) < 0)
		return -1;
	keep_document(o, &options);
	p->graph = view_graph(&p->task.graph, &p->arena);
	p->device = view_device(&p->task.device, &p->arena);
	graph_digest(&p->task.graph, p->graph_digest, &p->arena);
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

struct layrub_problem *
layrub_problem_build(const struct layrub_graph *graph, const struct layrub_problem_options *options, struct layrub_error *error)
{
	static const struct layrub_graph none = LAYRUB_GRAPH_INIT;
	struct opening o = { .graph = graph == NULL ? &none : graph, .err = ERR_INIT };

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

const struct layrub_device *
layrub_problem_device(const struct layrub_problem *problem)
{
	return problem->device;
}

const struct layrub_needs *
layrub_problem_needs(const struct layrub_problem *problem)
{
	return &problem->needs;
}
