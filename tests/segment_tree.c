/* SPDX-License-Identifier: Apache-2.0 */
/* The segment tree against an array: every question after every addition, at counts around powers of two. */
#include <config.h>
#include "src/base/segment_tree.h"

#include "tests/random.h"
#include "tests/tap.h"

enum { MOST = 140, ROUNDS = 400, ADDITIONS = 40 };

static uint64_t seed = 3;

static uint32_t
draw(uint32_t below)
{
	return (uint32_t)((random_xorshift(&seed) >> 11) % below);
}

/* How many answers were wrong, by question. */
struct wrong { unsigned at, max, max_all, argmax, first, last; };

/* Answers about the range, which is not empty, and the place at its beginning. */
static void
ask_range(struct wrong *w, const struct segment_tree *t, const int64_t *values, uint32_t from, uint32_t to, int64_t limit)
{
	uint32_t first = SEGMENT_TREE_NONE, last = SEGMENT_TREE_NONE;
	int64_t most = values[from];

	for (uint32_t i = from; i < to; i++) {
		most = values[i] > most ? values[i] : most;
		if (values[i] > limit) {
			first = first == SEGMENT_TREE_NONE ? i : first;
			last = i;
		}
	}
	w->at += segment_tree_at(t, from) != values[from];
	w->max += segment_tree_max(t, from, to) != most;
	w->first += segment_tree_first_over(t, from, to, limit) != first;
	w->last += segment_tree_last_over(t, from, to, limit) != last;
}

static void
ask_all(struct wrong *w, const struct segment_tree *t, const int64_t *values, uint32_t n)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < n; i++)
		at = values[i] > values[at] ? i : at;
	w->argmax += segment_tree_argmax(t) != at;
	w->max_all += segment_tree_max_all(t) != values[at];
}

/* Numbers are small, so that several places share the largest. */
static void
test_random(void)
{
	struct arena a = ARENA_INIT;
	struct wrong w = { 0 };
	int64_t values[MOST];

	for (int round = 0; round < ROUNDS; round++) {
		uint32_t n = 1 + draw(MOST);
		struct segment_tree t;

		for (uint32_t i = 0; i < n; i++)
			values[i] = (int64_t)draw(100) - 50;
		segment_tree_init(&t, values, n, &a);
		for (int k = 0; k < ADDITIONS; k++) {
			uint32_t from = draw(n), to = from + draw(n - from + 1), left = draw(n), right = left + 1 + draw(n - left);
			int64_t value = (int64_t)draw(40) - 20;

			segment_tree_add(&t, from, to, value);
			for (uint32_t i = from; i < to; i++)
				values[i] += value;
			ask_range(&w, &t, values, left, right, (int64_t)draw(160) - 80);
			ask_all(&w, &t, values, n);
		}
		arena_free(&a);
	}
	is_uint(w.at, 0, "the number at a place");
	is_uint(w.max, 0, "the largest of a range");
	is_uint(w.max_all, 0, "the largest of all");
	is_uint(w.argmax, 0, "the first place of the largest");
	is_uint(w.first, 0, "the first place over a limit");
	is_uint(w.last, 0, "the last place over a limit");
}

static void
test_edges(void)
{
	static const int64_t values[] = { 5, -7, 5 };
	struct arena a = ARENA_INIT;
	struct segment_tree t;

	segment_tree_init(&t, values, 3, &a);
	is_uint(segment_tree_first_over(&t, 1, 1, -100), SEGMENT_TREE_NONE, "an empty range has no place over a limit");
	is_uint(segment_tree_last_over(&t, 2, 1, -100), SEGMENT_TREE_NONE, "nor has one that ends before it begins");
	segment_tree_add(&t, 2, 1, 100);
	is_uint((uint64_t)segment_tree_max_all(&t), 5, "an addition to it changes nothing");
	segment_tree_add(&t, 0, 3, -(INT64_C(1) << 60));
	is_uint(segment_tree_argmax(&t), 0, "numbers far below 0 stay above what pads the tree");
	is_uint(segment_tree_last_over(&t, 0, 3, -(INT64_C(1) << 60)), 2, "and the last over a limit is one of them");
	segment_tree_init(&t, values, 0, &a);
	is_uint(segment_tree_first_over(&t, 0, 0, 0), SEGMENT_TREE_NONE, "a tree of no numbers can be asked");
	arena_free(&a);
}

int
main(void)
{
	test_random();
	test_edges();
	return tap_done();
}
