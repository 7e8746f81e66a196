/* SPDX-License-Identifier: Apache-2.0 */
/* emit.c - the graph being made: sizes, tensors, ops, gradients */
#include <config.h>
#include "src/network/emit.h"

#include <string.h>

/* ---- sizes ---- */

double
emit_rows(const struct emit *m, const struct layer *l)
{
	return l->batched ? m->net->batch : 1;
}

bytes_t
emit_bytes(struct emit *m, const struct layer *l, uint64_t per_sample, enum dtype t)
{
	bytes_t bytes;

	if (!__builtin_mul_overflow(per_sample, dtype_bytes(t), &bytes) &&
	    !__builtin_mul_overflow(bytes, (bytes_t)emit_rows(m, l), &bytes) && bytes <= BYTES_MAX)
		return bytes;
	if (!m->failed) {
		m->failed = true;
		err_set(m->e, ERR_INPUT, "expected tensors of at most %" PRI_BYTES " bytes, got more at a batch of %" PRIu32,
		    BYTES_MAX, m->net->batch);
		network_blame(l, m->e);
	}
	return 0;
}

bytes_t
emit_map_bytes(struct emit *m, const struct layer *l)
{
	return emit_bytes(m, l, shape_elements(&l->shape), l->dtype);
}

double
emit_elements(const struct emit *m, const struct layer *l)
{
	return (double)shape_elements(&l->shape) * emit_rows(m, l);
}

/* ---- tensors ---- */

uint32_t
emit_tensor(struct emit *m, bytes_t bytes, enum kind kind)
{
	struct tensor *t = &ARENA_PUSH(m->arena, m->tensors, m->tensor_count, m->tensor_room)[0];

	*t = (struct tensor) { bytes, kind };
	return (uint32_t)m->tensor_count - 1;
}

uint32_t
emit_like(struct emit *m, const struct layer *l, enum kind kind)
{
	return emit_tensor(m, emit_map_bytes(m, l), kind);
}

uint32_t
emit_mask(struct emit *m, const struct layer *l)
{
	return emit_tensor(m, emit_bytes(m, l, shape_elements(&l->shape), DTYPE_UINT8), KIND_ACTIVATION);
}

struct emitted *
emit_of(struct emit *m, const struct layer *l)
{
	return &m->layers[l - m->net->layers];
}

uint32_t
emit_input(struct emit *m, const struct layer *l, uint32_t i)
{
	return emit_of(m, layer_input(m->net, l, i))->map;
}

uint32_t
emit_param(struct emit *m, const struct layer *l, uint32_t index)
{
	return m->params[emit_of(m, l)->params[index]].tensor;
}

uint32_t
emit_param_grad_tensor(struct emit *m, const struct layer *l, uint32_t index)
{
	return emit_tensor(m, m->tensors[emit_param(m, l, index)].bytes, KIND_GRADIENT);
}

uint32_t
emit_output(struct emit *m, const struct layer *l)
{
	struct emitted *out = emit_of(m, l);

	out->map = layer_is_inplace(l) ? emit_input(m, l, 0) : emit_like(m, l, KIND_ACTIVATION);
	return out->map;
}

/* ---- ops ---- */

void
emit_begin(struct emit *m, const char *name, enum op_class class)
{
	/* An update belongs to no pass. */
	m->op = (struct op) { .name = name, .phase = m->phase, .class = class,
	    .layer = m->layer == NULL ? NULL : m->phase == PHASE_UPDATE ? m->layer->name : emit_of(m, m->layer)->name };
	m->inputs.count = m->outputs.count = m->share_count = 0;
	m->bytes = 0;
}

/* once: a tensor that stands in the list already only adds its bytes. */
static void
name_operand(struct emit *m, struct id_list *list, uint32_t tensor, double bytes, bool once)
{
	bool named = false;

	for (size_t i = 0; once && i < list->count; i++)
		named |= list->ids[i] == tensor;
	if (!named)
		ARENA_PUSH(m->arena, list->ids, list->count, list->room)[0] = tensor;
	m->bytes += bytes;
}

void
emit_in_part(struct emit *m, uint32_t tensor, double bytes)
{
	name_operand(m, &m->inputs, tensor, bytes, false);
}

void
emit_out_part(struct emit *m, uint32_t tensor, double bytes)
{
	name_operand(m, &m->outputs, tensor, bytes, false);
}

