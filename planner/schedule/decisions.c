/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>
#include "planner/schedule/decisions.h"

#include <stdlib.h>
#include <string.h>

#include "planner/schedule/versions.h"

enum where { ABSENT, RESIDENT, ON_HOST };

#define NEVER UINT32_MAX	/* a move that does not happen after all */

/* Versions: version v of a tensor is what its v-th writer made; 0 is what it held
 * before the step. */
struct walk {
	const struct decisions *d;
	const struct lifetimes *life;
	const struct graph *graph;
	struct arena *arena;
	struct err *e;
	struct schedule *s;
	size_t step_capacity, move_capacity, steps, moves;
	struct versions versions;
	uint32_t *version;			/* [tensor_count] of the graph, so far */
	uint32_t *next_use;			/* [tensor_count] index of the first use not yet made */
	uint32_t *copied;			/* [tensor_count] the version that the host has, or NEVER */
	uint8_t *where;				/* [tensor_count] enum where */
	uint32_t *move_of;			/* [tensor_count] its open move while ON_HOST */
	uint32_t *back_start, *back_tensors;	/* CSR: tensors whose fetch begins at each op, op_count for the end */
	uint32_t *group;			/* [op_count + 1] step at which what is done for op k begins */
	bool *in_chain;				/* [op_count] */
	uint32_t *chain;			/* the ops to run again for the op at hand */
	size_t chain_count, chain_capacity;
	uint32_t *gone_op;			/* for each move: op before which it has gone */
	size_t gone_capacity;
};

void
decisions_init(struct decisions *d, const struct lifetimes *l, struct arena *a)
{
	const struct graph *g = l->graph;
	uint32_t slots = decisions_slots(l);

	*d = (struct decisions) { .life = l, .keep_recomputed = true };
	d->fate = ARENA_NEW(a, uint8_t, slots);
	d->gone = ARENA_NEW(a, uint32_t, slots);
	d->back = ARENA_NEW(a, uint32_t, slots);
	d->alternative = ARENA_NEW(a, uint32_t, g->op_count);
	d->barrier = ARENA_NEW(a, bool, g->op_count);
	memset(d->alternative, 0xff, sizeof(*d->alternative) * g->op_count);
	for (uint32_t t = 0; t < g->tensor_count; t++)
		if (l->use_start[t] < l->use_start[t + 1])
			d->fate[l->use_start[t + 1] - 1] = FATE_DROP;
}

/* The tensors whose fetch begins at each op. */
static void
find_returns(struct walk *w)
{
	const struct lifetimes *l = w->life;
	uint32_t slots = decisions_slots(l), n = w->graph->op_count, *fill;

	w->back_start = ARENA_NEW(w->arena, uint32_t, (size_t)n + 2);
	w->back_tensors = ARENA_NEW(w->arena, uint32_t, slots);
	for (uint32_t u = 0; u < slots; u++)
		if (w->d->fate[u] == FATE_OFFLOAD)
			w->back_start[w->d->back[u] + 1]++;
	for (uint32_t k = 0; k <= n; k++)
		w->back_start[k + 1] += w->back_start[k];
	fill = ARENA_NEW(w->arena, uint32_t, (size_t)n + 2);
	memcpy(fill, w->back_start, sizeof(*fill) * ((size_t)n + 2));
	for (uint32_t t = 0; t < w->graph->tensor_count; t++) {
		for (uint32_t u = l->use_start[t]; u < l->use_start[t + 1]; u++)
			if (w->d->fate[u] == FATE_OFFLOAD)
				w->back_tensors[fill[w->d->back[u]]++] = t;
		if (w->d->fate[decisions_before(l, t)] == FATE_OFFLOAD)
			w->back_tensors[fill[w->d->back[decisions_before(l, t)]]++] = t;
	}
}

static void
push_step(struct walk *w, uint32_t op, uint32_t alternative, bool barrier)
{
	*ARENA_PUSH(w->arena, w->s->steps, w->steps, w->step_capacity) =
	    (struct step) { .op = op, .alternative = alternative, .barrier = barrier };
}

/* Tensor t comes back before op k.  If it would be gone only later, it never leaves. */
static void
fetch(struct walk *w, uint32_t t, uint32_t k)
{
	uint32_t m = w->move_of[t];

	w->where[t] = RESIDENT;
	w->s->moves[m].back = w->group[k];
	if (w->gone_op[m] <= k)
		return;
	w->gone_op[m] = NEVER;
	if (!w->s->moves[m].copied)
		w->copied[t] = NEVER;
}

/* t leaves after step `from`, gone before op `gone`; at once if the host has its value. */
static void
leave(struct walk *w, uint32_t t, uint32_t from, uint32_t gone)
{
	bool copied = w->copied[t] == w->version[t];
	size_t count = w->moves;

	w->where[t] = ON_HOST;
	w->move_of[t] = (uint32_t)count;
	w->copied[t] = w->version[t];
	*ARENA_PUSH(w->arena, w->gone_op, count, w->gone_capacity) = gone;
	*ARENA_PUSH(w->arena, w->s->moves, w->moves, w->move_capacity) =
	    (struct move) { .tensor = t, .from = from, .back = SCHEDULE_END, .copied = copied };
}

