/* SPDX-License-Identifier: Apache-2.0 */
/* layrub compare: every policy side by side on one training step, device and budget. */
#include <config.h>
#include "src/command/command.h"

#include "src/library/tables.h"

#include <math.h>
#include <string.h>

#include "planner/bound/bounds.h"
#include "planner/planner.h"
#include "src/base/clock.h"
#include "src/base/process.h"
#include "src/command/result.h"
#include "src/library/task.h"

static struct {
	struct task_options task;
	const char *budget, *placement;
} given;

static const struct option_row options[] = {
	{ "device", 'd', OPTION_TEXT, "DEVICE", &given.task.device, "plan for this device: a name or a file (required)", NULL },
	{ "budget", 'B', OPTION_TEXT, "SIZE|N%", &given.budget, "device memory that a plan may use, everything\n"
	    "counted; a percentage is of the step's own peak\n(default: all that the device has less what is\nreserved)", NULL },
	{ "batch", 'b', OPTION_COUNT, "N", &given.task.batch, "samples a step, for a network (default: its own)", NULL },
	{ "placement", 0, OPTION_CHOICE, "PLACEMENT", &given.placement, "where buffers go (default: auto)", table_placements },
	{ "lowering", 0, OPTION_CHOICE, "LOWERING", &given.task.lowering, "how a network becomes ops (default: reuse)", table_lowerings },
	{ "reorder", 0, OPTION_CHOICE, "ORDER", &given.task.reorder, "the order of ops (default: none, the graph's own)", table_reorders },
	{ "times", 0, OPTION_CHOICE, "TIMES", &given.task.times, "op times of a graph: its own, or scaled to the\n"
	    "device (default: traced)", table_times },
	OPTION_END
};

/* A plan is large: each policy has an arena of its own, and its result keeps only what outlives it. */
struct row {
	const struct task *task;
	struct planner_options options;
	const struct lifetimes *life;
	struct arena *scratch;
	struct err e;
	struct result result;
	bool fits;
};

static void
refused(struct row *r)
{
	const struct lifetimes *l = r->life;

	result_init(&r->result);
	r->result.graph = r->task->graph.name;
	r->result.device = r->task->device.name;
	if (r->task->batch > 0)
		r->result.batch = r->task->batch;
	r->result.policy = r->options.policy->name;
	r->result.placement = r->options.placement->name;
	r->result.budget_bytes = r->options.budget_bytes;
	r->result.bound_bytes = l->bound_bytes;
	r->result.resident_bound_bytes = l->resident_bound_bytes;
	r->result.ideal_time_us = l->ideal_time_us;
	r->result.status = "infeasible";
	r->result.reason = r->e.text;
}

static int
plan_row(void *arg)
{
	struct row *r = arg;
	double begin = clock_seconds();
	struct plan p;

	if (planner_run(&p, &r->task->graph, &r->task->device, &r->options, r->scratch, &r->e) < 0)
		return -1;
	result_from_plan(&r->result, &p);
	/* What the plan's own arena holds goes with it. */
	r->result.policy = r->options.policy->name;
	r->result.placement = r->options.placement->name;
	r->result.plan_time_s = clock_seconds() - begin;
	r->fits = true;
	return 0;
}

/* Make one row; only an answer of no may stand in it, another failure ends the command. */
static int
make_row(struct row *r, struct err *e)
{
	struct arena scratch = ARENA_INIT;
	int rc;

	r->scratch = &scratch;
	rc = arena_run(&scratch, plan_row, r, &r->e);
	arena_free(&scratch);
	r->scratch = NULL;
	if (rc < 0 && r->e.code != ERR_NO) {
		*e = r->e;
		return -1;
	}
	if (rc < 0)
		refused(r);
	return 0;
}

/* All rows, in the table's order; after Ctrl-C those that were made until then, and of the one that was being made what
 * there is.  The integer program searches until its time limit: `plan --policy ilp` runs it. */
static int
make_rows(struct row *rows, uint32_t *count, uint32_t *fits, const struct row *problem, struct err *e)
{
	*count = *fits = 0;
	for (const struct policy *policy = policies; policy->name != NULL && (*count == 0 || !interrupt_came()); policy++) {
		struct search_control control = { .stopped = interrupt_came };
		struct row *row = &rows[*count];

		if (!policy->quick)
			continue;
		*row = *problem;
		row->options.policy = policy;
		row->options.control = &control;
		if (make_row(row, e) < 0)
			return -1;
		/* A search that was not finished says nothing against its policy. */
		if (!row->fits && interrupt_came())
			return 0;
		*fits += row->fits;
		++*count;
	}
	return 0;
}

