/* SPDX-License-Identifier: Apache-2.0 */
/* bounds.c - the table of bounds */
#include <config.h>
#include "planner/bound/bounds.h"

#define ROW(name, fn, summary) { name, summary, fn },
const struct bound bounds[] = { BOUNDS(ROW) { NULL, NULL, NULL } };
#undef ROW

double
bounds_time_us(double *each_us, const struct lifetimes *l, const struct device *d, bytes_t budget, struct arena *a)
{
	double best = 0;

	for (int i = 0; bounds[i].name != NULL; i++) {
		double us = bounds[i].time_us(l, d, budget, a);

		if (each_us != NULL)
			each_us[i] = us;
		best = us > best ? us : best;
	}
	return best;
}
