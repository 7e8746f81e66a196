/* SPDX-License-Identifier: Apache-2.0 */
/* reorder.c - op orders other than the graph's own
 *
 * updates.  Forward and backward ops are anchors, which keep their order.  Each update op gets a position: position k + 1 is behind op k
 * and before op k + 1.  Update ops with one position keep their order.  An update op that reads an anchor's result (a gradient, cast or
 * scaled or not) takes the earliest position that its dependencies allow, so that the gradient dies early.  Any other update op (momentum
 * times its factor, a temporary) takes the latest position that the ops depending on it allow, and none before its own dependencies.
 * So its result, or a state that is on the host, is not needed early.  An update op without dependencies either way keeps its place.
 *
 * The pass is two sweeps over the operands, one each way, so its time is linear.
 *
 * Proof that dependencies hold.  Let y depend on x, so x comes first in the graph's order.
 *  - y is an anchor.  If x is early, its position is at most its own place in the graph, which is before y.  If x is late, the backward
 *    sweep limits its position to y's place.  If x is an anchor, the order is the graph's.
 *  - y is an update op.  If y is early, its position is at least the earliest position of x.  A late x is limited to the position of
 *    y.  If y is late, its position is at least its earliest one, and the position of a late x is limited to it.  So y's position is at
 *    least x's.  With equal positions, anchors come first, and update ops keep the graph's order.
 */
#include <config.h>
#include "src/documents/reorder.h"

#include <string.h>

#include "src/base/rank.h"

#define ROW(name, fn, summary) { name, summary, fn },
const struct reorder reorders[] = { REORDERS(ROW) { NULL, NULL, NULL } };
#undef ROW

const struct reorder *
reorder_find(const char *name)
{
	for (const struct reorder *r = reorders; r->name != NULL; r++)
		if (strcmp(r->name, name) == 0)
			return r;
	return NULL;
}

void
reorder_none(struct graph *g, struct arena *a)
{
	(void)g;
	(void)a;
}

/* Position 0 is before all ops, position k + 1 behind op k.  An anchor's position is the one behind it. */
struct update_sweep {
	const struct graph *g;
	uint32_t *position;		/* [op_count] */
	uint32_t *write;	/* [tensor_count] forward: position of the last write; backward: latest position before the next write */
	uint32_t *read;		/* [tensor_count] forward: largest position of a read since that write; backward: latest position before
				 * all reads */
	bool *carries;		/* [tensor_count] the value comes from an anchor, through transient tensors alone */
	bool *late;		/* [op_count] the op takes its latest position */
};

static uint32_t
larger(uint32_t x, uint32_t y)
{
	return x > y ? x : y;
}

static uint32_t
smaller(uint32_t x, uint32_t y)
{
	return x < y ? x : y;
}

/* Finds the earliest position of each update op, and the ops that take their latest one. */
static void
sweep_forward(struct update_sweep *s)
{
	const struct graph *g = s->g;

	for (uint32_t k = 0; k < g->op_count; k++) {
		const struct op *o = &g->ops[k];
		bool anchor = o->phase != PHASE_UPDATE, early = false;
		uint32_t position = 0;

		for (uint32_t i = 0; i < o->input_count; i++) {
			position = larger(position, s->write[o->inputs[i]]);
			early |= s->carries[o->inputs[i]];
		}
		for (uint32_t j = 0; j < o->output_count; j++)
			position = larger(position, larger(s->write[o->outputs[j]], s->read[o->outputs[j]]));
		s->position[k] = anchor ? k + 1 : position;
		s->late[k] = !anchor && !early;
		for (uint32_t i = 0; i < o->input_count; i++)
			s->read[o->inputs[i]] = larger(s->read[o->inputs[i]], s->position[k]);
		for (uint32_t j = 0; j < o->output_count; j++) {
			s->write[o->outputs[j]] = s->position[k];
			s->read[o->outputs[j]] = 0;
			s->carries[o->outputs[j]] = anchor || (early && !kind_is_persistent(g->tensors[o->outputs[j]].kind));
		}
	}
}

/* Moves each late op to the last position before the ops that depend on it. */
static void
sweep_backward(struct update_sweep *s)
{
	const struct graph *g = s->g;

	memset(s->write, 0xff, sizeof(*s->write) * g->tensor_count);
	memset(s->read, 0xff, sizeof(*s->read) * g->tensor_count);
	for (uint32_t k = g->op_count; k-- > 0;) {
		const struct op *o = &g->ops[k];
		uint32_t limit = UINT32_MAX, before;

		for (uint32_t i = 0; i < o->input_count; i++)
			limit = smaller(limit, s->write[o->inputs[i]]);
		for (uint32_t j = 0; j < o->output_count; j++)
			limit = smaller(limit, smaller(s->write[o->outputs[j]], s->read[o->outputs[j]]));
		if (s->late[k] && limit != UINT32_MAX)
			s->position[k] = limit;
		else if (s->late[k] && s->position[k] == 0)
			s->position[k] = k;		/* behind the op before it */
		before = o->phase == PHASE_UPDATE ? s->position[k] : k;
		for (uint32_t j = 0; j < o->output_count; j++) {
			s->write[o->outputs[j]] = before;
			s->read[o->outputs[j]] = UINT32_MAX;
		}
		for (uint32_t i = 0; i < o->input_count; i++)
			s->read[o->inputs[i]] = smaller(s->read[o->inputs[i]], before);
	}
}

/* Sorts the ops by position: anchors first, then update ops, each in the graph's order. */
static void
permute(struct graph *g, const uint32_t *position, struct arena *a)
{
	uint32_t n = g->op_count, *key = ARENA_NEW(a, uint32_t, n), *order;
	struct op *ops = ARENA_NEW(a, struct op, n);

	for (uint32_t k = 0; k < n; k++)
		key[k] = 2 * position[k] + (g->ops[k].phase == PHASE_UPDATE);
	order = rank_by_key(key, n, 2 * n + 4, NULL, a);
	for (uint32_t i = 0; i < n; i++)
		ops[i] = g->ops[order[i]];
	g->ops = ops;
}

void
reorder_updates(struct graph *g, struct arena *a)
{
	struct update_sweep s = { .g = g };

	s.position = ARENA_NEW(a, uint32_t, g->op_count);
	s.write = ARENA_NEW(a, uint32_t, g->tensor_count);
	s.read = ARENA_NEW(a, uint32_t, g->tensor_count);
	s.carries = ARENA_NEW(a, bool, g->tensor_count);
	s.late = ARENA_NEW(a, bool, g->op_count);
	sweep_forward(&s);
	sweep_backward(&s);
	permute(g, s.position, a);
}
