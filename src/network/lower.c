/* SPDX-License-Identifier: Apache-2.0 */
/* lower.c - the walk over a network's layers: forward, backward, update */
#include <config.h>
#include "src/network/lower.h"

#include <string.h>

#include "src/network/emit.h"
#include "src/network/layer.h"

#define ROW(id) &lowering_##id,
const struct lowering *const lowerings[LOWER_COUNT + 1] = { LOWERINGS(ROW) NULL };
#undef ROW

const struct lowering *
lowering_find(const char *name)
{
	for (size_t i = 0; lowerings[i] != NULL; i++)
		if (strcmp(lowerings[i]->name, name) == 0)
			return lowerings[i];
	return NULL;
}

/* The lowering's row for a type of layer; one without passes when there is none. */
static const struct layer_replacement *
replacement(const struct lowering *by, const struct layer_type *type)
{
	static const struct layer_replacement none = { .type = NULL };
	const struct layer_replacement *r = by->replacements == NULL ? &none : by->replacements;

	while (r->type != NULL && r->type != type)
		r++;
	return r;
}

/* A parameter's tensor is made at its first layer; a tied one is that layer's. */
static void
make_params(struct emit *m, const struct layer *l)
{
	struct emitted *out = emit_of(m, l);
	struct emitted_param *p;
	bytes_t bytes;

	for (uint32_t i = 0; i < l->param_count; i++) {
		if (i == 0 && l->params_from != LAYER_NONE) {
			out->params[i] = m->layers[l->params_from].params[0];
			continue;
		}
		bytes = l->params[i].elements * dtype_bytes(l->params[i].dtype);
		p = &ARENA_PUSH(m->arena, m->params, m->param_count, m->param_room)[0];
		*p = (struct emitted_param) { .owner = l, .grad = EMIT_NONE, .sum = EMIT_NONE, .elements = l->params[i].elements,
		    .trained = l->params[i].trained };
		p->tensor = emit_tensor(m, bytes, p->trained ? KIND_PARAMETER : KIND_STATE);
		out->params[i] = (uint32_t)m->param_count - 1;
	}
}

static void
layer_forward(struct emit *m, const struct layer *l)
{
	const struct layer_replacement *r = replacement(m->by, l->type);

	(r->forward != NULL ? r->forward : l->type->forward)(m, l);
}

static void
layer_backward(struct emit *m, const struct layer *l)
{
	const struct layer_replacement *r = replacement(m->by, l->type);

	if (r->backward != NULL)
		r->backward(m, l);
	else if (l->type->backward != NULL)
		l->type->backward(m, l);
}

/* Parameters are made in the first pass and last over all passes. */
static void
begin_layer(struct emit *m, const struct layer *l)
{
	struct emitted *out = emit_of(m, l);

	out->name = m->net->accumulate == 1 ? l->name : arena_printf(m->arena, "%s@%" PRIu32, l->name, m->pass);
	out->grad = EMIT_NONE;
	out->summed = false;
	if (m->pass == 1)
		make_params(m, l);
}

static void
forward(struct emit *m)
{
	const struct network *n = m->net;
	const struct layer *l;

	m->phase = PHASE_FORWARD;
	for (uint32_t i = 0; i < n->layer_count && !m->failed; i++) {
		l = m->layer = &n->layers[i];
		begin_layer(m, l);
		if (layer_is_view(l))
			m->layers[i].map = m->layers[l->inputs[0]].map;
		else
			layer_forward(m, l);
		if (l->result && !m->failed && !kind_is_persistent(m->tensors[m->layers[i].map].kind))
			m->tensors[m->layers[i].map].kind = KIND_RESULT;
	}
}

/* Layers in reverse order, as autograd does. */
static void
backward(struct emit *m)
{
	const struct network *n = m->net;
	const struct layer *l;

	m->phase = PHASE_BACKWARD;
	for (uint32_t i = n->layer_count; i-- > 0 && !m->failed;) {
		l = m->layer = &n->layers[i];
		if (!l->trained || (m->layers[i].grad == EMIT_NONE && (l->type->flags & LAYER_LOSS) == 0))
			continue;
		if (layer_is_view(l))
			emit_grad(m, l, 0, m->layers[i].grad);
		else
			layer_backward(m, l);
	}
}

/* Limits the layers and inputs of all passes together as those of one document. */
static int
check_passes(const struct network *n, struct err *e)
{
	uint64_t words = n->layer_count;

	for (uint32_t i = 0; i < n->layer_count; i++)
		words += n->layers[i].input_count;
	if ((uint64_t)n->layer_count * n->accumulate <= NETWORK_LAYERS_MAX && words * n->accumulate <= NETWORK_WORDS_MAX)
		return 0;
	err_set(e, ERR_INPUT, "expected at most %" PRIu32 " layers and %" PRIu64 " layers and inputs in all passes, got more in %" PRIu32 " of them",
	    NETWORK_LAYERS_MAX, NETWORK_WORDS_MAX, n->accumulate);
	return err_at(e, "accumulate");
}

/* "8", or "8 x 4" for four passes. */
static const char *
batch_text(const struct network *n, struct arena *a)
{
	return n->accumulate == 1 ? arena_printf(a, "%" PRIu32, n->batch) :
	    arena_printf(a, "%" PRIu32 " x %" PRIu32, n->batch, n->accumulate);
}

int
lower(struct graph *g, const struct network *n, const struct lowering *by, const struct device *d, struct arena *a,
    struct err *e)
{
	struct emit m = { .net = n, .device = d, .by = by, .arena = a, .e = e };

	if (check_passes(n, e) < 0)
		return -1;
	m.layers = ARENA_NEW(a, struct emitted, n->layer_count);
	for (m.pass = 1; m.pass <= n->accumulate && !m.failed; m.pass++) {
		forward(&m);
		backward(&m);
		emit_end_pass(&m);
	}
	m.phase = PHASE_UPDATE;
	if (!m.failed)
		emit_update(&m);
	if (m.failed)
		return -1;
	if (m.tensor_count >= EMIT_NONE || m.op_count >= EMIT_NONE)
		return err_set(e, ERR_INPUT, "expected fewer than %" PRIu32 " tensors and ops, got more", EMIT_NONE);
	*g = (struct graph) {
		.name = n->name, .source = arena_printf(a, "network %s, batch %s, lowering %s%s%s", n->name, batch_text(n, a),
		    by->name, d == NULL ? "" : ", op times by roofline of ", d == NULL ? "" : d->name),
		.tensor_count = (uint32_t)m.tensor_count, .op_count = (uint32_t)m.op_count, .peak_time_us = m.peak_time_us, .tensors = m.tensors, .ops = m.ops,
	};
	return graph_check(g, e);
}
