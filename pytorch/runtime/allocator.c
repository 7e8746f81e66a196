/* SPDX-License-Identifier: Apache-2.0 */
/* allocator.c - PyTorch's allocator: lists the requests of an op, and answers them with a plan's addresses
 *
 * Requests of an op come in the same order each time.  While answers are planned, those of the planning thread get them, and
 * kernels write straight into their buffers.  All state is the process's, as PyTorch's allocator is.
 */
#include <config.h>
#include "pytorch/runtime/runtime.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>

#include "pytorch/runtime/backend.h"
#include "pytorch/runtime/sources.h"

/* Memory aside: slots in a ring, each used again after SLOTS more requests. */
enum { SMALL_BYTES = 64, SLOT_BYTES = 256, SLOTS = 16384 };

static struct {
	pthread_mutex_t lock;
	const struct runtime_backend *backend;
	int32_t device;
	enum source source;
	/* the list */
	bool noting, lost;
	struct layrub_torch_request *noted;	/* [capacity] */
	uint32_t count, capacity;
	/* the answers */
	bool answering;
	pthread_t thread;
	const struct layrub_torch_request *wanted;	/* [wanted_count], not owned */
	uint32_t wanted_count, next, misses;
	bytes_t missed_bytes;		/* of the first miss */
	unsigned char *arena;
	bytes_t arena_bytes;
	unsigned char *aside;	/* [SLOTS * SLOT_BYTES], for the life of the process; NULL: not taken yet */
	uint32_t slot;
} own = { .lock = PTHREAD_MUTEX_INITIALIZER, .backend = &runtime_cuda };

/* Raises std::bad_alloc, which PyTorch turns into an exception of Python.  Returns where no C++ is loaded. */
static void
raise_bad_alloc(void)
{
	void *library = dlopen("libstdc++.so.6", RTLD_LAZY | RTLD_NOLOAD);	/* PyTorch's */
	void *found = library != NULL ? dlsym(library, "_ZSt17__throw_bad_allocv") : NULL;	/* std::__throw_bad_alloc() */
	void (*throw_it)(void);

	if (found == NULL)
		return;
	*(void **)&throw_it = found;
	throw_it();
}

static bool
within(const void *p, const unsigned char *from, bytes_t bytes)
{
	return from != NULL && (uintptr_t)p >= (uintptr_t)from && (uintptr_t)p - (uintptr_t)from < bytes;
}

static void *
take(bytes_t bytes, void *stream)
{
	struct err e = ERR_INIT;
	void *memory = NULL;

	if (sources_take(own.backend, own.device, own.source, &memory, bytes, stream, &e) < 0)
		return NULL;
	/* The arena of the last answers has been freed. */
	if (within(memory, own.arena, own.arena_bytes))
		own.arena = NULL;
	return memory;
}

/* Takes the memory aside, if it can be had; a captured step must not take any. */
static void
have_aside(void)
{
	struct err e = ERR_INIT;
	void *memory = NULL;

	if (own.aside == NULL && own.backend->take(&memory, own.device, false, (bytes_t)SLOTS * SLOT_BYTES, &e) == 0)
		own.aside = memory;
}

static void *
take_aside(void)
{
	return own.aside == NULL ? NULL : own.aside + (size_t)(own.slot++ % SLOTS) * SLOT_BYTES;
}

/* Returns the planned address of the thread's next request; NULL: it has none. */
static void *
answer(bytes_t bytes)
{
	const struct layrub_torch_request *w = own.next < own.wanted_count ? &own.wanted[own.next] : NULL;

	if (bytes <= SMALL_BYTES && (w == NULL || w->bytes != bytes))
		return take_aside();
	if (w != NULL && bytes == w->bytes) {
		own.next++;
		return w->address;
	}
	if (own.misses++ == 0)
		own.missed_bytes = bytes;
	return NULL;
}

/* Adds to the list; without memory the list is lost. */
static void
note(void *address, bytes_t bytes, bool freed)
{
	struct layrub_torch_request *larger;

	if (own.count == own.capacity) {
		own.capacity = own.capacity == 0 ? 256 : 2 * own.capacity;
		larger = realloc(own.noted, own.capacity * sizeof(*larger));
		if (larger == NULL) {
			own.capacity = own.count;
			own.lost = true;
			return;
		}
		own.noted = larger;
	}
	own.noted[own.count++] = (struct layrub_torch_request) { address, bytes, freed };
}

