/* SPDX-License-Identifier: Apache-2.0 */
/* optimum_plan.c - the answer of the exhaustive search as a plan: buffers, offsets, and instructions that wait for all that have ended */
#include <config.h>
#include <string.h>

#include "planner/placement/placement.h"
#include "tests/optimum.h"

#define BIT(i) (UINT32_C(1) << (i))
#define UNSET UINT32_MAX

struct optimum_planning {
	struct plan *plan;
	const struct optimum *answer;
	const struct graph *graph;
	struct arena *arena;
	uint32_t first[OPTIMUM_TENSORS + 1];	/* value before the step */
	uint32_t home;				/* tensors at home on the host, one bit each */
	struct place_item *items;		/* [buffer_count] alive from the start of instruction `lower` to that of `upper` */
	uint32_t *part_of;			/* [buffer_count] the buffer whose bytes it takes over; itself: none */
	uint32_t device[OPTIMUM_VALUES], host[OPTIMUM_VALUES];	/* buffer of each value that is there, or UNSET */
	uint32_t made[OPTIMUM_VALUES];		/* buffer that the running op fills, or UNSET */
	uint32_t work[OPTIMUM_TENSORS + 1], work_count;	/* buffers that end with the running op */
	uint32_t fetched;			/* buffer that the copy in fills */
	uint32_t running[QUEUE_COUNT], ended[QUEUE_COUNT];	/* instructions, or UNSET */
};

static uint32_t
new_buffer(struct optimum_planning *w, uint32_t tensor, bytes_t bytes)
{
	struct plan *p = w->plan;
	uint32_t id = p->buffer_count++;

	p->buffers[id] = (struct buffer) { .tensor = tensor, .bytes = bytes };
	w->items[id] = (struct place_item) { .bytes = bytes, .lower = p->instruction_count, .upper = p->instruction_count + 1, .fixed = PLACE_FREE };
	w->part_of[id] = id;
	return id;
}

static uint32_t
tensor_of(const struct optimum_planning *w, uint32_t value)
{
	uint32_t t = 0;

	while (w->first[t + 1] <= value)
		t++;
	return t;
}

static uint32_t
buffer_for(struct optimum_planning *w, uint32_t value)
{
	uint32_t t = tensor_of(w, value);

	return new_buffer(w, t, w->graph->tensors[t].bytes);
}

static uint32_t
host_buffer(struct optimum_planning *w, uint32_t t)
{
	struct plan *p = w->plan;

	p->host[p->host_count] = (struct buffer) { .tensor = t, .bytes = w->graph->tensors[t].bytes, .offset_bytes = p->host_bytes };
	p->host_bytes += bytes_align(w->graph->tensors[t].bytes, DEVICE_ALIGN);
	return p->host_count++;
}

/* Ends a buffer before the next instruction. */
static void
end_buffer(struct optimum_planning *w, uint32_t *id)
{
	struct place_item *i = &w->items[*id];

	i->upper = w->plan->instruction_count > i->upper ? w->plan->instruction_count : i->upper;
	*id = UNSET;
}

static struct instruction *
start(struct optimum_planning *w, enum queue q)
{
	struct plan *p = w->plan;
	struct instruction *in = &p->program[p->instruction_count];
	uint32_t *after = ARENA_NEW(w->arena, uint32_t, QUEUE_COUNT);

	*in = (struct instruction) { .queue = q, .op = PLAN_NONE, .workspace = PLAN_NONE, .alternative = PLAN_NONE, .after = after };
	for (int other = 0; other < QUEUE_COUNT; other++)
		if (other != (int)q && w->ended[other] != UNSET)
			after[in->after_count++] = w->ended[other];
	w->running[q] = p->instruction_count;
	return in;
}

/* The version of tensor t that op k reads, as a value. */
static uint32_t
value_before(const struct optimum_planning *w, uint32_t t, uint32_t k)
{
	uint32_t v = w->first[t];

	for (uint32_t p = 0; p < k; p++)
		v += op_writes(&w->graph->ops[p], t);
	return v;
}

static uint32_t
output_buffer(struct optimum_planning *w, const struct op *o, const struct optimum_moment *m, uint32_t t)
{
	uint32_t v = value_before(w, t, m->starts.op) + 1, id;

	if (op_reads(o, t)) {
		id = w->device[v - 1];
		w->device[v - 1] = UNSET;
	} else {
		id = buffer_for(w, v);
	}
	for (uint32_t i = 0; i < m->starts.take_count; i++)
		if (m->starts.takes[i].to == v) {
			uint32_t from = w->device[m->starts.takes[i].from];

			w->part_of[id] = from;
			w->work[w->work_count++] = from;
			w->device[m->starts.takes[i].from] = UNSET;
		}
	if (m->before.out == v) {	/* the value is there and is being copied out: this one is given up */
		w->work[w->work_count++] = id;
		return id;
	}
	if (w->device[v] != UNSET)
		end_buffer(w, &w->device[v]);
	return w->made[v] = id;
}

