/* SPDX-License-Identifier: Apache-2.0 */
/* jitter.c - many simulations of one plan with drawn durations, and their percentiles */
#include <config.h>
#include "sim/time/jitter.h"

#include "src/base/numbers.h"

/* One thread's work on one run. */
struct draw {
	const struct plan *plan;
	const struct device *device;
	const struct jitter *jitter;
	uint32_t run;
	struct arena arena;
	double *step_us, *stall_us;	/* of all runs */
	struct err err;
};

/* Returns a 64-bit hash of x (the finalizer of SplitMix64): every bit of x reaches every bit of the result. */
static uint64_t
mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

double
jitter_factor(const struct jitter *j, uint32_t run, uint32_t instruction)
{
	uint64_t bits = mix(mix(j->seed) ^ ((uint64_t)run << 32 | instruction));

	/* 53 bits: each is a double in [0, 1). */
	return 1 + j->percent / 100 * (2 * ((double)(bits >> 11) * 0x1p-53) - 1);
}

static int
draw_run(void *arg)
{
	struct draw *w = arg;
	uint32_t n = w->plan->instruction_count;
	double *factors = ARENA_NEW(&w->arena, double, n);
	struct sim_result r;

	for (uint32_t i = 0; i < n; i++)
		factors[i] = jitter_factor(w->jitter, w->run, i);
	if (simulate_scaled(&r, w->plan, w->device, factors, &w->arena, &w->err) < 0)
		return -1;
	w->step_us[w->run] = r.step_time_us;
	w->stall_us[w->run] = r.stall_time_us;
	return 0;
}

static struct spread
spread_of(double *values, uint32_t n)
{
	static const unsigned percents[] = { 5, 50, 95 };
	double at[3];

	numbers_sort(values, n);
	for (int i = 0; i < 3; i++)
		at[i] = values[((uint64_t)n * percents[i] + 99) / 100 - 1];
	return (struct spread) { at[0], at[1], at[2] };
}

int
jitter_run(struct jitter_result *r, const struct plan *p, const struct device *d, const struct jitter *j,
    struct arena *a, struct err *e)
{
	double *step_us = ARENA_NEW(a, double, j->runs), *stall_us = ARENA_NEW(a, double, j->runs);
	bool failed = false;

	#pragma omp parallel for schedule(dynamic)
	for (uint32_t i = 0; i < j->runs; i++) {
		struct draw w = { .plan = p, .device = d, .jitter = j, .run = i, .arena = ARENA_INIT,
		    .step_us = step_us, .stall_us = stall_us, .err = ERR_INIT };
		int rc = arena_run(&w.arena, draw_run, &w, &w.err);

		arena_free(&w.arena);
		if (rc == 0)
			continue;
		#pragma omp critical(jitter_failed)
		{
			if (!failed)
				*e = w.err;
			failed = true;
		}
	}
	if (failed)
		return -1;
	r->step_time_us = spread_of(step_us, j->runs);
	r->stall_time_us = spread_of(stall_us, j->runs);
	return 0;
}
