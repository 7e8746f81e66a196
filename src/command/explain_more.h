/* SPDX-License-Identifier: Apache-2.0 */
/* explain_more.h - what a faster link or more memory would do for a plan's step */
#ifndef SRC_COMMAND_EXPLAIN_MORE_H
#define SRC_COMMAND_EXPLAIN_MORE_H
#include "src/library/plan_request.h"

struct more {
	const char *policy;		/* of both plans */
	double link_us;			/* the step of this plan with 1 GB/s more each way */
	double link_anew_us;		/* of the policy's plan for that link; 0: none */
	bytes_t budget_bytes;		/* 1 GiB more than the plan's */
	double memory_us;		/* the step of the policy's plan there; 0: none */
	const char *reason;		/* why none */
};

/* p has passed check_plan().  The two plans are made as the options say: policy, placement, time limit. */
int explain_more(struct more *m, const struct plan *p, const struct plan_request *options, struct arena *a, struct err *e) WARN_UNUSED;
#endif
