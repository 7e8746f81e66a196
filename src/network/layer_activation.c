/* SPDX-License-Identifier: Apache-2.0 */
/* layer_activation.c - functions of one map, value by value, and softmax: each keeps its input, its output or a mask */
#include <config.h>
#include "src/network/emit.h"

/* y = f(x); an in-place layer writes a new version of x. */
static void
forward(struct emit *m, const struct layer *l)
{
	emit_forward(m, l, CLASS_ACTIVATION, true);
}

/* dx = f'(kept) dy, where dx may take the bytes of either. */
static void
backward(struct emit *m, const struct layer *l, uint32_t kept)
{
	emit_grad(m, l, 0, emit_elementwise(m, emit_backward_name(m, l), CLASS_ACTIVATION, kept, emit_of(m, l)->grad,
	    emit_map_bytes(m, l), KIND_GRADIENT));
}

/* For functions whose derivative follows from y. */
static void
backward_from_output(struct emit *m, const struct layer *l)
{
	backward(m, l, emit_of(m, l)->map);
}

/* ---- functions whose backward needs x ---- */

static void
forward_keeping_input(struct emit *m, const struct layer *l)
{
	emit_of(m, l)->saved[0] = emit_kept_input(m, l, l->trained);
	forward(m, l);
}

static void
backward_from_input(struct emit *m, const struct layer *l)
{
	backward(m, l, emit_of(m, l)->saved[0]);
}

struct gelu {
	bool inplace;		/* first: struct inplace_attributes */
	bool approximate, fused;
};

static const struct layer_attribute gelu_attributes[] = {
	{ "inplace", LAYER_BOOL, offsetof(struct gelu, inplace), false, NULL },
	{ "approximate", LAYER_BOOL, offsetof(struct gelu, approximate), false, NULL },
	{ "fused", LAYER_BOOL, offsetof(struct gelu, fused), false, NULL },
	{ .key = NULL }
};
static const struct gelu gelu_defaults = { .fused = true };

static bool
is_composed(const struct emit *m, const struct layer *l)
{
	return m->by->code_attributes && !((const struct gelu *)l->attributes)->fused;
}

static uint32_t
step(struct emit *m, const struct layer *l, const char *name, uint32_t a, uint32_t b, enum kind kind)
{
	return emit_elementwise(m, name, CLASS_ELEMENTWISE, a, b, emit_map_bytes(m, l), kind);
}

/* x/2 * (1 + tanh(c * (x + 0.044715 x^3))), one op for each step.  saved: x, x/2, the tanh, 1 + tanh */
static void
composed_forward(struct emit *m, const struct layer *l)
{
	struct emitted *out = emit_of(m, l);
	uint32_t x = emit_input(m, l, 0), t;

	out->saved[0] = x;
	out->saved[1] = step(m, l, "multiply", x, EMIT_NONE, KIND_ACTIVATION);
	t = step(m, l, "power", x, EMIT_NONE, KIND_ACTIVATION);
	t = step(m, l, "multiply", t, EMIT_NONE, KIND_ACTIVATION);
	t = step(m, l, "add", x, t, KIND_ACTIVATION);
	t = step(m, l, "multiply", t, EMIT_NONE, KIND_ACTIVATION);
	out->saved[2] = step(m, l, "tanh", t, EMIT_NONE, KIND_ACTIVATION);
	out->saved[3] = step(m, l, "add", out->saved[2], EMIT_NONE, KIND_ACTIVATION);
	out->map = step(m, l, "multiply", out->saved[1], out->saved[3], KIND_ACTIVATION);
}

