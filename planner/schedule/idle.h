/* SPDX-License-Identifier: Apache-2.0 */
/* idle.h - the idle intervals of a graph's tensors
 *
 * An idle interval is the ops between two uses of a tensor.  A persistent tensor has one before its first use and one after
 * its last use, too; a result has one after its last use.  Over an idle interval the tensor's bytes may be off the device.  Intervals without an op, and those of
 * tensors without bytes or uses, are left out.  Users filter the list, and keep state of their own beside an interval.
 */
#ifndef PLANNER_SCHEDULE_IDLE_H
#define PLANNER_SCHEDULE_IDLE_H
#include "planner/schedule/lifetimes.h"

struct idle_interval {
	uint32_t tensor;
	uint32_t slot;		/* as in decisions.h: of the use before it, or decisions_before() */
	uint32_t from, to;	/* ops from <= k < to do not use the tensor; to == op_count: it lasts to the step's end */
	bool read;		/* op `to` reads the tensor, so that its value is still needed */
};

/* True: the tensor is back on the device at the end of the interval.  A result may end the step on the host. */
static inline bool
idle_returns(const struct graph *g, const struct idle_interval *x)
{
	return x->to < g->op_count || kind_is_persistent(g->tensors[x->tensor].kind);
}

/* Returns all idle intervals, by tensor and time. */
struct idle_interval *idle_intervals(const struct lifetimes *l, uint32_t *count, struct arena *a);
#endif
