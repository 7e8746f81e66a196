/* SPDX-License-Identifier: Apache-2.0 */
/* spans.h - a map from address ranges to the values that fill them
 *
 * All addresses at which a range can begin or end are known beforehand.  The map is an array over the sorted addresses and a bit tree
 * of the positions at which a span begins (bit_tree.h).  spans_set() takes O(log n) for each span that it covers and removes those
 * spans, so a run of n calls takes O(n log n).
 */
#ifndef SRC_BASE_SPANS_H
#define SRC_BASE_SPANS_H
#include "src/base/arena.h"
#include "src/base/units.h"

struct span {
	bytes_t from, to;	/* [from, to) */
	uint64_t value;		/* SPAN_EMPTY: none */
	bytes_t base;		/* address of byte 0 of the value */
};
#define SPAN_EMPTY UINT64_MAX

struct spans;

/* Returns the map of one empty span [min, max) over addresses[count], which may be in any order and repeat. */
struct spans *spans_new(const bytes_t *addresses, size_t count, struct arena *a);

/* Fills [from, to) with value; from and to are among the addresses.  Neighbours of the same value and base become one span. */
void spans_set(struct spans *s, bytes_t from, bytes_t to, uint64_t value, bytes_t base);

/* Returns the span that holds address, which is within the map's range. */
struct span spans_at(const struct spans *s, bytes_t address);
#endif
