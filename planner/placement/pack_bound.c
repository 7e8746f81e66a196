/* SPDX-License-Identifier: Apache-2.0 */
/* pack_bound.c - the bound of the depth-first search: each section as a machine with release times
 *
 * A given item over a section closes the machine for a while.  Jobs that may be interrupted by closures, in the order of their release
 * times, have the least last end; so this end is a bound.  A whole stretch between closures that is smaller than every open item of the
 * section takes none of them.
 */
#include <config.h>
#include "planner/placement/pack_state.h"

#include <string.h>

void
pack_set_level(struct pack_state *x, int section, level_t level)
{
	struct change *c = ARENA_PUSH(x->arena, x->changes, x->change_count, x->change_capacity);

	*c = (struct change) { section, x->sky[section] };
	x->sky[section] = level;
}

void
pack_sort(struct open_item *list, int count)
{
	for (int i = 1; i < count; i++) {
		struct open_item it = list[i];
		int k = i;

		for (; k > 0 && list[k - 1].lb > it.lb; k--)
			list[k] = list[k - 1];
		list[k] = it;
	}
}

/* Fills `least` of sections left..right. */
static void
find_least(struct pack_state *x, int left, int right, const struct open_item *list, int count)
{
	for (int y = left; y <= right; y++)
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

bool
pack_within_bound(struct pack_state *x, int left, int right, const struct open_item *list, int count)
{
	const struct packed *items = x->s->items;
	level_t *end = x->end;

	for (int y = left; y <= right; y++)
		end[y] = -1;
	if (x->s->any_given) {
		find_least(x, left, right, list, count);
		memset(x->passed + left, 0, sizeof(*x->passed) * (size_t)(right - left + 1));
	}
	for (int i = 0; i < count; i++) {
		const struct packed *p = &items[list[i].item];
		level_t lb = list[i].lb;

		if (lb + p->size > x->most[list[i].item])
			return false;
		for (int y = p->first; y <= p->last; y++) {
			level_t at = end[y] < lb ? lb : end[y];

			if (end[y] < 0 && x->sky[y] < lb)
				pack_set_level(x, y, lb);
			end[y] = x->s->any_given ? run_job(x, y, at, p->size, end[y] < 0 ? at : -1) : at + p->size;
		}
	}
	for (int y = left; y <= right; y++)
		if (end[y] > x->top[y])
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
	pack_within_bound(&x, 0, s->count - 1, list, s->item_count);
	for (int y = 0; y < s->count; y++)
		if (x.end[y] >= 0 && s->floor + (bytes_t)x.end[y] * s->unit - missing[y] > bound)
			bound = s->floor + (bytes_t)x.end[y] * s->unit - missing[y];
	return bound;
}
