/* SPDX-License-Identifier: Apache-2.0 */
/* score_heap.h - a heap of scores: the largest is heap[0], and of equal scores the one with the lowest id
 *
 * Scores that only fall are found lazily: the top is scored again, sinks, and is taken once it stays on top.
 */
#ifndef PLANNER_POLICY_SCORE_HEAP_H
#define PLANNER_POLICY_SCORE_HEAP_H
#include <stdint.h>

struct scored { double score; uint32_t id; };

/* Orders heap[count]. */
void score_heap_init(struct scored *heap, uint32_t count);

/* Restores the order after heap[0] has changed. */
void score_heap_sink(struct scored *heap, uint32_t count);
#endif
