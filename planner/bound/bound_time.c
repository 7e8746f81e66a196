/* SPDX-License-Identifier: Apache-2.0 */
/* bound_time.c - a bound on the step time from one op's excess, without a solver
 *
 * Let c_j be the least times of the ops, S_k = sum of c_j over j < k, M the budget, need_k the bytes at op k if
 * nothing were away (idle_costs.h), Bo and Bi the best rates of the link.  At the start of op k at least
 * E = need_k - M bytes of tensors are away whose x covers k.  Each such byte is
 *
 *   moved (y): its copy out had ended by then, and its fetch is still to come; or
 *   dropped (z = E - y): the ops that make it run again after the start of k, for the compute queue is busy with k.
 *
 * Copies out.  A byte whose copy may begin when `ready` ops have ended is copied between then and the start of k.  For any
 * r the bytes with ready >= r take (their sum) / Bo after op r - 1 has ended, which is no earlier than S_r.  So with
 *     VL = min over r of (bytes with ready < r) + Bo (S_k - S_r),
 * the bytes that cost nothing, op k starts at S_k + max(0, y - VL) / Bo or later.
 * Fetches.  In the same way, with deadlines `to`: VR = min over r of (bytes with to > r) + Bi (S_r - S_k+1), and compute
 * idles for at least max(0, y - VR) / Bi less what it spends on reruns after k.  That is counted from the end of k: until then k's own
 * tensors and workspace are there, so the E bytes have no memory to be fetched into.  (What is away at the end may be others than at the
 * start, one fetched during k into the place of another that has left meanwhile.  But what is dropped at the start is at the
 * end, too, for nothing runs during k; so if y bytes of E were moved then, moving y is the best for the end, too.)
 * Reruns.  Dropping z bytes takes at least C(z), the fractional knapsack: cheapest microseconds a byte first.  A run that makes
 * several tensors is charged once: its time is split over their bytes, which is never more than the time
 * that any choice of them really takes.
 *
 * Reruns may well fill the time in which compute would have waited for fetches, so the two are not added:
 *
 *     step >= S_n + min over y of [ max(0, y - VL) / Bo + max(C(E - y), max(0, y - VR) / Bi) ]      for every k.
 *
 * (The sum of both stalls and C is no bound: a plan that recomputes while it fetches is faster.)  Given the
 * time `after`, the right term says how much can be dropped and fetched, and the rest how long copies out must
 * have taken; the sum is convex in `after`, so its least value is found by bisection.
 *
 * Persistent tensors at home on the host have a copy there: no copy out before op k, but one after their last
 * write if the step writes them (or else, at home on the device, one before k).  Tensors move in parts, transfers have
 * no latency, copies do not slow compute, all reruns' own inputs are at hand, and their outputs take no room: each
 * makes the bound lower, never higher.
 *
 * Any set of ops k gives a bound.  Local maxima of need above the budget are tried: the largest of each of SLICES
 * stretches of the step, O(SLICES G log G) in all.
 */
#include <config.h>
#include "planner/bound/bound_time.h"

#include <math.h>
#include <stdlib.h>

#include "planner/bound/idle_costs.h"
#include "planner/bound/bounds.h"
#include "planner/bound/link_rates.h"

enum { SLICES = 48, HALVINGS = 80 };

/* What an absence that covers op k may bring, by cost. */
struct item { double bytes, us_per_byte; uint32_t id; };

struct search {
	const struct idle_costs *s;
	struct link_rates rates;
	double budget;
	uint32_t *by_ready, *by_end, *by_written;	/* [count] x ids: rising, falling, rising */
	double *run_bytes;		/* [op_count] bytes that each op's rerun brings at k */
	struct item *items;		/* [count] */
	/* At op k: */
	uint32_t k, item_count;
	double excess;
	double free;			/* away at no cost */
	double ends;			/* copied out, never fetched */
	double home_late, home;		/* on the host from the beginning; late: written later on */
	double both;			/* copied out and fetched */
	double left, right, late;	/* VL, VR, and the same for copies out after the last write */
};

static bool
covers(const struct idle_cost *c, uint32_t k)
{
	return c->idle.from <= k && k < c->idle.to;
}

