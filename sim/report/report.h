/* SPDX-License-Identifier: Apache-2.0 */
/* report.h - pictures of a plan and its simulation, of a measured step, of a placement, and of a sweep
 *
 * gnuplot (gnuplot.h) draws them.  The format follows from the file's suffix: .svg .png .pdf, .html (one page, page.h),
 * .json (a plan's trace for Perfetto).  The path "term" draws in characters on standard output.  A file is written whole
 * or not at all.  ERR_SYSTEM when gnuplot is missing (with the package's name) or fails; ERR_INPUT for an unknown suffix.
 */
#ifndef SIM_REPORT_REPORT_H
#define SIM_REPORT_REPORT_H
#include "sim/time/simulate.h"

struct report_to {
	const char *path;
	bool keep;		/* leave gnuplot's script with its data beside the picture, as path + ".gp" */
};

/* ERR_INPUT: to's path names no format.  ERR_SYSTEM: no file can be written there.  With plan, the formats that only plans have count, too. */
int report_check(const struct report_to *to, bool plan, struct err *e) WARN_UNUSED;

/* Draws a plan: memory over time stacked by kind with lines for budget, peak and bound; the address map; the three queues
 * with stalls marked; link use; the largest tensors at the peak. */
int report_plan(const struct report_to *to, const struct plan *p, const struct sim_result *r, struct arena *a, struct err *e) WARN_UNUSED;

/* Draws a measured step beside the simulated one: the queues of both, how far the measured runs are behind, and where the difference
 * lies. */
struct difference;
int report_measured(const struct report_to *to, const struct plan *p, const struct sim_result *simulated, const struct sim_result *measured,
    const struct difference *d, struct arena *a, struct err *e) WARN_UNUSED;

/* A buffer with its offset. */
struct placed_buffer {
	const char *name;
	uint32_t lower, upper;	/* in program order, lower < upper */
	bytes_t offset, bytes;
};

struct placed {
	const char *title;
	uint32_t count;
	const struct placed_buffer *buffers;	/* [count] */
	bytes_t arena_bytes;		/* the largest end */
	bytes_t bound_bytes;		/* the largest sum of live bytes */
};

/* Draws a placement's address map. */
int report_placed(const struct report_to *to, const struct placed *pl, struct arena *a, struct err *e) WARN_UNUSED;

/* The format of a sweep's line.  Lines without a format and a version are read, too. */
#define SWEEP_LINE "layrub-sweep-line"

/* One result of a sweep.  Unknown values are NULL, 0 or NaN. */
struct sweep_point {
	const char *graph, *device, *policy;
	uint64_t batch;			/* samples of a pass */
	uint64_t passes;		/* of a step, at least 1 */
	double budget_bytes, arena_bytes, bound_bytes;
	double step_time_us, overhead, bound_time_us, link_bytes_per_s;
	double host_bytes;
	const char *point;		/* its name, "network=resnet50 device=h200 ..." */
	const char *error;		/* of a failure */
	const char *budget;		/* as typed, "50%" or "all"; NULL: not known */
};

struct sweep {
	const char *title;
	uint32_t count;			/* number of results with a time */
	uint32_t failed, unfit;		/* numbers of results with an error, and of infeasible ones */
	struct sweep_point *points;	/* [count] */
	uint32_t failure_count;
	struct sweep_point *failures;	/* [failure_count] results without a time */
	uint64_t half_written;		/* number of a last line that is not a whole document, 0: none */
};

/* Reads JSON Lines of results, possibly none with a time.  A last line that is cut off is dropped, with its number in half_written. */
int sweep_read(struct sweep *s, const char *path, struct arena *a, struct err *e) WARN_UNUSED;

/* Prints a sweep as a table.  bold: the terminal shows bold type. */
void sweep_table(FILE *out, const struct sweep *s, bool bold, struct arena *a);

/* Returns [failure_count] what each failure is called: the graph, and what varies among the results. */
const char **sweep_failure_names(const struct sweep *s, struct arena *a);

/* Draws a sweep: memory against time with bounds, batch against throughput, link rate and budget against overhead. */
int report_sweep(const struct report_to *to, const struct sweep *s, struct arena *a, struct err *e) WARN_UNUSED;
#endif
