/* SPDX-License-Identifier: Apache-2.0 */
/* hybrid_copies.c - one run over the ops, with the link's two queues and the bytes at every op
 *
 * Invariant: `over` of the model counts a copy out from idle.from to `held`, and a copy in that has begun from its op to `until`.
 * Both queues are first in, first out.  The time of a copy is that alone on the link, or longer by the factor `shared` if the other queue is busy
 * when it begins.
 */
#include <config.h>
#include "planner/hybrid/hybrid_copies.h"

#include <math.h>

#include "planner/hybrid/hybrid_heuristics.h"
#include "src/base/rank.h"

/* The copies of an offloaded interval. */
struct interval_copies {
	struct model_interval *interval;
	uint32_t until;			/* op that reads the tensor, or the interval's end */
	uint32_t due;			/* op at which the copy in is due */
	uint32_t held;			/* op to which the copy out holds its bytes */
	double out_end_us, in_end_us;
	bool left, begun;		/* the tensor has left; its copy in has begun */
};

struct copies {
	struct model *m;
	struct interval_copies *all;	/* [count] by `until`, the order of the copies in */
	uint32_t count;
	uint32_t next;			/* copies in before it have ended */
	uint32_t *leaving;		/* [leaving_count] copies out in order; those before `ended` have ended */
	uint32_t leaving_count, ended;
	double *start_us;		/* [op_count + 1] when each op starts if nothing stalls, reruns included */
	double now_us, out_free_us, in_free_us;
	double shared;
};

/* Returns the first op that starts at or after time us, when nothing stalls. */
static uint32_t
op_at(const struct copies *x, double us)
{
	return lower_bound_double(x->start_us, 0, x->m->graph->op_count, us);
}

static void
find_starts(struct copies *x)
{
	const struct model *m = x->m;
	uint32_t n = m->graph->op_count;

	x->start_us = ARENA_NEW(m->arena, double, (size_t)n + 1);
	for (uint32_t k = 0; k < n; k++) {
		x->start_us[k + 1] += op_time_us(&m->graph->ops[k], m->alternative[k]);
		if (m->rerun_at[k] < n)
			x->start_us[m->rerun_at[k] + 1] += m->graph->ops[k].time_us;
	}
	for (uint32_t k = 0; k < n; k++)
		x->start_us[k + 1] += x->start_us[k];
}

/* Lists the offloaded intervals. */
static void
collect(struct copies *x)
{
	struct model *m = x->m;
	uint32_t *key = ARENA_NEW(m->arena, uint32_t, m->interval_count), *order;

	for (uint32_t i = 0; i < m->interval_count; i++) {
		key[i] = m->intervals[i].fate == FATE_OFFLOAD ? m->intervals[i].back : RANK_NONE;
		x->count += key[i] != RANK_NONE;
	}
	order = rank_by_key(key, m->interval_count, m->graph->op_count + 1, NULL, m->arena);
	x->all = ARENA_NEW(m->arena, struct interval_copies, x->count);
	x->leaving = ARENA_NEW(m->arena, uint32_t, x->count);
	for (uint32_t i = 0; i < x->count; i++)
		x->all[i] = (struct interval_copies) { .interval = &m->intervals[order[i]], .until = m->intervals[order[i]].back };
}

/* Finds when each copy in is due: at the latest time from which it and all copies behind it are in time, less once its own time. */
static void
find_due(struct copies *x)
{
	double due_us = INFINITY;

	for (uint32_t i = x->count; i-- > 0;) {
		struct interval_copies *c = &x->all[i];

		if (!c->interval->in)
			continue;
		due_us = fmin(due_us, x->start_us[c->until]) - c->interval->copy_us[H2D] * x->shared;
		c->due = op_at(x, due_us - c->interval->copy_us[H2D]);
		c->due -= c->due > 0;
	}
}

/* Appends a copy to a queue that is free at *free_us.  Returns when it ends. */
static double
append(const struct copies *x, double *free_us, double other_free_us, double us)
{
	double begin_us = fmax(*free_us, x->now_us);

	*free_us = begin_us + us * (other_free_us > begin_us ? x->shared : 1);
	return *free_us;
}

