/* SPDX-License-Identifier: Apache-2.0 */
/* lifetimes.h - the uses of each tensor of a graph, its live bytes, their peak, and the bounds on bytes
 *
 * All positions are op ids (execution order).  A persistent tensor is alive at every op.  A transient one is alive from its first
 * use to its last, both included, and a result from its first use to the last op.  Live, persistent and peak bytes count each tensor
 * and workspace as a plan does, rounded up to DEVICE_ALIGN; the bounds are those of graph_bounds.h.
 */
#ifndef PLANNER_SCHEDULE_LIFETIMES_H
#define PLANNER_SCHEDULE_LIFETIMES_H
#include "src/base/lower_bound.h"
#include "src/documents/graph.h"

struct homes;

/* A tensor of an op, and the index of this use in use_op. */
struct op_use { uint32_t tensor, use; };

struct lifetimes {
	const struct graph *graph;	/* not owned */
	uint32_t *first, *last;		/* [tensor_count]; a tensor without uses has first > last.  last of a result: the last op */
	uint32_t *use_start;		/* [tensor_count + 1]: tensor t's uses are use_op[use_start[t] .. use_start[t+1]) */
	uint32_t *use_op;		/* rising; an op that reads and writes t counts once */
	uint32_t *op_start;		/* [op_count + 1]: the tensors of op k are op_use[op_start[k] .. op_start[k + 1]), each once, reads first */
	struct op_use *op_use;
	bytes_t *live;			/* [op_count] live bytes while op k runs, workspace included */
	bytes_t persistent_bytes;
	bytes_t peak_bytes;		/* the largest of live */
	uint32_t peak_op;		/* the first op that reaches it */
	/* struct graph_bounds */
	bytes_t bound_bytes, resident_bound_bytes;
	uint32_t bound_op, resident_bound_op;
	const struct homes *homes;	/* NULL, or the places where persistent tensors begin and end the step (homes.h) */
	double *start_us;		/* [op_count + 1] when each op starts if nothing stalls: sums of the op times */
	double ideal_time_us;		/* the last of them */
};

/* Fills l, without homes. */
void lifetimes_init(struct lifetimes *l, const struct graph *g, struct arena *a);

/* True: the value of tensor t is needed at op k or later; at k == op_count, after the step. */
static inline bool
lifetimes_needs(const struct lifetimes *l, uint32_t t, uint32_t k)
{
	return k < l->graph->op_count ? l->last[t] >= k : kind_has_final(l->graph->tensors[t].kind);
}

/* The index in use_op of tensor t's first use at op k or after; use_start[t + 1]: none. */
static inline uint32_t
lifetimes_use_from(const struct lifetimes *l, uint32_t t, uint32_t k)
{
	return lower_bound(l->use_op, l->use_start[t], l->use_start[t + 1], k);
}

/* Returns the ids of the tensors alive at op, largest first (ties: lower id). */
uint32_t *lifetimes_at(const struct lifetimes *l, uint32_t op, uint32_t *count, struct arena *a);
#endif
