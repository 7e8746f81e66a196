/* SPDX-License-Identifier: Apache-2.0 */
/* place_ilp.c - the placement as a mixed integer program, solved by GLPK
 *
 * A reference for small problems: every pair of items alive together needs a binary variable with two big-M rows.
 *
 * Variables (in units: the greatest common divisor of all sizes, alignments and given offsets)
 *   o_i   offset of item i of size s_i, 0 <= o_i <= U - s_i; a given offset is a constant
 *   k_i   whole, where item i has an alignment A_i of more than a unit: o_i = A_i k_i
 *   y_ij  for each pair i < j alive together: 1 when i is below j
 *   H     the arena, B <= H <= U
 * U: the arena of a greedy order, B: the load of the busiest moment.
 *
 * Constraints
 *   o_i + s_i <= H
 *   o_i + s_i <= o_j + U (1 - y_ij)	i below j.  U is the least M that excludes no placement:
 *   o_j + s_j <= o_i + U y_ij		U is the largest value of o_i + s_i - o_j
 *
 * Objective: min H.
 *
 * A solver's tolerance times M is many bytes.  Only the order of the offsets is therefore taken from the solution.  The offsets are
 * computed from the order in whole numbers.  The solution counts as proved only when both give the same arena.
 */
#include <config.h>
#include "planner/placement/pack_greedy.h"

#include <glpk.h>
#include <math.h>

#include "src/base/rank.h"

enum { MOST_PAIRS = 1500, NODES = 20000 };
#define MOST_UNITS 1e9	/* above, the solver's tolerance is larger than a unit */

struct pair { uint32_t low, high; };

struct place_model {
	const struct place_problem *p;
	struct place_result *r;
	uint32_t *items;		/* [count] the items with bytes */
	uint32_t count, pair_count;
	struct pair *pairs;		/* [pair_count] positions in items */
	bytes_t unit;
	double most;			/* U */
	double *offset;			/* [count] of the solution, in units */
	uint32_t nodes;
};

static const struct place_item *
item(const struct place_model *m, uint32_t k)
{
	return &m->p->items[m->items[k]];
}

static bool
meet(const struct place_item *x, const struct place_item *y)
{
	return x->lower < y->upper && y->lower < x->upper;
}

/* Fills m; false: the problem is too large. */
static bool
ilp_init(struct place_model *m, struct arena *a)
{
	const struct place_problem *p = m->p;

	m->items = ARENA_NEW(a, uint32_t, p->count);
	m->pairs = ARENA_NEW(a, struct pair, MOST_PAIRS);
	m->unit = 0;
	for (uint32_t i = 0; i < p->count; i++) {
		const struct place_item *it = &p->items[i];

		if (it->bytes == 0)
			continue;
		m->items[m->count++] = i;
		m->unit = bytes_gcd(bytes_gcd(m->unit, it->bytes), place_align(p, it));
		if (it->fixed != PLACE_FREE)
			m->unit = bytes_gcd(m->unit, it->fixed);
		for (uint32_t k = 0; k + 1 < m->count; k++) {
			if (!meet(item(m, k), it))
				continue;
			if (m->pair_count == MOST_PAIRS)
				return false;
			m->pairs[m->pair_count++] = (struct pair) { k, m->count - 1 };
		}
	}
	m->offset = ARENA_NEW(a, double, m->count);
	m->most = m->unit == 0 ? 0 : (double)m->r->arena_bytes / (double)m->unit;
	return m->most <= MOST_UNITS;
}

static double
units(const struct place_model *m, bytes_t bytes)
{
	return (double)bytes / (double)m->unit;
}

/* Adds a row of n terms (at most three) with one bound: <= (GLP_UP) or = (GLP_FX). */
static void
add_row(glp_prob *lp, double bound, int type, const int columns[4], const double values[4], int n)
{
	int row = glp_add_rows(lp, 1);

	glp_set_row_bnds(lp, row, type, bound, bound);
	glp_set_mat_row(lp, row, n, columns, values);
}

/* Adds the columns: 1 is H, 2 + k is o_k, then come the y_ij, then the k_i. */
static void
add_columns(const struct place_model *m, glp_prob *lp)
{
	glp_add_cols(lp, (int)(1 + m->count + m->pair_count));
	glp_set_obj_coef(lp, 1, 1);
	glp_set_col_bnds(lp, 1, GLP_LO, units(m, m->r->bound_bytes), 0);
	for (uint32_t k = 0; k < m->count; k++) {
		const struct place_item *it = item(m, k);
		bytes_t align = place_align(m->p, it);
		double top = m->most - units(m, it->bytes);
		int column = (int)(2 + k);

		if (it->fixed != PLACE_FREE) {
			glp_set_col_bnds(lp, column, GLP_FX, units(m, it->fixed), 0);
			continue;
		}
		glp_set_col_bnds(lp, column, top > 0 ? GLP_DB : GLP_FX, 0, top);
		if (align != m->unit) {
			int whole = glp_add_cols(lp, 1);

			glp_set_col_kind(lp, whole, GLP_IV);
			glp_set_col_bnds(lp, whole, GLP_LO, 0, 0);
			add_row(lp, 0, GLP_FX, (int[4]) { 0, column, whole }, (double[4]) { 0, 1, -units(m, align) }, 2);
		}
	}
	for (uint32_t q = 0; q < m->pair_count; q++)
		glp_set_col_kind(lp, (int)(2 + m->count + q), GLP_BV);
}

