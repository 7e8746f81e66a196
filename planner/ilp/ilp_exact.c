/* SPDX-License-Identifier: Apache-2.0 */
/* ilp_exact.c - the exact form: keep, offload or rerun as a mixed integer program, exact at op boundaries, for small graphs
 *
 * Idle intervals g = (tensor of w_g bytes, last use a_g, next use b_g), with out_g, in_g the times of its copies alone on the link.  Memory is
 * considered while the ops of M run: the local maxima of occupancy when everything is kept, where they are over the budget, and the ops at
 * which a schedule was over the budget.  Reruns happen just before the next uses, the stages q.  Time is divided into intervals l: each op
 * of M is one; the waiting and the reruns before an op of M or a stage's op are another; other boundaries stand where an idle interval
 * begins or ends, and all ops between two boundaries are one interval.
 *
 * Variables (milliseconds, megabytes); only for g that cross an op of M, ops that a dropped tensor may need, intervals in which a copy may run
 *   e_gk      1: g's tensor has gone by the start of op k of M		rising in k; the last one means: offloaded
 *   s_gk      1: it has room again by the start of op k		rising in k
 *   c_gq      1: it was dropped at once after a_g and is made again at stage q
 *   x_pq      op p runs again at stage q		(not declared whole: its cost keeps it at the least that whole variables need)
 *   f_gq      share of the tensor fetched before stage q
 *   o_gl, r_gl	time of interval l that the copy out, the fetch, takes of the link
 *   d_l       length of interval l
 *
 * Constraints
 *   e_g last + sum over q of c_gq <= 1,  s_gk <= e_g of the op of M before k
 *   d_l >= C_l + sum of c_p x_pq over the stage q in l		C_l: the interval's own ops, c_p: time of p
 *          + v (sum over g of o_gl + r_gl) - sum over ops p with v_p < v of 2 (v - v_p) c_p (1 + 2 u_p)		for each loss v
 *                                  A copy slows op p by a factor of 1 + u_p, two copies by 1 + 2 u_p: a ms of copying while p runs
 *                                  loses at least v_p = u_p / (1 + 2 u_p) ms.  At best, copies overlap first with the ops that lose
 *                                  least, with each for at most twice its time (both directions)
 *   sum over g of o_gl <= d_l, of r_gl <= d_l, of bytes of both <= B d_l	(one copy engine: o + r <= d)
 *   out_g e_gk <= sum of o_gl over intervals l after a_g and before k, and of all o of earlier g of the same value
 *   in_g e_g last <= sum of r_gl over intervals l before b_g		not for a result after its last use: it stays on the host
 *   r_gl <= in_g s_gk		k: the op of M in l, or the next one that g crosses; none: no such row
 *   sum over g across k of w_g (e_gk - s_gk + sum over q > k of c_gq) + sum over g that begin after k of w_g c_gq >= E_k
 *                                  The second sum: g whose bytes an output of k may take over, which a drop allows.
 *                                  E_k: excess at op k when everything is kept
 *   c_gq <= x_pq              for the ops p that write the tensor, back to the first that does not read it
 *   and for x_pq, each input of p, tensor t with the value that p read, is there:
 *     x_p'q >= x_pq                          for its writers p', if t is dead by then or has been overwritten
 *     x_p'q >= x_pq + sum over q' >= q of c_gq' - 1        if t is idle in g: where t was dropped and has not
 *                                                                  been made again before stage q, it is made now
 *     x_pq + e_gk <= 1 + f_gq,  f_gq <= s_gk',  in_g f_gq <= sum of r_gl up to q    k, k': the ops of M before, from q on
 *     x_p'q >= x_pq                          p' overwrote an output of p that is still needed
 * Objective: min sum of d_l.
 *
 * Every plan that decisions.h can express over the choices is a solution: in the program, copies of a queue may be interleaved, and the
 * memory of reruns while they run is free.  So no such plan is faster than its optimum at the best rates of the link.  The memory of reruns
 * comes lazily, as cuts: where a schedule of a solution with A bytes away at op k was `over` bytes over the budget while n reruns ran before k,
 *   bytes away at k >= (A + over) (1 - n + sum of x over these reruns).
 * Other plans are not solutions: they may run ops again earlier, or hold tensors after their last use for reruns.
 */
