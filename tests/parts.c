/* SPDX-License-Identifier: Apache-2.0 */
/* Random lists of up to 5 items with parts: gaps in lives, and windows in the gaps.  "auto" against every combination of offsets. */
#include <config.h>
#include "planner/placement/placement.h"

#include "planner/placement/place_check.h"
#include "tests/random.h"
#include "tests/tap.h"

enum { MOST = 5, PARTS = 3, LISTS = 300 };

static uint64_t seed = 1;

static uint32_t
draw(uint64_t below)
{
	return (uint32_t)(random_xorshift(&seed) % below);
}

struct list {
	struct place_item items[MOST];
	uint32_t first[MOST + 1];
	struct place_part parts[MOST * PARTS];
	struct place_problem p;
};

/* ---- every combination of offsets ---- */

/* True when two items at these offsets share a byte at some time, told from all pairs of parts. */
static bool
clash(const struct place_problem *p, uint32_t i, bytes_t at, uint32_t j, bytes_t other)
{
	for (uint32_t k = p->first_part[i]; k < p->first_part[i + 1]; k++)
		for (uint32_t l = p->first_part[j]; l < p->first_part[j + 1]; l++) {
			const struct place_part *x = &p->parts[k], *y = &p->parts[l];

			if (x->lower < y->upper && y->lower < x->upper && at + x->at < other + y->at + y->bytes && other + y->at < at + x->at + x->bytes)
				return true;
		}
	return false;
}

static bool
fits(const struct place_problem *p, bytes_t *offsets, uint32_t i, bytes_t arena)
{
	const struct place_item *it = &p->items[i];

	if (i == p->count)
		return true;
	for (bytes_t at = 0; at + it->bytes <= arena; at++) {
		bool free = (it->fixed == PLACE_FREE || it->fixed == at) && (it->align == 0 || at % it->align == 0);

		for (uint32_t j = 0; j < i && free; j++)
			free = !clash(p, i, at, j, offsets[j]);
		offsets[i] = at;
		if (free && fits(p, offsets, i + 1, arena))
			return true;
	}
	return false;
}

static bytes_t
smallest(const struct place_problem *p)
{
	bytes_t offsets[MOST], arena = 0;

	while (!fits(p, offsets, 0, arena))
		arena++;
	return arena;
}

/* ---- lists ---- */

/* Draws parts that follow each other: all of the bytes, or with windows some of them. */
static void
random_parts(struct list *l, uint32_t i, bool windows)
{
	struct place_item *it = &l->items[i];
	uint32_t time = draw(6), n = l->first[i];

	*it = (struct place_item) { .bytes = 1 + draw(6), .lower = time, .align = draw(3) ? 0 : 1 + draw(3), .fixed = PLACE_FREE };
	for (uint32_t k = 0; k < 1 + (uint32_t)draw(PARTS); k++) {
		bytes_t at = windows && draw(2) ? draw(it->bytes) : 0;
		bytes_t bytes = at > 0 || (windows && draw(3) == 0) ? 1 + draw(it->bytes - at) : it->bytes;

		l->parts[n] = (struct place_part) { at, bytes, time, time + 1 + draw(3) };
		it->upper = l->parts[n].upper;
		time = it->upper + draw(3);
		n++;
	}
	l->first[i + 1] = n;
}

static void
random_list(struct list *l)
{
	bool windows = draw(2), given = draw(3) == 0;

	*l = (struct list) { .p = { .count = 1 + draw(MOST), .items = l->items, .first_part = l->first, .parts = l->parts, .align = 1, .threads = 1, .thorough = true } };
	for (uint32_t i = 0; i < l->p.count; i++) {
		random_parts(l, i, windows);
		if (!given || draw(3))
			continue;
		l->items[i].fixed = draw(8) * (l->items[i].align == 0 ? 1 : l->items[i].align);
		for (uint32_t j = 0; j < i; j++)
			if (l->items[j].fixed != PLACE_FREE && l->items[i].fixed != PLACE_FREE && clash(&l->p, i, l->items[i].fixed, j, l->items[j].fixed))
				l->items[i].fixed = PLACE_FREE;
	}
}

int
main(void)
{
	unsigned off = 0, unproved = 0, unsound = 0, rows = 0;

	for (int n = 0; n < LISTS; n++) {
		struct arena a = ARENA_INIT;
		struct err e = ERR_INIT;
		struct place_fault fault;
		bytes_t offsets[MOST], right;
		struct place_result r = { .offsets = offsets };
		struct list l;

		random_list(&l);
		right = smallest(&l.p);
		for (const struct placement *row = placements; row->name != NULL; row++) {
			if (placement_run(&r, row, &l.p, &a, &e) < 0)
				continue;
			rows++;
			unsound += place_check(&l.p, offsets, r.arena_bytes, &fault, &a, &e) < 0 || r.arena_bytes < right || r.bound_bytes > right;
			if (row != placements)
				continue;
			off += r.arena_bytes != right;
			unproved += r.bound_bytes != right;
			if (off + unproved > 0 && off + unproved < 4 && (r.arena_bytes != right || r.bound_bytes != right)) {
				printf("# arena %" PRI_BYTES ", bound %" PRI_BYTES ", right %" PRI_BYTES "\n", r.arena_bytes, r.bound_bytes, right);
				for (uint32_t i = 0; i < l.p.count; i++)
					for (uint32_t k = l.first[i]; k < l.first[i + 1]; k++)
						printf("# item %u of %" PRI_BYTES ": %" PRI_BYTES "+%" PRI_BYTES " in %u..%u\n", i, l.items[i].bytes, l.parts[k].at, l.parts[k].bytes, l.parts[k].lower, l.parts[k].upper);
			}
		}
		arena_free(&a);
	}
	is_uint(off, 0, "auto: the smallest arena of each list");
	is_uint(unproved, 0, "auto: and its proof");
	is_uint(unsound, 0, "every row is sound, and between the bound and the smallest arena (%u runs)", rows);
	return tap_done();
}
