/* SPDX-License-Identifier: Apache-2.0 */
/* Every placement, many random problems, the same promises. */
#include <config.h>
#include "planner/placement.h"

#include <stdlib.h>
#include <string.h>

#include "tests/tap.h"

static uint64_t seed = 1;

/* xorshift64: the same numbers with every libc. */
static uint64_t
draw(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % below;
}

static void
random_problem(struct place_problem *p, struct place_item *items)
{
	uint32_t times = 1 + (uint32_t)draw(60);

	*p = (struct place_problem) { 1 + (uint32_t)draw(120), items, 256 };
	for (uint32_t i = 0; i < p->count; i++) {
		uint32_t x = (uint32_t)draw(times), y = (uint32_t)draw(times);

		items[i] = (struct place_item) {
			.bytes = draw(8) == 0 ? 0 : draw(2) ? draw(5000) : draw(20) * 4096,
			.lower = draw(10) == 0 ? 0 : x < y ? x : y,
			.upper = draw(10) == 0 ? times : (x < y ? y : x) + 1,
		};
	}
}

/* Alive together and sharing a byte: all pairs, the obvious way. */
static bool
is_sound(const struct place_problem *p, const bytes_t *offsets, bytes_t arena)
{
	for (uint32_t i = 0; i < p->count; i++) {
		const struct place_item *x = &p->items[i];

		if (offsets[i] % p->align != 0 || offsets[i] + x->bytes > arena)
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

static void
test_random(const struct placement *row)
{
	struct place_item items[120];
	bytes_t offsets[120], again[120];
	unsigned unsound = 0, below = 0, differs = 0;

	for (int n = 0; n < 500; n++) {
		struct arena a = ARENA_INIT;
		struct place_problem p;
		bytes_t arena;

		random_problem(&p, items);
		arena = row->place(&p, offsets, &a);
		unsound += !is_sound(&p, offsets, arena);
		below += arena < placement_bound(&p, &a);
		differs += row->place(&p, again, &a) != arena || memcmp(offsets, again, sizeof(*offsets) * p.count) != 0;
		arena_free(&a);
	}
	is_uint(unsound, 0, "%s: no two items alive at once share a byte", row->name);
	is_uint(below, 0, "%s: no arena below the busiest moment", row->name);
	is_uint(differs, 0, "%s: the same problem gives the same offsets", row->name);
}

/* Largest first into the tightest gap, worked out by hand (units of 256 bytes):
 *   A 8 alive [0,2), B 6 [1,4), C 4 [3,5), D 2 [2,4).
 *   A at 0; B overlaps A, so at 8..14; C overlaps B alone: the gap below B, 8, takes it, at 0;
 *   D overlaps B and C: the gap 4..8 between them takes it, at 4.  Arena 14: the busiest moment
 *   (A + B at 1) is 14 as well. */
static void
test_by_hand(void)
{
	static const struct place_item items[] = {
		{ 8 * 256, 0, 2 }, { 6 * 256, 1, 4 }, { 4 * 256, 3, 5 }, { 2 * 256, 2, 4 }
	};
	const struct place_problem p = { 4, items, 256 };
	struct arena a = ARENA_INIT;
	bytes_t offsets[4], arena = placement_find("by-size")->place(&p, offsets, &a);

	is_uint(arena, 14 * 256, "by-size by hand: arena");
	is_uint(offsets[1], 8 * 256, "B on top of A");
	is_uint(offsets[2], 0, "C below B");
	is_uint(offsets[3], 4 * 256, "D between C and B");
	is_uint(placement_bound(&p, &a), 14 * 256, "the busiest moment");
	arena_free(&a);
}

int
main(void)
{
	for (const struct placement *row = placements; row->name != NULL; row++)
		test_random(row);
	test_by_hand();
	ok(placement_find("no-such") == NULL, "an unknown name finds nothing");
	return tap_done();
}
