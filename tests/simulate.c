/* SPDX-License-Identifier: Apache-2.0 */
/* Simulated time against answers worked out by hand. */
#include <config.h>
#include "tests/tap.h"

#include <string.h>

#include "sim/time/jitter.h"
#include "sim/time/what_if.h"
#include "tests/toy_plan.h"

static void
is_span(const struct toy *b, uint32_t id, double start, double end, const char *what)
{
	is_near(b->result.spans[id].start_us, start, 1e-9, "%s: instruction %u starts at %g", what, id, start);
	is_near(b->result.spans[id].end_us, end, 1e-9, "%s: instruction %u ends at %g", what, id, end);
}

static void
is_stall(const struct toy *b, uint32_t k, double start, double end, uint32_t waiting, uint32_t cause, const char *what)
{
	const struct sim_stall *s;

	if (!ok(k < b->result.stall_count, "%s: stall %u is there", what, k))
		return;
	s = &b->result.stalls[k];
	is_near(s->start_us, start, 1e-9, "%s: stall %u begins at %g", what, k, start);
	is_near(s->end_us, end, 1e-9, "%s: stall %u ends at %g", what, k, end);
	is_uint(s->waiting, waiting, "%s: what waits", what);
	is_uint(s->cause, cause, "%s: what it waits for", what);
}

static void
is_step(const struct toy *b, double step, double stall, const char *what)
{
	is_near(b->result.step_time_us, step, 1e-9, "%s: the step takes %g", what, step);
	is_near(b->result.stall_time_us, stall, 1e-9, "%s: it stalls for %g", what, stall);
}

/* 10, 20, 30 one after the other. */
static void
test_chain(struct toy *b)
{
	toy_init(b);
	RUN(b, 10, END);
	RUN(b, 20, END);
	RUN(b, 30, END);
	if (!toy_time(b, "chain"))
		return;
	is_span(b, 0, 0, 10, "chain");
	is_span(b, 1, 10, 30, "chain");
	is_span(b, 2, 30, 60, "chain");
	is_step(b, 60, 0, "chain");
	ok(b->result.overhead == 0, "chain: no overhead at all");
	is_uint(b->result.stall_count, 0, "chain: no stalls");
	is_near(b->result.busy_us[QUEUE_COMPUTE], 60, 1e-9, "chain: busy all the time");
}

/* Latency 10 and 20,000 bytes at 1000 bytes/us: 30 us from 10 on.  Behind a 100 us op
 * nothing is seen of it; behind a 5 us op the step's end waits from 15 to 40. */
static void
test_offload(struct toy *b)
{
	toy_init(b);
	b->device.link[D2H].latency_us = 10;
	RUN(b, 10, END);
	toy_move(b, QUEUE_OUT, 20000, 0, END);
	RUN(b, 100, END);
	if (!toy_time(b, "offload"))
		return;
	is_span(b, 1, 10, 40, "offload");
	is_step(b, 110, 0, "offload");
	is_near(b->result.busy_us[QUEUE_OUT], 30, 1e-9, "offload: the queue out is busy for 30");
	is_uint(b->result.offload_bytes, 20000, "offload: bytes out");
	is_uint(b->result.fetch_bytes, 0, "offload: no bytes in");
	b->ops[1].time_us = 5;
	if (!toy_time(b, "drain"))
		return;
	is_step(b, 40, 25, "drain");
	is_stall(b, 0, 15, 40, PLAN_NONE, 1, "drain");
	is_near(b->result.overhead, 40.0 / 15 - 1, 1e-12, "drain: overhead");
}

/* Latency 10, 5000 bytes at 500 bytes/us: in at 20.  The op behind it could have begun at 10.  With
 * an offload (0 to 8) awaited as well, the fetch is still the last to end; with
 * 25,000 bytes (0 to 25) the offload is. */
