/* SPDX-License-Identifier: Apache-2.0 */
/* report.c - the format of a report, by its path's suffix, and the entries */
#include <config.h>
#include "sim/report/report.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "sim/report/report_draw.h"
#include "sim/report/trace.h"
#include "src/base/file.h"

static const struct gnuplot_format *const pictures[] = { &gnuplot_svg, &gnuplot_png, &gnuplot_pdf };

static bool
ends_with(const char *path, const char *suffix)
{
	size_t n = strlen(path), m = strlen(suffix);

	return n > m && strcmp(path + n - m, suffix) == 0;
}

static bool
is_term(const char *path)
{
	return strcmp(path, "term") == 0;
}

static const struct gnuplot_format *
format_of(const char *path)
{
	for (size_t i = 0; i < sizeof(pictures) / sizeof(pictures[0]); i++)
		if (ends_with(path, pictures[i]->suffix))
			return pictures[i];
	return is_term(path) ? &gnuplot_dumb : NULL;
}

/* Fails if no file of the name can hold what is drawn. */
static int
check_name(const struct report_to *to, bool plan, struct err *e)
{
	if (format_of(to->path) != NULL || ends_with(to->path, ".html"))
		return to->keep && is_term(to->path) ? err_set(e, ERR_INPUT, "--keep needs a file to put the script beside, got 'term'") : 0;
	if (ends_with(to->path, ".json") && plan)
		return to->keep ? err_set(e, ERR_INPUT, "--keep keeps gnuplot's script, and a .json has none") : 0;
	if (ends_with(to->path, ".json"))
		err_set(e, ERR_INPUT, "a .json is a plan's timeline: this is not a plan");
	else
		err_set(e, ERR_INPUT, "expected a file name that ends in .svg, .png, .pdf%s .html, or 'term'", plan ? ", .json or" : " or");
	return err_in_file(e, to->path);
}

int
report_check(const struct report_to *to, bool plan, struct err *e)
{
	if (check_name(to, plan, e) < 0)
		return -1;
	return is_term(to->path) ? 0 : file_check_output(to->path, e);
}

/* Sets d's size to the terminal's columns and lines; without a terminal, to 100 x 40. */
static void
size_of_terminal(struct drawing *d)
{
	struct winsize w;

	d->width = 100;
	d->height = 40;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) < 0 || w.ws_col < 40 || w.ws_row < 20)
		return;
	d->width = w.ws_col < 400 ? w.ws_col - 1 : 400;
	d->height = w.ws_row < 200 ? w.ws_row - 2 : 200;
}

static int
write_drawing(FILE *out, void *arg, struct err *e)
{
	return gnuplot_draw(out, arg, e);
}

int
report_keep(const struct report_to *to, const char *part, const struct drawing *d, struct arena *a, struct err *e)
{
	if (!to->keep)
		return 0;
	return gnuplot_keep(arena_printf(a, "%s%s%s.gp", to->path, *part != '\0' ? "." : "", part), d, e);
}

void
report_frames(struct page_figure *f)
{
	const struct drawing *drawings[2] = { &f->wide, &f->narrow };

	for (int k = 0; k < 2; k++) {
		struct panel_frame p = panel_frame(drawings[k]);

		f->frame[k][0] = p.left;
		f->frame[k][1] = p.right;
		f->frame[k][2] = p.top;
		f->frame[k][3] = p.bottom;
	}
}

int
report_draw(const struct report_to *to, struct drawing *d, gnuplot_script_fn *term, struct arena *a, struct err *e)
{
	d->format = format_of(to->path);
	d->font = 12;
	if (d->format == NULL)
		return err_set(e, ERR_SYSTEM, "no such format: '%s'", to->path);
	if (gnuplot_is_there(e) < 0)
		return -1;
	if (is_term(to->path)) {
		size_of_terminal(d);
		d->script = term;
		return file_write("-", write_drawing, d, e);
	}
	/* The script first: after a failure of gnuplot it is the file to look at. */
	if (report_keep(to, "", d, a, e) < 0)
		return -1;
	return file_write(to->path, write_drawing, d, e);
}

int
report_plan(const struct report_to *to, const struct plan *p, const struct sim_result *r, struct arena *a, struct err *e)
{
	struct drawing d = { .script = picture_script, .width = PICTURE_WIDTH, .height = PICTURE_HEIGHT };
	const struct timeline predicted = { "predicted", r };
	struct picture pic;

	if (report_check(to, true, e) < 0)
		return -1;
	if (ends_with(to->path, ".json"))
		return trace_write(to->path, p, &predicted, 1, a, e);
	if (ends_with(to->path, ".html"))
		return report_plan_page(to, p, r, a, e);
	picture_init(&pic, p, r, &detail_picture, a);
	picture_titles(&pic, a);
	d.what = &pic;
	return report_draw(to, &d, picture_term_script, a, e);
}

int
report_measured(const struct report_to *to, const struct plan *p, const struct sim_result *simulated, const struct sim_result *measured,
    const struct difference *of, struct arena *a, struct err *e)
{
	struct drawing d = { .script = measured_script, .width = PICTURE_WIDTH, .height = 620 };
	const struct timeline both[] = { { "simulated", simulated }, { "measured", measured } };
	struct measured_picture pic;

	if (report_check(to, true, e) < 0)
		return -1;
	if (ends_with(to->path, ".json"))
		return trace_write(to->path, p, both, 2, a, e);
	if (ends_with(to->path, ".html"))
		return report_measured_page(to, p, simulated, measured, of, a, e);
	measured_picture_init(&pic, p, simulated, measured, &detail_picture, a);
	d.what = &pic;
	return report_draw(to, &d, measured_term_script, a, e);
}

int
report_placed(const struct report_to *to, const struct placed *pl, struct arena *a, struct err *e)
{
	struct drawing d = { .script = placed_script, .width = 1200, .height = 700 };
	struct placed_picture pic;

	if (report_check(to, false, e) < 0)
		return -1;
	if (ends_with(to->path, ".html"))
		return report_placed_page(to, pl, a, e);
	placed_picture_init(&pic, pl, &detail_picture, a);
	d.what = &pic;
	return report_draw(to, &d, placed_script, a, e);
}

int
report_sweep(const struct report_to *to, const struct sweep *s, struct arena *a, struct err *e)
{
	struct drawing d = { .script = sweep_script, .width = 1200, .height = 900 };
	struct sweep_picture pic;

	if (report_check(to, false, e) < 0)
		return -1;
	if (s->count == 0)
		return err_set(e, ERR_INPUT, "there is no result with a step time in it (%" PRIu32 " failed, %" PRIu32 " do not fit)", s->failed, s->unfit);
	sweep_picture_init(&pic, s, a);
	if (ends_with(to->path, ".html"))
		return report_sweep_page(to, &pic, a, e);
	d.what = &pic;
	return report_draw(to, &d, sweep_script, a, e);
}
