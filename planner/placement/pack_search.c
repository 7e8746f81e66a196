/* SPDX-License-Identifier: Apache-2.0 */
/* pack_search.c - the depth-first search: state, parts and the memory of failed states
 *
 * One list holds the open items.  A node's part of it is in the order of lb.  Its branches move the items within the part and change their
 * lb; a node that fails undoes the changes of lb and sorts again.  So the memory is linear in the items and in the changes of one path.
 */
#include <config.h>
#include "planner/placement/pack_state.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/clock.h"

enum {
	MEMO_SIZE = 1 << 15,
	MOST_POOL = 1 << 22		/* cases of all nodes of one path, about */
};

/* States that have been shown impossible, as 128 bits of their hashes. */
struct pack_memo { uint64_t key[MEMO_SIZE][2]; };

static bool solve(struct pack_state *x, const struct part *p, struct run changed);

/* ---- state ---- */

struct mark { size_t skies, lbs, pool; int placed; };

static struct mark
mark(const struct pack_state *x)
{
	return (struct mark) { x->skies.count, x->lbs.count, x->pool_used, x->placed_count };
}

static void
undo(level_t *levels, struct changes *c, size_t count)
{
	while (c->count > count) {
		c->count--;
		levels[c->all[c->count].of] = c->all[c->count].level;
	}
}

static void
back_to(struct pack_state *x, struct mark m)
{
	undo(x->sky, &x->skies, m.skies);
	undo(x->lb, &x->lbs, m.lbs);
	while (x->placed_count > m.placed) {
		const struct packed *p = &x->s->items[x->placed[--x->placed_count]];

		for (int y = p->first; y <= p->last; y++)
			x->load[y] += p->size;
	}
	x->pool_used = m.pool;
}

/* Sorts a part whose branch failed. */
static void
sort_again(struct pack_state *x, const struct part *p)
{
	for (int i = 0; i < p->count; i++)
		p->list[i].lb = x->lb[p->list[i].item];
	pack_sort(p->list, p->count);
}

/* Returns `count` numbers on top of the stack; NULL: the path is deeper than those of the instances that this search is made for. */
static int *
pool_take(struct pack_state *x, size_t count)
{
	int *top = x->pool + x->pool_used;

	if (x->pool_size - x->pool_used < count) {
		x->gave_up = true;
		return NULL;
	}
	x->pool_used += count;
	return top;
}

static void
set_lb(struct pack_state *x, struct open_item *open, level_t lb)
{
	*ARENA_PUSH(x->arena, x->lbs.all, x->lbs.count, x->lbs.capacity) = (struct change) { open->item, open->lb };
	x->lb[open->item] = open->lb = lb;
}

/* Raises the items over the sections of *changed to `level` at least.  Then *changed has the sections of these items, too. */
static void
raise_items(struct pack_state *x, const struct part *part, struct run *changed, level_t level)
{
	const struct run over = *changed;

	for (int i = 0; i < part->count; i++) {
		const struct packed *p = &x->s->items[part->list[i].item];

		if (p->first > over.last || over.first > p->last || part->list[i].lb >= level)
			continue;
		set_lb(x, &part->list[i], sections_settle(p, level));
		changed->first = p->first < changed->first ? p->first : changed->first;
		changed->last = p->last > changed->last ? p->last : changed->last;
	}
}

/* ---- parts ---- */

/* Sections of a part and its items' place in the sorted list. */
struct piece { struct run over; int start, count; };
enum { PIECE_NUMBERS = sizeof(struct piece) / sizeof(int) };

