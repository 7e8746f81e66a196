/* SPDX-License-Identifier: Apache-2.0 */
/* pack_order.c - the orders in which a greedy run takes its items
 *
 * A key is computed for all items at once from sums over time; no pair of items is looked at.
 */
#include <config.h>
#include "planner/placement/pack_greedy.h"

#include "src/base/rank.h"

/* Counts the items alive at some time of each item's life: all that begin before its end, less those that end before its
 * beginning. */
static void
count_conflicts(double *key, const struct greedy *g, struct arena *a)
{
	uint32_t *ended = ARENA_NEW(a, uint32_t, (size_t)g->times + 1);
	uint32_t *begun = ARENA_NEW(a, uint32_t, (size_t)g->times + 1);

	for (uint32_t i = 0; i < g->count; i++) {
		ended[g->items[i].upper]++;
		begun[g->items[i].lower]++;
	}
	for (uint32_t k = 0; k < g->times; k++) {
		ended[k + 1] += ended[k];
		begun[k + 1] += begun[k];
	}
	for (uint32_t i = 0; i < g->count; i++)
		key[i] = (double)begun[g->items[i].upper - 1] - (double)ended[g->items[i].lower];
}

/* Finds the largest load at a time of each item's life.  A sparse table holds the maxima over stretches of 2^h times; two of them
 * cover any stretch. */
static void
find_loads(double *key, const struct greedy *g, struct arena *a)
{
	bytes_t *most[33] = { g->load };

	for (uint32_t h = 1; (UINT64_C(1) << h) <= g->times; h++) {
		uint32_t half = UINT32_C(1) << (h - 1), n = g->times - 2 * half + 1;

		most[h] = ARENA_NEW(a, bytes_t, n);
		for (uint32_t k = 0; k < n; k++)
			most[h][k] = most[h - 1][k] > most[h - 1][k + half] ? most[h - 1][k] : most[h - 1][k + half];
	}
	for (uint32_t i = 0; i < g->count; i++) {
		const struct greedy_item *it = &g->items[i];
		uint32_t h = 31 - (uint32_t)__builtin_clz(it->upper - it->lower);
		bytes_t x = most[h][it->lower], y = most[h][it->upper - (UINT32_C(1) << h)];

		key[i] = (double)(x > y ? x : y);
	}
}

static double
key_of(const struct greedy *g, const struct greedy_item *it, enum greedy_key key)
{
	const struct place_item *own = &g->problem->items[it->id];
	double before = (double)g->busiest - (double)it->lower + 1, after = (double)it->upper - (double)g->busiest;

	switch (key) {
	case GREEDY_BY_START:
		return -(double)it->lower;
	case GREEDY_BY_SIZE:
		return (double)it->bytes;
	case GREEDY_BY_AREA:
		/* In the problem's own times: compressed ones leave out the times at which no item begins. */
		return (double)it->bytes * ((double)own->upper - (double)own->lower);
	case GREEDY_BY_LENGTH:
		return (double)own->upper - (double)own->lower;
	case GREEDY_BY_NEARNESS:
		return before < 1 ? before : after < 1 ? after : 1;
	default:
		return before < after ? before : after;
	}
}

static double *
keys(const struct greedy *g, enum greedy_key key, struct arena *a)
{
	double *values = ARENA_NEW(a, double, g->count);

	if (key == GREEDY_BY_CONFLICTS)
		count_conflicts(values, g, a);
	else if (key == GREEDY_BY_LOAD)
		find_loads(values, g, a);
	else for (uint32_t i = 0; i < g->count; i++)
		values[i] = key_of(g, &g->items[i], key);
	return values;
}

uint32_t *
greedy_order(const struct greedy *g, enum greedy_key first, enum greedy_key second, struct arena *a)
{
	struct ranked *ranks = ARENA_NEW(a, struct ranked, g->count);
	uint32_t *order = ARENA_NEW(a, uint32_t, g->count);
	const double *k1 = keys(g, first, a), *k2 = keys(g, second, a);

	for (uint32_t i = 0; i < g->count; i++)
		ranks[i] = (struct ranked) { k1[i], k2[i], i };
	rank_falling(ranks, g->count);
	for (uint32_t i = 0; i < g->count; i++)
		order[i] = ranks[i].id;
	return order;
}
