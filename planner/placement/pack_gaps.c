/* SPDX-License-Identifier: Apache-2.0 */
/* pack_gaps.c - the gaps of the sections, the sums that fill them, and the search */
#include <config.h>
#include "planner/placement/pack_gaps.h"
#include "planner/placement/pack_state.h"

#include <string.h>

enum {
	MOST_SUMS = 1000,		/* 100 .. 10^4: sums of one gap that are tried, before it counts as filled */
	STEPS = 16			/* for one step of pack_search(), by their time */
};

struct gaps {
	struct stretch_of_levels *at;	/* [count] rising, apart */
	int count;
};

/* An item at a level, or a hole from that level on. */
struct gap_choice { int item; level_t at; };
enum { HOLE = -1 };

struct gap_choices { struct gap_choice *all; size_t count, capacity; };

struct gap_search {
	const struct sections *s;
	const struct pack_limits *limits;
	level_t *level;			/* [item_count] of the placed items */
	level_t *most;			/* [item_count] the highest end of each item */
	double *key;			/* [item_count] larger is tried first */
	bool *open;			/* [item_count] */
	bool *may_fill;			/* [count] the sums of the section were tested, and no item over it has lost a place since */
	int open_count;
	int *first_over, *over;		/* section y has the items over[first_over[y]] .. over[first_over[y + 1] - 1] */
	struct gaps *gaps;		/* [count] */
	level_t *left, *spare;		/* [count] units of the open items; units that may stay empty */
	struct gap_choices choices;		/* a stack: those of all nodes of the path */
	struct gap_choice *found;		/* [item_count] scratch */
	level_t *size, *sum;		/* [item_count + 1] scratch of the sums */
	uint64_t steps;			/* gaps of one section looked at, or sums */
	bool gave_up, incomplete;	/* incomplete: placements were left out */
	struct arena *arena;
};

/* ---- gaps ---- */

static void
remove_gap(struct gaps *g, int k)
{
	memmove(g->at + k, g->at + k + 1, sizeof(*g->at) * (size_t)(--g->count - k));
}

static void
insert_gap(struct gaps *g, int k, struct stretch_of_levels at)
{
	memmove(g->at + k + 1, g->at + k, sizeof(*g->at) * (size_t)(g->count++ - k));
	g->at[k] = at;
}

/* Takes levels that are free. */
static void
take_levels(struct gaps *g, struct stretch_of_levels taken)
{
	int k = 0;
	level_t to;

	while (g->at[k].to <= taken.from)
		k++;
	to = g->at[k].to;
	g->at[k].to = taken.from;
	if (taken.to < to)
		insert_gap(g, k + 1, (struct stretch_of_levels) { taken.to, to });
	if (g->at[k].from == g->at[k].to)
		remove_gap(g, k);
}

/* Gives levels back that were taken. */
static void
give_levels(struct gaps *g, struct stretch_of_levels taken)
{
	int k = 0;

	while (k < g->count && g->at[k].from < taken.to)
		k++;
	if (k < g->count && g->at[k].from == taken.to)
		g->at[k].from = taken.from;
	else
		insert_gap(g, k, taken);
	if (k > 0 && g->at[k - 1].to == taken.from) {
		g->at[k - 1].to = g->at[k].to;
		remove_gap(g, k);
	}
}

/* Returns the lowest level from `at` on at which an item fits into gaps of all of its sections and ends at or below `limit`; -1: none. */
static level_t
lowest_place(struct gap_search *x, int item, level_t at, level_t limit)
{
	const struct packed *p = &x->s->items[item];
	level_t before;

	limit = x->most[item] < limit ? x->most[item] : limit;
	do {
		before = at = (at + p->align - 1) / p->align * p->align;
		for (int y = p->first; y <= p->last && at + p->size <= limit; y++) {
			const struct gaps *g = &x->gaps[y];
			int k = 0;

			x->steps++;
			while (k < g->count && (g->at[k].from > at ? g->at[k].from : at) + p->size > g->at[k].to)
				k++;
			if (k == g->count)
				return -1;
			at = g->at[k].from > at ? g->at[k].from : at;
		}
		if (at + p->size > limit)
			return -1;
	} while (at > before);
	return at;
}

