/* SPDX-License-Identifier: Apache-2.0 */
/* Replays of small plans by hand on the host back end: the data of sound ones is right, unsound ones are refused at the place where the
 * data is wrong; reads, writes and poison of each instruction; measured figures.
 *
 * An unsound plan has one fault, which a single comparison sees. */
#include <config.h>
#include "cuda_validate/replay.h"

#include <string.h>

#include "cuda_validate/measure.h"
#include "tests/tap.h"
#include "tests/toy_plan.h"

static uint32_t ids[] = { 0, 1, 2, 3, 4, 5, 6, 7 };

/* One list of one id as an op's operands, and the buffer that they mean. */
static void
reads(struct toy *b, uint32_t instruction, uint32_t tensor, uint32_t buffer)
{
	struct op *o = &b->ops[b->program[instruction].op];

	o->inputs = &ids[tensor];
	o->input_count = 1;
	b->program[instruction].reads = &ids[buffer];
}

static void
writes(struct toy *b, uint32_t instruction, uint32_t tensor, uint32_t buffer)
{
	struct op *o = &b->ops[b->program[instruction].op];

	o->outputs = &ids[tensor];
	o->output_count = 1;
	b->program[instruction].writes = &ids[buffer];
}

static void
counts(struct toy *b, uint32_t tensors, uint32_t buffers, uint32_t hosts, uint32_t persistent, bytes_t arena, bytes_t host)
{
	b->graph.name = "net";
	b->graph.tensor_count = tensors;
	b->plan.buffer_count = buffers;
	b->plan.host_count = hosts;
	b->plan.initial_count = b->plan.final_count = persistent;
	b->plan.arena_bytes = arena;
	b->plan.host_bytes = host;
}

/* Replay; 0 or -1 with b->err filled. */
static int
run(struct toy *b, struct replay *r, const struct replay_options *o)
{
	int rc;

	b->err = (struct err) ERR_INIT;
	rc = replay_run(r, &b->plan, &backend_host, o, &b->arena, &b->err);
	replay_close(r);
	return rc;
}

static void
is_refused(struct toy *b, const char *path, const char *text, const char *what)
{
	const struct replay_options o = { .steps = 3, .seed = 5 };
	struct replay r;

	ok(run(b, &r, &o) < 0 && b->err.code == ERR_NO, "%s: refused", what);
	is_string(b->err.path, path, "%s: where", what);
	ok(strstr(b->err.text, text) != NULL, "%s: %s", what, b->err.text);
}

static void
is_right(struct toy *b, const struct replay_options *o, const char *what)
{
	struct replay r;

	ok(run(b, &r, o) == 0, "%s: the data is right %s: %s", what, b->err.path, b->err.text);
}

/* Op 0 makes tensor 1; op 1 reads it and writes parameter 0, which nobody reads.  With a copy out before and a copy in after, the
 * parameter is what it was before the step. */
static void
test_last_place(struct toy *b, bool stale)
{
	static const struct replay_options all = { .steps = 3, .seed = 5 };
	uint32_t out, last;

	toy_init(b);
	out = stale ? toy_move(b, QUEUE_OUT, 1000, END) : 0;
	RUN(b, 1, END);
	last = stale ? RUN(b, 1, out, END) : RUN(b, 1, END);
	if (stale)
		toy_move(b, QUEUE_IN, 1000, last, END);
	b->tensors[0] = (struct tensor) { 1000, KIND_PARAMETER };
	b->tensors[1] = (struct tensor) { 2000, KIND_ACTIVATION };
	b->buffers[0] = (struct buffer) { 0, 0, 1000 };
	b->buffers[1] = (struct buffer) { 1, 1024, 2000 };
	b->host[0] = (struct buffer) { 0, 0, 1000 };
	counts(b, 2, 2, stale, 1, 3072, stale ? 1024 : 0);
	writes(b, last - 1, 1, 1);
	reads(b, last, 1, 1);
	writes(b, last, 0, 0);
	if (stale)
		is_refused(b, "final[0]", "after step 0: tensor 0 is not what op 1 'op' wrote", "a parameter's old value at the end");
	else
		is_right(b, &all, "a parameter that is written and never read");
}

