/* SPDX-License-Identifier: Apache-2.0 */
/* rerun.c - the walk back over writers and their inputs */
#include <config.h>
#include "planner/schedule/rerun.h"

#include <assert.h>

void
rerun_init(struct rerun *r, const struct graph *g, const struct versions *v, uint32_t limit, struct arena *a)
{
	*r = (struct rerun) { .graph = g, .versions = v, .limit = limit };
	r->ops = ARENA_NEW(a, uint32_t, limit);
	r->seen = ARENA_NEW(a, uint32_t, g->op_count);
}

void
rerun_begin(struct rerun *r)
{
	r->question++;
	r->count = 0;
}

bool
rerun_want(struct rerun *r, uint32_t t, uint32_t v)
{
	uint32_t op;

	assert(v > 0);
	op = versions_writer(r->versions, t, v);
	if (r->seen[op] == r->question)
		return true;
	if (r->count == r->limit)
		return false;
	r->seen[op] = r->question;
	r->ops[r->count++] = op;
	return true;
}

static enum rerun_answer
refuse(struct rerun *r, uint32_t op, enum rerun_answer why)
{
	r->refused = op;
	return why;
}

enum rerun_answer
rerun_close(struct rerun *r, uint32_t k, rerun_present *present, rerun_visit *visit, void *arg)
{
	const struct graph *g = r->graph;

	for (uint32_t at = 0; at < r->count; at++) {
		uint32_t p = r->ops[at];
		const struct op *o = &g->ops[p];
		enum rerun_step step;

		if (!o->recomputable)
			return refuse(r, p, RERUN_FORBIDDEN);
		step = visit == NULL ? RERUN_ENTER : visit(arg, p);
		if (step == RERUN_STOP)
			return RERUN_STOPPED;
		for (uint32_t i = 0; step == RERUN_ENTER && i < o->input_count; i++) {
			uint32_t s = o->inputs[i], v = versions_before(r->versions, s, p);
			bool persistent = kind_is_persistent(g->tensors[s].kind), newest;

			if (v == 0 && !persistent)
				continue;	/* it held nothing */
			newest = v == versions_before(r->versions, s, k);
			if (persistent && !newest)
				return refuse(r, p, RERUN_OVERWRITTEN);
			if (!(newest && present(arg, s, v)) && !rerun_want(r, s, v))
				return RERUN_TOO_LONG;
		}
	}
	return RERUN_POSSIBLE;
}

uint32_t
rerun_writers(uint32_t *ops, uint32_t room, enum rerun_origin *origin, const struct graph *g,
    const struct versions *versions, uint32_t t, uint32_t v)
{
	uint32_t count = 0;

	for (*origin = RERUN_FROM_BEFORE; v > 0; v--) {
		uint32_t w = versions_writer(versions, t, v);

		if (count == room) {
			*origin = RERUN_FROM_FAR;
			break;
		}
		if (!g->ops[w].recomputable) {
			*origin = RERUN_FROM_KEPT;
			break;
		}
		ops[count++] = w;
		if (!op_reads(&g->ops[w], t)) {
			*origin = RERUN_FROM_NOTHING;
			break;
		}
	}
	return count;
}
