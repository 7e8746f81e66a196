/* SPDX-License-Identifier: Apache-2.0 */
/* spans.c - address ranges as an array of addresses and a set of beginnings */
#include <config.h>
#include "src/base/spans.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/bit_tree.h"

struct spans {
	size_t count;			/* of addresses; the last one only ends spans */
	bytes_t *address;		/* [count] rising, distinct */
	uint64_t *value;		/* [count] of the span that begins here, where marked */
	bytes_t *base;			/* [count] likewise */
	struct bit_tree marks;		/* positions at which a span begins */
};

/* Returns the first mark after i, or the last position, which ends the last span. */
static size_t
mark_after(const struct spans *s, size_t i)
{
	i = bit_tree_after(&s->marks, i);
	return i == BIT_NONE ? s->count - 1 : i;
}

/* Returns the position of the last address that is at most a. */
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

	s->address = ARENA_NEW(a, bytes_t, count);
	s->value = ARENA_NEW(a, uint64_t, count);
	s->base = ARENA_NEW(a, bytes_t, count);
	if (count > 0)
		memcpy(s->address, addresses, count * sizeof(*addresses));
	qsort(s->address, count, sizeof(*s->address), by_address);
	for (size_t i = 0; i < count; i++)
		if (s->count == 0 || s->address[s->count - 1] != s->address[i])
			s->address[s->count++] = s->address[i];
	bit_tree_init(&s->marks, s->count, a);
	if (s->count > 0) {
		s->value[0] = SPAN_EMPTY;
		bit_tree_add(&s->marks, 0);
	}
	return s;
}

/* Lets a span begin at i: splits the span around it. */
static void
split(struct spans *s, size_t i)
{
	size_t from;

	if (i + 1 == s->count || bit_tree_has(&s->marks, i))
		return;
	from = bit_tree_up_to(&s->marks, i);
	s->value[i] = s->value[from];
	s->base[i] = s->base[from];
	bit_tree_add(&s->marks, i);
}

/* Joins the span that begins at i with the one before it when value and base agree. */
static void
join(struct spans *s, size_t i)
{
	size_t from;

	if (i == 0 || i + 1 == s->count)
		return;
	from = bit_tree_up_to(&s->marks, i - 1);
	if (s->value[from] == s->value[i] && s->base[from] == s->base[i])
		bit_tree_drop(&s->marks, i);
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
		bit_tree_drop(&s->marks, k);
	s->value[i] = value;
	s->base[i] = value == SPAN_EMPTY ? 0 : base;
	join(s, j);
	join(s, i);
}

struct span
spans_at(const struct spans *s, bytes_t address)
{
	size_t from, to;

	if (s->count < 2)	/* a map without a span */
		return (struct span) { address, address, SPAN_EMPTY, 0 };
	from = bit_tree_up_to(&s->marks, position(s, address));
	to = mark_after(s, from);
	return (struct span) { s->address[from], s->address[to], s->value[from], s->base[from] };
}