/* Op 0 makes tensor 1 at 1024; op 1's workspace covers the last 256 bytes of it, or of parameter 0; op 2 reads tensor 1. */
static void
test_overwritten(struct toy *b, bool parameter)
{
	toy_init(b);
	RUN(b, 1, END);
	RUN(b, 1, END);
	RUN(b, 1, END);
	b->tensors[0] = (struct tensor) { 1000, KIND_PARAMETER };
	b->tensors[1] = (struct tensor) { 2000, KIND_ACTIVATION };
	b->buffers[0] = (struct buffer) { 0, 0, 1000 };
	b->buffers[1] = (struct buffer) { 1, 1024, 2000 };
	b->buffers[2] = (struct buffer) { PLAN_NONE, parameter ? 768 : 2816, 256 };
	counts(b, 2, 3, 0, 1, 3072, 0);
	writes(b, 0, 1, 1);
	b->program[1].workspace = 2;
	reads(b, 2, 1, 1);
	if (parameter)
		is_refused(b, "final[0]", "after step 0: tensor 0, which no op writes, has changed", "a workspace on a parameter");
	else
		is_refused(b, "program[2].reads[0]", "in step 0: op 2 'op' is the first to read other bytes", "a workspace on a map");
}

/* Op 0 makes tensor 1, a result at 1024; op 1 has a workspace beside it, or over its last 256 bytes. */
static void
test_result(struct toy *b, bool covered)
{
	static const struct replay_options all = { .steps = 3, .seed = 5 };

	toy_init(b);
	RUN(b, 1, END);
	RUN(b, 1, END);
	b->tensors[0] = (struct tensor) { 1000, KIND_PARAMETER };
	b->tensors[1] = (struct tensor) { 2000, KIND_RESULT };
	b->buffers[0] = (struct buffer) { 0, 0, 1000 };
	b->buffers[1] = (struct buffer) { 1, 1024, 2000 };
	b->buffers[2] = (struct buffer) { PLAN_NONE, covered ? 2816 : 3072, 256 };
	counts(b, 2, 3, 0, 1, 3328, 0);
	b->final[b->plan.final_count++] = (struct place) { 1, false, 1 };
	writes(b, 0, 1, 1);
	b->program[1].workspace = 2;
	if (covered)
		is_refused(b, "final[1]", "after step 0: tensor 1 is not what op 0 'op' wrote", "a workspace on a result");
	else
		is_right(b, &all, "a result is what was written, in each step");
}

/* Op 0 makes tensor 1 and takes 20 ms for it behind an op of 20 ms; it leaves, and returns in two halves for op 3.  A copy that did
 * not wait would find nothing. */
enum { WAIT, MAKE, OUT, OTHER, IN_LOW, IN_HIGH, USE };
static void
make_round_trip(struct toy *b)
{
	toy_init(b);
	RUN(b, 20000, END);
	RUN(b, 1, END);
	toy_move(b, QUEUE_OUT, 2000, MAKE, END);
	RUN(b, 1, END);
	toy_move(b, QUEUE_IN, 1000, OTHER, OUT, END);
	toy_move(b, QUEUE_IN, 1000, END);
	RUN(b, 1, IN_HIGH, END);
	b->tensors[0] = (struct tensor) { 1000, KIND_PARAMETER };
	b->tensors[1] = (struct tensor) { 2000, KIND_ACTIVATION };
	b->buffers[0] = (struct buffer) { 0, 0, 1000 };
	b->buffers[1] = (struct buffer) { 1, 1024, 2048 };
	b->buffers[2] = (struct buffer) { 1, 3072, 2000 };
	b->buffers[3] = (struct buffer) { PLAN_NONE, 5120, 512 };
	b->host[0] = (struct buffer) { 1, 256, 2000 };
	counts(b, 2, 4, 1, 1, 5632, 2304);
	b->plan.figures.offload_bytes = b->plan.figures.fetch_bytes = 2000;
	writes(b, MAKE, 1, 1);
	b->program[OUT].device_buffer = 1;
	b->program[OTHER].workspace = 3;
	b->program[IN_LOW].device_buffer = b->program[IN_HIGH].device_buffer = 2;
	b->program[IN_HIGH].at_bytes = 1000;
	reads(b, USE, 1, 2);
}

static void
test_round_trip(struct toy *b)
{
	static const struct replay_options traced = { .steps = 2, .seed = 9, .traced = true, .spans = true };
	struct replay r;

	make_round_trip(b);
	if (!ok(run(b, &r, &traced) == 0, "round trip: the data is right %s: %s", b->err.path, b->err.text))
		return;
	ok(r.step_us[0] >= 20000 && r.step_us[1] >= 20000, "round trip: ops last their time");
	ok(r.has_spans && r.timeline.spans[OUT].start_us >= r.timeline.spans[MAKE].end_us, "round trip: the copy waits for its tensor");
	ok(r.timeline.spans[IN_HIGH].start_us >= r.timeline.spans[IN_LOW].end_us, "round trip: one copy after the other");
	is_uint(r.timeline.offload_bytes, 2000, "round trip: bytes out");
	ok(r.timeline.busy_us[QUEUE_COMPUTE] >= 20000 && r.timeline.busy_us[QUEUE_COMPUTE] <= r.timeline.step_time_us,
	    "round trip: compute is busy for its ops");
}

