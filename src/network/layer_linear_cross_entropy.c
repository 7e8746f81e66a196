/* SPDX-License-Identifier: Apache-2.0 */
/* layer_linear_cross_entropy.c - a product with a weight matrix and the cross-entropy of its logits, a part of the rows at a time
 *
 * No more than one part's logits exist at once.  Forward makes the gradients, too, because they need the logits; backward only
 * multiplies them by the gradient of the loss.  Sources: torch.nn.functional.linear_cross_entropy of PyTorch 2.13 with its options;
 * Hsu et al., Liger Kernel, 2024. */
#include <config.h>
#include "src/network/emit.h"

enum { WEIGHT, BIAS, PARAMS };
enum { LOGIT_PASSES = 3 };	/* softmax and gradient read each logit twice and write it once */

struct linear_cross_entropy {
	uint32_t features, chunks;
	bool bias, upcast;
};

static const struct layer_attribute attributes[] = {
	{ "features", LAYER_COUNT, offsetof(struct linear_cross_entropy, features), true, NULL },
	{ "chunks", LAYER_COUNT, offsetof(struct linear_cross_entropy, chunks), false, NULL },
	{ "bias", LAYER_BOOL, offsetof(struct linear_cross_entropy, bias), false, NULL },
	{ "upcast", LAYER_BOOL, offsetof(struct linear_cross_entropy, upcast), false, NULL },
	{ "params_from", LAYER_TIE, 0, false, NULL },
	{ .key = NULL }
};
static const struct linear_cross_entropy defaults = { .chunks = 8 };

/* Features of a row of the input. */
static uint64_t
from_features(const struct network *n, const struct layer *l)
{
	const struct shape *in = &layer_input(n, l, 0)->shape;

	return in->size[in->rank - 1];
}

/* Rows of a sample. */
static uint64_t
rows(const struct network *n, const struct layer *l)
{
	return shape_elements(&layer_input(n, l, 0)->shape) / from_features(n, l);
}

static int
shape(struct layer *l, const struct network *n, struct err *e)
{
	const struct layer *in = layer_input(n, l, 0), *labels = layer_input(n, l, 1);
	char ta[160], tb[160];

	if (shape_elements(&labels->shape) != rows(n, l) || !in->batched || !labels->batched) {
		err_set(e, ERR_INPUT, "expected a label for each of the %" PRIu64 " rows of %s, got %s", rows(n, l), shape_text(ta, &in->shape),
		    shape_text(tb, &labels->shape));
		return err_at(e, "inputs[1]");
	}
	layer_shape_loss(l);
	return 0;
}

static void
params(struct layer *l, const struct network *n)
{
	const struct linear_cross_entropy *at = l->attributes;
	uint64_t size;

	if (__builtin_mul_overflow(from_features(n, l), at->features, &size))
		size = SHAPE_ELEMENTS_MAX + 1;
	l->param_count = at->bias ? PARAMS : 1;
	l->params[WEIGHT] = (struct layer_param) { size, n->dtype, true };
	l->params[BIAS] = (struct layer_param) { at->features, n->dtype, true };
}

/* The products of all parts, and the passes over all logits beside them. */
static struct op_work
work(struct emit *m, const struct layer *l, bytes_t logits)
{
	const struct layer *in = layer_input(m->net, l, 0);
	double from = (double)from_features(m->net, l), to = ((const struct linear_cross_entropy *)l->attributes)->features;
	double n = emit_rows(m, in) * (double)rows(m->net, l);
	struct op_work w = { .flops = roofline_gemm(m->device, 1, n, to, from), .copied_bytes = LOGIT_PASSES * (double)logits };

	if (emit_wants(m, l, 0))
		w.flops += roofline_gemm(m->device, 1, n, from, to);
	if (layer_trains(l, WEIGHT))
		w.flops += roofline_gemm(m->device, 1, to, from, n);
	return w;
}

/* saved: the gradients of the input, the weight and the bias */
static void
forward(struct emit *m, const struct layer *l)
{
	const struct linear_cross_entropy *at = l->attributes;
	const struct layer *in = layer_input(m->net, l, 0);
	struct emitted *out = emit_of(m, l);
	enum dtype type = at->upcast ? DTYPE_FLOAT32 : in->dtype;
	uint64_t part = (rows(m->net, l) + at->chunks - 1) / at->chunks, all, some;
	bytes_t logits, workspace;

	if (__builtin_mul_overflow(rows(m->net, l), at->features, &all) || __builtin_mul_overflow(part, at->features, &some))
		all = some = UINT64_MAX;
	logits = emit_bytes(m, in, all, type);
	workspace = emit_bytes(m, in, some, type);
	out->map = emit_tensor(m, LOSS_BYTES, KIND_ACTIVATION);
	emit_begin(m, l->type->name, CLASS_LINEAR);
	emit_in_map(m, in);
	emit_in_params(m, l, 0, l->param_count);
	emit_in_map(m, layer_input(m->net, l, 1));
	emit_out(m, out->map);
	out->saved[0] = emit_wants(m, l, 0) ? emit_like(m, in, KIND_GRADIENT) : EMIT_NONE;
	if (out->saved[0] != EMIT_NONE)
		emit_out(m, out->saved[0]);
	emit_out_param_grads(m, l, &out->saved[1], l->param_count);
	emit_end(m, work(m, l, logits), workspace);
}

/* The gradient of the loss is 1: a framework multiplies by it in place. */
static void
multiply(struct emit *m, const struct layer *l)
{
	const struct emitted *out = emit_of(m, l);
	uint32_t one = emit_tensor(m, LOSS_BYTES, KIND_GRADIENT);

	emit_begin(m, "ones", CLASS_ELEMENTWISE);
	emit_in(m, out->map);
	emit_out(m, one);
	emit_end(m, (struct op_work) { 0 }, 0);
	for (uint32_t i = 0; i <= l->param_count; i++) {
		if (out->saved[i] == EMIT_NONE)
			continue;
		emit_begin(m, emit_backward_name(m, l), CLASS_ELEMENTWISE);
		emit_in(m, out->saved[i]);
		emit_in(m, one);
		emit_out(m, out->saved[i]);
		emit_end(m, (struct op_work) { 0 }, 0);
	}
}

static void
backward(struct emit *m, const struct layer *l)
{
	const struct emitted *out = emit_of(m, l);

	if (m->by->loss_by_steps)
		multiply(m, l);
	emit_param_grads(m, l, &out->saved[1], l->param_count);
	if (out->saved[0] != EMIT_NONE)
		emit_grad(m, l, 0, out->saved[0]);
}

const struct layer_type layer_type_linear_cross_entropy = {
	.name = "linear-cross-entropy", .summary = "a linear layer and cross-entropy, in chunks of rows: a loss", .min_inputs = 2, .max_inputs = 2,
	.whole_input = 2, .flags = LAYER_LOSS,
	.attributes = attributes, .attributes_bytes = sizeof(struct linear_cross_entropy), .defaults = &defaults,
	.shape = shape, .params = params, .forward = forward, .backward = backward,
};
