/* SPDX-License-Identifier: Apache-2.0 */
/* report_measured.c - picture and page of a measured step beside the simulated one */
#include <config.h>
#include "sim/report/report_draw.h"

#include <inttypes.h>
#include <math.h>

#include "src/base/file.h"

enum { ROWS_MOST = 12, CHIPS_MOST = MARK_COUNT };

/* ---- the picture ---- */

/* Fills the lag: the largest and the last value of each column. */
static void
lag_curve(struct measured_picture *pic, const struct plan *p, const struct sim_result *simulated, const struct sim_result *measured,
    struct arena *a)
{
	const double column_us = simulated->step_time_us / pic->simulated.detail.columns;
	struct curve *c = &pic->lag;
	double next = 0;

	for (uint32_t i = 0; i < p->instruction_count; i++) {
		double at = simulated->spans[i].start_us, lag = measured->spans[i].start_us - at;

		if (p->program[i].queue != QUEUE_COMPUTE)
			continue;
		pic->lag_least = fmin(pic->lag_least, lag);
		pic->lag_most = fmax(pic->lag_most, lag);
		if (c->count > 0 && at < next) {
			c->steps[c->count - 1].value = lag;
			continue;
		}
		*ARENA_PUSH(a, c->steps, c->count, c->capacity) = (struct curve_step) { at, lag };
		next = at + column_us;
	}
}

void
measured_picture_init(struct measured_picture *pic, const struct plan *p, const struct sim_result *simulated,
    const struct sim_result *measured, const struct detail *d, struct arena *a)
{
	char b1[32], b2[32], b3[32];

	*pic = (struct measured_picture) { .end_us = fmax(simulated->step_time_us, measured->step_time_us) };
	picture_init(&pic->simulated, p, simulated, d, a);
	picture_init(&pic->measured, p, measured, d, a);
	lag_curve(pic, p, simulated, measured, a);
	pic->title = picture_quoted(arena_printf(a, "%s on %s, policy %s, budget %s", p->graph->name, p->device->name,
	    p->policy != NULL ? p->policy : "unknown", units_size(b1, p->budget_bytes)), a);
	pic->subtitle = picture_quoted(arena_printf(a, "simulated %s, measured %s (%+.1f %%)", units_time(b2, simulated->step_time_us),
	    units_time(b3, measured->step_time_us),
	    simulated->step_time_us > 0 ? 100 * (measured->step_time_us / simulated->step_time_us - 1) : 0), a);
}

static void
put_lag(FILE *out, const struct measured_picture *pic, const struct frame *f)
{
	const double room = fmax(1, 0.05 * (pic->lag_most - pic->lag_least));

	picture_frame(out, f, "behind (ms)");
	fprintf(out, "set yrange [%.6g:%.6g]\nset ytics scale 0.6 autofreq\nset grid ytics\n", (pic->lag_least - room) / 1e3,
	    (pic->lag_most + room) / 1e3);
	fputs("set format x '%g'\nset xlabel 'time (ms)' offset 0,0.4\n", out);
	fputs("plot $lag with lines lc rgb '#882255' lw 1.6 title 'start, measured - simulated'\n", out);
}

static void
put_queues(FILE *out, const struct picture *pic, const struct frame *f, const char *name)
{
	char time[32];

	picture_boxes(out, pic);
	fprintf(out, "set label 7 '%s: %s' at graph 0,1.09 left\n", name, units_time(time, pic->result->step_time_us));
	picture_queues(out, pic, f);
	fputs("unset label 7\n", out);
}

/* Writes three panels between top and bottom, in parts of the picture; key_x 0: without legends. */
static void
put_panels(FILE *out, const struct drawing *d, struct panel_frame at, double key_x)
{
	const struct measured_picture *pic = d->what;
	const double top = 1 - at.top, height = at.bottom - at.top, label_x = 0.85 * d->font / d->width, title = 1.6 * d->font / d->height;
	const struct frame simulated = { top - title, top - 0.33 * height, key_x, label_x, 0 },
	    measured = { top - 0.33 * height - 2 * title, top - 0.68 * height, key_x, label_x, 0 },
	    lag = { top - 0.68 * height - title, top - height, key_x, label_x, 0 };

	picture_curve(out, "lag", &pic->lag, 1e3);
	picture_axes(out, pic->end_us, at.left, at.right);
	fputs("set format x ''\n", out);
	put_queues(out, &pic->simulated, &simulated, "simulated");
	put_queues(out, &pic->measured, &measured, "measured");
	put_lag(out, pic, &lag);
	fputs("unset multiplot\n", out);
}

void
measured_script(FILE *out, const struct drawing *d)
{
	const struct measured_picture *pic = d->what;

	gnuplot_terminal(out, d);
	fputs("set multiplot\n", out);
	fprintf(out, "set label 1 %s at screen 0.06,0.965 left font ',19' noenhanced\n", pic->title);
	fprintf(out, "set label 2 %s at screen 0.06,0.925 left font ',14' textcolor rgb '#404040' noenhanced\n", pic->subtitle);
	put_panels(out, d, (struct panel_frame) { 0.06, 0.80, 0.10, 0.91 }, 0.815);
}

void
measured_panels_script(FILE *out, const struct drawing *d)
{
	gnuplot_terminal(out, d);
	fputs("set multiplot\n", out);
	put_panels(out, d, panel_frame(d), 0);
}

/* ---- in characters ---- */

