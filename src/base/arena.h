/* SPDX-License-Identifier: Apache-2.0 */
/* arena.h - all memory of one run, released at once
 *
 * Everything read or planned lives in one arena; no structure has a _free of
 * its own.  An arena belongs to one thread.  Allocation never returns NULL:
 * when the host's memory runs out it leaves through the jump target that
 * arena_run() sets, and that returns ERR_SYSTEM, so nothing in between checks.
 * Code that may allocate must therefore not hold another library's handle over
 * an allocation unless it is also released after arena_run().
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

/* Call fn(arg) with a's jump target set; ERR_SYSTEM when memory runs out. */
int arena_run(struct arena *a, int (*fn)(void *arg), void *arg, struct err *e) WARN_UNUSED;

/* Release everything; a may be used again. */
void arena_free(struct arena *a);

/* Leave as a failed allocation does: for another library's memory that ran out. */
_Noreturn void arena_fail(struct arena *a);

/* count objects of size bytes, zeroed, aligned for any type. */
void *arena_alloc(struct arena *a, size_t size, size_t count);
#define ARENA_NEW(a, type, n) ((type *)arena_alloc((a), sizeof(type), (n)))

/* Make room for one more element in a growing array of *capacity elements that
 * holds count; returns the array, moved when it had to grow (by doubling). */
void *arena_grow(struct arena *a, void *array, size_t size, size_t count, size_t *capacity);
#define ARENA_PUSH(a, array, count, capacity) \
	((array) = arena_grow((a), (array), sizeof(*(array)), (count), &(capacity)), \
	    &(array)[(count)++])

char *arena_strdup(struct arena *a, const char *s);
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
#endif
