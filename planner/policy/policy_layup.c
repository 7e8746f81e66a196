/* SPDX-License-Identifier: Apache-2.0 */
/* policy_layup.c - Layup, Layrub's successor, as its authors' code does it
 *
 * Layup moves the same maps as Layrub, but:
 *
 *  - the copy is issued before the last consumer runs and may span several layers; compute waits for it only before the next copy is
 *    issued, and the map's memory is free then;
 *  - the look-ahead is two layers: the start of a layer's backward fetches what the second next one needs;
 *  - maps that in-place layers (norm, activation, dropout, scale) alone can make again are dropped.  Other masks and temporaries are
 *    offloaded after the layer's kernel, as with Layrub.
 *
 * Gradient maps share blocks, and there is one workspace: both follow from the placement.
 */
#include <config.h>
#include "planner/schedule/decisions.h"
#include "planner/policy/layers.h"
#include "planner/policy/policy.h"

enum { LAST_LAYERS_KEPT = 3, LOOK_AHEAD = 2 };

struct layup {
	const struct graph *graph;
	const struct lifetimes *life;
	struct layers layers;
	struct decisions d;
	uint32_t forward_count;
	bool *cheap;			/* [tensor_count] */
	bool *issues;			/* [group_count] a copy out is issued before the group's forward */
};

/* Finds the tensors that in-place layers alone can rematerialise. */
static void
find_cheap(struct layup *l, struct arena *a)
{
	bool *may_run = ARENA_NEW(a, bool, l->graph->op_count);

	for (uint32_t i = 0; i < l->layers.group_count; i++) {
		const struct layer_group *y = &l->layers.groups[i];
		bool cheap = y->phase == PHASE_FORWARD && layers_in_place(l->graph, y);

		l->forward_count += y->phase == PHASE_FORWARD;
		for (uint32_t k = y->first; k <= y->last; k++)
			may_run[k] = cheap;
	}
	l->cheap = layers_cheap(l->life, may_run, a);
}

/* Returns the first op of the backward layer that is LOOK_AHEAD layers before the one with op `need`. */
static uint32_t
two_before(const struct layup *l, uint32_t need)
{
	uint32_t b = l->layers.group_of[need];

	for (int i = 0; i < LOOK_AHEAD && l->layers.groups[b - 1].phase == PHASE_BACKWARD; i++)
		b--;
	return l->layers.groups[b].first;
}

static void
decide(struct layup *l, uint32_t t)
{
	const struct layer_group *consumer;
	uint32_t use, group;

	if (!layers_turn(l->life, t, &use))
		return;
	group = l->layers.group_of[l->life->use_op[use]];
	consumer = &l->layers.groups[group];
	if (group == 0 || group + LAST_LAYERS_KEPT >= l->forward_count)
		return;
	if (l->cheap[t]) {
		l->d.fate[use] = FATE_DROP;
		return;
	}
	l->d.fate[use] = FATE_OFFLOAD;
	l->d.back[use] = two_before(l, l->life->use_op[use + 1]);
	l->d.from[use] = l->life->use_op[use];
	l->d.gone[use] = consumer->last + 1;
	if (!layers_in_place(l->graph, consumer) && !layers_write(l->graph, consumer, t)) {
		l->d.from[use] = consumer->first - 1;
		l->issues[group] = true;
	}
}

/* Has compute wait for each copy before the next one is issued, and at the end of forward. */
static void
meet(struct layup *l, struct arena *a)
{
	const struct layers *y = &l->layers;
	uint32_t *next = ARENA_NEW(a, uint32_t, (size_t)y->group_count + 1), use, group, until;

	next[y->group_count] = l->graph->op_count;
	for (uint32_t i = y->group_count; i-- > 0;) {
		next[i] = l->issues[i] || (y->groups[i].phase != PHASE_FORWARD && (i == 0 || y->groups[i - 1].phase == PHASE_FORWARD)) ?
		    y->groups[i].first : next[i + 1];
		l->d.barrier[y->groups[i].first] |= l->issues[i];
	}
	for (uint32_t t = 0; t < l->graph->tensor_count; t++) {
		if (!layers_turn(l->life, t, &use) || l->d.fate[use] != FATE_OFFLOAD)
			continue;
		group = y->group_of[l->life->use_op[use]];
		until = l->d.from[use] < y->groups[group].first ? next[group + 1] : l->d.gone[use];
		l->d.gone[use] = until < l->life->use_op[use + 1] ? until : l->life->use_op[use + 1];
		if (l->d.back[use] < l->d.gone[use])
			l->d.back[use] = l->d.gone[use];
		l->d.barrier[l->d.back[use]] = true;
	}
}

int
policy_layup(struct schedule *s, const struct problem *p, struct arena *a, struct err *e)
{
	struct layup l = { .graph = p->graph, .life = p->life };

	if (layers_need_backward(p->graph, e) < 0)
		return -1;
	layers_init(&l.layers, p->graph, a);
	decisions_init(&l.d, p->life, a);
	l.d.from = ARENA_NEW(a, uint32_t, p->life->use_start[p->graph->tensor_count]);
	l.issues = ARENA_NEW(a, bool, l.layers.group_count);
	find_cheap(&l, a);
	for (uint32_t t = 0; t < p->graph->tensor_count; t++)
		decide(&l, t);
	meet(&l, a);
	return decisions_schedule(s, &l.d, a, e);
}
