/* SPDX-License-Identifier: Apache-2.0 */
/* pack_search.c - the depth-first search: state, bound, branching, parts and the memory of failed states */
#include <config.h>
#include "planner/placement/pack_state.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/clock.h"

enum { MEMO_SIZE = 1 << 15 };
enum { MOST_POOL = 1 << 24 };	/* open items in all lists of one path of the search */

enum { RULE_SLACK, RULE_PRODUCT, RULE_LEVEL, RULE_LOOSE };
enum { KEY_LENGTH, KEY_SIZE, KEY_LOAD, KEY_LOAD_SIZE, KEY_AREA, KEY_SECTIONS };

/* Diverse rather than deep: of the hard instances measured, each was easy for one or two of these. */
const struct strategy strategies[] = {
	{ RULE_LOOSE, KEY_SECTIONS },	{ RULE_PRODUCT, KEY_SIZE },
	{ RULE_LEVEL, KEY_AREA },	{ RULE_SLACK, KEY_SIZE },
	{ RULE_LOOSE, KEY_LENGTH },	{ RULE_PRODUCT, KEY_SECTIONS },
	{ RULE_LOOSE, KEY_LOAD_SIZE },	{ RULE_PRODUCT, KEY_LENGTH },
};
const int strategy_count = sizeof(strategies) / sizeof(strategies[0]);
_Static_assert(sizeof(strategies) / sizeof(strategies[0]) <= MOST_STRATEGIES, "a caller has one answer and one memo for each");

/* States that have been shown impossible, as 128 bits of their hashes. */
struct pack_memo { uint64_t key[MEMO_SIZE][2]; };

static bool solve(struct pack_state *x, int left, int right, struct open_item *list, int count);

/* ---- state ---- */

struct mark { size_t changes; int placed; size_t pool; };

static struct mark
mark(const struct pack_state *x)
{
	return (struct mark) { x->change_count, x->placed_count, x->pool_used };
}

static void
back_to(struct pack_state *x, struct mark m)
{
	while (x->change_count > m.changes) {
		const struct change *c = &x->changes[--x->change_count];

		x->sky[c->section] = c->level;
	}
	while (x->placed_count > m.placed) {
		const struct packed *p = &x->s->items[x->placed[--x->placed_count]];

		for (int y = p->first; y <= p->last; y++)
			x->load[y] += p->size;
	}
	x->pool_used = m.pool;
}

static struct open_item *
list_new(struct pack_state *x, int count)
{
	struct open_item *list = x->pool + x->pool_used;

	if (x->pool_size - x->pool_used < (size_t)count) {
		x->gave_up = true;	/* deeper than the instances that this search is made for */
		return NULL;
	}
	x->pool_used += (size_t)count;
	return list;
}

/* ---- branching ---- */

static double
section_score(const struct pack_state *x, int y)
{
	level_t slack = x->s->any_given ? x->top[y] - x->end[y] : x->capacity - x->sky[y] - x->load[y];
	double cases = x->cases[y] + (slack > 0), level = (double)x->sky[y], room = (double)slack;
	const double scale = (double)x->capacity + 1;

	switch (x->how->section_rule) {
	case RULE_SLACK:
		return (cases * scale + room) * scale + level;
	case RULE_LEVEL:
		return (cases * scale + level) * scale + room;
	case RULE_PRODUCT:
		return x->cases[y] * (1 + room) * scale + level;
	default:
		cases = x->cases[y] + (room * 256 > scale ? 2 : room > 0 ? 1 : 0);
		return (cases * scale + room) * scale + level;
	}
}

/* Returns the section to branch on, among those of valleys. */
static int
choose_section(struct pack_state *x, int left, int right, const struct open_item *list, int count)
{
	double best_score = 0;
	int best = -1;

	for (int y = left; y <= right; y++)
		x->cases[y] = 0;
	for (int i = 0; i < count; i++) {
		const struct packed *p = &x->s->items[list[i].item];

		for (int y = p->first; y <= p->last; y++)
			x->cases[y] += x->sky[y] == list[i].lb;
	}
	for (int y = left, e; y <= right; y = e + 1) {
		for (e = y; e < right && x->sky[e + 1] == x->sky[y]; e++)
			;
		if ((y > left && x->sky[y - 1] < x->sky[y]) || (e < right && x->sky[e + 1] < x->sky[y]))
			continue;
		for (int z = y; z <= e; z++) {
			double score = section_score(x, z);

			if (best < 0 || score < best_score) {
				best = z;
				best_score = score;
			}
		}
	}
	return best;
}

