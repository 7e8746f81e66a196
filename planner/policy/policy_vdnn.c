/* SPDX-License-Identifier: Apache-2.0 */
/* policy_vdnn.c - virtualised DNN (Rhu et al., MICRO 2016): two policies
 *
 *  - Offload.  The input map of a layer is copied to the host during the layer's forward, if the layer is the map's last consumer
 *    in forward and backward needs the map.  The queues meet at the layer's end, and the map's memory is free.  `all` does so for
 *    every layer, `conv` for convolutions only.
 *  - Prefetch.  The start of the backward of layer n fetches the offloaded input of the nearest earlier layer.  The search stops at a
 *    convolution, so that no map returns too early.  The queues meet at the layer's end.  A map without a prefetch is fetched when
 *    backward needs it.
 *  - A layer that works in place has no input of its own; masks and statistics stay.
 */
#include <config.h>
#include "planner/policy/policy.h"

#include "planner/policy/layers.h"
#include "planner/schedule/decisions.h"
#include "src/base/rank.h"

struct vdnn {
	const struct graph *graph;
	const struct lifetimes *life;
	struct layers layers;
	struct decisions d;
	uint32_t *start, *tensors;	/* forward group i offloads tensors[start[i] .. start[i + 1]) */
	uint32_t *uses;			/* [tensor_count] the use after which such a tensor leaves */
	bool *prefetched;		/* [group_count] */
	bool *met;			/* [group_count] the backward of the group has begun */
};

/* Returns the forward group that offloads tensor t, after use *use; LAYERS_NONE: none does. */
static uint32_t
offloads(const struct vdnn *v, uint32_t t, bool convolutions_only, uint32_t *use)
{
	const struct layer_group *group;
	uint32_t i;

	if (!layers_turn(v->life, t, use))
		return LAYERS_NONE;
	i = v->layers.group_of[v->life->use_op[*use]];
	group = &v->layers.groups[i];
	if ((convolutions_only && group->class != CLASS_CONV) || layers_write(v->graph, group, t) || group->first == 0)
		return LAYERS_NONE;
	/* A map that the op right after the layer reads stays. */
	return v->life->use_op[*use + 1] > group->last + 1 ? i : LAYERS_NONE;
}

static void
offload(struct vdnn *v, bool convolutions_only, struct arena *a)
{
	const struct graph *g = v->graph;
	uint32_t *group = ARENA_NEW(a, uint32_t, g->tensor_count), use, i;

	v->uses = ARENA_NEW(a, uint32_t, g->tensor_count);
	for (uint32_t t = 0; t < g->tensor_count; t++) {
		i = group[t] = offloads(v, t, convolutions_only, &use);
		if (i == LAYERS_NONE)
			continue;
		v->uses[t] = use;
		v->d.fate[use] = FATE_OFFLOAD;
		v->d.from[use] = v->layers.groups[i].first - 1;
		v->d.gone[use] = v->layers.groups[i].last + 1;
		v->d.back[use] = v->life->use_op[use + 1];
		v->d.barrier[v->layers.groups[i].last + 1] = true;
	}
	v->tensors = rank_by_key(group, g->tensor_count, v->layers.group_count, &v->start, a);
}

/* Has the offloaded inputs of group i come back when backward group b starts. */
static void
fetch(struct vdnn *v, uint32_t i, uint32_t b)
{
	uint32_t op = v->layers.groups[b].first;

	v->prefetched[i] = true;
	for (uint32_t n = v->start[i]; n < v->start[i + 1]; n++)
		if (op < v->d.back[v->uses[v->tensors[n]]] && op >= v->d.gone[v->uses[v->tensors[n]]])
			v->d.back[v->uses[v->tensors[n]]] = op;
	if (v->layers.groups[b].last + 1 < v->graph->op_count)
		v->d.barrier[v->layers.groups[b].last + 1] = true;
}

/* Fetches for backward group b.  The search ends at the first layer with an offloaded input, or at a convolution, so it passes each layer
 * between two convolutions at most once for each of them. */
static void
prefetch(struct vdnn *v, uint32_t b)
{
	uint32_t n = v->layers.forward_of[b];

	if (n == LAYERS_NONE || v->met[n])
		return;
	v->met[n] = true;
	v->prefetched[n] = true;
	while (n-- > 0) {
		if (v->start[n] < v->start[n + 1] && !v->prefetched[n]) {
			fetch(v, n, b);
			return;
		}
		if (v->layers.groups[n].class == CLASS_CONV)
			return;
	}
}

static int
plan(struct schedule *s, const struct problem *p, bool convolutions_only, struct arena *a, struct err *e)
{
	struct vdnn v = { .graph = p->graph, .life = p->life };

	if (layers_need_backward(p->graph, e) < 0)
		return -1;
	layers_init(&v.layers, p->graph, a);
	decisions_init(&v.d, p->life, a);
	v.d.from = ARENA_NEW(a, uint32_t, p->life->use_start[p->graph->tensor_count]);
	v.prefetched = ARENA_NEW(a, bool, v.layers.group_count);
	v.met = ARENA_NEW(a, bool, v.layers.group_count);
	offload(&v, convolutions_only, a);
	if (v.start[v.layers.group_count] == 0)
		return err_set(e, ERR_NO, "no %s has an input that backward needs", convolutions_only ? "convolution" : "layer");
	for (uint32_t b = 0; b < v.layers.group_count; b++)
		if (v.layers.groups[b].phase == PHASE_BACKWARD)
			prefetch(&v, b);
	return decisions_schedule(s, &v.d, a, e);
}

int
policy_vdnn_all(struct schedule *s, const struct problem *p, struct arena *a, struct err *e)
{
	return plan(s, p, false, a, e);
}

int
policy_vdnn_conv(struct schedule *s, const struct problem *p, struct arena *a, struct err *e)
{
	return plan(s, p, true, a, e);
}
