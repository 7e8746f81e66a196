/* SPDX-License-Identifier: Apache-2.0 */
/* The map of address ranges against an array with one entry an address. */
#include <config.h>
#include "src/base/spans.h"

#include <stdlib.h>

#include "tests/random.h"
#include "tests/tap.h"

enum { RANGE = 6000, MOST = 5000 };

static uint64_t seed;

static uint64_t
random_below(uint64_t n)
{
	return random_xorshift(&seed) % n;
}

struct model_cell { uint64_t value; bytes_t base; };

static bool
same(struct model_cell a, struct model_cell b)
{
	return a.value == b.value && a.base == b.base;
}

/* Every span of the map is the longest stretch of equal cells, and they cover the range. */
static bool
agrees(const struct spans *s, const struct model_cell *cell, bytes_t min, bytes_t max)
{
	for (bytes_t at = min; at < max;) {
		struct span got = spans_at(s, at);

		if (got.from != at || got.to <= at || got.to > max)
			return false;
		for (bytes_t i = got.from; i < got.to; i++)
			if (!same(cell[i], (struct model_cell) { got.value, got.base }))
				return false;
		if (got.to < max && same(cell[got.to], cell[at]))
			return false;
		at = got.to;
	}
	return true;
}

/* count addresses in [0, RANGE), steps random sets: few values, so that neighbours join. */
static bool
run(uint64_t start, size_t count, unsigned steps, unsigned values)
{
	static struct model_cell cell[RANGE];
	static bytes_t address[MOST];
	struct arena a = ARENA_INIT;
	bytes_t min = RANGE, max = 0;
	struct spans *s;
	bool good = true;

	seed = start;
	for (size_t i = 0; i < count; i++) {
		address[i] = random_below(RANGE);
		min = address[i] < min ? address[i] : min;
		max = address[i] > max ? address[i] : max;
	}
	for (size_t i = 0; i < RANGE; i++)
		cell[i] = (struct model_cell) { SPAN_EMPTY, 0 };
	s = spans_new(address, count, &a);
	good = agrees(s, cell, min, max);
	for (unsigned k = 0; good && k < steps; k++) {
		bytes_t x = address[random_below(count)], y = address[random_below(count)];
		bytes_t from = x < y ? x : y, to = x < y ? y : x;
		uint64_t value = random_below(values);
		struct model_cell c = { value == 0 ? SPAN_EMPTY : value, value == 0 ? 0 : random_below(2) };

		/* The base of nothing does not count. */
		spans_set(s, from, to, c.value, value == 0 ? random_below(9) : c.base);
		for (bytes_t i = from; i < to; i++)
			cell[i] = c;
		if (k % 16 == 0 || k + 1 == steps)
			good = agrees(s, cell, min, max);
		if (max > min) {
			bytes_t at = min + random_below(max - min);
			struct span got = spans_at(s, at);

			good = good && got.from <= at && at < got.to && same(cell[at], (struct model_cell) { got.value, got.base });
		}
	}
	arena_free(&a);
	return good;
}

int
main(void)
{
	static const size_t counts[] = { 1, 2, 3, 5, 63, 64, 65, 66, 128, 129, 1000, MOST };
	const bytes_t edges[] = { 0, BYTES_MAX, 256, BYTES_MAX };
	struct arena a = ARENA_INIT;
	struct spans *s;

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		for (unsigned values = 2; values <= 32; values *= 4)
			ok(run(88172645463325252u + i, counts[i], 300, values), "%zu addresses, %u values",
			    counts[i], values);
	s = spans_new(edges, 4, &a);
	spans_set(s, 256, BYTES_MAX, 7, 1);
	is_uint(spans_at(s, BYTES_MAX - 1).value, 7, "the last byte of a large map");
	is_uint(spans_at(s, 255).value, SPAN_EMPTY, "what nobody set is empty");
	is_uint(spans_at(s, 255).to, 256, "and ends where the next begins");
	spans_set(s, 0, 256, 7, 2);
	is_uint(spans_at(s, 0).to, 256, "another base is another span");
	spans_set(s, 0, 256, 7, 1);
	is_uint(spans_at(s, 0).to, BYTES_MAX, "the same base joins");
	spans_set(s, 256, 256, 9, 0);
	is_uint(spans_at(s, 256).value, 7, "an empty range sets nothing");
	is_uint(spans_at(spans_new(NULL, 0, &a), 5).value, SPAN_EMPTY, "a map of nothing");
	arena_free(&a);
	return tap_done();
}