#include <config.h>
#include "planner/ilp/ilp_exact.h"

#include <math.h>
#include <string.h>

/* Limits on the size of the program: ops; columns before stages; entries. */
enum { MOST_OPS = 2000, MOST_FLOWS = 40000, MOST_ENTRIES = 500000 };

/* ---- moments and intervals ---- */

static void
choose_moments(struct exact *f)
{
	struct ilp *m = f->m;
	uint32_t n = m->graph->op_count;

	f->moment = ARENA_NEW(m->scratch, uint32_t, n);
	for (uint32_t k = 0; k < n; k++) {
		int64_t now = ilp_excess(m, k), before = k > 0 ? ilp_excess(m, k - 1) : INT64_MIN, after = k + 1 < n ? ilp_excess(m, k + 1) : INT64_MIN;

		if (m->asked[k] || (now > 0 && now > before && now >= after))
			f->moment[f->moments++] = k;
	}
}

/* Divides time.  before[k]: a boundary stands between the reruns before op k and op k; after[k]: after op k. */
static void
divide_time(struct exact *f)
{
	struct ilp *m = f->m;
	uint32_t n = m->graph->op_count, now = 0;
	bool *before = ARENA_NEW(m->scratch, bool, (size_t)n + 1), *after = ARENA_NEW(m->scratch, bool, n);

	for (uint32_t j = 0; j < f->moments; j++)
		before[f->moment[j]] = after[f->moment[j]] = true;
	for (uint32_t i = 0; i < m->count; i++) {
		if (m->choices[i].interval->idle.from > 0)
			after[m->choices[i].interval->idle.from - 1] = true;
		before[m->choices[i].interval->idle.to] = true;
		after[m->choices[i].interval->idle.to - 1] = true;
	}
	f->run_in = ARENA_NEW(m->scratch, uint32_t, (size_t)n + 1);
	f->op_in = ARENA_NEW(m->scratch, uint32_t, (size_t)n + 1);
	f->least = ARENA_NEW(m->scratch, double, 2 * (size_t)n + 2);
	for (uint32_t k = 0; k < n; k++) {
		f->run_in[k] = now;
		now += before[k];
		f->op_in[k] = now;
		f->least[now] += m->graph->ops[k].time_us / ILP_MS;
		now += after[k];
	}
	/* The last interval is for fetches that end after the last op, and for results that are made again there. */
	f->run_in[n] = now;
	f->op_in[n] = f->intervals = now + 1;
}

/* ---- columns ---- */

static uint32_t
columns(struct exact *f, const char *name, uint32_t i, uint32_t first, uint32_t count, double high, bool whole)
{
	struct lp *lp = &f->m->lp;
	uint32_t start = (uint32_t)lp->column_count;

	for (uint32_t k = 0; k < count; k++) {
		uint32_t c = lp_column(lp, 0, high, 0);

		lp->columns[c].whole = whole;
		lp_name_column(lp, c, name, i, first + k);
	}
	return start;
}

/* Fills levels with the device's distinct contention factors, rising. */
static void
find_levels(struct exact *f)
{
	for (int c = 0; c < CLASS_COUNT; c++) {
		double slow = (f->m->p->device->contention[c] - 1) / 2;
		uint32_t at = f->level_count;

		while (at > 0 && f->levels[at - 1].slow > slow)
			at--;
		if (at > 0 && f->levels[at - 1].slow == slow)
			continue;
		memmove(&f->levels[at + 1], &f->levels[at], sizeof(*f->levels) * (f->level_count - at));
		f->levels[at] = (struct slow_level) { slow, slow / (1 + 2 * slow) };
		f->level_count++;
	}
}

double
exact_relief(const struct exact *f, uint32_t level, enum op_class c)
{
	double slow = (f->m->p->device->contention[c] - 1) / 2, less = f->levels[level].loss - slow / (1 + 2 * slow);

	return less > 0 ? 2 * less * (1 + 2 * slow) : 0;
}

