/* SPDX-License-Identifier: Apache-2.0 */
/* idle.c - the idle intervals of a graph's tensors */
#include <config.h>
#include "planner/schedule/idle.h"

#include "planner/schedule/decisions.h"

struct idle_interval *
idle_intervals(const struct lifetimes *l, uint32_t *count, struct arena *a)
{
	const struct graph *g = l->graph;
	struct idle_interval *intervals = ARENA_NEW(a, struct idle_interval, decisions_slots(l));
	uint32_t n = 0;

	for (uint32_t t = 0; t < g->tensor_count; t++) {
		uint32_t first = l->use_start[t], end = l->use_start[t + 1];
		bool persistent = kind_is_persistent(g->tensors[t].kind), needed = kind_has_final(g->tensors[t].kind);

		if (g->tensors[t].bytes == 0 || first == end)
			continue;
		/* Interval u lies before use u. */
		for (uint32_t u = persistent ? first : first + 1; u < end + needed; u++) {
			struct idle_interval x = { .tensor = t, .slot = u == first ? decisions_before(l, t) : u - 1,
			    .from = u == first ? 0 : l->use_op[u - 1] + 1, .to = u == end ? g->op_count : l->use_op[u],
			    .read = u < end && op_reads(&g->ops[l->use_op[u]], t) };

			if (x.from < x.to)
				intervals[n++] = x;
		}
	}
	*count = n;
	return intervals;
}
