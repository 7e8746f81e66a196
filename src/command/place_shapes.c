/* SPDX-License-Identifier: Apache-2.0 */
/* place_shapes.c - the buffer at the root of each alias, rectangles of bytes and time, and parts that do not overlap */
#include <config.h>
#include "src/command/place_shapes.h"

#include <stdlib.h>
#include <string.h>

#include "src/library/place_list.h"

/* Bytes [at, at + bytes) of an item in [lower, upper). */
struct shape_part { bytes_t at, bytes; int64_t lower, upper; };

struct shape_parts { struct shape_part *all; uint32_t count; size_t room; };

/* ---- aliases ---- */

static int
compare_id(const void *id, const void *name)
{
	return strcmp(id, ((const struct place_name *)name)->id);
}

/* Fills bases with the row that each alias lies in; UINT32_MAX: of no alias. */
static int
find_bases(uint32_t *bases, const struct place_rows *rows, uint32_t *row, struct err *e)
{
	char q[48];

	for (uint32_t i = 0; i < rows->count; i++) {
		const char *id = rows->all[i].alias;
		const struct place_name *base;
		bytes_t bytes;

		bases[i] = UINT32_MAX;
		if (id == NULL)
			continue;
		*row = i;
		base = bsearch(id, rows->names, rows->count, sizeof(*base), compare_id);
		if (base == NULL)
			return err_set(e, ERR_INPUT, "alias: expected the id of another buffer, got '%s'", err_quote(q, id));
		bases[i] = base->row;
		bytes = rows->all[base->row].item.bytes;
		if (rows->all[i].distance > bytes || rows->all[i].item.bytes > bytes - rows->all[i].distance)
			return err_set(e, ERR_INPUT, "alias: does not lie inside of '%s', which has %" PRI_BYTES " bytes", err_quote(q, id), bytes);
	}
	return 0;
}

/* Gives the item of an alias what the alias demands of its offset. */
static int
bind_alias(struct place_item *it, const struct place_item *alias, bytes_t distance, unsigned *column, struct err *e)
{
	bytes_t own = it->align == 0 ? 1 : it->align, other = alias->align == 0 ? 1 : alias->align;

	*column = COLUMN_ALIGNMENT;
	if (distance % other != 0)
		return err_set(e, ERR_INPUT, "alignment: expected a divisor of the distance %" PRI_BYTES " from the buffer that it is in", distance);
	if (own / bytes_gcd(own, other) > PLACE_ALIGN_MAX / other)
		return err_set(e, ERR_INPUT, "alignment: expected a common multiple with the buffer that it is in of at most 2^40");
	it->align = own / bytes_gcd(own, other) * other;
	*column = COLUMN_OFFSET;
	if (alias->fixed != PLACE_FREE) {
		if (alias->fixed < distance || (it->fixed != PLACE_FREE && it->fixed != alias->fixed - distance))
			return err_set(e, ERR_INPUT, "offset: expected one that follows from the buffer that it is in, got %" PRI_BYTES, alias->fixed);
		it->fixed = alias->fixed - distance;
	}
	if (it->fixed != PLACE_FREE && it->fixed % it->align != 0)
		return err_set(e, ERR_INPUT, "offset: expected a multiple of the alignment");
	return 0;
}

/* Fills item_of, row_of and distance, and the items but for their times. */
static int
find_items(struct place_shapes *s, struct place_problem *p, struct place_item *items, const struct place_rows *rows, uint32_t *row,
    unsigned *column, struct arena *a, struct err *e)
{
	uint32_t *bases = ARENA_NEW(a, uint32_t, rows->count), *roots = ARENA_NEW(a, uint32_t, rows->count);

	*column = COLUMN_ALIAS;
	if (find_bases(bases, rows, row, e) < 0)
		return -1;
	for (uint32_t i = 0; i < rows->count; i++) {
		uint32_t steps = 0;

		*row = roots[i] = i;
		for (; bases[roots[i]] != UINT32_MAX; roots[i] = bases[roots[i]]) {
			s->distance[i] += rows->all[roots[i]].distance;
			if (++steps > rows->count)
				return err_set(e, ERR_INPUT, "alias: expected a buffer that is not in itself");
		}
		if (steps == 0) {
			items[p->count] = rows->all[i].item;
			s->row_of[p->count] = i;
			s->item_of[i] = p->count++;
		}
	}
	for (uint32_t i = 0; i < rows->count; i++) {
		s->item_of[i] = s->item_of[roots[i]];
		*row = i;
		if (roots[i] != i && bind_alias(&items[s->item_of[i]], &rows->all[i].item, s->distance[i], column, e) < 0)
			return -1;
	}
	return 0;
}

