/* SPDX-License-Identifier: Apache-2.0 */
/* layer.h - what a type of layer is: one row of a table
 *
 * To add a type, write its struct layer_type in src/layer_FAMILY.c (a new file:
 * name it in local.mk) and add its row.  The row says which attributes the type has, how its
 * shape and parameters follow, and which ops its forward and backward are (emit.h),
 * with what backward needs saved.  Reader, lowering, `layrub list` and the tests walk the table.
 */
#ifndef SRC_NETWORK_LAYER_H
#define SRC_NETWORK_LAYER_H
#include <stddef.h>

#include "src/network/network.h"

struct emit;

enum layer_attribute_type {
	LAYER_BOOL,		/* bool */
	LAYER_COUNT,		/* uint32_t, at least 1 */
	LAYER_INDEX,		/* uint32_t, at least 0 */
	LAYER_REAL,		/* double, at least 0 */
	LAYER_PAIR,		/* struct pair: n or [height, width], at least 1 */
	LAYER_PAD,		/* struct pad: n, [h, w] or [top, bottom, left, right], at least 0 */
	LAYER_SIZES,		/* struct shape: 1 to SHAPE_MAX sizes, at least 1 */
	LAYER_ORDER,		/* struct shape: the same, at least 0 */
	LAYER_CHOICE,		/* int: index into choices */
	LAYER_TIE,		/* params_from: the layer's own field, no offset */
	LAYER_ANY		/* read and not used */
};

struct pair { uint32_t h, w; };
struct pad { uint32_t top, bottom, left, right; };

struct layer_attribute {
	const char *key;		/* NULL ends the list */
	enum layer_attribute_type type;
	size_t offset;			/* in the type's struct */
	bool required;
	const char *const *choices;	/* for LAYER_CHOICE, ends with NULL */
};

/* What else holds for a type. */
enum {
	LAYER_SAVES_INPUT = 1,	/* backward reads what the layer read: it must not be overwritten */
	LAYER_SAVES_OUTPUT = 2,	/* backward reads what the layer wrote */
	LAYER_LOSS = 4,		/* nobody needs to read it; gradients start here */
	LAYER_VIEW = 8,		/* its output is its input's memory (or a part of it, where the lowering says so) */
	LAYER_NO_BATCH = 16,	/* its output is one for all samples */
	LAYER_SAVES_SIGN = 32,	/* backward reads only the sign of what the layer wrote */
	LAYER_KEEPS_SIGN = 64	/* as an in-place layer it changes no sign but to 0, where no gradient passes either */
};

struct layer_type {
	const char *name, *summary;
	uint32_t min_inputs, max_inputs;
	unsigned flags;
	const struct layer_attribute *attributes;	/* NULL: none */
	size_t attributes_bytes;
	const void *defaults;				/* [attributes_bytes] or NULL: all zero */

	/* Fill l->shape (l->dtype and l->batched come filled in as the first input's and
	 * as any input's). */
	int (*shape)(struct layer *l, const struct network *n, struct err *e);
	/* Fill l->params and l->param_count; NULL: none. */
	void (*params)(struct layer *l, const struct network *n);
	/* Its output overwrites its first input; NULL: never. */
	bool (*inplace)(const struct layer *l);
	/* Forward does nothing at all (a dropout of 0); NULL: never. */
	bool (*idle)(const struct layer *l);
	void (*forward)(struct emit *m, const struct layer *l);
	void (*backward)(struct emit *m, const struct layer *l);	/* NULL: no gradient passes */
};

#define LAYER_TYPES(ROW) \
	ROW(input) ROW(parameter) \
	ROW(conv) ROW(linear) ROW(matmul) \
	ROW(batch_norm) ROW(layer_norm) ROW(rms_norm) ROW(lrn) ROW(scale) \
	ROW(relu) ROW(gelu) ROW(silu) ROW(tanh) ROW(sigmoid) ROW(dropout) ROW(softmax) \
	ROW(max_pool) ROW(avg_pool) ROW(adaptive_avg_pool) ROW(global_avg_pool) \
	ROW(add) ROW(multiply) ROW(concat) ROW(slice) \
	ROW(flatten) ROW(reshape) ROW(permute) ROW(upsample) \
	ROW(embedding) ROW(attention) ROW(rotary) ROW(cross_entropy)

#define ROW(id) extern const struct layer_type layer_type_##id;
LAYER_TYPES(ROW)
#undef ROW

extern const struct layer_type *const layer_types[];	/* ends with NULL; `repeat` is the reader's own */
const struct layer_type *layer_type_find(const char *name);	/* NULL: none of that name */

static inline bool
layer_is_inplace(const struct layer *l)
{
	return l->type->inplace != NULL && l->type->inplace(l);
}

/* The output is the first input's memory, untouched. */
static inline bool
layer_is_view(const struct layer *l)
{
	return (l->type->flags & LAYER_VIEW) != 0 || (l->type->idle != NULL && l->type->idle(l));
}

/* Shape rules that several types share. */
int layer_shape_same(struct layer *l, const struct network *n, struct err *e);
/* The first input must have this rank: what is it for, "an image [channels, height, width]". */
int layer_want_rank(const struct layer *l, const struct network *n, uint32_t rank, const char *what, struct err *e) WARN_UNUSED;
/* (size + before + after - reach) / stride + 1, reach = dilation * (kernel - 1) + 1; with ceil rounded up, but a window must
 * start inside. */
int layer_window(uint64_t *out, uint64_t size, uint32_t kernel, uint32_t stride, uint32_t before, uint32_t after,
    uint32_t dilation, bool ceil, struct err *e) WARN_UNUSED;
/* Product of the sizes before and after an axis. */
uint64_t shape_before(const struct shape *s, uint32_t axis);
uint64_t shape_after(const struct shape *s, uint32_t axis);

struct inplace_attributes { bool inplace; };
extern const struct layer_attribute layer_inplace_attributes[];
bool layer_inplace_asked(const struct layer *l);	/* for types whose struct begins with inplace */
#endif
