/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>
#include "planner/hybrid/placement_cache.h"

#include "src/base/arena.h"

XXH128_hash_t
placed_key(const struct schedule *s, uint32_t tensor_count, uint32_t how, struct arena *a)
{
	/* The structures have padding; a digest is to be of their members alone. */
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

/* A critical section with a name would be a symbol of the library's. */
bool
placed_find(struct placed_list *l, XXH128_hash_t key, struct placed *found)
{
	bool is_there = false;

#ifdef _OPENMP
#pragma omp critical
#endif
	for (uint32_t i = 0; i < l->count && !is_there; i++)
		if (XXH128_isEqual(l->placed[i].key, key)) {
			*found = l->placed[i];
			is_there = true;
		}
	return is_there;
}

void
placed_add(struct placed_list *l, const struct placed *new)
{
#ifdef _OPENMP
#pragma omp critical
#endif
	if (l->count < MOST_PLACED)
		l->placed[l->count++] = *new;
}
