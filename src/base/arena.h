/* SPDX-License-Identifier: Apache-2.0 */
/* arena.h - all memory of one run, released at once
 *
 * Documents and plans live in one arena; no structure has a _free of its own.  An arena belongs to one thread.  Allocation never
 * returns NULL: when the host's memory runs out, it jumps to the target that arena_run() set, and arena_run() returns ERR_SYSTEM.
 * Callers in between need no check.  A handle of another library that is held over an allocation must be released after
 * arena_run().
 */
#ifndef SRC_BASE_ARENA_H
#define SRC_BASE_ARENA_H
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>

#include "src/base/err.h"

struct arena {
	struct arena_block *blocks;	/* newest first */
	jmp_buf *out_of_memory;		/* where a failed allocation goes */
	size_t bytes;			/* taken from malloc so far */
	size_t limit;			/* fail past this many bytes; 0 = no limit */
};
#define ARENA_INIT { .blocks = NULL }

/* Calls fn(arg) with a's jump target set and returns its result; ERR_SYSTEM when memory runs out. */
int arena_run(struct arena *a, int (*fn)(void *arg), void *arg, struct err *e) WARN_UNUSED;

/* Releases all blocks; a may be used again. */
void arena_free(struct arena *a);

/* Jumps to the target as a failed allocation does.  For callers of another library whose memory ran out. */
_Noreturn void arena_fail(struct arena *a);

/* Returns count objects of size bytes, zeroed, aligned for any type. */
void *arena_alloc(struct arena *a, size_t size, size_t count);
#define ARENA_NEW(a, type, n) ((type *)arena_alloc((a), sizeof(type), (n)))

/* Returns an array with room for one more element.  That is array itself, which holds count of *capacity elements, or a copy of
 * twice the capacity. */
void *arena_grow(struct arena *a, void *array, size_t size, size_t count, size_t *capacity);
#define ARENA_PUSH(a, array, count, capacity) \
	((array) = (count) < (capacity) ? (array) : arena_grow((a), (array), sizeof(*(array)), (count), &(capacity)), \
	    &(array)[(count)++])

char *arena_strdup(struct arena *a, const char *s);
/* Returns s in a form that a shell reads as one word. */
const char *arena_quote(struct arena *a, const char *s);
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
#endif
