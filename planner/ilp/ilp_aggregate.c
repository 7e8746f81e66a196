/* SPDX-License-Identifier: Apache-2.0 */
/* ilp_aggregate.c - the aggregate form: keep, offload or rerun as a mixed integer program for larger graphs
 *
 * Idle intervals g = (tensor of w_g bytes, last use a_g, next use b_g).  The program considers memory at the starts of chosen ops, the
 * moments 0 .. J-1, and at the step's end, J; interval j ends at moment j.  On graphs of up to MOST_MOMENTS ops every op is a moment.
 *
 * Variables (milliseconds, megabytes)
 *   y_g, z_g       1: g's tensor is offloaded and fetched; is dropped and made again; both 0: it is kept
 *   x_k            op k runs again (not declared whole: it equals the largest z_g that needs it)
 *   d_j            length of interval j
 *   o_j, r_j       bytes copied out, fetched, in interval j
 *   h_j            bytes on the host and not yet fetched at moment j
 *
 * Constraints
 *   y_g + z_g <= 1
 *   x_k >= z_g     for each op k of the rerun closure of g's tensor: its writers back to the first that does not read it, and those
 *                  of tensors that have died by then, and so on
 *   d_j >= C_j + sum of c_k x_k over ops k whose rerun falls into interval j	C_j: time of the interval's own ops, c_k:
 *                  time of op k.  A rerun falls before the first next use that needs it
 *   o_j <= Bo d_j, r_j <= Bi d_j, o_j + r_j <= B d_j
 *   sum of o up to j <= sum of w y over g with a_g before moment j
 *   sum of r up to j >= sum of w y over g with b_g at or before moment j
 *   h_j = h_j-1 + o_j - r_j >= 0
 *   h_j + sum of w z over g across j >= E_j,  sum of w (y + z) over g across j >= E_j
 *                  E_j: excess at moment j when everything is kept
 * Objective: min sum of d_j.
 *
 * Two things are left out: that bytes out and bytes back belong to the same tensors, and the memory of reruns while they run.  Schedules
 * made of y and z bring them in lazily: where a schedule's exact occupancy is over the budget, E grows by the excess, and that op becomes
 * a moment.
 */
#include <config.h>
#include "planner/ilp/ilp.h"

#include <math.h>
#include <string.h>

enum { MOST_MOMENTS = 160 };

struct aggregate {
	struct ilp *m;
	uint32_t *moment, moments;	/* [moments] op ids, rising */
	uint32_t d;			/* first column of the intervals */
	uint32_t *y, *z;		/* [count] columns; z UINT32_MAX: it cannot be dropped */
};

static uint32_t
moment_at(const struct aggregate *f, uint32_t op)
{
	return lower_bound(f->moment, 0, f->moments, op);
}

/* Chooses the op of largest excess in each of MOST_MOMENTS stretches, and the ops at which a schedule was over the budget. */
static void
choose_moments(struct aggregate *f)
{
	uint32_t n = f->m->graph->op_count, best = 0;
	uint64_t slice = 0;

	f->moments = 0;
	for (uint32_t k = 0; k < n; k++) {
		uint64_t next = ((uint64_t)k + 1) * MOST_MOMENTS / n;

		if (f->m->asked[k])
			f->moment[f->moments++] = k;
		if (n <= MOST_MOMENTS && !f->m->asked[k])
			f->moment[f->moments++] = k;
		if (ilp_excess(f->m, k) > ilp_excess(f->m, best))
			best = k;
		if (n <= MOST_MOMENTS || next == slice)
			continue;
		slice = next;
		for (uint32_t at = f->moments; !f->m->asked[best]; at--)
			if (at > 0 && f->moment[at - 1] > best) {
				f->moment[at] = f->moment[at - 1];
			} else {
				f->moment[at] = best;
				f->moments++;
				break;
			}
		best = k + 1 < n ? k + 1 : k;
	}
}

static uint32_t
columns(struct aggregate *f, const char *name, double cost)
{
	uint32_t first = (uint32_t)f->m->lp.column_count;

	for (uint32_t j = 0; j <= f->moments; j++)
		lp_name_column(&f->m->lp, lp_column(&f->m->lp, 0, INFINITY, cost), name, j, 0);
	return first;
}

/* Adds rows level_j - level_j-1 + (entries added later) = 0; returns the first. */
static uint32_t
balance(struct aggregate *f, uint32_t levels)
{
	uint32_t first = (uint32_t)f->m->lp.row_count;

	for (uint32_t j = 0; j <= f->moments; j++) {
		uint32_t row = lp_row(&f->m->lp, 0, 0);

		lp_add(&f->m->lp, row, levels + j, 1);
		if (j > 0)
			lp_add(&f->m->lp, row, levels + j - 1, -1);
	}
	return first;
}

