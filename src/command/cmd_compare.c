/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_compare.c - layrub compare: every policy side by side on one training step, device and budget */
#include <config.h>
#include "src/command/command.h"

#include <math.h>
#include <string.h>

#include "planner/bound/bounds.h"
#include "src/base/clock.h"
#include "src/base/process.h"
#include "src/command/result.h"

static const struct option_row options[] = { OPTION_END };

/* The row of one policy.  Plans are large, so each has an arena of its own.  The figures outlive it. */
struct compare_row {
	struct planning planning;
	struct arena *scratch;
	struct err e;
	struct figures figures;
	char configuration[256];	/* the figures' text */
	bool fits;
};

/* The external policies of the command line. */
struct external_policies {
	const char *const *commands;	/* [count] */
	uint32_t count;
};

static int
plan_row(void *arg)
{
	struct compare_row *r = arg;
	double begin = clock_seconds();
	struct plan p;

	if (planning_run(&p, &r->planning, r->scratch, &r->e) < 0)
		return -1;
	figures_of_plan(&r->figures, &p);
	if (p.configuration != NULL) {
		snprintf(r->configuration, sizeof(r->configuration), "%s", p.configuration);
		r->figures.configuration = r->configuration;
	}
	r->figures.plan_time_s = clock_seconds() - begin;
	r->fits = true;
	return 0;
}

/* Makes one row.  ERR_NO becomes the row's reason; any other failure ends the command. */
static int
make_row(struct compare_row *r, struct err *e)
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
		planning_refused(&r->figures, &r->planning, r->e.text);
	return 0;
}

/* Makes the next row, with a policy of the table, or with the external one of that command.  *done: an interrupt ends the table. */
static int
add_row(struct compare_row *rows, uint32_t *count, uint32_t *fits, const struct planning *planning, const struct policy *policy,
    const char *command, bool *done, struct arena *a, struct err *e)
{
	struct compare_row *row = &rows[*count];

	*row = (struct compare_row) { .planning = *planning, .e = ERR_INIT };
	row->planning.options.policy = policy;
	if (command != NULL)
		planning_use_external(&row->planning, command, a);
	progress_stage("policy '%s'", row->planning.options.policy->name);
	if (make_row(row, e) < 0)
		return -1;
	/* An unfinished search does not prove that its policy has no plan. */
	*done = !row->fits && interrupt_came();
	if (*done)
		return 0;
	*fits += row->fits;
	++*count;
	return 0;
}

/* Makes all rows in the order of the table of policies, external ones last.  After Ctrl-C, the current row gets its best plan so far,
 * and no other row begins.  The integer program is left out, because it searches until its time limit. */
static int
make_rows(struct compare_row *rows, uint32_t *count, uint32_t *fits, const struct planning *planning, const struct external_policies *x,
    struct arena *a, struct err *e)
{
	bool done = false;

	*count = *fits = 0;
	for (const struct policy *policy = policies; policy->name != NULL && (*count == 0 || !interrupt_came()) && !done; policy++)
		if (policy->quick && add_row(rows, count, fits, planning, policy, NULL, &done, a, e) < 0)
			return -1;
	for (uint32_t i = 0; i < x->count && !interrupt_came() && !done; i++)
		if (add_row(rows, count, fits, planning, NULL, x->commands[i], &done, a, e) < 0)
			return -1;
	return 0;
}

static void
print_problem(const struct compare_row *row)
{
	char text[32];

	text_row(stdout, "graph", "%s", row->planning.task->graph.name);
	text_row(stdout, "device", "%s", row->planning.task->device.name);
	text_row(stdout, "budget", "%s", units_size(text, row->planning.options.budget_bytes));
	text_row(stdout, "peak of the step", "%s", units_size(text, row->planning.life.peak_bytes));
	text_row(stdout, "ideal time", "%s", units_time(text, row->planning.life.ideal_time_us));
	if (row->planning.options.bound_time_us > 0)
		text_row(stdout, "bound on time", "%s", units_time(text, row->planning.options.bound_time_us));
	putchar('\n');
}

