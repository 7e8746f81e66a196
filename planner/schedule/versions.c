/* SPDX-License-Identifier: Apache-2.0 */
/* versions.c - writers by counting sort, versions by binary search */
#include <config.h>
#include "planner/schedule/versions.h"

#include <string.h>

#include "src/base/lower_bound.h"

void
versions_init(struct versions *v, const struct graph *g, struct arena *a)
{
	uint32_t *fill = ARENA_NEW(a, uint32_t, (size_t)g->tensor_count + 1);

	v->start = ARENA_NEW(a, uint32_t, (size_t)g->tensor_count + 1);
	for (uint32_t k = 0; k < g->op_count; k++)
		for (uint32_t j = 0; j < g->ops[k].output_count; j++)
			v->start[g->ops[k].outputs[j] + 1]++;
	for (uint32_t t = 0; t < g->tensor_count; t++)
		v->start[t + 1] += v->start[t];
	v->writer = ARENA_NEW(a, uint32_t, v->start[g->tensor_count]);
	memcpy(fill, v->start, sizeof(*fill) * ((size_t)g->tensor_count + 1));
	for (uint32_t k = 0; k < g->op_count; k++)
		for (uint32_t j = 0; j < g->ops[k].output_count; j++)
			v->writer[fill[g->ops[k].outputs[j]]++] = k;
}

uint32_t
versions_before(const struct versions *v, uint32_t t, uint32_t k)
{
	return lower_bound(v->writer, v->start[t], v->start[t + 1], k) - v->start[t];
}
