/* SPDX-License-Identifier: Apache-2.0 */
/* bound_time.h - no plan within a budget takes less than this, without a solver
 *
 * A lower bound on the simulated step time of every sound plan for a graph in its op order, whatever it keeps, offloads
 * and makes again.  One moment is looked at at a time: the start of one op.
 */
#ifndef PLANNER_BOUND_BOUND_TIME_H
#define PLANNER_BOUND_BOUND_TIME_H
#include "planner/schedule/lifetimes.h"
#include "src/documents/device.h"

struct time_bound {
	double us;
	double ideal_us;	/* the sum of least op times: the bound when everything fits */
	uint32_t op;		/* the op whose start makes the bound; op_count: none, everything fits */
	bytes_t excess_bytes;	/* what cannot be on the device then */
	double before_us;	/* compute waits at least so long before it for copies out ... */
	double after_us;	/* ... and runs again or waits for fetches at least so long after its start */
	bytes_t recomputed_bytes;	/* of the excess, in the cheapest mix */
};

void bound_time(struct time_bound *b, const struct lifetimes *l, const struct device *d, bytes_t budget, struct arena *a);
#endif
