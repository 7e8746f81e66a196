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

enum { LONGEST_CHAIN = 16 };	/* longer ones are cut short: cheaper than they are */

struct finding {
	const struct graph *graph;
	const struct lifetimes *life;
	struct absences *s;
	struct arena *arena;
	size_t away, away_capacity, runs, run_capacity;
	uint32_t *writers;	/* ops that write the tensor at hand, rising */
	uint32_t writer_count;
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

/* The runs that make what the writer at index w left behind, newest first, and when the
 * oldest value of the chain was there. */
static void
find_chain(struct finding *f, struct absence *x, int64_t w)
{
	uint32_t t = x->tensor, length = 0;

	x->run_start = (uint32_t)f->runs;
	for (;; w--) {
		uint32_t k = f->writers[w];

		if (!f->graph->ops[k].recomputable) {
			x->ready = k + 1;
			f->runs = x->run_start;	/* its value is fetched, or there is none */
			break;
		}
		*ARENA_PUSH(f->arena, f->s->runs, f->runs, f->run_capacity) = k;
		if (!op_reads(&f->graph->ops[k], t)) {
			x->ready = k + 1;
			break;
		}
		if (w == 0 && !kind_is_persistent(f->graph->tensors[t].kind)) {
			x->ready = k + 1;	/* it read nothing: a transient holds nothing before its first write */
			break;
		}
		if (w == 0) {
			/* Back to what was there before the step: a host copy may serve. */
			x->ready = 0;
			x->out = false;
			f->runs = x->run_start;
			break;
		}
		if (++length == LONGEST_CHAIN) {
			x->ready = 0;
			break;
		}
	}
	x->run_count = (uint32_t)(f->runs - x->run_start);
}

/* The tensor is not used by ops from <= k < to.  in: op `to` reads it. */
static void
add_absence(struct finding *f, uint32_t t, uint32_t from, uint32_t to, bool in)
{
	const struct tensor *tensor = &f->graph->tensors[t];
	bool persistent = kind_is_persistent(tensor->kind);
	struct absence *x;
	int64_t w = (int64_t)lower_bound(f->writers, 0, f->writer_count, from) - 1;	/* the last before the op; -1: none */

	if (from >= to || tensor->bytes == 0 || (w < 0 && !persistent))
		return;
	x = ARENA_PUSH(f->arena, f->s->away, f->away, f->away_capacity);
	*x = (struct absence) { .tensor = t, .from = from, .to = to, .in = in, .bytes = tensor->bytes };
	if (w >= 0) {
		x->out = true;
		find_chain(f, x, w);
	} else if (in && f->writer_count > 0) {
		x->written = f->writers[f->writer_count - 1] + 1;
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

	f->writer_count = 0;
	for (uint32_t u = start; u < end; u++)
		if (op_writes(&g->ops[l->use_op[u]], t))
			f->writers[f->writer_count++] = l->use_op[u];
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
		s->need[k] = sum + lifetimes_least_workspace(&g->ops[k]);
	}
	for (uint32_t t = 0; t < g->tensor_count; t++)
		for (uint32_t u = l->use_start[t]; u < l->use_start[t + 1]; u++)
			s->need[l->use_op[u]] += g->tensors[t].bytes;
	for (uint32_t k = 0; k < g->op_count; k++)
		s->need[k] -= lifetimes_shared_bytes(g, &g->ops[k]);
}

void
absences_init(struct absences *s, const struct lifetimes *l, struct arena *a)
{
	const struct graph *g = l->graph;
	struct finding f = { .graph = g, .life = l, .s = s, .arena = a };

	*s = (struct absences) { .graph = g };
	find_times(s, a);
	s->need = ARENA_NEW(a, bytes_t, g->op_count);
	f.writers = ARENA_NEW(a, uint32_t, g->op_count);
	for (uint32_t t = 0; t < g->tensor_count; t++)
		find_absences(&f, t);
	s->count = (uint32_t)f.away;
	s->run_count = (uint32_t)f.runs;
	add_up(s, l);
}
