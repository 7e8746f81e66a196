/* SPDX-License-Identifier: Apache-2.0 */
/* replay.c - the loop: queue the instructions of a step, compare the data, keep the times */
#include <config.h>
#include "cuda_validate/replay.h"

#include "cuda_validate/reference.h"
#include "sim/execute/execute.h"

static int
wait_for(void *replay, uint32_t i, uint32_t after, struct err *e)
{
	struct replay *r = replay;

	return r->backend->wait(r->machine, i, after, e);
}

static int
perform(void *replay, uint32_t i, struct err *e)
{
	struct replay *r = replay;
	const struct instruction *in = &r->job.plan->program[i];
	const struct effect *w = &r->job.effects[i];
	const struct backend *b = r->backend;
	bool offload = in->queue == QUEUE_OUT;

	if (r->job.jitter_ns > 0 && b->delay(r->machine, i, e) < 0)
		return -1;
	if (in->queue == QUEUE_COMPUTE)
		return b->run(r->machine, i, e);
	if (w->poison_to_bytes > 0 &&
	    b->poison(r->machine, i, offload, offload ? w->host_bytes : w->device_bytes, w->poison_to_bytes, e) < 0)
		return -1;
	if (in->bytes > 0 && b->copy(r->machine, i, e) < 0)
		return -1;
	if (w->poison_from_bytes > 0)
		return b->poison(r->machine, i, !offload, offload ? w->device_bytes : w->host_bytes, w->poison_from_bytes, e);
	return 0;
}

static int
record(void *replay, uint32_t i, struct err *e)
{
	struct replay *r = replay;

	return r->backend->record(r->machine, i, e);
}

static const struct commands commands = { .wait = wait_for, .perform = perform, .record = record };

static int
step(struct replay *r, uint64_t number, bool spans, struct replay_step *s, struct err *e)
{
	bool again = false;

	if (r->backend->begin(r->machine, number, spans, &again, e) < 0)
		return -1;
	if (!again && execute_step(r->job.plan, r->job.signals, &commands, r, e) < 0)
		return -1;
	return r->backend->finish(r->machine, s, e);
}

/* Writes poison everywhere, then the persistent tensors to their initial places.  Results have none. */
static int
fill_memory(struct replay *r, struct err *e)
{
	const struct plan *p = r->job.plan;
	const struct backend *b = r->backend;

	if ((p->arena_bytes > 0 && b->put(r->machine, false, 0, p->arena_bytes, PATTERN_POISON, e) < 0) ||
	    (p->host_bytes > 0 && b->put(r->machine, true, 0, p->host_bytes, PATTERN_POISON, e) < 0))
		return -1;
	for (uint32_t k = 0; k < p->initial_count; k++) {
		const struct place *at = &p->initial[k];
		bytes_t bytes = p->graph->tensors[at->tensor].bytes;

		if (bytes > 0 && b->put(r->machine, at->on_host, (at->on_host ? p->host : p->buffers)[at->buffer].offset_bytes, bytes,
		    reference_initial(r->job.options.seed, at->tensor), e) < 0)
			return -1;
	}
	return 0;
}

/* Keeps the spans of the measured step.  Instructions without a span get an empty one; starts and ends rise along a
 * queue. */
static void
keep_timeline(struct replay *r, const struct replay_step *s, struct arena *a)
{
	const struct plan *p = r->job.plan;
	struct sim_result *t = &r->timeline;
	struct sim_span last[QUEUE_COUNT] = { { 0, 0 } };

	t->step_time_us = s->time_us;
	t->spans = ARENA_NEW(a, struct sim_span, p->instruction_count);
	for (uint32_t i = 0; i < p->instruction_count; i++) {
		enum queue q = p->program[i].queue;
		struct sim_span x = s->spans[i];

		if (x.start_us < last[q].end_us)
			x.start_us = last[q].end_us;
		if (x.end_us < x.start_us)
			x.end_us = x.start_us;
		t->spans[i] = last[q] = x;
		t->busy_us[q] += x.end_us - x.start_us;
	}
	t->offload_bytes = p->figures.offload_bytes;
	t->fetch_bytes = p->figures.fetch_bytes;
	r->has_spans = true;
}

static int
run_steps(struct replay *r, struct reference *ref, struct arena *a, struct err *e)
{
	struct replay_options *o = &r->job.options;
	struct replay_step s;

	for (uint64_t n = 0; n < (uint64_t)o->steps + 1 + o->spans; n++) {
		if (o->progress != NULL)
			o->progress(n + 1, (uint64_t)o->steps + 1 + o->spans);
		if (step(r, n, n > o->steps, &s, e) < 0 || reference_step(ref, n, e) < 0 ||
		    reference_compare(ref, &r->job, n, e) < 0)
			return -1;
		if (n == 0)
			r->first_us = s.time_us;
		else if (n <= o->steps)
			r->step_us[n - 1] = s.time_us;
		else if (s.spans != NULL)
			keep_timeline(r, &s, a);
		if (n > 0 && n < o->steps && o->stopped != NULL && o->stopped())
			o->steps = (uint32_t)n;
	}
	return 0;
}

int
replay_run(struct replay *r, const struct plan *p, const struct backend *b, const struct replay_options *o, struct arena *a,
    struct err *e)
{
	struct reference ref;

	*r = (struct replay) { .backend = b };
	job_init(&r->job, p, o, a);
	r->step_us = ARENA_NEW(a, double, o->steps);
	if (b->open(&r->machine, &r->job, a, e) < 0)
		return -1;
	b->memory(r->machine, &r->memory);
	r->device = b->device(r->machine);
	r->launch_gap_us = b->launch_gap(r->machine);
	if (fill_memory(r, e) < 0 || reference_init(&ref, &r->job, b, r->machine, a, e) < 0)
		return -1;
	return run_steps(r, &ref, a, e);
}

void
replay_close(struct replay *r)
{
	if (r->machine != NULL)
		r->backend->close(r->machine);
	r->machine = NULL;
}
