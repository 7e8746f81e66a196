/* SPDX-License-Identifier: Apache-2.0 */
/* decisions.h - from a fate for every use of a tensor to a schedule
 *
 * A policy gives every use of a tensor a fate: the tensor is kept after it, offloaded until its next use, or dropped.  A dropped
 * tensor that is used again is rematerialised just before that use.  The ops of its rerun closure (rerun.h) run again,
 * back to tensors that are resident or on the host.  Those on the host are fetched.  A tensor made on the way stays until its next
 * use, so that a dropped segment runs again once and shares one working set.
 *
 * Uses are numbered as in lifetimes.h: use u of tensor t is use_op[u], use_start[t] <= u < use_start[t + 1].
 *
 * Persistent tensors are never dropped.  They may be offloaded before their first use, too (decisions_before()), and after
 * their last, until the step's end at the latest.  Those at home on the host begin and end the step there.
 * A result has a fate after its last use, too: it stays until the step's end, ends the step on the host (FATE_OFFLOAD), or is
 * rematerialised at the end (FATE_DROP).
 * A tensor that the next op uses is kept, unless the decisions are restless: no op lies between that could need its memory, only its place.
 * A value that the host has already, from an earlier offload or as the tensor's home, is not copied out again.
 */
#ifndef PLANNER_SCHEDULE_DECISIONS_H
#define PLANNER_SCHEDULE_DECISIONS_H
#include "planner/schedule/lifetimes.h"
#include "planner/schedule/schedule.h"

enum fate { FATE_KEEP, FATE_OFFLOAD, FATE_DROP };

struct decisions {
	const struct lifetimes *life;	/* not owned */
	uint8_t *fate;			/* [slots] enum fate after use u.  After the last use of a transient tensor: FATE_KEEP holds the tensor
					 * for later reruns, FATE_DROP ends it */
	uint32_t *gone;			/* [slots] FATE_OFFLOAD: the copy has ended before this op; use_op[u] + 1 .. next use */
	uint32_t *from;			/* [slots] or NULL; FATE_OFFLOAD: the copy out may begin after this op.  Default, and latest
					 * allowed: the op of use u.  SCHEDULE_START: at once.  In any case after the op that wrote the
					 * tensor */
	uint32_t *back;			/* [slots] FATE_OFFLOAD: the fetch begins when op back - 1 has ended; gone .. next use, or
					 * op_count: at the end */
	bool *on_host;			/* [tensor_count] or NULL: persistent tensors at home on the host */
	bool keep_recomputed;		/* true (default): all tensors that reruns make stay until their next use; false: only the
					 * tensors that the op at hand needs */
	bool *lean;			/* [op_count] or NULL: tensors that a rerun of this op makes stay only for the op at hand, even
					 * with keep_recomputed */
	uint32_t *alternative;		/* [op_count] algorithm of the op's first run, or PLAN_NONE */
	bool *barrier;			/* [op_count] all queues meet before the op */
	bool in_place;			/* the schedule's flag (schedule.h) */
	bool restless;			/* a tensor that the next op uses has a fate, too */
};

/* The slot of the time before persistent tensor t's first use.  All other slots are uses. */
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

/* Fills d: every tensor is kept until its last use, and a result until the step's end; no barriers.  Persistent tensors are at home on the
 * device, or as homes are given. */
void decisions_init(struct decisions *d, const struct lifetimes *l, struct arena *a);

/* Fills `to` with copies of d's arrays, which it may change. */
void decisions_copy(struct decisions *to, const struct decisions *d, struct arena *a);

/* Fills s, with a copy of d's members in a that shares d's arrays.  ERR_NO when a dropped tensor cannot be made again: an op on the way is not recomputable, or has read a value that has
 * been overwritten since. */
int decisions_schedule(struct schedule *s, const struct decisions *d, struct arena *a, struct err *e) WARN_UNUSED;
#endif
