/* SPDX-License-Identifier: Apache-2.0 */
/* sources.c - where requests outside of plans are answered from */
#include <config.h>
#include "pytorch/runtime/sources.h"

#include <stdlib.h>
#include <string.h>

enum {
	ALIGNMENT = 512,	/* bytes, as PyTorch's own allocator has it */
	MOST_CHUNKS = 64	/* half of all addresses that a process has */
};

#define CHUNK_BYTES ((bytes_t)1 << 40)	/* of addresses that are reserved at once */

struct held {
	void *memory, *stream;
	bytes_t bytes;
};

struct held_list {
	struct held *list;
	size_t count, room;
};

static struct held_list kept, spare;	/* blocks of KEPT: in use, and given back */
static unsigned char *chunks[MOST_CHUNKS];	/* of addresses */
static size_t chunk_count;
static bytes_t chunk_used;		/* of the last one */
static bytes_t used;

static bytes_t
rounded(bytes_t bytes)
{
	return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* Appends a block; false: out of memory. */
static bool
put(struct held_list *b, struct held block)
{
	struct held *larger;

	if (b->count == b->room) {
		larger = realloc(b->list, (b->room + 256) * 2 * sizeof(*larger));
		if (larger == NULL)
			return false;
		b->list = larger;
		b->room = (b->room + 256) * 2;
	}
	b->list[b->count++] = block;
	return true;
}

static struct held
remove_at(struct held_list *b, size_t i)
{
	struct held found = b->list[i];

	b->list[i] = b->list[--b->count];
	return found;
}

static int
take_kept(const struct runtime_backend *b, int32_t device, void **memory, bytes_t bytes, void *stream, struct err *e)
{
	struct held found = { NULL, stream, bytes };

	for (size_t i = spare.count; i-- > 0 && found.memory == NULL;)
		if (spare.list[i].bytes == bytes && spare.list[i].stream == stream)
			found = remove_at(&spare, i);
	if (found.memory == NULL && b->take(&found.memory, device, false, bytes, e) < 0)
		return -1;
	if (!put(&kept, found)) {
		b->give(found.memory, device, false, bytes);
		return err_set(e, ERR_SYSTEM, "out of memory");
	}
	*memory = found.memory;
	return 0;
}

static int
take_address(const struct runtime_backend *b, int32_t device, void **memory, bytes_t bytes, struct err *e)
{
	void *chunk = NULL;

	if (bytes > CHUNK_BYTES)
		return err_set(e, ERR_SYSTEM, "a tensor larger than a tebibyte");
	if (chunk_count == 0 || chunk_used + bytes > CHUNK_BYTES) {
		if (chunk_count == MOST_CHUNKS)
			return err_set(e, ERR_SYSTEM, "no addresses are left");
		if (b->reserve(&chunk, device, CHUNK_BYTES, e) < 0)
			return -1;
		chunks[chunk_count++] = chunk;
		chunk_used = 0;
	}
	*memory = chunks[chunk_count - 1] + chunk_used;
	chunk_used += bytes;
	return 0;
}

int
sources_take(const struct runtime_backend *b, int32_t device, enum source source, void **memory, bytes_t bytes, void *stream, struct err *e)
{
	bytes_t whole = rounded(bytes);
	int rc;

	if (source == SOURCE_ADDRESSES)
		return take_address(b, device, memory, whole, e);
	rc = source == SOURCE_KEPT ? take_kept(b, device, memory, whole, stream, e) : b->take_in(memory, device, whole, stream, e);
	if (rc < 0)
		return -1;
	used += whole;
	return 0;
}

static bool
has_no_memory(const void *memory)
{
	for (size_t i = 0; i < chunk_count; i++)
		if ((uintptr_t)memory - (uintptr_t)chunks[i] < CHUNK_BYTES)
			return true;
	return false;
}

void
sources_give(const struct runtime_backend *b, int32_t device, void *memory, bytes_t bytes, void *stream)
{
	if (has_no_memory(memory))
		return;
	used -= rounded(bytes);
	for (size_t i = kept.count; i-- > 0;)
		if (kept.list[i].memory == memory) {
			struct held found = remove_at(&kept, i);
			if (!put(&spare, found))
				b->give(found.memory, device, false, found.bytes);
			return;
		}
	b->give_in(memory, device, stream);
}

void
sources_trim(const struct runtime_backend *b, int32_t device)
{
	while (spare.count > 0) {
		struct held found = remove_at(&spare, spare.count - 1);
		b->give(found.memory, device, false, found.bytes);
	}
}

bytes_t
sources_used(void)
{
	return used;
}
