/* SPDX-License-Identifier: Apache-2.0 */
/* lower_caffe.c - the lowering `caffe`: the reuse lowering, with all that Caffe's own layers keep
 *
 *	batch norm	the normalised map and a map of deviations
 *	scale		a copy of its input, and a map of products in backward
 *	ReLU		a mask of a byte for each value (an addition of Layrub's authors)
 *	sum		a copy of its gradient for each input
 *	in place	backward overwrites the gradient, too
 *	Split		a map with several readers: a gradient map for each reader, and one for their sum
 *
 * Sources: Caffe's layers (Jia et al., Caffe, 2014), as Layrub used them (Jin et al., ACM TACO 15, 2018).
 * tests/footprints.c holds the sums to the published footprints.
 */
#include <config.h>
#include "src/network/layer_norm.h"

/* saved of batch norm, behind its statistics: the deviations. */
enum { SAVED_DEVIATIONS = BATCH_NORM_SAVED };

/* The gradient that goes to the input: the output's gradient itself in place, else a new map. */
static uint32_t
input_gradient(struct emit *m, const struct layer *l)
{
	return layer_is_inplace(l) ? emit_of(m, l)->grad : emit_like(m, layer_input(m->net, l, 0), KIND_GRADIENT);
}

/* The channels are the op's independent pieces. */
static struct op_work
batch_norm_work(const struct layer *l)
{
	return (struct op_work) { .blocks = (double)l->shape.size[0] };
}

static void
batch_norm_forward(struct emit *m, const struct layer *l)
{
	uint32_t x = emit_input(m, l, 0), y = emit_output(m, l);
	struct emitted *out = emit_of(m, l);

	out->saved[BATCH_NORM_MAP] = emit_like(m, l, KIND_ACTIVATION);
	out->saved[SAVED_DEVIATIONS] = emit_like(m, l, KIND_ACTIVATION);
	batch_norm_new_statistics(m, l);
	emit_begin(m, "batch-norm", CLASS_NORM);
	emit_in(m, x);
	emit_in_params(m, l, 0, batch_norm_weights(l));
	emit_out(m, y);
	emit_out(m, out->saved[BATCH_NORM_MAP]);
	emit_out(m, out->saved[SAVED_DEVIATIONS]);
	emit_out(m, out->saved[BATCH_NORM_MEAN]);
	emit_out(m, out->saved[BATCH_NORM_DEVIATION]);
	emit_end(m, batch_norm_work(l), 0);
	batch_norm_keep_running(m, l);
}

static void
batch_norm_backward(struct emit *m, const struct layer *l)
{
	const struct emitted *out = emit_of(m, l);
	uint32_t weights = batch_norm_weights(l);

	emit_begin(m, "batch-norm-backward", CLASS_NORM);
	emit_in(m, out->saved[BATCH_NORM_MAP]);
	emit_in(m, out->saved[SAVED_DEVIATIONS]);
	emit_in_grad(m, l);
	emit_in_params(m, l, 0, weights / 2);
	norm_end_backward(m, l, emit_wants(m, l, 0) ? input_gradient(m, l) : EMIT_NONE, weights, batch_norm_work(l));
}

/* The copy is for the weight's gradient, and is kept whether the layer works in place or not. */
static void
scale_forward(struct emit *m, const struct layer *l)
{
	uint32_t x = emit_input(m, l, 0), y = emit_output(m, l);

	if (layer_trains(l, 0))
		emit_of(m, l)->saved[0] = emit_elementwise(m, "copy", CLASS_COPY, x, EMIT_NONE, emit_map_bytes(m, l), KIND_ACTIVATION);
	emit_begin(m, "scale", CLASS_ELEMENTWISE);
	emit_in(m, x);
	emit_in_params(m, l, 0, l->param_count);
	emit_out(m, y);
	emit_end(m, (struct op_work) { 0 }, 0);
}

