/* SPDX-License-Identifier: Apache-2.0 */
/* fit_search.h - the largest batch that fits, by plans that are made and checked, and by bounds; or the longest sequence, or the largest image
 *
 * Below, the batch stands for any of the three sizes.  Whether all of a step is resident changes once as the batch grows, so that bisection
 * finds the largest exactly.  Plans are uneven:
 * a search is a draw, and state that moves once a step is spread over more samples in a larger batch.  So the search for the largest
 * batch with a plan begins at the top: bounds say from which batch on no plan can do.  It goes down by quick plans, always two side by side,
 * so that the answer does not depend on the number of threads.  Each can be made again with the same effort.  The search does not depend on
 * the batch that was asked for.
 */
#ifndef SRC_LIBRARY_FIT_SEARCH_H
#define SRC_LIBRARY_FIT_SEARCH_H
#include "src/library/plan_request.h"

enum {
	FIT_BATCH_MAX = 1 << 20,
	FIT_ABREAST = 2			/* 2 .. 16: plans side by side: a part of the answer, so that threads are not */
};

/* The size whose largest value is asked for. */
enum fit_axis { FIT_BATCH, FIT_SEQ, FIT_IMAGE };
extern const char *const fit_axis_names[];	/* ends with NULL */

/* The question, the same for all evaluations. */
struct fit_problem {
	const struct task *task;	/* not owned; its batch is the one that was asked for */
	struct plan_request request;	/* its budget in bytes; its policy is for FIT_PLANNED.  progress gets a line before each plan */
	enum fit_axis axis;
	uint32_t unit, own;		/* axes but FIT_BATCH: sizes are multiples of unit; own: the size asked for, in units */
	/* Axes but FIT_BATCH: the network, which is read anew at each size, by its name or, if that is NULL, from its text. */
	const char *document;
	const struct json_source *text;
	double most_overhead;		/* of a plan: 0.25 is a quarter longer than the ideal time */
	uint32_t passes;		/* of a step; 0: the task's own */
};

/* Returns a size of the problem in its own unit: samples, or the length of a sequence, or the height of an image. */
static inline uint32_t
fit_size(const struct fit_problem *p, uint32_t size)
{
	return p->axis == FIT_BATCH ? size : size * p->unit;
}

/* Where tensors may be. */
enum fit_mode {
	FIT_RESIDENT,	/* all stay on the device */
	FIT_PLANNED,	/* as the request's policy decides, without floors over budgets */
	FIT_TRIAL,	/* the same with less effort; there may be no plan where it would be too slow, and not by a little */
	FIT_DRAFT,	/* the same as FIT_TRIAL with much less effort still */
	FIT_MICRO	/* one pass: all stay, and gradients of parameters live over the whole step: gradient accumulation needs that */
};

/* One batch, planned and timed in one mode. */
struct fit_evaluation {
	uint32_t size;			/* the batch, or on another axis its size in units; 0: a graph */
	uint32_t batch;			/* of one pass; 0: a graph */
	uint32_t passes;		/* 0: the task's own */
	bool has_plan;			/* false: `why` has the reason */
	bool ok;			/* it has a plan, whose overhead is allowed */
	struct figures figures;		/* of the plan, without its graph, device and configuration */
	double overhead;		/* of the plan (plan_overhead()) */
	double effort;			/* of the search; 0: the usual */
	double ideal_time_us;
	double peak_time_us;		/* of all FLOPs at the device's peak rates */
	double update_time_us;		/* the part of the ideal time that updates take: once a step, not once a sample */
	bytes_t gradient_bytes;		/* of the gradients that updates read: accumulation adds these up */
	char why[1024];			/* the reason, without a plan or if not ok */
};

/* Evaluates a size (0: the task's own).  Fails only for bad input, and when memory runs out. */
int fit_evaluate(struct fit_evaluation *v, const struct fit_problem *p, enum fit_mode mode, uint32_t size, struct err *e) WARN_UNUSED;

/* Finds the largest size up to at_most that is ok with all resident (*best; size 0: none).  After a stop it is the largest found until
 * then. */
int fit_largest(struct fit_evaluation *best, const struct fit_problem *p, enum fit_mode mode, uint32_t at_most, struct err *e) WARN_UNUSED;

/* The search for the largest batch with a plan. */
struct fit_scan {
	const struct fit_problem *problem;
	struct fit_evaluation best;	/* the largest found; size 0: none.  Filled by the caller: the largest that is resident */
	struct fit_evaluation fastest;	/* FIT_BATCH: of all that were ok, the one with most samples a second; size 0: none */
	struct fit_evaluation over;	/* the smallest larger one that was tried; size 0: none */
	uint32_t near[FIT_ABREAST];	/* the largest sizes whose quick plans missed the limit by a little; 0: none */
	uint32_t top;			/* bounds exclude the next larger size; 0: any size */
	char why[1024];			/* and say so */
};

/* Runs the scan of s->problem.  A size that may be best is exact below 64, else within one part in 64. */
int fit_scan(struct fit_scan *s, struct err *e) WARN_UNUSED;

/* Returns samples a second of an evaluation that has a plan, of as many passes, if it has no number of its own. */
double fit_samples_per_s(const struct fit_evaluation *v, uint32_t passes);

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
