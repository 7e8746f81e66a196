/* SPDX-License-Identifier: Apache-2.0 */
/* bound_time.c - a bound on the step time from one op's excess, without a solver
 *
 * Let c_j be the least times of the ops, S_k = sum of c_j over j < k, M the budget, and Bo and Bi the best rates of the link.  need_k
 * is the bytes at op k if no tensor is away (idle_costs.h).  At the start of op k at least E = need_k - M bytes are away, of
 * tensors with an idle interval that covers k.  Each such byte is
 *
 *   moved (y): its copy out had ended by then, and its fetch is still to come; or
 *   dropped (z = E - y): the ops that make it run again after the start of k, for the compute queue is busy with k.
 *
 * Copies out.  A byte whose copy may begin when `ready` ops have ended is copied between then and the start of k.  For any
 * r the bytes with ready >= r take (their sum) / Bo after op r - 1 has ended, which is no earlier than S_r.  So with
 *     VL = min over r of (bytes with ready < r) + Bo (S_k - S_r),
 * the bytes that cost nothing, op k starts at S_k + max(0, y - VL) / Bo or later.
 *
 * Fetches.  In the same way, with deadlines `to`: VR = min over r of (bytes with to > r) + Bi (S_r - S_k).  Compute idles for at
 * least max(0, y - VR) / Bi less the time of reruns after k.
 *
 * During k a fetched byte may take the place of one that leaves, so that other bytes are away at the end of k.  At least E bytes are,
 * because k's own tensors and workspace are there until then.  Dropped bytes stay the same or grow, because compute is busy with k.
 * So the fetches of y bytes begin after the end of k: VR may count from S_k+1, but then those that need no copy out before k and
 * those that need no fetch after it are taken apart.  Both forms are bounds (`exchange`).
 *
 * Reruns.  Dropping z bytes takes at least C(z), the fractional knapsack: least microseconds a byte first.  A run that makes
 * several tensors is charged once.  Its time is split over their bytes, which is never more than the time that any choice of
 * them really takes.
 *
 * Reruns may fill the time in which compute would wait for fetches, so the two are not added:
 *
 *     step >= S_n + min over y of [ max(0, y - VL) / Bo + max(C(E - y), max(0, y - VR) / Bi) ]      for every k.
 *
 * (The sum of both stalls and C is no bound: a plan that recomputes while it fetches is faster.)  For a given time `after`, the right
 * term says how many bytes can be dropped and fetched.  The rest says how long copies out must have taken.  The sum is convex in
 * `after`, so that trisection finds its least value.
 *
 * Persistent tensors at home on the host have a copy there.  They need no copy out before op k, but one after their last write if the
 * step writes them (or else, at home on the device, one before k).
 *
 * Simplifications, each of which makes the bound lower, never higher: tensors move in parts; transfers have no latency; copies do not
 * slow compute; all inputs of reruns are at hand; their outputs take no room.
 *
 * Any set of ops k gives a bound.  Local maxima of need above the budget are tried: the largest of each of SLICES stretches of the
 * step, O(SLICES G log G) in all for G idle intervals.
 */
#include <config.h>
#include "planner/bound/bound_time.h"

#include <math.h>

#include "planner/bound/idle_costs.h"
#include "planner/bound/bounds.h"
#include "planner/bound/link_rates.h"
#include "src/base/rank.h"

enum { SLICES = 48, HALVINGS = 80 };

/* The state of the search for the worst moment. */
struct moment {
	const struct idle_costs *s;
	struct link_rates rates;
	double budget;
	uint32_t *by_ready, *by_end, *by_written;	/* [count] ids of costs by that field, rising */
	double *run_bytes;		/* [op_count] bytes that are away at k and that each op's rerun makes */
	struct ranked *items;		/* [item_count] ids of costs by the time to drop a byte */
	/* At op k, bytes of the idle intervals that cover it: */
	uint32_t k, item_count;
	double excess;
	double free;			/* away at no cost */
	double ends;			/* copied out and never fetched */
	double home;			/* on the host from the beginning */
	double home_late;		/* on the host from the beginning, and written later */
	double both;			/* copied out and fetched */
	double left, late;		/* VL, and the same for copies out after the last write */
	double right[2];		/* VR from the start of k, and from its end, for `exchange` */
};

static bool
covers(const struct idle_cost *c, uint32_t k)
{
	return c->idle.from <= k && k < c->idle.to;
}

/* Returns the ids of the costs by one of their fields. */
static uint32_t *
sort_costs(const struct idle_costs *s, size_t field, struct arena *a)
{
	uint32_t *key = ARENA_NEW(a, uint32_t, s->count);

	for (uint32_t i = 0; i < s->count; i++)
		key[i] = *(const uint32_t *)((const char *)&s->costs[i] + field);
	return rank_by_key(key, s->count, s->graph->op_count + 1, NULL, a);
}

/* Sums up the bytes that cover k by class, and finds VL and VR. */
static void
find_room(struct moment *x)
{
	const struct idle_costs *s = x->s;
	double k_us = s->start_us[x->k], k_end_us = s->start_us[x->k + 1], end_us = s->start_us[s->graph->op_count], sum = 0;

	x->free = x->ends = x->home = x->home_late = x->both = 0;
	x->left = x->right[0] = x->right[1] = x->late = INFINITY;
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
		x->right[0] = fmin(x->right[0], sum + x->rates.way[H2D] * (s->start_us[c->idle.to] - k_us));
		x->right[1] = fmin(x->right[1], sum + x->rates.way[H2D] * (s->start_us[c->idle.to] - k_end_us));
		sum += (double)c->bytes;
	}
	x->right[0] = fmin(x->right[0], sum);
	x->right[1] = fmin(x->right[1], sum);
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

