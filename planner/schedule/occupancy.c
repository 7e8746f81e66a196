/* SPDX-License-Identifier: Apache-2.0 */
/* occupancy.c - a tree over the ops for changes and questions, the times of copies, and the peak of a finished schedule */
#include <config.h>
#include "planner/schedule/occupancy.h"

#include "src/base/rank.h"

static int64_t
aligned(bytes_t bytes)
{
	return (int64_t)bytes_align(bytes, DEVICE_ALIGN);
}

void
occupancy_init(struct occupancy *r, const struct problem *p, struct arena *a)
{
	const struct graph *g = p->graph;
	const struct lifetimes *l = p->life;
	int64_t resident = 0, *live = ARENA_NEW(a, int64_t, g->op_count), *change = ARENA_NEW(a, int64_t, (size_t)g->op_count + 1);

	*r = (struct occupancy) { .problem = p, .start_us = l->start_us };
	for (uint32_t t = 0; t < g->tensor_count; t++) {
		int64_t bytes = aligned(g->tensors[t].bytes);

		if (kind_is_persistent(g->tensors[t].kind)) {
			resident += bytes;
		} else if (l->first[t] <= l->last[t]) {
			change[l->first[t]] += bytes;
			change[l->last[t] + 1] -= bytes;
		}
	}
	for (uint32_t k = 0; k < g->op_count; k++) {
		resident += change[k];
		live[k] = resident + aligned(g->ops[k].workspace_bytes);
	}
	segment_tree_init(&r->live, live, g->op_count, a);
}

void
occupancy_add(struct occupancy *r, uint32_t from, uint32_t to, int64_t bytes)
{
	segment_tree_add(&r->live, from, to, bytes);
}

int64_t
occupancy_most(const struct occupancy *r, uint32_t from, uint32_t to)
{
	return from < to ? segment_tree_max(&r->live, from, to) : 0;
}

