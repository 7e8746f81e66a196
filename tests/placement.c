/* SPDX-License-Identifier: Apache-2.0 */
/* Every placement, many random problems, the same promises. */
#include <config.h>
#include "planner/placement/placement.h"

#include <stdlib.h>
#include <string.h>

#include "planner/placement/place_check.h"
#include "tests/random.h"
#include "tests/tap.h"

enum { ITEMS = 120 };

static uint64_t seed = 1;

static uint64_t
draw(uint64_t below)
{
	return random_xorshift(&seed) % below;
}

static bytes_t
random_bytes(unsigned kind)
{
	switch (kind) {
	case 0:	return draw(8) == 0 ? 0 : 1 + draw(5000);
	case 1:	return (1 + draw(20)) * 4096;
	case 2:	return UINT64_C(1) << draw(20);
	default: return (UINT64_C(1) << 40) + draw(1 << 30);	/* no 32 bits hold it */
	}
}

/* Lifetimes: any two times; short ones; a training step's, that end in the reverse order of their
 * beginnings; a few long among many short ones. */
static void
random_life(struct place_item *it, unsigned kind, uint32_t times)
{
	uint32_t x = (uint32_t)draw(times), y = (uint32_t)draw(times);

	if (kind == 1 || (kind == 3 && draw(4) != 0))
		y = x + (uint32_t)draw(3);
	else if (kind == 2)
		y = 2 * times - x;
	it->lower = x < y ? x : y;
	it->upper = (x < y ? y : x) + 1;
	if (draw(10) == 0) {
		it->lower = 0;
		it->upper = 2 * times + 1;
	}
}

/* Give some items the offsets that another placement found for them: those cannot clash. */
static void
fix_some(const struct place_problem *p, struct place_item *items, struct arena *a)
{
	struct place_result r = { .offsets = ARENA_NEW(a, bytes_t, p->count) };
	struct err e = ERR_INIT;

	if (placement_run(&r, placement_find("first-fit"), p, a, &e) < 0)
		return;
	for (uint32_t i = 0; i < p->count; i++)
		if (draw(6) == 0)
			items[i].fixed = r.offsets[i];
}

static void
random_problem(struct place_problem *p, struct place_item *items, uint32_t most, struct arena *a)
{
	uint32_t times = 1 + (uint32_t)draw(60);
	unsigned sizes = (unsigned)draw(4), lives = (unsigned)draw(4), aligned = (unsigned)draw(5);

	*p = (struct place_problem) { .count = (uint32_t)draw(most + 1), .items = items, .align = draw(2) ? 256 : 1 };
	for (uint32_t i = 0; i < p->count; i++) {
		items[i] = (struct place_item) { .bytes = random_bytes(draw(5) == 0 ? (unsigned)draw(3) : sizes), .fixed = PLACE_FREE };
		random_life(&items[i], lives, times);
		/* Some of them, or all: then sizes may be rounded up, but not the topmost one's. */
		if ((aligned == 1 && draw(2)) || aligned == 2)
			items[i].align = UINT64_C(64) << draw(7);
	}
	if (draw(4) == 0)
		fix_some(p, items, a);
}

/* Alive together and sharing a byte: all pairs, the obvious way. */
static bool
is_sound(const struct place_problem *p, const bytes_t *offsets, bytes_t arena)
{
	if (arena % p->align != 0)
		return false;
	for (uint32_t i = 0; i < p->count; i++) {
		const struct place_item *x = &p->items[i];

		if (offsets[i] % p->align != 0 || (x->align > 0 && offsets[i] % x->align != 0) || offsets[i] + x->bytes > arena ||
		    (x->fixed != PLACE_FREE && offsets[i] != x->fixed))
			return false;
		for (uint32_t j = 0; j < i; j++) {
			const struct place_item *y = &p->items[j];

			if (x->lower < y->upper && y->lower < x->upper && x->bytes > 0 && y->bytes > 0 &&
			    offsets[i] < offsets[j] + y->bytes && offsets[j] < offsets[i] + x->bytes)
				return false;
		}
	}
	return true;
}

static bool
checker_says(const struct place_problem *p, const bytes_t *offsets, bytes_t arena, struct arena *a)
{
	struct place_fault fault;
	struct err e = ERR_INIT;

	return place_check(p, offsets, arena, &fault, a, &e) == 0;
}

