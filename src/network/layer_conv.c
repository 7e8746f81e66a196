/* SPDX-License-Identifier: Apache-2.0 */
/* layer_conv.c - convolution: backward reads the input map for the filter's gradient, and the filter for the data's */
#include <config.h>
#include "src/network/emit.h"

struct conv {
	uint32_t channels, groups;
	struct layer_pair kernel, stride, dilation;
	struct layer_pad pad;
	bool bias;
};

static const struct layer_attribute attributes[] = {
	{ "channels", LAYER_COUNT, offsetof(struct conv, channels), true, NULL },
	{ "kernel", LAYER_PAIR, offsetof(struct conv, kernel), true, NULL },
	{ "stride", LAYER_PAIR, offsetof(struct conv, stride), false, NULL },
	{ "pad", LAYER_PAD, offsetof(struct conv, pad), false, NULL },
	{ "dilation", LAYER_PAIR, offsetof(struct conv, dilation), false, NULL },
	{ "groups", LAYER_COUNT, offsetof(struct conv, groups), false, NULL },
	{ "bias", LAYER_BOOL, offsetof(struct conv, bias), false, NULL },
	{ .key = NULL }
};
static const struct conv defaults = { .groups = 1, .stride = { 1, 1 }, .dilation = { 1, 1 }, .bias = true };

static int
shape(struct layer *l, const struct network *n, struct err *e)
{
	const struct conv *at = l->attributes;
	const struct shape *in;

	if (layer_want_image(l, n, e) < 0)
		return -1;
	in = &layer_input(n, l, 0)->shape;
	if (in->size[0] % at->groups != 0 || at->channels % at->groups != 0) {
		err_set(e, ERR_INPUT, "expected a number that divides %" PRIu64 " and %" PRIu32 " channels, got %" PRIu32,
		    in->size[0], at->channels, at->groups);
		return err_at(e, "groups");
	}
	l->shape = (struct shape) { .rank = 3, .size = { at->channels } };
	if (layer_window(&l->shape.size[1], in->size[1], at->kernel.h, at->stride.h, at->pad.top, at->pad.bottom,
	    at->dilation.h, false, e) < 0 ||
	    layer_window(&l->shape.size[2], in->size[2], at->kernel.w, at->stride.w, at->pad.left, at->pad.right,
	    at->dilation.w, false, e) < 0)
		return err_at(e, "kernel");
	return 0;
}

static void
params(struct layer *l, const struct network *n)
{
	const struct conv *at = l->attributes;
	double size = (double)at->channels * (double)(layer_input(n, l, 0)->shape.size[0] / at->groups) * at->kernel.h * at->kernel.w;

	l->param_count = at->bias ? 2 : 1;
	/* One size over the limit stands for all of them: check_elements() refuses it. */
	l->params[0] = (struct layer_param) { size > (double)SHAPE_ELEMENTS_MAX ? SHAPE_ELEMENTS_MAX + 1 : (uint64_t)size,
		n->dtype, true };
	l->params[1] = (struct layer_param) { at->channels, n->dtype, true };
}

/* A 1 x 1 convolution is a plain product, for which libraries have kernels of their own. */
static bool
is_pointwise(const struct conv *at)
{
	return at->kernel.h == 1 && at->kernel.w == 1;
}

static double
pass_flops(const struct emit *m, const struct layer *l, enum conv_pass pass)
{
	const struct conv *at = l->attributes;
	double from = (double)(layer_input(m->net, l, 0)->shape.size[0] / at->groups), to = (double)(at->channels / at->groups);
	double pixels = emit_rows(m, l) * (double)(l->shape.size[1] * l->shape.size[2]);
	double taps = (double)at->kernel.h * at->kernel.w;

	switch (pass) {
	case CONV_BACKWARD_FILTER:	return roofline_conv_filter(m->device, pixels, taps, at->groups, from, to);
	case CONV_BACKWARD_DATA:	return roofline_conv(m->device, pixels, taps, at->groups, to, from);
	default:			return roofline_conv(m->device, pixels, taps, at->groups, from, to);
	}
}

