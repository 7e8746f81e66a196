/* SPDX-License-Identifier: Apache-2.0 */
/* bound_time.h - a lower bound on the step time within a budget, without a solver
 *
 * No sound plan for a graph in its op order has a shorter simulated step, whatever it keeps, offloads and makes again.  The
 * bound looks at one moment at a time, the start of one op.
 */
#ifndef PLANNER_BOUND_BOUND_TIME_H
#define PLANNER_BOUND_BOUND_TIME_H
#include "planner/schedule/lifetimes.h"
#include "src/documents/device.h"

struct time_bound {
	double us;
	double ideal_us;	/* the sum of least op times: the bound when everything fits */
	uint32_t op;		/* the op whose start makes the bound; op_count: none, everything fits */
	bytes_t excess_bytes;	/* of tensors that cannot be on the device then */
	double before_us;	/* the least time that compute waits for copies out before op */
	double after_us;	/* the least time of reruns, and of waits for fetches, after the start of op */
	bytes_t recomputed_bytes;	/* of the excess, in the cheapest mix */
};

/* Fills b. */
void bound_time(struct time_bound *b, const struct lifetimes *l, const struct device *d, bytes_t budget, struct arena *a);
#endif