static void
test_fetch(struct toy *b)
{
	toy_init(b);
	b->device.link[H2D] = (struct link_direction){ .latency_us = 10, .bytes_per_s = 5e8 };
	RUN(b, 10, END);
	toy_move(b, QUEUE_IN, 5000, END);
	toy_move(b, QUEUE_OUT, 8000, END);
	RUN(b, 10, 1, 2, END);
	if (!toy_time(b, "fetch"))
		return;
	is_span(b, 1, 0, 20, "fetch");
	is_span(b, 3, 20, 30, "fetch");
	is_step(b, 30, 10, "fetch");
	is_stall(b, 0, 10, 20, 3, 1, "fetch");
	is_uint(b->result.fetch_bytes, 5000, "fetch: bytes in");
	b->program[2].bytes = 25000;
	if (!toy_time(b, "late offload"))
		return;
	is_step(b, 35, 15, "late offload");
	is_stall(b, 0, 10, 25, 3, 2, "late offload");
}

/* Sum of the rates 2000, together 1500: each at 3/4.  Out (15,000) ends at 15000/750 = 20;
 * in (30,000) has 15,000 left then, alone: 35.
 * With in at 500 and together 1200: 4/5.  Out (8000) at 800: 10; in (10,000) at 400
 * has 6000 left, at 500: 22. */
static void
test_duplex(struct toy *b)
{
	toy_init(b);
	b->device.duplex_bytes_per_s = 1.5e9;
	toy_move(b, QUEUE_OUT, 15000, END);
	toy_move(b, QUEUE_IN, 30000, END);
	if (!toy_time(b, "duplex"))
		return;
	is_span(b, 0, 0, 20, "duplex");
	is_span(b, 1, 0, 35, "duplex");
	is_step(b, 35, 35, "duplex");
	is_stall(b, 0, 0, 35, PLAN_NONE, 1, "duplex");
	b->device.link[H2D].bytes_per_s = 5e8;
	b->device.duplex_bytes_per_s = 1.2e9;
	b->program[0].bytes = 8000;
	b->program[1].bytes = 10000;
	if (!toy_time(b, "uneven duplex"))
		return;
	is_span(b, 0, 0, 10, "uneven duplex");
	is_span(b, 1, 0, 22, "uneven duplex");
}

/* A transfer takes no share of the link before its latency is over.  Both directions
 * 1000, together 1000, latency 10.  Out (10,000) moves from 10; in (2500) starts at 5, moves
 * from 15.  Out has 5000 by then; at 500 each in ends at 20, out has 2500 left: 22.5. */
static void
test_latency(struct toy *b)
{
	toy_init(b);
	b->device.link[D2H].latency_us = b->device.link[H2D].latency_us = 10;
	b->device.duplex_bytes_per_s = 1e9;
	RUN(b, 5, END);
	toy_move(b, QUEUE_OUT, 10000, END);
	toy_move(b, QUEUE_IN, 2500, 0, END);
	if (!toy_time(b, "latency"))
		return;
	is_span(b, 1, 0, 22.5, "latency");
	is_span(b, 2, 5, 20, "latency");
}

/* Out moves 0 to 10.  The fetch is ready at 4, the second offload at 10, when its
 * queue is free: the fetch goes first (10 to 15), the offload follows (15 to 20).  Of two
 * that are ready at once the offload goes first. */
static void
test_one_engine(struct toy *b)
{
	toy_init(b);
	b->device.copy_engines = 1;
	toy_move(b, QUEUE_OUT, 10000, END);
	RUN(b, 4, END);
	toy_move(b, QUEUE_OUT, 5000, END);
	toy_move(b, QUEUE_IN, 5000, 1, END);
	if (!toy_time(b, "one engine"))
		return;
	is_span(b, 0, 0, 10, "one engine");
	is_span(b, 3, 10, 15, "one engine");
	is_span(b, 2, 15, 20, "one engine");

	toy_init(b);
	b->device.copy_engines = 1;
	toy_move(b, QUEUE_IN, 10000, END);
	RUN(b, 4, END);
	toy_move(b, QUEUE_IN, 5000, END);
	toy_move(b, QUEUE_OUT, 5000, 1, END);
	toy_move(b, QUEUE_OUT, 1000, END);
	if (!toy_time(b, "one engine, fetch first"))
		return;
	is_span(b, 0, 0, 10, "one engine, fetch first");
	is_span(b, 3, 10, 15, "one engine, fetch first");
	is_span(b, 2, 15, 20, "one engine, fetch first");
	is_span(b, 4, 20, 21, "one engine, fetch first");

	/* The op of no time makes both ready at 3, whatever their order in the program. */
	toy_init(b);
	b->device.copy_engines = 1;
	RUN(b, 3, END);
	RUN(b, 0, END);
	toy_move(b, QUEUE_IN, 5000, 0, END);
	toy_move(b, QUEUE_OUT, 5000, 1, END);
	if (!toy_time(b, "one engine, tie"))
		return;
	is_span(b, 3, 3, 8, "one engine, tie");
	is_span(b, 2, 8, 13, "one engine, tie");
}