static bool
is_twin(const struct packed *p, const struct packed *q)
{
	return p->first == q->first && p->last == q->last && p->size == q->size && p->align == q->align && p->tail == q->tail;
}

/* Returns the lowest level to which the section rises when none of its items rests on its floor, -1: no such level.  Take a solution in
 * which no item can move down alone, and the section's lowest item.  Either the item cannot begin at the floor, or another item that does
 * not cover the section is in the way, and the lowest item lies on that one or above. */
static level_t
find_raised(const struct pack_state *x, int section, const struct open_item *list, int count)
{
	const struct packed *items = x->s->items;
	level_t floor = x->sky[section], raised = -1, most = 0;
	int first = section, last = section;

	for (int i = 0; i < count; i++) {
		const struct packed *p = &items[list[i].item];

		if (p->first > section || p->last < section)
			continue;
		if (list[i].lb > floor) {
			raised = list[i].lb;
			break;		/* the list is sorted by lb */
		}
		first = p->first < first ? p->first : first;
		last = p->last > last ? p->last : last;
		most = p->size > most ? p->size : most;
	}
	for (int i = 0; i < count && list[i].lb < floor + most; i++) {
		const struct packed *p = &items[list[i].item];

		if (p->first <= last && first <= p->last && (p->first > section || p->last < section) &&
		    (raised < 0 || list[i].lb + p->size < raised))
			raised = list[i].lb + p->size;
	}
	return raised;
}

/* Finds the items that may rest on the floor at the section, best key first, one of each set of twins. */
static int
find_cases(const struct pack_state *x, int section, const struct open_item *list, int count, struct open_item *cases)
{
	level_t floor = x->sky[section];
	int n = 0, k;

	for (int i = 0; i < count && list[i].lb <= floor; i++) {
		const struct packed *p = &x->s->items[list[i].item];

		if (p->first > section || p->last < section || list[i].lb < floor)
			continue;
		for (k = 0; k < n && !is_twin(p, &x->s->items[cases[k].item]); k++)
			;
		if (k == n)
			cases[n++] = list[i];
		else if (list[i].item < cases[k].item)
			cases[k].item = list[i].item;
	}
	for (int i = 1; i < n; i++) {
		struct open_item c = cases[i];

		for (k = i; k > 0 && (x->key[cases[k - 1].item] < x->key[c.item] ||
		    (x->key[cases[k - 1].item] == x->key[c.item] && cases[k - 1].item > c.item)); k--)
			cases[k] = cases[k - 1];
		cases[k] = c;
	}
	return n;
}

/* Copies list without item `without` (-1: all items) and raises the items over [first, last] to `level` at least; the count. */
static int
raise_list(struct pack_state *x, struct open_item *to, const struct open_item *list, int count, int without,
    int first, int last, level_t level)
{
	int n = 0;

	for (int i = 0; i < count; i++) {
		const struct packed *p = &x->s->items[list[i].item];

		if (list[i].item == without)
			continue;
		to[n] = list[i];
		if (p->first <= last && first <= p->last && list[i].lb < level)
			to[n].lb = sections_settle(p, level);
		n++;
	}
	return n;
}

/* ---- parts ---- */

struct part { int left, right, start, count; };

