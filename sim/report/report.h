/* SPDX-License-Identifier: Apache-2.0 */
/* report.h - pictures of a plan and its simulation, of a placement, and of a sweep
 *
 * gnuplot draws them, as a process that is fed script and data on its standard input;
 * no shell string is built.  The format follows from the file's suffix: .svg .png .pdf, .html (a page
 * that needs nothing else), .json (a trace for Perfetto; a plan's only), and "term" draws in characters on standard
 * output.  A file is written whole or not at all.  ERR_SYSTEM when gnuplot is missing (names the package) or dies;
 * ERR_INPUT for an unknown suffix.
 */
#ifndef SIM_REPORT_REPORT_H
#define SIM_REPORT_REPORT_H
#include "sim/time/simulate.h"

struct report_to {
	const char *path;
	bool keep;		/* leave gnuplot's script with its data beside the picture, as path + ".gp" */
};

/* Is there such a format?  With plan, one that only plans have, too. */
int report_check(const struct report_to *to, bool plan, struct err *e) WARN_UNUSED;

/* Memory over time stacked by kind with budget, peak and bound lines, the address map, the three queues with
 * stalls marked, link use, and what the peak is made of. */
int report_plan(const struct report_to *to, const struct plan *p, const struct sim_result *r, struct arena *a, struct err *e) WARN_UNUSED;

/* Buffers that have an offset. */
struct placed_buffer {
	const char *name;
	uint32_t lower, upper;	/* in program order, lower < upper */
	bytes_t offset, bytes;
};

struct placed {
	const char *title;
	uint32_t count;
	const struct placed_buffer *buffers;	/* [count] */
	bytes_t arena_bytes, bound_bytes;	/* the largest end; the most that is alive at once */
};

/* The address map. */
int report_placed(const struct report_to *to, const struct placed *pl, struct arena *a, struct err *e) WARN_UNUSED;

/* One result of a sweep; what is not known of it is NULL, 0, or NaN. */
struct sweep_point {
	const char *graph, *device, *policy;
	uint64_t batch;
	double budget_bytes, arena_bytes, bound_bytes;
	double step_time_us, overhead, bound_time_us, link_bytes_per_s;
};

struct sweep {
	const char *title;
	uint32_t count, failed, unfit;	/* with a time; with an error; infeasible */
	struct sweep_point *points;	/* [count] */
	uint64_t half_written;		/* number of a last line that is not a whole document, 0: none */
};

/* Read JSON Lines of results; a last line that is cut off is dropped and told of in half_written. */
int sweep_read(struct sweep *s, const char *path, struct arena *a, struct err *e) WARN_UNUSED;

/* Memory against time with bounds, batch against throughput, link rate and budget against overhead. */
int report_sweep(const struct report_to *to, const struct sweep *s, struct arena *a, struct err *e) WARN_UNUSED;
#endif
