/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>
#include "src/base/spans.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { LEVELS = 11 };	/* 64^11 > 2^64 */

/* A set bit marks where a span begins.  Bit i of a level says that word i of the level below
 * has a bit set; the top level is one word. */
struct spans {
	size_t count;			/* of addresses; the last one only ends spans */
	bytes_t *address;		/* [count] rising, distinct */
	uint64_t *value;		/* [count] of the span that begins here, where marked */
	bytes_t *base;			/* [count] likewise */
	int levels;
	uint64_t *bits[LEVELS];
};

static void
mark(struct spans *s, size_t i)
{
	for (int l = 0; l < s->levels; l++, i /= 64)
		s->bits[l][i / 64] |= UINT64_C(1) << i % 64;
}

static void
unmark(struct spans *s, size_t i)
{
	for (int l = 0; l < s->levels; l++, i /= 64) {
		s->bits[l][i / 64] &= ~(UINT64_C(1) << i % 64);
		if (s->bits[l][i / 64] != 0)
			return;
	}
}

static bool
is_marked(const struct spans *s, size_t i)
{
	return (s->bits[0][i / 64] >> i % 64 & 1) != 0;
}

/* The last mark at or before i; there is always one, at 0. */
static size_t
mark_before(const struct spans *s, size_t i)
{
	uint64_t word;
	int l;

	for (l = 0;; l++) {
		word = s->bits[l][i / 64] & (UINT64_MAX >> (63 - i % 64));
		if (word != 0)
			break;
		/* Up, and one to the left: what lies below word i / 64 is done with. */
		i /= 64;
		assert(i > 0);
		i--;
	}
	i = i / 64 * 64 + (size_t)(63 - __builtin_clzll(word));
	while (l-- > 0)
		i = i * 64 + (size_t)(63 - __builtin_clzll(s->bits[l][i]));
	return i;
}

/* The first mark after i, or the last address, which ends the last span. */
static size_t
mark_after(const struct spans *s, size_t i)
{
	uint64_t word = 0;
	int l;

	for (l = 0; l < s->levels; l++) {
		/* Strictly after bit i: the shift is in two steps, as i % 64 may be 63. */
		word = s->bits[l][i / 64] & (UINT64_MAX << 1 << i % 64);
		if (word != 0)
			break;
		i /= 64;
	}
	if (l == s->levels)
		return s->count - 1;
	i = i / 64 * 64 + (size_t)__builtin_ctzll(word);
	while (l-- > 0)
		i = i * 64 + (size_t)__builtin_ctzll(s->bits[l][i]);
	return i;
}

/* The position of the last address that is not above a. */
static size_t
position(const struct spans *s, bytes_t a)
{
	size_t low = 0, high = s->count;

	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (s->address[mid] <= a)
			low = mid;
		else
			high = mid;
	}
	return low;
}

static int
by_address(const void *a, const void *b)
{
	bytes_t x = *(const bytes_t *)a, y = *(const bytes_t *)b;

	return (x > y) - (x < y);
}

struct spans *
spans_new(const bytes_t *addresses, size_t count, struct arena *a)
{
	struct spans *s = ARENA_NEW(a, struct spans, 1);
	size_t words = count;

	s->address = ARENA_NEW(a, bytes_t, count);
	s->value = ARENA_NEW(a, uint64_t, count);
	s->base = ARENA_NEW(a, bytes_t, count);
	if (count > 0)
		memcpy(s->address, addresses, count * sizeof(*addresses));
	qsort(s->address, count, sizeof(*s->address), by_address);
	for (size_t i = 0; i < count; i++)
		if (s->count == 0 || s->address[s->count - 1] != s->address[i])
			s->address[s->count++] = s->address[i];
	do {
		words = (words + 63) / 64;
		s->bits[s->levels++] = ARENA_NEW(a, uint64_t, words + 1);
	} while (words > 1);
	if (s->count > 0) {
		s->value[0] = SPAN_EMPTY;
		mark(s, 0);
	}
	return s;
}

/* A span begins at i: split the one around it. */
static void
split(struct spans *s, size_t i)
{
	size_t from;

	if (i + 1 == s->count || is_marked(s, i))
		return;
	from = mark_before(s, i);
	s->value[i] = s->value[from];
	s->base[i] = s->base[from];
	mark(s, i);
}

/* Join the span that begins at i with the one before it when they say the same. */
static void
join(struct spans *s, size_t i)
{
	size_t from;

	if (i == 0 || i + 1 == s->count)
		return;
	from = mark_before(s, i - 1);
	if (s->value[from] == s->value[i] && s->base[from] == s->base[i])
		unmark(s, i);
}

void
spans_set(struct spans *s, bytes_t from, bytes_t to, uint64_t value, bytes_t base)
{
	size_t i, j;

	if (from >= to)
		return;
	i = position(s, from);
	j = position(s, to);
	assert(s->address[i] == from && s->address[j] == to);
	split(s, i);
	split(s, j);
	for (size_t k = mark_after(s, i); k < j; k = mark_after(s, k))
		unmark(s, k);
	s->value[i] = value;
	s->base[i] = value == SPAN_EMPTY ? 0 : base;
	join(s, j);
	join(s, i);
}

struct span
spans_at(const struct spans *s, bytes_t address)
{
	size_t from, to;

	if (s->count < 2)	/* a map of nothing */
		return (struct span) { address, address, SPAN_EMPTY, 0 };
	from = mark_before(s, position(s, address));
	to = mark_after(s, from);
	return (struct span) { s->address[from], s->address[to], s->value[from], s->base[from] };
}
