/* SPDX-License-Identifier: Apache-2.0 */
/* policy_ilp.c - the search of policy ilp: rounds of solving a mixed integer program by GLPK and learning from its schedules
 *
 * Two formulations share the search.  ilp_exact.c has variables for the op at which a tensor leaves or returns, and for the op before which each
 * rerun runs.  The number of variables grows with intervals x ops.  ilp_aggregate.c adds bytes up over idle intervals.  The exact form is used where its
 * build() accepts the size: rounded solutions of the aggregate form hardly ever beat hybrid, pieces of the exact form do.
 *
 * The search begins with the plan of hybrid, whose choices are also the solver's first incumbent.  Each round builds the program with
 * everything learned, searches it, makes schedules of the solutions, whole or rounded, and simulates each that fits; the fastest is kept.
 * A schedule over the budget adds a row to the next round's program.  If only its placement is over the budget, it adds bytes instead.
 *
 * A program of up to WHOLE_ENTRIES is searched whole for a while (GLPK solves its relaxation in a second; at four times the size it needs
 * more than ten).  A larger program, or one whose search brought no better plan, is searched piece by piece: all choices are fixed to the
 * best plan's, except for a window of neighbours by next use.  The window slides on, and widens after a whole round.  The search
 * ends when the window holds all choices and no plan is better, at the time limit, or when it is stopped.
 *
 * The bound shown is the planner's own (bounds.h), certified without GLPK and valid for every plan.  The solver's bound holds for the
 * program only, because some plans are not among its solutions.
 */
#include <config.h>
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "planner/bound/bounds.h"
#include "planner/bound/lp_solve.h"
#include "planner/ilp/ilp.h"
#include "src/base/clock.h"
#include "src/base/rank.h"

enum { MOST_ROUNDS = 1000, FIRST_WINDOW = 8, WHOLE_ENTRIES = 60000, TIGHTENINGS = 4, WHOLE = 6, ROUNDED = 6 };
#define DEFAULT_SECONDS 20.0	/* of the search without a time limit */
#define WANTED_GAP 0.0005
#define SHORTEST_SECONDS 0.3

/* Solutions that a search of GLPK meets.  Nothing is allocated during the search. */
struct met_solutions {
	double *x[WHOLE + ROUNDED];	/* [column_count]: whole ones in a ring, then relaxed ones */
	uint32_t whole, relaxed;	/* numbers met so far */
};

struct ilp_search {
	struct ilp m;
	struct search_control *control;	/* never NULL */
	struct met_solutions pool;
	double bound_us, end_s;		/* end_s: the end of the search, which leaves time for the plan's own bounds */
	double shown_best, shown_bound;
	double limit_s;			/* of the search */
	double round_s, met_s;		/* clock at the round's beginning, and at its last whole solution; 0: none */
	uint32_t *by_next;		/* [count] choices by next use */
	uint32_t window, window_from;	/* the loose choices in by_next: their number, and the first */
	bool piecemeal;			/* the program is searched piece by piece */
	/* Of the round: */
	double *x;			/* [column_count] */
	bool *loose;			/* [count] */
	struct lp_line *columns;	/* [column_count] */
	uint32_t better_row;		/* row of the cost, bounded during the search for a better solution */
	int round;
	bool go_on;
	struct arena scratch;
	struct err failure;
};

static double
seconds_left(const struct ilp_search *s)
{
	return s->end_s - clock_seconds();
}

static bool
is_over(const struct ilp_search *s)
{
	return seconds_left(s) <= 0 || search_stopped(s->control);
}

/* Shows progress and returns false to stop GLPK.  best, bound: the program's, in ms. */
static bool
tell(void *arg, double best, double bound)
{
	struct ilp_search *s = arg;

	if (s->control->progress != NULL && (best < s->shown_best || bound > s->shown_bound + 1e-3)) {
		search_tell(s->control, "%.1f s: plan %.3f ms, bound %.3f ms, gap %.2f %%; round %d, %s program: %.3f ms, at least %.3f ms",
		    clock_seconds() - s->control->begin_s, s->m.best_us / ILP_MS, s->bound_us / ILP_MS,
		    100 * (s->m.best_us / s->bound_us - 1), s->round, s->m.form->name, best, bound);
		s->shown_best = best;
		s->shown_bound = bound;
	}
	/* A better solution becomes a schedule before the search for the next one has taken much more time. */
	if (s->met_s > 0 && clock_seconds() - s->met_s > fmax(0.2, 0.2 * (clock_seconds() - s->round_s)))
		return false;
	return !is_over(s);
}

