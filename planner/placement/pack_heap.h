/* SPDX-License-Identifier: Apache-2.0 */
/* pack_heap.h - an arena from which stretches are taken, and to which they return
 *
 * The tightest free stretch is taken, ties to the lowest; when none fits, the arena grows.  Each step is logarithmic in the number of
 * free stretches.  A stretch may have a limit that it must end at or below.
 */
#ifndef PLANNER_PLACEMENT_PACK_HEAP_H
#define PLANNER_PLACEMENT_PACK_HEAP_H
#include <stdbool.h>
#include <stdint.h>

#include "src/base/units.h"

/* A stretch, taken or free.  Neighbours are linked by address.  The free ones are in a tree by size, then by address: a treap (Aragon
 * and Seidel 1989), whose priorities follow from the stretches' numbers. */
struct stretch {
	bytes_t start, end;
	uint32_t below, above;		/* HEAP_NONE: none */
	uint32_t left, right;		/* in the tree */
	bool free;
};
#define HEAP_NONE UINT32_MAX

struct heap {
	struct stretch *s;		/* [2 * the most items taken at once + 1], the caller's */
	bytes_t top;			/* size of the arena */
	uint32_t count, spare, root, last;
};

void heap_init(struct heap *h, struct stretch *s);

/* Takes a stretch that ends at or below the limit and returns its number; its start does not change until it is given back.  HEAP_NONE: the
 * few tightest end above, and so would the arena. */
uint32_t heap_take(struct heap *h, bytes_t bytes, bytes_t limit);
/* Gives a stretch back; it joins its free neighbours. */
void heap_give(struct heap *h, uint32_t stretch);
#endif
