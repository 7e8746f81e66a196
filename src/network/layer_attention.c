/* SPDX-License-Identifier: Apache-2.0 */
/* layer_attention.c - scaled dot-product attention
 *
 * Fused: one op keeps its output and one number for each row, and its backward calculates the probabilities again
 * (FlashAttention, Dao et al. 2022).  Plain: products, softmax and dropout are ops of their own, with all
 * probabilities kept.  A last input may be added to the scores: one number a head and pair of tokens.
 */
#include <config.h>
#include "src/network/emit.h"

struct attention {
	uint32_t heads, kv_heads;	/* kv_heads 0: as many as heads */
	bool fused, causal, copy_kv, alibi;
	double dropout;
};

static const struct layer_attribute attributes[] = {
	{ "heads", LAYER_COUNT, offsetof(struct attention, heads), true, NULL },
	{ "kv_heads", LAYER_COUNT, offsetof(struct attention, kv_heads), false, NULL },
	{ "fused", LAYER_BOOL, offsetof(struct attention, fused), false, NULL },
	{ "causal", LAYER_BOOL, offsetof(struct attention, causal), false, NULL },
	{ "copy_kv", LAYER_BOOL, offsetof(struct attention, copy_kv), false, NULL },
	{ "alibi", LAYER_BOOL, offsetof(struct attention, alibi), false, NULL },
	{ "dropout", LAYER_REAL, offsetof(struct attention, dropout), false, NULL },
	{ .key = NULL }
};
static const struct attention defaults = { .fused = true };

enum { BIAS_NONE = UINT32_MAX };

/* Queries, keys and values lie in one input. */
static bool
is_packed(const struct layer *l)
{
	return l->input_count <= 2;
}

/* The input that is added to the scores, or BIAS_NONE. */
static uint32_t
bias_input(const struct layer *l)
{
	return l->input_count % 2 == 0 ? l->input_count - 1 : BIAS_NONE;
}

/* The sizes that every op's bytes and FLOPs follow from. */
struct sizes {
	uint64_t heads, kv_heads, tokens, kv_tokens, features;	/* features of one head */
};

static struct sizes
sizes_of(const struct network *n, const struct layer *l)
{
	const struct attention *at = l->attributes;
	struct sizes s = { .heads = at->heads, .kv_heads = at->kv_heads > 0 ? at->kv_heads : at->heads };
	const struct shape *q = &layer_input(n, l, 0)->shape;

	s.tokens = q->size[0];
	s.kv_tokens = layer_input(n, l, is_packed(l) ? 0 : 1)->shape.size[0];
	s.features = q->size[1] / (is_packed(l) ? s.heads + 2 * s.kv_heads : s.heads);
	return s;
}

static int
wrong_shape(const struct network *n, const struct layer *l, uint32_t i, const char *what, struct err *e)
{
	char text[160];

	err_set(e, ERR_INPUT, "expected %s, got %s", what, shape_text(text, &layer_input(n, l, i)->shape));
	return err_at(e, "inputs[%" PRIu32 "]", i);
}

/* One number for each head and pair of tokens; one head stands for all. */
static int
check_bias(const struct network *n, const struct layer *l, const struct sizes *s, struct err *e)
{
	uint32_t i = bias_input(l);
	const struct shape *in = i == BIAS_NONE ? NULL : &layer_input(n, l, i)->shape;

	if (in == NULL || (in->rank == 3 && (in->size[0] == s->heads || in->size[0] == 1) && in->size[1] == s->tokens && in->size[2] == s->kv_tokens))
		return 0;
	return wrong_shape(n, l, i, "[heads, tokens, tokens of keys]", e);
}

static int
shape(struct layer *l, const struct network *n, struct err *e)
{
	const struct attention *at = l->attributes;
	const struct shape *q = &layer_input(n, l, 0)->shape, *in;
	struct sizes s;
	bool packed = is_packed(l);

	if (layer_want_rank(l, n, 2, "a sequence [tokens, features]", e) < 0)
		return -1;
	s = sizes_of(n, l);
	if (s.heads % s.kv_heads != 0) {
		err_set(e, ERR_INPUT, "expected a number that divides %" PRIu64 " heads, got %" PRIu64, s.heads, s.kv_heads);
		return err_at(e, "kv_heads");
	}
	if (q->size[1] != s.features * (packed ? s.heads + 2 * s.kv_heads : s.heads) || s.features == 0)
		return wrong_shape(n, l, 0, packed ? "[tokens, (heads + 2 kv_heads) * d]" : "[tokens, heads * d]", e);
	for (uint32_t i = 1; i < 3 && !packed; i++) {
		in = &layer_input(n, l, i)->shape;
		if (in->rank != 2 || in->size[1] != s.kv_heads * s.features || in->size[0] != s.kv_tokens)
			return wrong_shape(n, l, i, "[tokens, kv_heads * d]", e);
	}
	if (check_bias(n, l, &s, e) < 0)
		return -1;
	if (at->dropout > 1) {
		err_set(e, ERR_INPUT, "expected a number from 0 to 1, got %g", at->dropout);
		return err_at(e, "dropout");
	}
	l->shape = (struct shape) { 2, { s.tokens, s.heads * s.features } };
	return 0;
}

