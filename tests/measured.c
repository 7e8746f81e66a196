/* SPDX-License-Identifier: Apache-2.0 */
/* A measured step against the simulated one, by hand: spans from a profiler's trace, the parts of the difference, and bad traces.
 *
 *     us              0     10     20     30         50   55   65
 *     compute         | op 0 | op 1 |     stall      | op 2 | op 1 |
 *     out, in                |    out    |     in    |
 *
 * Measured, captured: op 0 has a fill and a kernel until 12, op 1 runs from 13 to 23, the copies end at 37 and 60, op 2 begins at 62. */
#include <config.h>
#include "tests/tap.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/measured/difference.h"
#include "sim/measured/measured.h"
#include "tests/toy_plan.h"

static char path[] = "/tmp/layrub-measured-XXXXXX";

enum { OP_0, OUT, OP_1, IN, OP_2, OP_1_AGAIN };

static void
make_plan(struct toy *b)
{
	toy_init(b);
	RUN(b, 10, END);
	toy_move(b, QUEUE_OUT, 20000, 0, END);
	RUN(b, 10, END);
	toy_move(b, QUEUE_IN, 20000, 1, END);
	RUN(b, 5, 3, END);
	toy_run(b, 1, 0, END);
	b->ops[0].name = "first";
	b->ops[1].name = b->ops[2].name = "other";
}

/* ---- the trace ---- */

static void
put(FILE *f, const char *category, const char *name, double from, double to, int correlation, unsigned bytes)
{
	fprintf(f, "{\"ph\":\"X\",\"cat\":\"%s\",\"name\":\"%s\",\"pid\":1,\"tid\":1,\"ts\":%g,\"dur\":%g,\"args\":{\"correlation\":%d,\"bytes\":%u}},\n",
	    category, name, 1000 + from, to - from, correlation, bytes);
}

static const char fill[] = "Memset (Device)";	/* of a step op by op; a captured step has a kernel in its place */

/* One kernel of a run that is launched op by op, at 100 us a run. */
static void
put_launch(FILE *f, const char *kernel, int run, int correlation)
{
	put(f, "cuda_runtime", "cudaLaunchKernel", 100 * run + correlation % 10, 100 * run + correlation % 10 + 1, correlation, 0);
	put(f, strcmp(kernel, fill) == 0 ? "gpu_memset" : "kernel", kernel, 100 * run + 20 + correlation % 10, 100 * run + 21 + correlation % 10, correlation, 0);
}

/* The step number `step` of those op by op, each of which takes 400 us. */
static void
put_op_by_op(FILE *f, int step)
{
	static const int instructions[] = { OP_0, OP_1, OP_2, OP_1_AGAIN };
	const int run = 4 * step, correlation = 100 + 10 * step;
	char name[32];

	for (int k = 0; k < 4; k++) {
		snprintf(name, sizeof(name), "layrub run %d", instructions[k]);
		put(f, "cpu_op", name, 100 * (run + k), 100 * (run + k) + 10, 0, 0);
		put(f, "gpu_user_annotation", name, 100 * (run + k) + 20, 100 * (run + k) + 30, 0, 0);
	}
	put_launch(f, fill, run, correlation + 1);
	put_launch(f, "b", run, correlation + 2);
	put_launch(f, "m", run + 1, correlation + 3);
	put_launch(f, "c", run + 2, correlation + 4);
	put_launch(f, "m", run + 3, correlation + 5);
}

/* The copies of that step. */
static void
put_copies(FILE *f, int step)
{
	const double at = 400 * step + 21;

	put(f, "gpu_memcpy", "Memcpy DtoH (Device -> Pinned)", at + 10, at + 40, 0, 20000);
	put(f, "gpu_memcpy", "Memcpy HtoD (Pinned -> Device)", at + 50, at + 75 + step, 0, 20000);
}

