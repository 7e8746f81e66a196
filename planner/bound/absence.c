/* SPDX-License-Identifier: Apache-2.0 */
/* absence.c - why the figures of an absence are least figures
 *
 * The value that an absence holds was made by the last op that wrote the tensor, its writer.  If the writer may
 * run again and reads the tensor itself (in place: batch norm then ReLU in one storage), making the value again takes the
 * value before it, byte by byte.  That byte is then on the device all the time (so nothing was
 * saved), or fetched (the same traffic as fetching the value itself, copied out any time after the
 * older value was made), or made again.  So an absence's runs are all writers back to the first that does not
 * read the tensor, and `ready` is when the oldest value of this chain was there.
 */
#include <config.h>
#include "planner/bound/absence.h"

#include "planner/schedule/rerun.h"

enum { LONGEST_CHAIN = 16 };	/* longer ones are cut short: cheaper than they are */

struct finding {
	const struct graph *graph;
	const struct lifetimes *life;
	struct absences *s;
	struct arena *arena;
	size_t away, away_capacity, runs, run_capacity;
	struct versions versions;
};

static void
find_times(struct absences *s, struct arena *a)
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

static bytes_t
least_workspace(const struct op *o)
{
	bytes_t least = o->workspace_bytes;

	for (uint32_t i = 0; i < o->alternative_count; i++)
		if (o->alternatives[i].workspace_bytes < least)
			least = o->alternatives[i].workspace_bytes;
	return least;
}

/* At most: each output the largest input that it may take. */
static bytes_t
shared_in_place(const struct graph *g, const struct op *o)
{
	bytes_t total = 0;

	for (uint32_t j = 0; o->inplace_count > 0 && j < o->output_count; j++) {
		bytes_t out = g->tensors[o->outputs[j]].bytes, most = 0;

		for (uint32_t i = 0; i < o->inplace_count; i++) {
			bytes_t in = g->tensors[o->inplace[i].input].bytes;

			if (o->inplace[i].output == o->outputs[j] && in > most)
				most = in;
		}
		total += most < out ? most : out;
	}
	return total;
}

/* The runs that make version n of x's tensor, newest first, and when the oldest value that they start from was there. */
static void
find_runs(struct finding *f, struct absence *x, uint32_t n)
{
	uint32_t writers[LONGEST_CHAIN], count;
	enum rerun_origin origin;

	count = rerun_writers(writers, LONGEST_CHAIN, &origin, f->graph, &f->versions, x->tensor, n);
	x->run_start = (uint32_t)f->runs;
	if (origin == RERUN_FROM_BEFORE && kind_is_persistent(f->graph->tensors[x->tensor].kind)) {
		x->out = false;		/* a host copy of what was there before the step may serve */
		return;
	}
	if (origin == RERUN_FROM_FAR)
		x->ready = 0;
	else if (origin == RERUN_FROM_KEPT)
		x->ready = versions_writer(&f->versions, x->tensor, n - count) + 1;
	else			/* a transient tensor holds nothing before its first write */
		x->ready = writers[count - 1] + 1;
	if (origin == RERUN_FROM_KEPT)
		return;			/* its value is fetched, or there is none */
	for (uint32_t i = 0; i < count; i++)
		*ARENA_PUSH(f->arena, f->s->runs, f->runs, f->run_capacity) = writers[i];
	x->run_count = count;
}

/* The tensor is not used by ops from <= k < to.  in: op `to` reads it. */
static void
add_absence(struct finding *f, uint32_t t, uint32_t from, uint32_t to, bool in)
{
	const struct tensor *tensor = &f->graph->tensors[t];
	bool persistent = kind_is_persistent(tensor->kind);
	struct absence *x;
	uint32_t n = versions_before(&f->versions, t, from), all = versions_before(&f->versions, t, f->graph->op_count);

	if (from >= to || tensor->bytes == 0 || (n == 0 && !persistent))
		return;
	x = ARENA_PUSH(f->arena, f->s->away, f->away, f->away_capacity);
	*x = (struct absence) { .tensor = t, .from = from, .to = to, .in = in, .bytes = tensor->bytes };
	if (n > 0) {
		x->out = true;
		find_runs(f, x, n);
	} else if (in && all > 0) {
		x->written = versions_writer(&f->versions, t, all) + 1;
	}
}

/* Absences that one host copy may serve have the same `ready`: it is asked of one of them only. */
static void
mark_main(struct finding *f, size_t first)
{
	struct absence *away = f->s->away;

	for (size_t i = first; i < f->away; ) {
		size_t best = i, j;

		for (j = i; j < f->away && away[j].ready == away[i].ready; j++)
			if (away[j].to - away[j].from > away[best].to - away[best].from)
				best = j;
		away[best].main = true;
		i = j;
	}
}

static void
find_absences(struct finding *f, uint32_t t)
{
	const struct lifetimes *l = f->life;
	const struct graph *g = f->graph;
	uint32_t start = l->use_start[t], end = l->use_start[t + 1];
	bool persistent = kind_is_persistent(g->tensors[t].kind);
	size_t first = f->away;

	if (start == end)
		return;
	if (persistent && op_reads(&g->ops[l->use_op[start]], t))
		add_absence(f, t, 0, l->use_op[start], true);
	for (uint32_t u = start; u + 1 < end; u++)
		if (op_reads(&g->ops[l->use_op[u + 1]], t))
			add_absence(f, t, l->use_op[u] + 1, l->use_op[u + 1], true);
	if (persistent)
		add_absence(f, t, l->use_op[end - 1] + 1, g->op_count, false);
	mark_main(f, first);
}

static void
add_up(struct absences *s, const struct lifetimes *l)
{
	const struct graph *g = s->graph;
	bytes_t sum = 0;

	for (uint32_t i = 0; i < s->count; i++) {
		s->need[s->away[i].from] += s->away[i].bytes;
		if (s->away[i].to < g->op_count)
			s->need[s->away[i].to] -= s->away[i].bytes;	/* unsigned: the sum comes out right */
	}
	for (uint32_t k = 0; k < g->op_count; k++) {
		sum += s->need[k];
		s->need[k] = sum + least_workspace(&g->ops[k]);
	}
	for (uint32_t t = 0; t < g->tensor_count; t++)
		for (uint32_t u = l->use_start[t]; u < l->use_start[t + 1]; u++)
			s->need[l->use_op[u]] += g->tensors[t].bytes;
	for (uint32_t k = 0; k < g->op_count; k++)
		s->need[k] -= shared_in_place(g, &g->ops[k]);
}

void
absences_init(struct absences *s, const struct lifetimes *l, struct arena *a)
{
	const struct graph *g = l->graph;
	struct finding f = { .graph = g, .life = l, .s = s, .arena = a };

	*s = (struct absences) { .graph = g };
	find_times(s, a);
	s->need = ARENA_NEW(a, bytes_t, g->op_count);
	versions_init(&f.versions, g, a);
	for (uint32_t t = 0; t < g->tensor_count; t++)
		find_absences(&f, t);
	s->count = (uint32_t)f.away;
	s->run_count = (uint32_t)f.runs;
	add_up(s, l);
}
