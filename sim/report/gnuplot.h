/* SPDX-License-Identifier: Apache-2.0 */
/* gnuplot.h - gnuplot as a process, fed a script with its data on standard input
 *
 * No shell string is built.  What gnuplot draws is read back from a file without a name and looked at
 * before any of it is passed on: a picture is complete or an error.
 */
#ifndef SIM_REPORT_GNUPLOT_H
#define SIM_REPORT_GNUPLOT_H
#include <stdbool.h>
#include <stdio.h>

#include "src/base/err.h"

/* One kind of picture. */
struct gnuplot_format {
	const char *suffix, *terminal;
	double unit;			/* what the terminal counts sizes in: pixels a unit */
	const char *end;		/* what a complete picture ends with: gnuplot does not say when the disk was full */
	size_t end_bytes;		/* 0: nothing to be seen */
};

extern const struct gnuplot_format gnuplot_svg, gnuplot_png, gnuplot_pdf, gnuplot_dumb;

/* A script is written for one format, `set terminal` and all. */
struct drawing;
typedef void gnuplot_script_fn(FILE *out, const struct drawing *d);

struct drawing {
	const struct gnuplot_format *format;
	gnuplot_script_fn *script;
	const void *what;		/* the script's own */
	int width, height;		/* pixels; of the dumb terminal: characters */
	int font;
	const char *id;			/* within a page: unlike any other's */
	const char *label;		/* within a page: what is seen, in words */
};

/* Draw into out. */
int gnuplot_draw(FILE *out, const struct drawing *d, struct err *e) WARN_UNUSED;

/* Draw an svg as an element of a page: without a background, and what was black or grey in the text's own
 * colour, so that the page decides both. */
int gnuplot_embed(FILE *out, const struct drawing *d, const char *class, struct err *e) WARN_UNUSED;

/* Write the script, with a first line that says how to draw it again, to path. */
int gnuplot_keep(const char *path, const struct drawing *d, struct err *e) WARN_UNUSED;

/* `set terminal` with the drawing's size. */
void gnuplot_terminal(FILE *out, const struct drawing *d);

/* ERR_SYSTEM when this program was built without gnuplot. */
int gnuplot_is_there(struct err *e) WARN_UNUSED;
#endif