/* True: all policies fail with the same reason (a budget too small for any plan), so one line says it. */
static bool
one_reason(const struct compare_row *rows, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (rows[i].fits || strcmp(rows[i].figures.reason, rows[0].figures.reason) != 0)
			return false;
	return true;
}

static void
print_table(const struct compare_row *rows, uint32_t count)
{
	char peak[32], arena[32], time[32], out[32], in[32], over[32], gap[32], planned[32];
	int width = 16;

	print_problem(&rows[0]);
	if (one_reason(rows, count)) {
		printf("%s\n", rows[0].figures.reason);
		return;
	}
	for (uint32_t i = 0; i < count; i++)
		if (strlen(rows[i].figures.policy) > (size_t)width)
			width = (int)strlen(rows[i].figures.policy);
	printf("%-*s %10s %10s %10s %9s %8s %10s %10s %9s\n", width, "policy", "peak", "arena", "time", "overhead", "gap", "out", "in", "planned");
	for (uint32_t i = 0; i < count; i++) {
		const struct figures *r = &rows[i].figures;

		if (!rows[i].fits)
			continue;
		snprintf(gap, sizeof(gap), isnan(r->gap) ? "-" : "%.1f %%", 100 * r->gap);
		snprintf(over, sizeof(over), isnan(r->overhead) ? "n/a" : "%.1f %%", 100 * r->overhead);
		printf("%-*s %10s %10s %10s %9s %8s %10s %10s %9s\n", width, r->policy, units_size(peak, r->peak_bytes),
		    units_size(arena, r->arena_bytes), units_time(time, r->step_time_us), over, gap,
		    units_size(out, r->offload_bytes), units_size(in, r->fetch_bytes), units_time(planned, 1e6 * r->plan_time_s));
	}
	for (uint32_t i = 0; i < count; i++)
		if (!rows[i].fits)
			printf("%-*s %s\n", width, rows[i].figures.policy, rows[i].figures.reason);
}

static void
print_json(const struct compare_row *rows, uint32_t count)
{
	struct json_out o;

	result_begin(&o, cmd_compare.name, stdout);
	json_out_array(&o, "rows", true);
	for (uint32_t i = 0; i < count; i++) {
		json_out_object(&o, NULL, true);
		result_to_json(&rows[i].figures, &o);
		json_out_end_object(&o);
	}
	json_out_end_array(&o);
	json_out_end(&o);
}

static int
run(struct cli *c, struct err *e)
{
	const struct external_policies x = { plan_given.exec, plan_given.exec_count };
	uint32_t all = x.count, count, fits;
	struct compare_row *rows;
	struct planning n;
	struct task t;
	char budget[32];
	int rc;

	plan_given.exec_count = 0;	/* rows of their own */
	if (begin_planning(&n, &t, c, e) < 0)
		return -1;
	n.control.stopped = interrupted;
	n.options.advises = false;
	if (n.life.bound_bytes <= n.options.budget_bytes)
		n.options.bound_time_us = bounds_time_us(NULL, &n.life, &t.device, n.options.budget_bytes, &c->arena);
	for (const struct policy *policy = policies; policy->name != NULL; policy++)
		all += policy->quick;
	rows = ARENA_NEW(&c->arena, struct compare_row, all);
	n.control.progress = watch_begin();
	rc = make_rows(rows, &count, &fits, &n, &x, &c->arena, e);
	watch_end(rc == 0 && (fits > 0 || count == all));
	if (rc < 0)
		return -1;
	if (count < all)
		warn("interrupted: %" PRIu32 " of %" PRIu32 " policies are in the table", count, all);
	if (c->json)
		print_json(rows, count);
	else
		print_table(rows, count);
	return fits > 0 ? 0 : err_set(e, ERR_NO, "none of the %" PRIu32 " policies fits the budget of %s", count,
	    units_size(budget, n.options.budget_bytes));
}

const struct command cmd_compare = {
	"compare", "NETWORK|GRAPH", 1, 1, "Plan a step with every policy, side by side", options, run, FOR_COMPARE
};
