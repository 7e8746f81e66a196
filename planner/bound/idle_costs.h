/* SPDX-License-Identifier: Apache-2.0 */
/* idle_costs.h - the least cost of leaving the device over an idle interval
 *
 * Both bounds on the step time share these figures: no plan frees a tensor's bytes over an idle interval (idle.h) for less.  Only
 * intervals after which the value is needed count.  The bytes are then on the host, or dropped and made again.  Ops have their
 * least times: those of the fastest of their alternatives.
 *
 * A transient tensor's time before its first write, the time before an op that overwrites a tensor without reading it, and
 * tensors without uses need no memory and have no cost.
 */
#ifndef PLANNER_BOUND_IDLE_COSTS_H
#define PLANNER_BOUND_IDLE_COSTS_H
#include "planner/schedule/idle.h"

struct idle_cost {
	struct idle_interval idle;
	uint32_t ready;			/* the copy out begins after this many ops at the earliest */
	bool out;			/* a copy out must end before the bytes are gone */
	bool in;			/* unless made again, they are fetched before op idle.to */
	bool initial;			/* the value is that from before the step: no copy out for a tensor at home on the host */
	bool last;			/* the value is that which the step's last write made */
	uint32_t written;		/* the copy out of a persistent tensor at home on the host begins after this many
					 * ops at the earliest; 0: no such copy */
	bytes_t bytes;
	uint32_t run_start, run_count;	/* runs[]: ops that make the value again; none: it cannot be made again */
};

struct idle_costs {
	const struct graph *graph;	/* not owned */
	uint32_t count, run_count;
	struct idle_cost *costs;	/* [count] by tensor, then by time */
	uint32_t *runs;			/* [run_count] op ids */
	bytes_t *need;			/* [op_count] bytes at op k if no tensor is away: operands, least workspace, needed
					 * idle tensors, minus the bytes that in-place permissions may share */
	double *time_us;		/* [op_count] least times */
	double *start_us;		/* [op_count + 1] sums of time_us: op k starts no earlier */
};

/* Fills s. */
void idle_costs_init(struct idle_costs *s, const struct lifetimes *l, struct arena *a);
#endif
