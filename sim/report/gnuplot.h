/* SPDX-License-Identifier: Apache-2.0 */
/* gnuplot.h - gnuplot as a process that reads a script with its data from standard input
 *
 * No shell string is built.  A drawing is read back from a file without a name and tested before any of it is passed on,
 * so a picture is complete or an error.
 */
#ifndef SIM_REPORT_GNUPLOT_H
#define SIM_REPORT_GNUPLOT_H
#include <stdbool.h>
#include <stdio.h>

#include "src/base/err.h"

/* One kind of picture. */
struct gnuplot_format {
	const char *suffix, *terminal;
	double unit;			/* of the terminal's sizes, in pixels */
	const char *end;		/* the end of a complete picture; gnuplot reports no full disk */
	size_t end_bytes;		/* 0: no such mark */
};

extern const struct gnuplot_format gnuplot_svg, gnuplot_png, gnuplot_pdf, gnuplot_dumb;

/* Writes a script for one format, `set terminal` included. */
struct drawing;
typedef void gnuplot_script_fn(FILE *out, const struct drawing *d);

struct drawing {
	const struct gnuplot_format *format;
	gnuplot_script_fn *script;
	const void *what;		/* data of the script */
	int width, height;		/* pixels; of the dumb terminal: characters */
	int font;
	const char *id;			/* within a page: unique */
	const char *label;		/* within a page: the drawing in words */
};

/* Draws into out. */
int gnuplot_draw(FILE *out, const struct drawing *d, struct err *e) WARN_UNUSED;

/* Draws an svg as an element of a page.  It has no background, and its black and grey become the colour of the page's
 * text, so the page decides both. */
int gnuplot_embed(FILE *out, const struct drawing *d, const char *class, struct err *e) WARN_UNUSED;

/* Writes the script to path; its first line tells how to draw it again. */
int gnuplot_keep(const char *path, const struct drawing *d, struct err *e) WARN_UNUSED;

/* Writes `set terminal` with the drawing's size. */
void gnuplot_terminal(FILE *out, const struct drawing *d);

/* Fails with ERR_SYSTEM if this program was built without gnuplot. */
int gnuplot_is_there(struct err *e) WARN_UNUSED;
#endif
