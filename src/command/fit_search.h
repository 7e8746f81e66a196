/* SPDX-License-Identifier: Apache-2.0 */
/* fit_search.h - the largest batch that fits, by bisection on plans that are made and checked
 */
#ifndef SRC_COMMAND_FIT_SEARCH_H
#define SRC_COMMAND_FIT_SEARCH_H
#include "planner/planner.h"
#include "src/library/task.h"

enum { FIT_BATCH_MAX = 1 << 20 };

/* What is asked, the same for all trials. */
struct fit_problem {
	const char *name;		/* of the network or graph, as typed */
	struct task_options task;
	bytes_t budget_bytes;
	double most_overhead;		/* of a plan: 0.25 is a quarter longer than the ideal time */
	bool (*stopped)(void);		/* true as soon as the best so far is wanted now (Ctrl-C) */
};

/* One batch planned in one way. */
struct fit_trial {
	uint32_t batch;
	bool has_plan;			/* else why */
	bool ok;			/* and its overhead is allowed */
	double ideal_time_us, step_time_us, overhead, stall_time_us, recompute_time_us;
	double update_time_us;		/* of the ideal time: what is done once a step, not once a sample */
	bytes_t arena_bytes, peak_bytes, host_bytes, offload_bytes, fetch_bytes;
	bytes_t gradient_bytes;		/* of parameters: what accumulation adds up */
	char why[1024];
};

/* Everything stays; a plan; everything stays, gradients of parameters over the step, too. */
enum fit_way { FIT_RESIDENT, FIT_PLANNED, FIT_MICRO };

/* Plan the step at a batch (0: the document's own).  Fails only where the input does. */
int fit_try(struct fit_trial *t, const struct fit_problem *p, enum fit_way way, uint32_t batch, struct err *e) WARN_UNUSED;

/* The largest batch from at_least on that is ok (0: not even one), and the smallest tried that is not.  Exact below
 * 64, else to one part in 32; when p->stopped() ends it, the largest until then.  at_least: a batch that is known to be ok, or 0;
 * its trial may stand in best already. */
int fit_largest(struct fit_trial *best, struct fit_trial *over, const struct fit_problem *p, enum fit_way way, uint32_t at_least,
    uint32_t at_most, struct err *e) WARN_UNUSED;

/* A batch as micro-steps of the largest size that stays resident. */
struct fit_accumulation {
	uint32_t micro_batch, micro_steps;	/* 0: not even one sample */
	double step_time_us;
};
int fit_accumulate(struct fit_accumulation *f, const struct fit_problem *p, uint32_t batch, const struct device *d,
    struct err *e) WARN_UNUSED;
#endif