static void
meet(void *arg, const double *x, bool whole)
{
	struct ilp_search *s = arg;
	double *to;

	if (!whole && s->pool.relaxed >= ROUNDED)
		return;
	if (whole)
		s->met_s = clock_seconds();
	to = whole ? s->pool.x[s->pool.whole++ % WHOLE] : s->pool.x[WHOLE + s->pool.relaxed++];
	memcpy(to, x, sizeof(*to) * s->m.lp.column_count);
}

/* ---- the first plan ---- */

static void
try_policy(struct ilp_search *s, const struct policy *row)
{
	bytes_t least = policy_least_budget(row, s->m.life);
	struct problem p = *s->m.p;
	struct search_control some = { .time_limit_s = s->limit_s / 2, .begin_s = s->control->begin_s, .threads = s->control->threads,
	    .stopped = s->control->stopped, .user = s->control->user };

	p.control = &some;
	/* The policy plans again for a budget that is smaller by the bytes lost to fragmentation. */
	for (int i = 0; i < TIGHTENINGS && p.budget_bytes >= least; i++) {
		struct schedule schedule;
		bytes_t missing;

		s->m.err = (struct err) ERR_INIT;
		if (row->plan(&schedule, &p, s->m.scratch, &s->m.err) < 0)
			break;
		schedule.in_place |= !schedule.hold;
		missing = ilp_consider(&s->m, &schedule, true);
		if (missing == 0 || !problem_tighten(&p, missing, least))
			break;
	}
}

/* Takes the plan of hybrid, which evaluates the other policies itself.  If hybrid finds none in its time, each of them plans. */
static int
begin(void *arg)
{
	struct ilp_search *s = arg;

	for (const struct policy *row = policies; row->name != NULL; row++)
		if (row->quick && (strcmp(row->name, "hybrid") == 0 || isinf(s->m.best_us)))
			try_policy(s, row);
	return 0;
}

/* ---- rounds ---- */

static bool
build(struct ilp *m)
{
	static const struct formulation *const forms[] = { &ilp_exact, &ilp_aggregate };

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		m->form = forms[i];
		if (m->form->build(m))
			return true;
	}
	return false;
}

/* Returns the program with all choices but the loose ones fixed to v. */
static struct lp
restricted(struct ilp_search *s, const struct verdicts *v, const bool *loose)
{
	struct lp fixed = s->m.lp;

	fixed.columns = s->columns;
	memcpy(fixed.columns, s->m.lp.columns, sizeof(*fixed.columns) * s->m.lp.column_count);
	s->m.form->fix(&s->m, &fixed, v, loose);
	return fixed;
}

static double
cost_of(const struct lp *p, const double *x)
{
	double sum = 0;

	for (size_t j = 0; j < p->column_count; j++)
		sum += p->columns[j].cost * x[j];
	return sum;
}

/* Makes schedules of the pool; false: the model learned nothing. */
static bool
use_pool(struct ilp_search *s)
{
	uint32_t kept = s->pool.whole < WHOLE ? s->pool.whole : WHOLE;
	struct verdicts v;
	bool learned = false;

	ilp_verdicts_init(&v, &s->m);
	for (uint32_t i = 0; i < kept && (i == 0 || !is_over(s)); i++) {
		const double *x = s->pool.x[(s->pool.whole - 1 - i) % WHOLE];

		/* The last solution is the best: the model learns only from it. */
		s->m.form->read(&s->m, x, &v);
		learned |= ilp_realise(&s->m, &v, i == 0, x) && i == 0;
	}
	for (uint32_t i = 0; i < s->pool.relaxed && !is_over(s); i++) {
		s->m.form->read(&s->m, s->pool.x[WHOLE + i], &v);
		ilp_realise(&s->m, &v, false, NULL);
	}
	return learned;
}

