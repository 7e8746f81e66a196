/* SPDX-License-Identifier: Apache-2.0 */
/* decisions.c - the walk over the ops that turns fates into steps and moves
 *
 * Before each op the walk fetches its inputs from the host and runs the reruns that it needs; after it, it settles what becomes
 * of the op's tensors.  Moves are noted by op and get their steps at the end, when all reruns are known.
 */
#include <config.h>
#include "planner/schedule/decisions.h"

#include <stdlib.h>
#include <string.h>

#include "planner/schedule/rerun.h"

enum where { ABSENT, RESIDENT, ON_HOST };

#define NEVER UINT32_MAX	/* of a move: it does not happen after all */

/* State of the walk.  Versions are those of versions.h. */
struct decision_walk {
	const struct decisions *d;
	const struct lifetimes *life;
	const struct graph *graph;
	struct arena *arena;
	struct err *e;
	struct schedule *s;
	size_t step_capacity, move_capacity, steps, moves;
	struct versions versions;
	uint32_t *version;			/* [tensor_count] that the walk has reached */
	uint32_t *next_use;			/* [tensor_count] index of the first use not yet made */
	uint32_t *copied;			/* [tensor_count] the version that the host has, or NEVER */
	uint8_t *where;				/* [tensor_count] enum where */
	uint32_t *move_of;			/* [tensor_count] its open move while ON_HOST */
	uint32_t *back_start, *back_tensors;	/* CSR: tensors whose fetch begins at each op; op_count: at the end */
	uint32_t *group;			/* [op_count + 2] first step of what is done for op k: its reruns, then itself; op_count:
						 * reruns for results; op_count + 1: the end */
	struct rerun rerun;			/* ops that run again before op `at` */
	uint32_t at;
	uint32_t *gone_op;			/* [moves] op before which the tensor has gone, or NEVER */
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
		if (l->use_start[t] < l->use_start[t + 1] && (kind_is_persistent(g->tensors[t].kind) || !kind_has_final(g->tensors[t].kind)))
			d->fate[l->use_start[t + 1] - 1] = FATE_DROP;
}

/* True: the tensor is on the host after use u and is fetched without being asked for. */
static bool
comes_back(const struct decision_walk *w, uint32_t t, uint32_t u)
{
	return w->d->fate[u] == FATE_OFFLOAD && (u + 1 != w->life->use_start[t + 1] || kind_is_persistent(w->graph->tensors[t].kind));
}

/* Fills back_start and back_tensors. */
static void
find_returns(struct decision_walk *w)
{
	const struct lifetimes *l = w->life;
	uint32_t slots = decisions_slots(l), n = w->graph->op_count, *fill;

	w->back_start = ARENA_NEW(w->arena, uint32_t, (size_t)n + 2);
	w->back_tensors = ARENA_NEW(w->arena, uint32_t, slots);
	for (uint32_t t = 0; t < w->graph->tensor_count; t++) {
		for (uint32_t u = l->use_start[t]; u < l->use_start[t + 1]; u++)
			if (comes_back(w, t, u))
				w->back_start[w->d->back[u] + 1]++;
		if (w->d->fate[decisions_before(l, t)] == FATE_OFFLOAD)
			w->back_start[w->d->back[decisions_before(l, t)] + 1]++;
	}
	for (uint32_t k = 0; k <= n; k++)
		w->back_start[k + 1] += w->back_start[k];
	fill = ARENA_NEW(w->arena, uint32_t, (size_t)n + 2);
	memcpy(fill, w->back_start, sizeof(*fill) * ((size_t)n + 2));
	for (uint32_t t = 0; t < w->graph->tensor_count; t++) {
		for (uint32_t u = l->use_start[t]; u < l->use_start[t + 1]; u++)
			if (comes_back(w, t, u))
				w->back_tensors[fill[w->d->back[u]]++] = t;
		if (w->d->fate[decisions_before(l, t)] == FATE_OFFLOAD)
			w->back_tensors[fill[w->d->back[decisions_before(l, t)]]++] = t;
	}
}

static void
push_step(struct decision_walk *w, uint32_t op, uint32_t alternative, bool barrier)
{
	*ARENA_PUSH(w->arena, w->s->steps, w->steps, w->step_capacity) =
	    (struct step) { .op = op, .alternative = alternative, .barrier = barrier };
}

/* Brings tensor t back before op k, or at the step's end (k > op_count).  A tensor that would be gone only later never leaves. */
static void
fetch(struct decision_walk *w, uint32_t t, uint32_t k)
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

/* Lets tensor t leave after step `from`, gone before op `gone`.  No copy is made if the host has its value. */
static void
leave(struct decision_walk *w, uint32_t t, uint32_t from, uint32_t gone)
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

