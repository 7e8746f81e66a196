/* SPDX-License-Identifier: Apache-2.0 */
/* rank.c - ranked ids by qsort(), keys by counting */
#include <config.h>
#include "src/base/rank.h"

#include <stdlib.h>

static int
smaller_first(const void *x, const void *y)
{
	const struct ranked *p = x, *q = y;

	if (p->first != q->first)
		return p->first < q->first ? -1 : 1;
	if (p->second != q->second)
		return p->second < q->second ? -1 : 1;
	return p->id < q->id ? -1 : p->id > q->id;
}

static int
larger_first(const void *x, const void *y)
{
	const struct ranked *p = x, *q = y;

	return p->first != q->first || p->second != q->second ? smaller_first(y, x) : smaller_first(x, y);
}

void
rank_rising(struct ranked *r, size_t count)
{
	qsort(r, count, sizeof(*r), smaller_first);
}

void
rank_falling(struct ranked *r, size_t count)
{
	qsort(r, count, sizeof(*r), larger_first);
}

uint32_t *
rank_by_key(const uint32_t *key, uint32_t count, uint32_t keys, uint32_t **start, struct arena *a)
{
	uint32_t *order = ARENA_NEW(a, uint32_t, count), *first = ARENA_NEW(a, uint32_t, (size_t)keys + 2);

	for (uint32_t i = 0; i < count; i++)
		if (key[i] != RANK_NONE)
			first[key[i] + 2]++;
	for (uint32_t k = 1; k <= keys; k++)
		first[k + 1] += first[k];
	/* first[k + 1] goes from the start of key k to that of key k + 1. */
	for (uint32_t i = 0; i < count; i++)
		if (key[i] != RANK_NONE)
			order[first[key[i] + 1]++] = i;
	if (start != NULL)
		*start = first;
	return order;
}
