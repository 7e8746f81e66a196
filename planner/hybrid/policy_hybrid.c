/* SPDX-License-Identifier: Apache-2.0 */
/* policy_hybrid.c - keep, offload or recompute, each tensor and gap by what it costs
 *
 * A few dozen ways to share the link between tensors and to keep chains of reruns short (hybrid_way.h) are tried in parallel.
 * Each is simulated: first with all buffers apart, which no placement makes faster, then, if it can still beat the best, placed.
 * Then neighbours of the best ones, which differ in one parameter, are tried, the best way's first, as far as the number
 * of trials goes that a graph of this size may have (best-first search).  The other policies come last, so that hybrid is never
 * slower than a simpler one.
 */
#include <config.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "planner/hybrid/hybrid_configuration.h"

enum { MOST_POLICIES = 24, MOST_NEIGHBOURS = 32, SEARCHED_WAYS = 6, SMALL_GRAPH = 150, FIRST_WAYS = 8, FINER = 2 };

/* Every combination is a way to begin with; the most useful come first, for large graphs try only those. */
static const double shares[] = { 0, 0.8, 1, 0.5, 0.3, 2 };
static const int cuts[] = { 14, 0, 40 };
/* Parts of the budget for what is held; none to begin with, the first one where that does not go. */
static const double holds[] = { 0.2, 0, 0.1, 0.35 };
enum { SHARES = sizeof(shares) / sizeof(shares[0]), CUTS = sizeof(cuts) / sizeof(cuts[0]) };
enum { ALL_WAYS = CUTS + 1 + (SHARES - 1) * CUTS * ORDERS, FEWEST_TRIALS = 40, USUAL_TRIALS = 200, MOST_TRIALS = 400 };

static struct way
way_at(int i)
{
	struct way w = { .order = BY_SPAN, .cuts = cuts[i % CUTS], .look_ahead = 8, .lead = 4, .squeeze = 1 };
	int rest = i - CUTS - 1;

	if (i < CUTS)		/* nothing is offloaded by choice: no order */
		return w;
	if (i == CUTS) {	/* nothing is dropped: the least memory of its own that a plan can need */
		w.share = 1;
		w.look_ahead = 0;
		return w;
	}
	w.share = shares[1 + rest / (CUTS * ORDERS)];
	w.order = (enum order)(rest % ORDERS);
	w.cuts = cuts[rest / ORDERS % CUTS];
	return w;
}

/* The ways that differ from w in one parameter. */
static int
neighbours(struct way *to, const struct way *w)
{
	static const double scales[] = { 0.7, 0.85, 0.95, 1.05, 1.15, 1.4 };
	static const int other_cuts[] = { 0, 7, 10, 14, 20, 28, 40 };
	static const int looks[] = { 0, 1, 4, 8, 24 };
	static const double leads[] = { 0, 1, 4, 16 };
	static const double squeezes[] = { 1, 0.98, 0.95, 0.9 };
	int n = 0;

#define EACH(list, member, value) \
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) { \
		to[n] = *w; \
		to[n].member = value; \
		n += to[n].member > w->member || to[n].member < w->member; \
	}
	EACH(scales, share, w->share * scales[i])
	EACH(other_cuts, cuts, other_cuts[i])
	EACH(holds, hold, holds[i])
	EACH(looks, look_ahead, looks[i])
	EACH(leads, lead, leads[i])
	EACH(squeezes, squeeze, squeezes[i])
#undef EACH
	for (int order = 0; w->share > 0 && order < ORDERS; order++)
		if (order != (int)w->order) {
			to[n] = *w;
			to[n++].order = (enum order)order;
		}
	for (int p = 0; p < PERSISTENTS; p++)
		if (p != (int)w->persistents) {
			to[n] = *w;
			to[n++].persistents = (enum persistents)p;
		}
	return n;
}

/* ---- all ways ---- */

struct outcome {
	const struct policy *row;	/* NULL: a way of our own */
	struct hybrid h;
	struct arena arena;
	double us;
	int rc;
};

/* What another policy makes of it, tighter where fragmentation breaks the budget: hybrid is never
 * slower than a simpler one. */
static int
go_policy(struct hybrid *h, const struct policy *row, double *us)
{
	struct problem less = *h->p;
	bytes_t missing;

	for (int i = 0; i < TIGHTENINGS; i++) {
		if (row->plan(&h->schedule, &less, h->arena, &h->err) < 0)
			return -1;
		h->schedule.in_place = !h->schedule.hold;
		if (hybrid_build(h, &h->err) < 0 || hybrid_time(h, &missing, us) < 0)
			return -1;
		if (missing == 0 || *us >= h->beat_us)
			return 0;
		if (!problem_tighten(&less, missing, policy_least_budget(row, h->p->life)))
			break;
	}
	return err_set(&h->err, ERR_NO, "it does not fit");
}