/* Rows that search are slow; they get fewer and smaller problems. */
static bool
is_quick(const struct placement *row)
{
	static const char *const slow[] = { "auto", "exact", "hill-climb", "ilp" };

	for (unsigned i = 0; i < sizeof(slow) / sizeof(*slow); i++)
		if (strcmp(row->name, slow[i]) == 0)
			return false;
	return true;
}

static void
test_random(const struct placement *row)
{
	int problems = is_quick(row) ? 500 : 40;
	uint32_t most = is_quick(row) ? ITEMS : 14;
	unsigned unsound = 0, below = 0, differs = 0, disagree = 0;
	struct place_item items[ITEMS];
	bytes_t offsets[ITEMS], again[ITEMS];

	seed = 1;
	for (int n = 0; n < problems; n++) {
		struct arena a = ARENA_INIT;
		struct place_problem p;
		struct place_result r = { .offsets = offsets }, r2 = { .offsets = again };
		struct err e = ERR_INIT;
		bool sound;

		random_problem(&p, items, most, &a);
		if (placement_run(&r, row, &p, &a, &e) == 0 && placement_run(&r2, row, &p, &a, &e) == 0) {
			sound = is_sound(&p, offsets, r.arena_bytes);
			unsound += !sound;
			disagree += sound != checker_says(&p, offsets, r.arena_bytes, &a);
			below += r.arena_bytes < r.bound_bytes;
			differs += r.arena_bytes != r2.arena_bytes || memcmp(offsets, again, sizeof(*offsets) * p.count) != 0;
		}
		arena_free(&a);
	}
	is_uint(unsound, 0, "%s: no two items alive at once share a byte, and all are aligned", row->name);
	is_uint(disagree, 0, "%s: the checker agrees", row->name);
	is_uint(below, 0, "%s: no arena below the busiest moment", row->name);
	is_uint(differs, 0, "%s: the same problem gives the same offsets", row->name);
}

/* Offsets drawn at random: the checker says what looking at all pairs says. */
static void
test_checker(void)
{
	unsigned sound = 0, unsound = 0, wrong = 0;
	struct place_item items[ITEMS];
	bytes_t offsets[ITEMS], arena;

	for (int n = 0; n < 2000; n++) {
		struct arena a = ARENA_INIT;
		struct place_problem p;
		bool is;

		random_problem(&p, items, 12, &a);
		arena = bytes_align((UINT64_C(1) << 41) * 12, p.align) + draw(3) * p.align;
		for (uint32_t i = 0; i < p.count; i++) {
			bytes_t align = items[i].align > p.align ? items[i].align : p.align;

			offsets[i] = draw(40) == 0 ? draw(1 << 20) : bytes_align(draw(draw(2) ? 1 << 22 : arena), align);
			if (items[i].fixed != PLACE_FREE && draw(20) != 0)
				offsets[i] = items[i].fixed;
		}
		is = is_sound(&p, offsets, arena);
		sound += is;
		unsound += !is;
		wrong += is != checker_says(&p, offsets, arena, &a);
		arena_free(&a);
	}
	is_uint(wrong, 0, "the checker says what all pairs say");
	ok(sound > 200 && unsound > 200, "of both kinds (%u sound, %u not)", sound, unsound);
}

/* No row beats a row that has proved its arena. */
static void
test_proofs(void)
{
	struct place_item items[ITEMS];
	bytes_t offsets[ITEMS];
	unsigned beaten = 0, proofs = 0, worse = 0;

	seed = 7;
	for (int n = 0; n < 60; n++) {
		struct arena a = ARENA_INIT;
		struct place_problem p;
		bytes_t bound = 0, best = UINT64_MAX, searched = UINT64_MAX;

		random_problem(&p, items, 10, &a);
		for (const struct placement *row = placements; row->name != NULL; row++) {
			struct place_result r = { .offsets = offsets };
			struct err e = ERR_INIT;

			if (placement_run(&r, row, &p, &a, &e) < 0)
				continue;
			bound = r.bound_bytes > bound ? r.bound_bytes : bound;
			best = r.arena_bytes < best ? r.arena_bytes : best;
			if (strcmp(row->name, "exact") == 0)
				searched = r.arena_bytes;
		}
		beaten += best < bound;
		proofs += best == bound;
		worse += searched > best;
		arena_free(&a);
	}
	is_uint(beaten, 0, "no placement is below what another one has proved");
	is_uint(worse, 0, "exact is as small as every other one");
	ok(proofs >= 55, "and nearly all small problems are proved (%u of 60)", proofs);
}

