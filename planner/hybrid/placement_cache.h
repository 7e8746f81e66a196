/* SPDX-License-Identifier: Apache-2.0 */
/* placement_cache.h - results of placing schedules: several configurations lead to the same schedule
 *
 * Threads share a cache.  A schedule is always placed the same way, so it makes no difference which thread adds a result first.
 * All schedules of a cache are of one graph and one budget.
 */
#ifndef PLANNER_HYBRID_PLACEMENT_CACHE_H
#define PLANNER_HYBRID_PLACEMENT_CACHE_H
#include "planner/hybrid/hybrid_heuristics.h"
#include "planner/schedule/schedule.h"

#include <xxhash.h>

struct cached_placement {
	XXH128_hash_t key;
	bytes_t missing;		/* bytes of the arena over the budget */
	double us;			/* the simulated step time */
};

struct placement_cache {
	uint32_t count;
	struct cached_placement of[PLACEMENT_CACHE_SIZE];
};

/* The digest of s, and of `how` it is placed. */
XXH128_hash_t placement_cache_key(const struct schedule *s, uint32_t tensor_count, uint32_t how, struct arena *a);

/* Fills *found if the cache has a result of this key. */
bool placement_cache_find(struct placement_cache *c, XXH128_hash_t key, struct cached_placement *found);

/* Adds a result, unless the cache is full. */
void placement_cache_add(struct placement_cache *c, const struct cached_placement *new);
#endif
