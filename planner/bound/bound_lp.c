/* SPDX-License-Identifier: Apache-2.0 */
/* bound_lp.c - a bound on the step time from a linear program
 *
 * The program looks at the starts of chosen ops, the moments 0 .. J-1, and at the step's end, J.  Interval j ends at moment j.  Any
 * choice of moments gives a bound: the constraints hold at these times in every sound plan, and there are none between
 * them.  All idle intervals (idle_costs.h) that look alike at the moments are one parcel, of W bytes.
 *
 * Variables (milliseconds, megabytes)
 *   d_j            length of interval j, at least the sum of the least times of its ops, C_j
 *   o_j, r_j, l_j  bytes copied out, fetched, and copied out after the last write of a tensor at home on the host, in interval j
 *   y_p            bytes of parcel p that are away over its idle interval with a copy on the host
 *   z_ps           bytes dropped and made again in segment s; segments of the step end at chosen moments
 *   h_j            bytes on the host, not yet fetched, at moment j
 *
 * Constraints
 *   o_j + l_j <= Bo d_j, r_j <= Bi d_j, o_j + l_j + r_j <= B d_j		(one copy engine: o/Bo + l/Bo + r/Bi <= d)
 *   sum of o up to j <= sum of y that may be copied out by then		(`ready`)
 *   sum of r up to j >= sum of y whose idle interval has ended by then		(`to`)
 *   h_j = h_j-1 + o_j - r_j + y of those that need no copy out and begin	(>= 0)
 *   sum of l up to j <= sum of y written by then, equal at the end
 *   h_j + (z that are away at j) >= E_j, (y + z whose interval covers j) >= E_j	the excess, need - budget
 *   y_p + sum of z_ps <= W_p
 *   sum of d in segment s >= sum of C + sum of (least time a byte) z_ps	reruns, anywhere in the segment
 * Objective: min sum of d_j.
 *
 * A byte dropped over a split moment may be made again before it (and is then not away at it) or after it.  So time spent on
 * reruns serves copies only on the right side of the largest excess.  A rerun charged just before the next use would be no
 * relaxation: a plan may fill the wait for a fetch with a rerun that is needed later.
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
#include <stdlib.h>
#include <string.h>

#include "planner/bound/idle_costs.h"
#include "planner/bound/bounds.h"
#include "planner/bound/link_rates.h"
#include "planner/bound/lp_solve.h"
#include "src/base/rank.h"

enum { MOST_OPS = 5000, DEFAULT_MOMENTS = 72, DEFAULT_SPLITS = 3, OCTAVE = 8, MOST_TOGETHER = 64, ITERATIONS = 20000 };
#define MS 1e3		/* us in a ms */
#define MB 1e6		/* bytes in a MB */

/* Idle intervals that look alike at the moments. */
struct parcel {
	uint32_t ready, from, to, written;	/* the first moments at which each has happened */
	bool out, in, late, drops;
	int32_t grade;				/* of ms_per_mb: parcels of one grade are merged */
	double mb, ms_per_mb;			/* ms_per_mb: the least of those merged */
};

/* The linear program and its input. */
struct flow {
	const struct idle_costs *s;
	const struct link_rates *rates;
	double budget;
	uint32_t count;			/* of moments, J */
	uint32_t *moment;		/* [count] op ids, rising */
	double *excess;			/* [count] MB */
	uint32_t split_count, *split;	/* [split_count] moments, rising */
	uint32_t parcel_count;
	struct parcel *parcels;
	struct lp lp;
	/* First ids of blocks of J + 1 columns or rows, one a moment. */
	uint32_t d, o, r, l, host, drop;
	uint32_t row_ready, row_due, row_host, row_late, row_cover, row_drop, row_segment;
	double total;			/* MB of all parcels: no flow is larger */
	double longest;			/* ms: no interval waits longer */
};

/* The first moment at which `ops` ops have ended. */
static uint32_t
moment_after(const struct flow *f, uint32_t ops)
{
	return lower_bound(f->moment, 0, f->count, ops);
}

