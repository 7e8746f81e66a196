/* SPDX-License-Identifier: Apache-2.0 */
/* packing.c - ranges that have not changed stay, others take holes or eject */
#include <config.h>
#include "planner/search/packing.h"

#include <string.h>

#include "planner/search/search_constants.h"

/* ---- ranges of a timeline ---- */

/* Fills the moment of each step: of the op for which it runs, then of the op that runs.  The moment before all steps for op k is
 * even, those of steps are odd, so that a range may end between two. */
static void
find_moments(struct packing *k, const struct time_line *t)
{
	const struct decision_walk *w = &t->walk;
	uint64_t ops = k->op_count + 2;

	if (w->step_count > k->moment_capacity) {
		k->moment_capacity = 2 * w->step_count;
		k->moment = ARENA_NEW(k->arena, uint64_t, k->moment_capacity);
	}
	for (uint32_t op = 0, step = 0; op <= k->op_count; op++)
		for (; step < w->group[op + 1]; step++)
			k->moment[step] = 2 * (op * ops + w->steps[step].op) + 1;
}

/* The op in whose group a range begins with a fetch. */
static uint64_t
group_begin(const struct packing *k, const struct time_line *t, uint32_t step)
{
	uint64_t ops = k->op_count + 2;

	return step < t->walk.step_count ? (k->moment[step] - 1) / 2 / ops * ops * 2 : 2 * (k->op_count + 1) * ops;
}

static struct pack_range
range_of(const struct packing *k, const struct time_line *t, uint32_t id)
{
	const struct live_range *r = &t->ranges[id];
	const struct graph *g = t->problem->graph;
	uint32_t upper = r->upper, steps = (uint32_t)t->walk.step_count;
	struct pack_range x = { .bytes = (bytes_t)r->bytes, .offset = PACK_NOWHERE, .range = id, .owner = r->owner };

	x.from = r->fetched ? group_begin(k, t, r->lower) : k->moment[r->lower];
	x.to = upper > steps ? UINT64_MAX : upper == 0 ? 0 : k->moment[upper - 1] + 1;
	if (r->owner < k->tensor_count && kind_is_persistent(g->tensors[r->owner].kind)) {
		bool at_home = t->walk.d->on_host == NULL || !t->walk.d->on_host[r->owner];

		if (at_home && id < t->first_range)
			x.from = 0;
		x.fixed = at_home && (id < t->first_range || upper >= steps);
	}
	return x;
}

/* An end of a range, and the price of all ranges that end there or lower. */
struct pack_end { bytes_t end; uint64_t price; };

static void
make_room(struct packing *k, struct packing_list *l, uint32_t n)
{
	if (n > l->capacity) {
		l->capacity = 2 * (size_t)n;
		l->ranges = ARENA_NEW(k->arena, struct pack_range, l->capacity);
		l->placed = ARENA_NEW(k->arena, struct placed_range, l->capacity);
	}
	if (n > k->scratch_capacity) {
		k->scratch_capacity = 2 * (size_t)n;
		k->number_of = ARENA_NEW(k->arena, uint32_t, k->scratch_capacity);
		k->kept = ARENA_NEW(k->arena, uint32_t, k->scratch_capacity);
		k->near = ARENA_NEW(k->arena, struct placed_range, k->scratch_capacity);
		k->ends = ARENA_NEW(k->arena, struct pack_end, k->scratch_capacity);
	}
}

static bool
takes_room(const struct live_range *r)
{
	return !r->joined && r->bytes > 0 && r->lower < r->upper;
}

