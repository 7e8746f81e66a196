/* SPDX-License-Identifier: Apache-2.0 */
/* pack_heap.h - an arena while time goes by: bytes are taken and given back
 *
 * The tightest free stretch is taken, ties to the lowest; where there is none, the arena
 * grows.  Each step is logarithmic in the number of free stretches.
 */
#ifndef PLANNER_PLACEMENT_PACK_HEAP_H
#define PLANNER_PLACEMENT_PACK_HEAP_H
#include <stdbool.h>
#include <stdint.h>

#include "src/base/units.h"

/* Taken or free.  Neighbours are linked by address; the free ones stand in a tree by size, then
 * address, whose shape follows from their numbers (a treap). */
struct stretch {
	bytes_t start, end;
	uint32_t below, above;		/* HEAP_NONE: none */
	uint32_t left, right;		/* in the tree */
	bool free;
};
#define HEAP_NONE UINT32_MAX

struct heap {
	struct stretch *s;		/* [2 * the most items taken at once + 1], the caller's */
	bytes_t top;			/* what the arena has grown to */
	uint32_t count, spare, root, last;
};

void heap_init(struct heap *h, struct stretch *s);

/* The number of the stretch that is taken; its start does not change until it is given back. */
uint32_t heap_take(struct heap *h, bytes_t bytes);
void heap_give(struct heap *h, uint32_t stretch);
#endif
