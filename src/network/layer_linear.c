/* SPDX-License-Identifier: Apache-2.0 */
/* layer_linear.c - matrix products: by a weight (linear), and of two maps (matmul)
 *
 * A linear layer of several experts has a weight for each; its rows are divided among them equally.  With `lora` the layer is
 * several: a frozen product and a trained one of low rank beside it (Hu et al., LoRA, 2022), as in the package peft. */
#include <config.h>
#include "src/network/emit.h"

struct linear {
	uint32_t features, experts, lora;	/* lora: the rank; 0: none */
	double lora_dropout;
	bool bias;
};

static const struct layer_attribute linear_attributes[] = {
	{ "features", LAYER_COUNT, offsetof(struct linear, features), true, NULL },
	{ "bias", LAYER_BOOL, offsetof(struct linear, bias), false, NULL },
	{ "experts", LAYER_COUNT, offsetof(struct linear, experts), false, NULL },
	{ "lora", LAYER_INDEX, offsetof(struct linear, lora), false, NULL },
	{ "lora_dropout", LAYER_REAL, offsetof(struct linear, lora_dropout), false, NULL },
	{ "params_from", LAYER_TIE, 0, false, NULL },
	{ .key = NULL }
};
static const struct linear linear_defaults = { .experts = 1, .bias = true };

/* A linear layer over `from`, with as many experts as l. */
static json_t *
low_rank(const struct linear *at, const char *name, const char *from, uint32_t features)
{
	return json_pack("{s:s, s:s, s:[s], s:I, s:I, s:b, s:b}", "name", name, "type", "linear", "inputs", from,
	    "features", (json_int_t)features, "experts", (json_int_t)at->experts, "bias", false, "trainable", true);
}

static bool
linear_parts(json_t **list, const struct layer *l, const struct network *n)
{
	const struct linear *at = l->attributes;
	const char *tied = l->params_from == LAYER_NONE ? NULL : n->layers[l->params_from].name;

	if (at->lora == 0)
		return false;
	*list = json_pack("[{s:s, s:s, s:[s], s:I, s:I, s:b, s:b, s:s*}, {s:s, s:s, s:[s], s:f}, o, o, {s:s, s:s, s:[s]}, {s:s, s:s, s:[s, s]}]",
	    "name", "base", "type", "linear", "inputs", "in", "features", (json_int_t)at->features, "experts", (json_int_t)at->experts,
	    "bias", at->bias, "trainable", false, "params_from", tied,
	    "name", "dropout", "type", "dropout", "inputs", "in", "p", at->lora_dropout,
	    low_rank(at, "lora_a", "dropout", at->lora),
	    low_rank(at, "lora_b", "lora_a", at->features),
	    "name", "scaled", "type", "rescale", "inputs", "lora_b",
	    "name", "sum", "type", "add", "inputs", "base", "scaled");
	return true;
}

static uint64_t
last(const struct shape *s)
{
	return s->size[s->rank - 1];
}

static int
linear_shape(struct layer *l, const struct network *n, struct err *e)
{
	(void)e;
	l->shape = layer_input(n, l, 0)->shape;
	l->shape.size[l->shape.rank - 1] = ((const struct linear *)l->attributes)->features;
	return 0;
}

static void
linear_params(struct layer *l, const struct network *n)
{
	const struct linear *at = l->attributes;
	uint64_t size;

	if (__builtin_mul_overflow(last(&layer_input(n, l, 0)->shape), at->features, &size) || __builtin_mul_overflow(size, at->experts, &size))
		size = SHAPE_ELEMENTS_MAX + 1;
	l->param_count = at->bias ? 2 : 1;
	l->params[0] = (struct layer_param) { size, n->dtype, true };
	l->params[1] = (struct layer_param) { (uint64_t)at->features * at->experts, n->dtype, true };
}

enum pass { FORWARD, WEIGHT, DATA };

/* Forward is [rows, from] by [from, to], for each expert; the gradients exchange the roles of the three sizes. */
static struct op_work
linear_work(const struct emit *m, const struct layer *l, enum pass pass)
{
	double from = (double)last(&layer_input(m->net, l, 0)->shape), to = (double)last(&l->shape);
	double experts = ((const struct linear *)l->attributes)->experts, rows = emit_elements(m, l) / to / experts;

	return (struct op_work) { .flops = pass == FORWARD ? roofline_gemm(m->device, experts, rows, to, from) :
	    pass == WEIGHT ? roofline_gemm(m->device, experts, to, from, rows) : roofline_gemm(m->device, experts, rows, from, to) };
}

static void
linear_forward(struct emit *m, const struct layer *l)
{
	uint32_t y = emit_output(m, l);

	emit_begin(m, "linear", CLASS_LINEAR);
	emit_in_map(m, layer_input(m->net, l, 0));
	emit_in_params(m, l, 0, l->param_count);
	emit_out(m, y);
	emit_end(m, linear_work(m, l, FORWARD), 0);
}

static void
linear_data(struct emit *m, const struct layer *l)
{
	uint32_t dx;

	if (!emit_wants(m, l, 0))
		return;
	emit_begin(m, "linear-backward-data", CLASS_LINEAR);
	emit_in(m, emit_param(m, l, 0));
	emit_in_grad(m, l);
	emit_out(m, dx = emit_like(m, layer_input(m->net, l, 0), KIND_GRADIENT));
	emit_end(m, linear_work(m, l, DATA), 0);
	emit_grad(m, l, 0, dx);
}

static void
linear_bias(struct emit *m, const struct layer *l)
{
	uint32_t d = emit_param_grad_tensor(m, l, 1);

	emit_begin(m, "sum", CLASS_ELEMENTWISE);
	emit_in_grad(m, l);
	emit_out(m, d);
	emit_end(m, (struct op_work) { 0 }, 0);
	emit_param_grad(m, l, 1, d);
}

