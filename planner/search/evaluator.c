/* SPDX-License-Identifier: Apache-2.0 */
/* evaluator.c - trials from kept states of the walk and of the clock */
#include <config.h>
#include "planner/search/evaluator.h"

#include <math.h>
#include <string.h>

#include "planner/search/search_constants.h"
#include "sim/time/simulate.h"

static bool
is_state(const struct evaluator *v, uint32_t k)
{
	return k % v->stride == 0;
}

/* Walks over the ops from op k on.  keep: keeps states on the way. */
static bool
walk(struct evaluator *v, struct time_line *t, uint32_t from, bool keep, double beat_us)
{
	const struct problem *p = v->problem;
	const double *start_us = p->life->start_us;
	uint32_t n = p->graph->op_count, k = from / v->stride * v->stride;

	t->most_bytes = 0;
	if (k == 0)
		timeline_begin(t);
	else
		timeline_restore(t, v->base, &v->states[k / v->stride]);
	for (; k < n; k++) {
		if (keep && is_state(v, k))
			timeline_keep(&v->states[k / v->stride], t, k);
		if (!timeline_op(t, k))
			return false;
		/* Alternatives may be faster than the op's own algorithm: the rest is not certain then. */
		if (is_state(v, k) && t->compute_us + v->least_share * (start_us[n] - start_us[k + 1]) > beat_us * (1 + SLACK))
			return false;
	}
	return timeline_finish(t);
}

static bool
differs(const struct sim_work *x, const struct sim_work *y)
{
	return memcmp(x->wait, y->wait, sizeof(x->wait)) != 0 || x->us < y->us || x->us > y->us || x->move_us < y->move_us ||
	    x->move_us > y->move_us || x->bytes_per_us < y->bytes_per_us || x->bytes_per_us > y->bytes_per_us ||
	    x->loaded < y->loaded || x->loaded > y->loaded || x->contention < y->contention || x->contention > y->contention;
}

/* Returns the first position of a queue at which trial and base differ; UINT32_MAX: they do not. */
static uint32_t
first_difference(const struct time_line *t, const struct time_line *base, int q)
{
	size_t n = t->counts.works[q] < base->counts.works[q] ? t->counts.works[q] : base->counts.works[q];

	for (size_t i = 0; i < n; i++)
		if (differs(&t->works[q][i], &base->works[q][i]))
			return (uint32_t)i;
	return t->counts.works[q] == base->counts.works[q] ? UINT32_MAX : (uint32_t)n;
}

