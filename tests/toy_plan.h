/* SPDX-License-Identifier: Apache-2.0 */
/* toy_plan.h - small plans built by hand, for the simulator's tests
 *
 * Storage is fixed and inside the struct, so that a case may change any field after building.
 */
#ifndef TESTS_TOY_PLAN_H
#define TESTS_TOY_PLAN_H
#include "sim/time/simulate.h"

enum { MOST = 64, MOST_EDGES = 4 };
#define END UINT32_MAX		/* ends a list of after */

/* A plan under construction: every run is an op of its own unless it is a rerun. */
struct toy {
	struct device device;
	struct graph graph;
	struct plan plan;
	struct op ops[MOST];
	struct tensor tensors[MOST];
	struct buffer buffers[MOST], host[MOST];
	struct place initial[MOST], final[MOST];
	struct instruction program[MOST];
	uint32_t after[MOST][MOST_EDGES], ids[MOST][MOST_EDGES], held[MOST][MOST_EDGES];
	struct alternative alternatives[MOST];
	struct inplace inplace[MOST];
	struct arena arena;
	struct sim_result result;
	struct err err;
};

/* Both directions at 1000 bytes/us, no latency, no limit on their sum, no contention:
 * each case changes what it is about.  What b held before is released; the first time it is all zero. */
void toy_init(struct toy *b);

/* Run op, a new one of so many microseconds when it is the next id.  After us: ids of instructions to
 * wait for, then END.  Both return the instruction's id. */
uint32_t toy_run(struct toy *b, uint32_t op, double us, ...);
#define RUN(b, us, ...) toy_run((b), (b)->graph.op_count, (us), __VA_ARGS__)
uint32_t toy_move(struct toy *b, enum queue q, bytes_t bytes, ...);

/* Simulate on the toy's own device; a failure is a failed test called what. */
bool toy_time(struct toy *b, const char *what);
#endif
