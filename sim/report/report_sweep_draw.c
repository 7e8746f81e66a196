/* SPDX-License-Identifier: Apache-2.0 */
/* report_sweep_draw.c - a sweep's charts as a script for gnuplot and as a page */
#include <config.h>
#include "sim/report/report_draw.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/file.h"

enum { TABLE_MOST = 200 };

static const char *const x_labels[CHART_COUNT] = { "arena (GiB)", "batch", "link rate (GB/s)", "budget (GiB)" };

static const char *
y_label(const struct sweep_picture *pic, enum chart c)
{
	if (c == CHART_BATCH)
		return "samples/s";
	return c == CHART_PARETO && !pic->relative ? "step time (ms)" : "overhead (%)";
}

static void
put_points(FILE *out, const char *name, unsigned k, const struct chart_point *points, size_t count)
{
	fprintf(out, "$%s%u << EOD\n", name, k);
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%.8g %.8g\n", points[i].x, points[i].y);
	fputs("EOD\n", out);
}

static void
put_data(FILE *out, const struct chart_data *d, enum chart c)
{
	char name[16];

	snprintf(name, sizeof(name), "c%u_", (unsigned)c);
	for (uint32_t i = 0; i < d->count; i++)
		put_points(out, name, i, d->series[i].points, d->series[i].count);
	snprintf(name, sizeof(name), "b%u_", (unsigned)c);
	put_points(out, name, 0, d->bound, d->bound_count);
}

/* Draws one chart.  The axes hold every point with room around; all labels are quoted for gnuplot. */
static void
put_chart(FILE *out, const struct sweep_picture *pic, enum chart c, const struct drawing *d)
{
	const struct chart_data *data = &pic->charts[c];
	bool dumb = d->format == &gnuplot_dumb;

	double room = data->most > data->least ? 0.03 * (data->most - data->least) : 0.05 * data->most;

	fprintf(out, "set xlabel '%s'\nset ylabel '%s'\nset xrange [%.8g:%.8g]\nset yrange [%s:*]\nset offsets 0, 0, graph 0.06, 0\n", x_labels[c], y_label(pic, c),
	    data->count > 0 ? fmax(0, data->least - room) : 0, data->count > 0 ? data->most + fmax(room, 1e-9) : 1, c == CHART_PARETO && !pic->relative ? "*" : "0");
	if (!dumb)
		fputs("set border 3 lc rgb '#404040'\nset tics out nomirror scale 0.6 textcolor rgb '#202020'\n"
		    "set grid x y lc rgb '#B0B0B0' lw 0.4 dt (2,4)\n", out);
	if (data->count == 0 || data->flat) {
		fputs("set label 9 'all results have one arena' at graph 0.5,0.4 center\n", out);
		fputs(data->count == 0 ? "set yrange [0:1]\n" : "", out);
	}
	fputs("plot NaN notitle", out);
	for (uint32_t i = 0; i < data->count; i++)
		fprintf(out, ", \\\n $c%u_%" PRIu32 " with linespoints lw 1.8 pt 7 ps %s lc rgb '%s' title %s", (unsigned)c, i,
		    d->width < 600 ? "0.4" : "0.55", series_colours[i], data->series[i].label);
	/* Between two budgets only the bound of the larger one is known to hold. */
	if (data->bound_count > 0)
		fprintf(out, ", \\\n $b%u_0 with %s lw 1.6 dt (2,3) lc rgb '#882255' title 'bound at that budget'", (unsigned)c,
		    data->bound_count > 1 ? "fsteps" : "points");
	fputs("\nunset label 9\n", out);
}

/* True when the chart is drawn: a series has more than one x, and no other chart answers its question.  Budgets ask for time against memory,
 * as arenas do.  Without any chart to draw, memory against time shows the points. */
static bool
is_drawn(const struct sweep_picture *pic, enum chart c)
{
	bool others = !pic->charts[CHART_BATCH].flat || !pic->charts[CHART_LINK].flat;

	if (c == CHART_PARETO)
		return !pic->charts[c].flat || (pic->charts[CHART_BUDGET].flat && !others);
	return !pic->charts[c].flat && (c != CHART_BUDGET || pic->charts[CHART_PARETO].flat);
}