/* Splits [left, right] where no open item crosses; returns the number of parts. */
static int
find_parts(struct pack_state *x, struct part *parts, int left, int right, const struct open_item *list, int count)
{
	int n = 0, start = 0;

	memset(x->covered + left, 0, (size_t)(right - left + 1));
	memset(x->joined + left, 0, (size_t)(right - left + 1));
	for (int i = 0; i < count; i++) {
		const struct packed *p = &x->s->items[list[i].item];

		memset(x->covered + p->first, 1, (size_t)(p->last - p->first + 1));
		memset(x->joined + p->first, 1, (size_t)(p->last - p->first));
	}
	for (int y = left; y <= right; y++) {
		if (!x->covered[y])
			continue;
		parts[n] = (struct part) { .left = y };
		for (; y < right && x->joined[y]; y++)
			x->part[y] = n;
		x->part[y] = n;
		parts[n++].right = y;
	}
	for (int i = 0; i < count; i++)
		parts[x->part[x->s->items[list[i].item].first]].count++;
	for (int i = 0; i < n; i++) {
		parts[i].start = start;
		start += parts[i].count;
		parts[i].count = 0;
	}
	return n;
}

/* Solves every part, the smallest first, because a small part fails soonest. */
static bool
solve_parts(struct pack_state *x, int left, int right, struct open_item *list, int count)
{
	struct part one[8], *parts = one;
	struct open_item *sorted;
	int n, most = right - left + 1 < count ? right - left + 1 : count;

	if (count == 0)
		return true;
	if (most > (int)(sizeof(one) / sizeof(one[0])))
		parts = (struct part *)(void *)list_new(x, most * (int)(sizeof(struct part) / sizeof(*list) + 1));
	if (parts == NULL)
		return false;
	n = find_parts(x, parts, left, right, list, count);
	if (n == 1)
		return solve(x, parts[0].left, parts[0].right, list, count);
	sorted = list_new(x, count);
	if (sorted == NULL)
		return false;
	for (int i = 0; i < count; i++) {
		struct part *p = &parts[x->part[x->s->items[list[i].item].first]];

		sorted[p->start + p->count++] = list[i];
	}
	for (int done = 0; done < n; done++) {
		int best = -1;

		for (int i = 0; i < n; i++)
			if (parts[i].count > 0 && (best < 0 || parts[i].count < parts[best].count))
				best = i;
		if (!solve(x, parts[best].left, parts[best].right, sorted + parts[best].start, parts[best].count))
			return false;
		parts[best].count = 0;
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
hash_state(uint64_t hash[2], const struct pack_state *x, int left, int right, const struct open_item *list, int count)
{
	hash[0] = hash[1] = 1;
	for (int y = left; y <= right; y++) {
		uint64_t z = mix((uint64_t)x->sky[y] << 20 ^ (uint64_t)y);

		hash[0] += z;
		hash[1] += z * (z | 1);
	}
	for (int i = 0; i < count; i++) {
		uint64_t z = mix((uint64_t)list[i].item + UINT64_C(0x9e3779b97f4a7c15));

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

static bool
spend(struct pack_state *x, int count)
{
	uint64_t before = x->work;

	x->work += (uint64_t)count + 8;
	if (x->work > x->limits->work)
		x->gave_up = true;
	else if (x->work >> 14 != before >> 14) {
		if (x->limits->deadline_s > 0 && clock_seconds() > x->limits->deadline_s)
			x->gave_up = true;
		if (x->limits->stopped != NULL && x->limits->stopped(x->limits->user))
			x->gave_up = true;
		if (x->limits->winner != NULL && atomic_load(x->limits->winner) < x->limits->self)
			x->gave_up = true;
	}
	return !x->gave_up;
}

/* Places item c on the floor of its valley, then the rest. */
static bool
try_item(struct pack_state *x, int left, int right, const struct open_item *list, int count, struct open_item c)
{
	const struct packed *p = &x->s->items[c.item];
	struct open_item *rest = list_new(x, count);

	if (rest == NULL)
		return false;
	x->level[c.item] = c.lb;
	x->placed[x->placed_count++] = c.item;
	for (int y = p->first; y <= p->last; y++) {
		x->load[y] -= p->size;
		pack_set_level(x, y, c.lb + p->size);
	}
	count = raise_list(x, rest, list, count, c.item, p->first, p->last, c.lb + p->size);
	return solve_parts(x, left, right, rest, count);
}

/* Leaves a hole on the floor at the section, up to level raised, and places the list above it. */
static bool
try_hole(struct pack_state *x, int left, int right, const struct open_item *list, int count, int section, level_t raised)
{
	struct open_item *same;

	if (raised < 0 || raised + x->load[section] > x->top[section])
		return false;
	same = list_new(x, count);
	if (same == NULL)
		return false;
	pack_set_level(x, section, raised);
	count = raise_list(x, same, list, count, -1, section, section, raised);
	return solve(x, left, right, same, count);
}

/* Places all of list, whose items lie in sections left..right and are connected.  On failure the state is as before. */
static bool
solve(struct pack_state *x, int left, int right, struct open_item *list, int count)
{
	struct mark start = mark(x), here;
	struct open_item *cases;
	int section, n;
	level_t raised;
	uint64_t hash[2];

	if (!spend(x, count))
		return false;
	pack_sort(list, count);
	if (!pack_within_bound(x, left, right, list, count) || (cases = list_new(x, count)) == NULL) {
		back_to(x, start);
		return false;
	}
	hash_state(hash, x, left, right, list, count);
	if (has_failed(x, hash)) {
		back_to(x, start);
		return false;
	}
	section = choose_section(x, left, right, list, count);
	n = find_cases(x, section, list, count, cases);
	raised = find_raised(x, section, list, count);
	here = mark(x);
	for (int i = 0; i < n && !x->gave_up; i++) {
		if (try_item(x, left, right, list, count, cases[i]))
			return true;
		back_to(x, here);
	}
	if (!x->gave_up && try_hole(x, left, right, list, count, section, raised))
		return true;
	back_to(x, start);
	if (!x->gave_up)
		remember(x, hash);
	return false;
}

/* ---- setting up ---- */

static double
item_key(const struct sections *s, const struct packed *p, int key)
{
	double load = 0, size = (double)p->size, length = p->last - p->first + 1;

	for (int y = p->first; y <= p->last; y++)
		load += (double)s->load[y];
	switch (key) {
	case KEY_SIZE:		return size;
	case KEY_LOAD:		return load;
	case KEY_LOAD_SIZE:	return load * size;
	case KEY_AREA:		return length * size;
	case KEY_SECTIONS:	return length * 1e6 - size;
	default:		return length;
	}
}

/* Returns a number in [0, 1) from a seed: splitmix64 (Steele, Lea and Flood 2014). */
static double
noise(uint64_t seed, uint64_t i)
{
	return (double)(mix(seed * UINT64_C(0x9e3779b97f4a7c15) + i * UINT64_C(0xd1b54a32d192ed03)) >> 11) * 0x1p-53;
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

		most[i] = capacity < p->tail ? 0 : (level_t)((capacity - p->tail) / s->unit) + 1;
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
	struct open_item *all;

	find_tops(&x, capacity, a);
	x.key = ARENA_NEW(a, double, n);
	x.sky = ARENA_NEW(a, level_t, sections);
	x.load = ARENA_NEW(a, level_t, sections);
	x.end = ARENA_NEW(a, level_t, sections);
	x.least = ARENA_NEW(a, level_t, sections);
	x.passed = ARENA_NEW(a, uint32_t, sections);
	x.cases = ARENA_NEW(a, int, sections);
	x.part = ARENA_NEW(a, int, sections);
	x.covered = ARENA_NEW(a, bool, sections);
	x.joined = ARENA_NEW(a, bool, sections);
	x.placed = ARENA_NEW(a, int, n + 1);
	x.pool_size = (n + 64) * (n + 64) * 2 < MOST_POOL ? (n + 64) * (n + 64) * 2 : MOST_POOL;
	x.pool = ARENA_NEW(a, struct open_item, x.pool_size);
	memcpy(x.load, s->load, sizeof(*x.load) * (size_t)s->count);
	all = list_new(&x, (int)n);
	for (size_t i = 0; i < n; i++) {
		x.key[i] = item_key(s, &s->items[i], how->item_key);
		if (seed != 0)
			x.key[i] *= 0.85 + 0.3 * noise(seed, i);
		all[i] = (struct open_item) { (int)i, sections_settle(&s->items[i], 0) };
	}
	if (solve_parts(&x, 0, s->count - 1, all, (int)n))
		return PACK_FITS;
	return x.gave_up ? PACK_GAVE_UP : PACK_NEVER;
}
