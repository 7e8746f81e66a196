/* SPDX-License-Identifier: Apache-2.0 */
/* layer_input.c - layers without inputs: data, labels and ids (input), free parameters (parameter) */
#include <config.h>
#include "src/network/emit.h"

struct input {
	struct shape shape;
	int dtype;		/* DTYPE_COUNT: the network's */
};

static const struct layer_attribute input_attributes[] = {
	{ "shape", LAYER_SIZES, offsetof(struct input, shape), true, NULL },
	{ "dtype", LAYER_CHOICE, offsetof(struct input, dtype), false, dtype_names },
	{ .key = NULL }
};
static const struct input input_defaults = { .dtype = DTYPE_COUNT };

static const struct layer_attribute parameter_attributes[] = {
	{ "shape", LAYER_SIZES, offsetof(struct input, shape), true, NULL },
	{ "init", LAYER_ANY, 0, false, NULL },
	{ .key = NULL }
};

static int
input_shape(struct layer *l, const struct network *n, struct err *e)
{
	const struct input *at = l->attributes;

	(void)e;
	l->shape = at->shape;
	l->dtype = at->dtype == DTYPE_COUNT ? n->dtype : (enum dtype)at->dtype;
	return 0;
}

static void
input_forward(struct emit *m, const struct layer *l)
{
	emit_of(m, l)->map = emit_like(m, l, KIND_INPUT);
}

static void
parameter_params(struct layer *l, const struct network *n)
{
	l->param_count = 1;
	l->params[0] = (struct layer_param) { shape_elements(&l->shape), n->dtype, true };
}

static void
parameter_forward(struct emit *m, const struct layer *l)
{
	emit_of(m, l)->map = emit_param(m, l, 0);
}

static void
parameter_backward(struct emit *m, const struct layer *l)
{
	const struct emitted *out = emit_of(m, l);
	uint32_t d = out->grad;

	/* Later passes add to the gradient in place, so it must be no other map's gradient. */
	if (out->shared && m->net->accumulate > 1 && m->pass == 1)
		d = emit_elementwise(m, "copy", CLASS_COPY, d, EMIT_NONE, emit_map_bytes(m, l), KIND_GRADIENT);
	emit_param_grad(m, l, 0, d);
}

const struct layer_type layer_type_input = {
	.name = "input", .summary = "data, labels or ids", .flags = LAYER_LASTS,
	.attributes = input_attributes, .attributes_bytes = sizeof(struct input), .defaults = &input_defaults,
	.shape = input_shape, .forward = input_forward,
};

const struct layer_type layer_type_parameter = {
	.name = "parameter", .summary = "a free parameter, one for all samples", .flags = LAYER_LASTS | LAYER_NO_BATCH,
	.attributes = parameter_attributes, .attributes_bytes = sizeof(struct input), .defaults = &input_defaults,
	.shape = input_shape, .params = parameter_params, .forward = parameter_forward, .backward = parameter_backward,
};
