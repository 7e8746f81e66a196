/* SPDX-License-Identifier: Apache-2.0 */
/* bound_lp.c - a bound on the step time from a linear program
 *
 * The program looks at starts and ends of chosen ops, the moments 0 .. J-1, and at the step's end, J (parcels.h).  Interval j ends
 * at moment j.  Any choice of moments gives a bound: the constraints hold at these times in every sound plan, and there are none
 * between them.  A parcel p is an idle interval of W bytes; segments of the step end at chosen moments, the splits.
 *
 * Variables (milliseconds, megabytes)
 *   d_j        length of interval j, at least the sum of the least times of its ops, C_j
 *   o_j, r_j   bytes copied out and fetched in interval j
 *   h_j        bytes on the host, not yet fetched, at moment j
 *   a_u        bytes of persistent unit u that are at home on the host
 *   y_p        bytes of parcel p that come back from the host, or end the step there: away from the parcel's beginning on
 *   z_ps       bytes dropped and made again in segment s, for good
 *   w_ps       bytes dropped, made again in segment s, and copied out after that: away all the time, first dropped, then on the host
 *
 * Constraints
 *   o_j <= Bo d_j, r_j <= Bi d_j, o_j + r_j <= B d_j		(one copy engine: o/Bo + r/Bi <= d)
 *   d_j >= C_j + v (moving time of o_j, r_j or both) - relief_j(v)	for each loss v: copies slow ops down, see below
 *   sum of o up to j <= sum of y and w that may be copied out by then (`ready`), equal at the end
 *   sum of r up to j >= sum of y and w whose idle interval has ended by then (`to`)
 *   h_j = h_j-1 + o_j - r_j + y of those that begin and need no copy out	(>= 0)
 *   h_j + (z and w that are dropped at j) >= E_j, (y + z + w whose interval covers j) >= E_j	the excess, need - budget
 *   y_p + sum of z_ps + sum of w_ps <= W_p
 *   sum of d in segment s >= sum of C + sum of (least time a byte) (z_ps + w_ps)	reruns, anywhere in the segment; with losses, too
 * Objective: min sum of d_j.
 *
 * Persistent tensors.  At home on the host (a_u), a tensor is away from the beginning, is fetched before its first use, and is copied
 * out after its last write, once.  It is then away until the end.  At home on the device (W_u - a_u), each time that it is away
 * takes a copy out and a fetch, by the step's end at the latest.  So for the first and the last value y_p is there twice: as bytes of
 * the host, y_p <= a_u, whose copies out are those of the home, and as bytes of the device, y_p + z + w <= W_u - a_u.  A copy out
 * of the first value is charged to the parcel in which the bytes leave first, and serves the later ones.
 *
 * A byte dropped over a split moment may be made again before it (and is then not away at it) or after it.  So time spent on
 * reruns serves copies only on the right side of the largest excess.  A rerun charged just before the next use would be no
 * relaxation: a plan may fill the wait for a fetch with a rerun that is needed later.
 *
 * Losses.  An op whose class has contention 1 + 2 u takes 1 + u times as long while one direction moves, 1 + 2 u times while both do.
 * So each ms in which a direction moves costs an op at least v = u / (1 + 2 u) ms.  At best, copies overlap first with waits, which
 * they fill at no loss, and with ops that lose less: with an op of time c and loss v' < v, for at most 2 c (1 + 2 u') ms of both
 * directions.  That is relief(v) = sum of 2 (v - v') c (1 + 2 u').  link_rates.h says how long a direction moves at least.
 *
 * The time of an op that makes several tensors is split over the bytes of those that are away together.  When one host copy
 * serves several idle intervals, only the longest is charged.  The smallest tensors count as away at no cost, as long as all of
 * them together are below a thousandth of the budget.
 *
 * The bound is the Lagrangian at GLPK's duals (lp.h), not GLPK's own answer.  Seconds or bytes as units make simplex stop at
 * points that are far from optimal.
 */
#include <config.h>
#include "planner/bound/bound_lp.h"

#include <math.h>
#include <string.h>

#include "planner/bound/bounds.h"
#include "planner/bound/link_rates.h"
#include "planner/bound/lp_solve.h"
#include "planner/bound/parcels.h"

/* Sizes at which GLPK takes about a second on the shipped traces. */
enum { MOST_OPS = 5000, DEFAULT_MOMENTS = 72, DEFAULT_SPLITS = 5, MANY_UNITS = 500, FEW_SPLITS = 3, ITERATIONS = 20000 };

