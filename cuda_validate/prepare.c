/* SPDX-License-Identifier: Apache-2.0 */
/* prepare.c - the effect of each instruction of a plan on memory
 *
 * Poison must obey the plan's order like any other write.  An instruction poisons a buffer as its last user only when all
 * other users have ended by then in every timing.  The poison is then a write by an instruction that accesses the buffer
 * anyway, so the plan's rule of space orders it.  A transfer also poisons its destination as the first user; a run
 * overwrites its destination in whole.
 */
#include <config.h>
#include "cuda_validate/replay.h"

#include <math.h>

#include "sim/execute/execute.h"
#include "src/documents/plan_order.h"

#define NOBODY UINT32_MAX	/* no instruction */
enum { LEAST_DELAY_NS = 20000 };

/* The users of a buffer: the first instruction in list order, and the last one of each queue. */
struct buffer_users {
	uint32_t first, last[QUEUE_COUNT];
	bool initial, final;
};

struct preparation {
	struct job *job;
	const struct plan *plan;
	const struct graph *graph;
	struct plan_order order;
	struct buffer_users *users[2];		/* [buffer_count], [host_count] */
	size_t *input_first;			/* [op_count] in defined */
	bool *defined;				/* of each input of each op */
	size_t read_room, write_room;
	struct arena *arena;
};

static void
find_users(struct preparation *s)
{
	const struct plan *p = s->plan;
	const uint32_t counts[2] = { p->buffer_count, p->host_count };

	for (int host = 0; host < 2; host++) {
		s->users[host] = ARENA_NEW(s->arena, struct buffer_users, counts[host]);
		for (uint32_t b = 0; b < counts[host]; b++)
			s->users[host][b] = (struct buffer_users) { .first = NOBODY, .last = { NOBODY, NOBODY, NOBODY } };
	}
	FOR_EACH_ACCESS(p, x) {
		struct buffer_users *u = &s->users[x.host][x.buffer];

		u->initial |= x.operand == OPERAND_INITIAL;
		u->final |= x.operand == OPERAND_FINAL;
		if (x.operand == OPERAND_INITIAL || x.operand == OPERAND_FINAL)
			continue;
		if (u->first == NOBODY)
			u->first = x.moment - 1;
		u->last[p->program[x.moment - 1].queue] = x.moment - 1;
	}
}

/* True when i is the buffer's last user in every timing, and the buffer is no final place. */
static bool
is_last(const struct preparation *s, bool host, uint32_t buffer, uint32_t i)
{
	const struct buffer_users *t = &s->users[host][buffer];
	enum queue own = s->plan->program[i].queue;

	if (t->final || t->last[own] != i)
		return false;
	for (int q = 0; q < QUEUE_COUNT; q++)
		if (q != (int)own && t->last[q] != NOBODY && !order_before(&s->order, t->last[q] + 1, i + 1))
			return false;
	return true;
}

static bool
is_first(const struct preparation *s, bool host, uint32_t buffer, uint32_t i)
{
	return !s->users[host][buffer].initial && s->users[host][buffer].first == i;
}

/* ---- runs ---- */

static void
add_write(struct preparation *s, struct effect *w, bytes_t offset, bytes_t bytes, uint64_t which)
{
	if (bytes == 0)
		return;
	*ARENA_PUSH(s->arena, s->job->writes, s->job->write_count, s->write_room) = (struct write) { offset, bytes, which };
	w->write_count++;
}

static bool
overlaps(const struct buffer *x, const struct buffer *y)
{
	return x->offset_bytes < y->offset_bytes + y->bytes && y->offset_bytes < x->offset_bytes + x->bytes;
}

/* True when run i overwrites any byte of b. */
static bool
overwrites(const struct preparation *s, uint32_t i, const struct buffer *b)
{
	FOR_EACH_ACCESS_AT(s->plan, i + 1, x)
		if (x.write && overlaps(b, access_buffer(s->plan, &x)))
			return true;
	return false;
}

static void
prepare_reads(struct preparation *s, const struct instruction *in, struct effect *w)
{
	const struct op *o = &s->graph->ops[in->op];

	w->read_first = (uint32_t)s->job->read_count;
	for (uint32_t k = 0; k < o->input_count; k++) {
		bytes_t bytes = s->graph->tensors[o->inputs[k]].bytes;

		if (bytes == 0 || !s->defined[s->input_first[in->op] + k])
			continue;
		*ARENA_PUSH(s->arena, s->job->reads, s->job->read_count, s->read_room) =
		    (struct read) { s->plan->buffers[in->reads[k]].offset_bytes, bytes, k };
		w->read_count++;
	}
}

