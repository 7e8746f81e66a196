/* SPDX-License-Identifier: Apache-2.0 */
/* layer_moe.c - a mixture of experts: each token goes to its best `top` of several gated MLPs
 *
 * The layer `moe` is five layers: a linear `router`, `route`, `dispatch`, a gated MLP `experts` and `combine`.  Experts get equal
 * numbers of rows: the bound at balance.  Without a capacity each token has `top` rows (dropless, as MegaBlocks and PyTorch's grouped
 * products); with one each expert has capacity * top * tokens / experts rows of a sample, and tokens beyond are dropped (Lepikhin et
 * al., GShard, 2020, which counts capacity in groups, too).  Ops and saved tensors: eager PyTorch. */
#include <config.h>
#include "src/network/emit.h"

#include <math.h>

/* ---- the whole ---- */

struct moe {
	uint32_t experts, top, features, lora;
	double capacity;
};

static const struct layer_attribute moe_attributes[] = {
	{ "experts", LAYER_COUNT, offsetof(struct moe, experts), true, NULL },
	{ "features", LAYER_COUNT, offsetof(struct moe, features), true, NULL },
	{ "top", LAYER_COUNT, offsetof(struct moe, top), false, NULL },
	{ "capacity", LAYER_REAL, offsetof(struct moe, capacity), false, NULL },
	{ "lora", LAYER_INDEX, offsetof(struct moe, lora), false, NULL },
	{ .key = NULL }
};
static const struct moe moe_defaults = { .top = 2 };

static bool
moe_parts(json_t **list, const struct layer *l, const struct network *n)
{
	const struct moe *at = l->attributes;

	(void)n;
	*list = json_pack("[{s:s, s:s, s:I, s:b}, {s:s, s:s, s:I, s:f}, {s:s, s:s, s:[s, s]}, {s:s, s:s, s:I, s:I, s:I}, {s:s, s:s, s:[s, s]}]",
	    "name", "router", "type", "linear", "features", (json_int_t)at->experts, "bias", false,
	    "name", "route", "type", "route", "top", (json_int_t)at->top, "capacity", at->capacity,
	    "name", "dispatch", "type", "dispatch", "inputs", "in", "route",
	    "name", "experts", "type", "gated-mlp", "features", (json_int_t)at->features, "experts", (json_int_t)at->experts,
	    "lora", (json_int_t)at->lora,
	    "name", "combine", "type", "combine", "inputs", "experts", "route");
	return true;
}

const struct layer_type layer_type_moe = {
	.name = "moe", .summary = "mixture of experts: router, route, dispatch, experts, combine", .min_inputs = 1, .max_inputs = 1,
	.attributes = moe_attributes, .attributes_bytes = sizeof(struct moe), .defaults = &moe_defaults, .parts = moe_parts,
};

/* ---- route: from the router's logits [tokens, experts] to the weights [tokens, top] of the best experts ---- */

/* The tensors that `route` keeps: for its own backward probabilities, choice, values and sums; for dispatch and combine the order of the rows. */
enum { PROBABILITIES, CHOICE, VALUES, SUMS, ORDER, TOKENS };

struct route {
	uint32_t top;
	double capacity;	/* 0: no limit */
};

static const struct layer_attribute route_attributes[] = {
	{ "top", LAYER_COUNT, offsetof(struct route, top), true, NULL },
	{ "capacity", LAYER_REAL, offsetof(struct route, capacity), false, NULL },
	{ .key = NULL }
};

static int
route_shape(struct layer *l, const struct network *n, struct err *e)
{
	const struct shape *in = &layer_input(n, l, 0)->shape;
	uint32_t top = ((const struct route *)l->attributes)->top;

	if (layer_want_rank(l, n, 2, "logits [tokens, experts]", e) < 0)
		return -1;
	l->shape = (struct shape) { 2, { in->size[0], top } };
	if (top <= in->size[1])
		return 0;
	err_set(e, ERR_INPUT, "expected at most the %" PRIu64 " experts, got %" PRIu32, in->size[1], top);
	return err_at(e, "top");
}

/* Rows of a sample that all experts together get. */
static uint64_t
rows(const struct network *n, const struct layer *route)
{
	const struct route *at = route->attributes;
	uint64_t experts = layer_input(n, route, 0)->shape.size[1], all = shape_elements(&route->shape);

	/* Too many for any map stay too many in 64 bits. */
	return at->capacity <= 0 ? all : (uint64_t)fmin((double)experts * ceil(at->capacity * (double)all / (double)experts), 1e18);
}

static bytes_t
row_bytes(struct emit *m, const struct layer *l, const struct layer *route, uint64_t values, enum dtype t)
{
	uint64_t n;

	return emit_bytes(m, l, __builtin_mul_overflow(rows(m->net, route), values, &n) ? UINT64_MAX : n, t);
}

