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
 * Given offsets make a ground, whose height is the end of the highest given item at each time.  The free items hang from the top of an arena
 * of the target's height.  No item may hang below the largest height of the ground in its life.  The stack begins with the highest such limit, so
 * it fits if any order does (earliest due date first, Jackson 1955).  An item without a place lies above the arena.  The persistent tensors of a
 * plan are such a ground, because those that leave lie on top of those that stay.  Free bytes below the ground are lost.
 *
 * O(n log n) time, O(n) memory.
 */
#include <config.h>
#include "planner/placement/pack_greedy.h"

#include <math.h>
#include <string.h>

#include "planner/placement/pack_heap.h"
#include "src/base/rank.h"
#include "src/base/segment_tree.h"
#include "src/base/skip.h"

enum { LARGE = 200000 };	/* items: above, a thousandth over the target is good enough */

/* The order of the stack, from the bottom: descending by this. */
enum stacking {
	STACK_BY_SHORTER_SIDE, STACK_BY_LONGER_SIDE, STACK_BY_SIZE,
	STACK_BY_GROUND,
	STACK_IN_PROGRAM_ORDER		/* nor are items that begin together sorted by size */
};

enum direction { OUTWARD, FORWARD, BACKWARD };	/* from the busiest moment, the beginning, the end */

struct way { enum direction direction; enum stacking stacking; };

struct boxing {
	const struct greedy_item *items;	/* [count] */
	uint32_t count, times;
	bytes_t unit;
	struct ranked *turns;			/* [count] items in the order in which a sweep meets them */
	uint32_t *ends;				/* [count] items by their end */
	uint32_t *at, *stretch;			/* [times + 2], [count] */
	struct heap heap, above;		/* the arena; what lies above it, with given offsets */
	struct stretch *stretches, *more;	/* [2 * count + 1] of both */
	bytes_t *offsets;			/* [count] */

