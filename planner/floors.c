/* SPDX-License-Identifier: Apache-2.0 */
/* floors.c - the rungs near a budget, searched one by one */
#include <config.h>
#include "planner/floors.h"

#include <assert.h>

#include "planner/bound/bound_time.h"
#include "planner/schedule/homes.h"
#include "src/base/threads.h"

enum {
	LOWER_RUNGS = 1,		/* 0 .. 100: searched below the rung of a budget */
	SMALL_OPS = 150,		/* 0 .. 10^6: in a step of at most so many ops, a tensor may be large beside the distance of two rungs, so that
					 * draws differ most ... */
	SMALL_LOWER_RUNGS = 3,		/* LOWER_RUNGS .. 100: ... and a search is quick, so that there are more lower rungs */
	TIGHT_LOWER_RUNGS = 2,		/* LOWER_RUNGS .. 100: for a plan that is far from the bound */
	AHEAD = SMALL_LOWER_RUNGS + 2	/* searches side by side: of the rung, lower ones, and the budget itself */
};
#define TIGHT_GAP 0.1		/* 0 .. 10: by this part over a bound, draws differ so much that any step has TIGHT_LOWER_RUNGS */
#define SAME 1e-4		/* 0 .. 0.01: a lower rung that cannot be faster by this part is not searched */
#define OWN_PART 0.01		/* 0 .. 1: the part by which a budget between two rungs must be faster than these.  Smaller gains are luck that
				 * the next budget does not have; larger ones come from a steep frontier ... */
#define SMALL_OWN_PART 0.05	/* OWN_PART .. 1: ... or, in a small step, from one more tensor that has room */

void
floors_init(struct floors *f, const struct graph *g, const struct device *d, const struct planner_options *o, struct arena *a)
{
	*f = (struct floors) { .graph = g, .device = d, .options = *o, .arena = a };
	lifetimes_init(&f->life, g, a);
	ladder_init(&f->ladder, &f->life);
	if (o->homes == NULL)
		return;
	f->ladder.least_bytes = o->homes->least_bytes;
	f->ladder.peak_bytes = o->homes->peak_bytes;
}

/* One search in memory of its own. */
struct rung_search {
	struct planner_options options;
	struct search_control control;
	struct problem problem;
	struct arena arena;
	struct plan plan;
	struct err err;
	int rc;
};

static int
run_search(void *arg)
{
	struct rung_search *s = arg;

	return planner_try(&s->plan, &s->problem, &s->options, &s->arena, &s->err);
}

static void
search_init(struct rung_search *s, const struct floors *f, bytes_t budget)
{
	*s = (struct rung_search) { .options = f->options, .arena = ARENA_INIT, .err = ERR_INIT };
	if (f->options.control != NULL)
		s->control = *f->options.control;
	if (f->quiet)
		s->control.progress = NULL;
	s->options.control = &s->control;
	s->problem = planner_problem(f->graph, f->device, &f->life, &s->options);
	s->problem.control = &s->control;
	s->problem.budget_bytes = budget;
}

/* A plan that is copied out of a search's memory. */
struct plan_taking { struct plan *to; const struct plan *from; struct arena *arena; };

static int
take_plan(void *arg)
{
	struct plan_taking *t = arg;

	plan_copy(t->to, t->from, t->arena);
	return 0;
}

/* Ends a search that has run, and frees its memory.  Returns 0 with *plan in f's memory; 1: there is no plan, and *why says so. */
static int
search_end(struct plan *plan, struct rung_search *s, struct floors *f, struct err *why, struct err *e)
{
	struct plan_taking taking = { plan, &s->plan, f->arena };

	if (s->rc == 0)
		s->rc = arena_run(f->arena, take_plan, &taking, &s->err);
	arena_free(&s->arena);
	if (s->rc == 0)
		return 0;
	if (s->err.code != ERR_NO) {
		*e = s->err;
		return -1;
	}
	*why = s->err;
	return 1;
}

static void
search_run(struct rung_search *s)
{
	s->rc = arena_run(&s->arena, run_search, s, &s->err);
}

static struct rung *
find_rung(const struct floors *f, bytes_t budget)
{
	for (size_t i = 0; i < f->rung_count; i++)
		if (f->rungs[i]->budget_bytes == budget)
			return f->rungs[i];
	return NULL;
}

/* Returns a rung to be filled by rung_end(): when that runs, no more memory is needed for the rung itself. */
static struct rung *
new_rung(struct floors *f, bytes_t budget)
{
	struct rung *r = ARENA_NEW(f->arena, struct rung, 1);

	*r = (struct rung) { .budget_bytes = budget, .why = ERR_INIT };
	return *ARENA_PUSH(f->arena, f->rungs, f->rung_count, f->rung_capacity) = r;
}

