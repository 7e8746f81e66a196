/* SPDX-License-Identifier: Apache-2.0 */
/* layer_shape.c - the same values in another shape or order, or several times: flatten, reshape, permute, pixel shuffle, upsample */
#include <config.h>
#include "src/network/emit.h"

struct to_shape { struct shape shape; };

static const struct layer_attribute reshape_attributes[] = {
	{ "shape", LAYER_SIZES, offsetof(struct to_shape, shape), true, NULL },
	{ .key = NULL }
};

static const struct layer_attribute permute_attributes[] = {
	{ "order", LAYER_ORDER, offsetof(struct to_shape, shape), true, NULL },
	{ .key = NULL }
};

/* The values of an image are in the order of channels, rows and columns, which is another one than that of its memory pixel by pixel. */
static int
flatten_shape(struct layer *l, const struct network *n, struct err *e)
{
	const struct shape *in = &layer_input(n, l, 0)->shape;

	(void)e;
	l->shape = (struct shape) { 1, { shape_elements(in) } };
	l->view = !n->channels_last || in->rank != 3 || in->size[0] == 1 || in->size[1] * in->size[2] == 1;
	return 0;
}

static int
reshape_shape(struct layer *l, const struct network *n, struct err *e)
{
	const struct shape *in = &layer_input(n, l, 0)->shape;
	char ta[160], tb[160];
	uint64_t count = 1;

	l->shape = ((const struct to_shape *)l->attributes)->shape;
	for (uint32_t i = 0; i < l->shape.rank; i++)
		if (__builtin_mul_overflow(count, l->shape.size[i], &count))
			count = 0;
	if (count == shape_elements(in))
		return 0;
	err_set(e, ERR_INPUT, "expected a shape of %" PRIu64 " values like %s, got %s", shape_elements(in), shape_text(ta, in),
	    shape_text(tb, &l->shape));
	return err_at(e, "shape");
}

static int
permute_shape(struct layer *l, const struct network *n, struct err *e)
{
	const struct shape *order = &((const struct to_shape *)l->attributes)->shape, *in = &layer_input(n, l, 0)->shape;
	unsigned seen = 0;
	char text[160];

	for (uint32_t i = 0; i < order->rank && order->size[i] < in->rank; i++)
		seen |= 1u << order->size[i];
	if (order->rank != in->rank || seen != (1u << in->rank) - 1) {
		err_set(e, ERR_INPUT, "expected each of the %" PRIu32 " axes once, got %s", in->rank, shape_text(text, order));
		return err_at(e, "order");
	}
	/* From channels, rows, columns to rows, columns, channels, or back: the memory stays. */
	l->view = n->channels_last && in->rank == 3 && order->size[0] != 0 && order->size[1] == (order->size[0] + 1) % 3;
	l->shape.rank = in->rank;
	for (uint32_t i = 0; i < in->rank; i++)
		l->shape.size[i] = in->size[order->size[i]];
	return 0;
}

static void
copy_forward(struct emit *m, const struct layer *l)
{
	emit_forward(m, l, CLASS_COPY, false);
}

/* The op `name` takes a gradient of the output's shape to one of the input's. */
static void
backward(struct emit *m, const struct layer *l, const char *name, enum op_class class)
{
	uint32_t dx = emit_like(m, layer_input(m->net, l, 0), KIND_GRADIENT);

	emit_begin(m, name, class);
	emit_end_backward(m, l, dx);
}

/* The same op as forward, with the opposite order of axes. */
static void
permute_backward(struct emit *m, const struct layer *l)
{
	backward(m, l, "permute", CLASS_COPY);
}

static void
flatten_backward(struct emit *m, const struct layer *l)
{
	backward(m, l, "flatten", CLASS_COPY);
}

/* ---- pixel shuffle: channels of a pixel as a square of pixels, or back ---- */

struct shuffle { uint32_t factor; };

static const struct layer_attribute shuffle_attributes[] = {
	{ "factor", LAYER_COUNT, offsetof(struct shuffle, factor), true, NULL },
	{ .key = NULL }
};

static int
wrong_factor(const struct layer *l, const char *what, struct err *e)
{
	err_set(e, ERR_INPUT, "expected a number %s, got %" PRIu32, what, ((const struct shuffle *)l->attributes)->factor);
	return err_at(e, "factor");
}

static int
shuffle_shape(struct layer *l, const struct network *n, struct err *e)
{
	uint64_t factor = ((const struct shuffle *)l->attributes)->factor;
	const struct shape *in = &layer_input(n, l, 0)->shape;

	if (layer_want_image(l, n, e) < 0)
		return -1;
	if (in->size[0] % (factor * factor) != 0)
		return wrong_factor(l, "whose square divides the channels", e);
	l->shape = (struct shape) { 3, { in->size[0] / (factor * factor), in->size[1] * factor, in->size[2] * factor } };
	return 0;
}

