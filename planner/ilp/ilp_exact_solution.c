/* SPDX-License-Identifier: Apache-2.0 */
/* ilp_exact_solution.c - verdicts from a solution of the exact form, bounds from verdicts, and cuts from schedules (formulas: ilp_exact.c) */
#include <config.h>
#include "planner/ilp/ilp_exact.h"

#include <math.h>
#include <string.h>

static void
read_interval(const struct exact *f, const double *x, uint32_t i, struct verdicts *v)
{
	const struct interval_columns *c = &f->of[i];
	double moved = c->row_count > 0 ? x[c->e + c->row_count - 1] : 0, dropped = 0, most = 0;
	uint32_t n = 0;

	for (uint32_t k = 0; k < c->again_count; k++) {
		dropped += x[c->again[k].column];
		if (x[c->again[k].column] > most) {
			most = x[c->again[k].column];
			v->back[i] = f->stages[c->again[k].stage].op;
		}
	}
	v->share[i] = fmin(1, moved + dropped);
	v->fate[i] = moved + dropped < 1e-6 ? FATE_KEEP : moved >= dropped ? FATE_OFFLOAD : FATE_DROP;
	if (v->fate[i] != FATE_OFFLOAD)
		return;
	while (n + 1 < c->row_count && x[c->e + n] < 0.5)
		n++;
	v->gone[i] = f->moment[c->first_row + n];
	v->gone_from[i] = n > 0 ? f->moment[c->first_row + n - 1] + 1 : f->m->choices[i].interval->idle.from;
	for (n++; n < c->row_count && x[c->s + n - 1] < 0.5; n++)
		;
	v->back[i] = f->moment[c->first_row + n - 1] + 1;
	v->back_to[i] = n < c->row_count ? f->moment[c->first_row + n] : f->m->choices[i].interval->idle.to;
}

void
exact_read(const struct ilp *m, const double *x, struct verdicts *v)
{
	const struct exact *f = m->model;

	v->timed = true;
	for (uint32_t i = 0; i < m->count; i++)
		read_interval(f, x, i, v);
	memset(v->lean, 0, sizeof(*v->lean) * m->graph->op_count);
	for (uint32_t i = 0; i < m->count; i++) {
		const struct timed_interval *g = m->choices[i].interval;

		/* A rerun of the tensor's writers before the tensor's own stage is lean: the outputs serve only the op of that stage. */
		for (uint32_t q = 0; v->fate[i] == FATE_DROP && q < f->stage_count && f->stages[q].op < v->back[i]; q++)
			for (uint32_t p = g->idle.from; f->stages[q].op >= g->idle.from && p-- > 0;)
				if (op_writes(&m->graph->ops[p], g->idle.tensor) && f->stages[q].x[p] != ILP_NONE && x[f->stages[q].x[p]] > 0.5)
					v->lean[p] = true;
	}
}

static void
set(struct lp *lp, uint32_t column, double value)
{
	lp->columns[column].low = lp->columns[column].high = value;
}

/* Fixes all columns of a choice but the reruns, which follow from the others. */
void
exact_fix(const struct ilp *m, struct lp *fixed, const struct verdicts *v, const bool *loose)
{
	const struct exact *f = m->model;

	for (uint32_t i = 0; i < m->count; i++) {
		const struct interval_columns *c = &f->of[i];

		if (loose != NULL && loose[i])
			continue;
		for (uint32_t l = 0; v->fate[i] != FATE_OFFLOAD && l < c->o_count; l++)
			set(fixed, c->o + l, 0);
		for (uint32_t l = 0; v->fate[i] != FATE_OFFLOAD && l < c->r_count; l++)
			set(fixed, c->r + l, 0);
		for (uint32_t n = 0; n < c->row_count; n++) {
			uint32_t k = f->moment[c->first_row + n];

			set(fixed, c->e + n, v->fate[i] == FATE_OFFLOAD && v->gone[i] <= k);
			if (n > 0)
				set(fixed, c->s + n - 1, v->fate[i] == FATE_OFFLOAD && v->back[i] <= k);
		}
		for (uint32_t k = 0; k < c->again_count; k++)
			set(fixed, c->again[k].column, v->fate[i] == FATE_DROP && v->back[i] == f->stages[c->again[k].stage].op);
	}
}

/* ---- cuts ---- */

static bool
is_moment(const struct exact *f, uint32_t k)
{
	for (uint32_t j = 0; j < f->moments; j++)
		if (f->moment[j] == k)
			return true;
	return false;
}

/* Returns the bytes away at op k, a moment. */
static double
away_at(const struct exact *f, const double *x, uint32_t k)
{
	double sum = 0;

	for (uint32_t i = 0; i < f->m->count; i++) {
		const struct interval_columns *c = &f->of[i];
		uint32_t n = exact_row_from(f, i, k);
		double share;

		for (uint32_t q = 0; exact_gives_way(f, i, k) && q < c->again_count; q++)
			sum += x[c->again[q].column] * (double)f->m->choices[i].interval->bytes;
		if (n == c->row_count || f->moment[c->first_row + n] != k)
			continue;
		share = x[c->e + n] - (n > 0 ? x[c->s + n - 1] : 0);
		for (uint32_t q = 0; q < c->again_count; q++)
			if (f->stages[c->again[q].stage].op > k)
				share += x[c->again[q].column];
		sum += share * (double)f->m->choices[i].interval->bytes;
	}
	return sum;
}

void
exact_learn(struct ilp *m, const double *x, uint32_t k, bytes_t over, const struct step *reruns, uint32_t rerun_count)
{
	const struct exact *f = m->model;
	const struct stage *q = f->stage_at[k] == ILP_NONE ? NULL : &f->stages[f->stage_at[k]];
	struct cut cut = { .op = k, .op_start = (uint32_t)m->cut_op_count };

	m->asked[k] = true;
	if (!is_moment(f, k))
		return;
	/* A cut can name only reruns that have a column. */
	for (uint32_t n = 0; q != NULL && n < rerun_count; n++)
		if (q->x[reruns[n].op] != ILP_NONE && x[q->x[reruns[n].op]] > 0.5) {
			*ARENA_PUSH(m->arena, m->cut_ops, m->cut_op_count, m->cut_op_capacity) = reruns[n].op;
			cut.op_count++;
		}
	if (cut.op_count == 0) {
		m->extra[k] += over;
		return;
	}
	cut.bytes = (bytes_t)fmax(0, away_at(f, x, k)) + over;
	*ARENA_PUSH(m->arena, m->cuts, m->cut_count, m->cut_capacity) = cut;
}
