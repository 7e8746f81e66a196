/* SPDX-License-Identifier: Apache-2.0 */
/* evaluator.h - the step time of decisions that change a little at a time
 *
 * The evaluator keeps the timeline of one set of decisions, the base, with its state every few ops and the simulator's clock every few
 * events.  A change of the decisions is evaluated from the first op on that it touches; the clock goes on from its last state
 * before the first work that differs.  The time is that of the pipeline for the same decisions, without offsets (program.h), to the bit.
 *
 * The caller owns the decisions and changes them in place.  A trial either becomes the base, by evaluator_accept(), or the caller takes
 * the change back.
 */
#ifndef PLANNER_SEARCH_EVALUATOR_H
#define PLANNER_SEARCH_EVALUATOR_H
#include "planner/schedule/idle.h"
#include "planner/search/timeline.h"

struct evaluator {
	const struct problem *problem;	/* not owned */
	const struct decisions *decisions;	/* not owned */
	struct arena *arena;
	struct err err;			/* of the last trial that makes no schedule */
	struct line_tables tables;
	struct time_line lines[2];
	struct time_line *base, *trial;
	uint32_t stride, state_count;	/* of states[]: before ops 0, stride, 2 stride ... */
	struct line_state *states;	/* of the base */
	struct sim_clock *clocks;	/* [clock_count] of the base, in time order */
	size_t clock_count, clock_capacity;
	struct queue_rest { double queue_us, link_us; } *rest[QUEUE_COUNT];	/* [rest_capacity] of the trial's works: least time for the
					 * works from each on, of the queue and of the link */
	size_t rest_capacity[QUEUE_COUNT];
	struct sim_span *spans[QUEUE_COUNT];	/* [works] of the base */
	size_t span_capacity[QUEUE_COUNT];
	double us;			/* of the base */
	double least_share;		/* of its own time that an op may take by an alternative */
	uint32_t from;			/* op from which the last trial was made */
};

/* Returned for decisions that make no schedule, need more memory than the budget, or are no faster than what there is to beat. */
#define EVALUATOR_NO INFINITY

/* Fills v; the base is the decisions as they are.  False: they make no schedule within the budget. */
bool evaluator_init(struct evaluator *v, const struct problem *p, const struct decisions *d, struct arena *a);

/* Changes the decision on an idle interval; returns the op from which on it has an effect: the op after which its slot decides, 0 before
 * the first use, or, where only the times of copies change, the earliest of these. */
uint32_t evaluator_change(struct decisions *d, const struct idle_interval *idle, enum fate fate, uint32_t gone, uint32_t back);

/* Returns the step time of the decisions, which differ from the base's only in their effect on ops from op `from` on; 0 for homes.  A time
 * of at least beat_us becomes EVALUATOR_NO. */
double evaluator_try(struct evaluator *v, uint32_t from, double beat_us);

/* Makes the last trial the base. */
void evaluator_accept(struct evaluator *v);
#endif
