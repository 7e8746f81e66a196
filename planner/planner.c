/* SPDX-License-Identifier: Apache-2.0 */
/* planner.c - one plan: policy, placement, program, check, time; and the reasons why there is none */
#include <config.h>
#include "planner/planner.h"

#include "planner/bound/bounds.h"
#include "planner/schedule/program.h"
#include "sim/check/check.h"
#include "sim/time/simulate.h"

enum {
	NAMED_TENSORS = 4,	/* in the message of a budget that is too small */
	TIGHTEN_MAX = 6		/* schedules tried when fragmentation breaks the budget */
};

/* The op's largest tensors as text: "tensor 3 (activation, 1.2 GiB), tensor 7 (...)". */
static const char *
largest_tensors(const struct graph *g, const struct op *o, struct arena *a)
{
	uint32_t best[NAMED_TENSORS], count = graph_largest_tensors(g, o, best, NAMED_TENSORS);
	const char *text = "";
	char size[32];

	for (uint32_t j = 0; j < count; j++)
		text = arena_printf(a, "%s%stensor %" PRIu32 " (%s, %s)", text, j == 0 ? "" : ", ", best[j],
		    kind_names[g->tensors[best[j]].kind], units_size(size, g->tensors[best[j]].bytes));
	return text;
}

/* The error of a budget that no plan of any policy fits. */
static int
too_small(const struct problem *p, struct arena *a, struct err *e)
{
	const struct lifetimes *l = p->life;
	const struct op *o = &p->graph->ops[l->bound_op];
	char budget[32], needs[32], workspace[32];

	err_set(e, ERR_NO, "a budget of %s (%" PRI_BYTES " bytes) is too small: no plan needs less than %s (%" PRI_BYTES
	    " bytes), for op %" PRIu32 " '%s': %s, workspace %s", units_size(budget, p->budget_bytes), p->budget_bytes,
	    units_size(needs, l->bound_bytes), l->bound_bytes, l->bound_op, o->name, largest_tensors(p->graph, o, a),
	    units_size(workspace, o->workspace_bytes));
	return graph_set_reason(e, p->graph, l->bound_op, l->bound_bytes - p->budget_bytes);
}

/* The error of a budget that no plan with all persistent tensors on the device fits. */
static int
too_small_for(const struct policy *row, const struct problem *p, struct err *e)
{
	const struct lifetimes *l = p->life;
	char budget[32], needs[32], persistent[32], missing[32];
	bool results = false;

	for (uint32_t t = 0; t < p->graph->tensor_count; t++)
		results |= p->graph->tensors[t].kind == KIND_RESULT;
	err_set(e, ERR_NO, "policy '%s' keeps all persistent tensors (%s)%s on the device: with op %" PRIu32 " '%s' they need %s, %s "
	    "more than the budget of %s", row->name, units_size(persistent, l->persistent_bytes), results ? " and all results" : "", l->resident_bound_op,
	    p->graph->ops[l->resident_bound_op].name, units_size(needs, l->resident_bound_bytes),
	    units_size(missing, l->resident_bound_bytes - p->budget_bytes), units_size(budget, p->budget_bytes));
	return graph_set_reason(e, p->graph, l->resident_bound_op, l->resident_bound_bytes - p->budget_bytes);
}

/* The error of a plan that is over the budget or over the host's pinned memory; 0: it fits. */
static int
fit(const struct plan *plan, const struct device *d, struct err *e)
{
	char arena[32], peak[32], budget[32], missing[32];

	if (plan->arena_bytes > plan->budget_bytes) {
		err_set(e, ERR_NO, "policy '%s' needs an arena of %s (peak %s): %s more than the budget of %s",
		    plan->policy, units_size(arena, plan->arena_bytes), units_size(peak, plan->figures.peak_bytes),
		    units_size(missing, plan->arena_bytes - plan->budget_bytes), units_size(budget, plan->budget_bytes));
		return graph_set_reason(e, plan->graph, ERR_NO_OP, plan->arena_bytes - plan->budget_bytes);
	}
	if (plan->host_bytes > d->pinned_bytes)
		return err_set(e, ERR_NO, "policy '%s' needs %s of pinned host memory: %s more than '%s' has",
		    plan->policy, units_size(arena, plan->host_bytes),
		    units_size(missing, plan->host_bytes - d->pinned_bytes), d->name);
	return 0;
}

/* Checks and times the plan: a solver never judges itself. */
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

/* Makes a plan with its untimed figures, of the policy's schedule for p's budget. */
static int
make(struct plan *plan, const struct problem *p, const struct planner_options *o, struct arena *a, struct err *e)
{
	struct schedule schedule;

	if (o->policy->plan(&schedule, p, a, e) < 0 ||
	    program_build(plan, &schedule, o->placement, p->control == NULL ? 0 : p->control->threads, a, e) < 0)
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
	struct problem p = { .graph = g, .device = d, .life = &life, .control = o->control, .command = o->policy->command,
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
	if (o->bound_time_us >= 0)
		plan->bound_time_us = o->bound_time_us > 0 ? o->bound_time_us : bounds_time_us(o->bounds_us, &life, d, p.budget_bytes, a);
	return 0;
}