/* Adds a row of up to three columns: sum of value[i] column[i] >= low. */
static void
row_of(struct lp *p, double low, const uint32_t column[3], const double value[3])
{
	uint32_t row = lp_row(p, low, INFINITY);

	for (int i = 0; i < 3; i++)
		lp_add(p, row, column[i], value[i]);
}

/* Adds the intervals' rows; *time_rows: the first row of d_j >= C_j + reruns. */
static void
add_flow(struct aggregate *f, uint32_t rows_out, uint32_t rows_in, uint32_t rows_host, uint32_t o, uint32_t r, uint32_t *time_rows)
{
	const double per_ms = ILP_MS / ILP_MB, *start = f->m->full.start_us;
	double out = f->m->rates.part[D2H] * per_ms, in = f->m->rates.part[H2D] * per_ms, both = f->m->rates.both * per_ms;

	*time_rows = (uint32_t)f->m->lp.row_count;
	for (uint32_t j = 0; j <= f->moments; j++) {
		uint32_t from = j == 0 ? 0 : f->moment[j - 1], to = j == f->moments ? f->m->graph->op_count : f->moment[j];

		lp_add(&f->m->lp, lp_row(&f->m->lp, (start[to] - start[from]) / ILP_MS, INFINITY), f->d + j, 1);
	}
	for (uint32_t j = 0; j <= f->moments; j++) {
		uint32_t c[3] = { f->d + j, o + j, r + j };

		row_of(&f->m->lp, 0, c, (const double[]) { out, -1, 0 });
		row_of(&f->m->lp, 0, c, (const double[]) { in, 0, -1 });
		row_of(&f->m->lp, 0, c, (const double[]) { f->m->rates.shared ? out : both, -1, f->m->rates.shared ? -out / in : -1 });
		lp_add(&f->m->lp, rows_out + j, o + j, 1);
		lp_add(&f->m->lp, rows_in + j, r + j, -1);
		lp_add(&f->m->lp, rows_host + j, o + j, -1);
		lp_add(&f->m->lp, rows_host + j, r + j, 1);
	}
}

/* Adds a column for each op that may run again, in the interval before its first need; returns the columns by op. */
static uint32_t *
add_reruns(struct aggregate *f, uint32_t time_rows)
{
	uint32_t *column = ARENA_NEW(f->m->scratch, uint32_t, f->m->graph->op_count);
	uint32_t *need = ARENA_NEW(f->m->scratch, uint32_t, f->m->graph->op_count);

	memset(need, 0xff, sizeof(*need) * f->m->graph->op_count);
	for (uint32_t i = 0; i < f->m->count; i++)
		for (uint32_t k = 0; k < f->m->choices[i].run_count; k++) {
			uint32_t op = f->m->runs[f->m->choices[i].run_start + k];

			if (f->m->choices[i].interval->idle.to < need[op])
				need[op] = f->m->choices[i].interval->idle.to;
		}
	for (uint32_t k = 0; k < f->m->graph->op_count; k++)
		if (need[k] != UINT32_MAX) {
			column[k] = lp_column(&f->m->lp, 0, 1, 0);
			lp_name_column(&f->m->lp, column[k], "x", k, 0);
			lp_add(&f->m->lp, time_rows + moment_at(f, need[k]), column[k], -f->m->graph->ops[k].time_us / ILP_MS);
		}
	return column;
}

static uint32_t
whole(struct lp *p, const char *name, const struct timed_interval *g)
{
	uint32_t c = lp_column(p, 0, 1, 0);

	p->columns[c].whole = true;
	lp_name_column(p, c, name, g->idle.tensor, g->idle.slot);
	return c;
}

static void
add_choice(struct aggregate *f, uint32_t i, const uint32_t *x, uint32_t rows_out, uint32_t rows_in)
{
	const struct choice *c = &f->m->choices[i];
	const struct timed_interval *g = c->interval;
	double mb = (double)g->bytes / ILP_MB;
	uint32_t row;

	f->y[i] = whole(&f->m->lp, "y", g);
	if (kind_is_persistent(f->m->graph->tensors[g->idle.tensor].kind))
		f->m->lp.columns[f->y[i]].high = 0;	/* this form does not know the time of its fetch */
	lp_add(&f->m->lp, rows_out + moment_at(f, g->idle.from), f->y[i], -mb);
	if (idle_returns(f->m->graph, &g->idle))
		lp_add(&f->m->lp, rows_in + moment_at(f, g->idle.to), f->y[i], mb);
	f->z[i] = UINT32_MAX;
	if (c->run_count == 0)
		return;
	f->z[i] = whole(&f->m->lp, "z", g);
	row = lp_row(&f->m->lp, -INFINITY, 1);
	lp_add(&f->m->lp, row, f->y[i], 1);
	lp_add(&f->m->lp, row, f->z[i], 1);
	for (uint32_t k = 0; k < c->run_count; k++) {
		row = lp_row(&f->m->lp, 0, INFINITY);
		lp_add(&f->m->lp, row, x[f->m->runs[c->run_start + k]], 1);
		lp_add(&f->m->lp, row, f->z[i], -1);
	}
}

