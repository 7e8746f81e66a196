/* SPDX-License-Identifier: Apache-2.0 */
/* allocator.c - answers PyTorch's requests for GPU memory: from the driver, by a plan, or by addresses that have no memory */
#include <config.h>
#include "pytorch/runtime/allocator.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "pytorch/runtime/cuda_driver.h"
#include "src/base/units.h"

enum {
	ALIGNMENT = 512,		/* bytes, as PyTorch's own allocator has it */
	MOST_CHUNKS = 64,		/* of addresses: half of all that a process has */
	SMALL_BYTES = 64,		/* requests that may come under capture alone: a seed, an offset */
	SLOT_BYTES = 256, SLOTS = 16384	/* for small requests; round and round, as each is used by one op */
};

#define CHUNK_BYTES ((uint64_t)1 << 40)	/* of addresses that are reserved at once */

struct block {
	uint64_t address, bytes;
	void *stream;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const struct cuda_driver *given_driver;
static layrub_torch_raise_fn *raise_error;
static uint32_t source;

static uint64_t chunks[MOST_CHUNKS];	/* first addresses */
static size_t chunk_count;
static uint64_t chunk_used;		/* bytes of the last chunk */

static struct block *spare;		/* blocks of KEPT that are given back */
static size_t spare_count, spare_room;
static struct block *kept;		/* blocks of KEPT in use */
static size_t kept_count, kept_room;
static uint64_t used_bytes, peak_bytes;

static struct layrub_torch_request *log_list;
static size_t log_count, log_room;
static bool logging;

static const struct layrub_torch_request *expected;	/* NULL: no op of a plan runs */
static uint32_t expected_count, expected_next, unexpected;
static uint64_t unexpected_bytes;
static uint64_t slots, next_slot;	/* the place aside */
static uint64_t *planned;		/* addresses of plans in use */
static size_t planned_count, planned_room;

void
allocator_use_driver(const struct cuda_driver *driver)
{
	given_driver = driver;
}

static const struct cuda_driver *
find_driver(struct err *e)
{
	return given_driver != NULL ? given_driver : cuda_driver(e);
}

static uint64_t
rounded(uint64_t bytes)
{
	return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* Makes room for one more element; false: out of memory. */
static bool
grow(void *list, size_t count, size_t *room, size_t size)
{
	size_t more = *room != 0 ? 2 * *room : 256;
	void *old, *grown;

	if (count < *room)
		return true;
	memcpy(&old, list, sizeof(old));
	grown = realloc(old, more * size);
	if (grown == NULL)
		return false;
	memcpy(list, &grown, sizeof(grown));
	*room = more;
	return true;
}

/* ---- the sources ---- */

static void
count_used(uint64_t bytes)
{
	used_bytes += bytes;
	if (used_bytes > peak_bytes)
		peak_bytes = used_bytes;
}

static int
take_memory(const struct cuda_driver *d, uint64_t *address, uint64_t bytes, void *stream, struct err *e)
{
	CUDA_CALL(d, memory_take_in, (address, (size_t)bytes, stream), e);
	return 0;
}

static int
take_kept(const struct cuda_driver *d, uint64_t *address, uint64_t bytes, void *stream, struct err *e)
{
	size_t i = spare_count;

	if (!grow(&kept, kept_count, &kept_room, sizeof(*kept)))
		return err_set(e, ERR_SYSTEM, "out of memory");
	while (i > 0 && (spare[i - 1].bytes != bytes || spare[i - 1].stream != stream))
		i--;
	if (i > 0) {
		*address = spare[i - 1].address;
		spare[i - 1] = spare[--spare_count];
	} else {
		CUDA_CALL(d, memory_take, (address, (size_t)bytes), e);
	}
	kept[kept_count++] = (struct block) { *address, bytes, stream };
	return 0;
}

static int
take_address(const struct cuda_driver *d, uint64_t *address, uint64_t bytes, struct err *e)
{
	if (bytes > CHUNK_BYTES)
		return err_set(e, ERR_SYSTEM, "a tensor larger than a tebibyte");
	if (chunk_count == 0 || chunk_used + bytes > CHUNK_BYTES) {
		if (chunk_count == MOST_CHUNKS)
			return err_set(e, ERR_SYSTEM, "no addresses are left");
		CUDA_CALL(d, address_reserve, (&chunks[chunk_count], (size_t)CHUNK_BYTES, 0, 0, 0), e);
		chunk_count++;
		chunk_used = 0;
	}
	*address = chunks[chunk_count - 1] + chunk_used;
	chunk_used += bytes;
	return 0;
}

static int
take(uint64_t *address, uint64_t bytes, void *stream, struct err *e)
{
	const struct cuda_driver *d = find_driver(e);
	int rc;

	if (d == NULL)
		return -1;
	if (source == LAYRUB_TORCH_ADDRESSES)
		return take_address(d, address, bytes, e);
	rc = source == LAYRUB_TORCH_KEPT ? take_kept(d, address, bytes, stream, e) : take_memory(d, address, bytes, stream, e);
	if (rc == 0)
		count_used(bytes);
	return rc;
}

/* ---- requests of an op of a plan ---- */

/* A slot for a small request; 0: none. */
static uint64_t
take_slot(void)
{
	struct err e = ERR_INIT;
	const struct cuda_driver *d = find_driver(&e);

	if (slots == 0 && (d == NULL || d->memory_take(&slots, (size_t)SLOT_BYTES * SLOTS) != 0))
		return 0;
	return slots + SLOT_BYTES * (next_slot++ % SLOTS);
}

/* The plan's address for a request; 0: it is not the plan's. */
static uint64_t
take_planned(uint64_t bytes)
{
	if (expected_next < expected_count && expected[expected_next].bytes == bytes &&
	    grow(&planned, planned_count, &planned_room, sizeof(*planned)))
		return planned[planned_count++] = expected[expected_next++].address;
	if (bytes <= SMALL_BYTES)
		return take_slot();
	unexpected++;
	if (bytes > unexpected_bytes)
		unexpected_bytes = bytes;
	return 0;
}

/* Gives a plan's address back; false: it is none. */
static bool
give_planned(uint64_t address)
{
	size_t i = planned_count;

	while (i > 0 && planned[i - 1] != address)
		i--;
	if (i > 0)
		planned[i - 1] = planned[--planned_count];
	return i > 0;
}

void
layrub_torch_expect(const struct layrub_torch_request *requests, uint32_t count)
{
	static const struct layrub_torch_request none;

	pthread_mutex_lock(&lock);
	if (slots == 0)
		(void)take_slot();	/* a captured step could not */
	expected = count != 0 ? requests : &none;
	expected_count = count;
	expected_next = unexpected = 0;
	unexpected_bytes = 0;
	pthread_mutex_unlock(&lock);
}

uint32_t
layrub_torch_expected_end(uint64_t *bytes)
{
	uint32_t count;

	pthread_mutex_lock(&lock);
	expected = NULL;
	count = unexpected;
	*bytes = unexpected_bytes;
	pthread_mutex_unlock(&lock);
	return count;
}

/* ---- PyTorch's side ---- */

static void
note(uint64_t address, uint64_t bytes, bool taken)
{
	if (logging && grow(&log_list, log_count, &log_room, sizeof(*log_list)))
		log_list[log_count++] = (struct layrub_torch_request) { address, bytes, taken };
}

static void
fail(uint64_t bytes, const struct err *e)
{
	char text[RUNTIME_ERROR], size[32];

	snprintf(text, sizeof(text), "layrub: no GPU memory for a tensor of %s: %s", units_size(size, (bytes_t)bytes), e->text);
	if (raise_error == NULL) {
		fprintf(stderr, "%s\n", text);
		abort();
	}
	raise_error("layrub_torch_alloc", __FILE__, __LINE__, text);
}

void *
layrub_torch_alloc(ssize_t bytes, int device, void *stream)
{
	struct err e = ERR_INIT;
	uint64_t address = 0;
	int rc = 0;

	(void)device;	/* PyTorch has made it current */
	if (bytes <= 0)
		return NULL;
	pthread_mutex_lock(&lock);
	if (expected != NULL)
		address = take_planned((uint64_t)bytes);
	if (address == 0)
		rc = take(&address, rounded((uint64_t)bytes), stream, &e);
	if (rc == 0)
		note(address, (uint64_t)bytes, true);
	pthread_mutex_unlock(&lock);
	if (rc < 0)
		fail((uint64_t)bytes, &e);
	return (void *)(uintptr_t)address;
}

static bool
has_no_memory(uint64_t address)
{
	for (size_t i = 0; i < chunk_count; i++)
		if (address - chunks[i] < CHUNK_BYTES)
			return true;
	return slots != 0 && address - slots < (uint64_t)SLOT_BYTES * SLOTS;
}

/* Gives a block of KEPT back; false: it is none. */
static bool
give_kept(uint64_t address)
{
	size_t i = kept_count;

	while (i > 0 && kept[i - 1].address != address)
		i--;
	if (i == 0)
		return false;
	if (grow(&spare, spare_count, &spare_room, sizeof(*spare)))
		spare[spare_count++] = kept[i - 1];
	kept[i - 1] = kept[--kept_count];
	return true;
}

void
layrub_torch_release(void *memory, ssize_t bytes, int device, void *stream)
{
	const uint64_t address = (uint64_t)(uintptr_t)memory;
	struct err e = ERR_INIT;
	const struct cuda_driver *d = find_driver(&e);

	(void)device;
	pthread_mutex_lock(&lock);
	note(address, (uint64_t)bytes, false);
	if (address != 0 && d != NULL && !give_planned(address) && !has_no_memory(address)) {
		used_bytes -= rounded((uint64_t)bytes);
		if (!give_kept(address))
			(void)d->memory_give_in(address, stream);
	}
	pthread_mutex_unlock(&lock);
}

void
layrub_torch_raise_by(layrub_torch_raise_fn *raise)
{
	raise_error = raise;
}

uint32_t
layrub_torch_answer_from(uint32_t next)
{
	uint32_t before;

	pthread_mutex_lock(&lock);
	before = source;
	source = next;
	pthread_mutex_unlock(&lock);
	return before;
}

void
layrub_torch_trim(void)
{
	struct err e = ERR_INIT;
	const struct cuda_driver *d = find_driver(&e);

	pthread_mutex_lock(&lock);
	while (d != NULL && spare_count > 0)
		(void)d->memory_give(spare[--spare_count].address);
	pthread_mutex_unlock(&lock);
}

uint64_t
layrub_torch_used_bytes(void)
{
	uint64_t bytes;

	pthread_mutex_lock(&lock);
	bytes = used_bytes;
	pthread_mutex_unlock(&lock);
	return bytes;
}

uint64_t
layrub_torch_peak_bytes(bool reset)
{
	uint64_t bytes;

	pthread_mutex_lock(&lock);
	bytes = peak_bytes;
	if (reset)
		peak_bytes = used_bytes;
	pthread_mutex_unlock(&lock);
	return bytes;
}

void
layrub_torch_log_requests(bool on)
{
	pthread_mutex_lock(&lock);
	logging = on;
	log_count = 0;
	pthread_mutex_unlock(&lock);
}

uint32_t
layrub_torch_log(struct layrub_torch_request *requests, uint32_t most)
{
	uint32_t count;

	pthread_mutex_lock(&lock);
	count = (uint32_t)log_count;
	memcpy(requests, log_list, sizeof(*requests) * (count < most ? count : most));
	pthread_mutex_unlock(&lock);
	return count;
}
