/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>
#include "sim/report_private.h"

#include <string.h>

/* Colours that people with any colour vision tell apart (Okabe and Ito; Tol). */
static const char *const kind_colours[SIM_KINDS] = {
	[KIND_PARAMETER] = "#0072B2", [KIND_STATE] = "#7F7F7F", [KIND_OPTIMIZER] = "#56B4E9", [KIND_INPUT] = "#CC79A7",
	[KIND_ACTIVATION] = "#009E73", [KIND_GRADIENT] = "#E69F00", [SIM_WORKSPACE] = "#F0E442"
};

/* Compute is grey, so that a stall stands out; the two directions keep their colour in the panel below. */
static const struct { const char *name, *colour; } mark_styles[MARK_COUNT] = {
	[MARK_FORWARD] = { "forward", "#A8A8A8" }, [MARK_BACKWARD] = { "backward", "#5E5E5E" },
	[MARK_UPDATE] = { "update", "#D5D5D5" }, [MARK_RERUN] = { "recompute", "#DDAA33" },
	[MARK_STALL] = { "stall", "#E8211D" }, [MARK_OFFLOAD] = { "offload", "#332288" }, [MARK_FETCH] = { "fetch", "#44AA99" }
};

#define GIB 1073741824.0

/* Text from a document inside gnuplot's single quotes, where nothing but the quote
 * itself is special.  Control bytes would end the line; a cut falls between characters. */
static const char *
quoted(const char *s, struct arena *a)
{
	enum { MOST_BYTES = 160 };
	char *buf = ARENA_NEW(a, char, 2 * MOST_BYTES + 6), *to = buf;
	size_t n = strlen(s);

	if (n > MOST_BYTES)
		for (n = MOST_BYTES; n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80; n--)
			;
	*to++ = '\'';
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '\'')
			*to++ = '\'';
		*to++ = (unsigned char)s[i] < ' ' || s[i] == 127 ? '?' : s[i];
	}
	if (s[n] != '\0')
		to += strlen(strcpy(to, "..."));
	*to++ = '\'';
	return buf;
}

static void
put_boxes(FILE *out, const struct picture *pic)
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

/* Both corners of each step: one polygon then draws the whole curve. */
static void
put_curve(FILE *out, const char *name, const struct curve *c, double unit)
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

void
picture_titles(struct picture *pic, struct arena *a)
{
	const struct plan *p = pic->plan;
	const struct sim_result *r = pic->result;
	const char *batch = p->batch > 0 ? arena_printf(a, ", batch %" PRIu32 ",", p->batch) : "", *recompute = "";
	char b1[32], b2[32], b3[32], b4[32];

	units_time(b3, r->stall_time_us);
	if (r->recompute_time_us > 0)
		recompute = arena_printf(a, ", recomputing %s", units_time(b4, r->recompute_time_us));
	pic->title = quoted(arena_printf(a, "%s%s on %s, policy %s, budget %s", p->graph->name, batch, p->device->name,
	    p->policy != NULL ? p->policy : "unknown", units_size(b1, p->budget_bytes)), a);
	pic->subtitle = quoted(arena_printf(a, "step %s, ideal %s, overhead %.1f %%, %s%s%s", units_time(b1, r->step_time_us),
	    units_time(b2, r->ideal_time_us), 100 * r->overhead, r->stall_time_us > 0 ? "stalls " : "no stalls",
	    r->stall_time_us > 0 ? b3 : "", recompute), a);
}

/* The label stands at the same place in each panel, however wide the numbers are. */
static void
put_panel(FILE *out, double top, double bottom, const char *label)
{
	fprintf(out, "set tmargin at screen %g\nset bmargin at screen %g\n", top, bottom);
	fprintf(out, "set key at screen 0.815,%g left top Left reverse samplen 1.6 spacing 1.25\n", top);
	fprintf(out, "set label 3 '%s' at screen 0.014,%g center rotate\n", label, (top + bottom) / 2);
}

struct line { const char *name; bytes_t bytes; const char *style; };

/* A horizontal line with its value in the legend; one above the picture's top is only named there. */
static void
put_line(FILE *out, const struct line *l, bytes_t top)
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

/* Back to front: each kind's area reaches down to 0 and is painted over by those below it. */
static void
put_kinds(FILE *out, const struct picture *pic)
{
	char buf[32];

	fputs("plot NaN notitle", out);
	for (int k = SIM_KINDS - 1; k >= 0; k--)
		if (pic->kind_most[k] > 0)
			fprintf(out, ", \\\n $kind%d with filledcurves y=0 fs solid noborder lc rgb '%s' title '%s, up to %s'", k,
			    kind_colours[k], k == SIM_WORKSPACE ? "workspace" : kind_names[k], units_size(buf, pic->kind_most[k]));
}

