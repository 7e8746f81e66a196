/* SPDX-License-Identifier: Apache-2.0 */
/* timeline.h - a schedule's works in three queues and its bytes by step, made op by op
 *
 * A timeline holds what program.h makes of a schedule without offsets: live ranges, the instructions as works of the simulator's clock,
 * and their waits.  It is made along decision_walk.h.  Its state at an op can be kept, and the timeline made again from there on.
 * tests/search.c holds it to the bits of the pipeline (schedule, program, simulation).
 */
#ifndef PLANNER_SEARCH_TIMELINE_H
#define PLANNER_SEARCH_TIMELINE_H
#include "planner/schedule/decision_walk.h"
#include "planner/schedule/problem.h"
#include "sim/time/clock.h"
#include "src/base/rank.h"

struct live_range {
	int64_t bytes;			/* aligned */
	uint32_t lower, upper;		/* steps [lower, upper); upper is filled when the range has ended */
	uint32_t owner;			/* tensor; a workspace has tensor_count + op */
	bool fetched;			/* it begins with a fetch, before the step's own ops */
	bool departs;			/* it is copied out */
	bool joined;			/* it has taken another range's bytes over ... */
	uint32_t part_of;		/* ... and this one, the first of the chain, had them first */
	bool taken;			/* its bytes have been taken over */
};

/* An output may take an input's bytes in the run at a step. */
struct line_pair { uint32_t from, to, step; };

/* A tensor's live range at hand, and its latest copies as positions in their queues, plus 1; 0: none. */
struct line_tensor {
	uint32_t range;			/* or PLAN_NONE */
	uint32_t upper;			/* of the range, so far */
	uint32_t filled;		/* the fetch that filled the range */
	uint32_t out;			/* the copy out that the host holds */
	uint32_t in;			/* the last fetch from the host's buffer */
};

/* A copy, beside its work. */
struct line_copy {
	uint32_t step;			/* it is listed before this step */
	uint32_t after_out;		/* of a fetch: its own copy out, as in line_tensor */
	int64_t bytes;			/* aligned */
};

/* Facts of the graph and the device about every op and tensor, beside each other, and once for all timelines. */
struct line_tables {
	uint32_t *touch_start;		/* [op_count + 1]: op k touches touches[touch_start[k] .. touch_start[k + 1]), reads first */
	struct line_touch { uint32_t tensor; bool anew; } *touches;	/* anew: it begins another live range */
	uint32_t *pair_start;		/* [op_count + 1] of pairs, the same */
	struct inplace *pairs;		/* whose sizes and kinds permit that the output takes the input's bytes */
	struct sim_work *runs;		/* [op_count] by the op's own algorithm */
	struct sim_work *copies[DIRECTION_COUNT];	/* [tensor_count] */
	int64_t *bytes;			/* [tensor_count] aligned */
};

/* Lengths of a timeline's arrays at some op. */
struct line_counts { size_t steps, moves, ranges, pairs, works[QUEUE_COUNT]; };

struct time_line {
	const struct problem *problem;	/* not owned */
	const struct line_tables *tables;	/* not owned */
	struct arena *arena;
	struct decision_walk walk;
	struct line_tensor *tensors;	/* [tensor_count] */
	struct live_range *ranges;	/* [counts.ranges] */
	struct line_pair *pairs;	/* [counts.pairs] in step order */
	struct sim_work *works[QUEUE_COUNT];	/* [counts.works] the compute queue's are the steps */
	struct line_copy *copies[QUEUE_COUNT];	/* [counts.works] of the two copy queues */
	struct line_counts counts, capacity;
	size_t copy_capacity[QUEUE_COUNT];
	uint32_t *leaves;		/* [op_count + 2] the first move that leaves before each op, or WALK_NEVER, newest first */
	uint32_t *next_leave;		/* [next_leave_capacity] of a move: the next of the same list */
	size_t next_leave_capacity;
	struct ranked *order;		/* [tensor_count] scratch */
	double compute_us;		/* of all steps so far */
	uint32_t first_range;		/* the ranges before it are those of tensors at home on the device */
	bool has_results;
	/* Filled by timeline_finish(). */
	int64_t *live, *begun;		/* [step_count + 1] bytes at each step, and of the ranges that begin there */
	size_t live_capacity;
	uint32_t most_step;		/* with the most bytes; the step count: at the end */
	int64_t most_bytes;
};

void line_tables_init(struct line_tables *tables, const struct problem *p, struct arena *a);

/* Fills t, before the first op. */
void timeline_init(struct time_line *t, const struct problem *p, const struct line_tables *tables, const struct decisions *d, struct arena *a,
    struct err *e);

/* Goes back to the step's beginning. */
void timeline_begin(struct time_line *t);

/* Goes on over op k.  False: the decisions make no schedule. */
bool timeline_op(struct time_line *t, uint32_t k);

/* Goes over the step's end, and finds the bytes at each step.  False: there is no schedule, or it is over the budget; then most_bytes is
 * over it, else 0. */
bool timeline_finish(struct time_line *t);

/* Adds the waits of works for room: copies out that must have ended so that the bytes in use fit the budget (program.h). */
void timeline_wait_for_room(struct time_line *t);

/* A timeline's state before some op. */
struct line_state {
	uint32_t op;
	struct line_counts counts;
	double compute_us;
	struct walk_tensor *walk;	/* [tensor_count] */
	struct line_tensor *line;	/* [tensor_count] */
};

/* Fills s, whose arrays are the caller's, with t's state before op k. */
void timeline_keep(struct line_state *s, const struct time_line *t, uint32_t k);

/* Makes t what `from` was when s was kept.  from may be t itself. */
void timeline_restore(struct time_line *t, const struct time_line *from, const struct line_state *s);
#endif
