/* SPDX-License-Identifier: Apache-2.0 */
/* simulate.c - a plan on the clock: its instructions as works, and the stalls and sums of the step */
#include <config.h>
#include "sim/time/simulate.h"

#include <math.h>

#include "sim/time/clock.h"
#include "sim/time/simulate_private.h"
#include "src/documents/plan_access.h"

/* Refuses an instruction with which the clock would stop or run backwards, so that no input hangs.  check_plan() has
 * checked everything else. */
static int
check_instruction(const struct plan *p, uint32_t id, struct err *e)
{
	const struct instruction *in = &p->program[id];

	if ((unsigned)in->queue >= QUEUE_COUNT)
		return err_set(e, ERR_INPUT, "unknown queue %u", (unsigned)in->queue);
	for (uint32_t i = 0; i < in->after_count; i++)
		if (in->after[i] >= id)
			return err_set(e, ERR_INPUT, "expected earlier instructions in 'after', got %" PRIu32, in->after[i]);
	if (in->queue != QUEUE_COMPUTE)
		return 0;
	if (in->op >= p->graph->op_count)
		return err_set(e, ERR_INPUT, "unknown op %" PRIu32, in->op);
	if (in->alternative != PLAN_NONE && in->alternative >= p->graph->ops[in->op].alternative_count)
		return err_set(e, ERR_INPUT, "op %" PRIu32 " has no alternative %" PRIu32, in->op, in->alternative);
	return 0;
}

static int
check_device(const struct device *d, struct err *e)
{
	for (int dir = 0; dir < DIRECTION_COUNT; dir++) {
		const struct link_direction *l = &d->link[dir];
		bool timed = l->point_count > 1 || (isfinite(l->bytes_per_s) && l->bytes_per_s > 0);

		if (!timed || !isfinite(l->latency_us) || l->latency_us < 0)
			return err_set(e, ERR_INPUT, "device '%s': its link has no usable rate %s", d->name,
			    dir == D2H ? "to the host" : "from the host");
	}
	if (!(d->duplex_bytes_per_s > 0))
		return err_set(e, ERR_INPUT, "device '%s': expected a positive duplex rate, got %g", d->name, d->duplex_bytes_per_s);
	if (d->copy_engines == 0)
		return err_set(e, ERR_INPUT, "device '%s': expected at least one copy engine", d->name);
	for (int c = 0; c < CLASS_COUNT; c++)
		if (!isfinite(d->contention[c]) || d->contention[c] < 1)
			return err_set(e, ERR_INPUT, "device '%s': expected a contention factor of at least 1 for %s, got %g",
			    d->name, op_class_names[c], d->contention[c]);
	return 0;
}

void
sim_queues_init(struct sim_queues *q, const struct plan *p, struct arena *a)
{
	uint32_t *ids = ARENA_NEW(a, uint32_t, p->instruction_count);

	*q = (struct sim_queues){ .count = { 0 } };
	for (uint32_t i = 0; i < p->instruction_count; i++)
		q->count[p->program[i].queue]++;
	for (int k = 0; k < QUEUE_COUNT; k++) {
		q->ids[k] = ids;
		ids += q->count[k];
		q->count[k] = 0;
	}
	for (uint32_t i = 0; i < p->instruction_count; i++) {
		enum queue k = p->program[i].queue;

		q->ids[k][q->count[k]++] = i;
	}
}

/* Returns the awaited transfer that ended last; ties go to the lowest id. */
static uint32_t
stall_cause(const struct sim_result *r, const struct plan *p, const struct instruction *in)
{
	uint32_t cause = PLAN_NONE;

	for (uint32_t i = 0; i < in->after_count; i++) {
		uint32_t id = in->after[i];
		double end = r->spans[id].end_us;

		if (p->program[id].queue == QUEUE_COMPUTE)
			continue;
		if (cause == PLAN_NONE || end > r->spans[cause].end_us || (end == r->spans[cause].end_us && id < cause))
			cause = id;
	}
	return cause;
}

