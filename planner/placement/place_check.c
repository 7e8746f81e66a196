/* SPDX-License-Identifier: Apache-2.0 */
/* place_check.c - a sweep over time that holds the living items by offset
 *
 * While no two living items share a byte, their order by offset is also their order by end.  A new item can therefore clash only with
 * its next neighbours below and above.  The living items are members of a bit tree over the ranks of all offsets, which finds the
 * neighbours in a few steps.
 */
#include <config.h>
#include "planner/placement/place_check.h"

#include <stdlib.h>

#include "src/base/bit_tree.h"

struct address_sweep {
	const struct place_problem *problem;
	const bytes_t *offsets;
	uint32_t count;
	uint32_t *by_offset;	/* [count] items */
	uint32_t *rank;		/* [problem->count] position in by_offset; PLACE_NONE: not checked or without bytes */
	struct bit_tree living;	/* ranks */
};

/* ---- orders ---- */

struct key { uint64_t value; uint32_t item; };

static int
smaller_first(const void *x, const void *y)
{
	const struct key *p = x, *q = y;

	if (p->value != q->value)
		return p->value < q->value ? -1 : 1;
	return p->item < q->item ? -1 : p->item > q->item;
}

enum order { BY_OFFSET, BY_LOWER, BY_UPPER };

static uint32_t *
sorted(const struct address_sweep *s, enum order order, struct arena *a)
{
	const struct place_problem *p = s->problem;
	struct key *keys = ARENA_NEW(a, struct key, s->count);
	uint32_t *items = ARENA_NEW(a, uint32_t, s->count), n = 0;

	for (uint32_t i = 0; i < p->count; i++)
		if (s->rank[i] != PLACE_NONE)
			keys[n++] = (struct key) { order == BY_OFFSET ? s->offsets[i] :
			    order == BY_LOWER ? p->items[i].lower : p->items[i].upper, i };
	qsort(keys, n, sizeof(*keys), smaller_first);
	for (uint32_t i = 0; i < n; i++)
		items[i] = keys[i].item;
	return items;
}

/* ---- the checks ---- */

static int
clash(const struct address_sweep *s, uint32_t x, uint32_t y, struct place_fault *fault, struct err *e)
{
	const struct place_item *items = s->problem->items;

	if (s->offsets[x] >= s->offsets[y] + items[y].bytes || s->offsets[y] >= s->offsets[x] + items[x].bytes)
		return 0;
	*fault = (struct place_fault) { x > y ? x : y, x > y ? y : x };
	return err_set(e, ERR_NO, "items %" PRIu32 " and %" PRIu32 " are alive together and share byte %" PRI_BYTES,
	    fault->other, fault->item, s->offsets[x] > s->offsets[y] ? s->offsets[x] : s->offsets[y]);
}

static int
begin(struct address_sweep *s, uint32_t item, struct place_fault *fault, struct err *e)
{
	size_t above = bit_tree_after(&s->living, s->rank[item]), below = bit_tree_up_to(&s->living, s->rank[item]);

	if ((above != BIT_NONE && clash(s, item, s->by_offset[above], fault, e) < 0) ||
	    (below != BIT_NONE && clash(s, item, s->by_offset[below], fault, e) < 0))
		return -1;
	bit_tree_add(&s->living, s->rank[item]);
	return 0;
}

static int
check_overlaps(struct address_sweep *s, struct place_fault *fault, struct arena *a, struct err *e)
{
	uint32_t *lower = sorted(s, BY_LOWER, a), *upper = sorted(s, BY_UPPER, a), gone = 0;

	s->by_offset = sorted(s, BY_OFFSET, a);
	for (uint32_t i = 0; i < s->count; i++)
		s->rank[s->by_offset[i]] = i;
	bit_tree_init(&s->living, s->count, a);
	for (uint32_t i = 0; i < s->count; i++) {
		uint32_t now = s->problem->items[lower[i]].lower;

		for (; s->problem->items[upper[gone]].upper <= now; gone++)
			bit_tree_drop(&s->living, s->rank[upper[gone]]);
		if (begin(s, lower[i], fault, e) < 0)
			return -1;
	}
	return 0;
}

static int
check_item(const struct place_problem *p, uint32_t i, bytes_t offset, bytes_t arena_bytes, struct err *e)
{
	const struct place_item *it = &p->items[i];

	if (it->fixed != PLACE_FREE && offset != it->fixed)
		return err_set(e, ERR_NO, "item %" PRIu32 " was given offset %" PRI_BYTES " and is at %" PRI_BYTES, i, it->fixed, offset);
	if (offset % p->align != 0 || (it->align > 0 && offset % it->align != 0))
		return err_set(e, ERR_NO, "item %" PRIu32 " at offset %" PRI_BYTES " is not aligned to %" PRI_BYTES, i, offset,
		    offset % p->align != 0 ? p->align : it->align);
	if (offset > arena_bytes || it->bytes > arena_bytes - offset)
		return err_set(e, ERR_NO, "item %" PRIu32 " ends at %" PRI_BYTES ", over the arena's %" PRI_BYTES, i,
		    offset + it->bytes, arena_bytes);
	return 0;
}

static int check(const struct place_problem *p, const bytes_t *offsets, bytes_t arena_bytes, bool fixed_only, struct place_fault *fault,
    struct arena *a, struct err *e);

/* Checks that no two parts alive at once share a byte. */
static int
check_parts(const struct place_problem *p, const bytes_t *offsets, bool fixed_only, struct place_fault *fault, struct arena *a, struct err *e)
{
	struct place_problem flat;
	uint32_t *owner;
	bytes_t *at;

	placement_flatten(&flat, &owner, p, false, a);
	at = ARENA_NEW(a, bytes_t, flat.count);
	for (uint32_t k = 0; k < flat.count; k++)
		at[k] = offsets[owner[k]] + p->parts[k].at;
	if (check(&flat, at, UINT64_MAX, fixed_only, fault, a, e) == 0)
		return 0;
	fault->item = owner[fault->item];
	fault->other = fault->other == PLACE_NONE ? PLACE_NONE : owner[fault->other];
	return -1;
}

static int
check(const struct place_problem *p, const bytes_t *offsets, bytes_t arena_bytes, bool fixed_only,
    struct place_fault *fault, struct arena *a, struct err *e)
{
	struct address_sweep s = { .problem = p, .offsets = offsets };

	s.rank = ARENA_NEW(a, uint32_t, p->count);
	for (uint32_t i = 0; i < p->count; i++) {
		s.rank[i] = PLACE_NONE;
		if (fixed_only && p->items[i].fixed == PLACE_FREE)
			continue;
		*fault = (struct place_fault) { i, PLACE_NONE };
		if (check_item(p, i, offsets[i], arena_bytes, e) < 0)
			return -1;
		if (p->items[i].bytes > 0) {
			s.rank[i] = 0;
			s.count++;
		}
	}
	return p->first_part != NULL ? check_parts(p, offsets, fixed_only, fault, a, e) : check_overlaps(&s, fault, a, e);
}

int
place_check(const struct place_problem *p, const bytes_t *offsets, bytes_t arena_bytes,
    struct place_fault *fault, struct arena *a, struct err *e)
{
	return check(p, offsets, arena_bytes, false, fault, a, e);
}

int
place_check_fixed(const struct place_problem *p, struct place_fault *fault, struct arena *a, struct err *e)
{
	bytes_t *offsets = ARENA_NEW(a, bytes_t, p->count);

	for (uint32_t i = 0; i < p->count; i++)
		offsets[i] = p->items[i].fixed;
	return check(p, offsets, UINT64_MAX, true, fault, a, e);
}