/* Fills l with all live ranges of t that take room, takeovers as one. */
static void
list_ranges(struct packing *k, struct packing_list *l, const struct time_line *t)
{
	uint32_t owners = k->tensor_count + k->op_count, n = (uint32_t)t->counts.ranges;

	find_moments(k, t);
	make_room(k, l, n);
	l->count = l->placed_count = 0;
	memset(k->owner_start, 0, sizeof(*k->owner_start) * ((size_t)owners + 2));
	for (uint32_t i = 0; i < n; i++)
		if (takes_room(&t->ranges[i])) {
			k->owner_start[t->ranges[i].owner + 2]++;
			l->count++;
		}
	for (uint32_t i = 0; i < owners; i++)
		k->owner_start[i + 2] += k->owner_start[i + 1];
	for (uint32_t i = 0; i < n; i++)
		if (takes_room(&t->ranges[i])) {
			k->number_of[i] = k->owner_start[t->ranges[i].owner + 1]++;
			l->ranges[k->number_of[i]] = range_of(k, t, i);
		}
	/* The ends of a chain of takeovers come in order, so that the last one stays. */
	for (uint32_t i = 0; i < n; i++)
		if (t->ranges[i].joined && t->ranges[i].bytes > 0) {
			struct pack_range end = range_of(k, t, i);

			l->ranges[k->number_of[t->ranges[i].part_of]].to = end.to;
		}
}

/* ---- places ---- */

