/* SPDX-License-Identifier: Apache-2.0 */
/* random_plan.c - a planner of small random sound plans, independent of the project's own */
#include <config.h>
#include "tests/random_plan.h"
#include "tests/results.h"

#include <string.h>

enum { UNIT = 64, MAX_DEPTH = 3 };

uint32_t
random_below(struct random *r, uint32_t n)
{
	uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)((z ^ z >> 31) % n);
}

/* Graphs. */

static const uint32_t *
copy_ids(const uint32_t *ids, uint32_t count, struct arena *a)
{
	return count == 0 ? NULL : memcpy(ARENA_NEW(a, uint32_t, count), ids, count * sizeof(*ids));
}

static void
random_permissions(struct op *o, struct random *r, struct arena *a)
{
	struct inplace *pairs = ARENA_NEW(a, struct inplace, o->input_count * o->output_count);

	for (uint32_t i = 0; i < o->input_count; i++)
		for (uint32_t j = 0; j < o->output_count; j++)
			if (o->inputs[i] != o->outputs[j] && !random_one_in(r, 3))
				pairs[o->inplace_count++] = (struct inplace) { o->inputs[i], o->outputs[j] };
	o->inplace = pairs;
}

static void
random_op(struct op *o, const struct graph *g, bool *written, uint32_t k, struct random *r, struct arena *a)
{
	uint32_t inputs[5], outputs[2];

	*o = (struct op) { .name = arena_printf(a, "op%" PRIu32, k), .phase = (enum phase)random_below(r, PHASE_COUNT),
	    .class = CLASS_OTHER, .recomputable = !random_one_in(r, 3), .time_us = 1 };
	for (uint32_t want = random_below(r, 4) + random_one_in(r, 2), tries = 0; o->input_count < want && tries < 20; tries++) {
		uint32_t t = random_below(r, g->tensor_count);

		if (written[t] || random_one_in(r, 12))
			inputs[o->input_count++] = t;
	}
	for (uint32_t want = 1 + random_below(r, 2), tries = 0; o->output_count < want && tries < 20; tries++) {
		uint32_t t = o->input_count > 0 && random_one_in(r, 3) ? inputs[random_below(r, o->input_count)] : random_below(r, g->tensor_count);

		o->outputs = outputs;
		if (!op_writes(o, t))
			outputs[o->output_count++] = t;
	}
	for (uint32_t j = 0; j < o->output_count; j++)
		written[outputs[j]] = true;
	o->inputs = copy_ids(inputs, o->input_count, a);
	o->outputs = copy_ids(outputs, o->output_count, a);
	if (!random_one_in(r, 3))
		random_permissions(o, r, a);
	if (random_one_in(r, 3))
		o->workspace_bytes = UNIT * (1 + random_below(r, 8));
	if (random_one_in(r, 4)) {
		struct alternative *alternatives = ARENA_NEW(a, struct alternative, 2);

		for (o->alternative_count = 0; o->alternative_count < 2; o->alternative_count++)
			alternatives[o->alternative_count] = (struct alternative) { UNIT * random_below(r, 6), 1 };
		o->alternatives = alternatives;
	}
}

static struct graph *
random_graph(struct random *r, struct arena *a)
{
	struct graph *g = ARENA_NEW(a, struct graph, 1);
	uint32_t persistent = 1 + random_below(r, 3);
	bool *written;

	g->name = "random";
	g->tensor_count = persistent + 2 + random_below(r, 5);
	g->tensors = ARENA_NEW(a, struct tensor, g->tensor_count);
	written = ARENA_NEW(a, bool, g->tensor_count);
	for (uint32_t t = 0; t < g->tensor_count; t++) {
		written[t] = t < persistent;
		g->tensors[t].bytes = random_one_in(r, 12) ? 0 : UNIT * (1 + random_below(r, 12));
		g->tensors[t].kind = (enum kind)(t < persistent ? random_below(r, 4) : KIND_ACTIVATION + random_below(r, 2));
	}
	g->op_count = 3 + random_below(r, 8);
	g->ops = ARENA_NEW(a, struct op, g->op_count);
	for (uint32_t k = 0; k < g->op_count; k++)
		random_op(&g->ops[k], g, written, k, r, a);
	make_results(g, 3, &r->state);
	return g;
}

