/* SPDX-License-Identifier: Apache-2.0 */
/* layers.c - the table of layer types, and the shape rules that several types share */
#include <config.h>
#include "src/network/layer.h"

#include <string.h>

#define ROW(id) &layer_type_##id,
const struct layer_type *const layer_types[] = { LAYER_TYPES(ROW) NULL };
#undef ROW

const struct layer_attribute layer_inplace_attributes[] = {
	{ "inplace", LAYER_BOOL, offsetof(struct inplace_attributes, inplace), false, NULL },
	{ .key = NULL }
};

const struct layer_type *
layer_type_find(const char *name)
{
	for (size_t i = 0; layer_types[i] != NULL; i++)
		if (strcmp(layer_types[i]->name, name) == 0)
			return layer_types[i];
	return NULL;
}

bool
layer_inplace_asked(const struct layer *l)
{
	return ((const struct inplace_attributes *)l->attributes)->inplace;
}

int
layer_shape_same(struct layer *l, const struct network *n, struct err *e)
{
	(void)e;
	l->shape = layer_input(n, l, 0)->shape;
	return 0;
}

void
layer_shape_loss(struct layer *l)
{
	l->shape = (struct shape) { 1, { 1 } };
	l->dtype = DTYPE_FLOAT32;
	l->batched = false;
}

int
layer_want_rank(const struct layer *l, const struct network *n, uint32_t rank, const char *what, struct err *e)
{
	const struct shape *s = &layer_input(n, l, 0)->shape;
	char text[160];

	if (s->rank == rank)
		return 0;
	err_set(e, ERR_INPUT, "expected %s, got %s", what, shape_text(text, s));
	return err_at(e, "inputs[0]");
}

int
layer_want_image(const struct layer *l, const struct network *n, struct err *e)
{
	return layer_want_rank(l, n, 3, "an image [channels, height, width]", e);
}

int
layer_window(uint64_t *out, uint64_t size, uint32_t kernel, uint32_t stride, uint32_t before, uint32_t after,
    uint32_t dilation, bool ceil, struct err *e)
{
	uint64_t reach = (uint64_t)dilation * (kernel - 1) + 1, padded = size + before + after;

	if (padded < reach)
		return err_set(e, ERR_INPUT, "expected a kernel of at most %" PRIu64 " pixels, the image with its padding, got one over %" PRIu64,
		    padded, reach);
	*out = (padded - reach + (ceil ? stride - 1 : 0)) / stride + 1;
	if (ceil && (*out - 1) * stride >= size + before)
		(*out)--;
	return 0;
}