/* Gap ids by one of their fields: a counting sort, stable. */
static uint32_t *
sort_costs(const struct idle_costs *s, size_t field, struct arena *a)
{
	uint32_t n = s->graph->op_count, *order = ARENA_NEW(a, uint32_t, s->count);
	uint32_t *start = ARENA_NEW(a, uint32_t, (size_t)n + 2);

#define KEY(i) (*(const uint32_t *)((const char *)&s->costs[i] + field))
	for (uint32_t i = 0; i < s->count; i++)
		start[KEY(i) + 1]++;
	for (uint32_t k = 0; k <= n; k++)
		start[k + 1] += start[k];
	for (uint32_t i = 0; i < s->count; i++)
		order[start[KEY(i)]++] = i;
#undef KEY
	return order;
}

/* Sort what covers k into classes, and find VL, VR. */
static void
find_room(struct search *x)
{
	const struct idle_costs *s = x->s;
	double k_us = s->start_us[x->k], k_end_us = s->start_us[x->k + 1], end_us = s->start_us[s->graph->op_count], sum = 0;

	x->free = x->ends = x->home = x->home_late = x->both = 0;
	x->left = x->right = x->late = INFINITY;
	for (uint32_t i = 0; i < s->count; i++) {
		const struct idle_cost *c = &s->costs[x->by_ready[i]];
		double bytes = (double)c->bytes;

		if (!covers(c, x->k))
			continue;
		*(c->out ? c->in ? &x->both : &x->ends : !c->in ? &x->free : c->written > 0 ? &x->home_late : &x->home) += bytes;
		if (!c->out && c->written == 0)
			continue;
		x->left = fmin(x->left, sum + x->rates.way[D2H] * (k_us - s->start_us[c->ready]));
		sum += bytes;
	}
	x->left = fmin(x->left, sum);
	sum = 0;
	for (uint32_t i = s->count; i-- > 0;) {
		const struct idle_cost *c = &s->costs[x->by_end[i]];

		if (!covers(c, x->k) || !c->in)
			continue;
		x->right = fmin(x->right, sum + x->rates.way[H2D] * (s->start_us[c->idle.to] - k_end_us));
		sum += (double)c->bytes;
	}
	x->right = fmin(x->right, sum);
	sum = 0;
	for (uint32_t i = 0; i < s->count; i++) {
		const struct idle_cost *c = &s->costs[x->by_written[i]];

		if (!covers(c, x->k) || c->written == 0)
			continue;
		x->late = fmin(x->late, sum + x->rates.way[D2H] * (end_us - s->start_us[c->written]));
		sum += (double)c->bytes;
	}
	x->late = fmin(x->late, sum);
}

static int
cheaper_first(const void *p, const void *q)
{
	const struct item *i = p, *j = q;

	if (i->us_per_byte != j->us_per_byte)
		return i->us_per_byte < j->us_per_byte ? -1 : 1;
	return i->id < j->id ? -1 : i->id > j->id;
}

/* What may be dropped at k, cheapest first. */
static void
find_items(struct search *x)
{
	const struct idle_costs *s = x->s;

	x->item_count = 0;
	for (uint32_t i = 0; i < s->count; i++)
		if (covers(&s->costs[i], x->k))
			for (uint32_t r = 0; r < s->costs[i].run_count; r++)
				x->run_bytes[s->runs[s->costs[i].run_start + r]] = 0;
	for (uint32_t i = 0; i < s->count; i++)
		if (covers(&s->costs[i], x->k))
			for (uint32_t r = 0; r < s->costs[i].run_count; r++)
				x->run_bytes[s->runs[s->costs[i].run_start + r]] += (double)s->costs[i].bytes;
	for (uint32_t i = 0; i < s->count; i++) {
		struct item *to = &x->items[x->item_count];

		if (!covers(&s->costs[i], x->k) || s->costs[i].run_count == 0)
			continue;
		*to = (struct item) { .bytes = (double)s->costs[i].bytes, .id = i };
		for (uint32_t r = 0; r < s->costs[i].run_count; r++) {
			uint32_t op = s->runs[s->costs[i].run_start + r];

			to->us_per_byte += s->time_us[op] / x->run_bytes[op];
		}
		x->item_count++;
	}
	qsort(x->items, x->item_count, sizeof(*x->items), cheaper_first);
}

/* How many bytes can be dropped in so much time. */
static double
dropped_in(const struct search *x, double us)
{
	double bytes = 0;

	for (uint32_t i = 0; i < x->item_count; i++) {
		const struct item *it = &x->items[i];
		double cost = it->bytes * it->us_per_byte;

		if (cost > us)
			return bytes + us / it->us_per_byte;
		us -= cost;
		bytes += it->bytes;
	}
	return bytes;
}