/* Splits a part where no open item crosses; returns the number of pieces. */
static int
find_pieces(struct pack_state *x, struct piece *pieces, const struct part *part)
{
	struct run over = part->over;
	int n = 0, start = 0, covered = 0, joined = 0;
	bool open = false;	/* the section before is joined to this one */

	memset(x->covers + over.first, 0, sizeof(*x->covers) * (size_t)(over.last - over.first + 2));
	memset(x->joins + over.first, 0, sizeof(*x->joins) * (size_t)(over.last - over.first + 2));
	for (int i = 0; i < part->count; i++) {		/* one more from where an item begins, one less from where it has ended */
		const struct packed *p = &x->s->items[part->list[i].item];

		x->covers[p->first]++;
		x->covers[p->last + 1]--;
		x->joins[p->first]++;
		x->joins[p->last]--;
	}
	for (int y = over.first; y <= over.last; y++) {
		covered += x->covers[y];
		joined += x->joins[y];
		if (covered == 0)
			continue;
		if (!open)
			pieces[n++].over.first = y;
		pieces[n - 1].over.last = y;
		pieces[n - 1].count = 0;
		x->part[y] = n - 1;
		open = joined > 0;
	}
	for (int i = 0; i < part->count; i++)
		pieces[x->part[x->s->items[part->list[i].item].first]].count++;
	for (int i = 0; i < n; i++) {
		pieces[i].start = start;
		start += pieces[i].count;
		pieces[i].count = 0;
	}
	return n;
}

/* Moves the items of each piece together, in the order that they have. */
static void
gather(struct pack_state *x, struct piece *pieces, const struct part *part)
{
	for (int i = 0; i < part->count; i++) {
		struct piece *p = &pieces[x->part[x->s->items[part->list[i].item].first]];

		x->sorted[p->start + p->count++] = part->list[i];
	}
	memcpy(part->list, x->sorted, sizeof(*part->list) * (size_t)part->count);
}

/* Solves every piece, the smallest first, because a small piece fails soonest. */
static bool
solve_pieces(struct pack_state *x, const struct part *part, struct run changed)
{
	int n, most = part->over.last - part->over.first + 1 < part->count ? part->over.last - part->over.first + 1 : part->count;
	struct piece *pieces;

	if (part->count == 0)
		return true;
	pieces = (struct piece *)(void *)pool_take(x, (size_t)most * PIECE_NUMBERS);
	if (pieces == NULL)
		return false;
	n = find_pieces(x, pieces, part);
	x->pool_used -= (size_t)(most - n) * PIECE_NUMBERS;
	gather(x, pieces, part);
	for (int done = 0; done < n; done++) {
		int best = -1;

		for (int i = 0; i < n; i++)
			if (pieces[i].count > 0 && (best < 0 || pieces[i].count < pieces[best].count))
				best = i;
		if (!solve(x, &(struct part) { pieces[best].over, part->list + pieces[best].start, pieces[best].count }, changed))
			return false;
		pieces[best].count = 0;
	}
	return true;
}

/* ---- memory of failures ---- */

