/* SPDX-License-Identifier: Apache-2.0 */
/* place_list.c - a list of items with times of 64 bits: its limits, its placement, and the check of the placement */
#include <config.h>
#include "src/library/place_list.h"

#include <stdlib.h>

#include "planner/placement/place_check.h"
#include "src/base/lower_bound.h"
#include "src/base/rank.h"

const char *const place_status_names[] = { "optimal", "feasible", "unknown", "infeasible" };

bool
place_sums_add(struct place_sums *s, const struct place_item *it)
{
	s->all += it->bytes + it->align;
	if (it->fixed == PLACE_FREE)
		s->free += it->bytes + it->align;
	else if (it->fixed + it->bytes > s->highest)
		s->highest = it->fixed + it->bytes;
	return s->all <= BYTES_MAX && s->free + s->highest <= BYTES_MAX;
}

static int
rising(const void *x, const void *y)
{
	int64_t p = *(const int64_t *)x, q = *(const int64_t *)y;

	return p < q ? -1 : p > q;
}

const int64_t *
place_rank_times(struct place_item *items, const int64_t *lowers, const int64_t *uppers, uint32_t count, struct arena *a)
{
	int64_t *times = ARENA_NEW(a, int64_t, 2 * (size_t)count);
	size_t distinct = 0;

	for (size_t i = 0; i < count; i++) {
		times[2 * i] = lowers[i];
		times[2 * i + 1] = uppers[i];
	}
	qsort(times, 2 * (size_t)count, sizeof(*times), rising);
	for (size_t i = 0; i < 2 * (size_t)count; i++)
		if (i == 0 || times[i] != times[i - 1])
			times[distinct++] = times[i];
	for (uint32_t i = 0; i < count; i++) {
		items[i].lower = lower_bound_int64(times, 0, (uint32_t)distinct, lowers[i]);
		items[i].upper = lower_bound_int64(times, 0, (uint32_t)distinct, uppers[i]);
	}
	return times;
}

int
place_list_run(struct place_result *r, const struct placement *row, const struct place_problem *p, struct arena *a, struct err *e)
{
	struct place_fault fault;

	if (placement_run(r, row, p, a, e) < 0)
		return -1;
	if (r->arena_bytes < r->bound_bytes)
		return err_set(e, ERR_SYSTEM, "placement '%s' went below the bound (a bug)", row->name);
	if (place_check(p, r->offsets, r->arena_bytes, &fault, a, e) == 0)
		return 0;
	e->code = ERR_SYSTEM;
	return err_at(e, "placement '%s' made an unsound placement (a bug)", row->name);
}

/* Fills the proof with the largest items alive at a time, as few as are over the capacity; the last one decides, so none can be left out. */
static void
prove_by_load(struct place_proof *proof, const struct place_problem *p, uint32_t time, bytes_t capacity, struct arena *a)
{
	struct ranked *alive = ARENA_NEW(a, struct ranked, p->count);
	bytes_t unit = placement_unit(p), sum = 0, padding = 0;
	uint32_t n = 0;

	for (uint32_t i = 0; i < p->count; i++)
		if (p->items[i].lower <= time && time < p->items[i].upper && p->items[i].bytes > 0)
			alive[n++] = (struct ranked) { (double)p->items[i].bytes, 0, i };
	rank_falling(alive, n);
	for (uint32_t k = 0; k < n && sum <= capacity + padding; k++) {
		bytes_t bytes = p->items[alive[k].id].bytes, padded = bytes_align(bytes, unit);

		proof->items[proof->count++] = alive[k].id;
		sum += padded;
		padding = padded - bytes > padding ? padded - bytes : padding;	/* the topmost item may do without */
	}
	for (uint32_t k = 0; k < proof->count; k++)
		proof->time = p->items[proof->items[k]].lower > proof->time ? p->items[proof->items[k]].lower : proof->time;
	proof->bytes = sum - padding;
	if (proof->bytes <= capacity)
		proof->count = 0;
}

/* Replaces parts by their items, each once. */
static void
take_owners(struct place_proof *proof, const uint32_t *owner)
{
	uint32_t n = 0, k;

	for (uint32_t i = 0; i < proof->count; i++) {
		uint32_t item = owner[proof->items[i]];

		for (k = 0; k < n && proof->items[k] != item; k++)
			;
		proof->items[k] = item;
		n += k == n;
	}
	proof->count = n;
}

void
place_prove(struct place_proof *proof, const struct place_problem *p, bytes_t capacity, struct arena *a)
{
	struct place_problem flat = *p;
	uint32_t end = 0, *owner = NULL;

	for (uint32_t i = 0; i < p->count; i++) {
		const struct place_item *it = &p->items[i];
		bytes_t top = (it->fixed == PLACE_FREE ? 0 : it->fixed) + it->bytes;

		end = it->upper > end ? it->upper : end;
		if (top <= capacity)
			continue;
		*proof = (struct place_proof) { .count = 1, .items = ARENA_NEW(a, uint32_t, 1), .time = it->lower, .bytes = top };
		proof->items[0] = i;
		return;
	}
	if (p->first_part != NULL)
		placement_flatten(&flat, &owner, p, false, a);
	*proof = (struct place_proof) { .items = ARENA_NEW(a, uint32_t, flat.count) };
	if (end > 0)
		prove_by_load(proof, &flat, placement_busiest(placement_load(&flat, NULL, end, a), end), capacity, a);
	if (owner != NULL)
		take_owners(proof, owner);
}

enum place_status
place_status_of(const struct place_result *r, bytes_t capacity)
{
	if (capacity > 0 && r->arena_bytes > capacity)
		return r->bound_bytes > capacity ? PLACE_INFEASIBLE : PLACE_UNKNOWN;
	return r->arena_bytes <= r->bound_bytes ? PLACE_OPTIMAL : PLACE_FEASIBLE;
}
