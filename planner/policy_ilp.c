/* SPDX-License-Identifier: Apache-2.0 */
/* policy_ilp.c - keep, offload or recompute as a mixed integer program, solved by GLPK
 *
 * Gaps g = (tensor of w_g bytes, last use a_g, next use b_g).  The program looks at the starts of chosen ops, the moments 0 .. J-1,
 * and at the step's end, J; interval j ends at moment j.  On graphs of up to MOST_MOMENTS ops every op is a moment.
 *
 * Variables (milliseconds, megabytes)
 *   y_g, z_g       1: gap g's tensor is offloaded and fetched, is dropped and made again; else it is kept
 *   x_k            op k runs again (it need not be called whole: it is the largest z_g that needs it)
 *   d_j            length of interval j
 *   o_j, r_j       bytes copied out, fetched, in interval j
 *   h_j            bytes on the host and not yet fetched at moment j
 *
 * Constraints
 *   y_g + z_g <= 1
 *   x_k >= z_g     for each op k that making g's tensor again takes: its writers back to the first that does not read it, and those
 *                  of tensors that have died by then, and so on
 *   d_j >= C_j + sum of c_k x_k over ops k whose rerun falls into interval j	C_j: the interval's own ops.  A
 *                  rerun falls before the first next use that needs it
 *   o_j <= Bo d_j, r_j <= Bi d_j, o_j + r_j <= B d_j
 *   sum of o up to j <= sum of w y over gaps with a_g before moment j
 *   sum of r up to j >= sum of w y over gaps with b_g at or before moment j
 *   h_j = h_j-1 + o_j - r_j >= 0
 *   h_j + sum of w z over gaps across j >= E_j,  sum of w (y + z) over gaps across j >= E_j
 *                  E_j: bytes over the budget at moment j when everything is kept
 * Objective: min sum of d_j.
 *
 * This is the aggregate form: that bytes out and bytes back belong to the same tensors is left to whoever turns y and z
 * into a schedule.  What reruns need while they run is left out as well.  Both are rows that come lazily: the
 * schedule is made, and where its exact profile is over the budget, E grows by what is missing (that op becomes a moment); when
 * only its placement is, E grows everywhere.  Then the program is solved again.  Every schedule that fits is built and
 * simulated; the fastest counts.
 *
 * It begins with the fastest plan of the other policies, whose choices are also the solver's first incumbent.
 * It ends when a round brings nothing more, after MOST_ROUNDS, at the time limit, or when it is
 * told to; the best plan so far is the answer.
 */
#include <config.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "planner/link_rates.h"
#include "planner/lp_solve.h"
#include "planner/policy.h"
#include "planner/program.h"
#include "planner/residency.h"
#include "sim/simulate.h"

enum { MOST_MOMENTS = 160, MOST_ROUNDS = 12, TIGHTENINGS = 4, MOST_GAPS = 600 };
#define DEFAULT_SECONDS 20.0	/* without a time limit */
#define WANTED_GAP 0.005
#define MS 1e3
#define MB 1e6

struct choice {
	const struct gap *gap;
	uint32_t run_start, run_count;	/* runs[]: ops that run again; none: it cannot be dropped */
	uint32_t y, z;			/* columns */
};

struct ilp {
	const struct problem *p;
	const struct graph *graph;
	const struct lifetimes *life;
	struct residency full;		/* everything kept */
	struct link_rates rates;
	const struct gap *gaps;
	struct choice *choices;		/* [count] */
	uint32_t count, *runs;
	size_t run_count, run_capacity;
	uint32_t *seen, stamp;		/* [op_count] */
	bytes_t *extra;			/* [op_count] what schedules turned out to need more */
	bool *asked;			/* [op_count] it is a moment because of that */
	bytes_t margin;			/* what placements turned out to lose to fragmentation */
	uint32_t *moment, moments;
	struct lp lp;
	uint32_t d;			/* first column of the intervals */
	struct schedule best;
	double best_us, begin_s, limit_s;
	double solver_best, solver_bound;	/* ms, of the running search */
	int round;
	struct arena *arena;
	struct err err;
};

static double
seconds_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

static double
seconds_left(const struct ilp *m)
{
	return m->limit_s - (seconds_now() - m->begin_s);
}