/* Offloads tensor t as decided for use u, which is op k. */
static void
offload(struct decision_walk *w, uint32_t t, uint32_t u, uint32_t k)
{
	uint32_t from = w->d->from == NULL ? k : w->d->from[u];

	if (from != SCHEDULE_START)
		from = from < k ? w->group[from + 1] - 1 : (uint32_t)w->steps - 1;
	leave(w, t, from, w->copied[t] == w->version[t] ? k + 1 : w->d->gone[u]);
}

static int
cannot(struct decision_walk *w, uint32_t p, uint32_t k, const char *why)
{
	if (k < w->graph->op_count)
		err_set(w->e, ERR_NO, "op %" PRIu32 " '%s' would have to run again for op %" PRIu32 " '%s', but %s",
		    p, w->graph->ops[p].name, k, w->graph->ops[k].name, why);
	else
		err_set(w->e, ERR_NO, "op %" PRIu32 " '%s' would have to run again for a result, but %s", p, w->graph->ops[p].name, why);
	return graph_set_reason(w->e, w->graph, p, 0);
}

/* Adds to the closure what a rerun of op p makes necessary.  It overwrites p's outputs, and a resident tensor must hold its
 * newest version again in the end, so that all its later writers run again, too. */
static enum rerun_step
restore_outputs(void *arg, uint32_t p)
{
	struct decision_walk *w = arg;
	const struct op *o = &w->graph->ops[p];

	for (uint32_t j = 0; j < o->output_count; j++) {
		uint32_t t = o->outputs[j];

		if (w->where[t] == ON_HOST && w->gone_op[w->move_of[t]] > w->at)
			fetch(w, t, w->at);	/* its copy out has not ended: it stays */
		if (w->where[t] == RESIDENT)
			for (uint32_t v = versions_before(&w->versions, t, p) + 2; v <= w->version[t]; v++)
				rerun_want(&w->rerun, t, v);
	}
	return RERUN_ENTER;
}

/* True if tensor t is resident, or on the host: then it is fetched. */
static bool
is_present(void *arg, uint32_t t, uint32_t v)
{
	struct decision_walk *w = arg;

	(void)v;
	if (w->where[t] == ON_HOST)
		fetch(w, t, w->at);
	return w->where[t] == RESIDENT;
}

static int
close_reruns(struct decision_walk *w, uint32_t k)
{
	w->at = k;
	switch (rerun_close(&w->rerun, k, is_present, restore_outputs, w)) {
	case RERUN_FORBIDDEN:
		return cannot(w, w->rerun.refused, k, "it is not recomputable");
	case RERUN_OVERWRITTEN:
		return cannot(w, w->rerun.refused, k, "a persistent tensor that it reads has been updated since");
	default:
		return 0;
	}
}

static int
ascending(const void *x, const void *y)
{
	const uint32_t *p = x, *q = y;

	return *p < *q ? -1 : *p > *q;
}

/* True: tensor t, made again before op k, stays on the device.  stays: also for uses after op k. */
static bool
is_wanted(const struct decision_walk *w, uint32_t t, uint32_t k, bool stays)
{
	uint32_t u = w->next_use[t];

	if (u < w->life->use_start[t + 1])
		return stays || w->life->use_op[u] == k;
	return kind_has_final(w->graph->tensors[t].kind) && (stays || k == w->graph->op_count);
}

/* Emits the reruns before op k, and updates where the tensors are that they write. */
static void
run_again(struct decision_walk *w, uint32_t k)
{
	const struct graph *g = w->graph;
	struct rerun *r = &w->rerun;

	if (r->count == 0)
		return;
	qsort(r->ops, r->count, sizeof(*r->ops), ascending);
	for (uint32_t c = 0; c < r->count; c++) {
		uint32_t p = r->ops[c];
		const struct op *o = &g->ops[p];

		push_step(w, p, PLAN_NONE, false);
		for (uint32_t j = 0; j < o->output_count; j++) {
			uint32_t t = o->outputs[j];
			bool newest = versions_before(&w->versions, t, p) + 1 == w->version[t];
			bool stays = w->d->keep_recomputed && (w->d->lean == NULL || !w->d->lean[p]);

			if (w->where[t] != ON_HOST && newest && is_wanted(w, t, k, stays))
				w->where[t] = RESIDENT;
		}
	}
}

