/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>
#include "planner/planner.h"

#include "planner/bound/bounds.h"
#include "planner/schedule/program.h"
#include "sim/check/check.h"
#include "sim/time/simulate.h"

enum {
	NAMED_TENSORS = 4,	/* in the certificate of an infeasible budget */
	TIGHTEN_MAX = 6		/* schedules to try when fragmentation breaks the budget */
};

/* "tensor 3 (activation, 1.2 GiB), tensor 7 (...)": the op's largest tensors. */
static const char *
largest_tensors(const struct graph *g, const struct op *o, struct arena *a)
{
	uint32_t best[NAMED_TENSORS], count = 0;
	const char *text = "";
	char size[32];

	FOR_EACH_OPERAND(o, t) {
		uint32_t at;
		bool seen = false;

		for (uint32_t j = 0; j < count; j++)
			seen |= best[j] == t;
		if (seen)
			continue;
		for (at = count; at > 0 && g->tensors[best[at - 1]].bytes < g->tensors[t].bytes; at--)
			if (at < NAMED_TENSORS)
				best[at] = best[at - 1];
		if (at < NAMED_TENSORS)
			best[at] = t;
		count += count < NAMED_TENSORS;
	}
	for (uint32_t j = 0; j < count; j++)
		text = arena_printf(a, "%s%stensor %" PRIu32 " (%s, %s)", text, j == 0 ? "" : ", ", best[j],
		    kind_names[g->tensors[best[j]].kind], units_size(size, g->tensors[best[j]].bytes));
	return text;
}

/* Why no plan at all fits the budget. */
static int
too_small(const struct problem *p, struct arena *a, struct err *e)
{
	const struct lifetimes *l = p->life;
	const struct op *o = &p->graph->ops[l->bound_op];
	char budget[32], needs[32], workspace[32];

	return err_set(e, ERR_NO, "a budget of %s (%" PRI_BYTES " bytes) is too small: op %" PRIu32 " '%s' alone needs %s (%"
	    PRI_BYTES " bytes): %s, workspace %s", units_size(budget, p->budget_bytes), p->budget_bytes, l->bound_op, o->name,
	    units_size(needs, l->bound_bytes), l->bound_bytes, largest_tensors(p->graph, o, a), units_size(workspace, o->workspace_bytes));
}

/* Why no plan of a policy that keeps persistent tensors on the device fits it. */
static int
too_small_for(const struct policy *row, const struct problem *p, struct err *e)
{
	const struct lifetimes *l = p->life;
	char budget[32], needs[32], persistent[32], missing[32];

	return err_set(e, ERR_NO, "policy '%s' keeps all persistent tensors (%s) on the device: with op %" PRIu32 " '%s' they need %s, %s "
	    "more than the budget of %s", row->name, units_size(persistent, l->persistent_bytes), l->resident_bound_op,
	    p->graph->ops[l->resident_bound_op].name, units_size(needs, l->resident_bound_bytes),
	    units_size(missing, l->resident_bound_bytes - p->budget_bytes), units_size(budget, p->budget_bytes));
}

static int
fit(const struct plan *plan, const struct device *d, struct err *e)
{
	char arena[32], peak[32], budget[32], missing[32];

	if (plan->arena_bytes > plan->budget_bytes)
		return err_set(e, ERR_NO, "policy '%s' needs an arena of %s (peak %s): %s more than the budget of %s",
		    plan->policy, units_size(arena, plan->arena_bytes), units_size(peak, plan->figures.peak_bytes),
		    units_size(missing, plan->arena_bytes - plan->budget_bytes), units_size(budget, plan->budget_bytes));
	if (plan->host_bytes > d->pinned_bytes)
		return err_set(e, ERR_NO, "policy '%s' needs %s of pinned host memory: %s more than '%s' has",
		    plan->policy, units_size(arena, plan->host_bytes),
		    units_size(missing, plan->host_bytes - d->pinned_bytes), d->name);
	return 0;
}

/* Solvers never judge themselves. */
static int
verify(struct plan *plan, const struct device *d, struct arena *a, struct err *e)
{
	struct sim_result r;

	if (check_plan(plan, a, e) < 0) {
		e->code = ERR_SYSTEM;
		return err_at(e, "policy '%s' made an unsound plan (a bug)", plan->policy);
	}
	if (simulate(&r, plan, d, a, e) < 0)
		return -1;
	plan->predicted = (struct plan_predicted) { r.ideal_time_us, r.step_time_us, r.stall_time_us, r.recompute_time_us };
	return 0;
}

/* From the policy's schedule for p's budget to a plan with its untimed figures. */
static int
make(struct plan *plan, const struct problem *p, const struct planner_options *o, struct arena *a, struct err *e)
{
	struct schedule schedule;

	if (o->policy->plan(&schedule, p, a, e) < 0 ||
	    program_build(plan, &schedule, o->placement, a, e) < 0)
		return -1;
	check_figures(&plan->figures, plan, a);
	plan->found_by = schedule.found_by;
	return 0;
}

/* The policy met the budget and the placement did not: ask it for less, by what is missing.  A policy that
 * does not look at its budget answers the same again, and that is the end of it. */
static int
tighten(struct plan *plan, const struct problem *p, const struct planner_options *o, struct arena *a, struct err *e)
{
	struct problem less = *p;
	struct plan next = *plan;

	for (int i = 0; i < TIGHTEN_MAX && plan->arena_bytes > p->budget_bytes; i++) {
		bytes_t missing = next.arena_bytes - p->budget_bytes;

		if (plan->figures.peak_bytes > p->budget_bytes || less.budget_bytes < policy_least_budget(o->policy, p->life) + missing)
			return 0;
		less.budget_bytes -= missing;
		if (make(&next, &less, o, a, e) < 0) {
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

int
planner_run(struct plan *plan, const struct graph *g, const struct device *d,
    const struct planner_options *o, struct arena *a, struct err *e)
{
	struct lifetimes life;
	struct problem p = { .graph = g, .device = d, .life = &life, .control = o->control,
	    .budget_bytes = o->budget_bytes == 0 ? device_budget(d) : o->budget_bytes };

	search_begin(o->control);
	if (p.budget_bytes > device_budget(d))
		return err_set(e, ERR_INPUT, "expected a budget of at most %" PRI_BYTES " bytes (what '%s' has, less what is reserved), got %"
		    PRI_BYTES, device_budget(d), d->name, p.budget_bytes);
	lifetimes_init(&life, g, a);
	if (life.bound_bytes > p.budget_bytes)
		return too_small(&p, a, e);
	if (policy_least_budget(o->policy, &life) > p.budget_bytes)
		return too_small_for(o->policy, &p, e);
	*plan = (struct plan) { .graph = g, .device = d, .tool = PACKAGE_NAME " " PACKAGE_VERSION,
	    .policy = o->policy->name, .placement = o->placement->name, .options = o->options == NULL ? "" : o->options,
	    .status = "heuristic", .batch = o->batch, .budget_bytes = p.budget_bytes };
	if (make(plan, &p, o, a, e) < 0 || tighten(plan, &p, o, a, e) < 0 || fit(plan, d, e) < 0 ||
	    verify(plan, d, a, e) < 0)
		return -1;
	if (o->control != NULL && o->control->status != NULL)
		plan->status = o->control->status;
	plan->bound_time_us = o->bound_time_us > 0 ? o->bound_time_us : bounds_time_us(o->bounds_us, &life, d, p.budget_bytes, a);
	return 0;
}