static int
run_outcome(void *arg)
{
	struct outcome *o = arg;

	return o->row == NULL ? hybrid_go(&o->h, &o->us) : go_policy(&o->h, o->row, &o->us);
}

/* How many ways may be tried: fewer for larger graphs. */
static int
trials_for(const struct graph *g)
{
	int n = (int)(2500000 / ((uint64_t)g->op_count + 1)), most = g->op_count > SMALL_GRAPH ? USUAL_TRIALS : MOST_TRIALS;

	return n < FEWEST_TRIALS ? FEWEST_TRIALS : n > most ? most : n;
}

/* Run all[0 .. n) in parallel until the search is stopped; if one has to be found, not before one is.  The index of the fastest that
 * fits, or -1.  Only its memory is kept; ties go to the first. */
static int
run_all(struct outcome *all, int n, bool find)
{
	int best = -1;

#ifdef _OPENMP
#pragma omp parallel for schedule(dynamic, 1)
#endif
	for (int i = 0; i < n; i++) {
		struct outcome *o = &all[i];
		bool enough;

#ifdef _OPENMP
#pragma omp critical
#endif
		enough = (best >= 0 || !find) && search_stopped(o->h.p->control);
		if (enough) {
			o->rc = -1;
			continue;
		}
		o->h.arena = &o->arena;
		o->rc = arena_run(&o->arena, run_outcome, o, &o->h.err);
#ifdef _OPENMP
#pragma omp critical
#endif
		{
			if (o->rc == 0 && o->h.fits && (best < 0 || o->us < all[best].us || (o->us <= all[best].us && i < best))) {
				if (best >= 0)
					arena_free(&all[best].arena);
				best = i;
			} else {
				arena_free(&o->arena);
			}
		}
	}
	return best;
}

struct trial {
	struct way way;
	double us;			/* at least, if it was not worth placing; INFINITY: it fails */
	bool expanded;			/* its neighbours have been tried */
};

/* The search's state. */
struct search {
	const struct problem *p;
	struct arena *arena;
	struct model model;		/* nothing decided */
	struct placed_list placed;
	struct schedule *best;		/* the caller's */
	double us;			/* of best; INFINITY: none */
	const struct policy *row;	/* whose it is; NULL: our own */
	enum packing packing;		/* a few large buffers decide in small graphs */
	int trial_count, most_trials;
	struct trial trials[MOST_TRIALS + 2 * SEARCHED_WAYS];
	const char *why;		/* the first way's reason, if it fails */
};

/* A search that is stopped early goes on until the ways that come first, and then the other policies, have been tried for a plan. */
static void
try_all(struct search *x, struct outcome *all, int n)
{
	int best = run_all(all, n, isinf(x->us) && (x->trial_count == 0 || all[0].row != NULL));
	bool short_of_memory = false;

	for (int i = 0; i < n; i++)
		short_of_memory |= all[i].rc < 0 && all[i].h.err.code == ERR_SYSTEM;
	/* It may have been the best. */
	if (short_of_memory) {
		if (best >= 0)
			arena_free(&all[best].arena);
		arena_fail(x->arena);
	}
	for (int i = 0; i < n; i++)
		if (all[i].row == NULL)
			x->trials[x->trial_count++] = (struct trial) { all[i].h.way, all[i].rc == 0 ? all[i].us : INFINITY, false };
	if (best < 0)
		return;
	if (all[best].us < x->us) {
		x->us = all[best].us;
		x->row = all[best].row;
		schedule_copy(x->best, &all[best].h.schedule, x->p->graph->tensor_count, x->arena);
	}
	arena_free(&all[best].arena);
}

static bool
same_way(const struct way *v, const struct way *w)
{
	return fabs(v->share - w->share) < 1e-9 && v->order == w->order && v->cuts == w->cuts && v->persistents == w->persistents &&
	    v->look_ahead == w->look_ahead && fabs(v->lead - w->lead) < 1e-9 && fabs(v->hold - w->hold) < 1e-9 && fabs(v->squeeze - w->squeeze) < 1e-9;
}

/* The best way whose neighbours are to be tried next, or NULL.  One that takes as long as another that had its turn is
 * most often the same in other words. */
static struct trial *
next_to_expand(struct search *x)
{
	struct trial *best = NULL;

	for (int i = 0; i < x->trial_count; i++) {
		struct trial *t = &x->trials[i];
		bool again = isinf(t->us);

		for (int j = 0; j < x->trial_count; j++)
			again |= x->trials[j].expanded && fabs(x->trials[j].us - t->us) <= 1e-6 * t->us;
		if (!again && (best == NULL || t->us < best->us))
			best = t;
	}
	return best;
}

