/* SPDX-License-Identifier: Apache-2.0 */
/* policy_hybrid.c - keep, offload or recompute, each tensor and gap by what it costs
 *
 * Three resources can make room: the link while it would stand idle (free, but it moves only so many bytes before and after the busiest
 * moment), recomputing (each byte costs the time of the ops that make it), and the link beyond that (compute waits).  So, for a
 * share of the link's capacity:
 *
 *  1. Offload.  Where memory is most over the budget, take the gaps that are dearest to recompute, as long as all their copies can be out
 *     by then and back in time (earliest deadline first is feasible iff, for every release time, the bytes
 *     released later fit between it and the deadline).
 *  2. Drop.  While memory is over the budget somewhere, drop the gap across that op that costs least for each byte it
 *     takes away there, counting only ops that do not run again already.  Where nothing can be dropped, offload
 *     although compute will wait.
 *  3. Repair.  Make the schedule, take its exact profile, tell the model where it is over (chains of
 *     reruns need room of their own), and go on with 2.
 *  4. Stretch.  Where memory has room, let copies end later and begin earlier.
 *
 * The ways to choose (shares of the link, orders) are rows of a table; each is simulated, in parallel, and the
 * fastest step wins.
 */
#include <config.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "planner/hybrid_model.h"
#include "planner/policy.h"
#include "planner/program.h"
#include "sim/simulate.h"

enum { REPAIRS = 40, TIGHTENINGS = 4, LOOK_AHEAD = 8, MOST_POLICIES = 24 };

/* In which order gaps are offered to the link. */
enum order { BY_SPAN_AND_COST, CUTS_FIRST, BY_SPAN, ORDERS };

/* One way to choose: a share of the link, an order, and whether chains are kept short by
 * cuts, tensors that are not dropped (one for each 1 / cuts of the peak; 0: none). */
struct way { double share; enum order order; int cuts; };

/* Every combination is a way; the most useful come first, for large graphs try only those. */
static const double shares[] = { 0, 0.8, 1, 0.5, 0.3, 0.65, 2, 0.9, 1.3, 4 };
static const int cuts[] = { 14, 0, 40 };
enum { SHARES = sizeof(shares) / sizeof(shares[0]), CUTS = sizeof(cuts) / sizeof(cuts[0]) };
enum { FEWEST_WAYS = 24, MOST_WAYS = 80 };	/* of CUTS + (SHARES - 1) * CUTS * ORDERS */

static struct way
way_at(int i)
{
	int rest = i - CUTS;

	if (i < CUTS)		/* nothing is offloaded: no order */
		return (struct way) { 0, BY_SPAN, cuts[i] };
	return (struct way) { shares[1 + rest / (CUTS * ORDERS)], (enum order)(rest % ORDERS), cuts[rest / ORDERS % CUTS] };
}

/* The state of one way. */
struct hybrid {
	const struct problem *p;
	struct way way;
	struct model model;
	struct gap **by_density;	/* [gap_count] cheapest to recompute first */
	struct gap **by_worth;		/* [gap_count] the order in which to offload */
	double us_per_byte[DIRECTION_COUNT];
	struct schedule schedule;
	struct arena *arena;
	struct err err;
};

static int
cheaper(const void *x, const void *y)
{
	const struct gap *p = *(struct gap *const *)x, *q = *(struct gap *const *)y;

	if (p->density != q->density)
		return p->density < q->density ? -1 : 1;
	return p < q ? -1 : p > q;
}

/* ---- link ---- */

static double
copy_us(const struct hybrid *h, const struct gap *j, enum direction dir)
{
	return device_transfer_us(h->p->device, dir, (bytes_t)j->bytes);
}

