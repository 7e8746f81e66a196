/* SPDX-License-Identifier: Apache-2.0 */
/* explain.c - the buffers at a plan's peak, the idle intervals of its tensors, and one tensor's events */
#include <config.h>
#include "sim/report/explain.h"

#include <assert.h>

#include "sim/check/check.h"
#include "src/base/rank.h"

const char *const explain_what_names[EXPLAIN_WHATS + 1] = {
	"begins", "written", "made again", "read", "offloaded", "fetched", "ends", NULL
};

/* ---- the peak ---- */

static bool
alive_at(const struct explain *x, uint32_t buffer, uint32_t moment)
{
	return x->ranges[buffer].first != PLAN_NONE && x->ranges[buffer].first <= moment && moment <= x->ranges[buffer].last;
}

static void
look_at_peak(struct explain *x, struct arena *a)
{
	const struct plan *p = x->plan;
	struct ranked *alive = ARENA_NEW(a, struct ranked, p->buffer_count);
	bytes_t sum = 0;

	x->peak_bytes = check_peak(&x->peak, p, a);
	for (uint32_t b = 0; b < p->buffer_count; b++) {
		const struct buffer *it = &p->buffers[b];
		bytes_t bytes = bytes_align(it->bytes, DEVICE_ALIGN);

		if (!alive_at(x, b, x->peak))
			continue;
		alive[x->at_peak_count++] = (struct ranked) { .first = (double)bytes, .id = b };
		x->peak_kinds[sim_kind(p, b)] += bytes;
		sum += bytes;
	}
	x->in_place_bytes = sum - x->peak_bytes;
	rank_falling(alive, x->at_peak_count);
	x->at_peak = ARENA_NEW(a, uint32_t, x->at_peak_count);
	for (uint32_t i = 0; i < x->at_peak_count; i++)
		x->at_peak[i] = alive[i].id;
}

/* ---- savings ---- */

/* Returns the simulated time at which moment m begins. */
static double
begins(const struct explain *x, uint32_t m)
{
	return sim_moment_us(x->sim, x->plan, m);
}

/* Returns the simulated time at which moment m ends. */
static double
ends(const struct explain *x, uint32_t m)
{
	return m == MOMENT_BEGIN ? 0 : m == moment_end(x->plan) ? x->sim->step_time_us : x->sim->spans[m - 1].end_us;
}

/* Returns the buffers that are used, in order of their first moment. */
static uint32_t *
buffers_by_first(const struct explain *x, uint32_t *count, struct arena *a)
{
	const struct plan *p = x->plan;
	uint32_t *key = ARENA_NEW(a, uint32_t, p->buffer_count), *start, *order, keys = moment_end(p) + 1;

	static_assert(PLAN_NONE == RANK_NONE, "a buffer without a moment is left out");
	for (uint32_t b = 0; b < p->buffer_count; b++)
		key[b] = x->ranges[b].first;
	order = rank_by_key(key, p->buffer_count, keys, &start, a);
	*count = start[keys];
	return order;
}

/* A tensor's live range if it never left: from the first moment of its first buffer to the last moment of its last one.  A persistent
 * tensor lives over the whole step, and a result from its first moment to the step's end. */
struct tensor_life { uint32_t first, last; double here_until_us; bool at_peak, at_step_peak; };

