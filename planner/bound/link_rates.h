/* SPDX-License-Identifier: Apache-2.0 */
/* link_rates.h - the most that a device's link moves, however the bytes are split into transfers */
#ifndef PLANNER_BOUND_LINK_RATES_H
#define PLANNER_BOUND_LINK_RATES_H
#include "src/documents/device.h"

/* The highest rates over any stretch of simulated time, in bytes per microsecond. */
struct link_rates {
	double way[DIRECTION_COUNT];	/* one direction, whole transfers with their latency */
	double both;			/* the sum of both directions */
	bool shared;			/* one copy engine: the directions take turns */
};

/* Fills r. */
void link_rates_init(struct link_rates *r, const struct device *d);
#endif
