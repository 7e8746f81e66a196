/* SPDX-License-Identifier: Apache-2.0 */
/* backend_cuda.c - the CUDA back end: a stream for each queue, one arena, one pinned pool, events for `after`
 *
 * With capture the step is queued once, into a graph, and launched as a whole, so the host does not pay for thousands of
 * launches.  Runs note their begin and end by the GPU's clock.  Transfers are timed by events, in a step of their own that
 * is never captured.
 */
#include <config.h>
#include "cuda_validate/replay.h"

#include <stddef.h>
#include <string.h>

#include "cuda_validate/cuda_try.h"
#include "cuda_validate/pattern_cuda.h"
#include "src/base/numbers.h"

enum { GAP_RUNS = 256 };

/* The kernels' own data, in one stretch of device memory beside the arena. */
struct tables {
	unsigned char *memory;
	struct cuda_read *reads;	/* [read_count] */
	struct cuda_write *writes;	/* [write_count] */
	uint64_t *digests;		/* [read_count] */
	uint64_t *stamps;		/* [2 * (instruction_count + GAP_RUNS)] */
	uint64_t *anchor, *sum;
	struct cuda_step *step;
};

struct machine {
	const struct job *job;
	struct arena *arena;
	struct cudaDeviceProp prop;
	void *device, *pool, *pool_address;	/* pool_address: the pool as kernels see it */
	struct tables tables;
	struct replay_memory taken;
	cudaStream_t streams[QUEUE_COUNT];
	cudaEvent_t *events;		/* [instruction_count] NULL where no other queue waits */
	cudaEvent_t (*transfers)[2];	/* [instruction_count] begin and end, in the step that measures */
	cudaEvent_t start, end, forks[QUEUE_COUNT];
	cudaGraph_t graph;
	cudaGraphExec_t program;
	uint64_t number;		/* of the step */
	bool spans, capturing;
	double gap_us;
	uint64_t *digests, *stamps;	/* copies on the host */
	struct sim_span *timeline;	/* [instruction_count] */
};

static cudaStream_t
stream_of(const struct machine *m, uint32_t instruction)
{
	return m->streams[m->job->plan->program[instruction].queue];
}

/* Returns the address of a byte as kernels see it. */
static uint64_t
address(const struct machine *m, bool on_host, bytes_t offset)
{
	return (uint64_t)(uintptr_t)(on_host ? m->pool_address : m->device) + offset;
}

/* ---- opening ---- */

/* Returns the next aligned stretch behind *at, and moves *at behind it. */
static void *
carve(bytes_t *at, unsigned char *base, bytes_t size, bytes_t count)
{
	unsigned char *p = base + *at;

	*at = bytes_align(*at + size * count, DEVICE_ALIGN);
	return p;
}

static bytes_t
lay_out(struct tables *t, unsigned char *base, const struct job *job)
{
	bytes_t at = 0;

	t->reads = carve(&at, base, sizeof(*t->reads), job->read_count);
	t->writes = carve(&at, base, sizeof(*t->writes), job->write_count);
	t->digests = carve(&at, base, sizeof(*t->digests), job->read_count);
	t->stamps = carve(&at, base, 2 * sizeof(*t->stamps), (bytes_t)job->plan->instruction_count + GAP_RUNS);
	t->anchor = carve(&at, base, sizeof(*t->anchor), 1);
	t->sum = carve(&at, base, sizeof(*t->sum), 1);
	t->step = carve(&at, base, sizeof(*t->step), 1);
	return at;
}

static int
fill_tables(struct machine *m, struct err *e)
{
	const struct job *job = m->job;
	struct cuda_read *reads = ARENA_NEW(m->arena, struct cuda_read, job->read_count);
	struct cuda_write *writes = ARENA_NEW(m->arena, struct cuda_write, job->write_count);
	bytes_t got, bytes = lay_out(&m->tables, NULL, job);
	void *memory = NULL;

	if (cuda_take(&memory, "list of what ops read and write", bytes, &got, e) < 0)
		return -1;
	m->tables.memory = memory;
	lay_out(&m->tables, memory, job);
	for (size_t k = 0; k < job->read_count; k++)
		reads[k] = (struct cuda_read) { address(m, false, job->reads[k].offset_bytes), job->reads[k].bytes };
	for (size_t k = 0; k < job->write_count; k++)
		writes[k] = (struct cuda_write) { address(m, false, job->writes[k].offset_bytes), job->writes[k].bytes, job->writes[k].which };
	CUDA_TRY(cudaMemset(memory, 0, (size_t)bytes), e);
	CUDA_TRY(cudaMemcpy(m->tables.reads, reads, job->read_count * sizeof(*reads), cudaMemcpyHostToDevice), e);
	CUDA_TRY(cudaMemcpy(m->tables.writes, writes, job->write_count * sizeof(*writes), cudaMemcpyHostToDevice), e);
	/* The queues' streams do not wait for the default one. */
	CUDA_TRY(cudaDeviceSynchronize(), e);
	return 0;
}

