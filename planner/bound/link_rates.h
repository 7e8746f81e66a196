/* SPDX-License-Identifier: Apache-2.0 */
/* link_rates.h - the most that a device's link moves, however the bytes are split into transfers */
#ifndef PLANNER_BOUND_LINK_RATES_H
#define PLANNER_BOUND_LINK_RATES_H
#include "src/documents/device.h"

/* The highest rates, in bytes per microsecond.  A stretch of time may begin or end within a transfer.  Its share of the bytes
 * follows one rule (link_rates.c), under which part[] and both hold together for every stretch. */
struct link_rates {
	double way[DIRECTION_COUNT];	/* one direction, whole transfers with their latency */
	double part[DIRECTION_COUNT];	/* one direction, any stretch */
	double both;			/* the sum of both directions, any stretch */
	double latent;			/* of the rule: bytes of a transfer that belong to each microsecond of its latency */
	bool shared;			/* one copy engine: the directions take turns */
};

/* Fills r. */
void link_rates_init(struct link_rates *r, const struct device *d);
#endif
