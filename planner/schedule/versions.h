/* SPDX-License-Identifier: Apache-2.0 */
/* versions.h - the writers of every tensor
 *
 * Version v of a tensor is the value that its v-th writer made.  Version 0 is the value before the step; a transient tensor has
 * none then.
 */
#ifndef PLANNER_SCHEDULE_VERSIONS_H
#define PLANNER_SCHEDULE_VERSIONS_H
#include "src/documents/graph.h"

struct versions {
	uint32_t *start;	/* [tensor_count + 1]: tensor t's writers are writer[start[t] .. start[t + 1]) */
	uint32_t *writer;	/* op ids, rising */
};

/* Fills v. */
void versions_init(struct versions *v, const struct graph *g, struct arena *a);

/* The version of tensor t that op k reads: the number of ops before k that write it. */
uint32_t versions_before(const struct versions *v, uint32_t t, uint32_t k);

/* The op that makes version n >= 1 of tensor t. */
static inline uint32_t
versions_writer(const struct versions *v, uint32_t t, uint32_t n)
{
	return v->writer[v->start[t] + n - 1];
}
#endif
