/* SPDX-License-Identifier: Apache-2.0 */
/* report_private.h - a picture's data, boiled down to what its pixels can show
 *
 * A plan may have 25,000 instructions and the picture 900 columns: curves keep the
 * least and the largest value of each column, and spans too narrow to be seen are
 * gathered into boxes whose height is split by the share of time that each mark took.
 */
#ifndef SIM_REPORT_PRIVATE_H
#define SIM_REPORT_PRIVATE_H
#include "sim/report.h"

enum { PICTURE_WIDTH = 1200, PICTURE_HEIGHT = 900, PLOT_COLUMNS = 888, MEMORY_ROWS = 365 };

/* What a box in the queues' panel stands for. */
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

struct picture {
	const struct plan *plan;
	const struct sim_result *result;
	const char *title, *subtitle;	/* quoted for gnuplot */
	bytes_t top_bytes;		/* of the memory panel: what its lines and areas reach */
	bytes_t kind_most[SIM_KINDS];
	struct curve kinds[SIM_KINDS];	/* bytes of a kind and of all before it */
	struct box_list marks[MARK_COUNT];
	double mark_us[MARK_COUNT];	/* in all */
	uint32_t gathered;		/* boxes that are less high because they stand for several spans */
	struct curve rate[DIRECTION_COUNT];	/* bytes/us */
	struct curve host;		/* bytes in the pinned pool */
};

/* The row of queue q is BOX_HEIGHT high around this. */
#define BOX_HEIGHT 0.84
static inline double
queue_row(enum queue q)
{
	return QUEUE_COUNT - 1 - (double)q;
}

void picture_init(struct picture *pic, const struct plan *p, const struct sim_result *r, struct arena *a);

void picture_titles(struct picture *pic, struct arena *a);

/* Write gnuplot's script with the data in it. */
void picture_script(FILE *out, const struct picture *pic, const char *terminal);
#endif
