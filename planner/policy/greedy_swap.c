/* SPDX-License-Identifier: Apache-2.0 */
/* greedy_swap.c - slices of the timeline, and a lazy heap of scores */
#include <config.h>
#include "planner/policy/greedy_swap.h"

#include <math.h>
#include <stdlib.h>

#include "planner/policy/score_heap.h"

enum { SLICES_MAX = 256 };

static void
refresh(struct greedy_swap *s, uint32_t from, uint32_t to)
{
	uint32_t ops = s->live.problem->graph->op_count;

	for (uint32_t i = from / s->slice_ops; i < s->slices && i * s->slice_ops < to; i++) {
		uint32_t begin = i * s->slice_ops, end = begin + s->slice_ops < ops ? begin + s->slice_ops : ops;
		int64_t over = occupancy_most(&s->live, begin, end) - (int64_t)s->live.problem->budget_bytes;

		s->excess[i] = over > 0 ? (double)over : 0;
	}
}

void
greedy_swap_init(struct greedy_swap *s, const struct problem *p, struct arena *a)
{
	*s = (struct greedy_swap) { .chosen = NULL };
	occupancy_init(&s->live, p, a);
	s->intervals = occupancy_intervals(&s->live, INTERVALS_BETWEEN_USES, &s->interval_count, a);
	s->chosen = ARENA_NEW(a, uint32_t, s->interval_count);
	s->absent = ARENA_NEW(a, struct absent, s->interval_count);
	s->slice_ops = (p->graph->op_count + SLICES_MAX - 1) / SLICES_MAX;
	s->slices = (p->graph->op_count + s->slice_ops - 1) / s->slice_ops;
	s->excess = ARENA_NEW(a, double, s->slices);
	refresh(s, 0, p->graph->op_count);
}

double
greedy_swap_area(const struct greedy_swap *s, uint32_t from, uint32_t to, double bytes)
{
	double sum = 0;

	for (uint32_t i = from / s->slice_ops; from < to && i < s->slices && i * s->slice_ops < to; i++) {
		uint32_t begin = i * s->slice_ops, end = begin + s->slice_ops;

		begin = begin < from ? from : begin;
		end = end > to ? to : end;
		/* Each op counts for 1 ns more, so that graphs without times have an order, too. */
		sum += (s->live.start_us[end] - s->live.start_us[begin] + 1e-3 * (end - begin)) * fmin(bytes, s->excess[i]);
	}
	return sum;
}

bool
greedy_swap_pick(struct greedy_swap *s, greedy_swap_score *score, greedy_swap_taken *taken, bytes_t least_bytes, struct arena *a)
{
	const struct problem *p = s->live.problem;
	struct scored *heap = ARENA_NEW(a, struct scored, s->interval_count);
	bool *picked = ARENA_NEW(a, bool, s->interval_count);
	uint32_t count = 0;

	for (uint32_t i = 0; i < s->chosen_count; i++)
		picked[s->chosen[i]] = true;
	for (uint32_t i = 0; i < s->interval_count; i++)
		if (!picked[i] && s->intervals[i].bytes >= least_bytes)
			heap[count++] = (struct scored) { score(s, i), i };
	score_heap_init(heap, count);
	while (count > 0 && occupancy_most(&s->live, 0, p->graph->op_count) > (int64_t)p->budget_bytes) {
		struct scored top = heap[0];
		const struct timed_interval *j = &s->intervals[top.id];

		heap[0].score = score(s, top.id);
		if (heap[0].score < top.score) {
			if (heap[0].score <= 0)
				heap[0] = heap[--count];
			score_heap_sink(heap, count);
			continue;
		}
		if (top.score <= 0)
			break;
		heap[0] = heap[--count];
		score_heap_sink(heap, count);
		s->chosen[s->chosen_count++] = top.id;
		s->absent[top.id] = (struct absent) { j->idle.from, j->idle.to };
		if (taken != NULL)
			taken(s, top.id, &s->absent[top.id]);
		occupancy_add(&s->live, s->absent[top.id].from, s->absent[top.id].to, -(int64_t)j->bytes);
		refresh(s, s->absent[top.id].from, s->absent[top.id].to);
	}
	return occupancy_most(&s->live, 0, p->graph->op_count) <= (int64_t)p->budget_bytes;
}

bool
greedy_swap_stretch(struct greedy_swap *s)
{
	const struct problem *p = s->live.problem;

	for (uint32_t i = 0; i < s->chosen_count; i++) {
		const struct timed_interval *j = &s->intervals[s->chosen[i]];
		struct absent *w = &s->absent[s->chosen[i]];

		occupancy_add(&s->live, j->idle.from, w->from, -(int64_t)j->bytes);
		occupancy_add(&s->live, w->to, j->idle.to, -(int64_t)j->bytes);
		*w = (struct absent) { j->idle.from, j->idle.to };
	}
	refresh(s, 0, p->graph->op_count);
	return occupancy_most(&s->live, 0, p->graph->op_count) <= (int64_t)p->budget_bytes;
}
