/* SPDX-License-Identifier: Apache-2.0 */
/* policy.h - the table of policies: each decides what is kept, offloaded, fetched, recomputed, and when
 *
 * To add a policy, write policy_NAME.c, name it in local.mk, and add a row.  A policy turns a problem into a schedule and knows no
 * offsets.
 */
#ifndef PLANNER_POLICY_POLICY_H
#define PLANNER_POLICY_POLICY_H
#include "planner/schedule/problem.h"
#include "planner/schedule/schedule.h"
#include "src/base/with_glpk.h"

/* Fills s.  ERR_NO: the policy cannot handle the problem; it never handles a part of it. */
typedef int policy_fn(struct schedule *s, const struct problem *p, struct arena *a, struct err *e);

/* These policies may move persistent tensors, too, so they may have plans for budgets below the resident bound. */
#define POLICIES_OURS(ROW) \
	ROW("hybrid", policy_hybrid, "keep, offload or recompute, each tensor by what it costs")

#define POLICIES(ROW) \
	ROW("keep",   policy_keep,   "everything stays on the device from first to last use") \
	ROW("layrub", policy_layrub, "feature maps leave during their last forward layer, return one layer ahead") \
	ROW("none",   policy_none,   "no reuse: every map has memory of its own for the whole step, as in the original Caffe") \
	ROW("layup",  policy_layup,  "Layrub with copies over several layers, two layers ahead, cheap layers made again") \
	ROW("vdnn-all", policy_vdnn_all, "every layer's input leaves during its forward, the nearest one is prefetched") \
	ROW("vdnn-conv", policy_vdnn_conv, "every convolution's input leaves during its forward, the nearest one is prefetched") \
	ROW("superneurons", policy_superneurons, "convolution outputs leave, cheap layers are made again, as the budget asks") \
	ROW("capuchin", policy_capuchin, "swaps that hide behind compute first, then swap or recompute, whichever costs less for a byte") \
	ROW("autoswap", policy_autoswap, "swaps by size times the idle interval, weighted by the excess over the budget") \
	ROW("g10", policy_g10, "swaps by the area over the budget that they remove, in free time of the link") \
	ROW("checkpoint-sqrt", policy_checkpoint_sqrt, "sqrt(n) segments, each run again for its backward") \
	ROW("checkpoint-dp", policy_checkpoint_dp, "the least recomputation on a chain of blocks, by dynamic programming")

/* Slower policies, which hybrid does not evaluate.  They may move persistent tensors. */
#define POLICIES_SLOW(ROW) \
	WITH_GLPK(ROW("ilp", policy_ilp, "an integer program over keep, offload and recompute; for small graphs, or with a time limit"))

struct policy {
	const char *name, *summary;
	policy_fn *plan;
	bool quick;		/* hybrid evaluates the policy, too */
	bool moves_persistent;
	bool has_floors;	/* the planner makes its plans no slower than those for less memory (planner/floors.h) */
	bool begins_on_host;	/* persistent tensors whose homes are given may be at home on the host */
	const char *command;	/* of an external policy, for /bin/sh; NULL: the policy is a row of the table */
};
extern const struct policy policies[];	/* ends with a NULL name */

#define ROW(name, fn, summary) policy_fn fn;
POLICIES_OURS(ROW)
POLICIES(ROW)
POLICIES_SLOW(ROW)
#undef ROW

#define ROW(name, fn, summary) + 1
enum { POLICY_COUNT = 0 POLICIES_OURS(ROW) POLICIES(ROW) POLICIES_SLOW(ROW) };
#undef ROW

/* Returns a budget below which the policy has no plan, by sizes alone. */
bytes_t policy_least_budget(const struct policy *row, const struct lifetimes *l);

/* False: the lifetimes' homes are given, some of them on the host, and the policy has all tensors begin on the device. */
bool policy_takes_homes(const struct policy *row, const struct lifetimes *l);

const struct policy *policy_find(const char *name);	/* NULL: none of that name */

/* An external policy is a program in any language (docs/add-policy.md).  Its name is POLICY_EXTERNAL and the command. */
#define POLICY_EXTERNAL "exec:"
policy_fn policy_external;

/* Returns the row of the external policy of that name; it lives as long as the name. */
struct policy policy_external_row(const char *name);
#endif
