/* SPDX-License-Identifier: Apache-2.0 */
/* simulate.c - the clock of the simulator: three queues, one link, one event after another */
#include <config.h>
#include "sim/time/simulate.h"

#include <float.h>
#include <math.h>

#include "sim/time/simulate_private.h"

/* One queue and its present work: an op, the latency of a transfer, or its movement of bytes.  Work is measured in the microseconds
 * that it would take alone on an idle machine.  Ops and transfers shrink by one rule; only their rates differ. */
struct queue_state {
	const uint32_t *ids;	/* [count] instructions in order */
	uint32_t count, next;	/* ids[next] is the head */
	uint32_t seen;		/* number of the head's `after` that are known to have ended */
	bool ready;		/* since ready_us, the head's `after` have ended and the queue is free */
	bool running;
	bool moving;		/* a transfer past its latency: it takes a share of the link */
	double ready_us;
	double left;		/* of the present work */
	double move_us;		/* of a transfer: the work after its latency, which moves its bytes */
	double bytes_per_us;	/* rate of that work, alone on the link */
};

struct simulation {
	const struct plan *plan;
	const struct device *device;
	const double *factors;	/* [instruction_count] on each duration, or NULL */
	struct sim_span *spans;
	bool *ended;		/* [instruction_count] */
	struct queue_state lanes[QUEUE_COUNT];
	double now;
};

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

static double
op_time(const struct plan *p, const struct instruction *in)
{
	const struct op *o = &p->graph->ops[in->op];

	return op_time_us(o, in->alternative);
}

static uint32_t
head(const struct queue_state *l)
{
	return l->ids[l->next];
}

static void
begin(struct simulation *m, enum queue q)
{
	struct queue_state *l = &m->lanes[q];
	const struct instruction *in = &m->plan->program[head(l)];
	enum direction dir = q == QUEUE_OUT ? D2H : H2D;
	double total, latency, factor = m->factors == NULL ? 1 : m->factors[head(l)];

	m->spans[head(l)].start_us = m->now;
	l->running = true;
	l->moving = false;
	if (q == QUEUE_COMPUTE) {
		l->left = factor * op_time(m->plan, in);
		return;
	}
	/* A measured curve may hold times shorter than the latency beside it. */
	total = factor * device_transfer_us(m->device, dir, in->bytes);
	latency = fmin(factor * m->device->link[dir].latency_us, total);
	l->left = latency;
	l->move_us = in->bytes > 0 ? total - latency : 0;
	l->bytes_per_us = l->move_us > 0 ? (double)in->bytes / l->move_us : 0;
	if (in->bytes == 0)
		l->left = total;
}

/* Ends the present work: a transfer goes on from its latency to its bytes, any other instruction ends. */
static void
end_work(struct simulation *m, enum queue q)
{
	struct queue_state *l = &m->lanes[q];

	if (q != QUEUE_COMPUTE && !l->moving && l->move_us > 0) {
		l->moving = true;
		l->left = l->move_us;
		return;
	}
	m->spans[head(l)].end_us = m->now;
	m->ended[head(l)] = true;
	l->running = l->moving = l->ready = false;
	l->seen = 0;
	l->next++;
}

/* Marks the queue's head as ready when all of its `after` have ended.  An `after` that has ended is not tested again. */
static void
update_ready(struct simulation *m, struct queue_state *l)
{
	const struct instruction *in;

	if (l->ready || l->running || l->next == l->count)
		return;
	in = &m->plan->program[head(l)];
	while (l->seen < in->after_count && m->ended[in->after[l->seen]])
		l->seen++;
	if (l->seen == in->after_count) {
		l->ready = true;
		l->ready_us = m->now;
	}
}

static bool
begin_transfers(struct simulation *m)
{
	struct queue_state *out = &m->lanes[QUEUE_OUT], *in = &m->lanes[QUEUE_IN];
	bool one = m->device->copy_engines == 1;
	bool start_out = out->ready && !out->running, start_in = in->ready && !in->running;

	if (one && (out->running || in->running))
		return false;
	if (one && start_out && start_in) {
		start_in = in->ready_us < out->ready_us;
		start_out = !start_in;
	}
	if (start_out)
		begin(m, QUEUE_OUT);
	if (start_in)
		begin(m, QUEUE_IN);
	return start_out || start_in;
}

/* Applies all events of this moment.  Transfers start last, so that the copy engine chooses among all that become ready
 * at one moment. */
