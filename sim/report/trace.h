/* SPDX-License-Identifier: Apache-2.0 */
/* trace.h - timelines of a plan, predicted and measured, for a trace viewer
 *
 * Writes the Trace Event Format that Perfetto and chrome://tracing open: for each
 * timeline a process with one track a queue, counters of the bytes in use by kind, and
 * arrows from an offload to the fetch that brings the tensor back and on to the op that uses it.
 * Several timelines of one plan in one file lie over each other.
 */
#ifndef SIM_REPORT_TRACE_H
#define SIM_REPORT_TRACE_H
#include "sim/time/simulate.h"

struct timeline {
	const char *title;			/* "predicted" */
	const struct sim_result *result;	/* its spans and step_time_us */
};

/* Write timelines[count] of p; whole or not at all. */
int trace_write(const char *path, const struct plan *p, const struct timeline *timelines, uint32_t count, struct arena *a,
    struct err *e) WARN_UNUSED;
#endif