static void
add_time(struct exact *f)
{
	struct ilp *m = f->m;
	struct lp *lp = &m->lp;
	size_t n = (size_t)f->intervals * f->level_count;

	f->d = columns(f, "d", 0, 0, f->intervals, INFINITY, false);
	f->time_row = ARENA_NEW(m->scratch, uint32_t, n);
	f->light = ARENA_NEW(m->scratch, double, n);
	for (uint32_t k = 0; k < m->graph->op_count; k++)
		for (uint32_t v = 0; v < f->level_count; v++)
			f->light[f->op_in[k] * f->level_count + v] += exact_relief(f, v, m->graph->ops[k].class) * m->graph->ops[k].time_us / ILP_MS;
	for (uint32_t l = 0; l < f->intervals; l++) {
		lp->columns[f->d + l].cost = 1;
		lp->columns[f->d + l].low = f->least[l];
		for (uint32_t v = 0; v < f->level_count; v++) {
			f->time_row[l * f->level_count + v] = lp_row(lp, f->least[l] - f->light[l * f->level_count + v], INFINITY);
			lp_add(lp, f->time_row[l * f->level_count + v], f->d + l, 1);
		}
	}
}

/* The share of a copy's time in which its bytes move. */
static double
moving_share(const struct device *d, enum direction dir, bytes_t bytes)
{
	return fmax(0, 1 - device_latency_us(d, dir, bytes) / device_transfer_us(d, dir, bytes));
}

/* Charges the interval for a ms of copy c, of which the share `moving` is past its latency. */
static void
slow_down(struct exact *f, uint32_t l, uint32_t c, double moving)
{
	for (uint32_t v = 0; v < f->level_count; v++)
		lp_add(&f->m->lp, f->time_row[l * f->level_count + v], c, -f->levels[v].loss * moving);
}

/* Finds the moments that choice i crosses. */
static void
find_rows(struct exact *f, uint32_t i)
{
	const struct timed_interval *g = f->m->choices[i].interval;
	struct interval_columns *c = &f->of[i];

	while (c->first_row < f->moments && f->moment[c->first_row] < g->idle.from)
		c->first_row++;
	while (c->first_row + c->row_count < f->moments && f->moment[c->first_row + c->row_count] < g->idle.to)
		c->row_count++;
}

/* Adds the columns for offloading choice i, if the choice crosses a moment.  Its copy out may be that of an earlier choice of the value
 * which crosses none and so has no columns. */
static void
open_interval(struct exact *f, uint32_t i)
{
	const struct timed_interval *g = f->m->choices[i].interval;
	struct interval_columns *c = &f->of[i];
	uint32_t last, from = g->idle.from, end;

	if (c->row_count == 0)
		return;
	for (uint32_t p = f->m->choices[i].prior; p != ILP_NONE && f->of[p].row_count == 0; p = f->m->choices[p].prior)
		from = f->m->choices[p].interval->idle.from;
	last = f->moment[c->first_row + c->row_count - 1];
	c->e = columns(f, "e", i, c->first_row, c->row_count, 1, true);
	c->s = columns(f, "s", i, c->first_row + 1, c->row_count - 1, 1, true);
	c->o_first = from == 0 ? 0 : f->op_in[from - 1] + 1;
	end = last;
	for (uint32_t k = 0; k < f->m->count; k++)
		if (f->m->choices[k].prior == i)
			end = g->idle.to;	/* a copy that ends after the last moment serves the later choice */
	c->o_count = f->op_in[end] - c->o_first;
	c->o = columns(f, "o", i, c->o_first, c->o_count, INFINITY, false);
	c->r_first = f->op_in[f->moment[c->first_row]] + 1;
	c->r_count = f->op_in[g->idle.to] - c->r_first;
	c->r = columns(f, "r", i, c->r_first, c->r_count, INFINITY, false);
}

/* ---- rows ---- */

/* Adds the row low <= x - y; y ILP_NONE: low <= x. */
static uint32_t
row_of(struct lp *lp, double low, uint32_t x, uint32_t y)
{
	uint32_t row = lp_row(lp, low, INFINITY);

	lp_add(lp, row, x, 1);
	if (y != ILP_NONE)
		lp_add(lp, row, y, -1);
	return row;
}

