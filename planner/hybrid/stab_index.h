/* SPDX-License-Identifier: Apache-2.0 */
/* stab_index.h - finds the items that may be present at a place: stabbing queries over intervals that change
 *
 * The index has a bit for each item and each bucket of STAB_PLACES places.  A clear bit: the item is absent from the whole bucket.
 * A set bit: the item may be present, and the caller looks at the item itself.  A query skips 64 items with clear bits at a time.
 */
#ifndef PLANNER_HYBRID_STAB_INDEX_H
#define PLANNER_HYBRID_STAB_INDEX_H
#include "src/base/arena.h"

#include <stdbool.h>
#include <stdint.h>

enum { STAB_PLACES = 64 };

struct stab_index {
	uint32_t words, buckets;
	uint64_t *bits;			/* [buckets * words] */
};

/* Fills x: every item is absent everywhere. */
void stab_index_init(struct stab_index *x, uint32_t item_count, uint32_t place_count, struct arena *a);

/* Copies an index to one of the same items and places. */
void stab_index_copy(struct stab_index *to, const struct stab_index *from);

/* Sets whether the item may be present in the bucket. */
void stab_index_set(struct stab_index *x, uint32_t bucket, uint32_t item, bool present);

/* Returns the first item from `item` on that may be present at the place; UINT32_MAX: none. */
uint32_t stab_index_next(const struct stab_index *x, uint32_t place, uint32_t item);
#endif
