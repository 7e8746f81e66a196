/* SPDX-License-Identifier: Apache-2.0 */
/* report_script.c - the picture of a plan as a script for gnuplot: all panels, one panel, or characters */
#include <config.h>
#include "sim/report/report_private.h"

#include <string.h>

/* Colours that people with any colour vision tell apart (Okabe and Ito; Tol). */
const char *const kind_colours[SIM_KINDS] = {
	[KIND_PARAMETER] = "#0072B2", [KIND_STATE] = "#7F7F7F", [KIND_OPTIMIZER] = "#56B4E9", [KIND_INPUT] = "#CC79A7",
	[KIND_ACTIVATION] = "#009E73", [KIND_GRADIENT] = "#E69F00", [KIND_RESULT] = "#D55E00", [SIM_WORKSPACE] = "#F0E442"
};

const char axes_look[] = "set border lc rgb '#404040'\nset tics out nomirror scale 0.6 textcolor rgb '#202020'\n"
    "set grid x y front lc rgb '#B0B0B0' lw 0.4 dt (2,4)\n";

/* Compute is grey, so that a stall stands out; the two directions keep their colour in the panel below. */
const struct mark_style mark_styles[MARK_COUNT] = {
	[MARK_FORWARD] = { "forward", "#A8A8A8" }, [MARK_BACKWARD] = { "backward", "#6E6E6E" },
	[MARK_UPDATE] = { "update", "#D5D5D5" }, [MARK_RERUN] = { "recompute", "#DDAA33" },
	[MARK_STALL] = { "stall", "#E8211D" }, [MARK_OFFLOAD] = { "offload", "#332288" }, [MARK_FETCH] = { "fetch", "#44AA99" }
};

/* In gnuplot's single quotes only the quote itself is special.  Control bytes would end the line and become '?'. */
const char *
picture_quoted(const char *s, struct arena *a)
{
	enum { MOST_BYTES = 160 };
	char *buf = ARENA_NEW(a, char, 2 * MOST_BYTES + 6), *to = buf;
	size_t n = text_prefix(s, MOST_BYTES);

	*to++ = '\'';
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '\'')
			*to++ = '\'';
		*to++ = (unsigned char)s[i] < ' ' || s[i] == 127 ? '?' : s[i];
	}
	if (s[n] != '\0')
		to += sprintf(to, "...");
	*to++ = '\'';
	return buf;
}

void
picture_boxes(FILE *out, const struct picture *pic)
{
	for (int k = 0; k < MARK_COUNT; k++) {
		fprintf(out, "$mark%d << EOD\n", k);
		for (size_t i = 0; i < pic->marks[k].count; i++) {
			const struct box *b = &pic->marks[k].boxes[i];

			fprintf(out, "%.7g %.5g %.7g %.7g %.5g %.5g\n", (b->from_us + b->to_us) / 2e3, (b->low + b->high) / 2,
			    b->from_us / 1e3, b->to_us / 1e3, b->low, b->high);
		}
		fputs("EOD\n", out);
	}
}

void
picture_curve(FILE *out, const char *name, const struct curve *c, double unit)
{
	fprintf(out, "$%s << EOD\n", name);
	for (size_t i = 0; i < c->count; i++) {
		if (i > 0)
			fprintf(out, "%.7g %.6g\n", c->steps[i].time_us / 1e3, c->steps[i - 1].value / unit);
		fprintf(out, "%.7g %.6g\n", c->steps[i].time_us / 1e3, c->steps[i].value / unit);
	}
	fputs("EOD\n", out);
}

static double
curve_top(const struct curve *c, double unit)
{
	double top = 0;

	for (size_t i = 0; i < c->count; i++)
		if (c->steps[i].value / unit > top)
			top = c->steps[i].value / unit;
	return top > 0 ? 1.15 * top : 1;
}

