/* SPDX-License-Identifier: Apache-2.0 */
/* layer_lrn.c - local response normalisation across channels: y = x * s^-b, with s kept */
#include <config.h>
#include "src/network/emit.h"

struct lrn { uint32_t size; };

static const struct layer_attribute attributes[] = {
	{ "size", LAYER_COUNT, offsetof(struct lrn, size), false, NULL },
	{ .key = NULL }
};
static const struct lrn defaults = { .size = 5 };

static int
shape(struct layer *l, const struct network *n, struct err *e)
{
	return layer_want_image(l, n, e) < 0 ? -1 : layer_shape_same(l, n, e);
}

static void
forward(struct emit *m, const struct layer *l)
{
	uint32_t y = emit_output(m, l), s = emit_like(m, l, KIND_ACTIVATION);

	emit_of(m, l)->saved[0] = s;
	emit_begin(m, "lrn", CLASS_NORM);
	emit_in_map(m, layer_input(m->net, l, 0));
	emit_out(m, y);
	emit_out(m, s);
	emit_end(m, (struct op_work) { 0 }, 0);
}

static void
backward(struct emit *m, const struct layer *l)
{
	const struct emitted *out = emit_of(m, l);
	uint32_t dx = emit_like(m, l, KIND_GRADIENT);

	emit_begin(m, "lrn-backward", CLASS_NORM);
	emit_in_map(m, layer_input(m->net, l, 0));
	emit_in(m, out->map);
	emit_in(m, out->saved[0]);
	emit_end_backward(m, l, dx);
}

const struct layer_type layer_type_lrn = {
	.name = "lrn", .summary = "local response normalisation across channels", .min_inputs = 1, .max_inputs = 1,
	.flags = LAYER_SAVES_INPUT | LAYER_SAVES_OUTPUT,
	.attributes = attributes, .attributes_bytes = sizeof(struct lrn), .defaults = &defaults,
	.shape = shape, .forward = forward, .backward = backward,
};