/* Fills items with the idle intervals that may be dropped at k, cheapest first. */
static void
find_items(struct moment *x)
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
		struct ranked *to = &x->items[x->item_count];

		if (!covers(&s->costs[i], x->k) || s->costs[i].run_count == 0)
			continue;
		*to = (struct ranked) { .id = i };
		for (uint32_t r = 0; r < s->costs[i].run_count; r++) {
			uint32_t op = s->runs[s->costs[i].run_start + r];

			to->first += s->time_us[op] / x->run_bytes[op];
		}
		x->item_count++;
	}
	rank_rising(x->items, x->item_count);
}

/* The bytes that can be dropped in so much time. */
static double
dropped_in(const struct moment *x, double us)
{
	double bytes = 0;

	for (uint32_t i = 0; i < x->item_count; i++) {
		double size = (double)x->s->costs[x->items[i].id].bytes, cost = size * x->items[i].first;

		if (cost > us)
			return bytes + us / x->items[i].first;
		us -= cost;
		bytes += size;
	}
	return bytes;
}

/* The least wait before the start of k if `after` us are spent after it; infinite if no wait helps.  exchange: other bytes may be away
 * at the end of k. */
static double
before(const struct moment *x, double after, bool exchange)
{
	double rest = x->excess - x->free - dropped_in(x, after);
	double room = x->right[exchange] + x->rates.way[H2D] * after, late = fmin(x->home_late, x->late + x->rates.way[D2H] * after);
	double home, home_late;

	if (exchange) {
		if (rest > x->ends + fmin(x->home + x->home_late + x->both, room))
			return INFINITY;
		return fmax(0, (rest - x->home - late - x->left) / x->rates.way[D2H]);
	}
	/* First the bytes that need no copy out before k, then those that need one, with a fetch or without. */
	home = fmax(0, fmin(fmin(x->home, room), rest));
	rest -= home;
	room -= home;
	home_late = fmax(0, fmin(fmin(late, room), rest));
	rest -= home_late;
	room -= home_late;
	if (rest <= 0)
		return 0;
	if (rest > x->ends + fmin(x->both + x->home_late - home_late, room))
		return INFINITY;
	return fmax(0, (rest - x->left) / x->rates.way[D2H]);
}

/* The least of after + before(after), by trisection. */
static double
least_time(const struct moment *x, bool exchange, double *best_after)
{
	double low = 0, high = (x->excess + x->right[exchange]) / x->rates.way[H2D], best = before(x, 0, exchange);

	*best_after = 0;
	for (uint32_t i = 0; i < x->item_count; i++)
		high += (double)x->s->costs[x->items[i].id].bytes * x->items[i].first;
	for (int i = 0; i < 2 * HALVINGS; i++) {
		double p = low + (high - low) / 3, q = high - (high - low) / 3;
		double at_p = p + before(x, p, exchange), at_q = q + before(x, q, exchange);

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

/* Raises bound b to that of op k, if that is higher. */
static void
try_op(struct time_bound *b, struct moment *x, uint32_t k)
{
	x->k = k;
	x->excess = (double)x->s->need[k] - x->budget;
	find_room(x);
	find_items(x);
	for (int exchange = 0; exchange < 2; exchange++) {
		double after, stall = least_time(x, exchange, &after);

		if (isinf(stall) || b->ideal_us + stall <= b->us)
			continue;	/* infinite: there is no plan, which the bound on bytes shows */
		*b = (struct time_bound) { .us = b->ideal_us + stall, .ideal_us = b->ideal_us, .op = k,
		    .excess_bytes = (bytes_t)x->excess, .before_us = stall - after, .after_us = after,
		    .recomputed_bytes = (bytes_t)fmin(dropped_in(x, after), x->excess) };
	}
}

static void
search_init(struct moment *x, const struct idle_costs *s, const struct device *d, bytes_t budget, struct arena *a)
{
	*x = (struct moment) { .s = s, .budget = (double)budget };
	link_rates_init(&x->rates, d);
	x->by_ready = sort_costs(s, offsetof(struct idle_cost, ready), a);
	x->by_end = sort_costs(s, offsetof(struct idle_cost, idle.to), a);
	x->by_written = sort_costs(s, offsetof(struct idle_cost, written), a);
	x->run_bytes = ARENA_NEW(a, double, s->graph->op_count);
	x->items = ARENA_NEW(a, struct ranked, s->count);
}

void
bound_time(struct time_bound *b, const struct lifetimes *l, const struct device *d, bytes_t budget, struct arena *a)
{
	struct idle_costs s;
	struct moment x;
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
	/* A margin for rounded sums, and for a minimum that is approached from above. */
	b->us *= 1 - 1e-9;
}

double
bound_time_us(const struct lifetimes *l, const struct device *d, bytes_t budget, struct arena *a)
{
	struct time_bound b;

	bound_time(&b, l, d, budget, a);
	return b.us;
}