static void
scale_weight_backward(struct emit *m, const struct layer *l)
{
	const struct emitted *out = emit_of(m, l);
	uint32_t product;

	product = emit_elementwise(m, "scale-product", CLASS_ELEMENTWISE, out->saved[0], out->grad, emit_map_bytes(m, l), KIND_ACTIVATION);
	emit_begin(m, "scale-backward-weight", CLASS_NORM);
	emit_in(m, product);
	emit_in_grad(m, l);
	norm_end_backward(m, l, EMIT_NONE, l->param_count, (struct op_work) { 0 });
}

static void
scale_backward(struct emit *m, const struct layer *l)
{
	uint32_t dx;

	if (layer_trains(l, 0))
		scale_weight_backward(m, l);
	if (!emit_wants(m, l, 0))
		return;
	dx = input_gradient(m, l);
	emit_begin(m, "scale-backward-data", CLASS_ELEMENTWISE);
	emit_in_params(m, l, 0, 1);
	emit_end_backward(m, l, dx);
}

/* saved: the mask */
static void
relu_forward(struct emit *m, const struct layer *l)
{
	uint32_t x = emit_input(m, l, 0), y = emit_output(m, l), mask = emit_mask(m, l);

	emit_of(m, l)->saved[0] = mask;
	emit_begin(m, "relu", CLASS_ACTIVATION);
	emit_in(m, x);
	emit_out(m, y);
	emit_out(m, mask);
	emit_end(m, (struct op_work) { 0 }, 0);
}

/* ReLU and dropout: the mask says where the gradient passes. */
static void
masked_backward(struct emit *m, const struct layer *l)
{
	uint32_t dx = input_gradient(m, l);

	emit_begin(m, emit_backward_name(m, l), CLASS_ACTIVATION);
	emit_in(m, emit_of(m, l)->saved[0]);
	emit_end_backward(m, l, dx);
}

/* Caffe's Eltwise takes inputs of the output's size only. */
static bool
is_eltwise(const struct emit *m, const struct layer *l)
{
	for (uint32_t i = 0; i < l->input_count; i++)
		if (!shape_equal(&layer_input(m->net, l, i)->shape, &l->shape) || layer_input(m->net, l, i)->batched != l->batched)
			return false;
	return true;
}

static void
add_backward(struct emit *m, const struct layer *l)
{
	if (!is_eltwise(m, l)) {
		l->type->backward(m, l);
		return;
	}
	for (uint32_t i = l->input_count; i-- > 0;)
		if (emit_wants(m, l, i))
			emit_grad(m, l, i, emit_elementwise(m, "copy", CLASS_COPY, emit_of(m, l)->grad, EMIT_NONE,
			    emit_map_bytes(m, l), KIND_GRADIENT));
}

/* The first two readers' gradients make the sum; later ones are added to it. */
static void
split_backward(struct emit *m, struct emitted *to, uint32_t gradient, bytes_t bytes)
{
	if (!to->summed) {
		to->grad = emit_elementwise(m, "split-backward", CLASS_ELEMENTWISE, to->grad, gradient, bytes, KIND_GRADIENT);
		to->summed = true;
		return;
	}
	emit_begin(m, "split-backward", CLASS_ELEMENTWISE);
	emit_in(m, to->grad);
	emit_in(m, gradient);
	emit_out(m, to->grad);
	emit_end(m, (struct op_work) { 0 }, 0);
}

static const struct layer_replacement replacements[] = {
	{ &layer_type_batch_norm, batch_norm_forward, batch_norm_backward },
	{ &layer_type_scale, scale_forward, scale_backward },
	{ &layer_type_relu, relu_forward, masked_backward },
	{ &layer_type_dropout, NULL, masked_backward },
	{ &layer_type_add, NULL, add_backward },
	{ NULL, NULL, NULL }
};

const struct lowering lowering_caffe = {
	.name = "caffe",
	.summary = "with all that Caffe keeps: temporaries of batch norm and scale, masks, a gradient for every reader",
	.takes_over_inputs = true,
	.pool_index = DTYPE_INT32,
	.replacements = replacements,
	.add_gradient = split_backward,
};
