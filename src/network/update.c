/* SPDX-License-Identifier: Apache-2.0 */
/* update.c - the optimizers' ops: plain SGD, SGD with momentum, Adam; with or without a master copy of each
 * parameter in a wider type */
#include <config.h>
#include "src/network/emit.h"

enum { STATES_MAX = 2 };

/* The update of one parameter. */
struct param_update {
	uint32_t param;			/* the tensor that the layers read */
	uint32_t target;		/* the tensor that the optimizer changes: the master copy, or param */
	uint32_t grad;			/* in the target's type */
	uint32_t states[STATES_MAX];
	bytes_t bytes;			/* of the target */
};

/* An op that reads b, c (EMIT_NONE: none) and out, and overwrites out. */
static void
in_place(struct emit *m, const char *name, uint32_t out, uint32_t b, uint32_t c)
{
	emit_begin(m, name, CLASS_UPDATE);
	if (b != EMIT_NONE)
		emit_in(m, b);
	if (c != EMIT_NONE)
		emit_in(m, c);
	emit_in(m, out);
	emit_out(m, out);
	emit_end(m, (struct op_work) { 0 }, 0);
}

/* One op for each operation, as in PyTorch's optimizers for a single tensor. */
static void
sgd_steps(struct emit *m, const struct param_update *t)
{
	in_place(m, "update-add", t->target, t->grad, EMIT_NONE);
}

static void
momentum_steps(struct emit *m, const struct param_update *t)
{
	in_place(m, "update-multiply", t->states[0], EMIT_NONE, EMIT_NONE);
	in_place(m, "update-add", t->states[0], t->grad, EMIT_NONE);
	in_place(m, "update-add", t->target, t->states[0], EMIT_NONE);
}

static void
adam_steps(struct emit *m, const struct param_update *t)
{
	uint32_t root, scaled;

	in_place(m, "update-lerp", t->states[0], t->grad, EMIT_NONE);
	in_place(m, "update-multiply", t->states[1], EMIT_NONE, EMIT_NONE);
	in_place(m, "update-add-squares", t->states[1], t->grad, EMIT_NONE);
	root = emit_elementwise(m, "update-root", CLASS_UPDATE, t->states[1], EMIT_NONE, t->bytes, KIND_ACTIVATION);
	scaled = emit_elementwise(m, "update-divide", CLASS_UPDATE, root, EMIT_NONE, t->bytes, KIND_ACTIVATION);
	in_place(m, "update-add", scaled, EMIT_NONE, EMIT_NONE);
	in_place(m, "update-add-quotient", t->target, t->states[0], scaled);
}

static const struct {
	const char *name;
	uint32_t states;
	void (*steps)(struct emit *m, const struct param_update *t);
} rules[OPTIMIZER_COUNT] = {
	[OPTIMIZER_SGD] = { "sgd-update", 0, sgd_steps },
	[OPTIMIZER_MOMENTUM] = { "momentum-update", 1, momentum_steps },
	[OPTIMIZER_ADAM] = { "adam-update", 2, adam_steps },
};

/* One op reads the gradient and changes parameter, master copy and states. */
static void
fused(struct emit *m, const struct param_update *t)
{
	uint32_t states = rules[m->net->optimizer].states;

	emit_begin(m, rules[m->net->optimizer].name, CLASS_UPDATE);
	emit_in(m, t->grad);
	for (uint32_t i = 0; i < states; i++)
		emit_in(m, t->states[i]);
	emit_in(m, t->target);
	for (uint32_t i = 0; i < states; i++)
		emit_out(m, t->states[i]);
	emit_out(m, t->target);
	if (t->param != t->target)
		emit_out(m, t->param);
	emit_end(m, (struct op_work) { 0 }, 0);
}

/* With a master copy, the gradient is copied into its type first, and the result is copied back. */
static void
by_steps(struct emit *m, struct param_update *t)
{
	if (t->param != t->target)
		t->grad = emit_cast(m, t->grad, m->tensors[t->grad].bytes, t->bytes, KIND_GRADIENT);
	rules[m->net->optimizer].steps(m, t);
	if (t->param == t->target)
		return;
	emit_begin(m, "copy", CLASS_COPY);
	emit_in(m, t->target);
	emit_out(m, t->param);
	emit_end(m, (struct op_work) { 0 }, 0);
}

void
emit_update(struct emit *m)
{
	const struct network *n = m->net;
	enum dtype wide = n->has_master ? n->master_dtype : n->dtype;
	const struct emitted_param *p;
	struct param_update t;

	for (size_t i = 0; i < m->param_count; i++) {
		p = &m->params[i];
		if (p->grad == EMIT_NONE)
			continue;
		m->layer = p->owner;
		t = (struct param_update) { .param = p->tensor, .target = p->tensor, .grad = p->grad, .bytes = p->elements * dtype_bytes(wide) };
		for (uint32_t k = 0; k < rules[n->optimizer].states; k++)
			t.states[k] = emit_tensor(m, t.bytes, KIND_OPTIMIZER);
		if (n->has_master)
			t.target = emit_tensor(m, t.bytes, KIND_OPTIMIZER);
		if (m->by->update_by_steps)
			by_steps(m, &t);
		else
			fused(m, &t);
	}
}