static void
composed_backward(struct emit *m, const struct layer *l)
{
	struct emitted *out = emit_of(m, l);
	uint32_t to_tanh = step(m, l, "multiply", out->saved[1], out->grad, KIND_GRADIENT);
	uint32_t to_half = step(m, l, "multiply", out->saved[3], out->grad, KIND_GRADIENT);
	uint32_t inner = step(m, l, "tanh-backward", out->saved[2], to_tanh, KIND_GRADIENT), t, sum;

	inner = step(m, l, "multiply", inner, EMIT_NONE, KIND_GRADIENT);
	sum = step(m, l, "multiply", inner, EMIT_NONE, KIND_GRADIENT);
	t = step(m, l, "power", out->saved[0], EMIT_NONE, KIND_GRADIENT);
	t = step(m, l, "multiply", t, EMIT_NONE, KIND_GRADIENT);
	t = step(m, l, "multiply", sum, t, KIND_GRADIENT);
	sum = step(m, l, "add", inner, t, KIND_GRADIENT);
	to_half = step(m, l, "multiply", to_half, EMIT_NONE, KIND_GRADIENT);
	emit_grad(m, l, 0, step(m, l, "add", sum, to_half, KIND_GRADIENT));
}

static void
gelu_forward(struct emit *m, const struct layer *l)
{
	if (is_composed(m, l)) {
		composed_forward(m, l);
		return;
	}
	forward_keeping_input(m, l);
}

static void
gelu_backward(struct emit *m, const struct layer *l)
{
	if (is_composed(m, l))
		composed_backward(m, l);
	else
		backward_from_input(m, l);
}

/* ---- dropout ---- */

struct dropout {
	bool inplace;		/* first: struct inplace_attributes */
	double p;
};

static const struct layer_attribute dropout_attributes[] = {
	{ "inplace", LAYER_BOOL, offsetof(struct dropout, inplace), false, NULL },
	{ "p", LAYER_REAL, offsetof(struct dropout, p), false, NULL },
	{ .key = NULL }
};
static const struct dropout dropout_defaults = { .p = 0.5 };

static int
dropout_shape(struct layer *l, const struct network *n, struct err *e)
{
	const struct dropout *at = l->attributes;

	if (at->p > 1) {
		err_set(e, ERR_INPUT, "expected a number from 0 to 1, got %g", at->p);
		return err_at(e, "p");
	}
	return layer_shape_same(l, n, e);
}

static bool
dropout_idle(const struct layer *l)
{
	return ((const struct dropout *)l->attributes)->p <= 0;
}

/* saved: the mask, a byte for each value */
static void
dropout_forward(struct emit *m, const struct layer *l)
{
	uint32_t x = emit_input(m, l, 0), y = emit_output(m, l), mask = emit_mask(m, l);
	double bytes = (double)emit_map_bytes(m, l);

	emit_of(m, l)->saved[0] = mask;
	emit_begin(m, "dropout", CLASS_ACTIVATION);
	emit_in_part(m, x, bytes);
	emit_out_part(m, y, bytes);
	emit_out(m, mask);
	emit_share(m, x, y);
	emit_end(m, (struct op_work) { 0 }, 0);
}

static void
dropout_backward(struct emit *m, const struct layer *l)
{
	const struct emitted *out = emit_of(m, l);
	uint32_t dx = emit_like(m, l, KIND_GRADIENT);

	emit_begin(m, emit_backward_name(m, l), CLASS_ACTIVATION);
	emit_in(m, out->saved[0]);
	emit_share(m, out->grad, dx);
	emit_end_backward(m, l, dx);
}

/* ---- drop path ---- */

static const struct layer_attribute drop_path_attributes[] = {
	{ "p", LAYER_REAL, offsetof(struct dropout, p), false, NULL },
	{ .key = NULL }
};

/* saved: a number for each sample */
static void
drop_path_forward(struct emit *m, const struct layer *l)
{
	uint32_t x = emit_input(m, l, 0), y = emit_output(m, l), kept = emit_tensor(m, emit_bytes(m, l, 1, l->dtype), KIND_ACTIVATION);

	emit_of(m, l)->saved[0] = kept;
	emit_begin(m, "drop-path", CLASS_ACTIVATION);
	emit_in_map(m, layer_input(m->net, l, 0));
	emit_out(m, y);
	emit_out(m, kept);
	emit_share(m, x, y);
	emit_end(m, (struct op_work) { 0 }, 0);
}

/* ---- rescale ---- */

static void
rescale_backward(struct emit *m, const struct layer *l)
{
	emit_grad(m, l, 0, emit_elementwise(m, emit_backward_name(m, l), CLASS_ELEMENTWISE, emit_of(m, l)->grad, EMIT_NONE, emit_map_bytes(m, l),
	    KIND_GRADIENT));
}

