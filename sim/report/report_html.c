/* SPDX-License-Identifier: Apache-2.0 */
/* report_html.c - the page of a plan: the answer, its panels, the peak, the moves, the longest stalls, its figures */
#include <config.h>
#include "sim/report/report_draw.h"

#include <inttypes.h>

#include "src/base/file.h"

enum { WIDE_WIDTH = 1200, NARROW_WIDTH = 400, STALLS_MOST = 10, CHIPS_MOST = 12 };

struct plan_page {
	const struct report_to *to;
	struct arena *arena;
	struct picture wide, narrow;
	struct explain explain;
	struct page_groups groups;	/* of explain */
};

static const struct {
	const char *id, *heading, *label;
	int height, narrow_height;
} panels[PANEL_COUNT] = {
	[PANEL_MEMORY] = { "memory", "Device memory over time", "device memory by kind over the time of the step", 360, 250 },
	[PANEL_MAP] = { "map", "Address map", "address over time, one box a buffer", 360, 250 },
	[PANEL_QUEUES] = { "queues", "The three queues", "compute, out and in over time with stalls marked", 190, 150 },
	[PANEL_LINK] = { "link", "Link use", "bytes per second in both directions over time", 190, 160 },
	[PANEL_HOST] = { "host", "Pinned host memory", "bytes in the pinned host pool over time", 160, 140 }
};

/* ---- tables ---- */

static double
percent(double part, double whole)
{
	return whole > 0 ? 100 * part / whole : 0;
}

static void
put_memory_rows(FILE *out, const struct plan *p)
{
	const struct plan_figures *f = &p->figures;
	char b1[32], b2[32];

	page_row(out, "Device memory taken", units_size(b1, p->arena_bytes), "one allocation holds everything: %.1f %% of the budget of %s",
	    percent((double)p->arena_bytes, (double)p->budget_bytes), units_size(b2, p->budget_bytes));
	page_row(out, "Fullest moment", units_size(b1, f->peak_bytes), "bytes alive at once; the allocation is %.4f times that (fragmentation)",
	    f->peak_bytes > 0 ? (double)p->arena_bytes / (double)f->peak_bytes : 1);
	page_row(out, "Least with parameters resident", units_size(b1, f->resident_bound_bytes), "the persistent tensors and the largest op's own");
	page_row(out, "Least of all", units_size(b1, f->bound_bytes), "the largest op's tensors and workspace: no plan needs less");
	page_row(out, "Pinned host memory", units_size(b1, p->host_bytes), "%s", p->host_bytes > 0 ? "holds what is offloaded" : "nothing is offloaded");
}

static void
put_time_rows(FILE *out, const struct plan *p, const struct sim_result *r, struct arena *a)
{
	char b1[32], b2[32], b3[32];

	page_row(out, "Step time", units_time(b1, r->step_time_us), "%s more than the %s that the ops alone take", units_share(b3, r->overhead),
	    units_time(b2, r->ideal_time_us));
	if (graph_estimated_count(p->graph) > 0)
		page_row(out, "Estimated op times", arena_printf(a, "%" PRIu32, graph_estimated_count(p->graph)),
		    "of %" PRIu32 " ops: not measured, by the device's roofline", p->graph->op_count);
	if (p->bound_time_us > 0)
		page_row(out, "Least step time", units_time(b1, p->bound_time_us), "no plan within this budget is faster; this one is within %s",
		    units_share(b2, r->step_time_us / p->bound_time_us - 1));
	page_row(out, "Stalls", units_time(b1, r->stall_time_us), "compute waits for transfers: %.1f %% of the step, %" PRIu32 " times",
	    percent(r->stall_time_us, r->step_time_us), r->stall_count);
	page_row(out, "Recomputing", units_time(b1, r->recompute_time_us), "ops that run a second time: %.1f %% of the step",
	    percent(r->recompute_time_us, r->step_time_us));
	page_row(out, "Moved out", units_size(b1, r->offload_bytes), "the link is busy outwards for %s, %.1f %% of the step",
	    units_time(b2, r->busy_us[QUEUE_OUT]), percent(r->busy_us[QUEUE_OUT], r->step_time_us));
	page_row(out, "Moved in", units_size(b1, r->fetch_bytes), "and inwards for %s, %.1f %%", units_time(b3, r->busy_us[QUEUE_IN]),
	    percent(r->busy_us[QUEUE_IN], r->step_time_us));
}