static int
take_memory(struct machine *m, struct err *e)
{
	const struct plan *p = m->job->plan;

	if (p->arena_bytes > 0 && cuda_take(&m->device, "arena", p->arena_bytes, &m->taken.arena_bytes, e) < 0)
		return -1;
	if (p->host_bytes > 0) {
		if (cuda_pool_take(&m->pool, p->host_bytes, e) < 0)
			return -1;
		CUDA_TRY(cudaHostGetDevicePointer(&m->pool_address, m->pool, 0), e);
		m->taken.host_bytes = p->host_bytes;
	}
	return fill_tables(m, e);
}

static int
make_events(struct machine *m, struct err *e)
{
	const struct plan *p = m->job->plan;

	m->events = ARENA_NEW(m->arena, cudaEvent_t, p->instruction_count);
	m->transfers = arena_alloc(m->arena, sizeof(*m->transfers), p->instruction_count);
	for (int q = 0; q < QUEUE_COUNT; q++) {
		CUDA_TRY(cudaStreamCreateWithFlags(&m->streams[q], cudaStreamNonBlocking), e);
		CUDA_TRY(cudaEventCreateWithFlags(&m->forks[q], cudaEventDisableTiming), e);
	}
	CUDA_TRY(cudaEventCreate(&m->start), e);
	CUDA_TRY(cudaEventCreate(&m->end), e);
	for (uint32_t i = 0; i < p->instruction_count; i++) {
		if (m->job->signals[i])
			CUDA_TRY(cudaEventCreateWithFlags(&m->events[i], cudaEventDisableTiming), e);
		for (int k = 0; m->job->options.spans && p->program[i].queue != QUEUE_COMPUTE && k < 2; k++)
			CUDA_TRY(cudaEventCreate(&m->transfers[i][k]), e);
	}
	return 0;
}

/* ---- graphs ---- */

static int
capture_begin(struct machine *m, struct err *e)
{
	CUDA_TRY(cudaStreamBeginCapture(m->streams[QUEUE_COMPUTE], cudaStreamCaptureModeThreadLocal), e);
	m->capturing = true;
	return 0;
}

static int
capture_end(struct machine *m, struct err *e)
{
	m->capturing = false;
	CUDA_TRY(cudaStreamEndCapture(m->streams[QUEUE_COMPUTE], &m->graph), e);
	if (cuda_instantiate(&m->program, m->graph, e) < 0)
		return -1;
	CUDA_TRY(cudaGraphUpload(m->program, m->streams[QUEUE_COMPUTE]), e);
	return 0;
}

static void
forget_graph(struct machine *m)
{
	if (m->capturing) {
		cudaStreamEndCapture(m->streams[QUEUE_COMPUTE], &m->graph);
		m->capturing = false;
	}
	if (m->program != NULL)
		cudaGraphExecDestroy(m->program);
	if (m->graph != NULL)
		cudaGraphDestroy(m->graph);
	m->program = NULL;
	m->graph = NULL;
}

/* Makes the queues out and in follow compute; join_queues() makes compute follow them. */
static int
fork_queues(struct machine *m, struct err *e)
{
	CUDA_TRY(cudaEventRecord(m->forks[QUEUE_COMPUTE], m->streams[QUEUE_COMPUTE]), e);
	for (int q = QUEUE_COMPUTE + 1; q < QUEUE_COUNT; q++)
		CUDA_TRY(cudaStreamWaitEvent(m->streams[q], m->forks[QUEUE_COMPUTE], 0), e);
	return 0;
}

static int
join_queues(struct machine *m, struct err *e)
{
	for (int q = QUEUE_COMPUTE + 1; q < QUEUE_COUNT; q++) {
		CUDA_TRY(cudaEventRecord(m->forks[q], m->streams[q]), e);
		CUDA_TRY(cudaStreamWaitEvent(m->streams[QUEUE_COMPUTE], m->forks[q], 0), e);
	}
	return 0;
}

