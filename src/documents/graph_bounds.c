/* SPDX-License-Identifier: Apache-2.0 */
/* graph_bounds.c - one walk over the ops for what each needs by itself, one for the tensors that stay */
#include <config.h>
#include "src/documents/graph_bounds.h"

/* The most bytes that each output saves.  An entry is valid where its stamp is the op's mark. */
struct savings { uint32_t *stamp; bytes_t *bytes; };

static bytes_t
saved(const struct graph *g, const struct op *o, struct savings *s, uint32_t mark)
{
	bytes_t sum = 0;

	for (uint32_t i = 0; i < o->inplace_count; i++) {
		uint32_t x = o->inplace[i].input, y = o->inplace[i].output;
		bytes_t least = g->tensors[x].bytes < g->tensors[y].bytes ? g->tensors[x].bytes : g->tensors[y].bytes;
		bytes_t before = s->stamp[y] == mark ? s->bytes[y] : 0;

		if (least <= before)
			continue;
		sum += least - before;
		s->bytes[y] = least;
		s->stamp[y] = mark;
	}
	return sum;
}

bytes_t *
graph_own_bytes(const struct graph *g, struct arena *a)
{
	struct savings savings = { ARENA_NEW(a, uint32_t, g->tensor_count), ARENA_NEW(a, bytes_t, g->tensor_count) };
	uint32_t *stamp = ARENA_NEW(a, uint32_t, g->tensor_count);
	bytes_t *own = ARENA_NEW(a, bytes_t, g->op_count);

	for (uint32_t k = 0; k < g->op_count; k++) {
		const struct op *o = &g->ops[k];

		own[k] = o->workspace_bytes;
		for (uint32_t i = 0; i < o->alternative_count; i++)
			if (o->alternatives[i].workspace_bytes < own[k])
				own[k] = o->alternatives[i].workspace_bytes;
		FOR_EACH_OPERAND_ONCE(o, stamp, k + 1, t)
			own[k] += g->tensors[t].bytes;
		own[k] -= saved(g, o, &savings, k + 1);
	}
	return own;
}

/* Adds tensor t to those that stay. */
static void
stay(bytes_t *staying, bool *stays, const struct graph *g, uint32_t t)
{
	if (!stays[t])
		*staying += g->tensors[t].bytes;
	stays[t] = true;
}

void
graph_bounds(struct graph_bounds *b, const struct graph *g, struct arena *a)
{
	const bytes_t *own = graph_own_bytes(g, a);
	uint32_t *stamp = ARENA_NEW(a, uint32_t, g->tensor_count);
	bool *stays = ARENA_NEW(a, bool, g->tensor_count);
	bytes_t staying = 0;

	*b = (struct graph_bounds) { 0 };
	for (uint32_t t = 0; t < g->tensor_count; t++)
		if (kind_is_persistent(g->tensors[t].kind))
			stay(&staying, stays, g, t);
	for (uint32_t k = 0; k < g->op_count; k++) {
		const struct op *o = &g->ops[k];
		bytes_t resident;

		for (uint32_t j = 0; j < o->output_count; j++)
			if (kind_has_final(g->tensors[o->outputs[j]].kind))
				stay(&staying, stays, g, o->outputs[j]);
		resident = staying + own[k];
		FOR_EACH_OPERAND_ONCE(o, stamp, k + 1, t)
			if (stays[t])
				resident -= g->tensors[t].bytes;
		if (own[k] > b->bytes) {
			b->bytes = own[k];
			b->op = k;
		}
		if (resident > b->resident_bytes) {
			b->resident_bytes = resident;
			b->resident_op = k;
		}
	}
}
