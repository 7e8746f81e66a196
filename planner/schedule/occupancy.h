/* SPDX-License-Identifier: Apache-2.0 */
/* occupancy.h - how full memory is at each op, while a policy decides what leaves
 *
 * Bytes are rounded up to DEVICE_ALIGN, workspaces and persistent tensors are in. It begins with
 * everything kept; a policy takes a tensor out over the ops of a gap, and asks where the
 * limit is still passed.  Each change and question costs O(log ops).
 */
#ifndef PLANNER_SCHEDULE_OCCUPANCY_H
#define PLANNER_SCHEDULE_OCCUPANCY_H
#include "planner/schedule/decisions.h"
#include "planner/schedule/problem.h"
#include "src/base/segment_tree.h"

struct residency {
	const struct problem *problem;	/* not owned */
	struct segment_tree live;	/* bytes by op */
	const double *start_us;		/* [op_count + 1] the lifetimes' */
};

void residency_init(struct residency *r, const struct problem *p, struct arena *a);

/* Add bytes (or take them away) at ops [from, to). */
void residency_add(struct residency *r, uint32_t from, uint32_t to, int64_t bytes);

/* The largest over ops [from, to); 0 when there are none. */
int64_t residency_most(const struct residency *r, uint32_t from, uint32_t to);

/* The first (the last) op of [from, to) that has more than limit; `to` (RESIDENCY_NONE) when there is none. */
uint32_t residency_first_over(const struct residency *r, uint32_t from, uint32_t to, int64_t limit);
uint32_t residency_last_over(const struct residency *r, uint32_t from, uint32_t to, int64_t limit);
#define RESIDENCY_NONE SEGMENT_TREE_NONE

/* The op at which so much time has passed: the last one that has begun by then. */
uint32_t residency_op_at(const struct residency *r, double us);

/* A stretch of ops [last + 1, next) in which a transient tensor that will be read again is not used. */
struct gap {
	uint32_t tensor, use;		/* the gap follows this use (lifetimes.h) */
	uint32_t last, next;		/* ops */
	bytes_t bytes;			/* aligned */
	double out_us, in_us;		/* alone on the link */
};

/* All gaps of the problem, by tensor and use.  A gap before a use that overwrites the tensor unread is none. */
struct gap *residency_gaps(const struct residency *r, uint32_t *count, struct arena *a);

/* Offload these gaps' tensors: fill d's fate, gone and back.  Copies go out in the order of last
 * uses and come back in the order of next ones, as the link's rates let them in ideal time; but memory must be
 * free before what is over the budget, whatever the wait, and is taken again no earlier than the budget
 * allows.  r has the tensors out over their whole gaps, and gets them back where they
 * are there.  eager: return as early as there is room, not as late as is safe. */
void residency_times(struct residency *r, struct decisions *d, const struct gap *gaps, const uint32_t *chosen,
    uint32_t count, bool eager, struct arena *a);

/* The aligned peak of a schedule, reruns included, over its steps; the first step that reaches it in *step unless that is NULL. */
bytes_t residency_peak(const struct schedule *s, const struct graph *g, uint32_t *step, struct arena *a);

/* decisions_schedule(), and ERR_NO when the schedule's peak is over the budget after all. */
int residency_schedule(struct schedule *s, const struct problem *p, const struct decisions *d, struct arena *a, struct err *e) WARN_UNUSED;
#endif