/* ---- the launch gap ---- */

static int
launch_empty_runs(struct machine *m, struct err *e)
{
	struct cuda_run r = { .step = m->tables.step };

	for (uint32_t k = 0; k < GAP_RUNS; k++) {
		r.stamps = m->tables.stamps + 2 * ((uint64_t)m->job->plan->instruction_count + k);
		CUDA_TRY(pattern_cuda_sample(&r, m->streams[QUEUE_COMPUTE]), e);
	}
	return 0;
}

static double
median_gap_us(const uint64_t stamps[2 * GAP_RUNS])
{
	double gaps[GAP_RUNS - 1], median;

	for (int k = 1; k < GAP_RUNS; k++)
		gaps[k - 1] = (double)(int64_t)(stamps[2 * k] - stamps[2 * k - 1]) / 1e3;
	median = numbers_median(gaps, GAP_RUNS - 1);
	return median > 0 ? median : 0;
}

/* Measures the time between a run's end and the begin of the next one, launched in the way of this replay. */
static int
find_gap(struct machine *m, struct err *e)
{
	cudaStream_t s = m->streams[QUEUE_COMPUTE];
	uint64_t stamps[2 * GAP_RUNS];

	for (int warm = 0; warm < 2; warm++) {
		if (m->job->options.capture && m->program == NULL &&
		    (capture_begin(m, e) < 0 || launch_empty_runs(m, e) < 0 || capture_end(m, e) < 0))
			return -1;
		if (m->program != NULL)
			CUDA_TRY(cudaGraphLaunch(m->program, s), e);
		else if (launch_empty_runs(m, e) < 0)
			return -1;
		CUDA_TRY(cudaStreamSynchronize(s), e);
	}
	CUDA_TRY(cudaMemcpy(stamps, m->tables.stamps + 2 * (uint64_t)m->job->plan->instruction_count, sizeof(stamps),
	    cudaMemcpyDeviceToHost), e);
	m->gap_us = median_gap_us(stamps);
	forget_graph(m);
	return 0;
}

static int
cuda_backend_open(struct machine **machine, const struct job *job, struct arena *a, struct err *e)
{
	struct machine *m = *machine = ARENA_NEW(a, struct machine, 1);

	m->job = job;
	m->arena = a;
	m->digests = ARENA_NEW(a, uint64_t, job->read_count);
	m->stamps = ARENA_NEW(a, uint64_t, 2 * (size_t)job->plan->instruction_count);
	m->timeline = ARENA_NEW(a, struct sim_span, job->plan->instruction_count);
	if (cuda_open(&m->prop, e) < 0 || take_memory(m, e) < 0 || make_events(m, e) < 0)
		return -1;
	return find_gap(m, e);
}

static void
destroy_event(cudaEvent_t event)
{
	if (event != NULL)
		cudaEventDestroy(event);
}

static void
cuda_backend_close(struct machine *m)
{
	forget_graph(m);
	cudaDeviceSynchronize();
	for (uint32_t i = 0; m->events != NULL && i < m->job->plan->instruction_count; i++) {
		destroy_event(m->events[i]);
		for (int k = 0; m->transfers != NULL && k < 2; k++)
			destroy_event(m->transfers[i][k]);
	}
	destroy_event(m->start);
	destroy_event(m->end);
	for (int q = 0; q < QUEUE_COUNT; q++) {
		destroy_event(m->forks[q]);
		if (m->streams[q] != NULL)
			cudaStreamDestroy(m->streams[q]);
	}
	if (m->tables.memory != NULL)
		cudaFree(m->tables.memory);
	if (m->device != NULL)
		cudaFree(m->device);
}

/* ---- a step ---- */

static int
start_clock(struct machine *m, struct err *e)
{
	cudaStream_t s = m->streams[QUEUE_COMPUTE];

	if (m->job->read_count > 0)
		CUDA_TRY(cudaMemsetAsync(m->tables.digests, 0, m->job->read_count * sizeof(uint64_t), s), e);
	CUDA_TRY(pattern_cuda_begin(m->tables.step, m->number, s), e);
	CUDA_TRY(pattern_cuda_stamp(m->tables.anchor, s), e);
	CUDA_TRY(cudaEventRecord(m->start, s), e);
	return 0;
}

