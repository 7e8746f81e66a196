/* SPDX-License-Identifier: Apache-2.0 */
/* plan_frontier.c - one row for each budget, and the sweep's chart of memory against time */
#include <config.h>
#include "src/command/plan_frontier.h"

#include <math.h>

#include "sim/report/report.h"
#include "src/command/result.h"
#include "src/library/usage.h"

int
frontier_check_picture(const char *picture, bool frontier, struct err *e)
{
	const struct report_to to = { .path = picture };

	if (!frontier)
		return usage_error(e, "--picture", "expected --frontier, too: 'layrub report' draws one plan");
	if (report_check(&to, false, e) == 0)
		return 0;
	return e->code == ERR_SYSTEM ? -1 : usage_at(e, "--picture");
}

/* Returns a share as "12.3 %"; "n/a": the part of no time at all. */
static const char *
percent(char text[32], double share)
{
	if (isfinite(share))
		snprintf(text, 32, "%.1f %%", 100 * share);
	else
		snprintf(text, 32, "n/a");
	return text;
}

static void
print_table(const struct frontier *f, FILE *out)
{
	char budget[32], part[32], peak[32], time[32], over[32], gap[32];

	fprintf(out, "%11s %8s %11s %11s %11s %8s  %s\n", "budget", "of peak", "least peak", "step time", "over ideal", "gap", "found by");
	for (uint32_t i = 0; i < f->count; i++) {
		const struct plan *p = f->points[i].plan;
		struct figures g;

		figures_of_plan(&g, p);
		fprintf(out, "%11s %8s %11s %11s %11s %8s  %s\n", units_size(budget, p->budget_bytes),
		    percent(part, (double)p->budget_bytes / (double)f->peak_bytes), units_size(peak, g.peak_bytes),
		    units_time(time, g.step_time_us), percent(over, plan_overhead(p)), percent(gap, g.gap), p->found_by == NULL ? p->policy : p->found_by);
	}
}

static void
print_json(const struct frontier *f, FILE *out)
{
	struct json_out o;
	struct figures g;

	result_begin(&o, "plan", out);
	json_out_array(&o, "points", true);
	for (uint32_t i = 0; i < f->count; i++) {
		json_out_object(&o, NULL, true);
		figures_of_plan(&g, f->points[i].plan);
		result_to_json(&g, &o);
		json_out_end_object(&o);
	}
	json_out_end_array(&o);
	json_out_end(&o);
}

static int
draw(const struct frontier *f, const char *picture, struct arena *a, struct err *e)
{
	const struct plan *first = f->points[0].plan;
	struct report_to to = { .path = picture };
	struct sweep s = { .count = f->count, .points = ARENA_NEW(a, struct sweep_point, f->count),
	    .title = arena_printf(a, "%s on %s: step time against memory", first->graph->name, first->device->name) };

	for (uint32_t i = 0; i < f->count; i++) {
		const struct plan *p = f->points[i].plan;

		s.points[i] = (struct sweep_point) { .graph = p->graph->name, .device = p->device->name, .policy = p->policy, .batch = p->batch,
		    .passes = 1, .budget_bytes = (double)p->budget_bytes, .arena_bytes = (double)p->arena_bytes,
		    .bound_bytes = (double)p->figures.bound_bytes, .step_time_us = p->predicted.step_time_us,
		    .overhead = p->predicted.ideal_time_us > 0 ? plan_overhead(p) : NAN, .bound_time_us = p->bound_time_us,
		    .link_bytes_per_s = NAN };
	}
	return report_sweep(&to, &s, a, e);
}

int
frontier_show(const struct frontier *f, const char *picture, struct cli *c, FILE *out, struct err *e)
{
	if (c->json)
		print_json(f, out);
	else
		print_table(f, out);
	return picture == NULL ? 0 : draw(f, picture, &c->arena, e);
}