static void
is_write(const struct job *j, uint32_t instruction, uint32_t k, bytes_t offset, bytes_t bytes, uint64_t which, const char *what)
{
	const struct write *w = &j->writes[j->effects[instruction].write_first + k];

	ok(k < j->effects[instruction].write_count && w->offset_bytes == offset && w->bytes == bytes && w->which == which, "job: %s", what);
}

/* The buffer of op 1's output is 48 bytes larger than its tensor: padding.  Both buffers of a copy out and in are poisoned, first
 * where it goes, then where it came from; a buffer that is read for the last time is poisoned by its reader. */
static void
test_job(struct toy *b)
{
	static const struct replay_options all = { .steps = 1, .jitter = 50 };
	struct job j;

	make_round_trip(b);
	job_init(&j, &b->plan, &all, &b->arena);
	is_write(&j, MAKE, 0, 1024, 2000, 0, "op 1 writes its output");
	is_write(&j, MAKE, 1, 1024 + 2000, 48, PATTERN_PADDING, "and what its buffer has beside it");
	is_uint(j.effects[MAKE].write_count, 2, "job: nothing else");
	is_write(&j, OTHER, 0, 5120, 512, PATTERN_WORKSPACE, "a workspace is written");
	is_uint(j.effects[USE].read_count, 1, "job: one read");
	ok(j.reads[j.effects[USE].read_first].offset_bytes == 3072 && j.reads[j.effects[USE].read_first].bytes == 2000, "job: where it is");
	is_write(&j, USE, 0, 3072, 2000, PATTERN_POISON, "what is read for the last time is poisoned");
	is_uint(j.effects[OUT].poison_to_bytes, 2000, "job: a copy out poisons the host's buffer first");
	is_uint(j.effects[OUT].poison_from_bytes, 2048, "job: and the device's then");
	is_uint(j.effects[IN_LOW].poison_to_bytes, 2000, "job: the first copy in poisons the device's buffer");
	is_uint(j.effects[IN_LOW].poison_from_bytes, 0, "job: but leaves the host's, which is needed");
	is_uint(j.effects[IN_HIGH].poison_to_bytes, 0, "job: the second copy leaves what is there");
	is_uint(j.effects[IN_HIGH].poison_from_bytes, 2000, "job: and poisons the host's buffer");
	ok(j.effects[OUT].host_bytes == 256 && j.effects[OUT].device_bytes == 1024 && j.effects[IN_LOW].device_bytes == 3072, "job: ends of the copies");
	ok(j.signals[MAKE] && j.effects[OUT].waits && !j.effects[MAKE].waits && !j.signals[WAIT], "job: signals and waits");
	is_uint(j.jitter_ns, 10000, "job: half of 20 us of jitter");
}

/* An op of 10 us, then one of 20 beside a copy out of 20,000 bytes: 20 us at 1000 bytes/us, so that the step takes 30.  A contention of
 * 3 (both directions; one has half of the rise) doubles the second op while the copy runs: 40.  Measured: steps of 50, 30, 40 and 80 us,
 * median 45; the copy in 25 us. */
static void
test_measures(struct toy *b)
{
	double steps[] = { 50, 30, 40, 80 };
	struct replay r = { .job = { .options = { .steps = 4, .traced = true } }, .step_us = steps, .has_spans = true };
	struct measures m;

	toy_init(b);
	b->device.contention[CLASS_CONV] = 3;
	RUN(b, 10, END);
	toy_move(b, QUEUE_OUT, 20000, 0, END);
	RUN(b, 20, END);
	r.job.plan = &b->plan;
	r.timeline.busy_us[QUEUE_OUT] = 25;
	ok(measure(&m, &r, &b->device, &b->arena, &b->err) == 0, "measures: made");
	is_near(m.step_time_us, 45, 1e-9, "measures: the median of four steps");
	ok(m.least_us == 30 && m.most_us == 80, "measures: least and most");
	is_near(m.predicted.step_time_us, 30, 1e-9, "measures: predicted without contention");
	is_near(m.contended_us, 40, 1e-9, "measures: and with it");
	is_near(m.time_error, 30.0 / 45 - 1, 1e-12, "measures: the prediction's error");
	is_near(m.rate[D2H], 8e8, 1, "measures: 20,000 bytes in 25 us");
	is_near(m.rate_share[D2H], 0.8, 1e-12, "measures: of what was predicted");
}

int
main(void)
{
	static struct toy b;

	test_last_place(&b, false);
	test_last_place(&b, true);
	test_overwritten(&b, false);
	test_overwritten(&b, true);
	test_result(&b, false);
	test_result(&b, true);
	test_round_trip(&b);
	test_job(&b);
	test_measures(&b);
	arena_free(&b.arena);
	return tap_done();
}