/* Searches the whole program; *learned: the model learned from the schedules. */
static enum lp_answer
search_whole(struct ilp_search *s, const double *start, double seconds, bool *learned)
{
	struct ilp *m = &s->m;
	struct lp_search how = { .gap = WANTED_GAP, .seconds = seconds, .start = start, .tell = tell, .meet = meet, .arg = s };
	enum lp_answer answer;

	s->pool.whole = s->pool.relaxed = 0;
	for (int i = 0; i < WHOLE + ROUNDED; i++)
		s->pool.x[i] = ARENA_NEW(m->scratch, double, m->lp.column_count);
	s->met_s = 0;
	s->round_s = clock_seconds();
	answer = seconds > 0 ? lp_search(&m->lp, s->x, &how) : LP_NONE;
	*learned = use_pool(s);
	return answer;
}

/* Frees a window of choices and searches for a solution below `cost`, that of the best plan, v.  true: a better plan was found, or the
 * model learned. */
static bool
search_near(struct ilp_search *s, const struct verdicts *v, double cost)
{
	struct ilp *m = &s->m;
	struct lp_search how = { .gap = WANTED_GAP, .reduce = true, .tell = tell, .arg = s,
	    .seconds = fmin(seconds_left(s), fmax(SHORTEST_SECONDS, s->limit_s / 20)) };
	struct lp_line *better = &m->lp.rows[s->better_row];
	double before = m->best_us;
	struct verdicts found;
	struct lp near;
	bool found_any;

	memset(s->loose, 0, sizeof(*s->loose) * m->count);
	for (uint32_t i = 0; i < s->window && i < m->count; i++)
		s->loose[s->by_next[(s->window_from + i) % m->count]] = true;
	assert(m->count > 0);
	s->window_from = (s->window_from + (s->window + 1) / 2) % m->count;
	near = restricted(s, v, s->loose);
	better->high = cost * (1 - WANTED_GAP);
	s->met_s = 0;
	found_any = how.seconds > 0 && lp_search(&near, s->x, &how) != LP_NONE;
	better->high = INFINITY;
	if (!found_any)
		return false;
	ilp_verdicts_init(&found, m);
	m->form->read(m, s->x, &found);
	return ilp_realise(m, &found, true, s->x) || m->best_us < before;
}

/* Allocates the round's arrays and adds the row of the cost. */
static void
begin_round(struct ilp_search *s)
{
	struct ilp *m = &s->m;

	s->better_row = lp_row(&m->lp, -INFINITY, INFINITY);
	for (uint32_t j = 0; j < m->lp.column_count; j++)
		lp_add(&m->lp, s->better_row, j, m->lp.columns[j].cost);
	s->x = ARENA_NEW(m->scratch, double, m->lp.column_count);
	s->loose = ARENA_NEW(m->scratch, bool, m->count);
	s->columns = ARENA_NEW(m->scratch, struct lp_line, m->lp.column_count);
}

/* Searches the program of this round; false: further rounds are of no use. */
static bool
search_round(struct ilp_search *s)
{
	struct ilp *m = &s->m;
	double *start = ARENA_NEW(m->scratch, double, m->lp.column_count);
	struct lp_search how = { .gap = WANTED_GAP, .reduce = true };
	struct verdicts best;
	struct lp fixed;
	bool known = isfinite(m->best_us), learned;

	begin_round(s);
	ilp_verdicts_init(&best, m);
	if (known) {
		ilp_verdicts_of(&best, m, &m->best);
		fixed = restricted(s, &best, NULL);
		how.seconds = seconds_left(s);
		known = how.seconds > 0 && lp_search(&fixed, start, &how) != LP_NONE;
	}
	s->piecemeal |= known && m->lp.entry_count > WHOLE_ENTRIES;
	if (!known || !s->piecemeal || s->window >= m->count) {
		bool last = s->piecemeal || !known;
		enum lp_answer answer = search_whole(s, known ? start : NULL, last ? seconds_left(s) : seconds_left(s) / 4, &learned);

		s->piecemeal |= known && !learned;
		return learned || (answer != LP_BEST && !last);
	}
	for (uint32_t tried = 0; !is_over(s) && tried <= 2 * m->count / s->window; tried++)
		if (search_near(s, &best, cost_of(&m->lp, start)))
			return true;
	s->window += (s->window + 1) / 2;
	return true;
}

