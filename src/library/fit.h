/* SPDX-License-Identifier: Apache-2.0 */
/* fit.h - the answer to the question whether a training step fits a device, and at which batch
 *
 * The command `layrub fit` and layrub_fit() of the library show the same answer.
 */
#ifndef SRC_LIBRARY_FIT_H
#define SRC_LIBRARY_FIT_H
#include "src/library/fit_search.h"

/* A step of the answer, as a command makes its plan. */
struct fit_way {
	uint32_t batch, passes;		/* batch 0: a graph, or no way at all; passes 0: as asked for */
	uint32_t size;			/* on the problem's axis; 0: the task's own */
	bool resident;
	double effort;			/* of the search; 0: the usual */
	double step_time_us, samples_per_s, tokens_per_s;	/* tokens 0: samples are no sequences */
	double peak_share;		/* of the device's peak arithmetic; 0: not known */
	const char *how;		/* "with a plan, batch 8" */
};

/* The answer and its parts. */
struct fit_answer {
	/* Filled by the caller. */
	struct fit_problem problem;
	struct planning planning;		/* of the batch that was asked for, by planning_begin() */
	bool this_batch_only;			/* largest batches and micro-steps are not searched */
	/* Filled by fit_answer(). */
	bytes_t kind_bytes[KIND_COUNT];		/* of the persistent kinds */
	bytes_t workspace_bytes, transient_bytes;	/* at the step's own peak ... */
	bytes_t gradient_bytes;			/* ... of transient_bytes, those of gradients */
	struct fit_evaluation resident, planned;	/* at the batch that was asked for */
	/* Of a network only: the largest size without and with a plan, and what the search for the latter saw. */
	struct fit_evaluation most_resident, most_planned;
	struct fit_scan scan;
	bool is_largest;			/* no larger size than most_planned has a plan: bounds prove it */
	struct fit_accumulation micro;		/* of the samples that were asked for, in micro-steps that stay resident: an estimate ... */
	struct fit_evaluation mixture;		/* ... and as passes of one plan; batch 0: not tried */
	bool mixture_resident;
	bool fits;
	bool unfinished;	/* the search was stopped: larger sizes may fit than those found */
	struct fit_way mixed;	/* the mixture, if it is ok */
	struct fit_way fastest;	/* most samples a second of all that was tried */
	const char *verdict, *limit, *always;	/* sentences, in the arena; all but the verdict may be NULL */
};

/* Sets the size whose largest value the problem asks for: a row of fit_axis_names, of its task and its document.  ERR_USAGE: the task has no
 * such size. */
int fit_along(struct fit_problem *p, const char *axis, struct err *e) WARN_UNUSED;

/* Fills the answer.  ERR_SYSTEM: the search was stopped before the answer was known. */
int fit_answer(struct fit_answer *w, struct arena *a, struct err *e) WARN_UNUSED;
#endif
