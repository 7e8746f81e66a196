/* SPDX-License-Identifier: Apache-2.0 */
/* figures.h - the figures of a plan and of its simulated step
 *
 * One struct for every command and for the library, filled here and nowhere else.  A figure that is not known is left out of
 * tables and documents.
 */
#ifndef SRC_LIBRARY_FIGURES_H
#define SRC_LIBRARY_FIGURES_H
#include "sim/time/simulate.h"

#define FIGURE_UNKNOWN UINT64_MAX	/* of a count or bytes; an unknown real number is NaN, an unknown string NULL */

/* Strings are not owned. */
struct figures {
	const char *graph, *device, *policy, *found_by, *configuration, *placement, *status, *reason;
	uint64_t batch;
	uint64_t estimated_ops;		/* ops whose time was not measured; unknown: none */
	bytes_t budget_bytes, peak_bytes, arena_bytes, process_bytes, host_bytes;
	bytes_t offload_bytes, fetch_bytes, bound_bytes, resident_bound_bytes;
	bytes_t occupancy_bytes, host_occupancy_bytes;
	double fragmentation, ideal_time_us, step_time_us, overhead, stall_time_us, recompute_time_us;
	double bound_time_us, gap, bytes_gap, plan_time_s;
};

enum figure_type { FIGURE_TEXT, FIGURE_COUNT, FIGURE_BYTES, FIGURE_RATIO, FIGURE_PERCENT, FIGURE_TIME, FIGURE_SECONDS };

struct figure_row {
	const char *name, *label;	/* in documents; in tables for people, NULL: not shown there */
	enum figure_type type;
	size_t at;			/* offset in struct figures */
};
extern const struct figure_row figure_rows[];	/* in the order of output; ends with a NULL name */

/* Return the value of a row, by its type; figure_is_known() says whether it is known. */
const char *figure_text(const struct figures *f, const struct figure_row *row);
uint64_t figure_count(const struct figures *f, const struct figure_row *row);
double figure_real(const struct figures *f, const struct figure_row *row);
bool figure_is_known(const struct figures *f, const struct figure_row *row);

/* Makes every figure unknown. */
void figures_init(struct figures *f);

/* Fills f with the figures that plan p states, its predicted times included. */
void figures_of_plan(struct figures *f, const struct plan *p);

/* Replaces the predicted figures by those of a simulation.  other_machine: the bound on the time, which holds for the plan's
 * own machine only, becomes unknown. */
void figures_simulate(struct figures *f, const struct sim_result *r, bool other_machine);
#endif
