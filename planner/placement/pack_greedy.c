/* SPDX-License-Identifier: Apache-2.0 */
/* pack_greedy.c - the tree over time, the holes in it, and one run over an order */
#include <config.h>
#include "planner/placement/pack_greedy.h"

#include <string.h>

enum { NODE_WORK = 8 };	/* of a node besides its blocks: a cache miss */

struct greedy_block { bytes_t start, end; };

/* A set of bytes as sorted blocks that do not touch. */
struct greedy_blocks {
	struct greedy_block *blocks;	/* [count] */
	size_t count, capacity;
};

/* ---- blocks ---- */

/* Returns the first of blocks[0 .. count), from `from` on, that ends after at. */
static inline size_t
block_after(const struct greedy_block *blocks, size_t count, size_t from, bytes_t at)
{
	size_t step = 1, hi = from;

	/* Galloping from the last answer: successive calls have neighbouring answers. */
	while (hi < count && blocks[hi].end <= at) {
		from = hi + 1;
		hi += step;
		step *= 2;
	}
	hi = hi < count ? hi : count;
	while (from < hi) {
		size_t mid = from + (hi - from) / 2;

		if (blocks[mid].end <= at)
			from = mid + 1;
		else
			hi = mid;
	}
	return from;
}

/* Makes room for one more block.  Lists begin smaller than arena_grow()'s: most are short, and there are as many as times. */
static void
make_room(struct greedy_blocks *l, struct arena *a)
{
	struct greedy_block *bigger;

	if (l->count < l->capacity)
		return;
	l->capacity = l->capacity == 0 ? 2 : l->capacity * 2;
	bigger = ARENA_NEW(a, struct greedy_block, l->capacity);
	if (l->count > 0)
		memcpy(bigger, l->blocks, sizeof(*bigger) * l->count);
	l->blocks = bigger;
}

static void
blocks_add(struct greedy_blocks *l, bytes_t start, bytes_t end, struct arena *a)
{
	/* The first block that touches or lies above; no block touches start 0 from below. */
	size_t i = start == 0 ? 0 : block_after(l->blocks, l->count, 0, start - 1), j = i;

	while (j < l->count && l->blocks[j].start <= end) {
		start = l->blocks[j].start < start ? l->blocks[j].start : start;
		end = l->blocks[j].end > end ? l->blocks[j].end : end;
		j++;
	}
	if (i == j) {
		make_room(l, a);
		memmove(&l->blocks[i + 1], &l->blocks[i], sizeof(*l->blocks) * (l->count - i));
		l->count++;
	} else if (j > i + 1) {
		memmove(&l->blocks[i + 1], &l->blocks[j], sizeof(*l->blocks) * (l->count - j));
		l->count -= j - i - 1;
	}
	l->blocks[i] = (struct greedy_block) { start, end };
}

/* ---- the tree over time ---- */

/* The fewest nodes that together cover an item's life, and the nodes that it covers in part.  Their lists hold all blocks alive during
 * its life: `any` of the former, `cover` of the latter. */
struct nodes { uint32_t whole[64], part[64], whole_count, part_count; };

static bool
is_inside(const struct greedy *g, uint32_t node, uint32_t height, const struct greedy_item *it)
{
	uint64_t from = ((uint64_t)node << height) - g->leaves;

	return it->lower <= from && from + (UINT64_C(1) << height) <= it->upper;
}

static void
find_nodes(struct nodes *n, const struct greedy *g, const struct greedy_item *it)
{
	uint32_t l = it->lower + g->leaves, r = it->upper + g->leaves;

	n->whole_count = n->part_count = 0;
	for (; l < r; l >>= 1, r >>= 1) {
		if (l & 1)
			n->whole[n->whole_count++] = l++;
		if (r & 1)
			n->whole[n->whole_count++] = --r;
	}
	l = (it->lower + g->leaves) >> 1;
	r = (it->upper - 1 + g->leaves) >> 1;
	for (uint32_t h = 1; l > 0; h++, l >>= 1, r >>= 1) {
		if (!is_inside(g, l, h, it))
			n->part[n->part_count++] = l;
		if (l != r && !is_inside(g, r, h, it))
			n->part[n->part_count++] = r;
	}
}

