/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unmapped.c - an allocator for PyTorch that can answer with addresses that have no memory behind them
 *
 * A step is recorded on a GPU that could not hold it: its tensors have addresses and no bytes, and nothing is launched.  Each
 * address is given once, so that no two tensors of a recording share one.  At other times requests get memory, and blocks that
 * are given back serve later requests of the same size and stream, so that a captured graph of many runs of one op needs no
 * memory of its own.  CUDA's driver is loaded at the first request: no toolkit is needed to build this.
 */
#include "unmapped.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>

enum {
	ALIGNMENT = 512,	/* bytes, as PyTorch's own allocator has it */
	MOST_CHUNKS = 64	/* of addresses: half of all that a process has */
};

#define CHUNK_BYTES ((uint64_t)1 << 40)	/* of addresses that are reserved at once */

struct block {
	uint64_t address, bytes;
	void *stream;
};

/* Of CUDA's driver interface; each returns 0 when it has succeeded. */
static struct {
	int (*alloc)(uint64_t *address, size_t bytes);
	int (*free)(uint64_t address);
	int (*reserve)(uint64_t *address, size_t bytes, size_t alignment, uint64_t hint, unsigned long long flags);
} driver;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool without_memory;
static uint64_t chunks[MOST_CHUNKS];	/* first addresses */
static size_t n_chunks;
static uint64_t used_bytes;		/* of the last chunk */
static struct block *spare;		/* blocks with memory that are given back */
static size_t n_spare, spare_capacity;
static uint64_t live_bytes, peak_bytes;	/* with memory */

static bool
load_driver(void)
{
	if (driver.alloc != NULL)
		return true;
	void *cuda = dlopen("libcuda.so.1", RTLD_NOW);
	if (cuda == NULL)
		return false;
	*(void **)&driver.free = dlsym(cuda, "cuMemFree_v2");
	*(void **)&driver.reserve = dlsym(cuda, "cuMemAddressReserve");
	if (driver.free != NULL && driver.reserve != NULL)
		*(void **)&driver.alloc = dlsym(cuda, "cuMemAlloc_v2");
	return driver.alloc != NULL;
}

/* An address that no other request gets; 0: none is left. */
static uint64_t
reserve(uint64_t bytes)
{
	if (bytes > CHUNK_BYTES)
		return 0;
	if (n_chunks == 0 || used_bytes + bytes > CHUNK_BYTES) {
		if (n_chunks == MOST_CHUNKS || driver.reserve(&chunks[n_chunks], CHUNK_BYTES, 0, 0, 0) != 0)
			return 0;
		n_chunks++;
		used_bytes = 0;
	}
	used_bytes += bytes;
	return chunks[n_chunks - 1] + used_bytes - bytes;
}

static bool
is_without_memory(uint64_t address)
{
	for (size_t i = 0; i < n_chunks; i++)
		if (address - chunks[i] < CHUNK_BYTES)
			return true;
	return false;
}

/* A block with memory; 0: there is none. */
static uint64_t
take(uint64_t bytes, void *stream)
{
	uint64_t address = 0;

	for (size_t i = n_spare; i-- > 0 && address == 0;) {
		if (spare[i].bytes == bytes && spare[i].stream == stream) {
			address = spare[i].address;
			spare[i] = spare[--n_spare];
		}
	}
	if (address == 0 && driver.alloc(&address, bytes) != 0)
		return 0;
	live_bytes += bytes;
	if (live_bytes > peak_bytes)
		peak_bytes = live_bytes;
	return address;
}

static uint64_t
rounded(ssize_t bytes)
{
	return ((uint64_t)bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

void *
layrub_unmapped_alloc(ssize_t bytes, int device, void *stream)
{
	uint64_t address = 0;

	(void)device;
	if (bytes <= 0)
		return NULL;
	pthread_mutex_lock(&lock);
	if (load_driver())
		address = without_memory ? reserve(rounded(bytes)) : take(rounded(bytes), stream);
	pthread_mutex_unlock(&lock);
	return (void *)(uintptr_t)address;
}

void
layrub_unmapped_free(void *pointer, ssize_t bytes, int device, void *stream)
{
	const uint64_t address = (uint64_t)(uintptr_t)pointer;

	(void)device;
	pthread_mutex_lock(&lock);
	if (address != 0 && !is_without_memory(address)) {
		live_bytes -= rounded(bytes);
		if (n_spare == spare_capacity) {
			const size_t capacity = spare_capacity != 0 ? 2 * spare_capacity : 256;
			struct block *grown = realloc(spare, capacity * sizeof *spare);
			if (grown != NULL) {
				spare = grown;
				spare_capacity = capacity;
			}
		}
		if (n_spare < spare_capacity)
			spare[n_spare++] = (struct block){ address, rounded(bytes), stream };
		else
			driver.free(address);
	}
	pthread_mutex_unlock(&lock);
}

bool
layrub_unmapped_without_memory(bool on)
{
	pthread_mutex_lock(&lock);
	const bool before = without_memory;
	without_memory = on;
	pthread_mutex_unlock(&lock);
	return before;
}

uint64_t
layrub_unmapped_live_bytes(void)
{
	pthread_mutex_lock(&lock);
	const uint64_t bytes = live_bytes;
	pthread_mutex_unlock(&lock);
	return bytes;
}

uint64_t
layrub_unmapped_peak_bytes(bool reset)
{
	pthread_mutex_lock(&lock);
	const uint64_t bytes = peak_bytes;
	if (reset)
		peak_bytes = live_bytes;
	pthread_mutex_unlock(&lock);
	return bytes;
}

void
layrub_unmapped_trim(void)
{
	pthread_mutex_lock(&lock);
	while (n_spare > 0)
		driver.free(spare[--n_spare].address);
	pthread_mutex_unlock(&lock);
}
