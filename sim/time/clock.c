/* SPDX-License-Identifier: Apache-2.0 */
/* clock.c - works start, shrink at the rates that they leave each other, and end */
#include <config.h>
#include "sim/time/clock.h"

#include <float.h>
#include <math.h>

#include "sim/time/simulate.h"

struct sim_work
sim_work_of_op(const struct device *d, const struct op *o, uint32_t alternative, double factor)
{
	return (struct sim_work) { .us = factor * op_time_us(o, alternative), .contention = d->contention[o->class] };
}

struct sim_work
sim_work_of_transfer(const struct device *d, enum direction dir, bytes_t bytes, double factor)
{
	double total = factor * device_transfer_us(d, dir, bytes), latency = fmin(factor * device_latency_us(d, dir, bytes), total);
	struct sim_work w = { .us = bytes == 0 ? total : latency, .move_us = bytes > 0 ? total - latency : 0, .loaded = 1 };

	if (w.move_us > 0) {
		w.bytes_per_us = (double)bytes / w.move_us;
		w.loaded = w.move_us / fmax(w.move_us, factor * device_busy_us(d, dir, bytes) - w.us);
	}
	return w;
}

void
sim_clock_init(struct sim_clock *c, const struct device *d)
{
	*c = (struct sim_clock) { .duplex = d->duplex_bytes_per_s / 1e6, .wait_us = d->wait_us, .one_engine = d->copy_engines == 1 };
}

static const struct sim_work *
head(const struct sim_lane *l)
{
	return &l->works[l->next];
}

static void
begin_head(struct sim_clock *c, struct sim_lane *l)
{
	if (l->spans != NULL)
		l->spans[l->next].start_us = c->now;
	l->left = head(l)->us;
}

/* A queue that had to wait takes time to go on. */
static void
begin(struct sim_clock *c, enum queue q)
{
	struct sim_lane *l = &c->lanes[q];

	l->running = true;
	l->moving = false;
	l->resuming = c->wait_us > 0 && l->ready_us > l->free_us;
	l->left = c->wait_us;
	if (!l->resuming)
		begin_head(c, l);
}

/* Ends the present work: a queue that resumes begins its head, a transfer goes on from its latency to its bytes, any other work ends. */
static void
end_work(struct sim_clock *c, struct sim_lane *l)
{
	if (l->resuming) {
		l->resuming = false;
		begin_head(c, l);
		return;
	}
	if (!l->moving && head(l)->move_us > 0) {
		l->moving = true;
		l->left = head(l)->move_us;
		return;
	}
	if (l->spans != NULL)
		l->spans[l->next].end_us = c->now;
	l->running = l->moving = l->ready = false;
	l->free_us = c->now;
	l->next++;
}

/* Marks the queue's head as ready when all that it waits for has ended. */
static void
update_ready(const struct sim_clock *c, struct sim_lane *l)
{
	const struct sim_work *w;

	if (l->ready || l->next == l->count)
		return;
	w = head(l);
	for (int q = 0; q < QUEUE_COUNT; q++)
		if (c->lanes[q].next < w->wait[q])
			return;
	l->ready = true;
	l->ready_us = c->now;
}

static bool
begin_transfers(struct sim_clock *c)
{
	struct sim_lane *out = &c->lanes[QUEUE_OUT], *in = &c->lanes[QUEUE_IN];
	bool start_out = out->ready && !out->running, start_in = in->ready && !in->running;

	if (c->one_engine && (out->running || in->running))
		return false;
	if (c->one_engine && start_out && start_in) {
		start_in = in->ready_us < out->ready_us;
		start_out = !start_in;
	}
	if (start_out)
		begin(c, QUEUE_OUT);
	if (start_in)
		begin(c, QUEUE_IN);
	return start_out || start_in;
}

/* Ends all work that is done at this moment.  False: there is none. */
static bool
end_all(struct sim_clock *c)
{
	bool ended = false;

	for (int q = 0; q < QUEUE_COUNT; q++)
		if (c->lanes[q].running && c->lanes[q].left <= 0) {
			end_work(c, &c->lanes[q]);
			ended = true;
		}
	return ended;
}

/* Applies all events of this moment.  Transfers start last, so that the copy engine chooses among all that become ready
 * at one moment.  Heads become ready when works end. */
static void
settle(struct sim_clock *c)
{
	struct sim_lane *compute = &c->lanes[QUEUE_COMPUTE];
	bool more = true;

	end_all(c);
	while (more) {
		for (int q = 0; q < QUEUE_COUNT; q++)
			update_ready(c, &c->lanes[q]);
		if (compute->ready && !compute->running)
			begin(c, QUEUE_COMPUTE);
		more = end_all(c) || (begin_transfers(c) && end_all(c));
	}
}

/* Finds the rate at which each queue's work shrinks until the next event. */
static void
find_rates(const struct sim_clock *c, double rate[QUEUE_COUNT])
{
	const struct sim_lane *out = &c->lanes[QUEUE_OUT], *in = &c->lanes[QUEUE_IN], *compute = &c->lanes[QUEUE_COMPUTE];
	const bool busy = compute->running && !compute->resuming;

	for (int q = 0; q < QUEUE_COUNT; q++)
		rate[q] = busy && c->lanes[q].moving ? head(&c->lanes[q])->loaded : 1;
	if (out->moving && in->moving) {
		double wanted = rate[QUEUE_OUT] * head(out)->bytes_per_us + rate[QUEUE_IN] * head(in)->bytes_per_us;

		if (wanted > c->duplex) {
			rate[QUEUE_OUT] *= c->duplex / wanted;
			rate[QUEUE_IN] *= c->duplex / wanted;
		}
	}
	if (busy && (out->moving || in->moving)) {
		double contention = head(compute)->contention;

		rate[QUEUE_COMPUTE] = out->moving && in->moving ? 1 / contention : 1 / (1 + (contention - 1) / 2);
	}
}

/* Moves the clock to the next end of a piece of work. */
static bool
advance(struct sim_clock *c)
{
	double rate[QUEUE_COUNT], left_us[QUEUE_COUNT], step = INFINITY, slack;

	find_rates(c, rate);
	for (int q = 0; q < QUEUE_COUNT; q++)
		if (c->lanes[q].running) {
			left_us[q] = c->lanes[q].left / rate[q];
			step = left_us[q] < step ? left_us[q] : step;
		}
	if (isinf(step))
		return false;
	c->now += step;
	/* Pieces of work whose ends differ only by rounding end together, so that no stall of zero length appears. */
	slack = 1e-12 + 4 * DBL_EPSILON * c->now;
	for (int q = 0; q < QUEUE_COUNT; q++) {
		struct sim_lane *l = &c->lanes[q];

		if (l->running)
			l->left = left_us[q] - step <= slack ? 0 : l->left - step * rate[q];
	}
	return true;
}

bool
sim_clock_step(struct sim_clock *c)
{
	settle(c);
	return advance(c);
}