static int
cuda_begin(struct machine *m, uint64_t step, bool spans, bool *again, struct err *e)
{
	bool capture = m->job->options.capture && !spans;

	m->number = step;
	m->spans = spans;
	*again = capture && m->program != NULL;
	if (*again)
		return 0;
	if (capture ? capture_begin(m, e) < 0 : start_clock(m, e) < 0)
		return -1;
	return fork_queues(m, e);
}

static int
cuda_run(struct machine *m, uint32_t i, struct err *e)
{
	const struct job *job = m->job;
	const struct effect *w = &job->effects[i];
	bytes_t reads = 0, writes = 0;
	struct cuda_run r = {
		.reads = m->tables.reads + w->read_first, .writes = m->tables.writes + w->write_first,
		.digests = m->tables.digests + w->read_first, .stamps = m->tables.stamps + 2 * (uint64_t)i, .step = m->tables.step,
		.seed = job->options.seed, .time_ns = (uint64_t)(w->time_us * 1e3), .gap_ns = (uint64_t)(m->gap_us * 1e3),
		.op = job->plan->program[i].op, .read_count = w->read_count, .write_count = w->write_count,
		.traced = job->options.traced, .waits = w->waits
	};

	for (uint32_t k = 0; k < w->read_count; k++)
		reads += job->reads[w->read_first + k].bytes;
	for (uint32_t k = 0; k < w->write_count; k++)
		writes += job->writes[w->write_first + k].bytes;
	r.work_bytes = reads > writes ? reads : writes;
	CUDA_TRY((job->options.sample ? pattern_cuda_sample : pattern_cuda_run)(&r, stream_of(m, i)), e);
	return 0;
}

static int
cuda_copy(struct machine *m, uint32_t i, struct err *e)
{
	const struct instruction *in = &m->job->plan->program[i];
	const struct effect *w = &m->job->effects[i];
	char *device = (char *)m->device + w->device_bytes + in->at_bytes, *host = (char *)m->pool + w->host_bytes + in->at_bytes;
	cudaStream_t s = stream_of(m, i);

	if (m->spans)
		CUDA_TRY(cudaEventRecord(m->transfers[i][0], s), e);
	if (in->queue == QUEUE_OUT)
		CUDA_TRY(cudaMemcpyAsync(host, device, (size_t)in->bytes, cudaMemcpyDeviceToHost, s), e);
	else
		CUDA_TRY(cudaMemcpyAsync(device, host, (size_t)in->bytes, cudaMemcpyHostToDevice, s), e);
	if (m->spans)
		CUDA_TRY(cudaEventRecord(m->transfers[i][1], s), e);
	return 0;
}

static int
cuda_delay(struct machine *m, uint32_t i, struct err *e)
{
	CUDA_TRY(pattern_cuda_delay(m->job->options.seed, i, m->job->jitter_ns, m->tables.step, stream_of(m, i)), e);
	return 0;
}

static int
cuda_poison(struct machine *m, uint32_t i, bool on_host, bytes_t offset, bytes_t bytes, struct err *e)
{
	CUDA_TRY(pattern_cuda_fill(address(m, on_host, offset), bytes, PATTERN_POISON, 0, stream_of(m, i)), e);
	return 0;
}

static int
cuda_record(struct machine *m, uint32_t i, struct err *e)
{
	CUDA_TRY(cudaEventRecord(m->events[i], stream_of(m, i)), e);
	return 0;
}

static int
cuda_wait(struct machine *m, uint32_t i, uint32_t after, struct err *e)
{
	CUDA_TRY(cudaStreamWaitEvent(stream_of(m, i), m->events[after], 0), e);
	return 0;
}

static int
read_timeline(struct machine *m, struct err *e)
{
	const struct plan *p = m->job->plan;
	uint64_t anchor;
	float ms[2];

	CUDA_TRY(cudaMemcpy(&anchor, m->tables.anchor, sizeof(anchor), cudaMemcpyDeviceToHost), e);
	CUDA_TRY(cudaMemcpy(m->stamps, m->tables.stamps, 2 * sizeof(*m->stamps) * p->instruction_count, cudaMemcpyDeviceToHost), e);
	for (uint32_t i = 0; i < p->instruction_count; i++) {
		struct sim_span *s = &m->timeline[i];

		*s = (struct sim_span) { 0, 0 };
		if (p->program[i].queue == QUEUE_COMPUTE) {
			s->start_us = (double)(int64_t)(m->stamps[2 * i] - anchor) / 1e3;
			s->end_us = (double)(int64_t)(m->stamps[2 * i + 1] - anchor) / 1e3;
			continue;
		}
		if (p->program[i].bytes == 0)
			continue;
		for (int k = 0; k < 2; k++)
			CUDA_TRY(cudaEventElapsedTime(&ms[k], m->start, m->transfers[i][k]), e);
		*s = (struct sim_span) { (double)ms[0] * 1e3, (double)ms[1] * 1e3 };
	}
	return 0;
}