/* The time before the start of k that must be waited when so much is spent after it; infinite when
 * no time before helps. */
static double
before(const struct search *x, double after)
{
	double rest = x->excess - x->free - dropped_in(x, after);
	double room = x->right + x->rates.way[H2D] * after, late = x->late + x->rates.way[D2H] * after;
	double home, home_late;

	/* First what needs no copy out before k, then what needs one and a fetch, or one and no fetch. */
	home = fmax(0, fmin(fmin(x->home, room), rest));
	rest -= home;
	room -= home;
	home_late = fmax(0, fmin(fmin(fmin(x->home_late, late), room), rest));
	rest -= home_late;
	room -= home_late;
	if (rest <= 0)
		return 0;
	if (rest > x->ends + fmin(x->both + x->home_late - home_late, room))
		return INFINITY;
	return fmax(0, (rest - x->left) / x->rates.way[D2H]);
}

/* The least of after + before(after). */
static double
least_time(const struct search *x, double *best_after)
{
	double low = 0, high = (x->excess + x->right) / x->rates.way[H2D], best = before(x, 0);

	*best_after = 0;
	for (uint32_t i = 0; i < x->item_count; i++)
		high += x->items[i].bytes * x->items[i].us_per_byte;
	for (int i = 0; i < 2 * HALVINGS; i++) {
		double p = low + (high - low) / 3, q = high - (high - low) / 3;
		double at_p = p + before(x, p), at_q = q + before(x, q);

		if (at_p < best) {
			best = at_p;
			*best_after = p;
		}
		if (at_q < best) {
			best = at_q;
			*best_after = q;
		}
		if (at_p <= at_q && !isinf(at_p))
			high = q;
		else
			low = p;
	}
	return best;
}

static void
try_op(struct time_bound *b, struct search *x, uint32_t k)
{
	double stall, after;

	x->k = k;
	x->excess = (double)x->s->need[k] - x->budget;
	find_room(x);
	find_items(x);
	stall = least_time(x, &after);
	if (isinf(stall) || b->ideal_us + stall <= b->us)
		return;		/* infinite: no plan at all; that is for the bytes bound to say */
	*b = (struct time_bound) { .us = b->ideal_us + stall, .ideal_us = b->ideal_us, .op = k,
	    .excess_bytes = (bytes_t)x->excess, .before_us = stall - after, .after_us = after,
	    .recomputed_bytes = (bytes_t)fmin(dropped_in(x, after), x->excess) };
}

static void
search_init(struct search *x, const struct idle_costs *s, const struct device *d, bytes_t budget, struct arena *a)
{
	*x = (struct search) { .s = s, .budget = (double)budget };
	link_rates_init(&x->rates, d);
	x->by_ready = sort_costs(s, offsetof(struct idle_cost, ready), a);
	x->by_end = sort_costs(s, offsetof(struct idle_cost, idle.to), a);
	x->by_written = sort_costs(s, offsetof(struct idle_cost, written), a);
	x->run_bytes = ARENA_NEW(a, double, s->graph->op_count);
	x->items = ARENA_NEW(a, struct item, s->count);
}

void
bound_time(struct time_bound *b, const struct lifetimes *l, const struct device *d, bytes_t budget, struct arena *a)
{
	struct idle_costs s;
	struct search x;
	uint32_t n = l->graph->op_count, k = 0;

	idle_costs_init(&s, l, a);
	*b = (struct time_bound) { .us = s.start_us[n], .ideal_us = s.start_us[n], .op = n };
	search_init(&x, &s, d, budget, a);
	for (uint32_t slice = 0; slice < SLICES; slice++) {
		uint32_t end = (uint32_t)((uint64_t)n * (slice + 1) / SLICES), best = n;

		for (; k < end; k++)
			if (s.need[k] > budget && (best == n || s.need[k] > s.need[best]))
				best = k;
		if (best != n)
			try_op(b, &x, best);
	}
	/* Sums of rounded numbers, and a minimum met from above. */
	b->us *= 1 - 1e-9;
}

double
bound_time_us(const struct lifetimes *l, const struct device *d, bytes_t budget, struct arena *a)
{
	struct time_bound b;

	bound_time(&b, l, d, budget, a);
	return b.us;
}
