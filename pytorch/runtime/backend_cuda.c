/* SPDX-License-Identifier: Apache-2.0 */
/* backend_cuda.c - the CUDA back end: a stream for each queue, events for `after`, pinned memory for the pool
 *
 * All of a step is queued and nothing waits on the host, so a step can be captured from its compute stream; signals then take the
 * place of events (cuda_signals.h).  The host
 * memory is mapped: kernels, and so PyTorch's own ops, may read and write tensors that are at home in the pool.
 */
#include <config.h>
#include "pytorch/runtime/backend.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "pytorch/runtime/cuda_driver.h"
#include "pytorch/runtime/cuda_graph.h"
#include "pytorch/runtime/cuda_signals.h"
#include "src/base/host_memory.h"

/* PyTorch finds an allocation by its address.  No planned buffer begins where an allocation of the driver begins. */
enum { LEAD = 512 };

/* PyTorch and its libraries keep memory by stream and give it back in the order of that stream, so streams are never destroyed:
 * those of a closed program serve the next one. */
struct streams {
	struct streams *next;
	int32_t device;
	cuda_stream of[QUEUE_COUNT];
};

static struct streams *idle_streams;
static pthread_mutex_t streams_lock = PTHREAD_MUTEX_INITIALIZER;

struct machine {
	const struct machine_job *job;
	const struct cuda_driver *driver;
	struct streams *streams;
	cuda_event *events;		/* [instruction_count] NULL where no other queue waits */
	cuda_event forks[QUEUE_COUNT];
	struct cuda_signals signals;
	bool by_signals;		/* in the step under way queues wait by signals, not by events */
	uint32_t awaited[QUEUE_COUNT][QUEUE_COUNT];	/* in the step under way: queue q has waited for as many instructions of the other's */
};

static cuda_stream
stream_of(const struct machine *m, uint32_t instruction)
{
	return m->streams->of[m->job->plan->program[instruction].queue];
}

static cuda_address
address(const void *memory)
{
	return (cuda_address)(uintptr_t)memory;
}

/* ---- memory ---- */

static int
take_device(const struct cuda_driver *d, void **memory, bytes_t bytes, struct err *e)
{
	size_t free_bytes = 0, all = 0;
	char want[32], have[32], lack[32];
	cuda_address got;
	cuda_result rc = d->memory_take(&got, (size_t)bytes + LEAD);

	if (rc == 0) {
		*memory = (void *)(uintptr_t)(got + LEAD);
		return 0;
	}
	if (rc != CUDA_OUT_OF_MEMORY || d->memory_info(&free_bytes, &all) != 0 || free_bytes >= bytes)
		return cuda_failed(d, "memory_take", rc, e);
	return err_set(e, ERR_SYSTEM, "not enough GPU memory: the arena needs %s, %s are free, %s are missing", units_size(want, bytes),
	    units_size(have, free_bytes), units_size(lack, bytes - free_bytes));
}

static int
take_host(const struct cuda_driver *d, void **memory, bytes_t bytes, struct err *e)
{
	bytes_t available = host_memory_available();
	cuda_result rc;
	void *p;

	/* A kernel that overcommits memory would kill the process while it pins. */
	if (available > 0 && bytes > available)
		return host_memory_missing("pinned pool", bytes, e);
	if (host_memory_map(&p, "pinned pool", bytes, e) < 0)
		return -1;
#ifdef MADV_DONTFORK
	/* Beside a forked process, which shares pages until one writes, we would write pages that the GPU does not see. */
	madvise(p, (size_t)bytes, MADV_DONTFORK);
#endif
	rc = d->host_pin(p, (size_t)bytes, CUDA_HOST_PORTABLE | CUDA_HOST_DEVICE_MAP);
	if (rc == 0) {
		*memory = p;
		return 0;
	}
	munmap(p, (size_t)bytes);
	return rc == CUDA_OUT_OF_MEMORY ? host_memory_missing("pinned pool", bytes, e) : cuda_failed(d, "host_pin", rc, e);
}

/* Also while the thread captures: the memory is no part of the captured graph. */
static int
cuda_take(void **memory, int32_t device, bool on_host, bytes_t bytes, struct err *e)
{
	const struct cuda_driver *d = cuda_driver(e);
	int rc, mode = CUDA_CAPTURE_RELAXED;

	if (d == NULL || cuda_enter(d, device, e) < 0)
		return -1;
	(void)d->capture_mode(&mode);
	rc = on_host ? take_host(d, memory, bytes, e) : take_device(d, memory, bytes, e);
	(void)d->capture_mode(&mode);
	cuda_leave(d);
	return rc;
}

