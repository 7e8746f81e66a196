/* SPDX-License-Identifier: Apache-2.0 */
/* stab_index.h - which of many items may stand at a place
 *
 * For stabbing queries over intervals that change: a bit for each item and each bucket of STAB_PLACES places.  A set bit says
 * that the item may stand somewhere in the bucket, a clear one that it stands nowhere there; who asks looks at the item for
 * the rest.  Where few of thousands stand, they are found without looking at all.
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

/* to is of the same items and places. */
void stab_index_copy(struct stab_index *to, const struct stab_index *from);

void stab_index_set(struct stab_index *x, uint32_t bucket, uint32_t item, bool stands);

/* The first item from `item` on that may stand at the place; UINT32_MAX: there is none. */
uint32_t stab_index_next(const struct stab_index *x, uint32_t place, uint32_t item);
#endif
