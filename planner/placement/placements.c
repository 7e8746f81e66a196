/* SPDX-License-Identifier: Apache-2.0 */
/* placements.c - the table of placements, the bound that each starts from, and the call of a row */
#include <config.h>
#include "planner/placement/placement.h"

#include <assert.h>
#include <string.h>

#include "planner/placement/pack_parts.h"

#define ROW(name, fn, summary) { name, summary, fn },
const struct placement placements[] = { PLACEMENTS(ROW) PLACEMENTS_ILP(ROW) { NULL, NULL, NULL } };
#undef ROW

const struct placement *
placement_find(const char *name)
{
	for (const struct placement *p = placements; p->name != NULL; p++)
		if (strcmp(p->name, name) == 0)
			return p;
	return NULL;
}

bool
placement_stopped(const struct place_problem *p)
{
	return p->stopped != NULL && p->stopped(p->user);
}

void
placement_tell(const struct place_problem *p, const struct place_result *r)
{
	char line[96];

	if (p->progress == NULL)
		return;
	snprintf(line, sizeof(line), "arena %" PRI_BYTES " bytes, bound %" PRI_BYTES " bytes", r->arena_bytes, r->bound_bytes);
	p->progress(p->user, line);
}

bytes_t
place_align(const struct place_problem *p, const struct place_item *it)
{
	return it->align == 0 || it->align == p->align ? p->align : it->align / bytes_gcd(it->align, p->align) * p->align;
}

bytes_t
placement_unit(const struct place_problem *p)
{
	bytes_t unit = 0;

	assert(p->align > 0);
	for (uint32_t i = 0; i < p->count && unit != p->align; i++)
		if (p->items[i].bytes > 0)
			unit = bytes_gcd(place_align(p, &p->items[i]), unit);
	return unit == 0 ? p->align : unit;
}

bytes_t *
placement_load(const struct place_problem *p, const uint32_t *rank, uint32_t times, struct arena *a)
{
	bytes_t *load = ARENA_NEW(a, bytes_t, (size_t)times + 1), unit = placement_unit(p), sum = 0;

	for (uint32_t i = 0; i < p->count; i++) {
		const struct place_item *it = &p->items[i];

		load[rank == NULL ? it->lower : rank[it->lower]] += bytes_align(it->bytes, unit);
		load[rank == NULL ? it->upper : rank[it->upper]] -= bytes_align(it->bytes, unit);	/* unsigned: the sums come out right */
	}
	for (uint32_t k = 0; k < times; k++)
		load[k] = sum += load[k];
	return load;
}

uint32_t
placement_busiest(const bytes_t *load, uint32_t times)
{
	uint32_t busiest = 0;

	for (uint32_t k = 1; k < times; k++)
		if (load[k] > load[busiest])
			busiest = k;
	return busiest;
}

bytes_t
placement_target(const struct place_problem *p, const struct place_result *r)
{
	return p->capacity > r->bound_bytes ? p->capacity : r->bound_bytes;
}

/* Returns the largest padding of an item alive at a time.  The arena ends with the topmost item's bytes, without its padding. */
static bytes_t
most_padding(const struct place_problem *p, uint32_t time, bytes_t unit)
{
	bytes_t most = 0;

	for (uint32_t i = 0; i < p->count; i++) {
		const struct place_item *it = &p->items[i];
		bytes_t padding = bytes_align(it->bytes, unit) - it->bytes;

		if (it->lower <= time && time < it->upper && padding > most)
			most = padding;
	}
	return most;
}

void
placement_flatten(struct place_problem *flat, uint32_t **owner, const struct place_problem *p, bool whole, struct arena *a)
{
	uint32_t most = p->count + p->first_part[p->count], n = 0;
	struct place_item *items = ARENA_NEW(a, struct place_item, most);

	*owner = ARENA_NEW(a, uint32_t, most);
	for (uint32_t i = 0; i < p->count; i++) {
		bytes_t fixed = p->items[i].fixed;

		if (whole && fixed == PLACE_FREE) {
			(*owner)[n] = i;
			items[n++] = p->items[i];
			continue;
		}
		for (uint32_t k = p->first_part[i]; k < p->first_part[i + 1]; k++) {
			const struct place_part *q = &p->parts[k];

			(*owner)[n] = i;
			items[n++] = (struct place_item) { q->bytes, q->lower, q->upper, 0, fixed == PLACE_FREE ? fixed : fixed + q->at };
		}
	}
	*flat = *p;
	flat->items = items;
	flat->count = n;
	flat->first_part = NULL;
	flat->known = NULL;
	if (!whole)
		flat->align = 1;
}

/* The same bound for items with parts: their parts' load, and the largest item. */
static bytes_t
bound_of_parts(const struct place_problem *p, struct arena *a)
{
	struct place_problem flat;
	uint32_t *owner;
	bytes_t most;

	placement_flatten(&flat, &owner, p, false, a);
	most = placement_bound(&flat, a);
	for (uint32_t i = 0; i < p->count; i++) {
		const struct place_item *it = &p->items[i];
		bytes_t end = (it->fixed == PLACE_FREE ? 0 : it->fixed) + it->bytes;

		most = end > most ? end : most;
	}
	return bytes_align(most, p->align);
}

bytes_t
placement_bound(const struct place_problem *p, struct arena *a)
{
	bytes_t *load, fixed = 0, most;
	uint32_t end = 0, busiest;

	if (p->first_part != NULL)
		return bound_of_parts(p, a);
	for (uint32_t i = 0; i < p->count; i++)
		end = p->items[i].upper > end ? p->items[i].upper : end;
	for (uint32_t i = 0; i < p->count; i++)
		if (p->items[i].fixed != PLACE_FREE && p->items[i].fixed + p->items[i].bytes > fixed)
			fixed = p->items[i].fixed + p->items[i].bytes;
	load = placement_load(p, NULL, end, a);
	busiest = placement_busiest(load, end);
	most = load[busiest] - most_padding(p, busiest, placement_unit(p));
	return bytes_align(most > fixed ? most : fixed, p->align);
}

/* Makes each item's own alignment a multiple of the problem's, so that rows see one alignment an item. */
static const struct place_item *
settle_aligns(const struct place_problem *p, struct arena *a)
{
	struct place_item *items = NULL;

	for (uint32_t i = 0; i < p->count; i++) {
		if (p->items[i].align == 0 || p->items[i].align % p->align == 0)
			continue;
		if (items == NULL)
			items = memcpy(ARENA_NEW(a, struct place_item, p->count), p->items, sizeof(*items) * p->count);
		items[i].align = place_align(p, &p->items[i]);
	}
	return items == NULL ? p->items : items;
}

int
placement_run(struct place_result *r, const struct placement *row, const struct place_problem *p,
    struct arena *a, struct err *e)
{
	struct place_problem settled = *p;

	settled.items = settle_aligns(p, a);
	r->refused = NULL;
	r->bound_bytes = placement_bound(&settled, a);
	if (p->first_part == NULL)
		row->place(r, &settled, a);
	else
		place_parts(r, &settled, row->place, a);
	if (r->refused != NULL)
		return err_set(e, ERR_NO, "placement '%s' does not handle this: %s", row->name, r->refused);
	placement_tell(&settled, r);
	return 0;
}
