/* SPDX-License-Identifier: Apache-2.0 */
/* pack_heap.c - stretches of an arena, linked by address, and a tree of the free ones */
#include <config.h>
#include "planner/placement/pack_heap.h"

enum { TRIES = 16 };	/* 4 .. 100: stretches looked at for one that ends below a limit */

/* Returns a scattered priority, the same on every machine, so that the tree is balanced for any order of numbers. */
static uint32_t
priority(uint32_t i)
{
	return i * UINT32_C(2654435761) ^ (i >> 7) * UINT32_C(2246822519);
}

static bool
is_less(const struct heap *h, uint32_t i, bytes_t bytes, bytes_t start)
{
	bytes_t room = h->s[i].end - h->s[i].start;

	return room != bytes ? room < bytes : h->s[i].start < start;
}

/* Splits tree t into l, the stretches less than (bytes, start), and r, the others. */
static void
split(struct heap *h, uint32_t t, bytes_t bytes, bytes_t start, uint32_t *l, uint32_t *r)
{
	while (t != HEAP_NONE) {
		if (is_less(h, t, bytes, start)) {
			*l = t;
			l = &h->s[t].right;
			t = *l;
		} else {
			*r = t;
			r = &h->s[t].left;
			t = *r;
		}
	}
	*l = *r = HEAP_NONE;
}

static uint32_t
merge(struct heap *h, uint32_t l, uint32_t r)
{
	uint32_t root, *at = &root;

	while (l != HEAP_NONE && r != HEAP_NONE) {
		if (priority(l) > priority(r)) {
			*at = l;
			at = &h->s[l].right;
			l = *at;
		} else {
			*at = r;
			at = &h->s[r].left;
			r = *at;
		}
	}
	*at = l != HEAP_NONE ? l : r;
	return root;
}

static void
tree_add(struct heap *h, uint32_t i)
{
	bytes_t bytes = h->s[i].end - h->s[i].start, start = h->s[i].start;
	uint32_t *at = &h->root;

	while (*at != HEAP_NONE && priority(*at) > priority(i))
		at = is_less(h, *at, bytes, start) ? &h->s[*at].right : &h->s[*at].left;
	split(h, *at, bytes, start, &h->s[i].left, &h->s[i].right);
	*at = i;
}

static void
tree_drop(struct heap *h, uint32_t i)
{
	bytes_t bytes = h->s[i].end - h->s[i].start, start = h->s[i].start;
	uint32_t *at = &h->root;

	while (*at != i)
		at = is_less(h, *at, bytes, start) ? &h->s[*at].right : &h->s[*at].left;
	*at = merge(h, h->s[i].left, h->s[i].right);
}

/* Returns the least stretch that is not less than (bytes, start). */
static uint32_t
tree_find(const struct heap *h, bytes_t bytes, bytes_t start)
{
	uint32_t found = HEAP_NONE;

	for (uint32_t t = h->root; t != HEAP_NONE;) {
		if (is_less(h, t, bytes, start)) {
			t = h->s[t].right;
		} else {
			found = t;
			t = h->s[t].left;
		}
	}
	return found;
}

static uint32_t
stretch_new(struct heap *h)
{
	uint32_t i = h->spare;

	if (i == HEAP_NONE)
		return h->count++;
	h->spare = h->s[i].above;
	return i;
}

static void
stretch_drop(struct heap *h, uint32_t i)
{
	h->s[i].above = h->spare;
	h->spare = i;
}

/* Returns the tightest stretch of those that end below the limit. */
static uint32_t
find_below(const struct heap *h, bytes_t bytes, bytes_t limit)
{
	uint32_t i = tree_find(h, bytes, 0);

	for (int k = 1; i != HEAP_NONE && h->s[i].start + bytes > limit; k++)
		i = k == TRIES ? HEAP_NONE : tree_find(h, h->s[i].end - h->s[i].start, h->s[i].start + 1);
	return i;
}

/* Takes bytes at the top of the arena; a free stretch there becomes part of them. */
static uint32_t
grow(struct heap *h, bytes_t bytes, bytes_t limit)
{
	uint32_t i = h->last;

	if ((i != HEAP_NONE && h->s[i].free ? h->s[i].start : h->top) + bytes > limit)
		return HEAP_NONE;
	if (i != HEAP_NONE && h->s[i].free) {
		tree_drop(h, i);
	} else {
		i = stretch_new(h);
		h->s[i] = (struct stretch) { .start = h->top, .below = h->last, .above = HEAP_NONE };
		if (h->last != HEAP_NONE)
			h->s[h->last].above = i;
		h->last = i;
	}
	h->s[i].free = false;
	h->top = h->s[i].end = h->s[i].start + bytes;
	return i;
}

/* Links i and its new upper neighbour. */
static void
link_above(struct heap *h, uint32_t i, uint32_t above)
{
	h->s[i].above = above;
	if (above != HEAP_NONE)
		h->s[above].below = i;
	else
		h->last = i;
}

void
heap_init(struct heap *h, struct stretch *s)
{
	*h = (struct heap) { .s = s, .spare = HEAP_NONE, .root = HEAP_NONE, .last = HEAP_NONE };
}

uint32_t
heap_take(struct heap *h, bytes_t bytes, bytes_t limit)
{
	uint32_t i = find_below(h, bytes, limit), rest;

	if (i == HEAP_NONE)
		return grow(h, bytes, limit);
	tree_drop(h, i);
	h->s[i].free = false;
	if (h->s[i].end - h->s[i].start == bytes)
		return i;
	rest = stretch_new(h);
	h->s[rest] = (struct stretch) { .start = h->s[i].start + bytes, .end = h->s[i].end, .below = i, .free = true };
	h->s[i].end = h->s[rest].start;
	link_above(h, rest, h->s[i].above);
	link_above(h, i, rest);
	tree_add(h, rest);
	return i;
}

void
heap_give(struct heap *h, uint32_t i)
{
	uint32_t below = h->s[i].below, above = h->s[i].above;

	h->s[i].free = true;
	if (above != HEAP_NONE && h->s[above].free) {
		tree_drop(h, above);
		h->s[i].end = h->s[above].end;
		link_above(h, i, h->s[above].above);
		stretch_drop(h, above);
	}
	if (below != HEAP_NONE && h->s[below].free) {
		tree_drop(h, below);
		h->s[below].end = h->s[i].end;
		link_above(h, below, h->s[i].above);
		stretch_drop(h, i);
		i = below;
	}
	tree_add(h, i);
}