static void
start_run(struct optimum_planning *w, const struct optimum_moment *m)
{
	const struct op *o = &w->graph->ops[m->starts.op];
	uint32_t *reads = ARENA_NEW(w->arena, uint32_t, o->input_count), *writes = ARENA_NEW(w->arena, uint32_t, o->output_count);
	struct instruction *in = start(w, QUEUE_COMPUTE);
	bytes_t workspace;

	in->op = m->starts.op;
	in->alternative = m->starts.alternative == OPTIMUM_NONE ? PLAN_NONE : m->starts.alternative;
	in->reads = reads;
	in->writes = writes;
	for (uint32_t i = 0; i < o->input_count; i++)
		reads[i] = w->device[value_before(w, o->inputs[i], m->starts.op)];
	for (uint32_t j = 0; j < o->output_count; j++)
		writes[j] = output_buffer(w, o, m, o->outputs[j]);
	workspace = op_workspace_bytes(o, in->alternative);
	if (workspace > 0)
		w->work[w->work_count++] = in->workspace = new_buffer(w, PLAN_NONE, workspace);
	w->plan->instruction_count++;
}

static void
start_out(struct optimum_planning *w, uint32_t v)
{
	struct instruction *in = start(w, QUEUE_OUT);
	uint32_t t = tensor_of(w, v);
	bool home = (w->home & BIT(t)) && v + 1 == w->first[t + 1];

	in->device_buffer = w->device[v];
	in->host_buffer = w->host[v] = home ? w->host[w->first[t]] : host_buffer(w, t);
	in->bytes = w->graph->tensors[t].bytes;
	w->plan->instruction_count++;
}

static void
start_in(struct optimum_planning *w, uint32_t v)
{
	struct instruction *in = start(w, QUEUE_IN);

	in->host_buffer = w->host[v];
	in->device_buffer = w->fetched = buffer_for(w, v);
	in->bytes = w->graph->tensors[tensor_of(w, v)].bytes;
	w->plan->instruction_count++;
}

/* Puts what has ended in its place, and ends the buffers of values that nothing needs any more. */
static void
settle(struct optimum_planning *w, const struct optimum_moment *m)
{
	const struct optimum_state *s = &m->after;
	const bool works[] = { s->op != OPTIMUM_NONE, s->out != OPTIMUM_NONE, s->in != OPTIMUM_NONE };
	uint32_t in = m->starts.in != OPTIMUM_NONE ? m->starts.in : m->before.in;

	for (int q = 0; q < QUEUE_COUNT; q++)
		if (!works[q] && w->running[q] != UNSET) {
			w->ended[q] = w->running[q];
			w->running[q] = UNSET;
			if (q == QUEUE_IN) {
				if (w->device[in] != UNSET)
					end_buffer(w, &w->device[in]);
				w->device[in] = w->fetched;
			}
			if (q != QUEUE_COMPUTE)
				continue;
			while (w->work_count > 0)
				end_buffer(w, &w->work[--w->work_count]);
			for (uint32_t v = 0; v < OPTIMUM_VALUES; v++)
				if (w->made[v] != UNSET) {
					if (w->device[v] != UNSET)
						end_buffer(w, &w->device[v]);
					w->device[v] = w->made[v];
					w->made[v] = UNSET;
				}
		}
	for (uint32_t v = 0; v < OPTIMUM_VALUES; v++)
		if (w->device[v] != UNSET && !(s->device & BIT(v)))
			end_buffer(w, &w->device[v]);
}

static void
begin(struct optimum_planning *w)
{
	struct plan *p = w->plan;

	memset(w->device, 0xff, sizeof(w->device));
	memset(w->host, 0xff, sizeof(w->host));
	memset(w->made, 0xff, sizeof(w->made));
	memset(w->running, 0xff, sizeof(w->running));
	memset(w->ended, 0xff, sizeof(w->ended));
	for (uint32_t t = 0; t < w->graph->tensor_count; t++) {
		bool host = w->home & BIT(t);
		uint32_t v = w->first[t];

		if (!kind_is_persistent(w->graph->tensors[t].kind))
			continue;
		if (host)
			w->host[v] = host_buffer(w, t);
		else
			w->device[v] = buffer_for(w, v);
		p->initial[p->initial_count++] = (struct place) { .tensor = t, .on_host = host, .buffer = host ? w->host[v] : w->device[v] };
	}
}

static void
end(struct optimum_planning *w)
{
	struct plan *p = w->plan;
	uint32_t all = p->instruction_count + 1;

	for (uint32_t v = 0; v < OPTIMUM_VALUES; v++)
		if (w->device[v] != UNSET)
			w->items[w->device[v]].upper = p->instruction_count;
	for (uint32_t t = 0; t < w->graph->tensor_count; t++) {
		uint32_t v = w->first[t + 1] - 1;
		bool host = kind_is_persistent(w->graph->tensors[t].kind) ? (w->home & BIT(t)) != 0 : w->device[v] == UNSET;

		if (!kind_has_final(w->graph->tensors[t].kind))
			continue;
		p->final[p->final_count++] = (struct place) { .tensor = t, .on_host = host, .buffer = host ? w->host[v] : w->device[v] };
		if (!host)
			w->items[w->device[v]].upper = all;
	}
	/* The buffers of one chain of takeovers are one item. */
	for (uint32_t i = p->buffer_count; i-- > 0;) {
		struct place_item *x = &w->items[i], *whole = &w->items[w->part_of[i]];

		if (w->part_of[i] == i)
			continue;
		whole->bytes = x->bytes > whole->bytes ? x->bytes : whole->bytes;
		whole->upper = x->upper > whole->upper ? x->upper : whole->upper;
		x->bytes = 0;
	}
}

