/* SPDX-License-Identifier: Apache-2.0 */
/* page.h - one HTML file that needs no other
 *
 * Readable without scripts, in dark and in light, and from 400 pixels on: each figure is drawn twice, wide and
 * narrow, and the page shows the one that fits.  Where scripts run, figures say what is under the
 * pointer and can be made larger.
 */
#ifndef SIM_REPORT_PAGE_H
#define SIM_REPORT_PAGE_H
#include "sim/report/gnuplot.h"
#include "src/base/units.h"

void page_begin(FILE *out, const char *title, const char *subtitle);
void page_end(FILE *out);

/* Text where <, & and quotes are only themselves; a string within the page's JSON. */
void page_text(FILE *out, const char *s);
void page_json_string(FILE *out, const char *s);

/* A table of what, how much, and what that means. */
void page_table_begin(FILE *out, const char *caption);
void page_row(FILE *out, const char *label, const char *value, const char *fmt, ...) PRINTF_LIKE(4, 5);
void page_table_end(FILE *out);

/* One figure: heading, legend, wide and narrow, caption. */
struct page_chip { const char *colour, *style, *text; };	/* style: "box" "line" "dash" "dots" */
struct page_figure {
	const char *id, *heading, *caption;	/* caption NULL: none */
	const struct page_chip *chips;	/* [chip_count] */
	uint32_t chip_count;
	struct drawing wide, narrow;
	double x_end, y_top;		/* of the axes, for the script; 0: nothing to say about places */
	double frame[2][4];		/* left, right, top, bottom of the axes: wide, narrow; parts of the whole */
};

int page_figure(FILE *out, const struct page_figure *f, struct err *e) WARN_UNUSED;
#endif