static int
run_round(void *arg)
{
	struct ilp_search *s = arg;

	s->go_on = false;
	if (!build(&s->m))
		return 0;
	if (s->round == 1 && s->control->write_lp != NULL && lp_write(&s->m.lp, s->control->write_lp, &s->failure) < 0)
		return -1;
	s->go_on = search_round(s);
	return 0;
}

static void
sort_by_next(struct ilp_search *s)
{
	struct ranked *order = ARENA_NEW(s->m.arena, struct ranked, s->m.count);

	s->by_next = ARENA_NEW(s->m.arena, uint32_t, s->m.count);
	for (uint32_t i = 0; i < s->m.count; i++)
		order[i] = (struct ranked) { .first = s->m.choices[i].interval->idle.to, .id = i };
	rank_rising(order, s->m.count);
	for (uint32_t i = 0; i < s->m.count; i++)
		s->by_next[i] = order[i].id;
}

/* Runs the first plan and the rounds.  Each round has memory of its own, because there may be hundreds. */
static int
search(void *arg)
{
	struct ilp_search *s = arg;
	int rc;

	s->m.scratch = &s->scratch;
	rc = arena_run(&s->scratch, begin, s, &s->failure);
	arena_free(&s->scratch);
	for (s->round = 1, s->go_on = true; rc == 0 && s->go_on && s->round <= MOST_ROUNDS && (s->round == 1 || !is_over(s)); s->round++) {
		rc = arena_run(&s->scratch, run_round, s, &s->failure);
		arena_free(&s->scratch);
	}
	return rc;
}

/* Says why there is no plan: the time is over, or the program has no further solution. */
static int
no_plan(const struct ilp_search *s, struct err *e)
{
	char missing[32];

	if (is_over(s))
		return err_set(e, ERR_NO, "no plan was found within %g s", s->limit_s);
	if (s->m.nearest == UINT64_MAX)
		return err_set(e, ERR_NO, "the integer program has no solution that fits: no schedule was within the budget");
	err_set(e, ERR_NO, "the integer program has no solution that fits: the best placement of a schedule needs %s more than the budget",
	    units_size(missing, s->m.nearest));
	return graph_set_reason(e, s->m.graph, ERR_NO_OP, s->m.nearest);
}

int
policy_ilp(struct schedule *schedule, const struct problem *p, struct arena *a, struct err *e)
{
	struct search_control silent = { .time_limit_s = 0 };
	struct ilp_search s = { .m = { .p = p, .graph = p->graph, .life = p->life, .best_us = INFINITY, .nearest = UINT64_MAX, .arena = a },
	    .control = p->control != NULL ? p->control : &silent };
	uint32_t n = p->graph->op_count;
	double now, limit;
	bool fits = true;

	search_begin(s.control);
	occupancy_init(&s.m.full, p, a);
	if (ilp_keep_all(&s.m, schedule, e) < 0)
		return -1;
	for (uint32_t k = 0; k < n; k++)
		fits &= s.m.kept[k] <= p->budget_bytes;
	if (fits)
		return 0;
	limit = s.control->time_limit_s > 0 ? s.control->time_limit_s : DEFAULT_SECONDS;
	now = clock_seconds();
	s.bound_us = bounds_time_us(NULL, p->life, p->device, p->budget_bytes, a);
	s.end_s = s.control->begin_s + limit - (clock_seconds() - now);	/* the planner computes that bound again */
	link_rates_init(&s.m.rates, p->device);
	versions_init(&s.m.versions, p->graph, a);
	s.m.extra = ARENA_NEW(a, bytes_t, n);
	s.m.asked = ARENA_NEW(a, bool, n);
	ilp_find_choices(&s.m);
	sort_by_next(&s);
	s.window = FIRST_WINDOW;
	s.limit_s = limit;
	if (arena_run(a, search, &s, &s.failure) < 0) {
		arena_free(&s.scratch);
		*e = s.failure;
		return -1;
	}
	if (isinf(s.m.best_us))
		return no_plan(&s, e);
	s.control->status = is_over(&s) ? "time-limit" : "gap";
	*schedule = s.m.best;
	return 0;
}