/* The walk.  A version of a tensor is the number of ops that had written it, 0 at first. */

enum { NOWHERE = UINT32_MAX };

struct copy { uint32_t buffer, version; };	/* buffer: host id */

/* Bytes [from, to) that stay in `before`'s memory until `after` is there; both are in one chain. */
struct retained { uint32_t before, after; bytes_t from, to; };

/* Part of a tensor is on the host, the rest still where its last buffer was. */
struct split { bool on; uint32_t host; bytes_t at, bytes; };

struct where {
	uint32_t device, version;	/* buffer id or NOWHERE, and what it holds */
	uint32_t left;			/* buffer whose memory holds what split and bare return keep, or NOWHERE */
	struct split split;
	struct copy *copies;		/* on the host */
	size_t copy_count, copy_capacity;
};

struct plan_walk {
	struct random *r;
	struct arena *a;
	const struct graph *g;
	struct plan *p;
	uint32_t **before;		/* [op_count + 1][tensor_count] versions before op k */
	struct where *where;		/* [tensor_count] */
	int32_t *chain;			/* [buffer] buffers of one chain have one offset */
	struct retained *retained;
	size_t retained_count, retained_capacity, chain_capacity, chain_count;
	size_t buffer_capacity, host_capacity, program_capacity;
	uint32_t next_op;
	bool stuck;
};

static uint32_t
add_buffer(struct plan_walk *w, uint32_t tensor, bytes_t bytes, uint32_t same_offset_as)
{
	size_t count = w->p->buffer_count;
	int32_t chain = same_offset_as == NOWHERE ? (int32_t)count : w->chain[same_offset_as];
	uint32_t slack = random_below(w->r, 4);

	if (slack == 1)
		bytes = bytes_align(bytes, DEVICE_ALIGN);
	else if (slack == 2 && bytes > 0)
		bytes += UNIT;
	*ARENA_PUSH(w->a, w->p->buffers, count, w->buffer_capacity) = (struct buffer) { .tensor = tensor, .bytes = bytes };
	*ARENA_PUSH(w->a, w->chain, w->chain_count, w->chain_capacity) = chain;
	return w->p->buffer_count++;
}

static uint32_t
add_host(struct plan_walk *w, uint32_t tensor)
{
	size_t count = w->p->host_count;

	*ARENA_PUSH(w->a, w->p->host, count, w->host_capacity) = (struct buffer) { .tensor = tensor,
	    .bytes = w->g->tensors[tensor].bytes + (random_one_in(w->r, 4) ? UNIT : 0) };
	return w->p->host_count++;
}

static struct instruction *
add_instruction(struct plan_walk *w, enum queue queue)
{
	size_t count = w->p->instruction_count;
	struct instruction *in = ARENA_PUSH(w->a, w->p->program, count, w->program_capacity);

	*in = (struct instruction) { .queue = queue, .workspace = PLAN_NONE, .alternative = PLAN_NONE };
	w->p->instruction_count++;
	return in;
}

/* Move [at, at + bytes) of a tensor, in one or several transfers. */
static void
transfer(struct plan_walk *w, enum queue queue, uint32_t device, uint32_t host, bytes_t at, bytes_t bytes)
{
	do {
		bytes_t part = bytes >= 2 * UNIT && random_one_in(w->r, 3) ? UNIT * (1 + random_below(w->r, (uint32_t)(bytes / UNIT) - 1)) : bytes;
		struct instruction *in = add_instruction(w, queue);

		in->device_buffer = device;
		in->host_buffer = host;
		in->at_bytes = at;
		in->bytes = part;
		at += part;
		bytes -= part;
	} while (bytes > 0);
}

static struct copy *
find_copy(struct plan_walk *w, uint32_t t, uint32_t version)
{
	for (size_t i = 0; i < w->where[t].copy_count; i++)
		if (w->where[t].copies[i].version == version)
			return &w->where[t].copies[i];
	return NULL;
}

/* Does any first run still to come, or the end of the step, need this version? */
static bool
needed(const struct plan_walk *w, uint32_t t, uint32_t version)
{
	if (kind_has_final(w->g->tensors[t].kind) && version == w->before[w->g->op_count][t])
		return true;
	for (uint32_t k = w->next_op; k < w->g->op_count; k++)
		if (op_reads(&w->g->ops[k], t) && w->before[k][t] == version)
			return true;
	return false;
}

