/* SPDX-License-Identifier: Apache-2.0 */
/* chain.h - what it would take to make a dropped tensor again
 *
 * Under the decisions so far: the ops that decisions_schedule() would run again for a tensor, back to tensors that
 * are resident or on the host.
 */
#ifndef PLANNER_POLICY_CHAIN_H
#define PLANNER_POLICY_CHAIN_H
#include "planner/schedule/decisions.h"
#include "planner/schedule/versions.h"

struct chain {
	const struct decisions *d;		/* not owned */
	struct versions versions;
	uint32_t *seen;				/* [op_count] number of the question that met it */
	uint32_t question;
	uint32_t *ops;				/* [limit] the ops of the latest answer */
	uint32_t count, limit;
};

void chain_init(struct chain *c, const struct decisions *d, uint32_t limit, struct arena *a);

/* Microseconds to make tensor t again just before op k; INFINITY when an op on the way is not recomputable, has read what
 * has been overwritten, or the chain is longer than the limit. */
double chain_us(struct chain *c, uint32_t t, uint32_t k);
#endif