/* The weight's gradient, and the bias's in the same op or in one of its own. */
static void
linear_weight(struct emit *m, const struct layer *l)
{
	uint32_t grads[2] = { EMIT_NONE, EMIT_NONE };
	bool weight = layer_trains(l, 0), bias = l->param_count > 1 && layer_trains(l, 1);
	bool apart = bias && m->by->bias_gradient_apart;

	if (!weight) {
		if (bias)
			linear_bias(m, l);
		return;
	}
	emit_begin(m, "linear-backward-weight", CLASS_LINEAR);
	emit_in_map(m, layer_input(m->net, l, 0));
	emit_in_grad(m, l);
	emit_out(m, grads[0] = emit_param_grad_tensor(m, l, 0));
	if (bias && !apart)
		emit_out(m, grads[1] = emit_param_grad_tensor(m, l, 1));
	emit_end(m, linear_work(m, l, WEIGHT), 0);
	emit_param_grad(m, l, 0, grads[0]);
	if (apart)
		linear_bias(m, l);
	else if (bias)
		emit_param_grad(m, l, 1, grads[1]);
}

static void
linear_backward(struct emit *m, const struct layer *l)
{
	bool data_first = m->by->biased_data_first && l->param_count > 1;

	if (data_first)
		linear_data(m, l);
	linear_weight(m, l);
	if (!data_first)
		linear_data(m, l);
}

const struct layer_type layer_type_linear = {
	.name = "linear", .summary = "product with a weight matrix over the last dimension", .min_inputs = 1, .max_inputs = 1,
	.flags = LAYER_SAVES_INPUT,
	.attributes = linear_attributes, .attributes_bytes = sizeof(struct linear), .defaults = &linear_defaults, .parts = linear_parts,
	.shape = linear_shape, .params = linear_params, .forward = linear_forward, .backward = linear_backward,
};

/* ---- product of two maps ---- */

struct matmul {
	bool transpose_a, transpose_b;
	double scale;
};

static const struct layer_attribute matmul_attributes[] = {
	{ "transpose_a", LAYER_BOOL, offsetof(struct matmul, transpose_a), false, NULL },
	{ "transpose_b", LAYER_BOOL, offsetof(struct matmul, transpose_b), false, NULL },
	{ "scale", LAYER_REAL, offsetof(struct matmul, scale), false, NULL },
	{ .key = NULL }
};
static const struct matmul matmul_defaults = { .scale = 1 };

static int
matmul_shape(struct layer *l, const struct network *n, struct err *e)
{
	const struct matmul *at = l->attributes;
	const struct shape *a = &layer_input(n, l, 0)->shape, *b = &layer_input(n, l, 1)->shape;
	char ta[160], tb[160];
	uint64_t k1, k2;
	bool fits = a->rank >= 2 && a->rank == b->rank;

	for (uint32_t i = 0; fits && i + 2 < a->rank; i++)
		fits = a->size[i] == b->size[i];
	k1 = fits ? a->size[a->rank - (at->transpose_a ? 2 : 1)] : 0;
	k2 = fits ? b->size[b->rank - (at->transpose_b ? 1 : 2)] : 1;
	if (k1 != k2) {
		err_set(e, ERR_INPUT, "expected [.., m, k] and [.., k, n], got %s and %s", shape_text(ta, a), shape_text(tb, b));
		return err_at(e, "inputs");
	}
	l->shape = *a;
	l->shape.size[a->rank - 2] = a->size[a->rank - (at->transpose_a ? 1 : 2)];
	l->shape.size[a->rank - 1] = b->size[b->rank - (at->transpose_b ? 2 : 1)];
	return 0;
}

/* Forward and both gradients multiply the same three sizes. */
static struct op_work
matmul_work(const struct emit *m, const struct layer *l)
{
	const struct matmul *at = l->attributes;
	const struct shape *a = &layer_input(m->net, l, 0)->shape;
	double rows = (double)l->shape.size[l->shape.rank - 2], columns = (double)last(&l->shape);

	return (struct op_work) { .flops = roofline_gemm(m->device, emit_elements(m, l) / (rows * columns), rows, columns,
	    (double)a->size[a->rank - (at->transpose_a ? 2 : 1)]) };
}

static void
matmul_forward(struct emit *m, const struct layer *l)
{
	uint32_t y = emit_output(m, l);

	emit_begin(m, "matmul", CLASS_LINEAR);
	emit_in_map(m, layer_input(m->net, l, 0));
	emit_in_map(m, layer_input(m->net, l, 1));
	emit_out(m, y);
	emit_end(m, matmul_work(m, l), 0);
}

static void
matmul_backward(struct emit *m, const struct layer *l)
{
	uint32_t d;

	for (uint32_t i = 0; i < 2; i++) {
		if (!emit_wants(m, l, i))
			continue;
		emit_begin(m, "matmul-backward", CLASS_LINEAR);
		emit_in_map(m, layer_input(m->net, l, 1 - i));
		emit_in_grad(m, l);
		emit_out(m, d = emit_like(m, layer_input(m->net, l, i), KIND_GRADIENT));
		emit_end(m, matmul_work(m, l), 0);
		emit_grad(m, l, i, d);
	}
}

const struct layer_type layer_type_matmul = {
	.name = "matmul", .summary = "batched product of two maps", .min_inputs = 2, .max_inputs = 2, .flags = LAYER_SAVES_INPUT,
	.attributes = matmul_attributes, .attributes_bytes = sizeof(struct matmul), .defaults = &matmul_defaults,
	.shape = matmul_shape, .forward = matmul_forward, .backward = matmul_backward,
};
