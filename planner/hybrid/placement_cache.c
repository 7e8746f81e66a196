/* SPDX-License-Identifier: Apache-2.0 */
/* placement_cache.c - a list, searched from its beginning: a search has a few hundred schedules */
#include <config.h>
#include "planner/hybrid/placement_cache.h"

#include "src/base/arena.h"

XXH128_hash_t
placement_cache_key(const struct schedule *s, uint32_t tensor_count, uint32_t how, struct arena *a)
{
	/* The digest is of the members alone: the structures have padding. */
	size_t count = 0, most = 1 + 3 * (size_t)s->step_count + 6 * (size_t)s->move_count + tensor_count;
	uint32_t *words = ARENA_NEW(a, uint32_t, most);

	words[count++] = how | (uint32_t)s->hold << 8 | (uint32_t)s->in_place << 9;
	for (uint32_t i = 0; i < s->step_count; i++) {
		const struct step *x = &s->steps[i];

		words[count++] = x->op;
		words[count++] = x->alternative;
		words[count++] = x->barrier;
	}
	for (uint32_t i = 0; i < s->move_count; i++) {
		const struct move *x = &s->moves[i];

		words[count++] = x->tensor;
		words[count++] = x->from;
		words[count++] = x->gone;
		words[count++] = x->free;
		words[count++] = x->back;
		words[count++] = x->copied;
	}
	for (uint32_t t = 0; s->on_host != NULL && t < tensor_count; t++)
		words[count++] = s->on_host[t];
	return XXH3_128bits(words, sizeof(*words) * count);
}

/* The critical sections have no name: a name would be a symbol of the library. */
bool
placement_cache_find(struct placement_cache *c, XXH128_hash_t key, struct cached_placement *found)
{
	bool is_there = false;

#ifdef _OPENMP
#pragma omp critical
#endif
	for (uint32_t i = 0; i < c->count && !is_there; i++)
		if (XXH128_isEqual(c->of[i].key, key)) {
			*found = c->of[i];
			is_there = true;
		}
	return is_there;
}

void
placement_cache_add(struct placement_cache *c, const struct cached_placement *new)
{
#ifdef _OPENMP
#pragma omp critical
#endif
	if (c->count < PLACEMENT_CACHE_SIZE)
		c->of[c->count++] = *new;
}
