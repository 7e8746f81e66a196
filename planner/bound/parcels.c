/* SPDX-License-Identifier: Apache-2.0 */
/* parcels.c - the choice of moments and segments, and from idle intervals to units */
#include <config.h>
#include "planner/bound/parcels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/lower_bound.h"
#include "src/base/rank.h"

enum { OCTAVE = 8, MOST_TOGETHER = 64 };

/* ---- moments ---- */

/* The first moment that begins or ends op `ops` or a later one. */
static uint32_t
moment_after(const struct parcels *f, uint32_t ops)
{
	return lower_bound(f->moment, 0, f->moment_count, ops);
}

/* Chooses the op that needs most of each of `slices` stretches of equal time. */
static void
choose_moments(struct parcels *f, uint32_t slices, struct arena *a)
{
	const struct idle_costs *s = f->costs;
	uint32_t n = s->graph->op_count, best = 0, slice = 0;
	double width = s->start_us[n] / slices;

	if (slices > n)
		slices = n;
	f->moment = ARENA_NEW(a, uint32_t, slices + 1);
	for (uint32_t k = 0; k < n; k++) {
		bool next = slices == n || s->start_us[k] >= width * (slice + 1);

		if (next && k > 0) {
			f->moment[f->moment_count++] = best;
			best = k;
			while (slice + 2 < slices && s->start_us[k] >= width * (slice + 1))
				slice++;
			if (f->moment_count == slices)
				break;
		}
		if (s->need[k] > s->need[best])
			best = k;
	}
	if (f->moment_count < slices)
		f->moment[f->moment_count++] = best;
}

/* Adds the ends of ops that take long: until then what is away stays away, and the op's outputs are not there.  Fills ended and
 * excess. */
static void
add_ends(struct parcels *f, bytes_t budget, struct arena *a)
{
	const struct idle_costs *s = f->costs;
	uint32_t *start = f->moment, count = f->moment_count;
	double longest = s->start_us[s->graph->op_count] / count / 2;

	f->moment = ARENA_NEW(a, uint32_t, 2 * (size_t)count);
	f->ended = ARENA_NEW(a, uint32_t, 2 * (size_t)count);
	f->excess = ARENA_NEW(a, double, 2 * (size_t)count);
	f->moment_count = 0;
	for (uint32_t i = 0; i < count; i++) {
		bool over = s->need[start[i]] > budget;

		for (uint32_t end = 0; end <= (s->time_us[start[i]] > longest); end++) {
			uint32_t j = f->moment_count++;

			f->moment[j] = start[i];
			f->ended[j] = start[i] + end;
			f->excess[j] = over ? (double)(s->need[start[i]] - budget) / PARCELS_MB : 0;
		}
	}
}

/* ---- reruns ---- */

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

/* ---- units ---- */

/* Returns the least bytes of a tensor that is not away at no cost. */
static bytes_t
smallest(const struct idle_costs *s, bytes_t budget, struct arena *a)
{
	struct ranked *sizes = ARENA_NEW(a, struct ranked, s->count);
	bytes_t sum = 0;

	for (uint32_t i = 0; i < s->count; i++)
		sizes[i] = (struct ranked) { .first = (double)s->costs[i].bytes, .id = i };
	rank_rising(sizes, s->count);
	for (uint32_t i = 0; i < s->count; i++) {
		sum += s->costs[sizes[i].id].bytes;
		if (sum > budget / 1000)
			return s->costs[sizes[i].id].bytes;
	}
	return 0;
}

static int
compare_parcel(const struct parcel *x, const struct parcel *y)
{
	const int64_t u[] = { x->from, x->to, x->ready, x->out * 16 + x->in * 8 + x->initial * 4 + x->last * 2 + x->drops, x->grade };
	const int64_t v[] = { y->from, y->to, y->ready, y->out * 16 + y->in * 8 + y->initial * 4 + y->last * 2 + y->drops, y->grade };

	for (size_t i = 0; i < sizeof(u) / sizeof(*u); i++)
		if (u[i] != v[i])
			return u[i] < v[i] ? -1 : 1;
	return 0;
}