void
emit_in_once(struct emit *m, uint32_t tensor, double bytes)
{
	name_operand(m, &m->inputs, tensor, bytes, true);
}

void
emit_out_once(struct emit *m, uint32_t tensor, double bytes)
{
	name_operand(m, &m->outputs, tensor, bytes, true);
}

void
emit_in(struct emit *m, uint32_t tensor)
{
	emit_in_part(m, tensor, (double)m->tensors[tensor].bytes);
}

void
emit_out(struct emit *m, uint32_t tensor)
{
	emit_out_part(m, tensor, (double)m->tensors[tensor].bytes);
}

void
emit_in_map(struct emit *m, const struct layer *l)
{
	emit_in_part(m, emit_of(m, l)->map, (double)emit_map_bytes(m, l));
}

void
emit_in_grad(struct emit *m, const struct layer *l)
{
	emit_in_part(m, emit_of(m, l)->grad, (double)emit_map_bytes(m, l));
}

void
emit_in_params(struct emit *m, const struct layer *l, uint32_t first, uint32_t end)
{
	for (uint32_t i = first; i < end; i++)
		emit_in(m, emit_param(m, l, i));
}

void
emit_out_params(struct emit *m, const struct layer *l, uint32_t first, uint32_t end)
{
	for (uint32_t i = first; i < end; i++)
		emit_out(m, emit_param(m, l, i));
}

/* A permission stands only between tensors of one size, and only to a transient input's bytes. */
void
emit_share(struct emit *m, uint32_t input, uint32_t output)
{
	if (!m->by->takes_over_inputs || input == output || m->tensors[input].bytes != m->tensors[output].bytes ||
	    kind_is_persistent(m->tensors[input].kind))
		return;
	ARENA_PUSH(m->arena, m->shares, m->share_count, m->share_room)[0] = (struct inplace) { input, output };
}

static void *
keep(struct emit *m, const void *from, size_t size, size_t count)
{
	void *to = arena_alloc(m->arena, size, count);

	return count == 0 ? to : memcpy(to, from, size * count);
}

void
emit_end(struct emit *m, struct op_work work, bytes_t workspace)
{
	struct op *o = &m->op;

	if (work.bytes <= 0)
		work.bytes = m->bytes;
	o->input_count = (uint32_t)m->inputs.count;
	o->output_count = (uint32_t)m->outputs.count;
	o->inplace_count = (uint32_t)m->share_count;
	o->inputs = keep(m, m->inputs.ids, sizeof(*m->inputs.ids), m->inputs.count);
	o->outputs = keep(m, m->outputs.ids, sizeof(*m->outputs.ids), m->outputs.count);
	o->inplace = keep(m, m->shares, sizeof(*m->shares), m->share_count);
	o->workspace_bytes = workspace;
	if (m->device != NULL) {
		o->time_us = roofline_work_us(m->device, o->name, o->class, m->net->math[o->class], &work);
		m->peak_time_us += roofline_peak_us(m->device, m->net->math[o->class], &work);
	}
	o->recomputable = op_recomputable_default(&(const struct graph) { .tensors = m->tensors }, o);
	ARENA_PUSH(m->arena, m->ops, m->op_count, m->op_room)[0] = *o;
}

/* ---- whole ops ---- */

uint32_t
emit_elementwise(struct emit *m, const char *name, enum op_class class, uint32_t a, uint32_t b, bytes_t bytes, enum kind kind)
{
	uint32_t out = emit_tensor(m, bytes, kind);

	emit_begin(m, name, class);
	emit_in_part(m, a, (double)bytes);
	if (b != EMIT_NONE)
		emit_in_part(m, b, (double)bytes);
	emit_out(m, out);
	emit_share(m, a, out);
	if (b != EMIT_NONE && b != a)
		emit_share(m, b, out);
	emit_end(m, (struct op_work) { 0 }, 0);
	return out;
}

uint32_t
emit_cast(struct emit *m, uint32_t from, bytes_t from_bytes, bytes_t bytes, enum kind kind)
{
	uint32_t out = emit_tensor(m, bytes, kind);

	emit_begin(m, "copy", CLASS_COPY);
	emit_in_part(m, from, (double)from_bytes);
	emit_out(m, out);
	emit_end(m, (struct op_work) { 0 }, 0);
	return out;
}

