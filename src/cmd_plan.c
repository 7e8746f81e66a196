/* SPDX-License-Identifier: Apache-2.0 */
/* layrub plan: from a training step, a device and a budget to a checked plan. */
#include <config.h>
#include "src/command.h"

#include <string.h>

#include "planner/bounds.h"
#include "planner/planner.h"
#include "src/result.h"
#include "src/task.h"

static struct {
	struct task_options task;
	const char *budget, *policy, *placement, *output;
} given;

static const struct option_row options[] = {
	{ "device", 'd', OPTION_TEXT, "DEVICE", &given.task.device, "plan for this device: a name or a file (required)", NULL },
	{ "budget", 'B', OPTION_TEXT, "SIZE|N%", &given.budget, "device memory that the plan may use, everything counted;\n"
	    "a percentage is of the step's own peak (default: all\nthat the device has less what is reserved)", NULL },
	{ "batch", 'b', OPTION_COUNT, "N", &given.task.batch, "samples a step (default: the network's own)", NULL },
	{ "policy", 'p', OPTION_CHOICE, "POLICY", &given.policy, "what is kept and what moves (default: layrub)", table_policies },
	{ "placement", 0, OPTION_CHOICE, "PLACEMENT", &given.placement, "where buffers go (default: auto)", table_placements },
	{ "lowering", 0, OPTION_CHOICE, "LOWERING", &given.task.lowering, "how a network becomes ops (default: reuse)", table_lowerings },
	{ "times", 0, OPTION_CHOICE, "TIMES", &given.task.times, "op times of a graph: its own, or scaled to the device\n"
	    "(default: traced)", table_times },
	{ "output", 'o', OPTION_TEXT, "PLAN", &given.output, "write the plan to this file", NULL },
	OPTION_END
};

static void
print_result(const struct result *r, const struct cli *c)
{
	/* A plan on standard output leaves the table no room there. */
	FILE *out = given.output != NULL && strcmp(given.output, "-") == 0 ? stderr : stdout;
	struct json_out o;

	if (!c->json) {
		result_print(r, out);
		return;
	}
	json_out_init(&o, out);
	json_out_object(&o, NULL, true);
	result_to_json(r, &o);
	json_out_end_object(&o);
	json_out_finish(&o);
}

/* The answer no is a result, too: programs get what is known. */
static int
answer_no(const struct task *t, const struct planner_options *po, const struct lifetimes *l, const struct cli *c, const struct err *e)
{
	struct result r;

	if (!c->json || e->code != ERR_NO)
		return -1;
	result_init(&r);
	r.graph = t->graph.name;
	r.device = t->device.name;
	if (t->batch > 0)
		r.batch = t->batch;
	r.policy = po->policy->name;
	r.placement = po->placement->name;
	r.budget_bytes = po->budget_bytes;
	r.bound_bytes = l->bound_bytes;
	r.resident_bound_bytes = l->resident_bound_bytes;
	r.ideal_time_us = l->ideal_time_us;
	r.status = "infeasible";
	r.reason = e->text;
	print_result(&r, c);
	return -1;
}

/* Each bound on the time by its name: gap is against the largest. */
static void
print_bounds(const double *bounds_us, const struct cli *c)
{
	FILE *out = given.output != NULL && strcmp(given.output, "-") == 0 ? stderr : stdout;
	char time[32], label[32];

	for (int i = 0; !c->json && bounds[i].name != NULL; i++)
		if (bounds_us[i] > 0) {
			snprintf(label, sizeof(label), "bound '%s'", bounds[i].name);
			text_row(out, label, "%s (%s)", units_time(time, bounds_us[i]), bounds[i].summary);
		}
}

static int
run(struct cli *c, struct err *e)
{
	struct planner_options po = {
		.policy = policy_find(given.policy == NULL ? "hybrid" : given.policy),
		.placement = placement_find(given.placement == NULL ? "auto" : given.placement),
	};
	double bounds_us[BOUND_COUNT], begin;
	struct lifetimes l;
	struct result r;
	struct plan p;
	struct task t;

	if (given.task.device == NULL)
		return usage_error(c, e, "--device", "expected a device ('layrub list devices' shows them), got none");
	if (task_read(&t, c->operands[0], &given.task, c, e) < 0)
		return -1;
	lifetimes_init(&l, &t.graph, &c->arena);
	if (task_budget(&po.budget_bytes, given.budget, &t, l.peak_bytes, c, e) < 0)
		return -1;
	po.batch = t.batch;
	po.bounds_us = bounds_us;
	po.options = t.is_network ? arena_printf(&c->arena, "--lowering %s", t.lowering) :
	    arena_printf(&c->arena, "--times %s", t.times);
	task_warn_of_times(&t);
	begin = task_seconds();
	if (planner_run(&p, &t.graph, &t.device, &po, &c->arena, e) < 0)
		return answer_no(&t, &po, &l, c, e);
	result_from_plan(&r, &p);
	r.plan_time_s = task_seconds() - begin;
	if (given.output != NULL && plan_write(&p, given.output, &c->arena, e) < 0)
		return -1;
	print_result(&r, c);
	print_bounds(bounds_us, c);
	return 0;
}

const struct command cmd_plan = {
	"plan", "NETWORK|GRAPH", 1, 1, "Plan a training step into a budget of device memory", options, run
};
