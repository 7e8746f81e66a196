/* SPDX-License-Identifier: Apache-2.0 */
/* simulate_private.h - the queues' instructions and the buffers' live ranges, for the simulator and its pictures */
#ifndef SIM_TIME_SIMULATE_PRIVATE_H
#define SIM_TIME_SIMULATE_PRIVATE_H
#include "sim/time/simulate.h"

/* Each queue's instructions in list order.  Starts and ends rise along a queue, so events by time are a merge of three
 * lists, without a sort. */
struct sim_queues {
	uint32_t *ids[QUEUE_COUNT];	/* [count] */
	uint32_t count[QUEUE_COUNT];
};

/* Fills q from p's program. */
void sim_queues_init(struct sim_queues *q, const struct plan *p, struct arena *a);

/* The live range of a buffer in simulated time. */
struct sim_range {
	uint32_t first;		/* the user that starts first; PLAN_NONE: no instruction uses the buffer */
	uint32_t last;		/* the user that ends last; PLAN_NONE: the same */
	bool initial;		/* in use from the step's beginning */
	bool final;		/* in use to the step's end */
};

/* Returns [buffer_count + host_count] live ranges, host buffers behind device buffers.  r's spans must be filled. */
struct sim_range *sim_live_ranges(const struct sim_result *r, const struct plan *p, struct arena *a);

/* Fills r's device_peak_bytes and host_peak_bytes.  r's spans must be filled. */
void sim_peaks(struct sim_result *r, const struct plan *p, const struct sim_queues *q, struct arena *a);
#endif
