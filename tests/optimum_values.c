/* SPDX-License-Identifier: Apache-2.0 */
/* optimum_values.c - the graph in values: who makes and reads each, and when each may serve */
#include <config.h>
#include "tests/optimum_private.h"

#include <assert.h>
#include <math.h>

uint32_t
optimum_value(const struct graph *g, uint32_t t)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < t; i++) {
		n++;
		for (uint32_t k = 0; k < g->op_count; k++)
			n += op_writes(&g->ops[k], i);
	}
	return n;
}

static double
least_time(const struct op *o)
{
	double us = o->time_us;

	for (uint32_t i = 0; i < o->alternative_count; i++)
		us = fmin(us, o->alternatives[i].time_us);
	return us;
}

static void
find_values(struct optimum_search *x)
{
	const struct graph *g = x->graph;

	for (uint32_t t = 0; t < g->tensor_count; t++) {
		uint32_t v = x->first[t] = optimum_value(g, t);

		x->persistent |= kind_is_persistent(g->tensors[t].kind) ? BIT(t) : 0;
		x->maker[v] = OPTIMUM_NONE;
		for (uint32_t k = 0; k < g->op_count; k++) {
			if (op_reads(&g->ops[k], t)) {
				assert(v > x->first[t] || kind_is_persistent(g->tensors[t].kind));
				x->reads[k] |= BIT(v);
			}
			if (op_writes(&g->ops[k], t)) {
				x->writes[k] |= BIT(++v);
				x->maker[v] = (uint8_t)k;
			}
		}
		x->last[t] = v;
		x->final |= kind_has_final(g->tensors[t].kind) ? BIT(v) : 0;
		for (uint32_t i = x->first[t]; i <= v; i++) {
			x->tensor[i] = (uint8_t)t;
			x->bytes[i] = bytes_align(g->tensors[t].bytes, DEVICE_ALIGN);
			for (int dir = 0; dir < DIRECTION_COUNT; dir++)
				x->copy_us[dir][i] = device_transfer_us(x->device, (enum direction)dir, g->tensors[t].bytes);
		}
	}
	x->values = x->first[g->tensor_count] = optimum_value(g, g->tensor_count);
}

/* A value may serve an op still to come, the caller, or a rerun for another value that may serve. */
static void
find_useful(struct optimum_search *x)
{
	uint32_t n = x->graph->op_count;

	for (uint32_t k = n + 1; k-- > 0;) {
		uint32_t before;

		x->least_us[k] = k == n ? 0 : x->least_us[k + 1] + least_time(&x->graph->ops[k]);
		for (uint32_t p = k; p < n; p++)
			x->read_later[k] |= x->reads[p];
		x->needed[k] = x->read_later[k] | x->final;
		do {
			before = x->read_later[k];
			for (uint32_t v = 0; v < x->values; v++)
				if (((before | x->final) & BIT(v)) && x->maker[v] < k && x->graph->ops[x->maker[v]].recomputable)
					x->read_later[k] |= x->reads[x->maker[v]];
		} while (x->read_later[k] != before);
		x->useful[k] = x->read_later[k] | x->final;
	}
}

void
optimum_values(struct optimum_search *x)
{
	find_values(x);
	find_useful(x);
}
