/* SPDX-License-Identifier: Apache-2.0 */
/* ilp_stages.c - the exact form's reruns: the ops that may run again at each stage, and the rows for their inputs (formulas: ilp_exact.c) */
#include <config.h>
#include "planner/ilp/ilp_exact.h"

#include <math.h>
#include <string.h>

enum { MOST_WRITERS = 16, DEEPEST = 6 };
enum state { UNKNOWN, UNDER_WAY, POSSIBLE, IMPOSSIBLE };

struct closing {
	struct exact *f;
	const struct ilp *m;
	uint32_t op;			/* the stage */
	uint8_t *state;			/* [op_count] */
};

uint32_t
exact_choice_at(const struct exact *f, uint32_t t, uint32_t k)
{
	uint32_t u = lifetimes_use_from(f->m->life, t, k);

	return u == f->m->life->use_start[t] ? ILP_NONE : f->choice_of[u - 1];
}

uint32_t
exact_row_from(const struct exact *f, uint32_t i, uint32_t k)
{
	const struct interval_columns *c = &f->of[i];

	return lower_bound(f->moment, c->first_row, c->first_row + c->row_count, k) - c->first_row;
}

/* True when tensor s holds at the stage the value that op p read. */
static bool
still_holds(const struct ilp *m, uint32_t s, uint32_t p, uint32_t stage)
{
	return versions_before(&m->versions, s, p) == versions_before(&m->versions, s, stage) &&
	    (kind_is_persistent(m->graph->tensors[s].kind) || lifetimes_needs(m->life, s, stage));
}

/* Whether op p may run again at the stage under some decisions.  rerun_close() answers for one set of present tensors; here each input
 * that still holds its value may be present or dropped, so that the walk enters both cases. */
static bool may_run(struct closing *c, uint32_t p, int depth);

static bool
all_may_run(struct closing *c, uint32_t t, uint32_t version, int depth)
{
	uint32_t writers[MOST_WRITERS], n = ilp_writers(c->m, t, version, writers, MOST_WRITERS);
	bool good = n > 0;

	for (uint32_t w = 0; good && w < n; w++)
		good = may_run(c, writers[w], depth);
	return good;
}

static bool
inputs_may_be_there(struct closing *c, uint32_t p, int depth)
{
	const struct op *o = &c->m->graph->ops[p];

	for (uint32_t i = 0; i < o->input_count; i++) {
		uint32_t s = o->inputs[i], v = versions_before(&c->m->versions, s, p), choice;

		if (still_holds(c->m, s, p, c->op)) {
			choice = exact_choice_at(c->f, s, c->op);
			if (choice != ILP_NONE && c->m->choices[choice].run_count > 0 && depth < DEEPEST)
				(void)all_may_run(c, s, v, depth + 1);
			continue;
		}
		if (v > 0 && (kind_is_persistent(c->m->graph->tensors[s].kind) || !all_may_run(c, s, v, depth)))
			return false;
	}
	return true;
}

/* True when every op that overwrote a live output of p may run again after p. */
static bool
outputs_may_stay(struct closing *c, uint32_t p, int depth)
{
	const struct op *o = &c->m->graph->ops[p];

	for (uint32_t j = 0; j < o->output_count; j++) {
		uint32_t t = o->outputs[j], now = versions_before(&c->m->versions, t, c->op);

		for (uint32_t v = versions_before(&c->m->versions, t, p) + 2; v <= now && lifetimes_needs(c->m->life, t, c->op); v++)
			if (!may_run(c, versions_writer(&c->m->versions, t, v), depth))
				return false;
	}
	return true;
}

static bool
may_run(struct closing *c, uint32_t p, int depth)
{
	if (c->state[p] != UNKNOWN)
		return c->state[p] != IMPOSSIBLE;
	c->state[p] = UNDER_WAY;
	c->state[p] = p < c->op && c->m->graph->ops[p].recomputable && inputs_may_be_there(c, p, depth) &&
	    outputs_may_stay(c, p, depth) ? POSSIBLE : IMPOSSIBLE;
	return c->state[p] == POSSIBLE;
}

