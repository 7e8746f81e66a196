/* SPDX-License-Identifier: Apache-2.0 */
/* place_boxing.c - outward from the busiest moment, near-linear, for 10^5 to 10^6 buffers
 *
 * The bound is the load of the busiest moment, so no byte may be lost there: the items alive at that moment are stacked without a
 * hole.  From there time runs outward, to the end and, mirrored, to the beginning.  An item takes the tightest free stretch when it is
 * met and gives it back when it ends.  The two halves share only the stack.  The stack's order decides which stretches become free
 * first.  Items that live longest on their shorter side lie at the bottom, so that the top becomes free in one piece on both sides.
 * A box of boxing algorithms (Buchsbaum, Karloff, Kenyon, Reingold and Thorup 2004) is implicit here: a stretch that one item after another
 * takes without a split.
 *
 * O(n log n) time, O(n) memory.  A sweep cannot respect given offsets: with any, the row is best-fit in program order.
 */
#include <config.h>
#include "planner/placement/pack_greedy.h"

#include <math.h>
#include <string.h>

#include "planner/placement/pack_heap.h"
#include "src/base/rank.h"

enum { LARGE = 200000 };	/* items: above, a thousandth over the target is good enough */

/* The order of the stack, from the bottom: descending by this. */
enum stacking { STACK_BY_SHORTER_SIDE, STACK_BY_LONGER_SIDE, STACK_BY_SIZE, STACKINGS };

struct boxing {
	const struct greedy_item *items;	/* [count] */
	uint32_t count, times;
	bytes_t unit;
	struct ranked *turns;			/* [count] items in the order in which a sweep meets them */
	uint32_t *ends;				/* [count] items by their end */
	uint32_t *at, *stretch;			/* [times + 2], [count] */
	struct stretch *stretches;		/* [2 * count + 1] */
	bytes_t *offsets;			/* [count] */
};

/* A half-open life in the direction of a sweep. */
struct sweep_life { uint32_t lower, upper; };

static struct sweep_life
life_of(const struct boxing *b, const struct greedy_item *it, bool back)
{
	return back ? (struct sweep_life) { b->times - it->upper, b->times - it->lower } :
	    (struct sweep_life) { it->lower, it->upper };
}

/* Fills turns with the items alive after `from`: those alive at it in the stack's order, then the others by beginning, larger
 * first. */
static uint32_t
take_turns(struct boxing *b, uint32_t from, bool back, enum stacking stacking)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < b->count; i++) {
		struct sweep_life l = life_of(b, &b->items[i], back);
		double before, after;

		if (l.upper <= from)
			continue;
		b->turns[n] = (struct ranked) { 0, -(double)b->items[i].bytes, i };
		if (l.lower > from) {
			b->turns[n++].first = l.lower;
			continue;
		}
		/* From the lives on both sides, so that both sweeps have the same stack. */
		before = from - l.lower + 1;
		after = l.upper - from;
		if (stacking == STACK_BY_SHORTER_SIDE)
			b->turns[n].second = -fmin(before, after);
		else if (stacking == STACK_BY_LONGER_SIDE)
			b->turns[n].second = -fmax(before, after);
		n++;
	}
	rank_rising(b->turns, n);
	return n;
}

/* Sorts the turns' items by their end, by counting. */
static void
sort_ends(struct boxing *b, uint32_t n, bool back)
{
	memset(b->at, 0, sizeof(*b->at) * ((size_t)b->times + 2));
	for (uint32_t i = 0; i < n; i++)
		b->at[life_of(b, &b->items[b->turns[i].id], back).upper + 1]++;
	for (uint32_t k = 0; k <= b->times; k++)
		b->at[k + 1] += b->at[k];
	for (uint32_t i = 0; i < n; i++)
		b->ends[b->at[life_of(b, &b->items[b->turns[i].id], back).upper]++] = b->turns[i].id;
}

static void
sweep(struct boxing *b, uint32_t from, bool back, enum stacking stacking)
{
	uint32_t n = take_turns(b, from, back, stacking), gone = 0;
	struct heap h;

	sort_ends(b, n, back);
	heap_init(&h, b->stretches);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t item = b->turns[i].id;
		const struct greedy_item *it = &b->items[item];
		struct sweep_life l = life_of(b, it, back);

		for (; l.lower > from && life_of(b, &b->items[b->ends[gone]], back).upper <= l.lower; gone++)
			heap_give(&h, b->stretch[b->ends[gone]]);
		/* Room for an aligned place at any beginning of the stretch. */
		b->stretch[item] = heap_take(&h, it->bytes + it->align - b->unit);
		b->offsets[item] = bytes_align(h.s[b->stretch[item]].start, it->align);
	}
}

static void
boxing_init(struct boxing *b, const struct greedy *g, struct arena *a)
{
	*b = (struct boxing) { .items = g->items, .count = g->count, .times = g->times, .unit = g->unit, .offsets = g->offsets };
	b->turns = ARENA_NEW(a, struct ranked, b->count);
	b->ends = ARENA_NEW(a, uint32_t, b->count);
	b->at = ARENA_NEW(a, uint32_t, (size_t)b->times + 2);
	b->stretch = ARENA_NEW(a, uint32_t, b->count);
	b->stretches = ARENA_NEW(a, struct stretch, 2 * (size_t)b->count + 1);
}

static void
sweep_outward(struct boxing *b, uint32_t from, enum stacking stacking)
{
	sweep(b, b->times - 1 - from, true, stacking);
	sweep(b, from, false, stacking);
}

/* Takes the latest offsets when their arena is smaller.  It ends with the bytes of the topmost item, not with a stretch. */
static void
keep_best(struct place_result *r, const struct greedy *g)
{
	bytes_t top = 0;

	for (uint32_t i = 0; i < g->count; i++) {
		bytes_t end = g->offsets[i] + g->problem->items[g->items[i].id].bytes;

		top = end > top ? end : top;
	}
	top = bytes_align(top, g->problem->align);
	if (top < r->arena_bytes)
		greedy_take(g, r, top);
}

/* True when no further sweep is worth its time: at the target, or within a thousandth where a sweep takes seconds. */
static bool
is_good(const struct place_result *r, const struct boxing *b, bytes_t target)
{
	return r->arena_bytes <= target || (b->count > LARGE && r->arena_bytes - target <= target / 1000);
}

void
place_boxing(struct place_result *r, const struct place_problem *p, struct arena *a)
{
	bytes_t target = placement_target(p, r);
	struct boxing b;
	struct greedy g;

	for (uint32_t i = 0; i < p->count; i++)
		if (p->items[i].fixed != PLACE_FREE && p->items[i].bytes > 0) {
			place_best_fit(r, p, a);
			return;
		}
	greedy_init(&g, p, a);
	r->arena_bytes = UINT64_MAX;
	if (g.count == 0) {
		greedy_take(&g, r, 0);
		return;
	}
	boxing_init(&b, &g, a);
	for (int s = 0; s < STACKINGS && !is_good(r, &b, target); s++) {
		sweep_outward(&b, g.busiest, (enum stacking)s);
		keep_best(r, &g);
	}
	/* Program order, for problems without one busiest moment. */
	if (!is_good(r, &b, target)) {
		sweep(&b, 0, false, STACK_BY_SIZE);
		keep_best(r, &g);
	}
}
