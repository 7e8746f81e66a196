/* SPDX-License-Identifier: Apache-2.0 */
/* report_private.h - a plan's picture as data, reduced to the detail that its pixels can show
 *
 * A plan may have 25,000 instructions, and the picture has 900 columns.  A curve keeps the least and the largest value of
 * each column.  Spans too narrow to be seen are gathered into boxes, whose height is divided by each mark's share of the
 * time.
 */
#ifndef SIM_REPORT_REPORT_PRIVATE_H
#define SIM_REPORT_REPORT_PRIVATE_H
#include "sim/report/gnuplot.h"
#include "sim/report/report.h"
#include "src/documents/origin.h"

enum { PICTURE_WIDTH = 1200, PICTURE_HEIGHT = 1220, PEAK_LABEL_MOST = 26 };	/* pixels; bytes beside the address map */
#define GIB 1073741824.0

/* The detail that a picture's pixels can show. */
struct detail {
	double columns, memory_rows;
	uint32_t boxes;			/* of the address map; smaller ones beyond them are merged */
};
extern const struct detail detail_picture, detail_narrow;

/* The meaning of a box in the queues' panel. */
enum mark { MARK_FORWARD, MARK_BACKWARD, MARK_UPDATE, MARK_RERUN, MARK_STALL, MARK_OFFLOAD, MARK_FETCH, MARK_COUNT };

struct box { double from_us, to_us, low, high; };

struct box_list {
	struct box *boxes;	/* [count] */
	size_t count, capacity;
};

/* A step function: value from time_us on. */
struct curve_step { double time_us, value; };

struct curve {
	struct curve_step *steps;	/* [count] */
	size_t count, capacity;
};

/* A live range as a box of the address map.  group is a kind, SIM_WORKSPACE, or a row of the map's own legend. */
struct map_range {
	double from, to;		/* x */
	bytes_t offset, bytes;
	int group;
};

enum { MAP_GROUPS = SIM_KINDS, MAP_SHADES = 2 };

struct address_map {
	const char *unit;		/* of x, for people: "time (ms)" */
	const char *names[MAP_GROUPS], *colours[MAP_GROUPS];
	double end;			/* of x */
	bytes_t top;
	struct box_list groups[MAP_GROUPS][MAP_SHADES];	/* low and high are bytes; neighbours differ in shade */
	uint32_t count;			/* number of boxes */
	uint32_t merged;		/* number of boxes that were merged in a grid */
};

void address_map_init(struct address_map *m, const struct map_range *ranges, uint32_t count, const struct detail *d, struct arena *a);
/* Returns [buffer_count] a plan's buffers over simulated time, in us; to < from: never used. */
struct map_range *plan_map_ranges(const struct plan *p, const struct sim_result *r, struct arena *a);
/* Writes the map's data. */
void address_map_data(FILE *out, const struct address_map *m, double x_unit, double y_unit);
/* Plots the map's boxes in the current panel. */
void address_map_plot(FILE *out, const struct address_map *m, bool key);

/* One buffer alive at the plan's peak. */
struct peak_tensor {
	uint32_t buffer;
	bytes_t bytes;
	const char *name, *label;	/* label: quoted for gnuplot */
};
enum { PEAK_MOST = 12 };
struct peak {
	double time_us;
	bytes_t bytes;			/* the plan's peak, which counts shared bytes once */
	bytes_t others;			/* of buffers that are not listed */
	uint32_t other_count, count;
	struct peak_tensor top[PEAK_MOST];	/* [count] largest first */
};

struct picture {
	const struct plan *plan;
	const struct sim_result *result;
	const char *title, *subtitle;	/* quoted for gnuplot */
	bytes_t top_bytes;		/* of the memory panel: the highest line or area */
	bytes_t kind_most[SIM_KINDS];
	struct curve kinds[SIM_KINDS];	/* bytes of a kind and of all before it */
	struct box_list marks[MARK_COUNT];
	double mark_us[MARK_COUNT];	/* total time of each mark */
	uint32_t gathered;		/* boxes of reduced height, which stand for several spans */
	struct curve rate[DIRECTION_COUNT];	/* bytes/us */
	struct curve host;		/* bytes in the pinned pool */
	struct detail detail;
	struct address_map map;
	const struct map_range *ranges;	/* [buffer_count] us and bytes; to < from: never used */
	struct peak peak;
	const struct origin *origins;	/* [tensor_count] */
};

/* The row of queue q is BOX_HEIGHT high around this. */
#define BOX_HEIGHT 0.84
static inline double
queue_row(enum queue q)
{
	return QUEUE_COUNT - 1 - (double)q;
}

void picture_init(struct picture *pic, const struct plan *p, const struct sim_result *r, const struct detail *d, struct arena *a);

void picture_titles(struct picture *pic, struct arena *a);
/* Returns s in gnuplot's single quotes, cut at 160 bytes. */
const char *picture_quoted(const char *s, struct arena *a);

/* Writes gnuplot's script of all panels, with the data in it. */
void picture_script(FILE *out, const struct drawing *d);
/* Writes the script of the panels for a terminal. */
void picture_term_script(FILE *out, const struct drawing *d);

/* ---- parts of scripts ---- */

/* The place of a panel's axes, legend and label, in parts of the picture from its bottom left. */
struct frame {
	double top, bottom;
	double key_x, label_x, right_label_x;	/* key_x 0: no legend */
};

/* Sets the look of the axes, and the range of times: 0 .. end_us. */
void picture_axes(FILE *out, double end_us, double left, double right);
/* Sets a panel's margins, legend and label.  The label has the same place in each panel, whatever the numbers' width. */
void picture_frame(FILE *out, const struct frame *f, const char *label);
/* Writes the data $NAME with both corners of each step, so that one polygon draws the whole curve. */
void picture_curve(FILE *out, const char *name, const struct curve *c, double unit);
/* Writes the data of the three queues; then plots them. */
void picture_boxes(FILE *out, const struct picture *pic);
void picture_queues(FILE *out, const struct picture *pic, const struct frame *f);

enum panel { PANEL_MEMORY, PANEL_MAP, PANEL_QUEUES, PANEL_LINK, PANEL_HOST, PANEL_COUNT };
struct panel_view { const struct picture *picture; enum panel panel; };
/* Writes the script of one panel.  d->what: struct panel_view. */
void picture_panel_script(FILE *out, const struct drawing *d);
/* The place of a lone panel's axes, in parts of its width and height from the top left. */
struct panel_frame { double left, right, top, bottom; };
struct panel_frame panel_frame(const struct drawing *d);
/* Returns the top of a panel's y axis. */
double panel_top(const struct picture *pic, enum panel panel);

/* Colours and names, for the legends of pictures and pages. */
extern const char *const kind_colours[SIM_KINDS];
extern const char axes_look[];	/* of border, tics and grid, in gnuplot's words */
struct mark_style { const char *name, *colour; };
extern const struct mark_style mark_styles[MARK_COUNT];
struct memory_line { const char *name; bytes_t bytes; const char *style; };
enum { MEMORY_LINES = 4 };
void memory_lines(struct memory_line lines[MEMORY_LINES], const struct plan *p);
#endif