void
sweep_script(FILE *out, const struct drawing *d)
{
	const struct sweep_picture *pic = d->what;
	bool dumb = d->format == &gnuplot_dumb;
	unsigned drawn = 0;

	for (int c = 0; c < CHART_COUNT; c++) {
		put_data(out, &pic->charts[c], (enum chart)c);
		drawn += is_drawn(pic, (enum chart)c);
	}
	if (!dumb) {
		gnuplot_terminal(out, d);
		fprintf(out, "set multiplot layout %u,%u title %s noenhanced font ',16'\nset key noenhanced above font ',10' maxrows 4\n",
		    drawn > 1 ? 2U : 1U, drawn > 2 ? 2U : 1U, pic->title);
	}
	for (int c = 0; c < CHART_COUNT; c++) {
		if (!is_drawn(pic, (enum chart)c))
			continue;
		if (dumb) {
			gnuplot_terminal(out, d);
			fputs("set key below noenhanced\n", out);
		}
		fprintf(out, "set title '%s%s'\n", chart_titles[c], pic->charts[c].left_out > 0 ? " (the fullest series)" : "");
		put_chart(out, pic, (enum chart)c, d);
	}
	if (!dumb)
		fputs("unset multiplot\n", out);
}

void
sweep_chart_script(FILE *out, const struct drawing *d)
{
	const struct chart_view *v = d->what;

	put_data(out, &v->picture->charts[v->chart], v->chart);
	gnuplot_terminal(out, d);
	fputs("unset key\n", out);
	put_chart(out, v->picture, v->chart, d);
}

/* ---- as a page ---- */

struct sweep_page {
	const struct report_to *to;
	const struct sweep_picture *pic;
	struct arena *arena;
};

static int
put_figure(FILE *out, const struct sweep_page *w, enum chart c, struct err *e)
{
	static const char *const ids[CHART_COUNT] = { "pareto", "batch", "link-rate", "budget" };
	const struct chart_data *data = &w->pic->charts[c];
	struct chart_view view = { w->pic, c };
	struct page_chip chips[SERIES_MOST + 1];
	struct page_figure f = { .id = ids[c], .heading = chart_titles[c], .chips = chips,
		.wide = { &gnuplot_svg, sweep_chart_script, &view, 1200, 420, 13, arena_printf(w->arena, "%s-w", ids[c]), chart_titles[c] },
		.narrow = { &gnuplot_svg, sweep_chart_script, &view, 400, 300, 12, arena_printf(w->arena, "%s-n", ids[c]), chart_titles[c] } };

	for (uint32_t i = 0; i < data->count; i++)
		chips[f.chip_count++] = (struct page_chip){ series_colours[i], "line", *data->series[i].name != '\0' ? data->series[i].name : "all results" };
	if (data->bound_count > 0)
		chips[f.chip_count++] = (struct page_chip){ "#882255", "dots", "bound: no plan within that budget is faster" };
	if (data->left_out > 0)
		f.caption = arena_printf(w->arena, "The %" PRIu32 " fullest series; %" PRIu32 " are left out: %s.", data->count, data->left_out, data->left_names);
	else if (c == CHART_PARETO)
		f.caption = "Of each series only what no other of its results beats in both memory and time.";
	if (report_keep(w->to, ids[c], &f.wide, w->arena, e) < 0)
		return -1;
	return page_figure(out, &f, e);
}

static const char *
size_text(double bytes, struct arena *a)
{
	char buf[32];

	return bytes >= 0 && bytes < 9e18 ? arena_printf(a, "%s", units_size(buf, (bytes_t)bytes)) : "";
}

static const char *
rate_text(const struct sweep_point *p, struct arena *a)
{
	return p->batch > 0 ? arena_printf(a, "%.4g", (double)(p->batch * p->passes) / (p->step_time_us / 1e6)) : "";
}

