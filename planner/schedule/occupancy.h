/* SPDX-License-Identifier: Apache-2.0 */
/* occupancy.h - how full memory is at each op, while a policy decides what leaves
 *
 * Bytes are rounded up to DEVICE_ALIGN, workspaces and persistent tensors are in. It begins with
 * everything kept; a policy takes a tensor out over the ops of an idle interval, and asks where the
 * limit is still passed.  Each change and question costs O(log ops).
 */
#ifndef PLANNER_SCHEDULE_OCCUPANCY_H
#define PLANNER_SCHEDULE_OCCUPANCY_H
#include "planner/schedule/decisions.h"
#include "planner/schedule/idle.h"
#include "planner/schedule/problem.h"

struct occupancy {
	const struct problem *problem;	/* not owned */
	uint32_t leaves;		/* a power of two, at least op_count */
	int64_t *most, *added;		/* [2 * leaves] a tree: largest below, what was added to all below */
	double *start_us;		/* [op_count + 1] of each op when nothing stalls */
};

void occupancy_init(struct occupancy *r, const struct problem *p, struct arena *a);

/* Add bytes (or take them away) at ops [from, to). */
void occupancy_add(struct occupancy *r, uint32_t from, uint32_t to, int64_t bytes);

/* The largest over ops [from, to); 0 when there are none. */
int64_t occupancy_most(const struct occupancy *r, uint32_t from, uint32_t to);

/* The first (the last) op of [from, to) that has more than limit; `to` (OCCUPANCY_NONE) when there is none. */
uint32_t occupancy_first_over(const struct occupancy *r, uint32_t from, uint32_t to, int64_t limit);
uint32_t occupancy_last_over(const struct occupancy *r, uint32_t from, uint32_t to, int64_t limit);
#define OCCUPANCY_NONE UINT32_MAX

/* The op at which so much time has passed: the last one that has begun by then. */
uint32_t occupancy_op_at(const struct occupancy *r, double us);

/* An idle interval, and what moving its tensor takes. */
struct timed_interval {
	struct idle_interval idle;
	bytes_t bytes;			/* aligned */
	double out_us, in_us;		/* alone on the link */
};

/* The idle intervals after which the value is needed, of persistent tensors or of transient ones, by tensor and time. */
struct timed_interval *occupancy_intervals(const struct occupancy *r, bool persistent, uint32_t *count, struct arena *a);

/* Offload these intervals' tensors: fill d's fate, gone and back.  Copies go out in the order of last
 * uses and come back in the order of next ones, as the link's rates let them in ideal time; but memory must be
 * free before what is over the budget, whatever the wait, and is taken again no earlier than the budget
 * allows.  r has the tensors out over their whole idle intervals, and gets them back where they
 * are there.  eager: return as early as there is room, not as late as is safe. */
void occupancy_times(struct occupancy *r, struct decisions *d, const struct timed_interval *intervals, const uint32_t *chosen,
    uint32_t count, bool eager, struct arena *a);

/* The aligned peak of a schedule, reruns included, over its steps; the first step that reaches it in *step unless that is NULL. */
bytes_t occupancy_peak(const struct schedule *s, const struct graph *g, uint32_t *step, struct arena *a);

/* decisions_schedule(), and ERR_NO when the schedule's peak is over the budget after all. */
int occupancy_schedule(struct schedule *s, const struct problem *p, const struct decisions *d, struct arena *a, struct err *e) WARN_UNUSED;
#endif
