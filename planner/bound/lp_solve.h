/* SPDX-License-Identifier: Apache-2.0 */
/* lp_solve.h - GLPK behind one function (only built with GLPK)
 *
 * No memory of GLPK's outlives a call.  Nothing here takes from an arena.
 */
#ifndef PLANNER_BOUND_LP_SOLVE_H
#define PLANNER_BOUND_LP_SOLVE_H
#include "planner/bound/lp.h"

/* Relax whole columns, solve, fill x [column_count] and duals [row_count] (either may be NULL).  false: no
 * optimum was found within so many iterations (0: any). */
bool lp_solve(const struct lp *p, double *x, double *duals, int iterations);
/* A search over the whole columns. */
struct lp_search {
	double gap;		/* stop when no solution can be better by more than this share */
	double seconds;		/* 0: no limit */
	bool reduce;		/* simplify the program first: for many fixed columns.  Without start and meet */
	const double *start;	/* [column_count] a solution to begin with, or NULL */
	/* Now and then: the best solution's cost so far (INFINITY: none) and a bound on it; false: stop. */
	bool (*tell)(void *arg, double best, double bound);
	/* NULL, or each whole solution that is better than all before, and the relaxed one of each node; x [column_count] is GLPK's for
	 * the call. */
	void (*meet)(void *arg, const double *x, bool whole);
	void *arg;
};

enum lp_answer { LP_NONE, LP_FOUND, LP_BEST };	/* nothing; a solution; none is better by more than the gap */

/* Fill x with the best solution found. */
enum lp_answer lp_search(const struct lp *p, double *x, const struct lp_search *how);

/* Write the model in CPLEX LP format. */
int lp_write(const struct lp *p, const char *path, struct err *e) WARN_UNUSED;
#endif
