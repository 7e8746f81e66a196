/* SPDX-License-Identifier: Apache-2.0 */
/* placement_cache.h - what came of placing schedules, for when another way leads to the same one
 *
 * Shared by threads.  Which of them adds first makes no difference: a schedule is placed the same way each time.
 */
#ifndef PLANNER_HYBRID_PLACEMENT_CACHE_H
#define PLANNER_HYBRID_PLACEMENT_CACHE_H
#include "planner/schedule/schedule.h"

#include <xxhash.h>

enum { MOST_PLACED = 1024 };

struct placed {
	XXH128_hash_t key;
	bytes_t missing;		/* bytes of the arena over the budget */
	double us;			/* the simulated step */
};

struct placed_list {
	uint32_t count;
	struct placed placed[MOST_PLACED];
};

/* s's digest.  how: what else decides; schedules for one graph and budget only are compared. */
XXH128_hash_t placed_key(const struct schedule *s, uint32_t tensor_count, uint32_t how, struct arena *a);

/* Fills *found if a schedule of this key was added. */
bool placed_find(struct placed_list *l, XXH128_hash_t key, struct placed *found);

/* Nothing when the list is full. */
void placed_add(struct placed_list *l, const struct placed *new);
#endif
