/* SPDX-License-Identifier: Apache-2.0 */
/* policy.h - what is kept, offloaded, fetched, recomputed, and when
 *
 * A policy is a row of the table: to add one, write policy_NAME.c, name it in local.mk, and
 * add a row.  It turns a problem into a schedule and knows nothing of offsets.
 */
#ifndef PLANNER_POLICY_H
#define PLANNER_POLICY_H
#include "planner/lifetimes.h"
#include "planner/placement.h"
#include "planner/schedule.h"
#include "src/device.h"

struct problem {
	const struct graph *graph;
	const struct device *device;
	const struct lifetimes *life;
	bytes_t budget_bytes;		/* what the buffers may take, fragmentation included */
	const struct placement *placement;	/* for policies that place what they consider */
};

/* Fill s.  A policy that cannot handle the problem says so (ERR_NO); it never half-works. */
typedef int policy_fn(struct schedule *s, const struct problem *p, struct arena *a, struct err *e);

#define POLICIES(ROW) \
	ROW("hybrid", policy_hybrid, "keep, offload or recompute, each tensor by what it costs") \
	ROW("keep",   policy_keep,   "everything stays on the device from first to last use") \
	ROW("layrub", policy_layrub, "feature maps leave during their last forward layer, return one layer ahead")

struct policy { const char *name; const char *summary; policy_fn *plan; };
extern const struct policy policies[];	/* ends with a NULL name */

#define ROW(name, fn, summary) policy_fn fn;
POLICIES(ROW)
#undef ROW

const struct policy *policy_find(const char *name);	/* NULL: none of that name */
#endif