static void
offload(struct plan_walk *w, uint32_t t)
{
	struct where *at = &w->where[t];
	uint32_t host = NOWHERE;

	for (size_t i = 0; i < at->copy_count; i++)
		if (!needed(w, t, at->copies[i].version) && random_one_in(w->r, 2)) {
			host = at->copies[i].buffer;
			at->copies[i].version = at->version;
			break;
		}
	if (host == NOWHERE) {
		host = add_host(w, t);
		*ARENA_PUSH(w->a, at->copies, at->copy_count, at->copy_capacity) = (struct copy) { host, at->version };
	}
	transfer(w, QUEUE_OUT, at->device, host, 0, w->g->tensors[t].bytes);
}

/* Bring back a tensor whose memory was left with some of it in place. */
static void
come_back(struct plan_walk *w, uint32_t t)
{
	struct where *at = &w->where[t];
	bytes_t bytes = w->g->tensors[t].bytes;
	uint32_t b = add_buffer(w, t, bytes, at->left);

	if (!at->split.on) {
		*ARENA_PUSH(w->a, w->retained, w->retained_count, w->retained_capacity) = (struct retained) { at->left, b, 0, bytes };
	} else {
		bytes_t to = at->split.at + at->split.bytes;

		*ARENA_PUSH(w->a, w->retained, w->retained_count, w->retained_capacity) = (struct retained) { at->left, b, 0, at->split.at };
		*ARENA_PUSH(w->a, w->retained, w->retained_count, w->retained_capacity) = (struct retained) { at->left, b, to, bytes };
		transfer(w, QUEUE_IN, b, at->split.host, at->split.at, at->split.bytes);
	}
	at->device = b;
	at->left = NOWHERE;
}

/* The op that makes version of t, or NOWHERE. */
static uint32_t
maker(const struct plan_walk *w, uint32_t t, uint32_t version)
{
	for (uint32_t k = 0; k < w->next_op; k++)
		if (op_writes(&w->g->ops[k], t) && w->before[k][t] + 1 == version)
			return k;
	return NOWHERE;
}

/* Leave the device without losing what is needed, as far as recomputing does not bring it back. */
static void
leave(struct plan_walk *w, uint32_t t)
{
	struct where *at = &w->where[t];
	uint32_t k;

	if (at->left != NOWHERE)
		come_back(w, t);
	if (at->device == NOWHERE)
		return;
	k = maker(w, t, at->version);
	if (find_copy(w, t, at->version) == NULL && (needed(w, t, at->version) || random_one_in(w->r, 2)) &&
	    (k == NOWHERE || !w->g->ops[k].recomputable || random_one_in(w->r, 4)))
		offload(w, t);
	at->device = NOWHERE;
}

/* Leave with a part, or with nothing, on the host, and the rest in memory that others keep clear of. */
static void
leave_in_part(struct plan_walk *w, uint32_t t)
{
	struct where *at = &w->where[t];
	uint32_t units = (uint32_t)(w->g->tensors[t].bytes / UNIT), from, count;

	if (at->device == NOWHERE || units < 2)
		return;
	at->split.on = !random_one_in(w->r, 3);
	if (at->split.on) {
		from = random_below(w->r, units);
		count = 1 + random_below(w->r, units - from);
		at->split = (struct split) { true, add_host(w, t), UNIT * (bytes_t)from, UNIT * (bytes_t)count };
		transfer(w, QUEUE_OUT, at->device, at->split.host, at->split.at, at->split.bytes);
	}
	at->left = at->device;
	at->device = NOWHERE;
}

static void run_op(struct plan_walk *w, uint32_t k, int depth);

static void
ensure(struct plan_walk *w, uint32_t t, uint32_t version, int depth)
{
	struct where *at = &w->where[t];
	const struct copy *copy;
	uint32_t k;

	if (at->left != NOWHERE)
		come_back(w, t);
	if (at->device != NOWHERE && at->version == version)
		return;
	leave(w, t);
	copy = find_copy(w, t, version);
	if (copy != NULL) {
		at->device = add_buffer(w, t, w->g->tensors[t].bytes, NOWHERE);
		at->version = version;
		transfer(w, QUEUE_IN, at->device, copy->buffer, 0, w->g->tensors[t].bytes);
		return;
	}
	k = maker(w, t, version);
	if (k == NOWHERE || !w->g->ops[k].recomputable || depth > MAX_DEPTH)
		w->stuck = true;
	else
		run_op(w, k, depth + 1);
}