/* ---- sums ---- */

/* The search for the fullest gap: the sizes that fit, falling, and the sum of each and those after it. */
struct filling {
	const level_t *size, *sum;	/* [count], [count + 1] */
	int count;
	level_t room, most;		/* of the gap; the largest sum so far */
	int tries;			/* left */
};

/* Tries the sizes from k on, above `taken`. */
static void
try_sums(struct filling *f, int k, level_t taken)
{
	for (; k < f->count && f->most < f->room && taken + f->sum[k] > f->most; k++) {
		level_t with = taken + f->size[k];

		if (--f->tries < 0)
			return;
		if (with > f->room)
			continue;
		f->most = with > f->most ? with : f->most;
		try_sums(f, k + 1, with);
	}
}

/* Fills the sizes of the open items of section y that have a place in the gap, falling, and their sums; returns their number. */
static int
find_sizes(struct gap_search *x, int y, struct stretch_of_levels gap)
{
	int n = 0, k;

	for (int i = x->first_over[y]; i < x->first_over[y + 1]; i++) {
		int item = x->over[i];
		level_t size = x->s->items[item].size;

		if (!x->open[item] || size > gap.to - gap.from || lowest_place(x, item, gap.from, gap.to) < 0)
			continue;
		for (k = n++; k > 0 && x->size[k - 1] < size; k--)
			x->size[k] = x->size[k - 1];
		x->size[k] = size;
	}
	x->sum[n] = 0;
	for (k = n; k-- > 0;)
		x->sum[k] = x->sum[k + 1] + x->size[k];
	return n;
}

/* Returns the least that stays empty of a gap, or more than `spare` if it is more. */
static level_t
least_waste(struct gap_search *x, int y, struct stretch_of_levels gap, level_t spare)
{
	struct filling f = { .size = x->size, .sum = x->sum, .count = find_sizes(x, y, gap), .room = gap.to - gap.from,
	    .most = gap.to - gap.from - spare - 1, .tries = MOST_SUMS };

	try_sums(&f, 0, 0);
	x->steps += (uint64_t)(MOST_SUMS - f.tries);
	return f.tries < 0 ? 0 : f.room - f.most;
}

/* True when the open items of every section may fill its gaps up to its spare levels. */
static bool
may_fill(struct gap_search *x, int near)
{
	for (int i = 0; i < x->s->count; i++) {
		int y = (near + i) % x->s->count;
		level_t spare = x->spare[y];

		for (int k = 0; k < x->gaps[y].count && x->left[y] > 0 && !x->may_fill[y]; k++) {
			struct stretch_of_levels gap = x->gaps[y].at[k];

			if (gap.to - gap.from > spare)
				spare -= least_waste(x, y, gap, spare);
			if (spare < 0)
				return false;
		}
		x->may_fill[y] = true;
	}
	return true;
}

/* Notes that levels of sections first .. last are taken. */
static void
forget_sums(struct gap_search *x, int first, int last)
{
	for (int i = 0; i < x->s->item_count; i++) {
		const struct packed *p = &x->s->items[i];

		if (x->open[i] && p->first <= last && first <= p->last)
			memset(x->may_fill + p->first, 0, sizeof(*x->may_fill) * (size_t)(p->last - p->first + 1));
	}
}

/* ---- the choice of an end ---- */

/* Fills found with the items that begin at the bottom of a gap of section y, or end at its top, at most `most` of them; the number. */
static int
find_choices(struct gap_search *x, int y, struct stretch_of_levels gap, bool bottom, int most)
{
	int n = 0;

	for (int i = x->first_over[y]; i < x->first_over[y + 1] && n < most; i++) {
		int item = x->over[i];
		level_t size = x->s->items[item].size, at = bottom ? gap.from : gap.to - size;

		if (x->open[item] && size <= gap.to - gap.from && lowest_place(x, item, at, at + size) == at)
			x->found[n++] = (struct gap_choice) { item, at };
	}
	return n;
}

/* An end of a gap with its choices, which lie on top of the stack. */
struct gap_end { int section; size_t start; int count; };

