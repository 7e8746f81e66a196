/* SPDX-License-Identifier: Apache-2.0 */
/* backend_host.c - the host back end: arena and pool are stretches of host memory, and a copy is memcpy()
 *
 * Each instruction is done before the next one is queued.  The order of the list is one of the orders that `after` allows.
 */
#include <config.h>
#include "pytorch/runtime/backend.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "src/base/host_memory.h"

struct machine {
	const struct machine_job *job;
};

static int
host_take(void **memory, int32_t device, bool on_host, bytes_t bytes, struct err *e)
{
	bytes_t available = host_memory_available();

	(void)device;
	/* A kernel that overcommits memory would kill the process in mid-step. */
	if ((available > 0 && bytes > available) || bytes > SIZE_MAX)
		return host_memory_missing(on_host ? "pool" : "arena", bytes, e);
	*memory = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (*memory == MAP_FAILED) {
		*memory = NULL;
		return host_memory_missing(on_host ? "pool" : "arena", bytes, e);
	}
	return 0;
}

static void
host_give(void *memory, int32_t device, bool on_host, bytes_t bytes)
{
	(void)device;
	(void)on_host;
	munmap(memory, (size_t)bytes);
}

static int
host_take_in(void **memory, int32_t device, bytes_t bytes, void *stream, struct err *e)
{
	(void)device;
	(void)stream;
	*memory = bytes > SIZE_MAX ? NULL : malloc((size_t)bytes);
	return *memory != NULL ? 0 : host_memory_missing("request", bytes, e);
}

static void
host_give_in(void *memory, int32_t device, void *stream)
{
	(void)device;
	(void)stream;
	free(memory);
}

static int
host_reserve(void **memory, int32_t device, bytes_t bytes, struct err *e)
{
	(void)device;
	*memory = mmap(NULL, (size_t)bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return *memory != MAP_FAILED ? 0 : err_set(e, ERR_SYSTEM, "no addresses are left");
}

static int
host_move(void *to, const void *from, int32_t device, bytes_t bytes, struct err *e)
{
	(void)device;
	(void)e;
	memmove(to, from, (size_t)bytes);
	return 0;
}

static int
host_open(struct machine **m, const struct machine_job *job, struct arena *a, struct err *e)
{
	(void)e;
	*m = ARENA_NEW(a, struct machine, 1);
	(*m)->job = job;
	return 0;
}

static void
host_nothing(struct machine *m)
{
	(void)m;
}

static void *
host_stream(const struct machine *m)
{
	(void)m;
	return NULL;
}

static int
host_at_once(struct machine *m, struct err *e)
{
	(void)m;
	(void)e;
	return 0;
}

static int
host_copy(struct machine *m, uint32_t i, struct err *e)
{
	const struct instruction *in = &m->job->plan->program[i];
	void *device = machine_device_end(m->job, in), *host = machine_host_end(m->job, in);

	(void)e;
	if (in->queue == QUEUE_OUT)
		memcpy(host, device, (size_t)in->bytes);
	else
		memcpy(device, host, (size_t)in->bytes);
	return 0;
}

static int
host_record(struct machine *m, uint32_t i, struct err *e)
{
	(void)m;
	(void)i;
	(void)e;
	return 0;
}

static int
host_wait(struct machine *m, uint32_t i, uint32_t after, struct err *e)
{
	(void)m;
	(void)i;
	(void)after;
	(void)e;
	return 0;
}

const struct runtime_backend runtime_host = {
	.name = "host", .summary = "host memory, everything in the order of the list",
	.take = host_take, .give = host_give, .take_in = host_take_in, .give_in = host_give_in, .reserve = host_reserve,
	.move = host_move, .open = host_open, .close = host_nothing, .stream = host_stream,
	.begin = host_at_once, .end = host_at_once, .drain = host_nothing, .copy = host_copy, .record = host_record, .wait = host_wait
};
