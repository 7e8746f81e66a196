/* SPDX-License-Identifier: Apache-2.0 */
/* pack_eject.c - turns of waiting items, the cheapest place of each, and the levels that are tried */
#include <config.h>
#include "planner/placement/pack_eject.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/clock.h"

enum {
	FIRST_SHARE = 24,		/* 10 .. 40: part of the work for the first level, the target */
	LEVEL_SHARE = 4,		/* 2 .. 20: part of the work that is left for each other level */
	NEAR = 32,			/* 8 .. 128: an arena that is over the target by at most this part of it tries the target first */
	FALL = 8,			/* 3 .. 12: part of a large gap for a step; a step that fails costs more than the ones that do not */
	CLOSE = 4096,			/* 10^3 .. 10^5: levels closer together than this part of the arena are not told apart */
	DIGIT = 9, FEW = 24		/* of a sort: bits of a digit; fewer edges are sorted by insertion alone */
};

#define NOWHERE UINT64_MAX

/* An item with bytes, in the order of lower. */
struct member {
	bytes_t bytes, padded, align, offset;	/* offset: NOWHERE while it waits */
	uint32_t lower, upper;
	uint32_t item;			/* in the problem */
	uint32_t ejections;
	bool fixed;
};

/* An edge of a neighbour's bytes, and what ejecting it costs. */
struct edge { bytes_t at; double cost; };

struct ejector {
	const struct place_problem *p;
	uint32_t count, leaves;
	struct member *members;		/* [count] */
	uint32_t *latest;		/* [2 * leaves] a tree over the members: the largest upper below each node */
	uint32_t *near;			/* [count] members alive with the one at hand */
	struct edge *starts, *ends, *scratch;	/* [count] */
	uint32_t *waiting;		/* [waiting_count] a heap, the dearest on top */
	uint32_t waiting_count;
	uint64_t work, most_work;
	double deadline_s;
};

/* ---- members ---- */

static int
earlier(const void *x, const void *y)
{
	const struct member *p = x, *q = y;

	if (p->lower != q->lower)
		return p->lower < q->lower ? -1 : 1;
	return p->item < q->item ? -1 : p->item > q->item;
}

static void
eject_init(struct ejector *x, const struct place_problem *p, struct arena *a)
{
	bytes_t unit = placement_unit(p);

	*x = (struct ejector) { .p = p, .leaves = 1 };
	x->members = ARENA_NEW(a, struct member, p->count);
	for (uint32_t i = 0; i < p->count; i++) {
		const struct place_item *it = &p->items[i];

		if (it->bytes > 0)
			x->members[x->count++] = (struct member) { .bytes = it->bytes, .padded = bytes_align(it->bytes, unit),
			    .align = place_align(p, it), .lower = it->lower, .upper = it->upper, .item = i, .fixed = it->fixed != PLACE_FREE };
	}
	qsort(x->members, x->count, sizeof(*x->members), earlier);
	while (x->leaves < x->count)
		x->leaves *= 2;
	x->latest = ARENA_NEW(a, uint32_t, 2 * (size_t)x->leaves);
	for (uint32_t i = 0; i < x->count; i++)
		x->latest[x->leaves + i] = x->members[i].upper;
	for (uint32_t i = x->leaves; i-- > 1;)
		x->latest[i] = x->latest[2 * i] > x->latest[2 * i + 1] ? x->latest[2 * i] : x->latest[2 * i + 1];
	x->near = ARENA_NEW(a, uint32_t, x->count);
	x->waiting = ARENA_NEW(a, uint32_t, x->count);
	x->starts = ARENA_NEW(a, struct edge, x->count);
	x->ends = ARENA_NEW(a, struct edge, x->count);
	x->scratch = ARENA_NEW(a, struct edge, x->count);
}

