/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>
#include "sim/time/simulate.h"

#include <math.h>
#include <string.h>

#include "sim/time/simulate_private.h"

/* Device buffers and host buffers stand in one list here, host behind device.  Each instruction
 * heads two chains: of the buffers that come into use when it starts, and of those that go out of use
 * when it ends. */
struct stays {
	const struct plan *plan;
	const struct sim_span *spans;
	uint32_t count;			/* buffer_count + host_count */
	uint32_t *first, *last;		/* [count] instruction with the first start, the last end */
	bool *initial, *final;		/* [count] there before, there after the step */
	uint32_t *begin, *end;		/* [instruction_count] head of chain */
	uint32_t *begin_next, *end_next;/* [count] */
};

/* In use at one moment, and the rows of the header's struct when they are wanted. */
struct level {
	bytes_t bytes[SIM_KINDS], host;
};

struct walk {
	struct stays *stays;
	struct level now, shown;	/* shown: the last row */
	bytes_t device_peak, host_peak;
	struct sim_memory *rows;	/* NULL: only the peaks */
};

static void
touch(struct stays *s, uint32_t buffer, uint32_t instruction)
{
	const struct sim_span *span = &s->spans[instruction];

	if (s->first[buffer] == PLAN_NONE || span->start_us < s->spans[s->first[buffer]].start_us)
		s->first[buffer] = instruction;
	if (s->last[buffer] == PLAN_NONE || span->end_us > s->spans[s->last[buffer]].end_us)
		s->last[buffer] = instruction;
}

static void
touch_all(struct stays *s)
{
	const struct plan *p = s->plan;

	for (uint32_t i = 0; i < p->instruction_count; i++) {
		const struct instruction *in = &p->program[i];

		if (in->queue != QUEUE_COMPUTE) {
			touch(s, in->device_buffer, i);
			touch(s, p->buffer_count + in->host_buffer, i);
			continue;
		}
		for (uint32_t k = 0; k < p->graph->ops[in->op].input_count; k++)
			touch(s, in->reads[k], i);
		for (uint32_t k = 0; k < p->graph->ops[in->op].output_count; k++)
			touch(s, in->writes[k], i);
		if (in->workspace != PLAN_NONE)
			touch(s, in->workspace, i);
	}
}

static void
mark_places(const struct plan *p, const struct place *places, uint32_t count, bool *marks)
{
	for (uint32_t i = 0; i < count; i++)
		marks[places[i].on_host ? p->buffer_count + places[i].buffer : places[i].buffer] = true;
}

static uint32_t *
none(uint32_t count, struct arena *a)
{
	uint32_t *ids = ARENA_NEW(a, uint32_t, count);

	for (uint32_t i = 0; i < count; i++)
		ids[i] = PLAN_NONE;
	return ids;
}

static void
stays_init(struct stays *s, const struct sim_result *r, const struct plan *p, struct arena *a)
{
	uint32_t n = p->buffer_count + p->host_count;

	*s = (struct stays){ .plan = p, .spans = r->spans, .count = n };
	s->first = none(n, a);
	s->last = none(n, a);
	s->begin_next = none(n, a);
	s->end_next = none(n, a);
	s->begin = none(p->instruction_count, a);
	s->end = none(p->instruction_count, a);
	s->initial = ARENA_NEW(a, bool, n);
	s->final = ARENA_NEW(a, bool, n);
	mark_places(p, p->initial, p->initial_count, s->initial);
	mark_places(p, p->final, p->final_count, s->final);
	touch_all(s);
	for (uint32_t b = 0; b < n; b++) {
		if (!s->initial[b] && s->first[b] != PLAN_NONE) {
			s->begin_next[b] = s->begin[s->first[b]];
			s->begin[s->first[b]] = b;
		}
		if (!s->final[b] && s->last[b] != PLAN_NONE) {
			s->end_next[b] = s->end[s->last[b]];
			s->end[s->last[b]] = b;
		}
	}
}

static int
buffer_kind(const struct plan *p, uint32_t buffer)
{
	uint32_t tensor = p->buffers[buffer].tensor;

	return tensor == PLAN_NONE ? (int)SIM_WORKSPACE : (int)p->graph->tensors[tensor].kind;
}

/* Sums wrap while one moment's events are applied in any order, and are right
 * again when all of them are. */
static void
add_buffer(struct walk *w, uint32_t buffer, bool comes)
{
	const struct plan *p = w->stays->plan;
	bytes_t *sum = buffer < p->buffer_count ? &w->now.bytes[buffer_kind(p, buffer)] : &w->now.host;
	bytes_t bytes = buffer < p->buffer_count ? p->buffers[buffer].bytes : p->host[buffer - p->buffer_count].bytes;

	bytes = bytes_align(bytes, DEVICE_ALIGN);
	*sum += comes ? bytes : -bytes;
}