/* Fills a rung with the result of its search. */
static int
rung_end(struct rung *r, struct rung_search *s, struct floors *f, struct err *e)
{
	int rc = search_end(&r->plan, s, f, &r->why, e);

	r->has_plan = rc == 0;
	return rc < 0 ? -1 : 0;
}

int
floors_rung(const struct rung **to, struct floors *f, bytes_t budget, struct err *e)
{
	struct rung *r = find_rung(f, budget);
	struct rung_search s;

	*to = r;
	if (r != NULL)
		return 0;
	*to = r = new_rung(f, budget);
	search_init(&s, f, budget);
	search_run(&s);
	return rung_end(r, &s, f, e);
}

/* Searches budgets side by side, if there are threads for that.  The first search, which the calling thread runs, tells its progress. */
static int
search_ahead(struct floors *f, const bytes_t *budgets, int count, struct err *e)
{
	struct rung_search *all = ARENA_NEW(f->arena, struct rung_search, (size_t)count);
	struct rung *rungs[AHEAD];
	int n = 0, threads = search_threads(f->options.control), rc = 0;

	assert(count <= AHEAD);
	if (threads == 1 || threads_taken())
		return 0;
	for (int i = 0; i < count; i++)
		if (find_rung(f, budgets[i]) == NULL) {
			rungs[n] = new_rung(f, budgets[i]);
			search_init(&all[n], f, budgets[i]);
			all[n].control.threads = (uint32_t)(threads > count ? threads / count : 1);
			if (n > 0)
				all[n].control.progress = NULL;
			n++;
		}
#ifdef _OPENMP
#pragma omp parallel for schedule(static, 1) num_threads(threads < n ? threads : n > 0 ? n : 1)
#endif
	for (int i = 0; i < n; i++)
		search_run(&all[i]);
	for (int i = 0; i < n; i++)
		if (rc < 0)
			arena_free(&all[i].arena);
		else
			rc = rung_end(rungs[i], &all[i], f, e);
	return rc;
}

int
floors_try(struct plan *plan, struct floors *f, bytes_t budget, struct err *why, struct err *e)
{
	struct rung_search s;

	search_init(&s, f, budget);
	search_run(&s);
	return search_end(plan, &s, f, why, e);
}

/* Fills plan by a simple search, if that finds a faster one than beat_us (0: any).  Returns as floors_try(). */
static int
search_simply(struct plan *plan, struct floors *f, bytes_t budget, double beat_us, struct err *why, struct err *e)
{
	struct rung_search s;

	search_init(&s, f, budget);
	s.problem.simple = true;
	s.problem.beat_us = beat_us;
	search_run(&s);
	return search_end(plan, &s, f, why, e);
}

double
floors_bound_us(struct floors *f, bytes_t budget)
{
	struct time_bound b;

	bound_time(&b, &f->life, f->device, budget, f->arena);
	return b.us;
}

/* The search for one answer. */
struct floors_answer {
	struct floors *floors;
	bytes_t budget;
	const struct plan *best;	/* NULL: none yet */
	const struct err *why;		/* of the rung below the budget, without a plan */
};

static bool
is_stopped(const struct floors_answer *x)
{
	return x->best != NULL && search_stopped(x->floors->options.control);
}

/* True: a search for this budget cannot make the step faster by the part, or must not begin. */
static bool
is_hopeless(struct floors_answer *x, bytes_t budget, double part)
{
	return is_stopped(x) || (x->best != NULL && floors_bound_us(x->floors, budget) >= x->best->predicted.step_time_us * (1 - part));
}

/* Takes the plan of a rung, or of the budget's own search, if it is faster than the others by the part. */
static int
look_at(struct floors_answer *x, bytes_t budget, double part, struct err *e)
{
	const struct rung *r;

	if (is_hopeless(x, budget, part))
		return 0;
	if (floors_rung(&r, x->floors, budget, e) < 0)
		return -1;
	if (x->why == NULL && !r->has_plan)
		x->why = &r->why;
	if (r->has_plan && (x->best == NULL || r->plan.predicted.step_time_us < x->best->predicted.step_time_us * (1 - part)))
		x->best = &r->plan;
	return 0;
}

/* Takes a simple policy's plan for the budget itself, if it is the fastest. */
static int
look_simply(struct floors_answer *x, struct err *e)
{
	struct plan *plan = ARENA_NEW(x->floors->arena, struct plan, 1);
	struct err why;
	int rc;

	if (is_hopeless(x, x->budget, 0))
		return 0;
	rc = search_simply(plan, x->floors, x->budget, x->best == NULL ? 0 : x->best->predicted.step_time_us, &why, e);
	if (rc == 0)
		x->best = plan;
	return rc < 0 ? -1 : 0;
}

