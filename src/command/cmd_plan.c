/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_plan.c - layrub plan: from a training step, a device and a budget to a checked plan */
#include <config.h>
#include "src/command/command.h"

#include <string.h>

#include "planner/bound/bounds.h"
#include "src/base/clock.h"
#include "src/base/file.h"
#include "src/command/plan_frontier.h"
#include "src/command/result.h"

static const char *output, *picture;
static bool frontier;

static const struct option_row options[] = {
	{ "output", 'o', OPTION_TEXT, "FILE", &output, "write the plan to this file (default: nowhere)", NULL },
	{ "frontier", 0, OPTION_FLAG, NULL, &frontier, "print step time against memory: the plans for a\nlist of budgets up to --budget; -o gets the last", NULL },
	{ "picture", 0, OPTION_TEXT, "FILE", &picture, "draw the frontier: to a .svg, .png, .pdf or .html\nfile, or 'term' (default: no picture)", NULL },
	OPTION_END
};

/* Returns stderr when the plan goes to stdout, else stdout. */
static FILE *
result_stream(void)
{
	return output != NULL && strcmp(output, "-") == 0 ? stderr : stdout;
}

/* Returns -1.  With --json, prints the known figures of a request that has no plan. */
static int
answer_no(const struct planning *n, const struct cli *c, const struct err *e)
{
	struct figures f;

	if (!c->json || e->code != ERR_NO)
		return -1;
	planning_refused(&f, n, e->text);
	result_show(&f, c, result_stream());
	return -1;
}

/* Prints each bound on the time with its name.  The gap is the distance to the largest bound. */
static void
print_bounds(const double *bounds_us, const struct cli *c)
{
	char time[32], label[32];

	for (int i = 0; !c->json && bounds[i].name != NULL; i++)
		if (bounds_us[i] > 0) {
			snprintf(label, sizeof(label), "bound '%s'", bounds[i].name);
			text_row(result_stream(), label, "%s (%s)", units_time(time, bounds_us[i]), bounds[i].summary);
		}
}

/* Fills p by a search: for one plan, or for a frontier, whose last plan is p. */
static int
run_search(struct plan *p, struct frontier *f, struct planning *n, struct cli *c, struct err *e)
{
	if (!frontier)
		return planning_run(p, n, &c->arena, e);
	if (planning_frontier(f, n, &c->arena, e) < 0)
		return -1;
	*p = *f->points[f->count - 1].plan;
	return 0;
}

/* Makes the plan.  The first Ctrl-C asks the search for its best plan so far. */
static int
search(struct plan *p, struct frontier *f, struct planning *n, struct cli *c, struct err *e)
{
	int rc;

	n->control.stopped = interrupted;
	n->control.progress = watch_begin();
	rc = run_search(p, f, n, c, e);
	watch_end(rc == 0);
	if (n->unfinished)
		warn("interrupted: a smaller budget may do, too");
	return rc;
}

static int
run(struct cli *c, struct err *e)
{
	double bounds_us[BOUND_COUNT] = { 0 }, begin;
	struct frontier points;
	struct planning n;
	struct figures f;
	struct plan p;
	struct task t;

	if (picture != NULL && frontier_check_picture(picture, frontier, e) < 0)
		return -1;
	if ((output != NULL && file_check_output(output, e) < 0) || begin_planning(&n, &t, c, e) < 0)
		return -1;
	n.options.bounds_us = frontier ? NULL : bounds_us;
	begin = clock_seconds();
	if (search(&p, &points, &n, c, e) < 0)
		return answer_no(&n, c, e);
	figures_of_plan(&f, &p);
	f.plan_time_s = clock_seconds() - begin;
	if (output != NULL && plan_write(&p, output, &c->arena, e) < 0)
		return -1;
	if (frontier)
		return frontier_show(&points, picture, c, result_stream(), e);
	result_show(&f, c, result_stream());
	print_bounds(bounds_us, c);
	return 0;
}

const struct command cmd_plan = {
	"plan", "NETWORK|GRAPH", 1, 1, "Plan a training step into a memory budget", options, run, FOR_PLAN
};
