/* SPDX-License-Identifier: Apache-2.0 */
/* pack_sections.c - the change from times and bytes to sections and units */
#include <config.h>
#include "planner/placement/pack_sections.h"

#include <assert.h>
#include <stdlib.h>

struct event { uint32_t time; bool begins; uint32_t item; };

static int
earlier(const void *x, const void *y)
{
	const struct event *p = x, *q = y;

	if (p->time != q->time)
		return p->time < q->time ? -1 : 1;
	if (p->begins != q->begins)
		return p->begins ? 1 : -1;	/* half-open: an item that ends at t is not alive at t */
	return p->item < q->item ? -1 : p->item > q->item;
}

/* Sweeps over time and returns the number of sections.  A set of living items is maximal where an end follows a begin. */
static int
find_sections(const struct place_problem *p, int *first, int *last, struct arena *a)
{
	struct event *events = ARENA_NEW(a, struct event, (size_t)p->count * 2);
	uint32_t n = 0;
	int section = 0;
	bool grown = false;

	for (uint32_t i = 0; i < p->count; i++)
		if (p->items[i].bytes > 0) {
			events[n++] = (struct event) { p->items[i].lower, true, i };
			events[n++] = (struct event) { p->items[i].upper, false, i };
		}
	qsort(events, n, sizeof(*events), earlier);
	for (uint32_t i = 0; i < n; i++) {
		if (events[i].begins) {
			first[events[i].item] = section;
			grown = true;
		} else {
			section += grown;
			grown = false;
			last[events[i].item] = section - 1;
		}
	}
	return section;
}

static int
lower_bottom(const void *x, const void *y)
{
	const struct obstacle *p = x, *q = y;

	return p->bottom < q->bottom ? -1 : p->bottom > q->bottom;
}

static void
add_obstacle(struct sections *s, const struct place_item *it, int first, int last)
{
	assert(s->unit > 0);
	s->obstacles[s->obstacle_count++] = (struct obstacle) { first, last,
	    (level_t)(it->fixed / s->unit), (level_t)((it->fixed + it->bytes) / s->unit) };
}

/* Returns the unit.  With one alignment for all, sizes are rounded up to it and every sum of sizes is aligned.  Otherwise the unit
 * divides the alignments, and the search aligns. */
static bytes_t
find_unit(const struct place_problem *p, bool uniform)
{
	bytes_t unit = 0;

	for (uint32_t i = 0; i < p->count; i++) {
		const struct place_item *it = &p->items[i];

		if (it->bytes == 0)
			continue;
		unit = bytes_gcd(unit, uniform ? bytes_align(it->bytes, place_align(p, it)) : bytes_gcd(it->bytes, place_align(p, it)));
		if (it->fixed != PLACE_FREE)
			unit = bytes_gcd(bytes_gcd(unit, it->fixed), it->bytes);
	}
	return unit;
}

void
sections_init(struct sections *s, const struct place_problem *p, bytes_t *offsets, struct arena *a)
{
	int *first = ARENA_NEW(a, int, p->count), *last = ARENA_NEW(a, int, p->count);
	bool any_fixed = false, uniform = true;

	*s = (struct sections) { .unit = 0 };
	s->count = find_sections(p, first, last, a);
	s->items = ARENA_NEW(a, struct packed, p->count);
	s->obstacles = ARENA_NEW(a, struct obstacle, p->count);
	s->load = ARENA_NEW(a, level_t, (size_t)s->count + 1);
	for (uint32_t i = 0; i < p->count; i++) {
		any_fixed |= p->items[i].fixed != PLACE_FREE;
		uniform &= place_align(p, &p->items[i]) == place_align(p, &p->items[0]);
	}
	s->unit = find_unit(p, uniform && !any_fixed);
	for (uint32_t i = 0; i < p->count; i++) {
		const struct place_item *it = &p->items[i];
		bytes_t align = place_align(p, it), bytes = uniform && !any_fixed ? bytes_align(it->bytes, align) : it->bytes;
		struct packed *new;

		if (it->fixed != PLACE_FREE || bytes == 0) {
			offsets[i] = it->fixed != PLACE_FREE ? it->fixed : 0;
			if (bytes > 0)
				add_obstacle(s, it, first[i], last[i]);
			continue;
		}
		if (uniform && !any_fixed && first[i] == 0 && last[i] == s->count - 1) {
			offsets[i] = s->floor;
			s->floor += bytes;
			continue;
		}
		assert(s->unit > 0);
		new = &s->items[s->item_count++];
		*new = (struct packed) { i, first[i], last[i], (level_t)(bytes / s->unit), 1 };
		if (!uniform || any_fixed)
			new->align = (level_t)(align / bytes_gcd(align, s->unit));
		for (int y = first[i]; y <= last[i]; y++)
			s->load[y] += new->size;
	}
	qsort(s->obstacles, (size_t)s->obstacle_count, sizeof(*s->obstacles), lower_bottom);
}
