/* SPDX-License-Identifier: Apache-2.0 */
/* policy_hybrid.c - policy hybrid: a best-first search over configurations, with the other policies as floors
 *
 * A configuration (hybrid_configuration.h) is evaluated: it gives a schedule, and the schedule's buffers are placed and its step is
 * simulated.  The search starts from a fixed list.  Then it expands the best evaluation that was not expanded: it evaluates the
 * neighbours, which differ from it in one parameter.  It ends after a number of evaluations that falls with the graph's size.
 * Finally every other quick policy is evaluated, so hybrid is no slower than the fastest of them.  README.md tells the whole story.
 *
 * Evaluations run in parallel.  Ties go to the first, so the plan does not depend on the number of threads.
 */
#include <config.h>
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "planner/bound/bound_time.h"
#include "planner/hybrid/configuration_list.h"
#include "planner/hybrid/hybrid_evaluation.h"
#include "planner/hybrid/hybrid_heuristics.h"
#include "planner/schedule/evacuation.h"
#include "planner/schedule/homes.h"
#include "planner/search/local_search.h"

/* The parts of the room above the least budget that are planned for, in turn, when no first configuration fits. */
static const double tight_squeezes[] = { 0.8, 0.6, 0.4, 0.2 };
enum { TIGHT_SQUEEZES = sizeof(tight_squeezes) / sizeof(tight_squeezes[0]) };

/* ---- evaluations side by side ---- */

/* One evaluation under way: of a configuration, or of another policy. */
struct contender {
	const struct policy *row;	/* NULL: a configuration */
	struct hybrid h;
	struct arena arena;
	double us;
	int rc;
};

/* Evaluates another policy's schedule, with a tighter budget where its buffers do not pack. */
static int
evaluate_policy(struct hybrid *h, const struct policy *row, double *us)
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
run_contender(void *arg)
{
	struct contender *o = arg;

	return o->row == NULL ? hybrid_evaluate(&o->h, &o->us) : evaluate_policy(&o->h, o->row, &o->us);
}

/* Returns the most evaluations of the search: fewer for larger graphs. */
static int
evaluations_for(const struct problem *p)
{
	uint32_t ops = p->graph->op_count;
	double most = fmin(EVALUATION_OPS / (ops + 1.0), ops > SMALL_GRAPH ? USUAL_EVALUATIONS : MOST_EVALUATIONS);

	return (int)fmin(MOST_EVALUATIONS, fmax(FIRST_CONFIGURATIONS, fmax(FEWEST_EVALUATIONS, most) * search_effort(p->control)));
}

/* Runs all[i], unless the search is stopped, and makes it *best if it is the fastest that fits. */
static void
run_one(struct contender *all, int i, int *best, bool find, const struct search_control *control)
{
	struct contender *o = &all[i];
	bool enough;

#ifdef _OPENMP
#pragma omp critical
#endif
	enough = (*best >= 0 || !find) && search_stopped(control);
	if (enough) {
		o->rc = -1;
		return;
	}
	o->h.arena = &o->arena;
	o->rc = arena_run(&o->arena, run_contender, o, &o->h.err);
#ifdef _OPENMP
#pragma omp critical
#endif
	{
		if (o->rc == 0 && o->h.fits && (*best < 0 || o->us < all[*best].us || (o->us <= all[*best].us && i < *best))) {
			if (*best >= 0)
				arena_free(&all[*best].arena);
			*best = i;
		} else {
			arena_free(&o->arena);
		}
	}
}

/* Runs all[0 .. n) in parallel until the search is stopped.  With find, a stop counts only after one fits.  Returns the index of the fastest
 * that fits, or -1; ties go to the first.  The memory of all others is freed.  One thread does not enter OpenMP (threads.h). */
static int
run_all(struct contender *all, int n, bool find, const struct search_control *control)
{
	int best = -1, threads = search_threads(control);

	if (threads == 1) {
		for (int i = 0; i < n; i++)
			run_one(all, i, &best, find, control);
		return best;
	}
#ifdef _OPENMP
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
#endif
	for (int i = 0; i < n; i++)
		run_one(all, i, &best, find, control);
	return best;
}