/* Factor 2 while both copy, 1.5 while one does.  Op of 30: until 10 both copy (5 done), until 20
 * one (10/1.5 done), the rest alone: 20 + 30 - 5 - 20/3 = 115/3.  With latency 10
 * on the fetch alone copying: 0 to 10 nothing is slowed, 10 to 30 one copies. */
static void
test_contention(struct toy *b)
{
	toy_init(b);
	b->device.contention[CLASS_CONV] = 2;
	RUN(b, 30, END);
	toy_move(b, QUEUE_OUT, 10000, END);
	toy_move(b, QUEUE_IN, 20000, END);
	if (!toy_time(b, "contention"))
		return;
	is_span(b, 0, 0, 115.0 / 3, "contention");
	is_near(b->result.overhead, 115.0 / 90 - 1, 1e-12, "contention: overhead without a stall");
	is_uint(b->result.stall_count, 0, "contention: no stalls");
	b->ops[0].class = CLASS_NORM;
	if (!toy_time(b, "another class"))
		return;
	is_span(b, 0, 0, 30, "another class");

	toy_init(b);
	b->device.contention[CLASS_CONV] = 2;
	b->device.link[H2D].latency_us = 10;
	RUN(b, 30, END);
	toy_move(b, QUEUE_IN, 20000, END);
	if (!toy_time(b, "contention and latency"))
		return;
	is_span(b, 0, 0, 30 + 20.0 / 3, "contention and latency");
}

/* A transfer of no bytes takes the latency; without latency, and an op of no time, nothing. */
static void
test_zero(struct toy *b)
{
	toy_init(b);
	b->device.link[D2H].latency_us = 7;
	RUN(b, 0, END);
	toy_move(b, QUEUE_OUT, 0, 0, END);
	toy_move(b, QUEUE_IN, 0, 1, END);
	RUN(b, 0, 2, END);
	RUN(b, 1, END);
	if (!toy_time(b, "zero"))
		return;
	is_span(b, 0, 0, 0, "zero");
	is_span(b, 1, 0, 7, "zero");
	is_span(b, 2, 7, 7, "zero");
	is_span(b, 3, 7, 7, "zero");
	is_span(b, 4, 7, 8, "zero");
	is_stall(b, 0, 0, 7, 3, 2, "zero");

	toy_init(b);
	if (toy_time(b, "empty"))
		is_step(b, 0, 0, "empty program");
}

/* A rerun counts as recomputing; an alternative's time is what runs, the op's own is what is ideal. */
static void
test_figures(struct toy *b)
{
	toy_init(b);
	RUN(b, 10, END);
	RUN(b, 20, END);
	toy_run(b, 0, 0, END);
	b->alternatives[0] = (struct alternative){ .time_us = 26 };
	b->ops[1].alternatives = b->alternatives;
	b->ops[1].alternative_count = 1;
	b->program[1].alternative = 0;
	if (!toy_time(b, "figures"))
		return;
	is_step(b, 46, 0, "figures");
	is_near(b->result.ideal_time_us, 30, 1e-9, "figures: ideal time");
	is_near(b->result.recompute_time_us, 10, 1e-9, "figures: recomputing");
	is_near(b->result.overhead, 16.0 / 30, 1e-12, "figures: overhead");
}

