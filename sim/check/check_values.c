/* SPDX-License-Identifier: Apache-2.0 */
/* check_values.c - the rule of values
 *
 * check_space.c has shown that all conflicting accesses have the same order in every timing, so one walk in list order
 * is enough.  Arena and host pool are maps from address ranges to their content: a version of a tensor, and the address
 * at which its byte 0 would be.  A version is known by its number.  Number t is tensor t's value before the step; the
 * others are the outputs of the ops in graph order.  A run whose reads hold the versions that the graph's order gives
 * makes the versions that the graph gives.
 *
 * A transfer copies the content of its range, which may be parts of several versions.  Their borders are not known
 * beforehand.  Such a mixture gets a number of its own, above all versions, and its pieces are kept in a list.
 */
#include <config.h>
#include "sim/check/check_private.h"

#include <assert.h>

#include "src/base/spans.h"

#define MIXED (UINT64_C(1) << 40)	/* mixture i is value MIXED + i */

/* Limit on the pieces looked at, because a hostile plan could copy a mixture of many pieces many times: a constant,
 * and so many more for each instruction. */
enum { WORK_LIMIT = 1 << 20, WORK_EACH = 16 };

struct mixture { size_t first, count; };	/* in pieces; addresses are where the mixture lies */

struct values {
	const struct checker *c;
	struct spans *memory[2];	/* [1]: the host's */
	size_t *input_start;		/* [op_count] index of an op's first input in wanted */
	size_t *output_start;		/* [op_count] number of an op's first output */
	uint64_t *wanted;		/* number of the version that each input of each op must hold, or SPAN_EMPTY: anything */
	uint64_t *final;		/* [tensor_count] number of the version after the step */
	struct mixture *mixtures;
	size_t mixture_count, mixture_capacity;
	struct span *pieces;
	size_t piece_count, piece_capacity;
	struct span *found;		/* result of look() */
	size_t found_count, found_capacity;
	size_t work;			/* pieces looked at */
};

/* Numbers the versions and finds the one that each read must see. */
static void
number_versions(struct values *v, const struct graph *g, struct arena *a)
{
	size_t inputs = 0, numbers = g->tensor_count;
	uint64_t *now;

	v->input_start = ARENA_NEW(a, size_t, g->op_count);
	v->output_start = ARENA_NEW(a, size_t, g->op_count);
	for (uint32_t k = 0; k < g->op_count; k++) {
		v->input_start[k] = inputs;
		v->output_start[k] = numbers;
		inputs += g->ops[k].input_count;
		numbers += g->ops[k].output_count;
	}
	v->wanted = ARENA_NEW(a, uint64_t, inputs);
	now = ARENA_NEW(a, uint64_t, g->tensor_count);
	for (uint32_t t = 0; t < g->tensor_count; t++)
		now[t] = kind_is_persistent(g->tensors[t].kind) ? t : SPAN_EMPTY;
	for (uint32_t k = 0; k < g->op_count; k++) {
		for (uint32_t i = 0; i < g->ops[k].input_count; i++)
			v->wanted[v->input_start[k] + i] = now[g->ops[k].inputs[i]];
		for (uint32_t j = 0; j < g->ops[k].output_count; j++)
			now[g->ops[k].outputs[j]] = v->output_start[k] + j;
	}
	v->final = now;
}

/* Adds a range to look()'s result; a range that continues the last one is joined to it. */
static void
see(struct values *v, struct span s)
{
	struct span *last = v->found_count == 0 ? NULL : &v->found[v->found_count - 1];

	if (last != NULL && last->value == s.value && (s.value == SPAN_EMPTY || last->base == s.base)) {
		last->to = s.to;
		return;
	}
	*ARENA_PUSH(v->c->arena, v->found, v->found_count, v->found_capacity) = s;
}

static void
see_mixture(struct values *v, const struct mixture *m, bytes_t from, bytes_t to)
{
	size_t low, high;

	assert(m != NULL);
	low = m->first;
	high = m->first + m->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (v->pieces[middle].to <= from)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < m->first + m->count && v->pieces[low].from < to; low++) {
		struct span s = v->pieces[low];

		v->work++;
		s.from = s.from > from ? s.from : from;
		s.to = s.to < to ? s.to : to;
		see(v, s);
	}
}

/* Fills v->found with the content of [from, to) in one of the memories, in order.  from and to are among the memory's
 * addresses.  Content that turns out to be one value becomes one span, so later looks do not meet its pieces again. */