static void
put_summary(FILE *out, const struct plan_page *w)
{
	const struct plan *p = w->wide.plan;
	char b1[32];

	page_table_begin(out, "In figures");
	page_row(out, "Network", p->graph->name, "%" PRIu32 " ops on %" PRIu32 " tensors%s", p->graph->op_count, p->graph->tensor_count,
	    p->batch > 0 ? arena_printf(w->arena, ", batch %" PRIu32, p->batch) : "");
	page_row(out, "Device", p->device->name, "%s of memory", units_size(b1, p->device->memory_bytes));
	page_row(out, "Policy", p->policy != NULL ? p->policy : "unknown", "placement %s, status %s", p->placement != NULL ? p->placement : "unknown",
	    p->status != NULL ? p->status : "unknown");
	put_time_rows(out, p, w->wide.result, w->arena);
	put_memory_rows(out, p);
	page_table_end(out);
}

/* Writes the longest stalls; ties go to the earlier one. */
static void
put_stalls(FILE *out, const struct plan_page *w)
{
	const struct sim_result *r = w->wide.result;
	const struct plan *p = w->wide.plan;
	uint32_t longest[STALLS_MOST], count = 0, i;
	char b1[32], b2[32];

	for (uint32_t s = 0; s < r->stall_count; s++) {
		double us = r->stalls[s].end_us - r->stalls[s].start_us;
		const struct sim_stall *last = count > 0 ? &r->stalls[longest[count - 1]] : NULL;

		if (count == STALLS_MOST && last->end_us - last->start_us >= us)
			continue;
		count += count < STALLS_MOST;
		for (i = count - 1; i > 0 && r->stalls[longest[i - 1]].end_us - r->stalls[longest[i - 1]].start_us < us; i--)
			longest[i] = longest[i - 1];
		longest[i] = s;
	}
	if (count == 0)
		return;
	page_table_begin(out, "The longest stalls");
	for (i = 0; i < count; i++) {
		const struct sim_stall *s = &r->stalls[longest[i]];
		const struct instruction *cause = &p->program[s->cause];

		page_row(out, units_time(b1, s->end_us - s->start_us), arena_printf(w->arena, "at %s", units_time(b2, s->start_us)), "%s waits for the %s of the %s",
		    s->waiting == PLAN_NONE ? "the step's end" : op_text(&p->graph->ops[p->program[s->waiting].op], w->arena),
		    action_names[cause->queue], tensor_text(p->graph, w->wide.origins, p->buffers[cause->device_buffer].tensor, w->arena));
	}
	page_table_end(out);
}

/* ---- panels ---- */

static void
add_chip(struct page_figure *f, struct page_chip *chips, const char *colour, const char *look, const char *text)
{
	chips[f->chip_count++] = (struct page_chip){ colour, look, text };
}

static void
memory_chips(struct page_figure *f, struct page_chip *chips, const struct plan_page *w)
{
	static const char *const looks[MEMORY_LINES] = { "dash", "line", "dash", "dots" };
	struct memory_line lines[MEMORY_LINES];
	char buf[32];

	for (int k = 0; k < SIM_KINDS; k++)
		if (w->wide.kind_most[k] > 0)
			add_chip(f, chips, kind_colours[k], "box", arena_printf(w->arena, "%s, up to %s", sim_kind_name(k), units_size(buf, w->wide.kind_most[k])));
	memory_lines(lines, w->wide.plan);
	for (int k = 0; k < MEMORY_LINES; k++)
		if (lines[k].bytes > 0)
			add_chip(f, chips, k < 2 ? "#000000" : "#882255", looks[k], arena_printf(w->arena, "%s %s%s", lines[k].name,
			    units_size(buf, lines[k].bytes), lines[k].bytes > w->wide.top_bytes ? " (above)" : ""));
}

static void
panel_chips(struct page_figure *f, struct page_chip *chips, const struct plan_page *w, enum panel panel)
{
	const struct sim_result *r = w->wide.result;
	char buf[32];

	if (panel == PANEL_MEMORY)
		memory_chips(f, chips, w);
	for (int k = 0; panel == PANEL_MAP && k < SIM_KINDS; k++)
		if (w->wide.map.groups[k][0].count + w->wide.map.groups[k][1].count > 0)
			add_chip(f, chips, kind_colours[k], "box", sim_kind_name(k));
	for (int k = 0; panel == PANEL_QUEUES && k < MARK_COUNT; k++)
		if (w->wide.marks[k].count > 0)
			add_chip(f, chips, mark_styles[k].colour, "box", arena_printf(w->arena, "%s %s", mark_styles[k].name, units_time(buf, w->wide.mark_us[k])));
	if (panel == PANEL_LINK) {
		add_chip(f, chips, mark_styles[MARK_OFFLOAD].colour, "box", arena_printf(w->arena, "out %s", units_size(buf, r->offload_bytes)));
		add_chip(f, chips, mark_styles[MARK_FETCH].colour, "box", arena_printf(w->arena, "in %s", units_size(buf, r->fetch_bytes)));
	}
	if (panel == PANEL_HOST)
		add_chip(f, chips, "#AA4499", "box", arena_printf(w->arena, "in use, up to %s", units_size(buf, r->host_peak_bytes)));
}

