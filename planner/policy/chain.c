/* SPDX-License-Identifier: Apache-2.0 */
/* chain.c - a walk from a tensor back through the writers of what its writers read */
#include <config.h>
#include "planner/policy/chain.h"

#include <math.h>

void
chain_init(struct chain *c, const struct decisions *d, uint32_t limit, struct arena *a)
{
	const struct graph *g = d->life->graph;

	*c = (struct chain) { .d = d, .limit = limit };
	versions_init(&c->versions, g, a);
	c->seen = ARENA_NEW(a, uint32_t, g->op_count);
	c->ops = ARENA_NEW(a, uint32_t, limit);
}

/* True: tensor t is on the device or the host just before op k. */
static bool
is_there(const struct chain *c, uint32_t t, uint32_t k)
{
	const struct lifetimes *l = c->d->life;
	uint32_t next = lifetimes_use_from(l, t, k);

	return next > l->use_start[t] && c->d->fate[next - 1] != FATE_DROP;
}

static bool
add(struct chain *c, uint32_t op)
{
	if (c->seen[op] == c->question)
		return true;
	if (c->count == c->limit || !c->d->life->graph->ops[op].recomputable)
		return false;
	c->seen[op] = c->question;
	c->ops[c->count++] = op;
	return true;
}

double
chain_us(struct chain *c, uint32_t t, uint32_t k)
{
	const struct graph *g = c->d->life->graph;
	uint32_t v = versions_before(&c->versions, t, k);
	double us = 0;

	c->question++;
	c->count = 0;
	if (v == 0 || !add(c, versions_writer(&c->versions, t, v)))
		return INFINITY;
	for (uint32_t n = 0; n < c->count; n++) {
		uint32_t p = c->ops[n];
		const struct op *o = &g->ops[p];

		us += o->time_us;
		for (uint32_t i = 0; i < o->input_count; i++) {
			uint32_t s = o->inputs[i];
			bool newest = (v = versions_before(&c->versions, s, p)) == versions_before(&c->versions, s, k);

			if (kind_is_persistent(g->tensors[s].kind) && !newest)
				return INFINITY;
			if (kind_is_persistent(g->tensors[s].kind) || v == 0 || (newest && s != t && is_there(c, s, k)))
				continue;
			if (!add(c, versions_writer(&c->versions, s, v)))
				return INFINITY;
		}
	}
	return us;
}