/* Poisons the buffers that the run is the last to read, each once. */
static void
poison_reads(struct preparation *s, uint32_t i, struct effect *w)
{
	const struct instruction *in = &s->plan->program[i];

	for (uint32_t k = 0; k < s->graph->ops[in->op].input_count; k++) {
		const struct buffer *b = &s->plan->buffers[in->reads[k]];

		if (!is_last(s, false, in->reads[k], i) || overwrites(s, i, b))
			continue;
		add_write(s, w, b->offset_bytes, b->bytes, PATTERN_POISON);
		s->users[false][in->reads[k]].final = true;	/* an op may read a tensor as two inputs */
	}
}

static void
prepare_run(struct preparation *s, uint32_t i)
{
	const struct instruction *in = &s->plan->program[i];
	const struct op *o = &s->graph->ops[in->op];
	struct effect *w = &s->job->effects[i];
	const struct buffer *b;
	bytes_t used;

	w->time_us = op_time_us(o, in->alternative);
	prepare_reads(s, in, w);
	w->write_first = (uint32_t)s->job->write_count;
	for (uint32_t k = 0; k < o->output_count; k++) {
		b = &s->plan->buffers[in->writes[k]];
		add_write(s, w, b->offset_bytes, s->graph->tensors[o->outputs[k]].bytes, k);
		used = bytes_align(s->graph->tensors[o->outputs[k]].bytes, PATTERN_WORD);
		if (!s->job->options.sample && b->bytes > used && is_first(s, false, in->writes[k], i))
			add_write(s, w, b->offset_bytes + used, b->bytes - used, PATTERN_PADDING);
	}
	if (in->workspace != PLAN_NONE) {
		b = &s->plan->buffers[in->workspace];
		add_write(s, w, b->offset_bytes, b->bytes, PATTERN_WORKSPACE);
	}
	if (!s->job->options.sample)
		poison_reads(s, i, w);
}

/* ---- transfers ---- */

static void
prepare_transfer(struct preparation *s, uint32_t i)
{
	const struct instruction *in = &s->plan->program[i];
	const struct buffer *device = &s->plan->buffers[in->device_buffer], *host = &s->plan->host[in->host_buffer];
	bool offload = in->queue == QUEUE_OUT;
	const struct buffer *from = offload ? device : host, *to = offload ? host : device;
	uint32_t from_id = offload ? in->device_buffer : in->host_buffer, to_id = offload ? in->host_buffer : in->device_buffer;
	struct effect *w = &s->job->effects[i];

	w->device_bytes = device->offset_bytes;
	w->host_bytes = host->offset_bytes;
	if (s->job->options.sample)
		return;
	if (is_first(s, offload, to_id, i))
		w->poison_to_bytes = to->bytes;
	if (is_last(s, !offload, from_id, i))
		w->poison_from_bytes = from->bytes;
}

/* Finds the inputs that hold a value when their op reads them, in the graph's order. */
static void
find_defined(struct preparation *s)
{
	bool *now = ARENA_NEW(s->arena, bool, s->graph->tensor_count);
	size_t inputs = 0;

	s->input_first = ARENA_NEW(s->arena, size_t, s->graph->op_count);
	for (uint32_t k = 0; k < s->graph->op_count; k++) {
		s->input_first[k] = inputs;
		inputs += s->graph->ops[k].input_count;
	}
	s->defined = ARENA_NEW(s->arena, bool, inputs);
	for (uint32_t t = 0; t < s->graph->tensor_count; t++)
		now[t] = kind_is_persistent(s->graph->tensors[t].kind);
	for (uint32_t k = 0; k < s->graph->op_count; k++) {
		for (uint32_t i = 0; i < s->graph->ops[k].input_count; i++)
			s->defined[s->input_first[k] + i] = now[s->graph->ops[k].inputs[i]];
		for (uint32_t j = 0; j < s->graph->ops[k].output_count; j++)
			now[s->graph->ops[k].outputs[j]] = true;
	}
}

void
job_init(struct job *job, const struct plan *p, const struct replay_options *o, struct arena *a)
{
	struct preparation s = { .job = job, .plan = p, .graph = p->graph, .arena = a };
	double each_ns = p->instruction_count == 0 ? 0 : p->predicted.step_time_us / p->instruction_count * 1e3;

	*job = (struct job) { .plan = p, .options = *o };
	job->effects = ARENA_NEW(a, struct effect, p->instruction_count);
	job->signals = execute_signals(p, a);
	job->jitter_ns = (uint64_t)(o->jitter / 100 * fmax(LEAST_DELAY_NS, o->traced ? each_ns : 0));
	plan_order_init(&s.order, p, a);
	find_users(&s);
	find_defined(&s);
	for (uint32_t i = 0; i < p->instruction_count; i++) {
		job->effects[i].waits = p->program[i].after_count > 0;
		if (p->program[i].queue == QUEUE_COMPUTE)
			prepare_run(&s, i);
		else
			prepare_transfer(&s, i);
	}
}
