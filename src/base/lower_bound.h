/* SPDX-License-Identifier: Apache-2.0 */
/* lower_bound.h - binary search in rising arrays
 *
 * Each function returns the first index of [from, to) whose element is at least value; `to`: all are smaller.
 */
#ifndef SRC_BASE_LOWER_BOUND_H
#define SRC_BASE_LOWER_BOUND_H
#include <stdint.h>

#define LOWER_BOUND(name, type) \
	static inline uint32_t \
	name(const type *rising, uint32_t from, uint32_t to, type value) \
	{ \
		while (from < to) { \
			uint32_t middle = from + (to - from) / 2; \
 \
			if (rising[middle] < value) \
				from = middle + 1; \
			else \
				to = middle; \
		} \
		return from; \
	}

LOWER_BOUND(lower_bound, uint32_t)
LOWER_BOUND(lower_bound_double, double)
LOWER_BOUND(lower_bound_int64, int64_t)
#endif