void
emit_forward(struct emit *m, const struct layer *l, enum op_class class, bool takes_over)
{
	uint32_t x = emit_input(m, l, 0), y = emit_output(m, l);

	emit_begin(m, l->type->name, class);
	emit_in_map(m, layer_input(m->net, l, 0));
	emit_out_part(m, y, (double)emit_map_bytes(m, l));
	if (takes_over)
		emit_share(m, x, y);
	emit_end(m, (struct op_work) { 0 }, 0);
}

const char *
emit_backward_name(struct emit *m, const struct layer *l)
{
	return arena_printf(m->arena, "%s-backward", l->type->name);
}

void
emit_end_backward(struct emit *m, const struct layer *l, uint32_t dx)
{
	emit_in_grad(m, l);
	emit_out(m, dx);
	emit_end(m, (struct op_work) { 0 }, 0);
	emit_grad(m, l, 0, dx);
}

uint32_t
emit_kept_input(struct emit *m, const struct layer *l, bool needed)
{
	uint32_t x = emit_input(m, l, 0);

	return layer_is_inplace(l) && needed ?
	    emit_elementwise(m, "copy", CLASS_COPY, x, EMIT_NONE, emit_map_bytes(m, l), KIND_ACTIVATION) : x;
}

/* ---- gradients ---- */

bool
emit_wants(const struct emit *m, const struct layer *l, uint32_t input)
{
	return layer_input(m->net, l, input)->trained;
}

/* The sum of both gradients, made in the layer whose backward brings the second. */
static uint32_t
accumulate(struct emit *m, uint32_t there, uint32_t comes, bytes_t bytes)
{
	return there == EMIT_NONE ? comes :
	    emit_elementwise(m, "add-gradients", CLASS_ELEMENTWISE, there, comes, bytes, KIND_GRADIENT);
}

void
emit_grad(struct emit *m, const struct layer *l, uint32_t input, uint32_t tensor)
{
	const struct layer *in = layer_input(m->net, l, input);
	struct emitted *to = emit_of(m, in);

	if (!in->trained)
		return;
	to->shared = to->grad == EMIT_NONE && tensor == emit_of(m, l)->grad;
	if (m->by->add_gradient != NULL && to->grad != EMIT_NONE)
		m->by->add_gradient(m, to, tensor, emit_map_bytes(m, in));
	else
		to->grad = accumulate(m, to->grad, tensor, emit_map_bytes(m, in));
}

/* Adds the gradient of this pass to the sum of those before, in place as PyTorch's AccumulateGrad; the first one is the sum. */
static void
add_to_sum(struct emit *m, struct emitted_param *p)
{
	if (p->sum == EMIT_NONE)
		p->sum = p->grad;
	else {
		emit_begin(m, "accumulate-gradient", CLASS_ELEMENTWISE);
		emit_in(m, p->sum);
		emit_in(m, p->grad);
		emit_out(m, p->sum);
		emit_end(m, (struct op_work) { 0 }, 0);
	}
	p->grad = EMIT_NONE;
}

void
emit_param_grad(struct emit *m, const struct layer *l, uint32_t index, uint32_t tensor)
{
	struct emitted_param *p = &m->params[emit_of(m, l)->params[index]];

	p->grad = accumulate(m, p->grad, tensor, m->tensors[p->tensor].bytes);
	/* Layers run backward, so a shared parameter's first layer brings the last part of its gradient. */
	if (m->pass > 1 && l == p->owner)
		add_to_sum(m, p);
}

void
emit_end_pass(struct emit *m)
{
	struct emitted_param *p;

	for (size_t i = 0; i < m->param_count; i++) {
		p = &m->params[i];
		m->layer = p->owner;
		if (p->grad != EMIT_NONE)
			add_to_sum(m, p);
		if (m->pass == m->net->accumulate)
			p->grad = p->sum;
	}
}

void
emit_out_param_grads(struct emit *m, const struct layer *l, uint32_t *grads, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		grads[i] = layer_trains(l, i) ? emit_param_grad_tensor(m, l, i) : EMIT_NONE;
		if (grads[i] != EMIT_NONE)
			emit_out(m, grads[i]);
	}
}

void
emit_param_grads(struct emit *m, const struct layer *l, const uint32_t *grads, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (grads[i] != EMIT_NONE)
			emit_param_grad(m, l, i, grads[i]);
}
