/* SPDX-License-Identifier: Apache-2.0 */
/* tiny_step.c - the mixes, and the steps drawn from them */
#include <config.h>
#include "tests/tiny_step.h"

#include <stdio.h>
#include <string.h>

#include "planner/schedule/lifetimes.h"
#include "tests/random.h"

const struct tiny_mix tiny_mixes[] = {
	{ .name = "activations", .ops_least = 4, .ops_most = 7, .persistent_most = 1, .persistent_units = 2, .transient_units = 8, .workspace_units = 8, .persistent_parts = 1,
	    .update_parts = 1, .again_parts = 1, .inplace_parts = 1, .alternative_parts = 1, .latency_parts = 2, .contention_parts = 2 },
	{ .name = "parameters", .ops_least = 3, .ops_most = 6, .persistent_most = 4, .persistent_units = 12, .transient_units = 8, .workspace_units = 8, .persistent_parts = 5,
	    .update_parts = 3, .again_parts = 1, .latency_parts = 2, .contention_parts = 2 },
	{ .name = "homes", .ops_least = 5, .ops_most = 7, .persistent_most = 3, .persistent_units = 30, .transient_units = 1, .workspace_units = 60,
	    .persistent_parts = 2, .update_parts = 2 },
	{ .name = "versions", .ops_least = 3, .ops_most = 7, .persistent_most = 2, .persistent_units = 6, .transient_units = 8, .workspace_units = 8, .persistent_parts = 2,
	    .update_parts = 2, .again_parts = 5, .inplace_parts = 3, .alternative_parts = 2, .latency_parts = 1 },
	{ .name = "curves", .ops_least = 3, .ops_most = 6, .persistent_most = 2, .persistent_units = 8, .transient_units = 8, .workspace_units = 8, .persistent_parts = 3,
	    .update_parts = 2, .again_parts = 1, .latency_parts = 6, .curve_parts = 7, .contention_parts = 2 },
	{ .name = NULL }
};

struct tiny_drawing {
	struct tiny_step *x;
	const struct tiny_mix *mix;
	uint64_t seed;
	uint32_t persistent;		/* tensors 0 .. persistent - 1 */
};

/* 0 .. n - 1 */
static uint32_t
pick(struct tiny_drawing *d, uint32_t n)
{
	return (uint32_t)(random_splitmix(&d->seed) % n);
}

static bool
in_parts(struct tiny_drawing *d, uint32_t parts)
{
	return pick(d, 8) < parts;
}

static uint32_t
new_tensor(struct tiny_drawing *d, enum kind kind, uint32_t units)
{
	struct graph *g = &d->x->graph;

	d->x->tensors[g->tensor_count] = (struct tensor) { 256 * (bytes_t)(1 + pick(d, units)), kind };
	return g->tensor_count++;
}

static void
add_input(struct op *o, uint32_t *in, uint32_t t)
{
	if (o->input_count < TINY_OPERANDS && !op_reads(o, t))
		in[o->input_count++] = t;
}

static void
draw_op(struct tiny_drawing *d, uint32_t k)
{
	struct tiny_step *x = d->x;
	struct graph *g = &x->graph;
	struct op *o = &x->ops[k];
	uint32_t transient = g->tensor_count - d->persistent, t;

	*o = (struct op) { .name = "op", .inputs = x->in[k], .outputs = x->out[k], .time_us = pick(d, 10) == 0 ? 0 : 1 + pick(d, 20),
	    .workspace_bytes = pick(d, 2) * 256 * (bytes_t)pick(d, d->mix->workspace_units), .class = pick(d, 2) ? CLASS_OTHER : CLASS_CONV };
	for (uint32_t i = 0, n = 1 + pick(d, 3); i < n; i++) {
		if (d->persistent > 0 && in_parts(d, d->mix->persistent_parts))
			add_input(o, x->in[k], pick(d, d->persistent));
		else if (transient > 0)	/* rather a late one */
			add_input(o, x->in[k], g->tensor_count - 1 - (pick(d, 2) == 0 ? 0 : pick(d, transient)));
	}
	if (d->persistent > 0 && in_parts(d, d->mix->update_parts)) {
		t = pick(d, d->persistent);
		if (pick(d, 8) > 0)
			add_input(o, x->in[k], t);
		x->out[k][o->output_count++] = t;
		o->recomputable = pick(d, 8) == 0;
	} else {
		o->recomputable = pick(d, 4) > 0;
	}
	if (transient > 0 && in_parts(d, d->mix->again_parts)) {
		t = d->persistent + pick(d, transient);
		if (pick(d, 4) > 0)
			add_input(o, x->in[k], t);
		x->out[k][o->output_count++] = t;
	} else if (o->output_count == 0 || pick(d, 2) == 0) {
		t = new_tensor(d, pick(d, 12) == 0 ? KIND_RESULT : KIND_ACTIVATION, d->mix->transient_units);
		x->out[k][o->output_count++] = t;
	}
	if (in_parts(d, d->mix->alternative_parts)) {
		x->other[k] = (struct alternative) { 256 * (bytes_t)pick(d, d->mix->workspace_units), 1 + pick(d, 20) };
		o->alternatives = &x->other[k];
		o->alternative_count = 1;
	}
}

