/* SPDX-License-Identifier: Apache-2.0 */
/* layer_combine.c - several maps into one (add, multiply, concat), and a part of one (slice) */
#include <config.h>
#include "src/network/emit.h"

enum { INPUTS_MAX = 65536 };

/* ---- add and multiply ---- */

/* Sizes agree or are 1; the output has the larger of each. */
static int
broadcast_shape(struct layer *l, const struct network *n, struct err *e)
{
	const struct shape *in;
	char ta[160], tb[160];

	l->shape = layer_input(n, l, 0)->shape;
	for (uint32_t i = 1; i < l->input_count; i++) {
		in = &layer_input(n, l, i)->shape;
		for (uint32_t k = 0; k < in->rank; k++) {
			if (in->rank != l->shape.rank || (in->size[k] != l->shape.size[k] && in->size[k] != 1 && l->shape.size[k] != 1)) {
				err_set(e, ERR_INPUT, "expected a shape like %s, got %s", shape_text(ta, &l->shape), shape_text(tb, in));
				return err_at(e, "inputs[%" PRIu32 "]", i);
			}
			if (in->size[k] > l->shape.size[k])
				l->shape.size[k] = in->size[k];
		}
	}
	if (layer_inplace_asked(l) && (!shape_equal(&l->shape, &layer_input(n, l, 0)->shape) ||
	    l->batched != layer_input(n, l, 0)->batched)) {
		err_set(e, ERR_INPUT, "expected a first input of the output's shape %s, got %s", shape_text(ta, &l->shape),
		    shape_text(tb, &layer_input(n, l, 0)->shape));
		return err_at(e, "inplace");
	}
	return 0;
}

/* An input smaller than the output stands for many values. */
static bool
is_broadcast(const struct network *n, const struct layer *l, uint32_t i)
{
	const struct layer *in = layer_input(n, l, i);

	return in->batched != l->batched || !shape_equal(&in->shape, &l->shape);
}

/* Two maps into y. */
static void
combine(struct emit *m, const struct layer *l, const char *name, uint32_t a, const struct layer *b, uint32_t y)
{
	uint32_t t = emit_of(m, b)->map;
	double bytes = (double)emit_map_bytes(m, l);

	emit_begin(m, name, CLASS_ELEMENTWISE);
	emit_in_part(m, a, bytes);
	emit_in_map(m, b);
	emit_out_part(m, y, bytes);
	/* A y that the op also reads is written in place already. */
	if (y != a) {
		emit_share(m, a, y);
		if (t != a)
			emit_share(m, t, y);
	}
	emit_end(m, (struct op_work) { 0 }, 0);
}

/* The gradient of a broadcast input: the sum over all values that each of its values stands for. */
static uint32_t
reduced(struct emit *m, const struct layer *l, uint32_t i, uint32_t tensor)
{
	uint32_t out = emit_like(m, layer_input(m->net, l, i), KIND_GRADIENT);

	emit_begin(m, "sum", CLASS_ELEMENTWISE);
	emit_in_part(m, tensor, (double)emit_map_bytes(m, l));
	emit_out(m, out);
	emit_end(m, (struct op_work) { 0 }, 0);
	return out;
}

/* ((a + b) + c) ...: the first step makes the output, later ones write new versions of it. */
static void
fold(struct emit *m, const struct layer *l, const char *name)
{
	uint32_t sum = emit_input(m, l, 0), y = emit_output(m, l);

	for (uint32_t i = 1; i < l->input_count; i++) {
		combine(m, l, name, sum, layer_input(m->net, l, i), y);
		sum = y;
	}
}

static void
add_forward(struct emit *m, const struct layer *l)
{
	fold(m, l, "add");
}

/* The gradient of a sum is that of each summand: the same tensor, and no op. */
static void
add_backward(struct emit *m, const struct layer *l)
{
	uint32_t grad = emit_of(m, l)->grad;

	for (uint32_t i = l->input_count; i-- > 0;)
		if (emit_wants(m, l, i))
			emit_grad(m, l, i, is_broadcast(m->net, l, i) ? reduced(m, l, i, grad) : grad);
}

