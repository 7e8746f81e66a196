/* SPDX-License-Identifier: Apache-2.0 */
/* layer_conv.c - convolution, and its transpose: backward reads the input map for the filter's gradient, and the filter for the data's
 *
 * Over an image [channels, height, width] or a signal [channels, length], which is an image of height 1.  The transpose exchanges
 * the roles of input and output: its forward is the data gradient of the convolution from its output to its input. */
#include <config.h>
#include "src/network/emit.h"

struct conv {
	uint32_t channels, groups;
	struct layer_pair kernel, stride, dilation;
	struct layer_pad pad;
	uint32_t output_pad;		/* of the transpose: pixels more below and at the right */
	bool bias;
};

/* Attributes of both types. */
#define CONV_ATTRIBUTES \
	{ "channels", LAYER_COUNT, offsetof(struct conv, channels), true, NULL }, \
	{ "kernel", LAYER_PAIR, offsetof(struct conv, kernel), true, NULL }, \
	{ "stride", LAYER_PAIR, offsetof(struct conv, stride), false, NULL }, \
	{ "pad", LAYER_PAD, offsetof(struct conv, pad), false, NULL }, \
	{ "dilation", LAYER_PAIR, offsetof(struct conv, dilation), false, NULL }, \
	{ "groups", LAYER_COUNT, offsetof(struct conv, groups), false, NULL }, \
	{ "bias", LAYER_BOOL, offsetof(struct conv, bias), false, NULL }

static const struct layer_attribute attributes[] = { CONV_ATTRIBUTES, { .key = NULL } };
static const struct layer_attribute transposed_attributes[] = {
	CONV_ATTRIBUTES,
	{ "output_pad", LAYER_INDEX, offsetof(struct conv, output_pad), false, NULL },
	{ .key = NULL }
};
static const struct conv defaults = { .groups = 1, .stride = { 1, 1 }, .dilation = { 1, 1 }, .bias = true };

static bool
is_transposed(const struct layer *l)
{
	return l->type == &layer_type_conv_transposed;
}

static bool
is_signal(const struct network *n, const struct layer *l)
{
	return layer_input(n, l, 0)->shape.rank == 2;
}

/* The layer that has the smaller image, from which the windows are counted: the output, or the transpose's input. */
static const struct layer *
windows(const struct network *n, const struct layer *l)
{
	return is_transposed(l) ? layer_input(n, l, 0) : l;
}

/* Pixels of one sample's image. */
static uint64_t
image_pixels(const struct shape *s)
{
	return shape_elements(s) / s->size[0];
}

/* Taps of the kernel; over a signal its height does not count. */
static double
taps(const struct network *n, const struct layer *l)
{
	const struct conv *at = l->attributes;

	return (is_signal(n, l) ? 1 : (double)at->kernel.h) * at->kernel.w;
}

static int
want_image_or_signal(const struct network *n, const struct layer *l, struct err *e)
{
	const struct conv *at = l->attributes;
	const struct shape *s = &layer_input(n, l, 0)->shape;
	char text[160];

	if (s->rank != 2 && s->rank != 3) {
		err_set(e, ERR_INPUT, "expected an image [channels, height, width] or a signal [channels, length], got %s", shape_text(text, s));
		return err_at(e, "inputs[0]");
	}
	if (s->rank == 3 || at->kernel.h == at->kernel.w)
		return 0;
	err_set(e, ERR_INPUT, "expected one number for a signal [channels, length], got %" PRIu32 " and %" PRIu32, at->kernel.h, at->kernel.w);
	return err_at(e, "kernel");
}

/* *to = (from - 1) * stride + reach - before - after + more, the size from which a convolution would make `from`. */
static int
transposed_size(uint64_t *to, uint64_t from, uint32_t kernel, uint32_t stride, uint32_t dilation, uint64_t pad, uint32_t more, struct err *e)
{
	uint64_t whole = (from - 1) * stride + (uint64_t)dilation * (kernel - 1) + 1 + more;

	if (more > 0 && more >= stride && more >= dilation) {
		err_set(e, ERR_INPUT, "expected less than the stride or the dilation, got %" PRIu32, more);
		return err_at(e, "output_pad");
	}
	if (from > UINT64_MAX / 2 / stride || whole <= pad) {
		err_set(e, ERR_INPUT, "expected less than the %" PRIu64 " pixels of the image to cut off, got %" PRIu64, whole, pad);
		return err_at(e, "pad");
	}
	*to = whole - pad;
	return 0;
}