/* Makes all inputs of op k resident, by fetches and reruns. */
static int
provide(struct decision_walk *w, uint32_t k)
{
	const struct op *o = &w->graph->ops[k];

	rerun_begin(&w->rerun);
	for (uint32_t i = w->back_start[k]; i < w->back_start[k + 1]; i++)
		if (w->where[w->back_tensors[i]] == ON_HOST)
			fetch(w, w->back_tensors[i], k);
	for (uint32_t i = 0; i < o->input_count; i++) {
		uint32_t t = o->inputs[i];

		if (w->where[t] == ON_HOST)
			fetch(w, t, k);
		else if (w->where[t] == ABSENT && w->version[t] > 0)
			rerun_want(&w->rerun, t, w->version[t]);
	}
	for (uint32_t j = 0; j < o->output_count; j++)	/* a persistent tensor is written in its place at home */
		if (w->where[o->outputs[j]] == ON_HOST && kind_is_persistent(w->graph->tensors[o->outputs[j]].kind))
			fetch(w, o->outputs[j], k);
	if (close_reruns(w, k) < 0)
		return -1;
	run_again(w, k);
	return 0;
}

/* Applies the fates of op k's tensors after it. */
static void
settle(struct decision_walk *w, uint32_t k)
{
	const struct op *o = &w->graph->ops[k];
	const struct lifetimes *l = w->life;

	for (uint32_t j = 0; j < o->output_count; j++) {
		if (w->where[o->outputs[j]] == ON_HOST) {	/* overwritten unread: no copy is needed */
			w->gone_op[w->move_of[o->outputs[j]]] = NEVER;
			w->copied[o->outputs[j]] = NEVER;
		}
		w->version[o->outputs[j]]++;
		w->where[o->outputs[j]] = RESIDENT;
	}
	FOR_EACH_OPERAND(o, t) {
		uint32_t u = w->next_use[t];

		if (u == l->use_start[t + 1] || l->use_op[u] != k)
			continue;	/* an input and an output: seen already */
		w->next_use[t]++;
		if (w->d->fate[u] == FATE_OFFLOAD)
			offload(w, t, u, k);
		else if (w->d->fate[u] == FATE_DROP && !kind_is_persistent(w->graph->tensors[t].kind))
			w->where[t] = ABSENT;
	}
}

static bool
on_host(const struct decision_walk *w, uint32_t t)
{
	return w->d->on_host != NULL && w->d->on_host[t];
}

/* Puts all tensors where they are before the step. */
static void
begin(struct decision_walk *w)
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

/* Makes dropped results again after the last op. */
static int
provide_results(struct decision_walk *w)
{
	const struct graph *g = w->graph;

	rerun_begin(&w->rerun);
	for (uint32_t t = 0; t < g->tensor_count; t++)
		if (kind_has_final(g->tensors[t].kind) && w->where[t] == ABSENT && w->version[t] > 0)
			rerun_want(&w->rerun, t, w->version[t]);
	if (close_reruns(w, g->op_count) < 0)
		return -1;
	run_again(w, g->op_count);
	return 0;
}

/* Makes the results that are missing, and returns persistent tensors to their homes, at the end of the step. */
static int
end(struct decision_walk *w)
{
	uint32_t n = w->graph->op_count + 1;

	w->group[w->graph->op_count] = (uint32_t)w->steps;
	if (provide_results(w) < 0)
		return -1;
	w->group[n] = (uint32_t)w->steps;
	for (uint32_t t = 0; t < w->graph->tensor_count; t++) {
		if (!kind_is_persistent(w->graph->tensors[t].kind))
			continue;
		if (on_host(w, t) && w->where[t] == RESIDENT)
			leave(w, t, (uint32_t)w->steps - 1, n);
		else if (!on_host(w, t) && w->where[t] == ON_HOST)
			fetch(w, t, n);
	}
	return 0;
}

/* Turns the moves' ops into steps, now that all steps are known, and removes moves that never happen. */
static void
finish_moves(struct decision_walk *w)
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
	struct decision_walk w = { .d = d, .life = d->life, .graph = g, .arena = a, .e = e, .s = s };

	*s = (struct schedule) { .step_count = 0 };
	versions_init(&w.versions, g, a);
	find_returns(&w);
	w.version = ARENA_NEW(a, uint32_t, g->tensor_count);
	w.next_use = ARENA_NEW(a, uint32_t, g->tensor_count);
	memcpy(w.next_use, d->life->use_start, sizeof(*w.next_use) * g->tensor_count);
	w.copied = ARENA_NEW(a, uint32_t, g->tensor_count);
	w.where = ARENA_NEW(a, uint8_t, g->tensor_count);
	w.move_of = ARENA_NEW(a, uint32_t, g->tensor_count);
	w.group = ARENA_NEW(a, uint32_t, (size_t)g->op_count + 2);
	rerun_init(&w.rerun, g, &w.versions, g->op_count, a);
	begin(&w);
	for (uint32_t k = 0; k < g->op_count; k++) {
		w.group[k] = (uint32_t)w.steps;
		if (provide(&w, k) < 0)
			return -1;
		push_step(&w, k, d->alternative[k], d->barrier[k]);
		settle(&w, k);
	}
	if (end(&w) < 0)
		return -1;
	finish_moves(&w);
	return 0;
}
