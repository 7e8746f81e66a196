/* SPDX-License-Identifier: Apache-2.0 */
/* memory.c - bytes in use over simulated time
 *
 * Device buffers and host buffers form one list, host behind device.  Each instruction heads two chains: the
 * buffers that come into use when it starts, and those that go out of use when it ends.  The starts and
 * the ends of the three queues, merged, are the events at which a sum changes.
 */
#include <config.h>
#include "sim/time/simulate.h"

#include <math.h>
#include <string.h>

#include "sim/time/simulate_private.h"
#include "src/documents/plan_access.h"

struct chains {
	const struct plan *plan;
	const struct sim_range *ranges;	/* [count] */
	uint32_t count;			/* buffer_count + host_count */
	uint32_t *begin, *end;		/* [instruction_count] head of chain */
	uint32_t *begin_next, *end_next;/* [count] */
};

/* Bytes in use at one moment. */
struct in_use {
	bytes_t bytes[SIM_KINDS], host;
};

struct memory_walk {
	const struct chains *chains;
	const struct sim_span *spans;
	struct in_use now;
	struct in_use shown;		/* the last row */
	bytes_t device_peak, host_peak;
	struct sim_memory *rows;	/* NULL: only the peaks */
};

static void
extend(struct sim_range *r, const struct sim_span *spans, uint32_t instruction)
{
	if (r->first == PLAN_NONE || spans[instruction].start_us < spans[r->first].start_us)
		r->first = instruction;
	if (r->last == PLAN_NONE || spans[instruction].end_us > spans[r->last].end_us)
		r->last = instruction;
}

struct sim_range *
sim_live_ranges(const struct sim_result *r, const struct plan *p, struct arena *a)
{
	uint32_t count = p->buffer_count + p->host_count;
	struct sim_range *ranges = ARENA_NEW(a, struct sim_range, count);

	for (uint32_t b = 0; b < count; b++)
		ranges[b] = (struct sim_range) { .first = PLAN_NONE, .last = PLAN_NONE };
	FOR_EACH_ACCESS(p, x) {
		struct sim_range *to = &ranges[x.host ? p->buffer_count + x.buffer : x.buffer];

		if (x.operand == OPERAND_INITIAL)
			to->initial = true;
		else if (x.operand == OPERAND_FINAL)
			to->final = true;
		else
			extend(to, r->spans, x.moment - 1);
	}
	return ranges;
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
chains_init(struct chains *c, const struct sim_result *r, const struct plan *p, struct arena *a)
{
	uint32_t n = p->buffer_count + p->host_count;

	*c = (struct chains){ .plan = p, .ranges = sim_live_ranges(r, p, a), .count = n };
	c->begin_next = none(n, a);
	c->end_next = none(n, a);
	c->begin = none(p->instruction_count, a);
	c->end = none(p->instruction_count, a);
	for (uint32_t b = 0; b < n; b++) {
		const struct sim_range *x = &c->ranges[b];

		if (!x->initial && x->first != PLAN_NONE) {
			c->begin_next[b] = c->begin[x->first];
			c->begin[x->first] = b;
		}
		if (!x->final && x->last != PLAN_NONE) {
			c->end_next[b] = c->end[x->last];
			c->end[x->last] = b;
		}
	}
}

/* Adds or removes a buffer.  The events of one moment come in any order, so sums may wrap until the last of them is
 * applied. */
static void
add_buffer(struct memory_walk *w, uint32_t buffer, bool comes)
{
	const struct plan *p = w->chains->plan;
	bytes_t *sum = buffer < p->buffer_count ? &w->now.bytes[sim_kind(p, buffer)] : &w->now.host;
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

/* Counts once the bytes that an output shares with an input while its op runs in place. */
static void
share(struct memory_walk *w, const struct instruction *in, bool starts)
{
	const struct plan *p = w->chains->plan;
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
		w->now.bytes[sim_kind(p, to)] -= starts ? bytes : -bytes;
	}
}

static void
apply(struct memory_walk *w, uint32_t id, bool starts)
{
	const struct chains *c = w->chains;
	const struct instruction *in = &c->plan->program[id];
	const uint32_t *next = starts ? c->begin_next : c->end_next;

	for (uint32_t b = starts ? c->begin[id] : c->end[id]; b != PLAN_NONE; b = next[b])
		add_buffer(w, b, starts);
	if (in->queue == QUEUE_COMPUTE)
		share(w, in, starts);
}

/* Records the sums at time t, after all of its events. */
static void
show(struct memory_walk *w, double t, bool always)
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
begin_initial(struct memory_walk *w)
{
	const struct chains *c = w->chains;

	for (uint32_t b = 0; b < c->count; b++)
		if (c->ranges[b].initial && (c->ranges[b].final || c->ranges[b].last != PLAN_NONE))
			add_buffer(w, b, true);
}

/* Applies the starts and the ends of the three queues by time. */
static void
walk_events(struct memory_walk *w, const struct sim_queues *q)
{
	const struct sim_span *spans = w->spans;
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
	struct chains c;
	struct memory_walk w = { .chains = &c, .spans = r->spans };

	chains_init(&c, r, p, a);
	walk_events(&w, q);
	r->device_peak_bytes = w.device_peak;
	r->host_peak_bytes = w.host_peak;
}

void
sim_memory(struct sim_memory *m, const struct sim_result *r, const struct plan *p, struct arena *a)
{
	size_t most = 2 * (size_t)p->instruction_count + 1;
	struct sim_queues q;
	struct chains c;
	struct memory_walk w = { .chains = &c, .spans = r->spans, .rows = m };

	*m = (struct sim_memory){ .count = 0 };
	m->time_us = ARENA_NEW(a, double, most);
	m->bytes = arena_alloc(a, sizeof(*m->bytes), most);
	m->host_bytes = ARENA_NEW(a, bytes_t, most);
	sim_queues_init(&q, p, a);
	chains_init(&c, r, p, a);
	walk_events(&w, &q);
}
