/* SPDX-License-Identifier: Apache-2.0 */
/* report_placed.c - the picture and the page of a placement
 *
 * A placement's buffers have no kinds, so colours stand for sizes.
 */
#include <config.h>
#include "sim/report/report_draw.h"

#include <inttypes.h>
#include <string.h>

#include "src/base/file.h"

/* Large to small, in parts of the arena. */
static const struct { double part; const char *name, *colour; } classes[] = {
	{ 0.1, "10 % of the arena or more", "#D55E00" }, { 0.01, "1 % to 10 %", "#E69F00" },
	{ 0.001, "0.1 % to 1 %", "#009E73" }, { 0, "below 0.1 %", "#0072B2" }
};
enum { CLASSES = sizeof(classes) / sizeof(classes[0]), NAMES_MOST = 100000 };

void
placed_picture_init(struct placed_picture *pic, const struct placed *pl, const struct detail *d, struct arena *a)
{
	struct map_range *ranges = ARENA_NEW(a, struct map_range, pl->count);
	char b1[32], b2[32];

	*pic = (struct placed_picture){ .placed = pl, .map = { .unit = "program order", .top = pl->arena_bytes } };
	for (int k = 0; k < CLASSES; k++) {
		pic->map.names[k] = classes[k].name;
		pic->map.colours[k] = classes[k].colour;
	}
	for (uint32_t i = 0; i < pl->count; i++) {
		const struct placed_buffer *b = &pl->buffers[i];
		int k = 0;

		while ((double)b->bytes < classes[k].part * (double)pl->arena_bytes)
			k++;
		ranges[i] = (struct map_range){ b->lower, b->upper, b->offset, b->bytes, k };
		if (b->upper > pic->map.end)
			pic->map.end = b->upper;
	}
	address_map_init(&pic->map, ranges, pl->count, d, a);
	pic->title = picture_quoted(arena_printf(a, "%s: %" PRIu32 " buffers in %s, at least %s needed%s", pl->title, pl->count,
	    units_size(b1, pl->arena_bytes), units_size(b2, pl->bound_bytes),
	    pic->map.merged > 0 ? arena_printf(a, "; the smallest %" PRIu32 " boxes are merged", pic->map.merged) : ""), a);
}

/* Returns the bytes of the unit of addresses: the largest of which the arena has two. */
static double
unit_of(const struct placed *pl, const char **name)
{
	static const struct { double bytes; const char *name; } units[] = {
		{ GIB, "GiB" }, { 1048576, "MiB" }, { 1024, "KiB" }, { 1, "bytes" }
	};
	int k = 0;

	while (k < 3 && (double)pl->arena_bytes < 2 * units[k].bytes)
		k++;
	*name = units[k].name;
	return units[k].bytes;
}

static void
put_map(FILE *out, const struct placed_picture *pic, bool key)
{
	const char *unit;
	double bytes = unit_of(pic->placed, &unit);

	fprintf(out, "set xrange [0:%.9g]\nset yrange [0:%.9g]\n", pic->map.end > 0 ? pic->map.end : 1,
	    pic->map.top > 0 ? 1.02 * (double)pic->map.top / bytes : 1);
	fputs(axes_look, out);
	if (pic->placed->bound_bytes > 0 && pic->placed->bound_bytes < pic->map.top)
		fprintf(out, "set arrow 1 from graph 0, first %.9g to graph 1, first %.9g nohead front lc rgb '#882255' lw 1.6 dt (2,3)\n",
		    (double)pic->placed->bound_bytes / bytes, (double)pic->placed->bound_bytes / bytes);
	address_map_plot(out, &pic->map, key);
}

void
placed_script(FILE *out, const struct drawing *d)
{
	const struct placed_picture *pic = d->what;
	const char *unit;
	double bytes = unit_of(pic->placed, &unit);

	address_map_data(out, &pic->map, 1, bytes);
	gnuplot_terminal(out, d);
	fprintf(out, "set title %s noenhanced%s\nset xlabel 'program order'\nset ylabel 'address (%s)'\nset key %s noenhanced\n", pic->title,
	    d->format == &gnuplot_dumb ? "" : " font ',15'", unit, d->format == &gnuplot_dumb ? "below" : "above");
	put_map(out, pic, true);
}

void
placed_panel_script(FILE *out, const struct drawing *d)
{
	const struct placed_picture *pic = d->what;
	struct panel_frame p = panel_frame(d);
	const char *unit;
	double bytes = unit_of(pic->placed, &unit);

	address_map_data(out, &pic->map, 1, bytes);
	gnuplot_terminal(out, d);
	fprintf(out, "set lmargin at screen %g\nset rmargin at screen %g\nset tmargin at screen %g\nset bmargin at screen %g\nunset key\n", p.left,
	    p.right, 1 - p.top, 1 - p.bottom);
	fprintf(out, "set xtics offset 0,0.3\nset label 6 'program order' at screen %g,%g center\nset label 3 'address (%s)' at screen %g,%g center rotate\n",
	    (p.left + p.right) / 2, 0.65 * d->font / d->height, unit, 0.85 * d->font / d->width, 1 - (p.top + p.bottom) / 2);
	put_map(out, pic, false);
}