static void *
serve(bytes_t bytes, void *stream)
{
	void *memory = NULL;

	if (own.answering && pthread_equal(own.thread, pthread_self()))
		memory = answer(bytes);
	if (memory == NULL)
		memory = take(bytes, stream);
	if (memory != NULL && own.noting)
		note(memory, bytes, false);
	return memory;
}

void *
layrub_torch_alloc(ptrdiff_t bytes, int device, void *stream)
{
	void *memory;

	(void)device;
	if (bytes <= 0)
		return NULL;
	pthread_mutex_lock(&own.lock);
	memory = serve((bytes_t)bytes, stream);
	pthread_mutex_unlock(&own.lock);
	if (memory == NULL)
		raise_bad_alloc();
	return memory;
}

void
layrub_torch_free(void *memory, ptrdiff_t bytes, int device, void *stream)
{
	(void)device;
	if (memory == NULL)
		return;
	pthread_mutex_lock(&own.lock);
	if (own.noting)
		note(memory, 0, true);
	if (!within(memory, own.arena, own.arena_bytes) && !within(memory, own.aside, (bytes_t)SLOTS * SLOT_BYTES))
		sources_give(own.backend, own.device, memory, (bytes_t)bytes, stream);
	pthread_mutex_unlock(&own.lock);
}

int
layrub_torch_allocator_use(const struct layrub_torch_device *device, char *error)
{
	struct err e = ERR_INIT;
	int rc;

	pthread_mutex_lock(&own.lock);
	rc = runtime_backend_find(&own.backend, device->backend, &e);
	own.device = device->number;
	pthread_mutex_unlock(&own.lock);
	if (rc < 0)
		snprintf(error, RUNTIME_ERROR, "%s", e.text);
	return rc;
}

void
layrub_torch_requests_note(void)
{
	pthread_mutex_lock(&own.lock);
	own.noting = true;
	own.lost = false;
	own.count = 0;
	pthread_mutex_unlock(&own.lock);
}

const struct layrub_torch_request *
layrub_torch_requests_noted(uint32_t *count)
{
	pthread_mutex_lock(&own.lock);
	own.noting = false;
	*count = own.lost ? UINT32_MAX : own.count;
	pthread_mutex_unlock(&own.lock);
	return own.noted;
}

void
layrub_torch_requests_answer(void *arena, uint64_t arena_bytes, const struct layrub_torch_request *wanted, uint32_t count)
{
	pthread_mutex_lock(&own.lock);
	have_aside();
	own.answering = true;
	own.thread = pthread_self();
	own.arena = arena;
	own.arena_bytes = arena_bytes;
	own.wanted = wanted;
	own.wanted_count = count;
	own.next = own.misses = 0;
	own.missed_bytes = 0;
	pthread_mutex_unlock(&own.lock);
}

uint32_t
layrub_torch_requests_end(uint32_t *left, uint64_t *missed_bytes)
{
	uint32_t misses;

	pthread_mutex_lock(&own.lock);
	own.answering = false;
	*left = own.wanted_count - own.next;
	*missed_bytes = own.missed_bytes;
	misses = own.misses;
	pthread_mutex_unlock(&own.lock);
	return misses;
}

uint32_t
layrub_torch_answer_from(uint32_t source)
{
	uint32_t before;

	pthread_mutex_lock(&own.lock);
	before = own.source;
	if (source < SOURCE_COUNT)
		own.source = (enum source)source;
	pthread_mutex_unlock(&own.lock);
	return before;
}

void
layrub_torch_trim(void)
{
	pthread_mutex_lock(&own.lock);
	sources_trim(own.backend, own.device);
	pthread_mutex_unlock(&own.lock);
}

uint64_t
layrub_torch_used_bytes(void)
{
	uint64_t bytes;

	pthread_mutex_lock(&own.lock);
	bytes = sources_used();
	pthread_mutex_unlock(&own.lock);
	return bytes;
}