static void
take_place(struct greedy *g, const struct nodes *n, bytes_t start, bytes_t end)
{
	for (uint32_t i = 0; i < n->whole_count; i++) {
		blocks_add(&g->any[n->whole[i]], start, end, g->arena);
		if (n->whole[i] < g->leaves)	/* a leaf has no stretch of time below it */
			blocks_add(&g->cover[n->whole[i]], start, end, g->arena);
	}
	for (uint32_t i = 0; i < n->part_count; i++)
		blocks_add(&g->any[n->part[i]], start, end, g->arena);
}

/* ---- holes ---- */

/* Writes to next the holes [count] without the taken blocks, and without the pieces that are too small for the item.  next has room for one
 * block more than holes and taken blocks together.  Returns the number of pieces. */
static size_t
split(struct greedy_block *restrict next, const struct greedy_block *holes, size_t count, const struct greedy_block *taken, size_t taken_count,
    bytes_t bytes, uint64_t *work)
{
	size_t n = 0, at = 0, looked = count;

	for (size_t i = 0; i < count; i++) {
		bytes_t start = holes[i].start, end = holes[i].end;
		size_t j = at = block_after(taken, taken_count, at, start);

		/* Each piece is written and counted only if it is one: no branch to guess. */
		for (; j < taken_count && taken[j].start < end; j++) {
			next[n] = (struct greedy_block) { start, taken[j].start };
			n += taken[j].start >= start + bytes;
			start = taken[j].end;
		}
		looked += j - at;
		next[n] = (struct greedy_block) { start, end };
		n += start < end && end - start >= bytes;
	}
	*work += looked;
	return n;
}

/* Takes the list's blocks out of the holes. */
static void
split_holes(struct greedy *g, const struct greedy_blocks *l, bytes_t bytes)
{
	struct greedy_blocks *now = &g->holes[g->now], *next = &g->holes[!g->now];

	if (l->count == 0)
		return;
	if (now->count + l->count >= next->capacity) {	/* each block splits at most one hole in two */
		next->capacity = 2 * (now->count + l->count);
		next->blocks = ARENA_NEW(g->arena, struct greedy_block, next->capacity);
	}
	next->count = split(next->blocks, now->blocks, now->count, l->blocks, l->count, bytes, &g->work);
	g->now = !g->now;
}

static bytes_t
choose_hole(const struct greedy_blocks *holes, const struct greedy_item *it, enum greedy_fit fit)
{
	bytes_t best = UINT64_MAX, best_room = UINT64_MAX;

	for (size_t i = 0; i < holes->count; i++) {
		bytes_t start = bytes_align(holes->blocks[i].start, it->align), room = holes->blocks[i].end - start;

		if (start > holes->blocks[i].end || room < it->bytes || (best != UINT64_MAX && room >= best_room))
			continue;
		best = start;
		best_room = room;
		if (fit == GREEDY_FIRST)
			break;
	}
	return best;
}

static bytes_t
find_place(struct greedy *g, const struct nodes *n, const struct greedy_item *it, enum greedy_fit fit)
{
	g->work += NODE_WORK * (n->part_count + n->whole_count);
	g->now = 0;
	g->holes->blocks[0] = (struct greedy_block) { 0, UINT64_MAX };
	g->holes->count = 1;
	for (uint32_t i = n->part_count; i-- > 0;)
		split_holes(g, &g->cover[n->part[i]], it->bytes);
	for (uint32_t i = n->whole_count; i-- > 0;)
		split_holes(g, &g->any[n->whole[i]], it->bytes);
	return choose_hole(&g->holes[g->now], it, fit);
}

/* ---- runs ---- */

/* Returns the rank of each time, and in *times the number of times at which an item begins. */
static uint32_t *
compress_times(uint32_t *times, const struct place_problem *p, struct arena *a)
{
	uint32_t end = 0, *rank;

	for (uint32_t i = 0; i < p->count; i++)
		end = p->items[i].upper > end ? p->items[i].upper : end;
	rank = ARENA_NEW(a, uint32_t, (size_t)end + 2);
	for (uint32_t i = 0; i < p->count; i++)
		if (p->items[i].bytes > 0)
			rank[p->items[i].lower + 1] = 1;
	for (uint32_t k = 0; k <= end; k++)
		rank[k + 1] += rank[k];		/* number of begin times before k + 1 */
	*times = rank[end];
	return rank;
}