static int
look(struct values *v, const struct access *x, bool host, bytes_t from, bytes_t to)
{
	struct spans *memory = v->memory[host];
	struct span s = { .from = from };

	v->found_count = 0;
	for (bytes_t at = from; at < to; at = s.to) {
		s = spans_at(memory, at);
		s.from = at;
		s.to = s.to < to ? s.to : to;
		if (s.value != SPAN_EMPTY && s.value >= MIXED)
			see_mixture(v, &v->mixtures[s.value - MIXED], s.from, s.to);
		else
			see(v, s);
		v->work += at > from;
	}
	if (v->found_count == 1 && (s.from > from || s.value != v->found[0].value))
		spans_set(memory, from, to, v->found[0].value, v->found[0].base);
	if (v->work <= WORK_LIMIT + (size_t)WORK_EACH * v->c->plan->instruction_count)
		return 0;
	err_set(v->c->err, ERR_NO, "memory is in too many pieces to follow");
	return check_at(x, v->c->err);
}

/* Returns the tensor of a version; *version is the number of the write that made it (0: none), *op the op. */
static uint32_t
version_tensor(const struct values *v, uint64_t number, uint32_t *version, uint32_t *op)
{
	const struct graph *g = v->c->graph;
	uint32_t k, t;

	*version = 0;
	*op = PLAN_NONE;
	if (number < g->tensor_count)
		return (uint32_t)number;
	for (k = 0; k + 1 < g->op_count && v->output_start[k + 1] <= number; k++)
		;
	t = g->ops[k].outputs[number - v->output_start[k]];
	*op = k;
	for (uint32_t i = 0; i <= k; i++)
		*version += op_writes(&g->ops[i], t);
	return t;
}

/* "version 2 of tensor 7 (made by op 3 'conv')" */
static const char *
say_version(struct words *w, const struct values *v, uint64_t number)
{
	uint32_t version, op, t = version_tensor(v, number, &version, &op);
	char name[48];
	int n = snprintf(w->text, sizeof(w->text), "version %" PRIu32 " of tensor %" PRIu32, version, t);

	if (op == PLAN_NONE)
		snprintf(w->text + n, sizeof(w->text) - (size_t)n, " (its value before the step)");
	else
		snprintf(w->text + n, sizeof(w->text) - (size_t)n, " (made by op %" PRIu32 " '%s')", op,
		    err_quote(name, v->c->graph->ops[op].name));
	return w->text;
}

/* Reports that v->found is not the version that x must see. */
static int
explain(const struct values *v, const struct access *x, uint64_t want)
{
	const struct buffer *b = access_buffer(v->c->plan, x);
	const struct span *bad = NULL;
	uint32_t wanted, got = 0, op, tensor = version_tensor(v, want, &wanted, &op);
	bytes_t good = 0;
	struct words wants, holds = { "nothing" };
	char found[256];

	for (size_t i = 0; i < v->found_count; i++) {
		if (v->found[i].value == want && v->found[i].base == b->offset_bytes)
			good += v->found[i].to - v->found[i].from;
		else if (bad == NULL)
			bad = &v->found[i];
	}
	assert(bad != NULL);
	if (bad->value != SPAN_EMPTY)
		say_version(&holds, v, bad->value);
	if (bad->value != SPAN_EMPTY && version_tensor(v, bad->value, &got, &op) == tensor && bad->base == b->offset_bytes)
		snprintf(found, sizeof(found), "got %s version %" PRIu32, got < wanted ? "a stale" : "a later", got);
	else if (good > 0)
		snprintf(found, sizeof(found), "got only %" PRI_BYTES " of its %" PRI_BYTES " bytes: at byte %" PRI_BYTES " is %s",
		    good, v->c->graph->tensors[tensor].bytes, bad->from - b->offset_bytes, holds.text);
	else
		snprintf(found, sizeof(found), "which is not there: found %s", holds.text);
	err_set(v->c->err, ERR_NO, "expected %s%s in %sbuffer %" PRIu32 ", %s", x->operand == OPERAND_FINAL ? "final " : "",
	    say_version(&wants, v, want), x->host ? "host " : "", x->buffer, found);
	return check_at(x, v->c->err);
}

/* Checks that x's buffer holds version want in every byte of its tensor. */
static int
check_read(struct values *v, const struct access *x, uint64_t want)
{
	const struct buffer *b = access_buffer(v->c->plan, x);
	bytes_t bytes = v->c->graph->tensors[b->tensor].bytes;

	if (want == SPAN_EMPTY || bytes == 0)
		return 0;
	if (look(v, x, x->host, b->offset_bytes, b->offset_bytes + bytes) < 0)
		return -1;
	if (v->found_count == 1 && v->found[0].value == want && v->found[0].base == b->offset_bytes)
		return 0;
	return explain(v, x, want);
}

static void
fill(struct values *v, bool host, bytes_t offset, bytes_t bytes, uint64_t value)
{
	if (bytes > 0)
		spans_set(v->memory[host], offset, offset + bytes, value, value == SPAN_EMPTY ? 0 : offset);
}

