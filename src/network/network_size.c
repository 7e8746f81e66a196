/* SPDX-License-Identifier: Apache-2.0 */
/* network_size.c - one walk over the layers of a document for each size that changes */
#include <config.h>
#include "src/network/network_size.h"

#include <jansson.h>
#include <stdbool.h>
#include <string.h>

enum { NESTING_MOST = 16 };	/* as of repeats: the reader refuses more */

/* A change of numbers in shapes. */
struct resize {
	json_int_t from, to;			/* of the sequence, or the height of the image */
	json_int_t from_width;			/* of the image, whose new width is `to`, too */
	json_int_t patches_from, patches_to;	/* 0: no patches */
	bool is_image, failed;
};

/* Calls visit for every layer but repeats, in order, with the layer before it in its list, or NULL. */
typedef void visit_fn(struct resize *r, json_t *layer, json_t *before);

static void
walk(json_t *list, visit_fn *visit, struct resize *r, int depth)
{
	json_t *layer, *inner, *before = NULL;
	size_t i;

	json_array_foreach(list, i, layer) {
		inner = json_object_get(layer, "layers");
		if (inner != NULL && depth < NESTING_MOST)
			walk(inner, visit, r, depth + 1);
		else if (json_is_object(layer))
			visit(r, layer, before);
		before = layer;
	}
}

static bool
is_type(json_t *layer, const char *type)
{
	const char *s = json_string_value(json_object_get(layer, "type"));

	return s != NULL && strcmp(s, type) == 0;
}

static json_int_t
size_at(json_t *shape, size_t i)
{
	return json_integer_value(json_array_get(shape, i));
}

static void
set_size(struct resize *r, json_t *shape, size_t i, json_int_t value)
{
	r->failed |= json_array_set_new(shape, i, json_integer(value)) < 0;
}

static bool
is_whole(json_t *layer)
{
	const char *s = json_string_value(json_object_get(layer, "dtype"));

	return s != NULL && (strncmp(s, "int", 3) == 0 || strncmp(s, "uint", 4) == 0);
}

/* ---- the old sizes ---- */

static void
find_input(struct resize *r, json_t *layer, json_t *before)
{
	json_t *shape = json_object_get(layer, "shape");

	(void)before;
	if (r->from > 0 || !is_type(layer, "input"))
		return;
	if (!r->is_image && is_whole(layer) && json_array_size(shape) == 1 && size_at(shape, 0) > 1)
		r->from = size_at(shape, 0);
	if (r->is_image && !is_whole(layer) && json_array_size(shape) == 3) {
		r->from = size_at(shape, 1);
		r->from_width = size_at(shape, 2);
	}
}

/* Finds a reshape behind a convolution whose stride is its kernel: it counts the patches. */
static void
find_patches(struct resize *r, json_t *layer, json_t *before)
{
	json_t *shape = json_object_get(layer, "shape");
	json_int_t side;

	if (r->patches_from > 0 || !is_type(layer, "reshape") || before == NULL || !is_type(before, "conv"))
		return;
	side = json_integer_value(json_object_get(before, "stride"));
	if (side < 1 || side != json_integer_value(json_object_get(before, "kernel")) || r->from % side != 0 || r->from_width % side != 0)
		return;
	for (size_t i = 0; i < json_array_size(shape); i++)
		if (size_at(shape, i) == r->from / side * (r->from_width / side)) {
			r->patches_from = size_at(shape, i);
			r->patches_to = r->to / side * (r->to / side);
		}
}

/* ---- the new sizes ---- */

static void
set_sequence(struct resize *r, json_t *layer, json_t *before)
{
	json_t *shape = json_object_get(layer, "shape");
	bool all = is_type(layer, "input") || is_type(layer, "reshape");

	(void)before;
	for (size_t i = 0; i < json_array_size(shape); i++)
		if (size_at(shape, i) == r->from && (all || (is_type(layer, "parameter") && i == 0)))
			set_size(r, shape, i, r->to);
}

static void
set_image(struct resize *r, json_t *layer, json_t *before)
{
	json_t *shape = json_object_get(layer, "shape");
	json_int_t first = size_at(shape, 0);

	(void)before;
	for (size_t i = 0; is_type(layer, "input") && i + 1 < json_array_size(shape); i++)
		if (size_at(shape, i) == r->from && size_at(shape, i + 1) == r->from_width) {
			set_size(r, shape, i, r->to);
			set_size(r, shape, i + 1, r->to);
		}
	for (size_t i = 0; is_type(layer, "reshape") && i < json_array_size(shape); i++)
		if (r->patches_from > 0 && size_at(shape, i) == r->patches_from)
			set_size(r, shape, i, r->patches_to);
	if (is_type(layer, "parameter") && r->patches_from > 0 && (first == r->patches_from || first == r->patches_from + 1))
		set_size(r, shape, 0, r->patches_to + (first - r->patches_from));
}

static int
resize(json_t *root, uint32_t to, bool is_image, struct err *e)
{
	const char *option = is_image ? "--image" : "--seq";
	struct resize r = { .to = to, .is_image = is_image };
	json_t *layers = json_object_get(root, "layers");

	walk(layers, find_input, &r, 0);
	if (r.from <= 0) {
		err_set(e, ERR_INPUT, is_image ? "the network has no input [channels, height, width] for an image; --set changes its inputs" :
		    "the network has no input of ids with one dimension; --set changes its inputs");
		return err_at(e, "%s", option);
	}
	if (is_image)
		walk(layers, find_patches, &r, 0);
	walk(layers, is_image ? set_image : set_sequence, &r, 0);
	return r.failed ? err_set(e, ERR_SYSTEM, "out of memory") : 0;
}

int
network_size(json_t *root, uint32_t seq, uint32_t image, struct err *e)
{
	if (seq > 0 && resize(root, seq, false, e) < 0)
		return -1;
	return image > 0 ? resize(root, image, true, e) : 0;
}