/* ---- parts of the input ---- */

enum { Q, K, V, PARTS };

static uint64_t
part_elements(const struct emit *m, const struct layer *l, int part)
{
	struct sizes s = sizes_of(m->net, l);

	return part == Q ? s.tokens * s.heads * s.features : s.kv_tokens * s.kv_heads * s.features;
}

static bytes_t
part_bytes(struct emit *m, const struct layer *l, int part)
{
	return emit_bytes(m, l, part_elements(m, l, part), l->dtype);
}

/* Keys and values are copied out of the one input and kept. */
static bool
copies_kv(const struct emit *m, const struct layer *l)
{
	return m->by->code_attributes && is_packed(l) && ((const struct attention *)l->attributes)->copy_kv;
}

/* The tensor that holds a part: the one input, an input of its own, or a copy that forward kept. */
static uint32_t
part_tensor(struct emit *m, const struct layer *l, int part)
{
	if (part != Q && copies_kv(m, l))
		return emit_of(m, l)->saved[1 + part];
	return emit_input(m, l, is_packed(l) ? 0 : (uint32_t)part);
}

static void
in_part(struct emit *m, const struct layer *l, int part)
{
	emit_in_once(m, part_tensor(m, l, part), (double)part_bytes(m, l, part));
}

/* Gradients of the parts.  Those of one input lie side by side in one tensor (together), or are made
 * apart and then copied into one. */
struct part_grads {
	uint32_t tensor[PARTS];		/* EMIT_NONE: not wanted */
	bool together;
};

static struct part_grads
make_grads(struct emit *m, const struct layer *l)
{
	struct part_grads g = { .together = is_packed(l) && !m->by->packed_gradients_apart };

	for (int i = 0; i < PARTS; i++) {
		if (!emit_wants(m, l, is_packed(l) ? 0 : (uint32_t)i))
			g.tensor[i] = EMIT_NONE;
		else if (g.together)
			g.tensor[i] = i == 0 ? emit_like(m, layer_input(m->net, l, 0), KIND_GRADIENT) : g.tensor[0];
		else
			g.tensor[i] = emit_tensor(m, part_bytes(m, l, i), KIND_GRADIENT);
	}
	return g;
}

static void
out_grad(struct emit *m, const struct layer *l, const struct part_grads *g, int part)
{
	if (g->tensor[part] != EMIT_NONE)
		emit_out_once(m, g->tensor[part], (double)part_bytes(m, l, part));
}

static void
hand_over(struct emit *m, const struct layer *l, const struct part_grads *g)
{
	uint32_t all;

	if (!is_packed(l)) {
		for (uint32_t i = 0; i < PARTS; i++)
			if (g->tensor[i] != EMIT_NONE)
				emit_grad(m, l, i, g->tensor[i]);
		return;
	}
	all = g->tensor[0];
	if (all == EMIT_NONE)
		return;
	if (!g->together) {
		all = emit_like(m, layer_input(m->net, l, 0), KIND_GRADIENT);
		emit_begin(m, "concat", CLASS_COPY);
		for (int i = 0; i < PARTS; i++)
			emit_in(m, g->tensor[i]);
		emit_out(m, all);
		emit_end(m, (struct op_work) { 0 }, 0);
	}
	emit_grad(m, l, 0, all);
}

/* ---- the bias of the scores ---- */

static bytes_t
score_bytes(struct emit *m, const struct layer *l, enum dtype t)
{
	struct sizes s = sizes_of(m->net, l);
	uint64_t n;

	if (__builtin_mul_overflow(s.heads * s.tokens, s.kv_tokens, &n))
		n = UINT64_MAX;
	return emit_bytes(m, l, n, t);
}

static void
in_bias(struct emit *m, const struct layer *l)
{
	if (bias_input(l) != BIAS_NONE)
		emit_in_map(m, layer_input(m->net, l, bias_input(l)));
}

static bool
wants_bias(const struct emit *m, const struct layer *l)
{
	return bias_input(l) != BIAS_NONE && emit_wants(m, l, bias_input(l));
}

