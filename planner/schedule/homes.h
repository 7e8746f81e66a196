/* SPDX-License-Identifier: Apache-2.0 */
/* homes.h - places of persistent tensors that another plan gives, so that both plans serve one set of tensors
 *
 * A tensor that both have (tensor_names.h) begins and ends the step at the other plan's place.  The other plan's steps must not touch the
 * tensors that only this step has: they are at home above its arena.  The step in turn must not touch those that only the
 * other plan has.  So it is planned as a step of a larger graph, in which they are persistent tensors that no op uses.  Inputs that only
 * one has are exempt: a batch is written before each step.
 */
#ifndef PLANNER_SCHEDULE_HOMES_H
#define PLANNER_SCHEDULE_HOMES_H
#include "planner/schedule/lifetimes.h"
#include "src/documents/plan.h"

struct homes {
	const struct plan *plan;	/* that gives them; not owned */
	struct graph graph;		/* the step's, and then the tensors that only `plan` has */
	struct lifetimes life;		/* of graph; its homes are these */
	bytes_t *offset;		/* [graph.tensor_count] of persistent tensors, in the arena, or in the pool if on_host */
	bool *on_host;			/* [graph.tensor_count] */
	bytes_t host_bytes;		/* of tensors at home on the host, which is where they begin and end; aligned */
	bytes_t arena_bytes, pool_bytes;	/* the highest ends of homes: no arena or pool with all of them is smaller */
	bytes_t least_bytes;		/* no plan with these homes needs a smaller budget */
	bytes_t peak_bytes;		/* with so much the whole step has room, all of it above the homes */
};

/* Fills h for the step of graph g and a sound plan.  ERR_INPUT: a tensor differs in size or kind, or the plan has none of g's. */
int homes_init(struct homes *h, const struct graph *g, const struct plan *plan, struct arena *a, struct err *e) WARN_UNUSED;

/* Makes a plan of the larger graph one of the step's own graph g. */
void homes_strip(struct plan *p, const struct graph *g, struct arena *a);
#endif