static uint32_t
final_buffer(const struct plan *p, uint32_t tensor)
{
	uint32_t i = 0;

	while (p->final[i].tensor != tensor)
		i++;
	return p->final[i].buffer;
}

/* Gives tensors at home on the device one fixed place each, if any returns there: those that leave first stand last. */
static int
fix_homes(struct optimum_planning *w, struct err *e)
{
	struct plan *p = w->plan;
	bool return_home = false, fixed[OPTIMUM_TENSORS] = { false };
	bytes_t offset = 0;

	for (uint32_t i = 0; i < p->initial_count; i++)
		return_home |= !p->initial[i].on_host && final_buffer(p, p->initial[i].tensor) != p->initial[i].buffer;
	for (uint32_t n = 0; return_home && n < p->initial_count; n++) {
		uint32_t best = UNSET, first, last;

		for (uint32_t i = 0; i < p->initial_count; i++)
			if (!p->initial[i].on_host && !fixed[i] && (best == UNSET ||
			    w->items[p->initial[i].buffer].upper > w->items[p->initial[best].buffer].upper))
				best = i;
		if (best == UNSET)
			break;
		fixed[best] = true;
		first = p->initial[best].buffer;
		last = final_buffer(p, p->initial[best].tensor);
		if (w->part_of[last] != last || w->items[first].bytes > w->graph->tensors[p->initial[best].tensor].bytes ||
		    (last != first && w->items[last].lower < w->items[first].upper))
			return err_set(e, ERR_NO, "tensor %u returns before its place is free", p->initial[best].tensor);
		w->items[first].fixed = w->items[last].fixed = offset;
		offset += bytes_align(w->graph->tensors[p->initial[best].tensor].bytes, DEVICE_ALIGN);
	}
	return 0;
}

static int
place(struct optimum_planning *w, struct err *e)
{
	struct plan *p = w->plan;
	struct place_problem device = { .count = p->buffer_count, .items = w->items, .align = DEVICE_ALIGN, .threads = 1,
	    .capacity = p->budget_bytes };
	struct place_result r = { .offsets = ARENA_NEW(w->arena, bytes_t, p->buffer_count) };

	if (fix_homes(w, e) < 0 || placement_run(&r, placement_find("auto"), &device, w->arena, e) < 0)
		return -1;
	p->arena_bytes = r.arena_bytes;
	for (uint32_t i = 0; i < p->buffer_count; i++) {
		uint32_t whole = i;

		while (w->part_of[whole] != whole)
			whole = w->part_of[whole];
		p->buffers[i].offset_bytes = r.offsets[whole];
	}
	return 0;
}

int
optimum_plan(struct plan *p, const struct optimum *x, struct arena *a, struct err *e)
{
	const struct graph *g = p->graph;
	uint32_t most = 3 * x->moment_count + 1, buffers = (OPTIMUM_TENSORS + 2) * most;
	struct optimum_planning w = { .plan = p, .answer = x, .graph = g, .arena = a, .home = x->moments[0].before.home };

	for (uint32_t t = 0; t <= g->tensor_count; t++)
		w.first[t] = optimum_value(g, t);
	p->buffers = ARENA_NEW(a, struct buffer, buffers);
	w.items = ARENA_NEW(a, struct place_item, buffers);
	w.part_of = ARENA_NEW(a, uint32_t, buffers);
	p->host = ARENA_NEW(a, struct buffer, most + OPTIMUM_TENSORS);
	p->initial = ARENA_NEW(a, struct place, g->tensor_count);
	p->final = ARENA_NEW(a, struct place, g->tensor_count);
	p->program = ARENA_NEW(a, struct instruction, most);
	p->buffer_count = p->host_count = p->initial_count = p->final_count = p->instruction_count = 0;
	p->host_bytes = 0;
	begin(&w);
	for (uint32_t i = 0; i < x->moment_count; i++) {
		const struct optimum_moment *m = &x->moments[i];

		for (uint32_t v = 0; v < OPTIMUM_VALUES; v++)
			if (m->starts.dropped & BIT(v))
				end_buffer(&w, &w.device[v]);
		if (m->starts.op != OPTIMUM_NONE)
			start_run(&w, m);
		if (m->starts.out != OPTIMUM_NONE)
			start_out(&w, m->starts.out);
		if (m->starts.in != OPTIMUM_NONE)
			start_in(&w, m->starts.in);
		settle(&w, m);
	}
	end(&w);
	return place(&w, e);
}
