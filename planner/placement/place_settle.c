/* SPDX-License-Identifier: Apache-2.0 */
/* place_settle.c - one pass over the items in the order of their offsets */
#include <config.h>
#include "planner/placement/place_settle.h"

#include "src/base/rank.h"

void
place_settle(bytes_t *offsets, const struct place_problem *p, struct arena *a)
{
	struct ranked *order = ARENA_NEW(a, struct ranked, p->count);
	uint32_t latest = 0;
	bytes_t above = 0, below = 0;	/* bytes of items always alive that the pass has yet to meet, and has met */

	for (uint32_t i = 0; i < p->count; i++) {
		order[i] = (struct ranked) { .first = (double)(offsets[i] / p->align), .id = i };
		if (p->items[i].bytes > 0 && p->items[i].lower > latest)
			latest = p->items[i].lower;
	}
	rank_rising(order, p->count);
	for (uint32_t i = 0; i < p->count; i++)
		if (p->items[i].lower == 0 && p->items[i].upper > latest)
			above += bytes_align(p->items[i].bytes, p->align);
	for (uint32_t i = 0; i < p->count; i++) {
		const struct place_item *x = &p->items[order[i].id];

		if (x->bytes > 0 && x->lower == 0 && x->upper > latest) {
			offsets[order[i].id] = below;
			below += bytes_align(x->bytes, p->align);
			above -= bytes_align(x->bytes, p->align);
		} else if (x->bytes > 0)
			offsets[order[i].id] += above;
	}
}
