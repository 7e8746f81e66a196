/* SPDX-License-Identifier: Apache-2.0 */
/* explain.h - the buffers at a plan's peak, and the savings and costs of each tensor's idle intervals
 *
 * Times within the program are moments (plan_access.h).  A buffer is alive from its first to its last access.
 */
#ifndef SIM_REPORT_EXPLAIN_H
#define SIM_REPORT_EXPLAIN_H
#include "sim/time/simulate.h"
#include "src/documents/plan_access.h"

/* One tensor's share in the plan. */
struct explain_tensor {
	uint32_t offloads, fetches;
	uint32_t reruns;		/* runs of an op, after its first, that write the tensor */
	bytes_t offload_bytes, fetch_bytes;
	double stall_us;	/* time that compute waited for its copies */
	double rerun_us;	/* time of its reruns; several outputs share a run's time by their bytes */
	double away_us;		/* simulated time between its live ranges; of a persistent one also before and after them */
	bytes_t peak_saved;	/* its bytes, if it is away at the plan's own peak */
	bytes_t step_saved;	/* its bytes, if it is away at the largest op of the step with everything resident */
};

struct explain {
	const struct plan *plan;
	const struct sim_result *sim;
	struct moment_range *ranges;		/* [buffer_count] live ranges */
	uint32_t peak;				/* moment */
	bytes_t peak_bytes;
	bytes_t in_place_bytes;		/* counted twice in the kinds, because an op shares them in place */
	bytes_t peak_kinds[SIM_KINDS];
	uint32_t *at_peak, at_peak_count;	/* buffers alive there, largest first */
	double contention_us;		/* by which copies slow down the first runs of ops; reruns carry their own */
	double slower_us;		/* by which the chosen algorithms are slower than the ops' own */
	uint32_t step_peak;			/* moment of the first run of step_peak_op */
	struct explain_tensor *tensors;		/* [tensor_count] */
	uint32_t *moved, moved_count;		/* tensors that leave or are made again: by cost, then by bytes saved, largest first */
};

/* Fills in x.  p has passed check_plan(), r is its simulation, and step_peak_op is the op with the largest sum of live
 * bytes when everything is resident. */
void explain_init(struct explain *x, const struct plan *p, const struct sim_result *r, uint32_t step_peak_op, struct arena *a);

/* One event of a tensor. */
enum explain_what { EXPLAIN_BEGIN, EXPLAIN_WRITE, EXPLAIN_REWRITE, EXPLAIN_READ, EXPLAIN_OFFLOAD, EXPLAIN_FETCH, EXPLAIN_END, EXPLAIN_WHATS };
extern const char *const explain_what_names[EXPLAIN_WHATS + 1];

struct explain_event {
	enum explain_what what;
	uint32_t moment;
	bool on_host;		/* at the step's beginning and end: it is in the host pool */
	uint32_t buffer;	/* device buffer, or host buffer when on_host */
	double start_us, end_us, wait_us;	/* wait: time that compute waited for this copy */
	bytes_t bytes;		/* moved by a copy */
	bool last;		/* the buffer's last access: its bytes are free afterwards */
};

/* Returns the events of a tensor in program order. */
struct explain_event *explain_story(const struct explain *x, uint32_t tensor, uint32_t *count, struct arena *a);
#endif