/* ---- rectangles ---- */

static void
add_rectangle(struct shape_parts *r, bytes_t at, bytes_t bytes, int64_t lower, int64_t upper, struct arena *a)
{
	if (bytes == 0 || lower >= upper)
		return;
	*ARENA_PUSH(a, r->all, r->count, r->room) = (struct shape_part) { at, bytes, lower, upper };
}

/* Adds a row's rectangles: between its gaps, and the windows in them.  *gap is the first gap of a row from here on. */
static void
add_row(struct shape_parts *r, const struct place_shapes *s, const struct place_rows *rows, uint32_t row, uint32_t *gap, struct arena *a)
{
	bytes_t at = s->distance[row], bytes = rows->all[row].item.bytes;
	int64_t from = rows->all[row].lower;

	for (; *gap < rows->gap_count && rows->gaps[*gap].row == row; ++*gap) {
		const struct place_gap *g = &rows->gaps[*gap];

		add_rectangle(r, at, bytes, from, g->lower, a);
		add_rectangle(r, at + g->low, g->high - g->low, g->lower, g->upper, a);
		from = g->upper;
	}
	add_rectangle(r, at, bytes, from, rows->all[row].upper, a);
}

/* ---- parts ---- */

static int
rising(const void *x, const void *y)
{
	int64_t p = *(const int64_t *)x, q = *(const int64_t *)y;

	return p < q ? -1 : p > q;
}

static int
lowest_first(const void *x, const void *y)
{
	const struct shape_part *p = x, *q = y;

	return p->at < q->at ? -1 : p->at > q->at;
}

/* Fills taken with the stretches of bytes that any of the rectangles takes at a time, rising and apart; returns how many. */
static uint32_t
find_taken(struct shape_part *taken, const struct shape_part *from, uint32_t count, int64_t time)
{
	uint32_t n = 0, merged = 0;

	for (uint32_t i = 0; i < count; i++)
		if (from[i].lower <= time && time < from[i].upper)
			taken[n++] = from[i];
	qsort(taken, n, sizeof(*taken), lowest_first);
	for (uint32_t i = 0; i < n; i++) {
		struct shape_part *top = &taken[merged - (merged > 0)];

		if (merged == 0 || taken[i].at > top->at + top->bytes)
			taken[merged++] = taken[i];
		else if (taken[i].at + taken[i].bytes > top->at + top->bytes)
			top->bytes = taken[i].at + taken[i].bytes - top->at;
	}
	return merged;
}

/* True: the parts from the last ones on end at a time, and have the bytes that are taken then. */
static bool
go_on(const struct shape_parts *parts, uint32_t last, const struct shape_part *taken, uint32_t count, int64_t time)
{
	if (count != parts->count - last)
		return false;
	for (uint32_t i = 0; i < count; i++) {
		const struct shape_part *part = &parts->all[last + i];

		if (part->upper != time || part->at != taken[i].at || part->bytes != taken[i].bytes)
			return false;
	}
	return true;
}

/* Adds the union of the rectangles of one item: for each stretch between two of their times, the bytes that any of them takes.  A part goes on
 * where the next stretch has the same bytes. */