/* Chooses the op that needs most of each of `slices` stretches of equal time. */
static void
choose_moments(struct flow *f, uint32_t slices, struct arena *a)
{
	const struct idle_costs *s = f->s;
	uint32_t n = s->graph->op_count, best = 0, slice = 0;
	double width = s->start_us[n] / slices;

	if (slices > n)
		slices = n;
	f->moment = ARENA_NEW(a, uint32_t, slices + 1);
	f->excess = ARENA_NEW(a, double, slices + 1);
	for (uint32_t k = 0; k < n; k++) {
		bool next = slices == n || s->start_us[k] >= width * (slice + 1);

		if (next && k > 0) {
			f->moment[f->count++] = best;
			best = k;
			while (slice + 2 < slices && s->start_us[k] >= width * (slice + 1))
				slice++;
			if (f->count == slices)
				break;
		}
		if (s->need[k] > s->need[best])
			best = k;
	}
	if (f->count < slices)
		f->moment[f->count++] = best;
	for (uint32_t j = 0; j < f->count; j++)
		f->excess[j] = fmax(0, ((double)s->need[f->moment[j]] - f->budget) / MB);
}

/* Ends segments at the largest excess, and at moments that stand evenly among those with an excess. */
static void
choose_splits(struct flow *f, uint32_t wanted)
{
	uint32_t top = 0, over = 0, seen = 0;

	for (uint32_t j = 0; j < f->count; j++) {
		over += f->excess[j] > 0;
		if (f->excess[j] > f->excess[top])
			top = j;
	}
	for (uint32_t j = 0; j < f->count; j++) {
		if (f->excess[j] <= 0)
			continue;
		if (j == top || (uint64_t)seen * wanted / over != (uint64_t)(seen + 1) * wanted / over)
			f->split[f->split_count++] = j;
		seen++;
	}
}

/* Op `run` runs again to make the tensor of cost `id`, away over ops from <= k < to. */
struct run_use { uint32_t run, id, from, to; };

static int
by_run(const void *p, const void *q)
{
	const struct run_use *x = p, *y = q;

	if (x->run != y->run)
		return x->run < y->run ? -1 : 1;
	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

/* The most bytes of uses first .. end - 1 of one run that are away at one time of use i.  A rerun serves those only. */
static double
most_together(const struct idle_costs *s, const struct run_use *uses, uint32_t first, uint32_t end, uint32_t i)
{
	double most = 0, all = 0;

	if (end - first > MOST_TOGETHER) {
		for (uint32_t k = first; k < end; k++)
			all += (double)s->costs[uses[k].id].bytes;
		return all;
	}
	for (uint32_t j = first; j < end; j++) {
		double sum = 0;

		/* The sum grows only where an interval begins. */
		if (j != i && (uses[j].from <= uses[i].from || uses[j].from >= uses[i].to))
			continue;
		for (uint32_t k = first; k < end; k++)
			if (uses[k].from <= uses[j].from && uses[j].from < uses[k].to)
				sum += (double)s->costs[uses[k].id].bytes;
		most = fmax(most, sum);
	}
	return most;
}

/* Returns us[i], the least cost of dropping cost i's tensor.  A run's time is split over the bytes that it makes.  At no time
 * are more than all of it charged to those that are away, so that no set of reruns costs less than its shares. */
static double *
least_costs(const struct idle_costs *s, struct arena *a)
{
	struct run_use *uses = ARENA_NEW(a, struct run_use, s->run_count);
	double *us = ARENA_NEW(a, double, s->count);
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->count; i++)
		for (uint32_t r = 0; r < s->costs[i].run_count; r++)
			uses[n++] = (struct run_use) { s->runs[s->costs[i].run_start + r], i,
			    s->costs[i].idle.from, s->costs[i].idle.to };
	qsort(uses, n, sizeof(*uses), by_run);
	for (uint32_t first = 0, end; first < n; first = end) {
		for (end = first; end < n && uses[end].run == uses[first].run; end++)
			;
		for (uint32_t i = first; i < end; i++)
			us[uses[i].id] += s->time_us[uses[i].run] * (double)s->costs[uses[i].id].bytes /
			    most_together(s, uses, first, end, i);
	}
	return us;
}

