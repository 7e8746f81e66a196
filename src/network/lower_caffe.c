/* SPDX-License-Identifier: Apache-2.0 */
/* What Caffe's own layers keep, where that differs from the reuse lowering: batch norm has
 * the normalised map and a map of deviations, scale a copy of its input and a map of products, ReLU a mask of a
 * byte an element (the Layrub authors' addition), a sum copies its gradient for each input, an in-place layer's backward works
 * in place, and a map with several readers (Split) has a gradient map for each of them and one for their sum. */
#include <config.h>
#include "src/network/emit.h"

enum { SAVED_NORMALISED, SAVED_MEAN, SAVED_VARIANCE, SAVED_DEVIATION };
enum { STAT_BYTES = 4 };

static uint32_t
map_of_input(struct emit *m, const struct layer *l)
{
	return emit_of(m, layer_input(m->net, l, 0))->map;
}

/* The gradient that goes to the input: the output's own memory in place, else a new map. */
static uint32_t
input_gradient(struct emit *m, const struct layer *l)
{
	return layer_is_inplace(l) ? emit_of(m, l)->grad : emit_like(m, layer_input(m->net, l, 0), KIND_GRADIENT);
}

static uint32_t
trained_params(const struct layer *l)
{
	uint32_t n = 0;

	while (n < l->param_count && l->params[n].trained)
		n++;
	return n;
}

/* ---- forward ---- */

static void
batch_norm_forward(struct emit *m, const struct layer *l)
{
	uint32_t x = map_of_input(m, l), y = emit_output(m, l), weights = trained_params(l);
	struct emitted *out = emit_of(m, l);

	out->saved[SAVED_NORMALISED] = emit_like(m, l, KIND_ACTIVATION);
	out->saved[SAVED_DEVIATION] = emit_like(m, l, KIND_ACTIVATION);
	out->saved[SAVED_MEAN] = emit_tensor(m, l->shape.size[0] * STAT_BYTES, KIND_ACTIVATION);
	out->saved[SAVED_VARIANCE] = emit_tensor(m, l->shape.size[0] * STAT_BYTES, KIND_ACTIVATION);
	emit_begin(m, "batch-norm", CLASS_NORM);
	emit_in(m, x);
	for (uint32_t i = 0; i < weights; i++)
		emit_in(m, emit_param(m, l, i));
	emit_out(m, y);
	emit_out(m, out->saved[SAVED_NORMALISED]);
	emit_out(m, out->saved[SAVED_DEVIATION]);
	emit_out(m, out->saved[SAVED_MEAN]);
	emit_out(m, out->saved[SAVED_VARIANCE]);
	emit_end(m, (struct work) { .blocks = (double)l->shape.size[0] }, 0);

	emit_begin(m, "batch-norm-running", CLASS_NORM);
	emit_in(m, out->saved[SAVED_MEAN]);
	emit_in(m, out->saved[SAVED_VARIANCE]);
	for (uint32_t i = weights; i < l->param_count; i++)
		emit_in(m, emit_param(m, l, i));
	for (uint32_t i = weights; i < l->param_count; i++)
		emit_out(m, emit_param(m, l, i));
	emit_end(m, (struct work) { 0 }, 0);
}

/* The copy is kept whether the layer works in place or not. */
static void
scale_forward(struct emit *m, const struct layer *l)
{
	uint32_t x = map_of_input(m, l), y = emit_output(m, l);

	emit_of(m, l)->saved[0] = emit_elementwise(m, "copy", CLASS_COPY, x, EMIT_NONE, emit_map_bytes(m, l), KIND_ACTIVATION);
	emit_begin(m, "scale", CLASS_ELEMENTWISE);
	emit_in(m, x);
	for (uint32_t i = 0; i < l->param_count; i++)
		emit_in(m, emit_param(m, l, i));
	emit_out(m, y);
	emit_end(m, (struct work) { 0 }, 0);
}