/* The directions whose copies a row charges with a loss. */
enum { CHARGE_OUT = 1, CHARGE_IN = 2, CHARGE_BOTH = 3 };

/* The linear program and its input. */
struct flow {
	struct parcels p;
	const struct device *device;
	const struct link_rates *rates;
	double out, in, both;		/* rates of the link in MB/ms */
	struct lp lp;
	/* First ids of blocks of J + 1 columns or rows, one a moment. */
	uint32_t d, o, r, host, drop;
	uint32_t row_ready, row_due, row_host, row_cover, row_drop;
	uint32_t row_segment;		/* first of split_count + 1 rows, without losses and, if charges == 2, with them */
	uint32_t charges;
	double spared[2];		/* of each: share of a rerun's time that copies at no loss make up for */
	double longest;			/* ms: no interval waits longer */
};

/* Adds a column for each moment; returns the first. */
static uint32_t
block(struct flow *f, double high, double cost)
{
	uint32_t first = (uint32_t)f->lp.column_count;

	for (uint32_t j = 0; j <= f->p.moment_count; j++)
		lp_column(&f->lp, 0, high, cost);
	return first;
}

/* Adds rows level_j = level_j-1 + the row's other entries; levels are columns of their own.  Returns the first row. */
static uint32_t
balance(struct flow *f, uint32_t levels)
{
	uint32_t first = (uint32_t)f->lp.row_count;

	for (uint32_t j = 0; j <= f->p.moment_count; j++) {
		uint32_t row = lp_row(&f->lp, 0, 0);

		lp_add(&f->lp, row, levels + j, 1);
		if (j > 0)
			lp_add(&f->lp, row, levels + j - 1, -1);
	}
	return first;
}

/* The ops of intervals first .. last. */
static void
ops_of(const struct flow *f, uint32_t first, uint32_t last, uint32_t *from, uint32_t *to)
{
	*from = first == 0 ? 0 : f->p.ended[first - 1];
	*to = last == f->p.moment_count ? f->p.costs->graph->op_count : f->p.ended[last];
}

/* ---- time ---- */

static double
loss_of(const struct flow *f, enum op_class c)
{
	double u = (f->device->contention[c] - 1) / 2;

	return u / (1 + 2 * u);
}

/* The loss that a ms of an op of class c takes off, where others lose v. */
static double
relief_of(const struct flow *f, double v, enum op_class c)
{
	double less = v - loss_of(f, c);

	return less > 0 ? 2 * less * f->device->contention[c] : 0;
}

/* Adds a row: the intervals first .. last take the time of their ops, and the loss v for what some directions (CHARGE_) move.
 * Returns it. */
static uint32_t
time_row(struct flow *f, uint32_t first, uint32_t last, double v, int charge)
{
	const double latent = f->rates->latent * PARCELS_MS / PARCELS_MB;
	double out = charge & CHARGE_OUT ? v / (f->out - latent) : 0, in = charge & CHARGE_IN ? v / (f->in - latent) : 0, ms = 0;
	uint32_t from, to, row;

	ops_of(f, first, last, &from, &to);
	for (uint32_t k = from; k < to; k++)
		ms += f->p.costs->time_us[k] / PARCELS_MS * (1 - relief_of(f, v, f->p.costs->graph->ops[k].class));
	row = lp_row(&f->lp, ms, INFINITY);
	for (uint32_t j = first; j <= last; j++) {
		lp_add(&f->lp, row, f->d + j, 1 + latent * (out + in));
		lp_add(&f->lp, row, f->o + j, -out);
		lp_add(&f->lp, row, f->r + j, -in);
	}
	return row;
}

static void
add_intervals(struct flow *f)
{
	struct lp *p = &f->lp;
	const double *start = f->p.costs->start_us;

	for (uint32_t j = 0; j <= f->p.moment_count; j++) {
		uint32_t from, to, row;
		double least;

		ops_of(f, j, j, &from, &to);
		least = (start[to] - start[from]) / PARCELS_MS;
		p->columns[f->d + j].low = least;
		p->columns[f->d + j].high = least + f->longest;
		row = lp_row(p, 0, INFINITY);
		lp_add(p, row, f->d + j, f->out);
		lp_add(p, row, f->o + j, -1);
		row = lp_row(p, 0, INFINITY);
		lp_add(p, row, f->d + j, f->in);
		lp_add(p, row, f->r + j, -1);
		row = lp_row(p, 0, INFINITY);
		lp_add(p, row, f->d + j, f->rates->shared ? f->out : f->both);
		lp_add(p, row, f->o + j, -1);
		lp_add(p, row, f->r + j, f->rates->shared ? -f->out / f->in : -1);
		lp_add(p, f->row_ready + j, f->o + j, 1);
		lp_add(p, f->row_due + j, f->r + j, -1);
		lp_add(p, f->row_host + j, f->o + j, -1);
		lp_add(p, f->row_host + j, f->r + j, 1);
	}
}

