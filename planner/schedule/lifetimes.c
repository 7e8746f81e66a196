/* SPDX-License-Identifier: Apache-2.0 */
/* lifetimes.c - uses by counting sort, live bytes as a running sum */
#include <config.h>
#include "planner/schedule/lifetimes.h"

#include "src/base/rank.h"
#include "src/documents/graph_bounds.h"

static void
find_uses(struct lifetimes *l, uint32_t *stamp, struct arena *a)
{
	const struct graph *g = l->graph;
	uint32_t *fill;

	for (uint32_t t = 0; t < g->tensor_count; t++)
		l->first[t] = UINT32_MAX;
	for (uint32_t k = 0; k < g->op_count; k++)
		FOR_EACH_OPERAND_ONCE(&g->ops[k], stamp, k + 1, t) {
			if (l->first[t] == UINT32_MAX)
				l->first[t] = k;
			l->last[t] = k;
			l->use_start[t + 1]++;
		}
	for (uint32_t t = 0; t < g->tensor_count; t++)
		l->use_start[t + 1] += l->use_start[t];
	l->use_op = ARENA_NEW(a, uint32_t, l->use_start[g->tensor_count]);
	l->op_use = ARENA_NEW(a, struct op_use, l->use_start[g->tensor_count]);
	l->op_start = ARENA_NEW(a, uint32_t, (size_t)g->op_count + 1);
	fill = ARENA_NEW(a, uint32_t, g->tensor_count);
	for (uint32_t t = 0; t < g->tensor_count; t++)
		stamp[t] = 0;
	for (uint32_t k = 0; k < g->op_count; k++) {
		l->op_start[k + 1] = l->op_start[k];
		FOR_EACH_OPERAND_ONCE(&g->ops[k], stamp, k + 1, t) {
			uint32_t u = l->use_start[t] + fill[t]++;

			l->use_op[u] = k;
			l->op_use[l->op_start[k + 1]++] = (struct op_use) { t, u };
		}
	}
	for (uint32_t t = 0; t < g->tensor_count; t++)
		if (!kind_is_persistent(g->tensors[t].kind) && kind_has_final(g->tensors[t].kind))
			l->last[t] = g->op_count - 1;
}

/* Fills live: a running sum of the bytes born at op k less those that died at op k - 1. */
static void
sum_live(struct lifetimes *l)
{
	const struct graph *g = l->graph;
	bytes_t sum = 0;

	for (uint32_t t = 0; t < g->tensor_count; t++) {
		bytes_t bytes = bytes_align(g->tensors[t].bytes, DEVICE_ALIGN);

		if (kind_is_persistent(g->tensors[t].kind)) {
			l->persistent_bytes += bytes;
		} else if (l->first[t] <= l->last[t]) {
			l->live[l->first[t]] += bytes;
			if (l->last[t] + 1 < g->op_count)
				l->live[l->last[t] + 1] -= bytes;	/* wraps; the sum does not */
		}
	}
	sum = l->persistent_bytes;
	for (uint32_t k = 0; k < g->op_count; k++) {
		sum += l->live[k];
		l->live[k] = sum + bytes_align(g->ops[k].workspace_bytes, DEVICE_ALIGN);
		if (l->live[k] > l->peak_bytes) {
			l->peak_bytes = l->live[k];
			l->peak_op = k;
		}
		l->start_us[k + 1] = l->start_us[k] + g->ops[k].time_us;
	}
	l->ideal_time_us = l->start_us[g->op_count];
}

static void
find_bounds(struct lifetimes *l, struct arena *a)
{
	struct graph_bounds b;

	graph_bounds(&b, l->graph, a);
	l->bound_bytes = b.bytes;
	l->bound_op = b.op;
	l->resident_bound_bytes = b.resident_bytes;
	l->resident_bound_op = b.resident_op;
}

void
lifetimes_init(struct lifetimes *l, const struct graph *g, struct arena *a)
{
	uint32_t *stamp = ARENA_NEW(a, uint32_t, g->tensor_count);

	*l = (struct lifetimes) { .graph = g };
	l->first = ARENA_NEW(a, uint32_t, g->tensor_count);
	l->last = ARENA_NEW(a, uint32_t, g->tensor_count);
	l->use_start = ARENA_NEW(a, uint32_t, (size_t)g->tensor_count + 1);
	l->live = ARENA_NEW(a, bytes_t, g->op_count);
	l->start_us = ARENA_NEW(a, double, (size_t)g->op_count + 1);
	find_uses(l, stamp, a);
	sum_live(l);
	find_bounds(l, a);
}

uint32_t *
lifetimes_at(const struct lifetimes *l, uint32_t op, uint32_t *count, struct arena *a)
{
	const struct graph *g = l->graph;
	struct ranked *alive = ARENA_NEW(a, struct ranked, g->tensor_count);
	uint32_t *ids, n = 0;

	for (uint32_t t = 0; t < g->tensor_count; t++)
		if (kind_is_persistent(g->tensors[t].kind) || (l->first[t] <= op && op <= l->last[t]))
			alive[n++] = (struct ranked) { .first = (double)g->tensors[t].bytes, .id = t };
	rank_falling(alive, n);
	ids = ARENA_NEW(a, uint32_t, n);
	for (uint32_t i = 0; i < n; i++)
		ids[i] = alive[i].id;
	*count = n;
	return ids;
}
