/* SPDX-License-Identifier: Apache-2.0 */
/* what_if.h - another machine than the one a plan was made for
 *
 * A change of the link between host and GPU, or of the GPU's speed.  A rate or a latency that
 * is typed in replaces a measured curve, which belongs to the rate that was measured; a share of the link keeps it.
 */
#ifndef SIM_TIME_WHAT_IF_H
#define SIM_TIME_WHAT_IF_H
#include "src/documents/plan.h"

struct what_if {
	double rate[DIRECTION_COUNT];	/* bytes per second; 0: as it is */
	double duplex;			/* 0: in proportion to the other two */
	double latency;			/* microseconds; negative: as it is */
	double compute_scale;		/* 0: as it is */
	uint32_t gpus_per_link;		/* so many GPUs behind one host link, all busy; 0 or 1: alone */
};
#define WHAT_IF_INIT { .latency = -1 }

/* Rates that no link has are refused: they would only make other figures absurd. */
int what_if_check(const struct what_if *w, struct err *e) WARN_UNUSED;

/* Does w change anything? */
static inline bool
what_if_any(const struct what_if *w)
{
	return w->rate[H2D] > 0 || w->rate[D2H] > 0 || w->duplex > 0 || w->latency >= 0 || w->compute_scale > 0 || w->gpus_per_link > 1;
}

/* Change d's link.  Several GPUs behind it have an equal share of every rate, and latencies stay. */
void what_if_device(struct device *d, const struct what_if *w, struct arena *a);

/* ERR_NO unless device d, another one than the plan's, holds it. */
int what_if_fits(const struct plan *p, const struct device *d, struct err *e) WARN_UNUSED;

/* p with every op's time divided by the factor; the graph is copied, its ids stay. */
void what_if_compute(struct plan *p, double factor, struct arena *a);
#endif