static bool
has_losses(const struct flow *f)
{
	double least = fmin(f->rates->part[D2H], f->rates->part[H2D]);

	return !f->rates->shared && least > f->rates->latent * (1 + 1e-6);
}

/* Adds the rows of the losses for each interval. */
static void
add_losses(struct flow *f)
{
	for (int c = 0; has_losses(f) && c < CLASS_COUNT; c++) {
		double v = loss_of(f, (enum op_class)c);
		bool seen = v <= 0;

		for (int b = 0; b < c; b++)
			seen |= loss_of(f, (enum op_class)b) == v;
		for (uint32_t j = 0; !seen && j <= f->p.moment_count; j++)
			for (int charge = f->rates->latent > 0 ? CHARGE_OUT : CHARGE_BOTH; charge <= CHARGE_BOTH; charge++)
				time_row(f, j, j, v, charge);
	}
}

/* The loss of the class that takes most of the time among those with a loss; 0: none has one. */
static double
main_loss(const struct flow *f)
{
	const struct graph *g = f->p.costs->graph;
	double us[CLASS_COUNT] = { 0 };
	int best = 0;

	for (uint32_t k = 0; k < g->op_count; k++)
		us[g->ops[k].class] += loss_of(f, g->ops[k].class) > 0 ? f->p.costs->time_us[k] : 0;
	for (int c = 1; c < CLASS_COUNT; c++)
		best = us[c] > us[best] ? c : best;
	return loss_of(f, (enum op_class)best);
}

/* Adds the rows of the segments, without losses and with the main one. */
static void
add_segments(struct flow *f)
{
	const struct graph *g = f->p.costs->graph;
	double v = has_losses(f) ? main_loss(f) : 0, spared = 0;

	for (uint32_t k = 0; k < g->op_count; k++)
		if (g->ops[k].recomputable)
			spared = fmax(spared, relief_of(f, v, g->ops[k].class));
	f->row_segment = (uint32_t)f->lp.row_count;
	for (int charge = 0; charge <= CHARGE_BOTH; charge += CHARGE_BOTH) {
		if (charge > 0 && v <= 0)
			break;
		f->spared[f->charges++] = charge > 0 ? spared : 0;
		for (uint32_t s = 0; s <= f->p.split_count; s++)
			time_row(f, s == 0 ? 0 : f->p.split[s - 1] + 1, s == f->p.split_count ? f->p.moment_count : f->p.split[s],
			    charge > 0 ? v : 0, charge);
	}
}

/* ---- memory ---- */

static void
add_memory(struct flow *f, uint32_t cover)
{
	for (uint32_t j = 0; j < f->p.moment_count; j++) {
		uint32_t row;

		if (f->p.excess[j] <= 0)
			continue;
		row = lp_row(&f->lp, f->p.excess[j], INFINITY);
		lp_add(&f->lp, row, f->host + j, 1);
		lp_add(&f->lp, row, f->drop + j, 1);
		f->lp.columns[cover + j].low = f->p.excess[j];
	}
}

/* Counts column c as bytes that are away at moments from <= j < to. */
static void
covers(struct flow *f, uint32_t c, uint32_t from, uint32_t to)
{
	lp_add(&f->lp, f->row_cover + from, c, -1);
	lp_add(&f->lp, f->row_cover + to, c, 1);
}

/* Adds a column of at most `mb` that counts in a row, and as away over the parcel up to moment `to`. */
static uint32_t
add_away(struct flow *f, const struct parcel *q, uint32_t to, double mb, uint32_t row)
{
	uint32_t c = lp_column(&f->lp, 0, mb, 0);

	lp_add(&f->lp, row, c, 1);
	covers(f, c, q->from, to);
	return c;
}