/* ---- the search ---- */

/* A configuration that has been evaluated. */
struct evaluated {
	struct configuration configuration;
	double us;			/* step time; a lower bound if the schedule was not worth placing; INFINITY: it fails */
	bool expanded;			/* its neighbours have been evaluated */
};

enum { EVALUATION_ROOM = MOST_EVALUATIONS + 2 * EARLIEST_CONFIGURATIONS + 6 * SEARCHED_CONFIGURATIONS, CONTENDER_ROOM = STARTS + POLICY_COUNT };
_Static_assert((int)MOST_NEIGHBOURS <= (int)CONTENDER_ROOM, "the neighbours of one configuration are evaluated at once");
_Static_assert((int)SEARCHED_CONFIGURATIONS <= (int)STARTS, "they are first configurations");
_Static_assert(FEWEST_EVALUATIONS / STARTS_PART >= FIRST_CONFIGURATIONS, "every graph has evaluations for them");

struct hybrid_search {
	const struct problem *p;
	struct arena *arena;
	struct model models[2];		/* nothing decided; without and, where the search gets to that, with gradients */
	bytes_t least_bytes;		/* smaller tensors are left out of the models */
	struct freedom freedom;
	struct placement_cache placements;
	struct schedule *best;		/* the caller's */
	struct decisions decisions;	/* of best; life NULL: it was made without */
	const struct policy *start;	/* NULL, or the policy whose schedule the local search made better */
	double us;			/* of best; INFINITY: none ... */
	double aim_us;			/* ... and then only a faster schedule is worth packing; INFINITY: any is */
	const struct policy *row;	/* the policy that made best; NULL: hybrid itself ... */
	struct configuration configuration;	/* ... with this configuration */
	bool evacuated;			/* best is the evacuation, or began with it */
	enum packing packing;
	int evaluation_count, most_evaluations;
	struct evaluated evaluated[EVALUATION_ROOM];
	struct contender all[CONTENDER_ROOM];
	struct err *why;		/* the first configuration's, if it fails */
};

/* Returns the step time to beat: the best one, or the aim as long as there is none. */
static double
to_beat(const struct hybrid_search *x)
{
	return isinf(x->us) ? x->aim_us : x->us;
}

/* Returns a contender of configuration c.  A schedule that is LESS_WORTH faster than the best is not worth placing. */
static struct contender
contender_of(struct hybrid_search *x, struct configuration c)
{
	return (struct contender) { .h = { .p = x->p, .undecided = &x->models[c.gradients], .placements = &x->placements, .configuration = c,
	    .packing = x->packing, .beat_us = to_beat(x) * (1 - LESS_WORTH) } };
}

/* Runs the search's first n contenders and keeps the best schedule.  A search that is stopped before it has a plan still runs its first
 * configurations, and then the other policies, until one fits. */
static void
evaluate(struct hybrid_search *x, int n)
{
	int best = run_all(x->all, n, isinf(to_beat(x)) && (x->evaluation_count == 0 || x->all[0].row != NULL), x->p->control);
	bool short_of_memory = false;

	for (int i = 0; i < n; i++)
		short_of_memory |= x->all[i].rc < 0 && x->all[i].h.err.code == ERR_SYSTEM;
	/* An evaluation that ran out of memory may have been the best, so the search ends. */
	if (short_of_memory) {
		if (best >= 0)
			arena_free(&x->all[best].arena);
		arena_fail(x->arena);
	}
	for (int i = 0; i < n; i++)
		if (x->all[i].row == NULL) {
			assert(x->evaluation_count < EVALUATION_ROOM);
			x->evaluated[x->evaluation_count++] =
			    (struct evaluated) { x->all[i].h.configuration, x->all[i].rc == 0 ? x->all[i].us : INFINITY, false };
		}
	if (best < 0)
		return;
	if (x->all[best].us < to_beat(x)) {
		x->us = x->all[best].us;
		x->row = x->all[best].row;
		x->configuration = x->all[best].h.configuration;
		x->decisions.life = NULL;
		if (x->all[best].h.schedule.decisions != NULL)
			decisions_copy(&x->decisions, x->all[best].h.schedule.decisions, x->arena);
		schedule_copy(x->best, &x->all[best].h.schedule, x->p->graph->tensor_count, x->arena);
	}
	arena_free(&x->all[best].arena);
	search_tell(x->p->control, "%d of at most %d evaluations: step time %.3f ms", x->evaluation_count, x->most_evaluations,
	    x->us / 1000);
}

