/* SPDX-License-Identifier: Apache-2.0 */
/* absence.h - when tensors may be away, and what that costs at least
 *
 * An absence is a stretch of ops between two uses of a tensor over which its value is still needed but not
 * touched, so that its bytes may be off the device: on the host, or dropped and made again.  What both bounds on time
 * share: no plan can free an absence's bytes for less than what its struct says.  Ops have their least
 * times here (the fastest of an op's alternatives).
 *
 * Not an absence, and not needed either: the time before an op that overwrites the tensor without reading it, the time before
 * the first write of a transient tensor, and a persistent tensor that nobody uses.
 */
#ifndef PLANNER_BOUND_ABSENCE_H
#define PLANNER_BOUND_ABSENCE_H
#include "planner/schedule/lifetimes.h"

struct absence {
	uint32_t tensor;
	uint32_t from, to;		/* away at most during ops from <= k < to; to == op_count: the step's end */
	uint32_t ready;			/* the copy out begins after this many ops at the earliest */
	bool out;			/* a copy out must end before the bytes are gone */
	bool in;			/* unless made again, they are fetched before op `to` */
	bool main;			/* the longest of those that one host copy serves */
	uint32_t written;		/* a persistent tensor at home on the host is copied out when this many ops
					 * have ended, and not before; 0: no such copy */
	bytes_t bytes;
	uint32_t run_start, run_count;	/* runs[]: ops that run again to make it; none: it cannot be made again */
};

struct absences {
	const struct graph *graph;	/* not owned */
	uint32_t count, run_count;
	struct absence *away;		/* [count] by tensor, then by time */
	uint32_t *runs;			/* [run_count] op ids */
	bytes_t *need;			/* [op_count] bytes at op k if nothing is away: operands, least workspace, absences,
					 * less what in-place permissions may share */
	double *time_us;		/* [op_count] least times */
	double *start_us;		/* [op_count + 1] sums of time_us: op k starts no earlier */
};

void absences_init(struct absences *s, const struct lifetimes *l, struct arena *a);
#endif