static void
add_rows(const struct place_model *m, glp_prob *lp)
{
	for (uint32_t k = 0; k < m->count; k++)
		add_row(lp, -units(m, item(m, k)->bytes), GLP_UP, (int[4]) { 0, (int)(2 + k), 1 }, (double[4]) { 0, 1, -1 }, 2);
	for (uint32_t q = 0; q < m->pair_count; q++) {
		int i = (int)(2 + m->pairs[q].low), j = (int)(2 + m->pairs[q].high), y = (int)(2 + m->count + q);

		add_row(lp, m->most - units(m, item(m, m->pairs[q].low)->bytes), GLP_UP,
		    (int[4]) { 0, i, j, y }, (double[4]) { 0, 1, -1, m->most }, 3);
		add_row(lp, -units(m, item(m, m->pairs[q].high)->bytes), GLP_UP,
		    (int[4]) { 0, j, i, y }, (double[4]) { 0, 1, -1, -m->most }, 3);
	}
}

/* Ends the search at the node budget, which is the same in every run, or when it is told to. */
static void
count_nodes(glp_tree *tree, void *model)
{
	struct place_model *m = model;

	if (placement_stopped(m->p) || (glp_ios_reason(tree) == GLP_ISELECT && ++m->nodes > NODES && m->p->time_limit_s == 0))
		glp_ios_terminate(tree);
}

/* Returns the solution's arena in units, below 0: no solution; *proved: GLPK calls it optimal. */
static double
solve(struct place_model *m, bool *proved)
{
	glp_prob *lp = glp_create_prob();
	glp_iocp control;
	double arena = -1;

	glp_init_iocp(&control);
	control.msg_lev = GLP_MSG_OFF;
	control.presolve = GLP_ON;
	control.cb_func = count_nodes;
	control.cb_info = m;
	if (m->p->time_limit_s > 0)
		control.tm_lim = m->p->time_limit_s < 1e6 ? (int)(m->p->time_limit_s * 1000) : INT32_MAX;
	add_columns(m, lp);
	add_rows(m, lp);
	glp_intopt(lp, &control);
	*proved = glp_mip_status(lp) == GLP_OPT;
	if (*proved || glp_mip_status(lp) == GLP_FEAS) {
		arena = glp_mip_obj_val(lp);
		for (uint32_t k = 0; k < m->count; k++)
			m->offset[k] = glp_mip_col_val(lp, (int)(2 + k));
	}
	glp_delete_prob(lp);
	return arena;
}

/* Puts each item on top of those that it meets and that the solution has below it.  Returns the arena, UINT64_MAX when an item would
 * have to lie above its given offset. */
static bytes_t
settle(const struct place_model *m, bytes_t *offsets, struct arena *a)
{
	struct ranked *ranks = ARENA_NEW(a, struct ranked, m->count);
	bytes_t top = 0;

	for (uint32_t k = 0; k < m->count; k++)
		ranks[k] = (struct ranked) { .first = m->offset[k], .id = k };
	rank_rising(ranks, m->count);
	for (uint32_t n = 0; n < m->count; n++) {
		const struct place_item *it = item(m, ranks[n].id);
		bytes_t at = 0, end;

		for (uint32_t l = 0; l < n; l++) {
			const struct place_item *below = item(m, ranks[l].id);

			end = offsets[m->items[ranks[l].id]] + below->bytes;
			if (meet(it, below) && end > at)
				at = end;
		}
		at = bytes_align(at, place_align(m->p, it));
		if (it->fixed != PLACE_FREE && at > it->fixed)
			return UINT64_MAX;
		offsets[m->items[ranks[n].id]] = at = it->fixed != PLACE_FREE ? it->fixed : at;
		top = at + it->bytes > top ? at + it->bytes : top;
	}
	return bytes_align(top, m->p->align);
}

void
place_ilp(struct place_result *r, const struct place_problem *p, struct arena *a)
{
	struct place_model m = { .p = p, .r = r };
	bytes_t *offsets = ARENA_NEW(a, bytes_t, p->count), arena;
	bool proved;
	double units_found;

	greedy_place(r, p, GREEDY_BY_LOAD, GREEDY_BY_SIZE, GREEDY_BEST, a);
	if (!ilp_init(&m, a)) {
		r->refused = "it has more than 1500 pairs of buffers alive together, or sizes of more than 10^9 units";
		return;
	}
	if (r->arena_bytes <= r->bound_bytes || m.count == 0)
		return;
	units_found = solve(&m, &proved);
	if (units_found < 0)
		return;
	for (uint32_t i = 0; i < p->count; i++)
		offsets[i] = r->offsets[i];
	arena = settle(&m, offsets, a);
	if (arena < r->arena_bytes) {
		for (uint32_t i = 0; i < p->count; i++)
			r->offsets[i] = offsets[i];
		r->arena_bytes = arena;
	}
	/* Proved when the whole numbers give the same arena as the solver. */
	arena = bytes_align((bytes_t)llround(units_found) * m.unit, p->align);
	if (proved && arena == r->arena_bytes && arena > r->bound_bytes)
		r->bound_bytes = arena;
}