/* Copies the content of in's source range to its destination. */
static int
copy(struct values *v, const struct access *x, const struct instruction *in)
{
	const struct buffer *device = &v->c->plan->buffers[in->device_buffer], *host = &v->c->plan->host[in->host_buffer];
	bytes_t from = (x->host ? device : host)->offset_bytes + in->at_bytes;
	bytes_t to = (x->host ? host : device)->offset_bytes + in->at_bytes;
	struct mixture m = { .first = v->piece_count };

	if (in->bytes == 0)
		return 0;
	if (look(v, x, !x->host, from, from + in->bytes) < 0)
		return -1;
	for (size_t i = 0; i < v->found_count; i++) {
		struct span *s = &v->found[i];

		s->from = s->from - from + to;
		s->to = s->to - from + to;
		s->base = s->value == SPAN_EMPTY ? 0 : s->base - from + to;	/* may wrap, and wraps back */
	}
	if (v->found_count == 1) {
		spans_set(v->memory[x->host], to, to + in->bytes, v->found[0].value, v->found[0].base);
		return 0;
	}
	for (m.count = 0; m.count < v->found_count; m.count++)
		*ARENA_PUSH(v->c->arena, v->pieces, v->piece_count, v->piece_capacity) = v->found[m.count];
	*ARENA_PUSH(v->c->arena, v->mixtures, v->mixture_count, v->mixture_capacity) = m;
	spans_set(v->memory[x->host], to, to + in->bytes, MIXED + v->mixture_count - 1, 0);
	return 0;
}

static int
follow(struct values *v, const struct access *x)
{
	const struct plan *p = v->c->plan;
	const struct buffer *b = access_buffer(p, x);
	const struct instruction *in = moment_instruction(p, x->moment);

	assert(in != NULL || x->operand == OPERAND_INITIAL || x->operand == OPERAND_FINAL);
	switch (x->operand) {
	case OPERAND_INITIAL:
		fill(v, x->host, b->offset_bytes, v->c->graph->tensors[b->tensor].bytes, b->tensor);
		return 0;
	case OPERAND_READ:
		return check_read(v, x, v->wanted[v->input_start[in->op] + x->index]);
	case OPERAND_WORKSPACE:
		fill(v, false, b->offset_bytes, b->bytes, SPAN_EMPTY);
		return 0;
	case OPERAND_WRITE:
		fill(v, false, b->offset_bytes, v->c->graph->tensors[b->tensor].bytes, v->output_start[in->op] + x->index);
		return 0;
	case OPERAND_TO:
		return copy(v, x, in);
	case OPERAND_FINAL:
		return check_read(v, x, v->final[b->tensor]);
	case OPERAND_FROM:
		break;
	}
	return 0;
}

/* Returns an empty map of one memory, divided at every address at which a run or a transfer begins or ends. */
static struct spans *
memory_new(const struct checker *c, bool host)
{
	const struct plan *p = c->plan;
	const struct buffer *buffers = host ? p->host : p->buffers;
	uint32_t count = host ? p->host_count : p->buffer_count;
	bytes_t *addresses = ARENA_NEW(c->arena, bytes_t, (size_t)count * 3 + (size_t)p->instruction_count * 2 + 2);
	size_t n = 0;

	addresses[n++] = 0;
	addresses[n++] = (host ? p->host_bytes : p->arena_bytes) + 1;
	for (uint32_t i = 0; i < count; i++) {
		const struct buffer *b = &buffers[i];

		addresses[n++] = b->offset_bytes;
		addresses[n++] = b->offset_bytes + b->bytes;
		if (b->tensor != PLAN_NONE && c->graph->tensors[b->tensor].bytes != b->bytes)
			addresses[n++] = b->offset_bytes + c->graph->tensors[b->tensor].bytes;
	}
	for (uint32_t i = 0; i < p->instruction_count; i++) {
		const struct instruction *in = &p->program[i];
		const struct buffer *b;

		if (in->queue == QUEUE_COMPUTE)
			continue;
		b = host ? &p->host[in->host_buffer] : &p->buffers[in->device_buffer];
		addresses[n++] = b->offset_bytes + in->at_bytes;
		addresses[n++] = b->offset_bytes + in->at_bytes + in->bytes;
	}
	return spans_new(addresses, n, c->arena);
}

int
check_values(const struct checker *c)
{
	struct values v = { .c = c };

	number_versions(&v, c->graph, c->arena);
	v.memory[false] = memory_new(c, false);
	v.memory[true] = memory_new(c, true);
	FOR_EACH_ACCESS(c->plan, x)
		if (follow(&v, &x) < 0)
			return -1;
	return 0;
}
