/* SPDX-License-Identifier: Apache-2.0 */
/* emit.h - the functions by which a layer adds its ops to the graph under construction
 *
 * An op is begun, given its inputs and outputs in order, and ended with the work that it does.  Layer, phase, time and
 * recomputability follow.  An op's traffic counts only the map's bytes, even if its tensor is larger (a slice or a
 * concatenation).  Gradients go to emit_grad(), which adds the gradients of several readers.
 */
#ifndef SRC_NETWORK_EMIT_H
#define SRC_NETWORK_EMIT_H
#include "src/network/layer.h"
#include "src/network/lower.h"
#include "src/network/roofline.h"

enum { EMIT_SAVED_MAX = 6 };
#define EMIT_NONE UINT32_MAX	/* no tensor */

/* The tensors of one layer. */
struct emitted {
	const char *name;		/* of the layer in this pass: "conv1", of several passes "conv1@2" */
	uint32_t map;			/* of its output */
	uint32_t grad;			/* of that output's gradient; EMIT_NONE: none yet */
	bool shared;			/* grad is another map's gradient, too */
	bool summed;			/* grad is a sum tensor already: for a lowering's add_gradient() */
	uint32_t saved[EMIT_SAVED_MAX];	/* kept by forward for backward, in an order of the type's own */
	uint32_t params[LAYER_PARAMS_MAX];	/* indices into emit.params */
};

/* One parameter or state of the network.  Layers that share a parameter share its entry. */
struct emitted_param {
	const struct layer *owner;
	uint32_t tensor;
	uint32_t grad;			/* of this pass; in the end of all passes; EMIT_NONE: none */
	uint32_t sum;			/* of the passes before; EMIT_NONE: none */
	uint64_t elements;
	bool trained;
};

/* Tensor ids in the order in which an op names them. */
struct id_list {
	uint32_t *ids;			/* [count] */
	size_t count, room;
};

struct emit {
	const struct network *net;
	const struct device *device;	/* NULL: times and workspaces are 0 */
	const struct lowering *by;	/* its traits and hooks decide which ops are made */
	struct arena *arena;
	struct err *e;
	bool failed;			/* e is filled; ops emitted from now on are thrown away */
	enum phase phase;
	uint32_t pass;			/* counted from 1 */
	const struct layer *layer;	/* of the ops being made */
	struct emitted *layers;		/* [net->layer_count] */
	struct tensor *tensors;
	struct op *ops;
	struct emitted_param *params;
	size_t tensor_count, tensor_room, op_count, op_room, param_count, param_room;
	double peak_time_us;		/* of the ops so far (graph.h) */

	/* the op being made */
	struct op op;
	struct id_list inputs, outputs;
	struct inplace *shares;
	size_t share_count, share_room;
	double bytes;			/* read and written by the op so far */
};

/* ---- sizes ---- */
double emit_rows(const struct emit *m, const struct layer *l);	/* samples in the layer's output: the batch, or 1 */
/* Bytes of per_sample values for each sample of layer l's output. */
bytes_t emit_bytes(struct emit *m, const struct layer *l, uint64_t per_sample, enum dtype t);
bytes_t emit_map_bytes(struct emit *m, const struct layer *l);
double emit_elements(const struct emit *m, const struct layer *l);	/* in the whole output */

/* ---- tensors ---- */
uint32_t emit_tensor(struct emit *m, bytes_t bytes, enum kind kind);
uint32_t emit_like(struct emit *m, const struct layer *l, enum kind kind);	/* of the layer's output's size */
uint32_t emit_mask(struct emit *m, const struct layer *l);	/* one byte for each value of the layer's output */
struct emitted *emit_of(struct emit *m, const struct layer *l);
uint32_t emit_input(struct emit *m, const struct layer *l, uint32_t i);	/* the map of the layer's i-th input */
uint32_t emit_output(struct emit *m, const struct layer *l);	/* the map of its output: the input's when in place, else a new one */
uint32_t emit_param(struct emit *m, const struct layer *l, uint32_t index);	/* the tensor of a parameter */
uint32_t emit_param_grad_tensor(struct emit *m, const struct layer *l, uint32_t index);	/* a new tensor of the parameter's size */

