/* SPDX-License-Identifier: Apache-2.0 */
/* layer_position.c - what attention adds to its scores for the distance of two tokens, one number a head and pair of tokens:
 * learned for each range of distances (relative-bias; Raffel et al., T5, 2020), or given (alibi; Press et al., ALiBi, 2022) */
#include <config.h>
#include "src/network/emit.h"

struct position { uint32_t heads, buckets; };

static const struct layer_attribute relative_attributes[] = {
	{ "heads", LAYER_COUNT, offsetof(struct position, heads), true, NULL },
	{ "buckets", LAYER_COUNT, offsetof(struct position, buckets), false, NULL },
	{ .key = NULL }
};
static const struct position relative_defaults = { .buckets = 32 };

static const struct layer_attribute alibi_attributes[] = {
	{ "heads", LAYER_COUNT, offsetof(struct position, heads), true, NULL },
	{ .key = NULL }
};

static int
shape(struct layer *l, const struct network *n, struct err *e)
{
	uint64_t tokens;

	if (layer_want_rank(l, n, 2, "a sequence [tokens, features]", e) < 0)
		return -1;
	tokens = layer_input(n, l, 0)->shape.size[0];
	l->shape = (struct shape) { 3, { ((const struct position *)l->attributes)->heads, tokens, tokens } };
	return 0;
}

static void
relative_params(struct layer *l, const struct network *n)
{
	const struct position *at = l->attributes;

	l->param_count = 1;
	l->params[0] = (struct layer_param) { (uint64_t)at->buckets * at->heads, n->dtype, true };
}

/* saved: the range of each distance, int64 */
static void
relative_forward(struct emit *m, const struct layer *l)
{
	struct emitted *out = emit_of(m, l);
	uint32_t y = emit_output(m, l);

	out->saved[0] = emit_tensor(m, emit_bytes(m, l, l->shape.size[1] * l->shape.size[2], DTYPE_INT64), KIND_ACTIVATION);
	emit_begin(m, "distances", CLASS_ELEMENTWISE);
	emit_out(m, out->saved[0]);
	emit_end(m, (struct op_work) { 0 }, 0);
	emit_begin(m, "embedding", CLASS_EMBEDDING);
	emit_in(m, out->saved[0]);
	emit_in(m, emit_param(m, l, 0));
	emit_out(m, y);
	emit_end(m, (struct op_work) { 0 }, 0);
}

static void
relative_backward(struct emit *m, const struct layer *l)
{
	uint32_t d;

	emit_begin(m, "embedding-backward", CLASS_EMBEDDING);
	emit_in(m, emit_of(m, l)->saved[0]);
	emit_in_grad(m, l);
	emit_out(m, d = emit_param_grad_tensor(m, l, 0));
	emit_end(m, (struct op_work) { 0 }, 0);
	emit_param_grad(m, l, 0, d);
}

static void
alibi_forward(struct emit *m, const struct layer *l)
{
	uint32_t y = emit_output(m, l);

	emit_begin(m, "alibi", CLASS_ELEMENTWISE);
	emit_out(m, y);
	emit_end(m, (struct op_work) { 0 }, 0);
}

const struct layer_type layer_type_relative_bias = {
	.name = "relative-bias", .summary = "learned bias of attention for each distance", .min_inputs = 1, .max_inputs = 1,
	.flags = LAYER_NO_BATCH | LAYER_SHAPE_ONLY,
	.attributes = relative_attributes, .attributes_bytes = sizeof(struct position), .defaults = &relative_defaults,
	.shape = shape, .params = relative_params, .forward = relative_forward, .backward = relative_backward,
};

const struct layer_type layer_type_alibi = {
	.name = "alibi", .summary = "linear bias of attention for each distance", .min_inputs = 1, .max_inputs = 1,
	.flags = LAYER_NO_BATCH | LAYER_SHAPE_ONLY,
	.attributes = alibi_attributes, .attributes_bytes = sizeof(struct position), .shape = shape, .forward = alibi_forward,
};