/* Returns how many of the clock's states serve the trial, too. */
static size_t
common_clocks(const struct evaluator *v, const struct time_line *t)
{
	uint32_t first[QUEUE_COUNT];
	size_t low = 0, high = v->clock_count;

	for (int q = 0; q < QUEUE_COUNT; q++)
		first[q] = first_difference(t, v->base, q);
	while (low < high) {
		size_t mid = (low + high) / 2;
		bool serves = true;

		for (int q = 0; q < QUEUE_COUNT; q++)
			serves &= v->clocks[mid].lanes[q].next < first[q];
		if (serves)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Fills the least times that are left from work k of a queue on: of the queue, and of the link that the two copy queues share. */
static void
find_rest(struct evaluator *v, const struct sim_clock *c, enum queue q)
{
	const struct sim_lane *l = &c->lanes[q];
	struct queue_rest *rest;

	if (l->count >= v->rest_capacity[q]) {
		v->rest_capacity[q] = 2 * ((size_t)l->count + 1);
		v->rest[q] = ARENA_NEW(v->arena, struct queue_rest, v->rest_capacity[q]);
	}
	rest = v->rest[q];
	rest[l->count] = (struct queue_rest) { 0, 0 };
	for (uint32_t k = l->count; k-- > l->next;) {
		const struct sim_work *w = &l->works[k];
		double us = w->us + w->move_us;

		rest[k].queue_us = rest[k + 1].queue_us + us;
		/* Copies that share the link move `duplex` bytes a us at most; one alone may be faster. */
		rest[k].link_us = rest[k + 1].link_us + (c->one_engine ? us : w->move_us * fmin(1, w->bytes_per_us / c->duplex));
	}
}

/* Returns a time before which the clock does not end: that of the queue or the link with the most left, present works not counted. */
static double
least_end(const struct evaluator *v, const struct sim_clock *c)
{
	double most = 0, link = 0;

	for (int q = 0; q < QUEUE_COUNT; q++) {
		const struct sim_lane *l = &c->lanes[q];
		const struct queue_rest *rest = &v->rest[q][l->next < l->count ? l->next + 1 : l->count];

		most = rest->queue_us > most ? rest->queue_us : most;
		link += q == QUEUE_COMPUTE ? 0 : rest->link_us;
	}
	return c->now + (link > most ? link : most);
}

/* Makes room for the spans of all works. */
static void
room_for_spans(struct evaluator *v, const struct time_line *t)
{
	for (int q = 0; q < QUEUE_COUNT; q++) {
		size_t n = t->counts.works[q];

		if (n <= v->span_capacity[q])
			continue;
		struct sim_span *spans = ARENA_NEW(v->arena, struct sim_span, 2 * n);

		if (v->span_capacity[q] > 0)
			memcpy(spans, v->spans[q], sizeof(*spans) * v->span_capacity[q]);
		v->spans[q] = spans;
		v->span_capacity[q] = 2 * n;
	}
}

/* Runs the clock over the trial's works, from the last state that serves it.  keep: keeps states on the way. */
static double
run_clock(struct evaluator *v, const struct time_line *t, bool keep, double beat_us)
{
	size_t count = v->clock_count == 0 ? 0 : common_clocks(v, t);
	uint32_t events = 0;
	struct sim_clock c;

	if (keep)
		room_for_spans(v, t);
	if (count == 0)
		sim_clock_init(&c, v->problem->device);
	else
		c = v->clocks[count - 1];
	for (int q = 0; q < QUEUE_COUNT; q++) {
		c.lanes[q].works = t->works[q];
		c.lanes[q].count = (uint32_t)t->counts.works[q];
		c.lanes[q].spans = keep ? v->spans[q] : NULL;
		find_rest(v, &c, (enum queue)q);
	}
	if (keep)
		v->clock_count = count;
	while (sim_clock_step(&c)) {
		if (++events % CLOCK_EVENTS != 0)
			continue;
		if (keep)
			*ARENA_PUSH(v->arena, v->clocks, v->clock_count, v->clock_capacity) = c;
		if (least_end(v, &c) > beat_us * (1 + SLACK))
			return EVALUATOR_NO;
	}
	return c.now;
}

/* Evaluates the decisions on timeline t. */
static double
evaluate(struct evaluator *v, struct time_line *t, uint32_t from, bool keep, double beat_us)
{
	double us;

	v->err = (struct err) ERR_INIT;
	if (!walk(v, t, from, keep, beat_us))
		return EVALUATOR_NO;
	timeline_wait_for_room(t);
	us = run_clock(v, t, keep, beat_us);
	return us < beat_us ? us : EVALUATOR_NO;
}

static uint32_t
least(uint32_t x, uint32_t y)
{
	return x < y ? x : y;
}

uint32_t
evaluator_change(struct decisions *d, const struct idle_interval *idle, enum fate fate, uint32_t gone, uint32_t back)
{
	uint32_t slot = idle->slot, from = idle->from == 0 ? 0 : idle->from - 1;

	if (fate == FATE_OFFLOAD && d->fate[slot] == FATE_OFFLOAD) {
		from = d->life->graph->op_count - 1;
		from = gone == d->gone[slot] ? from : least(from, least(gone, d->gone[slot]));
		from = back == d->back[slot] ? from : least(from, least(back, d->back[slot]));
	}
	d->fate[slot] = (uint8_t)fate;
	d->gone[slot] = gone;
	d->back[slot] = back;
	return from;
}

double
evaluator_try(struct evaluator *v, uint32_t from, double beat_us)
{
	v->from = from;
	return evaluate(v, v->trial, from, false, beat_us);
}

void
evaluator_accept(struct evaluator *v)
{
	struct time_line *t = v->trial;

	v->us = evaluate(v, t, v->from, true, INFINITY);
	v->trial = v->base;
	v->base = t;
}

/* Returns the least part of its own time that an op may take by one of its alternatives. */
static double
least_share(const struct graph *g)
{
	double least = 1;

	for (uint32_t k = 0; k < g->op_count; k++)
		for (uint32_t i = 0; i < g->ops[k].alternative_count; i++)
			if (g->ops[k].time_us > 0)
				least = fmin(least, g->ops[k].alternatives[i].time_us / g->ops[k].time_us);
	return least;
}

bool
evaluator_init(struct evaluator *v, const struct problem *p, const struct decisions *d, struct arena *a)
{
	uint32_t n = p->graph->op_count, tensors = p->graph->tensor_count;

	*v = (struct evaluator) { .problem = p, .decisions = d, .arena = a, .stride = n / STATES + 1, .least_share = least_share(p->graph) };
	v->state_count = (n + v->stride - 1) / v->stride;
	v->states = ARENA_NEW(a, struct line_state, v->state_count);
	for (uint32_t i = 0; i < v->state_count; i++) {
		v->states[i].walk = ARENA_NEW(a, struct walk_tensor, tensors);
		v->states[i].line = ARENA_NEW(a, struct line_tensor, tensors);
	}
	line_tables_init(&v->tables, p, a);
	for (int i = 0; i < 2; i++)
		timeline_init(&v->lines[i], p, &v->tables, d, a, &v->err);
	v->base = &v->lines[0];
	v->trial = &v->lines[1];
	v->us = evaluate(v, v->base, 0, true, INFINITY);
	return !isinf(v->us);
}