static bool
is_over(const struct ilp *m)
{
	return seconds_left(m) <= 0 || search_stopped(m->p->control);
}

static bool
tell(void *arg, double best, double bound)
{
	struct ilp *m = arg;
	const struct search_control *c = m->p->control;
	char line[160];

	if (c != NULL && c->progress != NULL && (best < m->solver_best || bound > m->solver_bound + 1e-3)) {
		snprintf(line, sizeof(line), "%.1f s, round %d: plan %.3f ms, model's best %.3f ms, bound %.3f ms, gap %.2f %%",
		    seconds_now() - m->begin_s, m->round, m->best_us / MS, best, bound, 100 * (best / bound - 1));
		c->progress(line);
	}
	m->solver_best = fmin(m->solver_best, best);
	m->solver_bound = bound;
	return !is_over(m);
}

/* ---- candidates ---- */

/* Build and simulate s; keep it when it fits and is the fastest.  The bytes by which the best of its placements
 * does not fit. */
static bytes_t
consider(struct ilp *m, const struct schedule *s)
{
	static const char *const rows[] = { "by-size", "boxing", "auto" };
	bytes_t missing = UINT64_MAX;
	struct sim_result r;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows) && missing > 0; i++) {
		struct plan plan = { .graph = m->graph, .device = m->p->device, .policy = "", .placement = "" };

		/* The last one is slow: only for what nearly fits. */
		if (i == 2 && missing > m->p->budget_bytes / 4)
			break;
		m->err = (struct err) ERR_INIT;
		if (program_build(&plan, s, placement_find(rows[i]), m->arena, &m->err) < 0 ||
		    plan.host_bytes > m->p->device->pinned_bytes)
			return 0;
		if (plan.arena_bytes > m->p->budget_bytes) {
			if (plan.arena_bytes - m->p->budget_bytes < missing)
				missing = plan.arena_bytes - m->p->budget_bytes;
			continue;
		}
		missing = 0;
		if (simulate(&r, &plan, m->p->device, m->arena, &m->err) == 0 && r.step_time_us < m->best_us) {
			m->best = *s;
			m->best_us = r.step_time_us;
		}
	}
	return missing;
}

static void
try_policies(struct ilp *m)
{
	for (const struct policy *row = policies; row->name != NULL; row++) {
		struct problem p = *m->p;
		struct schedule s;

		/* What the placement loses, the policy is asked for again. */
		p.control = NULL;
		for (int i = 0; row->quick && i < TIGHTENINGS && p.budget_bytes >= m->life->resident_bound_bytes; i++) {
			bytes_t missing;

			m->err = (struct err) ERR_INIT;
			if (row->plan(&s, &p, m->arena, &m->err) < 0)
				break;
			missing = consider(m, &s);
			if (missing == 0 || missing > p.budget_bytes)
				break;
			p.budget_bytes -= missing;
		}
		if (is_over(m))
			return;
	}
}

/* ---- gaps ---- */

/* The last op before k that writes t, or UINT32_MAX. */
static uint32_t
writer_before(const struct ilp *m, uint32_t t, uint32_t k)
{
	const struct lifetimes *l = m->life;

	for (uint32_t u = l->use_start[t + 1]; u-- > l->use_start[t];)
		if (l->use_op[u] < k && op_writes(&m->graph->ops[l->use_op[u]], t))
			return l->use_op[u];
	return UINT32_MAX;
}

/* Add what making t's value of just before op k again at op `at` takes; false: it cannot be made. */
static bool
add_runs(struct ilp *m, struct choice *c, uint32_t t, uint32_t k, uint32_t at, int depth)
{
	uint32_t w = writer_before(m, t, k);
	const struct op *o;

	if (w == UINT32_MAX)
		return kind_is_persistent(m->graph->tensors[t].kind);
	o = &m->graph->ops[w];
	if (!o->recomputable || depth > 64)
		return false;
	if (m->seen[w] == m->stamp)
		return true;
	m->seen[w] = m->stamp;
	*ARENA_PUSH(m->arena, m->runs, m->run_count, m->run_capacity) = w;
	c->run_count++;
	for (uint32_t i = 0; i < o->input_count; i++) {
		uint32_t s = o->inputs[i], v = writer_before(m, s, at);

		/* Its value is still needed by then: it has a gap, or stands there. */
		if (kind_is_persistent(m->graph->tensors[s].kind) || (m->life->last[s] >= at && v == writer_before(m, s, w)))
			continue;
		if (!add_runs(m, c, s, w, at, depth + 1))
			return false;
	}
	return true;
}