static void
relu_forward(struct emit *m, const struct layer *l)
{
	uint32_t x = map_of_input(m, l), y = emit_output(m, l), mask;

	mask = emit_tensor(m, emit_bytes(m, l, shape_elements(&l->shape), DTYPE_UINT8), KIND_ACTIVATION);
	emit_of(m, l)->saved[0] = mask;
	emit_begin(m, "relu", CLASS_ACTIVATION);
	emit_in(m, x);
	emit_out(m, y);
	emit_out(m, mask);
	emit_end(m, (struct work) { 0 }, 0);
}

/* ---- backward ---- */

static void
batch_norm_backward(struct emit *m, const struct layer *l)
{
	const struct emitted *out = emit_of(m, l);
	uint32_t dx = EMIT_NONE, grads[LAYER_PARAMS_MAX], weights = trained_params(l);

	emit_begin(m, "batch-norm-backward", CLASS_NORM);
	emit_in(m, out->saved[SAVED_NORMALISED]);
	emit_in(m, out->saved[SAVED_DEVIATION]);
	emit_in_grad(m, l);
	for (uint32_t i = 0; i < weights / 2; i++)
		emit_in(m, emit_param(m, l, i));
	if (emit_wants(m, l, 0))
		emit_out(m, dx = input_gradient(m, l));
	emit_out_param_grads(m, l, grads, weights);
	emit_end(m, (struct work) { .blocks = (double)l->shape.size[0] }, 0);
	emit_param_grads(m, l, grads, weights);
	if (dx != EMIT_NONE)
		emit_grad(m, l, 0, dx);
}

static void
scale_backward(struct emit *m, const struct layer *l)
{
	const struct emitted *out = emit_of(m, l);
	uint32_t product, dx, grads[LAYER_PARAMS_MAX];

	product = emit_elementwise(m, "scale-product", CLASS_ELEMENTWISE, out->saved[0], out->grad, emit_map_bytes(m, l), KIND_ACTIVATION);
	emit_begin(m, "scale-backward-weight", CLASS_NORM);
	emit_in(m, product);
	emit_in_grad(m, l);
	emit_out_param_grads(m, l, grads, l->param_count);
	emit_end(m, (struct work) { 0 }, 0);
	emit_param_grads(m, l, grads, l->param_count);
	if (!emit_wants(m, l, 0))
		return;
	emit_begin(m, "scale-backward-data", CLASS_ELEMENTWISE);
	emit_in(m, emit_param(m, l, 0));
	emit_in_grad(m, l);
	emit_out(m, dx = input_gradient(m, l));
	emit_end(m, (struct work) { 0 }, 0);
	emit_grad(m, l, 0, dx);
}

/* ReLU and dropout: the mask says where the gradient passes. */
static void
masked_backward(struct emit *m, const struct layer *l)
{
	uint32_t dx = input_gradient(m, l);

	emit_begin(m, arena_printf(m->arena, "%s-backward", l->type->name), CLASS_ACTIVATION);
	emit_in(m, emit_of(m, l)->saved[0]);
	emit_in_grad(m, l);
	emit_out(m, dx);
	emit_end(m, (struct work) { 0 }, 0);
	emit_grad(m, l, 0, dx);
}

/* A sum with a smaller input is no Eltwise of Caffe's. */
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

/* The first two readers' gradients make the sum, later ones are added to it. */
static void
split_backward(struct emit *m, struct emitted *to, uint32_t comes, bytes_t bytes)
{
	if (!to->summed) {
		to->grad = emit_elementwise(m, "split-backward", CLASS_ELEMENTWISE, to->grad, comes, bytes, KIND_GRADIENT);
		to->summed = true;
		return;
	}
	emit_begin(m, "split-backward", CLASS_ELEMENTWISE);
	emit_in(m, to->grad);
	emit_in(m, comes);
	emit_out(m, to->grad);
	emit_end(m, (struct work) { 0 }, 0);
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
