/* SPDX-License-Identifier: Apache-2.0 */
/* pack_parts.c - distances that two items exclude, items at their lowest offsets, orders, and all orders of a few items */
#include <config.h>
#include "planner/placement/pack_parts.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/clock.h"
#include "src/base/random.h"
#include "src/base/rank.h"

enum {
	MOST_PAIRS = 2000000,		/* parts alive together: above, items stay solid */
	FEW = 9,			/* items: up to so many, all orders are tried */
	MOST_NODES = 400000,		/* of the search through all orders */
	MOST_WORK = 20000000		/* ranges looked at by the moves */
};

/* Offsets of an item minus those of the other that lie in (low, high) are excluded. */
struct exclusion { uint32_t other; int64_t low, high; };

struct range { int64_t low, high; };	/* open */

struct parts_search {
	const struct place_problem *p;
	struct place_result *r;
	uint32_t *first;		/* [count + 1] into exclusions */
	struct exclusion *exclusions;
	bool solid;			/* every part has all bytes of its item */
	uint32_t *items, count;		/* the free ones */
	int64_t *offsets;		/* [p->count] of the placed items */
	bool *placed;			/* [p->count] */
	struct range *ranges;		/* scratch, as many as one item has exclusions */
	uint64_t work, nodes;
	double deadline_s;		/* 0: none */
};

/* ---- exclusions ---- */

/* A part and its item, in the order of lower. */
struct part_of_item { const struct place_part *part; uint32_t item; };

static int
earlier(const void *x, const void *y)
{
	const struct part_of_item *p = x, *q = y;

	if (p->part->lower != q->part->lower)
		return p->part->lower < q->part->lower ? -1 : 1;
	return p->part < q->part ? -1 : p->part > q->part;
}

/* Calls for every two pieces of different items that are alive together: counts them by item, or adds their exclusions; false: too many. */
static bool
pair_pieces(struct parts_search *s, const struct part_of_item *pieces, uint32_t n, bool add)
{
	uint32_t pairs = 0;

	for (uint32_t i = 0; i < n; i++)
		for (uint32_t j = i + 1; j < n && pieces[j].part->lower < pieces[i].part->upper; j++) {
			const struct part_of_item *x = &pieces[i], *y = &pieces[j];
			int64_t apart = (int64_t)y->part->at - (int64_t)x->part->at;

			if (x->item == y->item)
				continue;
			if (!add && ++pairs > MOST_PAIRS)
				return false;
			if (add) {
				s->exclusions[s->first[x->item]] = (struct exclusion) { y->item, apart - (int64_t)x->part->bytes,
				    apart + (int64_t)y->part->bytes };
				s->exclusions[s->first[y->item]] = (struct exclusion) { x->item, -apart - (int64_t)y->part->bytes,
				    -apart + (int64_t)x->part->bytes };
			}
			s->first[x->item]++;
			s->first[y->item]++;
		}
	return true;
}

static bool
find_exclusions(struct parts_search *s, struct arena *a)
{
	const struct place_problem *p = s->p;
	uint32_t n = p->first_part[p->count], sum = 0, most = 0;
	struct part_of_item *pieces = ARENA_NEW(a, struct part_of_item, n);

	for (uint32_t i = 0; i < p->count; i++)
		for (uint32_t k = p->first_part[i]; k < p->first_part[i + 1]; k++) {
			pieces[k] = (struct part_of_item) { &p->parts[k], i };
			s->solid &= p->parts[k].bytes == p->items[i].bytes;
		}
	qsort(pieces, n, sizeof(*pieces), earlier);
	s->first = ARENA_NEW(a, uint32_t, (size_t)p->count + 1);
	if (!pair_pieces(s, pieces, n, false))
		return false;
	for (uint32_t i = 0; i <= p->count; i++) {	/* from counts to where each item's begin */
		uint32_t own = s->first[i];

		most = own > most ? own : most;
		s->first[i] = sum;
		sum += own;
	}
	s->exclusions = ARENA_NEW(a, struct exclusion, sum);
	s->ranges = ARENA_NEW(a, struct range, most);
	pair_pieces(s, pieces, n, true);
	memmove(s->first + 1, s->first, sizeof(*s->first) * p->count);	/* adding has moved each to its end */
	s->first[0] = 0;
	return true;
}

/* ---- the lowest offset ---- */

static int
lower_first(const void *x, const void *y)
{
	const struct range *p = x, *q = y;

	return p->low < q->low ? -1 : p->low > q->low;
}