/* Sets t's texts: its origin, and the same in a form for the picture's margin; its kind where it has no origin. */
static void
name_peak_tensor(const struct picture *pic, struct peak_tensor *t, struct arena *a)
{
	const struct graph *g = pic->plan->graph;
	uint32_t tensor = pic->plan->buffers[t->buffer].tensor;
	const char *label = t->name = sim_kind_name(sim_kind(pic->plan, t->buffer));
	char size[32];

	if (tensor != PLAN_NONE && pic->origins[tensor].how != ORIGIN_NONE) {
		t->name = origin_text(g, &pic->origins[tensor], a);
		label = op_label(&g->ops[pic->origins[tensor].op], a);
	}
	t->label = picture_quoted(arena_printf(a, "%s  %.*s", units_size(size, t->bytes), (int)text_prefix(label, PEAK_LABEL_MOST), label), a);
}

void
picture_titles(struct picture *pic, struct arena *a)
{
	const struct plan *p = pic->plan;
	const struct sim_result *r = pic->result;
	const char *batch = p->batch > 0 ? arena_printf(a, ", batch %" PRIu32 ",", p->batch) : "", *recompute = "", *estimated = "";
	char share[32], b1[32], b2[32], b3[32], b4[32];

	for (uint32_t i = 0; i < pic->peak.count; i++)
		name_peak_tensor(pic, &pic->peak.top[i], a);
	units_time(b3, r->stall_time_us);
	if (r->recompute_time_us > 0)
		recompute = arena_printf(a, ", recomputing %s", units_time(b4, r->recompute_time_us));
	if (graph_estimated_count(p->graph) > 0)
		estimated = arena_printf(a, ", %" PRIu32 " of %" PRIu32 " op times estimated", graph_estimated_count(p->graph), p->graph->op_count);
	pic->title = picture_quoted(arena_printf(a, "%s%s on %s, policy %s, budget %s", p->graph->name, batch, p->device->name,
	    p->policy != NULL ? p->policy : "unknown", units_size(b1, p->budget_bytes)), a);
	pic->subtitle = picture_quoted(arena_printf(a, "step %s, ideal %s, overhead %s, %s%s%s%s", units_time(b1, r->step_time_us),
	    units_time(b2, r->ideal_time_us), units_share(share, r->overhead), r->stall_time_us > 0 ? "stalls " : "no stalls",
	    r->stall_time_us > 0 ? b3 : "", recompute, estimated), a);
}

void
picture_frame(FILE *out, const struct frame *f, const char *label)
{
	fprintf(out, "set tmargin at screen %g\nset bmargin at screen %g\n", f->top, f->bottom);
	if (f->key_x > 0)
		fprintf(out, "set key at screen %g,%g left top Left reverse samplen 1.6 spacing 1.25\n", f->key_x, f->top);
	else
		fputs("unset key\n", out);
	fprintf(out, "set label 3 '%s' at screen %g,%g center rotate\n", label, f->label_x, (f->top + f->bottom) / 2);
}

void
memory_lines(struct memory_line lines[MEMORY_LINES], const struct plan *p)
{
	lines[0] = (struct memory_line){ "budget", p->budget_bytes, "lc rgb '#000000' lw 2 dt (10,5)" };
	lines[1] = (struct memory_line){ "arena", p->arena_bytes, "lc rgb '#000000' lw 1.4" };
	lines[2] = (struct memory_line){ "plan peak", p->figures.peak_bytes, "lc rgb '#882255' lw 1.6 dt (8,3,2,3)" };
	lines[3] = (struct memory_line){ "bound, resident", p->figures.resident_bound_bytes, "lc rgb '#882255' lw 1.8 dt (2,3)" };
}

/* Adds a horizontal line with its value in the legend.  A line above the panel's top is only in the legend. */
static void
put_line(FILE *out, const struct memory_line *l, bytes_t top)
{
	char buf[32];

	if (l->bytes == 0)
		return;
	if (l->bytes <= top)
		fprintf(out, ", \\\n %.8g", (double)l->bytes / GIB);
	else
		fputs(", \\\n NaN", out);
	fprintf(out, " with lines %s title '%s %s%s'", l->style, l->name, units_size(buf, l->bytes), l->bytes <= top ? "" : " (above)");
}

