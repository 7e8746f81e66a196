/* SPDX-License-Identifier: Apache-2.0 */
/* bounds.h - bounds on the step time at a budget: no sound plan for the graph in its op order is faster
 *
 * A bound is a row of the table.  The best one is the largest.  Bounds share no choice with the policies, so that a mistake in a
 * policy shows as a negative gap.
 */
#ifndef PLANNER_BOUND_BOUNDS_H
#define PLANNER_BOUND_BOUNDS_H
#include "planner/schedule/lifetimes.h"
#include "src/base/with_glpk.h"
#include "src/documents/device.h"

/* Returns microseconds of simulated time on d; 0: not tried, because it would take too long. */
typedef double bound_fn(const struct lifetimes *l, const struct device *d, bytes_t budget, struct arena *a);

#define BOUNDS(ROW) \
	ROW("moment", bound_time_us, "the one op at which it costs most time to fit") \
	WITH_GLPK(ROW("lp", bound_lp_us, "many ops together, by a linear program; proved without trusting the solver"))

struct bound { const char *name, *summary; bound_fn *time_us; };
extern const struct bound bounds[];	/* ends with a NULL name */

#define ROW(name, fn, summary) bound_fn fn;
BOUNDS(ROW)
#undef ROW

#define ROW(name, fn, summary) + 1
enum { BOUND_COUNT = 0 BOUNDS(ROW) };
#undef ROW

/* Returns the largest of all; each_us is NULL or [BOUND_COUNT]. */
double bounds_time_us(double *each_us, const struct lifetimes *l, const struct device *d, bytes_t budget, struct arena *a);
#endif
