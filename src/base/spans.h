/* SPDX-License-Identifier: Apache-2.0 */
/* spans.h - a map from address ranges to what fills them
 *
 * All addresses at which a range can begin or end are known beforehand, so the
 * map is an array over the sorted addresses plus a bitset that marks where a span begins; finding a span's
 * start is a search for the nearest set bit in a tree of 64-bit words.  A set
 * costs O(log n) for each span that it covers, and it removes those: near-linear over a run.
 */
#ifndef SRC_BASE_SPANS_H
#define SRC_BASE_SPANS_H
#include "src/base/arena.h"
#include "src/base/units.h"

struct span {
	bytes_t from, to;	/* [from, to) */
	uint64_t value;		/* SPAN_EMPTY: nothing */
	bytes_t base;		/* address at which the value's byte 0 would lie */
};
#define SPAN_EMPTY UINT64_MAX

struct spans;

/* addresses[count] in any order, repeats allowed; [min, max) of them is one empty span. */
struct spans *spans_new(const bytes_t *addresses, size_t count, struct arena *a);

/* Fill [from, to) with value; from and to are among the addresses.  Neighbours of the same
 * value and base are joined. */
void spans_set(struct spans *s, bytes_t from, bytes_t to, uint64_t value, bytes_t base);

/* The span that holds address (the map's range includes it). */
struct span spans_at(const struct spans *s, bytes_t address);
#endif
