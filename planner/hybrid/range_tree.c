/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>
#include "planner/hybrid/range_tree.h"

static int64_t
larger(int64_t x, int64_t y)
{
	return x > y ? x : y;
}

void
range_tree_init(struct range_tree *t, const int64_t *values, uint32_t count, struct arena *a)
{
	*t = (struct range_tree) { .count = count, .leaves = 1 };
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
add(struct range_tree *t, uint32_t node, uint32_t left, uint32_t right, uint32_t from, uint32_t to, int64_t value)
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
range_tree_add(struct range_tree *t, uint32_t from, uint32_t to, int64_t value)
{
	if (from < to)
		add(t, 1, 0, t->leaves, from, to, value);
}

int64_t
range_tree_at(const struct range_tree *t, uint32_t place)
{
	uint32_t node = t->leaves + place;
	int64_t value = t->most[node];

	while ((node /= 2) > 0)
		value += t->sum[node];
	return value;
}

static int64_t
most(const struct range_tree *t, uint32_t node, uint32_t left, uint32_t right, uint32_t from, uint32_t to)
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
range_tree_max(const struct range_tree *t, uint32_t from, uint32_t to)
{
	return most(t, 1, 0, t->leaves, from, to);
}

int64_t
range_tree_most(const struct range_tree *t)
{
	return t->most[1];
}

uint32_t
range_tree_argmax(const struct range_tree *t)
{
	uint32_t node = 1;

	while (node < t->leaves)
		node = 2 * node + (t->most[2 * node] < t->most[2 * node + 1]);
	return node - t->leaves;
}
