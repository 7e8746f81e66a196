/* SPDX-License-Identifier: Apache-2.0 */
/* network.h - a network: layers as a person writes them, forward only
 *
 * In memory its repeats are unrolled and its shapes derived; a layer only reads layers of lower id.  Shapes are per
 * sample, so that the batch may be changed after reading; lower() refuses a batch that makes a tensor too large.  The
 * meaning of a type of layer is its row in layer.h.
 */
#ifndef SRC_NETWORK_NETWORK_H
#define SRC_NETWORK_NETWORK_H
#include <stdbool.h>
#include <stdint.h>

#include "src/base/arena.h"
#include "src/base/err.h"
#include "src/base/units.h"
#include "src/documents/device.h"

enum dtype { DTYPE_FLOAT32, DTYPE_BFLOAT16, DTYPE_FLOAT16, DTYPE_INT64, DTYPE_INT32, DTYPE_UINT8, DTYPE_COUNT };
extern const char *const dtype_names[DTYPE_COUNT + 1];	/* "float32" ..., NULL */
bytes_t dtype_bytes(enum dtype t);

enum optimizer {
	OPTIMIZER_SGD, OPTIMIZER_MOMENTUM, OPTIMIZER_ADAM, OPTIMIZER_ADAMW, OPTIMIZER_ADAM_8BIT, OPTIMIZER_ADAMW_8BIT, OPTIMIZER_COUNT
};
extern const char *const optimizer_names[OPTIMIZER_COUNT + 1];

enum { SHAPE_MAX = 6 };
struct shape {
	uint32_t rank;
	uint64_t size[SHAPE_MAX];	/* [rank], each at least 1 */
};

/* Limits of a document; more is refused. */
#define NETWORK_LAYERS_MAX UINT32_C(1000000)
/* The most keys and inputs that all layers together may have, repeats unrolled.  Limits the work that a short document can cause. */
#define NETWORK_WORDS_MAX UINT64_C(50000000)
#define SHAPE_ELEMENTS_MAX (UINT64_C(1) << 40)

enum { LAYER_PARAMS_MAX = 5 };
/* A value that a layer owns across steps: a weight, or a state that no gradient reaches. */
struct layer_param {
	uint64_t elements;
	enum dtype dtype;
	bool trained;		/* false: state */
};

#define LAYER_NONE UINT32_MAX

struct layer {
	const char *name;
	const char *path;		/* its place in the document, for messages: "layers[3].layers[1]" */
	const struct layer_type *type;
	const void *attributes;		/* the type's own struct */
	uint32_t input_count;
	const uint32_t *inputs;		/* [input_count] layer ids, all lower than its own */
	uint32_t params_from;		/* the layer whose first parameter is this one's, too; LAYER_NONE: none */
	struct shape shape;		/* of the output, per sample */
	enum dtype dtype;		/* of the output */
	bool batched;			/* false: one output for all samples, made from parameters alone */
	bool frozen;			/* its own parameters get no gradient: "trainable": false */
	bool trained;			/* a gradient reaches its output */
	bool view;			/* its output is its input's memory in the network's layout: set by `shape`, beside LAYER_VIEW */
	bool result;			/* its output is read after the step: "result": true */
	uint32_t reader_count;		/* layers that read its output */
	uint32_t param_count;
	struct layer_param params[LAYER_PARAMS_MAX];
	bool params_frozen[LAYER_PARAMS_MAX];	/* of a shared parameter: as its first layer */
};

struct network {
	const char *name;
	const char *source;		/* NULL: none */
	uint32_t batch;			/* of one pass: the document's; a command's --batch overwrites it */
	uint32_t accumulate;		/* passes whose gradients are added up before an update, at least 1; --accumulate overwrites it */
	bool channels_last;		/* images lie pixel by pixel in memory, not channel by channel */
	enum dtype dtype;		/* storage of maps, parameters and gradients */
	enum math math[CLASS_COUNT];	/* the type in which each class of op calculates */
	bool has_master;		/* the optimizer works on a copy in master_dtype */
	enum dtype master_dtype;
	enum optimizer optimizer;
	uint32_t layer_count;
	struct layer *layers;		/* [layer_count] */
};

uint64_t shape_elements(const struct shape *s);
bool shape_equal(const struct shape *a, const struct shape *b);
/* "[3, 224, 224]" into buf, which is returned. */
const char *shape_text(char buf[160], const struct shape *s);

/* The layer that l reads as its i-th input. */
static inline const struct layer *
layer_input(const struct network *n, const struct layer *l, uint32_t i)
{
	return &n->layers[l->inputs[i]];
}

/* True: l's parameter `index` gets a gradient and an update. */
static inline bool
layer_trains(const struct layer *l, uint32_t index)
{
	return l->params[index].trained && !l->params_frozen[index];
}

/* Returns -1: gives the error its place, and the layer's name. */
int network_blame(const struct layer *l, struct err *e);

struct json_t;
/* Reads a "layrub-network" document (docs/networks.md): strict, repeats unrolled, shapes derived. */
int network_from_json(struct network *n, struct json_t *root, struct arena *a, struct err *e) WARN_UNUSED;

/* Returns the number of values in all parameters, frozen ones too; a parameter that layers share counts once. */
uint64_t network_parameters(const struct network *n);
#endif
