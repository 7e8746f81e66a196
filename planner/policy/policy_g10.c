/* SPDX-License-Identifier: Apache-2.0 */
/* policy_g10.c - G10 (Zhang et al., MICRO 2023); host memory stands for its flash
 *
 * Idle intervals are ranked by the area over the budget (bytes times time) that their swap removes.  `books` holds the link time that is
 * still free during each op, for each direction.  A copy out takes the first free time after the last use, a copy in the last free time
 * before the next one, and the tensor is absent between them.  Copies in then move earlier where there is room.  If ops are
 * over the budget when the link has no free time, tensors are swapped by the same area without books, and compute waits.
 */
#include <config.h>
#include "planner/policy/greedy_swap.h"
#include "planner/policy/policy.h"

/* The free time of one direction of the link during each op, and the next op that may have some (union-find). */
struct books {
	double *free_us;		/* [op_count] */
	uint32_t *skip;			/* [op_count + 2] a step towards the nearest op that may have free time */
};

struct g10 {
	struct books out, in;
};

/* Returns the nearest op from op k on, in the direction of b, that may have free time.  Ops count from 1, so that 0 ends a search
 * backwards. */
static uint32_t
nearest(struct books *b, uint32_t k)
{
	uint32_t at = k, end = k;

	while (b->skip[end] != end)
		end = b->skip[end];
	while (b->skip[at] != at) {
		uint32_t next = b->skip[at];

		b->skip[at] = end;
		at = next;
	}
	return end;
}

/* Finds us microseconds of free link time from op `from` on, before op `until` (both counted from 1), in steps of `by` (1 or -1).  With
 * `write`, books them.  Returns the op at which the copy ends, or `until`. */
static uint32_t
book(struct books *b, uint32_t from, uint32_t until, int by, double us, bool write)
{
	uint32_t k = nearest(b, from);

	while (by > 0 ? k < until : k > until) {
		double left = b->free_us[k - 1];

		if (left > us) {
			if (write)
				b->free_us[k - 1] -= us;
			return k;
		}
		us -= left;
		if (write) {
			b->free_us[k - 1] = 0;
			b->skip[k] = (uint32_t)((int64_t)k + by);
		}
		k = nearest(b, (uint32_t)((int64_t)k + by));
	}
	return until;
}

/* Fills *gone and *back: a swap makes the tensor absent at ops [gone, back).  False: the link has no time for it. */
static bool
book_swap(const struct greedy_swap *s, uint32_t interval, bool write, uint32_t *gone, uint32_t *back)
{
	struct g10 *x = s->own;
	const struct timed_interval *j = &s->intervals[interval];
	uint32_t last = j->idle.from, next = j->idle.to + 1, out, in;	/* from 1 */

	out = book(&x->out, last + 1, next, 1, j->out_us, false);
	in = book(&x->in, next - 1, last, -1, j->in_us, false);
	*gone = out;		/* from 0: the op after the one in which it ends */
	*back = in - 1;
	if (out >= next || in <= last || *gone >= *back)
		return false;
	if (write) {
		book(&x->out, last + 1, next, 1, j->out_us, true);
		book(&x->in, next - 1, last, -1, j->in_us, true);
	}
	return true;
}

static double
score(const struct greedy_swap *s, uint32_t interval)
{
	uint32_t gone, back;

	return book_swap(s, interval, false, &gone, &back) ? greedy_swap_area(s, gone, back, (double)s->intervals[interval].bytes) : 0;
}

static void
taken(struct greedy_swap *s, uint32_t interval, struct absent *absent)
{
	book_swap(s, interval, true, &absent->from, &absent->to);
}

static double
whole_score(const struct greedy_swap *s, uint32_t interval)
{
	return greedy_swap_area(s, s->intervals[interval].idle.from, s->intervals[interval].idle.to, (double)s->intervals[interval].bytes);
}

static void
books_init(struct books *b, const struct graph *g, struct arena *a)
{
	b->free_us = ARENA_NEW(a, double, g->op_count);
	b->skip = ARENA_NEW(a, uint32_t, (size_t)g->op_count + 2);
	for (uint32_t k = 0; k < g->op_count; k++)
		b->free_us[k] = g->ops[k].time_us;
	for (uint32_t k = 0; k < g->op_count + 2; k++)
		b->skip[k] = k;
}

int
policy_g10(struct schedule *s, const struct problem *p, struct arena *a, struct err *e)
{
	struct decisions d;
	struct greedy_swap w;
	struct g10 x;

	greedy_swap_init(&w, p, a);
	books_init(&x.out, p->graph, a);
	books_init(&x.in, p->graph, a);
	w.own = &x;
	decisions_init(&d, p->life, a);
	greedy_swap_pick(&w, score, taken, 0, a);
	if (!greedy_swap_stretch(&w))
		greedy_swap_pick(&w, whole_score, NULL, 0, a);
	occupancy_times(&w.live, &d, w.intervals, w.chosen, w.chosen_count, true, a);
	return occupancy_schedule(s, p, &d, a, e);
}
