/* SPDX-License-Identifier: Apache-2.0 */
/* stab_index.c - one row of bits a bucket, so that a query reads adjacent words */
#include <config.h>
#include "planner/hybrid/stab_index.h"

#include <string.h>

void
stab_index_init(struct stab_index *x, uint32_t item_count, uint32_t place_count, struct arena *a)
{
	*x = (struct stab_index) { .words = item_count / 64 + 1, .buckets = place_count / STAB_PLACES + 1 };
	x->bits = ARENA_NEW(a, uint64_t, (size_t)x->words * x->buckets);
}

void
stab_index_copy(struct stab_index *to, const struct stab_index *from)
{
	memcpy(to->bits, from->bits, sizeof(*to->bits) * to->words * to->buckets);
}

void
stab_index_set(struct stab_index *x, uint32_t bucket, uint32_t item, bool present)
{
	uint64_t *word = &x->bits[(size_t)bucket * x->words + item / 64], bit = UINT64_C(1) << item % 64;

	*word = present ? *word | bit : *word & ~bit;
}

uint32_t
stab_index_next(const struct stab_index *x, uint32_t place, uint32_t item)
{
	const uint64_t *row = x->bits + (size_t)(place / STAB_PLACES) * x->words;
	uint32_t w = item / 64;
	uint64_t left;

	if (w >= x->words)
		return UINT32_MAX;
	for (left = row[w] & ~UINT64_C(0) << item % 64; left == 0; left = row[w])
		if (++w == x->words)
			return UINT32_MAX;
	return w * 64 + (uint32_t)__builtin_ctzll(left);
}