/* For a list of its own, auto is the best of all rows that it is made of. */
static void
test_best(void)
{
	struct place_item items[ITEMS];
	bytes_t offsets[ITEMS];
	unsigned worse = 0, open = 0;

	seed = 3;
	for (int n = 0; n < 12; n++) {
		struct arena a = ARENA_INIT;
		struct place_problem p;
		struct place_result best = { .offsets = offsets };
		struct err e = ERR_INIT;

		random_problem(&p, items, 60, &a);
		p.thorough = true;
		p.threads = 1;
		p.work = 40000;	/* so little that the search leaves lists open */
		if (placement_run(&best, placement_find("auto"), &p, &a, &e) < 0)
			continue;
		open += best.arena_bytes > best.bound_bytes;
		for (const struct placement *row = placements; row->name != NULL && best.arena_bytes > best.bound_bytes; row++) {
			struct place_result r = { .offsets = offsets };

			if (strcmp(row->name, "ilp") != 0 && placement_run(&r, row, &p, &a, &e) == 0 && r.arena_bytes < best.arena_bytes) {
				printf("# %s: %" PRI_BYTES " is less than %" PRI_BYTES "\n", row->name, r.arena_bytes, best.arena_bytes);
				worse++;
			}
		}
		arena_free(&a);
	}
	is_uint(worse, 0, "auto is the best of all rows (%u of 12 lists are above the bound)", open);
}

#ifdef HAVE_GLPK
static const bool has_ilp = true;
#else
static const bool has_ilp = false;
#endif

static void
test_ilp(void)
{
	struct place_item items[ITEMS];
	bytes_t offsets[ITEMS];
	unsigned differ = 0, compared = 0;

	if (!has_ilp) {
		tap_skip("ilp is as small as exact", "built without GLPK");
		return;
	}
	seed = 11;
	for (int n = 0; n < 60; n++) {
		struct arena a = ARENA_INIT;
		struct place_problem p;
		struct place_result ilp = { .offsets = offsets }, exact = { .offsets = offsets };
		struct err e = ERR_INIT;

		random_problem(&p, items, 8, &a);
		if (placement_run(&exact, placement_find("exact"), &p, &a, &e) == 0 &&
		    placement_run(&ilp, placement_find("ilp"), &p, &a, &e) == 0) {
			compared++;
			differ += ilp.arena_bytes != exact.arena_bytes;
		}
		arena_free(&a);
	}
	is_uint(differ, 0, "ilp is as small as exact");
	ok(compared >= 30, "on problems that it takes (%u of 60)", compared);
}

/* The kind of problem that only a capacity ends: asked for less than the best, more than the bound. */
static void
test_capacity(void)
{
	static const struct place_item items[] = {
		{ 100, 0, 2, 0, PLACE_FREE }, { 100, 2, 4, 0, PLACE_FREE }, { 50, 0, 4, 0, PLACE_FREE }
	};
	struct place_problem p = { .count = 3, .items = items, .align = 1, .capacity = 200 };
	bytes_t offsets[3];

	for (const struct placement *row = placements; row->name != NULL; row++) {
		struct arena a = ARENA_INIT;
		struct place_result r = { .offsets = offsets };
		struct err e = ERR_INIT;

		ok(placement_run(&r, row, &p, &a, &e) == 0 && r.arena_bytes <= 200 && r.bound_bytes == 150,
		    "%s: a roomy capacity", row->name);
		arena_free(&a);
	}
}

/* Largest first into the tightest hole, worked out by hand (units of 256 bytes):
 *   A 8 alive [0,2), B 6 [1,4), C 4 [3,5), D 2 [2,4).
 *   A at 0; B overlaps A, so at 8..14; C overlaps B alone: the hole below B, 8, takes it, at 0;
 *   D overlaps B and C: the hole 4..8 between them takes it, at 4.  Arena 14: the busiest moment
 *   (A + B at 1) is 14 as well. */
static void
test_by_hand(void)
{
	static const struct place_item items[] = {
		{ 8 * 256, 0, 2, 0, PLACE_FREE }, { 6 * 256, 1, 4, 0, PLACE_FREE },
		{ 4 * 256, 3, 5, 0, PLACE_FREE }, { 2 * 256, 2, 4, 0, PLACE_FREE }
	};
	const struct place_problem p = { .count = 4, .items = items, .align = 256 };
	struct arena a = ARENA_INIT;
	bytes_t offsets[4];
	struct place_result r = { .offsets = offsets };
	struct err e = ERR_INIT;

	ok(placement_run(&r, placement_find("by-size"), &p, &a, &e) == 0, "by-size by hand");
	is_uint(r.arena_bytes, 14 * 256, "by-size by hand: arena");
	is_uint(offsets[1], 8 * 256, "B on top of A");
	is_uint(offsets[2], 0, "C below B");
	is_uint(offsets[3], 4 * 256, "D between C and B");
	is_uint(r.bound_bytes, 14 * 256, "the busiest moment");
	arena_free(&a);
}

