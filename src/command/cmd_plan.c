/* SPDX-License-Identifier: Apache-2.0 */
/* layrub plan: from a training step, a device and a budget to a checked plan. */
#include <config.h>
#include "src/command/command.h"

#include "src/library/tables.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "planner/bound/bounds.h"
#include "planner/budget_search.h"
#include "planner/planner.h"
#include "sim/time/what_if.h"
#include "src/base/clock.h"
#include "src/base/process.h"
#include "src/command/result.h"
#include "src/library/task.h"

static struct {
	struct task_options task;
	struct what_if link;
	const char *budget, *slowdown, *minimise, *policy, *placement, *output, *time_limit, *write_lp;
} given = { .link = WHAT_IF_INIT };

static const struct option_row options[] = {
	{ "device", 'd', OPTION_TEXT, "DEVICE", &given.task.device, "plan for this device: a name or a file (required)", NULL },
	{ "budget", 'B', OPTION_TEXT, "SIZE|N%", &given.budget, "device memory that the plan may use, everything\n"
	    "counted; a percentage is of the step's own peak\n(default: all that the device has less what is\nreserved)", NULL },
	{ "slowdown", 0, OPTION_TEXT, "PCT", &given.slowdown, "find the smallest budget whose step takes at most\n"
	    "so much longer than the ideal time (default:\n--budget decides)", NULL },
	{ "minimise", 0, OPTION_CHOICE, "WHAT", &given.minimise, "find the smallest budget that has a plan (default:\n"
	    "--budget decides)", table_objectives },
	{ "batch", 'b', OPTION_COUNT, "N", &given.task.batch, "samples a step, for a network (default: its own)", NULL },
	{ "policy", 'p', OPTION_CHOICE, "POLICY", &given.policy, "what is kept, moved or made again\n(default: hybrid)", table_policies },
	{ "placement", 0, OPTION_CHOICE, "PLACEMENT", &given.placement, "where buffers go (default: auto)", table_placements },
	{ "lowering", 0, OPTION_CHOICE, "LOWERING", &given.task.lowering, "how a network becomes ops (default: reuse)", table_lowerings },
	{ "reorder", 0, OPTION_CHOICE, "ORDER", &given.task.reorder, "the order of ops (default: none, the graph's own)", table_reorders },
	{ "times", 0, OPTION_CHOICE, "TIMES", &given.task.times, "op times of a graph: its own, or scaled to the\n"
	    "device (default: traced)", table_times },
	{ "time-limit", 0, OPTION_TEXT, "TIME", &given.time_limit, "policies hybrid and ilp: search no longer; a bare\n"
	    "number is in seconds (default: ilp 20s, hybrid a\n"
	    "fixed amount of search)", NULL },
	{ "write-lp", 0, OPTION_TEXT, "FILE", &given.write_lp, "policy ilp: write its first model to this file, in\n"
	    "CPLEX LP format (default: nowhere)", NULL },
	{ "gpus-per-link", 0, OPTION_COUNT, "N", &given.link.gpus_per_link, "GPUs that share the link, all as busy as this one\n"
	    "(default: 1)", NULL },
	{ "output", 'o', OPTION_TEXT, "FILE", &given.output, "write the plan to this file (default: nowhere)", NULL },
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

/* A line that the next one overwrites, for whoever waits at a terminal. */
static void
show_trial(void *arg, bytes_t budget, const struct plan *p)
{
	char size[32];

	(void)arg;
	if (!isatty(STDERR_FILENO))
		return;
	if (p == NULL)
		fprintf(stderr, "\rbudget %s: no plan%20s", units_size(size, budget), "");
	else
		fprintf(stderr, "\rbudget %s: step time %+.1f %%%20s", units_size(size, budget),
		    100 * (p->predicted.step_time_us / p->predicted.ideal_time_us - 1), "");
}

/* What --slowdown or --minimise makes of the budget. */
static int
find_budget(struct planner_options *po, const struct task *t, struct cli *c, struct err *e)
{
	struct objective o = { .most_overhead = INFINITY, .tried = show_trial };
	int rc;

	if (given.slowdown == NULL && given.minimise == NULL)
		return 0;
	if (given.slowdown != NULL) {
		if (units_parse_percent(given.slowdown, &o.most_overhead, e) < 0) {
			c->usage = true;
			return err_at(e, "--slowdown");
		}
		o.most_overhead /= 100;
	}
	rc = objective_budget(&po->budget_bytes, &t->graph, &t->device, po, &o, &c->arena, e);
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%60s\r", "");
	return rc;
}

static int
check_objectives(struct cli *c, struct err *e)
{
	if (given.slowdown != NULL && given.minimise != NULL)
		return usage_error(c, e, "--slowdown", "expected one objective, got --minimise, too");
	if (given.budget != NULL && (given.slowdown != NULL || given.minimise != NULL))
		return usage_error(c, e, "--budget", "expected no budget with --%s, which finds one", given.slowdown != NULL ? "slowdown" : "minimise");
	return 0;
}

/* One line that is written over and over. */
static void
show_progress(const char *line)
{
	fprintf(stderr, "\r\033[K%s", line);
	fflush(stderr);
}

/* The first Ctrl-C asks the search for what it has, and one of those that take long says how far it is. */
static void
begin_search(struct search_control *s, const struct policy *policy)
{
	s->stopped = interrupt_came;
	s->progress = !policy->quick && isatty(STDERR_FILENO) ? show_progress : NULL;
	interrupt_watch();
}

/* The budget's own plan is made in full, however the search for the budget ended. */
static int
search(struct plan *p, const struct task *t, struct planner_options *po, struct cli *c, struct err *e)
{
	bool looks = given.slowdown != NULL || given.minimise != NULL;
	int rc;

	begin_search(po->control, po->policy);
	rc = find_budget(po, t, c, e);
	if (rc == 0 && looks && interrupt_came()) {
		warn("interrupted: a smaller budget may do, too");
		po->control->stopped = NULL;
		po->control->status = NULL;
	}
	/* Cut short, it might be slower than what was found. */
	if (looks && po->policy->quick)
		po->control->time_limit_s = 0;
	if (rc == 0)
		rc = planner_run(p, &t->graph, &t->device, po, &c->arena, e);
	if (po->control->progress != NULL)
		fputs("\r\033[K", stderr);
	interrupt_end(rc == 0);
	return rc;
}

static int
run(struct cli *c, struct err *e)
{
	struct search_control control = { .write_lp = given.write_lp };
	struct planner_options po = {
		.policy = policy_find(given.policy == NULL ? "hybrid" : given.policy),
		.placement = placement_find(given.placement == NULL ? "auto" : given.placement),
	};
	double bounds_us[BOUND_COUNT] = { 0 }, begin;
	struct lifetimes l;
	struct result r;
	struct plan p;
	struct task t;

	if (given.task.device == NULL)
		return usage_error(c, e, "--device", "expected a device ('layrub list devices' shows them), got none");
	if (option_seconds(&control.time_limit_s, "--time-limit", given.time_limit, c, e) < 0 || check_objectives(c, e) < 0 || task_read(&t, c->operands[0], &given.task, &c->arena, e) < 0)
		return -1;
	if (what_if_check(&given.link, e) < 0) {
		c->usage = true;
		return -1;
	}
	what_if_device(&t.device, &given.link, &c->arena);
	lifetimes_init(&l, &t.graph, &c->arena);
	if (task_budget(&po.budget_bytes, given.budget, &t, l.peak_bytes, e) < 0)
		return -1;
	po.batch = t.batch;
	po.bounds_us = bounds_us;
	po.control = &control;
	po.options = task_record(&t, &given.task, &c->arena);
	warn_of_times(&t);
	begin = clock_seconds();
	if (search(&p, &t, &po, c, e) < 0)
		return answer_no(&t, &po, &l, c, e);
	result_from_plan(&r, &p);
	r.plan_time_s = clock_seconds() - begin;
	if (given.output != NULL && plan_write(&p, given.output, &c->arena, e) < 0)
		return -1;
	print_result(&r, c);
	print_bounds(bounds_us, c);
	return 0;
}

const struct command cmd_plan = {
	"plan", "NETWORK|GRAPH", 1, 1, "Plan a training step into a memory budget", options, run
};