/* The first op that starts at or after time us. */
static uint32_t
op_at(const struct model *m, double us)
{
	uint32_t lo = 0, hi = m->graph->op_count;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (m->start_us[mid] < us)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* When the copies of the chosen gaps can have ended and must begin, one queue each way. */
static void
time_copies(struct hybrid *h, struct gap **chosen, uint32_t count, uint32_t *gone, uint32_t *back)
{
	const struct model *m = &h->model;
	uint32_t *by_b = ARENA_NEW(h->arena, uint32_t, count), *first = ARENA_NEW(h->arena, uint32_t, (size_t)m->graph->op_count + 2);
	double free_us = 0, due_us = INFINITY;

	for (uint32_t i = 0; i < count; i++) {	/* chosen is by a */
		double ready = m->start_us[chosen[i]->a + 1];

		free_us = (free_us > ready ? free_us : ready) + copy_us(h, chosen[i], D2H);
		gone[i] = op_at(m, free_us);
		if (gone[i] > chosen[i]->b)
			gone[i] = chosen[i]->b;
		first[chosen[i]->b + 1]++;
	}
	for (uint32_t k = 0; k <= m->graph->op_count; k++)
		first[k + 1] += first[k];
	for (uint32_t i = 0; i < count; i++)
		by_b[first[chosen[i]->b]++] = i;
	for (uint32_t i = count; i-- > 0;) {
		const struct gap *j = chosen[by_b[i]];
		double due = m->start_us[j->b] < due_us ? m->start_us[j->b] : due_us;
		uint32_t op;

		due_us = due - copy_us(h, j, H2D);
		op = op_at(m, due_us);
		op -= op > 0;
		back[by_b[i]] = op < gone[by_b[i]] ? gone[by_b[i]] : op > j->b ? j->b : op;
	}
}

static int
by_a(const void *x, const void *y)
{
	const struct gap *p = *(struct gap *const *)x, *q = *(struct gap *const *)y;

	return p < q ? -1 : p > q;	/* the gaps stand in order of a */
}

/* Step 1. */
static void
choose_offloads(struct hybrid *h)
{
	struct model *m = &h->model;
	uint32_t n = m->graph->op_count, k = range_tree_argmax(&m->over), count = 0, *gone, *back;
	int64_t need = range_tree_max(&m->over, k, k + 1);
	int64_t *room = ARENA_NEW(h->arena, int64_t, n);
	struct gap **chosen = ARENA_NEW(h->arena, struct gap *, m->gap_count);
	struct range_tree out, in;

	for (uint32_t i = 0; i < n; i++)
		room[i] = i < k ? -(int64_t)(h->way.share * (m->start_us[k] - m->start_us[i + 1]) / h->us_per_byte[D2H]) : 0;
	range_tree_init(&out, room, n, h->arena);
	for (uint32_t i = 0; i < n; i++)
		room[i] = i > k ? -(int64_t)(h->way.share * (m->start_us[i] - m->start_us[k + 1]) / h->us_per_byte[H2D]) : 0;
	range_tree_init(&in, room, n, h->arena);
	for (uint32_t i = 0; i < m->gap_count && need > 0; i++) {
		struct gap *j = h->by_worth[i];

		if (j->a >= k || j->b <= k ||
		    range_tree_max(&out, 0, j->a + 1) + j->bytes > 0 || range_tree_max(&in, j->b, n) + j->bytes > 0)
			continue;
		range_tree_add(&out, 0, j->a + 1, j->bytes);
		range_tree_add(&in, j->b, n, j->bytes);
		need -= j->bytes;
		chosen[count++] = j;
	}
	qsort(chosen, count, sizeof(*chosen), by_a);
	gone = ARENA_NEW(h->arena, uint32_t, count);
	back = ARENA_NEW(h->arena, uint32_t, count);
	time_copies(h, chosen, count, gone, back);
	for (uint32_t i = 0; i < count; i++)
		if (gone[i] < back[i])
			model_offload(m, chosen[i], gone[i], back[i]);
}

/* ---- drop ---- */

static bool
covers(const struct gap *j, uint32_t k)
{
	return j->fate == FATE_KEEP && j->a < k && k < j->b;
}

/* The gap across op k that costs least to drop for each byte that it takes away of `excess`. */
static struct gap *
cheapest_drop(struct hybrid *h, uint32_t k, int64_t excess)
{
	struct gap *best = NULL;
	double best_cost = INFINITY;
	int looked = 0;

	for (uint32_t i = 0; i < h->model.gap_count && looked < LOOK_AHEAD; i++) {
		struct gap *j = h->by_density[i];
		uint32_t needed = h->model.needed_at[j->tensor];
		struct drop_cost drop;
		int64_t gain;
		double cost;

		if (!covers(j, k) || (needed > j->a && needed <= k))
			continue;
		if (isinf(j->density))
			break;
		if (h->model.is_cut[j->tensor])
			continue;
		drop = model_drop_cost(&h->model, j);
		gain = (j->bytes < excess ? j->bytes : excess) - drop.damage;
		if (gain <= 0)
			continue;
		cost = drop.us / (double)gain;
		looked++;
		if (cost < best_cost) {
			best_cost = cost;
			best = j;
		}
	}
	return best;
}

/* The gap across op k that is best offloaded although the link has no time left: the one that takes most of
 * the excess away, as far as its copies find time on either side of k. */
static struct gap *
forced_offload(struct hybrid *h, uint32_t k, int64_t excess)
{
	const struct model *m = &h->model;
	struct gap *best = NULL;
	double best_gain = 0;

	for (uint32_t i = 0; i < m->gap_count && m->gaps[i].a < k; i++) {
		struct gap *j = &m->gaps[i];
		uint32_t needed = m->needed_at[j->tensor];
		double out, in, gain;

		if (!covers(j, k) || (needed > j->a && needed <= k))
			continue;
		out = (m->start_us[k] - m->start_us[j->a + 1]) / copy_us(h, j, D2H);
		in = (m->start_us[j->b] - m->start_us[k + 1]) / copy_us(h, j, H2D);
		gain = (double)(j->bytes < excess ? j->bytes : excess) * (0.01 + (out < 1 ? out : 1)) * (0.01 + (in < 1 ? in : 1));
		if (gain > best_gain) {
			best_gain = gain;
			best = j;
		}
	}
	return best;
}

/* Step 2: false when memory stays over the budget. */
static bool
cover(struct hybrid *h)
{
	struct model *m = &h->model;

	for (;;) {
		uint32_t k = range_tree_argmax(&m->over), gone, back;
		int64_t excess = range_tree_max(&m->over, k, k + 1);
		struct gap *j;

		if (excess <= 0)
			return true;
		j = cheapest_drop(h, k, excess);
		if (j != NULL) {
			model_drop(m, j);
			continue;
		}
		j = forced_offload(h, k, excess);
		if (j == NULL)
			return false;
		gone = op_at(m, m->start_us[j->a + 1] + copy_us(h, j, D2H));
		back = op_at(m, m->start_us[j->b] - copy_us(h, j, H2D));
		model_offload(m, j, gone < k ? gone : k, back > k ? (back < j->b ? back : j->b) : k + 1);
	}
}

/* ---- schedule ---- */

/* Tell the model at which ops the schedule, chains included, is over the budget. */
static bool
feed_back(struct hybrid *h, const struct schedule *s, const bytes_t *live, bytes_t budget)
{
	bytes_t most = 0;
	uint32_t next = 0;		/* op whose first run comes next; what stands before it is its chain */
	bool over = false;

	for (uint32_t k = 0; k < s->step_count; k++) {
		most = live[k] > most ? live[k] : most;
		if (s->steps[k].op != next)
			continue;
		if (most > budget) {
			model_overflow(&h->model, next, most - budget);
			over = true;
		}
		most = 0;
		next++;
	}
	return over;
}

/* Step 4: copies in may begin earlier, and copies out end later, where memory has room. */
static void
stretch(struct hybrid *h)
{
	struct model *m = &h->model;

	for (uint32_t i = 0; i < m->gap_count; i++) {
		struct gap *j = &m->gaps[i];

		if (j->fate != FATE_OFFLOAD)
			continue;
		for (double lead = 4; lead > 0.4 && j->back > j->gone; lead /= 2) {
			uint32_t to = op_at(m, m->start_us[j->back] - lead * copy_us(h, j, H2D));

			to = to < j->gone ? j->gone : to;
			if (to < j->back && range_tree_max(&m->over, to, j->back) + j->bytes <= 0) {
				range_tree_add(&m->over, to, j->back, j->bytes);
				j->back = to;
				break;
			}
		}
		for (double lag = 4; lag > 0.4 && j->gone < j->back; lag /= 2) {
			uint32_t to = op_at(m, m->start_us[j->gone] + lag * copy_us(h, j, D2H));

			to = to > j->back ? j->back : to;
			if (to > j->gone && range_tree_max(&m->over, j->gone, to) + j->bytes <= 0) {
				range_tree_add(&m->over, j->gone, to, j->bytes);
				j->gone = to;
				break;
			}
		}
	}
}

/* Steps 2 to 4, until the schedule's own profile is within the budget. */
static int
make_schedule(struct hybrid *h, struct schedule *s, bytes_t budget, struct err *e)
{
	const struct graph *g = h->p->graph;
	struct decisions d;
	bytes_t *live;

	for (int i = 0; i < REPAIRS; i++) {
		if (!cover(h))
			return err_set(e, ERR_NO, "there is nothing more to move or recompute");
		if (i == 0)
			stretch(h);
		decisions_init(&d, h->p->life, h->arena);
		model_decide(&h->model, &d);
		if (decisions_schedule(s, &d, h->arena, e) < 0)
			return -1;
		live = ARENA_NEW(h->arena, bytes_t, (size_t)s->step_count + 1);
		if (program_profile(live, g, s, h->arena, e) < 0)
			return -1;
		if (!feed_back(h, s, live, budget))
			return 0;
	}
	return err_set(e, ERR_NO, "it does not settle below the budget");
}

/* ---- one way ---- */

struct worth { double worth; struct gap *gap; };

static int
worthier(const void *x, const void *y)
{
	const struct worth *p = x, *q = y;

	if (p->worth != q->worth)
		return p->worth > q->worth ? -1 : 1;
	return p->gap < q->gap ? -1 : p->gap > q->gap;
}

/* What spans many of the moments over the budget is worth offloading, the more so what is dear
 * to recompute, or what chains of reruns start from. */
static void
order_offloads(struct hybrid *h)
{
	const struct model *m = &h->model;
	const double dear = 1e-3;	/* us a byte: no op that is worth running again costs so much */
	uint32_t n = m->graph->op_count, *before = ARENA_NEW(h->arena, uint32_t, (size_t)n + 1);
	struct worth *w = ARENA_NEW(h->arena, struct worth, m->gap_count);

	for (uint32_t k = 0; k < n; k++)
		before[k + 1] = before[k] + (m->life->live[k] > h->p->budget_bytes);
	for (uint32_t i = 0; i < m->gap_count; i++) {
		struct gap *j = &m->gaps[i];
		double worth = before[j->b] - before[j->a + 1];

		if (h->way.order != BY_SPAN)
			worth *= j->density < dear ? j->density : dear;
		if (h->way.order == CUTS_FIRST && m->is_cut[j->tensor])
			worth *= 1 / dear;
		w[i] = (struct worth) { worth, j };
	}
	qsort(w, m->gap_count, sizeof(*w), worthier);
	h->by_worth = ARENA_NEW(h->arena, struct gap *, m->gap_count);
	for (uint32_t i = 0; i < m->gap_count; i++)
		h->by_worth[i] = w[i].gap;
}

static void
hybrid_init(struct hybrid *h)
{
	const struct problem *p = h->p;

	model_init(&h->model, p->life, p->device, p->budget_bytes, p->life->peak_bytes >> 14, h->arena);
	if (h->way.cuts > 0)
		model_choose_cuts(&h->model, p->life->peak_bytes / (bytes_t)h->way.cuts);
	h->by_density = ARENA_NEW(h->arena, struct gap *, h->model.gap_count);
	for (uint32_t i = 0; i < h->model.gap_count; i++)
		h->by_density[i] = &h->model.gaps[i];
	qsort(h->by_density, h->model.gap_count, sizeof(*h->by_density), cheaper);
	order_offloads(h);
	for (int dir = 0; dir < DIRECTION_COUNT; dir++)
		h->us_per_byte[dir] = device_transfer_us(p->device, (enum direction)dir, UINT64_C(16) << 20) / 0x1p24;
}

/* Time h's schedule as a plan.  Quick placements will do: the plan's own does at least as well. */
static int
time_plan(struct hybrid *h, bytes_t *arena_bytes, double *us)
{
	static const char *const quick[] = { "boxing", "by-size" };

	for (size_t i = 0; i < sizeof(quick) / sizeof(*quick); i++) {
		struct plan plan = { .graph = h->p->graph, .device = h->p->device };
		struct sim_result r;

		if (program_build(&plan, &h->schedule, placement_find(quick[i]), h->arena, &h->err) < 0 ||
		    simulate(&r, &plan, h->p->device, h->arena, &h->err) < 0)
			return -1;
		if (i == 0 || plan.arena_bytes < *arena_bytes)
			*arena_bytes = plan.arena_bytes;
		*us = r.step_time_us;
		if (plan.host_bytes > h->p->device->pinned_bytes)
			return err_set(&h->err, ERR_NO, "it needs more pinned host memory than there is");
		if (plan.arena_bytes <= h->p->budget_bytes)
			break;
	}
	return 0;
}

/* Try the way, tighter where fragmentation breaks the budget; *us is the simulated step. */
static int
go_way(struct hybrid *h, double *us)
{
	bytes_t budget = h->p->budget_bytes;

	hybrid_init(h);
	for (int i = 0; i < TIGHTENINGS; i++) {
		bytes_t arena_bytes;

		model_reset(&h->model, budget);
		choose_offloads(h);
		if (make_schedule(h, &h->schedule, budget, &h->err) < 0 || time_plan(h, &arena_bytes, us) < 0)
			return -1;
		if (arena_bytes <= h->p->budget_bytes)
			return 0;
		if (arena_bytes - h->p->budget_bytes >= budget)
			break;
		budget -= arena_bytes - h->p->budget_bytes;
	}
	return err_set(&h->err, ERR_NO, "its buffers do not pack into the budget");
}

/* ---- all ways ---- */

struct outcome {
	const struct policy *row;	/* NULL: a way of our own */
	struct hybrid h;
	struct arena arena;
	double us;
	int rc;
};

/* What another policy makes of it: hybrid is never slower than a simpler one. */
static int
go_policy(struct hybrid *h, const struct policy *row, double *us)
{
	bytes_t arena_bytes;

	if (row->plan(&h->schedule, h->p, h->arena, &h->err) < 0 || time_plan(h, &arena_bytes, us) < 0)
		return -1;
	return arena_bytes <= h->p->budget_bytes ? 0 : err_set(&h->err, ERR_NO, "it does not fit");
}

static int
run_outcome(void *arg)
{
	struct outcome *o = arg;

	return o->row == NULL ? go_way(&o->h, &o->us) : go_policy(&o->h, o->row, &o->us);
}

static void
schedule_copy(struct schedule *to, const struct schedule *from, struct arena *a)
{
	*to = *from;
	to->steps = ARENA_NEW(a, struct step, from->step_count);
	memcpy(to->steps, from->steps, sizeof(*to->steps) * from->step_count);
	to->moves = ARENA_NEW(a, struct move, from->move_count);
	if (from->move_count > 0)
		memcpy(to->moves, from->moves, sizeof(*to->moves) * from->move_count);
}

/* Larger graphs try fewer ways. */
static int
ways_for(const struct graph *g)
{
	int n = (int)(160000 / ((uint64_t)g->op_count + 1));

	return n < FEWEST_WAYS ? FEWEST_WAYS : n > MOST_WAYS ? MOST_WAYS : n;
}

int
policy_hybrid(struct schedule *s, const struct problem *p, struct arena *a, struct err *e)
{
	struct outcome *all = ARENA_NEW(a, struct outcome, MOST_WAYS + MOST_POLICIES);
	int n = ways_for(p->graph), own = n, best = -1;

	for (const struct policy *row = policies; row->name != NULL; row++)
		if (row->plan != policy_hybrid && row->quick && n < own + MOST_POLICIES)
			all[n++].row = row;
#ifdef _OPENMP
#pragma omp parallel for schedule(dynamic, 1)
#endif
	for (int i = 0; i < n; i++) {
		struct outcome *o = &all[i];

		o->h = (struct hybrid) { .p = p, .way = way_at(i < own ? i : 0), .arena = &o->arena };
		o->rc = arena_run(&o->arena, run_outcome, o, &o->h.err);
#ifdef _OPENMP
#pragma omp critical
#endif
		{
			/* Only the best one's memory is kept; ties go to the first in the table. */
			if (o->rc == 0 && (best < 0 || o->us < all[best].us || (o->us <= all[best].us && i < best))) {
				if (best >= 0)
					arena_free(&all[best].arena);
				best = i;
			} else {
				arena_free(&o->arena);
			}
		}
	}
	if (best < 0)
		return err_set(e, all[0].h.err.code, "policy 'hybrid' finds no plan for this budget: %s", all[0].h.err.text);
	schedule_copy(s, &all[best].h.schedule, a);
	arena_free(&all[best].arena);
	return 0;
}