/* The op that runs at time us: the last one that has begun by then. */
static uint32_t
op_at(const struct occupancy *r, double us)
{
	uint32_t lo = 0, hi = r->problem->graph->op_count;

	while (hi - lo > 1) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (r->start_us[mid] <= us)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

/* ---- idle intervals ---- */

static enum interval_set
set_of(const struct graph *g, const struct idle_interval *x)
{
	if (kind_is_persistent(g->tensors[x->tensor].kind))
		return INTERVALS_PERSISTENT;
	return x->to < g->op_count ? INTERVALS_BETWEEN_USES : INTERVALS_OF_RESULTS;
}

struct timed_interval *
occupancy_intervals(const struct occupancy *r, enum interval_set set, uint32_t *count, struct arena *a)
{
	const struct graph *g = r->problem->graph;
	const struct device *d = r->problem->device;
	uint32_t all, n = 0;
	const struct idle_interval *idle = idle_intervals(r->problem->life, &all, a);
	struct timed_interval *intervals = ARENA_NEW(a, struct timed_interval, all);

	for (uint32_t i = 0; i < all; i++) {
		const struct tensor *t = &g->tensors[idle[i].tensor];

		if (set_of(g, &idle[i]) == set && (idle[i].read || idle[i].to == g->op_count))
			intervals[n++] = (struct timed_interval) { .idle = idle[i], .bytes = bytes_align(t->bytes, DEVICE_ALIGN),
			    .out_us = device_transfer_us(d, D2H, t->bytes), .in_us = device_transfer_us(d, H2D, t->bytes) };
	}
	*count = n;
	return intervals;
}

/* ---- when copies run ---- */

/* Times the copies out.  Each begins when the one before it has ended; its memory stays until its own end if there is room. */
static void
time_out(struct occupancy *r, struct decisions *d, const struct timed_interval *intervals, struct ranked *order, uint32_t count)
{
	int64_t budget = (int64_t)r->problem->budget_bytes;
	double free_us = 0;

	for (uint32_t i = 0; i < count; i++)
		order[i].first = intervals[order[i].id].idle.from;
	rank_rising(order, count);
	for (uint32_t i = 0; i < count; i++) {
		const struct timed_interval *j = &intervals[order[i].id];
		double begin = r->start_us[j->idle.from] > free_us ? r->start_us[j->idle.from] : free_us;
		uint32_t gone, over;

		free_us = begin + j->out_us;
		gone = op_at(r, free_us) + 1;
		gone = gone > j->idle.to ? j->idle.to : gone;
		over = segment_tree_first_over(&r->live, j->idle.from, gone, budget - (int64_t)j->bytes);
		gone = over == SEGMENT_TREE_NONE ? gone : over;
		d->gone[j->idle.slot] = gone;
		occupancy_add(r, j->idle.from, gone, (int64_t)j->bytes);
	}
}

/* Times the copies back, last first.  A result that ends the step on the host has none.  Each ends when its tensor is needed, or when the one after it begins. */
static void
time_in(struct occupancy *r, struct decisions *d, const struct timed_interval *intervals, struct ranked *order, uint32_t count)
{
	int64_t budget = (int64_t)r->problem->budget_bytes;
	double begin = r->start_us[r->problem->graph->op_count];

	for (uint32_t i = 0; i < count; i++)
		order[i].first = intervals[order[i].id].idle.to;
	rank_rising(order, count);
	for (uint32_t i = count; i-- > 0;) {
		const struct timed_interval *j = &intervals[order[i].id];
		uint32_t back, over, gone = d->gone[j->idle.slot];

		if (!idle_returns(r->problem->graph, &j->idle)) {
			d->back[j->idle.slot] = j->idle.to;
			continue;
		}
		begin = (r->start_us[j->idle.to] < begin ? r->start_us[j->idle.to] : begin) - j->in_us;
		back = begin <= 0 ? 0 : op_at(r, begin);
		back = back < gone ? gone : back > j->idle.to ? j->idle.to : back;
		over = segment_tree_last_over(&r->live, back, j->idle.to, budget - (int64_t)j->bytes);
		d->back[j->idle.slot] = over == SEGMENT_TREE_NONE ? back : over + 1;
		occupancy_add(r, d->back[j->idle.slot], j->idle.to, (int64_t)j->bytes);
	}
}

/* Moves the copies back as early as there is room, in the same order. */
static void
hurry(struct occupancy *r, struct decisions *d, const struct timed_interval *intervals, const struct ranked *order,
    uint32_t count)
{
	int64_t budget = (int64_t)r->problem->budget_bytes;
	uint32_t before = 0;

	for (uint32_t i = 0; i < count; i++) {
		const struct timed_interval *j = &intervals[order[i].id];
		uint32_t back = d->gone[j->idle.slot] > before ? d->gone[j->idle.slot] : before, over;

		if (!idle_returns(r->problem->graph, &j->idle))
			continue;
		if (back < d->back[j->idle.slot]) {
			over = segment_tree_last_over(&r->live, back, d->back[j->idle.slot], budget - (int64_t)j->bytes);
			back = over == SEGMENT_TREE_NONE ? back : over + 1;
			occupancy_add(r, back, d->back[j->idle.slot], (int64_t)j->bytes);
			d->back[j->idle.slot] = back;
		}
		before = d->back[j->idle.slot];
	}
}

void
occupancy_times(struct occupancy *r, struct decisions *d, const struct timed_interval *intervals, const uint32_t *chosen,
    uint32_t count, bool eager, struct arena *a)
{
	struct ranked *order = ARENA_NEW(a, struct ranked, count);

	for (uint32_t i = 0; i < count; i++) {
		order[i].id = chosen[i];
		d->fate[intervals[chosen[i]].idle.slot] = FATE_OFFLOAD;
	}
	time_out(r, d, intervals, order, count);
	time_in(r, d, intervals, order, count);
	if (eager)
		hurry(r, d, intervals, order, count);
}

/* ---- the peak of a schedule ---- */

/* Live ranges of transient tensors, half-open over steps. */
struct range_sum {
	const struct graph *graph;
	int64_t *change;		/* [step_count + 1] of the live bytes */
	uint32_t *lower, *upper;	/* [tensor_count] of the present live range; upper 0: none */
};

static void
end_range(struct range_sum *y, uint32_t t, uint32_t upper)
{
	if (y->upper[t] == 0)
		return;
	y->change[y->lower[t]] += aligned(y->graph->tensors[t].bytes);
	y->change[upper] -= aligned(y->graph->tensors[t].bytes);
	y->upper[t] = 0;
}

/* Uses tensor t at step k, in a new live range or in the present one. */
static void
touch(struct range_sum *y, uint32_t t, uint32_t k, bool anew)
{
	if (kind_is_persistent(y->graph->tensors[t].kind))
		return;
	if (anew)
		end_range(y, t, y->upper[t]);
	if (y->upper[t] == 0)
		y->lower[t] = k;
	y->upper[t] = k + 1;
}

static void
touch_op(struct range_sum *y, const struct op *o, uint32_t k)
{
	for (uint32_t i = 0; i < o->input_count; i++)
		touch(y, o->inputs[i], k, false);
	for (uint32_t j = 0; j < o->output_count; j++)
		touch(y, o->outputs[j], k, !op_reads(o, o->outputs[j]));
}

bytes_t
occupancy_peak(const struct schedule *s, const struct graph *g, uint32_t *step, struct arena *a)
{
	struct range_sum y = { .graph = g, .change = ARENA_NEW(a, int64_t, (size_t)s->step_count + 1),
	    .lower = ARENA_NEW(a, uint32_t, g->tensor_count), .upper = ARENA_NEW(a, uint32_t, g->tensor_count) };
	uint32_t n = s->move_count, *step_of = ARENA_NEW(a, uint32_t, 2 * (size_t)n), *start, *order, at = 0;
	bool *gone = ARENA_NEW(a, bool, g->tensor_count);	/* for good */
	int64_t live = 0, peak = 0;

	/* Departures, then returns. */
	for (uint32_t m = 0; m < n; m++) {
		step_of[m] = s->moves[m].gone;
		step_of[n + m] = s->moves[m].back;
		gone[s->moves[m].tensor] |= s->moves[m].back == SCHEDULE_END;
	}
	order = rank_by_key(step_of, 2 * n, s->step_count + 1, &start, a);
	for (uint32_t k = 0; k < s->step_count; k++) {
		for (uint32_t i = start[k]; i < start[k + 1]; i++) {
			const struct move *m = &s->moves[order[i] < n ? order[i] : order[i] - n];

			if (order[i] < n)
				end_range(&y, m->tensor, m->free);
			else
				touch(&y, m->tensor, k, false);
		}
		touch_op(&y, &g->ops[s->steps[k].op], k);
	}
	for (uint32_t t = 0; t < g->tensor_count; t++) {
		/* A result that is on the device stays until the step's end. */
		end_range(&y, t, kind_has_final(g->tensors[t].kind) && !gone[t] ? s->step_count : y.upper[t]);
		live += kind_is_persistent(g->tensors[t].kind) ? aligned(g->tensors[t].bytes) : 0;
	}
	for (uint32_t k = 0; k < s->step_count; k++) {
		const struct op *o = &g->ops[s->steps[k].op];
		int64_t now;

		live += y.change[k];
		now = live + aligned(op_workspace_bytes(o, s->steps[k].alternative));
		if (now > peak) {
			peak = now;
			at = k;
		}
	}
	if (step != NULL)
		*step = at;
	return (bytes_t)peak;
}

int
occupancy_schedule(struct schedule *s, const struct problem *p, const struct decisions *d, struct arena *a, struct err *e)
{
	char peak[32], excess[32], budget[32];
	bytes_t reached;
	uint32_t step;

	if (decisions_schedule(s, d, a, e) < 0)
		return -1;
	reached = occupancy_peak(s, p->graph, &step, a);
	if (reached <= p->budget_bytes)
		return 0;
	err_set(e, ERR_NO, "after every move and drop of the policy, the peak is %s, %s over the budget of %s, at op %" PRIu32 " '%s'",
	    units_size(peak, reached), units_size(excess, reached - p->budget_bytes), units_size(budget, p->budget_bytes), s->steps[step].op,
	    p->graph->ops[s->steps[step].op].name);
	return graph_set_reason(e, p->graph, s->steps[step].op, reached - p->budget_bytes);
}
