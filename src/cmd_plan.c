/* SPDX-License-Identifier: Apache-2.0 */
/* layrub plan: from a training step, a device and a budget to a checked plan. */
#include <config.h>
#include "src/command.h"

#include <math.h>
#include <string.h>
#include <time.h>

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

/* What --budget says in bytes; 0 when it is absent. */
static int
read_budget(bytes_t *budget, const struct task *t, const struct lifetimes *l, struct cli *c, struct err *e)
{
	size_t n = given.budget == NULL ? 0 : strlen(given.budget);
	char want[32], have[32];
	double percent;

	*budget = 0;
	if (n == 0)
		return given.budget == NULL ? 0 : usage_error(c, e, "--budget", "expected a size such as 12GiB, got nothing");
	if (given.budget[n - 1] == '%') {
		if (units_parse_percent(given.budget, &percent, e) < 0)
			goto usage;
		percent = floor(percent / 100 * (double)l->peak_bytes);
		*budget = percent < (double)BYTES_MAX ? (bytes_t)percent : BYTES_MAX;
	} else if (units_parse_size(given.budget, budget, e) < 0)
		goto usage;
	if (*budget == 0) {
		err_set(e, ERR_INPUT, "expected more than no memory, got '%s'", given.budget);
		goto usage;
	}
	if (*budget <= device_budget(&t->device))
		return 0;
	err_set(e, ERR_INPUT, "expected at most the %s that device '%s' has less what is reserved, got %s",
	    units_size(have, device_budget(&t->device)), t->device.name, units_size(want, *budget));
	return err_at(e, "--budget");
usage:
	c->usage = true;
	return err_at(e, "--budget");
}

/* Times of another device are the graph's own, and say so. */
static void
warn_of_times(const struct task *t)
{
	const struct measured *m = &t->graph.measured;
	char q[48], r[48];

	if (t->is_network || m->step_time_us <= 0 || m->device == NULL || strcmp(t->times, "scaled") == 0)
		return;
	if (t->device.gpu == NULL || strcmp(t->device.gpu, m->device) != 0)
		warn("op times were measured on '%s', not on '%s'; --times scaled would scale them",
		    err_quote(q, m->device), err_quote(r, t->device.name));
}

static double
seconds_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

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

static int
run(struct cli *c, struct err *e)
{
	struct planner_options po = {
		.policy = policy_find(given.policy == NULL ? "layrub" : given.policy),
		.placement = placement_find(given.placement == NULL ? "auto" : given.placement),
	};
	struct lifetimes l;
	struct result r;
	struct plan p;
	struct task t;
	double begin;

	if (given.task.device == NULL)
		return usage_error(c, e, "--device", "expected a device ('layrub list devices' shows them), got none");
	if (task_read(&t, c->operands[0], &given.task, c, e) < 0)
		return -1;
	lifetimes_init(&l, &t.graph, &c->arena);
	if (read_budget(&po.budget_bytes, &t, &l, c, e) < 0)
		return -1;
	if (po.budget_bytes == 0)
		po.budget_bytes = device_budget(&t.device);
	po.batch = t.batch;
	po.options = t.is_network ? arena_printf(&c->arena, "--lowering %s", t.lowering) :
	    arena_printf(&c->arena, "--times %s", t.times);
	warn_of_times(&t);
	begin = seconds_now();
	if (planner_run(&p, &t.graph, &t.device, &po, &c->arena, e) < 0)
		return answer_no(&t, &po, &l, c, e);
	result_from_plan(&r, &p);
	r.plan_time_s = seconds_now() - begin;
	if (given.output != NULL && plan_write(&p, given.output, &c->arena, e) < 0)
		return -1;
	print_result(&r, c);
	return 0;
}

const struct command cmd_plan = {
	"plan", "NETWORK|GRAPH", 1, 1, "Plan a training step into a budget of device memory", options, run
};
