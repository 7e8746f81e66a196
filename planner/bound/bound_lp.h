/* SPDX-License-Identifier: Apache-2.0 */
/* bound_lp.h - the bound on the step time from a linear program over chosen moments of the step
 *
 * This bound is sharper than bound_time.h where copies and reruns of several moments compete for the link and for time.  GLPK
 * solves the program; the bound is then certified without it.
 */
#ifndef PLANNER_BOUND_BOUND_LP_H
#define PLANNER_BOUND_BOUND_LP_H
#include "planner/schedule/lifetimes.h"
#include "src/documents/device.h"

struct lp_options {
	uint32_t splits;	/* moments that end segments for reruns; 0: a default */
	uint32_t moments;	/* starts of ops that the program looks at; 0: a default that solves quickly */
};

struct lp_bound {
	double us;		/* certified; 0: none was found */
	double lp_us;		/* the solver's own optimum */
	uint32_t rows, columns, moments;
};

/* Fills b. */
void bound_lp_run(struct lp_bound *b, const struct lp_options *o, const struct lifetimes *l, const struct device *d,
    bytes_t budget, struct arena *a);
#endif