/* 0: they are merged. */
static int
compare_looks(const struct parcel_unit *x, const struct parcel_unit *y)
{
	const int64_t u[] = { x->persistent, x->count, x->read_first, x->written, x->first_use, x->last_write };
	const int64_t v[] = { y->persistent, y->count, y->read_first, y->written, y->first_use, y->last_write };
	int order = 0;

	for (size_t i = 0; i < sizeof(u) / sizeof(*u); i++)
		if (u[i] != v[i])
			return u[i] < v[i] ? -1 : 1;
	for (uint32_t i = 0; i < x->count && order == 0; i++)
		order = compare_parcel(&x->parcels[i], &y->parcels[i]);
	return order;
}

static int
compare_units(const void *p, const void *q)
{
	const struct parcel_unit *x = p, *y = q;
	int order = compare_looks(x, y);

	if (order == 0)		/* sums of rounded numbers do not depend on the order of equal ones */
		order = x->mb < y->mb ? -1 : x->mb > y->mb;
	return order;
}

/* Takes the bytes off the excess: they are away at no cost. */
static void
give_away(struct parcels *f, const struct idle_cost *x)
{
	for (uint32_t j = moment_after(f, x->idle.from); j < moment_after(f, x->idle.to); j++)
		f->excess[j] = fmax(0, f->excess[j] - (double)x->bytes / PARCELS_MB);
}

static bool
crosses_excess(const struct parcels *f, const struct parcel *q)
{
	for (uint32_t j = q->from; j < q->to; j++)
		if (f->excess[j] > 0)
			return true;
	return false;
}

/* Of the parcels of one tensor whose copies out may begin at one time, one host copy may serve all: asks it of the longest only. */
static void
share_copies(const struct parcel_unit *u, const uint32_t *ready)
{
	for (uint32_t i = 0; i < u->count; ) {
		uint32_t best = i, j;

		for (j = i; j < u->count && ready[j] == ready[i]; j++)
			if (u->parcels[j].to - u->parcels[j].from > u->parcels[best].to - u->parcels[best].from)
				best = j;
		for (uint32_t k = i; k < j; k++)
			u->parcels[k].out &= k == best;
		i = j;
	}
}

/* Fills u from the costs first .. end - 1, which are of one tensor.  u->parcels and ready have room for them. */
static void
make_unit(const struct parcels *f, struct parcel_unit *u, const struct lifetimes *l, uint32_t first, uint32_t end, const double *us, uint32_t *ready)
{
	const struct idle_cost *c = &f->costs->costs[first];
	uint32_t t = c->idle.tensor, op = l->use_op[l->use_start[t]];
	const struct graph *g = f->costs->graph;

	u->count = 0;
	u->mb = (double)c->bytes / PARCELS_MB;
	u->persistent = kind_is_persistent(g->tensors[t].kind);
	u->read_first = op_reads(&g->ops[op], t);
	u->first_use = moment_after(f, op);
	u->written = false;
	u->last_write = 0;
	for (uint32_t i = l->use_start[t]; i < l->use_start[t + 1]; i++)
		if (op_writes(&g->ops[l->use_op[i]], t)) {
			u->written = true;
			u->last_write = moment_after(f, l->use_op[i] + 1);
		}
	for (uint32_t i = first; i < end; i++) {
		const struct idle_cost *x = &f->costs->costs[i];
		struct parcel *q = &u->parcels[u->count];

		*q = (struct parcel) { .from = moment_after(f, x->idle.from), .to = moment_after(f, x->idle.to), .ready = moment_after(f, x->ready),
		    .out = x->out, .in = x->in, .initial = x->initial, .last = x->last, .drops = x->run_count > 0,
		    .ms_per_mb = us[i] / PARCELS_MS / u->mb };
		q->grade = q->ms_per_mb > 0 ? (int32_t)floor(OCTAVE * log2(q->ms_per_mb)) : INT32_MIN;
		if (crosses_excess(f, q))
			ready[u->count++] = x->ready;
	}
	share_copies(u, ready);
}