static int
larger_first(const void *x, const void *y)
{
	const struct gap *p = *(const struct gap *const *)x, *q = *(const struct gap *const *)y;

	if (p->bytes != q->bytes)
		return p->bytes > q->bytes ? -1 : 1;
	return p < q ? -1 : p > q;
}

static void
find_choices(struct ilp *m)
{
	uint32_t all;
	const struct gap **order;

	m->gaps = residency_gaps(&m->full, &all, m->arena);
	order = ARENA_NEW(m->arena, const struct gap *, all);
	for (uint32_t i = 0; i < all; i++)
		order[i] = &m->gaps[i];
	qsort(order, all, sizeof(*order), larger_first);
	m->count = all < MOST_GAPS ? all : MOST_GAPS;
	while (m->count > 0 && order[m->count - 1]->bytes < m->p->budget_bytes / 4096)
		m->count--;
	m->choices = ARENA_NEW(m->arena, struct choice, m->count);
	m->seen = ARENA_NEW(m->arena, uint32_t, m->graph->op_count);
	for (uint32_t i = 0; i < m->count; i++) {
		struct choice *c = &m->choices[i];

		*c = (struct choice) { .gap = order[i], .run_start = (uint32_t)m->run_count };
		m->stamp++;
		if (!add_runs(m, c, c->gap->tensor, c->gap->next, c->gap->next, 0)) {
			m->run_count = c->run_start;
			c->run_count = 0;
		}
	}
}

/* ---- model ---- */