static bool
inputs_there(const struct plan_walk *w, uint32_t k)
{
	const struct op *o = &w->g->ops[k];

	for (uint32_t i = 0; i < o->input_count; i++) {
		const struct where *at = &w->where[o->inputs[i]];
		uint32_t version = w->before[k][o->inputs[i]];
		bool nothing = version == 0 && !kind_is_persistent(w->g->tensors[o->inputs[i]].kind);

		if (at->device == NOWHERE || (at->version != version && !nothing))
			return false;
	}
	return true;
}

/* Have all inputs of op k on the device at once; one may push another out. */
static void
gather(struct plan_walk *w, uint32_t k, int depth)
{
	const struct op *o = &w->g->ops[k];

	for (int tries = 0; !w->stuck && !inputs_there(w, k) && tries < 4; tries++)
		for (uint32_t i = 0; i < o->input_count && !w->stuck; i++) {
			uint32_t t = o->inputs[i], version = w->before[k][t];

			if (version > 0 || kind_is_persistent(w->g->tensors[t].kind)) {
				ensure(w, t, version, depth);
			} else if (w->where[t].device == NOWHERE) {	/* nothing is in it, and any buffer will do */
				if (w->where[t].left != NOWHERE)
					come_back(w, t);
				else
					w->where[t].device = add_buffer(w, t, w->g->tensors[t].bytes, NOWHERE);
				w->where[t].version = 0;
			}
		}
	w->stuck |= !inputs_there(w, k);
}

/* A buffer for output t of op k, perhaps over an input that the run reads for the last time. */
static uint32_t
output_buffer(struct plan_walk *w, const struct op *o, uint32_t t, bool *taken)
{
	struct where *at = &w->where[t];

	if (op_reads(o, t))
		return at->device;
	if (at->device != NOWHERE && !needed(w, t, at->version) && random_one_in(w->r, 2))
		return at->device;
	leave(w, t);
	for (uint32_t i = 0; i < o->inplace_count; i++) {
		uint32_t x = o->inplace[i].input;
		struct where *from = &w->where[x];

		if (o->inplace[i].output != t || op_writes(o, x) || taken[x] || from->device == NOWHERE ||
		    (needed(w, x, from->version) && find_copy(w, x, from->version) == NULL))
			continue;
		taken[x] = true;
		return add_buffer(w, t, w->g->tensors[t].bytes, from->device);
	}
	return add_buffer(w, t, w->g->tensors[t].bytes, NOWHERE);
}

static uint32_t
workspace_buffer(struct plan_walk *w, bytes_t bytes)
{
	for (uint32_t i = 0; bytes > 0 && i < w->p->buffer_count; i++)
		if (w->p->buffers[i].tensor == PLAN_NONE && w->p->buffers[i].bytes >= bytes && random_one_in(w->r, 2))
			return i;
	return bytes == 0 ? PLAN_NONE : add_buffer(w, PLAN_NONE, bytes, NOWHERE);
}