/* Returns the evaluation to expand next: the fastest whose step time no expanded evaluation has; NULL: none.  Equal step times most
 * often mean equal schedules. */
static struct evaluated *
next_to_expand(struct hybrid_search *x)
{
	struct evaluated *best = NULL;

	for (int i = 0; i < x->evaluation_count; i++) {
		struct evaluated *v = &x->evaluated[i];
		bool again = isinf(v->us);

		for (int j = 0; j < x->evaluation_count; j++)
			again |= x->evaluated[j].expanded && fabs(x->evaluated[j].us - v->us) <= SAME_TIME * v->us;
		if (!again && (best == NULL || v->us < best->us))
			best = v;
	}
	return best;
}

static void
expand(struct hybrid_search *x, struct evaluated *v)
{
	struct neighbours n;
	int count = 0;

	configuration_neighbours(&n, &v->configuration, &x->freedom);
	v->expanded = true;
	for (int i = 0; i < n.count && x->evaluation_count + count < x->most_evaluations; i++) {
		bool done = false;

		for (int j = 0; j < x->evaluation_count; j++)
			done |= configuration_is_same(&n.of[i], &x->evaluated[j].configuration);
		if (!done)
			x->all[count++] = contender_of(x, n.of[i]);
	}
	evaluate(x, count);
}

/* Evaluates the first configurations first .. end - 1, with `hold`, `gradients` and `squeeze` as another one has them. */
static void
start(struct hybrid_search *x, int first, int end, const struct configuration *with)
{
	for (int i = first; i < end; i++) {
		struct configuration c = configuration_start(i, &x->freedom);

		c.hold = with->hold;
		c.gradients = with->gradients;
		c.squeeze = with->squeeze;
		x->all[i - first] = contender_of(x, c);
	}
	evaluate(x, end - first);
	if (x->why == NULL) {
		x->why = ARENA_NEW(x->arena, struct err, 1);
		*x->why = x->all[0].h.err;
	}
}

/* True: no configuration so far fits and is fast enough. */
static bool
all_failed(const struct hybrid_search *x)
{
	return isinf(x->us) && !search_stopped(x->p->control);
}

/* Where the step is slow so far and an op of backward may run again, from here on configurations may have gradients. */
static bool
frees_gradients(struct hybrid_search *x)
{
	const struct problem *p = x->p;

	if (!x->freedom.gradients && to_beat(x) > AIM * p->life->ideal_time_us) {
		model_init(&x->models[true], p->life, p->device, x->least_bytes, true, x->arena);
		x->freedom.gradients = x->models[true].droppable_count > x->models[false].droppable_count;
	}
	return x->freedom.gradients;
}

/* Evaluates the first configurations, a few of them before the others, which then have a step time to beat.  If all of these fail, all are
 * packed with a search.  If all fail, a few run again: with tensors held, because reruns may need too much memory, and then planned for less
 * (a quick draft does so once), and packed with a search. */
