/* SPDX-License-Identifier: Apache-2.0 */
/* hybrid_evaluation.c - from a configuration's decisions to a schedule, placed and timed */
#include <config.h>
#include "planner/hybrid/hybrid_evaluation.h"

#include <math.h>

#include "planner/hybrid/hybrid_copies.h"
#include "planner/hybrid/hybrid_heuristics.h"
#include "sim/time/simulate.h"

/* ---- schedule ---- */

/* Tells the model at which ops the schedule is over the budget, rerun closures included.  False: at none. */
static bool
feed_back(struct hybrid *h, const struct schedule *s, const bytes_t *live, bytes_t budget)
{
	bytes_t most = 0;
	uint32_t next = 0;		/* the op whose first run comes next; steps before that run are its rerun closure */
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
	most = live[s->step_count] > most ? live[s->step_count] : most;
	if (most > budget) {		/* at the end, or while results are made again there */
		model_overflow(&h->model, next - 1, most - budget);
		over = true;
	}
	return over;
}

/* Drop, Prune, Time and Repair, until the schedule's exact occupancy is within the budget. */
static int
make_schedule(struct hybrid *h, bytes_t budget, struct err *e)
{
	struct schedule *s = &h->schedule;
	struct decisions d;
	bytes_t *live;

	for (int i = 0; i < REPAIRS; i++) {
		if (!isinf(h->beat_us) && search_stopped(h->p->control))
			return err_set(e, ERR_NO, "there is no more time");
		copies_give_way(&h->model);
		if (!hybrid_cover(h)) {
			err_set(e, ERR_NO, h->host_is_full ? "the host's pinned memory is full and there is nothing more to recompute" :
			    "there is nothing more to move or recompute");
			return graph_set_reason(e, h->p->graph, h->stuck, 0);
		}
		hybrid_prune(h);
		copies_time(&h->model);
		decisions_init(&d, h->p->life, h->arena);
		model_decide(&h->model, &d);
		if (decisions_schedule(s, &d, h->arena, e) < 0)
			return -1;
		if (hybrid_build(h, e) < 0)
			return -1;
		live = ARENA_NEW(h->arena, bytes_t, (size_t)s->step_count + 1);
		program_live(live, h->program);
		if (!feed_back(h, s, live, budget))
			return 0;
	}
	return err_set(e, ERR_NO, "it does not settle below the budget");
}

/* ---- placement and time ---- */

/* Placement "auto" with SEARCH_WORK for its search. */
static void
place_shortly(struct place_result *r, const struct place_problem *p, struct arena *a)
{
	struct place_problem shorter = *p;

	shorter.work = p->count <= FEW_BUFFERS ? SEARCH_WORK : SEARCH_WORK / MANY_PART;
	place_auto(r, &shorter, a);
}

int
hybrid_build(struct hybrid *h, struct err *e)
{
	h->schedule.may_fill = true;
	h->plan = (struct plan) { .graph = h->p->graph, .device = h->p->device, .budget_bytes = h->p->budget_bytes };
	h->program = program_new(&h->plan, &h->schedule, h->p->life->homes, h->arena, e);
	return h->program == NULL ? -1 : 0;
}

/* Simulates h's program with the offsets that it has. */
static int
time_offsets(struct hybrid *h, double *us)
{
	struct sim_result r;

	program_connect(h->program);
	if (simulate(&r, &h->plan, h->p->device, h->arena, &h->err) < 0)
		return -1;
	*us = r.step_time_us;
	return 0;
}

int
hybrid_place(struct hybrid *h, place_fn *place, bytes_t *missing, double *us)
{
	const struct placement placement = { .place = place };

	/* Evaluations are parallel; one of them has one thread. */
	if (program_place(h->program, place == NULL ? NULL : &placement, 1, &h->err) < 0)
		return -1;
	if (place == place_known && h->plan.arena_bytes > h->p->budget_bytes)
		return err_set(&h->err, ERR_NO, "its packing is not sound");
	*missing = place != NULL && h->plan.arena_bytes > h->p->budget_bytes ? h->plan.arena_bytes - h->p->budget_bytes : 0;
	return time_offsets(h, us);
}

int
hybrid_pack(struct hybrid *h, bytes_t *missing, double *us)
{
	/* A search is worth its time if at most this part of the budget is missing; the first that is worth it runs. */
	static const struct { enum packing least; place_fn *place; unsigned part; } searches[] = {
		{ PACK_IN_FULL, place_auto, FULL_PART }, { PACK_SHORTLY, place_shortly, SHORT_PART }
	};

	if (hybrid_place(h, place_quickly, missing, us) < 0)
		return -1;
	if (h->plan.host_bytes > h->p->device->pinned_bytes)
		return err_set(&h->err, ERR_NO, "it needs more pinned host memory than there is");
	for (size_t i = 0; i < sizeof(searches) / sizeof(searches[0]) && *missing > 0 && *us < h->beat_us; i++)
		if (h->packing >= searches[i].least && *missing <= h->p->budget_bytes / searches[i].part)
			return hybrid_place(h, searches[i].place, missing, us);
	return 0;
}

int
hybrid_time(struct hybrid *h, bytes_t *missing, double *us)
{
	struct cached_placement cached;

	*missing = 0;
	h->fits = false;
	if (!isinf(h->beat_us)) {
		if (hybrid_place(h, NULL, missing, us) < 0)
			return -1;
		if (*us >= h->beat_us * (1 + ANOMALY))
			return 0;
	}
	cached.key = placement_cache_key(&h->schedule, h->p->graph->tensor_count, h->packing, h->arena);
	if (placement_cache_find(h->placements, cached.key, &cached)) {
		*missing = cached.missing;
		*us = cached.us;
	} else {
		if (hybrid_pack(h, missing, us) < 0)
			return -1;
		cached.missing = *missing;
		cached.us = *us;
		placement_cache_add(h->placements, &cached);
	}
	h->fits = *missing == 0;
	return 0;
}

/* Returns the next budget: `missing` bytes less, but at most half the way down to the least that any plan needs. */
static bytes_t
tighter_budget(bytes_t budget, bytes_t missing, bytes_t least)
{
	bytes_t half = budget > least ? (budget - least) / 2 : 0;

	return budget - (missing < half ? missing : half);
}

int
hybrid_evaluate(struct hybrid *h, double *us)
{
	bytes_t budget = (bytes_t)((double)h->p->budget_bytes * h->configuration.squeeze);

	hybrid_begin(h);
	for (int tighter = 0, no_goods = 0; tighter < TIGHTENINGS;) {
		bytes_t missing;

		h->stuck = UINT32_MAX;
		h->err = (struct err) ERR_INIT;
		model_reset(&h->model, budget, h->configuration.homes);
		hybrid_offload(h);
		if (make_schedule(h, budget, &h->err) < 0) {
			/* A no-good does not help when the host is full: fewer drops need more offloads. */
			if (h->stuck == UINT32_MAX || h->host_is_full || no_goods++ == MOST_NO_GOODS || !hybrid_learn(h))
				return -1;
			continue;
		}
		if (hybrid_time(h, &missing, us) < 0)
			return -1;
		if (missing == 0 || *us >= h->beat_us)
			return 0;
		/* A little less memory often changes nothing, so each attempt takes more away than the one before. */
		budget = tighter_budget(budget, missing << (TIGHTEN_SHIFT * tighter), h->p->life->bound_bytes);
		tighter++;
	}
	return err_set(&h->err, ERR_NO, "its buffers do not pack into the budget");
}
