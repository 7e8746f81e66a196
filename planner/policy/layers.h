/* SPDX-License-Identifier: Apache-2.0 */
/* layers.h - layers of a graph, for the policies that decide by layer
 *
 * Consecutive ops of one phase with the same `layer` name are a layer's forward or backward.  An op without a name is a layer of its own.
 * A backward op without a name belongs to the latest forward op whose output it reads.
 */
#ifndef PLANNER_POLICY_LAYERS_H
#define PLANNER_POLICY_LAYERS_H
#include "planner/schedule/lifetimes.h"

/* A run of ops that a layer-centric policy treats as one step. */
struct layer_group {
	uint32_t first, last;		/* op ids, both included */
	enum phase phase;
	enum op_class class;		/* class of the op that takes the most time; ties: the first */
};

struct layers {
	uint32_t group_count;
	struct layer_group *groups;	/* [group_count] in execution order, covering every op */
	uint32_t *group_of;		/* [op_count] */
	uint32_t *forward_of;		/* [group_count] the forward group of the group's layer, found by name or by inputs.  Of a forward
					 * group, its own index.  LAYERS_NONE: none */
};
#define LAYERS_NONE UINT32_MAX

/* Fills l with the layers of g. */
void layers_init(struct layers *l, const struct graph *g, struct arena *a);

/* True: transient tensor t is used in forward, and next read in backward.  *use is its last use in forward. */
bool layers_turn(const struct lifetimes *life, uint32_t t, uint32_t *use);

/* True: Caffe runs the layer in place (ReLU, dropout, batch norm, scale), so its output is a temporary.  LRN has a map of its own. */
bool layers_in_place(const struct graph *g, const struct layer_group *group);

/* True: an op of the group writes the tensor. */
bool layers_write(const struct graph *g, const struct layer_group *group, uint32_t tensor);

/* Returns [tensor_count] flags, true for tensors that wait for backward and that ops with may_run alone can make again, from tensors that
 * stay anyway.  Such a tensor may be dropped after its last use in forward. */
bool *layers_cheap(const struct lifetimes *life, const bool *may_run, struct arena *a);

/* ERR_NO: the graph lacks forward or backward ops. */
int layers_need_backward(const struct graph *g, struct err *e) WARN_UNUSED;
#endif
