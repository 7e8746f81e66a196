/* SPDX-License-Identifier: Apache-2.0 */
/* explain_groups.h - a plan's moves and its peak by layer: what is moved or made again and why, and what fills the peak
 *
 * A reason is the price of the alternative, in the terms of the planner: the time of a copy, the time of a rerun, or why there is none.
 */
#ifndef SIM_REPORT_EXPLAIN_GROUPS_H
#define SIM_REPORT_EXPLAIN_GROUPS_H
#include "sim/report/explain.h"
#include "src/documents/origin.h"

/* The ways in which tensors leave.  HOST_HOME: a persistent tensor that begins or ends the step on the host. */
enum explain_fate { FATE_COPIED, FATE_HOST_HOME, FATE_RERUN, FATE_COPIED_AND_RERUN, FATE_COUNT };
extern const char *const explain_fate_names[FATE_COUNT + 1];	/* "copied" ..., NULL */

struct moved_group {
	const char *what, *layers;	/* layer_groups.h */
	enum explain_fate fate;
	const uint32_t *tensors;	/* [count] ids, rising */
	uint32_t count;
	bytes_t bytes;			/* of the largest */
	bool alike;			/* all have as many */
	bytes_t all_bytes;
	struct explain_tensor sum;	/* of all; away_us is their mean */
	double alternative_us;		/* of all: what copying them, or making them again, would take at least; NAN: there is none */
	const char *why;		/* the reason */
};

/* Returns the groups of tensors that leave or are made again, dearest first, then by bytes saved. */
struct moved_group *explain_moved_groups(const struct explain *x, const struct origin *origins, uint32_t *count, struct arena *a);

struct peak_group {
	const char *what;
	uint32_t count;
	bytes_t bytes;			/* of all */
	int kind;			/* of sim_kind() */
	bool in_use;			/* by the peak's own instruction */
};

/* Returns the groups of buffers that are alive at the peak, largest first. */
struct peak_group *explain_peak_groups(const struct explain *x, const struct origin *origins, uint32_t *count, struct arena *a);

/* A stretch of the program in which the live bytes stay within a part of the peak. */
struct near_peak {
	uint32_t moment;	/* of its own largest sum */
	bytes_t bytes;
	uint32_t first, last;	/* moments */
};

/* Returns the stretches over `part` of the peak, the peak's own among them, in program order. */
struct near_peak *explain_near_peaks(const struct explain *x, double part, uint32_t *count, struct arena *a);
#endif
