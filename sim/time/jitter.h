/* SPDX-License-Identifier: Apache-2.0 */
/* jitter.h - the spread of a step's time when the durations of its instructions vary
 *
 * Each instruction's duration is multiplied by a factor drawn evenly from 1 - percent/100 to 1 + percent/100.  The factor
 * is a hash of seed, run and instruction in whole-number arithmetic, so it depends on no thread, order or machine.
 */
#ifndef SIM_TIME_JITTER_H
#define SIM_TIME_JITTER_H
#include "sim/time/simulate.h"

enum { JITTER_RUNS_MAX = 1000000 };

struct jitter {
	double percent;		/* 0 <= percent < 100 */
	uint32_t runs;		/* 1..JITTER_RUNS_MAX */
	uint64_t seed;
};

/* The Nth percentile is the smallest value that N percent of the runs do not exceed. */
struct spread { double p5, p50, p95; };

struct jitter_result { struct spread step_time_us, stall_time_us; };

/* Returns the factor of an instruction in a run. */
double jitter_factor(const struct jitter *j, uint32_t run, uint32_t instruction);

/* Simulates j->runs runs of p on d, on all cores. */
int jitter_run(struct jitter_result *r, const struct plan *p, const struct device *d, const struct jitter *j,
    struct arena *a, struct err *e) WARN_UNUSED;
#endif