/* Plots the kinds from back to front: each area reaches down to 0 and is painted over by those below it. */
static void
put_kinds(FILE *out, const struct picture *pic)
{
	char buf[32];

	fputs("plot NaN notitle", out);
	for (int k = SIM_KINDS - 1; k >= 0; k--)
		if (pic->kind_most[k] > 0)
			fprintf(out, ", \\\n $kind%d with filledcurves y=0 fs solid noborder lc rgb '%s' title '%s, up to %s'", k,
			    kind_colours[k], sim_kind_name(k), units_size(buf, pic->kind_most[k]));
}

double
panel_top(const struct picture *pic, enum panel panel)
{
	double out_top = curve_top(&pic->rate[D2H], 1e3), in_top = curve_top(&pic->rate[H2D], 1e3);

	switch (panel) {
	case PANEL_MEMORY:
		return pic->top_bytes > 0 ? 1.06 * (double)pic->top_bytes / GIB : 1;
	case PANEL_MAP:
		return pic->map.top > 0 ? 1.02 * (double)pic->map.top / GIB : 1;
	case PANEL_LINK:
		return in_top > out_top ? in_top : out_top;
	case PANEL_HOST:
		return curve_top(&pic->host, GIB);
	default:
		return 1;
	}
}

static void
put_memory(FILE *out, const struct picture *pic, const struct frame *f)
{
	struct memory_line lines[MEMORY_LINES];

	picture_frame(out, f, "device memory (GiB)");
	fprintf(out, "set yrange [0:%.6g]\n", panel_top(pic, PANEL_MEMORY));
	put_kinds(out, pic);
	memory_lines(lines, pic->plan);
	for (size_t i = 0; i < MEMORY_LINES; i++)
		put_line(out, &lines[i], pic->top_bytes);
	fputc('\n', out);
}

/* Lists the largest tensors at the peak beside the address map. */
static void
put_peak(FILE *out, const struct picture *pic, const struct frame *f)
{
	const struct peak *k = &pic->peak;
	double y = f->top - 0.008, dy = 0.0145;
	char size[32], when[32];

	fprintf(out, "set label 20 'in use at the peak, %s:' at screen %g,%g left font ',11'\n", units_time(when, k->time_us), f->key_x, y);
	for (uint32_t i = 0; i < k->count; i++)
		fprintf(out, "set label %u %s at screen %g,%g left font ',10' textcolor rgb '#404040' noenhanced\n", 21 + i,
		    k->top[i].label, f->key_x, y - dy * (i + 1));
	if (k->other_count > 0)
		fprintf(out, "set label 40 '%s  in %" PRIu32 " others' at screen %g,%g left font ',10' textcolor rgb '#404040'\n",
		    units_size(size, k->others), k->other_count, f->key_x, y - dy * (k->count + 1));
	if (pic->map.merged > 0)
		fprintf(out, "set label 41 '%" PRIu32 " of %" PRIu32 " boxes merged' at screen %g,%g left font ',10' textcolor rgb '#606060'\n",
		    pic->map.merged, pic->map.count, f->key_x, f->bottom + 0.006);
}

static void
put_map(FILE *out, const struct picture *pic, const struct frame *f)
{
	picture_frame(out, f, "address (GiB)");
	if (f->key_x > 0)
		put_peak(out, pic, f);
	fprintf(out, "set yrange [0:%.6g]\n", panel_top(pic, PANEL_MAP));
	address_map_plot(out, &pic->map, false);
}

void
picture_queues(FILE *out, const struct picture *pic, const struct frame *f)
{
	char buf[32];

	picture_frame(out, f, "");
	fputs("set yrange [-0.55:2.55]\nset grid noytics\nset ytics scale 0 (", out);
	for (int k = 0; k < QUEUE_COUNT; k++)
		fprintf(out, "%s'%s' %g", k > 0 ? ", " : "", f->key_x == 0 && k == QUEUE_COMPUTE ? "run" : queue_names[k], queue_row((enum queue)k));
	fputs(")\n", out);
	if (pic->gathered > 20 && f->key_x > 0)
		fprintf(out, "set label 5 'height: share of the time' at screen %g,%g left font ',10' textcolor rgb '#606060'\n", f->key_x,
		    f->bottom + 0.007);
	fputs("plot NaN notitle", out);
	for (int k = 0; k < MARK_COUNT; k++)
		if (pic->marks[k].count > 0)
			fprintf(out, ", \\\n $mark%d using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '%s' title '%s %s'", k,
			    mark_styles[k].colour, mark_styles[k].name, units_time(buf, pic->mark_us[k]));
	fputs("\nunset label 5\nset ytics scale 0.6 autofreq\nset grid ytics\n", out);
}

