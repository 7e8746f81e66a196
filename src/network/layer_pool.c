/* SPDX-License-Identifier: Apache-2.0 */
/* layer_pool.c - pooling: max pooling keeps where each maximum was, averages keep nothing */
#include <config.h>
#include "src/network/emit.h"

struct pooling {
	struct layer_pair kernel, stride;	/* stride 0: the kernel's */
	struct layer_pad pad;
	bool ceil;
};

static const struct layer_attribute pool_attributes[] = {
	{ "kernel", LAYER_PAIR, offsetof(struct pooling, kernel), true, NULL },
	{ "stride", LAYER_PAIR, offsetof(struct pooling, stride), false, NULL },
	{ "pad", LAYER_PAD, offsetof(struct pooling, pad), false, NULL },
	{ "ceil", LAYER_BOOL, offsetof(struct pooling, ceil), false, NULL },
	{ .key = NULL }
};

struct adaptive { struct layer_pair size; };

static const struct layer_attribute adaptive_attributes[] = {
	{ "size", LAYER_PAIR, offsetof(struct adaptive, size), true, NULL },
	{ .key = NULL }
};

static int
pool_shape(struct layer *l, const struct network *n, struct err *e)
{
	const struct pooling *at = l->attributes;
	struct layer_pair stride = at->stride.h > 0 ? at->stride : at->kernel;
	const struct shape *in;

	if (layer_want_image(l, n, e) < 0)
		return -1;
	in = &layer_input(n, l, 0)->shape;
	l->shape = *in;
	if (layer_window(&l->shape.size[1], in->size[1], at->kernel.h, stride.h, at->pad.top, at->pad.bottom, 1, at->ceil, e) < 0 ||
	    layer_window(&l->shape.size[2], in->size[2], at->kernel.w, stride.w, at->pad.left, at->pad.right, 1, at->ceil, e) < 0)
		return err_at(e, "kernel");
	return 0;
}

static int
adaptive_shape(struct layer *l, const struct network *n, struct err *e)
{
	const struct adaptive *at = l->attributes;

	if (layer_want_image(l, n, e) < 0)
		return -1;
	l->shape = (struct shape) { 3, { layer_input(n, l, 0)->shape.size[0], at->size.h, at->size.w } };
	return 0;
}

static int
global_shape(struct layer *l, const struct network *n, struct err *e)
{
	if (layer_want_image(l, n, e) < 0)
		return -1;
	l->shape = (struct shape) { 1, { layer_input(n, l, 0)->shape.size[0] } };
	return 0;
}

static void
average_forward(struct emit *m, const struct layer *l)
{
	emit_forward(m, l, CLASS_POOL, false);
}

/* held: the input map is an operand of which no byte is read.  kept: a tensor that the op reads, EMIT_NONE: none. */
static void
backward(struct emit *m, const struct layer *l, bool held, uint32_t kept)
{
	uint32_t dx = emit_like(m, layer_input(m->net, l, 0), KIND_GRADIENT);

	emit_begin(m, emit_backward_name(m, l), CLASS_POOL);
	if (held)
		emit_in_part(m, emit_input(m, l, 0), 0);
	if (kept != EMIT_NONE)
		emit_in(m, kept);
	emit_end_backward(m, l, dx);
}

static void
average_backward(struct emit *m, const struct layer *l)
{
	backward(m, l, m->by->holds_for_shape, EMIT_NONE);
}

static void
global_avg_pool_backward(struct emit *m, const struct layer *l)
{
	backward(m, l, false, EMIT_NONE);
}

/* saved: the position of each maximum */
static void
max_pool_forward(struct emit *m, const struct layer *l)
{
	uint32_t y = emit_output(m, l), index;

	index = emit_tensor(m, emit_bytes(m, l, shape_elements(&l->shape), m->by->pool_index), KIND_ACTIVATION);
	emit_of(m, l)->saved[0] = index;
	emit_begin(m, "max-pool", CLASS_POOL);
	emit_in_map(m, layer_input(m->net, l, 0));
	emit_out(m, y);
	emit_out(m, index);
	emit_end(m, (struct op_work) { 0 }, 0);
}

static void
max_pool_backward(struct emit *m, const struct layer *l)
{
	backward(m, l, m->by->holds_for_shape, emit_of(m, l)->saved[0]);
}

const struct layer_type layer_type_max_pool = {
	.name = "max-pool", .summary = "maximum of each window", .min_inputs = 1, .max_inputs = 1, .flags = LAYER_SAVES_INPUT,
	.attributes = pool_attributes, .attributes_bytes = sizeof(struct pooling),
	.shape = pool_shape, .forward = max_pool_forward, .backward = max_pool_backward,
};

const struct layer_type layer_type_avg_pool = {
	.name = "avg-pool", .summary = "average of each window", .min_inputs = 1, .max_inputs = 1, .flags = LAYER_SAVES_INPUT,
	.attributes = pool_attributes, .attributes_bytes = sizeof(struct pooling),
	.shape = pool_shape, .forward = average_forward, .backward = average_backward,
};

const struct layer_type layer_type_adaptive_avg_pool = {
	.name = "adaptive-avg-pool", .summary = "averages to a given size", .min_inputs = 1, .max_inputs = 1,
	.flags = LAYER_SAVES_INPUT,
	.attributes = adaptive_attributes, .attributes_bytes = sizeof(struct adaptive),
	.shape = adaptive_shape, .forward = average_forward, .backward = average_backward,
};

const struct layer_type layer_type_global_avg_pool = {
	.name = "global-avg-pool", .summary = "one average a channel", .min_inputs = 1, .max_inputs = 1,
	.shape = global_shape, .forward = average_forward, .backward = global_avg_pool_backward,
};