/* A what-if on a link of half the rate: transfers take twice as long, ops do not change. */
static void
test_what_if(struct toy *b)
{
	struct device slow;

	toy_init(b);
	RUN(b, 10, END);
	toy_move(b, QUEUE_IN, 20000, END);
	RUN(b, 10, 1, END);
	slow = b->device;
	slow.link[H2D].bytes_per_s /= 2;
	if (toy_time(b, "what-if"))
		is_step(b, 30, 10, "as planned");
	if (simulate(&b->result, &b->plan, &slow, &b->arena, &b->err) == 0)
		is_step(b, 50, 30, "on a slower link");
}

/* Measured: 1000 bytes in 12 us, 2000 in 14.  Of the 14, 10 are latency, so 2000 bytes move at
 * 500 bytes/us.  Against an offload at 1000 on a link of 750 together both run at half:
 * out (10,000) moves alone until 10, so is done then; with 12,000 bytes 2000 are left, at 500 until
 * 14; the fetch has 1000 left, at 500 until 16. */
static void
test_curve(struct toy *b)
{
	struct curve_point points[] = { { 1000, 12 }, { 2000, 14 } };

	toy_init(b);
	b->device.link[H2D] = (struct link_direction){ .latency_us = 10, .bytes_per_s = 1, .point_count = 2, .points = points };
	b->device.duplex_bytes_per_s = 7.5e8;
	toy_move(b, QUEUE_IN, 2000, END);
	if (!toy_time(b, "curve"))
		return;
	is_span(b, 0, 0, 14, "curve");
	toy_move(b, QUEUE_OUT, 10000, END);
	if (!toy_time(b, "curve and offload"))
		return;
	is_span(b, 0, 0, 14, "curve and offload");
	b->program[1].bytes = 12000;
	if (!toy_time(b, "curve shared"))
		return;
	is_span(b, 0, 0, 16, "curve shared");
	is_span(b, 1, 0, 14, "curve shared");
}

/* Of the 14 us of 2000 bytes 10 are latency.  While compute runs they take 18: their bytes move at half the rate.  An op until 12 leaves
 * 1500 bytes to move after it, until 15.  100 bytes take as much more as the loaded curve's first point, 2 us. */
static void
test_loaded(struct toy *b)
{
	struct curve_point points[] = { { 1000, 12 }, { 2000, 14 } }, loaded[] = { { 1000, 14 }, { 2000, 18 } };
	const struct link_direction link = { .latency_us = 1, .bytes_per_s = 5e8, .point_count = 2, .points = points, .loaded_count = 2, .loaded = loaded };
	const double ops[] = { 0, 100, 12 }, ends[] = { 14, 18, 15 };

	for (int k = 0; k < 3; k++) {
		toy_init(b);
		b->device.link[H2D] = link;
		toy_move(b, QUEUE_IN, 2000, END);
		if (ops[k] > 0)
			RUN(b, ops[k], END);
		if (toy_time(b, "loaded"))
			is_span(b, 0, 0, ends[k], "loaded");
	}
	toy_init(b);
	b->device.link[H2D] = link;
	is_near(device_busy_us(&b->device, H2D, 100), 14, 1e-9, "loaded: a smaller copy takes as much more as the first");
	is_near(device_busy_us(&b->device, D2H, 2000), device_transfer_us(&b->device, D2H, 2000), 0, "loaded: without a curve nothing is known");
	loaded[1].time_us = 13;
	is_near(device_busy_us(&b->device, H2D, 2000), 14, 0, "loaded: never faster than alone");
	toy_move(b, QUEUE_IN, 1000, END);
	toy_move(b, QUEUE_IN, 1000, END);
	toy_move(b, QUEUE_IN, 1000, END);
	if (toy_time(b, "small copies"))
		is_span(b, 2, 24, 36, "small copies: each has its latency");
}