/* Returns the least bytes of a tensor that is not away at no cost. */
static bytes_t
smallest(const struct flow *f, struct arena *a)
{
	struct ranked *sizes = ARENA_NEW(a, struct ranked, f->s->count);
	bytes_t sum = 0;

	for (uint32_t i = 0; i < f->s->count; i++)
		sizes[i] = (struct ranked) { .first = (double)f->s->costs[i].bytes, .id = i };
	rank_rising(sizes, f->s->count);
	for (uint32_t i = 0; i < f->s->count; i++) {
		sum += f->s->costs[sizes[i].id].bytes;
		if ((double)sum > f->budget / 1000)
			return f->s->costs[sizes[i].id].bytes;
	}
	return 0;
}

static int
compare_parcels(const void *p, const void *q)
{
	const struct parcel *x = p, *y = q;
	const int64_t u[] = { x->from, x->to, x->ready, x->written, x->out * 8 + x->in * 4 + x->late * 2 + x->drops, x->grade };
	const int64_t v[] = { y->from, y->to, y->ready, y->written, y->out * 8 + y->in * 4 + y->late * 2 + y->drops, y->grade };

	for (size_t i = 0; i < sizeof(u) / sizeof(*u); i++)
		if (u[i] != v[i])
			return u[i] < v[i] ? -1 : 1;
	return x->ms_per_mb < y->ms_per_mb ? -1 : x->ms_per_mb > y->ms_per_mb;
}

/* Fills parcels, and takes the bytes that are away at no cost off the excess. */
static void
make_parcels(struct flow *f, struct arena *a)
{
	const struct idle_costs *s = f->s;
	struct parcel *p = ARENA_NEW(a, struct parcel, s->count);
	double *us = least_costs(s, a);
	bytes_t least = smallest(f, a);
	uint32_t n = 0, kept = 0;

	for (uint32_t i = 0; i < s->count; i++) {
		const struct idle_cost *x = &s->costs[i];
		struct parcel q = { .ready = moment_after(f, x->ready), .from = moment_after(f, x->idle.from),
			.to = moment_after(f, x->idle.to), .written = moment_after(f, x->written),
			.out = x->out && x->main, .in = x->in, .late = x->written > 0 && x->main,
			.drops = x->run_count > 0, .mb = (double)x->bytes / MB, .ms_per_mb = us[i] / MS / ((double)x->bytes / MB) };

		if (!q.out && !q.in && q.from < q.to) {
			for (uint32_t j = q.from; j < q.to; j++)
				f->excess[j] = fmax(0, f->excess[j] - q.mb);
			continue;
		}
		if (x->bytes < least) {
			for (uint32_t j = q.from; j < q.to; j++)
				f->excess[j] = fmax(0, f->excess[j] - q.mb);
			continue;
		}
		q.grade = q.ms_per_mb > 0 ? (int32_t)floor(OCTAVE * log2(q.ms_per_mb)) : INT32_MIN;
		if (q.from < q.to)
			p[n++] = q;
	}
	qsort(p, n, sizeof(*p), compare_parcels);
	for (uint32_t i = 0; i < n; i++) {
		struct parcel *last = &p[kept > 0 ? kept - 1 : 0], q = p[i];

		q.ms_per_mb = last->ms_per_mb;	/* equal but for this and the size: merged */
		if (kept > 0 && (q.mb = last->mb, compare_parcels(&q, last) == 0))
			last->mb += p[i].mb;
		else
			p[kept++] = p[i];
	}
	f->parcels = p;
	f->parcel_count = kept;
}

/* Adds a column for each moment; returns the first. */
static uint32_t
block(struct flow *f, double high, double cost)
{
	uint32_t first = (uint32_t)f->lp.column_count;

	for (uint32_t j = 0; j <= f->count; j++)
		lp_column(&f->lp, 0, high, cost);
	return first;
}

