/* SPDX-License-Identifier: Apache-2.0 */
/* decisions.c - the walk over the ops that turns fates into steps and moves */
#include <config.h>
#include "planner/schedule/decisions.h"

#include <stdlib.h>
#include <string.h>

#include "planner/schedule/decision_walk.h"
#include "planner/schedule/homes.h"

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
	if (l->homes != NULL)
		d->on_host = memcpy(ARENA_NEW(a, bool, g->tensor_count), l->homes->on_host, sizeof(bool) * g->tensor_count);
	for (uint32_t t = 0; t < g->tensor_count; t++)
		if (l->use_start[t] < l->use_start[t + 1] && (kind_is_persistent(g->tensors[t].kind) || !kind_has_final(g->tensors[t].kind)))
			d->fate[l->use_start[t + 1] - 1] = FATE_DROP;
}

void
decisions_copy(struct decisions *to, const struct decisions *d, struct arena *a)
{
	const struct graph *g = d->life->graph;
	uint32_t slots = decisions_slots(d->life);

#define COPY(member, type, count) \
	if (d->member != NULL) \
		to->member = memcpy(ARENA_NEW(a, type, (count)), d->member, sizeof(type) * (count));
	*to = *d;
	COPY(fate, uint8_t, slots)
	COPY(gone, uint32_t, slots)
	COPY(from, uint32_t, slots)
	COPY(back, uint32_t, slots)
	COPY(on_host, bool, g->tensor_count)
	COPY(lean, bool, g->op_count)
	COPY(alternative, uint32_t, g->op_count)
	COPY(barrier, bool, g->op_count)
#undef COPY
}

/* True: the tensor of a move is fetched without being asked for. */
static bool
comes_back(const struct decision_walk *w, const struct walk_move *m)
{
	uint32_t t = m->move.tensor;

	return m->slot != WALK_NEVER && (m->slot + 1 != w->life->use_start[t + 1] || kind_is_persistent(w->graph->tensors[t].kind));
}

/* Lists the tensor of a move among those that return at the op that is decided. */
static void
list_return(struct decision_walk *w, const struct walk_move *m)
{
	uint32_t *first = &w->returns[w->d->back[m->slot]];

	w->tensors[m->move.tensor].next_return = *first;
	*first = m->move.tensor;
}

static void
push_step(struct decision_walk *w, uint32_t op, uint32_t alternative, bool barrier)
{
	*ARENA_PUSH(w->arena, w->steps, w->step_count, w->step_capacity) =
	    (struct step) { .op = op, .alternative = alternative, .barrier = barrier };
}

/* Brings tensor t back before op k, or at the step's end (k > op_count).  A tensor that would be gone only later never leaves. */
static void
fetch(struct decision_walk *w, uint32_t t, uint32_t k)
{
	struct walk_move *m = &w->moves[w->tensors[t].move_of];

	w->tensors[t].where = RESIDENT;
	m->move.back = w->group[k];
	w->fetched[w->fetched_count++] = w->tensors[t].move_of;
	if (m->gone_op <= k)
		return;
	m->never = true;
	if (!m->move.copied)
		w->tensors[t].copied = WALK_NEVER;
}

/* Lets tensor t leave after step `from`, gone before op `gone`, by the decision of a slot.  No copy is made if the host has its value. */
static void
leave(struct decision_walk *w, uint32_t t, uint32_t from, uint32_t gone, uint32_t slot)
{
	struct walk_tensor *x = &w->tensors[t];
	struct walk_move *m = ARENA_PUSH(w->arena, w->moves, w->move_count, w->move_capacity);

	*m = (struct walk_move) { .slot = slot, .gone_op = gone,
	    .move = { .tensor = t, .from = from, .back = SCHEDULE_END, .copied = x->copied == x->version } };
	x->where = ON_HOST;
	x->move_of = (uint32_t)(m - w->moves);
	x->copied = x->version;
	if (comes_back(w, m))
		list_return(w, m);
}

/* Offloads tensor t as decided for use u, which is op k. */
static void
offload(struct decision_walk *w, uint32_t t, uint32_t u, uint32_t k)
{
	uint32_t from = w->d->from == NULL ? k : w->d->from[u];

	if (from != SCHEDULE_START)
		from = from < k ? w->group[from + 1] - 1 : (uint32_t)w->step_count - 1;
	leave(w, t, from, w->tensors[t].copied == w->tensors[t].version ? k + 1 : w->d->gone[u], u);
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

		if (w->tensors[t].where == ON_HOST && w->moves[w->tensors[t].move_of].gone_op > w->at)
			fetch(w, t, w->at);	/* its copy out has not ended: it stays */
		if (w->tensors[t].where == RESIDENT)
			for (uint32_t v = versions_before(&w->versions, t, p) + 2; v <= w->tensors[t].version; v++)
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
	if (w->tensors[t].where == ON_HOST)
		fetch(w, t, w->at);
	return w->tensors[t].where == RESIDENT;
}