/* As decided for use u, which op k has just made. */
static void
offload(struct walk *w, uint32_t t, uint32_t u, uint32_t k)
{
	uint32_t from = w->d->from == NULL ? k : w->d->from[u];

	if (from != SCHEDULE_START)
		from = from < k ? w->group[from + 1] - 1 : (uint32_t)w->steps - 1;
	leave(w, t, from, w->copied[t] == w->version[t] ? k + 1 : w->d->gone[u]);
}

static int
cannot(struct walk *w, uint32_t p, uint32_t k, const char *why)
{
	return err_set(w->e, ERR_NO, "op %" PRIu32 " '%s' would have to run again for op %" PRIu32 " '%s', but %s",
	    p, w->graph->ops[p].name, k, w->graph->ops[k].name, why);
}

static void
chain_add(struct walk *w, uint32_t op)
{
	if (w->in_chain[op])
		return;
	w->in_chain[op] = true;
	*ARENA_PUSH(w->arena, w->chain, w->chain_count, w->chain_capacity) = op;
}

/* Whoever made version v of t, and whoever has changed it since, runs again. */
static void
want(struct walk *w, uint32_t t, uint32_t v)
{
	chain_add(w, versions_writer(&w->versions, t, v));
}

/* All that the chain's ops read must be there, too: the chain grows until it is. */
static int
close_chain(struct walk *w, uint32_t k)
{
	const struct graph *g = w->graph;

	for (size_t c = 0; c < w->chain_count; c++) {
		uint32_t p = w->chain[c];
		const struct op *o = &g->ops[p];

		if (!o->recomputable)
			return cannot(w, p, k, "it is not recomputable");
		for (uint32_t i = 0; i < o->input_count; i++) {
			uint32_t s = o->inputs[i], v = versions_before(&w->versions, s, p);

			if (kind_is_persistent(g->tensors[s].kind) && v != w->version[s])
				return cannot(w, p, k, "a persistent tensor that it reads has been updated since");
			if ((v == 0 && !kind_is_persistent(g->tensors[s].kind)) || (v == w->version[s] && w->where[s] == RESIDENT))
				continue;
			if (v == w->version[s] && w->where[s] == ON_HOST)
				fetch(w, s, k);
			else
				want(w, s, v);
		}
		/* A resident tensor must hold its newest version again in the end. */
		for (uint32_t j = 0; j < o->output_count; j++) {
			uint32_t t = o->outputs[j];

			if (w->where[t] == ON_HOST && w->gone_op[w->move_of[t]] > k)
				fetch(w, t, k);	/* its copy out is not over: it stays */
			if (w->where[t] == RESIDENT)
				for (uint32_t v = versions_before(&w->versions, t, p) + 2; v <= w->version[t]; v++)
					want(w, t, v);
		}
	}
	return 0;
}

static int
ascending(const void *x, const void *y)
{
	const uint32_t *p = x, *q = y;

	return *p < *q ? -1 : *p > *q;
}

/* Run the chain for op k, and say where it leaves the tensors that it wrote. */
static void
run_chain(struct walk *w, uint32_t k)
{
	const struct graph *g = w->graph;

	if (w->chain_count == 0)
		return;
	qsort(w->chain, w->chain_count, sizeof(*w->chain), ascending);
	for (size_t c = 0; c < w->chain_count; c++) {
		const struct op *o = &g->ops[w->chain[c]];

		push_step(w, w->chain[c], PLAN_NONE, false);
		w->in_chain[w->chain[c]] = false;
		for (uint32_t j = 0; j < o->output_count; j++) {
			uint32_t t = o->outputs[j], u = w->next_use[t];
			bool newest = versions_before(&w->versions, t, w->chain[c]) + 1 == w->version[t];
			bool stays = w->d->keep_recomputed && (w->d->lean == NULL || !w->d->lean[w->chain[c]]);
			bool wanted = u < w->life->use_start[t + 1] && (stays || w->life->use_op[u] == k);

			if (w->where[t] != ON_HOST && newest && wanted)
				w->where[t] = RESIDENT;
		}
	}
	w->chain_count = 0;
}

/* Bring back what op k reads. */
static int
provide(struct walk *w, uint32_t k)
{
	const struct op *o = &w->graph->ops[k];

	for (uint32_t i = w->back_start[k]; i < w->back_start[k + 1]; i++)
		if (w->where[w->back_tensors[i]] == ON_HOST)
			fetch(w, w->back_tensors[i], k);
	for (uint32_t i = 0; i < o->input_count; i++) {
		uint32_t t = o->inputs[i];

		if (w->where[t] == ON_HOST)
			fetch(w, t, k);
		else if (w->where[t] == ABSENT && w->version[t] > 0)
			want(w, t, w->version[t]);
	}
	for (uint32_t j = 0; j < o->output_count; j++)	/* has its place at home, whatever is written there */
		if (w->where[o->outputs[j]] == ON_HOST && kind_is_persistent(w->graph->tensors[o->outputs[j]].kind))
			fetch(w, o->outputs[j], k);
	if (close_chain(w, k) < 0)
		return -1;
	run_chain(w, k);
	return 0;
}

