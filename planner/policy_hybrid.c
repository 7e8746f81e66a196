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
 * The share of the link that gives the fastest simulated step is searched for; then the same again with the
 * simulated times of the ops in place of the ideal ones.
 */
#include <config.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "planner/hybrid_model.h"
#include "planner/policy.h"
#include "planner/program.h"
#include "sim/simulate.h"

enum { REPAIRS = 40, TIGHTENINGS = 4, LOOK_AHEAD = 8 };

struct hybrid {
	const struct problem *p;
	struct model model;
	struct gap **by_density;	/* [gap_count] cheapest to recompute first */
	double us_per_byte[DIRECTION_COUNT];
	struct schedule best;
	double best_us;			/* INFINITY: none yet */
	struct arena *arena;
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
choose_offloads(struct hybrid *h, double share)
{
	struct model *m = &h->model;
	uint32_t n = m->graph->op_count, k = range_tree_argmax(&m->over), count = 0, *gone, *back;
	int64_t need = range_tree_max(&m->over, k, k + 1);
	int64_t *room = ARENA_NEW(h->arena, int64_t, n);
	struct gap **chosen = ARENA_NEW(h->arena, struct gap *, m->gap_count);
	struct range_tree out, in;

	for (uint32_t i = 0; i < n; i++)
		room[i] = i < k ? -(int64_t)(share * (m->start_us[k] - m->start_us[i + 1]) / h->us_per_byte[D2H]) : 0;
	range_tree_init(&out, room, n, h->arena);
	for (uint32_t i = 0; i < n; i++)
		room[i] = i > k ? -(int64_t)(share * (m->start_us[i] - m->start_us[k + 1]) / h->us_per_byte[H2D]) : 0;
	range_tree_init(&in, room, n, h->arena);
	for (uint32_t i = m->gap_count; i-- > 0 && need > 0;) {
		struct gap *j = h->by_density[i];

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
		double cost;

		if (!covers(j, k) || (needed > j->a && needed <= k))
			continue;
		if (isinf(j->density))
			break;
		cost = model_rerun_us(&h->model, j) / (double)(j->bytes < excess ? j->bytes : excess);
		looked++;
		if (cost < best_cost) {
			best_cost = cost;
			best = j;
		}
	}
	return best;
}

/* The gap across op k that is longest for its bytes. */
static struct gap *
longest_gap(struct hybrid *h, uint32_t k)
{
	const struct model *m = &h->model;
	struct gap *best = NULL;
	double best_slack = -INFINITY;

	for (uint32_t i = 0; i < m->gap_count; i++) {
		struct gap *j = &m->gaps[i];
		uint32_t needed = m->needed_at[j->tensor];
		double slack;

		if (!covers(j, k) || (needed > j->a && needed <= k))
			continue;
		slack = m->start_us[j->b] - m->start_us[j->a + 1] - copy_us(h, j, D2H) - copy_us(h, j, H2D);
		if (slack > best_slack) {
			best_slack = slack;
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
		j = longest_gap(h, k);
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

/* ---- search ---- */

/* The expected starts of the ops, from where a plan's first runs started. */
static void
retime(struct hybrid *h, const struct plan *plan, const struct sim_result *r)
{
	uint32_t next = 0;

	for (uint32_t i = 0; i < plan->instruction_count; i++)
		if (plan->program[i].queue == QUEUE_COMPUTE && plan->program[i].op == next)
			h->model.start_us[next++] = r->spans[i].start_us;
	h->model.start_us[h->p->graph->op_count] = r->step_time_us;
}

/* A plan with this share of the link, placed and timed; the fastest is kept. */
static int
attempt(struct hybrid *h, double share, bool learn, struct err *e)
{
	bytes_t budget = h->p->budget_bytes;

	for (int i = 0; i < TIGHTENINGS; i++) {
		struct schedule s;
		struct plan plan = { .graph = h->p->graph, .device = h->p->device };
		struct sim_result r;

		model_reset(&h->model, budget);
		choose_offloads(h, share);
		if (make_schedule(h, &s, budget, e) < 0 || program_build(&plan, &s, h->p->placement, h->arena, e) < 0 ||
		    simulate(&r, &plan, h->p->device, h->arena, e) < 0)
			return -1;
		if (plan.arena_bytes <= h->p->budget_bytes) {
			if (learn)
				retime(h, &plan, &r);
			if (r.step_time_us < h->best_us) {
				h->best_us = r.step_time_us;
				h->best = s;
			}
			return 0;
		}
		budget -= plan.arena_bytes - h->p->budget_bytes;	/* fragmentation: a tighter schedule */
	}
	return err_set(e, ERR_NO, "its buffers do not pack into the budget");
}

int
policy_hybrid(struct schedule *s, const struct problem *p, struct arena *a, struct err *e)
{
	static const double shares[] = { 0, 0.5, 0.8, 1, 1.3, 2, 4, 0.9, 1.1 };
	struct hybrid h = { .p = p, .best_us = INFINITY, .arena = a };
	struct err why = ERR_INIT;

	model_init(&h.model, p->life, p->device, p->budget_bytes, p->life->peak_bytes >> 14, a);
	h.by_density = ARENA_NEW(a, struct gap *, h.model.gap_count);
	for (uint32_t i = 0; i < h.model.gap_count; i++)
		h.by_density[i] = &h.model.gaps[i];
	qsort(h.by_density, h.model.gap_count, sizeof(*h.by_density), cheaper);
	for (int dir = 0; dir < DIRECTION_COUNT; dir++)
		h.us_per_byte[dir] = device_transfer_us(p->device, (enum direction)dir, UINT64_C(16) << 20) / 0x1p24;
	for (size_t i = 0; i < sizeof(shares) / sizeof(*shares); i++) {
		struct err ignored = ERR_INIT;
		int rc = attempt(&h, shares[i], false, &ignored);
		if (getenv("HYBRID")) fprintf(stderr, "share %g: %s best %.0f\n", shares[i], rc ? ignored.text : "ok", h.best_us);
		why = rc < 0 ? ignored : why;
	}
	if (isinf(h.best_us))
		return err_set(e, ERR_NO, "policy 'hybrid' finds no plan for this budget: %s", why.text);
	*s = h.best;
	return 0;
}