/* Adds the stage before an op and its columns, if a choice may be made again there. */
static void
open_stage(struct exact *f, uint32_t op)
{
	struct ilp *m = f->m;
	uint32_t n = m->graph->op_count;
	struct closing c = { .f = f, .m = m, .op = op, .state = ARENA_NEW(m->scratch, uint8_t, n) };
	struct stage *s = &f->stages[f->stage_count];
	bool any = false;

	for (uint32_t i = 0; i < m->count; i++)
		if (m->choices[i].interval->idle.to == op && m->choices[i].run_count > 0)
			any |= all_may_run(&c, m->choices[i].interval->idle.tensor, versions_before(&m->versions, m->choices[i].interval->idle.tensor, op), 0);
	if (!any)
		return;
	*s = (struct stage) { .op = op, .x = ARENA_NEW(m->scratch, uint32_t, n) };
	for (uint32_t p = 0; p < n; p++) {
		s->x[p] = ILP_NONE;
		if (c.state[p] != POSSIBLE)
			continue;
		s->x[p] = lp_column(&m->lp, 0, 1, 0);
		lp_name_column(&m->lp, s->x[p], "x", p, op);
	}
	f->stage_at[op] = f->stage_count++;
}

/* Finds the stages at which choice i may be made again, with a column and rows for each. */
static void
find_again(struct exact *f, uint32_t i)
{
	struct ilp *m = f->m;
	const struct timed_interval *g = m->choices[i].interval;
	struct interval_columns *c = &f->of[i];
	uint32_t writers[MOST_WRITERS], n = ilp_writers(m, g->idle.tensor, versions_before(&m->versions, g->idle.tensor, g->idle.to), writers, MOST_WRITERS);

	c->again = ARENA_NEW(m->scratch, struct again, f->stage_count);
	if (m->choices[i].run_count == 0)
		return;
	for (uint32_t q = 0; q < f->stage_count; q++) {
		bool good = n > 0 && f->stages[q].op >= g->idle.from && f->stages[q].op <= g->idle.to;

		for (uint32_t w = 0; good && w < n; w++)
			good = f->stages[q].x[writers[w]] != ILP_NONE;
		if (!good)
			continue;
		c->again[c->again_count].stage = q;
		c->again[c->again_count].column = lp_column(&m->lp, 0, 1, 0);
		m->lp.columns[c->again[c->again_count].column].whole = true;
		lp_name_column(&m->lp, c->again[c->again_count].column, "c", i, f->stages[q].op);
		for (uint32_t w = 0; w < n; w++) {
			uint32_t row = lp_row(&m->lp, 0, INFINITY);

			lp_add(&m->lp, row, f->stages[q].x[writers[w]], 1);
			lp_add(&m->lp, row, c->again[c->again_count].column, -1);
		}
		c->again_count++;
	}
}

void
exact_stages(struct exact *f)
{
	struct ilp *m = f->m;
	uint32_t n = m->graph->op_count;
	bool *wanted = ARENA_NEW(m->scratch, bool, (size_t)n + 1);

	for (uint32_t i = 0; i < m->count; i++)
		if (m->choices[i].run_count > 0)
			wanted[m->choices[i].interval->idle.to] = true;
	f->stages = ARENA_NEW(m->scratch, struct stage, m->count);
	f->stage_at = ARENA_NEW(m->scratch, uint32_t, (size_t)n + 1);
	memset(f->stage_at, 0xff, sizeof(*f->stage_at) * ((size_t)n + 1));
	for (uint32_t k = 0; k <= n; k++)
		if (wanted[k])
			open_stage(f, k);
	for (uint32_t i = 0; i < m->count; i++)
		find_again(f, i);
}

/* ---- rows ---- */

/* Adds x of op `then` >= x of op p; p cannot run when `then` has no column. */
static void
needs_run(struct exact *f, const struct stage *q, uint32_t p, uint32_t then)
{
	uint32_t row;

	if (q->x[then] == ILP_NONE) {
		f->m->lp.columns[q->x[p]].high = 0;
		return;
	}
	row = lp_row(&f->m->lp, 0, INFINITY);
	lp_add(&f->m->lp, row, q->x[then], 1);
	lp_add(&f->m->lp, row, q->x[p], -1);
}

static void
needs_all(struct exact *f, const struct stage *q, uint32_t p, uint32_t t, uint32_t version)
{
	uint32_t writers[MOST_WRITERS], n = ilp_writers(f->m, t, version, writers, MOST_WRITERS);

	for (uint32_t w = 0; w < n; w++)
		needs_run(f, q, p, writers[w]);
}