/* Returns the transfer that the step's end waits for; ties go to the lowest id. */
static uint32_t
drain_cause(const struct sim_result *r, const struct sim_queues *q)
{
	uint32_t out, in;

	if (q->count[QUEUE_OUT] == 0 && q->count[QUEUE_IN] == 0)
		return PLAN_NONE;
	if (q->count[QUEUE_OUT] == 0 || q->count[QUEUE_IN] == 0) {
		enum queue k = q->count[QUEUE_OUT] == 0 ? QUEUE_IN : QUEUE_OUT;

		return q->ids[k][q->count[k] - 1];
	}
	out = q->ids[QUEUE_OUT][q->count[QUEUE_OUT] - 1];
	in = q->ids[QUEUE_IN][q->count[QUEUE_IN] - 1];
	if (r->spans[out].end_us != r->spans[in].end_us)
		return r->spans[out].end_us > r->spans[in].end_us ? out : in;
	return out < in ? out : in;
}

static void
find_stalls(struct sim_result *r, const struct plan *p, const struct sim_queues *q, struct arena *a)
{
	size_t count = 0, capacity = 0;
	double free_us = 0;

	for (uint32_t k = 0; k < q->count[QUEUE_COMPUTE]; k++) {
		uint32_t id = q->ids[QUEUE_COMPUTE][k];
		const struct sim_span *s = &r->spans[id];

		if (s->start_us > free_us)
			*ARENA_PUSH(a, r->stalls, count, capacity) = (struct sim_stall){
				free_us, s->start_us, id, stall_cause(r, p, &p->program[id]) };
		free_us = s->end_us;
	}
	if (r->step_time_us > free_us)
		*ARENA_PUSH(a, r->stalls, count, capacity) = (struct sim_stall){
			free_us, r->step_time_us, PLAN_NONE, drain_cause(r, q) };
	r->stall_count = (uint32_t)count;
	for (uint32_t i = 0; i < r->stall_count; i++)
		r->stall_time_us += r->stalls[i].end_us - r->stalls[i].start_us;
}

static void
add_up(struct sim_result *r, const struct plan *p, struct arena *a)
{
	bool *ran = ARENA_NEW(a, bool, p->graph->op_count);

	for (uint32_t i = 0; i < p->instruction_count; i++) {
		const struct instruction *in = &p->program[i];
		double us = r->spans[i].end_us - r->spans[i].start_us;

		r->busy_us[in->queue] += us;
		if (in->queue == QUEUE_OUT)
			r->offload_bytes += in->bytes;
		if (in->queue == QUEUE_IN)
			r->fetch_bytes += in->bytes;
		if (in->queue != QUEUE_COMPUTE)
			continue;
		if (ran[in->op])
			r->recompute_time_us += us;
		ran[in->op] = true;
	}
	for (uint32_t k = 0; k < p->graph->op_count; k++)
		r->ideal_time_us += p->graph->ops[k].time_us;
	r->overhead = r->ideal_time_us > 0 ? r->step_time_us / r->ideal_time_us - 1 : r->step_time_us > 0 ? INFINITY : 0;
}

/* Fills the work of every instruction, by queue.  An instruction waits for the last one that its `after` names in each queue. */
static void
make_works(struct sim_clock *c, const struct sim_queues *queues, const struct plan *p, const struct device *d, const double *factors,
    struct arena *a)
{
	uint32_t *place = ARENA_NEW(a, uint32_t, p->instruction_count);	/* in its queue */

