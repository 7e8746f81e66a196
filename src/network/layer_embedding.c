/* SPDX-License-Identifier: Apache-2.0 */
/* layer_embedding.c - rows of a table by id (embedding), and features turned by their position (rotary) */
#include <config.h>
#include "src/network/emit.h"

struct embedding { uint32_t vocabulary, features; };

static const struct layer_attribute embedding_attributes[] = {
	{ "vocabulary", LAYER_COUNT, offsetof(struct embedding, vocabulary), true, NULL },
	{ "features", LAYER_COUNT, offsetof(struct embedding, features), true, NULL },
	{ "params_from", LAYER_TIE, 0, false, NULL },
	{ .key = NULL }
};

static int
embedding_shape(struct layer *l, const struct network *n, struct err *e)
{
	const struct shape *in = &layer_input(n, l, 0)->shape;
	char text[160];

	if (in->rank == SHAPE_MAX) {
		err_set(e, ERR_INPUT, "expected ids of fewer than %d dimensions, got %s", SHAPE_MAX, shape_text(text, in));
		return err_at(e, "inputs[0]");
	}
	l->shape = *in;
	l->shape.size[l->shape.rank++] = ((const struct embedding *)l->attributes)->features;
	l->dtype = n->dtype;
	return 0;
}

static void
embedding_params(struct layer *l, const struct network *n)
{
	const struct embedding *at = l->attributes;

	l->param_count = 1;
	l->params[0] = (struct layer_param) { (uint64_t)at->vocabulary * at->features, n->dtype, true };
}

static void
embedding_forward(struct emit *m, const struct layer *l)
{
	uint32_t y = emit_output(m, l);
	double bytes = (double)emit_map_bytes(m, l);

	emit_begin(m, "embedding", CLASS_EMBEDDING);
	emit_in_map(m, layer_input(m->net, l, 0));
	emit_in_part(m, emit_param(m, l, 0), bytes);
	emit_out(m, y);
	emit_end(m, (struct op_work) { 0 }, 0);
}

/* The gradient is a whole table, zero in rows that no id names. */
static void
embedding_backward(struct emit *m, const struct layer *l)
{
	uint32_t d = emit_param_grad_tensor(m, l, 0);

	emit_begin(m, "embedding-backward", CLASS_EMBEDDING);
	emit_in_map(m, layer_input(m->net, l, 0));
	emit_in_grad(m, l);
	emit_out(m, d);
	emit_end(m, (struct op_work) { 0 }, 0);
	emit_param_grad(m, l, 0, d);
}

const struct layer_type layer_type_embedding = {
	.name = "embedding", .summary = "rows of a table by id", .min_inputs = 1, .max_inputs = 1, .whole_input = 1,
	.attributes = embedding_attributes, .attributes_bytes = sizeof(struct embedding),
	.shape = embedding_shape, .params = embedding_params, .forward = embedding_forward, .backward = embedding_backward,
};

/* ---- rotary ---- */

struct rotary { uint32_t heads; };

static const struct layer_attribute rotary_attributes[] = {
	{ "heads", LAYER_COUNT, offsetof(struct rotary, heads), true, NULL },
	{ .key = NULL }
};

static int
rotary_shape(struct layer *l, const struct network *n, struct err *e)
{
	uint32_t heads = ((const struct rotary *)l->attributes)->heads;

	if (layer_want_rank(l, n, 2, "a sequence [tokens, features]", e) < 0)
		return -1;
	if (layer_input(n, l, 0)->shape.size[1] % (2 * (uint64_t)heads) != 0) {
		err_set(e, ERR_INPUT, "expected a number of heads of even size in %" PRIu64 " features, got %" PRIu32,
		    layer_input(n, l, 0)->shape.size[1], heads);
		return err_at(e, "heads");
	}
	return layer_shape_same(l, n, e);
}

static void
rotary_forward(struct emit *m, const struct layer *l)
{
	emit_of(m, l)->map = emit_elementwise(m, "rotary", CLASS_ELEMENTWISE, emit_input(m, l, 0), EMIT_NONE,
	    emit_map_bytes(m, l), KIND_ACTIVATION);
}

/* Backward turns by the opposite angles and keeps nothing. */
static void
rotary_backward(struct emit *m, const struct layer *l)
{
	emit_grad(m, l, 0, emit_elementwise(m, "rotary-backward", CLASS_ELEMENTWISE, emit_of(m, l)->grad, EMIT_NONE,
	    emit_map_bytes(m, l), KIND_GRADIENT));
}

const struct layer_type layer_type_rotary = {
	.name = "rotary", .summary = "features turned by their position", .min_inputs = 1, .max_inputs = 1,
	.attributes = rotary_attributes, .attributes_bytes = sizeof(struct rotary),
	.shape = rotary_shape, .forward = rotary_forward, .backward = rotary_backward,
};
