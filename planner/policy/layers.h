/* SPDX-License-Identifier: Apache-2.0 */
/* layers.h - which ops belong to one layer
 *
 * The layer-centric policies think in layers.  Ops of the same phase whose `layer` is the same name and that stand together
 * are one layer's forward or backward; an op without a name is a layer of its own.  A
 * backward op without a name belongs to the latest forward op whose output it reads.
 */
#ifndef PLANNER_POLICY_LAYERS_H
#define PLANNER_POLICY_LAYERS_H
#include "planner/schedule/lifetimes.h"

/* A run of ops that a layer-centric policy treats as one step. */
struct layer_group {
	uint32_t first, last;		/* op ids, both included */
	enum phase phase;
	enum op_class class;		/* of the op that takes the most time; ties: the first */
};

struct layers {
	uint32_t group_count;
	struct layer_group *groups;	/* [group_count] in execution order, covering every op */
	uint32_t *group_of;		/* [op_count] */
	uint32_t *forward_of;		/* [group_count] the forward group whose backward (or update) it is, by name or by what
					 * it reads; a forward one's own; LAYERS_NONE: none */
};
#define LAYERS_NONE UINT32_MAX

void layers_init(struct layers *l, const struct graph *g, struct arena *a);

/* Does transient tensor t wait from forward for backward?  *use is its last use in forward. */
bool layers_turn(const struct lifetimes *life, uint32_t t, uint32_t *use);

/* Is the layer one that Caffe runs in place (ReLU, dropout, batch norm, scale), so that what it leaves behind is a
 * temporary?  LRN has a map of its own. */
bool layers_in_place(const struct graph *g, const struct layer_group *group);

/* Does an op of the group write the tensor? */
bool layers_write(const struct graph *g, const struct layer_group *group, uint32_t tensor);

/* [tensor_count] May the tensor be dropped when forward is done with it, and be made again by
 * ops with may_run alone, from tensors that backward keeps anyway? */
bool *layers_cheap(const struct lifetimes *life, const bool *may_run, struct arena *a);

/* ERR_NO, with the policy's own sentence, when nothing waits from forward for backward. */
int layers_need_backward(const struct graph *g, struct err *e) WARN_UNUSED;
#endif
