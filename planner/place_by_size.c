/* SPDX-License-Identifier: Apache-2.0 */
/* place_by_size.c - largest first, best fit
 *
 * The greedy-by-size rule of TensorFlow Lite's arena planner (Pisarchyk and Lee,
 * 2020): take the items from the largest to the smallest, and put each into the
 * tightest gap between the placed items that are alive at some time of its life, or
 * on top of them.  Items that are alive all the time are stacked at the bottom first:
 * they conflict with everything, and so can never leave a hole there.
 */
#include <config.h>
#include "planner/placement.h"

#include <stdlib.h>
#include <string.h>

struct placed { bytes_t offset, end; uint32_t lower, upper; };

struct order { bytes_t bytes; uint32_t item; };

static int
larger_first(const void *x, const void *y)
{
	const struct order *p = x, *q = y;

	if (p->bytes != q->bytes)
		return p->bytes > q->bytes ? -1 : 1;
	return p->item < q->item ? -1 : p->item > q->item;
}

/* The lowest offset of the tightest gap that takes bytes in [lower, upper), above floor.
 * placed[count] is sorted by offset. */
static bytes_t
best_fit(const struct placed *placed, uint32_t count, bytes_t floor, bytes_t bytes, uint32_t lower, uint32_t upper)
{
	bytes_t reach = floor, best = UINT64_MAX, best_gap = UINT64_MAX;

	for (uint32_t i = 0; i < count; i++) {
		const struct placed *q = &placed[i];

		if (q->upper <= lower || upper <= q->lower)
			continue;
		if (q->offset > reach && q->offset - reach >= bytes && q->offset - reach < best_gap) {
			best_gap = q->offset - reach;
			best = reach;
		}
		if (q->end > reach)
			reach = q->end;
	}
	return best == UINT64_MAX ? reach : best;
}

static uint32_t
insert(struct placed *placed, uint32_t count, struct placed new)
{
	uint32_t lo = 0, hi = count;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (placed[mid].offset <= new.offset)
			lo = mid + 1;
		else
			hi = mid;
	}
	memmove(&placed[lo + 1], &placed[lo], sizeof(*placed) * (count - lo));
	placed[lo] = new;
	return count + 1;
}

bytes_t
place_by_size(const struct place_problem *p, bytes_t *offsets, struct arena *a)
{
	struct order *order = ARENA_NEW(a, struct order, p->count);
	struct placed *placed = ARENA_NEW(a, struct placed, (size_t)p->count + 1);
	uint32_t n = 0, count = 0, end = 0;
	bytes_t floor = 0, top;

	for (uint32_t i = 0; i < p->count; i++)
		end = p->items[i].upper > end ? p->items[i].upper : end;
	for (uint32_t i = 0; i < p->count; i++) {
		const struct place_item *it = &p->items[i];

		offsets[i] = 0;
		if (it->bytes > 0 && it->lower == 0 && it->upper == end) {
			offsets[i] = floor;
			floor += bytes_align(it->bytes, p->align);
		} else if (it->bytes > 0) {
			order[n++] = (struct order) { bytes_align(it->bytes, p->align), i };
		}
	}
	qsort(order, n, sizeof(*order), larger_first);
	top = floor;
	for (uint32_t i = 0; i < n; i++) {
		const struct place_item *it = &p->items[order[i].item];
		bytes_t at = best_fit(placed, count, floor, order[i].bytes, it->lower, it->upper);

		offsets[order[i].item] = at;
		count = insert(placed, count, (struct placed) { at, at + order[i].bytes, it->lower, it->upper });
		top = at + order[i].bytes > top ? at + order[i].bytes : top;
	}
	return top;
}
