/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>
#include "src/network/lower.h"

#include "src/network/emit.h"
#include "src/network/lower_caffe.h"

const struct lowering lowerings[LOWER_COUNT + 1] = {
	[LOWER_REUSE] = { "reuse", "split where memory can be used again: convolution backward is filter, then data" },
	[LOWER_FRAMEWORK] = { "framework", "fused and saved as PyTorch does" },
	[LOWER_CAFFE] = { "caffe", "with all that Caffe keeps: temporaries of batch norm and scale, masks, a gradient for every reader" },
	[LOWER_COUNT] = { NULL, NULL },
};

/* A parameter is made where its first layer stands; a tied one is found there. */
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
		*p = (struct emitted_param) { .owner = l, .grad = EMIT_NONE, .elements = l->params[i].elements,
		    .trained = l->params[i].trained };
		p->tensor = emit_tensor(m, bytes, p->trained ? KIND_PARAMETER : KIND_STATE);
		out->params[i] = (uint32_t)m->param_count - 1;
	}
}

static void
forward(struct emit *m)
{
	const struct network *n = m->net;
	const struct layer *l;

	m->phase = PHASE_FORWARD;
	for (uint32_t i = 0; i < n->layer_count && !m->failed; i++) {
		l = m->layer = &n->layers[i];
		m->layers[i].grad = EMIT_NONE;
		make_params(m, l);
		if (layer_is_view(l))
			m->layers[i].map = m->layers[l->inputs[0]].map;
		else if (!m->caffe || !caffe_forward(m, l))
			l->type->forward(m, l);
	}
}

/* The reverse of forward: as autograd does, the layer made last goes first. */
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
		else if ((!m->caffe || !caffe_backward(m, l)) && l->type->backward != NULL)
			l->type->backward(m, l);
	}
}

int
lower(struct graph *g, const struct network *n, int lowering, const struct device *d, struct arena *a, struct err *e)
{
	struct emit m = { .net = n, .device = d,
	    .framework = lowering == LOWER_FRAMEWORK, .caffe = lowering == LOWER_CAFFE, .arena = a, .e = e };

	m.layers = ARENA_NEW(a, struct emitted, n->layer_count);
	forward(&m);
	backward(&m);
	m.phase = PHASE_UPDATE;
	if (!m.failed)
		emit_update(&m);
	if (m.failed)
		return -1;
	if (m.tensor_count >= EMIT_NONE || m.op_count >= EMIT_NONE)
		return err_set(e, ERR_INPUT, "expected fewer than %" PRIu32 " tensors and ops, got more", EMIT_NONE);
	*g = (struct graph) {
		.name = n->name, .source = arena_printf(a, "network %s, batch %" PRIu32 ", lowering %s%s%s", n->name, n->batch,
		    lowerings[lowering].name, d == NULL ? "" : ", op times by roofline of ", d == NULL ? "" : d->name),
		.tensor_count = (uint32_t)m.tensor_count, .op_count = (uint32_t)m.op_count, .tensors = m.tensors, .ops = m.ops,
	};
	return graph_check(g, e);
}