/* A captured step, late by so many microseconds from its wait on. */
static void
put_captured(FILE *f, int correlation, double at, double late)
{
	put(f, "cuda_runtime", "cudaGraphLaunch", at - 5, at - 4, correlation, 0);
	put(f, "kernel", "c", at + 62 + late, at + 67 + late, correlation, 0);
	put(f, "kernel", "layrub_fill", at, at + 6, correlation, 0);
	put(f, "kernel", "b", at + 6, at + 12, correlation, 0);
	put(f, "kernel", "nobody's", at + 12, at + 12.5, correlation, 0);
	put(f, "kernel", "layrub_raise", at + 12.5, at + 13, correlation, 0);
	put(f, "kernel", "layrub_await", at + 23, at + 60 + late, correlation, 0);
	put(f, "gpu_memcpy", "Memcpy DtoH (Device -> Pinned)", at + 12, at + 37, correlation, 20000);
	put(f, "kernel", "m", at + 13, at + 23, correlation, 0);
	put(f, "gpu_memcpy", "Memcpy HtoD (Pinned -> Device)", at + 30, at + 31, correlation, 512);
	put(f, "gpu_memcpy", "Memcpy HtoD (Pinned -> Device)", at + 37, at + 60 + late, correlation, 20000);
	put(f, "kernel", "m", at + 67 + late, at + 77 + late, correlation, 0);
}

static void
write_trace(int steps, bool copies, int captured)
{
	FILE *f = fopen(path, "w");

	if (f == NULL)
		return;
	fputs("{\"schemaVersion\":1,\"traceEvents\":[\n{\"ph\":\"M\",\"name\":\"process_name\"},\n", f);
	for (int k = 0; k < steps; k++) {
		put_op_by_op(f, k);
		if (copies)
			put_copies(f, k);
	}
	for (int k = 0; k < captured; k++)
		put_captured(f, 20 + k, 10000 + 1000 * k, k == 0 ? 50 : k == 1 ? 0 : -1);
	fputs("{\"ph\":\"i\"}]}\n", f);
	fclose(f);
}

/* ---- the cases ---- */

/* Makes the plan, and measures it by a trace as write_trace() makes it. */
static bool
read_trace(struct measured_step *m, struct toy *b, const char *name, int steps, bool copies, int captured)
{
	make_plan(b);
	write_trace(steps, copies, captured);
	return ok(measured_read(m, &b->plan, path, &b->arena, &b->err) == 0, "%s: read: %s", name, b->err.text);
}

static void
is_span(const struct measured_step *m, uint32_t id, double from, double to)
{
	is_near(m->spans[id].start_us, from, 1e-9, "instruction %u starts", (unsigned)id);
	is_near(m->spans[id].end_us, to, 1e-9, "instruction %u ends", (unsigned)id);
}

static void
is_part(const struct difference *d, enum part part, double predicted, double measured)
{
	is_near(d->parts[part].predicted, predicted, 1e-9, "%s: simulated", part_names[part]);
	is_near(d->parts[part].measured, measured, 1e-9, "%s: measured", part_names[part]);
}

static void
test_captured(struct toy *b)
{
	struct measured_step m;
	struct sim_result r;
	struct difference d;
	double sum = 0;

	if (!read_trace(&m, b, "captured", 1, false, 3) || !toy_time(b, "captured"))
		return;
	ok(m.captured && m.on_gpu && m.steps == 3 && m.missing_copies == 0, "captured: three steps with their copies");
	is_uint(m.other_kernels, 1, "captured: a kernel that no op has");
	is_span(&m, OP_0, 0, 12);
	is_span(&m, OUT, 12, 37);
	is_span(&m, OP_1, 13, 23);
	is_span(&m, IN, 37, 60);
	is_span(&m, OP_2, 62, 67);
	is_span(&m, OP_1_AGAIN, 67, 77);
	sim_result_of_spans(&r, &b->plan, m.spans, &b->arena);
	is_near(r.step_time_us, 77, 1e-9, "captured: the median step");
	is_near(r.stall_time_us, 40, 1e-9, "captured: compute's idle time");
	difference_init(&d, &b->plan, &b->result, &r, &b->arena);
	is_part(&d, PART_OPS, 25, 27);
	is_part(&d, PART_RERUNS, 10, 10);
	is_part(&d, PART_WAITS, 30, 37);
	is_part(&d, PART_GAPS, 0, 3);
	is_part(&d, PART_END, 0, 0);
	for (int k = 0; k < PART_COUNT; k++)
		sum += d.parts[k].measured - d.parts[k].predicted;
	is_near(sum, d.step.measured - d.step.predicted, 1e-9, "the parts add up to the step");
	ok(d.wait_count == 1 && d.waits[0].waiting == OP_2 && d.waits[0].cause == IN, "op 2 waits for the fetch");
	ok(d.op_count == 2 && strcmp(d.ops[0].name, "first") == 0 && d.ops[1].runs == 3, "ops by name, the largest difference first");
	is_near(d.copies[D2H].us.measured, 25, 1e-9, "copies out");
	is_near(d.copies[H2D].us.measured, 23, 1e-9, "copies in");
}