/* Finds the end of a gap with the fewest choices, from section `near` on, and puts them on the stack, a hole last. */
static void
choose_end(struct gap_search *x, struct gap_end *best, int near)
{
	const int none = x->s->item_count + 1;
	int fewest = none;

	*best = (struct gap_end) { -1, x->choices.count, 0 };
	for (int i = 0; i < x->s->count && fewest > 1; i++) {
		int y = (near + i) % x->s->count, hole = x->spare[y] > 0;

		for (int k = 0; k < 2 * x->gaps[y].count && x->left[y] > 0 && fewest > 1; k++) {
			struct stretch_of_levels gap = x->gaps[y].at[k / 2];
			int n;

			if (hole && k % 2 == 1)
				continue;
			n = find_choices(x, y, gap, k % 2 == 0, fewest - hole);
			if (n + hole >= fewest)
				continue;
			fewest = n + hole;
			*best = (struct gap_end) { y, best->start, fewest };
			x->choices.count = best->start;
			for (int j = 0; j < n; j++)
				*ARENA_PUSH(x->arena, x->choices.all, x->choices.count, x->choices.capacity) = x->found[j];
			if (hole)
				*ARENA_PUSH(x->arena, x->choices.all, x->choices.count, x->choices.capacity) = (struct gap_choice) { HOLE, gap.from };
		}
	}
}

/* Sorts choices by their items' keys, larger first, holes last. */
static void
sort_choices(const struct gap_search *x, struct gap_choice *all, int count)
{
	for (int i = 1; i < count && all[i].item != HOLE; i++) {
		struct gap_choice c = all[i];
		int k = i;

		for (; k > 0 && x->key[all[k - 1].item] < x->key[c.item]; k--)
			all[k] = all[k - 1];
		all[k] = c;
	}
}

/* ---- the search ---- */

static bool fill(struct gap_search *x, int near);

static void
put(struct gap_search *x, int item, level_t at, bool open)
{
	const struct packed *p = &x->s->items[item];

	x->open[item] = open;
	x->open_count += open ? 1 : -1;
	x->level[item] = at;
	for (int y = p->first; y <= p->last; y++) {
		x->left[y] += open ? p->size : -p->size;
		(open ? give_levels : take_levels)(&x->gaps[y], (struct stretch_of_levels) { at, at + p->size });
	}
}

static bool
try_item(struct gap_search *x, struct gap_choice c)
{
	put(x, c.item, c.at, false);
	forget_sums(x, x->s->items[c.item].first, x->s->items[c.item].last);
	if (fill(x, x->s->items[c.item].first))
		return true;
	put(x, c.item, c.at, true);
	return false;
}

/* Leaves the lowest gap of section y from `at` on empty, up to the lowest place of an item. */
static bool
try_hole(struct gap_search *x, int y, level_t at)
{
	struct stretch_of_levels hole = { at, at };
	bool filled;

	for (int k = 0; hole.to == at; k++)
		if (x->gaps[y].at[k].from == at)
			hole.to = x->gaps[y].at[k].to;
	for (int i = x->first_over[y]; i < x->first_over[y + 1]; i++) {
		level_t above = x->open[x->over[i]] ? lowest_place(x, x->over[i], at + 1, hole.to) : -1;

		hole.to = above >= 0 && above < hole.to ? above : hole.to;
	}
	if (hole.to - hole.from > x->spare[y])
		return false;
	x->spare[y] -= hole.to - hole.from;
	take_levels(&x->gaps[y], hole);
	forget_sums(x, y, y);
	filled = fill(x, y);
	give_levels(&x->gaps[y], hole);
	x->spare[y] += hole.to - hole.from;
	return filled;
}