static void
run_op(struct plan_walk *w, uint32_t k, int depth)
{
	const struct op *o = &w->g->ops[k];
	uint32_t *reads = ARENA_NEW(w->a, uint32_t, o->input_count), *writes = ARENA_NEW(w->a, uint32_t, o->output_count);
	bool *taken = ARENA_NEW(w->a, bool, w->g->tensor_count);
	uint32_t alternative = PLAN_NONE, workspace;
	struct instruction *in;

	gather(w, k, depth);
	if (w->stuck)
		return;
	for (uint32_t i = 0; i < o->input_count; i++)
		reads[i] = w->where[o->inputs[i]].device;
	w->next_op += k == w->next_op;	/* what only this run needed is needed no more */
	for (uint32_t j = 0; j < o->output_count; j++) {
		uint32_t t = o->outputs[j];

		/* written in place: the version before it goes */
		if (op_reads(o, t) && needed(w, t, w->where[t].version) && find_copy(w, t, w->where[t].version) == NULL)
			offload(w, t);
		writes[j] = output_buffer(w, o, t, taken);
	}
	if (o->alternative_count > 0 && random_one_in(w->r, 2))
		alternative = random_below(w->r, o->alternative_count);
	workspace = workspace_buffer(w, alternative == PLAN_NONE ? o->workspace_bytes : o->alternatives[alternative].workspace_bytes);
	in = add_instruction(w, QUEUE_COMPUTE);
	in->op = k;
	in->reads = reads;
	in->writes = writes;
	in->alternative = alternative;
	in->workspace = workspace;
	for (uint32_t t = 0; t < w->g->tensor_count; t++)
		if (taken[t])
			w->where[t].device = NOWHERE;
	for (uint32_t j = 0; j < o->output_count; j++) {
		w->where[o->outputs[j]].device = writes[j];
		w->where[o->outputs[j]].version = w->before[k][o->outputs[j]] + 1;
	}
}

static void
random_event(struct plan_walk *w)
{
	uint32_t t = random_below(w->r, w->g->tensor_count);

	switch (random_below(w->r, 6)) {
	case 0:
		if (w->where[t].device != NOWHERE)
			offload(w, t);
		break;
	case 1:
	case 2:
		leave(w, t);
		break;
	case 3:
		leave_in_part(w, t);
		break;
	case 4:
		if (w->before[w->next_op][t] > 0 || kind_is_persistent(w->g->tensors[t].kind))
			ensure(w, t, w->before[w->next_op][t], 0);
		break;
	default:
		break;
	}
}

static void
begin(struct plan_walk *w)
{
	struct plan *p = w->p;

	p->initial = ARENA_NEW(w->a, struct place, w->g->tensor_count);
	p->final = ARENA_NEW(w->a, struct place, w->g->tensor_count);
	for (uint32_t t = 0; t < w->g->tensor_count; t++) {
		struct where *at = &w->where[t];
		bool on_host = random_one_in(w->r, 3);

		at->device = at->left = NOWHERE;
		if (!kind_is_persistent(w->g->tensors[t].kind))
			continue;
		if (on_host)
			*ARENA_PUSH(w->a, at->copies, at->copy_count, at->copy_capacity) = (struct copy) { add_host(w, t), 0 };
		else
			at->device = add_buffer(w, t, w->g->tensors[t].bytes, NOWHERE);
		p->initial[p->initial_count++] = (struct place) { t, on_host, on_host ? at->copies[0].buffer : at->device };
	}
}

/* Have result t end on the host or on the device. */
static void
finish_result(struct plan_walk *w, uint32_t t)
{
	uint32_t version = w->before[w->g->op_count][t];
	const struct copy *copy = find_copy(w, t, version);
	bool on_host = copy != NULL && random_one_in(w->r, 2);

	if (!on_host)
		ensure(w, t, version, 0);
	w->p->final[w->p->final_count++] = (struct place) { t, on_host, on_host ? copy->buffer : w->where[t].device };
}

/* Bring every persistent tensor home, and results where they end. */
static void
finish(struct plan_walk *w)
{
	struct plan *p = w->p;

	for (uint32_t i = 0; i < p->initial_count && !w->stuck; i++) {
		struct place home = p->initial[i];
		struct where *at = &w->where[home.tensor];
		uint32_t version = w->before[w->g->op_count][home.tensor];
		bytes_t bytes = w->g->tensors[home.tensor].bytes;
		const struct copy *copy = find_copy(w, home.tensor, version);

		if (!home.on_host) {
			ensure(w, home.tensor, version, 0);
			if (!w->stuck && w->chain[at->device] != w->chain[home.buffer]) {
				offload(w, home.tensor);
				copy = find_copy(w, home.tensor, version);
				at->device = add_buffer(w, home.tensor, bytes, home.buffer);
				transfer(w, QUEUE_IN, at->device, copy->buffer, 0, bytes);
			}
			home.buffer = at->device;
		} else if (copy == NULL || copy->buffer != home.buffer) {
			ensure(w, home.tensor, version, 0);
			for (size_t k = 0; k < at->copy_count; k++)
				if (at->copies[k].buffer == home.buffer)
					at->copies[k].version = version;
			if (!w->stuck)
				transfer(w, QUEUE_OUT, at->device, home.buffer, 0, bytes);
		}
		p->final[p->final_count++] = home;
	}
	for (uint32_t t = 0; t < w->g->tensor_count && !w->stuck; t++)
		if (kind_has_final(w->g->tensors[t].kind) && !kind_is_persistent(w->g->tensors[t].kind))
			finish_result(w, t);
}