static int
close_reruns(struct decision_walk *w, uint32_t k)
{
	if (w->rerun.count == 0)
		return 0;
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
	uint32_t u = w->tensors[t].next_use;

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
			bool newest = versions_before(&w->versions, t, p) + 1 == w->tensors[t].version;
			bool stays = w->d->keep_recomputed && (w->d->lean == NULL || !w->d->lean[p]);

			if (w->tensors[t].where != ON_HOST && newest && is_wanted(w, t, k, stays))
				w->tensors[t].where = RESIDENT;
		}
	}
}

/* Makes all inputs of op k resident, by fetches and reruns. */
static int
provide(struct decision_walk *w, uint32_t k)
{
	const struct op *o = &w->graph->ops[k];

	rerun_begin(&w->rerun);
	for (uint32_t t = w->returns[k]; t != WALK_NEVER; t = w->tensors[t].next_return)
		if (w->tensors[t].where == ON_HOST)
			fetch(w, t, k);
	for (uint32_t i = 0; i < o->input_count; i++) {
		uint32_t t = o->inputs[i];

		if (w->tensors[t].where == ON_HOST)
			fetch(w, t, k);
		else if (w->tensors[t].where == ABSENT && w->tensors[t].version > 0)
			rerun_want(&w->rerun, t, w->tensors[t].version);
	}
	for (uint32_t j = 0; j < o->output_count; j++)	/* a persistent tensor is written in its place at home */
		if (w->tensors[o->outputs[j]].where == ON_HOST && kind_is_persistent(w->graph->tensors[o->outputs[j]].kind))
			fetch(w, o->outputs[j], k);
	if (close_reruns(w, k) < 0)
		return -1;
	run_again(w, k);
	return 0;
}

/* True: tensor t stays after use u, because use u + 1 follows at the next op.  No op lies between that could need its memory. */
static bool
is_needed_next(const struct decision_walk *w, uint32_t t, uint32_t u)
{
	return !w->d->restless && u + 1 < w->life->use_start[t + 1] && w->life->use_op[u + 1] == w->life->use_op[u] + 1;
}

/* Applies the fates of op k's tensors after it. */
static void
settle(struct decision_walk *w, uint32_t k)
{
	const struct op *o = &w->graph->ops[k];
	const struct lifetimes *l = w->life;

	for (uint32_t j = 0; j < o->output_count; j++) {
		if (w->tensors[o->outputs[j]].where == ON_HOST) {	/* overwritten unread: no copy is needed */
			w->moves[w->tensors[o->outputs[j]].move_of].never = true;
			w->tensors[o->outputs[j]].copied = WALK_NEVER;
		}
		w->tensors[o->outputs[j]].version++;
		w->tensors[o->outputs[j]].where = RESIDENT;
	}
	for (uint32_t i = l->op_start[k]; i < l->op_start[k + 1]; i++) {
		uint32_t t = l->op_use[i].tensor, u = l->op_use[i].use;

		w->tensors[t].next_use = u + 1;
		if (is_needed_next(w, t, u))
			continue;
		if (w->d->fate[u] == FATE_OFFLOAD)
			offload(w, t, u, k);
		else if (w->d->fate[u] == FATE_DROP && !kind_is_persistent(w->graph->tensors[t].kind))
			w->tensors[t].where = ABSENT;
	}
}

static bool
on_host(const struct decision_walk *w, uint32_t t)
{
	return w->d->on_host != NULL && w->d->on_host[t];
}

/* Puts all tensors where they are before the step. */
void
decision_walk_begin(struct decision_walk *w)
{
	memset(w->returns, 0xff, sizeof(*w->returns) * ((size_t)w->graph->op_count + 1));
	w->step_count = w->move_count = 0;
	for (uint32_t t = 0; t < w->graph->tensor_count; t++) {
		uint32_t before = decisions_before(w->life, t);

		w->tensors[t] = (struct walk_tensor) { .next_use = w->life->use_start[t], .copied = WALK_NEVER };
		if (!kind_is_persistent(w->graph->tensors[t].kind))
			continue;
		w->tensors[t].where = RESIDENT;
		if (on_host(w, t))
			w->tensors[t].copied = 0;
		if (w->d->fate[before] == FATE_OFFLOAD)
			leave(w, t, SCHEDULE_START, on_host(w, t) ? 0 : w->d->gone[before], before);
		else if (on_host(w, t))
			leave(w, t, SCHEDULE_START, 0, WALK_NEVER);
	}
}

