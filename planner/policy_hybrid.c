/* SPDX-License-Identifier: Apache-2.0 */
/* policy_hybrid.c - keep, offload or recompute, each tensor and gap by what it costs
 *
 * A few dozen ways to share the link between tensors and to keep chains of reruns short (hybrid_way.h) are tried in parallel;
 * each is simulated.  Then the best one's neighbours are tried, which differ in one parameter, as long as one of them is faster
 * (coordinate descent).  The other policies are tried as well: hybrid is never slower than a simpler one.
 */
#include <config.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "planner/hybrid_way.h"

enum { MOST_POLICIES = 24, MOST_NEIGHBOURS = 32, ROUNDS = 4, SEARCHED_WAYS = 6, SMALL_GRAPH = 400 };

/* Every combination is a way to begin with; the most useful come first, for large graphs try only those. */
static const double shares[] = { 0, 0.8, 1, 0.5, 0.3, 2 };
static const int cuts[] = { 14, 0, 40 };
enum { SHARES = sizeof(shares) / sizeof(shares[0]), CUTS = sizeof(cuts) / sizeof(cuts[0]) };
enum { FEWEST_WAYS = 12, MOST_WAYS = CUTS + (SHARES - 1) * CUTS * ORDERS };

static struct way
way_at(int i)
{
	struct way w = { .order = BY_SPAN, .cuts = cuts[i % CUTS], .look_ahead = 8, .lead = 4, .squeeze = 1 };
	int rest = i - CUTS;

	if (i < CUTS)		/* nothing is offloaded: no order */
		return w;
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
	static const int looks[] = { 1, 4, 8, 24 };
	static const double leads[] = { 1, 4, 16 };
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
	bytes_t arena_bytes;

	h->search = h->p->graph->op_count <= SMALL_GRAPH;
	for (int i = 0; i < TIGHTENINGS; i++) {
		if (row->plan(&h->schedule, &less, h->arena, &h->err) < 0)
			return -1;
		h->schedule.in_place = !h->schedule.hold;
		if (hybrid_time(h, &arena_bytes, us) < 0)
			return -1;
		if (arena_bytes <= h->p->budget_bytes)
			return 0;
		if (less.budget_bytes < policy_least_budget(row, h->p->life) + (arena_bytes - h->p->budget_bytes))
			break;
		less.budget_bytes -= arena_bytes - h->p->budget_bytes;
	}
	return err_set(&h->err, ERR_NO, "it does not fit");
}

static int
run_outcome(void *arg)
{
	struct outcome *o = arg;

	return o->row == NULL ? hybrid_go(&o->h, &o->us) : go_policy(&o->h, o->row, &o->us);
}

static void
schedule_copy(struct schedule *to, const struct schedule *from, uint32_t tensor_count, struct arena *a)
{
	*to = *from;
	if (from->on_host != NULL)
		to->on_host = memcpy(ARENA_NEW(a, bool, tensor_count), from->on_host, sizeof(bool) * tensor_count);
	to->steps = ARENA_NEW(a, struct step, from->step_count);
	memcpy(to->steps, from->steps, sizeof(*to->steps) * from->step_count);
	to->moves = ARENA_NEW(a, struct move, from->move_count);
	if (from->move_count > 0)
		memcpy(to->moves, from->moves, sizeof(*to->moves) * from->move_count);
}

/* Larger graphs try fewer ways. */
static int
ways_for(const struct graph *g)
{
	int n = (int)(160000 / ((uint64_t)g->op_count + 1));

	return n < FEWEST_WAYS ? FEWEST_WAYS : n > MOST_WAYS ? MOST_WAYS : n;
}

/* Run all[0 .. n) in parallel, or until one fits and no more are wanted; the index of the fastest, or -1.  Only its
 * memory is kept; ties go to the first. */
static int
run_all(struct outcome *all, int n)
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
		enough = best >= 0 && search_stopped(o->h.p->control);
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
			if (o->rc == 0 && (best < 0 || o->us < all[best].us || (o->us <= all[best].us && i < best))) {
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

/* The search's state: what is best so far, and the best way of our own. */
struct search {
	const struct problem *p;
	struct arena *arena;
	struct schedule *best;		/* the caller's */
	double us;			/* of best; INFINITY: none */
	const struct policy *row;	/* whose it is; NULL: our own */
	struct way way;			/* our own best ... */
	double way_us;			/* ... and its time */
};

static void
try_all(struct search *x, struct outcome *all, int n)
{
	int best = run_all(all, n);

	for (int i = 0; i < n; i++)
		if (all[i].rc == 0 && all[i].row == NULL && all[i].us < x->way_us) {
			x->way = all[i].h.way;
			x->way_us = all[i].us;
		}
	if (best < 0)
		return;
	if (all[best].us < x->us) {
		x->us = all[best].us;
		x->row = all[best].row;
		schedule_copy(x->best, &all[best].h.schedule, x->p->graph->tensor_count, x->arena);
	}
	arena_free(&all[best].arena);
}

static void
descend(struct search *x)
{
	struct way ways[MOST_NEIGHBOURS];
	struct outcome *all = ARENA_NEW(x->arena, struct outcome, MOST_NEIGHBOURS);

	for (int round = 0; round < ROUNDS && !isinf(x->way_us) && !search_stopped(x->p->control); round++) {
		double before = x->way_us;
		int n = neighbours(ways, &x->way);

		for (int i = 0; i < n; i++)
			all[i] = (struct outcome) { .h = { .p = x->p, .way = ways[i], .search = x->p->graph->op_count <= SMALL_GRAPH } };
		try_all(x, all, n);
		if (x->way_us > before * 0.9995)
			break;
	}
}

int
policy_hybrid(struct schedule *s, const struct problem *p, struct arena *a, struct err *e)
{
	struct outcome *all = ARENA_NEW(a, struct outcome, MOST_WAYS + MOST_POLICIES);
	struct search x = { .p = p, .arena = a, .best = s, .us = INFINITY, .way_us = INFINITY };
	int n = ways_for(p->graph);

	for (int i = 0; i < n; i++)
		all[i].h = (struct hybrid) { .p = p, .way = way_at(i) };
	for (const struct policy *row = policies; row->name != NULL && n < MOST_WAYS + MOST_POLICIES; row++)
		if (row->quick && row->plan != policy_hybrid && policy_least_budget(row, p->life) <= p->budget_bytes)
			all[n++] = (struct outcome) { .row = row, .h.p = p };
	try_all(&x, all, n);
	/* Perhaps our own ways only do not pack: a few large buffers decide in small graphs. */
	if (isinf(x.way_us) || (p->graph->op_count <= SMALL_GRAPH && !search_stopped(p->control))) {
		n = n < SEARCHED_WAYS ? n : SEARCHED_WAYS;
		for (int i = 0; i < n; i++)
			all[i] = (struct outcome) { .h = { .p = p, .way = way_at(i), .search = true } };
		try_all(&x, all, n);
	}
	descend(&x);
	if (isinf(x.us))
		return err_set(e, all[0].h.err.code, "policy 'hybrid' finds no plan for this budget: %s", all[0].h.err.text);
	if (search_stopped(p->control))
		p->control->status = "time-limit";
	return 0;
}