/* An op of another transient tensor with a permission to write over one that it reads. */
static void
permit(struct tiny_drawing *d, uint32_t k)
{
	struct op *o = &d->x->ops[k];
	uint32_t input, output;

	if (o->input_count == 0 || !in_parts(d, d->mix->inplace_parts))
		return;
	input = o->inputs[pick(d, o->input_count)];
	output = o->outputs[o->output_count - 1];
	if (op_writes(o, input) || op_reads(o, output))
		return;
	d->x->takes[k] = (struct inplace) { input, output };
	o->inplace = &d->x->takes[k];
	o->inplace_count = 1;
}

/* A result is read by no op before it is written, which holds here for every transient tensor; an op wrote the last one. */
static void
draw_device(struct tiny_drawing *d)
{
	struct device *to = &d->x->device;
	double rate = (double)(16u << pick(d, 6));

	*to = (struct device) { .name = "tiny", .gpu = "none", .source = "drawn", .memory_bytes = BYTES_MAX / 2, .pinned_bytes = BYTES_MAX / 4,
	    .copy_engines = 1 + (pick(d, 3) > 0), .duplex_bytes_per_s = 1e6 * rate * (1 + 0.25 * pick(d, 5)) };
	to->compute.memory_bytes_per_s = to->compute.flops[MATH_FLOAT32] = 1e12;
	for (int c = 0; c < CLASS_COUNT; c++) {
		to->contention[c] = 1;
		to->compute.flop_efficiency[c] = to->compute.memory_efficiency[c] = 1;
	}
	if (in_parts(d, d->mix->contention_parts)) {
		to->contention[CLASS_CONV] = 1 + 0.25 * pick(d, 4);
		to->contention[CLASS_OTHER] = 1 + 0.25 * pick(d, 2);
	}
	for (int dir = 0; dir < DIRECTION_COUNT; dir++) {
		struct link_direction *l = &to->link[dir];
		bytes_t bytes = 0;
		double us = 0;

		l->bytes_per_s = 1e6 * rate * (pick(d, 3) == 0 ? 0.5 : 1);
		l->latency_us = in_parts(d, d->mix->latency_parts) ? 1 + pick(d, 12) : 0;
		if (!in_parts(d, d->mix->curve_parts))
			continue;
		l->points = d->x->points[dir];
		l->point_count = 1 + pick(d, TINY_POINTS);
		for (uint32_t i = 0; i < l->point_count; i++) {
			bytes += 256 * (bytes_t)(1 + pick(d, 6));
			us += 0.5 * (1 + pick(d, 16));
			l->points[i] = (struct curve_point) { bytes, us };
		}
	}
}

void
tiny_step_init(struct tiny_step *x, const struct tiny_mix *mix, uint64_t seed)
{
	struct tiny_drawing d = { .x = x, .mix = mix, .seed = seed * UINT64_C(0x2545f4914f6cdd1d) + 1 };
	struct arena a = ARENA_INIT;
	struct lifetimes l;
	bytes_t least, most;
	uint32_t n;

	memset(x, 0, sizeof(*x));
	x->graph = (struct graph) { .name = "tiny", .tensors = x->tensors, .ops = x->ops };
	d.persistent = mix->persistent_most > 1 ? 1 + pick(&d, mix->persistent_most) : mix->persistent_most;
	for (uint32_t t = 0; t < d.persistent; t++)
		new_tensor(&d, KIND_PARAMETER, mix->persistent_units);
	n = mix->ops_least + pick(&d, mix->ops_most - mix->ops_least + 1);
	for (uint32_t k = 0; k < n; k++) {
		draw_op(&d, k);
		permit(&d, k);
		x->graph.op_count++;
	}
	draw_device(&d);
	lifetimes_init(&l, &x->graph, &a);
	least = bytes_align(l.bound_bytes, 256) / 256;
	most = bytes_align(l.peak_bytes, 256) / 256;
	/* Half of the budgets are as small as any plan permits. */
	x->budget = 256 * (least + (pick(&d, 2) == 0 ? pick(&d, 2) : pick(&d, (uint32_t)(most - least + 1))));
	arena_free(&a);
}

void
tiny_step_write(const struct tiny_step *x, const char *folder, uint64_t seed)
{
	char path[512];
	struct err e = ERR_INIT;

	snprintf(path, sizeof(path), "%s/%llu.graph.json", folder, (unsigned long long)seed);
	if (graph_write(&x->graph, path, &e) < 0)
		err_print(&e, "tiny_step", stderr);
	snprintf(path, sizeof(path), "%s/%llu.dev.json", folder, (unsigned long long)seed);
	if (device_write(&x->device, path, &e) < 0)
		err_print(&e, "tiny_step", stderr);
}