/* Column c comes from the host in the end. */
static void
comes_from_host(struct flow *f, const struct parcel *q, uint32_t c, bool out, bool in)
{
	if (out)
		lp_add(&f->lp, f->row_ready + q->ready, c, -1);
	else
		lp_add(&f->lp, f->row_host + q->from, c, -1);
	if (in)
		lp_add(&f->lp, f->row_due + q->to, c, 1);
}

/* Adds the columns of a parcel whose bytes count in a row. */
static void
add_parcel(struct flow *f, const struct parcel *q, double mb, bool in, uint32_t row)
{
	uint32_t c = add_away(f, q, q->to, mb, row), end;

	comes_from_host(f, q, c, q->out, in);
	for (uint32_t s = 0; q->drops && s <= f->p.split_count; s++) {
		uint32_t begin = s == 0 ? 0 : f->p.split[s - 1];

		end = s == f->p.split_count ? f->p.moment_count : f->p.split[s];
		if (q->from >= end || q->to <= begin)
			continue;
		/* Made again in segment s: dropped up to its end at most. */
		for (int moved = 0; moved < (q->out && end < q->to ? 2 : 1); moved++) {
			uint32_t dropped = end < q->to ? end : q->to;

			c = add_away(f, q, moved ? q->to : dropped, mb, row);
			lp_add(&f->lp, f->row_drop + q->from, c, -1);
			lp_add(&f->lp, f->row_drop + dropped, c, 1);
			for (uint32_t n = 0; n < f->charges; n++)
				lp_add(&f->lp, f->row_segment + n * (f->p.split_count + 1) + s, c, -q->ms_per_mb * (1 - f->spared[n]));
			if (moved)
				comes_from_host(f, q, c, true, in);
		}
	}
}

/* Adds the columns of a parcel of the value from before the step, the n-th of unit u.  At home on the device, the tensor's first
 * departure takes a copy out; copied[] gets its column, after those of earlier parcels.  A later departure uses the copy. */
static void
add_initial(struct flow *f, const struct parcel_unit *u, const struct parcel *q, uint32_t home, uint32_t once, uint32_t *copied, uint32_t n)
{
	bool tail = q->to == f->p.moment_count && !q->in;
	uint32_t row = lp_row(&f->lp, -INFINITY, u->mb), most, c;

	lp_add(&f->lp, row, home, 1);
	copied[n] = add_away(f, q, q->to, u->mb, row);
	lp_add(&f->lp, once, copied[n], 1);
	comes_from_host(f, q, copied[n], true, true);
	if (n > 0) {
		most = lp_row(&f->lp, -INFINITY, 0);
		c = add_away(f, q, q->to, u->mb, row);
		lp_add(&f->lp, most, c, 1);
		for (uint32_t i = 0; i < n; i++)
			lp_add(&f->lp, most, copied[i], -1);
		comes_from_host(f, q, c, false, true);
	}
	if (q->from == 0 && q->to == u->first_use && !tail) {
		covers(f, home, q->from, q->to);
		return;
	}
	most = lp_row(&f->lp, -INFINITY, 0);
	c = add_away(f, q, q->to, u->mb, most);
	lp_add(&f->lp, most, home, -1);
	comes_from_host(f, q, c, false, !tail);
}

/* Adds the columns of a parcel of the value that the last write makes. */
static void
add_last(struct flow *f, const struct parcel_unit *u, const struct parcel *q, uint32_t home, bool first)
{
	bool tail = q->to == f->p.moment_count && !q->in;
	uint32_t row = lp_row(&f->lp, -INFINITY, u->mb), most = lp_row(&f->lp, -INFINITY, 0), c;

	add_parcel(f, q, u->mb, true, row);
	c = add_away(f, q, q->to, u->mb, most);
	lp_add(&f->lp, most, home, -1);
	lp_add(&f->lp, row, tail ? home : c, 1);
	if (!first)	/* the first comes with the home's copy out */
		lp_add(&f->lp, f->row_host + q->from, c, -1);
	if (!tail)
		lp_add(&f->lp, f->row_due + q->to, c, 1);
}

