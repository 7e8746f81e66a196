/* SPDX-License-Identifier: Apache-2.0 */
/* segment_tree.c - a complete binary tree in an array: node 1 is the root, nodes 2 n and 2 n + 1 are below node n */
#include <config.h>
#include "src/base/segment_tree.h"

#include <stdbool.h>

static int64_t
larger(int64_t x, int64_t y)
{
	return x > y ? x : y;
}

void
segment_tree_init(struct segment_tree *t, const int64_t *values, uint32_t count, struct arena *a)
{
	*t = (struct segment_tree) { .count = count, .leaves = 1 };
	while (t->leaves < count)
		t->leaves *= 2;
	t->most = ARENA_NEW(a, int64_t, (size_t)t->leaves * 2);
	t->sum = ARENA_NEW(a, int64_t, (size_t)t->leaves * 2);
	for (uint32_t i = 0; i < t->leaves; i++)
		t->most[t->leaves + i] = i < count ? values[i] : INT64_MIN / 4;
	for (uint32_t i = t->leaves; i-- > 1;)
		t->most[i] = larger(t->most[2 * i], t->most[2 * i + 1]);
}

static void
add(struct segment_tree *t, uint32_t node, uint32_t left, uint32_t right, uint32_t from, uint32_t to, int64_t value)
{
	uint32_t middle = left + (right - left) / 2;

	if (from <= left && right <= to) {
		t->most[node] += value;
		t->sum[node] += value;
		return;
	}
	if (from < middle)
		add(t, 2 * node, left, middle, from, to, value);
	if (to > middle)
		add(t, 2 * node + 1, middle, right, from, to, value);
	t->most[node] = larger(t->most[2 * node], t->most[2 * node + 1]) + t->sum[node];
}

void
segment_tree_add(struct segment_tree *t, uint32_t from, uint32_t to, int64_t value)
{
	if (from < to)
		add(t, 1, 0, t->leaves, from, to, value);
}

int64_t
segment_tree_at(const struct segment_tree *t, uint32_t place)
{
	uint32_t node = t->leaves + place;
	int64_t value = t->most[node];

	while ((node /= 2) > 0)
		value += t->sum[node];
	return value;
}

static int64_t
most(const struct segment_tree *t, uint32_t node, uint32_t left, uint32_t right, uint32_t from, uint32_t to)
{
	uint32_t middle = left + (right - left) / 2;
	int64_t m = INT64_MIN / 2;

	if (from <= left && right <= to)
		return t->most[node];
	if (from < middle)
		m = larger(m, most(t, 2 * node, left, middle, from, to));
	if (to > middle)
		m = larger(m, most(t, 2 * node + 1, middle, right, from, to));
	return m + t->sum[node];
}

int64_t
segment_tree_max(const struct segment_tree *t, uint32_t from, uint32_t to)
{
	return most(t, 1, 0, t->leaves, from, to);
}

int64_t
segment_tree_max_all(const struct segment_tree *t)
{
	return t->most[1];
}

uint32_t
segment_tree_argmax(const struct segment_tree *t)
{
	uint32_t node = 1;

	while (node < t->leaves)
		node = 2 * node + (t->most[2 * node] < t->most[2 * node + 1]);
	return node - t->leaves;
}

/* The node's range is [left, right).  above: the sums of all nodes over it.  last: from the right. */
static uint32_t
find_over(const struct segment_tree *t, uint32_t node, uint32_t left, uint32_t right, uint32_t from, uint32_t to, int64_t limit,
    int64_t above, bool last)
{
	uint32_t middle = left + (right - left) / 2, found = SEGMENT_TREE_NONE;

	if (to <= left || right <= from || t->most[node] + above <= limit)
		return SEGMENT_TREE_NONE;
	if (right - left == 1)
		return left;
	above += t->sum[node];
	for (int side = 0; side < 2 && found == SEGMENT_TREE_NONE; side++)
		found = (side == 0) != last ? find_over(t, 2 * node, left, middle, from, to, limit, above, last) :
		    find_over(t, 2 * node + 1, middle, right, from, to, limit, above, last);
	return found;
}

uint32_t
segment_tree_first_over(const struct segment_tree *t, uint32_t from, uint32_t to, int64_t limit)
{
	return from < to ? find_over(t, 1, 0, t->leaves, from, to, limit, 0, false) : SEGMENT_TREE_NONE;
}

uint32_t
segment_tree_last_over(const struct segment_tree *t, uint32_t from, uint32_t to, int64_t limit)
{
	return from < to ? find_over(t, 1, 0, t->leaves, from, to, limit, 0, true) : SEGMENT_TREE_NONE;
}