static void
order_rows(struct exact *f, const struct interval_columns *c)
{
	struct lp *lp = &f->m->lp;
	uint32_t row;

	for (uint32_t k = 1; k < c->row_count; k++) {
		row_of(lp, 0, c->e + k, c->e + k - 1);
		row_of(lp, 0, c->e + k - 1, c->s + k - 1);
		if (k > 1)
			row_of(lp, 0, c->s + k - 1, c->s + k - 2);
	}
	if (c->again_count + c->row_count == 0)
		return;
	row = lp_row(lp, -INFINITY, 1);
	if (c->row_count > 0)
		lp_add(lp, row, c->e + c->row_count - 1, 1);
	for (uint32_t k = 0; k < c->again_count; k++)
		lp_add(lp, row, c->again[k].column, 1);
}

static void
copy_rows(struct exact *f, uint32_t i)
{
	struct lp *lp = &f->m->lp;
	const struct interval_columns *c = &f->of[i];
	const struct timed_interval *g = f->m->choices[i].interval;
	double out = g->out_us / ILP_MS, in = g->in_us / ILP_MS;
	uint32_t row, k = 0;

	for (uint32_t n = 0; n < c->row_count; n++) {
		row = lp_row(lp, 0, INFINITY);
		for (uint32_t l = c->o_first; l < f->op_in[f->moment[c->first_row + n]]; l++)
			lp_add(lp, row, c->o + l - c->o_first, 1);
		for (uint32_t p = f->m->choices[i].prior; p != ILP_NONE; p = f->m->choices[p].prior)
			for (uint32_t l = 0; l < f->of[p].o_count; l++)
				lp_add(lp, row, f->of[p].o + l, 1);
		lp_add(lp, row, c->e + n, -out);
	}
	row = lp_row(lp, 0, INFINITY);
	for (uint32_t l = 0; l < c->r_count; l++)
		lp_add(lp, row, c->r + l, 1);
	if (idle_returns(f->m->graph, &g->idle))
		lp_add(lp, row, c->e + c->row_count - 1, -in);
	for (uint32_t l = 0; l < c->r_count; l++) {
		while (k < c->row_count && f->op_in[f->moment[c->first_row + k]] < c->r_first + l)
			k++;
		if (k == c->row_count)
			break;
		row = lp_row(lp, 0, INFINITY);
		lp_add(lp, row, c->s + k - 1, in);
		lp_add(lp, row, c->r + l, -1);
	}
}

static void
link_rows(struct exact *f)
{
	struct ilp *m = f->m;
	struct lp *lp = &m->lp;
	const struct link_rates *rates = &m->rates;
	uint32_t out = (uint32_t)lp->row_count, in = out + f->intervals, both = in + f->intervals;

	for (uint32_t l = 0; l < 3 * f->intervals; l++)
		lp_add(lp, lp_row(lp, 0, INFINITY), f->d + l % f->intervals, 1);
	for (uint32_t i = 0; i < m->count; i++) {
		const struct interval_columns *c = &f->of[i];
		const struct timed_interval *g = m->choices[i].interval;
		const bytes_t bytes = m->graph->tensors[g->idle.tensor].bytes;

		for (uint32_t l = 0; l < c->o_count; l++) {
			slow_down(f, c->o_first + l, c->o + l, moving_share(m->p->device, D2H, bytes));
			lp_add(lp, out + c->o_first + l, c->o + l, -1);
			lp_add(lp, both + c->o_first + l, c->o + l, rates->shared ? -1 : -(double)bytes / (g->out_us * rates->both));
		}
		for (uint32_t l = 0; l < c->r_count; l++) {
			slow_down(f, c->r_first + l, c->r + l, moving_share(m->p->device, H2D, bytes));
			lp_add(lp, in + c->r_first + l, c->r + l, -1);
			lp_add(lp, both + c->r_first + l, c->r + l, rates->shared ? -1 : -(double)bytes / (g->in_us * rates->both));
		}
	}
}

bool
exact_gives_way(const struct exact *f, uint32_t i, uint32_t k)
{
	const struct graph *g = f->m->graph;
	const struct idle_interval *x = &f->m->choices[i].interval->idle;
	bytes_t bytes = bytes_align(g->tensors[x->tensor].bytes, DEVICE_ALIGN);

	for (uint32_t n = 0; x->from == k + 1 && n < g->ops[k].inplace_count; n++)
		if (g->ops[k].inplace[n].input == x->tensor && bytes == bytes_align(g->tensors[g->ops[k].inplace[n].output].bytes, DEVICE_ALIGN))
			return true;
	return false;
}