static void
add_persistent(struct flow *f, const struct parcel_unit *u)
{
	struct lp *p = &f->lp;
	uint32_t home = lp_column(p, 0, u->mb, 0), once = lp_row(p, -INFINITY, u->mb), initials = 0, lasts = 0;
	uint32_t *copied = ARENA_NEW(p->arena, uint32_t, u->count);

	lp_add(p, once, home, 1);
	if (u->read_first || u->first_use > 0)
		lp_add(p, f->row_host, home, -1);
	if (u->read_first)
		lp_add(p, f->row_due + u->first_use, home, 1);
	else if (u->first_use > 0)	/* written over */
		lp_add(p, f->row_host + u->first_use, home, 1);
	if (u->written)
		lp_add(p, f->row_ready + u->last_write, home, -1);
	for (uint32_t i = 0; i < u->count; i++) {
		const struct parcel *q = &u->parcels[i];

		if (q->initial)
			add_initial(f, u, q, home, once, copied, initials++);
		else if (q->last)
			add_last(f, u, q, home, lasts++ == 0);
		else
			add_parcel(f, q, u->mb, true, lp_row(p, -INFINITY, u->mb));
	}
}

static void
build(struct flow *f, struct arena *a)
{
	struct lp *p = &f->lp;
	uint32_t ready, due, cover;

	f->longest = f->p.rerun_ms + 8 * f->p.mb / fmin(f->out, f->in);
	lp_init(p, a);
	f->d = block(f, 0, 1);
	f->o = block(f, 2 * f->p.mb, 0);
	f->r = block(f, 2 * f->p.mb, 0);
	f->host = block(f, 4 * f->p.mb, 0);
	f->drop = block(f, 4 * f->p.mb, 0);
	ready = block(f, 4 * f->p.mb, 0);
	due = block(f, 4 * f->p.mb, 0);
	cover = block(f, 4 * f->p.mb, 0);
	p->columns[ready + f->p.moment_count].high = 0;
	f->row_ready = balance(f, ready);
	f->row_due = balance(f, due);
	f->row_host = balance(f, f->host);
	f->row_cover = balance(f, cover);
	f->row_drop = balance(f, f->drop);
	add_segments(f);
	add_intervals(f);
	add_losses(f);
	add_memory(f, cover);
	for (uint32_t i = 0; i < f->p.unit_count; i++) {
		const struct parcel_unit *u = &f->p.units[i];

		if (u->persistent)
			add_persistent(f, u);
		else
			add_parcel(f, u->parcels, u->mb, u->parcels->in, lp_row(p, -INFINITY, u->mb));
	}
}

void
bound_lp_run(struct lp_bound *b, const struct lp_options *o, const struct lifetimes *l, const struct device *d,
    bytes_t budget, struct arena *a)
{
	const double per_ms = PARCELS_MS / PARCELS_MB;	/* bytes/us to MB/ms */
	struct idle_costs s;
	struct link_rates rates;
	struct flow f = { .device = d, .rates = &rates };
	double *x, *duals, ideal;

	*b = (struct lp_bound) { .us = 0 };
	idle_costs_init(&s, l, a);
	link_rates_init(&rates, d);
	f.out = rates.part[D2H] * per_ms;
	f.in = rates.part[H2D] * per_ms;
	f.both = rates.both * per_ms;
	ideal = s.start_us[l->graph->op_count];
	parcels_init(&f.p, &s, l, budget, o->moments > 0 ? o->moments : DEFAULT_MOMENTS, a);
	parcels_split(&f.p, o->splits > 0 ? o->splits : f.p.unit_count > MANY_UNITS ? FEW_SPLITS : DEFAULT_SPLITS, a);
	build(&f, a);
	b->rows = (uint32_t)f.lp.row_count;
	b->columns = (uint32_t)f.lp.column_count;
	b->moments = f.p.moment_count;
	x = ARENA_NEW(a, double, f.lp.column_count);
	duals = ARENA_NEW(a, double, f.lp.row_count);
	if (!lp_solve(&f.lp, x, duals, o->moments > 0 ? 0 : ITERATIONS))
		return;
	for (uint32_t j = 0; j <= f.p.moment_count; j++)
		b->lp_us += PARCELS_MS * x[f.d + j];
	b->us = PARCELS_MS * lp_certify(&f.lp, duals, a);
	/* Beyond this the columns' own bounds would decide. */
	b->us = fmax(0, fmin(b->us, ideal + PARCELS_MS * f.longest) * (1 - 1e-9));
}

double
bound_lp_us(const struct lifetimes *l, const struct device *d, bytes_t budget, struct arena *a)
{
	struct lp_bound b;

	if (l->graph->op_count > MOST_OPS || l->peak_bytes <= budget)
		return 0;
	bound_lp_run(&b, &(struct lp_options) { 0 }, l, d, budget, a);
	return b.us;
}
