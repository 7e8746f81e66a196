/* SPDX-License-Identifier: Apache-2.0 */
/* fit_search.h - the largest batch that fits, by bisection on plans that are made and checked */
#ifndef SRC_LIBRARY_FIT_SEARCH_H
#define SRC_LIBRARY_FIT_SEARCH_H
#include "src/library/plan_request.h"

enum { FIT_BATCH_MAX = 1 << 20 };

/* The question, the same for all evaluations. */
struct fit_problem {
	const struct task *task;	/* not owned; its batch is the one that was asked for */
	struct plan_request request;	/* its budget in bytes; its policy is for FIT_PLANNED.  progress gets a line before each plan */
	double most_overhead;		/* of a plan: 0.25 is a quarter longer than the ideal time */
};

/* Where tensors may be. */
enum fit_mode {
	FIT_RESIDENT,	/* all stay on the device */
	FIT_PLANNED,	/* as the request's policy decides */
	FIT_MICRO	/* one pass: all stay, and gradients of parameters live over the whole step: gradient accumulation needs that */
};

/* One batch, planned and timed in one mode. */
struct fit_evaluation {
	uint32_t batch;			/* 0: a graph */
	bool has_plan;			/* false: `why` has the reason */
	bool ok;			/* it has a plan, whose overhead is allowed */
	struct figures figures;		/* of the plan, without its graph, device and configuration */
	double overhead;		/* of the plan (plan_overhead()) */
	double ideal_time_us;
	double update_time_us;		/* the part of the ideal time that updates take: once a step, not once a sample */
	bytes_t gradient_bytes;		/* of the gradients that updates read: accumulation adds these up */
	char why[1024];			/* the reason, without a plan or if not ok */
};

/* Evaluates a batch (0: the task's own).  Fails only for bad input, and when memory runs out. */
int fit_evaluate(struct fit_evaluation *v, const struct fit_problem *p, enum fit_mode mode, uint32_t batch, struct err *e) WARN_UNUSED;

/* Finds the largest batch of at_least .. at_most that is ok (*best; batch 0: none), and the smallest evaluated one that is not (*over).
 * The result is exact below 64, else to one part in 32.  After a stop it is the largest found until then.  at_least: a batch known to
 * be ok, or 0; if *best already holds its evaluation, the evaluation is not repeated. */
int fit_largest(struct fit_evaluation *best, struct fit_evaluation *over, const struct fit_problem *p, enum fit_mode mode, uint32_t at_least,
    uint32_t at_most, struct err *e) WARN_UNUSED;

/* Returns "12.3 % longer"; "infinitely longer" if the ideal step takes no time. */
const char *fit_longer(char text[32], double overhead);

/* True once the search must end with its best result so far. */
bool fit_stopped(const struct fit_problem *p);

struct fit_accumulation {
	uint32_t micro_batch, micro_steps;	/* 0: one sample does not fit */
	double step_time_us;
};

/* Splits a step of so many samples into the fewest equal micro-steps that stay resident. */
int fit_accumulate(struct fit_accumulation *f, const struct fit_problem *p, uint32_t samples, const struct device *d,
    struct err *e) WARN_UNUSED;
#endif
