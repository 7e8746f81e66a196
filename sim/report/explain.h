/* SPDX-License-Identifier: Apache-2.0 */
/* explain.h - why a plan's peak is what it is, and what each tensor's absence saves and costs
 *
 * Places in time are moments of the program: 0 is the step's beginning, i + 1 instruction i, and the last one the
 * step's end.  A buffer is alive from its first to its last access.
 */
#ifndef SIM_REPORT_EXPLAIN_H
#define SIM_REPORT_EXPLAIN_H
#include "sim/time/simulate.h"
#include "src/documents/plan_access.h"

/* One tensor's share in the plan. */
struct explain_tensor {
	uint32_t offloads, fetches, reruns;	/* reruns: runs of an op, after its first, that write it */
	bytes_t offload_bytes, fetch_bytes;
	double stall_us;	/* compute waited for its copies */
	double rerun_us;	/* of its reruns; several outputs share a run's time by their bytes */
	double away_us;		/* simulated time between its stays; a persistent one's before the first and after the last, too */
	bytes_t peak_saved;	/* what its absence saves at the plan's own peak */
	bytes_t step_saved;	/* and at the op where the step would be largest if nothing left */
};

struct explain {
	const struct plan *plan;
	const struct sim_result *sim;
	struct moment_range *ranges;		/* [buffer_count] live ranges */
	uint32_t peak;				/* moment */
	bytes_t peak_bytes, in_place_bytes;	/* the second: counted in the kinds, but shared by an op in place */
	bytes_t peak_kinds[SIM_KINDS];
	uint32_t *at_peak, at_peak_count;	/* buffers alive there, largest first */
	uint32_t step_peak;			/* moment of the first run of the step's largest op */
	struct explain_tensor *tensors;		/* [tensor_count] */
	uint32_t *moved, moved_count;		/* tensors that leave or are made again: dearest first, then by what they save */
};

/* p has passed check_plan(); r is its simulation; step_peak_op the op where everything resident is largest. */
void explain_init(struct explain *x, const struct plan *p, const struct sim_result *r, uint32_t step_peak_op, struct arena *a);

/* What happens to one tensor, in program order. */
enum explain_what { EXPLAIN_BEGIN, EXPLAIN_WRITE, EXPLAIN_REWRITE, EXPLAIN_READ, EXPLAIN_OFFLOAD, EXPLAIN_FETCH, EXPLAIN_END, EXPLAIN_WHATS };
extern const char *const explain_what_names[EXPLAIN_WHATS + 1];

struct explain_event {
	enum explain_what what;
	uint32_t moment;
	bool on_host;		/* of the beginning and the end: it is in the host pool */
	uint32_t buffer;	/* device buffer, or host buffer when on_host */
	double start_us, end_us, wait_us;	/* wait: compute stood idle for this copy */
	bytes_t bytes;		/* that a copy moved */
	bool last;		/* of its buffer: after this its bytes are free */
};

struct explain_event *explain_story(const struct explain *x, uint32_t tensor, uint32_t *count, struct arena *a);
#endif
