/* SPDX-License-Identifier: Apache-2.0 */
/* layer_loss.c - softmax and cross-entropy against labels: the layer at which gradients start */
#include <config.h>
#include "src/network/emit.h"

struct cross_entropy {
	bool upcast, ignore_last;
	double weight;
};

static const struct layer_attribute attributes[] = {
	{ "upcast", LAYER_BOOL, offsetof(struct cross_entropy, upcast), false, NULL },
	{ "ignore_last", LAYER_BOOL, offsetof(struct cross_entropy, ignore_last), false, NULL },
	{ "weight", LAYER_REAL, offsetof(struct cross_entropy, weight), false, NULL },
	{ .key = NULL }
};
static const struct cross_entropy defaults = { .weight = 1 };

static int
shape(struct layer *l, const struct network *n, struct err *e)
{
	const struct shape *logits = &layer_input(n, l, 0)->shape, *labels = &layer_input(n, l, 1)->shape;
	uint64_t rows = shape_elements(logits) / logits->size[logits->rank - 1];
	char ta[160], tb[160];

	if (shape_elements(labels) != rows || !layer_input(n, l, 0)->batched || !layer_input(n, l, 1)->batched) {
		err_set(e, ERR_INPUT, "expected a label for each of the %" PRIu64 " rows of %s, got %s", rows,
		    shape_text(ta, logits), shape_text(tb, labels));
		return err_at(e, "inputs[1]");
	}
	layer_shape_loss(l);
	return 0;
}

static bool
is_upcast(const struct layer *l, const struct layer *logits)
{
	return ((const struct cross_entropy *)l->attributes)->upcast && logits->dtype != DTYPE_FLOAT32;
}

static bytes_t
logits_bytes(struct emit *m, const struct layer *l)
{
	const struct layer *in = layer_input(m->net, l, 0);

	return emit_bytes(m, in, shape_elements(&in->shape), is_upcast(l, in) ? DTYPE_FLOAT32 : in->dtype);
}

/* The logits, or a float32 copy of them. */
static uint32_t
logits_for_loss(struct emit *m, const struct layer *l)
{
	const struct layer *in = layer_input(m->net, l, 0);
	uint32_t map = emit_of(m, in)->map;

	return is_upcast(l, in) ? emit_cast(m, map, emit_map_bytes(m, in), logits_bytes(m, l), KIND_ACTIVATION) : map;
}

/* The labels; for a next-token loss moved on by one place: a padded copy, and its contiguous part. */
static uint32_t
labels_for_loss(struct emit *m, const struct layer *l)
{
	const struct layer *in = layer_input(m->net, l, 1);
	uint32_t labels = emit_of(m, in)->map;
	bytes_t bytes = emit_map_bytes(m, in);

	if (!m->by->code_attributes || !((const struct cross_entropy *)l->attributes)->ignore_last)
		return labels;
	labels = emit_elementwise(m, "pad", CLASS_COPY, labels, EMIT_NONE, bytes, KIND_ACTIVATION);
	return emit_elementwise(m, "copy", CLASS_COPY, labels, EMIT_NONE, bytes, KIND_ACTIVATION);
}

/* saved: probabilities or their logarithms, labels, the weight of all rows */
static void
forward(struct emit *m, const struct layer *l)
{
	struct emitted *out = emit_of(m, l);
	uint32_t labels = labels_for_loss(m, l), logits = logits_for_loss(m, l);
	bytes_t bytes = logits_bytes(m, l);

	out->saved[1] = labels;
	out->map = emit_tensor(m, LOSS_BYTES, KIND_ACTIVATION);
	if (m->by->loss_by_steps) {
		out->saved[0] = emit_elementwise(m, "log-softmax", CLASS_LOSS, logits, EMIT_NONE, bytes, KIND_ACTIVATION);
		out->saved[2] = emit_tensor(m, LOSS_BYTES, KIND_ACTIVATION);
		emit_begin(m, "nll-loss", CLASS_LOSS);
		emit_in_part(m, out->saved[0], (double)m->tensors[labels].bytes);
		emit_in(m, labels);
		emit_out(m, out->map);
		emit_out(m, out->saved[2]);
	} else {
		out->saved[0] = emit_tensor(m, bytes, KIND_ACTIVATION);
		emit_begin(m, "softmax-loss", CLASS_LOSS);
		emit_in(m, logits);
		emit_in(m, labels);
		emit_out(m, out->saved[0]);
		emit_out(m, out->map);
		emit_share(m, logits, out->saved[0]);
	}
	emit_end(m, (struct op_work) { 0 }, 0);
}

/* The gradient of the logits in the loss's type, made step by step from the loss's own gradient, 1. */
static uint32_t
backward_by_steps(struct emit *m, const struct layer *l, bytes_t bytes)
{
	const struct emitted *out = emit_of(m, l);
	uint32_t one = emit_tensor(m, LOSS_BYTES, KIND_GRADIENT), d = emit_tensor(m, bytes, KIND_GRADIENT);

	emit_begin(m, "ones", CLASS_ELEMENTWISE);
	emit_in(m, out->map);
	emit_out(m, one);
	emit_end(m, (struct op_work) { 0 }, 0);
	/* The logarithms stay alive for this op, which does not read them. */
	emit_begin(m, "nll-loss-backward", CLASS_LOSS);
	emit_in_part(m, out->saved[0], 0);
	emit_in(m, out->saved[1]);
	emit_in(m, out->saved[2]);
	emit_in(m, one);
	emit_out(m, d);
	emit_end(m, (struct op_work) { 0 }, 0);
	return emit_elementwise(m, "log-softmax-backward", CLASS_LOSS, out->saved[0], d, bytes, KIND_GRADIENT);
}

static void
backward(struct emit *m, const struct layer *l)
{
	const struct emitted *out = emit_of(m, l);
	const struct layer *in = layer_input(m->net, l, 0);
	bytes_t bytes = logits_bytes(m, l);
	uint32_t d;

	if (m->by->loss_by_steps)
		d = backward_by_steps(m, l, bytes);
	else {
		d = emit_tensor(m, bytes, KIND_GRADIENT);
		emit_begin(m, "softmax-loss-backward", CLASS_LOSS);
		emit_in(m, out->saved[0]);
		emit_in(m, out->saved[1]);
		emit_out(m, d);
		emit_share(m, out->saved[0], d);
		emit_end(m, (struct op_work) { 0 }, 0);
	}
	if (is_upcast(l, in))
		d = emit_cast(m, d, bytes, emit_map_bytes(m, in), KIND_GRADIENT);
	emit_grad(m, l, 0, d);
}

const struct layer_type layer_type_cross_entropy = {
	.name = "cross-entropy", .summary = "softmax and cross-entropy against labels: a loss", .min_inputs = 2, .max_inputs = 2,
	.whole_input = 2, .flags = LAYER_LOSS,
	.attributes = attributes, .attributes_bytes = sizeof(struct cross_entropy), .defaults = &defaults,
	.shape = shape, .forward = forward, .backward = backward,
};