/* Addresses. */

/* Bytes [low, high) from the address of a chain, taken from moment first to moment last. */
struct rectangle { uint32_t first, last; bytes_t low, high; int32_t chain; };

struct rectangles { struct rectangle *list; size_t count, capacity; };

static void
use(uint32_t *first, uint32_t *last, uint32_t buffer, uint32_t moment)
{
	if (first[buffer] == NOWHERE)
		first[buffer] = moment;
	last[buffer] = moment;
}

static void
find_uses(const struct plan *p, uint32_t *first[2], uint32_t *last[2])
{
	for (int host = 0; host < 2; host++)
		for (uint32_t i = 0; i < (host ? p->host_count : p->buffer_count); i++)
			first[host][i] = NOWHERE;
	for (uint32_t i = 0; i < p->initial_count; i++)
		use(first[p->initial[i].on_host], last[p->initial[i].on_host], p->initial[i].buffer, 0);
	for (uint32_t i = 0; i < p->instruction_count; i++) {
		const struct instruction *in = &p->program[i];

		if (in->queue != QUEUE_COMPUTE) {
			use(first[0], last[0], in->device_buffer, i + 1);
			use(first[1], last[1], in->host_buffer, i + 1);
			continue;
		}
		for (uint32_t k = 0; k < p->graph->ops[in->op].input_count; k++)
			use(first[0], last[0], in->reads[k], i + 1);
		for (uint32_t k = 0; k < p->graph->ops[in->op].output_count; k++)
			use(first[0], last[0], in->writes[k], i + 1);
		if (in->workspace != PLAN_NONE)
			use(first[0], last[0], in->workspace, i + 1);
	}
	for (uint32_t i = 0; i < p->final_count; i++)
		use(first[p->final[i].on_host], last[p->final[i].on_host], p->final[i].buffer, p->instruction_count + 1);
}

static bool
rectangles_meet(const struct rectangle *x, bytes_t x_at, const struct rectangle *y, bytes_t y_at)
{
	return x->low < x->high && y->low < y->high && x->first <= y->last && y->first <= x->last &&
	    x_at + x->low < y_at + y->high && y_at + y->low < x_at + x->high;
}

/* Does a chain at an offset keep clear of all chains that have an offset (not NOWHERE)? */
static bool
fits(const struct rectangles *s, int32_t chain, bytes_t offset, const bytes_t *offset_of)
{
	for (size_t i = 0; i < s->count; i++)
		for (size_t j = 0; s->list[i].chain == chain && j < s->count; j++)
			if (s->list[j].chain != chain && offset_of[s->list[j].chain] != NOWHERE &&
			    rectangles_meet(&s->list[i], offset, &s->list[j], offset_of[s->list[j].chain]))
				return false;
	return true;
}

/* Put every chain at a random, or the lowest, free offset; the size that this takes. */
static bytes_t
place(struct plan_walk *w, const struct rectangles *s, const int32_t *chain, struct buffer *buffers, uint32_t count)
{
	bytes_t *offset_of = ARENA_NEW(w->a, bytes_t, count), size = 0;
	uint32_t spread = 1 + random_below(w->r, 12);

	for (uint32_t i = 0; i < count; i++)
		offset_of[i] = NOWHERE;
	for (uint32_t i = 0, start = random_below(w->r, count + 1); i < count; i++) {
		int32_t c = chain[(i + start) % count];
		bytes_t at = 0;

		if (offset_of[c] != NOWHERE)
			continue;
		at = random_one_in(w->r, 2) ? 0 : DEVICE_ALIGN * (bytes_t)random_below(w->r, spread);
		while (!fits(s, c, at, offset_of))
			at += DEVICE_ALIGN;
		offset_of[c] = at;
	}
	for (uint32_t i = 0; i < count; i++) {
		buffers[i].offset_bytes = offset_of[chain[i]];
		size = buffers[i].offset_bytes + buffers[i].bytes > size ? buffers[i].offset_bytes + buffers[i].bytes : size;
	}
	return size;
}