/* Returns the number of members that begin before a time. */
static uint32_t
begun_before(const struct ejector *x, uint32_t time)
{
	uint32_t low = 0, high = x->count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (x->members[mid].lower < time)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Fills near with the placed members that are alive with m, from the tree: only nodes with a member that ends after m begins. */
static uint32_t
find_near(struct ejector *x, const struct member *m)
{
	uint32_t before = begun_before(x, m->upper), n = 0, node = 1, first = 0, size = x->leaves;

	for (;;) {
		if (first < before && x->latest[node] > m->lower) {
			x->work++;
			if (size > 1) {
				node *= 2;
				size /= 2;
				continue;
			}
			if (x->members[first].offset != NOWHERE && &x->members[first] != m)
				x->near[n++] = first;
		}
		/* The next node to the right. */
		while (node & 1) {
			if (node == 1)
				return n;
			node /= 2;
			first -= size;
			size *= 2;
		}
		node++;
		first += size;
	}
}

/* ---- the cheapest place ---- */

/* Returns the cost of ejecting m: its bytes times its life, more with each ejection. */
static double
cost_of(const struct member *m)
{
	return (double)m->padded * (double)(m->upper - m->lower) * (1 + (double)m->ejections);
}

/* Sorts rising edges by the digit of DIGIT bits at `shift`. */
static void
sort_digit(struct edge *to, const struct edge *from, uint32_t count, unsigned shift)
{
	uint32_t start[(1 << DIGIT) + 1] = { 0 };

	for (uint32_t i = 0; i < count; i++)
		start[(from[i].at >> shift & ((1 << DIGIT) - 1)) + 1]++;
	for (uint32_t k = 0; k < 1 << DIGIT; k++)
		start[k + 1] += start[k];
	for (uint32_t i = 0; i < count; i++)
		to[start[from[i].at >> shift & ((1 << DIGIT) - 1)]++] = from[i];
}

/* Sorts edges below 2^bits: by their two highest digits, and by insertion what these leave.  Equal ones keep their order. */
static void
sort_edges(struct ejector *x, struct edge *edges, uint32_t count, unsigned bits)
{
	if (count > FEW) {
		unsigned high = bits > DIGIT ? bits - DIGIT : 0;

		sort_digit(x->scratch, edges, count, high > DIGIT ? high - DIGIT : 0);
		sort_digit(edges, x->scratch, count, high > DIGIT ? high : DIGIT);
	}
	for (uint32_t i = 1; i < count; i++) {
		struct edge e = edges[i];
		uint32_t k = i;

		for (; k > 0 && edges[k - 1].at > e.at; k--)
			edges[k] = edges[k - 1];
		edges[k] = e;
	}
}

/* Returns the cheapest place of m that ends at or below the level, ties to the tightest hole, then the lowest; NOWHERE: none. */
static bytes_t
find_place(struct ejector *x, const struct member *m, bytes_t level, uint32_t near)
{
	bytes_t best = NOWHERE, best_room = 0;
	double best_cost = 0, begun = 0, ended = 0;
	uint32_t s = 0;
	unsigned bits = 64 - (unsigned)__builtin_clzll(level | 1);

	for (uint32_t i = 0; i < near; i++) {
		const struct member *o = &x->members[x->near[i]];
		double cost = o->fixed ? 1e30 : cost_of(o);

		x->starts[i] = (struct edge) { o->offset, cost };
		x->ends[i] = (struct edge) { o->offset + o->padded, cost };
	}
	sort_edges(x, x->starts, near, bits);
	sort_edges(x, x->ends, near, bits);
	x->work += 2 * near;
	for (uint32_t e = 0; e <= near; e++) {
		bytes_t at = e == 0 ? 0 : bytes_align(x->ends[e - 1].at, m->align), room;
		double cost;

		if (e > 0)
			ended += x->ends[e - 1].cost;
		if (at + m->bytes > level)
			break;
		if (e < near && bytes_align(x->ends[e].at, m->align) == at)
			continue;
		while (s < near && x->starts[s].at < at + m->padded)
			begun += x->starts[s++].cost;
		cost = begun - ended;
		room = (s < near ? x->starts[s].at : level) - at;
		if (best == NOWHERE || cost < best_cost - 0.5 || (cost < best_cost + 0.5 && room < best_room)) {
			best = at;
			best_cost = cost;
			best_room = room;
		}
	}
	return best_cost >= 1e29 ? NOWHERE : best;
}

/* ---- turns ---- */

static bool
is_dearer(const struct ejector *x, uint32_t i, uint32_t j)
{
	double c = cost_of(&x->members[i]), d = cost_of(&x->members[j]);

	return c != d ? c > d : i < j;
}

static void
wait_turn(struct ejector *x, uint32_t member)
{
	uint32_t i = x->waiting_count++;

	x->members[member].offset = NOWHERE;
	for (; i > 0 && is_dearer(x, member, x->waiting[(i - 1) / 2]); i = (i - 1) / 2)
		x->waiting[i] = x->waiting[(i - 1) / 2];
	x->waiting[i] = member;
}

static uint32_t
next_turn(struct ejector *x)
{
	uint32_t top = x->waiting[0], last = x->waiting[--x->waiting_count], i = 0, k;

	while ((k = 2 * i + 1) < x->waiting_count) {
		if (k + 1 < x->waiting_count && is_dearer(x, x->waiting[k + 1], x->waiting[k]))
			k++;
		if (!is_dearer(x, x->waiting[k], last))
			break;
		x->waiting[i] = x->waiting[k];
		i = k;
	}
	x->waiting[i] = last;
	return top;
}

static bool
may_go_on(const struct ejector *x)
{
	return x->work < x->most_work && !placement_stopped(x->p) && (x->deadline_s == 0 || clock_seconds() < x->deadline_s);
}

/* Places the dearest waiting member below the level; false: there is no place. */
static bool
take_turn(struct ejector *x, bytes_t level)
{
	uint32_t turn = next_turn(x), near;
	struct member *m = &x->members[turn];
	bytes_t at;

	near = find_near(x, m);
	at = find_place(x, m, level, near);
	if (at == NOWHERE)
		return false;
	for (uint32_t i = 0; i < near; i++) {
		struct member *o = &x->members[x->near[i]];

		if (o->offset >= at + m->padded || at >= o->offset + o->padded)
			continue;
		o->ejections++;
		wait_turn(x, x->near[i]);
	}
	m->offset = at;
	return true;
}

/* Moves every item below the level; false: the work ended first. */
static bool
lower_to(struct ejector *x, bytes_t level)
{
	x->waiting_count = 0;
	for (uint32_t i = 0; i < x->count; i++) {
		x->members[i].ejections = 0;
		if (x->members[i].offset + x->members[i].bytes > level)
			wait_turn(x, i);
	}
	while (x->waiting_count > 0)
		if (!may_go_on(x) || !take_turn(x, level))
			return false;
	return true;
}

/* ---- levels ---- */

static void
take_offsets(struct ejector *x, const struct place_result *r)
{
	for (uint32_t i = 0; i < x->count; i++)
		x->members[i].offset = r->offsets[x->members[i].item];
}

static void
give_offsets(const struct ejector *x, struct place_result *r)
{
	bytes_t end = 0;

	for (uint32_t i = 0; i < x->count; i++) {
		const struct member *m = &x->members[i];

		r->offsets[m->item] = m->offset;
		end = m->offset + m->bytes > end ? m->offset + m->bytes : end;
	}
	r->arena_bytes = bytes_align(end, x->p->align);
}

void
pack_eject(struct place_result *r, const struct place_problem *p, uint64_t work, double deadline_s, struct arena *a)
{
	bytes_t target = placement_target(p, r), gap = r->arena_bytes - target, step = gap <= target / NEAR ? gap : (gap + FALL - 1) / FALL;
	struct ejector x;

	eject_init(&x, p, a);
	x.deadline_s = deadline_s;
	x.most_work = work / (step == gap ? FIRST_SHARE : LEVEL_SHARE);
	while (r->arena_bytes > target && x.work < work) {
		gap = r->arena_bytes - target;
		step = step > p->align ? step : p->align;	/* or a level would be the arena itself */
		take_offsets(&x, r);
		if (lower_to(&x, target + (gap > step ? (gap - step) / p->align * p->align : 0))) {	/* a multiple, as arenas are */
			give_offsets(&x, r);
			placement_tell(p, r);
			gap = r->arena_bytes > target ? r->arena_bytes - target : 0;
			step = 2 * step < gap / FALL ? 2 * step : (gap + FALL - 1) / FALL;
		} else {
			if (step <= target / CLOSE || step <= p->align)
				break;
			step /= 2;
		}
		x.most_work = x.work + (work > x.work ? (work - x.work) / LEVEL_SHARE : 0);
	}
}