/* Places all open items; on failure the state is as before. */
static bool
fill(struct gap_search *x, int near)
{
	uint64_t before = x->steps;
	struct gap_end end;
	bool done = false;

	if (x->open_count == 0)
		return true;
	choose_end(x, &end, near);
	if (end.section < 0)
		return false;
	x->incomplete |= x->spare[end.section] > 0;
	if (end.count > 1 && !may_fill(x, near))
		end.count = 0;
	x->gave_up |= pack_must_end(x->limits, before / STEPS, x->steps / STEPS);
	sort_choices(x, x->choices.all + end.start, end.count);
	for (int i = 0; i < end.count && !done && !x->gave_up; i++) {
		struct gap_choice c = x->choices.all[end.start + (size_t)i];

		done = c.item == HOLE ? try_hole(x, end.section, c.at) : try_item(x, c);
	}
	x->choices.count = end.start;
	return done;
}

/* ---- setting up ---- */

/* Lists the items over each section. */
static void
list_over(struct gap_search *x, struct arena *a)
{
	const struct sections *s = x->s;

	x->first_over = ARENA_NEW(a, int, (size_t)s->count + 2);
	for (int i = 0; i < s->item_count; i++)
		for (int y = s->items[i].first; y <= s->items[i].last; y++)
			x->first_over[y + 2]++;
	for (int y = 2; y <= s->count + 1; y++)
		x->first_over[y] += x->first_over[y - 1];
	x->over = ARENA_NEW(a, int, (size_t)x->first_over[s->count + 1]);
	for (int i = 0; i < s->item_count; i++)		/* adding moves each beginning to the end before */
		for (int y = s->items[i].first; y <= s->items[i].last; y++)
			x->over[x->first_over[y + 1]++] = i;
}

/* Lists the gaps that the given items of a section leave below its top; false: its items need more. */
static bool
list_gaps(struct gap_search *x, int y, struct arena *a)
{
	const struct given_levels *g = &x->s->given[y];
	size_t over = (size_t)(x->first_over[y + 1] - x->first_over[y]);
	level_t top = 0, at = 0;

	x->left[y] = x->s->load[y];
	x->spare[y] = -x->left[y];
	x->gaps[y].at = ARENA_NEW(a, struct stretch_of_levels, g->count + over + 2);	/* an item splits one gap in two */
	for (int i = x->first_over[y]; i < x->first_over[y + 1]; i++)
		top = x->most[x->over[i]] > top ? x->most[x->over[i]] : top;
	for (uint32_t k = 0; k <= g->count && at < top; k++) {
		level_t to = k < g->count && g->at[k].from < top ? g->at[k].from : top;

		if (to > at) {
			x->gaps[y].at[x->gaps[y].count++] = (struct stretch_of_levels) { at, to };
			x->spare[y] += to - at;
		}
		if (k < g->count && g->at[k].to > at)
			at = g->at[k].to;
	}
	return x->spare[y] >= 0;
}

enum pack_answer
pack_gaps(level_t *level, const struct sections *s, bytes_t capacity, uint64_t seed, const struct pack_limits *limits, struct arena *a)
{
	struct gap_search x = { .s = s, .limits = limits, .level = level, .open_count = s->item_count, .arena = a };
	size_t n = (size_t)s->item_count + 1, sections = (size_t)s->count + 1;

	x.most = ARENA_NEW(a, level_t, n);
	x.key = pack_keys(s, &gap_strategy, seed, a);
	x.open = ARENA_NEW(a, bool, n);
	x.may_fill = ARENA_NEW(a, bool, sections);
	x.found = ARENA_NEW(a, struct gap_choice, n);
	x.size = ARENA_NEW(a, level_t, n);
	x.sum = ARENA_NEW(a, level_t, n);
	x.gaps = ARENA_NEW(a, struct gaps, sections);
	x.left = ARENA_NEW(a, level_t, sections);
	x.spare = ARENA_NEW(a, level_t, sections);
	for (int i = 0; i < s->item_count; i++) {
		x.most[i] = sections_highest_end(s, &s->items[i], capacity);
		x.open[i] = true;
	}
	list_over(&x, a);
	for (int y = 0; y < s->count; y++)
		if (!list_gaps(&x, y, a))
			return PACK_NEVER;
	if (fill(&x, s->count > 0 ? (int)(seed % (uint64_t)s->count) : 0))
		return PACK_FITS;
	return x.gave_up || x.incomplete ? PACK_GAVE_UP : PACK_NEVER;
}