static void
place_fixed(struct greedy *g, const uint32_t *rank)
{
	struct nodes n;

	for (uint32_t i = 0; i < g->problem->count; i++) {
		const struct place_item *it = &g->problem->items[i];
		const struct greedy_item at = { .lower = rank[it->lower], .upper = rank[it->upper] };
		bytes_t end = it->fixed + it->bytes;

		if (it->bytes == 0 || it->fixed == PLACE_FREE)
			continue;
		find_nodes(&n, g, &at);
		take_place(g, &n, it->fixed, it->fixed + bytes_align(it->bytes, g->unit));
		g->fixed_end = end > g->fixed_end ? end : g->fixed_end;
	}
}

void
greedy_init(struct greedy *g, const struct place_problem *p, struct arena *a)
{
	uint32_t *rank;

	*g = (struct greedy) { .problem = p, .arena = a, .leaves = 1, .unit = placement_unit(p),
	    .work_limit = UINT64_MAX };
	g->rank = rank = compress_times(&g->times, p, a);
	g->items = ARENA_NEW(a, struct greedy_item, p->count);
	g->offsets = ARENA_NEW(a, bytes_t, p->count);
	g->load = placement_load(p, rank, g->times, a);
	g->busiest = placement_busiest(g->load, g->times);
	for (uint32_t i = 0; i < p->count; i++) {
		const struct place_item *it = &p->items[i];

		if (it->bytes == 0 || it->fixed != PLACE_FREE)
			continue;
		g->items[g->count++] = (struct greedy_item) { .bytes = bytes_align(it->bytes, g->unit),
		    .align = place_align(p, it), .lower = rank[it->lower], .upper = rank[it->upper], .id = i };
	}
}

/* Allocates the tree at the first run, because some users read only the items. */
static void
plant_tree(struct greedy *g)
{
	while (g->leaves < g->times)
		g->leaves *= 2;
	g->any = ARENA_NEW(g->arena, struct greedy_blocks, 2 * (size_t)g->leaves);
	g->cover = ARENA_NEW(g->arena, struct greedy_blocks, g->leaves);
	g->holes = ARENA_NEW(g->arena, struct greedy_blocks, 2);
	make_room(g->holes, g->arena);
}

/* Empties the tree, keeps its memory, and places the fixed items. */
static void
clear(struct greedy *g)
{
	if (g->any == NULL)
		plant_tree(g);
	for (uint32_t i = 0; i < 2 * g->leaves; i++)
		g->any[i].count = 0;
	for (uint32_t i = 0; i < g->leaves; i++)
		g->cover[i].count = 0;
	place_fixed(g, g->rank);
}

bytes_t
greedy_run(struct greedy *g, const uint32_t *order, enum greedy_fit fit, bytes_t under)
{
	bytes_t top;
	struct nodes n;

	clear(g);
	top = g->fixed_end;
	for (uint32_t i = 0; i < g->count; i++) {
		const struct greedy_item *it = &g->items[order[i]];
		bytes_t at, end;

		find_nodes(&n, g, it);
		at = find_place(g, &n, it, fit);
		/* The arena ends with the item's bytes: the padding of the topmost item is no part of it. */
		end = at + g->problem->items[it->id].bytes;
		top = end > top ? end : top;
		if (top >= under || g->work > g->work_limit)
			return UINT64_MAX;
		take_place(g, &n, at, at + it->bytes);
		g->offsets[order[i]] = at;
	}
	return bytes_align(top, g->problem->align);
}

void
greedy_take(const struct greedy *g, struct place_result *r, bytes_t arena_bytes)
{
	for (uint32_t i = 0; i < g->problem->count; i++)
		r->offsets[i] = g->problem->items[i].fixed == PLACE_FREE ? 0 : g->problem->items[i].fixed;
	for (uint32_t i = 0; i < g->count; i++)
		r->offsets[g->items[i].id] = g->offsets[i];
	r->arena_bytes = arena_bytes;
}

void
greedy_place(struct place_result *r, const struct place_problem *p, enum greedy_key first, enum greedy_key second,
    enum greedy_fit fit, struct arena *a)
{
	struct greedy g;

	greedy_init(&g, p, a);
	greedy_take(&g, r, greedy_run(&g, greedy_order(&g, first, second, a), fit, UINT64_MAX));
}