/* saved: the first factor, for the second's gradient */
static void
multiply_forward(struct emit *m, const struct layer *l)
{
	emit_of(m, l)->saved[0] = emit_kept_input(m, l, emit_wants(m, l, 1));
	fold(m, l, "multiply");
}

static void
multiply_backward(struct emit *m, const struct layer *l)
{
	const struct emitted *out = emit_of(m, l);
	uint32_t grad = out->grad, d, other;

	for (uint32_t i = 2; i-- > 0;) {
		if (!emit_wants(m, l, i))
			continue;
		other = i == 1 ? out->saved[0] : emit_input(m, l, 1);
		d = emit_like(m, l, KIND_GRADIENT);
		emit_begin(m, "multiply-backward", CLASS_ELEMENTWISE);
		emit_in(m, other);
		emit_in_grad(m, l);
		emit_out(m, d);
		emit_share(m, other, d);
		emit_share(m, grad, d);
		emit_end(m, (struct op_work) { 0 }, 0);
		emit_grad(m, l, i, is_broadcast(m->net, l, i) ? reduced(m, l, i, d) : d);
	}
}

/* ---- concat ---- */

struct concat { uint32_t axis; };

static const struct layer_attribute concat_attributes[] = {
	{ "axis", LAYER_INDEX, offsetof(struct concat, axis), false, NULL },
	{ .key = NULL }
};

static int
check_axis(const struct shape *s, uint32_t axis, struct err *e)
{
	if (axis < s->rank)
		return 0;
	err_set(e, ERR_INPUT, "expected an axis below %" PRIu32 ", got %" PRIu32, s->rank, axis);
	return err_at(e, "axis");
}

static int
concat_shape(struct layer *l, const struct network *n, struct err *e)
{
	uint32_t axis = ((const struct concat *)l->attributes)->axis;
	const struct shape *in;
	char ta[160], tb[160];
	bool fits;

	l->shape = layer_input(n, l, 0)->shape;
	if (check_axis(&l->shape, axis, e) < 0)
		return -1;
	for (uint32_t i = 1; i < l->input_count; i++) {
		in = &layer_input(n, l, i)->shape;
		fits = in->rank == l->shape.rank;
		for (uint32_t k = 0; fits && k < in->rank; k++)
			fits = k == axis || in->size[k] == l->shape.size[k];
		if (!fits) {
			err_set(e, ERR_INPUT, "expected a shape like %s but for axis %" PRIu32 ", got %s", shape_text(ta, &l->shape), axis,
			    shape_text(tb, in));
			return err_at(e, "inputs[%" PRIu32 "]", i);
		}
		l->shape.size[axis] += in->size[axis];
	}
	return 0;
}

static void
concat_forward(struct emit *m, const struct layer *l)
{
	uint32_t y = emit_output(m, l);

	emit_begin(m, "concat", CLASS_COPY);
	for (uint32_t i = 0; i < l->input_count; i++)
		emit_in_map(m, layer_input(m->net, l, i));
	emit_out(m, y);
	emit_end(m, (struct op_work) { .bytes = 2 * (double)emit_map_bytes(m, l) }, 0);
}

/* Each input gets a part of the gradient: the whole's memory, or a copy. */
static void
concat_backward(struct emit *m, const struct layer *l)
{
	uint32_t grad = emit_of(m, l)->grad, *parts = ARENA_NEW(m->arena, uint32_t, l->input_count);
	const struct layer *in;
	double bytes = 0;

	if (!m->by->parts_are_views) {
		emit_begin(m, "concat-backward", CLASS_COPY);
		emit_in_grad(m, l);
		for (uint32_t i = 0; i < l->input_count; i++) {
			in = layer_input(m->net, l, i);
			parts[i] = EMIT_NONE;
			if (!emit_wants(m, l, i) || in->batched != l->batched)
				continue;
			emit_out(m, parts[i] = emit_like(m, in, KIND_GRADIENT));
			bytes += 2 * (double)emit_map_bytes(m, in);
		}
		if (m->outputs.count > 0)
			emit_end(m, (struct op_work) { .bytes = bytes }, 0);
	}
	for (uint32_t i = 0; i < l->input_count; i++) {
		in = layer_input(m->net, l, i);
		if (!emit_wants(m, l, i))
			continue;
		if (in->batched != l->batched) {
			/* The input is one for all samples: the sum over them. */
			parts[i] = emit_like(m, in, KIND_GRADIENT);
			emit_begin(m, "sum", CLASS_ELEMENTWISE);
			emit_in_part(m, grad, (double)emit_map_bytes(m, in) * emit_rows(m, l));
			emit_out(m, parts[i]);
			emit_end(m, (struct op_work) { 0 }, 0);
		}
		emit_grad(m, l, i, m->by->parts_are_views && in->batched == l->batched ? grad : parts[i]);
	}
}

