/* SPDX-License-Identifier: Apache-2.0 */
/* check_private.h - the checker's state, and the names of places in its messages
 *
 * Time in the checker is counted in moments (plan_access.h) that lie in lanes (plan_order.h).
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

/* Puts x's place in the plan document in front of e's path; returns -1. */
int check_at(const struct access *x, struct err *e);

/* Name a buffer or a moment in w: "buffer 3 (tensor 7)", "host buffer 3 (tensor 7)", "buffer 4 (workspace)";
 * "program[12] (run of 'conv1')", "the step's end". */
struct words { char text[128]; };
const char *say_buffer(struct words *w, const struct plan *p, bool host, uint32_t id);
const char *say_moment(struct words *w, const struct plan *p, uint32_t moment);

/* The passes, in this order: each relies on those before it. */
int check_structure(const struct checker *c) WARN_UNUSED;
int check_space(const struct checker *c) WARN_UNUSED;
int check_values(const struct checker *c) WARN_UNUSED;
#endif
