/* SPDX-License-Identifier: Apache-2.0 */
/* evacuation.c - every tensor leaves after each use and returns for the next */
#include <config.h>
#include "planner/schedule/evacuation.h"

void
evacuation(struct decisions *d, const struct lifetimes *l, bool restless, struct arena *a)
{
	const struct graph *g = l->graph;

	decisions_init(d, l, a);
	d->in_place = true;
	d->restless = restless;
	if (d->on_host == NULL)
		d->on_host = ARENA_NEW(a, bool, g->tensor_count);
	for (uint32_t t = 0; t < g->tensor_count; t++) {
		bool persistent = kind_is_persistent(g->tensors[t].kind);
		uint32_t first = l->use_start[t], end = l->use_start[t + 1], before = decisions_before(l, t);

		/* A tensor whose home is given and that no op uses stays there. */
		if (g->tensors[t].bytes == 0 || (l->homes != NULL && first == end))
			continue;
		if (l->homes == NULL)
			d->on_host[t] = persistent;
		if (persistent && (d->on_host[t] || l->use_op[first] > 0)) {
			d->fate[before] = FATE_OFFLOAD;
			d->back[before] = first < end ? l->use_op[first] : g->op_count;
		}
		for (uint32_t u = first; u < end - (end > first && !kind_has_final(g->tensors[t].kind)); u++) {
			d->fate[u] = FATE_OFFLOAD;
			d->gone[u] = l->use_op[u] + 1;
			d->back[u] = u + 1 < end ? l->use_op[u + 1] : g->op_count;
		}
	}
}
