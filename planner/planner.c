/* SPDX-License-Identifier: Apache-2.0 */
/* planner.c - one plan: policy, placement, program, check, time; and the reasons why there is none */
#include <config.h>
#include "planner/planner.h"

#include <string.h>

#include "planner/bound/bounds.h"
#include "planner/floors.h"
#include "planner/refusal.h"
#include "planner/schedule/homes.h"
#include "planner/schedule/program.h"
#include "sim/check/check.h"
#include "sim/check/check_homes.h"
#include "sim/time/simulate.h"

enum { TIGHTEN_MAX = 6 };	/* schedules tried when fragmentation breaks the budget */

static int
time_plan(struct plan *plan, const struct device *d, struct arena *a, struct err *e)
{
	struct sim_result r;

	if (simulate(&r, plan, d, a, e) < 0)
		return -1;
	plan->predicted = (struct plan_predicted) { r.ideal_time_us, r.step_time_us, r.stall_time_us, r.recompute_time_us };
	return 0;
}

/* Checks and times the plan: a solver never judges itself. */
static int
verify(struct plan *plan, const struct device *d, struct arena *a, struct err *e)
{
	if (check_plan(plan, a, e) < 0) {
		e->code = ERR_SYSTEM;
		return err_at(e, "policy '%s' made an unsound plan (a bug)", plan->policy);
	}
	return time_plan(plan, d, a, e);
}

/* Makes a plan with its untimed figures, of the policy's schedule for p's budget.  thorough: no other schedule is tried, so that the placement
 * may take its time. */
static int
make(struct plan *plan, const struct problem *p, const struct planner_options *o, bool thorough, struct arena *a, struct err *e)
{
	struct schedule schedule;

	if (o->policy->plan(&schedule, p, a, e) < 0)
		return -1;
	/* With less effort than usual no arena is made smaller than it needs to be. */
	schedule.may_fill |= search_effort(p->control) < 1;
	schedule.thorough = thorough;
	if (program_build(plan, &schedule, p->life->homes, o->placement, p->control == NULL ? 0 : p->control->threads, a, e) < 0)
		return -1;
	check_figures(&plan->figures, plan, a);
	plan->found_by = schedule.found_by;
	plan->configuration = schedule.configuration;
	return 0;
}

/* Plans again, for a budget that is smaller by the excess, while the policy meets the budget and the placement does not.  Ends when a
 * policy that ignores its budget gives the same schedule again. */
static int
tighten(struct plan *plan, const struct problem *p, const struct planner_options *o, struct arena *a, struct err *e)
{
	struct problem less = *p;
	struct plan next = *plan;

	for (int i = 0; i < TIGHTEN_MAX && plan->arena_bytes > p->budget_bytes; i++) {
		if (plan->figures.peak_bytes > p->budget_bytes ||
		    !problem_tighten(&less, next.arena_bytes - p->budget_bytes, policy_least_budget(o->policy, p->life)))
			return 0;
		if (make(&next, &less, o, false, a, e) < 0) {
			if (e->code != ERR_NO)
				return -1;
			*e = (struct err) ERR_INIT;
			return 0;
		}
		if (next.arena_bytes <= p->budget_bytes)
			*plan = next;
		else if (next.figures.peak_bytes > less.budget_bytes)
			return 0;
	}
	return 0;
}

/* Places the schedule of a quick policy once more, thoroughly, where fragmentation alone breaks the budget. */
static int
place_again(struct plan *plan, const struct problem *p, const struct planner_options *o, struct arena *a, struct err *e)
{
	if (!o->policy->quick || search_effort(p->control) < 1 || plan->arena_bytes <= p->budget_bytes || plan->figures.peak_bytes > p->budget_bytes)
		return 0;
	return make(plan, p, o, true, a, e);
}

