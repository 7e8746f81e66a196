/* SPDX-License-Identifier: Apache-2.0 */
/* idle_costs.c - the least cost of every idle interval
 *
 * The value of an idle interval was made by the last op that wrote the tensor, its writer.  A writer may read the tensor itself
 * (in place: batch norm then ReLU in one storage).  Making the value again then takes the value before it, byte by byte.  For
 * each such byte there are three cases:
 *
 *   - it was on the device all the time, so that nothing was saved;
 *   - it is fetched: the same traffic as fetching the value itself, copied out any time after the older value was made;
 *   - it is made again.
 *
 * So an interval's runs are all writers back to the first that does not read the tensor.  `ready` is when the oldest value
 * that they start from was there.  The runs' other inputs are held to be at hand: that only lowers the bound, and is why the
 * bounds need no rerun closure (rerun.h).
 */
#include <config.h>
#include "planner/bound/idle_costs.h"

#include "planner/schedule/rerun.h"
#include "src/documents/graph_bounds.h"

enum { MOST_WRITERS = 16 };	/* of more, the newest only count: less than the true cost */

struct costing {
	const struct graph *graph;
	struct idle_costs *s;
	struct arena *arena;
	size_t runs, run_capacity;
	struct versions versions;
};

static void
find_times(struct idle_costs *s, struct arena *a)
{
	const struct graph *g = s->graph;

	s->time_us = ARENA_NEW(a, double, g->op_count);
	s->start_us = ARENA_NEW(a, double, (size_t)g->op_count + 1);
	for (uint32_t k = 0; k < g->op_count; k++) {
		const struct op *o = &g->ops[k];

		s->time_us[k] = o->time_us;
		for (uint32_t i = 0; i < o->alternative_count; i++)
			if (o->alternatives[i].time_us < s->time_us[k])
				s->time_us[k] = o->alternatives[i].time_us;
		s->start_us[k + 1] = s->start_us[k] + s->time_us[k];
	}
}

/* Fills x's runs, which make version n of its tensor, newest first, and `ready`. */
static void
find_runs(struct costing *f, struct idle_cost *x, uint32_t n)
{
	uint32_t writers[MOST_WRITERS], count;
	enum rerun_origin origin;

	count = rerun_writers(writers, MOST_WRITERS, &origin, f->graph, &f->versions, x->idle.tensor, n);
	x->run_start = (uint32_t)f->runs;
	if (origin == RERUN_FROM_BEFORE && kind_is_persistent(f->graph->tensors[x->idle.tensor].kind)) {
		x->out = false;		/* a host copy of the value before the step may serve */
		return;
	}
	if (origin == RERUN_FROM_FAR)
		x->ready = 0;
	else if (origin == RERUN_FROM_KEPT)
		x->ready = versions_writer(&f->versions, x->idle.tensor, n - count) + 1;
	else			/* a transient tensor holds nothing before its first write */
		x->ready = writers[count - 1] + 1;
	if (origin == RERUN_FROM_KEPT)
		return;			/* the value is fetched, or it never left */
	for (uint32_t i = 0; i < count; i++)
		*ARENA_PUSH(f->arena, f->s->runs, f->runs, f->run_capacity) = writers[i];
	x->run_count = count;
}

/* Adds the cost of an idle interval after which the value is needed. */
static void
add_cost(struct costing *f, const struct idle_interval *idle)
{
	uint32_t t = idle->tensor, all = versions_before(&f->versions, t, f->graph->op_count);
	uint32_t n = versions_before(&f->versions, t, idle->from);
	struct idle_cost *x;

	if ((n == 0 && !kind_is_persistent(f->graph->tensors[t].kind)) || (!idle->read && idle->to < f->graph->op_count))
		return;
	x = &f->s->costs[f->s->count++];
	*x = (struct idle_cost) { .idle = *idle, .in = idle->read, .initial = n == 0, .last = n > 0 && n == all,
	    .bytes = f->graph->tensors[t].bytes };
	if (n > 0) {
		x->out = true;
		find_runs(f, x, n);
	} else if (idle->read && all > 0) {
		x->written = versions_writer(&f->versions, t, all) + 1;
	}
}

/* Fills need. */
static void
add_up(struct idle_costs *s, struct arena *a)
{
	const struct graph *g = s->graph;
	const bytes_t *own = graph_own_bytes(g, a);
	bytes_t sum = 0;

	for (uint32_t i = 0; i < s->count; i++) {
		s->need[s->costs[i].idle.from] += s->costs[i].bytes;
		if (s->costs[i].idle.to < g->op_count)
			s->need[s->costs[i].idle.to] -= s->costs[i].bytes;	/* wraps; the sum does not */
	}
	for (uint32_t k = 0; k < g->op_count; k++) {
		sum += s->need[k];
		s->need[k] = sum + own[k];
	}
}

void
idle_costs_init(struct idle_costs *s, const struct lifetimes *l, struct arena *a)
{
	const struct graph *g = l->graph;
	struct costing f = { .graph = g, .s = s, .arena = a };
	const struct idle_interval *idle;
	uint32_t count;

	*s = (struct idle_costs) { .graph = g };
	find_times(s, a);
	s->need = ARENA_NEW(a, bytes_t, g->op_count);
	versions_init(&f.versions, g, a);
	idle = idle_intervals(l, &count, a);
	s->costs = ARENA_NEW(a, struct idle_cost, count);
	for (uint32_t i = 0; i < count; i++)
		add_cost(&f, &idle[i]);
	s->run_count = (uint32_t)f.runs;
	add_up(s, a);
}