static bytes_t
shared_bytes(const struct buffer *x, const struct buffer *y)
{
	bytes_t from = x->offset_bytes > y->offset_bytes ? x->offset_bytes : y->offset_bytes;
	bytes_t x_to = x->offset_bytes + bytes_align(x->bytes, DEVICE_ALIGN);
	bytes_t y_to = y->offset_bytes + bytes_align(y->bytes, DEVICE_ALIGN);
	bytes_t to = x_to < y_to ? x_to : y_to;

	return to > from ? to - from : 0;
}

/* While an op runs in place, its output stands on its input's bytes: count them once. */
static void
share(struct walk *w, const struct instruction *in, bool starts)
{
	const struct plan *p = w->stays->plan;
	const struct op *o = &p->graph->ops[in->op];

	for (uint32_t k = 0; k < o->inplace_count; k++) {
		uint32_t from = PLAN_NONE, to = PLAN_NONE;
		bytes_t bytes;

		for (uint32_t i = 0; i < o->input_count; i++)
			if (o->inputs[i] == o->inplace[k].input)
				from = in->reads[i];
		for (uint32_t i = 0; i < o->output_count; i++)
			if (o->outputs[i] == o->inplace[k].output)
				to = in->writes[i];
		if (from == PLAN_NONE || to == PLAN_NONE || from == to)
			continue;
		bytes = shared_bytes(&p->buffers[from], &p->buffers[to]);
		w->now.bytes[buffer_kind(p, to)] -= starts ? bytes : -bytes;
	}
}

static void
apply(struct walk *w, uint32_t id, bool starts)
{
	const struct stays *s = w->stays;
	const struct instruction *in = &s->plan->program[id];
	const uint32_t *next = starts ? s->begin_next : s->end_next;

	for (uint32_t b = starts ? s->begin[id] : s->end[id]; b != PLAN_NONE; b = next[b])
		add_buffer(w, b, starts);
	if (in->queue == QUEUE_COMPUTE)
		share(w, in, starts);
}

/* All events of moment t have been applied. */
static void
show(struct walk *w, double t, bool always)
{
	bytes_t device = 0;

	if (!always && memcmp(&w->now, &w->shown, sizeof(w->now)) == 0)
		return;
	w->shown = w->now;
	for (int k = 0; k < SIM_KINDS; k++)
		device += w->now.bytes[k];
	if (device > w->device_peak)
		w->device_peak = device;
	if (w->now.host > w->host_peak)
		w->host_peak = w->now.host;
	if (w->rows == NULL)
		return;
	w->rows->time_us[w->rows->count] = t;
	memcpy(w->rows->bytes[w->rows->count], w->now.bytes, sizeof(w->now.bytes));
	w->rows->host_bytes[w->rows->count++] = w->now.host;
}

static void
begin_initial(struct walk *w)
{
	const struct stays *s = w->stays;

	for (uint32_t b = 0; b < s->count; b++)
		if (s->initial[b] && (s->final[b] || s->last[b] != PLAN_NONE))
			add_buffer(w, b, true);
}

/* Merge the starts and the ends of the three queues. */
static void
walk_events(struct walk *w, const struct sim_queues *q)
{
	const struct sim_span *spans = w->stays->spans;
	uint32_t next[2][QUEUE_COUNT] = { { 0 } };
	double t = 0;

	begin_initial(w);
	for (bool first = true; !isinf(t); first = false) {
		double later = INFINITY;

		for (int k = 0; k < QUEUE_COUNT; k++) {
			uint32_t *s = &next[0][k], *f = &next[1][k], n = q->count[k];

			for (; *s < n && spans[q->ids[k][*s]].start_us <= t; (*s)++)
				apply(w, q->ids[k][*s], true);
			for (; *f < n && spans[q->ids[k][*f]].end_us <= t; (*f)++)
				apply(w, q->ids[k][*f], false);
			if (*s < n)
				later = fmin(later, spans[q->ids[k][*s]].start_us);
			if (*f < n)
				later = fmin(later, spans[q->ids[k][*f]].end_us);
		}
		show(w, t, first);
		t = later;
	}
}

void
sim_peaks(struct sim_result *r, const struct plan *p, const struct sim_queues *q, struct arena *a)
{
	struct stays s;
	struct walk w = { .stays = &s };

	stays_init(&s, r, p, a);
	walk_events(&w, q);
	r->device_peak_bytes = w.device_peak;
	r->host_peak_bytes = w.host_peak;
}

void
sim_memory(struct sim_memory *m, const struct sim_result *r, const struct plan *p, struct arena *a)
{
	size_t most = 2 * (size_t)p->instruction_count + 1;
	struct sim_queues q;
	struct stays s;
	struct walk w = { .stays = &s, .rows = m };

	*m = (struct sim_memory){ .count = 0 };
	m->time_us = ARENA_NEW(a, double, most);
	m->bytes = arena_alloc(a, sizeof(*m->bytes), most);
	m->host_bytes = ARENA_NEW(a, bytes_t, most);
	sim_queues_init(&q, p, a);
	stays_init(&s, r, p, a);
	walk_events(&w, &q);
}