/* Makes dropped results again after the last op. */
static int
provide_results(struct decision_walk *w)
{
	const struct graph *g = w->graph;

	rerun_begin(&w->rerun);
	for (uint32_t t = 0; t < g->tensor_count; t++)
		if (kind_has_final(g->tensors[t].kind) && w->tensors[t].where == ABSENT && w->tensors[t].version > 0)
			rerun_want(&w->rerun, t, w->tensors[t].version);
	if (close_reruns(w, g->op_count) < 0)
		return -1;
	run_again(w, g->op_count);
	return 0;
}

/* Makes the results that are missing, and returns persistent tensors to their homes. */
int
decision_walk_end(struct decision_walk *w)
{
	uint32_t n = w->graph->op_count + 1;

	w->fetched_count = 0;
	w->group[w->graph->op_count] = (uint32_t)w->step_count;
	if (provide_results(w) < 0)
		return -1;
	w->group[n] = (uint32_t)w->step_count;
	for (uint32_t t = 0; t < w->graph->tensor_count; t++) {
		if (!kind_is_persistent(w->graph->tensors[t].kind))
			continue;
		if (on_host(w, t) && w->tensors[t].where == RESIDENT)
			leave(w, t, (uint32_t)w->step_count - 1, n, WALK_NEVER);
		else if (!on_host(w, t) && w->tensors[t].where == ON_HOST)
			fetch(w, t, n);
	}
	return 0;
}

int
decision_walk_op(struct decision_walk *w, uint32_t k)
{
	w->fetched_count = 0;
	w->group[k] = (uint32_t)w->step_count;
	if (provide(w, k) < 0)
		return -1;
	push_step(w, k, w->d->alternative[k], w->d->barrier[k]);
	settle(w, k);
	return 0;
}

void
decision_walk_init(struct decision_walk *w, const struct decisions *d, struct arena *a, struct err *e)
{
	const struct graph *g = d->life->graph;

	*w = (struct decision_walk) { .d = d, .life = d->life, .graph = g, .arena = a, .e = e };
	versions_init(&w->versions, g, a);
	w->tensors = ARENA_NEW(a, struct walk_tensor, g->tensor_count);
	w->returns = ARENA_NEW(a, uint32_t, (size_t)g->op_count + 1);
	w->group = ARENA_NEW(a, uint32_t, (size_t)g->op_count + 2);
	w->fetched = ARENA_NEW(a, uint32_t, g->tensor_count);
	rerun_init(&w->rerun, g, &w->versions, g->op_count, a);
	decision_walk_begin(w);
}

void
decision_walk_restore(struct decision_walk *w, uint32_t k, const struct walk_tensor *tensors, size_t step_count, size_t move_count)
{
	uint32_t n = w->graph->tensor_count;

	if (n > 0)
		memcpy(w->tensors, tensors, sizeof(*tensors) * n);
	w->step_count = step_count;
	w->move_count = move_count;
	memset(w->returns + k, 0xff, sizeof(*w->returns) * ((size_t)w->graph->op_count + 1 - k));
	for (uint32_t t = 0; t < n; t++) {
		struct walk_move *m;

		if (w->tensors[t].where != ON_HOST)
			continue;
		m = &w->moves[w->tensors[t].move_of];
		m->never = false;
		m->move.back = SCHEDULE_END;
		/* Its time may have changed since, as long as it lies ahead. */
		if (m->slot != WALK_NEVER && !m->move.copied)
			m->gone_op = w->d->gone[m->slot];
		if (comes_back(w, m))
			list_return(w, m);
	}
}

/* Turns the moves' ops into steps, now that all steps are known, and leaves out moves that never happen. */
static void
finish(struct schedule *s, const struct decision_walk *w)
{
	struct decisions *d = ARENA_NEW(w->arena, struct decisions, 1);

	*d = *w->d;
	*s = (struct schedule) { .step_count = (uint32_t)w->step_count, .steps = w->steps, .on_host = d->on_host, .in_place = d->in_place,
	    .decisions = d, .moves = ARENA_NEW(w->arena, struct move, w->move_count) };
	for (size_t m = 0; m < w->move_count; m++) {
		struct move *to = &s->moves[s->move_count];

		if (w->moves[m].never)
			continue;
		*to = w->moves[m].move;
		to->gone = to->free = decision_walk_gone(w, &w->moves[m]);
		s->move_count++;
	}
}

int
decisions_schedule(struct schedule *s, const struct decisions *d, struct arena *a, struct err *e)
{
	struct decision_walk w;

	decision_walk_init(&w, d, a, e);
	for (uint32_t k = 0; k < d->life->graph->op_count; k++)
		if (decision_walk_op(&w, k) < 0)
			return -1;
	if (decision_walk_end(&w) < 0)
		return -1;
	finish(s, &w);
	return 0;
}