/* Fills ranges with the offsets that the placed items exclude, by their low ends. */
static uint32_t
find_ranges(struct parts_search *s, uint32_t item)
{
	uint32_t n = 0;

	for (uint32_t k = s->first[item]; k < s->first[item + 1]; k++) {
		const struct exclusion *x = &s->exclusions[k];

		if (s->placed[x->other] && s->offsets[x->other] + x->high > 0)
			s->ranges[n++] = (struct range) { s->offsets[x->other] + x->low, s->offsets[x->other] + x->high };
	}
	s->work += s->first[item + 1] - s->first[item] + 1;
	qsort(s->ranges, n, sizeof(*s->ranges), lower_first);
	return n;
}

/* Returns the lowest aligned offset from `at` on outside of the ranges. */
static int64_t
lowest(const struct parts_search *s, uint32_t item, uint32_t ranges, int64_t at)
{
	bytes_t align = place_align(s->p, &s->p->items[item]);

	at = (int64_t)bytes_align((bytes_t)at, align);
	for (uint32_t k = 0; k < ranges && s->ranges[k].low < at; k++)
		if (at < s->ranges[k].high)
			at = (int64_t)bytes_align((bytes_t)s->ranges[k].high, align);
	return at;
}

static int64_t
end_of(const struct parts_search *s, uint32_t item)
{
	return s->offsets[item] + (int64_t)s->p->items[item].bytes;
}

/* Takes the offsets if their arena is smaller; returns the arena. */
static bytes_t
keep_best(struct parts_search *s)
{
	int64_t top = 0;
	bytes_t arena;

	for (uint32_t i = 0; i < s->p->count; i++)
		top = end_of(s, i) > top ? end_of(s, i) : top;
	arena = bytes_align((bytes_t)top, s->p->align);
	if (arena < s->r->arena_bytes) {
		for (uint32_t i = 0; i < s->p->count; i++)
			s->r->offsets[i] = (bytes_t)s->offsets[i];
		s->r->arena_bytes = arena;
		placement_tell(s->p, s->r);
	}
	return arena;
}

static bool
is_done(const struct parts_search *s)
{
	return s->r->arena_bytes <= placement_target(s->p, s->r) || placement_stopped(s->p) ||
	    (s->deadline_s > 0 && clock_seconds() > s->deadline_s);
}

/* ---- orders ---- */

/* Places the items in this order and returns the arena. */
static bytes_t
run(struct parts_search *s, const uint32_t *order)
{
	for (uint32_t k = 0; k < s->count; k++)
		s->placed[s->items[k]] = false;
	for (uint32_t k = 0; k < s->count; k++) {
		s->offsets[order[k]] = lowest(s, order[k], find_ranges(s, order[k]), 0);
		s->placed[order[k]] = true;
	}
	return keep_best(s);
}

enum key { BY_OFFSET, BY_AREA, BY_SIZE, BY_LIFE, BY_KNOWN, KEYS };

static void
sort_by(struct parts_search *s, uint32_t *order, enum key key, struct arena *a)
{
	struct ranked *keys = ARENA_NEW(a, struct ranked, s->count);

	for (uint32_t k = 0; k < s->count; k++) {
		uint32_t i = s->items[k];
		double size = (double)s->p->items[i].bytes, life = s->p->items[i].upper - s->p->items[i].lower;

		keys[k] = (struct ranked) { key == BY_OFFSET ? (double)s->r->offsets[i] : key == BY_KNOWN ? (double)s->p->known[i] :
		    key == BY_AREA ? -size * life : key == BY_SIZE ? -size : -life, 0, i };
	}
	rank_rising(keys, s->count);
	for (uint32_t k = 0; k < s->count; k++)
		order[k] = keys[k].id;
}

/* Moves one item that ends highest, or any other, to an earlier place in the order, and keeps what is not worse. */
static void
move_items(struct parts_search *s, uint32_t *order, struct arena *a)
{
	uint32_t *next = ARENA_NEW(a, uint32_t, s->count);
	bytes_t now = run(s, order);
	uint64_t seed = 1;

	while (s->work < MOST_WORK && !is_done(s)) {
		uint32_t from = (uint32_t)(random_xorshift(&seed) % s->count), to, item;
		bytes_t arena;

		if (random_xorshift(&seed) % 2)
			for (uint32_t k = 0; k < s->count; k++)
				from = end_of(s, order[k]) > end_of(s, order[from]) ? k : from;
		to = (uint32_t)(random_xorshift(&seed) % (from + 1));
		memcpy(next, order, sizeof(*order) * s->count);
		item = order[from];
		memmove(next + to + 1, order + to, sizeof(*order) * (from - to));
		next[to] = item;
		arena = run(s, next);
		if (arena > now)
			continue;
		now = arena;
		memcpy(order, next, sizeof(*order) * s->count);
	}
}

static void
try_orders(struct parts_search *s, struct arena *a)
{
	uint32_t *order = ARENA_NEW(a, uint32_t, s->count);

	for (int key = 0; key < KEYS && !is_done(s); key++)
		if (key != BY_KNOWN || s->p->known != NULL) {
			sort_by(s, order, (enum key)key, a);
			run(s, order);
		}
	sort_by(s, order, BY_OFFSET, a);
	move_items(s, order, a);
}