static void
rescale_forward(struct emit *m, const struct layer *l)
{
	emit_forward(m, l, CLASS_ELEMENTWISE, true);
}

struct rescale {
	bool inplace;		/* first: struct inplace_attributes */
	double factor;
};

static const struct layer_attribute rescale_attributes[] = {
	{ "inplace", LAYER_BOOL, offsetof(struct rescale, inplace), false, NULL },
	{ "factor", LAYER_REAL, offsetof(struct rescale, factor), false, NULL },
	{ .key = NULL }
};
static const struct rescale rescale_defaults = { .factor = 1 };

/* ---- softmax ---- */

struct softmax { bool log; };

static const struct layer_attribute softmax_attributes[] = {
	{ "log", LAYER_BOOL, offsetof(struct softmax, log), false, NULL },
	{ .key = NULL }
};

#define ACTIVATION(id, text, bits, forward_, backward_) \
	const struct layer_type layer_type_##id = { \
		.name = #id, .summary = text, .min_inputs = 1, .max_inputs = 1, .flags = bits, \
		.attributes = layer_inplace_attributes, .attributes_bytes = sizeof(struct inplace_attributes), \
		.inplace = layer_inplace_asked, .shape = layer_shape_same, .forward = forward_, .backward = backward_, \
	}
ACTIVATION(relu, "max(x, 0)", LAYER_SAVES_SIGN | LAYER_KEEPS_SIGN, forward, backward_from_output);
ACTIVATION(silu, "x * sigmoid(x)", LAYER_SAVES_INPUT, forward_keeping_input, backward_from_input);
ACTIVATION(tanh, "hyperbolic tangent", LAYER_SAVES_OUTPUT, forward, backward_from_output);
ACTIVATION(sigmoid, "logistic function", LAYER_SAVES_OUTPUT, forward, backward_from_output);

const struct layer_type layer_type_gelu = {
	.name = "gelu", .summary = "x * normal distribution function of x", .min_inputs = 1, .max_inputs = 1, .flags = LAYER_SAVES_INPUT,
	.attributes = gelu_attributes, .attributes_bytes = sizeof(struct gelu), .defaults = &gelu_defaults,
	.inplace = layer_inplace_asked, .shape = layer_shape_same, .forward = gelu_forward, .backward = gelu_backward,
};

const struct layer_type layer_type_dropout = {
	.name = "dropout", .summary = "random zeros; the mask is kept", .min_inputs = 1, .max_inputs = 1, .flags = LAYER_KEEPS_SIGN,
	.attributes = dropout_attributes, .attributes_bytes = sizeof(struct dropout), .defaults = &dropout_defaults,
	.inplace = layer_inplace_asked, .idle = dropout_idle, .shape = dropout_shape,
	.forward = dropout_forward, .backward = dropout_backward,
};

const struct layer_type layer_type_softmax = {
	.name = "softmax", .summary = "softmax over the last dimension, or its logarithm", .min_inputs = 1, .max_inputs = 1, .flags = LAYER_SAVES_OUTPUT,
	.attributes = softmax_attributes, .attributes_bytes = sizeof(struct softmax),
	.shape = layer_shape_same, .forward = forward, .backward = backward_from_output,
};

const struct layer_type layer_type_drop_path = {
	.name = "drop-path", .summary = "random samples of zeros; a number a sample is kept", .min_inputs = 1, .max_inputs = 1,
	.attributes = drop_path_attributes, .attributes_bytes = sizeof(struct dropout), .defaults = &dropout_defaults,
	.idle = dropout_idle, .shape = dropout_shape, .forward = drop_path_forward, .backward = dropout_backward,
};

const struct layer_type layer_type_rescale = {
	.name = "rescale", .summary = "times a constant", .min_inputs = 1, .max_inputs = 1,
	.attributes = rescale_attributes, .attributes_bytes = sizeof(struct rescale), .defaults = &rescale_defaults,
	.inplace = layer_inplace_asked, .shape = layer_shape_same, .forward = rescale_forward, .backward = rescale_backward,
};