static int
cuda_finish(struct machine *m, struct replay_step *s, struct err *e)
{
	cudaStream_t compute = m->streams[QUEUE_COMPUTE];
	bool captured = m->job->options.capture && !m->spans;
	float ms;

	if ((!captured || m->capturing) && join_queues(m, e) < 0)
		return -1;
	if (m->capturing && capture_end(m, e) < 0)
		return -1;
	if (captured) {
		if (start_clock(m, e) < 0)
			return -1;
		CUDA_TRY(cudaGraphLaunch(m->program, compute), e);
	}
	CUDA_TRY(cudaEventRecord(m->end, compute), e);
	CUDA_TRY(cudaStreamSynchronize(compute), e);
	CUDA_TRY(cudaEventElapsedTime(&ms, m->start, m->end), e);
	*s = (struct replay_step) { .time_us = (double)ms * 1e3 };
	if (!m->spans)
		return 0;
	s->spans = m->timeline;
	return read_timeline(m, e);
}

/* ---- between steps ---- */

static int
cuda_put(struct machine *m, bool on_host, bytes_t offset, bytes_t bytes, uint64_t seed, struct err *e)
{
	CUDA_TRY(pattern_cuda_fill(address(m, on_host, offset), bytes, seed, m->job->options.sample, m->streams[QUEUE_COMPUTE]), e);
	CUDA_TRY(cudaStreamSynchronize(m->streams[QUEUE_COMPUTE]), e);
	return 0;
}

/* Fetches the sum that a kernel has made. */
static int
take_sum(struct machine *m, uint64_t *digest, struct err *e)
{
	cudaStream_t s = m->streams[QUEUE_COMPUTE];

	CUDA_TRY(cudaMemcpyAsync(digest, m->tables.sum, sizeof(*digest), cudaMemcpyDeviceToHost, s), e);
	CUDA_TRY(cudaStreamSynchronize(s), e);
	return 0;
}

static int
cuda_digest(struct machine *m, bool on_host, bytes_t offset, bytes_t bytes, uint64_t *digest, struct err *e)
{
	cudaStream_t s = m->streams[QUEUE_COMPUTE];

	CUDA_TRY(cudaMemsetAsync(m->tables.sum, 0, sizeof(*digest), s), e);
	CUDA_TRY(pattern_cuda_digest(address(m, on_host, offset), bytes, m->job->options.sample, m->tables.sum, s), e);
	return take_sum(m, digest, e);
}

static int
cuda_formula(struct machine *m, bytes_t bytes, uint64_t seed, uint64_t *digest, struct err *e)
{
	cudaStream_t s = m->streams[QUEUE_COMPUTE];

	CUDA_TRY(cudaMemsetAsync(m->tables.sum, 0, sizeof(*digest), s), e);
	CUDA_TRY(pattern_cuda_formula(bytes, seed, m->tables.sum, s), e);
	return take_sum(m, digest, e);
}

static int
cuda_reads(struct machine *m, const uint64_t **digests, struct err *e)
{
	*digests = m->digests;
	CUDA_TRY(cudaMemcpy(m->digests, m->tables.digests, m->job->read_count * sizeof(*m->digests), cudaMemcpyDeviceToHost), e);
	return 0;
}

static void
cuda_memory(const struct machine *m, struct replay_memory *out)
{
	*out = m->taken;
}

static const char *
cuda_device(const struct machine *m)
{
	return m->prop.name;
}

static double
cuda_launch_gap(const struct machine *m)
{
	return m->gap_us;
}

const struct backend backend_cuda = {
	.name = "cuda", .summary = "three streams on the first NVIDIA GPU",
	.open = cuda_backend_open, .close = cuda_backend_close, .begin = cuda_begin, .run = cuda_run, .copy = cuda_copy,
	.delay = cuda_delay, .poison = cuda_poison, .record = cuda_record, .wait = cuda_wait, .finish = cuda_finish,
	.put = cuda_put, .digest = cuda_digest, .formula = cuda_formula, .reads = cuda_reads, .memory = cuda_memory,
	.device = cuda_device, .launch_gap = cuda_launch_gap, .end = cuda_pool_end
};
