/* SPDX-License-Identifier: Apache-2.0 */
/* explain_more.h - the time of a plan's step with a faster link, with more memory and with less */
#ifndef SRC_COMMAND_EXPLAIN_MORE_H
#define SRC_COMMAND_EXPLAIN_MORE_H
#include "src/library/plan_request.h"

struct more {
	const char *policy;		/* of both plans */
	double link_us;			/* step time of this plan with 1 GB/s more in each direction */
	double link_anew_us;		/* step time of the policy's plan for that link; 0: it finds none */
	bytes_t budget_bytes;		/* 1 GiB more than the plan's */
	double memory_us;		/* step time of the policy's plan for that budget; 0: it finds none */
	const char *reason;		/* the policy's reason, if memory_us is 0 */
	bytes_t less_budget_bytes;	/* 1 GiB less than the plan's; 0: it has no more */
	double less_us;			/* step time of the policy's plan for that budget; 0: it finds none */
	const char *less_reason;	/* the policy's reason, if less_us is 0 */
};

/* Fills m for plan p, which has passed check_plan().  The options give the new plans' policy, placement and time limit. */
int explain_more(struct more *m, const struct plan *p, const struct plan_request *options, struct arena *a, struct err *e) WARN_UNUSED;
#endif
