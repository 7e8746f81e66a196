/* SPDX-License-Identifier: Apache-2.0 */
/* lower_bound.h - binary search in rising arrays
 *
 * Each function returns the first index of [from, to) whose element is no less than value; `to`: all are less.
 */
#ifndef SRC_BASE_LOWER_BOUND_H
#define SRC_BASE_LOWER_BOUND_H
#include <stdint.h>

static inline uint32_t
lower_bound(const uint32_t *rising, uint32_t from, uint32_t to, uint32_t value)
{
	while (from < to) {
		uint32_t middle = from + (to - from) / 2;

		if (rising[middle] < value)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

static inline uint32_t
lower_bound_double(const double *rising, uint32_t from, uint32_t to, double value)
{
	while (from < to) {
		uint32_t middle = from + (to - from) / 2;

		if (rising[middle] < value)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}
#endif