static bytes_t
next_lower(const struct floors *f, bytes_t rung)
{
	return ladder_budget(&f->ladder, ladder_rung(&f->ladder, rung - 1));
}

/* Returns the number of lower rungs that an answer looks at. */
static uint32_t
lower_rungs(const struct floors *f)
{
	if (f->options.lower_rungs > 0)
		return f->options.lower_rungs;
	return f->graph->op_count <= SMALL_OPS ? SMALL_LOWER_RUNGS : LOWER_RUNGS;
}

/* True: a budget between two rungs has a search of its own. */
static bool
has_own(const struct floors *f, bytes_t rung, bytes_t budget)
{
	return budget > rung && f->options.lower_rungs == 0;
}

/* Searches ahead what the answer for a budget is likely to look at: all of it, unless the whole step has room. */
static int
search_near(struct floors *f, bytes_t rung, bytes_t budget, struct err *e)
{
	bytes_t near[AHEAD] = { rung }, below = rung;
	int count = 1, most = lower_rungs(f) < SMALL_LOWER_RUNGS ? (int)lower_rungs(f) : SMALL_LOWER_RUNGS;

	if (budget >= f->ladder.peak_bytes)
		return 0;
	for (; count <= most && below > f->ladder.least_bytes; count++)
		near[count] = below = next_lower(f, below);
	if (has_own(f, rung, budget))
		near[count++] = budget;
	return search_ahead(f, near, count, e);
}

/* Looks at lower rungs, and at the budget itself if it is no rung. */
static int
look_further(struct floors_answer *x, bytes_t rung, struct err *e)
{
	const struct floors *f = x->floors;
	uint32_t lower = lower_rungs(f);

	if (f->options.lower_rungs == 0 && lower < TIGHT_LOWER_RUNGS && (x->best == NULL || x->best->predicted.step_time_us > floors_bound_us(x->floors, rung) * (1 + TIGHT_GAP)))
		lower = TIGHT_LOWER_RUNGS;
	for (bytes_t below = rung; lower > 0 && below > f->ladder.least_bytes; lower--) {
		below = next_lower(f, below);
		if (look_at(x, below, SAME, e) < 0)
			return -1;
	}
	if (x->budget > rung && (x->best == NULL || has_own(f, rung, x->budget)) &&
	    look_at(x, x->budget, f->graph->op_count <= SMALL_OPS ? SMALL_OWN_PART : OWN_PART, e) < 0)
		return -1;
	return x->budget > rung && f->options.lower_rungs == 0 && look_simply(x, e) < 0 ? -1 : 0;
}

int
floors_plan(struct plan *plan, struct floors *f, bytes_t budget, struct err *why, struct err *e)
{
	struct floors_answer x = { .floors = f, .budget = budget };
	bytes_t rung = ladder_budget(&f->ladder, ladder_rung(&f->ladder, budget));
	int rc;

	if (search_near(f, rung, budget, e) < 0 || look_at(&x, rung, 0, e) < 0)
		return -1;
	/* One search tells its progress, whatever the number of threads. */
	f->quiet = true;
	rc = look_further(&x, rung, e);
	f->quiet = false;
	if (rc < 0)
		return -1;
	if (x.best == NULL) {
		*why = *x.why;
		return 1;
	}
	*plan = *x.best;
	plan->budget_bytes = budget;
	return 0;
}

/* Sets *fits: a simple search has a plan for the rung. */
static int
fits_simply(bool *fits, struct floors *f, uint32_t rung, struct err *e)
{
	struct plan plan;
	struct err why = ERR_INIT;
	int rc = search_simply(&plan, f, ladder_budget(&f->ladder, rung), 0, &why, e);

	*fits = rc == 0;
	return rc < 0 ? -1 : 0;
}

int
floors_least(bytes_t *least, struct floors *f, bytes_t above, struct err *e)
{
	uint32_t low, high = 0, top;
	bool fits = false;

	if (f->ladder.least_bytes > device_budget(f->device))
		return 1;
	top = ladder_rung(&f->ladder, device_budget(f->device));
	low = above < f->ladder.least_bytes ? ladder_rung(&f->ladder, f->ladder.least_bytes) : ladder_rung(&f->ladder, above) + 1;
	/* Rungs below low have no plan; steps up double until one fits. */
	for (uint32_t step = 1, at = low; !fits && at <= top; step *= 2) {
		if (fits_simply(&fits, f, at, e) < 0)
			return -1;
		high = at;
		if (fits)
			break;
		low = at + 1;
		at = at < top && top - at < step ? top : at + step;
	}
	if (!fits)
		return 1;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (fits_simply(&fits, f, middle, e) < 0)
			return -1;
		if (fits)
			high = middle;
		else
			low = middle + 1;
	}
	*least = ladder_budget(&f->ladder, high);
	return 0;
}
