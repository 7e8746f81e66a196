/* SPDX-License-Identifier: Apache-2.0 */
/* policy_capuchin.c - Capuchin (Peng et al., ASPLOS 2020)
 *
 * Candidates are tensors with two uses around a moment that is over the budget.  A swap's free time FT is the latest start of
 * its fetch minus the end of its copy out.  FT counts the other copies on the link, too.
 *
 *  - While FT >= 0, the swap with the largest FT is taken: it hides behind compute.
 *  - Then the swap with the least exposed time, or the recomputation that saves the most bytes a second, is taken, whichever costs less for
 *    a byte.  Each pick changes where other rerun closures start, so a recomputation's cost is computed again before it is taken.
 *  - The fetch begins as late as is safe; if the link is busy then, earlier.
 *
 * The choice does not count the room of rematerialised maps.  If the schedule is over the budget, the choice is made again for a
 * budget that is smaller by the excess.  Three modes are tried in turn: rematerialised maps stay until their next use (collective
 * recomputation), they go at once, or there are swaps alone.
 */
#include <config.h>
#include "planner/policy/policy.h"

#include <math.h>

#include "planner/policy/score_heap.h"
#include "planner/schedule/occupancy.h"
#include "planner/schedule/rerun.h"
#include "src/base/rank.h"

enum { RERUN_LIMIT = 64, ROUNDS = 12 };

/* Tried one after the other. */
enum mode { COLLECTIVE, LEAN, SWAPS_ONLY, MODES };

struct capuchin {
	const struct problem *problem;
	struct occupancy live;
	struct decisions d;
	struct versions versions;
	struct rerun rerun;
	struct timed_interval *intervals;
	struct ranked *all;		/* [count] intervals by FT, the free time in us if alone on the link */
	struct scored *heap;		/* [heap_count] intervals by their last known cost of recomputing, as -us a byte */
	uint32_t count, heap_count, next_swap;
	uint32_t *swaps, swap_count;
	double out_us, in_us;		/* link time taken so far */
};

static bool
is_over(const struct capuchin *c, const struct timed_interval *j)
{
	return occupancy_most(&c->live, j->idle.from, j->idle.to) > (int64_t)c->problem->budget_bytes;
}

static bool
is_taken(const struct capuchin *c, const struct timed_interval *j)
{
	return c->d.fate[j->idle.slot] != FATE_KEEP;
}

static void
find_candidates(struct capuchin *c, struct arena *a)
{
	uint32_t count;

	c->intervals = occupancy_intervals(&c->live, INTERVALS_BETWEEN_USES, &count, a);
	c->all = ARENA_NEW(a, struct ranked, count);
	c->heap = ARENA_NEW(a, struct scored, count);
	c->swaps = ARENA_NEW(a, uint32_t, count);
	for (uint32_t i = 0; i < count; i++) {
		const struct timed_interval *j = &c->intervals[i];

		if (is_over(c, j))
			c->all[c->count++] = (struct ranked) { .id = i,
			    .first = c->live.start_us[j->idle.to] - j->in_us - c->live.start_us[j->idle.from] - j->out_us };
	}
	rank_falling(c->all, c->count);
}

/* Returns FT, the other copies of the link included. */
static double
free_time(const struct capuchin *c, const struct ranked *x)
{
	const struct timed_interval *j = &c->intervals[x->id];
	double whole = c->live.start_us[c->problem->graph->op_count];
	double late = fmax(c->out_us + j->out_us, c->in_us + j->in_us) - whole / 2;

	return fmin(x->first, -late);
}

static void
take(struct capuchin *c, uint32_t interval, enum fate fate)
{
	const struct timed_interval *j = &c->intervals[interval];

	c->d.fate[j->idle.slot] = (uint8_t)fate;
	occupancy_add(&c->live, j->idle.from, j->idle.to, -(int64_t)j->bytes);
	if (fate == FATE_OFFLOAD) {
		c->swaps[c->swap_count++] = interval;
		c->out_us += j->out_us;
		c->in_us += j->in_us;
	}
}

/* Returns the next swap that frees bytes at an op over the budget; NULL: none. */
static const struct ranked *
best_swap(struct capuchin *c)
{
	for (; c->next_swap < c->count; c->next_swap++) {
		const struct timed_interval *j = &c->intervals[c->all[c->next_swap].id];

		if (!is_taken(c, j) && is_over(c, j))
			return &c->all[c->next_swap];
	}
	return NULL;
}

/* Cost of making a tensor again just before op k, under the decisions so far. */
struct rerun_cost { const struct capuchin *c; uint32_t k; double us; };

/* True: tensor t is on the device or the host just before op k. */
static bool
is_present(void *arg, uint32_t t, uint32_t v)
{
	const struct rerun_cost *x = arg;
	const struct decisions *d = &x->c->d;
	uint32_t next = lifetimes_use_from(d->life, t, x->k);

	(void)v;
	return kind_is_persistent(d->life->graph->tensors[t].kind) ||
	    (next > d->life->use_start[t] && d->fate[next - 1] != FATE_DROP);
}