static uint64_t
mix(uint64_t z)
{
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* Hashes the skyline and the open items of a part, which alone decide whether it can be solved.  Stacks that differ only in their order
 * below the same skyline have one hash. */
static void
hash_state(uint64_t hash[2], const struct pack_state *x, const struct part *p)
{
	hash[0] = hash[1] = 1;
	for (int y = p->over.first; y <= p->over.last; y++) {
		uint64_t z = mix((uint64_t)x->sky[y] << 20 ^ (uint64_t)y);

		hash[0] += z;
		hash[1] += z * (z | 1);
	}
	for (int i = 0; i < p->count; i++) {
		uint64_t z = mix((uint64_t)p->list[i].item + UINT64_C(0x9e3779b97f4a7c15));

		hash[0] += z;
		hash[1] += z * (z | 1);
	}
}

static bool
has_failed(const struct pack_state *x, const uint64_t hash[2])
{
	const uint64_t *entry = x->memo->key[hash[0] % MEMO_SIZE];

	return entry[0] == hash[0] && entry[1] == hash[1];
}

static void
remember(struct pack_state *x, const uint64_t hash[2])
{
	memcpy(x->memo->key[hash[0] % MEMO_SIZE], hash, sizeof(x->memo->key[0]));
}

/* ---- the search ---- */

bool
pack_must_end(const struct pack_limits *limits, uint64_t before, uint64_t work)
{
	if (work > limits->work)
		return true;
	if (work >> 14 == before >> 14)
		return false;
	return (limits->deadline_s > 0 && clock_seconds() > limits->deadline_s) || (limits->stopped != NULL && limits->stopped(limits->user)) ||
	    (limits->winner != NULL && atomic_load(limits->winner) < limits->self);
}

static bool
spend(struct pack_state *x, int count)
{
	uint64_t before = x->work;

	x->work += (uint64_t)count + 8;
	x->gave_up |= pack_must_end(x->limits, before, x->work);
	return !x->gave_up;
}

/* Places an item on the floor of its valley, then the rest. */
static bool
try_item(struct pack_state *x, const struct part *part, int item)
{
	const struct packed *p = &x->s->items[item];
	struct part rest = { part->over, part->list, part->count - 1 };
	struct run changed = { p->first, p->last };
	int at = 0;

	while (part->list[at].item != item)
		at++;
	memmove(part->list + at, part->list + at + 1, sizeof(*part->list) * (size_t)(rest.count - at));
	part->list[rest.count].item = item;
	x->level[item] = x->lb[item];
	x->placed[x->placed_count++] = item;
	for (int y = p->first; y <= p->last; y++) {
		x->load[y] -= p->size;
		pack_set_level(x, y, x->level[item] + p->size);
	}
	raise_items(x, &rest, &changed, x->level[item] + p->size);
	return solve_pieces(x, &rest, changed);
}

/* Leaves a hole on the floor at the section, up to level raised, and places the items above it. */
static bool
try_hole(struct pack_state *x, const struct part *part, int section, level_t raised)
{
	struct run changed = { section, section };

	if (raised < 0 || raised + x->load[section] > x->top[section])
		return false;
	pack_set_level(x, section, raised);
	raise_items(x, part, &changed, raised);
	return solve(x, part, changed);
}

/* Tries the cases of a section of a part that is sorted, one after the other, and the hole. */
static bool
try_cases(struct pack_state *x, const struct part *p)
{
	int section = pack_choose_section(x, p), n, *cases = pool_take(x, (size_t)p->count);
	struct mark here;
	level_t raised;

	if (cases == NULL)
		return false;
	n = pack_find_cases(x, section, p, cases);
	x->pool_used -= (size_t)(p->count - n);
	raised = pack_find_raised(x, section, p);
	here = mark(x);
	for (int i = 0; i < n && !x->gave_up; i++) {
		if (try_item(x, p, cases[i]))
			return true;
		back_to(x, here);
		sort_again(x, p);
	}
	return !x->gave_up && try_hole(x, p, section, raised);
}

/* Places all items of a part, whose items are connected.  changed: the sections whose items have changed since the part's bound was tested.
 * On failure the state is as before, but for the order of the part's list. */
static bool
solve(struct pack_state *x, const struct part *p, struct run changed)
{
	struct mark start = mark(x);
	uint64_t hash[2];

	if (!spend(x, p->count))
		return false;
	pack_sort(p->list, p->count);
	/* With given items a section's score reads the ends that the bound has found. */
	changed.first = x->s->any_given || changed.first < p->over.first ? p->over.first : changed.first;
	changed.last = x->s->any_given || changed.last > p->over.last ? p->over.last : changed.last;
	if (pack_within_bound(x, changed, p->list, p->count)) {
		hash_state(hash, x, p);
		if (!has_failed(x, hash)) {
			if (try_cases(x, p))
				return true;
			if (!x->gave_up)
				remember(x, hash);
		}
	}
	back_to(x, start);
	return false;
}

/* ---- setting up ---- */

/* Returns a number in [0, 1) from a seed: splitmix64 (Steele, Lea and Flood 2014). */
static double
noise(uint64_t seed, uint64_t i)
{
	return (double)(mix(seed * UINT64_C(0x9e3779b97f4a7c15) + i * UINT64_C(0xd1b54a32d192ed03)) >> 11) * 0x1p-53;
}

double *
pack_keys(const struct sections *s, const struct strategy *how, uint64_t seed, struct arena *a)
{
	double *key = ARENA_NEW(a, double, s->item_count);

	for (int i = 0; i < s->item_count; i++) {
		key[i] = pack_item_key(s, &s->items[i], how);
		if (seed != 0)
			key[i] *= 0.85 + 0.3 * noise(seed, (uint64_t)i);
	}
	return key;
}

struct pack_memo *
pack_memo_new(struct arena *a)
{
	return ARENA_NEW(a, struct pack_memo, 1);
}

void
pack_memo_clear(struct pack_memo *memo)
{
	memset(memo, 0, sizeof(*memo));
}

/* Fills the highest end of each item below the capacity, and the highest over each section. */
static void
find_tops(struct pack_state *x, bytes_t capacity, struct arena *a)
{
	const struct sections *s = x->s;
	level_t *most = ARENA_NEW(a, level_t, s->item_count), *top = ARENA_NEW(a, level_t, (size_t)s->count + 1);

	for (int i = 0; i < s->item_count; i++) {
		const struct packed *p = &s->items[i];

		most[i] = sections_highest_end(s, p, capacity);
		for (int y = p->first; y <= p->last; y++)
			top[y] = most[i] > top[y] ? most[i] : top[y];
	}
	x->most = most;
	x->top = top;
	x->capacity = (level_t)(capacity / s->unit);
}

enum pack_answer
pack_search(level_t *level, const struct sections *s, bytes_t capacity, const struct strategy *how,
    uint64_t seed, const struct pack_limits *limits, struct pack_memo *memo, struct arena *a)
{
	struct pack_state x = { .s = s, .how = how, .limits = limits, .level = level, .memo = memo, .arena = a };
	size_t sections = (size_t)s->count + 1, n = (size_t)s->item_count;
	struct part all = { .over = { 0, s->count - 1 }, .list = ARENA_NEW(a, struct open_item, n), .count = (int)n };

	find_tops(&x, capacity, a);
	x.key = pack_keys(s, how, seed, a);
	x.lb = ARENA_NEW(a, level_t, n);
	x.sky = ARENA_NEW(a, level_t, sections);
	x.load = ARENA_NEW(a, level_t, sections);
	x.end = ARENA_NEW(a, level_t, sections);
	x.least = ARENA_NEW(a, level_t, sections);
	x.passed = ARENA_NEW(a, uint32_t, sections);
	x.next = ARENA_NEW(a, uint32_t, sections);
	x.cases = ARENA_NEW(a, int, sections);
	x.valley = ARENA_NEW(a, int, sections);
	x.valleys = ARENA_NEW(a, struct run, sections);
	x.part = ARENA_NEW(a, int, sections);
	x.covers = ARENA_NEW(a, int, sections);
	x.joins = ARENA_NEW(a, int, sections);
	x.sorted = ARENA_NEW(a, struct open_item, n);
	x.placed = ARENA_NEW(a, int, n);
	x.pool_size = (n + 64) * (n + 64) < MOST_POOL ? (n + 64) * (n + 64) : MOST_POOL;
	x.pool = ARENA_NEW(a, int, x.pool_size);
	memcpy(x.load, s->load, sizeof(*x.load) * (size_t)s->count);
	for (size_t i = 0; i < n; i++) {
		x.lb[i] = sections_settle(&s->items[i], 0);
		all.list[i] = (struct open_item) { (int)i, x.lb[i] };
	}
	if (solve_pieces(&x, &all, all.over))
		return PACK_FITS;
	return x.gave_up ? PACK_GAVE_UP : PACK_NEVER;
}
