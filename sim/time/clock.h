/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h - the clock of the simulator: three in-order queues of work, one link, one event after another
 *
 * The clock knows works, and no plans.  A work is an op or a transfer.  It starts when its queue is free and all works that it waits
 * for have ended.  A clock is plain data: a copy of it is the state of the simulation at that moment, from which sim_clock_step() goes on.
 * The copy serves other works, too, where no queue differs up to and including the work that is next there.
 */
#ifndef SIM_TIME_CLOCK_H
#define SIM_TIME_CLOCK_H
#include "src/documents/plan.h"

/* Work is measured in the microseconds that it would take alone on an idle machine. */
struct sim_work {
	double us;			/* of an op, or of a transfer's latency */
	double move_us;			/* of a transfer: the work after its latency, which moves its bytes */
	double bytes_per_us;		/* rate of that work, alone on the link */
	double loaded;			/* of a transfer: the share of that rate while compute runs, 0 < loaded <= 1 */
	double contention;		/* of an op: its time factor while both directions copy */
	uint32_t wait[QUEUE_COUNT];	/* so many works of each queue must have ended */
};

/* A queue and its present work: an op, the latency of a transfer, or its movement of bytes.  Ops and transfers shrink by one rule; only
 * their rates differ. */
struct sim_lane {
	const struct sim_work *works;	/* [count] in order; not owned */
	struct sim_span *spans;		/* NULL, or [count] filled */
	uint32_t count, next;		/* works[next] is the head; those before it have ended */
	bool ready;			/* since ready_us, the head may start */
	bool running;
	bool resuming;			/* running, and the head has not begun: its queue goes on after a wait */
	bool moving;			/* a transfer past its latency: it takes a share of the link */
	double ready_us;
	double free_us;			/* since when the queue has been free for the head */
	double left;			/* of the present work */
};

struct sim_clock {
	double now;			/* us */
	double duplex;			/* bytes a us */
	double wait_us;			/* until a queue goes on whose head had to wait for another queue */
	bool one_engine;		/* one transfer at a time */
	struct sim_lane lanes[QUEUE_COUNT];
};

/* The works of an op of `us`, and of a transfer.  factor: on the duration. */
struct sim_work sim_work_of_op(const struct device *d, const struct op *o, uint32_t alternative, double factor);
struct sim_work sim_work_of_transfer(const struct device *d, enum direction dir, bytes_t bytes, double factor);

/* Fills c: the step's beginning, with empty queues. */
void sim_clock_init(struct sim_clock *c, const struct device *d);

/* Applies all events of this moment, and moves the clock to the next end of a piece of work; false when no queue works. */
bool sim_clock_step(struct sim_clock *c);
#endif