static uint32_t
moment_at(const struct ilp *m, uint32_t op)
{
	uint32_t low = 0, high = m->moments;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (m->moment[mid] < op)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int64_t
excess_at(const struct ilp *m, uint32_t k)
{
	return residency_most(&m->full, k, k + 1) + (int64_t)(m->extra[k] + m->margin) - (int64_t)m->p->budget_bytes;
}

/* The fullest op of each of MOST_MOMENTS stretches, and those that were asked for. */
static void
choose_moments(struct ilp *m)
{
	uint32_t n = m->graph->op_count, best = 0;
	uint64_t slice = 0;

	m->moments = 0;
	for (uint32_t k = 0; k < n; k++) {
		uint64_t next = ((uint64_t)k + 1) * MOST_MOMENTS / n;

		if (m->asked[k])
			m->moment[m->moments++] = k;
		if (n <= MOST_MOMENTS && !m->asked[k])
			m->moment[m->moments++] = k;
		if (excess_at(m, k) > excess_at(m, best))
			best = k;
		if (n <= MOST_MOMENTS || next == slice)
			continue;
		slice = next;
		for (uint32_t at = m->moments; !m->asked[best]; at--)
			if (at > 0 && m->moment[at - 1] > best) {
				m->moment[at] = m->moment[at - 1];
			} else {
				m->moment[at] = best;
				m->moments++;
				break;
			}
		best = k + 1 < n ? k + 1 : k;
	}
}

static uint32_t
columns(struct ilp *m, const char *name, double cost)
{
	uint32_t first = (uint32_t)m->lp.column_count;

	for (uint32_t j = 0; j <= m->moments; j++)
		lp_name_column(&m->lp, lp_column(&m->lp, 0, INFINITY, cost), name, j, 0);
	return first;
}

/* level_j - level_j-1 = what else is added to the row. */
static uint32_t
balance(struct ilp *m, uint32_t levels)
{
	uint32_t first = (uint32_t)m->lp.row_count;

	for (uint32_t j = 0; j <= m->moments; j++) {
		uint32_t row = lp_row(&m->lp, 0, 0);

		lp_add(&m->lp, row, levels + j, 1);
		if (j > 0)
			lp_add(&m->lp, row, levels + j - 1, -1);
	}
	return first;
}

/* A row of up to three columns: value[i] column[i] ... >= low. */
static void
row_of(struct lp *p, double low, const uint32_t column[3], const double value[3])
{
	uint32_t row = lp_row(p, low, INFINITY);

	for (int i = 0; i < 3; i++)
		lp_add(p, row, column[i], value[i]);
}

/* The intervals' columns and rows; *time_rows: the first row of d_j >= C_j + reruns. */
static void
add_flow(struct ilp *m, uint32_t rows_out, uint32_t rows_in, uint32_t rows_host, uint32_t o, uint32_t r, uint32_t *time_rows)
{
	const double per_ms = MS / MB, *start = m->full.start_us;
	double out = m->rates.way[D2H] * per_ms, in = m->rates.way[H2D] * per_ms, both = m->rates.both * per_ms;

	*time_rows = (uint32_t)m->lp.row_count;
	for (uint32_t j = 0; j <= m->moments; j++) {
		uint32_t from = j == 0 ? 0 : m->moment[j - 1], to = j == m->moments ? m->graph->op_count : m->moment[j];

		lp_add(&m->lp, lp_row(&m->lp, (start[to] - start[from]) / MS, INFINITY), m->d + j, 1);
	}
	for (uint32_t j = 0; j <= m->moments; j++) {
		uint32_t c[3] = { m->d + j, o + j, r + j };

		row_of(&m->lp, 0, c, (const double[]) { out, -1, 0 });
		row_of(&m->lp, 0, c, (const double[]) { in, 0, -1 });
		row_of(&m->lp, 0, c, (const double[]) { m->rates.shared ? out : both, -1, m->rates.shared ? -out / in : -1 });
		lp_add(&m->lp, rows_out + j, o + j, 1);
		lp_add(&m->lp, rows_in + j, r + j, -1);
		lp_add(&m->lp, rows_host + j, o + j, -1);
		lp_add(&m->lp, rows_host + j, r + j, 1);
	}
}

/* One column for each op that may run again, in the interval before its first need. */
static uint32_t *
add_reruns(struct ilp *m, uint32_t time_rows)
{
	uint32_t *column = ARENA_NEW(m->arena, uint32_t, m->graph->op_count);
	uint32_t *need = ARENA_NEW(m->arena, uint32_t, m->graph->op_count);

	memset(need, 0xff, sizeof(*need) * m->graph->op_count);
	for (uint32_t i = 0; i < m->count; i++)
		for (uint32_t k = 0; k < m->choices[i].run_count; k++) {
			uint32_t op = m->runs[m->choices[i].run_start + k];

			if (m->choices[i].gap->next < need[op])
				need[op] = m->choices[i].gap->next;
		}
	for (uint32_t k = 0; k < m->graph->op_count; k++)
		if (need[k] != UINT32_MAX) {
			column[k] = lp_column(&m->lp, 0, 1, 0);
			lp_name_column(&m->lp, column[k], "x", k, 0);
			lp_add(&m->lp, time_rows + moment_at(m, need[k]), column[k], -m->graph->ops[k].time_us / MS);
		}
	return column;
}

static uint32_t
whole(struct lp *p, const char *name, const struct gap *g)
{
	uint32_t c = lp_column(p, 0, 1, 0);

	p->columns[c].whole = true;
	lp_name_column(p, c, name, g->tensor, g->use);
	return c;
}

static void
add_choice(struct ilp *m, struct choice *c, const uint32_t *x, uint32_t rows_out, uint32_t rows_in)
{
	const struct gap *g = c->gap;
	double mb = (double)g->bytes / MB;
	uint32_t row;

	c->y = whole(&m->lp, "y", g);
	lp_add(&m->lp, rows_out + moment_at(m, g->last + 1), c->y, -mb);
	lp_add(&m->lp, rows_in + moment_at(m, g->next), c->y, mb);
	c->z = UINT32_MAX;
	if (c->run_count == 0)
		return;
	c->z = whole(&m->lp, "z", g);
	row = lp_row(&m->lp, -INFINITY, 1);
	lp_add(&m->lp, row, c->y, 1);
	lp_add(&m->lp, row, c->z, 1);
	for (uint32_t k = 0; k < c->run_count; k++) {
		row = lp_row(&m->lp, 0, INFINITY);
		lp_add(&m->lp, row, x[m->runs[c->run_start + k]], 1);
		lp_add(&m->lp, row, c->z, -1);
	}
}

static void
add_memory(struct ilp *m, uint32_t host)
{
	for (uint32_t j = 0; j < m->moments; j++) {
		uint32_t k = m->moment[j], by_flow, by_cover;
		double excess = (double)excess_at(m, k) / MB;

		if (excess <= 0)
			continue;
		by_flow = lp_row(&m->lp, excess, INFINITY);
		by_cover = lp_row(&m->lp, excess, INFINITY);
		lp_name_row(&m->lp, by_flow, "memory", k, 0);
		lp_add(&m->lp, by_flow, host + j, 1);
		for (uint32_t i = 0; i < m->count; i++) {
			const struct choice *c = &m->choices[i];
			double mb = (double)c->gap->bytes / MB;

			if (c->gap->last >= k || k >= c->gap->next)
				continue;
			lp_add(&m->lp, by_cover, c->y, mb);
			if (c->z == UINT32_MAX)
				continue;
			lp_add(&m->lp, by_cover, c->z, mb);
			lp_add(&m->lp, by_flow, c->z, mb);
		}
	}
}

static void
build(struct ilp *m)
{
	uint32_t o, r, host, out, in, rows_out, rows_in, rows_host, time_rows, *x;

	choose_moments(m);
	lp_init(&m->lp, m->arena);
	m->d = columns(m, "d", 1);
	o = columns(m, "o", 0);
	r = columns(m, "r", 0);
	host = columns(m, "h", 0);
	out = columns(m, "s", 0);
	in = columns(m, "q", 0);
	rows_out = balance(m, out);
	rows_in = balance(m, in);
	rows_host = balance(m, host);
	add_flow(m, rows_out, rows_in, rows_host, o, r, &time_rows);
	x = add_reruns(m, time_rows);
	for (uint32_t i = 0; i < m->count; i++)
		add_choice(m, &m->choices[i], x, rows_out, rows_in);
	add_memory(m, host);
}

/* ---- the best plan as the solver's first solution ---- */

/* Fix the choices to what schedule s does; the flow that goes with them is the program's own solution. */
static bool
start_from(struct ilp *m, const struct schedule *s, double *x)
{
	uint32_t *first = ARENA_NEW(m->arena, uint32_t, m->graph->op_count), next = 0;
	uint8_t *fate = ARENA_NEW(m->arena, uint8_t, m->count);
	struct lp fixed = m->lp;

	for (uint32_t k = 0; k < s->step_count; k++)
		if (s->steps[k].op == next)
			first[next++] = k;
	for (uint32_t i = 0; i < m->count; i++) {
		const struct gap *g = m->choices[i].gap;
		uint32_t from = first[g->last], to = first[g->next];

		for (uint32_t k = from + 1; k < to; k++)
			if (m->graph->ops[s->steps[k].op].recomputable && first[s->steps[k].op] < k && op_writes(&m->graph->ops[s->steps[k].op], g->tensor))
				fate[i] = FATE_DROP;
		for (uint32_t k = 0; k < s->move_count; k++)
			if (s->moves[k].tensor == g->tensor && s->moves[k].gone > from && s->moves[k].back <= to)
				fate[i] = FATE_OFFLOAD;
	}
	fixed.columns = ARENA_NEW(m->arena, struct lp_line, m->lp.column_count);
	memcpy(fixed.columns, m->lp.columns, sizeof(*fixed.columns) * m->lp.column_count);
	for (uint32_t i = 0; i < m->count; i++) {
		const struct choice *c = &m->choices[i];

		fixed.columns[c->y].low = fixed.columns[c->y].high = fate[i] == FATE_OFFLOAD;
		if (c->z != UINT32_MAX)
			fixed.columns[c->z].low = fixed.columns[c->z].high = fate[i] == FATE_DROP;
	}
	return lp_solve(&fixed, x, NULL, 0);
}

/* ---- from a solution to a schedule ---- */

/* Where the schedule is over the budget, the model needs more; false: nowhere. */
static bool
learn(struct ilp *m, const struct schedule *s)
{
	bytes_t *live = ARENA_NEW(m->arena, bytes_t, (size_t)s->step_count + 1), most = 0;
	uint32_t next = 0;
	bool over = false;

	if (program_profile(live, m->graph, s, m->arena, &m->err) < 0)
		return false;
	for (uint32_t k = 0; k < s->step_count; k++) {
		most = live[k] > most ? live[k] : most;
		if (s->steps[k].op != next)
			continue;
		if (most > m->p->budget_bytes) {
			m->extra[next] += most - m->p->budget_bytes;
			m->asked[next] = over = true;
		}
		most = 0;
		next++;
	}
	return over;
}

static bool
realise(struct ilp *m, const double *x)
{
	struct residency r;
	struct decisions d;
	struct schedule s;
	uint32_t *moved = ARENA_NEW(m->arena, uint32_t, m->count), count = 0;
	bytes_t missing;

	residency_init(&r, m->p, m->arena);
	decisions_init(&d, m->life, m->arena);
	for (uint32_t i = 0; i < m->count; i++) {
		const struct choice *c = &m->choices[i];

		if (x[c->y] > 0.5)
			moved[count++] = (uint32_t)(c->gap - m->gaps);
		else if (c->z != UINT32_MAX && x[c->z] > 0.5)
			d.fate[c->gap->use] = FATE_DROP;
		else
			continue;
		residency_add(&r, c->gap->last + 1, c->gap->next, -(int64_t)c->gap->bytes);
	}
	residency_times(&r, &d, m->gaps, moved, count, true, m->arena);
	m->err = (struct err) ERR_INIT;
	if (decisions_schedule(&s, &d, m->arena, &m->err) < 0)
		return false;
	if (learn(m, &s))
		return true;
	m->margin += missing = consider(m, &s);
	return missing > 0;
}

/* One solution of the program as it is; false: there is no use in going on. */
static bool
solve_round(struct ilp *m)
{
	const struct search_control *control = m->p->control;
	struct lp_search how = { .gap = WANTED_GAP, .tell = tell, .arg = m };
	double *x, *start;
	bool began;

	m->err = (struct err) ERR_INIT;		/* the first error wins, and what stood in a candidate's way is none of ours */
	build(m);
	if (m->round == 1 && control != NULL && control->write_lp != NULL && lp_write(&m->lp, control->write_lp, &m->err) < 0)
		return false;
	x = ARENA_NEW(m->arena, double, m->lp.column_count);
	start = ARENA_NEW(m->arena, double, m->lp.column_count);
	began = isfinite(m->best_us) && start_from(m, &m->best, start);
	how.start = began ? start : NULL;
	how.seconds = fmin(seconds_left(m), m->limit_s / 3);	/* what it learns from a schedule is worth more than the last percent */
	m->solver_best = INFINITY;
	m->solver_bound = 0;
	if (how.seconds <= 0 || !lp_search(&m->lp, x, &how))
		return false;
	return realise(m, x);
}

int
policy_ilp(struct schedule *s, const struct problem *p, struct arena *a, struct err *e)
{
	struct ilp m = { .p = p, .graph = p->graph, .life = p->life, .best_us = INFINITY, .begin_s = seconds_now(), .arena = a };
	uint32_t n = p->graph->op_count;

	m.limit_s = p->control != NULL && p->control->time_limit_s > 0 ? p->control->time_limit_s : DEFAULT_SECONDS;
	residency_init(&m.full, p, a);
	if (residency_most(&m.full, 0, n) <= (int64_t)p->budget_bytes) {
		schedule_init(s, p->graph, a);
		return 0;
	}
	link_rates_init(&m.rates, p->device);
	m.extra = ARENA_NEW(a, bytes_t, n);
	m.asked = ARENA_NEW(a, bool, n);
	m.moment = ARENA_NEW(a, uint32_t, (size_t)n + MOST_MOMENTS + 1);
	try_policies(&m);
	find_choices(&m);
	for (m.round = 1; m.round <= MOST_ROUNDS && !is_over(&m) && solve_round(&m); m.round++)
		m.err = (struct err) ERR_INIT;
	if (m.err.code == ERR_SYSTEM) {
		*e = m.err;
		return -1;
	}
	if (isinf(m.best_us))
		return err_set(e, ERR_NO, "no plan was found within %g s", m.limit_s);
	if (p->control != NULL)
		p->control->status = is_over(&m) ? "time-limit" : "gap";
	*s = m.best;
	return 0;
}