static int
transposed_image(struct layer *l, const struct shape *in, struct err *e)
{
	const struct conv *at = l->attributes;
	uint32_t w = in->rank - 1;

	if (transposed_size(&l->shape.size[w], in->size[w], at->kernel.w, at->stride.w, at->dilation.w,
	    (uint64_t)at->pad.left + at->pad.right, at->output_pad, e) < 0)
		return -1;
	return w == 1 ? 0 : transposed_size(&l->shape.size[1], in->size[1], at->kernel.h, at->stride.h, at->dilation.h,
	    (uint64_t)at->pad.top + at->pad.bottom, at->output_pad, e);
}

static int
image(struct layer *l, const struct shape *in, struct err *e)
{
	const struct conv *at = l->attributes;
	uint32_t w = in->rank - 1;

	if (layer_window(&l->shape.size[w], in->size[w], at->kernel.w, at->stride.w, at->pad.left, at->pad.right, at->dilation.w,
	    false, e) < 0 ||
	    (w == 2 && layer_window(&l->shape.size[1], in->size[1], at->kernel.h, at->stride.h, at->pad.top, at->pad.bottom,
	    at->dilation.h, false, e) < 0))
		return err_at(e, "kernel");
	return 0;
}

static int
shape(struct layer *l, const struct network *n, struct err *e)
{
	const struct conv *at = l->attributes;
	const struct shape *in = &layer_input(n, l, 0)->shape;

	if (want_image_or_signal(n, l, e) < 0)
		return -1;
	if (in->size[0] % at->groups != 0 || at->channels % at->groups != 0) {
		err_set(e, ERR_INPUT, "expected a number that divides %" PRIu64 " and %" PRIu32 " channels, got %" PRIu32,
		    in->size[0], at->channels, at->groups);
		return err_at(e, "groups");
	}
	l->shape = (struct shape) { .rank = in->rank, .size = { at->channels } };
	return is_transposed(l) ? transposed_image(l, in, e) : image(l, in, e);
}

static void
params(struct layer *l, const struct network *n)
{
	const struct conv *at = l->attributes;
	double size = (double)at->channels * (double)(layer_input(n, l, 0)->shape.size[0] / at->groups) * taps(n, l);

	l->param_count = at->bias ? 2 : 1;
	/* One size over the limit stands for all of them: check_elements() refuses it. */
	l->params[0] = (struct layer_param) { size > (double)SHAPE_ELEMENTS_MAX ? SHAPE_ELEMENTS_MAX + 1 : (uint64_t)size,
		n->dtype, true };
	l->params[1] = (struct layer_param) { at->channels, n->dtype, true };
}

/* A convolution of one tap is a plain product, for which libraries have kernels of their own. */
static bool
is_pointwise(const struct network *n, const struct layer *l)
{
	return taps(n, l) <= 1;
}

/* Every channel by itself: no matrix product, so libraries calculate it without tiles and without copies in another layout. */
static bool
is_depthwise(const struct network *n, const struct layer *l)
{
	const struct conv *at = l->attributes;

	return at->groups > 1 && at->groups == at->channels && at->groups == layer_input(n, l, 0)->shape.size[0];
}

static double
pass_flops(const struct emit *m, const struct layer *l, enum conv_pass pass)
{
	const struct conv *at = l->attributes;
	const struct device *tiles = is_depthwise(m->net, l) ? NULL : m->device;
	double from = (double)(layer_input(m->net, l, 0)->shape.size[0] / at->groups), to = (double)(at->channels / at->groups);
	double pixels = emit_rows(m, l) * (double)image_pixels(&windows(m->net, l)->shape), count = taps(m->net, l);

	switch (pass) {
	case CONV_BACKWARD_FILTER:	return roofline_conv_filter(tiles, pixels, count, at->groups, from, to);
	case CONV_BACKWARD_DATA:	return roofline_conv(tiles, pixels, count, at->groups, to, from);
	default:			return roofline_conv(tiles, pixels, count, at->groups, from, to);
	}
}

/* The pass of the plain convolution that works as this pass of l does. */
static enum conv_pass
plain_pass(const struct layer *l, enum conv_pass pass)
{
	if (!is_transposed(l) || (pass != CONV_FORWARD && pass != CONV_BACKWARD_DATA))
		return pass;
	return pass == CONV_FORWARD ? CONV_BACKWARD_DATA : CONV_FORWARD;
}