static void
start_all(struct hybrid_search *x)
{
	int first = x->freedom.homes ? MOVING_STARTS : FIRST_CONFIGURATIONS;
	int part = x->most_evaluations / STARTS_PART > first ? x->most_evaluations / STARTS_PART : first;
	int n = part < STARTS ? part : STARTS;
	double least = fmin(1, (double)x->p->life->bound_bytes / (double)x->p->budget_bytes);
	struct configuration usual = configuration_default, gradients = usual, holding = usual, tight = usual;

	gradients.gradients = true;
	holding.hold = START_HOLD;
	start(x, 0, EARLIEST_CONFIGURATIONS, &usual);
	if (all_failed(x) && x->packing == PACK_QUICKLY) {
		x->packing = PACK_SHORTLY;
		start(x, 0, SEARCHED_CONFIGURATIONS, &usual);
		if (all_failed(x))
			x->packing = PACK_QUICKLY;
	}
	start(x, EARLIEST_CONFIGURATIONS, first, &usual);
	if (frees_gradients(x)) {
		x->most_evaluations += 2 * EARLIEST_CONFIGURATIONS;
		start(x, 0, EARLIEST_CONFIGURATIONS, &gradients);
	}
	start(x, first, n, &usual);
	if (all_failed(x) && x->models[0].holdable_count > 0)
		start(x, 0, SEARCHED_CONFIGURATIONS, &holding);
	if (all_failed(x) && x->p->graph->op_count <= MEDIUM_GRAPH)
		x->packing = PACK_SHORTLY;
	for (int i = 0; i < ceil(TIGHT_SQUEEZES * search_effort(x->p->control)) && i < TIGHT_SQUEEZES && all_failed(x); i++) {
		tight.squeeze = least + (1 - least) * tight_squeezes[i];
		start(x, 0, SEARCHED_CONFIGURATIONS, &tight);
	}
}

/* Makes the models without small tensors.  If the others alone hardly reach the budget, smaller ones are taken in, too. */
static void
choose_tensors(struct hybrid_search *x)
{
	const struct problem *p = x->p;
	bytes_t of_peak = p->life->peak_bytes >> PEAK_SHIFT, of_budget = p->budget_bytes >> BUDGET_SHIFT;
	bytes_t least = of_peak < of_budget ? of_peak : of_budget;

	for (int finer = 0; finer <= FINER; finer++, least /= FINER_PART) {
		x->least_bytes = least;
		model_init(&x->models[false], p->life, p->device, least, false, x->arena);
		if (model_floor(&x->models[false]) <= p->budget_bytes - p->budget_bytes / FLOOR_PART)
			break;
	}
}

/* Evaluates the other quick policies.  They come last, because the best step time by then saves most of their placements. */
static void
evaluate_policies(struct hybrid_search *x)
{
	int n = 0;

	for (const struct policy *row = policies; row->name != NULL; row++)
		if (row->quick && row->plan != policy_hybrid && policy_takes_homes(row, x->p->life) &&
		    policy_least_budget(row, x->p->life) <= x->p->budget_bytes)
			x->all[n++] = (struct contender) { .row = row, .h = { .p = x->p, .placements = &x->placements,
			    .packing = PACK_IN_FULL, .beat_us = to_beat(x) } };
	evaluate(x, n);
}

/* ---- the local search ---- */

/* Decisions to place: at the given offsets, or by a packing. */
struct to_place {
	struct hybrid h;
	struct arena arena;
	const struct decisions *decisions;
	const bytes_t *offsets;
	double us;
};

static int
place_decisions(void *arg)
{
	struct to_place *t = arg;
	struct hybrid *h = &t->h;
	bytes_t missing;

	h->arena = &t->arena;
	if (decisions_schedule(&h->schedule, t->decisions, h->arena, &h->err) < 0)
		return -1;
	h->schedule.known = t->offsets;
	if (hybrid_build(h, &h->err) < 0 ||
	    (t->offsets != NULL ? hybrid_place(h, place_known, &missing, &t->us) : hybrid_pack(h, &missing, &t->us)) < 0)
		return -1;
	return missing == 0 && h->plan.host_bytes <= h->p->device->pinned_bytes ? 0 : -1;
}

static struct to_place
to_place(struct hybrid_search *x, const struct decisions *d, const bytes_t *offsets)
{
	return (struct to_place) { .h = { .p = x->p, .packing = x->row == NULL && !x->evacuated ? x->packing : PACK_IN_FULL, .beat_us = INFINITY, .err = ERR_INIT },
	    .decisions = d, .offsets = offsets };
}

