/* SPDX-License-Identifier: Apache-2.0 */
/* stab_index.h - which of many items may stand at a place: an index for stabbing queries over intervals that change
 *
 * The index has a bit for each item and each bucket of STAB_PLACES places.  A clear bit says that the item stands nowhere in the bucket.
 * A set bit says that it may stand there: the caller looks at the item.  A query skips 64 items with clear bits at a time.
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

/* No item stands anywhere. */
void stab_index_init(struct stab_index *x, uint32_t item_count, uint32_t place_count, struct arena *a);

/* The two indices have the same items and places. */
void stab_index_copy(struct stab_index *to, const struct stab_index *from);

void stab_index_set(struct stab_index *x, uint32_t bucket, uint32_t item, bool stands);

/* The first item from `item` on that may stand at the place; UINT32_MAX: none. */
uint32_t stab_index_next(const struct stab_index *x, uint32_t place, uint32_t item);
#endif