/* Begins the copy out of c before op k, and holds its bytes to the op at which it is expected to end. */
static void
leave(struct copies *x, struct interval_copies *c, uint32_t k)
{
	c->left = !c->interval->out;
	if (c->left)
		return;
	c->out_end_us = append(x, &x->out_free_us, x->in_free_us, c->interval->copy_us[D2H]);
	c->held = op_at(x, x->start_us[k] + c->out_end_us - x->now_us);
	c->held = c->held > c->until ? c->until : c->held < k ? k : c->held;
	segment_tree_add(&x->m->over, k, c->held, c->interval->bytes);
	x->leaving[x->leaving_count++] = (uint32_t)(c - x->all);
}

/* Lets compute wait before op k for the oldest copy out. */
static void
end_copy_out(struct copies *x, uint32_t k)
{
	struct interval_copies *c = &x->all[x->leaving[x->ended++]];

	x->now_us = fmax(x->now_us, c->out_end_us);
	segment_tree_add(&x->m->over, c->interval->idle.from, c->held, -c->interval->bytes);
	model_be_here(x->m, c->interval, k < c->until ? k : c->until, c->interval->back);
	c->left = true;
}

/* Makes op k fit: copies out that run longer than expected hold their bytes if there is room, and are waited for if there is none. */
static void
make_room(struct copies *x, uint32_t k)
{
	while (x->ended < x->leaving_count && x->all[x->leaving[x->ended]].out_end_us <= x->now_us)
		end_copy_out(x, k);
	for (uint32_t i = x->ended; i < x->leaving_count && x->all[x->leaving[i]].held <= k; i++) {
		struct interval_copies *c = &x->all[x->leaving[i]];

		if (c->until <= k)
			continue;
		segment_tree_add(&x->m->over, c->held, k + 1, c->interval->bytes);
		c->held = k + 1;
	}
	while (x->ended < x->leaving_count && segment_tree_at(&x->m->over, k) > 0)
		end_copy_out(x, k);
}

static void
begin_copy_in(struct copies *x, struct interval_copies *c, uint32_t k)
{
	c->in_end_us = append(x, &x->in_free_us, x->out_free_us, c->interval->copy_us[H2D]);
	c->begun = true;
	model_be_here(x->m, c->interval, c->interval->gone, k);
}

/* Lets compute wait before op k for the tensors that it reads. */
static void
fetch_needed(struct copies *x, uint32_t k)
{
	for (; x->next < x->count && x->all[x->next].until <= k; x->next++) {
		struct interval_copies *c = &x->all[x->next];

		while (!c->left)
			end_copy_out(x, k);
		if (!c->interval->in)
			continue;
		if (!c->begun)
			begin_copy_in(x, c, k);
		x->now_us = fmax(x->now_us, c->in_end_us);
	}
}

/* Begins the copies in that are due while op k runs, as long as the queue is free by then and all ops up to the use have room. */
static void
fetch_due(struct copies *x, uint32_t k)
{
	double end_us = x->now_us + x->start_us[k + 1] - x->start_us[k];

	for (uint32_t i = x->next; i < x->count && x->in_free_us < end_us; i++) {
		struct interval_copies *c = &x->all[i];

		if (!c->interval->in || c->begun || !c->left)
			continue;
		if (c->due > k || segment_tree_max(&x->m->over, k, c->until) + c->interval->bytes > 0)
			return;
		begin_copy_in(x, c, k);
	}
}

void
copies_time(struct model *m)
{
	const struct device *d = m->device;
	struct copies x = { .m = m, .shared = fmax(1, (d->link[D2H].bytes_per_s + d->link[H2D].bytes_per_s) / d->duplex_bytes_per_s) };
	uint32_t n = m->graph->op_count, *from, *by_from, at = 0;

	copies_give_way(m);
	collect(&x);
	find_starts(&x);
	find_due(&x);
	from = ARENA_NEW(m->arena, uint32_t, x.count);
	for (uint32_t i = 0; i < x.count; i++)
		from[i] = x.all[i].interval->idle.from;
	by_from = rank_by_key(from, x.count, n + 1, NULL, m->arena);
	for (uint32_t k = 0; k < n; k++) {
		for (; at < x.count && from[by_from[at]] <= k; at++)
			leave(&x, &x.all[by_from[at]], k);
		make_room(&x, k);
		fetch_needed(&x, k);
		fetch_due(&x, k);
		x.now_us += x.start_us[k + 1] - x.start_us[k];
	}
	while (x.ended < x.leaving_count)
		end_copy_out(&x, n);
	fetch_needed(&x, n);
}

void
copies_give_way(struct model *m)
{
	for (uint32_t i = 0; i < m->interval_count; i++)
		if (m->intervals[i].fate == FATE_OFFLOAD)
			model_be_away(m, &m->intervals[i]);
}
