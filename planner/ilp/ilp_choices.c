/* SPDX-License-Identifier: Apache-2.0 */
/* ilp_choices.c - what policy ilp decides on, and what dropping it would take */
#include <config.h>
#include "planner/ilp/ilp.h"

#include <stdlib.h>
#include <string.h>

#include "planner/schedule/program.h"

enum { MOST_GAPS = 600, DEEPEST = 64, MOST_WRITERS = 16 };

struct finding {
	struct ilp *m;
	uint32_t *seen, stamp;		/* [op_count] */
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
	uint32_t count = 0;

	for (; n > 0; n--) {
		uint32_t w = versions_writer(&m->versions, t, n);

		if (count == room || !m->graph->ops[w].recomputable)
			return 0;
		ops[count++] = w;
		if (!op_reads(&m->graph->ops[w], t))
			break;
	}
	return count;
}

/* Add what making t's value of just before op k again at op `at` takes; false: it cannot be made. */
static bool
add_runs(struct finding *f, struct choice *c, uint32_t t, uint32_t k, uint32_t at, int depth)
{
	struct ilp *m = f->m;
	uint32_t writers[MOST_WRITERS], n;

	n = ilp_writers(m, t, versions_before(&m->versions, t, k), writers, MOST_WRITERS);
	if (n == 0 || depth > DEEPEST)
		return false;
	for (uint32_t w = 0; w < n; w++) {
		const struct op *o = &m->graph->ops[writers[w]];

		if (f->seen[writers[w]] == f->stamp)
			continue;
		f->seen[writers[w]] = f->stamp;
		*ARENA_PUSH(m->arena, m->runs, m->run_count, m->run_capacity) = writers[w];
		c->run_count++;
		for (uint32_t i = 0; i < o->input_count; i++) {
			uint32_t s = o->inputs[i], v = versions_before(&m->versions, s, writers[w]);
			bool newest = v == versions_before(&m->versions, s, at);

			if (kind_is_persistent(m->graph->tensors[s].kind)) {
				if (!newest)
					return false;
				continue;
			}
			/* Its value is still needed by then: it has a gap, or stands there. */
			if (s == t || v == 0 || (newest && m->life->last[s] >= at))
				continue;
			if (!add_runs(f, c, s, writers[w], at, depth + 1))
				return false;
		}
	}
	return true;
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
	struct finding f = { .m = m, .seen = ARENA_NEW(m->arena, uint32_t, m->graph->op_count) };
	const struct gap **order;
	uint32_t all;

	all = all_gaps(m);
	order = ARENA_NEW(m->arena, const struct gap *, all);
	m->count = useful(m, all, order);
	m->choices = ARENA_NEW(m->arena, struct choice, m->count);
	for (uint32_t i = 0; i < m->count; i++) {
		struct choice *c = &m->choices[i];

		*c = (struct choice) { .gap = order[i], .run_start = (uint32_t)m->run_count };
		f.stamp++;
		if (!add_runs(&f, c, c->gap->tensor, c->gap->next, c->gap->next, 0)) {
			m->run_count = c->run_start;
			c->run_count = 0;
		}
	}
	find_prior(m);
}
