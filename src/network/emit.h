/* SPDX-License-Identifier: Apache-2.0 */
/* emit.h - how a layer's row writes its ops into the graph being made
 *
 * An op is begun, given its inputs and outputs in order, and ended with the work it
 * does; layer, phase, time and workspace follow.  Bytes of a map count once as
 * read or written, whatever its storage holds beside it (a slice, a concatenation).  Gradients
 * are handed to the layer's input, which adds up what comes from several readers.
 */
#ifndef SRC_NETWORK_EMIT_H
#define SRC_NETWORK_EMIT_H
#include "src/network/layer.h"
#include "src/network/lower.h"
#include "src/network/roofline.h"

enum { EMIT_SAVED_MAX = 4 };
#define EMIT_NONE UINT32_MAX

/* What one layer has come to. */
struct emitted {
	uint32_t map;			/* tensor of its output */
	uint32_t grad;			/* tensor of that output's gradient, EMIT_NONE: none yet */
	bool summed;			/* grad is the sum of several readers' (Caffe's Split) */
	uint32_t saved[EMIT_SAVED_MAX];	/* what forward keeps for backward, the type's own order */
	uint32_t params[LAYER_PARAMS_MAX];	/* indices into emit.params */
};

/* One parameter or state of the network, tied ones once. */
struct emitted_param {
	const struct layer *owner;
	uint32_t tensor;
	uint32_t grad;			/* EMIT_NONE: none */
	uint64_t elements;
	bool trained;
};

struct emit {
	const struct network *net;
	const struct device *device;	/* NULL: times and workspaces are 0 */
	const struct lowering *by;	/* whose traits and hooks decide what is made */
	struct arena *arena;
	struct err *e;
	bool failed;			/* e is filled; what is emitted from now on is thrown away */
	enum phase phase;
	const struct layer *layer;	/* whose ops these are */
	struct emitted *layers;		/* [net->layer_count] */
	struct tensor *tensors;
	struct op *ops;
	struct emitted_param *params;
	size_t tensor_count, tensor_room, op_count, op_room, param_count, param_room;

	/* the op being made */
	struct op op;
	uint32_t *ids, *out_ids;
	size_t id_count, id_room, out_count, out_room;
	struct inplace *shares;
	size_t share_count, share_room;
	double bytes;			/* read and written by the op so far */
};

/* ---- sizes ---- */
double emit_rows(const struct emit *m, const struct layer *l);	/* samples in the layer's output: the batch, or 1 */
/* Bytes of a number of values a sample of layer l's batch (1 when not batched). */
bytes_t emit_bytes(struct emit *m, const struct layer *l, uint64_t per_sample, enum dtype t);
bytes_t emit_map_bytes(struct emit *m, const struct layer *l);
double emit_elements(const struct emit *m, const struct layer *l);	/* in the whole output */

/* ---- tensors ---- */
uint32_t emit_tensor(struct emit *m, bytes_t bytes, enum kind kind);
uint32_t emit_like(struct emit *m, const struct layer *l, enum kind kind);	/* of the layer's output's size */
struct emitted *emit_of(struct emit *m, const struct layer *l);
uint32_t emit_param(struct emit *m, const struct layer *l, uint32_t slot);	/* the tensor of a parameter */
uint32_t emit_param_grad_tensor(struct emit *m, const struct layer *l, uint32_t slot);	/* a new one of its size */

/* ---- ops ---- */
void emit_begin(struct emit *m, const char *name, enum op_class class);
void emit_in(struct emit *m, uint32_t tensor);
void emit_out(struct emit *m, uint32_t tensor);
void emit_in_part(struct emit *m, uint32_t tensor, double bytes);	/* reads only so many of its bytes */
void emit_out_part(struct emit *m, uint32_t tensor, double bytes);
void emit_in_map(struct emit *m, const struct layer *l);	/* the output of layer l */
void emit_in_grad(struct emit *m, const struct layer *l);	/* the gradient of layer l's output */
void emit_share(struct emit *m, uint32_t input, uint32_t output);	/* a permission, where the lowering gives any */
void emit_end(struct emit *m, struct work work, bytes_t workspace);

/* An op that reads one or two tensors (EMIT_NONE: one) and writes one, element by element;
 * returns the output, which may share either input's bytes when it is as large. */
uint32_t emit_elementwise(struct emit *m, const char *name, enum op_class class, uint32_t a, uint32_t b, bytes_t bytes, enum kind kind);

/* ---- gradients ---- */
bool emit_wants(const struct emit *m, const struct layer *l, uint32_t input);	/* does a gradient go to that input? */
/* Hand over the gradient of an input's map; added to what is there. */
void emit_grad(struct emit *m, const struct layer *l, uint32_t input, uint32_t tensor);
void emit_param_grad(struct emit *m, const struct layer *l, uint32_t slot, uint32_t tensor);
/* The first count parameters' gradients: new tensors that the op at hand writes, kept in grads[count]; after it they are handed over. */
void emit_out_param_grads(struct emit *m, const struct layer *l, uint32_t *grads, uint32_t count);
void emit_param_grads(struct emit *m, const struct layer *l, const uint32_t *grads, uint32_t count);

/* The maps of an in-place layer are its input's; any other's are new. */
uint32_t emit_output(struct emit *m, const struct layer *l);

/* The ops of the optimizer over all parameters (update.c). */
void emit_update(struct emit *m);
#endif