static void
sum_idle_intervals(struct explain *x, struct arena *a)
{
	const struct plan *p = x->plan;
	const struct graph *g = p->graph;
	struct tensor_life *life = ARENA_NEW(a, struct tensor_life, g->tensor_count);
	uint32_t count, *order = buffers_by_first(x, &count, a);

	for (uint32_t t = 0; t < g->tensor_count; t++) {
		life[t].last = kind_has_final(g->tensors[t].kind) ? moment_end(p) : 0;
		life[t].first = kind_is_persistent(g->tensors[t].kind) ? MOMENT_BEGIN : PLAN_NONE;
	}
	for (uint32_t i = 0; i < count; i++) {
		uint32_t b = order[i], t = p->buffers[b].tensor;
		struct tensor_life *l;

		if (t == PLAN_NONE)
			continue;
		l = &life[t];
		if (l->first == PLAN_NONE) {
			l->first = x->ranges[b].first;
			l->here_until_us = begins(x, x->ranges[b].first);
		}
		l->last = x->ranges[b].last > l->last ? x->ranges[b].last : l->last;
		if (begins(x, x->ranges[b].first) > l->here_until_us)
			x->tensors[t].away_us += begins(x, x->ranges[b].first) - l->here_until_us;
		if (ends(x, x->ranges[b].last) > l->here_until_us)
			l->here_until_us = ends(x, x->ranges[b].last);
		l->at_peak |= alive_at(x, b, x->peak);
		l->at_step_peak |= alive_at(x, b, x->step_peak);
	}
	for (uint32_t t = 0; t < g->tensor_count; t++) {
		const struct tensor_life *l = &life[t];
		bytes_t bytes = bytes_align(g->tensors[t].bytes, DEVICE_ALIGN);

		if (l->first == PLAN_NONE)
			continue;
		if (kind_has_final(g->tensors[t].kind) && x->sim->step_time_us > l->here_until_us)
			x->tensors[t].away_us += x->sim->step_time_us - l->here_until_us;
		if (!l->at_peak && l->first <= x->peak && x->peak <= l->last)
			x->tensors[t].peak_saved = bytes;
		if (!l->at_step_peak && l->first <= x->step_peak && x->step_peak <= l->last)
			x->tensors[t].step_saved = bytes;
	}
}

/* ---- costs ---- */

static void
charge_rerun(struct explain *x, const struct op *o, double us)
{
	const struct graph *g = x->plan->graph;
	double bytes = 0;

	for (uint32_t j = 0; j < o->output_count; j++)
		bytes += (double)g->tensors[o->outputs[j]].bytes;
	for (uint32_t j = 0; j < o->output_count; j++) {
		struct explain_tensor *t = &x->tensors[o->outputs[j]];

		t->reruns++;
		t->rerun_us += bytes > 0 ? us * ((double)g->tensors[o->outputs[j]].bytes / bytes) : us / o->output_count;
	}
}

static void
charge_run(struct explain *x, const struct op *o, uint32_t alternative, double us)
{
	x->contention_us += us - op_time_us(o, alternative);
	x->slower_us += op_time_us(o, alternative) - o->time_us;
}

static void
sum_costs(struct explain *x, uint32_t step_peak_op, struct arena *a)
{
	const struct plan *p = x->plan;
	bool *ran = ARENA_NEW(a, bool, p->graph->op_count);

	for (uint32_t i = 0; i < p->instruction_count; i++) {
		const struct instruction *in = &p->program[i];
		struct explain_tensor *t;

		if (in->queue == QUEUE_COMPUTE) {
			double us = x->sim->spans[i].end_us - x->sim->spans[i].start_us;

			if (ran[in->op])
				charge_rerun(x, &p->graph->ops[in->op], us);
			else
				charge_run(x, &p->graph->ops[in->op], in->alternative, us);
			if (!ran[in->op] && in->op == step_peak_op)
				x->step_peak = i + 1;
			ran[in->op] = true;
			continue;
		}
		t = &x->tensors[p->buffers[in->device_buffer].tensor];
		*(in->queue == QUEUE_OUT ? &t->offloads : &t->fetches) += 1;
		*(in->queue == QUEUE_OUT ? &t->offload_bytes : &t->fetch_bytes) += in->bytes;
	}
	for (uint32_t i = 0; i < x->sim->stall_count; i++) {
		const struct sim_stall *s = &x->sim->stalls[i];

		if (s->cause != PLAN_NONE && p->program[s->cause].queue != QUEUE_COMPUTE)
			x->tensors[p->buffers[p->program[s->cause].device_buffer].tensor].stall_us += s->end_us - s->start_us;
	}
}

