/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>
#include "planner/policy/greedy_swap.h"

#include <math.h>
#include <stdlib.h>

enum { SLICES_MAX = 256 };

static void
refresh(struct swap *s, uint32_t from, uint32_t to)
{
	uint32_t ops = s->live.problem->graph->op_count;

	for (uint32_t i = from / s->slice_ops; i < s->slices && i * s->slice_ops < to; i++) {
		uint32_t begin = i * s->slice_ops, end = begin + s->slice_ops < ops ? begin + s->slice_ops : ops;
		int64_t over = occupancy_most(&s->live, begin, end) - (int64_t)s->live.problem->budget_bytes;

		s->excess[i] = over > 0 ? (double)over : 0;
	}
}

void
swap_init(struct swap *s, const struct problem *p, struct arena *a)
{
	*s = (struct swap) { .chosen = NULL };
	occupancy_init(&s->live, p, a);
	s->intervals = occupancy_intervals(&s->live, false, &s->interval_count, a);
	s->chosen = ARENA_NEW(a, uint32_t, s->interval_count);
	s->away = ARENA_NEW(a, struct away, s->interval_count);
	s->slice_ops = (p->graph->op_count + SLICES_MAX - 1) / SLICES_MAX;
	s->slices = (p->graph->op_count + s->slice_ops - 1) / s->slice_ops;
	s->excess = ARENA_NEW(a, double, s->slices);
	refresh(s, 0, p->graph->op_count);
}

double
swap_area(const struct swap *s, uint32_t from, uint32_t to, double bytes)
{
	double sum = 0;

	for (uint32_t i = from / s->slice_ops; from < to && i < s->slices && i * s->slice_ops < to; i++) {
		uint32_t begin = i * s->slice_ops, end = begin + s->slice_ops;

		begin = begin < from ? from : begin;
		end = end > to ? to : end;
		/* An op without a time counts a little, so that graphs without times have an order, too. */
		sum += (s->live.start_us[end] - s->live.start_us[begin] + 1e-3 * (end - begin)) * fmin(bytes, s->excess[i]);
	}
	return sum;
}

struct scored { double score; uint32_t interval; };

static bool
better(const struct scored *x, const struct scored *y)
{
	return x->score > y->score || (x->score >= y->score && x->interval < y->interval);
}

static void
sink(struct scored *heap, uint32_t count, uint32_t i)
{
	for (;;) {
		uint32_t child = 2 * i + 1;
		struct scored t = heap[i];

		if (child >= count)
			return;
		if (child + 1 < count && better(&heap[child + 1], &heap[child]))
			child++;
		if (!better(&heap[child], &heap[i]))
			return;
		heap[i] = heap[child];
		heap[child] = t;
		i = child;
	}
}

bool
swap_pick(struct swap *s, swap_score *score, swap_taken *taken, bytes_t least_bytes, struct arena *a)
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
	for (uint32_t i = count / 2; i-- > 0;)
		sink(heap, count, i);
	while (count > 0 && occupancy_most(&s->live, 0, p->graph->op_count) > (int64_t)p->budget_bytes) {
		struct scored top = heap[0];
		const struct timed_interval *j = &s->intervals[top.interval];

		heap[0].score = score(s, top.interval);
		if (heap[0].score < top.score) {
			if (heap[0].score <= 0)
				heap[0] = heap[--count];
			sink(heap, count, 0);
			continue;
		}
		if (top.score <= 0)
			break;
		heap[0] = heap[--count];
		sink(heap, count, 0);
		s->chosen[s->chosen_count++] = top.interval;
		s->away[top.interval] = (struct away) { j->idle.from, j->idle.to };
		if (taken != NULL)
			taken(s, top.interval, &s->away[top.interval]);
		occupancy_add(&s->live, s->away[top.interval].from, s->away[top.interval].to, -(int64_t)j->bytes);
		refresh(s, s->away[top.interval].from, s->away[top.interval].to);
	}
	return occupancy_most(&s->live, 0, p->graph->op_count) <= (int64_t)p->budget_bytes;
}

bool
swap_stretch(struct swap *s)
{
	const struct problem *p = s->live.problem;

	for (uint32_t i = 0; i < s->chosen_count; i++) {
		const struct timed_interval *j = &s->intervals[s->chosen[i]];
		struct away *w = &s->away[s->chosen[i]];

		occupancy_add(&s->live, j->idle.from, w->from, -(int64_t)j->bytes);
		occupancy_add(&s->live, w->to, j->idle.to, -(int64_t)j->bytes);
		*w = (struct away) { j->idle.from, j->idle.to };
	}
	refresh(s, 0, p->graph->op_count);
	return occupancy_most(&s->live, 0, p->graph->op_count) <= (int64_t)p->budget_bytes;
}