/* ---- ops ---- */
void emit_begin(struct emit *m, const char *name, enum op_class class);
void emit_in(struct emit *m, uint32_t tensor);
void emit_out(struct emit *m, uint32_t tensor);
void emit_in_part(struct emit *m, uint32_t tensor, double bytes);	/* reads only this many bytes of it */
void emit_out_part(struct emit *m, uint32_t tensor, double bytes);
void emit_in_once(struct emit *m, uint32_t tensor, double bytes);	/* a further part of a tensor that may be named already */
void emit_out_once(struct emit *m, uint32_t tensor, double bytes);
void emit_in_map(struct emit *m, const struct layer *l);	/* the output of layer l */
void emit_in_grad(struct emit *m, const struct layer *l);	/* the gradient of layer l's output */
void emit_in_params(struct emit *m, const struct layer *l, uint32_t first, uint32_t end);	/* parameters first to end - 1 */
void emit_out_params(struct emit *m, const struct layer *l, uint32_t first, uint32_t end);
void emit_share(struct emit *m, uint32_t input, uint32_t output);	/* a permission, where the lowering gives any */
void emit_end(struct emit *m, struct op_work work, bytes_t workspace);

/* ---- whole ops ---- */
/* An op that reads one or two tensors (b is EMIT_NONE: one) and writes one, element by element.  Returns the
 * output, which may take over the bytes of an input of its size. */
uint32_t emit_elementwise(struct emit *m, const char *name, enum op_class class, uint32_t a, uint32_t b, bytes_t bytes,
    enum kind kind);
/* Copies a tensor, of which from_bytes are read, into a new tensor of `bytes` with another type of number.  Returns the new one. */
uint32_t emit_cast(struct emit *m, uint32_t from, bytes_t from_bytes, bytes_t bytes, enum kind kind);
/* Adds the forward of a layer that is one op, from its input's map to its output.  takes_over: the output may take over the input's bytes. */
void emit_forward(struct emit *m, const struct layer *l, enum op_class class, bool takes_over);
/* "TYPE-backward", the name of the op that is a whole backward pass. */
const char *emit_backward_name(struct emit *m, const struct layer *l);
/* Ends an op of backward: reads the output's gradient, writes dx, and hands dx to the first input. */
void emit_end_backward(struct emit *m, const struct layer *l, uint32_t dx);
/* Returns the tensor in which backward finds the first input's map: a copy if the layer overwrites the map and backward needs it. */
uint32_t emit_kept_input(struct emit *m, const struct layer *l, bool needed);

/* ---- gradients ---- */
bool emit_wants(const struct emit *m, const struct layer *l, uint32_t input);	/* true: a gradient goes to that input */
/* Take the gradient of an input's map or of a parameter, and add it to an earlier one of the same map or parameter.  A frozen
 * parameter has none: layer_trains(). */
void emit_grad(struct emit *m, const struct layer *l, uint32_t input, uint32_t tensor);
void emit_param_grad(struct emit *m, const struct layer *l, uint32_t index, uint32_t tensor);
/* Fills grads[count] with new tensors for the gradients of the first count parameters, which the op at hand writes; EMIT_NONE for
 * a frozen parameter.  After the op, emit_param_grads() passes them to emit_param_grad(). */
void emit_out_param_grads(struct emit *m, const struct layer *l, uint32_t *grads, uint32_t count);
void emit_param_grads(struct emit *m, const struct layer *l, const uint32_t *grads, uint32_t count);

/* Ends a pass: the gradients of parameters are those of all passes so far. */
void emit_end_pass(struct emit *m);

/* Adds the ops of the optimizer, over all parameters (update.c). */
void emit_update(struct emit *m);
#endif