static void
put_memory(FILE *out, const struct picture *pic)
{
	const struct plan *p = pic->plan;
	const struct line lines[] = {
		{ "budget", p->budget_bytes, "lc rgb '#000000' lw 2 dt (10,5)" },
		{ "arena", p->arena_bytes, "lc rgb '#000000' lw 1.4" },
		{ "plan peak", p->figures.peak_bytes, "lc rgb '#882255' lw 1.6 dt (8,3,2,3)" },
		{ "bound, resident", p->figures.resident_bound_bytes, "lc rgb '#882255' lw 1.8 dt (2,3)" },
	};
	bytes_t top = pic->top_bytes;

	put_panel(out, 0.915, 0.51, "device memory (GiB)");
	fprintf(out, "set yrange [0:%.6g]\nset format x ''\n", top > 0 ? 1.06 * (double)top / GIB : 1);
	put_kinds(out, pic);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		put_line(out, &lines[i], top);
	fputc('\n', out);
}

static void
put_queues(FILE *out, const struct picture *pic)
{
	char buf[32];

	put_panel(out, 0.475, 0.305, "");
	fputs("set yrange [-0.55:2.55]\nset grid noytics\nset ytics scale 0 (", out);
	for (int k = 0; k < QUEUE_COUNT; k++)
		fprintf(out, "%s'%s' %g", k > 0 ? ", " : "", queue_names[k], queue_row((enum queue)k));
	fputs(")\n", out);
	if (pic->gathered > 20)
		fputs("set label 5 'height: share of the time' at screen 0.815,0.312 left font ',10' textcolor rgb '#606060'\n", out);
	fputs("plot NaN notitle", out);
	for (int k = 0; k < MARK_COUNT; k++)
		if (pic->marks[k].count > 0)
			fprintf(out, ", \\\n $mark%d using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '%s' title '%s %s'", k,
			    mark_styles[k].colour, mark_styles[k].name, units_time(buf, pic->mark_us[k]));
	fputs("\nunset label 5\nset ytics scale 0.6 autofreq\nset grid ytics\n", out);
}

static void
put_link(FILE *out, const struct picture *pic)
{
	static const char *const area = "with filledcurves y=0 fs transparent solid 0.75 noborder lc rgb";
	const struct sim_result *r = pic->result;
	double top = curve_top(&pic->rate[D2H], 1e3), in_top = curve_top(&pic->rate[H2D], 1e3);
	char buf[32];

	put_panel(out, 0.27, 0.065, "link (GB/s)");
	fprintf(out, "set yrange [0:%.6g]\nset y2range [0:%.6g]\n", in_top > top ? in_top : top, curve_top(&pic->host, GIB));
	fputs("set format x '%g'\nset xlabel 'time (ms)' offset 0,0.4\nset ytics nomirror\nset y2tics scale 0.6\n"
	    "set label 4 'host pool (GiB)' at screen 0.845,0.1675 center rotate\nset key at screen 0.86,0.27\n", out);
	if (r->offload_bytes == 0 && r->fetch_bytes == 0)
		fputs("set label 5 'nothing is moved' at graph 0.5,0.5 center textcolor rgb '#606060'\n", out);
	fprintf(out, "plot $out %s '%s' title 'out %s'", area, mark_styles[MARK_OFFLOAD].colour, units_size(buf, r->offload_bytes));
	fprintf(out, ", \\\n $in %s '%s' title 'in %s'", area, mark_styles[MARK_FETCH].colour, units_size(buf, r->fetch_bytes));
	fprintf(out, ", \\\n $host with lines axes x1y2 lc rgb '#000000' lw 1.6 title 'host pool %s'\n",
	    units_size(buf, r->host_peak_bytes));
}

void
picture_script(FILE *out, const struct picture *pic, const char *terminal)
{
	double end = pic->result->step_time_us / 1e3;

	put_boxes(out, pic);
	for (int k = 0; k < SIM_KINDS; k++) {
		char name[16];

		snprintf(name, sizeof(name), "kind%d", k);
		put_curve(out, name, &pic->kinds[k], GIB);
	}
	put_curve(out, "out", &pic->rate[D2H], 1e3);
	put_curve(out, "in", &pic->rate[H2D], 1e3);
	put_curve(out, "host", &pic->host, GIB);
	fprintf(out, "set terminal %s size %d,%d font 'sans-serif,12' background rgb '#FFFFFF'\n", terminal, PICTURE_WIDTH, PICTURE_HEIGHT);
	fputs("set encoding utf8\nset multiplot\n", out);
	fprintf(out, "set label 1 %s at screen 0.06,0.968 left font ',19' noenhanced\n", pic->title);
	fprintf(out, "set label 2 %s at screen 0.06,0.937 left font ',14' textcolor rgb '#404040' noenhanced\n", pic->subtitle);
	fprintf(out, "set xrange [0:%.9g]\n", end > 0 ? end : 1);
	fputs("set lmargin at screen 0.06\nset rmargin at screen 0.80\n"
	    "set border lc rgb '#404040'\nset tics out nomirror scale 0.6 textcolor rgb '#202020'\n"
	    "set grid x y front lc rgb '#B0B0B0' lw 0.4 dt (2,4)\nset key noenhanced font ',11'\n", out);
	put_memory(out, pic);
	fputs("unset label 1\nunset label 2\n", out);
	put_queues(out, pic);
	put_link(out, pic);
	fputs("unset multiplot\n", out);
}
