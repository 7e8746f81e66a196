/* SPDX-License-Identifier: Apache-2.0 */
/* lower.h - from a network's layers to a training step's ops: the table of lowerings
 *
 * A lowering is a row: to add one, write its struct lowering in lower_NAME.c, name the file in local.mk, and add its
 * row to LOWERINGS.  Layer files test traits, never the name of the lowering.  A lowering that has other
 * ops for a type of layer lists that type among its replacements.
 */
#ifndef SRC_NETWORK_LOWER_H
#define SRC_NETWORK_LOWER_H
#include "src/documents/device.h"
#include "src/documents/graph.h"
#include "src/network/network.h"

struct emit;
struct emitted;

/* The passes of one type of layer, in place of the type's own. */
struct layer_replacement {
	const struct layer_type *type;	/* NULL ends the list */
	void (*forward)(struct emit *m, const struct layer *l);		/* NULL: the type's own */
	void (*backward)(struct emit *m, const struct layer *l);	/* NULL: the type's own */
};

struct lowering {
	const char *name, *summary;

	/* ---- traits ---- */
	bool takes_over_inputs;		/* ops permit an output to take over the bytes of an input that ends there */
	bool code_attributes;		/* attributes that describe a framework's code count: gelu `fused`, attention `copy_kv`,
					 * cross-entropy `ignore_last` */
	bool parts_are_views;		/* true: slices, and gradients of concat's inputs, are views; false: they are copies, so the
					 * large tensor can be freed early */
	bool packed_gradients_apart;	/* query, key and value in one map: true: their gradients are made apart, then copied
					 * together; false: one tensor is written in three parts */
	bool conv_backward_fused;	/* true: one op makes both gradients; false: filter, then data, so that the input map is dead
					 * before the data gradient is written */
	bool bias_gradient_apart;	/* true: a linear layer sums its bias gradient in an op of its own; false: in the weight's op */
	bool biased_data_first;		/* true: a linear layer with a bias makes its data gradient before the weight's; false: after
					 * it, so that the input map is dead before the data gradient is written */
	bool statistics_fused;		/* true: batch norm updates its running statistics in its own op, after one that counts the
					 * batch; false: a small op follows, and batch norm itself can be rerun */
	bool holds_for_shape;		/* backward of pooling keeps the input map alive, that of `combine` the products, for their shape only */
	bool loss_by_steps;		/* softmax and likelihood are ops of their own, and gradients start from a tensor of ones */
	bool update_by_steps;		/* true: an update is one op for each operation; false: one for each parameter */
	enum dtype pool_index;		/* type of the positions that max pooling keeps, one for each maximum */

	/* ---- hooks ---- */
	const struct layer_replacement *replacements;	/* NULL: none */
	/* A further gradient of `bytes` bytes reaches a map whose gradient is to->grad already: fill to->grad with the sum.
	 * NULL: the sum is a new tensor, made where the gradient comes from. */
	void (*add_gradient)(struct emit *m, struct emitted *to, uint32_t gradient, bytes_t bytes);
};

#define LOWERINGS(ROW) ROW(reuse) ROW(framework) ROW(caffe)

#define ROW(id) extern const struct lowering lowering_##id;
LOWERINGS(ROW)
#undef ROW

#define ROW(id) + 1
enum { LOWER_COUNT = LOWERINGS(ROW) };
#undef ROW

extern const struct lowering *const lowerings[LOWER_COUNT + 1];	/* ends with NULL; the first is the default */
const struct lowering *lowering_find(const char *name);	/* NULL: none of that name */

/* Makes the training step of network n at its batch.  d gives op times and convolution workspaces; NULL: all of them
 * are 0.  The result has passed graph_check(). */
int lower(struct graph *g, const struct network *n, const struct lowering *by, const struct device *d, struct arena *a,
    struct err *e) WARN_UNUSED;
#endif
