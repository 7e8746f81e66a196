/* SPDX-License-Identifier: Apache-2.0 */
/* explain_more.h - what a faster link or more memory would do for a plan's step */
#ifndef SRC_COMMAND_EXPLAIN_MORE_H
#define SRC_COMMAND_EXPLAIN_MORE_H
#include "src/documents/plan.h"

struct more {
	double link_us;			/* this plan with 1 GB/s more each way */
	double link_anew_us;		/* hybrid's plan for that link; 0: none */
	bytes_t budget_bytes;		/* 1 GiB more than the plan's */
	double memory_us;		/* hybrid's plan there; 0: none */
	const char *reason;		/* why none */
};

/* p has passed check_plan(). */
int explain_more(struct more *m, const struct plan *p, struct arena *a, struct err *e) WARN_UNUSED;
#endif