/* An op of the router from tensor a, and from b (EMIT_NONE: none), to a new tensor. */
static uint32_t
step(struct emit *m, const char *name, uint32_t a, uint32_t b, bytes_t bytes, enum kind kind)
{
	uint32_t out = emit_tensor(m, bytes, kind);

	emit_begin(m, name, CLASS_ELEMENTWISE);
	emit_in(m, a);
	if (b != EMIT_NONE)
		emit_in(m, b);
	emit_out(m, out);
	emit_end(m, (struct op_work) { 0 }, 0);
	return out;
}

static void
route_forward(struct emit *m, const struct layer *l)
{
	struct emitted *out = emit_of(m, l);
	const struct layer *in = layer_input(m->net, l, 0);
	bytes_t weights = emit_map_bytes(m, l);
	uint64_t choices = shape_elements(&l->shape);

	out->saved[PROBABILITIES] = emit_elementwise(m, "softmax", CLASS_ACTIVATION, emit_input(m, l, 0), EMIT_NONE, emit_map_bytes(m, in),
	    KIND_ACTIVATION);
	out->saved[VALUES] = emit_tensor(m, weights, KIND_ACTIVATION);
	out->saved[CHOICE] = emit_tensor(m, emit_bytes(m, l, choices, DTYPE_INT64), KIND_ACTIVATION);
	emit_begin(m, "top-k", CLASS_ELEMENTWISE);
	emit_in(m, out->saved[PROBABILITIES]);
	emit_out(m, out->saved[VALUES]);
	emit_out(m, out->saved[CHOICE]);
	emit_end(m, (struct op_work) { 0 }, 0);
	out->saved[SUMS] = step(m, "sum", out->saved[VALUES], EMIT_NONE, emit_bytes(m, l, l->shape.size[0], l->dtype), KIND_ACTIVATION);
	out->map = step(m, "divide", out->saved[VALUES], out->saved[SUMS], weights, KIND_ACTIVATION);
	out->saved[ORDER] = step(m, "sort", out->saved[CHOICE], EMIT_NONE, row_bytes(m, l, l, 1, DTYPE_INT64), KIND_ACTIVATION);
	out->saved[TOKENS] = step(m, "divide", out->saved[ORDER], EMIT_NONE, row_bytes(m, l, l, 1, DTYPE_INT64), KIND_ACTIVATION);
}

static void
route_backward(struct emit *m, const struct layer *l)
{
	const struct emitted *out = emit_of(m, l);
	const struct layer *in = layer_input(m->net, l, 0);
	uint32_t d = emit_tensor(m, emit_map_bytes(m, l), KIND_GRADIENT), p;

	emit_begin(m, "divide-backward", CLASS_ELEMENTWISE);
	emit_in(m, out->saved[VALUES]);
	emit_in(m, out->saved[SUMS]);
	emit_in_grad(m, l);
	emit_out(m, d);
	emit_end(m, (struct op_work) { 0 }, 0);
	p = step(m, "top-k-backward", d, out->saved[CHOICE], emit_map_bytes(m, in), KIND_GRADIENT);
	emit_grad(m, l, 0, emit_elementwise(m, "softmax-backward", CLASS_ACTIVATION, out->saved[PROBABILITIES], p, emit_map_bytes(m, in),
	    KIND_GRADIENT));
}

const struct layer_type layer_type_route = {
	.name = "route", .summary = "weights of each token's best experts", .min_inputs = 1, .max_inputs = 1,
	.attributes = route_attributes, .attributes_bytes = sizeof(struct route),
	.shape = route_shape, .forward = route_forward, .backward = route_backward,
};

/* ---- dispatch: the tokens [tokens, features] as rows, expert by expert ---- */

static int
want_route(const struct network *n, const struct layer *l, struct err *e)
{
	const struct layer *route = layer_input(n, l, 1);
	char q[48];

	if (route->type == &layer_type_route)
		return layer_want_rank(l, n, 2, "a sequence [tokens, features]", e);
	err_set(e, ERR_INPUT, "expected a layer 'route', got '%s' of type '%s'", err_quote(q, route->name), route->type->name);
	return err_at(e, "inputs[1]");
}

static int
dispatch_shape(struct layer *l, const struct network *n, struct err *e)
{
	const struct shape *in = &layer_input(n, l, 0)->shape, *route = &layer_input(n, l, 1)->shape;
	char text[160];

	if (want_route(n, l, e) < 0)
		return -1;
	l->shape = (struct shape) { 2, { rows(n, layer_input(n, l, 1)), in->size[1] } };
	if (in->size[0] == route->size[0])
		return 0;
	err_set(e, ERR_INPUT, "expected the %" PRIu64 " tokens of the routing, got %s", route->size[0], shape_text(text, in));
	return err_at(e, "inputs[0]");
}

static uint32_t
kept(struct emit *m, const struct layer *l, int what)
{
	return emit_of(m, layer_input(m->net, l, 1))->saved[what];
}