/* A local_search_time. */
static double
time_decisions(void *arg, const struct decisions *d, const bytes_t *offsets)
{
	struct hybrid_search *x = arg;
	struct to_place t = to_place(x, d, offsets);
	int rc = arena_run(&t.arena, place_decisions, &t, &t.h.err);

	arena_free(&t.arena);
	if (rc < 0 && t.h.err.code == ERR_SYSTEM)
		arena_fail(x->arena);
	return rc < 0 ? INFINITY : t.us;
}

/* Improves the best decisions by local search.  Queues need not meet where another policy lets them. */
static void
improve(struct hybrid_search *x)
{
	struct to_place t = to_place(x, &x->decisions, NULL);
	struct local_search_result r = { .us = INFINITY };
	struct err e = ERR_INIT;
	bytes_t *offsets;
	int rc;

	if (x->decisions.life == NULL)
		return;
	memset(x->decisions.barrier, 0, sizeof(*x->decisions.barrier) * x->p->graph->op_count);
	x->decisions.in_place = true;
	rc = arena_run(&t.arena, place_decisions, &t, &t.h.err);
	if (rc == 0) {
		r.us = t.us;
		offsets = ARENA_NEW(x->arena, bytes_t, t.h.plan.buffer_count);
		for (uint32_t b = 0; b < t.h.plan.buffer_count; b++)
			offsets[b] = t.h.plan.buffers[b].offset_bytes;
		r.offsets = offsets;
	}
	arena_free(&t.arena);
	if (rc < 0 && t.h.err.code == ERR_SYSTEM)
		arena_fail(x->arena);
	if (rc < 0 || !local_search(&x->decisions, &r, x->p, time_decisions, x, x->arena) || !(r.us < x->us) ||
	    decisions_schedule(x->best, &x->decisions, x->arena, &e) < 0)
		return;
	x->best->known = r.offsets;
	x->us = r.us;
	x->start = x->row;
	x->row = NULL;
	search_tell(x->p->control, "local search: %d changes kept of %d: step time %.3f ms", (int)r.kept, (int)r.trials, x->us / 1000);
}

/* Takes the decisions that need the least memory, where no others fit.  They are too slow to beat anything. */
static void
evacuate(struct hybrid_search *x)
{
	struct err e = ERR_INIT;

	if (!isinf(to_beat(x)))
		return;
	x->evacuated = true;
	for (int restless = 0; restless < 2 && isinf(x->us); restless++) {
		evacuation(&x->decisions, x->p->life, restless, x->arena);
		x->us = time_decisions(x, &x->decisions, NULL);
	}
	if (isinf(x->us) || decisions_schedule(x->best, &x->decisions, x->arena, &e) < 0) {
		x->us = INFINITY;
		x->decisions.life = NULL;
		x->evacuated = false;
	}
}

/* Prepares x, which is all zero. */
static void
search_init(struct hybrid_search *x, const struct problem *p, struct schedule *best, struct arena *a)
{
	x->p = p;
	x->arena = a;
	x->best = best;
	x->us = INFINITY;
	x->freedom.homes = p->life->persistent_bytes > p->budget_bytes / HOMES_PART;
}

/* Searches as hard as the problem says for a step that is faster than aim_us. */
static void
search_below(struct hybrid_search *x, double aim_us)
{
	struct evaluated *next;

	x->aim_us = aim_us;
	x->packing = x->p->graph->op_count > (x->freedom.homes ? MEDIUM_GRAPH : SMALL_GRAPH) ? PACK_QUICKLY : PACK_SHORTLY;
	x->evaluation_count = 0;
	x->most_evaluations = evaluations_for(x->p);
	x->why = NULL;
	start_all(x);
	while (x->evaluation_count < x->most_evaluations && !search_stopped(x->p->control) && (next = next_to_expand(x)) != NULL)
		expand(x, next);
	if (isinf(to_beat(x)) || !search_stopped(x->p->control))
		evaluate_policies(x);
	evacuate(x);
	if (!search_stopped(x->p->control))
		improve(x);
}