/* A wait of 2 us: op 0 ends at 10, the fetch of 14 us begins at 12, op 1 at 28.  Op 2 needs the fetch, too, and does not wait for it. */
static void
test_wait(struct toy *b)
{
	struct curve_point points[] = { { 1000, 12 }, { 2000, 14 } };

	toy_init(b);
	b->device.wait_us = 2;
	b->device.link[H2D] = (struct link_direction) { .latency_us = 10, .bytes_per_s = 5e8, .point_count = 2, .points = points };
	RUN(b, 10, END);
	toy_move(b, QUEUE_IN, 2000, 0, END);
	RUN(b, 5, 1, END);
	RUN(b, 5, 1, END);
	if (!toy_time(b, "wait"))
		return;
	is_span(b, 1, 12, 26, "wait: of a copy for an op");
	is_span(b, 2, 28, 33, "wait: of an op for a copy");
	is_span(b, 3, 33, 38, "wait: an event that is there costs nothing");
}

static void
is_refused(struct toy *b, const char *path, const char *text, const char *what)
{
	b->err = (struct err)ERR_INIT;
	ok(simulate(&b->result, &b->plan, &b->device, &b->arena, &b->err) < 0 && b->err.code == ERR_INPUT
	    && strcmp(b->err.path, path) == 0 && strstr(b->err.text, text) != NULL, "%s is refused: %s: %s", what, b->err.path, b->err.text);
}

/* What no checked plan holds is an answer, not a hang. */
static void
test_bad(struct toy *b)
{
	toy_init(b);
	RUN(b, 1, END);
	toy_move(b, QUEUE_IN, 1, 2, END);
	RUN(b, 1, 1, END);
	is_refused(b, "program[1]", "earlier", "a circle");
	b->after[1][0] = 1;
	is_refused(b, "program[1]", "earlier", "waiting for oneself");
	b->after[1][0] = 99;
	is_refused(b, "program[1]", "earlier", "an unknown id");
	b->after[1][0] = 0;
	b->program[2].op = 7;
	is_refused(b, "program[2]", "op 7", "an unknown op");
	b->program[2].op = 1;
	b->program[2].alternative = 0;
	is_refused(b, "program[2]", "alternative", "an unknown alternative");
	b->program[2].alternative = PLAN_NONE;
	b->device.duplex_bytes_per_s = 0;
	is_refused(b, "", "duplex", "a link without a duplex rate");
	b->device.duplex_bytes_per_s = 1;
	b->device.link[H2D].bytes_per_s = 0;
	is_refused(b, "", "from the host", "a link without a rate");
	b->device.link[H2D].bytes_per_s = 1e9;
	b->device.contention[CLASS_LOSS] = 0.5;
	is_refused(b, "", "loss", "copies that speed compute up");
	b->device.contention[CLASS_LOSS] = 1;
	b->device.copy_engines = 0;
	is_refused(b, "", "engine", "no copy engine");
}

static void
is_row(const struct sim_memory *m, uint32_t row, double t, enum kind k, bytes_t bytes, bytes_t workspace, bytes_t host)
{
	if (!ok(row < m->count, "memory: row %u is there", row))
		return;
	is_near(m->time_us[row], t, 1e-9, "memory: row %u at %g", row, t);
	is_uint(m->bytes[row][k], bytes, "memory: row %u, %s", row, kind_names[k]);
	is_uint(m->bytes[row][SIM_WORKSPACE], workspace, "memory: row %u, workspace", row);
	is_uint(m->host_bytes[row], host, "memory: row %u, host", row);
}

/* op 0 (0 to 10) writes tensor 1 into buffer 1 with a workspace (buffer 2); it leaves (10 to 15),
 * op 1 (10 to 30) does without it, it returns to buffer 3 (30 to 35), op 2 (35 to 45) reads
 * it.  Tensor 0 is a parameter in buffer 0 that nobody touches.  1000 bytes take 1024. */
