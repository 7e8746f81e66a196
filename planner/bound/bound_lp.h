/* SPDX-License-Identifier: Apache-2.0 */
/* bound_lp.h - the bound on the step time from a linear program over chosen moments of the step
 *
 * Sharper than bound_time.h where copies and reruns of several moments compete for the link and for time.
 * Solved by GLPK and then certified without it.
 */
#ifndef PLANNER_BOUND_BOUND_LP_H
#define PLANNER_BOUND_BOUND_LP_H
#include "planner/schedule/lifetimes.h"
#include "src/documents/device.h"

struct lp_options {
	uint32_t splits;	/* moments that reruns know the order of; 0: likewise */
	uint32_t moments;	/* starts of ops that are looked at; 0: as many as a default run may take */
};

struct lp_bound {
	double us;		/* certified; 0: nothing was found */
	double lp_us;		/* what the solver says */
	uint32_t rows, columns, moments;
};

void bound_lp_run(struct lp_bound *b, const struct lp_options *o, const struct lifetimes *l, const struct device *d,
    bytes_t budget, struct arena *a);
#endif