/* To be a ten-thousandth faster is not worth placing for. */
static struct outcome
outcome_of(struct search *x, struct way w)
{
	return (struct outcome) { .h = { .p = x->p, .undecided = &x->model, .placed = &x->placed, .way = w, .packing = x->packing, .beat_us = x->us * (1 - 1e-4) } };
}

static void
expand(struct search *x, struct trial *t, struct outcome *all)
{
	struct way ways[MOST_NEIGHBOURS];
	int n = neighbours(ways, &t->way), count = 0;

	t->expanded = true;
	for (int i = 0; i < n && x->trial_count + count < x->most_trials; i++) {
		bool tried = false;

		for (int j = 0; j < x->trial_count; j++)
			tried |= same_way(&ways[i], &x->trials[j].way);
		if (!tried)
			all[count++] = outcome_of(x, ways[i]);
	}
	try_all(x, all, count);
}

/* Ways first to end - 1 of those to begin with, for so much to hold. */
static void
try_ways(struct search *x, struct outcome *all, int first, int end, double hold)
{
	for (int i = first; i < end; i++) {
		all[i - first] = outcome_of(x, way_at(i));
		all[i - first].h.way.hold = hold;
	}
	try_all(x, all, end - first);
	if (x->why == NULL)
		x->why = arena_printf(x->arena, "%s", all[0].h.err.text);
}

static bool
has_none(const struct search *x)
{
	for (int i = 0; i < x->trial_count; i++)
		if (!isinf(x->trials[i].us))
			return false;
	return !search_stopped(x->p->control);
}

/* The ways to begin with: a few that the others must beat come first. */
static void
begin(struct search *x, struct outcome *all)
{
	int n = ALL_WAYS < x->most_trials / 3 ? ALL_WAYS : x->most_trials / 3;

	try_ways(x, all, 0, FIRST_WAYS, 0);
	try_ways(x, all, FIRST_WAYS, n, 0);
	/* Perhaps their chains need too much, or they only do not pack. */
	if (has_none(x) && x->model.holdable_count > 0)
		try_ways(x, all, 0, SEARCHED_WAYS, holds[0]);
	if (has_none(x) && x->packing == PACK_QUICKLY) {
		x->packing = PACK_SHORTLY;
		try_ways(x, all, 0, SEARCHED_WAYS, 0);
		x->packing = PACK_QUICKLY;
	}
}

/* Small tensors are not worth deciding on: not for the peak, nor, where that is many times the budget, for what is left of it.
 * But where there are so many that the budget is hardly in reach without them, they are. */
static void
choose_tensors(struct search *x)
{
	const struct problem *p = x->p;
	bytes_t of_peak = p->life->peak_bytes >> 14, of_budget = p->budget_bytes >> 12;
	bytes_t least = of_peak < of_budget ? of_peak : of_budget;

	for (int finer = 0; finer <= FINER; finer++, least /= 16) {
		model_init(&x->model, p->life, p->device, least, x->arena);
		if (model_floor(&x->model) <= p->budget_bytes - p->budget_bytes / 16)
			break;
	}
}

/* What comes last has most to beat, so that little of it has to be placed in full. */
static void
try_policies(struct search *x, struct outcome *all)
{
	int n = 0;

	for (const struct policy *row = policies; row->name != NULL && n < MOST_POLICIES; row++)
		if (row->quick && row->plan != policy_hybrid && policy_least_budget(row, x->p->life) <= x->p->budget_bytes)
			all[n++] = (struct outcome) { .row = row, .h = { .p = x->p, .placed = &x->placed, .packing = PACK_IN_FULL, .beat_us = x->us } };
	try_all(x, all, n);
}

int
policy_hybrid(struct schedule *s, const struct problem *p, struct arena *a, struct err *e)
{
	struct outcome *all = ARENA_NEW(a, struct outcome, ALL_WAYS + MOST_POLICIES);
	struct search *x = ARENA_NEW(a, struct search, 1);
	struct trial *next;

	*x = (struct search) { .p = p, .arena = a, .best = s, .us = INFINITY, .most_trials = trials_for(p->graph),
	    .packing = p->graph->op_count > SMALL_GRAPH ? PACK_QUICKLY : PACK_SHORTLY };
	choose_tensors(x);
	begin(x, all);
	while (x->trial_count < x->most_trials && !search_stopped(p->control) && (next = next_to_expand(x)) != NULL)
		expand(x, next, all);
	if (isinf(x->us) || !search_stopped(p->control))
		try_policies(x, all);
	if (isinf(x->us))
		return err_set(e, ERR_NO, "policy 'hybrid' finds no plan for this budget: %s", x->why);
	if (x->row != NULL)
		s->found_by = x->row->name;
	if (search_stopped(p->control))
		p->control->status = "time-limit";
	return 0;
}