/* Adds rows level_j = level_j-1 + the row's other entries; levels are columns of their own.  Returns the first row. */
static uint32_t
balance(struct flow *f, uint32_t levels)
{
	uint32_t first = (uint32_t)f->lp.row_count;

	for (uint32_t j = 0; j <= f->count; j++) {
		uint32_t row = lp_row(&f->lp, 0, 0);

		lp_add(&f->lp, row, levels + j, 1);
		if (j > 0)
			lp_add(&f->lp, row, levels + j - 1, -1);
	}
	return first;
}

static void
add_intervals(struct flow *f)
{
	struct lp *p = &f->lp;
	const double *start = f->s->start_us, per_ms = MS / MB;	/* bytes/us to MB/ms */
	double out = f->rates->way[D2H] * per_ms, in = f->rates->way[H2D] * per_ms, both = f->rates->both * per_ms;

	for (uint32_t j = 0; j <= f->count; j++) {
		uint32_t from = j == 0 ? 0 : f->moment[j - 1], to = j == f->count ? f->s->graph->op_count : f->moment[j];
		double least = (start[to] - start[from]) / MS;
		uint32_t row;

		p->columns[f->d + j].low = least;
		p->columns[f->d + j].high = least + f->longest;
		row = lp_row(p, 0, INFINITY);
		lp_add(p, row, f->d + j, out);
		lp_add(p, row, f->o + j, -1);
		lp_add(p, row, f->l + j, -1);
		row = lp_row(p, 0, INFINITY);
		lp_add(p, row, f->d + j, in);
		lp_add(p, row, f->r + j, -1);
		row = lp_row(p, 0, INFINITY);
		lp_add(p, row, f->d + j, f->rates->shared ? out : both);
		lp_add(p, row, f->o + j, -1);
		lp_add(p, row, f->l + j, -1);
		lp_add(p, row, f->r + j, f->rates->shared ? -out / in : -1);
		lp_add(p, f->row_ready + j, f->o + j, 1);
		lp_add(p, f->row_due + j, f->r + j, -1);
		lp_add(p, f->row_host + j, f->o + j, -1);
		lp_add(p, f->row_host + j, f->r + j, 1);
		lp_add(p, f->row_late + j, f->l + j, 1);
	}
}

static void
add_memory(struct flow *f, uint32_t cover)
{
	for (uint32_t j = 0; j < f->count; j++) {
		uint32_t row;

		if (f->excess[j] <= 0)
			continue;
		row = lp_row(&f->lp, f->excess[j], INFINITY);
		lp_add(&f->lp, row, f->host + j, 1);
		lp_add(&f->lp, row, f->drop + j, 1);
		f->lp.columns[cover + j].low = f->excess[j];
	}
}

/* Adds a column of bytes that are away at moments from <= j < to. */
static uint32_t
add_away(struct flow *f, const struct parcel *q, uint32_t to, uint32_t row)
{
	uint32_t c = lp_column(&f->lp, 0, q->mb, 0);

	lp_add(&f->lp, row, c, 1);
	lp_add(&f->lp, f->row_cover + q->from, c, -1);
	lp_add(&f->lp, f->row_cover + to, c, 1);
	return c;
}

static void
add_moved(struct flow *f, const struct parcel *q, uint32_t row, bool late)
{
	uint32_t c = add_away(f, q, q->to, row);
	bool out = q->out || (q->late && !late);

	if (out)
		lp_add(&f->lp, f->row_ready + (q->out ? q->ready : 0), c, -1);
	else
		lp_add(&f->lp, f->row_host + q->from, c, -1);
	if (q->in)
		lp_add(&f->lp, f->row_due + q->to, c, 1);
	if (late)
		lp_add(&f->lp, f->row_late + q->written, c, -1);
}

static void
add_parcel(struct flow *f, const struct parcel *q)
{
	uint32_t row = lp_row(&f->lp, -INFINITY, q->mb);

	add_moved(f, q, row, q->late);
	if (q->late)
		add_moved(f, q, row, false);	/* at home on the device: copied out before */
	for (uint32_t s = 0; q->drops && s <= f->split_count; s++) {
		uint32_t begin = s == 0 ? 0 : f->split[s - 1], end = s == f->split_count ? f->count : f->split[s], c;

		/* Made again in segment s: away up to its end at most. */
		if (q->from >= end || q->to <= begin)
			continue;
		if (q->to < end)
			end = q->to;
		c = add_away(f, q, end, row);
		lp_add(&f->lp, f->row_drop + q->from, c, -1);
		lp_add(&f->lp, f->row_drop + end, c, 1);
		lp_add(&f->lp, f->row_segment + s, c, -q->ms_per_mb);
	}
}