static enum rerun_step
add_time(void *arg, uint32_t op)
{
	struct rerun_cost *x = arg;

	x->us += x->c->problem->graph->ops[op].time_us;
	return RERUN_ENTER;
}

/* Returns the microseconds to make tensor t again just before op k; INFINITY: that is impossible, or takes more than RERUN_LIMIT ops. */
static double
rerun_us(struct capuchin *c, uint32_t t, uint32_t k)
{
	struct rerun_cost x = { .c = c, .k = k };
	uint32_t v = versions_before(&c->versions, t, k);

	rerun_begin(&c->rerun);
	if (v == 0 || !rerun_want(&c->rerun, t, v) || rerun_close(&c->rerun, k, is_present, add_time, &x) != RERUN_POSSIBLE)
		return INFINITY;
	return x.us;
}

/* Returns the recomputation that saves most bytes a second, which stays on the heap; NULL: none. */
static const struct scored *
best_recompute(struct capuchin *c)
{
	while (c->heap_count > 0) {
		struct scored *x = &c->heap[0];
		const struct timed_interval *j = &c->intervals[x->id];
		double us = is_taken(c, j) || !is_over(c, j) ? INFINITY : rerun_us(c, j->idle.tensor, j->idle.to), before = x->score;

		x->score = -us / (double)j->bytes;
		if (x->score >= before && !isinf(us))
			return x;
		if (isinf(us))
			*x = c->heap[--c->heap_count];
		score_heap_sink(c->heap, c->heap_count);
	}
	return NULL;
}

static void
choose(struct capuchin *c)
{
	const struct graph *g = c->problem->graph;
	const struct ranked *swap;
	const struct scored *again;
	bool run;

	while ((swap = best_swap(c)) != NULL && free_time(c, swap) >= 0)
		take(c, swap->id, FATE_OFFLOAD);
	for (uint32_t i = 0; i < c->count; i++) {
		const struct timed_interval *x = &c->intervals[c->all[i].id];
		double us;

		if (is_taken(c, x) || g->ops[x->idle.from - 1].phase != PHASE_FORWARD || g->ops[x->idle.to].phase == PHASE_FORWARD)
			continue;
		us = rerun_us(c, x->idle.tensor, x->idle.to);
		if (!isinf(us))
			c->heap[c->heap_count++] = (struct scored) { -us / (double)x->bytes, c->all[i].id };
	}
	score_heap_init(c->heap, c->heap_count);
	while (occupancy_most(&c->live, 0, g->op_count) > (int64_t)c->problem->budget_bytes) {
		swap = best_swap(c);
		again = best_recompute(c);
		if (swap == NULL && again == NULL)
			return;
		run = swap == NULL || (again != NULL &&
		    -again->score <= -free_time(c, swap) / (double)c->intervals[swap->id].bytes);
		take(c, run ? again->id : swap->id, run ? FATE_DROP : FATE_OFFLOAD);
	}
}

/* Makes one choice and its schedule, for the budget of problem p. */
static int
attempt(struct schedule *s, const struct problem *p, enum mode mode, struct arena *a, struct err *e)
{
	struct capuchin c = { .problem = p };

	occupancy_init(&c.live, p, a);
	decisions_init(&c.d, p->life, a);
	c.d.keep_recomputed = mode != LEAN;
	versions_init(&c.versions, p->graph, a);
	rerun_init(&c.rerun, p->graph, &c.versions, mode == SWAPS_ONLY ? 0 : RERUN_LIMIT, a);
	find_candidates(&c, a);
	choose(&c);
	occupancy_times(&c.live, &c.d, c.intervals, c.swaps, c.swap_count, false, a);
	return decisions_schedule(s, &c.d, a, e);
}

int
policy_capuchin(struct schedule *s, const struct problem *p, struct arena *a, struct err *e)
{
	bytes_t reached, least = UINT64_MAX;
	char peak[32], budget[32], excess[32];

	for (int mode = 0; mode < MODES; mode++) {
		struct problem less = *p;

		for (int round = 0; round < ROUNDS; round++) {
			if (attempt(s, &less, (enum mode)mode, a, e) < 0)
				return -1;
			reached = occupancy_peak(s, p->graph, NULL, a);
			if (reached <= p->budget_bytes)
				return 0;
			least = reached < least ? reached : least;
			if (!problem_tighten(&less, reached - p->budget_bytes, 1))
				break;
		}
	}
	err_set(e, ERR_NO, "swapping and recomputing come down to a peak of %s, %s over the budget of %s",
	    units_size(peak, least), units_size(excess, least - p->budget_bytes), units_size(budget, p->budget_bytes));
	return graph_set_reason(e, p->graph, ERR_NO_OP, least - p->budget_bytes);
}
