/* SPDX-License-Identifier: Apache-2.0 */
/* simulate.h - the time of a plan's step, its stalls, and its occupancy of memory
 *
 * Discrete events over the three queues.  An instruction starts when its queue is free and all of its `after` have
 * ended.  A transfer takes latency + bytes / rate, or the time of a measured curve.  Both directions at once share the
 * link's duplex rate.  With one copy engine one transfer runs at a time: the one that was ready first.  Copies slow the
 * running op down, by the contention factor of its class.  The plan has passed check_plan().
 */
#ifndef SIM_TIME_SIMULATE_H
#define SIM_TIME_SIMULATE_H
#include "src/documents/plan.h"

struct sim_span { double start_us, end_us; };

/* An idle stretch [start, end) of compute before instruction `waiting`, because of the edge from instruction `cause`, an
 * offload or a fetch (PLAN_NONE: no copy, in a measured step).  waiting is PLAN_NONE at the step's end, which waits for all queues. */
struct sim_stall {
	double start_us, end_us;
	uint32_t waiting, cause;
};

struct sim_result {
	double step_time_us;
	double ideal_time_us;		/* sum of the op times: each op once, by its own algorithm */
	double overhead;			/* step / ideal - 1 */
	double stall_time_us;			/* compute waits for a transfer */
	double recompute_time_us;		/* reruns, as they ran */
	double busy_us[QUEUE_COUNT];
	bytes_t offload_bytes, fetch_bytes;
	bytes_t device_peak_bytes, host_peak_bytes;	/* occupancy over simulated time */
	struct sim_span *spans;			/* [instruction_count] */
	uint32_t stall_count;
	struct sim_stall *stalls;		/* [stall_count] in time order */
};

/* Simulates p on d: p->device, or another device for a what-if. */
int simulate(struct sim_result *r, const struct plan *p, const struct device *d, struct arena *a, struct err *e) WARN_UNUSED;

/* Simulates with each instruction's duration multiplied by factors[id], which is over 0.  NULL: by 1. */
int simulate_scaled(struct sim_result *r, const struct plan *p, const struct device *d, const double *factors, struct arena *a,
    struct err *e) WARN_UNUSED;

/* Fills r from spans that are known, of a step that was measured: stalls, sums and peaks.  spans: [instruction_count] from 0 on, rising
 * along each queue; r keeps them.  Idle time of compute is a stall, whatever its cause, which is PLAN_NONE where no copy was awaited. */
void sim_result_of_spans(struct sim_result *r, const struct plan *p, struct sim_span *spans, struct arena *a);

/* Returns the time at which a moment (plan_access.h) of the plan begins. */
double sim_moment_us(const struct sim_result *r, const struct plan *p, uint32_t moment);

/* Occupancy over simulated time, by kind of the tensors in the buffers: one row for each time at which a sum changes.  A
 * buffer counts from the start of its first access to the end of its last.  An initial place counts from 0, a final one
 * to the step's end.  Sizes are rounded up to DEVICE_ALIGN, as in the plan's peak.  Bytes that an op shares in place
 * count once. */
enum { SIM_WORKSPACE = KIND_COUNT, SIM_KINDS };
struct sim_memory {
	uint32_t count;
	double *time_us;			/* [count] rising */
	bytes_t (*bytes)[SIM_KINDS];		/* [count] by enum kind, then workspace */
	bytes_t *host_bytes;			/* [count] in the pinned pool */
};
void sim_memory(struct sim_memory *m, const struct sim_result *r, const struct plan *p, struct arena *a);

/* Returns the kind of the tensor that a device buffer holds, or SIM_WORKSPACE. */
static inline int
sim_kind(const struct plan *p, uint32_t buffer)
{
	uint32_t tensor = p->buffers[buffer].tensor;

	return tensor == PLAN_NONE ? (int)SIM_WORKSPACE : (int)p->graph->tensors[tensor].kind;
}

static inline const char *
sim_kind_name(int kind)
{
	return kind == SIM_WORKSPACE ? "workspace" : kind_names[kind];
}
#endif