static void
build(struct flow *f, struct arena *a)
{
	struct lp *p = &f->lp;
	const double *start = f->s->start_us;
	uint32_t ready, due, late, cover, n = f->s->graph->op_count;

	for (uint32_t i = 0; i < f->parcel_count; i++) {
		f->total += f->parcels[i].mb;
		f->longest += f->parcels[i].mb * f->parcels[i].ms_per_mb;
	}
	f->longest += 4 * f->total / (fmin(f->rates->way[D2H], f->rates->way[H2D]) * MS / MB);
	lp_init(p, a);
	f->d = block(f, 0, 1);
	f->o = block(f, f->total, 0);
	f->r = block(f, f->total, 0);
	f->l = block(f, f->total, 0);
	f->host = block(f, f->total, 0);
	f->drop = block(f, f->total, 0);
	ready = block(f, f->total, 0);
	due = block(f, f->total, 0);
	late = block(f, f->total, 0);
	cover = block(f, f->total, 0);
	p->columns[late + f->count].high = 0;
	f->row_ready = balance(f, ready);
	f->row_due = balance(f, due);
	f->row_host = balance(f, f->host);
	f->row_late = balance(f, late);
	f->row_cover = balance(f, cover);
	f->row_drop = balance(f, f->drop);
	f->row_segment = (uint32_t)p->row_count;
	for (uint32_t s = 0; s <= f->split_count; s++) {
		uint32_t from = s == 0 ? 0 : f->split[s - 1] + 1, to = s == f->split_count ? f->count : f->split[s];
		uint32_t row = lp_row(p, ((to == f->count ? start[n] : start[f->moment[to]]) -
		    (from == 0 ? 0 : start[f->moment[from - 1]])) / MS, INFINITY);

		for (uint32_t j = from; j <= to; j++)
			lp_add(p, row, f->d + j, 1);
	}
	add_intervals(f);
	add_memory(f, cover);
	for (uint32_t i = 0; i < f->parcel_count; i++)
		add_parcel(f, &f->parcels[i]);
}

void
bound_lp_run(struct lp_bound *b, const struct lp_options *o, const struct lifetimes *l, const struct device *d,
    bytes_t budget, struct arena *a)
{
	struct idle_costs s;
	struct link_rates rates;
	struct flow f = { .s = &s, .rates = &rates, .budget = (double)budget };
	double *x, *duals, ideal;

	*b = (struct lp_bound) { .us = 0 };
	idle_costs_init(&s, l, a);
	link_rates_init(&rates, d);
	ideal = s.start_us[l->graph->op_count];
	choose_moments(&f, o->moments > 0 ? o->moments : DEFAULT_MOMENTS, a);
	make_parcels(&f, a);
	f.split = ARENA_NEW(a, uint32_t, (size_t)f.count + 1);
	choose_splits(&f, o->splits > 0 ? o->splits : DEFAULT_SPLITS);
	build(&f, a);
	b->rows = (uint32_t)f.lp.row_count;
	b->columns = (uint32_t)f.lp.column_count;
	b->moments = f.count;
	x = ARENA_NEW(a, double, f.lp.column_count);
	duals = ARENA_NEW(a, double, f.lp.row_count);
	if (!lp_solve(&f.lp, x, duals, o->moments > 0 ? 0 : ITERATIONS))
		return;
	for (uint32_t j = 0; j <= f.count; j++)
		b->lp_us += MS * x[f.d + j];
	b->us = MS * lp_certify(&f.lp, duals, a);
	/* Beyond this the columns' own bounds would decide. */
	b->us = fmax(0, fmin(b->us, ideal + MS * f.longest) * (1 - 1e-9));
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