static void
settle(struct simulation *m)
{
	struct queue_state *compute = &m->lanes[QUEUE_COMPUTE];
	bool changed;

	do {
		changed = false;
		for (int q = 0; q < QUEUE_COUNT; q++) {
			if (m->lanes[q].running && m->lanes[q].left <= 0) {
				end_work(m, (enum queue)q);
				changed = true;
			}
		}
		for (int q = 0; q < QUEUE_COUNT; q++)
			update_ready(m, &m->lanes[q]);
		if (compute->ready && !compute->running) {
			begin(m, QUEUE_COMPUTE);
			changed = true;
		}
		if (!changed)
			changed = begin_transfers(m);
	} while (changed);
}

/* Finds the rate at which each queue's work shrinks until the next event. */
static void
rates(const struct simulation *m, double rate[QUEUE_COUNT])
{
	const struct queue_state *out = &m->lanes[QUEUE_OUT], *in = &m->lanes[QUEUE_IN], *compute = &m->lanes[QUEUE_COMPUTE];
	double wanted, contention, duplex = m->device->duplex_bytes_per_s / 1e6;

	for (int q = 0; q < QUEUE_COUNT; q++)
		rate[q] = 1;
	if (out->moving && in->moving) {
		wanted = out->bytes_per_us + in->bytes_per_us;
		if (wanted > duplex)
			rate[QUEUE_OUT] = rate[QUEUE_IN] = duplex / wanted;
	}
	if (compute->running && (out->moving || in->moving)) {
		contention = m->device->contention[m->plan->graph->ops[m->plan->program[head(compute)].op].class];
		rate[QUEUE_COMPUTE] = out->moving && in->moving ? 1 / contention : 1 / (1 + (contention - 1) / 2);
	}
}

/* Moves the clock to the next end of a piece of work; false when no queue works. */
static bool
advance(struct simulation *m)
{
	double rate[QUEUE_COUNT], step = INFINITY, slack;

	rates(m, rate);
	for (int q = 0; q < QUEUE_COUNT; q++)
		if (m->lanes[q].running)
			step = fmin(step, m->lanes[q].left / rate[q]);
	if (isinf(step))
		return false;
	m->now += step;
	/* Pieces of work whose ends differ only by rounding end together, so that no stall of zero length appears. */
	slack = 1e-12 + 4 * DBL_EPSILON * m->now;
	for (int q = 0; q < QUEUE_COUNT; q++) {
		struct queue_state *l = &m->lanes[q];

		if (l->running)
			l->left = l->left / rate[q] - step <= slack ? 0 : l->left - step * rate[q];
	}
	return true;
}

static int
run_all(struct simulation *m, struct err *e)
{
	do
		settle(m);
	while (advance(m));
	for (int q = 0; q < QUEUE_COUNT; q++) {
		const struct queue_state *l = &m->lanes[q];

		if (l->next < l->count) {
			err_set(e, ERR_INPUT, l->running ? "expected a time that is a number" : "expected 'after' that can end");
			return err_at(e, "program[%" PRIu32 "]", head(l));
		}
	}
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
	/* A graph without times has no overhead. */
	r->overhead = r->ideal_time_us > 0 ? r->step_time_us / r->ideal_time_us - 1 : 0;
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
	struct simulation m = { .plan = p, .device = d, .factors = factors };
	struct sim_queues queues;

	*r = (struct sim_result){ .step_time_us = 0 };
	if (check_device(d, e) < 0)
		return -1;
	for (uint32_t i = 0; i < p->instruction_count; i++)
		if (check_instruction(p, i, e) < 0)
			return err_at(e, "program[%" PRIu32 "]", i);
	sim_queues_init(&queues, p, a);
	for (int q = 0; q < QUEUE_COUNT; q++)
		m.lanes[q] = (struct queue_state){ .ids = queues.ids[q], .count = queues.count[q] };
	r->spans = m.spans = ARENA_NEW(a, struct sim_span, p->instruction_count);
	m.ended = ARENA_NEW(a, bool, p->instruction_count);
	if (run_all(&m, e) < 0)
		return -1;
	/* The largest time that a document may hold (json.h). */
	if (!(m.now <= STEP_MOST_US))
		return err_set(e, ERR_NO, "the step takes more than %g us on '%s'", STEP_MOST_US, d->name);
	r->step_time_us = m.now;
	find_stalls(r, p, &queues, a);
	add_up(r, p, a);
	sim_peaks(r, p, &queues, a);
	return 0;
}