static bytes_t
workspace(struct emit *m, const struct layer *l, enum conv_pass pass)
{
	const struct conv *at = l->attributes;
	const struct layer *in = layer_input(m->net, l, 0), *small = windows(m->net, l);
	struct conv_shape s = {
		.input = emit_map_bytes(m, small == l ? in : l), .output = emit_map_bytes(m, small),
		.weight = m->tensors[emit_param(m, l, 0)].bytes, .batch = (uint32_t)emit_rows(m, l),
		.pixels = image_pixels(&small->shape), .channels_last = m->net->channels_last,
		.pointwise = is_pointwise(m->net, l) && at->stride.w == 1 && (at->stride.h == 1 || is_signal(m->net, l)),
	};

	return roofline_conv_workspace(m->device, plain_pass(l, pass), m->net->math[CLASS_CONV], &s);
}

/* Ends an op of one pass, whose time is that of the plain convolution's kernel.  The workspace is written once and read once. */
static void
end(struct emit *m, const struct layer *l, enum conv_pass pass, double flops)
{
	static const char *const kernels[][2] = {
		[CONV_FORWARD] = { "conv", "conv-pointwise" },
		[CONV_BACKWARD] = { "conv-backward", "conv-backward-pointwise" },
		[CONV_BACKWARD_FILTER] = { "conv-backward-filter", "conv-backward-filter-pointwise" },
		[CONV_BACKWARD_DATA] = { "conv-backward-data", "conv-backward-data-pointwise" },
	};
	struct op_work w = { .flops = flops, .kernel = kernels[plain_pass(l, pass)][is_pointwise(m->net, l)],
	    .plain = is_depthwise(m->net, l) };
	bytes_t ws = w.plain ? 0 : workspace(m, l, pass);

	w.copied_bytes = 2 * (double)ws;
	emit_end(m, w, ws);
}

static void
forward(struct emit *m, const struct layer *l)
{
	uint32_t y = emit_output(m, l);

	emit_begin(m, l->type->name, CLASS_CONV);
	emit_in_map(m, layer_input(m->net, l, 0));
	emit_in_params(m, l, 0, l->param_count);
	emit_out(m, y);
	end(m, l, CONV_FORWARD, pass_flops(m, l, CONV_FORWARD));
}

/* Begins an op of backward, "TYPE-backwardPASS", with the tensors that it reads. */
static void
begin_backward(struct emit *m, const struct layer *l, const char *pass, bool map, bool weight)
{
	emit_begin(m, arena_printf(m->arena, "%s%s", emit_backward_name(m, l), pass), CLASS_CONV);
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

	begin_backward(m, l, "-data", false, true);
	if (m->by->conv_backward_fused)
		emit_in_part(m, emit_input(m, l, 0), 0);
	emit_out(m, dx);
	end(m, l, CONV_BACKWARD_DATA, flops);
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
		begin_backward(m, l, "", true, true);
		if (data)
			emit_out(m, dx = emit_like(m, in, KIND_GRADIENT));
		emit_out_param_grads(m, l, grads, l->param_count);
		end(m, l, CONV_BACKWARD, filter_flops + data_flops);
	} else {
		begin_backward(m, l, "-filter", true, false);
		emit_out_param_grads(m, l, grads, l->param_count);
		end(m, l, CONV_BACKWARD_FILTER, filter_flops);
		if (data) {
			begin_backward(m, l, "-data", false, true);
			emit_out(m, dx = emit_like(m, in, KIND_GRADIENT));
			end(m, l, CONV_BACKWARD_DATA, data_flops);
		}
	}
	emit_param_grads(m, l, grads, l->param_count);
	if (data)
		emit_grad(m, l, 0, dx);
}

const struct layer_type layer_type_conv = {
	.name = "conv", .summary = "convolution over an image or a signal", .min_inputs = 1, .max_inputs = 1, .flags = LAYER_SAVES_INPUT,
	.attributes = attributes, .attributes_bytes = sizeof(struct conv), .defaults = &defaults,
	.shape = shape, .params = params, .forward = forward, .backward = backward,
};

const struct layer_type layer_type_conv_transposed = {
	.name = "conv-transposed", .summary = "transposed convolution, to a larger image", .min_inputs = 1, .max_inputs = 1,
	.flags = LAYER_SAVES_INPUT,
	.attributes = transposed_attributes, .attributes_bytes = sizeof(struct conv), .defaults = &defaults,
	.shape = shape, .params = params, .forward = forward, .backward = backward,
};
