/* SPDX-License-Identifier: Apache-2.0 */
/* layer_distance.c - losses that compare a map with a target of its shape, value by value: squares, absolute values, binary
 * cross-entropy of logits, and the divergence of Kullback and Leibler from logarithms of probabilities */
#include <config.h>
#include "src/network/emit.h"

enum { MAP, TARGET, INPUTS };

/* The tensors that backward reads. */
enum { NEEDS_MAP = 1, NEEDS_TARGET = 2 };

static unsigned
needs(const struct layer *l)
{
	return l->type == &layer_type_kl_loss ? NEEDS_TARGET : NEEDS_MAP | NEEDS_TARGET;
}

/* PyTorch's l1_loss is a difference, which it keeps, and the mean of its absolute values. */
static bool
keeps_difference(const struct emit *m, const struct layer *l)
{
	return m->by->loss_by_steps && l->type == &layer_type_l1_loss;
}

static int
shape(struct layer *l, const struct network *n, struct err *e)
{
	const struct layer *map = layer_input(n, l, MAP), *target = layer_input(n, l, TARGET);
	char ta[160], tb[160], q[48];

	if (!shape_equal(&map->shape, &target->shape) || !map->batched || !target->batched) {
		err_set(e, ERR_INPUT, "expected a target for each value of %s, got %s", shape_text(ta, &map->shape), shape_text(tb, &target->shape));
		return err_at(e, "inputs[1]");
	}
	if (target->trained && (l->type == &layer_type_bce_loss || l->type == &layer_type_kl_loss)) {
		err_set(e, ERR_INPUT, "expected a target that no gradient reaches, got '%s', which is trained", err_quote(q, target->name));
		return err_at(e, "inputs[1]");
	}
	layer_shape_loss(l);
	return 0;
}

/* saved: the difference */
static void
forward(struct emit *m, const struct layer *l)
{
	struct emitted *out = emit_of(m, l);

	out->map = emit_tensor(m, LOSS_BYTES, KIND_ACTIVATION);
	emit_begin(m, l->type->name, CLASS_LOSS);
	emit_in_map(m, layer_input(m->net, l, MAP));
	emit_in_map(m, layer_input(m->net, l, TARGET));
	emit_out(m, out->map);
	if (keeps_difference(m, l)) {
		out->saved[0] = emit_like(m, layer_input(m->net, l, MAP), KIND_ACTIVATION);
		emit_out(m, out->saved[0]);
	}
	emit_end(m, (struct op_work) { 0 }, 0);
}

/* The gradient of one input; that of the other has the opposite sign. */
static void
input_backward(struct emit *m, const struct layer *l, uint32_t input, uint32_t one)
{
	uint32_t d = emit_like(m, layer_input(m->net, l, input), KIND_GRADIENT);

	emit_begin(m, emit_backward_name(m, l), CLASS_LOSS);
	if (keeps_difference(m, l))
		emit_in(m, emit_of(m, l)->saved[0]);
	else {
		if ((needs(l) & NEEDS_MAP) != 0)
			emit_in_map(m, layer_input(m->net, l, MAP));
		if ((needs(l) & NEEDS_TARGET) != 0)
			emit_in_map(m, layer_input(m->net, l, TARGET));
	}
	if (one != EMIT_NONE)
		emit_in(m, one);
	emit_out(m, d);
	emit_end(m, (struct op_work) { 0 }, 0);
	emit_grad(m, l, input, d);
}

static void
backward(struct emit *m, const struct layer *l)
{
	uint32_t one = EMIT_NONE;

	if (m->by->loss_by_steps) {
		one = emit_tensor(m, LOSS_BYTES, KIND_GRADIENT);
		emit_begin(m, "ones", CLASS_ELEMENTWISE);
		emit_in(m, emit_of(m, l)->map);
		emit_out(m, one);
		emit_end(m, (struct op_work) { 0 }, 0);
	}
	for (uint32_t i = 0; i < INPUTS; i++)
		if (emit_wants(m, l, i))
			input_backward(m, l, i, one);
}

#define DISTANCE(id, words, text) \
	const struct layer_type layer_type_##id = { \
		.name = words, .summary = text ": a loss", .min_inputs = INPUTS, .max_inputs = INPUTS, \
		.flags = LAYER_LOSS | LAYER_SAVES_INPUT, .shape = shape, .forward = forward, .backward = backward, \
	}
DISTANCE(mse_loss, "mse-loss", "mean of squared differences");
DISTANCE(l1_loss, "l1-loss", "mean of absolute differences");
DISTANCE(bce_loss, "bce-loss", "binary cross-entropy of logits");
DISTANCE(kl_loss, "kl-loss", "Kullback-Leibler divergence of log-probabilities");