/* Draws the link's panel; with a place for a right label, the host pool in it. */
static void
put_link(FILE *out, const struct picture *pic, const struct frame *f)
{
	static const char *const area = "with filledcurves y=0 fs transparent solid 0.75 noborder lc rgb";
	const struct sim_result *r = pic->result;
	char buf[32];

	picture_frame(out, f, "link (GB/s)");
	fprintf(out, "set yrange [0:%.6g]\n", panel_top(pic, PANEL_LINK));
	if (f->right_label_x > 0)
		fprintf(out, "set y2range [0:%.6g]\nset ytics nomirror\nset y2tics scale 0.6\n"
		    "set label 4 'host pool (GiB)' at screen %g,%g center rotate\n", panel_top(pic, PANEL_HOST), f->right_label_x,
		    (f->top + f->bottom) / 2);
	if (r->offload_bytes == 0 && r->fetch_bytes == 0)
		fputs("set label 5 'nothing is moved' at graph 0.5,0.5 center textcolor rgb '#606060'\n", out);
	fprintf(out, "plot $out %s '%s' title 'out %s'", area, mark_styles[MARK_OFFLOAD].colour, units_size(buf, r->offload_bytes));
	fprintf(out, ", \\\n $in %s '%s' title 'in %s'", area, mark_styles[MARK_FETCH].colour, units_size(buf, r->fetch_bytes));
	if (f->right_label_x > 0)
		fprintf(out, ", \\\n $host with lines axes x1y2 lc rgb '#000000' lw 1.6 title 'host pool %s'",
		    units_size(buf, r->host_peak_bytes));
	fputc('\n', out);
}

static void
put_host(FILE *out, const struct picture *pic, const struct frame *f)
{
	picture_frame(out, f, "pinned (GiB)");
	fprintf(out, "set yrange [0:%.6g]\nplot $host with filledcurves y=0 fs solid noborder lc rgb '#AA4499' notitle\n",
	    panel_top(pic, PANEL_HOST));
}

static void
put_curves(FILE *out, const struct picture *pic)
{
	for (int k = 0; k < SIM_KINDS; k++) {
		char name[16];

		snprintf(name, sizeof(name), "kind%d", k);
		picture_curve(out, name, &pic->kinds[k], GIB);
	}
}

void
picture_axes(FILE *out, double end_us, double left, double right)
{
	double end = end_us / 1e3;

	fprintf(out, "set xrange [0:%.9g]\nset lmargin at screen %g\nset rmargin at screen %g\n", end > 0 ? end : 1, left, right);
	fprintf(out, "%sset key noenhanced font ',11'\n", axes_look);
}

void
picture_script(FILE *out, const struct drawing *d)
{
	static const struct frame memory = { 0.937, 0.64, 0.815, 0.014, 0 }, map = { 0.615, 0.4, 0.815, 0.014, 0 },
	    queues = { 0.375, 0.235, 0.815, 0.014, 0 }, link = { 0.21, 0.05, 0.86, 0.014, 0.845 };
	const struct picture *pic = d->what;

	picture_boxes(out, pic);
	put_curves(out, pic);
	picture_curve(out, "out", &pic->rate[D2H], 1e3);
	picture_curve(out, "in", &pic->rate[H2D], 1e3);
	picture_curve(out, "host", &pic->host, GIB);
	address_map_data(out, &pic->map, 1e3, GIB);
	gnuplot_terminal(out, d);
	fputs("set multiplot\n", out);
	fprintf(out, "set label 1 %s at screen 0.06,0.976 left font ',19' noenhanced\n", pic->title);
	fprintf(out, "set label 2 %s at screen 0.06,0.953 left font ',14' textcolor rgb '#404040' noenhanced\n", pic->subtitle);
	picture_axes(out, pic->result->step_time_us, 0.06, 0.80);
	fputs("set format x ''\n", out);
	put_memory(out, pic, &memory);
	fputs("unset label 1\nunset label 2\n", out);
	put_map(out, pic, &map);
	fputs("do for [i=20:41] { unset label i }\n", out);
	picture_queues(out, pic, &queues);
	fputs("set format x '%g'\nset xlabel 'time (ms)' offset 0,0.4\n", out);
	put_link(out, pic, &link);
	fputs("unset multiplot\n", out);
}

