/* SPDX-License-Identifier: Apache-2.0 */
/* measured.h - a step of a plan as it ran, from a profiler's trace: one span for each instruction
 *
 * The trace has a step that ran op by op, with a span of the host around each run (kineto.h).  Its launches say which kernels a run
 * has.  Captured steps, which are one launch each, have the same kernels in the same order; they are the measured ones where the trace
 * has them.  On the host alone the spans themselves are the measured runs.  Of several steps the median one counts.
 */
#ifndef SIM_MEASURED_MEASURED_H
#define SIM_MEASURED_MEASURED_H
#include "sim/time/simulate.h"

struct measured_step {
	struct sim_span *spans;		/* [instruction_count] from the step's first work on; rising along each queue */
	uint32_t steps;			/* of this kind in the trace */
	bool on_gpu, captured;
	uint32_t missing_copies;	/* transfers that the trace does not have, as on the host; their spans have no length */
	uint32_t other_kernels;		/* kernels of the captured step that belong to no run */
};

/* ERR_INPUT: a trace of another plan, or without a whole step. */
int measured_read(struct measured_step *m, const struct plan *p, const char *path, struct arena *a, struct err *e) WARN_UNUSED;
#endif
