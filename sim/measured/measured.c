/* SPDX-License-Identifier: Apache-2.0 */
/* measured.c - from a trace's events to the spans of a plan's instructions */
#include <config.h>
#include "sim/measured/measured.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/measured/kineto.h"

/* Kernels by which the captured step may differ in a row: a library can choose another one while it is captured. */
enum { SKIP_MOST = 8 };

/* A kernel of the step that ran op by op. */
struct owned { const char *name; uint32_t instruction; };

/* A step of the trace. */
struct traced_step {
	struct sim_span *spans;		/* [instruction_count] by the trace's clock; start_us NaN: not there */
	double us;			/* from the first start to the last end */
	uint32_t other_kernels;
};

struct matching {
	const struct plan *plan;
	const struct kineto *trace;
	struct arena *arena;
	uint32_t *runs;			/* [run_total] the plan's compute instructions in order */
	uint32_t run_total;
	struct owned *owned;		/* [owned_count] kernels in order of launch */
	size_t owned_count, owned_capacity;
	struct traced_step *steps;		/* [step_count] */
	size_t step_count, step_capacity;
};

static void
find_runs(struct matching *m)
{
	const struct plan *p = m->plan;

	m->runs = ARENA_NEW(m->arena, uint32_t, p->instruction_count);
	for (uint32_t i = 0; i < p->instruction_count; i++)
		if (p->program[i].queue == QUEUE_COMPUTE)
			m->runs[m->run_total++] = i;
}

static struct traced_step *
new_step(struct matching *m)
{
	struct traced_step *s = ARENA_PUSH(m->arena, m->steps, m->step_count, m->step_capacity);

	*s = (struct traced_step) { .spans = ARENA_NEW(m->arena, struct sim_span, m->plan->instruction_count) };
	for (uint32_t i = 0; i < m->plan->instruction_count; i++)
		s->spans[i] = (struct sim_span) { NAN, NAN };
	return s;
}

static void
extend(struct sim_span *s, double start_us, double end_us)
{
	s->start_us = isnan(s->start_us) ? start_us : fmin(s->start_us, start_us);
	s->end_us = isnan(s->end_us) ? end_us : fmax(s->end_us, end_us);
}

/* ---- steps op by op ---- */

/* Returns the whole steps in the trace that ran op by op; the runs of step k begin at k * run_total. */
static int
count_steps(const struct matching *m, uint32_t *count, struct err *e)
{
	const struct kineto *t = m->trace;

	for (uint32_t i = 0; i < t->run_count; i++)
		if (m->run_total == 0 || t->runs[i].instruction != m->runs[i % m->run_total])
			return err_set(e, ERR_INPUT, "the trace is of another plan: its run %" PRIu32 " is instruction %" PRIu32
			    ", which is not the plan's", i, t->runs[i].instruction);
	*count = m->run_total > 0 ? t->run_count / m->run_total : 0;
	if (*count == 0)
		return err_set(e, ERR_INPUT, "expected the %" PRIu32 " runs of a whole step, named 'layrub run N', got %" PRIu32, m->run_total,
		    t->run_count);
	return 0;
}

static int
compare_correlation(const void *key, const void *launch)
{
	const int64_t x = *(const int64_t *)key, y = ((const struct kineto_launch *)launch)->correlation;

	return (x > y) - (x < y);
}

static const struct kineto_launch *
launch_of(const struct kineto *t, int64_t correlation)
{
	return t->launch_count == 0 ? NULL : bsearch(&correlation, t->launches, t->launch_count, sizeof(*t->launches), compare_correlation);
}

/* Returns the run in which the work was launched; NULL: in none. */
static const struct kineto_run *
run_of(const struct kineto *t, const struct kineto_work *w)
{
	const struct kineto_launch *l = launch_of(t, w->correlation);
	uint32_t low = 0, high = t->run_count;

	while (l != NULL && low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (t->runs[mid].start_us <= l->start_us)
			low = mid + 1;
		else
			high = mid;
	}
	if (l == NULL || low == 0 || l->start_us > t->runs[low - 1].end_us || l->thread != t->runs[low - 1].thread)
		return NULL;
	return &t->runs[low - 1];
}

