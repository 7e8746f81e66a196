/* SPDX-License-Identifier: Apache-2.0 */
/* fit.h - the answer to the question whether a training step fits a device, and at which batch
 *
 * The command `layrub fit` and layrub_fit() of the library show the same answer.
 */
#ifndef SRC_LIBRARY_FIT_H
#define SRC_LIBRARY_FIT_H
#include "src/library/fit_search.h"

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
	/* Of a network only: the largest batch without and with a plan, and what the search for the latter saw. */
	struct fit_evaluation most_resident, most_planned;
	struct fit_scan scan;
	bool is_largest;			/* no larger batch than most_planned has a plan: bounds prove it */
	struct fit_accumulation micro;
	bool fits;
	bool unfinished;	/* the search was stopped: larger batches may fit than those found */
	const char *verdict, *limit, *always, *fastest;	/* sentences, in the arena; all but the verdict may be NULL */
};

/* Fills the answer.  ERR_SYSTEM: the search was stopped before the answer was known. */
int fit_answer(struct fit_answer *w, struct arena *a, struct err *e) WARN_UNUSED;
#endif
