/* SPDX-License-Identifier: Apache-2.0 */
/* ilp_choices.c - what policy ilp decides on, and what dropping it would take */
#include <config.h>
#include "planner/ilp/ilp.h"

#include <stdlib.h>
#include <string.h>

#include "planner/schedule/program.h"

enum { MOST_GAPS = 600, MOST_RUNS = 1024 };

struct finding {
	struct ilp *m;
	struct rerun rerun;
	uint32_t end;			/* op before which the choice at hand needs its tensor */
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

/* Tensor t's value is still needed at the choice's end: it has an idle interval, or stands there. */
static bool
is_present(void *arg, uint32_t t, uint32_t v)
{
	const struct finding *f = arg;

	(void)v;
	return kind_is_persistent(f->m->graph->tensors[t].kind) || f->m->life->last[t] >= f->end;
}

/* Note what making choice c's tensor again at its end takes; nothing, if it cannot be made. */
static void
find_runs(struct finding *f, struct choice *c)
{
	struct ilp *m = f->m;
	uint32_t t = c->gap->tensor, v;

	f->end = c->gap->next;
	v = versions_before(&m->versions, t, f->end);
	c->run_start = (uint32_t)m->run_count;
	rerun_begin(&f->rerun);
	if (v == 0 || !rerun_want(&f->rerun, t, v) || rerun_close(&f->rerun, f->end, is_present, NULL, f) != RERUN_POSSIBLE)
		return;
	for (uint32_t i = 0; i < f->rerun.count; i++)
		*ARENA_PUSH(m->arena, m->runs, m->run_count, m->run_capacity) = f->rerun.ops[i];
	c->run_count = f->rerun.count;
}

static int
larger_first(const void *x, const void *y)
{
	const struct gap *p = *(const struct gap *const *)x, *q = *(const struct gap *const *)y;

	if (p->bytes != q->bytes)
		return p->bytes > q->bytes ? -1 : 1;
	return p < q ? -1 : p > q;
}

/* The gaps that cross no moment over the budget save nothing; a little less, for what fragmentation and reruns will take. */
static uint32_t
useful(const struct ilp *m, uint32_t all, const struct gap **order)
{
	bytes_t limit = m->p->budget_bytes - m->p->budget_bytes / 8;
	uint32_t count = 0;

	for (uint32_t i = 0; i < all; i++) {
		bytes_t most = 0;

		for (uint32_t k = gap_begin(&m->gaps[i]); k < m->gaps[i].next; k++)
			most = m->kept[k] > most ? m->kept[k] : most;
		if (most > limit && m->gaps[i].bytes >= m->p->budget_bytes / 1024)
			order[count++] = &m->gaps[i];
	}
	qsort(order, count, sizeof(*order), larger_first);
	return count < MOST_GAPS ? count : MOST_GAPS;
}

/* A persistent tensor may be away before its first use, between uses, and after its last one. */
static void
persistent_gaps(struct ilp *m, uint32_t t, struct gap *gaps, uint32_t *n)
{
	const struct lifetimes *l = m->life;
	uint32_t start = l->use_start[t], end = l->use_start[t + 1], ops = m->graph->op_count;

	for (uint32_t u = start; u <= end; u++) {
		struct gap *g = &gaps[*n];

		*g = (struct gap) { .tensor = t, .use = u == start ? decisions_before(l, t) : u - 1, .last = u == start ? ILP_NONE : l->use_op[u - 1],
		    .next = u == end ? ops : l->use_op[u], .bytes = bytes_align(m->graph->tensors[t].bytes, DEVICE_ALIGN),
		    .out_us = device_transfer_us(m->p->device, D2H, m->graph->tensors[t].bytes),
		    .in_us = device_transfer_us(m->p->device, H2D, m->graph->tensors[t].bytes) };
		*n += start < end && gap_begin(g) < g->next && (u == end || op_reads(&m->graph->ops[g->next], t));
	}
}

static uint32_t
all_gaps(struct ilp *m)
{
	uint32_t n, uses = m->life->use_start[m->graph->tensor_count];
	struct gap *transient = occupancy_gaps(&m->full, &n, m->arena);
	struct gap *gaps = ARENA_NEW(m->arena, struct gap, (size_t)uses + m->graph->tensor_count + 1);

	if (n > 0)
		memcpy(gaps, transient, sizeof(*gaps) * n);
	for (uint32_t t = 0; t < m->graph->tensor_count; t++)
		if (kind_is_persistent(m->graph->tensors[t].kind) && m->graph->tensors[t].bytes > 0)
			persistent_gaps(m, t, gaps, &n);
	m->gaps = gaps;
	return n;
}

/* The choice before each of the same value. */
static void
find_prior(struct ilp *m)
{
	for (uint32_t i = 0; i < m->count; i++) {
		const struct gap *g = m->choices[i].gap;

		m->choices[i].prior = ILP_NONE;
		for (uint32_t j = 0; j < m->count; j++) {
			const struct gap *h = m->choices[j].gap;
			uint32_t p = m->choices[i].prior;

			if (h->tensor == g->tensor && h->next < g->next &&
			    versions_before(&m->versions, g->tensor, h->next) == versions_before(&m->versions, g->tensor, g->next) &&
			    !op_writes(&m->graph->ops[h->next], g->tensor) && (p == ILP_NONE || m->choices[p].gap->next < h->next))
				m->choices[i].prior = j;
		}
	}
}

void
ilp_find_choices(struct ilp *m)
{
	struct finding f = { .m = m };
	const struct gap **order;
	uint32_t all;

	rerun_init(&f.rerun, m->graph, &m->versions, MOST_RUNS, m->arena);
	all = all_gaps(m);
	order = ARENA_NEW(m->arena, const struct gap *, all);
	m->count = useful(m, all, order);
	m->choices = ARENA_NEW(m->arena, struct choice, m->count);
	for (uint32_t i = 0; i < m->count; i++) {
		struct choice *c = &m->choices[i];

		*c = (struct choice) { .gap = order[i] };
		find_runs(&f, c);
	}
	find_prior(m);
}