static void
cuda_give(void *memory, int32_t device, bool on_host, bytes_t bytes)
{
	struct err e = ERR_INIT;
	const struct cuda_driver *d = cuda_driver(&e);

	if (d == NULL || cuda_enter(d, device, &e) < 0)
		return;
	(void)d->context_synchronize();
	if (on_host) {
		(void)d->host_unpin(memory);
		munmap(memory, (size_t)bytes);
	} else {
		(void)d->memory_give(address(memory) - LEAD);
	}
	cuda_leave(d);
}

static int
cuda_take_in(void **memory, int32_t device, bytes_t bytes, void *stream, struct err *e)
{
	const struct cuda_driver *d = cuda_driver(e);
	cuda_address got = 0;
	cuda_result rc;

	if (d == NULL || cuda_enter(d, device, e) < 0)
		return -1;
	rc = d->memory_take_in(&got, (size_t)bytes, stream);
	cuda_leave(d);
	*memory = (void *)(uintptr_t)got;
	return rc == 0 ? 0 : cuda_failed(d, "memory_take_in", rc, e);
}

static void
cuda_give_in(void *memory, int32_t device, void *stream)
{
	struct err e = ERR_INIT;
	const struct cuda_driver *d = cuda_driver(&e);

	if (d == NULL || cuda_enter(d, device, &e) < 0)
		return;
	(void)d->memory_give_in(address(memory), stream);
	cuda_leave(d);
}

static int
cuda_reserve(void **memory, int32_t device, bytes_t bytes, struct err *e)
{
	const struct cuda_driver *d = cuda_driver(e);
	cuda_address got = 0;
	cuda_result rc;

	if (d == NULL || cuda_enter(d, device, e) < 0)
		return -1;
	rc = d->address_reserve(&got, (size_t)bytes, 0, 0, 0);
	cuda_leave(d);
	*memory = (void *)(uintptr_t)got;
	return rc == 0 ? 0 : cuda_failed(d, "address_reserve", rc, e);
}

static int
copy_now(const struct cuda_driver *d, void *to, const void *from, bytes_t bytes, struct err *e)
{
	CUDA_CALL(d, context_synchronize, (), e);
	CUDA_CALL(d, copy, (address(to), address(from), (size_t)bytes), e);
	CUDA_CALL(d, context_synchronize, (), e);
	return 0;
}

static int
cuda_move(void *to, const void *from, int32_t device, bytes_t bytes, struct err *e)
{
	const struct cuda_driver *d = cuda_driver(e);
	int rc;

	if (d == NULL || cuda_enter(d, device, e) < 0)
		return -1;
	rc = copy_now(d, to, from, bytes, e);
	cuda_leave(d);
	return rc;
}

/* ---- queues ---- */

static struct streams *
take_idle_streams(int32_t device)
{
	struct streams **at, *found;

	pthread_mutex_lock(&streams_lock);
	for (at = &idle_streams; *at != NULL && (*at)->device != device; at = &(*at)->next)
		;
	found = *at;
	if (found != NULL)
		*at = found->next;
	pthread_mutex_unlock(&streams_lock);
	return found;
}

static void
give_streams(struct streams *s)
{
	pthread_mutex_lock(&streams_lock);
	s->next = idle_streams;
	idle_streams = s;
	pthread_mutex_unlock(&streams_lock);
}

static int
make_streams(struct machine *m, struct err *e)
{
	m->streams = take_idle_streams(m->job->device);
	if (m->streams != NULL)
		return 0;
	m->streams = calloc(1, sizeof(*m->streams));
	if (m->streams == NULL)
		return err_set(e, ERR_SYSTEM, "out of memory");
	m->streams->device = m->job->device;
	for (int q = 0; q < QUEUE_COUNT; q++)
		CUDA_CALL(m->driver, stream_make, (&m->streams->of[q], CUDA_STREAM_NON_BLOCKING), e);
	return 0;
}

static int
make_queues(struct machine *m, struct err *e)
{
	const struct cuda_driver *d = m->driver;

	if (make_streams(m, e) < 0)
		return -1;
	for (int q = 0; q < QUEUE_COUNT; q++)
		CUDA_CALL(d, event_make, (&m->forks[q], CUDA_EVENT_DISABLE_TIMING), e);
	for (uint32_t i = 0; i < m->job->plan->instruction_count; i++)
		if (m->job->signals[i])
			CUDA_CALL(d, event_make, (&m->events[i], CUDA_EVENT_DISABLE_TIMING), e);
	cuda_signals_open(&m->signals, d, m->job->device, m->streams->of);
	return 0;
}

static int
cuda_open(struct machine **machine, const struct machine_job *job, struct arena *a, struct err *e)
{
	struct machine *m = ARENA_NEW(a, struct machine, 1);
	int rc;

	m->job = job;
	m->events = ARENA_NEW(a, cuda_event, job->plan->instruction_count);
	m->driver = cuda_driver(e);
	if (m->driver == NULL || cuda_enter(m->driver, job->device, e) < 0)
		return -1;
	*machine = m;
	rc = make_queues(m, e);
	cuda_leave(m->driver);
	return rc;
}