/* Makes a plan of the larger graph, in which the homes are given, one of the step's own graph. */
static int
take_homes(struct plan *plan, const struct graph *g, const struct homes *homes, struct arena *a, struct err *e)
{
	struct shared_homes shared;

	homes_strip(plan, g, a);
	check_figures(&plan->figures, plan, a);
	if (check_homes(&shared, plan, homes->plan, a, e) == 0)
		return 0;
	e->code = ERR_SYSTEM;
	return err_at(e, "policy '%s' made a plan without the homes (a bug)", plan->policy);
}

/* Runs the search for problem p, whose graph and lifetimes are those of o's homes if they are given. */
static int
try_problem(struct plan *plan, const struct problem *p, const struct planner_options *o, struct arena *a, struct err *e)
{
	if (!policy_takes_homes(o->policy, p->life))
		return refuse_homes_on_host(o->policy, p->life->homes, e);
	if (policy_least_budget(o->policy, p->life) > p->budget_bytes)
		return refuse_resident(o->policy, p, e);
	*plan = (struct plan) { .graph = p->graph, .device = p->device, .tool = PACKAGE_NAME " " PACKAGE_VERSION,
	    .policy = o->policy->name, .placement = o->placement->name, .options = o->options == NULL ? "" : o->options,
	    .status = "heuristic", .batch = o->batch, .budget_bytes = p->budget_bytes };
	if (make(plan, p, o, false, a, e) < 0 || tighten(plan, p, o, a, e) < 0 || place_again(plan, p, o, a, e) < 0)
		return -1;
	return refuse_excess(plan, p->device, e);
}

int
planner_try(struct plan *plan, const struct problem *p, const struct planner_options *o, struct arena *a, struct err *e)
{
	struct problem within = *p;

	if (o->homes != NULL) {
		within.graph = &o->homes->graph;
		within.life = &o->homes->life;
	}
	if (try_problem(plan, &within, o, a, e) < 0 || (o->homes != NULL && take_homes(plan, p->graph, o->homes, a, e) < 0) ||
	    verify(plan, p->device, a, e) < 0)
		return -1;
	if (o->control != NULL && o->control->status != NULL)
		plan->status = o->control->status;
	return 0;
}

struct problem
planner_problem(const struct graph *g, const struct device *d, const struct lifetimes *life, const struct planner_options *o)
{
	return (struct problem) { .graph = g, .device = d, .life = life, .control = o->control, .command = o->policy->command,
	    .most_us = o->most_us, .budget_bytes = o->budget_bytes == 0 ? device_budget(d) : o->budget_bytes };
}

void
planner_bound(struct plan *plan, const struct lifetimes *life, const struct planner_options *o, struct arena *a)
{
	if (o->bound_time_us >= 0)
		plan->bound_time_us = o->bound_time_us > 0 ? o->bound_time_us :
		    bounds_time_us(o->bounds_us, life, plan->device, plan->budget_bytes, a);
}

/* A search with a time limit, or with less effort than usual, spends all of it on its own budget. */
static bool
is_limited(const struct planner_options *o)
{
	return (o->control != NULL && o->control->time_limit_s > 0) || search_effort(o->control) < 1;
}

static bool
has_floors(const struct planner_options *o)
{
	return o->policy->has_floors && !is_limited(o);
}

/* Fills to with o->start as a plan for problem p.  Returns 1 if it does not fit. */
static int
take_start(struct plan *to, const struct problem *p, const struct planner_options *o, struct arena *a, struct err *e)
{
	const struct plan *from = o->start;
	struct shared_homes shared;

	if (from->arena_bytes > p->budget_bytes || from->host_bytes > p->device->pinned_bytes)
		return 1;
	*to = *from;
	to->graph = p->graph;
	to->device = p->device;
	to->policy = o->policy->name;
	to->options = o->options == NULL ? "" : o->options;
	to->batch = o->batch;
	to->budget_bytes = p->budget_bytes;
	to->bound_time_us = 0;
	if (to->found_by == NULL && strcmp(from->policy, to->policy) != 0)
		to->found_by = from->policy;
	check_figures(&to->figures, to, a);
	if (check_plan(to, a, e) < 0 || (o->homes != NULL && check_homes(&shared, to, o->homes->plan, a, e) < 0))
		return err_at(e, "the plan to start from");
	return time_plan(to, p->device, a, e);
}

