/* SPDX-License-Identifier: Apache-2.0 */
/* score_heap.c - a binary heap in an array: the children of i are 2 i + 1 and 2 i + 2 */
#include <config.h>
#include "planner/policy/score_heap.h"

#include <stdbool.h>

static bool
is_better(const struct scored *x, const struct scored *y)
{
	return x->score > y->score || (x->score >= y->score && x->id < y->id);
}

static void
sink(struct scored *heap, uint32_t count, uint32_t i)
{
	for (;;) {
		uint32_t child = 2 * i + 1;
		struct scored top = heap[i];

		if (child >= count)
			return;
		if (child + 1 < count && is_better(&heap[child + 1], &heap[child]))
			child++;
		if (!is_better(&heap[child], &top))
			return;
		heap[i] = heap[child];
		heap[child] = top;
		i = child;
	}
}

void
score_heap_init(struct scored *heap, uint32_t count)
{
	for (uint32_t i = count / 2; i-- > 0;)
		sink(heap, count, i);
}

void
score_heap_sink(struct scored *heap, uint32_t count)
{
	sink(heap, count, 0);
}
