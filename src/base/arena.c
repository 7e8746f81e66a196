/* SPDX-License-Identifier: Apache-2.0 */
/* arena.c - blocks of zeroed memory, filled from the front and released together */
#include <config.h>
#include "src/base/arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 1 << 16 };

struct arena_block {
	struct arena_block *next;
	size_t used, size;
	alignas(max_align_t) unsigned char data[];
};

int
arena_run(struct arena *a, int (*fn)(void *arg), void *arg, struct err *e)
{
	jmp_buf *volatile outer = a->out_of_memory;
	jmp_buf here;
	int rc;

	if (setjmp(here) != 0) {
		a->out_of_memory = outer;
		return err_set(e, ERR_SYSTEM, "out of memory after %zu bytes", a->bytes);
	}
	a->out_of_memory = &here;
	rc = fn(arg);
	a->out_of_memory = outer;
	return rc;
}

void
arena_free(struct arena *a)
{
	struct arena_block *b, *next;

	for (b = a->blocks; b != NULL; b = next) {
		next = b->next;
		free(b);
	}
	a->blocks = NULL;
	a->bytes = 0;
}

void
arena_fail(struct arena *a)
{
	if (a->out_of_memory != NULL)
		longjmp(*a->out_of_memory, 1);
	fputs("layrub: out of memory outside arena_run()\n", stderr);
	abort();
}

/* Returns a block with room for size more bytes.  A large request gets a block of its own behind the newest one, so that the
 * newest one's room stays in use. */
static struct arena_block *
block_for(struct arena *a, size_t size)
{
	struct arena_block *b = a->blocks;
	bool own = size > BLOCK_BYTES / 4;
	size_t want = own ? size : BLOCK_BYTES;

	if (b != NULL && b->size - b->used >= size)
		return b;
	if (want > SIZE_MAX - sizeof(*b) || (a->limit > 0 && want > a->limit - a->bytes))
		arena_fail(a);
	b = calloc(1, sizeof(*b) + want);
	if (b == NULL)
		arena_fail(a);
	b->size = want;
	a->bytes += want;
	if (own && a->blocks != NULL) {
		b->next = a->blocks->next;
		a->blocks->next = b;
	} else {
		b->next = a->blocks;
		a->blocks = b;
	}
	return b;
}

void *
arena_alloc(struct arena *a, size_t size, size_t count)
{
	const size_t align = alignof(max_align_t);
	struct arena_block *b;
	size_t total;
	void *p;

	if (__builtin_mul_overflow(size, count, &total) || total > SIZE_MAX - align)
		arena_fail(a);
	total = (total + align - 1) / align * align;
	b = block_for(a, total);
	p = b->data + b->used;
	b->used += total;
	return p;
}

void *
arena_grow(struct arena *a, void *array, size_t size, size_t count, size_t *capacity)
{
	void *bigger;

	if (count < *capacity)
		return array;
	*capacity = *capacity == 0 ? 16 : *capacity * 2;
	bigger = arena_alloc(a, size, *capacity);
	if (count > 0)
		memcpy(bigger, array, size * count);
	return bigger;
}

char *
arena_strdup(struct arena *a, const char *s)
{
	size_t n = strlen(s) + 1;

	return memcpy(arena_alloc(a, 1, n), s, n);
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap, again;
	char *s;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	s = arena_alloc(a, 1, n < 0 ? 1 : (size_t)n + 1);
	if (n >= 0)
		vsnprintf(s, (size_t)n + 1, fmt, again);
	va_end(again);
	return s;
}

const char *
arena_quote(struct arena *a, const char *s)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-=/:,+@%";
	const char *text = "'", *quote;

	if (strspn(s, plain) == strlen(s))
		return s;
	for (; (quote = strchr(s, '\'')) != NULL; s = quote + 1)
		text = arena_printf(a, "%s%.*s'\\''", text, (int)(quote - s), s);
	return arena_printf(a, "%s%s'", text, s);
}
