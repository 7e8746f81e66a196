/* SPDX-License-Identifier: Apache-2.0 */
/* check_private.h - what the parts of the checker share
 *
 * Time in the checker is the row of moments of plan_access.h.  Moments lie in lanes: the three queues, and one for
 * beginning and end.  In a lane, moments follow each other.
 */
#ifndef SIM_CHECK_CHECK_PRIVATE_H
#define SIM_CHECK_CHECK_PRIVATE_H
#include "src/documents/plan_order.h"

#define NEVER UINT32_MAX	/* no moment */

struct checker {
	const struct plan *plan;
	const struct graph *graph;	/* plan's */
	struct plan_order order;
	struct arena *arena;
	struct err *err;
};

/* Put x's place in the plan document in front of e's path; returns -1. */
int check_at(const struct access *x, struct err *e);

/* Words for messages, in w: "buffer 3 (tensor 7)", "host buffer 3 (tensor 7)", "buffer 4 (workspace)";
 * "program[12] (run of 'conv1')", "the step's end". */
struct words { char text[128]; };
const char *say_buffer(struct words *w, const struct plan *p, bool host, uint32_t id);
const char *say_moment(struct words *w, const struct plan *p, uint32_t moment);

/* The passes, in this order: each relies on those before it. */
int check_structure(const struct checker *c) WARN_UNUSED;
int check_space(const struct checker *c) WARN_UNUSED;
int check_values(const struct checker *c) WARN_UNUSED;
#endif