	/* with given offsets, else NULL */
	bytes_t *ground;			/* [count] its largest height in an item's life */
	bool *is_above;				/* [count] */
	bytes_t height;				/* of the arena */
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
		b->turns[n] = (struct ranked) { 0, stacking == STACK_IN_PROGRAM_ORDER ? 0 : -(double)b->items[i].bytes, i };
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
		else if (stacking == STACK_BY_GROUND)
			b->turns[n].second = -(double)b->ground[i];
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

/* Gives an item an offset; room for an aligned one at any beginning of the stretch. */
static void
take_place(struct boxing *b, uint32_t item)
{
	const struct greedy_item *it = &b->items[item];
	bytes_t room = it->bytes + it->align - b->unit, low;
	uint32_t s;

	if (b->ground == NULL) {
		s = heap_take(&b->heap, room, UINT64_MAX);
		low = b->heap.s[s].start;
	} else {
		s = heap_take(&b->heap, room, b->height - b->ground[item]);
		b->is_above[item] = s == HEAP_NONE;
		if (b->is_above[item])
			s = heap_take(&b->above, room, UINT64_MAX);
		low = b->is_above[item] ? b->height + b->above.s[s].start : b->height - b->heap.s[s].start - room;
	}
	b->stretch[item] = s;
	b->offsets[item] = bytes_align(low, it->align);
}

static void
give_place(struct boxing *b, uint32_t item)
{
	heap_give(b->ground != NULL && b->is_above[item] ? &b->above : &b->heap, b->stretch[item]);
}

static void
sweep(struct boxing *b, uint32_t from, bool back, enum stacking stacking)
{
	uint32_t n = take_turns(b, from, back, stacking), gone = 0;

	sort_ends(b, n, back);
	heap_init(&b->heap, b->stretches);
	heap_init(&b->above, b->more);
	for (uint32_t i = 0; i < n; i++) {
		struct sweep_life l = life_of(b, &b->items[b->turns[i].id], back);

		for (; l.lower > from && life_of(b, &b->items[b->ends[gone]], back).upper <= l.lower; gone++)
			give_place(b, b->ends[gone]);
		take_place(b, b->turns[i].id);
	}
}

/* Fills the ground: the end of the highest given item, at each time and then in each item's life. */
static void
find_ground(struct boxing *b, const struct greedy *g, struct arena *a)
{
	const struct place_problem *p = g->problem;
	struct ranked *given = ARENA_NEW(a, struct ranked, p->count);
	uint32_t *next = ARENA_NEW(a, uint32_t, (size_t)b->times + 1), n = 0;	/* open: a time without a ground */
	int64_t *heights = ARENA_NEW(a, int64_t, b->times);
	struct segment_tree t;

	for (uint32_t i = 0; i < p->count; i++) {
		bytes_t end = p->items[i].fixed + p->items[i].bytes;

		if (p->items[i].fixed != PLACE_FREE && p->items[i].bytes > 0)	/* in halves, because a double has 53 bits */
			given[n++] = (struct ranked) { (double)(end >> 32), (double)(end & UINT32_MAX), i };
	}
	rank_falling(given, n);
	for (uint32_t k = 0; k <= b->times; k++)
		next[k] = k;
	for (uint32_t i = 0; i < n; i++) {
		const struct place_item *it = &p->items[given[i].id];
		uint32_t k = skip_to_open(next, g->rank[it->lower]), end = g->rank[it->upper];

		for (; k < end; k = skip_to_open(next, k)) {
			heights[k] = (int64_t)bytes_align(it->fixed + it->bytes, b->unit);
			next[k] = k + 1;
		}
	}
	segment_tree_init(&t, heights, b->times, a);
	for (uint32_t i = 0; i < b->count; i++)
		b->ground[i] = (bytes_t)segment_tree_max(&t, b->items[i].lower, b->items[i].upper);
}

static bool
has_given(const struct place_problem *p)
{
	for (uint32_t i = 0; i < p->count; i++)
		if (p->items[i].fixed != PLACE_FREE && p->items[i].bytes > 0)
			return true;
	return false;
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
	if (!has_given(g->problem))
		return;
	b->more = ARENA_NEW(a, struct stretch, 2 * (size_t)b->count + 1);
	b->is_above = ARENA_NEW(a, bool, b->count);
	b->ground = ARENA_NEW(a, bytes_t, b->count);
	find_ground(b, g, a);
}

static void
sweep_in(struct boxing *b, const struct way *way, uint32_t busiest)
{
	if (way->direction != FORWARD)
		sweep(b, way->direction == BACKWARD ? 0 : b->times - 1 - busiest, true, way->stacking);
	if (way->direction != BACKWARD)
		sweep(b, way->direction == FORWARD ? 0 : busiest, false, way->stacking);
}

/* Takes the latest offsets when their arena is smaller.  It ends with the bytes of the topmost item, not with a stretch. */
static void
keep_best(struct place_result *r, const struct greedy *g)
{
	bytes_t top = 0;

	for (uint32_t i = 0; i < g->problem->count; i++)
		if (g->problem->items[i].fixed != PLACE_FREE && g->problem->items[i].fixed + g->problem->items[i].bytes > top)
			top = g->problem->items[i].fixed + g->problem->items[i].bytes;
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

/* Lowers all items by the least height of one over the ground. */
static void
lower_all(struct boxing *b)
{
	bytes_t least = UINT64_MAX, step = b->unit;

	for (uint32_t i = 0; i < b->count; i++) {
		least = b->offsets[i] - b->ground[i] < least ? b->offsets[i] - b->ground[i] : least;
		if (b->items[i].align % step == 0)
			step = b->items[i].align;
		else if (step % b->items[i].align != 0)
			return;
	}
	for (uint32_t i = 0; i < b->count; i++)
		b->offsets[i] -= least / step * step;
}

void
place_boxing(struct place_result *r, const struct place_problem *p, struct arena *a)
{
	/* Program order is for problems without one busiest moment. */
	static const struct way free_ways[] = {
		{ OUTWARD, STACK_BY_SHORTER_SIDE }, { OUTWARD, STACK_BY_LONGER_SIDE }, { OUTWARD, STACK_BY_SIZE }, { FORWARD, STACK_BY_SIZE }
	}, given_ways[] = {
		{ OUTWARD, STACK_BY_GROUND }, { FORWARD, STACK_IN_PROGRAM_ORDER }, { BACKWARD, STACK_IN_PROGRAM_ORDER }
	};
	bytes_t target = placement_target(p, r);
	const struct way *ways = free_ways;
	size_t count = sizeof(free_ways) / sizeof(*free_ways);
	struct boxing b;
	struct greedy g;

	greedy_init(&g, p, a);
	r->arena_bytes = UINT64_MAX;
	if (g.count == 0) {
		keep_best(r, &g);
		return;
	}
	boxing_init(&b, &g, a);
	if (b.ground != NULL) {
		ways = given_ways;
		count = sizeof(given_ways) / sizeof(*given_ways);
		b.height = bytes_align(target, b.unit);
	}
	for (size_t k = 0; k < count && !is_good(r, &b, target); k++) {
		sweep_in(&b, &ways[k], g.busiest);
		if (b.ground != NULL)
			lower_all(&b);
		keep_best(r, &g);
	}
}