/* ---- slice ---- */

struct slice { uint32_t axis, begin, end; };

static const struct layer_attribute slice_attributes[] = {
	{ "axis", LAYER_INDEX, offsetof(struct slice, axis), false, NULL },
	{ "begin", LAYER_INDEX, offsetof(struct slice, begin), true, NULL },
	{ "end", LAYER_INDEX, offsetof(struct slice, end), true, NULL },
	{ .key = NULL }
};

static int
slice_shape(struct layer *l, const struct network *n, struct err *e)
{
	const struct slice *at = l->attributes;

	l->shape = layer_input(n, l, 0)->shape;
	if (check_axis(&l->shape, at->axis, e) < 0)
		return -1;
	if (at->begin >= at->end || at->end > l->shape.size[at->axis]) {
		err_set(e, ERR_INPUT, "expected %" PRIu32 " < end <= %" PRIu64 ", got %" PRIu32, at->begin, l->shape.size[at->axis],
		    at->end);
		return err_at(e, "end");
	}
	l->shape.size[at->axis] = at->end - at->begin;
	return 0;
}

static void
slice_forward(struct emit *m, const struct layer *l)
{
	if (m->by->parts_are_views) {
		emit_of(m, l)->map = emit_input(m, l, 0);
		return;
	}
	emit_of(m, l)->map = emit_like(m, l, KIND_ACTIVATION);
	emit_begin(m, "slice", CLASS_COPY);
	emit_in_part(m, emit_input(m, l, 0), (double)emit_map_bytes(m, l));
	emit_out(m, emit_of(m, l)->map);
	emit_end(m, (struct op_work) { 0 }, 0);
}

/* The gradient is zero outside of the slice. */
static void
slice_backward(struct emit *m, const struct layer *l)
{
	uint32_t dx = emit_like(m, layer_input(m->net, l, 0), KIND_GRADIENT);

	emit_begin(m, "slice-backward", CLASS_COPY);
	emit_end_backward(m, l, dx);
}

const struct layer_type layer_type_add = {
	.name = "add", .summary = "sum of maps", .min_inputs = 2, .max_inputs = INPUTS_MAX,
	.attributes = layer_inplace_attributes, .attributes_bytes = sizeof(struct inplace_attributes),
	.inplace = layer_inplace_asked, .shape = broadcast_shape, .forward = add_forward, .backward = add_backward,
};

const struct layer_type layer_type_multiply = {
	.name = "multiply", .summary = "product of two maps, value by value", .min_inputs = 2, .max_inputs = 2,
	.flags = LAYER_SAVES_INPUT,
	.attributes = layer_inplace_attributes, .attributes_bytes = sizeof(struct inplace_attributes),
	.inplace = layer_inplace_asked, .shape = broadcast_shape, .forward = multiply_forward, .backward = multiply_backward,
};

const struct layer_type layer_type_concat = {
	.name = "concat", .summary = "maps side by side along an axis", .min_inputs = 1, .max_inputs = INPUTS_MAX,
	.attributes = concat_attributes, .attributes_bytes = sizeof(struct concat),
	.shape = concat_shape, .forward = concat_forward, .backward = concat_backward,
};

const struct layer_type layer_type_slice = {
	.name = "slice", .summary = "a part of a map along an axis", .min_inputs = 1, .max_inputs = 1, .flags = LAYER_PART,
	.attributes = slice_attributes, .attributes_bytes = sizeof(struct slice),
	.shape = slice_shape, .forward = slice_forward, .backward = slice_backward,
};