static const char *
panel_caption(const struct plan_page *w, enum panel panel)
{
	const struct address_map *m = &w->wide.map;

	if (panel == PANEL_MAP && m->merged > 0)
		return arena_printf(w->arena, "%" PRIu32 " buffers; the smallest %" PRIu32 " are merged with their neighbours (%" PRIu32 " on a narrow screen).",
		    m->count, m->merged, w->narrow.map.merged);
	if (panel == PANEL_MAP)
		return arena_printf(w->arena, "%" PRIu32 " buffers, each from its first use to its last; neighbours of a kind differ in shade.", m->count);
	if (panel == PANEL_QUEUES && w->wide.gathered > 20)
		return "Where spans are too narrow to be seen, height is each one's share of the time.";
	if (panel == PANEL_LINK && w->wide.result->offload_bytes == 0 && w->wide.result->fetch_bytes == 0)
		return "Nothing is moved.";
	return NULL;
}

static int
put_panel(FILE *out, const struct plan_page *w, enum panel panel, struct err *e)
{
	struct panel_view wide = { &w->wide, panel }, narrow = { &w->narrow, panel };
	const struct drawing base = { .format = &gnuplot_svg, .script = picture_panel_script, .label = panels[panel].label };
	struct page_chip chips[CHIPS_MOST];
	struct page_figure f = { .id = panels[panel].id, .heading = panels[panel].heading, .chips = chips,
		.x_end = w->wide.result->step_time_us / 1e3, .y_top = panel_top(&w->wide, panel) };

	f.wide = f.narrow = base;
	f.wide.what = &wide;
	f.wide.id = arena_printf(w->arena, "%s-w", f.id);
	f.wide.width = WIDE_WIDTH;
	f.wide.height = panels[panel].height;
	f.wide.font = 13;
	f.narrow.what = &narrow;
	f.narrow.id = arena_printf(w->arena, "%s-n", f.id);
	f.narrow.width = NARROW_WIDTH;
	f.narrow.height = panels[panel].narrow_height;
	f.narrow.font = 12;
	report_frames(&f);
	panel_chips(&f, chips, w, panel);
	f.caption = panel_caption(w, panel);
	if (report_keep(w->to, f.id, &f.wide, w->arena, e) < 0)
		return -1;
	return page_figure(out, &f, e);
}

static int
write_page(FILE *out, void *arg, struct err *e)
{
	const struct plan_page *w = arg;
	const struct plan *p = w->wide.plan;
	char b1[32], b2[32];

	page_begin(out, arena_printf(w->arena, "%s%s on %s", p->graph->name,
	    p->batch > 0 ? arena_printf(w->arena, ", batch %" PRIu32, p->batch) : "", p->device->name),
	    arena_printf(w->arena, "policy %s within %s: %s a step", p->policy != NULL ? p->policy : "unknown", units_size(b1, p->budget_bytes),
	    units_time(b2, w->wide.result->step_time_us)));
	page_answer(out, &w->groups, w->arena);
	for (int k = 0; k < PANEL_COUNT; k++)
		if (put_panel(out, w, (enum panel)k, e) < 0)
			return -1;
	page_peak(out, &w->groups);
	page_moves(out, &w->groups, w->arena);
	put_stalls(out, w);
	put_summary(out, w);
	page_plan_data(out, &w->wide, w->arena);
	page_end(out);
	return 0;
}

int
report_plan_page(const struct report_to *to, const struct plan *p, const struct sim_result *r, struct arena *a, struct err *e)
{
	struct plan_page w = { .to = to, .arena = a };

	if (gnuplot_is_there(e) < 0)
		return -1;
	picture_init(&w.wide, p, r, &detail_picture, a);
	picture_titles(&w.wide, a);
	picture_init(&w.narrow, p, r, &detail_narrow, a);
	picture_titles(&w.narrow, a);
	explain_init(&w.explain, p, r, PLAN_NONE, a);
	w.groups.explain = &w.explain;
	w.groups.peak = explain_peak_groups(&w.explain, w.wide.origins, &w.groups.peak_count, a);
	w.groups.moved = explain_moved_groups(&w.explain, w.wide.origins, &w.groups.moved_count, a);
	return file_write(to->path, write_page, &w, e);
}