/* The gradient of the bias: that of the scores, summed over the samples. */
static void
bias_backward(struct emit *m, const struct layer *l, uint32_t d)
{
	uint32_t out;

	if (!wants_bias(m, l))
		return;
	out = emit_like(m, layer_input(m->net, l, bias_input(l)), KIND_GRADIENT);
	emit_begin(m, "sum", CLASS_ELEMENTWISE);
	emit_in(m, d);
	emit_out(m, out);
	emit_end(m, (struct op_work) { 0 }, 0);
	emit_grad(m, l, bias_input(l), out);
}

/* ---- fused ---- */

/* FLOPs of `count` products of tokens x kv_tokens x features; a fused causal one leaves half of each out. */
static struct op_work
products(const struct emit *m, const struct layer *l, double count)
{
	const struct attention *at = l->attributes;
	struct sizes s = sizes_of(m->net, l);
	double one = 2 * emit_rows(m, l) * (double)(s.heads * s.tokens) * (double)(s.kv_tokens * s.features);

	return (struct op_work) { .flops = count * one * (at->causal && at->fused ? 0.5 : 1) };
}

/* One float32 for each row and head; rows are padded to a multiple of 32, as the kernels do. */
static bytes_t
row_sums_bytes(struct emit *m, const struct layer *l)
{
	struct sizes s = sizes_of(m->net, l);

	return emit_bytes(m, l, s.heads * ((s.tokens + 31) / 32 * 32), DTYPE_FLOAT32);
}

static void
copy_keys_and_values(struct emit *m, const struct layer *l)
{
	uint32_t from = emit_input(m, l, 0);

	for (int i = K; i <= V; i++)
		emit_of(m, l)->saved[1 + i] = emit_elementwise(m, "copy", CLASS_COPY, from, EMIT_NONE, part_bytes(m, l, i),
		    KIND_ACTIVATION);
}

static void
fused_forward(struct emit *m, const struct layer *l)
{
	uint32_t y = emit_output(m, l);
	uint32_t sums = emit_tensor(m, row_sums_bytes(m, l), KIND_ACTIVATION);

	emit_of(m, l)->saved[0] = sums;
	emit_begin(m, "attention", CLASS_ATTENTION);
	for (int i = 0; i < PARTS; i++)
		in_part(m, l, i);
	in_bias(m, l);
	emit_out(m, y);
	emit_out(m, sums);
	emit_end(m, products(m, l, 2), 0);
}

/* Five products: the scores again, and the gradients of v, probabilities, q and k.  The workspace
 * holds the gradient of q in float32 and one sum for each row. */
static void
fused_backward(struct emit *m, const struct layer *l)
{
	const struct emitted *out = emit_of(m, l);
	struct part_grads g = make_grads(m, l);
	bytes_t workspace = 0;
	uint32_t scores = wants_bias(m, l) ? emit_tensor(m, score_bytes(m, l, l->dtype), KIND_GRADIENT) : EMIT_NONE;

	if (m->device != NULL)
		workspace = emit_bytes(m, l, part_elements(m, l, Q), DTYPE_FLOAT32) + row_sums_bytes(m, l);
	emit_begin(m, "attention-backward", CLASS_ATTENTION);
	for (int i = 0; i < PARTS; i++)
		in_part(m, l, i);
	in_bias(m, l);
	emit_in(m, out->map);
	emit_in(m, out->saved[0]);
	emit_in_grad(m, l);
	for (int i = 0; i < PARTS; i++)
		out_grad(m, l, &g, i);
	if (scores != EMIT_NONE)
		emit_out(m, scores);
	emit_end(m, products(m, l, 5), workspace);
	bias_backward(m, l, scores);
	hand_over(m, l, &g);
}

/* ---- plain ---- */

/* A batched product that reads parts (PARTS: none) and a tensor of scores (EMIT_NONE: none), and writes `out`. */
static void
product(struct emit *m, const struct layer *l, const char *name, int part_a, int part_b, uint32_t scores, uint32_t out)
{
	emit_begin(m, name, CLASS_LINEAR);
	if (part_a < PARTS)
		in_part(m, l, part_a);
	if (part_b < PARTS)
		in_part(m, l, part_b);
	if (scores != EMIT_NONE)
		emit_in(m, scores);
	emit_out(m, out);
	emit_end(m, products(m, l, 1), 0);
}