static void
test_memory(struct toy *b)
{
	struct sim_memory m;

	toy_init(b);
	b->tensors[0] = (struct tensor){ 500, KIND_PARAMETER };
	b->tensors[1] = (struct tensor){ 5000, KIND_ACTIVATION };
	RUN(b, 10, END);
	toy_move(b, QUEUE_OUT, 5000, 0, END);
	RUN(b, 20, END);
	toy_move(b, QUEUE_IN, 5000, 1, 2, END);
	RUN(b, 10, 3, END);
	b->graph.tensor_count = 2;
	b->plan.buffer_count = 4;
	b->buffers[0] = (struct buffer){ 0, 0, 512 };
	b->buffers[1] = (struct buffer){ 1, 512, 5000 };
	b->buffers[2] = (struct buffer){ PLAN_NONE, 5632, 1000 };
	b->buffers[3] = (struct buffer){ 1, 512, 5000 };
	b->host[0] = (struct buffer){ 1, 0, 5000 };
	b->plan.initial_count = b->plan.final_count = 1;
	b->program[0].workspace = 2;
	b->ids[0][0] = 1;
	b->held[0][0] = 1;
	b->ops[0].output_count = 1;
	b->ops[0].outputs = b->ids[0];
	b->program[0].writes = b->held[0];
	b->program[1].device_buffer = 1;
	b->program[3].device_buffer = 3;
	b->held[2][0] = 3;
	b->ops[2].input_count = 1;
	b->ops[2].inputs = b->ids[0];
	b->program[4].reads = b->held[2];
	if (!toy_time(b, "memory"))
		return;
	is_uint(b->result.device_peak_bytes, 512 + 5120 + 1024, "memory: device peak");
	is_uint(b->result.host_peak_bytes, 5120, "memory: host peak");
	sim_memory(&m, &b->result, &b->plan, &b->arena);
	is_uint(m.count, 6, "memory: rows");
	is_row(&m, 0, 0, KIND_ACTIVATION, 5120, 1024, 0);
	is_row(&m, 1, 10, KIND_ACTIVATION, 5120, 0, 5120);
	is_row(&m, 2, 15, KIND_ACTIVATION, 0, 0, 5120);
	is_row(&m, 3, 30, KIND_ACTIVATION, 5120, 0, 5120);
	is_row(&m, 4, 35, KIND_ACTIVATION, 5120, 0, 0);
	is_row(&m, 5, 45, KIND_ACTIVATION, 0, 0, 0);
	is_uint(m.bytes[5][KIND_PARAMETER], 512, "memory: the parameter stays");
}

/* An op in place: input and output share 1024 of the output's 1280 bytes while it runs. */
static void
test_inplace(struct toy *b)
{
	struct sim_memory m;

	toy_init(b);
	RUN(b, 10, END);
	RUN(b, 10, END);
	RUN(b, 10, END);
	b->graph.tensor_count = b->plan.buffer_count = 2;
	b->tensors[0] = b->tensors[1] = (struct tensor){ 1024, KIND_ACTIVATION };
	b->buffers[0] = (struct buffer){ 0, 256, 1024 };
	b->buffers[1] = (struct buffer){ 1, 256, 1280 };
	b->inplace[0] = (struct inplace){ 0, 1 };
	b->ids[1][0] = b->held[1][0] = 1;
	for (uint32_t k = 0; k < 2; k++) {
		b->ops[k].output_count = 1;
		b->ops[k].outputs = b->ids[k];
		b->program[k].writes = b->held[k];
		b->ops[k + 1].input_count = 1;
		b->ops[k + 1].inputs = b->ids[k];
		b->program[k + 1].reads = b->held[k];
	}
	b->ops[1].inplace = b->inplace;
	b->ops[1].inplace_count = 1;
	if (!toy_time(b, "in place"))
		return;
	is_uint(b->result.device_peak_bytes, 1280, "in place: shared bytes count once");
	sim_memory(&m, &b->result, &b->plan, &b->arena);
	is_uint(m.count, 3, "in place: rows");
	is_uint(m.bytes[0][KIND_ACTIVATION], 1024, "in place: before");
	is_uint(m.bytes[1][KIND_ACTIVATION], 1280, "in place: during and after");
	is_uint(m.bytes[2][KIND_ACTIVATION], 0, "in place: at the end");
}

