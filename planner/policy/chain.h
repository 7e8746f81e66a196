/* SPDX-License-Identifier: Apache-2.0 */
/* chain.h - the rerun chain of a dropped tensor, and its time
 *
 * The chain holds the ops that decisions_schedule() would rerun for the tensor under the decisions so far, back to tensors that are
 * resident or on the host.
 */
#ifndef PLANNER_POLICY_CHAIN_H
#define PLANNER_POLICY_CHAIN_H
#include "planner/schedule/decisions.h"
#include "planner/schedule/versions.h"

struct chain {
	const struct decisions *d;		/* not owned */
	struct versions versions;
	uint32_t *seen;				/* [op_count] number of the latest question whose chain has it */
	uint32_t question;
	uint32_t *ops;				/* [limit] the ops of the latest answer */
	uint32_t count, limit;
};

void chain_init(struct chain *c, const struct decisions *d, uint32_t limit, struct arena *a);

/* Microseconds of the rerun chain that makes tensor t just before op k.  INFINITY: an op of it is not recomputable or has read what has
 * been overwritten since, or the chain is longer than the limit. */
double chain_us(struct chain *c, uint32_t t, uint32_t k);
#endif
