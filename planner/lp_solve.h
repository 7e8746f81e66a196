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
#endif