/* False when buffers of one chain are in each other's way. */
static bool
chain_clear(const struct rectangles *s)
{
	for (size_t i = 0; i < s->count; i++)
		for (size_t j = i + 1; j < s->count; j++)
			if (s->list[i].chain == s->list[j].chain && rectangles_meet(&s->list[i], 0, &s->list[j], 0))
				return false;
	return true;
}

/* Where a later buffer of a chain starts in the run that ends an earlier one, it replaces it in place:
 * its rectangle begins one moment later. */
static void
find_rectangles(const struct plan_walk *w, struct rectangles *s, uint32_t *const first[2], uint32_t *const last[2])
{
	const struct plan *p = w->p;

	for (uint32_t i = 0; i < p->buffer_count; i++) {
		uint32_t from = first[0][i];

		if (from == NOWHERE)
			continue;
		for (uint32_t j = 0; j < i; j++)
			if (w->chain[j] == w->chain[i] && first[0][j] != NOWHERE && last[0][j] == first[0][i])
				from = first[0][i] + 1;
		*ARENA_PUSH(w->a, s->list, s->count, s->capacity) = (struct rectangle) { first[0][i], last[0][i],
		    from == first[0][i] ? 0 : p->buffers[i].bytes, p->buffers[i].bytes, w->chain[i] };
		if (from != first[0][i]) {
			s->list[s->count - 1] = (struct rectangle) { from, last[0][i], 0, p->buffers[i].bytes, w->chain[i] };
			/* what is longer than the input that it replaces is taken at once */
			for (uint32_t j = 0; j < i; j++)
				if (w->chain[j] == w->chain[i] && first[0][j] != NOWHERE && last[0][j] == first[0][i])
					*ARENA_PUSH(w->a, s->list, s->count, s->capacity) = (struct rectangle) { first[0][i], first[0][i],
					    p->buffers[j].bytes, p->buffers[i].bytes, w->chain[i] };
		}
	}
	for (size_t i = 0; i < w->retained_count; i++) {
		const struct retained *k = &w->retained[i];

		if (first[0][k->after] == NOWHERE)	/* nobody came: the next one takes over from here */
			last[0][k->after] = last[0][k->before];
		if (first[0][k->after] == NOWHERE || last[0][k->before] + 1 >= first[0][k->after])
			continue;
		*ARENA_PUSH(w->a, s->list, s->count, s->capacity) = (struct rectangle) { last[0][k->before] + 1, first[0][k->after] - 1,
		    k->from, k->to, w->chain[k->before] };
	}
}

static bool
assign_addresses(struct plan_walk *w)
{
	struct plan *p = w->p;
	uint32_t *first[2] = { ARENA_NEW(w->a, uint32_t, p->buffer_count), ARENA_NEW(w->a, uint32_t, p->host_count) };
	uint32_t *last[2] = { ARENA_NEW(w->a, uint32_t, p->buffer_count), ARENA_NEW(w->a, uint32_t, p->host_count) };
	int32_t *alone = ARENA_NEW(w->a, int32_t, p->host_count);
	struct rectangles device = { .count = 0 }, host = { .count = 0 };

	find_uses(p, first, last);
	find_rectangles(w, &device, first, last);
	if (!chain_clear(&device))
		return false;
	for (uint32_t i = 0; i < p->host_count; i++) {
		alone[i] = (int32_t)i;
		if (first[1][i] != NOWHERE)
			*ARENA_PUSH(w->a, host.list, host.count, host.capacity) = (struct rectangle) { first[1][i], last[1][i],
			    0, p->host[i].bytes, alone[i] };
	}
	p->arena_bytes = place(w, &device, w->chain, p->buffers, p->buffer_count);
	p->host_bytes = place(w, &host, alone, p->host, p->host_count);
	p->budget_bytes = p->arena_bytes + UNIT * random_below(w->r, 3);
	return true;
}

/* Edges. */

static bool
buffers_meet(const struct buffer *x, const struct buffer *y)
{
	return x->bytes > 0 && y->bytes > 0 && x->offset_bytes < y->offset_bytes + y->bytes && y->offset_bytes < x->offset_bytes + x->bytes;
}

