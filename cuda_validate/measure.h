/* SPDX-License-Identifier: Apache-2.0 */
/* measure.h - the times that a replay measured, compared with the simulator's
 *
 * A replayed op lasts as long as the graph says, even while copies run.  So the prediction is the simulator's for the same
 * device without contention.
 */
#ifndef CUDA_VALIDATE_MEASURE_H
#define CUDA_VALIDATE_MEASURE_H
#include "cuda_validate/replay.h"

struct measures {
	const struct replay *replay;
	double step_time_us, least_us, most_us;		/* median, least and most of the steps */
	struct sim_result predicted;
	double contended_us;				/* predicted step time with the device's contention */
	double time_error;				/* predicted / measured - 1; NaN: ops did not last their time */
	double rate[DIRECTION_COUNT];			/* bytes per second while a transfer runs; NaN: none ran */
	double rate_share[DIRECTION_COUNT];		/* of the simulator's rate; NaN: none ran */
};

/* Fills m; the prediction is for device d. */
int measure(struct measures *m, const struct replay *r, const struct device *d, struct arena *a, struct err *e) WARN_UNUSED;

void measure_print(const struct measures *m, FILE *out);
/* With lines, each member has its own line. */
void measure_to_json(const struct measures *m, const char *plan, const char *device, bool lines, FILE *out);
#endif