/* saved: probabilities, dropout's mask, probabilities after dropout */
static void
plain_forward(struct emit *m, const struct layer *l)
{
	const struct attention *at = l->attributes;
	struct emitted *out = emit_of(m, l);
	bytes_t bytes = score_bytes(m, l, l->dtype);
	uint32_t scores = emit_tensor(m, bytes, KIND_ACTIVATION);

	product(m, l, "attention-scores", Q, K, EMIT_NONE, scores);
	if (bias_input(l) != BIAS_NONE) {
		emit_begin(m, "add", CLASS_ELEMENTWISE);
		emit_in(m, scores);
		in_bias(m, l);
		emit_out(m, scores);
		emit_end(m, (struct op_work) { 0 }, 0);
	}
	out->saved[0] = emit_elementwise(m, "softmax", CLASS_ACTIVATION, scores, EMIT_NONE, bytes, KIND_ACTIVATION);
	out->saved[2] = out->saved[0];
	if (at->dropout > 0) {
		out->saved[1] = emit_tensor(m, score_bytes(m, l, DTYPE_UINT8), KIND_ACTIVATION);
		out->saved[2] = emit_tensor(m, bytes, KIND_ACTIVATION);
		emit_begin(m, "dropout", CLASS_ACTIVATION);
		emit_in(m, out->saved[0]);
		emit_out(m, out->saved[2]);
		emit_out(m, out->saved[1]);
		emit_end(m, (struct op_work) { 0 }, 0);
	}
	emit_output(m, l);
	product(m, l, "attention-output", V, PARTS, out->saved[2], out->map);
}

static void
plain_scores_backward(struct emit *m, const struct layer *l, uint32_t d, const struct part_grads *g)
{
	for (int i = Q; i <= K; i++) {
		if (g->tensor[i] == EMIT_NONE)
			continue;
		emit_begin(m, "attention-scores-backward", CLASS_LINEAR);
		in_part(m, l, i == Q ? K : Q);
		emit_in(m, d);
		/* The op writes one part of the tensor; the other parts stay. */
		if (g->together)
			emit_in_part(m, g->tensor[i], 0);
		out_grad(m, l, g, i);
		emit_end(m, products(m, l, 1), 0);
	}
}

static void
plain_backward(struct emit *m, const struct layer *l)
{
	const struct attention *at = l->attributes;
	const struct emitted *out = emit_of(m, l);
	bytes_t bytes = score_bytes(m, l, l->dtype);
	/* Without a gradient of q, k or the bias, that of the scores is not made. */
	bool scores = (is_packed(l) && emit_wants(m, l, 0)) || (!is_packed(l) && (emit_wants(m, l, Q) || emit_wants(m, l, K))) || wants_bias(m, l);
	uint32_t d = scores ? emit_tensor(m, bytes, KIND_GRADIENT) : EMIT_NONE, masked;
	struct part_grads g = make_grads(m, l);

	if (g.tensor[V] != EMIT_NONE) {
		emit_begin(m, "attention-output-backward", CLASS_LINEAR);
		emit_in(m, out->saved[2]);
		emit_in_grad(m, l);
		out_grad(m, l, &g, V);
		emit_end(m, products(m, l, 1), 0);
	}
	if (!scores) {
		hand_over(m, l, &g);
		return;
	}
	emit_begin(m, "attention-output-backward", CLASS_LINEAR);
	in_part(m, l, V);
	emit_in_grad(m, l);
	emit_out(m, d);
	emit_end(m, products(m, l, 1), 0);
	if (at->dropout > 0) {
		masked = emit_tensor(m, bytes, KIND_GRADIENT);
		emit_begin(m, "dropout-backward", CLASS_ACTIVATION);
		emit_in(m, out->saved[1]);
		emit_in(m, d);
		emit_out(m, masked);
		emit_share(m, d, masked);
		emit_end(m, (struct op_work) { 0 }, 0);
		d = masked;
	}
	d = emit_elementwise(m, "softmax-backward", CLASS_ACTIVATION, out->saved[0], d, bytes, KIND_GRADIENT);
	bias_backward(m, l, d);
	plain_scores_backward(m, l, d, &g);
	hand_over(m, l, &g);
}

static void
forward(struct emit *m, const struct layer *l)
{
	if (copies_kv(m, l))
		copy_keys_and_values(m, l);
	if (((const struct attention *)l->attributes)->fused)
		fused_forward(m, l);
	else
		plain_forward(m, l);
}

static void
backward(struct emit *m, const struct layer *l)
{
	if (((const struct attention *)l->attributes)->fused)
		fused_backward(m, l);
	else
		plain_backward(m, l);
}

const struct layer_type layer_type_attention = {
	.name = "attention", .summary = "scaled dot-product attention, fused or plain", .min_inputs = 1, .max_inputs = 4,
	.flags = LAYER_SAVES_INPUT | LAYER_SAVES_OUTPUT,
	.attributes = attributes, .attributes_bytes = sizeof(struct attention), .defaults = &defaults,
	.shape = shape, .forward = forward, .backward = backward,
};