/* Four GPUs: latency 10 stays, 20,000 bytes at 1000/4 bytes/us take 80: 90 in all.  A curve that says 12 us for 1000
 * bytes, 10 of them latency, says 10 + 4 * 2 = 18.  A point below the latency has no part to share.
 * Two GPUs and a duplex rate of 1500: everything in test_duplex's first case takes twice as long, 40 and 70. */
static void
test_gpus_per_link(struct toy *b)
{
	struct curve_point points[] = { { 10, 4 }, { 1000, 12 } };
	struct what_if w = WHAT_IF_INIT;

	toy_init(b);
	b->device.link[D2H].latency_us = 10;
	toy_move(b, QUEUE_OUT, 20000, END);
	w.gpus_per_link = 4;
	what_if_device(&b->device, &w, &b->arena);
	if (!toy_time(b, "four GPUs"))
		return;
	is_step(b, 90, 90, "four GPUs");
	b->device.link[D2H] = (struct link_direction) { .latency_us = 10, .bytes_per_s = 1e9, .point_count = 2, .points = points,
	    .loaded_count = 2, .loaded = points };
	what_if_device(&b->device, &w, &b->arena);
	is_near(device_transfer_us(&b->device, D2H, 1000), 18, 1e-9, "four GPUs: a curve keeps its latency");
	is_near(device_transfer_us(&b->device, D2H, 10), 4, 1e-9, "four GPUs: less than the latency stays");
	is_near(points[1].time_us, 12, 0, "four GPUs: the device's own curve stays");
	is_near(b->device.link[D2H].loaded[1].time_us, 18, 1e-9, "four GPUs: a loaded curve is shared, too");
	w = (struct what_if) { .rate = { [D2H] = 1e9 }, .latency = -1 };
	what_if_device(&b->device, &w, &b->arena);
	ok(b->device.link[D2H].point_count == 0 && b->device.link[D2H].loaded_count == 0, "what if: a new rate has no measured curves");
	w = (struct what_if) WHAT_IF_INIT;
	toy_init(b);
	b->device.duplex_bytes_per_s = 1.5e9;
	toy_move(b, QUEUE_OUT, 15000, END);
	toy_move(b, QUEUE_IN, 30000, END);
	w.gpus_per_link = 2;
	what_if_device(&b->device, &w, &b->arena);
	if (!toy_time(b, "two GPUs"))
		return;
	is_span(b, 0, 0, 40, "two GPUs");
	is_span(b, 1, 0, 70, "two GPUs");
}

/* Rates of 2000 in and 1000 out: the duplex rate of 1500 for 1000 + 1000 becomes 1500 * 3000 / 2000 = 2250.
 * Then shared by three. */
static void
test_link_what_if(struct toy *b)
{
	struct what_if w = WHAT_IF_INIT;

	toy_init(b);
	b->device.duplex_bytes_per_s = 1.5e9;
	w.rate[H2D] = 2e9;
	w.gpus_per_link = 3;
	what_if_device(&b->device, &w, &b->arena);
	is_near(b->device.link[H2D].bytes_per_s, 2e9 / 3, 1, "what if: a third of the new rate");
	is_near(b->device.link[D2H].bytes_per_s, 1e9 / 3, 1, "what if: a third of the old rate");
	is_near(b->device.duplex_bytes_per_s, 2.25e9 / 3, 1, "what if: a third of the duplex rate in proportion");
	w = (struct what_if) WHAT_IF_INIT;
	ok(!what_if_any(&w), "what if: nothing by default");
	ok(what_if_check(&w, &b->err) == 0, "what if: nothing is fine");
	w.rate[D2H] = 1e-3;
	ok(what_if_check(&w, &b->err) < 0 && strcmp(b->err.path, "--d2h") == 0, "what if: an absurd rate is refused");
	b->err = (struct err) ERR_INIT;
	w = (struct what_if) { .latency = -1, .gpus_per_link = 1025 };
	ok(what_if_check(&w, &b->err) < 0 && strcmp(b->err.path, "--gpus-per-link") == 0, "what if: so are 1025 GPUs");
	b->err = (struct err) ERR_INIT;
}

