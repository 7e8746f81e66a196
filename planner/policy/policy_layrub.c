/* SPDX-License-Identifier: Apache-2.0 */
/* policy_layrub.c - the paper's own policy, as its authors' code does it
 *
 * Layrub (Jin et al., ACM TACO 15(3), 2018) decides by layer; on a graph without layers each op is one.  It has no cost model: every
 * eligible map moves.
 *
 *  - Offload.  A feature map that backward needs is copied to the host during its last forward consumer, if that layer is not the first
 *    and not one of the last three.  A map that this layer has just made, or uses in place
 *    (norm, activation, dropout), is a mask or a temporary and is copied after the kernel.
 *  - Inter-layer reuse.  The map's memory is free after one more layer that makes maps of its own; a temporary's as soon as its copy
 *    has ended.
 *  - Intra-layer reuse.  A gradient map takes the bytes of its feature map: with the `reuse` lowering (filter before data) their
 *    lifetimes allow that, and any placement uses it.
 *  - Prefetch.  The start of a layer's backward fetches what the next one needs.
 *  - Both streams are synchronised after every layer.
 */
#include <config.h>
#include "planner/policy/layers.h"
#include "planner/policy/policy.h"
#include "src/base/rank.h"

enum { LAST_LAYERS_KEPT = 3 };

struct layrub {
	const struct graph *graph;
	const struct lifetimes *life;
	struct layers layers;
	uint32_t forward_count;		/* number of forward groups */
	uint32_t *next_map_layer;	/* [group_count + 1] first op of the group after the next one that makes maps */
};

static void
find_groups(struct layrub *l, struct arena *a)
{
	const struct layers *y = &l->layers;
	uint32_t after = l->graph->op_count;

	for (uint32_t i = 0; i < y->group_count; i++)
		l->forward_count += y->groups[i].phase == PHASE_FORWARD;
	l->next_map_layer = ARENA_NEW(a, uint32_t, (size_t)y->group_count + 1);
	l->next_map_layer[y->group_count] = after;
	for (uint32_t i = y->group_count; i-- > 0;) {
		l->next_map_layer[i] = after;
		if (!layers_in_place(l->graph, &y->groups[i]))
			after = y->groups[i].last + 1;
	}
}

/* Fills m with the move of tensor t between its last forward use and its first backward use.  False: there is none, or the tensor is not
 * eligible. */
static bool
find_move(struct move *m, const struct layrub *l, uint32_t t)
{
	const struct layers *y = &l->layers;
	const struct layer_group *consumer;
	uint32_t u, group, need, last, next;
	bool map;

	if (!layers_turn(l->life, t, &u))
		return false;
	last = l->life->use_op[u];
	next = l->life->use_op[u + 1];
	group = y->group_of[last];
	if (group == 0 || group + LAST_LAYERS_KEPT >= l->forward_count)
		return false;
	consumer = &y->groups[group];
	map = !layers_in_place(l->graph, consumer) && !layers_write(l->graph, consumer, t);
	need = y->group_of[next];
	*m = (struct move) {
		.tensor = t,
		.from = map ? consumer->first - 1 : last,
		.gone = consumer->last + 1,
		.free = map ? l->next_map_layer[group] : consumer->last + 1,
		.back = y->groups[y->groups[need - 1].phase == PHASE_BACKWARD ? need - 1 : need].first
	};
	return m->free <= m->back;
}

/* Returns the moves in order of `gone`; ties as given. */
static struct move *
sort_by_gone(const struct move *moves, uint32_t count, struct arena *a)
{
	struct ranked *order = ARENA_NEW(a, struct ranked, count);
	struct move *sorted = ARENA_NEW(a, struct move, count);

	for (uint32_t i = 0; i < count; i++)
		order[i] = (struct ranked) { .first = moves[i].gone, .id = i };
	rank_rising(order, count);
	for (uint32_t i = 0; i < count; i++)
		sorted[i] = moves[order[i].id];
	return sorted;
}

int
policy_layrub(struct schedule *s, const struct problem *p, struct arena *a, struct err *e)
{
	struct layrub l = { .graph = p->graph, .life = p->life };
	struct move *moves = ARENA_NEW(a, struct move, p->graph->tensor_count);
	uint32_t count = 0;

	(void)e;
	schedule_init(s, p->graph, a);
	layers_init(&l.layers, p->graph, a);
	find_groups(&l, a);
	for (uint32_t t = 0; t < p->graph->tensor_count; t++)
		count += find_move(&moves[count], &l, t);
	s->moves = sort_by_gone(moves, count, a);
	s->move_count = count;
	for (uint32_t i = 0; i < l.layers.group_count; i++)
		s->steps[l.layers.groups[i].first].barrier = l.layers.groups[i].phase != PHASE_UPDATE ||
		    (i > 0 && l.layers.groups[i - 1].phase != PHASE_UPDATE);
	return 0;
}
