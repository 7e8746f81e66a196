/* SPDX-License-Identifier: Apache-2.0 */
/* fit_search.h - the largest batch that fits, by bisection on plans that are made and checked */
#ifndef SRC_COMMAND_FIT_SEARCH_H
#define SRC_COMMAND_FIT_SEARCH_H
#include "src/library/plan_request.h"

enum { FIT_BATCH_MAX = 1 << 20 };

/* The question, the same for all evaluations. */
struct fit_problem {
	const char *name;		/* of the network or graph, as typed */
	struct plan_request request;	/* its budget in bytes; its policy is for FIT_PLANNED */
	double most_overhead;		/* of a plan: 0.25 is a quarter longer than the ideal time */
};

/* Where tensors may be: all stay on the device; as the request's policy decides; all stay, and gradients of parameters live over the
 * whole step, as gradient accumulation needs it. */
enum fit_mode { FIT_RESIDENT, FIT_PLANNED, FIT_MICRO };

/* One batch, planned and timed in one mode. */
struct fit_evaluation {
	uint32_t batch;			/* 0: the document's own */
	bool has_plan;			/* else why */
	bool ok;			/* and its overhead is allowed */
	struct figures figures;		/* of the plan, without the names of graph and device */
	double overhead;		/* of the plan; of a step without time 0 */
	double ideal_time_us;
	double update_time_us;		/* of the ideal time: once a step, not once a sample */
	bytes_t gradient_bytes;		/* of parameters: what accumulation adds up */
	char why[1024];			/* no plan, or not ok */
};

/* Evaluate a batch (0: the document's own).  Fails only where the input does. */
int fit_evaluate(struct fit_evaluation *v, const struct fit_problem *p, enum fit_mode mode, uint32_t batch, struct err *e) WARN_UNUSED;

/* The largest batch from at_least on that is ok (0: not even one), and the smallest evaluated that is not.  Exact below
 * 64, else to one part in 32; when the request is stopped, the largest until then.  at_least: a batch that is known to be ok, or 0;
 * its evaluation may stand in best already. */
int fit_largest(struct fit_evaluation *best, struct fit_evaluation *over, const struct fit_problem *p, enum fit_mode mode, uint32_t at_least,
    uint32_t at_most, struct err *e) WARN_UNUSED;

/* True when the best so far is wanted now. */
bool fit_stopped(const struct fit_problem *p);

/* A batch as micro-steps of the largest size that stays resident. */
struct fit_accumulation {
	uint32_t micro_batch, micro_steps;	/* 0: not even one sample */
	double step_time_us;
};
int fit_accumulate(struct fit_accumulation *f, const struct fit_problem *p, uint32_t batch, const struct device *d,
    struct err *e) WARN_UNUSED;
#endif
