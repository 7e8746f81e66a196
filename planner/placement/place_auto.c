/* SPDX-License-Identifier: Apache-2.0 */
/* place_auto.c - several orders, each repaired where it ended too high, then the exact search
 *
 * No single order is good for all problems, but on training graphs one of a few orders nearly always is.  An item that ended above the
 * target came too late, when only small holes were left below.  The repair moves such items to the front of the order and runs it again
 * ("squeaky wheel" optimisation, Joslin and Clements 1999).  A few rounds bring most orders near the bound.  place_exact() takes over
 * where a problem is small enough and still misses the target.  For a list of its own, one descent of its search comes before the orders, because
 * it costs less than they do and often ends at the target.
 */
#include <config.h>
#include <string.h>

#include "planner/placement/pack_eject.h"
#include "planner/placement/pack_greedy.h"
#include "planner/placement/place_check.h"
#include "src/base/clock.h"

enum {
	LANES = 10,
	ROUNDS = 8, SMALL_ROUNDS = 2,	/* of one order */
	SMALL = 1000,			/* items: below, the exact search is fast, so few rounds precede it */
	LARGE = 200000,			/* items: above, too many for the tree over time */
	SEARCHED = 2500,		/* items: above, the exact search runs only with a time limit */
	WORK = 6000, QUICK_WORK = 700,	/* struct greedy's work, per item, without a time limit */
	LAST_WORK = 12000,		/* at last, for a list of its own that is too large for the exact search */
	MOST_WORK = 240000000,		/* in all */
	SHORT_EJECT = 300,		/* pack_eject()'s work, per item, before the orders */
	SMALL_EJECT = 40000, LARGE_EJECT = 2000,	/* and at last, per item of a small and a large list */
	SOME_EJECT = 400000000, MOST_EJECT = 2000000000,
	CLIMBED = 20000			/* items: above, hill-climb is not worth its time */
};

struct order_and_fit {
	enum greedy_key first, second;
	enum greedy_fit fit;
};

struct attempt {
	struct greedy greedy;
	struct place_result *r;
	const struct place_problem *p;
	uint32_t *moved;		/* scratch */
	bytes_t target;
	double deadline_s;		/* 0: none */
};

static bool
is_done(const struct attempt *t)
{
	return t->r->arena_bytes <= t->target || t->greedy.work > t->greedy.work_limit ||
	    placement_stopped(t->p) || (t->deadline_s > 0 && clock_seconds() > t->deadline_s);
}

/* Moves the items that ended above the target to the front, in their order; false: they were there already. */
static bool
repair(struct attempt *t, uint32_t *order)
{
	const struct greedy *g = &t->greedy;
	uint32_t n = 0, kept = g->count;

	for (uint32_t i = 0; i < g->count; i++)
		if (g->offsets[order[i]] + g->items[order[i]].bytes > t->target)
			t->moved[n++] = order[i];
	if (memcmp(order, t->moved, sizeof(*order) * n) == 0)
		return false;
	for (uint32_t i = g->count; i-- > 0;)
		if (g->offsets[order[i]] + g->items[order[i]].bytes <= t->target)
			order[--kept] = order[i];
	memcpy(order, t->moved, sizeof(*order) * n);
	return true;
}

static void
run_lane(struct attempt *t, const struct order_and_fit *lane, unsigned rounds, struct arena *a)
{
	uint32_t *order = greedy_order(&t->greedy, lane->first, lane->second, a);

	for (unsigned round = 0; round < rounds && !is_done(t); round++) {
		bytes_t arena = greedy_run(&t->greedy, order, lane->fit, UINT64_MAX);

		if (arena == UINT64_MAX)
			return;
		if (arena < t->r->arena_bytes) {
			greedy_take(&t->greedy, t->r, arena);
			placement_tell(t->p, t->r);
		}
		if (!repair(t, order))
			return;
	}
}

/* Runs the orders, the most promising first.  Each has all of its rounds before the next one begins, because a bad first round predicts
 * little about the later ones. */
static void
try_orders(struct attempt *t, uint32_t work, struct arena *a)
{
	static const struct order_and_fit lanes[LANES] = {
		{ GREEDY_BY_LOAD, GREEDY_BY_SIZE, GREEDY_BEST },
		{ GREEDY_BY_NEARNESS, GREEDY_BY_SIZE, GREEDY_BEST },
		{ GREEDY_BY_LOAD, GREEDY_BY_LENGTH, GREEDY_BEST },
		{ GREEDY_BY_CONFLICTS, GREEDY_BY_SIZE, GREEDY_BEST },
		{ GREEDY_BY_LOAD, GREEDY_BY_CONFLICTS, GREEDY_BEST },
		{ GREEDY_BY_NEARNESS, GREEDY_BY_SHORTER_SIDE, GREEDY_BEST },
		{ GREEDY_BY_SIZE, GREEDY_BY_LENGTH, GREEDY_BEST },
		{ GREEDY_BY_AREA, GREEDY_BY_SIZE, GREEDY_BEST },
		{ GREEDY_BY_LOAD, GREEDY_BY_SIZE, GREEDY_FIRST },
		{ GREEDY_BY_START, GREEDY_BY_SIZE, GREEDY_BEST }
	};

	greedy_init(&t->greedy, t->p, a);
	t->moved = ARENA_NEW(a, uint32_t, t->greedy.count);
	if (t->deadline_s == 0)
		t->greedy.work_limit = t->greedy.count < MOST_WORK / work ? (uint64_t)work * t->greedy.count : MOST_WORK;
	for (unsigned i = 0; i < LANES && !is_done(t); i++)
		run_lane(t, &lanes[i], t->p->count > SMALL ? ROUNDS : SMALL_ROUNDS, a);
}

