/* SPDX-License-Identifier: Apache-2.0 */
/* Elementwise functions of one map, and softmax.  Each keeps its input, its output
 * or a mask; backward may overwrite what it reads last. */
#include <config.h>
#include "src/network/emit.h"

static uint32_t
map_of_input(struct emit *m, const struct layer *l)
{
	return emit_of(m, layer_input(m->net, l, 0))->map;
}

/* y = f(x); an in-place layer writes a new version of x. */
static void
forward_simple(struct emit *m, const struct layer *l, const char *name, enum op_class class)
{
	uint32_t x = map_of_input(m, l), y = emit_output(m, l);
	bytes_t bytes = emit_map_bytes(m, l);

	emit_begin(m, name, class);
	emit_in_part(m, x, (double)bytes);
	emit_out_part(m, y, (double)bytes);
	emit_share(m, x, y);
	emit_end(m, (struct work) { 0 }, 0);
}

/* dx = f'(kept) dy */
static void
backward_simple(struct emit *m, const struct layer *l, const char *name, enum op_class class, uint32_t kept)
{
	emit_grad(m, l, 0, emit_elementwise(m, name, class, kept, emit_of(m, l)->grad, emit_map_bytes(m, l), KIND_GRADIENT));
}

static void
relu_forward(struct emit *m, const struct layer *l)
{
	forward_simple(m, l, "relu", CLASS_ACTIVATION);
}

static void
relu_backward(struct emit *m, const struct layer *l)
{
	backward_simple(m, l, "relu-backward", CLASS_ACTIVATION, emit_of(m, l)->map);
}

static void
tanh_forward(struct emit *m, const struct layer *l)
{
	forward_simple(m, l, "tanh", CLASS_ACTIVATION);
}

static void
tanh_backward(struct emit *m, const struct layer *l)
{
	backward_simple(m, l, "tanh-backward", CLASS_ACTIVATION, emit_of(m, l)->map);
}

static void
sigmoid_forward(struct emit *m, const struct layer *l)
{
	forward_simple(m, l, "sigmoid", CLASS_ACTIVATION);
}

static void
sigmoid_backward(struct emit *m, const struct layer *l)
{
	backward_simple(m, l, "sigmoid-backward", CLASS_ACTIVATION, emit_of(m, l)->map);
}

static void
softmax_forward(struct emit *m, const struct layer *l)
{
	forward_simple(m, l, "softmax", CLASS_ACTIVATION);
}

static void
softmax_backward(struct emit *m, const struct layer *l)
{
	backward_simple(m, l, "softmax-backward", CLASS_ACTIVATION, emit_of(m, l)->map);
}

/* ---- functions whose backward needs their input ---- */

/* What backward will read: the input's map, or a copy of it when that is overwritten. */
static void
keep_input(struct emit *m, const struct layer *l)
{
	uint32_t x = map_of_input(m, l);

	emit_of(m, l)->saved[0] = layer_is_inplace(l) && l->trained ?
	    emit_elementwise(m, "copy", CLASS_COPY, x, EMIT_NONE, emit_map_bytes(m, l), KIND_ACTIVATION) : x;
}

static void
silu_forward(struct emit *m, const struct layer *l)
{
	keep_input(m, l);
	forward_simple(m, l, "silu", CLASS_ACTIVATION);
}

static void
silu_backward(struct emit *m, const struct layer *l)
{
	backward_simple(m, l, "silu-backward", CLASS_ACTIVATION, emit_of(m, l)->saved[0]);
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

/* x/2 * (1 + tanh(c * (x + 0.044715 x^3))), one kernel a step; kept: x, x/2, the tanh, 1 + tanh. */
static void
composed_forward(struct emit *m, const struct layer *l)
{
	struct emitted *out = emit_of(m, l);
	uint32_t x = map_of_input(m, l), t;

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
	keep_input(m, l);
	forward_simple(m, l, "gelu", CLASS_ACTIVATION);
}

static void
gelu_backward(struct emit *m, const struct layer *l)
{
	if (is_composed(m, l))
		composed_backward(m, l);
	else
		backward_simple(m, l, "gelu-backward", CLASS_ACTIVATION, emit_of(m, l)->saved[0]);
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

/* The mask is a byte an element. */
static void
dropout_forward(struct emit *m, const struct layer *l)
{
	uint32_t x = map_of_input(m, l), y = emit_output(m, l), mask;
	bytes_t bytes = emit_map_bytes(m, l);

	mask = emit_tensor(m, emit_bytes(m, l, shape_elements(&l->shape), DTYPE_UINT8), KIND_ACTIVATION);
	emit_of(m, l)->saved[0] = mask;
	emit_begin(m, "dropout", CLASS_ACTIVATION);
	emit_in_part(m, x, (double)bytes);
	emit_out_part(m, y, (double)bytes);
	emit_out(m, mask);
	emit_share(m, x, y);
	emit_end(m, (struct work) { 0 }, 0);
}

static void
dropout_backward(struct emit *m, const struct layer *l)
{
	const struct emitted *out = emit_of(m, l);
	uint32_t grad = out->grad, dx = emit_like(m, l, KIND_GRADIENT);

	emit_begin(m, "dropout-backward", CLASS_ACTIVATION);
	emit_in(m, out->saved[0]);
	emit_in_grad(m, l);
	emit_out(m, dx);
	emit_share(m, grad, dx);
	emit_end(m, (struct work) { 0 }, 0);
	emit_grad(m, l, 0, dx);
}

#define ACTIVATION(id, text, bits) \
	const struct layer_type layer_type_##id = { \
		.name = #id, .summary = text, .min_inputs = 1, .max_inputs = 1, .flags = bits, \
		.attributes = layer_inplace_attributes, .attributes_bytes = sizeof(struct inplace_attributes), \
		.inplace = layer_inplace_asked, .shape = layer_shape_same, .forward = id##_forward, .backward = id##_backward, \
	}
ACTIVATION(relu, "max(x, 0)", LAYER_SAVES_SIGN | LAYER_KEEPS_SIGN);
ACTIVATION(silu, "x * sigmoid(x)", LAYER_SAVES_INPUT);
ACTIVATION(tanh, "hyperbolic tangent", LAYER_SAVES_OUTPUT);
ACTIVATION(sigmoid, "logistic function", LAYER_SAVES_OUTPUT);

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
	.name = "softmax", .summary = "softmax over the last dimension", .min_inputs = 1, .max_inputs = 1, .flags = LAYER_SAVES_OUTPUT,
	.shape = layer_shape_same, .forward = softmax_forward, .backward = softmax_backward,
};
