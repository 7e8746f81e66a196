/* SPDX-License-Identifier: Apache-2.0 */
/* report_draw.h - the pictures of the subjects (plan, measured step, placement, sweep), for the formats of a report */
#ifndef SIM_REPORT_REPORT_DRAW_H
#define SIM_REPORT_REPORT_DRAW_H
#include "sim/report/explain_groups.h"
#include "sim/measured/difference.h"
#include "sim/report/gnuplot.h"
#include "sim/report/page.h"
#include "sim/report/report_private.h"

/* Writes d in the format of to's path, with its script beside it when to->keep. */
int report_draw(const struct report_to *to, struct drawing *d, gnuplot_script_fn *term, struct arena *a, struct err *e) WARN_UNUSED;

/* Keeps the script of one part of a page when to->keep; "" is the whole picture. */
int report_keep(const struct report_to *to, const char *part, const struct drawing *d, struct arena *a, struct err *e) WARN_UNUSED;

/* Fills in f->frame: the axes of both drawings. */
void report_frames(struct page_figure *f);

/* ---- a measured step ---- */

struct measured_picture {
	struct picture simulated, measured;
	const char *title, *subtitle;	/* quoted for gnuplot */
	double end_us;			/* of the longer step */
	struct curve lag;		/* us by which the measured run that begins is behind the simulated one, over simulated time */
	double lag_least, lag_most;	/* us */
};

void measured_picture_init(struct measured_picture *pic, const struct plan *p, const struct sim_result *simulated,
    const struct sim_result *measured, const struct detail *d, struct arena *a);
void measured_script(FILE *out, const struct drawing *d);		/* title, panels, legends */
void measured_panels_script(FILE *out, const struct drawing *d);	/* the panels alone */
void measured_term_script(FILE *out, const struct drawing *d);

/* ---- a placement ---- */

struct placed_picture {
	const struct placed *placed;
	struct address_map map;
	const char *title;		/* quoted for gnuplot */
};

void placed_picture_init(struct placed_picture *pic, const struct placed *pl, const struct detail *d, struct arena *a);
void placed_script(FILE *out, const struct drawing *d);		/* title, map, legend */
void placed_panel_script(FILE *out, const struct drawing *d);	/* the map alone */

/* ---- a sweep ---- */

enum { SERIES_MOST = 8 };
enum chart { CHART_PARETO, CHART_BATCH, CHART_LINK, CHART_BUDGET, CHART_COUNT };

struct chart_point { double x, y; };
struct series {
	const char *name, *label;	/* name: "" when there is only one; label: quoted for gnuplot */
	const struct sweep_point *first;	/* the result that its name was made of */
	struct chart_point *points;	/* [count] by x */
	size_t count, capacity;
};

struct chart_data {
	struct series series[SERIES_MOST];	/* the ones with most points */
	uint32_t count, left_out;
	const char *left_names;		/* of the series left out, the first few; "": none */
	double least, most;		/* of x */
	struct chart_point *bound;	/* [bound_count] by x: no plan is below */
	size_t bound_count;
	bool flat;			/* no series has points at several x: the chart answers no question */
};

struct sweep_picture {
	const struct sweep *sweep;
	const char *plain_title, *title;	/* title: quoted for gnuplot */
	bool relative;			/* memory is drawn against overhead, because networks, batches or devices differ */
	struct chart_data charts[CHART_COUNT];
};

extern const char *const chart_titles[CHART_COUNT];
extern const char *const series_colours[SERIES_MOST];
struct chart_view { const struct sweep_picture *picture; enum chart chart; };

void sweep_picture_init(struct sweep_picture *pic, const struct sweep *s, struct arena *a);
void sweep_script(FILE *out, const struct drawing *d);
void sweep_chart_script(FILE *out, const struct drawing *d);	/* d->what: struct chart_view */

/* ---- pages ---- */

/* The answer in words: does the plan fit, its cost, its limit, what would help; what the peak is made of; what moves, and why. */
struct page_groups {
	const struct explain *explain;
	const struct peak_group *peak;		/* [peak_count] largest first */
	const struct moved_group *moved;	/* [moved_count] dearest first */
	uint32_t peak_count, moved_count;
};
void page_answer(FILE *out, const struct page_groups *g, struct arena *a);
void page_peak(FILE *out, const struct page_groups *g);
void page_moves(FILE *out, const struct page_groups *g, struct arena *a);
/* Writes the data that a plan's page shows under the pointer. */
void page_plan_data(FILE *out, const struct picture *pic, struct arena *a);

int report_plan_page(const struct report_to *to, const struct plan *p, const struct sim_result *r, struct arena *a,
    struct err *e) WARN_UNUSED;
int report_measured_page(const struct report_to *to, const struct plan *p, const struct sim_result *simulated, const struct sim_result *measured,
    const struct difference *of, struct arena *a, struct err *e) WARN_UNUSED;
int report_placed_page(const struct report_to *to, const struct placed *pl, struct arena *a, struct err *e) WARN_UNUSED;
int report_sweep_page(const struct report_to *to, const struct sweep_picture *pic, struct arena *a, struct err *e) WARN_UNUSED;

/* Returns a point's batch: "8", or "8 x 4" for four passes. */
const char *sweep_batch_text(const struct sweep_point *p, struct arena *a);
#endif
