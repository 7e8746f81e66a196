/* SPDX-License-Identifier: Apache-2.0 */
/* policy_hybrid.c - keep, offload or recompute, each tensor and gap by what it costs
 *
 * Many ways to share the link between tensors and to keep chains of reruns short (hybrid_way.h) are tried in parallel;
 * each is simulated, and the fastest step wins.  The other policies are tried as well: hybrid is never slower than
 * a simpler one.
 */
#include <config.h>
#include <stdlib.h>
#include <string.h>

#include "planner/hybrid_way.h"

enum { MOST_POLICIES = 24, SEARCHED_WAYS = 6, SMALL_GRAPH = 400 };

/* Every combination is a way; the most useful come first, for large graphs try only those. */
static const double shares[] = { 0, 0.8, 1, 0.5, 0.3, 0.65, 2, 0.9, 1.3, 4 };
static const int cuts[] = { 14, 0, 40 };
enum { SHARES = sizeof(shares) / sizeof(shares[0]), CUTS = sizeof(cuts) / sizeof(cuts[0]) };
enum { FEWEST_WAYS = 24, MOST_WAYS = 80 };	/* of CUTS + (SHARES - 1) * CUTS * ORDERS */

static struct way
way_at(int i)
{
	int rest = i - CUTS;

	if (i < CUTS)		/* nothing is offloaded: no order */
		return (struct way) { 0, BY_SPAN, cuts[i] };
	return (struct way) { shares[1 + rest / (CUTS * ORDERS)], (enum order)(rest % ORDERS), cuts[rest / ORDERS % CUTS] };
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
		if (row->plan(&h->schedule, &less, h->arena, &h->err) < 0 || hybrid_time(h, &arena_bytes, us) < 0)
			return -1;
		if (arena_bytes <= h->p->budget_bytes)
			return 0;
		if (less.budget_bytes < h->p->life->resident_bound_bytes + (arena_bytes - h->p->budget_bytes))
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
schedule_copy(struct schedule *to, const struct schedule *from, struct arena *a)
{
	*to = *from;
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

/* Run all[0 .. n) in parallel; the index of the fastest, or -1.  Only its memory is kept; ties go to the first. */
static int
run_all(struct outcome *all, int n)
{
	int best = -1;

#ifdef _OPENMP
#pragma omp parallel for schedule(dynamic, 1)
#endif
	for (int i = 0; i < n; i++) {
		struct outcome *o = &all[i];

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

int
policy_hybrid(struct schedule *s, const struct problem *p, struct arena *a, struct err *e)
{
	struct outcome *all = ARENA_NEW(a, struct outcome, MOST_WAYS + MOST_POLICIES);
	int n = ways_for(p->graph), best;
	bool theirs = false;
	double us = 0;

	for (int i = 0; i < n; i++)
		all[i].h = (struct hybrid) { .p = p, .way = way_at(i) };
	for (const struct policy *row = policies; row->name != NULL && n < MOST_WAYS + MOST_POLICIES; row++)
		if (row->plan != policy_hybrid && row->quick)
			all[n++] = (struct outcome) { .row = row, .h.p = p };
	best = run_all(all, n);
	if (best >= 0) {
		us = all[best].us;
		theirs = all[best].row != NULL;
		schedule_copy(s, &all[best].h.schedule, a);
		arena_free(&all[best].arena);
	}
	/* Perhaps our own ways only do not pack: a few large buffers decide in small graphs. */
	if (best < 0 || (theirs && p->graph->op_count <= SMALL_GRAPH)) {
		n = n < SEARCHED_WAYS ? n : SEARCHED_WAYS;
		for (int i = 0; i < n; i++)
			all[i] = (struct outcome) { .h = { .p = p, .way = way_at(i), .search = true } };
		best = run_all(all, n);
		if (best < 0 && us == 0)
			return err_set(e, all[0].h.err.code, "policy 'hybrid' finds no plan for this budget: %s", all[0].h.err.text);
		if (best >= 0 && (us == 0 || all[best].us < us))
			schedule_copy(s, &all[best].h.schedule, a);
		if (best >= 0)
			arena_free(&all[best].arena);
	}
	return 0;
}
