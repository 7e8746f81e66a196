/* SPDX-License-Identifier: Apache-2.0 */
/* what_if.h - changes of the machine that a plan was made for
 *
 * A change concerns the link between host and GPU, or the GPU's speed.  A given rate or latency replaces the measured
 * curves, which belong to the measured rate.  A share of the link among GPUs keeps the curves.
 */
#ifndef SIM_TIME_WHAT_IF_H
#define SIM_TIME_WHAT_IF_H
#include "src/documents/plan.h"

struct what_if {
	double rate[DIRECTION_COUNT];	/* bytes per second; 0: as it is */
	double duplex;			/* 0: in proportion to the other two */
	double latency;			/* microseconds; negative: as it is */
	double compute_scale;		/* 0: as it is */
	uint32_t gpus_per_link;		/* GPUs behind one host link, all busy; 0 or 1: one */
};
#define WHAT_IF_INIT { .latency = -1 }

/* ERR_INPUT for rates and latencies that no link has. */
int what_if_check(const struct what_if *w, struct err *e) WARN_UNUSED;

/* Gives both directions the rate of --link, if it is not 0.  ERR_USAGE if a direction has a rate of its own. */
int what_if_both(struct what_if *w, double both, struct err *e) WARN_UNUSED;

/* Fills e with that error. */
int what_if_contradiction(struct err *e);

/* True when w changes anything. */
static inline bool
what_if_any(const struct what_if *w)
{
	return w->rate[H2D] > 0 || w->rate[D2H] > 0 || w->duplex > 0 || w->latency >= 0 || w->compute_scale > 0 || w->gpus_per_link > 1;
}

/* Changes d's link.  Several GPUs behind it have equal shares of every rate; latencies stay. */
void what_if_device(struct device *d, const struct what_if *w, struct arena *a);

/* ERR_NO unless the plan's arena and pool fit on device d, another one than the plan's. */
int what_if_fits(const struct plan *p, const struct device *d, struct err *e) WARN_UNUSED;

/* Divides the time of every op of p by the factor.  The graph is copied; its ids stay. */
void what_if_compute(struct plan *p, double factor, struct arena *a);
#endif
