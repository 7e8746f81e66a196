/* SPDX-License-Identifier: Apache-2.0 */
/* ilp_choices.c - the choices of policy ilp: idle intervals worth a decision, and their rerun closures */
#include <config.h>
#include "planner/ilp/ilp.h"

#include <string.h>

#include "planner/schedule/program.h"
#include "src/base/rank.h"

enum { MOST_INTERVALS = 600, MOST_RUNS = 1024 };

struct finding {
	struct ilp *m;
	struct rerun rerun;
	uint32_t end;			/* op before which the current choice needs its tensor */
};

int
ilp_keep_all(struct ilp *m, struct schedule *s, struct err *e)
{
	m->kept = ARENA_NEW(m->arena, bytes_t, (size_t)m->graph->op_count + 1);
	schedule_init(s, m->graph, m->arena);
	s->in_place = true;
	return program_profile(m->kept, m->graph, s, m->arena, e);
}

int64_t
ilp_excess(const struct ilp *m, uint32_t k)
{
	return (int64_t)(m->kept[k] + m->extra[k] + m->margin) - (int64_t)m->p->budget_bytes;
}

uint32_t
ilp_writers(const struct ilp *m, uint32_t t, uint32_t n, uint32_t *ops, uint32_t room)
{
	enum rerun_origin origin;
	uint32_t count = rerun_writers(ops, room, &origin, m->graph, &m->versions, t, n);

	return origin == RERUN_FROM_NOTHING || origin == RERUN_FROM_BEFORE ? count : 0;
}

/* True when tensor t's value is needed at the choice's end or later: the tensor is present there, or in an idle interval. */
static bool
is_present(void *arg, uint32_t t, uint32_t v)
{
	const struct finding *f = arg;

	(void)v;
	return kind_is_persistent(f->m->graph->tensors[t].kind) || lifetimes_needs(f->m->life, t, f->end);
}

/* Fills choice c's runs: the ops that make its tensor again at its end; none if the tensor cannot be made again. */
static void
find_runs(struct finding *f, struct choice *c)
{
	struct ilp *m = f->m;
	uint32_t t = c->interval->idle.tensor, v;

	f->end = c->interval->idle.to;
	v = versions_before(&m->versions, t, f->end);
	c->run_start = (uint32_t)m->run_count;
	rerun_begin(&f->rerun);
	if (v == 0 || !rerun_want(&f->rerun, t, v) || rerun_close(&f->rerun, f->end, is_present, NULL, f) != RERUN_POSSIBLE)
		return;
	for (uint32_t i = 0; i < f->rerun.count; i++)
		*ARENA_PUSH(m->arena, m->runs, m->run_count, m->run_capacity) = f->rerun.ops[i];
	c->run_count = f->rerun.count;
}

/* Fills order with the idle intervals that cross an op near or over the budget, the largest first; others save no bytes.  The limit
 * is an eighth below the budget, for fragmentation and for the memory of reruns.  Returns their number, at most MOST_INTERVALS. */
static uint32_t
useful(const struct ilp *m, uint32_t all, struct ranked *order)
{
	bytes_t limit = m->p->budget_bytes - m->p->budget_bytes / 8;
	uint32_t count = 0;

	for (uint32_t i = 0; i < all; i++) {
		bytes_t most = 0;

		for (uint32_t k = m->intervals[i].idle.from; k < m->intervals[i].idle.to; k++)
			most = m->kept[k] > most ? m->kept[k] : most;
		if (most > limit && m->intervals[i].bytes >= m->p->budget_bytes / 1024)
			order[count++] = (struct ranked) { .first = (double)m->intervals[i].bytes, .id = i };
	}
	rank_falling(order, count);
	return count < MOST_INTERVALS ? count : MOST_INTERVALS;
}

/* Fills intervals with those of transient tensors, then those of persistent ones and of results.  Returns their number. */
static uint32_t
all_intervals(struct ilp *m)
{
	static const enum interval_set sets[] = { INTERVALS_BETWEEN_USES, INTERVALS_PERSISTENT, INTERVALS_OF_RESULTS };
	enum { SETS = sizeof(sets) / sizeof(*sets) };
	const struct timed_interval *of[SETS];
	struct timed_interval *all;
	uint32_t count[SETS], sum = 0;

	for (int i = 0; i < SETS; i++) {
		of[i] = occupancy_intervals(&m->full, sets[i], &count[i], m->arena);
		sum += count[i];
	}
	m->intervals = all = ARENA_NEW(m->arena, struct timed_interval, sum);
	for (int i = 0; i < SETS; i++) {
		if (count[i] > 0)
			memcpy(all, of[i], sizeof(*all) * count[i]);
		all += count[i];
	}
	return sum;
}

/* Finds the prior of each choice. */
static void
find_prior(struct ilp *m)
{
	for (uint32_t i = 0; i < m->count; i++) {
		const struct timed_interval *g = m->choices[i].interval;

		m->choices[i].prior = ILP_NONE;
		for (uint32_t j = 0; j < m->count; j++) {
			const struct timed_interval *h = m->choices[j].interval;
			uint32_t p = m->choices[i].prior;

			if (h->idle.tensor == g->idle.tensor && h->idle.to < g->idle.to &&
			    versions_before(&m->versions, g->idle.tensor, h->idle.to) == versions_before(&m->versions, g->idle.tensor, g->idle.to) &&
			    !op_writes(&m->graph->ops[h->idle.to], g->idle.tensor) && (p == ILP_NONE || m->choices[p].interval->idle.to < h->idle.to))
				m->choices[i].prior = j;
		}
	}
}

void
ilp_find_choices(struct ilp *m)
{
	struct finding f = { .m = m };
	struct ranked *order;
	uint32_t all;

	rerun_init(&f.rerun, m->graph, &m->versions, MOST_RUNS, m->arena);
	all = all_intervals(m);
	order = ARENA_NEW(m->arena, struct ranked, all);
	m->count = useful(m, all, order);
	m->choices = ARENA_NEW(m->arena, struct choice, m->count);
	for (uint32_t i = 0; i < m->count; i++) {
		struct choice *c = &m->choices[i];

		*c = (struct choice) { .interval = &m->intervals[order[i].id] };
		find_runs(&f, c);
	}
	find_prior(m);
}
