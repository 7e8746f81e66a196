/* SPDX-License-Identifier: Apache-2.0 */
/* segments.c - the boundaries of segments: bytes that cross them, and those that are forbidden */
#include <config.h>
#include "planner/policy/segments.h"

#include <string.h>

#include "planner/policy/layers.h"

/* Counts the forward ops.  They must be the first ops, so that a boundary in the order is a boundary in forward. */
static int
forward_count(uint32_t *count, const struct graph *g, struct err *e)
{
	uint32_t n = 0;

	if (layers_need_backward(g, e) < 0)
		return -1;
	while (n < g->op_count && g->ops[n].phase == PHASE_FORWARD)
		n++;
	for (uint32_t k = n; k < g->op_count; k++)
		if (g->ops[k].phase == PHASE_FORWARD) {
			err_set(e, ERR_NO, "forward op %" PRIu32 " '%s' follows backward ops: forward cannot be cut into segments",
			    k, g->ops[k].name);
			return graph_set_reason(e, g, k, 0);
		}
	*count = n;
	return n > 0 ? 0 : err_set(e, ERR_NO, "the graph does not begin with its forward ops");
}

/* Fills makes[k]: op k is the first to write a map that waits for backward.  Returns the number of such ops. */
static uint32_t
find_maps(bool *makes, const struct lifetimes *l)
{
	uint32_t count = 0, use;

	for (uint32_t t = 0; t < l->graph->tensor_count; t++)
		if (layers_turn(l, t, &use) && !makes[l->first[t]]) {
			makes[l->first[t]] = true;
			count++;
		}
	return count;
}

int
segments_maps(uint32_t *maps, const struct lifetimes *l, struct arena *a, struct err *e)
{
	uint32_t forward;

	if (forward_count(&forward, l->graph, e) < 0)
		return -1;
	*maps = find_maps(ARENA_NEW(a, bool, l->graph->op_count), l);
	return *maps > 0 ? 0 : err_set(e, ERR_NO, "nothing waits from forward for backward");
}

struct bounding {
	struct segments *s;
	const struct lifetimes *life;
	uint32_t forward;
	uint32_t *maps_before;		/* [forward + 1] */
	bytes_t *crossing;		/* [forward + 1] bytes that cross a boundary before op k */
	int32_t *forbidden;		/* [forward + 1] over 0: a boundary there would part two versions of a tensor */
};

static void
find_crossings(struct bounding *c)
{
	const struct graph *g = c->life->graph;

	memset(c->s->last_forward, 0xff, sizeof(*c->s->last_forward) * g->tensor_count);
	for (uint32_t k = 0; k < c->forward; k++) {
		const struct op *o = &g->ops[k];

		for (uint32_t i = 0; i < o->input_count; i++)
			c->s->last_forward[o->inputs[i]] = k;
		for (uint32_t j = 0; j < o->output_count; j++) {
			uint32_t t = o->outputs[j], before = c->life->first[t];

			c->s->last_forward[t] = k;
			if (kind_is_persistent(g->tensors[t].kind) || before >= k)
				continue;
			/* Overwritten: every boundary since its first writer is forbidden. */
			c->forbidden[before + 1]++;
			c->forbidden[k + 1]--;
		}
	}
	for (uint32_t t = 0; t < g->tensor_count; t++) {
		uint32_t last = c->s->last_forward[t];

		if (kind_is_persistent(g->tensors[t].kind) || last == SEGMENTS_NONE)
			continue;
		c->crossing[c->life->first[t] + 1] += g->tensors[t].bytes;
		c->crossing[last + 1] -= g->tensors[t].bytes;	/* unsigned: the sum comes out right */
	}
	for (uint32_t k = 1; k <= c->forward; k++) {
		c->crossing[k] += c->crossing[k - 1];
		c->forbidden[k] += c->forbidden[k - 1];
	}
}

static uint32_t
distance(uint32_t x, uint32_t y)
{
	return x > y ? x - y : y - x;
}

/* Returns the op before which the best boundary is: after op `after`, with target +- slack maps before it; 0: none. */
static uint32_t
best_boundary(const struct bounding *c, uint32_t target, uint32_t slack, uint32_t after, uint32_t *from)
{
	uint32_t best = 0;

	while (*from < c->forward && c->maps_before[*from] + slack < target)
		++*from;
	for (uint32_t k = *from; k < c->forward && c->maps_before[k] <= target + slack; k++) {
		if (k <= after || c->forbidden[k] > 0)
			continue;
		if (best == 0 || c->crossing[k] < c->crossing[best] || (c->crossing[k] == c->crossing[best] &&
		    distance(c->maps_before[k], target) < distance(c->maps_before[best], target)))
			best = k;
	}
	return best;
}

int
segments_init(struct segments *s, const struct lifetimes *l, uint32_t want, struct arena *a, struct err *e)
{
	const struct graph *g = l->graph;
	struct bounding c = { .s = s, .life = l };
	bool *makes = ARENA_NEW(a, bool, g->op_count);
	uint32_t from = 0, at;

	*s = (struct segments) { .count = 1 };
	if (forward_count(&c.forward, g, e) < 0)
		return -1;
	s->maps = find_maps(makes, l);
	s->first = ARENA_NEW(a, uint32_t, (size_t)want + 1);
	s->of = ARENA_NEW(a, uint32_t, g->op_count);
	s->last_forward = ARENA_NEW(a, uint32_t, g->tensor_count);
	c.maps_before = ARENA_NEW(a, uint32_t, (size_t)c.forward + 1);
	c.crossing = ARENA_NEW(a, bytes_t, (size_t)g->op_count + 2);
	c.forbidden = ARENA_NEW(a, int32_t, (size_t)g->op_count + 2);
	for (uint32_t k = 0; k < c.forward; k++)
		c.maps_before[k + 1] = c.maps_before[k] + makes[k];
	find_crossings(&c);
	for (uint32_t i = 1; i < want; i++) {
		/* For maps + 1 segments, a boundary follows every map. */
		uint64_t target = want > s->maps ? i : (uint64_t)i * s->maps / want;

		at = best_boundary(&c, (uint32_t)target, s->maps / want / 4, s->first[s->count - 1], &from);
		if (at > 0)
			s->first[s->count++] = at;
	}
	s->first[s->count] = c.forward;
	for (uint32_t i = 0; i < s->count; i++)
		for (uint32_t k = s->first[i]; k < s->first[i + 1]; k++)
			s->of[k] = i;
	return 0;
}
