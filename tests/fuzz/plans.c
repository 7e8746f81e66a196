/* SPDX-License-Identifier: Apache-2.0 */
/* plans.c - the device, the round trip and the planning that fuzz targets share */
#include <config.h>
#include <string.h>

#include "planner/planner.h"
#include "sim/check/check.h"
#include "tests/fuzz/fuzz.h"

void
fuzz_device(struct device *d)
{
	*d = (struct device) { .name = "fuzz", .gpu = "none", .source = "made up", .memory_bytes = BYTES_MAX,
	    .compute = { .memory_bytes_per_s = 1e12, .launch_us = 5, .multiprocessors = 10, .gemm_tile = { 128, 64 },
	    .conv_tile = { 8, 64 } }, .duplex_bytes_per_s = 18e9, .copy_engines = 2, .pinned_bytes = BYTES_MAX };
	for (int m = 0; m < MATH_COUNT; m++)
		d->compute.flops[m] = 1e13;
	for (int dir = 0; dir < DIRECTION_COUNT; dir++)
		d->link[dir] = (struct link_direction) { .latency_us = 10, .bytes_per_s = 10e9 };
	for (int c = 0; c < CLASS_COUNT; c++) {
		d->compute.flop_efficiency[c] = d->compute.memory_efficiency[c] = 0.5;
		d->contention[c] = 1.1;
	}
}

void
fuzz_round_trip(struct fuzz *f, const struct plan *p, struct plan *again)
{
	size_t size, again_size;
	char *text;

	EXPECT(f, plan_write(p, "-", &f->arena, &f->err) == 0);
	text = fuzz_written(f, &size);
	fuzz_put(text, size);
	EXPECT(f, plan_read(again, fuzz_output, &f->arena, &f->err) == 0);
	fuzz_put("", 0);
	EXPECT(f, plan_write(again, "-", &f->arena, &f->err) == 0);
	EXPECT(f, memcmp(text, fuzz_written(f, &again_size), size) == 0 && size == again_size);
}

void
fuzz_plan(struct fuzz *f, const struct graph *g, const struct device *d, const char *policy, uint32_t share)
{
	struct planner_options o = { .policy = policy_find(policy), .placement = placement_find("by-size"), .batch = 1 };
	struct lifetimes l;
	struct err e = ERR_INIT;
	struct plan p, again;
	bytes_t spare;

	lifetimes_init(&l, g, &f->arena);
	/* Fragmentation may take more than the peak; a budget of 0 would mean all of the device. */
	spare = l.peak_bytes - l.resident_bound_bytes;
	o.budget_bytes = bytes_align(l.resident_bound_bytes + spare / 4 * share + 1, DEVICE_ALIGN);
	if (o.budget_bytes > device_budget(d))
		o.budget_bytes = 0;
	if (planner_run(&p, g, d, &o, &f->arena, &e) < 0) {
		f->err = e;
		EXPECT(f, e.code == ERR_NO && e.text[0] != '\0');
		f->err = (struct err) ERR_INIT;
		return;
	}
	EXPECT(f, p.arena_bytes <= p.budget_bytes && p.figures.peak_bytes <= p.arena_bytes);
	/* The certificate and the simulator add the same times up in another order. */
	EXPECT(f, p.predicted.step_time_us * (1 + 1e-9) + 1e-6 >= p.bound_time_us);
	fuzz_round_trip(f, &p, &again);
	EXPECT(f, check_plan(&again, &f->arena, &f->err) == 0);
}