/* ---- one panel of a page ---- */

struct panel_frame
panel_frame(const struct drawing *d)
{
	double font = d->font, w = d->width, h = d->height;

	return (struct panel_frame){ 4.6 * font / w, 1 - 0.9 * font / w, 0.6 * font / h, 1 - 3.3 * font / h };
}

void
picture_panel_script(FILE *out, const struct drawing *d)
{
	const struct panel_view *v = d->what;
	const struct picture *pic = v->picture;
	struct panel_frame p = panel_frame(d);
	struct frame f = { 1 - p.top, 1 - p.bottom, 0, 0.85 * d->font / d->width, 0 };

	gnuplot_terminal(out, d);
	picture_axes(out, pic->result->step_time_us, p.left, p.right);
	fprintf(out, "set xtics offset 0,0.3\nset label 6 'time (ms)' at screen %g,%g center\n", (p.left + p.right) / 2, 0.65 * d->font / d->height);
	switch (v->panel) {
	case PANEL_MEMORY:
		put_curves(out, pic);
		put_memory(out, pic, &f);
		break;
	case PANEL_MAP:
		address_map_data(out, &pic->map, 1e3, GIB);
		put_map(out, pic, &f);
		break;
	case PANEL_QUEUES:
		picture_boxes(out, pic);
		picture_queues(out, pic, &f);
		break;
	case PANEL_LINK:
		picture_curve(out, "out", &pic->rate[D2H], 1e3);
		picture_curve(out, "in", &pic->rate[H2D], 1e3);
		put_link(out, pic, &f);
		break;
	default:
		picture_curve(out, "host", &pic->host, GIB);
		put_host(out, pic, &f);
	}
}

/* ---- in characters ---- */

static void
put_rows(FILE *out, const struct drawing *d, int rows, const char *label)
{
	struct drawing part = *d;

	part.height = rows;
	gnuplot_terminal(out, &part);
	fprintf(out, "set title %s noenhanced\n", label);
}

/* The dumb terminal cannot fill areas: memory is one line, and link use is drawn under it. */
void
picture_term_script(FILE *out, const struct drawing *d)
{
	const struct picture *pic = d->what;
	double end = pic->result->step_time_us / 1e3;
	int rows = d->height * 3 / 5;

	put_curves(out, pic);
	picture_curve(out, "out", &pic->rate[D2H], 1e3);
	picture_curve(out, "in", &pic->rate[H2D], 1e3);
	fprintf(out, "set xrange [0:%.9g]\nset key below\n", end > 0 ? end : 1);
	put_rows(out, d, rows, pic->title);
	fprintf(out, "set ylabel 'GiB'\nset yrange [0:%.6g]\n", panel_top(pic, PANEL_MEMORY));
	fprintf(out, "plot $kind%d with lines title 'device memory', %.8g title 'budget', %.8g title 'bound, resident'\n", SIM_KINDS - 1,
	    (double)pic->plan->budget_bytes / GIB, (double)pic->plan->figures.resident_bound_bytes / GIB);
	put_rows(out, d, d->height - rows, pic->subtitle);
	fprintf(out, "set ylabel 'GB/s'\nset yrange [0:%.6g]\nset xlabel 'time (ms)'\n", panel_top(pic, PANEL_LINK));
	fputs("plot $out with lines title 'link out', $in with lines title 'link in'\n", out);
}