struct operand_list { struct { uint32_t buffer; bool host, write; } list[16]; uint32_t count; };

static struct operand_list
operands_of(const struct plan *p, const struct instruction *in)
{
	const struct op *o = &p->graph->ops[in->op];
	struct operand_list l = { .count = 0 };

#define ADD(b, h, w) (l.list[l.count].buffer = (b), l.list[l.count].host = (h), l.list[l.count++].write = (w))
	if (in->queue != QUEUE_COMPUTE) {
		ADD(in->device_buffer, false, in->queue == QUEUE_IN);
		ADD(in->host_buffer, true, in->queue == QUEUE_OUT);
		return l;
	}
	for (uint32_t k = 0; k < o->input_count; k++)
		ADD(in->reads[k], false, false);
	for (uint32_t k = 0; k < o->output_count; k++)
		ADD(in->writes[k], false, true);
	if (in->workspace != PLAN_NONE)
		ADD(in->workspace, false, true);
#undef ADD
	return l;
}

static bool
conflict(const struct plan *p, const struct instruction *x, const struct instruction *y)
{
	struct operand_list lx = operands_of(p, x), ly = operands_of(p, y);

	for (uint32_t i = 0; i < lx.count; i++)
		for (uint32_t j = 0; j < ly.count; j++) {
			const struct buffer *buffers = lx.list[i].host ? p->host : p->buffers;
			uint32_t a = lx.list[i].buffer, b = ly.list[j].buffer;

			if (lx.list[i].host != ly.list[j].host)
				continue;
			if (a == b ? lx.list[i].write || ly.list[j].write : buffers_meet(&buffers[a], &buffers[b]))
				return true;
		}
	return false;
}

void
random_plan_edges(struct plan *p, bool few, struct arena *a)
{
	uint32_t n = p->instruction_count;
	bool *before = ARENA_NEW(a, bool, (size_t)n * n);

	for (uint32_t j = 0; j < n; j++) {
		struct instruction *in = &p->program[j];
		uint32_t *after = ARENA_NEW(a, uint32_t, j);

		in->after_count = 0;
		in->after = after;
		for (uint32_t i = j; i-- > 0; ) {
			bool same = p->program[i].queue == in->queue;

			if (few && before[i * n + j])
				continue;
			if (!same && !conflict(p, &p->program[i], in))
				continue;
			if (!same)
				after[in->after_count++] = i;
			before[i * n + j] = true;
			for (uint32_t k = 0; k < i; k++)
				before[k * n + j] |= before[k * n + i];
		}
	}
}

struct plan *
random_plan(struct random *r, struct arena *a)
{
	struct graph *g = random_graph(r, a);
	struct plan *p = ARENA_NEW(a, struct plan, 1);
	struct device *d = ARENA_NEW(a, struct device, 1);
	struct plan_walk w = { .r = r, .a = a, .g = g, .p = p };

	*p = (struct plan) { .graph = g, .device = d, .tool = "test", .policy = "random", .placement = "random", .options = "",
	    .status = "heuristic" };
	w.where = ARENA_NEW(a, struct where, g->tensor_count);
	w.before = ARENA_NEW(a, uint32_t *, g->op_count + 1);
	for (uint32_t k = 0; k <= g->op_count; k++) {
		w.before[k] = ARENA_NEW(a, uint32_t, g->tensor_count);
		for (uint32_t t = 0; k > 0 && t < g->tensor_count; t++)
			w.before[k][t] = w.before[k - 1][t] + op_writes(&g->ops[k - 1], t);
	}
	begin(&w);
	while (w.next_op < g->op_count && !w.stuck) {
		for (uint32_t events = random_below(r, 4); events > 0 && !w.stuck; events--)
			random_event(&w);
		if (!w.stuck)
			run_op(&w, w.next_op, 0);
	}
	finish(&w);
	if (w.stuck || !assign_addresses(&w))
		return NULL;
	random_plan_edges(p, random_one_in(r, 2), a);
	*d = (struct device) { .name = "random", .memory_bytes = p->budget_bytes + 512 + UNIT * random_below(r, 3), .reserved_bytes = 512,
	    .pinned_bytes = p->host_bytes + UNIT * random_below(r, 3) };
	return p;
}