void
measured_term_script(FILE *out, const struct drawing *d)
{
	const struct measured_picture *pic = d->what;

	picture_curve(out, "lag", &pic->lag, 1e3);
	gnuplot_terminal(out, d);
	fprintf(out, "set title %s noenhanced\nset key below\nset xlabel 'time (ms)'\nset ylabel 'ms'\nset xrange [0:%.9g]\n", pic->subtitle,
	    pic->simulated.result->step_time_us > 0 ? pic->simulated.result->step_time_us / 1e3 : 1);
	fputs("plot $lag with lines title 'start, measured - simulated'\n", out);
}

/* ---- the page ---- */

struct measured_page {
	const struct report_to *to;
	const struct difference *difference;
	struct measured_picture wide, narrow;
	struct arena *arena;
};

/* Writes "12.3 ms" and "simulated 11.0 ms, +1.30 ms". */
static void
put_row(FILE *out, const char *label, const struct both_us *us, const char *more)
{
	char b1[32], b2[32], b3[32];
	const double by = us->measured - us->predicted;

	page_row(out, label, units_time(b1, us->measured), "simulated %s, %s%s%s", units_time(b2, us->predicted), by < 0 ? "-" : "+",
	    units_time(b3, fabs(by)), more);
}

static void
put_tables(FILE *out, const struct measured_page *w)
{
	const struct difference *d = w->difference;
	const struct plan *p = w->wide.simulated.plan;
	char b1[32];

	page_table_begin(out, "Where the difference lies");
	put_row(out, "step", &d->step, "");
	for (int k = 0; k < PART_COUNT; k++)
		if (d->parts[k].predicted > 0 || d->parts[k].measured > 0)
			put_row(out, part_names[k], &d->parts[k], "");
	for (int dir = 0; dir < DIRECTION_COUNT; dir++)
		if (d->copies[dir].count > 0)
			put_row(out, dir == D2H ? "copies out" : "copies in", &d->copies[dir].us, arena_printf(w->arena, ": %" PRIu32 " of %s beside the ops",
			    d->copies[dir].count, units_size(b1, d->copies[dir].bytes)));
	page_table_end(out);
	page_table_begin(out, "Ops by name");
	for (uint32_t i = 0; i < d->op_count && i < ROWS_MOST; i++)
		put_row(out, d->ops[i].name, &d->ops[i].us, arena_printf(w->arena, " in %" PRIu32 " runs", d->ops[i].runs));
	page_table_end(out);
	if (d->wait_count == 0)
		return;
	page_table_begin(out, "Waits");
	for (uint32_t i = 0; i < d->wait_count && i < ROWS_MOST; i++) {
		const struct wait_difference *x = &d->waits[i];
		const struct instruction *cause = &p->program[x->cause];

		put_row(out, op_text(&p->graph->ops[p->program[x->waiting].op], w->arena), &x->us, arena_printf(w->arena, " for the %s of the %s",
		    action_names[cause->queue], tensor_text(p->graph, w->wide.simulated.origins, p->buffers[cause->device_buffer].tensor, w->arena)));
	}
	page_table_end(out);
}

static int
put_figure(FILE *out, const struct measured_page *w, struct err *e)
{
	const char *label = "queues of the simulated and of the measured step over time, and how far the measured one is behind";
	struct page_chip chips[CHIPS_MOST];
	struct page_figure f = { .id = "queues", .heading = "Simulated and measured", .chips = chips,
	    .wide = { &gnuplot_svg, measured_panels_script, &w->wide, 1200, 560, 13, "queues-w", label },
	    .narrow = { &gnuplot_svg, measured_panels_script, &w->narrow, 400, 460, 12, "queues-n", label } };

	for (int k = 0; k < MARK_COUNT; k++)
		if (w->wide.simulated.marks[k].count + w->wide.measured.marks[k].count > 0)
			chips[f.chip_count++] = (struct page_chip) { mark_styles[k].colour, "box", mark_styles[k].name };
	f.caption = "Below: the start of each measured run, less its simulated start. A slope is time that was lost or won there.";
	if (report_keep(w->to, f.id, &f.wide, w->arena, e) < 0)
		return -1;
	return page_figure(out, &f, e);
}

static int
write_page(FILE *out, void *arg, struct err *e)
{
	const struct measured_page *w = arg;
	const struct plan *p = w->wide.simulated.plan;
	char b1[32], b2[32];

	page_begin(out, arena_printf(w->arena, "%s on %s, measured", p->graph->name, p->device->name),
	    arena_printf(w->arena, "policy %s within %s: %s a step", p->policy != NULL ? p->policy : "unknown", units_size(b1, p->budget_bytes),
	    units_time(b2, w->difference->step.measured)));
	put_tables(out, w);
	if (put_figure(out, w, e) < 0)
		return -1;
	page_end(out);
	return 0;
}

int
report_measured_page(const struct report_to *to, const struct plan *p, const struct sim_result *simulated,
    const struct sim_result *measured, const struct difference *d, struct arena *a, struct err *e)
{
	struct measured_page w = { .to = to, .difference = d, .arena = a };

	if (gnuplot_is_there(e) < 0)
		return -1;
	measured_picture_init(&w.wide, p, simulated, measured, &detail_picture, a);
	measured_picture_init(&w.narrow, p, simulated, measured, &detail_narrow, a);
	return file_write(to->path, write_page, &w, e);
}
