/* SPDX-License-Identifier: Apache-2.0 */
/* link_rates.h - what a device's link can do at most, however the bytes are cut into transfers */
#ifndef PLANNER_BOUND_LINK_RATES_H
#define PLANNER_BOUND_LINK_RATES_H
#include "src/documents/device.h"

/* Bytes a microsecond; in any stretch of simulated time no more than these move. */
struct link_rates {
	double way[DIRECTION_COUNT];	/* one direction, whole transfers with their latency */
	double both;			/* the sum of both directions */
	bool shared;			/* one copy engine: the directions take turns */
};

void link_rates_init(struct link_rates *r, const struct device *d);
#endif
