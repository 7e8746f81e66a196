/* SPDX-License-Identifier: Apache-2.0 */
/* lp_solve.h - GLPK behind one function (only built with GLPK)
 *
 * No memory of GLPK's outlives a call.  Nothing here takes from an arena.
 */
#ifndef PLANNER_LP_SOLVE_H
#define PLANNER_LP_SOLVE_H
#include "planner/lp.h"

/* Relax whole columns, solve, fill x [column_count] and duals [row_count] (either may be NULL).  false: no
 * optimum was found within so many iterations (0: any). */
bool lp_solve(const struct lp *p, double *x, double *duals, int iterations);
/* A search over the whole columns. */
struct lp_search {
	double gap;		/* stop when no solution can be better by more than this share */
	double seconds;		/* 0: no limit */
	const double *start;	/* [column_count] a solution to begin with, or NULL */
	/* Now and then: the best solution's cost so far (INFINITY: none) and a bound on it; false: stop. */
	bool (*tell)(void *arg, double best, double bound);
	void *arg;
};

/* Fill x with the best solution found; false: none. */
bool lp_search(const struct lp *p, double *x, const struct lp_search *how);

/* Write the model in CPLEX LP format. */
int lp_write(const struct lp *p, const char *path, struct err *e) WARN_UNUSED;
#endif
