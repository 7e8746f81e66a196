/* SPDX-License-Identifier: Apache-2.0 */
/* pack_branch.c - the choices of the depth-first search: the section to branch on, and the items that may rest there */
#include <config.h>
#include "planner/placement/pack_state.h"

#include <string.h>

enum { RULE_SLACK, RULE_PRODUCT, RULE_LEVEL, RULE_LOOSE };
enum { KEY_LENGTH, KEY_SIZE, KEY_LOAD, KEY_LOAD_SIZE, KEY_AREA, KEY_SECTIONS };

/* Diverse rather than deep: of the hard instances measured, each was easy for one or two of these. */
const struct strategy strategies[] = {
	{ RULE_LOOSE, KEY_SECTIONS },	{ RULE_PRODUCT, KEY_SIZE },
	{ RULE_LEVEL, KEY_AREA },	{ RULE_SLACK, KEY_SIZE },
	{ RULE_LOOSE, KEY_LENGTH },	{ RULE_PRODUCT, KEY_SECTIONS },
	{ RULE_LOOSE, KEY_LOAD_SIZE },	{ RULE_PRODUCT, KEY_LENGTH },
};
const struct strategy gap_strategy = { .item_key = KEY_LENGTH };
const int descent_strategy = 5;
const int strategy_count = sizeof(strategies) / sizeof(strategies[0]);
_Static_assert(sizeof(strategies) / sizeof(strategies[0]) <= MOST_STRATEGIES, "a caller has one answer and one memo for each");

/* ---- the section ---- */

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

/* Fills valleys with the runs of equal level between higher ones, and `valley` with the number of them that end before each section's run. */
static int
find_valleys(struct pack_state *x, struct run over)
{
	int n = 0;

	for (int y = over.first, e; y <= over.last; y = e + 1) {
		int here = n;

		for (e = y; e < over.last && x->sky[e + 1] == x->sky[y]; e++)
			;
		if ((y == over.first || x->sky[y - 1] >= x->sky[y]) && (e == over.last || x->sky[e + 1] >= x->sky[y]))
			x->valleys[n++] = (struct run) { y, e };
		for (int z = y; z <= e; z++)
			x->valley[z] = here;
	}
	return n;
}

/* Fills cases, at the sections of valleys, with the number of items that may rest there: where an item begins one more, where it has ended
 * one less, and then the sums. */
static void
count_cases(struct pack_state *x, int valleys, const struct part *part)
{
	struct run over = part->over;

	memset(x->cases + over.first, 0, sizeof(*x->cases) * (size_t)(over.last - over.first + 2));
	for (int i = 0; i < part->count; i++) {
		const struct packed *p = &x->s->items[part->list[i].item];

		for (int v = x->valley[p->first]; v < valleys && x->valleys[v].first <= p->last; v++) {
			struct run r = x->valleys[v];

			if (x->sky[r.first] != part->list[i].lb)
				continue;
			x->cases[r.first > p->first ? r.first : p->first]++;
			x->cases[(r.last < p->last ? r.last : p->last) + 1]--;
		}
	}
	for (int y = over.first; y < over.last; y++)
		x->cases[y + 1] += x->cases[y];
}

int
pack_choose_section(struct pack_state *x, const struct part *p)
{
	double best_score = 0;
	int best = -1, valleys = find_valleys(x, p->over);

	count_cases(x, valleys, p);
	for (int v = 0; v < valleys; v++)
		for (int y = x->valleys[v].first; y <= x->valleys[v].last; y++) {
			double score = section_score(x, y);

			if (best < 0 || score < best_score) {
				best = y;
				best_score = score;
			}
		}
	return best;
}

/* ---- the items ---- */

static bool
is_twin(const struct packed *p, const struct packed *q)
{
	return p->first == q->first && p->last == q->last && p->size == q->size && p->align == q->align && p->tail == q->tail;
}

int
pack_find_cases(const struct pack_state *x, int section, const struct part *part, int *cases)
{
	level_t floor = x->sky[section];
	int n = 0, k;

	for (int i = 0; i < part->count && part->list[i].lb <= floor; i++) {
		int item = part->list[i].item;
		const struct packed *p = &x->s->items[item];

		if (p->first > section || p->last < section || part->list[i].lb < floor)
			continue;
		for (k = 0; k < n && !is_twin(p, &x->s->items[cases[k]]); k++)
			;
		if (k == n)
			cases[n++] = item;
		else if (item < cases[k])
			cases[k] = item;
	}
	for (int i = 1; i < n; i++) {
		int c = cases[i];

		for (k = i; k > 0 && (x->key[cases[k - 1]] < x->key[c] || (x->key[cases[k - 1]] == x->key[c] && cases[k - 1] > c)); k--)
			cases[k] = cases[k - 1];
		cases[k] = c;
	}
	return n;
}

level_t
pack_find_raised(const struct pack_state *x, int section, const struct part *part)
{
	const struct packed *items = x->s->items;
	const struct open_item *list = part->list;
	level_t floor = x->sky[section], raised = -1, most = 0;
	int first = section, last = section;

	for (int i = 0; i < part->count; i++) {
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
	for (int i = 0; i < part->count && list[i].lb < floor + most; i++) {
		const struct packed *p = &items[list[i].item];

		if (p->first <= last && first <= p->last && (p->first > section || p->last < section) &&
		    (raised < 0 || list[i].lb + p->size < raised))
			raised = list[i].lb + p->size;
	}
	return raised;
}

double
pack_item_key(const struct sections *s, const struct packed *p, const struct strategy *how)
{
	double load = 0, size = (double)p->size, length = p->last - p->first + 1;

	for (int y = p->first; y <= p->last; y++)
		load += (double)s->load[y];
	switch (how->item_key) {
	case KEY_SIZE:		return size;
	case KEY_LOAD:		return load;
	case KEY_LOAD_SIZE:	return load * size;
	case KEY_AREA:		return length * size;
	case KEY_SECTIONS:	return length * 1e6 - size;
	default:		return length;
	}
}