static bytes_t
workspace(struct emit *m, const struct layer *l, enum conv_pass pass)
{
	const struct conv *at = l->attributes;
	const struct layer *in = layer_input(m->net, l, 0);
	struct conv_shape s = {
		.input = emit_map_bytes(m, in), .output = emit_map_bytes(m, l),
		.weight = m->tensors[emit_param(m, l, 0)].bytes, .batch = (uint32_t)emit_rows(m, l),
		.pixels = l->shape.size[1] * l->shape.size[2],
		.pointwise = is_pointwise(at) && at->stride.h == 1 && at->stride.w == 1,
	};

	return roofline_conv_workspace(m->device, pass, m->net->math[CLASS_CONV], &s);
}

/* Ends an op of one pass; `pointwise`: its kernel's name for 1 x 1.  The workspace is written once and read once. */
static void
end(struct emit *m, const struct layer *l, enum conv_pass pass, double flops, const char *pointwise)
{
	struct op_work w = { .flops = flops, .kernel = is_pointwise(l->attributes) ? pointwise : NULL };
	bytes_t ws = workspace(m, l, pass);

	w.copied_bytes = 2 * (double)ws;
	emit_end(m, w, ws);
}

static void
forward(struct emit *m, const struct layer *l)
{
	uint32_t y = emit_output(m, l);

	emit_begin(m, "conv", CLASS_CONV);
	emit_in_map(m, layer_input(m->net, l, 0));
	emit_in_params(m, l, 0, l->param_count);
	emit_out(m, y);
	end(m, l, CONV_FORWARD, pass_flops(m, l, CONV_FORWARD), "conv-pointwise");
}

/* Begins an op of backward with the tensors that it reads. */
static void
begin_backward(struct emit *m, const char *name, const struct layer *l, bool map, bool weight)
{
	emit_begin(m, name, CLASS_CONV);
	if (map)
		emit_in_map(m, layer_input(m->net, l, 0));
	if (weight)
		emit_in(m, emit_param(m, l, 0));
	emit_in_grad(m, l);
}

/* The data gradient alone.  A framework's one op for both gradients holds the input map, of which it reads no byte. */
static void
frozen_backward(struct emit *m, const struct layer *l, double flops)
{
	uint32_t dx = emit_like(m, layer_input(m->net, l, 0), KIND_GRADIENT);

	begin_backward(m, "conv-backward-data", l, false, true);
	if (m->by->conv_backward_fused)
		emit_in_part(m, emit_input(m, l, 0), 0);
	emit_out(m, dx);
	end(m, l, CONV_BACKWARD_DATA, flops, "conv-backward-data-pointwise");
	emit_grad(m, l, 0, dx);
}

static void
backward(struct emit *m, const struct layer *l)
{
	const struct layer *in = layer_input(m->net, l, 0);
	bool data = emit_wants(m, l, 0);
	double filter_flops, data_flops = data ? pass_flops(m, l, CONV_BACKWARD_DATA) : 0;
	uint32_t dx = EMIT_NONE, grads[2];

	if (!layer_trains(l, 0)) {
		frozen_backward(m, l, data_flops);
		return;
	}
	filter_flops = pass_flops(m, l, CONV_BACKWARD_FILTER);
	if (m->by->conv_backward_fused) {
		begin_backward(m, "conv-backward", l, true, true);
		if (data)
			emit_out(m, dx = emit_like(m, in, KIND_GRADIENT));
		emit_out_param_grads(m, l, grads, l->param_count);
		end(m, l, CONV_BACKWARD, filter_flops + data_flops, "conv-backward-pointwise");
	} else {
		begin_backward(m, "conv-backward-filter", l, true, false);
		emit_out_param_grads(m, l, grads, l->param_count);
		end(m, l, CONV_BACKWARD_FILTER, filter_flops, "conv-backward-filter-pointwise");
		if (data) {
			begin_backward(m, "conv-backward-data", l, false, true);
			emit_out(m, dx = emit_like(m, in, KIND_GRADIENT));
			end(m, l, CONV_BACKWARD_DATA, data_flops, "conv-backward-data-pointwise");
		}
	}
	emit_param_grads(m, l, grads, l->param_count);
	if (data)
		emit_grad(m, l, 0, dx);
}

const struct layer_type layer_type_conv = {
	.name = "conv", .summary = "convolution over an image", .min_inputs = 1, .max_inputs = 1, .flags = LAYER_SAVES_INPUT,
	.attributes = attributes, .attributes_bytes = sizeof(struct conv), .defaults = &defaults,
	.shape = shape, .params = params, .forward = forward, .backward = backward,
};
