/* SPDX-License-Identifier: Apache-2.0 */
/* occupancy.h - bytes in use by op, while a policy chooses the tensors that leave
 *
 * Bytes are rounded up to DEVICE_ALIGN; workspaces and persistent tensors are included.  At first every tensor is kept.  A
 * policy takes a tensor out over an idle interval, and asks for the ops that are still over the budget.  Each change and question
 * costs O(log ops).
 */
#ifndef PLANNER_SCHEDULE_OCCUPANCY_H
#define PLANNER_SCHEDULE_OCCUPANCY_H
#include "planner/schedule/decisions.h"
#include "planner/schedule/idle.h"
#include "planner/schedule/problem.h"
#include "src/base/segment_tree.h"

struct occupancy {
	const struct problem *problem;	/* not owned */
	struct segment_tree live;	/* bytes by op */
	const double *start_us;		/* [op_count + 1] the lifetimes' */
};

/* Fills r: every tensor is kept. */
void occupancy_init(struct occupancy *r, const struct problem *p, struct arena *a);

/* Adds bytes, or takes them out, at ops [from, to). */
void occupancy_add(struct occupancy *r, uint32_t from, uint32_t to, int64_t bytes);

/* The largest occupancy over ops [from, to); 0 if there are none. */
int64_t occupancy_most(const struct occupancy *r, uint32_t from, uint32_t to);

/* An idle interval, with the bytes and the copy times of its tensor. */
struct timed_interval {
	struct idle_interval idle;
	bytes_t bytes;			/* aligned */
	double out_us, in_us;		/* alone on the link */
};

/* The idle intervals of persistent tensors; those between two uses of other tensors; those after a result's last use. */
enum interval_set { INTERVALS_PERSISTENT, INTERVALS_BETWEEN_USES, INTERVALS_OF_RESULTS };

/* The idle intervals of a set after which the value is needed, by tensor and time. */
struct timed_interval *occupancy_intervals(const struct occupancy *r, enum interval_set set, uint32_t *count, struct arena *a);

/* Offloads the tensors of the chosen intervals: fills d's fate, gone and back.  Copies go out in the order of last uses and come back
 * in the order of next uses, as the link's rates permit in ideal time.  A tensor is gone before an op that is over the budget, even if
 * compute must wait for the copy, and it returns no earlier than the budget allows.  On entry, r counts the chosen tensors as absent over
 * their whole intervals.  On return, r counts them where they are on the device.  eager: copies return as early as there is room, not as
 * late as is safe. */
void occupancy_times(struct occupancy *r, struct decisions *d, const struct timed_interval *intervals, const uint32_t *chosen,
    uint32_t count, bool eager, struct arena *a);

/* The aligned peak of a schedule over its steps, reruns included.  *step, unless step is NULL: the first that reaches it. */
bytes_t occupancy_peak(const struct schedule *s, const struct graph *g, uint32_t *step, struct arena *a);

/* decisions_schedule(), and ERR_NO if the schedule's peak is over the budget after all. */
int occupancy_schedule(struct schedule *s, const struct problem *p, const struct decisions *d, struct arena *a,
    struct err *e) WARN_UNUSED;
#endif