static int
unshuffle_shape(struct layer *l, const struct network *n, struct err *e)
{
	uint64_t factor = ((const struct shuffle *)l->attributes)->factor;
	const struct shape *in = &layer_input(n, l, 0)->shape;

	if (layer_want_image(l, n, e) < 0)
		return -1;
	if (in->size[1] % factor != 0 || in->size[2] % factor != 0)
		return wrong_factor(l, "that divides height and width", e);
	l->shape = (struct shape) { 3, { in->size[0] * factor * factor, in->size[1] / factor, in->size[2] / factor } };
	return 0;
}

static void
shuffle_backward(struct emit *m, const struct layer *l)
{
	backward(m, l, emit_backward_name(m, l), CLASS_COPY);
}

/* ---- upsample ---- */

static const char *const upsample_modes[] = { "nearest", "nearest-exact", "bilinear", "bicubic", NULL };

struct upsample {
	struct layer_pair factor;
	int mode;
};

static const struct layer_attribute upsample_attributes[] = {
	{ "factor", LAYER_PAIR, offsetof(struct upsample, factor), false, NULL },
	{ "mode", LAYER_CHOICE, offsetof(struct upsample, mode), false, upsample_modes },
	{ .key = NULL }
};
static const struct upsample upsample_defaults = { .factor = { 2, 2 } };

static int
upsample_shape(struct layer *l, const struct network *n, struct err *e)
{
	const struct upsample *at = l->attributes;

	if (layer_want_image(l, n, e) < 0)
		return -1;
	l->shape = layer_input(n, l, 0)->shape;
	/* check_elements() refuses a product of all sizes that is too large; a single size that wraps is refused here. */
	if (__builtin_mul_overflow(l->shape.size[1], at->factor.h, &l->shape.size[1]) ||
	    __builtin_mul_overflow(l->shape.size[2], at->factor.w, &l->shape.size[2])) {
		err_set(e, ERR_INPUT, "expected a smaller factor, got %" PRIu32 " x %" PRIu32, at->factor.h, at->factor.w);
		return err_at(e, "factor");
	}
	return 0;
}

static void
upsample_forward(struct emit *m, const struct layer *l)
{
	emit_forward(m, l, CLASS_POOL, false);
}

static void
upsample_backward(struct emit *m, const struct layer *l)
{
	backward(m, l, "upsample-backward", CLASS_POOL);
}

const struct layer_type layer_type_flatten = {
	.name = "flatten", .summary = "one dimension (a view, if the layout allows)", .min_inputs = 1, .max_inputs = 1,
	.shape = flatten_shape, .forward = copy_forward, .backward = flatten_backward,
};

const struct layer_type layer_type_reshape = {
	.name = "reshape", .summary = "the same values in another shape (a view)", .min_inputs = 1, .max_inputs = 1,
	.flags = LAYER_VIEW,
	.attributes = reshape_attributes, .attributes_bytes = sizeof(struct to_shape), .shape = reshape_shape,
};

const struct layer_type layer_type_permute = {
	.name = "permute", .summary = "axes in another order (a copy)", .min_inputs = 1, .max_inputs = 1,
	.attributes = permute_attributes, .attributes_bytes = sizeof(struct to_shape),
	.shape = permute_shape, .forward = copy_forward, .backward = permute_backward,
};

const struct layer_type layer_type_upsample = {
	.name = "upsample", .summary = "a larger image", .min_inputs = 1, .max_inputs = 1,
	.attributes = upsample_attributes, .attributes_bytes = sizeof(struct upsample), .defaults = &upsample_defaults,
	.shape = upsample_shape, .forward = upsample_forward, .backward = upsample_backward,
};

const struct layer_type layer_type_pixel_shuffle = {
	.name = "pixel-shuffle", .summary = "channels as pixels of a larger image", .min_inputs = 1, .max_inputs = 1,
	.attributes = shuffle_attributes, .attributes_bytes = sizeof(struct shuffle),
	.shape = shuffle_shape, .forward = copy_forward, .backward = shuffle_backward,
};

const struct layer_type layer_type_pixel_unshuffle = {
	.name = "pixel-unshuffle", .summary = "pixels as channels of a smaller image", .min_inputs = 1, .max_inputs = 1,
	.attributes = shuffle_attributes, .attributes_bytes = sizeof(struct shuffle),
	.shape = unshuffle_shape, .forward = copy_forward, .backward = shuffle_backward,
};