static double
half_of(const struct place_problem *p)
{
	return p->time_limit_s > 0 ? clock_seconds() + p->time_limit_s / 2 : 0;
}

/* Places by boxing and by orders, until the deadline. */
static void
place_by_orders(struct place_result *r, const struct place_problem *p, uint32_t work, double deadline_s, struct arena *a)
{
	struct attempt t = { .r = r, .p = p, .target = placement_target(p, r), .deadline_s = deadline_s };

	if (r->arena_bytes > t.target && p->count <= LARGE)
		try_orders(&t, work, a);
}

/* Runs another row and keeps the better result. */
static void
try_row(struct place_result *r, const struct place_problem *p, place_fn *place, bytes_t *offsets, struct arena *a)
{
	struct place_result other = { .offsets = offsets, .bound_bytes = r->bound_bytes };

	if (r->arena_bytes <= placement_target(p, r) || placement_stopped(p))
		return;
	place(&other, p, a);
	if (other.refused == NULL && other.arena_bytes < r->arena_bytes) {
		memcpy(r->offsets, other.offsets, sizeof(*offsets) * p->count);
		r->arena_bytes = other.arena_bytes;
		placement_tell(p, r);
	}
}

/* Runs the rows whose orders the lanes lack, or do not reach within their work. */
static void
try_rows(struct place_result *r, const struct place_problem *p, struct arena *a)
{
	static place_fn *const rows[] = { place_by_size, place_by_area, place_by_conflicts, place_first_fit, place_best_fit };
	bytes_t *offsets = ARENA_NEW(a, bytes_t, p->count);

	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows) && p->count <= LARGE; i++)
		try_row(r, p, rows[i], offsets, a);
}

void
place_quickly(struct place_result *r, const struct place_problem *p, struct arena *a)
{
	place_boxing(r, p, a);
	place_by_orders(r, p, QUICK_WORK, half_of(p), a);
}

void
place_known(struct place_result *r, const struct place_problem *p, struct arena *a)
{
	struct place_item *items = ARENA_NEW(a, struct place_item, p->count);
	struct place_problem checked = *p;
	struct place_fault fault;
	struct err e = ERR_INIT;
	bytes_t end = 0;

	r->arena_bytes = UINT64_MAX;
	if (p->known == NULL)
		return;
	checked.items = items;
	for (uint32_t i = 0; i < p->count; i++) {
		end = p->known[i] + p->items[i].bytes > end ? p->known[i] + p->items[i].bytes : end;
		items[i] = p->items[i];
		if (items[i].lower >= items[i].upper)	/* the home of a tensor that is away from the first step on, or back at the end */
			items[i].bytes = 0;
	}
	if (place_check(&checked, p->known, end, &fault, a, &e) < 0)
		return;
	memcpy(r->offsets, p->known, sizeof(*r->offsets) * p->count);
	r->arena_bytes = bytes_align(end, p->align);
}

/* One of many problems of a search: boxing, orders, and the exact search where it is fast. */
static void
place_in_search(struct place_result *r, const struct place_problem *p, struct arena *a)
{
	place_boxing(r, p, a);
	place_by_orders(r, p, WORK, half_of(p), a);
	if (r->arena_bytes > placement_target(p, r) && (p->count <= SEARCHED || p->time_limit_s > 0))
		place_exact(r, p, a);
}

/* Returns the work of pack_eject() for a list of its own: much an item for small lists, about a second for 10^4 items, then again by the
 * item. */
static uint64_t
eject_work(const struct place_problem *p)
{
	uint64_t small = (uint64_t)p->count * SMALL_EJECT, large = (uint64_t)p->count * LARGE_EJECT;

	return small < SOME_EJECT ? small : large < SOME_EJECT ? SOME_EJECT : large < MOST_EJECT ? large : MOST_EJECT;
}

static void
place_thoroughly(struct place_result *r, const struct place_problem *p, struct arena *a)
{
	double deadline_s = half_of(p);

	place_boxing(r, p, a);
	pack_eject(r, p, (uint64_t)p->count * SHORT_EJECT, deadline_s, a);
	place_descent(r, p, a);
	place_by_orders(r, p, WORK, deadline_s, a);
	try_rows(r, p, a);
	place_exact(r, p, a);
	if (p->time_limit_s == 0 || p->count > SEARCHED)
		pack_eject(r, p, eject_work(p), deadline_s == 0 ? 0 : deadline_s + p->time_limit_s / 2, a);
	if (p->count > SEARCHED && p->count < MOST_WORK / WORK)
		place_by_orders(r, p, LAST_WORK, deadline_s, a);
	if (p->count <= CLIMBED && p->time_limit_s == 0)
		try_row(r, p, place_hill_climb, ARENA_NEW(a, bytes_t, p->count), a);
}

void
place_auto(struct place_result *r, const struct place_problem *p, struct arena *a)
{
	bytes_t known;

	place_known(r, p, a);
	known = r->arena_bytes;
	if (known <= placement_target(p, r))
		return;
	if (p->thorough)
		place_thoroughly(r, p, a);
	else
		place_in_search(r, p, a);
	if (r->arena_bytes > known)
		place_known(r, p, a);
}

void
place_exact_alone(struct place_result *r, const struct place_problem *p, struct arena *a)
{
	place_boxing(r, p, a);
	pack_eject(r, p, (uint64_t)p->count * SHORT_EJECT, half_of(p), a);
	place_by_orders(r, p, WORK, half_of(p), a);
	place_exact(r, p, a);
}
