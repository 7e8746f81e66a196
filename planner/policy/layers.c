/* SPDX-License-Identifier: Apache-2.0 */
/* layers.c - groups of ops, the forward of each, and the tensors between forward and backward */
#include <config.h>
#include "planner/policy/layers.h"

#include <stdlib.h>
#include <string.h>

/* Returns the forward op that backward op k belongs to: the latest one whose output k reads; k itself: none. */
static uint32_t
owner(const struct graph *g, uint32_t k, const uint32_t *forward_writer)
{
	const struct op *o = &g->ops[k];
	uint32_t latest = UINT32_MAX;

	if (o->phase != PHASE_BACKWARD)
		return k;
	for (uint32_t i = 0; i < o->input_count; i++) {
		uint32_t w = forward_writer[o->inputs[i]];

		if (w != UINT32_MAX && (latest == UINT32_MAX || w > latest))
			latest = w;
	}
	return latest == UINT32_MAX ? k : latest;
}

struct named { const char *name; uint32_t group; };

static int
by_name(const void *x, const void *y)
{
	const struct named *p = x, *q = y;
	int order = strcmp(p->name, q->name);

	return order != 0 ? order : p->group < q->group ? -1 : p->group > q->group;
}

/* Returns the latest forward group of that name, or LAYERS_NONE. */
static uint32_t
find_named(const struct named *sorted, uint32_t count, const char *name)
{
	uint32_t lo = 0, hi = count;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (strcmp(sorted[mid].name, name) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo > 0 && strcmp(sorted[lo - 1].name, name) == 0 ? sorted[lo - 1].group : LAYERS_NONE;
}

/* Fills forward_of.  belongs[op_count]: owner() of each op. */
static void
find_forward(struct layers *l, const struct graph *g, const uint32_t *belongs, struct arena *a)
{
	struct named *sorted = ARENA_NEW(a, struct named, l->group_count);
	uint32_t count = 0;

	l->forward_of = ARENA_NEW(a, uint32_t, l->group_count);
	for (uint32_t i = 0; i < l->group_count; i++)
		if (l->groups[i].phase == PHASE_FORWARD && g->ops[l->groups[i].first].layer != NULL)
			sorted[count++] = (struct named) { g->ops[l->groups[i].first].layer, i };
	qsort(sorted, count, sizeof(*sorted), by_name);
	for (uint32_t i = 0; i < l->group_count; i++) {
		uint32_t first = l->groups[i].first;
		const char *name = g->ops[first].layer;

		l->forward_of[i] = l->groups[i].phase == PHASE_FORWARD ? i :
		    name == NULL ? LAYERS_NONE : find_named(sorted, count, name);
		if (l->forward_of[i] == LAYERS_NONE && l->groups[i].phase == PHASE_BACKWARD && belongs[first] != first)
			l->forward_of[i] = l->group_of[belongs[first]];
	}
}

void
layers_init(struct layers *l, const struct graph *g, struct arena *a)
{
	uint32_t *forward_writer = ARENA_NEW(a, uint32_t, g->tensor_count);
	uint32_t previous = UINT32_MAX;
	uint32_t *belongs_to = ARENA_NEW(a, uint32_t, g->op_count);
	struct layer_group *group = NULL;
	double longest = 0;

	*l = (struct layers) { .group_count = 0 };
	l->groups = ARENA_NEW(a, struct layer_group, g->op_count);
	l->group_of = ARENA_NEW(a, uint32_t, g->op_count);
	memset(forward_writer, 0xff, sizeof(*forward_writer) * g->tensor_count);
	for (uint32_t k = 0; k < g->op_count; k++) {
		const struct op *o = &g->ops[k], *before = k == 0 ? NULL : &g->ops[k - 1];
		uint32_t belongs = owner(g, k, forward_writer);
		bool joins = before != NULL && before->phase == o->phase &&
		    (o->layer != NULL && before->layer != NULL ? strcmp(o->layer, before->layer) == 0 :
		    o->layer == NULL && before->layer == NULL && belongs == previous);

		if (!joins) {
			group = &l->groups[l->group_count++];
			*group = (struct layer_group) { .first = k, .phase = o->phase, .class = o->class };
			longest = o->time_us;
		} else if (o->time_us > longest) {
			longest = o->time_us;
			group->class = o->class;
		}
		group->last = k;
		l->group_of[k] = l->group_count - 1;
		previous = belongs_to[k] = belongs;
		for (uint32_t j = 0; o->phase == PHASE_FORWARD && j < o->output_count; j++)
			forward_writer[o->outputs[j]] = k;
	}
	find_forward(l, g, belongs_to, a);
}

bool
layers_turn(const struct lifetimes *life, uint32_t t, uint32_t *use)
{
	const struct graph *g = life->graph;
	uint32_t first = life->use_start[t], end = life->use_start[t + 1], u = first;

	if (kind_is_persistent(g->tensors[t].kind) || g->tensors[t].bytes == 0)
		return false;
	while (u < end && g->ops[life->use_op[u]].phase == PHASE_FORWARD)
		u++;
	if (u == first || u == end || g->ops[life->use_op[u]].phase != PHASE_BACKWARD)
		return false;
	*use = u - 1;
	return op_reads(&g->ops[life->use_op[u]], t);
}

static bool
begins(const char *name, const char *with)
{
	return strncmp(name, with, strlen(with)) == 0;
}

bool
layers_in_place(const struct graph *g, const struct layer_group *group)
{
	bool own_map = false, scale = false;

	for (uint32_t k = group->first; k <= group->last; k++) {
		own_map |= begins(g->ops[k].name, "lrn") || begins(g->ops[k].name, "local_response_norm");
		scale |= strcmp(g->ops[k].name, "scale") == 0;
	}
	return !own_map && (scale || group->class == CLASS_NORM || group->class == CLASS_ACTIVATION);
}

bool
layers_write(const struct graph *g, const struct layer_group *group, uint32_t tensor)
{
	for (uint32_t k = group->first; k <= group->last; k++)
		if (op_writes(&g->ops[k], tensor))
			return true;
	return false;
}

/* The making of one tensor in forward. */
struct making {
	uint32_t version;	/* number of forward ops that have written it so far */
	uint32_t final;		/* number of all forward ops that write it */
	bool again;		/* the latest of them may rerun */
	bool waits;		/* the tensor waits for backward */
};

static bool
may_run_again(const struct graph *g, const struct op *o, const struct making *made)
{
	for (uint32_t i = 0; i < o->input_count; i++) {
		const struct making *m = &made[o->inputs[i]];

		/* Before its first version a transient tensor holds nothing. */
		if (!kind_is_persistent(g->tensors[o->inputs[i]].kind) && m->version > 0 && !m->again && !(m->waits && m->version == m->final))
			return false;
	}
	return o->recomputable;
}

bool *
layers_cheap(const struct lifetimes *life, const bool *may_run, struct arena *a)
{
	const struct graph *g = life->graph;
	struct making *made = ARENA_NEW(a, struct making, g->tensor_count);
	bool *cheap = ARENA_NEW(a, bool, g->tensor_count);
	uint32_t use;

	for (uint32_t k = 0; k < g->op_count; k++)
		for (uint32_t j = 0; g->ops[k].phase == PHASE_FORWARD && j < g->ops[k].output_count; j++)
			made[g->ops[k].outputs[j]].final++;
	for (uint32_t t = 0; t < g->tensor_count; t++)
		made[t].waits = layers_turn(life, t, &use);
	for (uint32_t k = 0; k < g->op_count; k++) {
		const struct op *o = &g->ops[k];
		bool again = o->phase == PHASE_FORWARD && may_run[k] && may_run_again(g, o, made);

		for (uint32_t j = 0; o->phase == PHASE_FORWARD && j < o->output_count; j++) {
			made[o->outputs[j]].version++;
			made[o->outputs[j]].again = again;
		}
	}
	for (uint32_t t = 0; t < g->tensor_count; t++)
		cheap[t] = made[t].waits && made[t].final > 0 && made[t].again;
	return cheap;
}

int
layers_need_backward(const struct graph *g, struct err *e)
{
	bool forward = false, backward = false;

	for (uint32_t k = 0; k < g->op_count; k++) {
		forward |= g->ops[k].phase == PHASE_FORWARD;
		backward |= g->ops[k].phase == PHASE_BACKWARD;
	}
	return forward && backward ? 0 :
	    err_set(e, ERR_NO, "the graph has no %s ops: the policy works between forward and backward", forward ? "backward" : "forward");
}