/* Lists results without a time, with their reasons. */
static void
put_failures(FILE *out, const struct sweep_page *w)
{
	const struct sweep *s = w->pic->sweep;
	const char **names;

	if (s->failure_count == 0)
		return;
	names = sweep_failure_names(s, w->arena);
	fputs("<h2>Without a plan</h2>\n<table class=\"words\">\n<tbody>\n", out);
	for (uint32_t i = 0; i < s->failure_count && i < TABLE_MOST; i++) {
		const struct sweep_point *p = &s->failures[i];

		fputs("<tr><th scope=\"row\">", out);
		page_text(out, names[i]);
		fputs("</th><td></td><td>", out);
		page_text(out, p->error != NULL ? p->error : "no plan fits");
		fputs("</td></tr>\n", out);
	}
	fputs("</tbody>\n</table>\n", out);
}

/* By what the table's columns begin with: a sweep writes its lines as they end, in any order. */
static int
by_columns(const void *x, const void *y)
{
	const struct sweep_point *a = x, *b = y;
	int names = strcmp(a->graph, b->graph);

	if (names == 0)
		names = strcmp(a->device, b->device);
	if (names != 0 || a->batch != b->batch)
		return names != 0 ? names : a->batch < b->batch ? -1 : 1;
	names = strcmp(a->policy, b->policy);
	if (names != 0 || a->budget_bytes != b->budget_bytes)
		return names != 0 ? names : a->budget_bytes < b->budget_bytes ? -1 : 1;
	return a->step_time_us < b->step_time_us ? -1 : a->step_time_us > b->step_time_us;
}

static void
put_table(FILE *out, const struct sweep_page *w)
{
	const struct sweep *s = w->pic->sweep;
	struct sweep_point *sorted = ARENA_NEW(w->arena, struct sweep_point, s->count);
	char buf[32], share[32];

	for (uint32_t i = 0; i < s->count; i++)
		sorted[i] = s->points[i];
	qsort(sorted, s->count, sizeof(*sorted), by_columns);
	fputs("<h2>Results</h2>\n<div class=\"scroll\"><table class=\"plain\">\n<thead><tr><th>network</th><th>device</th><th>batch</th><th>policy</th><th>budget</th>"
	    "<th>step time</th><th>slower</th><th>samples/s</th><th>arena</th><th>host</th></tr></thead>\n<tbody>\n", out);
	for (uint32_t i = 0; i < s->count && i < TABLE_MOST; i++) {
		const struct sweep_point *p = &sorted[i];
		const char *cells[] = { p->graph, p->device, p->batch > 0 ? sweep_batch_text(p, w->arena) : "", p->policy,
			size_text(p->budget_bytes, w->arena), units_time(buf, p->step_time_us), units_share(share, p->overhead), rate_text(p, w->arena),
			size_text(p->arena_bytes, w->arena), size_text(p->host_bytes, w->arena) };

		fputs("<tr>", out);
		for (size_t k = 0; k < sizeof(cells) / sizeof(cells[0]); k++) {
			fputs("<td>", out);
			page_text(out, cells[k]);
			fputs("</td>", out);
		}
		fputs("</tr>\n", out);
	}
	fputs("</tbody>\n</table></div>\n", out);
	if (s->count > TABLE_MOST)
		fprintf(out, "<p class=\"sub\">the first %d of %" PRIu32 "</p>\n", TABLE_MOST, s->count);
}

static int
write_page(FILE *out, void *arg, struct err *e)
{
	const struct sweep_page *w = arg;

	page_begin(out, "Sweep", w->pic->plain_title);
	for (int c = 0; c < CHART_COUNT; c++)
		if (is_drawn(w->pic, (enum chart)c) && put_figure(out, w, (enum chart)c, e) < 0)
			return -1;
	put_table(out, w);
	put_failures(out, w);
	page_end(out);
	return 0;
}

int
report_sweep_page(const struct report_to *to, const struct sweep_picture *pic, struct arena *a, struct err *e)
{
	struct sweep_page w = { to, pic, a };

	if (gnuplot_is_there(e) < 0)
		return -1;
	return file_write(to->path, write_page, &w, e);
}