static void
end_event(const struct machine *m, cuda_event event)
{
	if (event != NULL)
		(void)m->driver->event_end(event);
}

static void
cuda_close(struct machine *m)
{
	struct err e = ERR_INIT;

	if (cuda_enter(m->driver, m->job->device, &e) < 0)
		return;
	(void)m->driver->context_synchronize();
	for (uint32_t i = 0; i < m->job->plan->instruction_count; i++)
		end_event(m, m->events[i]);
	for (int q = 0; q < QUEUE_COUNT; q++)
		end_event(m, m->forks[q]);
	cuda_signals_close(&m->signals);
	if (m->streams != NULL && m->streams->of[QUEUE_COUNT - 1] != NULL)	/* all were made */
		give_streams(m->streams);
	cuda_leave(m->driver);
}

static void *
cuda_stream_of_compute(const struct machine *m)
{
	return m->streams->of[QUEUE_COMPUTE];
}

/* ---- a step: its commands need the context of their GPU, which PyTorch makes current with the stream ---- */

static int
cuda_begin(struct machine *m, struct err *e)
{
	const struct cuda_driver *d = m->driver;
	int status;

	CUDA_CALL(d, capture_status, (m->streams->of[QUEUE_COMPUTE], &status), e);
	m->by_signals = status == CUDA_IS_CAPTURING && m->signals.counters != 0;
	memset(m->awaited, 0, sizeof(m->awaited));
	if (m->by_signals && cuda_signals_reset(&m->signals, e) < 0)
		return -1;
	CUDA_CALL(d, event_record, (m->forks[QUEUE_COMPUTE], m->streams->of[QUEUE_COMPUTE]), e);
	for (int q = QUEUE_COMPUTE + 1; q < QUEUE_COUNT; q++)
		CUDA_CALL(d, stream_wait, (m->streams->of[q], m->forks[QUEUE_COMPUTE], 0), e);
	return 0;
}

static int
cuda_end(struct machine *m, struct err *e)
{
	const struct cuda_driver *d = m->driver;

	for (int q = QUEUE_COMPUTE + 1; q < QUEUE_COUNT; q++) {
		CUDA_CALL(d, event_record, (m->forks[q], m->streams->of[q]), e);
		CUDA_CALL(d, stream_wait, (m->streams->of[QUEUE_COMPUTE], m->forks[q], 0), e);
	}
	return 0;
}

static void
cuda_drain(struct machine *m)
{
	for (int q = 0; q < QUEUE_COUNT; q++)
		(void)m->driver->stream_synchronize(m->streams->of[q]);
}

static int
cuda_copy(struct machine *m, uint32_t i, struct err *e)
{
	const struct instruction *in = &m->job->plan->program[i];
	void *device = machine_device_end(m->job, in), *host = machine_host_end(m->job, in);

	if (in->queue == QUEUE_OUT)
		CUDA_CALL(m->driver, copy_out, (host, address(device), (size_t)in->bytes, stream_of(m, i)), e);
	else
		CUDA_CALL(m->driver, copy_in, (address(device), host, (size_t)in->bytes, stream_of(m, i)), e);
	return 0;
}

static int
cuda_record(struct machine *m, uint32_t i, struct err *e)
{
	if (m->by_signals)
		return cuda_signals_raise(&m->signals, m->job->plan->program[i].queue, i + 1, e);
	CUDA_CALL(m->driver, event_record, (m->events[i], stream_of(m, i)), e);
	return 0;
}

static int
cuda_wait(struct machine *m, uint32_t i, uint32_t after, struct err *e)
{
	enum queue q = m->job->plan->program[i].queue, other = m->job->plan->program[after].queue;

	if (q == other || after < m->awaited[q][other])
		return 0;	/* each queue keeps its order */
	m->awaited[q][other] = after + 1;
	if (m->by_signals)
		return cuda_signals_await(&m->signals, q, other, after + 1, e);
	CUDA_CALL(m->driver, stream_wait, (stream_of(m, i), m->events[after], 0), e);
	return 0;
}

const struct runtime_backend runtime_cuda = {
	.name = "cuda", .summary = "three streams on an NVIDIA GPU",
	.take = cuda_take, .give = cuda_give, .take_in = cuda_take_in, .give_in = cuda_give_in,
	.reserve = cuda_reserve, .move = cuda_move,
	.open = cuda_open, .close = cuda_close, .stream = cuda_stream_of_compute, .begin = cuda_begin, .end = cuda_end, .drain = cuda_drain, .copy = cuda_copy,
	.record = cuda_record, .wait = cuda_wait, .tune = cuda_graph_fill_by_kernels
};