/* A fetch of 10 us just hides behind an op of 10, then an op of 10: 20 without jitter and no stall.  Drawn, the step
 * takes max(10 a, 10 b) + 10 c: the mean of the larger of two draws from +-50 % is 1 + 0.5/3, so the
 * median is well over 20, where perfect timing says that nothing waits. */
static void
test_jitter(struct toy *b)
{
	struct jitter j = { .percent = 50, .runs = 1, .seed = 7 };
	struct jitter_result r;
	double a, f, c, sum = 0;

	toy_init(b);
	RUN(b, 10, END);
	toy_move(b, QUEUE_IN, 10000, END);
	RUN(b, 10, 1, END);
	if (!toy_time(b, "jitter"))
		return;
	is_step(b, 20, 0, "jitter: without it");
	a = jitter_factor(&j, 0, 0);
	f = jitter_factor(&j, 0, 1);
	c = jitter_factor(&j, 0, 2);
	ok(jitter_run(&r, &b->plan, &b->device, &j, &b->arena, &b->err) == 0, "jitter: one run");
	is_near(r.step_time_us.p50, 10 * (a > f ? a : f) + 10 * c, 1e-9, "jitter: one run takes what was drawn");
	is_near(r.stall_time_us.p50, f > a ? 10 * (f - a) : 0, 1e-9, "jitter: and waits as long");
	j.runs = 2000;
	ok(jitter_run(&r, &b->plan, &b->device, &j, &b->arena, &b->err) == 0, "jitter: many runs");
	is_near(r.step_time_us.p50, 20 + 5.0 / 3, 0.5, "jitter: the median shows that the fetch only just fits");
	ok(r.step_time_us.p5 < r.step_time_us.p50 && r.step_time_us.p50 < r.step_time_us.p95, "jitter: p5 < p50 < p95");
	ok(r.stall_time_us.p95 > 3, "jitter: it stalls");
	for (uint32_t k = 0; k < 10000; k++) {
		f = jitter_factor(&j, k, 3);
		sum += f;
		if (f < 0.5 || f >= 1.5)
			break;
	}
	/* The mean of 10,000 draws has a standard deviation of 0.0029. */
	is_near(sum / 10000, 1, 0.015, "jitter: factors lie around 1, all in range");
	j.percent = 0;
	ok(jitter_run(&r, &b->plan, &b->device, &j, &b->arena, &b->err) == 0, "jitter: of nothing");
	is_near(r.step_time_us.p95, 20, 0, "jitter: of nothing changes nothing");
}

/* One op of 100 us in 20 steps: of the sorted times p5 is the first, p50 the tenth and p95 the nineteenth. */
static void
test_jitter_ranks(struct toy *b)
{
	struct jitter j = { .percent = 10, .runs = 20, .seed = 1 };
	struct jitter_result r;
	uint32_t below[3] = { 0 };
	double at[3];

	toy_init(b);
	RUN(b, 100, END);
	if (!toy_time(b, "ranks") || !ok(jitter_run(&r, &b->plan, &b->device, &j, &b->arena, &b->err) == 0, "ranks: run"))
		return;
	at[0] = r.step_time_us.p5;
	at[1] = r.step_time_us.p50;
	at[2] = r.step_time_us.p95;
	for (uint32_t k = 0; k < j.runs; k++)
		for (int i = 0; i < 3; i++)
			below[i] += 100 * jitter_factor(&j, k, 0) < at[i] - 1e-9;
	is_uint(below[0], 0, "ranks: none is below p5");
	is_uint(below[1], 9, "ranks: nine are below p50");
	is_uint(below[2], 18, "ranks: eighteen are below p95");
}

int
main(void)
{
	static struct toy b;
	static void (*const cases[])(struct toy *) = {
		test_chain, test_offload, test_fetch, test_duplex, test_latency, test_one_engine, test_contention, test_zero,
		test_figures, test_what_if, test_gpus_per_link, test_link_what_if, test_jitter, test_jitter_ranks, test_curve, test_loaded, test_wait, test_bad, test_memory, test_inplace
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cases[i](&b);
		arena_free(&b.arena);
	}
	return tap_done();
}