/* Adds the bytes away at moment j to a row. */
static void
add_away(struct exact *f, uint32_t row, uint32_t j)
{
	struct lp *lp = &f->m->lp;
	uint32_t k = f->moment[j];

	for (uint32_t i = 0; i < f->m->count; i++) {
		const struct interval_columns *c = &f->of[i];
		double mb = (double)f->m->choices[i].interval->bytes / ILP_MB;

		for (uint32_t q = 0; exact_gives_way(f, i, k) && q < c->again_count; q++)
			lp_add(lp, row, c->again[q].column, mb);
		if (j < c->first_row || j >= c->first_row + c->row_count)
			continue;
		lp_add(lp, row, c->e + j - c->first_row, mb);
		if (j > c->first_row)
			lp_add(lp, row, c->s + j - c->first_row - 1, -mb);
		for (uint32_t q = 0; q < c->again_count; q++)
			if (f->stages[c->again[q].stage].op > k)
				lp_add(lp, row, c->again[q].column, mb);
	}
}

static void
memory_rows(struct exact *f)
{
	struct lp *lp = &f->m->lp;

	for (uint32_t j = 0; j < f->moments; j++) {
		double excess = (double)ilp_excess(f->m, f->moment[j]) / ILP_MB;
		uint32_t row;

		if (excess <= 0)
			continue;
		row = lp_row(lp, excess, INFINITY);
		lp_name_row(lp, row, "memory", f->moment[j], 0);
		add_away(f, row, j);
	}
}

static void
cut_rows(struct exact *f)
{
	struct ilp *m = f->m;
	uint32_t j = 0;

	for (size_t n = 0; n < m->cut_count; n++) {
		const struct cut *cut = &m->cuts[n];
		const struct stage *q = f->stage_at[cut->op] == ILP_NONE ? NULL : &f->stages[f->stage_at[cut->op]];
		double mb = (double)cut->bytes / ILP_MB;
		uint32_t row;

		for (j = 0; j < f->moments && f->moment[j] != cut->op; j++)
			;
		if (q == NULL || j == f->moments)
			continue;
		row = lp_row(&m->lp, mb * (1 - (double)cut->op_count), INFINITY);
		add_away(f, row, j);
		for (uint32_t k = 0; k < cut->op_count; k++)
			if (q->x[m->cut_ops[cut->op_start + k]] != ILP_NONE)
				lp_add(&m->lp, row, q->x[m->cut_ops[cut->op_start + k]], -mb);
	}
}

static bool
build(struct ilp *m)
{
	struct exact *f = ARENA_NEW(m->scratch, struct exact, 1);
	uint32_t uses = decisions_slots(m->life);

	if (m->graph->op_count > MOST_OPS)
		return false;
	*f = (struct exact) { .m = m, .of = ARENA_NEW(m->scratch, struct interval_columns, m->count), .choice_of = ARENA_NEW(m->scratch, uint32_t, uses) };
	m->model = f;
	memset(f->choice_of, 0xff, sizeof(*f->choice_of) * uses);
	for (uint32_t i = 0; i < m->count; i++)
		f->choice_of[m->choices[i].interval->idle.slot] = i;
	lp_init(&m->lp, m->scratch);
	choose_moments(f);
	divide_time(f);
	find_levels(f);
	for (uint32_t i = 0; i < m->count; i++)
		find_rows(f, i);
	for (uint32_t i = 0; i < m->count; i++)
		open_interval(f, i);
	if (m->lp.column_count > MOST_FLOWS)
		return false;
	exact_stages(f);
	add_time(f);
	for (uint32_t i = 0; i < m->count; i++) {
		order_rows(f, &f->of[i]);
		if (f->of[i].row_count > 0)
			copy_rows(f, i);
	}
	link_rows(f);
	exact_stage_rows(f);
	memory_rows(f);
	cut_rows(f);
	return m->lp.entry_count <= MOST_ENTRIES;
}

const struct formulation ilp_exact = { "exact", build, exact_read, exact_fix, exact_learn };