/* Adds: when choice i was dropped and is not made again before the stage, its writers run in the stage. */
static void
needs_dropped(struct exact *f, uint32_t stage, uint32_t p, uint32_t i, uint32_t version)
{
	const struct stage *q = &f->stages[stage];
	const struct interval_columns *c = &f->of[i];
	uint32_t t = f->m->choices[i].interval->idle.tensor, writers[MOST_WRITERS];
	uint32_t n = ilp_writers(f->m, t, version, writers, MOST_WRITERS);

	if (c->again_count == 0)
		return;
	for (uint32_t w = 0; w < n; w++) {
		uint32_t row = lp_row(&f->m->lp, -1, INFINITY);

		if (q->x[writers[w]] != ILP_NONE)
			lp_add(&f->m->lp, row, q->x[writers[w]], 1);
		lp_add(&f->m->lp, row, q->x[p], -1);
		for (uint32_t k = 0; k < c->again_count; k++)
			if (c->again[k].stage >= stage)
				lp_add(&f->m->lp, row, c->again[k].column, -1);
	}
}

/* Adds: when choice i has gone by the stage, it has been fetched. */
static void
needs_fetched(struct exact *f, uint32_t stage, uint32_t p, uint32_t i, uint32_t *fetched)
{
	const struct interval_columns *c = &f->of[i];
	uint32_t op = f->stages[stage].op, at = exact_row_from(f, i, op), row;
	struct lp *lp = &f->m->lp;

	if (at == 0)
		return;		/* it need not have left */
	if (fetched[i] == ILP_NONE) {
		fetched[i] = lp_column(lp, 0, 1, 0);
		lp_name_column(lp, fetched[i], "f", i, op);
		row = lp_row(lp, 0, INFINITY);
		for (uint32_t l = 0; l < c->r_count && c->r_first + l <= f->run_in[op]; l++)
			lp_add(lp, row, c->r + l, 1);
		lp_add(lp, row, fetched[i], -f->m->choices[i].interval->in_us / ILP_MS);
		if (at < c->row_count) {
			row = lp_row(lp, 0, INFINITY);
			lp_add(lp, row, c->s + at - 1, 1);
			lp_add(lp, row, fetched[i], -1);
		}
	}
	row = lp_row(lp, -INFINITY, 1);
	lp_add(lp, row, f->stages[stage].x[p], 1);
	lp_add(lp, row, c->e + at - 1, 1);
	lp_add(lp, row, fetched[i], -1);
}

static void
input_rows(struct exact *f, uint32_t stage, uint32_t p, uint32_t s, uint32_t *fetched)
{
	const struct stage *q = &f->stages[stage];
	uint32_t v = versions_before(&f->m->versions, s, p), i;

	if (!still_holds(f->m, s, p, q->op)) {
		if (v > 0)
			needs_all(f, q, p, s, v);
		return;
	}
	i = exact_choice_at(f, s, q->op);
	if (i == ILP_NONE)
		return;
	needs_dropped(f, stage, p, i, v);
	needs_fetched(f, stage, p, i, fetched);
}

static void
output_rows(struct exact *f, const struct stage *q, uint32_t p, uint32_t t)
{
	uint32_t now = versions_before(&f->m->versions, t, q->op);

	for (uint32_t v = versions_before(&f->m->versions, t, p) + 2; v <= now && lifetimes_needs(f->m->life, t, q->op); v++)
		needs_run(f, q, p, versions_writer(&f->m->versions, t, v));
}

void
exact_stage_rows(struct exact *f)
{
	struct ilp *m = f->m;
	uint32_t *fetched = ARENA_NEW(m->scratch, uint32_t, m->count);

	for (uint32_t n = 0; n < f->stage_count; n++) {
		const struct stage *q = &f->stages[n];

		memset(fetched, 0xff, sizeof(*fetched) * m->count);
		for (uint32_t p = 0; p < m->graph->op_count; p++) {
			const struct op *o = &m->graph->ops[p];

			if (q->x[p] == ILP_NONE)
				continue;
			for (uint32_t v = 0; v < f->level_count; v++)
				lp_add(&m->lp, f->time_row[f->run_in[q->op] * f->level_count + v], q->x[p],
				    -o->time_us / ILP_MS * (1 - exact_relief(f, v, o->class)));
			for (uint32_t i = 0; i < o->input_count; i++)
				input_rows(f, n, p, o->inputs[i], fetched);
			for (uint32_t j = 0; j < o->output_count; j++)
				output_rows(f, q, p, o->outputs[j]);
		}
	}
}
