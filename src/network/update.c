/* SPDX-License-Identifier: Apache-2.0 */
/* update.c - the optimizers' ops: plain SGD, SGD with momentum, Adam and AdamW, the latter two with states of 8 bits, too; with or
 * without a master copy of each parameter in a wider type
 *
 * States of 8 bits: a byte for each value and a float32 scale for each block of 256; a parameter of fewer than 4096 values keeps
 * float32 states (Dettmers et al., 8-bit Optimizers via Block-wise Quantization, 2022; bitsandbytes 0.50). */
#include <config.h>
#include "src/network/emit.h"

enum { STATES_MAX = 4 };
enum { QUANTISED_LEAST = 4096, QUANTISED_BLOCK = 256 };

/* The update of one parameter. */
struct param_update {
	uint32_t param;			/* the tensor that the layers read */
	uint32_t target;		/* the tensor that the optimizer changes: the master copy, or param */
	uint32_t grad;			/* in the target's type */
	uint32_t states[STATES_MAX];	/* of quantised states, the scales come behind */
	uint32_t state_count;
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

/* Weight decay first. */
static void
adamw_steps(struct emit *m, const struct param_update *t)
{
	in_place(m, "update-multiply", t->target, EMIT_NONE, EMIT_NONE);
	adam_steps(m, t);
}

static const struct rule {
	const char *name;
	uint32_t states;
	bool quantised;
	void (*steps)(struct emit *m, const struct param_update *t);	/* NULL: always one op */
} rules[OPTIMIZER_COUNT] = {
	[OPTIMIZER_SGD] = { "sgd-update", 0, false, sgd_steps },
	[OPTIMIZER_MOMENTUM] = { "momentum-update", 1, false, momentum_steps },
	[OPTIMIZER_ADAM] = { "adam-update", 2, false, adam_steps },
	[OPTIMIZER_ADAMW] = { "adamw-update", 2, false, adamw_steps },
	[OPTIMIZER_ADAM_8BIT] = { "adam-8bit-update", 2, true, NULL },
	[OPTIMIZER_ADAMW_8BIT] = { "adamw-8bit-update", 2, true, NULL },
};

/* Makes the states of a parameter of so many values. */
static void
make_states(struct emit *m, struct param_update *t, uint64_t elements)
{
	const struct rule *r = &rules[m->net->optimizer];
	bool quantised = r->quantised && elements >= QUANTISED_LEAST;
	bytes_t bytes = quantised ? elements : r->quantised ? elements * dtype_bytes(DTYPE_FLOAT32) : t->bytes;

	for (uint32_t i = 0; i < r->states; i++)
		t->states[t->state_count++] = emit_tensor(m, bytes, KIND_OPTIMIZER);
	for (uint32_t i = 0; i < r->states && quantised; i++)
		t->states[t->state_count++] = emit_tensor(m, (elements + QUANTISED_BLOCK - 1) / QUANTISED_BLOCK * dtype_bytes(DTYPE_FLOAT32),
		    KIND_OPTIMIZER);
}

/* One op reads the gradient and changes parameter, master copy and states. */
static void
fused(struct emit *m, const struct param_update *t)
{
	emit_begin(m, rules[m->net->optimizer].name, CLASS_UPDATE);
	emit_in(m, t->grad);
	for (uint32_t i = 0; i < t->state_count; i++)
		emit_in(m, t->states[i]);
	emit_in(m, t->target);
	for (uint32_t i = 0; i < t->state_count; i++)
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
		make_states(m, &t, p->elements);
		if (n->has_master)
			t.target = emit_tensor(m, t.bytes, KIND_OPTIMIZER);
		if (m->by->update_by_steps && rules[n->optimizer].steps != NULL)
			by_steps(m, &t);
		else
			fused(m, &t);
	}
}
