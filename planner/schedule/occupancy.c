/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>
#include "planner/schedule/occupancy.h"

#include <stdlib.h>
#include <string.h>

static int64_t
aligned(bytes_t bytes)
{
	return (int64_t)bytes_align(bytes, DEVICE_ALIGN);
}

void
residency_init(struct residency *r, const struct problem *p, struct arena *a)
{
	const struct graph *g = p->graph;
	const struct lifetimes *l = p->life;
	int64_t resident = 0, *live = ARENA_NEW(a, int64_t, g->op_count), *change = ARENA_NEW(a, int64_t, (size_t)g->op_count + 1);

	*r = (struct residency) { .problem = p, .start_us = l->start_us };
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
residency_add(struct residency *r, uint32_t from, uint32_t to, int64_t bytes)
{
	segment_tree_add(&r->live, from, to, bytes);
}

int64_t
residency_most(const struct residency *r, uint32_t from, uint32_t to)
{
	return from < to ? segment_tree_max(&r->live, from, to) : 0;
}

uint32_t
residency_first_over(const struct residency *r, uint32_t from, uint32_t to, int64_t limit)
{
	return segment_tree_first_over(&r->live, from, to, limit);
}

uint32_t
residency_last_over(const struct residency *r, uint32_t from, uint32_t to, int64_t limit)
{
	return segment_tree_last_over(&r->live, from, to, limit);
}

uint32_t
residency_op_at(const struct residency *r, double us)
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

/* ---- gaps ---- */

struct gap *
residency_gaps(const struct residency *r, uint32_t *count, struct arena *a)
{
	const struct graph *g = r->problem->graph;
	const struct lifetimes *l = r->problem->life;
	struct gap *gaps = NULL;
	size_t n = 0, room = 0;

	for (uint32_t t = 0; t < g->tensor_count; t++) {
		if (kind_is_persistent(g->tensors[t].kind) || g->tensors[t].bytes == 0)
			continue;
		for (uint32_t u = l->use_start[t]; u + 1 < l->use_start[t + 1]; u++) {
			uint32_t last = l->use_op[u], next = l->use_op[u + 1];

			if (next == last + 1 || !op_reads(&g->ops[next], t))
				continue;
			*ARENA_PUSH(a, gaps, n, room) = (struct gap) { .tensor = t, .use = u, .last = last, .next = next,
			    .bytes = bytes_align(g->tensors[t].bytes, DEVICE_ALIGN),
			    .out_us = device_transfer_us(r->problem->device, D2H, g->tensors[t].bytes),
			    .in_us = device_transfer_us(r->problem->device, H2D, g->tensors[t].bytes) };
		}
	}
	*count = (uint32_t)n;
	return gaps;
}

/* ---- when copies run ---- */

struct timed { uint32_t op, gap; };

static int
earlier_first(const void *x, const void *y)
{
	const struct timed *p = x, *q = y;

	if (p->op != q->op)
		return p->op < q->op ? -1 : 1;
	return p->gap < q->gap ? -1 : p->gap > q->gap;
}

/* The copies out: each when the one before it has ended, and its memory stays until then if there is room. */
static void
time_out(struct residency *r, struct decisions *d, const struct gap *gaps, struct timed *order, uint32_t count)
{
	int64_t budget = (int64_t)r->problem->budget_bytes;
	double free_us = 0;

	for (uint32_t i = 0; i < count; i++)
		order[i].op = gaps[order[i].gap].last;
	qsort(order, count, sizeof(*order), earlier_first);
	for (uint32_t i = 0; i < count; i++) {
		const struct gap *g = &gaps[order[i].gap];
		double begin = r->start_us[g->last + 1] > free_us ? r->start_us[g->last + 1] : free_us;
		uint32_t gone, over;

		free_us = begin + g->out_us;
		gone = residency_op_at(r, free_us) + 1;
		gone = gone > g->next ? g->next : gone;
		over = residency_first_over(r, g->last + 1, gone, budget - (int64_t)g->bytes);
		gone = over == RESIDENCY_NONE ? gone : over > g->last ? over : g->last + 1;
		d->gone[g->use] = gone;
		residency_add(r, g->last + 1, gone, (int64_t)g->bytes);
	}
}

/* The copies back, last first: each ends when its tensor is needed, or when the one after it begins. */
static void
time_in(struct residency *r, struct decisions *d, const struct gap *gaps, struct timed *order, uint32_t count)
{
	int64_t budget = (int64_t)r->problem->budget_bytes;
	double begin = r->start_us[r->problem->graph->op_count];

	for (uint32_t i = 0; i < count; i++)
		order[i].op = gaps[order[i].gap].next;
	qsort(order, count, sizeof(*order), earlier_first);
	for (uint32_t i = count; i-- > 0;) {
		const struct gap *g = &gaps[order[i].gap];
		uint32_t back, over, gone = d->gone[g->use];

		begin = (r->start_us[g->next] < begin ? r->start_us[g->next] : begin) - g->in_us;
		back = begin <= 0 ? 0 : residency_op_at(r, begin);
		back = back < gone ? gone : back > g->next ? g->next : back;
		over = residency_last_over(r, back, g->next, budget - (int64_t)g->bytes);
		d->back[g->use] = over == RESIDENCY_NONE ? back : over + 1;
		residency_add(r, d->back[g->use], g->next, (int64_t)g->bytes);
	}
}

/* As early as there is room, but in the same order. */
static void
hurry(struct residency *r, struct decisions *d, const struct gap *gaps, const struct timed *order, uint32_t count)
{
	int64_t budget = (int64_t)r->problem->budget_bytes;
	uint32_t before = 0;

	for (uint32_t i = 0; i < count; i++) {
		const struct gap *g = &gaps[order[i].gap];
		uint32_t back = d->gone[g->use] > before ? d->gone[g->use] : before, over;

		if (back < d->back[g->use]) {
			over = residency_last_over(r, back, d->back[g->use], budget - (int64_t)g->bytes);
			back = over == RESIDENCY_NONE ? back : over + 1;
			residency_add(r, back, d->back[g->use], (int64_t)g->bytes);
			d->back[g->use] = back;
		}
		before = d->back[g->use];
	}
}

void
residency_times(struct residency *r, struct decisions *d, const struct gap *gaps, const uint32_t *chosen,
    uint32_t count, bool eager, struct arena *a)
{
	struct timed *order = ARENA_NEW(a, struct timed, count);

	for (uint32_t i = 0; i < count; i++) {
		order[i].gap = chosen[i];
		d->fate[gaps[chosen[i]].use] = FATE_OFFLOAD;
	}
	time_out(r, d, gaps, order, count);
	time_in(r, d, gaps, order, count);
	if (eager)
		hurry(r, d, gaps, order, count);
}

/* ---- what it came to ---- */

struct stays {
	const struct graph *graph;
	int64_t *change;		/* [step_count + 1] */
	uint32_t *lower, *upper;	/* [tensor_count] of the present stay; upper 0: none */
};

static void
end_stay(struct stays *y, uint32_t t, uint32_t upper)
{
	if (y->upper[t] == 0)
		return;
	y->change[y->lower[t]] += aligned(y->graph->tensors[t].bytes);
	y->change[upper] -= aligned(y->graph->tensors[t].bytes);
	y->upper[t] = 0;
}

static void
touch(struct stays *y, uint32_t t, uint32_t k, bool anew)
{
	if (kind_is_persistent(y->graph->tensors[t].kind))
		return;
	if (anew)
		end_stay(y, t, y->upper[t]);
	if (y->upper[t] == 0)
		y->lower[t] = k;
	y->upper[t] = k + 1;
}

static void
touch_op(struct stays *y, const struct op *o, uint32_t k)
{
	for (uint32_t i = 0; i < o->input_count; i++)
		touch(y, o->inputs[i], k, false);
	for (uint32_t j = 0; j < o->output_count; j++)
		touch(y, o->outputs[j], k, !op_reads(o, o->outputs[j]));
}

bytes_t
residency_peak(const struct schedule *s, const struct graph *g, uint32_t *step, struct arena *a)
{
	struct stays y = { .graph = g, .change = ARENA_NEW(a, int64_t, (size_t)s->step_count + 1),
	    .lower = ARENA_NEW(a, uint32_t, g->tensor_count), .upper = ARENA_NEW(a, uint32_t, g->tensor_count) };
	uint32_t *start = ARENA_NEW(a, uint32_t, (size_t)s->step_count + 2), *fill, *order, at = 0;
	int64_t live = 0, peak = 0;

	/* Departures (even) and returns (odd) by step. */
	for (uint32_t m = 0; m < s->move_count; m++) {
		start[s->moves[m].gone + 1]++;
		start[s->moves[m].back + 1]++;
	}
	for (uint32_t k = 0; k <= s->step_count; k++)
		start[k + 1] += start[k];
	fill = ARENA_NEW(a, uint32_t, (size_t)s->step_count + 2);
	memcpy(fill, start, sizeof(*fill) * ((size_t)s->step_count + 2));
	order = ARENA_NEW(a, uint32_t, 2 * (size_t)s->move_count);
	for (uint32_t m = 0; m < s->move_count; m++)
		order[fill[s->moves[m].gone]++] = 2 * m;
	for (uint32_t m = 0; m < s->move_count; m++)
		order[fill[s->moves[m].back]++] = 2 * m + 1;
	for (uint32_t k = 0; k < s->step_count; k++) {
		for (uint32_t i = start[k]; i < start[k + 1]; i++) {
			const struct move *m = &s->moves[order[i] / 2];

			if (order[i] % 2 == 0)
				end_stay(&y, m->tensor, m->free);
			else
				touch(&y, m->tensor, k, false);
		}
		touch_op(&y, &g->ops[s->steps[k].op], k);
	}
	for (uint32_t t = 0; t < g->tensor_count; t++) {
		end_stay(&y, t, y.upper[t]);
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
residency_schedule(struct schedule *s, const struct problem *p, const struct decisions *d, struct arena *a, struct err *e)
{
	char peak[32], budget[32];
	bytes_t reached;
	uint32_t step;

	if (decisions_schedule(s, d, a, e) < 0)
		return -1;
	reached = residency_peak(s, p->graph, &step, a);
	if (reached <= p->budget_bytes)
		return 0;
	return err_set(e, ERR_NO, "all that may leave leaves, and the peak is still %s, over the budget of %s: at op %" PRIu32 " '%s'",
	    units_size(peak, reached), units_size(budget, p->budget_bytes), s->steps[step].op, p->graph->ops[s->steps[step].op].name);
}