/* Without captured steps the step op by op counts; without a GPU its spans do. */
static void
test_op_by_op(struct toy *b)
{
	struct measured_step m;

	if (!read_trace(&m, b, "op by op", 1, false, 0))
		return;
	ok(!m.captured && m.on_gpu && m.steps == 1, "op by op: one step");
	is_uint(m.missing_copies, 2, "op by op: copies that are not there");
	is_span(&m, OP_0, 0, 2);
	is_span(&m, OP_1, 102, 103);
	is_span(&m, IN, 103, 103);
}

/* Each of several steps has its own copies. */
static void
test_steps_op_by_op(struct toy *b)
{
	struct measured_step m;

	if (!read_trace(&m, b, "three steps", 3, true, 0))
		return;
	ok(m.steps == 3 && m.missing_copies == 0, "three steps with their copies");
	is_span(&m, OP_0, 0, 2);
	is_span(&m, OUT, 10, 40);
	ok(m.spans[IN].start_us < 51 && m.spans[IN].end_us >= 75 && m.spans[IN].end_us < 78, "the fetch: %g to %g", m.spans[IN].start_us, m.spans[IN].end_us);
	is_span(&m, OP_1_AGAIN, 304, 305);
}

static const struct { const char *text, *where, *what; } bad[] = {
	{ "{\"a\":1}", "", "'traceEvents'" },
	{ "{\"traceEvents\":[]}", "", "expected the 4 runs of a whole step, named 'layrub run N', got 0" },
	{ "[{\"ph\":\"X\",\"cat\":\"cpu_op\",\"name\":\"layrub run 1\",\"ts\":1,\"dur\":1}]", "", "the trace is of another plan" },
	{ "[{\"ph\":\"X\",\"cat\":\"cpu_op\",\"name\":\"layrub run 0\",\"ts\":1,\"dur\":1}]", "", "got 1" },
	{ "[{\"ph\":\"X\",\"cat\":\"cpu_op\",\"name\":\"layrub run x\",\"ts\":1,\"dur\":1}]", "traceEvents[0]", "got 'x'" },
	{ "[{\"ph\":\"X\",\"cat\":\"kernel\",\"name\":\"k\",\"dur\":1}]", "traceEvents[0]", "expected the key 'ts'" },
	{ "[{\"ph\":\"X\",\"cat\":\"kernel\",\"name\":\"k\",\"ts\":1,\"dur\":-1}]", "traceEvents[0].dur", "got -1" },
};

static void
test_bad(struct toy *b)
{
	make_plan(b);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		FILE *f = fopen(path, "w");
		struct measured_step m;

		if (f == NULL)
			return;
		fputs(bad[i].text, f);
		fclose(f);
		b->err = (struct err) ERR_INIT;
		ok(measured_read(&m, &b->plan, path, &b->arena, &b->err) < 0 && b->err.code == ERR_INPUT && strcmp(b->err.path, bad[i].where) == 0 &&
		    strstr(b->err.text, bad[i].what) != NULL, "%s is refused: %s: %s", bad[i].text, b->err.path, b->err.text);
	}
}

int
main(void)
{
	struct toy *b = calloc(1, sizeof(*b));
	int file = mkstemp(path);

	if (b == NULL || file < 0)
		return 1;
	close(file);
	test_captured(b);
	test_op_by_op(b);
	test_steps_op_by_op(b);
	test_bad(b);
	unlink(path);
	arena_free(&b->arena);
	free(b);
	return tap_done();
}