/* The first of the placed ranges that starts at `start` or higher. */
static uint32_t
first_placed(const struct packing_list *l, bytes_t start)
{
	uint32_t low = 0, high = l->placed_count;

	while (low < high) {
		uint32_t mid = (low + high) / 2;

		if (l->placed[mid].start < start)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void
put(struct packing_list *l, uint32_t id, bytes_t at)
{
	struct pack_range *x = &l->ranges[id];
	uint32_t i = first_placed(l, at);

	memmove(&l->placed[i + 1], &l->placed[i], sizeof(*l->placed) * (l->placed_count++ - i));
	x->offset = at;
	l->placed[i] = (struct placed_range) { x->from, x->to, at, at + x->bytes, id, x->fixed };
}

static void
eject(struct packing_list *l, uint32_t id)
{
	struct pack_range *x = &l->ranges[id];
	uint32_t i = first_placed(l, x->offset);

	while (l->placed[i].id != id)
		i++;
	memmove(&l->placed[i], &l->placed[i + 1], sizeof(*l->placed) * (--l->placed_count - i));
	x->offset = PACK_NOWHERE;
	x->ejections++;
}

/* Lists the placed ranges alive with x in k->near; returns their number.  Fixed ranges that touch count as one. */
static uint32_t
find_near(struct packing *k, const struct pack_range *x)
{
	const struct packing_list *l = k->trial;
	uint32_t count = 0;

	for (uint32_t i = 0; i < l->placed_count; i++) {
		const struct placed_range *y = &l->placed[i];

		if (y->from >= x->to || x->from >= y->to)
			continue;
		if (y->fixed && count > 0 && k->near[count - 1].fixed && k->near[count - 1].end == y->start)
			k->near[count - 1].end = y->end;
		else
			k->near[count++] = *y;
	}
	return count;
}

/* Returns the tightest hole for `bytes` between the ranges near; PACK_NOWHERE: there is none. */
static bytes_t
find_hole(const struct packing *k, uint32_t count, bytes_t bytes)
{
	bytes_t at = 0, best = PACK_NOWHERE, best_room = UINT64_MAX;

	for (uint32_t i = 0; i <= count; i++) {
		bytes_t start = i < count ? k->near[i].start : k->budget;

		if (start >= at + bytes && start - at < best_room) {
			best = at;
			best_room = start - at;
		}
		if (i < count && k->near[i].end > at)
			at = k->near[i].end;
	}
	return best;
}

#define NO_EJECTION (UINT64_C(1) << 50)	/* more than all bytes together */

/* The price of ejecting a range: its bytes, more after each ejection. */
static uint64_t
ejection_price(const struct pack_range *y)
{
	return y->fixed || y->ejections == MOST_EJECTIONS ? NO_EJECTION : (uint64_t)y->bytes * (1 + 2 * y->ejections) + 1;
}

/* Fills k->ends from k->near.  Most ends are in order already. */
static void
sort_ends(struct packing *k, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct pack_end now = { k->near[i].end, ejection_price(&k->trial->ranges[k->near[i].id]) };
		uint32_t at = i;

		for (; at > 0 && k->ends[at - 1].end > now.end; at--)
			k->ends[at] = k->ends[at - 1];
		k->ends[at] = now;
	}
}

/* Returns the offset at which x ejects the fewest bytes: at a border of a range near it; PACK_NOWHERE: nowhere.  The ranges that x would
 * eject are those that start below its end, less those that end below its start. */
static bytes_t
find_victims(struct packing *k, uint32_t count, const struct pack_range *x)
{
	uint64_t best_price = NO_EJECTION, started = 0, ended = 0;
	bytes_t best = PACK_NOWHERE;
	uint32_t s = 0, e = 0;

	sort_ends(k, count);
	/* Upward from 0: the place begins at the end of a range ... */
	for (uint32_t c = 0; c <= count; c++) {
		bytes_t at = c == 0 ? 0 : k->ends[c - 1].end;

		if (at + x->bytes > k->budget)
			break;
		for (; s < count && k->near[s].start < at + x->bytes; s++)
			started += ejection_price(&k->trial->ranges[k->near[s].id]);
		for (; e < count && k->ends[e].end <= at; e++)
			ended += k->ends[e].price;
		if (started - ended < best_price) {
			best_price = started - ended;
			best = at;
		}
	}
	/* ... or ends at the start of one, or at the budget. */
	started = ended = s = e = 0;
	for (uint32_t c = 0; c <= count; c++) {
		bytes_t end = c < count ? k->near[c].start : k->budget;

		if (end < x->bytes)
			continue;
		for (; s < count && k->near[s].start < end; s++)
			started += ejection_price(&k->trial->ranges[k->near[s].id]);
		for (; e < count && k->ends[e].end <= end - x->bytes; e++)
			ended += k->ends[e].price;
		if (started - ended < best_price) {
			best_price = started - ended;
			best = end - x->bytes;
		}
	}
	return best;
}

static void
push_waiting(struct packing *k, size_t *count, uint32_t id)
{
	*ARENA_PUSH(k->arena, k->waiting, *count, k->waiting_capacity) = id;
}

/* Takes the largest range that waits, fixed ones first; ties to the lowest id. */
static uint32_t
pop_waiting(struct packing *k, size_t *count)
{
	size_t best = 0;
	uint32_t id;

	for (size_t i = 1; i < *count; i++) {
		const struct pack_range *x = &k->trial->ranges[k->waiting[i]], *y = &k->trial->ranges[k->waiting[best]];

		if (x->fixed > y->fixed || (x->fixed == y->fixed && (x->bytes > y->bytes || (x->bytes == y->bytes && k->waiting[i] < k->waiting[best]))))
			best = i;
	}
	id = k->waiting[best];
	k->waiting[best] = k->waiting[--*count];
	return id;
}

/* Places range id, and ejects those that are in the way. */
static bool
place(struct packing *k, size_t *waiting, uint32_t id)
{
	struct pack_range *x = &k->trial->ranges[id];
	uint32_t count = find_near(k, x);
	bytes_t at = x->fixed ? k->home[x->owner] : find_hole(k, count, x->bytes);

	if (at == PACK_NOWHERE && !x->fixed)
		at = find_victims(k, count, x);
	if (at == PACK_NOWHERE)
		return false;
	for (uint32_t i = 0; i < count; i++) {
		const struct placed_range *y = &k->near[i];

		if (y->start >= at + x->bytes || y->end <= at)
			continue;
		if (ejection_price(&k->trial->ranges[y->id]) == NO_EJECTION)
			return false;
		eject(k->trial, y->id);
		push_waiting(k, waiting, y->id);
	}
	put(k->trial, id, at);
	return true;
}

/* Gives every range of the trial that the base has, too, its offset there. */
static void
keep_places(struct packing *k)
{
	const struct packing_list *base = k->base;
	struct packing_list *l = k->trial;

	memset(k->kept, 0xff, sizeof(*k->kept) * base->count);
	for (uint32_t i = 0, j = 0; i < l->count; i++) {
		const struct pack_range *x = &l->ranges[i];

		while (j < base->count && base->ranges[j].owner < x->owner)
			j++;
		for (uint32_t b = j; b < base->count && base->ranges[b].owner == x->owner; b++) {
			const struct pack_range *y = &base->ranges[b];

			if (y->from == x->from && y->to == x->to && y->bytes == x->bytes && y->fixed == x->fixed)
				k->kept[b] = i;
		}
	}
	for (uint32_t i = 0; i < base->placed_count; i++) {
		uint32_t id = k->kept[base->placed[i].id];

		if (id == PLAN_NONE)
			continue;
		l->placed[l->placed_count] = base->placed[i];
		l->placed[l->placed_count++].id = id;
		l->ranges[id].offset = base->placed[i].start;
	}
}

bool
packing_try(struct packing *k, const struct time_line *t)
{
	size_t waiting = 0;

	list_ranges(k, k->trial, t);
	make_room(k, k->trial, k->base->count);
	keep_places(k);
	for (uint32_t i = 0; i < k->trial->count; i++)
		if (k->trial->ranges[i].offset == PACK_NOWHERE)
			push_waiting(k, &waiting, i);
	for (int placed = 0; waiting > 0; placed++)
		if (placed == MOST_PLACED || !place(k, &waiting, pop_waiting(k, &waiting)))
			return false;
	return true;
}

void
packing_accept(struct packing *k)
{
	struct packing_list *base = k->base;

	k->base = k->trial;
	k->trial = base;
}

const bytes_t *
packing_offsets(struct packing *k, const struct packing_list *l, const struct time_line *t)
{
	bytes_t *offsets = k->offsets;

	if (t->counts.ranges > k->offset_capacity) {
		k->offset_capacity = 2 * t->counts.ranges;
		k->offsets = offsets = ARENA_NEW(k->arena, bytes_t, k->offset_capacity);
	}
	if (t->counts.ranges > 0)
		memset(offsets, 0, sizeof(*offsets) * t->counts.ranges);
	/* A home to which a tensor returns at the step's end takes no room any more. */
	for (size_t i = 0; i < t->counts.ranges; i++)
		if (t->ranges[i].owner < k->tensor_count && k->home[t->ranges[i].owner] != PACK_NOWHERE)
			offsets[i] = k->home[t->ranges[i].owner];
	for (uint32_t i = 0; i < l->count; i++)
		offsets[l->ranges[i].range] = l->ranges[i].offset;
	for (size_t i = 0; i < t->counts.ranges; i++)
		if (t->ranges[i].joined)
			offsets[i] = offsets[t->ranges[i].part_of];
	return offsets;
}

void
packing_init(struct packing *k, const struct time_line *t, const bytes_t *offsets, struct arena *a)
{
	const struct graph *g = t->problem->graph;

	*k = (struct packing) { .arena = a, .budget = t->problem->budget_bytes / DEVICE_ALIGN * DEVICE_ALIGN, .tensor_count = g->tensor_count,
	    .op_count = g->op_count };
	k->base = &k->lists[0];
	k->trial = &k->lists[1];
	k->home = ARENA_NEW(a, bytes_t, g->tensor_count);
	k->owner_start = ARENA_NEW(a, uint32_t, (size_t)g->tensor_count + g->op_count + 2);
	memset(k->home, 0xff, sizeof(*k->home) * g->tensor_count);
	for (uint32_t i = 0; i < t->first_range; i++)
		k->home[t->ranges[i].owner] = offsets[i];
	list_ranges(k, k->base, t);
	for (uint32_t i = 0; i < k->base->count; i++)
		put(k->base, i, offsets[k->base->ranges[i].range]);
}
