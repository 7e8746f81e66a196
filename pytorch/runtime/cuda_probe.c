/* SPDX-License-Identifier: Apache-2.0 */
/* cuda_probe.c - a step whose queues wait for each other, with counters that the host can raise when the queues are stuck */
#include <config.h>
#include "pytorch/runtime/cuda_probe.h"

#include <pthread.h>
#include <sys/mman.h>
#include <time.h>

#include "src/base/host_memory.h"

enum { PAUSE_US = 50, MOST_PAUSES = 20000 };

/* The commands in the order of their capture: queue q awaits the other's counter, and raises its own by 1.  Whichever queue began
 * alone would be stuck. */
static const struct { enum queue q, other; uint32_t value; } commands[] = {
	{ QUEUE_COMPUTE, QUEUE_IN, 1 },
	{ QUEUE_COMPUTE, QUEUE_OUT, 1 },
	{ QUEUE_COMPUTE, QUEUE_IN, 2 },
	{ QUEUE_IN, QUEUE_IN, 0 },
	{ QUEUE_IN, QUEUE_COMPUTE, 2 },
	{ QUEUE_OUT, QUEUE_COMPUTE, 1 },
};

struct probe {
	struct cuda_signals s;
	cuda_event events[QUEUE_COUNT];
	cuda_graph graph;
	cuda_exec made;
};

static int
fork_and_join(const struct probe *p, struct err *e)
{
	const struct cuda_driver *d = p->s.driver;
	const cuda_stream *streams = p->s.streams;
	uint32_t raised[QUEUE_COUNT] = { 0 };

	CUDA_CALL(d, event_record, (p->events[QUEUE_COMPUTE], streams[QUEUE_COMPUTE]), e);
	for (int q = QUEUE_COMPUTE + 1; q < QUEUE_COUNT; q++)
		CUDA_CALL(d, stream_wait, (streams[q], p->events[QUEUE_COMPUTE], 0), e);
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (cuda_signals_await(&p->s, commands[i].q, commands[i].other, commands[i].value, e) < 0 ||
		    cuda_signals_raise(&p->s, commands[i].q, ++raised[commands[i].q], e) < 0)
			return -1;
	for (int q = QUEUE_COMPUTE + 1; q < QUEUE_COUNT; q++) {
		CUDA_CALL(d, event_record, (p->events[q], streams[q]), e);
		CUDA_CALL(d, stream_wait, (streams[QUEUE_COMPUTE], p->events[q], 0), e);
	}
	return 0;
}

static int
make(struct probe *p, struct err *e)
{
	const struct cuda_driver *d = p->s.driver;
	int rc;

	for (int q = 0; q < QUEUE_COUNT; q++)
		CUDA_CALL(d, event_make, (&p->events[q], CUDA_EVENT_DISABLE_TIMING), e);
	CUDA_CALL(d, capture_begin, (p->s.streams[QUEUE_COMPUTE], CUDA_CAPTURE_RELAXED), e);
	rc = fork_and_join(p, e);
	CUDA_CALL(d, capture_end, (p->s.streams[QUEUE_COMPUTE], &p->graph), e);
	if (rc < 0)
		return -1;
	CUDA_CALL(d, graph_make, (&p->made, p->graph, 0), e);
	CUDA_CALL(d, graph_launch, (p->made, p->s.streams[QUEUE_COMPUTE]), e);
	return 0;
}

/* Waits until the step has ended, and raises all counters from here on when it takes too long.  Returns whether it ended by itself. */
static bool
ends(const struct probe *p)
{
	volatile uint32_t *counters = (volatile uint32_t *)(uintptr_t)p->s.counters;
	const struct timespec pause = { .tv_nsec = PAUSE_US * 1000L };
	cuda_result rc;
	int pauses;

	for (pauses = 0; (rc = p->s.driver->stream_query(p->s.streams[QUEUE_COMPUTE])) == CUDA_NOT_READY; pauses++) {
		nanosleep(&pause, NULL);
		for (size_t k = 0; pauses >= MOST_PAUSES && k < CUDA_SIGNALS_BYTES / sizeof(*counters); k++)
			counters[k] = INT32_MAX;
	}
	return rc == 0 && pauses < MOST_PAUSES;
}

static bool
run(struct probe *p)
{
	const struct cuda_driver *d = p->s.driver;
	struct err e = ERR_INIT;
	bool good = make(p, &e) == 0 && ends(p);

	if (p->made != NULL)
		(void)d->exec_end(p->made);
	if (p->graph != NULL)
		(void)d->graph_end(p->graph);
	for (int q = 0; q < QUEUE_COUNT; q++)
		if (p->events[q] != NULL)
			(void)d->event_end(p->events[q]);
	return good;
}

static bool
run_with_memory(const struct cuda_signals *like)
{
	struct probe p = { .s = *like };
	struct err e = ERR_INIT;
	void *memory;
	bool good;

	if (host_memory_map(&memory, "counters", CUDA_SIGNALS_BYTES, &e) < 0)
		return false;
	p.s.counters = (cuda_address)(uintptr_t)memory;
	good = like->driver->host_pin(memory, CUDA_SIGNALS_BYTES, CUDA_HOST_PORTABLE | CUDA_HOST_DEVICE_MAP) == 0;
	if (good) {
		good = run(&p);
		(void)like->driver->host_unpin(memory);
	}
	munmap(memory, CUDA_SIGNALS_BYTES);
	return good;
}

bool
cuda_probe(const struct cuda_signals *like, int32_t device)
{
	static enum { UNKNOWN, GOOD, BAD } answers[CUDA_GPUS];
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	bool good;

	pthread_mutex_lock(&lock);
	if (answers[device] == UNKNOWN)
		answers[device] = run_with_memory(like) ? GOOD : BAD;
	good = answers[device] == GOOD;
	pthread_mutex_unlock(&lock);
	return good;
}