	for (int q = 0; q < QUEUE_COUNT; q++) {
		struct sim_work *works = ARENA_NEW(a, struct sim_work, queues->count[q]);

		c->lanes[q].works = works;
		c->lanes[q].count = queues->count[q];
		c->lanes[q].spans = ARENA_NEW(a, struct sim_span, queues->count[q]);
		for (uint32_t i = 0; i < queues->count[q]; i++) {
			uint32_t id = queues->ids[q][i];
			const struct instruction *in = &p->program[id];
			double factor = factors == NULL ? 1 : factors[id];

			place[id] = i;
			works[i] = q == QUEUE_COMPUTE ? sim_work_of_op(d, &p->graph->ops[in->op], in->alternative, factor) :
			    sim_work_of_transfer(d, q == QUEUE_OUT ? D2H : H2D, in->bytes, factor);
		}
	}
	for (int q = 0; q < QUEUE_COUNT; q++)
		for (uint32_t i = 0; i < queues->count[q]; i++) {
			const struct instruction *in = &p->program[queues->ids[q][i]];
			uint32_t *wait = ((struct sim_work *)c->lanes[q].works)[i].wait;

			for (uint32_t k = 0; k < in->after_count; k++) {
				uint32_t *w = &wait[p->program[in->after[k]].queue];

				*w = place[in->after[k]] + 1 > *w ? place[in->after[k]] + 1 : *w;
			}
		}
}

static int
run_all(struct sim_clock *c, const struct sim_queues *queues, struct err *e)
{
	while (sim_clock_step(c))
		;
	for (int q = 0; q < QUEUE_COUNT; q++) {
		const struct sim_lane *l = &c->lanes[q];

		if (l->next < l->count) {
			err_set(e, ERR_INPUT, l->running ? "expected a time that is a number" : "expected 'after' that can end");
			return err_at(e, "program[%" PRIu32 "]", queues->ids[q][l->next]);
		}
	}
	return 0;
}

void
sim_result_of_spans(struct sim_result *r, const struct plan *p, struct sim_span *spans, struct arena *a)
{
	struct sim_queues queues;

	*r = (struct sim_result) { .spans = spans };
	for (uint32_t i = 0; i < p->instruction_count; i++)
		r->step_time_us = fmax(r->step_time_us, spans[i].end_us);
	sim_queues_init(&queues, p, a);
	find_stalls(r, p, &queues, a);
	add_up(r, p, a);
	sim_peaks(r, p, &queues, a);
}

double
sim_moment_us(const struct sim_result *r, const struct plan *p, uint32_t moment)
{
	return moment == MOMENT_BEGIN ? 0 : moment == moment_end(p) ? r->step_time_us : r->spans[moment - 1].start_us;
}

static const double STEP_MOST_US = 1e18;

int
simulate(struct sim_result *r, const struct plan *p, const struct device *d, struct arena *a, struct err *e)
{
	return simulate_scaled(r, p, d, NULL, a, e);
}

int
simulate_scaled(struct sim_result *r, const struct plan *p, const struct device *d, const double *factors, struct arena *a,
    struct err *e)
{
	struct sim_clock clock;
	struct sim_queues queues;

	*r = (struct sim_result){ .step_time_us = 0 };
	if (check_device(d, e) < 0)
		return -1;
	for (uint32_t i = 0; i < p->instruction_count; i++)
		if (check_instruction(p, i, e) < 0)
			return err_at(e, "program[%" PRIu32 "]", i);
	sim_queues_init(&queues, p, a);
	sim_clock_init(&clock, d);
	make_works(&clock, &queues, p, d, factors, a);
	if (run_all(&clock, &queues, e) < 0)
		return -1;
	r->spans = ARENA_NEW(a, struct sim_span, p->instruction_count);
	for (int q = 0; q < QUEUE_COUNT; q++)
		for (uint32_t i = 0; i < queues.count[q]; i++)
			r->spans[queues.ids[q][i]] = clock.lanes[q].spans[i];
	/* The largest time that a document may hold (json.h). */
	if (!(clock.now <= STEP_MOST_US))
		return err_set(e, ERR_NO, "the step takes more than %g us on '%s'", STEP_MOST_US, d->name);
	r->step_time_us = clock.now;
	find_stalls(r, p, &queues, a);
	add_up(r, p, a);
	sim_peaks(r, p, &queues, a);
	return 0;
}