/* Searches.  A quick search looks for a fast step first: whether there is one is often all that its caller wants to know, and nothing is spent
 * on packing slow ones. */
static void
search(struct hybrid_search *x)
{
	double aim_us = AIM * x->p->life->ideal_time_us;
	bool quick = search_effort(x->p->control) < 1 && aim_us > 0;

	if (quick)
		search_below(x, aim_us);
	if (isinf(x->us) && !(quick && x->p->most_us > 0 && x->p->most_us <= aim_us))
		search_below(x, INFINITY);
}

/* True: a plan without copies may be faster than `us`.  Where a copy takes for ever, the bound is that of plans without copies. */
static bool
may_win_without_copies(const struct problem *p, double us, struct arena *a)
{
	struct device slow = *p->device;
	struct time_bound b;

	if (p->device->pinned_bytes == 0 || (p->life->homes != NULL && p->life->homes->host_bytes > 0) ||
	    p->life->resident_bound_bytes > p->budget_bytes || p->life->peak_bytes <= p->budget_bytes)
		return false;
	for (int dir = 0; dir < DIRECTION_COUNT; dir++)
		slow.link[dir] = (struct link_direction) { .bytes_per_s = 1e-3 };
	slow.duplex_bytes_per_s = 2e-3;
	bound_time(&b, p->life, &slow, p->budget_bytes, a);
	return b.us < us;
}

/* Searches for a plan without copies, too: host memory must make no answer slower. */
static void
search_without_copies(struct hybrid_search *x)
{
	struct hybrid_search *other;
	struct device *device;
	struct problem *p;

	if (search_effort(x->p->control) < 1 || search_stopped(x->p->control) || !may_win_without_copies(x->p, x->us, x->arena))
		return;
	other = ARENA_NEW(x->arena, struct hybrid_search, 1);
	device = ARENA_NEW(x->arena, struct device, 1);
	p = ARENA_NEW(x->arena, struct problem, 1);
	*device = *x->p->device;
	device->pinned_bytes = 0;
	*p = *x->p;
	p->device = device;
	search_init(other, p, ARENA_NEW(x->arena, struct schedule, 1), x->arena);
	choose_tensors(other);
	search(other);
	if (other->us < x->us) {
		*x->best = *other->best;
		other->best = x->best;
		*x = *other;
	}
}

/* Takes the fastest of the simple policies. */
static void
search_simply(struct hybrid_search *x)
{
	x->aim_us = x->p->beat_us > 0 ? x->p->beat_us : INFINITY;
	evaluate_policies(x);
	evacuate(x);
}

/* Says why the search has no plan. */
static int
refuse(const struct hybrid_search *x, struct err *e)
{
	char time[32];

	if (x->why != NULL && x->why->code == ERR_NONE)
		return err_set(e, ERR_NO, "policy 'hybrid' finds no plan for this budget with a step of less than %s", units_time(time, x->aim_us));
	err_set(e, ERR_NO, "policy 'hybrid' finds no plan for this budget: %s", x->why == NULL ? "no simple policy fits" : x->why->text);
	return x->why != NULL && x->why->reason.known ? err_set_reason(e, &x->why->reason) : -1;
}

int
policy_hybrid(struct schedule *s, const struct problem *p, struct arena *a, struct err *e)
{
	struct hybrid_search *x = ARENA_NEW(a, struct hybrid_search, 1);

	search_init(x, p, s, a);
	if (p->simple)
		search_simply(x);
	else {
		choose_tensors(x);
		search(x);
		search_without_copies(x);
	}
	if (isinf(x->us))
		return refuse(x, e);
	if (x->row != NULL)
		s->found_by = x->row->name;
	else if (x->evacuated)
		s->configuration = "start=evacuation";
	else
		s->configuration = x->start == NULL ? configuration_text(&x->configuration, a) : arena_printf(a, "start=%s", x->start->name);
	s->may_fill = p->budget_bytes < p->life->peak_bytes;
	if (search_stopped(p->control))
		p->control->status = "time-limit";
	return 0;
}
