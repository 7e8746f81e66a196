/* SPDX-License-Identifier: Apache-2.0 */
/* layer.h - the table of layer types
 *
 * To add a type, write its struct layer_type in layer_NAME.c, name the file in local.mk, and add its row to LAYER_TYPES.
 * The row says which attributes the type has, how its shape and parameters follow, and which ops its forward and
 * backward are (emit.h).  Reader, lowerings, `layrub list` and the tests walk the table.
 */
#ifndef SRC_NETWORK_LAYER_H
#define SRC_NETWORK_LAYER_H
#include <stddef.h>

#include <jansson.h>

#include "src/network/network.h"

struct emit;

enum layer_attribute_type {
	LAYER_BOOL,		/* bool */
	LAYER_COUNT,		/* uint32_t, at least 1 */
	LAYER_INDEX,		/* uint32_t, at least 0 */
	LAYER_REAL,		/* double, at least 0 */
	LAYER_PAIR,		/* struct layer_pair: n or [height, width], at least 1 */
	LAYER_PAD,		/* struct layer_pad: n, [h, w] or [top, bottom, left, right], at least 0 */
	LAYER_SIZES,		/* struct shape: 1 to SHAPE_MAX sizes, at least 1 */
	LAYER_ORDER,		/* struct shape: the same, at least 0 */
	LAYER_CHOICE,		/* int: index into choices */
	LAYER_TIE,		/* params_from: the layer's own field, no offset */
	LAYER_ANY		/* any value, not used */
};

struct layer_pair { uint32_t h, w; };
struct layer_pad { uint32_t top, bottom, left, right; };

struct layer_attribute {
	const char *key;		/* NULL ends the list */
	enum layer_attribute_type type;
	size_t offset;			/* in the type's struct */
	bool required;
	const char *const *choices;	/* for LAYER_CHOICE, ends with NULL */
};

/* Properties of a type. */
enum {
	LAYER_SAVES_INPUT = 1,	/* backward reads the layer's inputs: no layer may overwrite them in place */
	LAYER_SAVES_OUTPUT = 2,	/* backward reads the layer's output: likewise */
	LAYER_SAVES_SIGN = 4,	/* backward reads only the sign of the layer's output */
	LAYER_KEEPS_SIGN = 8,	/* as an in-place layer it changes a sign only to 0, where no gradient passes either */
	LAYER_LOSS = 16,	/* no layer reads it; gradients start here */
	LAYER_VIEW = 32,	/* its output is its input's memory, and it makes no op */
	LAYER_PART = 64,	/* its output may be a part of its input's memory: that depends on the lowering */
	LAYER_LASTS = 128,	/* its output outlives the step: no layer may overwrite it */
	LAYER_NO_BATCH = 256,	/* its output is one for all samples */
	LAYER_SHAPE_ONLY = 512	/* reads its input's shape only: no gradient passes */
};

struct layer_type {
	const char *name, *summary;
	uint32_t min_inputs, max_inputs;
	uint32_t whole_input;				/* the input of ids or labels, whole numbers, counted from 1; 0: none */
	unsigned flags;
	const struct layer_attribute *attributes;	/* NULL: none */
	size_t attributes_bytes;
	const void *defaults;				/* [attributes_bytes] or NULL: all zero */

	/* Fills l->shape.  Before, l->dtype is the first input's, and l->batched is true when any input is batched. */
	int (*shape)(struct layer *l, const struct network *n, struct err *e);
	/* Fills l->params and l->param_count; NULL: none. */
	void (*params)(struct layer *l, const struct network *n);
	/* Makes the list of layers, as in a document, that stand for l in its place; they read l's first input as `in`, and the last
	 * one is the output.  The caller releases the list; NULL: no memory.  Returns false, as no function does, where l stands for itself. */
	bool (*parts)(json_t **list, const struct layer *l, const struct network *n);
	/* True when its output overwrites its first input; NULL: never. */
	bool (*inplace)(const struct layer *l);
	/* True when its output is its input, as for a dropout of 0; NULL: never. */
	bool (*idle)(const struct layer *l);
	void (*forward)(struct emit *m, const struct layer *l);
	void (*backward)(struct emit *m, const struct layer *l);	/* NULL: no gradient passes */
};

#define LAYER_TYPES(ROW) \
	ROW(input) ROW(parameter) \
	ROW(conv) ROW(conv_transposed) ROW(linear) ROW(gated_mlp) ROW(matmul) \
	ROW(batch_norm) ROW(layer_norm) ROW(rms_norm) ROW(group_norm) ROW(instance_norm) ROW(lrn) ROW(scale) \
	ROW(relu) ROW(gelu) ROW(silu) ROW(tanh) ROW(sigmoid) ROW(dropout) ROW(drop_path) ROW(rescale) ROW(softmax) \
	ROW(max_pool) ROW(avg_pool) ROW(adaptive_avg_pool) ROW(global_avg_pool) \
	ROW(add) ROW(multiply) ROW(concat) ROW(slice) \
	ROW(flatten) ROW(reshape) ROW(permute) ROW(upsample) ROW(pixel_shuffle) ROW(pixel_unshuffle) \
	ROW(embedding) ROW(attention) ROW(rotary) ROW(relative_bias) ROW(alibi) \
	ROW(moe) ROW(route) ROW(dispatch) ROW(combine) \
	ROW(cross_entropy) ROW(linear_cross_entropy) ROW(mse_loss) ROW(l1_loss) ROW(bce_loss) ROW(kl_loss)

#define ROW(id) extern const struct layer_type layer_type_##id;
LAYER_TYPES(ROW)
#undef ROW

extern const struct layer_type *const layer_types[];	/* ends with NULL; the reader unrolls `repeat`, which is no row */
const struct layer_type *layer_type_find(const char *name);	/* NULL: none of that name */

static inline bool
layer_is_inplace(const struct layer *l)
{
	return l->type->inplace != NULL && l->type->inplace(l);
}

/* True when the output is the first input's memory, unchanged. */
static inline bool
layer_is_view(const struct layer *l)
{
	return l->view || (l->type->flags & LAYER_VIEW) != 0 || (l->type->idle != NULL && l->type->idle(l));
}

enum { LOSS_BYTES = 4 };	/* of a loss: one float32, whatever the batch */
/* Gives the output the shape and type of a loss. */
void layer_shape_loss(struct layer *l);

/* Shape rules that several types share.  This one gives the output the first input's shape. */
int layer_shape_same(struct layer *l, const struct network *n, struct err *e);
/* Refuses a first input of another rank; what: the wanted shape in words, "a sequence [tokens, features]". */
int layer_want_rank(const struct layer *l, const struct network *n, uint32_t rank, const char *what, struct err *e) WARN_UNUSED;
int layer_want_image(const struct layer *l, const struct network *n, struct err *e) WARN_UNUSED;	/* [channels, height, width] */
/* *out = (size + before + after - reach) / stride + 1 with reach = dilation * (kernel - 1) + 1, rounded down.  With ceil it is
 * rounded up, minus 1 if the last window would start behind the image. */
int layer_window(uint64_t *out, uint64_t size, uint32_t kernel, uint32_t stride, uint32_t before, uint32_t after,
    uint32_t dilation, bool ceil, struct err *e) WARN_UNUSED;

struct inplace_attributes { bool inplace; };
extern const struct layer_attribute layer_inplace_attributes[];
bool layer_inplace_asked(const struct layer *l);	/* for types whose struct begins with `inplace` */
#endif