/* What becomes of op k's tensors after it. */
static void
settle(struct walk *w, uint32_t k)
{
	const struct op *o = &w->graph->ops[k];
	const struct lifetimes *l = w->life;

	for (uint32_t j = 0; j < o->output_count; j++) {
		if (w->where[o->outputs[j]] == ON_HOST) {	/* overwritten unread: its copy is of no use */
			w->gone_op[w->move_of[o->outputs[j]]] = NEVER;
			w->copied[o->outputs[j]] = NEVER;
		}
		w->version[o->outputs[j]]++;
		w->where[o->outputs[j]] = RESIDENT;
	}
	FOR_EACH_OPERAND(o, t) {
		uint32_t u = w->next_use[t];

		if (u == l->use_start[t + 1] || l->use_op[u] != k)
			continue;	/* seen already: it stands twice in the op */
		w->next_use[t]++;
		if (w->d->fate[u] == FATE_OFFLOAD)
			offload(w, t, u, k);
		else if (w->d->fate[u] == FATE_DROP && !kind_is_persistent(w->graph->tensors[t].kind))
			w->where[t] = ABSENT;
	}
}

static bool
on_host(const struct walk *w, uint32_t t)
{
	return w->d->on_host != NULL && w->d->on_host[t];
}

/* Where everything is before the step. */
static void
begin(struct walk *w)
{
	memset(w->copied, 0xff, sizeof(*w->copied) * w->graph->tensor_count);
	for (uint32_t t = 0; t < w->graph->tensor_count; t++) {
		uint32_t before = decisions_before(w->life, t);

		if (!kind_is_persistent(w->graph->tensors[t].kind))
			continue;
		w->where[t] = RESIDENT;
		if (on_host(w, t)) {
			w->copied[t] = 0;
			leave(w, t, SCHEDULE_START, 0);
		} else if (w->d->fate[before] == FATE_OFFLOAD) {
			leave(w, t, SCHEDULE_START, w->d->gone[before]);
		}
	}
}

/* Persistent tensors end the step at home. */
static void
end(struct walk *w)
{
	uint32_t n = w->graph->op_count;

	w->group[n] = (uint32_t)w->steps;
	for (uint32_t t = 0; t < w->graph->tensor_count; t++) {
		if (!kind_is_persistent(w->graph->tensors[t].kind))
			continue;
		if (on_host(w, t) && w->where[t] == RESIDENT)
			leave(w, t, (uint32_t)w->steps - 1, n);
		else if (!on_host(w, t) && w->where[t] == ON_HOST)
			fetch(w, t, n);
	}
}

/* Steps for ops, now that all are known; moves that never happened go. */
static void
finish_moves(struct walk *w)
{
	struct schedule *s = w->s;
	uint32_t kept = 0;

	for (uint32_t m = 0; m < w->moves; m++) {
		struct move *to = &s->moves[kept];

		if (w->gone_op[m] == NEVER)
			continue;
		*to = s->moves[m];
		to->gone = to->free = w->group[w->gone_op[m]];
		kept++;
	}
	s->move_count = kept;
	s->step_count = (uint32_t)w->steps;
	s->on_host = w->d->on_host;
	s->in_place = w->d->in_place;
}

int
decisions_schedule(struct schedule *s, const struct decisions *d, struct arena *a, struct err *e)
{
	const struct graph *g = d->life->graph;
	struct walk w = { .d = d, .life = d->life, .graph = g, .arena = a, .e = e, .s = s };

	*s = (struct schedule) { .step_count = 0 };
	versions_init(&w.versions, g, a);
	find_returns(&w);
	w.version = ARENA_NEW(a, uint32_t, g->tensor_count);
	w.next_use = ARENA_NEW(a, uint32_t, g->tensor_count);
	memcpy(w.next_use, d->life->use_start, sizeof(*w.next_use) * g->tensor_count);
	w.copied = ARENA_NEW(a, uint32_t, g->tensor_count);
	w.where = ARENA_NEW(a, uint8_t, g->tensor_count);
	w.move_of = ARENA_NEW(a, uint32_t, g->tensor_count);
	w.group = ARENA_NEW(a, uint32_t, (size_t)g->op_count + 1);
	w.in_chain = ARENA_NEW(a, bool, g->op_count);
	begin(&w);
	for (uint32_t k = 0; k < g->op_count; k++) {
		w.group[k] = (uint32_t)w.steps;
		if (provide(&w, k) < 0)
			return -1;
		push_step(&w, k, d->alternative[k], d->barrier[k]);
		settle(&w, k);
	}
	end(&w);
	finish_moves(&w);
	return 0;
}
