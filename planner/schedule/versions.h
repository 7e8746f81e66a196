/* SPDX-License-Identifier: Apache-2.0 */
/* versions.h - which op made what a tensor holds
 *
 * Version v of a tensor is what its v-th writer made; version 0 is what it held before the
 * step (of a transient tensor: nothing).
 */
#ifndef PLANNER_SCHEDULE_VERSIONS_H
#define PLANNER_SCHEDULE_VERSIONS_H
#include "src/documents/graph.h"

struct versions {
	uint32_t *start;	/* [tensor_count + 1]: tensor t's writers are writer[start[t] .. start[t + 1]) */
	uint32_t *writer;	/* op ids, rising */
};

void versions_init(struct versions *v, const struct graph *g, struct arena *a);

/* The version of tensor t that op k reads: how many ops before k write it. */
uint32_t versions_before(const struct versions *v, uint32_t t, uint32_t k);

/* The op that makes version n >= 1 of tensor t. */
static inline uint32_t
versions_writer(const struct versions *v, uint32_t t, uint32_t n)
{
	return v->writer[v->start[t] + n - 1];
}
#endif
