/* SPDX-License-Identifier: Apache-2.0 */
/* lp_solve.h - solving linear and integer programs with GLPK (only built with GLPK)
 *
 * GLPK's memory does not outlive a call.  No function here allocates from an arena.
 */
#ifndef PLANNER_BOUND_LP_SOLVE_H
#define PLANNER_BOUND_LP_SOLVE_H
#include "planner/bound/lp.h"

/* Solves with whole columns relaxed, and fills x [column_count] and duals [row_count]; either may be NULL.  false: no optimum was
 * found within this many iterations (0: no limit). */
bool lp_solve(const struct lp *p, double *x, double *duals, int iterations);

/* A search over the whole columns. */
struct lp_search {
	double gap;		/* the search ends when no solution can be better by more than this share */
	double seconds;		/* 0: no limit */
	bool reduce;		/* the program is simplified first: for many fixed columns.  Not with start or meet */
	const double *start;	/* [column_count] a solution to begin with, or NULL */
	/* Called now and then with the best solution's cost (INFINITY: none) and a bound on it; false ends the search. */
	bool (*tell)(void *arg, double best, double bound);
	/* NULL, or called with each whole solution that is better than all before, and with the relaxed one of each node.
	 * x [column_count] is valid during the call. */
	void (*meet)(void *arg, const double *x, bool whole);
	void *arg;
};

enum lp_answer { LP_NONE, LP_FOUND, LP_BEST };	/* no solution; a solution; a solution that is the best to within the gap */

/* Fills x with the best solution found. */
enum lp_answer lp_search(const struct lp *p, double *x, const struct lp_search *how);

/* Writes the program in CPLEX LP format. */
int lp_write(const struct lp *p, const char *path, struct err *e) WARN_UNUSED;
#endif