/* ---- all orders ---- */

/* True when an unplaced item has no place any more that ends below the best arena. */
static bool
is_dead(struct parts_search *s)
{
	for (uint32_t k = 0; k < s->count; k++) {
		uint32_t i = s->items[k];

		if (!s->placed[i] && lowest(s, i, find_ranges(s, i), 0) + (int64_t)s->p->items[i].bytes >= (int64_t)s->r->arena_bytes)
			return true;
	}
	return false;
}

/* Returns the next offset above `at` that rests on a range; -1: none. */
static int64_t
next_rest(const struct parts_search *s, uint32_t item, uint32_t ranges, int64_t at)
{
	bytes_t align = place_align(s->p, &s->p->items[item]);
	int64_t next = -1;

	for (uint32_t k = 0; k < ranges; k++) {
		int64_t end = (int64_t)bytes_align((bytes_t)s->ranges[k].high, align);

		if (end > at && (next < 0 || end < next))
			next = end;
	}
	return next < 0 ? -1 : lowest(s, item, ranges, next);
}

/* Tries every order of the items that are not placed.  In some smallest arena no item can move down: each rests on 0 or on another item.  So
 * solid items have rising offsets, each the lowest.  Bytes of others may lie below those of an item with a lower offset: each place to
 * rest is tried. */
static void
try_rest(struct parts_search *s, uint32_t left, int64_t last)
{
	if (left == 0)
		keep_best(s);
	if (left == 0 || ++s->nodes > MOST_NODES || is_done(s) || is_dead(s))
		return;
	for (uint32_t k = 0; k < s->count; k++) {
		uint32_t i = s->items[k];
		int64_t at;

		if (s->placed[i])
			continue;
		at = lowest(s, i, find_ranges(s, i), 0);
		while (at >= 0 && at + (int64_t)s->p->items[i].bytes < (int64_t)s->r->arena_bytes) {
			if (!s->solid || at >= last) {
				s->offsets[i] = at;
				s->placed[i] = true;
				try_rest(s, left - 1, at);
				s->placed[i] = false;
			}
			at = s->solid ? -1 : next_rest(s, i, find_ranges(s, i), at);
		}
	}
}

/* Tries all orders; if all were tried, no arena is smaller. */
static void
try_all_orders(struct parts_search *s)
{
	for (uint32_t k = 0; k < s->count; k++)
		s->placed[s->items[k]] = false;
	try_rest(s, s->count, 0);
	if (s->nodes <= MOST_NODES && !is_done(s))
		s->r->bound_bytes = s->r->arena_bytes;
}

/* ---- the whole ---- */

/* Fills r with the placement of p's free items as solid and of the parts of the given ones. */
static void
place_solid(struct place_result *r, const struct place_problem *p, place_fn *place, struct arena *a)
{
	struct place_problem solid;
	struct place_result made = { .refused = NULL };
	uint32_t *owner;

	placement_flatten(&solid, &owner, p, true, a);
	solid.time_limit_s = p->time_limit_s / 2;
	made.offsets = ARENA_NEW(a, bytes_t, solid.count);
	made.bound_bytes = placement_bound(&solid, a);
	place(&made, &solid, a);
	r->refused = made.refused;
	r->arena_bytes = made.arena_bytes > r->bound_bytes ? made.arena_bytes : r->bound_bytes;
	for (uint32_t i = 0; i < p->count; i++)
		r->offsets[i] = p->items[i].fixed;
	for (uint32_t k = 0; k < solid.count; k++)
		if (p->items[owner[k]].fixed == PLACE_FREE)
			r->offsets[owner[k]] = made.offsets[k];
}

void
place_parts(struct place_result *r, const struct place_problem *p, place_fn *place, struct arena *a)
{
	struct parts_search s = { .p = p, .r = r, .solid = true, .deadline_s = p->time_limit_s > 0 ? clock_seconds() + p->time_limit_s : 0 };

	place_solid(r, p, place, a);
	if (r->refused != NULL || place != place_auto || !find_exclusions(&s, a))
		return;
	s.items = ARENA_NEW(a, uint32_t, p->count);
	s.offsets = ARENA_NEW(a, int64_t, p->count);
	s.placed = ARENA_NEW(a, bool, p->count);
	for (uint32_t i = 0; i < p->count; i++)
		if (p->items[i].fixed == PLACE_FREE) {
			s.items[s.count++] = i;
		} else {
			s.offsets[i] = (int64_t)p->items[i].fixed;
			s.placed[i] = true;
		}
	if (s.count == 0 || is_done(&s))
		return;
	if (s.count <= FEW)
		try_all_orders(&s);
	if (!is_done(&s))
		try_orders(&s, a);
}