/* Takes hybrid's answer for problem p, if it is faster.  found: as run_policy(), and the result. */
static int
take_quick(int found, struct plan *plan, const struct problem *p, const struct planner_options *o, struct arena *a, struct err *e)
{
	struct planner_options quick = *o;
	struct err why = ERR_INIT;
	struct plan other;
	struct floors f;
	int rc;

	quick.policy = &policies[0];
	floors_init(&f, p->graph, p->device, &quick, a);
	rc = floors_plan(&other, &f, p->budget_bytes, &why, e);
	if (rc < 0)
		return -1;
	if (rc > 0 || (found == 0 && plan->predicted.step_time_us <= other.predicted.step_time_us))
		return found;
	*plan = other;
	plan->policy = o->policy->name;
	if (plan->found_by == NULL)
		plan->found_by = quick.policy->name;
	return 0;
}

/* Runs the policy for problem p.  A slow policy is no slower than hybrid.  Returns 1 without a plan, for the reason *why. */
static int
run_policy(struct plan *plan, const struct problem *p, const struct planner_options *o, struct floors *f, struct arena *a, struct err *why,
    struct err *e)
{
	int found;

	if (has_floors(o))
		return floors_plan(plan, f, p->budget_bytes, why, e);
	found = planner_try(plan, p, o, a, why) == 0 ? 0 : 1;
	if (found > 0 && why->code != ERR_NO) {
		*e = *why;
		return -1;
	}
	return o->policy->quick || o->policy->command != NULL || is_limited(o) || search_stopped(o->control) ? found :
	    take_quick(found, plan, p, o, a, e);
}

/* Fills plan with the faster of what the policy finds and o->start.  The bound allows the budget. */
static int
find_plan(struct plan *plan, const struct problem *p, const struct planner_options *o, struct floors *f, struct arena *a, struct err *e)
{
	struct err why = ERR_INIT;
	struct plan start;
	int found = run_policy(plan, p, o, f, a, &why, e), kept;

	if (found < 0)
		return -1;
	kept = o->start == NULL ? 1 : take_start(&start, p, o, a, e);
	if (kept < 0)
		return -1;
	if (kept == 0 && (found > 0 || start.predicted.step_time_us < plan->predicted.step_time_us)) {
		*plan = start;
		return 0;
	}
	if (found == 0)
		return 0;
	if (has_floors(o))
		return refuse_search(p, o->advises ? f : NULL, &why, e);
	*e = why;
	return -1;
}

int
planner_run(struct plan *plan, const struct graph *g, const struct device *d,
    const struct planner_options *o, struct arena *a, struct err *e)
{
	struct lifetimes life;
	struct problem p;
	struct floors f;

	search_begin(o->control);
	lifetimes_init(&life, g, a);
	p = planner_problem(g, d, &life, o);
	if (p.budget_bytes > device_budget(d))
		return err_set(e, ERR_INPUT, "expected a budget of at most %" PRI_BYTES " bytes (what '%s' has, less what is reserved), got %"
		    PRI_BYTES, device_budget(d), d->name, p.budget_bytes);
	floors_init(&f, g, d, o, a);
	if (life.bound_bytes > p.budget_bytes)
		return refuse_budget(&p, o->advises && has_floors(o) ? &f : NULL, a, e);
	if ((o->homes != NULL && refuse_homes(o->homes, &p, e) < 0) || find_plan(plan, &p, o, &f, a, e) < 0)
		return -1;
	planner_bound(plan, &life, o, a);
	return 0;
}
