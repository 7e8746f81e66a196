/* SPDX-License-Identifier: Apache-2.0 */
/* pack_sections.c - the change from times and bytes to sections and units */
#include <config.h>
#include "planner/placement/pack_sections.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

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

static level_t
align_level(level_t level, level_t align)
{
	return align > 1 ? (level + align - 1) / align * align : level;
}

level_t
sections_settle(const struct packed *p, level_t level)
{
	uint32_t low = 0, high = p->ban_count;

	level = align_level(level, p->align);
	while (low < high) {	/* the first ban that ends above the level */
		uint32_t mid = low + (high - low) / 2;

		if (p->bans[mid].to <= level)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < p->ban_count && p->bans[low].from <= level; low++)
		if (level < p->bans[low].to)
			level = align_level(p->bans[low].to, p->align);
	return level;
}

level_t
sections_highest_end(const struct sections *s, const struct packed *p, bytes_t capacity)
{
	return capacity < p->tail ? 0 : (level_t)((capacity - p->tail) / s->unit) + 1;
}

/* ---- units ---- */

/* Returns the unit.  Levels are sums of sizes that are rounded up to an alignment, so an alignment that divides all sizes and given offsets
 * asks for nothing. */
static bytes_t
find_unit(const struct place_problem *p, bytes_t pad)
{
	bytes_t unit = 0;
	bool changed = true;

	for (uint32_t i = 0; i < p->count; i++) {
		const struct place_item *it = &p->items[i];

		if (it->bytes == 0)
			continue;
		unit = bytes_gcd(unit, bytes_align(it->bytes, pad));
		if (it->fixed != PLACE_FREE)
			unit = bytes_gcd(unit, it->fixed);
	}
	while (changed) {
		changed = false;
		for (uint32_t i = 0; i < p->count; i++) {
			bytes_t align = place_align(p, &p->items[i]);

			if (p->items[i].bytes > 0 && unit % align != 0 && align % unit != 0) {
				unit = bytes_gcd(unit, align);
				changed = true;
			}
		}
	}
	return unit;
}

/* Returns an item's bytes up to the next place where the arena may end. */
static bytes_t
end_bytes(const struct place_problem *p, const struct place_item *it)
{
	return bytes_align(it->bytes, p->align);
}

static bytes_t
find_step(const struct place_problem *p)
{
	bytes_t step = 0;

	for (uint32_t i = 0; i < p->count; i++) {
		const struct place_item *it = &p->items[i];

		if (it->bytes > 0)
			step = bytes_gcd(bytes_gcd(step, end_bytes(p, it)), it->fixed != PLACE_FREE ? it->fixed : place_align(p, it));
	}
	return step == 0 ? p->align : step;
}

/* ---- given offsets ---- */

enum { MOST_GIVEN = 1 << 22 };	/* entries in either kind of list: 64 MiB */

/* An item with a given offset. */
struct given_item { struct stretch_of_levels at; int first, last; };

static int
lower_first(const void *x, const void *y)
{
	const struct given_item *p = x, *q = y;

	if (p->at.from != q->at.from)
		return p->at.from < q->at.from ? -1 : 1;
	return p->first < q->first ? -1 : p->first > q->first;
}

/* Returns the given items, rising, and their number. */
static struct given_item *
sort_given(uint32_t *count, const struct sections *s, const struct place_problem *p, const int *first, const int *last, bytes_t pad,
    struct arena *a)
{
	struct given_item *given = ARENA_NEW(a, struct given_item, p->count);
	uint32_t n = 0;

	for (uint32_t i = 0; i < p->count; i++) {
		const struct place_item *it = &p->items[i];

		if (it->bytes > 0 && it->fixed != PLACE_FREE)
			given[n++] = (struct given_item) { { (level_t)(it->fixed / s->unit),
			    (level_t)((it->fixed + bytes_align(it->bytes, pad)) / s->unit) }, first[i], last[i] };
	}
	qsort(given, n, sizeof(*given), lower_first);
	*count = n;
	return given;
}

/* Lists the given items of each section; false: too many. */
static bool
list_sections(struct sections *s, const struct given_item *given, uint32_t count, struct arena *a)
{
	size_t sum = 0;

	s->given = ARENA_NEW(a, struct given_levels, (size_t)s->count + 1);
	for (uint32_t i = 0; i < count; i++) {
		sum += (size_t)(given[i].last - given[i].first + 1);
		if (sum > MOST_GIVEN)
			return false;
		for (int y = given[i].first; y <= given[i].last; y++)
			s->given[y].count++;
	}
	for (int y = 0; y < s->count; y++) {
		s->given[y].at = ARENA_NEW(a, struct stretch_of_levels, s->given[y].count);
		s->given[y].count = 0;
	}
	for (uint32_t i = 0; i < count; i++)
		for (int y = given[i].first; y <= given[i].last; y++)
			s->given[y].at[s->given[y].count++] = given[i].at;
	return true;
}

