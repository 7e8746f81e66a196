/* SPDX-License-Identifier: Apache-2.0 */
/* place_hill_climb.c - random swaps in the order, kept when the arena is not larger
 *
 * TVM's hill-climb (USMP): an order is placed by first fit, and its arena is its fitness.  Half of the swaps exchange two random items.
 * The others exchange an item that ends at the top of the arena with one placed earlier, because only items at the top determine the
 * arena.  The random numbers are the same in every run.
 */
#include <config.h>
#include "planner/placement/pack_greedy.h"
#include "src/base/random.h"

enum { WORK = 60000000, TRIES = 20000 };

/* Draws a number in [0, below). */
static uint32_t
draw(uint64_t *seed, uint32_t below)
{
	return (uint32_t)(random_xorshift(seed) % below);
}

static void
swap(uint32_t *order, uint32_t i, uint32_t j)
{
	uint32_t item = order[i];

	order[i] = order[j];
	order[j] = item;
}

static void
swap_offsets(struct greedy *g, bytes_t **kept)
{
	bytes_t *latest = g->offsets;

	g->offsets = *kept;
	*kept = latest;
}

/* Returns a position in the order whose item ends at the arena's top, the first from `skip` on. */
static uint32_t
find_top(const struct greedy *g, const bytes_t *offsets, const uint32_t *order, bytes_t arena, uint32_t skip)
{
	uint32_t at = 0;

	for (uint32_t k = 0; k < g->count; k++) {
		uint32_t i = (skip + k) % g->count;

		if (bytes_align(offsets[order[i]] + g->problem->items[g->items[order[i]].id].bytes, g->problem->align) >= arena) {
			at = i;
			break;
		}
	}
	return at;
}

static void
climb(struct greedy *g, struct place_result *r, uint32_t *order, bytes_t target, struct arena *a)
{
	bytes_t *kept = ARENA_NEW(a, bytes_t, g->count);
	uint64_t seed = 88172645463325252;

	swap_offsets(g, &kept);
	for (uint32_t t = 0; t < TRIES && r->arena_bytes > target && !placement_stopped(g->problem); t++) {
		uint32_t i = draw(&seed, g->count), j = draw(&seed, g->count);
		bytes_t arena;

		if (t % 2 == 1) {
			i = find_top(g, kept, order, r->arena_bytes, i);
			j = draw(&seed, i + 1);
		}
		swap(order, i, j);
		arena = greedy_run(g, order, GREEDY_FIRST, r->arena_bytes + 1);
		if (arena > r->arena_bytes) {
			if (g->work > g->work_limit)
				return;
			swap(order, i, j);
			continue;
		}
		greedy_take(g, r, arena);
		swap_offsets(g, &kept);
	}
}

void
place_hill_climb(struct place_result *r, const struct place_problem *p, struct arena *a)
{
	bytes_t target = placement_target(p, r);
	struct greedy g;
	uint32_t *order;

	greedy_init(&g, p, a);
	order = greedy_order(&g, GREEDY_BY_SIZE, GREEDY_BY_LENGTH, a);
	greedy_take(&g, r, greedy_run(&g, order, GREEDY_FIRST, UINT64_MAX));
	g.work_limit = g.work + WORK;
	if (g.count > 1)
		climb(&g, r, order, target, a);
}