/* In program order (units of one byte): A 8 alive [0,2) at 0, B 2 [0,10) at 8, C 4 [0,2) at 10, D 2 [0,10) at 14.  E 3 [2,5) finds the holes
 * 0..8 and 10..14 that A and C have left: the lowest one is A's, the tightest C's.  Arena 16: all of A to D at 0. */
static void
test_holes(void)
{
	static const struct place_item items[] = {
		{ 8, 0, 2, 0, PLACE_FREE }, { 2, 0, 10, 0, PLACE_FREE }, { 4, 0, 2, 0, PLACE_FREE }, { 2, 0, 10, 0, PLACE_FREE }, { 3, 2, 5, 0, PLACE_FREE }
	};
	static const struct { const char *placement; bytes_t at; } rows[] = { { "first-fit", 0 }, { "best-fit", 10 } };
	const struct place_problem p = { .count = 5, .items = items, .align = 1 };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct arena a = ARENA_INIT;
		bytes_t offsets[5];
		struct place_result r = { .offsets = offsets };
		struct err e = ERR_INIT;

		ok(placement_run(&r, placement_find(rows[i].placement), &p, &a, &e) == 0 && r.arena_bytes == 16, "%s by hand", rows[i].placement);
		ok(offsets[1] == 8 && offsets[2] == 10 && offsets[3] == 14, "%s stacks what begins together", rows[i].placement);
		is_uint(offsets[4], rows[i].at, "%s: the hole that is taken", rows[i].placement);
		arena_free(&a);
	}
}

/* Given items that leave and return, the higher before the lower, and lives nested around the moment at which all are away: a stack in
 * the order of the limits reaches the bound. */
static void
test_ground(void)
{
	enum { HOMES = 20, FREE = 60, MIDDLE = 200 };
	struct place_item items[2 * HOMES + FREE];
	bytes_t offsets[2 * HOMES + FREE];
	unsigned reached = 0, better = 0;

	seed = 5;
	for (int n = 0; n < 20; n++) {
		struct arena a = ARENA_INIT;
		struct place_problem p = { .count = 2 * HOMES + FREE, .items = items, .align = 1 };
		struct place_result r = { .offsets = offsets }, best_fit = { .offsets = ARENA_NEW(&a, bytes_t, 2 * HOMES + FREE) };
		struct err e = ERR_INIT;
		bytes_t ground = 0;

		for (uint32_t i = 0; i < HOMES; i++) {
			uint32_t half = 5 * (i + 1);	/* away in [MIDDLE - half, MIDDLE + half): the lowest leaves last */
			bytes_t bytes = 1 + draw(100);

			items[2 * i] = (struct place_item) { bytes, 0, MIDDLE - half, 0, ground };
			items[2 * i + 1] = (struct place_item) { bytes, MIDDLE + half, 2 * MIDDLE, 0, ground };
			ground += bytes;
		}
		for (uint32_t i = 0; i < FREE; i++) {
			uint32_t half = 1 + (uint32_t)draw(MIDDLE - 1);

			items[2 * HOMES + i] = (struct place_item) { 1 + draw(60), MIDDLE - half, MIDDLE + half, 0, PLACE_FREE };
		}
		if (placement_run(&r, placement_find("boxing"), &p, &a, &e) == 0 && placement_run(&best_fit, placement_find("best-fit"), &p, &a, &e) == 0) {
			reached += r.arena_bytes == r.bound_bytes;
			better += r.arena_bytes < best_fit.arena_bytes;
		}
		arena_free(&a);
	}
	is_uint(reached, 20, "boxing: nested lives over given items reach the bound");
	ok(better > 0, "best-fit does not (%u of 20)", better);
}

int
main(void)
{
	for (const struct placement *row = placements; row->name != NULL; row++)
		test_random(row);
	test_checker();
	test_proofs();
	test_best();
	test_ilp();
	test_capacity();
	test_by_hand();
	test_holes();
	test_ground();
	ok(placement_find("no-such") == NULL, "an unknown name finds nothing");
	return tap_done();
}
