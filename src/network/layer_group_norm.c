/* SPDX-License-Identifier: Apache-2.0 */
/* layer_group_norm.c - group norm: each sample's channels in groups, each group normalised by itself; instance norm: each channel
 *
 * A weight and a bias for each channel.  Statistics are float32. */
#include <config.h>
#include "src/network/layer_norm.h"

/* saved: mean and inverse deviation, one of each a group of a sample; and what instance norm reads in place of its weight */
enum { MEAN, DEVIATION, WEIGHTS };

struct group_norm {
	uint32_t groups;		/* 0: a channel is a group */
	bool affine;
};

static const struct layer_attribute group_attributes[] = {
	{ "groups", LAYER_COUNT, offsetof(struct group_norm, groups), true, NULL },
	{ "affine", LAYER_BOOL, offsetof(struct group_norm, affine), false, NULL },
	{ .key = NULL }
};
static const struct group_norm group_defaults = { .affine = true };

static const struct layer_attribute instance_attributes[] = {
	{ "affine", LAYER_BOOL, offsetof(struct group_norm, affine), false, NULL },
	{ .key = NULL }
};

static uint64_t
groups(const struct layer *l)
{
	uint32_t count = ((const struct group_norm *)l->attributes)->groups;

	return count > 0 ? count : l->shape.size[0];
}

static int
shape(struct layer *l, const struct network *n, struct err *e)
{
	layer_shape_same(l, n, e);
	if (l->shape.size[0] % groups(l) == 0)
		return 0;
	err_set(e, ERR_INPUT, "expected a divisor of the %" PRIu64 " channels, got %" PRIu64, l->shape.size[0], groups(l));
	return err_at(e, "groups");
}

static void
params(struct layer *l, const struct network *n)
{
	l->param_count = ((const struct group_norm *)l->attributes)->affine ? 2 : 0;
	l->params[0] = l->params[1] = (struct layer_param) { l->shape.size[0], n->dtype, true };
}

/* The map is read for the statistics, then read and written; groups are the independent pieces. */
static struct op_work
work(struct emit *m, const struct layer *l, double passes)
{
	return (struct op_work) { .bytes = passes * (double)emit_map_bytes(m, l), .blocks = emit_rows(m, l) * (double)groups(l) };
}

/* PyTorch's instance norm is batch norm over the channels of all samples, with a copy of weight and bias for each sample. */
static bool
repeats_weights(const struct emit *m, const struct layer *l)
{
	return m->by->code_attributes && l->type == &layer_type_instance_norm && l->param_count > 0;
}

static uint32_t
repeated(struct emit *m, const struct layer *l, uint32_t index)
{
	return emit_cast(m, emit_param(m, l, index), m->tensors[emit_param(m, l, index)].bytes,
	    emit_bytes(m, l, l->shape.size[0], m->net->dtype), KIND_ACTIVATION);
}

static void
forward(struct emit *m, const struct layer *l)
{
	struct emitted *out = emit_of(m, l);
	uint32_t y = emit_output(m, l), bias = EMIT_NONE;

	for (int i = MEAN; i <= DEVIATION; i++)
		out->saved[i] = emit_tensor(m, emit_bytes(m, l, groups(l), DTYPE_FLOAT32), KIND_ACTIVATION);
	if (repeats_weights(m, l)) {
		out->saved[WEIGHTS] = repeated(m, l, 0);
		bias = repeated(m, l, 1);
	} else if (l->param_count > 0)
		out->saved[WEIGHTS] = emit_param(m, l, 0);
	emit_begin(m, l->type->name, CLASS_NORM);
	emit_in_map(m, layer_input(m->net, l, 0));
	if (l->param_count > 0) {
		emit_in(m, out->saved[WEIGHTS]);
		emit_in(m, bias == EMIT_NONE ? emit_param(m, l, 1) : bias);
	}
	emit_out(m, y);
	emit_out(m, out->saved[MEAN]);
	emit_out(m, out->saved[DEVIATION]);
	emit_end(m, work(m, l, 3), 0);
}

/* Map and gradient are read once for the sums and once for the result. */
static void
backward(struct emit *m, const struct layer *l)
{
	const struct emitted *out = emit_of(m, l);
	uint32_t dx = emit_wants(m, l, 0) ? emit_like(m, l, KIND_GRADIENT) : EMIT_NONE;

	emit_begin(m, emit_backward_name(m, l), CLASS_NORM);
	emit_in_map(m, layer_input(m->net, l, 0));
	emit_in_grad(m, l);
	if (l->param_count > 0)
		emit_in(m, out->saved[WEIGHTS]);
	emit_in(m, out->saved[MEAN]);
	emit_in(m, out->saved[DEVIATION]);
	norm_end_backward(m, l, dx, l->param_count, work(m, l, 5));
}

const struct layer_type layer_type_group_norm = {
	.name = "group-norm", .summary = "normalisation over groups of channels", .min_inputs = 1, .max_inputs = 1,
	.flags = LAYER_SAVES_INPUT,
	.attributes = group_attributes, .attributes_bytes = sizeof(struct group_norm), .defaults = &group_defaults,
	.shape = shape, .params = params, .forward = forward, .backward = backward,
};

const struct layer_type layer_type_instance_norm = {
	.name = "instance-norm", .summary = "normalisation over each channel of a sample", .min_inputs = 1, .max_inputs = 1,
	.flags = LAYER_SAVES_INPUT,
	.attributes = instance_attributes, .attributes_bytes = sizeof(struct group_norm),
	.shape = shape, .params = params, .forward = forward, .backward = backward,
};