static int
compare_work_starts(const void *a, const void *b)
{
	const struct kineto_work *const *x = a, *const *y = b;

	if ((*x)->start_us != (*y)->start_us)
		return (*x)->start_us > (*y)->start_us ? 1 : -1;
	return (*x > *y) - (*x < *y);	/* they lie in one array */
}

/* Takes the next copies of a direction that have the sizes of the plan's, in order.  works: [count] by start.  next: the first one of
 * each direction that no step has taken. */
static void
take_copies(struct matching *m, struct traced_step *s, const struct kineto_work *const *works, uint32_t count, uint32_t next[DIRECTION_COUNT])
{
	const struct plan *p = m->plan;

	for (int dir = 0; dir < DIRECTION_COUNT; dir++) {
		const enum queue queue = dir == D2H ? QUEUE_OUT : QUEUE_IN;
		uint32_t i = next[dir];

		for (uint32_t id = 0; id < p->instruction_count; id++) {
			if (p->program[id].queue != queue)
				continue;
			while (i < count && !(works[i]->kind == (dir == D2H ? KINETO_OUT : KINETO_IN) && works[i]->bytes == p->program[id].bytes))
				i++;
			if (i == count)
				break;
			extend(&s->spans[id], works[i]->start_us, works[i]->end_us);
			i++;
		}
		next[dir] = i;
	}
}

/* Adds the GPU's works of the runs' own launches to the steps, and lists the kernels of the first step. */
static void
add_launched(struct matching *m, uint32_t count)
{
	const struct kineto *t = m->trace;
	const struct kineto_work **works = ARENA_NEW(m->arena, const struct kineto_work *, t->work_count);
	const size_t first = m->step_count - count;
	uint32_t next[DIRECTION_COUNT] = { 0 };

	for (uint32_t i = 0; i < t->work_count; i++)
		works[i] = &t->works[i];
	if (t->work_count > 0)
		qsort(works, t->work_count, sizeof(*works), compare_work_starts);
	for (uint32_t i = 0; i < t->work_count; i++) {
		const struct kineto_run *run = run_of(t, works[i]);
		uint32_t of;

		if (run == NULL)
			continue;
		of = (uint32_t)(run - t->runs) / m->run_total;
		extend(&m->steps[first + of].spans[run->instruction], works[i]->start_us, works[i]->end_us);
		if (of == 0 && works[i]->kind == KINETO_KERNEL)
			*ARENA_PUSH(m->arena, m->owned, m->owned_count, m->owned_capacity) = (struct owned) { works[i]->name, run->instruction };
	}
	for (uint32_t k = 0; k < count; k++)
		take_copies(m, &m->steps[first + k], works, t->work_count, next);
}

static void
add_steps_op_by_op(struct matching *m, uint32_t count)
{
	const struct kineto *t = m->trace;

	for (uint32_t k = 0; k < count; k++) {
		struct traced_step *s = new_step(m);

		for (uint32_t i = 0; t->work_count == 0 && i < m->run_total; i++) {
			const struct kineto_run *r = &t->runs[(size_t)k * m->run_total + i];

			extend(&s->spans[r->instruction], r->start_us, r->end_us);
		}
	}
	add_launched(m, count);
}

/* ---- captured steps ---- */

