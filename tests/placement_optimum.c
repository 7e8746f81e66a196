/* SPDX-License-Identifier: Apache-2.0 */
/* Random lists of up to 8 buffers with alignments and given offsets: the placements against every order of the buffers.
 *
 * In the order of their offsets in a smallest arena, each buffer at the lowest offset that is free ends no higher than there.  So the
 * least arena over all orders, with the lowest free offset for each buffer, is the smallest.
 */
#include <config.h>
#include "planner/placement/placement.h"

#include <string.h>

#include "tests/random.h"
#include "tests/tap.h"

enum { MOST = 8, LISTS = 1000 };

static uint64_t seed = 1;

static uint64_t
draw(uint64_t below)
{
	return random_xorshift(&seed) % below;
}

/* ---- every order ---- */

struct brute {
	const struct place_problem *p;
	bytes_t offsets[MOST], best;
	unsigned placed;		/* bits of items */
};

static bool
clashes(const struct brute *b, uint32_t i, bytes_t at, bytes_t *end)
{
	const struct place_item *it = &b->p->items[i];

	for (uint32_t j = 0; j < b->p->count; j++) {
		const struct place_item *other = &b->p->items[j];

		if (!(b->placed >> j & 1) || it->lower >= other->upper || other->lower >= it->upper ||
		    at >= b->offsets[j] + other->bytes || b->offsets[j] >= at + it->bytes)
			continue;
		*end = b->offsets[j] + other->bytes;
		return true;
	}
	return false;
}

static void
place_rest(struct brute *b, bytes_t top)
{
	if (top >= b->best)
		return;
	if (b->placed == (1u << b->p->count) - 1) {
		b->best = top;
		return;
	}
	for (uint32_t i = 0; i < b->p->count; i++) {
		bytes_t at = 0, end, align = place_align(b->p, &b->p->items[i]);

		if (b->placed >> i & 1)
			continue;
		while (clashes(b, i, at, &end))
			at = (end + align - 1) / align * align;
		b->offsets[i] = at;
		b->placed |= 1u << i;
		end = (at + b->p->items[i].bytes + b->p->align - 1) / b->p->align * b->p->align;
		place_rest(b, end > top ? end : top);
		b->placed &= ~(1u << i);
	}
}

/* Returns the smallest arena. */
static bytes_t
smallest(const struct place_problem *p)
{
	struct brute b = { .p = p, .best = UINT64_MAX };
	bytes_t top = 0;

	for (uint32_t i = 0; i < p->count; i++) {
		bytes_t end = p->items[i].fixed + p->items[i].bytes;

		if (p->items[i].fixed == PLACE_FREE)
			continue;
		b.placed |= 1u << i;
		b.offsets[i] = p->items[i].fixed;
		end = (end + p->align - 1) / p->align * p->align;
		top = end > top ? end : top;
	}
	place_rest(&b, top);
	return b.best;
}

/* ---- lists ---- */

static bool
fits_given(const struct place_item *items, uint32_t i)
{
	for (uint32_t j = 0; j < i; j++)
		if (items[j].fixed != PLACE_FREE && items[j].lower < items[i].upper && items[i].lower < items[j].upper &&
		    items[j].fixed < items[i].fixed + items[i].bytes && items[i].fixed < items[j].fixed + items[j].bytes)
			return false;
	return true;
}

/* Small numbers, so that the ends of buffers meet, and bounds are often missed. */
static void
random_list(struct place_problem *p, struct place_item *items)
{
	static const bytes_t aligns[] = { 1, 2, 3, 4, 6, 8, 16 };
	unsigned given = (unsigned)draw(3), aligned = (unsigned)draw(3), sizes = 2 + (unsigned)draw(14), times = 3 + (unsigned)draw(10);

	*p = (struct place_problem) { .count = 1 + (uint32_t)draw(MOST), .items = items, .align = draw(4) ? 1 : 1 + draw(4),
	    .threads = 1 };
	for (uint32_t i = 0; i < p->count; i++) {
		struct place_item *it = &items[i];

		*it = (struct place_item) { .bytes = 1 + draw(sizes), .lower = (uint32_t)draw(times), .fixed = PLACE_FREE };
		it->upper = it->lower + 1 + (uint32_t)draw(times);
		if (aligned == 1)
			it->align = aligns[draw(7)];
		else if (aligned == 2)
			it->align = aligns[p->count % 7];
		if (given > 0 && draw(4) == 0) {
			it->fixed = draw(4 * sizes) / place_align(p, it) * place_align(p, it);
			if (!fits_given(items, i))
				it->fixed = PLACE_FREE;
		}
	}
}

static void
print_list(const struct place_problem *p)
{
	printf("# align %" PRI_BYTES "\n# id,lower,upper,size,alignment,offset\n", p->align);
	for (uint32_t i = 0; i < p->count; i++) {
		const struct place_item *it = &p->items[i];

		printf("# %u,%u,%u,%" PRI_BYTES ",%" PRI_BYTES ",", i, it->lower, it->upper, it->bytes, place_align(p, it));
		if (it->fixed != PLACE_FREE)
			printf("%" PRI_BYTES, it->fixed);
		puts("");
	}
}

/* The counts over all lists. */
struct counts { unsigned off, unproved, wrong, told; };

/* Places a list by a row, first untold and then told of the smallest arena. */
static void
compare(struct counts *c, const struct placement *row, const struct place_problem *p, bytes_t right)
{
	struct place_problem told = *p;
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	bytes_t offsets[MOST];
	struct place_result r = { .offsets = offsets };

	if (placement_run(&r, row, p, &a, &e) < 0)
		r.arena_bytes = r.bound_bytes = 0;
	c->off += r.arena_bytes != right;
	c->unproved += r.bound_bytes != right;
	c->wrong += r.bound_bytes > right;
	if ((r.arena_bytes != right || r.bound_bytes != right) && c->off + c->unproved < 4) {
		printf("# %s: arena %" PRI_BYTES ", bound %" PRI_BYTES ", right %" PRI_BYTES "\n", row->name, r.arena_bytes, r.bound_bytes, right);
		print_list(p);
	}
	told.capacity = right;
	if (placement_run(&r, row, &told, &a, &e) < 0)
		r.arena_bytes = UINT64_MAX;
	c->told += r.arena_bytes > right;
	arena_free(&a);
}

int
main(void)
{
	static const char *const names[] = { "auto", "exact" };
	struct counts counts[2] = { { 0 }, { 0 } };

	for (int n = 0; n < LISTS; n++) {
		struct place_item items[MOST];
		struct place_problem p;
		bytes_t right;

		random_list(&p, items);
		p.thorough = n % 2 == 1;
		right = smallest(&p);
		for (int k = 0; k < 2; k++)
			compare(&counts[k], placement_find(names[k]), &p, right);
	}
	for (int k = 0; k < 2; k++) {
		is_uint(counts[k].off, 0, "%s: the smallest arena of each list", names[k]);
		is_uint(counts[k].unproved, 0, "%s: and its proof", names[k]);
		is_uint(counts[k].wrong, 0, "%s: no bound above it", names[k]);
		is_uint(counts[k].told, 0, "%s: the same when told its size", names[k]);
	}
	return tap_done();
}