/* ---- as a page ---- */

struct placed_page {
	const struct report_to *to;
	struct placed_picture wide, narrow;
	struct arena *arena;
};

static void
put_summary(FILE *out, const struct placed *pl, struct arena *a)
{
	char b1[32];

	page_table_begin(out, "In short");
	page_row(out, "Buffers", arena_printf(a, "%" PRIu32, pl->count), "each from its first to its last use in program order");
	page_row(out, "Arena", units_size(b1, pl->arena_bytes), "%" PRI_BYTES " bytes: where the highest buffer ends", pl->arena_bytes);
	page_row(out, "Lower bound", units_size(b1, pl->bound_bytes), "%" PRI_BYTES " bytes are alive at once: the arena is %.4f %% above that",
	    pl->bound_bytes, pl->bound_bytes > 0 ? 100 * ((double)pl->arena_bytes / (double)pl->bound_bytes - 1) : 0);
	page_table_end(out);
}

/* Writes the buffers for the pointer; of more than NAMES_MOST none, to keep the page small. */
static void
put_data(FILE *out, const struct placed *pl)
{
	uint32_t n = pl->count <= NAMES_MOST ? pl->count : 0;

	fputs("<script type=\"application/json\" id=\"data\">\n{\"placed\":[", out);
	for (uint32_t i = 0; i < n; i++)
		fprintf(out, "%s%" PRIu32 ",%" PRIu32 ",%" PRI_BYTES ",%" PRI_BYTES, i > 0 ? "," : "", pl->buffers[i].lower, pl->buffers[i].upper,
		    pl->buffers[i].offset, pl->buffers[i].bytes);
	fputs("],\n\"names\":[", out);
	for (uint32_t i = 0; i < n; i++) {
		if (i > 0)
			fputc(',', out);
		page_json_string(out, pl->buffers[i].name);
	}
	fputs("]}\n</script>\n", out);
}

static int
put_figure(FILE *out, const struct placed_page *w, struct err *e)
{
	const struct placed *pl = w->wide.placed;
	struct page_chip chips[CLASSES + 1];
	struct page_figure f = { .id = "placed", .heading = "Address map", .chips = chips, .x_end = w->wide.map.end, .y_top = 1.02 * (double)pl->arena_bytes,
		.wide = { &gnuplot_svg, placed_panel_script, &w->wide, 1200, 560, 13, "placed-w", "address over program order, one box a buffer" },
		.narrow = { &gnuplot_svg, placed_panel_script, &w->narrow, 400, 340, 12, "placed-n", "address over program order, one box a buffer" } };

	report_frames(&f);
	for (int k = 0; k < CLASSES; k++)
		if (w->wide.map.groups[k][0].count + w->wide.map.groups[k][1].count > 0)
			chips[f.chip_count++] = (struct page_chip){ classes[k].colour, "box", classes[k].name };
	if (pl->bound_bytes < pl->arena_bytes)
		chips[f.chip_count++] = (struct page_chip){ "#882255", "dots", "lower bound" };
	f.caption = w->wide.map.merged == 0 ? "One box a buffer; neighbours of a size differ in shade."
	    : arena_printf(w->arena, "%" PRIu32 " buffers; the smallest %" PRIu32 " are merged with their neighbours (%" PRIu32 " on a narrow screen).",
	    w->wide.map.count, w->wide.map.merged, w->narrow.map.merged);
	if (report_keep(w->to, "map", &f.wide, w->arena, e) < 0)
		return -1;
	return page_figure(out, &f, e);
}

static int
write_page(FILE *out, void *arg, struct err *e)
{
	const struct placed_page *w = arg;
	char b1[32];

	page_begin(out, w->wide.placed->title, arena_printf(w->arena, "%" PRIu32 " buffers in %s", w->wide.placed->count,
	    units_size(b1, w->wide.placed->arena_bytes)));
	put_summary(out, w->wide.placed, w->arena);
	if (put_figure(out, w, e) < 0)
		return -1;
	put_data(out, w->wide.placed);
	page_end(out);
	return 0;
}

int
report_placed_page(const struct report_to *to, const struct placed *pl, struct arena *a, struct err *e)
{
	struct placed_page w = { .to = to, .arena = a };

	if (gnuplot_is_there(e) < 0)
		return -1;
	placed_picture_init(&w.wide, pl, &detail_picture, a);
	placed_picture_init(&w.narrow, pl, &detail_narrow, a);
	return file_write(to->path, write_page, &w, e);
}
