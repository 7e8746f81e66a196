/* SPDX-License-Identifier: Apache-2.0 */
/* refusal.h - the errors of problems without a plan
 *
 * A refusal says what is proved and what is known, and nothing else: the bytes that the largest op needs, and the least budget for which
 * a plan is known.  All functions return -1 with ERR_NO, unless another failure comes first.
 */
#ifndef PLANNER_REFUSAL_H
#define PLANNER_REFUSAL_H
#include "planner/floors.h"

/* The error of a budget that no plan of any policy fits.  f: NULL, or where to look for a plan that needs more. */
int refuse_budget(const struct problem *p, struct floors *f, struct arena *a, struct err *e);

/* The error of a budget that no plan with all persistent tensors on the device fits. */
int refuse_resident(const struct policy *row, const struct problem *p, struct err *e);

/* The error of a policy that has no tensors begin on the host, where some of the homes given are. */
int refuse_homes_on_host(const struct policy *row, const struct homes *homes, struct err *e);

/* The error of homes that need more memory than the budget, or more than the device's host memory; returns 0 if they do not. */
int refuse_homes(const struct homes *homes, const struct problem *p, struct err *e);

/* The error of a search that found no plan, for the reason `why`.  f: as above. */
int refuse_search(const struct problem *p, struct floors *f, const struct err *why, struct err *e);

/* The error of a plan that is over the budget or over the host's pinned memory; returns 0 if it is neither. */
int refuse_excess(const struct plan *plan, const struct device *d, struct err *e);
#endif