/* Appends a ban to a rising list, or to the last ban where no level that p may have is between them. */
static uint32_t
add_ban(struct stretch_of_levels *bans, uint32_t n, struct stretch_of_levels ban, level_t align)
{
	if (n > 0 && align_level(bans[n - 1].to, align) >= ban.from) {
		if (ban.to > bans[n - 1].to)
			bans[n - 1].to = ban.to;
		return n;
	}
	bans[n] = ban;
	return n + 1;
}

/* Lists where each item cannot begin; false: too many. */
static bool
list_bans(struct sections *s, const struct given_item *given, uint32_t count, struct arena *a)
{
	struct stretch_of_levels *all = ARENA_NEW(a, struct stretch_of_levels, count), *bans;
	size_t sum = 0;

	for (int k = 0; k < s->item_count; k++) {
		struct packed *it = &s->items[k];
		uint32_t n = 0;

		for (uint32_t i = 0; i < count; i++)
			if (given[i].first <= it->last && it->first <= given[i].last)
				n = add_ban(all, n, (struct stretch_of_levels) { given[i].at.from - it->size + 1, given[i].at.to }, it->align);
		sum += n;
		if (sum > MOST_GIVEN)
			return false;
		bans = ARENA_NEW(a, struct stretch_of_levels, n);
		if (n > 0)
			memcpy(bans, all, sizeof(*bans) * n);
		it->bans = bans;
		it->ban_count = n;
	}
	return true;
}

/* ---- the whole ---- */

static void
add_item(struct sections *s, const struct place_problem *p, uint32_t i, int first, int last, bytes_t pad)
{
	const struct place_item *it = &p->items[i];
	bytes_t align = place_align(p, it);
	struct packed *new = &s->items[s->item_count++];

	assert(s->unit > 0);
	*new = (struct packed) { i, first, last, (level_t)(bytes_align(it->bytes, pad) / s->unit), 1, 0, 0, NULL };
	new->tail = end_bytes(p, it) - (bytes_t)(new->size - 1) * s->unit;
	if (s->unit % align != 0)
		new->align = (level_t)(align / s->unit);
	for (int y = first; y <= last; y++)
		s->load[y] += new->size;
}

bool
sections_init(struct sections *s, const struct place_problem *p, bytes_t *offsets, struct arena *a)
{
	int *first = ARENA_NEW(a, int, p->count), *last = ARENA_NEW(a, int, p->count);
	bytes_t pad = placement_unit(p);
	struct given_item *given;
	uint32_t given_count;
	bool stacks = true;

	*s = (struct sections) { .step = find_step(p), .unit = find_unit(p, pad) };
	s->count = find_sections(p, first, last, a);
	s->items = ARENA_NEW(a, struct packed, p->count);
	s->load = ARENA_NEW(a, level_t, (size_t)s->count + 1);
	for (uint32_t i = 0; i < p->count; i++)
		if (p->items[i].bytes > 0) {
			s->any_given |= p->items[i].fixed != PLACE_FREE;
			stacks &= end_bytes(p, &p->items[i]) % place_align(p, &p->items[i]) == 0 && s->unit % place_align(p, &p->items[i]) == 0;
		}
	for (uint32_t i = 0; i < p->count; i++) {
		const struct place_item *it = &p->items[i];

		offsets[i] = it->fixed != PLACE_FREE ? it->fixed : 0;
		if (it->fixed != PLACE_FREE) {
			if (it->bytes > 0 && it->fixed + end_bytes(p, it) > s->given_end)
				s->given_end = it->fixed + end_bytes(p, it);
		} else if (it->bytes > 0 && stacks && !s->any_given && first[i] == 0 && last[i] == s->count - 1) {
			offsets[i] = s->floor;
			s->floor += end_bytes(p, it);
		} else if (it->bytes > 0) {
			add_item(s, p, i, first[i], last[i], pad);
		}
	}
	if (!s->any_given)
		return true;
	given = sort_given(&given_count, s, p, first, last, pad, a);
	return list_sections(s, given, given_count, a) && list_bans(s, given, given_count, a);
}
