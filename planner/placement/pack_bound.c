/* SPDX-License-Identifier: Apache-2.0 */
/* pack_bound.c - the bound of the depth-first search: each section as a machine with release times
 *
 * A given item over a section closes the machine for a while.  Jobs that may be interrupted by closures, in the order of their release
 * times, have the least last end; so this end is a bound.  A whole stretch between closures that is smaller than every open item of the
 * section takes none of them.
 */
#include <config.h>
#include "planner/placement/pack_state.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/skip.h"

enum { MOST_MOVES = 32 };	/* 8 .. 100: of a list's item on average, before quicksort is faster */

void
pack_set_level(struct pack_state *x, int section, level_t level)
{
	*ARENA_PUSH(x->arena, x->skies.all, x->skies.count, x->skies.capacity) = (struct change) { section, x->sky[section] };
	x->sky[section] = level;
}

static bool
is_before(struct open_item p, struct open_item q)
{
	return p.lb != q.lb ? p.lb < q.lb : p.item < q.item;
}

static int
compare(const void *x, const void *y)
{
	const struct open_item *p = x, *q = y;

	return is_before(*p, *q) ? -1 : is_before(*q, *p);
}

void
pack_sort(struct open_item *list, int count)
{
	/* By insertion, because most lists are nearly sorted: a child's list is its parent's with a few changes. */
	int moves = MOST_MOVES * count;

	for (int i = 1; i < count; i++) {
		struct open_item it = list[i];
		int k = i;

		for (; k > 0 && is_before(it, list[k - 1]); k--)
			list[k] = list[k - 1];
		list[k] = it;
		moves -= i - k;
		if (moves < 0) {
			qsort(list, (size_t)count, sizeof(*list), compare);
			return;
		}
	}
}

/* Fills `least`. */
static void
find_least(struct pack_state *x, struct run over, const struct open_item *list, int count)
{
	for (int y = over.first; y <= over.last; y++)
		x->least[y] = INT64_MAX;
	for (int i = 0; i < count; i++) {
		const struct packed *p = &x->s->items[list[i].item];

		for (int y = p->first; y <= p->last; y++)
			if (p->size < x->least[y])
				x->least[y] = p->size;
	}
}

/* Returns where a job of this size ends that begins at `at`, where section y has nothing from `fresh` on, unless fresh is -1. */
static level_t
run_job(struct pack_state *x, int y, level_t at, level_t size, level_t fresh)
{
	const struct given_levels *g = &x->s->given[y];
	uint32_t k = x->passed[y];

	for (;;) {
		while (k < g->count && g->at[k].from <= at) {
			if (g->at[k].to > at)
				fresh = at = g->at[k].to;
			k++;
		}
		if (k == g->count || g->at[k].from - at >= size)
			break;
		if (at != fresh || g->at[k].from - at >= x->least[y])
			size -= g->at[k].from - at;
		at = g->at[k].from;
	}
	x->passed[y] = k;
	return at + size;
}

/* Returns the sections of `over` that an item covers, in the order of first; first > last: none. */
static struct run
overlap(struct run over, const struct packed *p)
{
	return (struct run) { p->first > over.first ? p->first : over.first, p->last < over.last ? p->last : over.last };
}

/* Raises each section to the lb of its lowest item. */
static void
raise_floors(struct pack_state *x, struct run over, const struct open_item *list, int count)
{
	uint32_t *next = x->next;	/* open: a section whose floor is not raised yet */

	for (int y = over.first; y <= over.last + 1; y++)
		next[y] = (uint32_t)y;
	for (int i = 0; i < count; i++) {
		struct run r = overlap(over, &x->s->items[list[i].item]);

		for (int y = r.first; y <= r.last && (y = (int)skip_to_open(next, (uint32_t)y)) <= r.last;) {
			if (x->sky[y] < list[i].lb)
				pack_set_level(x, y, list[i].lb);
			next[y] = (uint32_t)y + 1;
		}
	}
}

/* Fills the last ends of all sections of `over`; false: an item ends above its highest end. */
static bool
run_jobs(struct pack_state *x, struct run over, const struct open_item *list, int count)
{
	level_t *end = x->end;

	for (int i = 0; i < count; i++) {
		const struct packed *p = &x->s->items[list[i].item];
		struct run r = overlap(over, p);
		level_t lb = list[i].lb, size = p->size;

		if (lb + size > x->most[list[i].item])
			return false;
		if (x->s->any_given)
			for (int y = r.first; y <= r.last; y++)
				end[y] = run_job(x, y, end[y] < lb ? lb : end[y], size, end[y] < 0 ? lb : -1);
		else
			for (int y = r.first; y <= r.last; y++)
				end[y] = (end[y] < lb ? lb : end[y]) + size;
	}
	return true;
}

bool
pack_within_bound(struct pack_state *x, struct run over, const struct open_item *list, int count)
{
	raise_floors(x, over, list, count);
	for (int y = over.first; y <= over.last; y++)
		x->end[y] = -1;
	if (x->s->any_given) {
		find_least(x, over, list, count);
		memset(x->passed + over.first, 0, sizeof(*x->passed) * (size_t)(over.last - over.first + 1));
	}
	if (!run_jobs(x, over, list, count))
		return false;
	for (int y = over.first; y <= over.last; y++)
		if (x->end[y] > x->top[y])
			return false;
	return true;
}

bytes_t
pack_root_bound(const struct sections *s, struct arena *a)
{
	struct pack_state x = { .s = s, .arena = a };
	size_t n = (size_t)s->item_count, sections = (size_t)s->count + 1;
	struct open_item *list = ARENA_NEW(a, struct open_item, n);
	level_t *most = ARENA_NEW(a, level_t, n), *top = ARENA_NEW(a, level_t, sections);
	bytes_t *missing = ARENA_NEW(a, bytes_t, sections), bound = s->given_end > s->floor ? s->given_end : s->floor;

	x.sky = ARENA_NEW(a, level_t, sections);
	x.end = ARENA_NEW(a, level_t, sections);
	x.least = ARENA_NEW(a, level_t, sections);
	x.passed = ARENA_NEW(a, uint32_t, sections);
	x.next = ARENA_NEW(a, uint32_t, sections);
	for (size_t i = 0; i < n; i++) {
		const struct packed *p = &s->items[i];

		list[i] = (struct open_item) { (int)i, sections_settle(p, 0) };
		most[i] = INT64_MAX;
		for (int y = p->first; y <= p->last; y++)
			missing[y] = s->unit - p->tail > missing[y] ? s->unit - p->tail : missing[y];
	}
	for (int y = 0; y < s->count; y++)
		top[y] = INT64_MAX;
	x.most = most;
	x.top = top;
	pack_sort(list, s->item_count);
	pack_within_bound(&x, (struct run) { 0, s->count - 1 }, list, s->item_count);
	for (int y = 0; y < s->count; y++)
		if (x.end[y] >= 0 && s->floor + (bytes_t)x.end[y] * s->unit - missing[y] > bound)
			bound = s->floor + (bytes_t)x.end[y] * s->unit - missing[y];
	return bound;
}