/* Gives the kernels of one launch to the runs that have kernels of these names, in order. */
static void
add_captured(struct matching *m, const struct kineto_work *works, uint32_t count)
{
	const struct kineto_work **in_order = ARENA_NEW(m->arena, const struct kineto_work *, count);
	struct traced_step *s = new_step(m);
	uint32_t first_copies[DIRECTION_COUNT] = { 0 };
	size_t next = 0;

	for (uint32_t i = 0; i < count; i++)
		in_order[i] = &works[i];
	for (uint32_t i = 0; i < count; i++) {
		size_t at = next;

		if (works[i].kind != KINETO_KERNEL)
			continue;
		while (at < m->owned_count && at < next + SKIP_MOST && strcmp(m->owned[at].name, works[i].name) != 0)
			at++;
		if (at == m->owned_count || at == next + SKIP_MOST) {
			s->other_kernels++;
			continue;
		}
		extend(&s->spans[m->owned[at].instruction], works[i].start_us, works[i].end_us);
		next = at + 1;
	}
	take_copies(m, s, in_order, count, first_copies);
}

/* A captured step is a launch of many kernels: of half as many as the step op by op, at least. */
static void
add_captured_steps(struct matching *m)
{
	const struct kineto *t = m->trace;

	for (uint32_t i = 0, end; i < t->work_count; i = end) {
		uint32_t kernels = 0;

		for (end = i; end < t->work_count && t->works[end].correlation == t->works[i].correlation; end++)
			kernels += t->works[end].kind == KINETO_KERNEL;
		if (t->works[i].correlation >= 0 && kernels > 1 && kernels >= m->owned_count / 2)
			add_captured(m, &t->works[i], end - i);
	}
}

/* ---- the result ---- */

static void
measure_step(struct traced_step *s, const struct plan *p)
{
	struct sim_span all = { NAN, NAN };

	for (uint32_t i = 0; i < p->instruction_count; i++)
		if (!isnan(s->spans[i].start_us))
			extend(&all, s->spans[i].start_us, s->spans[i].end_us);
	s->us = all.end_us - all.start_us;
	for (uint32_t i = 0; i < p->instruction_count; i++) {
		s->spans[i].start_us -= all.start_us;
		s->spans[i].end_us -= all.start_us;
	}
}

static int
compare_steps(const void *a, const void *b)
{
	const struct traced_step *x = a, *y = b;

	return (x->us > y->us) - (x->us < y->us);
}

/* Makes spans rise along each queue.  What is not there has no length, and comes behind all that stands before it in the program. */
static void
settle(struct measured_step *to, const struct plan *p)
{
	double end[QUEUE_COUNT] = { 0 }, latest = 0;

	for (uint32_t i = 0; i < p->instruction_count; i++) {
		const enum queue q = p->program[i].queue;
		struct sim_span *s = &to->spans[i];

		if (isnan(s->start_us)) {
			to->missing_copies += q != QUEUE_COMPUTE;
			s->start_us = s->end_us = q == QUEUE_COMPUTE ? end[q] : latest;
		}
		s->start_us = fmax(s->start_us, end[q]);
		s->end_us = fmax(s->end_us, s->start_us);
		end[q] = s->end_us;
		if (q == QUEUE_COMPUTE)
			latest = s->end_us;
	}
}

int
measured_read(struct measured_step *to, const struct plan *p, const char *path, struct arena *a, struct err *e)
{
	struct kineto trace;
	struct matching m = { .plan = p, .trace = &trace, .arena = a };
	uint32_t by_op, first;

	*to = (struct measured_step) { .spans = NULL };
	if (kineto_read(&trace, path, a, e) < 0)
		return -1;
	find_runs(&m);
	if (count_steps(&m, &by_op, e) < 0)
		return err_in_file(e, path);
	add_steps_op_by_op(&m, by_op);
	add_captured_steps(&m);
	to->on_gpu = trace.work_count > 0;
	to->captured = m.step_count > by_op;
	first = to->captured ? by_op : 0;
	to->steps = (uint32_t)m.step_count - first;
	for (uint32_t k = first; k < m.step_count; k++)
		measure_step(&m.steps[k], p);
	qsort(&m.steps[first], to->steps, sizeof(*m.steps), compare_steps);
	to->spans = m.steps[first + (to->steps - 1) / 2].spans;
	to->other_kernels = m.steps[first + (to->steps - 1) / 2].other_kernels;
	settle(to, p);
	return 0;
}