static void
add_union(struct shape_parts *to, const struct shape_part *from, uint32_t count, struct arena *a)
{
	struct shape_part *taken = ARENA_NEW(a, struct shape_part, count);
	int64_t *times = ARENA_NEW(a, int64_t, 2 * (size_t)count);
	uint32_t last = to->count;	/* the parts of the stretch before begin here */

	for (uint32_t i = 0; i < count; i++) {
		times[2 * i] = from[i].lower;
		times[2 * i + 1] = from[i].upper;
	}
	qsort(times, 2 * (size_t)count, sizeof(*times), rising);
	for (size_t k = 0; k + 1 < 2 * (size_t)count; k++) {
		uint32_t n;

		if (times[k] == times[k + 1])
			continue;
		n = find_taken(taken, from, count, times[k]);
		if (go_on(to, last, taken, n, times[k])) {
			for (uint32_t i = 0; i < n; i++)
				to->all[last + i].upper = times[k + 1];
			continue;
		}
		last = to->count;
		for (uint32_t i = 0; i < n; i++)
			add_rectangle(to, taken[i].at, taken[i].bytes, times[k], times[k + 1], a);
	}
}

/* Fills the problem's parts, by item, and the items' times. */
static void
make_parts(struct place_shapes *s, struct place_problem *p, struct place_item *items, const struct shape_parts *parts, const uint32_t *first,
    struct arena *a)
{
	struct place_item *ranked = ARENA_NEW(a, struct place_item, parts->count);
	struct place_part *made = ARENA_NEW(a, struct place_part, parts->count);
	int64_t *lowers = ARENA_NEW(a, int64_t, parts->count), *uppers = ARENA_NEW(a, int64_t, parts->count);

	for (uint32_t k = 0; k < parts->count; k++) {
		lowers[k] = parts->all[k].lower;
		uppers[k] = parts->all[k].upper;
	}
	s->times = place_rank_times(ranked, lowers, uppers, parts->count, a);
	for (uint32_t i = 0; i < p->count; i++) {
		items[i].lower = first[i] < first[i + 1] ? ranked[first[i]].lower : 0;
		items[i].upper = items[i].lower + 1;	/* of a buffer that is one gap */
		for (uint32_t k = first[i]; k < first[i + 1]; k++) {
			made[k] = (struct place_part) { parts->all[k].at, parts->all[k].bytes, ranked[k].lower, ranked[k].upper };
			items[i].upper = ranked[k].upper > items[i].upper ? ranked[k].upper : items[i].upper;
		}
	}
	p->parts = made;
	p->first_part = first;
}

/* Fills the times of items that are one row each. */
static void
rank_rows(struct place_shapes *s, struct place_item *items, const struct place_rows *rows, struct arena *a)
{
	int64_t *lowers = ARENA_NEW(a, int64_t, rows->count), *uppers = ARENA_NEW(a, int64_t, rows->count);

	for (uint32_t i = 0; i < rows->count; i++) {
		lowers[i] = rows->all[i].lower;
		uppers[i] = rows->all[i].upper;
	}
	s->times = place_rank_times(items, lowers, uppers, rows->count, a);
}

int
place_shapes_make(struct place_shapes *s, struct place_problem *p, const struct place_rows *rows, uint32_t *row, unsigned *column,
    struct arena *a, struct err *e)
{
	struct place_item *items = ARENA_NEW(a, struct place_item, rows->count);
	struct shape_parts *own, parts = { .count = 0 };
	uint32_t *first, gap = 0;

	p->items = items;
	s->item_of = ARENA_NEW(a, uint32_t, rows->count);
	s->row_of = ARENA_NEW(a, uint32_t, rows->count);
	s->distance = ARENA_NEW(a, bytes_t, rows->count);
	if (find_items(s, p, items, rows, row, column, a, e) < 0)
		return -1;
	if (rows->gap_count == 0 && !rows->has_aliases) {
		rank_rows(s, items, rows, a);
		return 0;
	}
	own = ARENA_NEW(a, struct shape_parts, p->count);
	first = ARENA_NEW(a, uint32_t, (size_t)p->count + 1);
	for (uint32_t i = 0; i < rows->count; i++)
		add_row(&own[s->item_of[i]], s, rows, i, &gap, a);
	for (uint32_t i = 0; i < p->count; i++) {
		add_union(&parts, own[i].all, own[i].count, a);
		first[i + 1] = parts.count;
	}
	make_parts(s, p, items, &parts, first, a);
	return 0;
}