static void
add_memory(struct aggregate *f, uint32_t host)
{
	for (uint32_t j = 0; j < f->moments; j++) {
		uint32_t k = f->moment[j], by_flow, by_cover;
		double excess = (double)ilp_excess(f->m, k) / ILP_MB;

		if (excess <= 0)
			continue;
		by_flow = lp_row(&f->m->lp, excess, INFINITY);
		by_cover = lp_row(&f->m->lp, excess, INFINITY);
		lp_name_row(&f->m->lp, by_flow, "memory", k, 0);
		lp_add(&f->m->lp, by_flow, host + j, 1);
		for (uint32_t i = 0; i < f->m->count; i++) {
			const struct choice *c = &f->m->choices[i];
			double mb = (double)c->interval->bytes / ILP_MB;

			if (c->interval->idle.from > k || k >= c->interval->idle.to)
				continue;
			lp_add(&f->m->lp, by_cover, f->y[i], mb);
			if (f->z[i] == UINT32_MAX)
				continue;
			lp_add(&f->m->lp, by_cover, f->z[i], mb);
			lp_add(&f->m->lp, by_flow, f->z[i], mb);
		}
	}
}

static bool
build(struct ilp *m)
{
	struct aggregate *f = ARENA_NEW(m->scratch, struct aggregate, 1);
	uint32_t o, r, host, out, in, rows_out, rows_in, rows_host, time_rows, *x, n = m->graph->op_count;

	*f = (struct aggregate) { .m = m, .y = ARENA_NEW(m->scratch, uint32_t, m->count), .z = ARENA_NEW(m->scratch, uint32_t, m->count),
	    .moment = ARENA_NEW(m->scratch, uint32_t, (size_t)n + MOST_MOMENTS + 1) };
	m->model = f;
	choose_moments(f);
	lp_init(&m->lp, m->scratch);
	f->d = columns(f, "d", 1);
	o = columns(f, "o", 0);
	r = columns(f, "r", 0);
	host = columns(f, "h", 0);
	out = columns(f, "s", 0);
	in = columns(f, "q", 0);
	rows_out = balance(f, out);
	rows_in = balance(f, in);
	rows_host = balance(f, host);
	add_flow(f, rows_out, rows_in, rows_host, o, r, &time_rows);
	x = add_reruns(f, time_rows);
	for (uint32_t i = 0; i < m->count; i++)
		add_choice(f, i, x, rows_out, rows_in);
	add_memory(f, host);
	return true;
}

static void
read_solution(const struct ilp *m, const double *x, struct verdicts *v)
{
	const struct aggregate *f = m->model;

	v->timed = false;
	for (uint32_t i = 0; i < m->count; i++) {
		double moved = x[f->y[i]], dropped = f->z[i] == UINT32_MAX ? 0 : x[f->z[i]];

		v->share[i] = fmin(1, moved + dropped);
		v->fate[i] = moved + dropped < 1e-6 ? FATE_KEEP : moved >= dropped ? FATE_OFFLOAD : FATE_DROP;
	}
}

/* Fixes the fates only; the flows between moments stay free. */
static void
fix(const struct ilp *m, struct lp *fixed, const struct verdicts *v, const bool *loose)
{
	const struct aggregate *f = m->model;

	for (uint32_t i = 0; i < m->count; i++) {
		if (loose != NULL && loose[i])
			continue;
		fixed->columns[f->y[i]].low = fixed->columns[f->y[i]].high = v->fate[i] == FATE_OFFLOAD;
		if (f->z[i] != UINT32_MAX)
			fixed->columns[f->z[i]].low = fixed->columns[f->z[i]].high = v->fate[i] == FATE_DROP;
	}
}

static void
learn(struct ilp *m, const double *x, uint32_t k, bytes_t over, const struct step *reruns, uint32_t rerun_count)
{
	(void)x;
	(void)reruns;
	(void)rerun_count;
	m->extra[k] += over;
	m->asked[k] = true;
}

const struct formulation ilp_aggregate = { "aggregate", build, read_solution, fix, learn };
