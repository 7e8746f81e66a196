/* SPDX-License-Identifier: Apache-2.0 */
/* layers.h - which ops belong to one layer
 *
 * The layer-centric policies think in layers.  Ops of the same phase whose `layer` is the same name and that stand together
 * are one layer's forward or backward; an op without a name is a layer of its own.  A
 * backward op without a name belongs to the latest forward op whose output it reads.
 */
#ifndef PLANNER_LAYERS_H
#define PLANNER_LAYERS_H
#include "src/graph.h"

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
};

void layers_init(struct layers *l, const struct graph *g, struct arena *a);
#endif
