/* SPDX-License-Identifier: Apache-2.0 */
/* trace.h - timelines of a plan, predicted and measured, for a trace viewer
 *
 * The file has the Trace Event Format that Perfetto and chrome://tracing open.  Each timeline is a process with one track
 * a queue and counters of the bytes in use by kind.  Arrows go from an offload to the fetch that brings the tensor back,
 * and on to the op that uses it.  Several timelines of one plan in one file lie over each other.
 */
#ifndef SIM_REPORT_TRACE_H
#define SIM_REPORT_TRACE_H
#include "sim/time/simulate.h"

struct timeline {
	const char *title;			/* "predicted" */
	const struct sim_result *result;	/* spans and step_time_us are used */
};

/* Writes timelines[count] of p; the file is written whole or not at all. */
int trace_write(const char *path, const struct plan *p, const struct timeline *timelines, uint32_t count, struct arena *a,
    struct err *e) WARN_UNUSED;
#endif
