/* SPDX-License-Identifier: Apache-2.0 */
/* refusal.c - which bytes are missing, at which op, and which budget is known to do */
#include <config.h>
#include "planner/refusal.h"

#include "planner/schedule/homes.h"

enum { NAMED_TENSORS = 4 };	/* in the message of a budget that is too small */

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

/* Returns "; a plan for 12.0 GiB is known", "", or that no plan is known at all.  floors: NULL, or where to look. */
static const char *
known_plan(char text[64], struct floors *f, bytes_t above, struct err *e)
{
	char size[32];
	bytes_t least;
	int rc = f == NULL ? 0 : floors_least(&least, f, above, e);

	text[0] = '\0';
	if (rc < 0)
		return NULL;
	if (f != NULL && rc == 0)
		snprintf(text, 64, "; a plan for %s is known", units_size(size, least));
	else if (f != NULL)
		snprintf(text, 64, "; no plan for this device's memory is known");
	return text;
}

int
refuse_budget(const struct problem *p, struct floors *f, struct arena *a, struct err *e)
{
	const struct lifetimes *l = p->life;
	const struct op *o = &p->graph->ops[l->bound_op];
	char budget[32], needs[32], workspace[32], known[64];

	if (known_plan(known, f, 0, e) == NULL)
		return -1;
	err_set(e, ERR_NO, "a budget of %s (%" PRI_BYTES " bytes) is too small: no plan needs less than %s (%" PRI_BYTES
	    " bytes), for op %" PRIu32 " '%s': %s, workspace %s%s", units_size(budget, p->budget_bytes), p->budget_bytes,
	    units_size(needs, l->bound_bytes), l->bound_bytes, l->bound_op, o->name, largest_tensors(p->graph, o, a),
	    units_size(workspace, o->workspace_bytes), known);
	return graph_set_reason(e, p->graph, l->bound_op, l->bound_bytes - p->budget_bytes);
}

int
refuse_resident(const struct policy *row, const struct problem *p, struct err *e)
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

int
refuse_search(const struct problem *p, struct floors *f, const struct err *why, struct err *e)
{
	const struct lifetimes *l = p->life;
	char needs[32], known[64];

	if (known_plan(known, f, p->budget_bytes, e) == NULL)
		return -1;
	err_set(e, ERR_NO, "%s%s; no plan needs less than %s, for op %" PRIu32 " '%s'", why->text, known, units_size(needs, l->bound_bytes), l->bound_op,
	    p->graph->ops[l->bound_op].name);
	return why->reason.known ? err_set_reason(e, &why->reason) : -1;
}

int
refuse_excess(const struct plan *plan, const struct device *d, struct err *e)
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

int
refuse_homes_on_host(const struct policy *row, const struct homes *homes, struct err *e)
{
	char size[32];

	return err_set(e, ERR_NO, "policy '%s' begins with all persistent tensors on the device, but %s of the homes given are on the host", row->name,
	    units_size(size, homes->host_bytes));
}

int
refuse_homes(const struct homes *homes, const struct problem *p, struct err *e)
{
	char budget[32], needs[32], missing[32];

	if (homes->least_bytes > p->budget_bytes) {
		err_set(e, ERR_NO, "a budget of %s (%" PRI_BYTES " bytes) is too small for the homes given: no plan with them needs less than %s (%"
		    PRI_BYTES " bytes)", units_size(budget, p->budget_bytes), p->budget_bytes, units_size(needs, homes->least_bytes), homes->least_bytes);
		return graph_set_reason(e, p->graph, ERR_NO_OP, homes->least_bytes - p->budget_bytes);
	}
	if (homes->pool_bytes > p->device->pinned_bytes)
		return err_set(e, ERR_NO, "the homes given need %s of pinned host memory: %s more than '%s' has", units_size(needs, homes->pool_bytes),
		    units_size(missing, homes->pool_bytes - p->device->pinned_bytes), p->device->name);
	return 0;
}
