/* SPDX-License-Identifier: Apache-2.0 */
/* decisions.h - from a fate for every use of a tensor to a schedule
 *
 * A policy says, for each use of each tensor, what becomes of the tensor after it: kept, offloaded until its
 * next use, or dropped.  A dropped tensor that is used again is recomputed: just before that use,
 * the ops that make it are run again, and before them those that make what they read, back to tensors that
 * are there (resident, or on the host: these are fetched).  What such a chain makes on its way stays until its next use, so that a
 * dropped segment is recomputed once and shares one working set.
 *
 * Uses are numbered as in lifetimes.h: use u of tensor t is use_op[u], use_start[t] <= u < use_start[t + 1].
 *
 * Persistent tensors are never dropped.  They may be offloaded before their first use, too (decisions_before()), and after
 * their last, until the step's end at the latest.  Those at home on the host begin and end the step there.
 * A tensor whose value the host has already, from an offload before or as its home, is not copied out again.
 */
#ifndef PLANNER_SCHEDULE_DECISIONS_H
#define PLANNER_SCHEDULE_DECISIONS_H
#include "planner/schedule/lifetimes.h"
#include "planner/schedule/schedule.h"

enum fate { FATE_KEEP, FATE_OFFLOAD, FATE_DROP };

struct decisions {
	const struct lifetimes *life;	/* not owned */
	uint8_t *fate;			/* [slots] enum fate: after use u.  After the last use: FATE_KEEP holds
					 * the tensor for recomputations to come, FATE_DROP ends it */
	uint32_t *gone;			/* [slots] FATE_OFFLOAD: the copy has ended before this op; use_op[u] + 1 .. next use */
	uint32_t *from;			/* [slots] or NULL; FATE_OFFLOAD: the copy may begin when this op has ended, at most the
					 * use's own (the default), or SCHEDULE_START; it waits for who wrote the tensor */
	uint32_t *back;			/* [slots] FATE_OFFLOAD: the fetch begins when op back - 1 has ended; gone .. next use, or
					 * op_count: at the end */
	bool *on_host;			/* [tensor_count] or NULL: persistent tensors at home on the host */
	bool keep_recomputed;		/* what a chain makes on its way stays until its next use (default);
					 * else only what the op at hand needs */
	bool *lean;			/* [op_count] or NULL: what a rerun of this op makes stays only for the op at hand,
					 * whatever keep_recomputed says */
	uint32_t *alternative;		/* [op_count] of each first run, or PLAN_NONE */
	bool *barrier;			/* [op_count] all queues meet before the op */
	bool in_place;			/* the schedule's flag (schedule.h) */
};

/* There is a slot for each use, and one for the time before persistent tensor t's first use. */
static inline uint32_t
decisions_before(const struct lifetimes *l, uint32_t t)
{
	return l->use_start[l->graph->tensor_count] + t;
}

static inline uint32_t
decisions_slots(const struct lifetimes *l)
{
	return l->use_start[l->graph->tensor_count] + l->graph->tensor_count;
}

/* Everything is kept until its last use; no barriers. */
void decisions_init(struct decisions *d, const struct lifetimes *l, struct arena *a);

/* ERR_NO when a dropped tensor cannot be recomputed (an op on the way is not
 * recomputable, or has read what has been overwritten since). */
int decisions_schedule(struct schedule *s, const struct decisions *d, struct arena *a, struct err *e) WARN_UNUSED;
#endif