/* Merges equal units: their bytes are added up, and reruns take the least time. */
static void
merge(struct parcels *f)
{
	uint32_t kept = 0;

	qsort(f->units, f->unit_count, sizeof(*f->units), compare_units);
	for (uint32_t i = 0; i < f->unit_count; i++) {
		const struct parcel_unit *u = &f->units[i];
		struct parcel_unit *last = &f->units[kept > 0 ? kept - 1 : 0];

		if (kept == 0 || compare_looks(last, u) != 0) {
			f->units[kept++] = *u;
			continue;
		}
		last->mb += u->mb;
		for (uint32_t k = 0; k < u->count; k++)
			last->parcels[k].ms_per_mb = fmin(last->parcels[k].ms_per_mb, u->parcels[k].ms_per_mb);
	}
	f->unit_count = kept;
	for (uint32_t i = 0; i < kept; i++)
		for (uint32_t k = 0; k < f->units[i].count; k++) {
			f->mb += f->units[i].mb;
			f->rerun_ms += f->units[i].mb * f->units[i].parcels[k].ms_per_mb;
		}
}

/* Fills units, and takes the bytes that are away at no cost off the excess: those of the smallest tensors. */
static void
make_units(struct parcels *f, const struct lifetimes *l, bytes_t budget, struct arena *a)
{
	const struct idle_costs *s = f->costs;
	struct parcel *room = ARENA_NEW(a, struct parcel, s->count);
	uint32_t *ready = ARENA_NEW(a, uint32_t, s->count);
	double *us = least_costs(s, a);
	bytes_t least = smallest(s, budget, a);

	f->units = ARENA_NEW(a, struct parcel_unit, s->count);
	for (uint32_t i = 0; i < s->count; i++)
		if (s->costs[i].bytes < least)
			give_away(f, &s->costs[i]);
	for (uint32_t i = 0, end; i < s->count; i = end) {
		struct parcel_unit all = { .parcels = room };

		for (end = i; end < s->count && s->costs[end].idle.tensor == s->costs[i].idle.tensor; end++)
			;
		if (s->costs[i].bytes < least)
			continue;
		make_unit(f, &all, l, i, end, us, ready);
		room += all.count;
		/* A tensor that begins and ends its life within the step has nothing that its parcels share. */
		for (uint32_t k = 0; !all.persistent && k < all.count; k++)
			f->units[f->unit_count++] = (struct parcel_unit) { .parcels = all.parcels + k, .count = 1, .mb = all.mb };
		if (all.persistent && all.count > 0)
			f->units[f->unit_count++] = all;
	}
	merge(f);
}

void
parcels_init(struct parcels *p, const struct idle_costs *s, const struct lifetimes *l, bytes_t budget, uint32_t moments,
    struct arena *a)
{
	*p = (struct parcels) { .costs = s };
	choose_moments(p, moments, a);
	add_ends(p, budget, a);
	make_units(p, l, budget, a);
}

/* At the largest excess, and at moments that stand evenly among those with an excess. */
void
parcels_split(struct parcels *f, uint32_t wanted, struct arena *a)
{
	uint32_t top = 0, over = 0, seen = 0;

	f->split = ARENA_NEW(a, uint32_t, (size_t)f->moment_count + 1);
	for (uint32_t j = 0; j < f->moment_count; j++) {
		over += f->excess[j] > 0;
		if (f->excess[j] > f->excess[top])
			top = j;
	}
	for (uint32_t j = 0; j < f->moment_count; j++) {
		if (f->excess[j] <= 0)
			continue;
		if (j == top || (uint64_t)seen * wanted / over != (uint64_t)(seen + 1) * wanted / over)
			f->split[f->split_count++] = j;
		seen++;
	}
}
