/* SPDX-License-Identifier: Apache-2.0 */
/* page.h - a report's page: one HTML file that loads no other
 *
 * The page is readable without scripts, in dark and in light, and from 400 pixels of width on.  Each figure is drawn
 * twice, wide and narrow, and the page shows the one that fits.  Scripts add a zoom and a box that names the thing under
 * the pointer.
 */
#ifndef SIM_REPORT_PAGE_H
#define SIM_REPORT_PAGE_H
#include "sim/report/gnuplot.h"
#include "src/base/units.h"

void page_begin(FILE *out, const char *title, const char *subtitle);
void page_end(FILE *out);

/* Writes text with <, & and quotes escaped. */
void page_text(FILE *out, const char *s);
/* Writes a string of the page's JSON. */
void page_json_string(FILE *out, const char *s);

/* A table with rows of a label, a value, and its meaning. */
void page_table_begin(FILE *out, const char *caption);
void page_row(FILE *out, const char *label, const char *value, const char *fmt, ...) PRINTF_LIKE(4, 5);
void page_table_end(FILE *out);

/* One figure: heading, legend, wide and narrow drawing, caption. */
struct page_chip { const char *colour, *style, *text; };	/* style: "box" "line" "dash" "dots" */
struct page_figure {
	const char *id, *heading, *caption;	/* caption NULL: none */
	const struct page_chip *chips;	/* [chip_count] */
	uint32_t chip_count;
	struct drawing wide, narrow;
	double x_end, y_top;		/* ends of the axes, for the script; 0: no text under the pointer */
	double frame[2][4];		/* left, right, top and bottom of the axes, as parts of the whole: of the wide drawing, of the narrow one */
};

int page_figure(FILE *out, const struct page_figure *f, struct err *e) WARN_UNUSED;
#endif