static void
print_problem(const struct row *row)
{
	char text[32];

	text_row(stdout, "graph", "%s", row->task->graph.name);
	text_row(stdout, "device", "%s", row->task->device.name);
	text_row(stdout, "budget", "%s", units_size(text, row->options.budget_bytes));
	text_row(stdout, "peak of the step", "%s", units_size(text, row->life->peak_bytes));
	text_row(stdout, "ideal time", "%s", units_time(text, row->life->ideal_time_us));
	if (row->options.bound_time_us > 0)
		text_row(stdout, "bound on time", "%s", units_time(text, row->options.bound_time_us));
	putchar('\n');
}

/* A budget that is too small for any plan is refused with the same words by every policy: once will do. */
static bool
one_reason(const struct row *rows, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (rows[i].fits || strcmp(rows[i].result.reason, rows[0].result.reason) != 0)
			return false;
	return true;
}

static void
print_table(const struct row *rows, uint32_t count)
{
	char peak[32], arena[32], time[32], out[32], in[32], gap[32], planned[32];

	print_problem(&rows[0]);
	if (one_reason(rows, count)) {
		printf("%s\n", rows[0].result.reason);
		return;
	}
	printf("%-16s %10s %10s %10s %9s %8s %10s %10s %9s\n", "policy", "peak", "arena", "time", "overhead", "gap", "out", "in", "planned");
	for (uint32_t i = 0; i < count; i++) {
		const struct result *r = &rows[i].result;

		if (!rows[i].fits)
			continue;
		snprintf(gap, sizeof(gap), isnan(r->gap) ? "-" : "%.1f %%", 100 * r->gap);
		printf("%-16s %10s %10s %10s %7.1f %% %8s %10s %10s %9s\n", r->policy, units_size(peak, r->peak_bytes),
		    units_size(arena, r->arena_bytes), units_time(time, r->step_time_us), 100 * r->overhead, gap,
		    units_size(out, r->offload_bytes), units_size(in, r->fetch_bytes), units_time(planned, 1e6 * r->plan_time_s));
	}
	for (uint32_t i = 0; i < count; i++)
		if (!rows[i].fits)
			printf("%-16s %s\n", rows[i].result.policy, rows[i].result.reason);
}

static void
print_json(const struct row *rows, uint32_t count)
{
	struct json_out o;

	json_out_init(&o, stdout);
	json_out_object(&o, NULL, true);
	json_out_array(&o, "rows", true);
	for (uint32_t i = 0; i < count; i++) {
		json_out_object(&o, NULL, true);
		result_to_json(&rows[i].result, &o);
		json_out_end_object(&o);
	}
	json_out_end_array(&o);
	json_out_end_object(&o);
	json_out_finish(&o);
}

static int
run(struct cli *c, struct err *e)
{
	struct planner_options po = { .placement = placement_find(given.placement == NULL ? "auto" : given.placement) };
	uint32_t all = 0, count, fits;
	struct lifetimes l;
	struct row *rows;
	struct task t;
	char budget[32];
	int rc;

	if (given.task.device == NULL)
		return usage_error(c, e, "--device", "expected a device ('layrub list devices' shows them), got none");
	if (task_read(&t, c->operands[0], &given.task, &c->arena, e) < 0)
		return -1;
	lifetimes_init(&l, &t.graph, &c->arena);
	if (task_budget(&po.budget_bytes, given.budget, &t, l.peak_bytes, e) < 0)
		return -1;
	warn_of_times(&t);
	po.batch = t.batch;
	if (l.bound_bytes <= po.budget_bytes)
		po.bound_time_us = bounds_time_us(NULL, &l, &t.device, po.budget_bytes, &c->arena);
	for (const struct policy *policy = policies; policy->name != NULL; policy++)
		all += policy->quick;
	rows = ARENA_NEW(&c->arena, struct row, all);
	interrupt_watch();
	rc = make_rows(rows, &count, &fits, &(struct row) { .task = &t, .options = po, .life = &l, .e = ERR_INIT }, e);
	interrupt_end(rc == 0 && (fits > 0 || count == all));
	if (rc < 0)
		return -1;
	if (count < all)
		warn("interrupted: %" PRIu32 " of %" PRIu32 " policies are in the table", count, all);
	if (c->json)
		print_json(rows, count);
	else
		print_table(rows, count);
	return fits > 0 ? 0 : err_set(e, ERR_NO, "none of the %" PRIu32 " policies fits the budget of %s", count,
	    units_size(budget, po.budget_bytes));
}

const struct command cmd_compare = {
	"compare", "NETWORK|GRAPH", 1, 1, "Plan a step with every policy, side by side", options, run
};