static void
find_moved(struct explain *x, struct arena *a)
{
	uint32_t n = x->plan->graph->tensor_count;
	struct ranked *rows = ARENA_NEW(a, struct ranked, n);

	for (uint32_t t = 0; t < n; t++) {
		const struct explain_tensor *it = &x->tensors[t];

		if (it->offloads + it->fetches + it->reruns > 0)
			rows[x->moved_count++] = (struct ranked) { it->stall_us + it->rerun_us, (double)(it->step_saved + it->peak_saved), t };
	}
	rank_falling(rows, x->moved_count);
	x->moved = ARENA_NEW(a, uint32_t, x->moved_count);
	for (uint32_t i = 0; i < x->moved_count; i++)
		x->moved[i] = rows[i].id;
}

void
explain_init(struct explain *x, const struct plan *p, const struct sim_result *r, uint32_t step_peak_op, struct arena *a)
{
	*x = (struct explain) { .plan = p, .sim = r };
	x->ranges = plan_live_ranges(p, a);
	x->tensors = ARENA_NEW(a, struct explain_tensor, p->graph->tensor_count);
	look_at_peak(x, a);
	sum_costs(x, step_peak_op, a);
	sum_idle_intervals(x, a);
	find_moved(x, a);
}

/* ---- one tensor's events ---- */

struct story {
	const struct explain *x;
	struct arena *arena;
	uint32_t tensor;
	bool *ran;		/* [op_count] */
	double *wait_us;	/* [instruction_count] */
	struct explain_event *events;
	size_t count, capacity;
};

static void
add_event(struct story *s, const struct access *acc)
{
	static const enum explain_what what[] = {
		[OPERAND_INITIAL] = EXPLAIN_BEGIN, [OPERAND_READ] = EXPLAIN_READ, [OPERAND_WRITE] = EXPLAIN_WRITE,
		[OPERAND_FROM] = EXPLAIN_OFFLOAD, [OPERAND_TO] = EXPLAIN_FETCH, [OPERAND_FINAL] = EXPLAIN_END
	};
	const struct plan *p = s->x->plan;
	const struct instruction *in = moment_instruction(p, acc->moment);
	struct explain_event *e, *before = s->count > 0 ? &s->events[s->count - 1] : NULL;

	if (access_buffer(p, acc)->tensor != s->tensor || acc->operand == OPERAND_WORKSPACE || (in != NULL && acc->host))
		return;
	if (before != NULL && before->moment == acc->moment && before->what == what[acc->operand] && before->buffer == acc->buffer)
		return;	/* an op may read a tensor as two inputs */
	e = ARENA_PUSH(s->arena, s->events, s->count, s->capacity);
	*e = (struct explain_event) { .what = what[acc->operand], .moment = acc->moment, .on_host = acc->host, .buffer = acc->buffer,
	    .start_us = begins(s->x, acc->moment), .end_us = ends(s->x, acc->moment),
	    .last = !acc->host && s->x->ranges[acc->buffer].last == acc->moment };
	if (in == NULL)
		return;
	if (in->queue != QUEUE_COMPUTE) {
		e->bytes = in->bytes;
		e->wait_us = s->wait_us[acc->moment - 1];
	} else if (e->what == EXPLAIN_WRITE && s->ran[in->op]) {
		e->what = EXPLAIN_REWRITE;
	}
	if (e->what == EXPLAIN_WRITE)
		s->ran[in->op] = true;
}

struct explain_event *
explain_story(const struct explain *x, uint32_t tensor, uint32_t *count, struct arena *a)
{
	struct story s = { .x = x, .arena = a, .tensor = tensor };

	s.ran = ARENA_NEW(a, bool, x->plan->graph->op_count);
	s.wait_us = ARENA_NEW(a, double, x->plan->instruction_count);
	for (uint32_t i = 0; i < x->sim->stall_count; i++)
		if (x->sim->stalls[i].cause != PLAN_NONE)
			s.wait_us[x->sim->stalls[i].cause] += x->sim->stalls[i].end_us - x->sim->stalls[i].start_us;
	FOR_EACH_ACCESS(x->plan, acc)
		add_event(&s, &acc);
	*count = (uint32_t)s.count;
	return s.events;
}