static void
dispatch_forward(struct emit *m, const struct layer *l)
{
	uint32_t y = emit_output(m, l);

	emit_begin(m, "dispatch", CLASS_EMBEDDING);
	emit_in_part(m, emit_input(m, l, 0), (double)emit_map_bytes(m, l));
	emit_in(m, kept(m, l, TOKENS));
	emit_out(m, y);
	emit_end(m, (struct op_work) { 0 }, 0);
}

/* The rows of a token are added up. */
static void
dispatch_backward(struct emit *m, const struct layer *l)
{
	uint32_t dx;

	if (!emit_wants(m, l, 0))
		return;
	dx = emit_like(m, layer_input(m->net, l, 0), KIND_GRADIENT);
	emit_begin(m, "dispatch-backward", CLASS_EMBEDDING);
	emit_in(m, kept(m, l, TOKENS));
	emit_end_backward(m, l, dx);
}

const struct layer_type layer_type_dispatch = {
	.name = "dispatch", .summary = "tokens as the experts' rows", .min_inputs = 2, .max_inputs = 2,
	.shape = dispatch_shape, .forward = dispatch_forward, .backward = dispatch_backward,
};

/* ---- combine: each token's rows times their weights, added up ---- */

static int
combine_shape(struct layer *l, const struct network *n, struct err *e)
{
	const struct shape *in = &layer_input(n, l, 0)->shape;
	const struct layer *route = layer_input(n, l, 1);
	char text[160];

	if (want_route(n, l, e) < 0)
		return -1;
	l->shape = (struct shape) { 2, { route->shape.size[0], in->size[1] } };
	if (in->size[0] == rows(n, route))
		return 0;
	err_set(e, ERR_INPUT, "expected the %" PRIu64 " rows of the routing, got %s", rows(n, route), shape_text(text, in));
	return err_at(e, "inputs[0]");
}

/* saved: the weight of each row, and the products */
static void
combine_forward(struct emit *m, const struct layer *l)
{
	struct emitted *out = emit_of(m, l);
	const struct layer *in = layer_input(m->net, l, 0), *route = layer_input(m->net, l, 1);
	uint32_t products = emit_like(m, in, KIND_ACTIVATION), y = emit_output(m, l);

	out->saved[0] = step(m, "gather", emit_of(m, route)->map, kept(m, l, ORDER), row_bytes(m, l, route, 1, l->dtype), KIND_ACTIVATION);
	emit_begin(m, "multiply", CLASS_ELEMENTWISE);
	out->saved[1] = products;
	emit_in_map(m, in);
	emit_in(m, out->saved[0]);
	emit_out(m, products);
	emit_end(m, (struct op_work) { 0 }, 0);
	emit_begin(m, "combine", CLASS_EMBEDDING);
	emit_in(m, products);
	emit_in(m, kept(m, l, TOKENS));
	emit_out(m, y);
	emit_end(m, (struct op_work) { 0 }, 0);
}

/* The gradient of the weights, from that of the products: a sum over each row. */
static void
weights_backward(struct emit *m, const struct layer *l, uint32_t d)
{
	const struct layer *in = layer_input(m->net, l, 0), *route = layer_input(m->net, l, 1);
	uint32_t rows_d = emit_tensor(m, row_bytes(m, l, route, 1, l->dtype), KIND_GRADIENT);

	emit_begin(m, "multiply-backward", CLASS_ELEMENTWISE);
	emit_in_map(m, in);
	emit_in(m, d);
	emit_out(m, rows_d);
	emit_end(m, (struct op_work) { 0 }, 0);
	emit_grad(m, l, 1, step(m, "gather-backward", rows_d, kept(m, l, ORDER), emit_map_bytes(m, route), KIND_GRADIENT));
}

static void
combine_backward(struct emit *m, const struct layer *l)
{
	const struct emitted *out = emit_of(m, l);
	const struct layer *in = layer_input(m->net, l, 0);
	uint32_t d = emit_like(m, in, KIND_GRADIENT), dx;

	emit_begin(m, "combine-backward", CLASS_EMBEDDING);
	emit_in_grad(m, l);
	emit_in(m, kept(m, l, TOKENS));
	if (m->by->holds_for_shape)
		emit_in_part(m, out->saved[1], 0);
	emit_out(m, d);
	emit_end(m, (struct op_work) { 0 }, 0);
	if (emit_wants(m, l, 1))
		weights_backward(m, l, d);
	if (!emit_wants(m, l, 0))
		return;
	dx = emit_like(m, in, KIND_GRADIENT);
	emit_begin(m, "multiply-backward", CLASS_ELEMENTWISE);
	emit_in(m, out->saved[0]);
	emit_in(m, d);
	emit_out(m, dx);
	emit_share(m, d, dx);
	emit_end(m, (struct op_work) { 0 }, 0);
	emit_grad(m, l, 0, dx);
}

const struct layer_type layer_type_combine = {
	.name = "combine", .summary = "the experts' rows as tokens, weighted", .min_inputs = 2, .max_inputs = 2, .flags = LAYER_SAVES_INPUT,
	.shape = combine_shape, .forward = combine_forward, .backward = combine_backward,
};
