/* SPDX-License-Identifier: Apache-2.0 */
/* homes.c - the places that are given, places for the step's own tensors, and the larger graph */
#include <config.h>
#include "planner/schedule/homes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "src/documents/tensor_names.h"

/* A stretch of the arena that is a home. */
struct home_range { bytes_t start, end; };

/* Stretches in order, while homes are chosen. */
struct taken { struct home_range *all; size_t count; };

static int
by_start(const void *x, const void *y)
{
	const struct home_range *p = x, *q = y;

	return p->start < q->start ? -1 : p->start > q->start;
}

/* Gives tensor t a place of the other plan. */
static void
take_place(struct homes *h, uint32_t t, const struct place *at)
{
	const struct plan *p = h->plan;

	h->on_host[t] = at->on_host;
	h->offset[t] = (at->on_host ? p->host : p->buffers)[at->buffer].offset_bytes;
}

/* Appends the tensors that only the other plan has to the graph, at their places.  An input need not survive. */
static void
reserve(struct homes *h, const bool *is_shared)
{
	const struct graph *other = h->plan->graph;

	for (uint32_t i = 0; i < h->plan->initial_count; i++) {
		const struct place *at = &h->plan->initial[i];
		const struct tensor *t = &other->tensors[at->tensor];

		if (is_shared[at->tensor] || t->kind == KIND_INPUT || t->bytes == 0)
			continue;
		h->graph.tensors[h->graph.tensor_count] = *t;
		take_place(h, h->graph.tensor_count++, at);
	}
}

static void
take_stretch(struct taken *x, bytes_t start, bytes_t bytes)
{
	struct home_range s = { start, start + bytes_align(bytes, DEVICE_ALIGN) };
	size_t at = x->count;

	for (; at > 0 && x->all[at - 1].start > s.start; at--)
		x->all[at] = x->all[at - 1];
	x->all[at] = s;
	x->count++;
}

/* Returns the lowest offset that has room between the stretches. */
static bytes_t
lowest_gap(const struct taken *x, bytes_t bytes)
{
	bytes_t at = 0;

	for (size_t i = 0; i < x->count && x->all[i].start < at + bytes_align(bytes, DEVICE_ALIGN); i++)
		at = at > x->all[i].end ? at : x->all[i].end;
	return at;
}

/* Gives places to the tensors that only the step has: above the other plan's arena, and to inputs anywhere between homes. */
static void
place_own(struct homes *h, const uint32_t *other_of, uint32_t own_count, struct arena *a)
{
	struct taken x = { .all = ARENA_NEW(a, struct home_range, h->graph.tensor_count) };
	bytes_t top = bytes_align(h->plan->arena_bytes, DEVICE_ALIGN);

	for (uint32_t t = 0; t < h->graph.tensor_count; t++) {
		const struct tensor *tensor = &h->graph.tensors[t];
		bool own = t < own_count && other_of[t] == TENSOR_NONE;

		if (!kind_is_persistent(tensor->kind) || (own && tensor->kind == KIND_INPUT) || h->on_host[t] || tensor->bytes == 0)
			continue;
		if (own) {
			h->offset[t] = top;
			top += bytes_align(tensor->bytes, DEVICE_ALIGN);
		}
		x.all[x.count++] = (struct home_range) { h->offset[t], h->offset[t] + bytes_align(tensor->bytes, DEVICE_ALIGN) };
	}
	if (x.count > 1)
		qsort(x.all, x.count, sizeof(*x.all), by_start);
	for (uint32_t t = 0; t < own_count; t++)
		if (h->graph.tensors[t].kind == KIND_INPUT && other_of[t] == TENSOR_NONE) {
			h->offset[t] = lowest_gap(&x, h->graph.tensors[t].bytes);
			take_stretch(&x, h->offset[t], h->graph.tensors[t].bytes);
		}
}

/* Adds up what the homes need. */
static void
sum_up(struct homes *h, uint32_t own_count)
{
	bytes_t reserved = 0, at_home = 0;

	for (uint32_t t = 0; t < h->graph.tensor_count; t++) {
		bytes_t bytes = bytes_align(h->graph.tensors[t].bytes, DEVICE_ALIGN), end = h->offset[t] + bytes;

		if (!kind_is_persistent(h->graph.tensors[t].kind) || bytes == 0)
			continue;
		if (h->on_host[t]) {
			h->host_bytes += bytes;
			h->pool_bytes = end > h->pool_bytes ? end : h->pool_bytes;
			continue;
		}
		h->arena_bytes = end > h->arena_bytes ? end : h->arena_bytes;
		at_home += bytes;
		reserved += t >= own_count ? bytes : 0;
	}
	h->least_bytes = h->life.bound_bytes + reserved;
	h->least_bytes = h->least_bytes > h->arena_bytes ? h->least_bytes : h->arena_bytes;
	h->peak_bytes = h->arena_bytes + h->life.peak_bytes - at_home;
}

int
homes_init(struct homes *h, const struct graph *g, const struct plan *plan, struct arena *a, struct err *e)
{
	uint32_t most = g->tensor_count + plan->graph->tensor_count, shared = 0, persistent = 0;
	const struct place **there = ARENA_NEW(a, const struct place *, plan->graph->tensor_count);
	uint32_t *other_of = ARENA_NEW(a, uint32_t, g->tensor_count);
	bool *is_shared = ARENA_NEW(a, bool, plan->graph->tensor_count);

	*h = (struct homes) { .plan = plan, .graph = *g, .offset = ARENA_NEW(a, bytes_t, most), .on_host = ARENA_NEW(a, bool, most) };
	if (tensor_names_match(other_of, g, plan->graph, a, e) < 0)
		return -1;
	h->graph.tensors = ARENA_NEW(a, struct tensor, most);
	h->graph.tensor_names = NULL;
	if (g->tensor_count > 0)
		memcpy(h->graph.tensors, g->tensors, sizeof(*g->tensors) * g->tensor_count);
	for (uint32_t i = 0; i < plan->initial_count; i++)
		there[plan->initial[i].tensor] = &plan->initial[i];
	for (uint32_t t = 0; t < g->tensor_count; t++) {
		persistent += kind_is_persistent(g->tensors[t].kind);
		if (other_of[t] == TENSOR_NONE)
			continue;
		shared++;
		is_shared[other_of[t]] = true;
		take_place(h, t, there[other_of[t]]);
	}
	if (shared == 0 && persistent > 0)
		return err_set(e, ERR_INPUT, "none of the %" PRIu32 " persistent tensors of '%s' has the name of one there", persistent, g->name);
	reserve(h, is_shared);
	place_own(h, other_of, g->tensor_count, a);
	lifetimes_init(&h->life, &h->graph, a);
	h->life.homes = h;
	sum_up(h, g->tensor_count);
	return 0;
}

/* Leaves out the buffers of tensors that g does not have.  id_of[i] is the new id of buffer i. */
static void
strip_buffers(struct buffer *buffers, uint32_t *count, uint32_t *id_of, const struct graph *g)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < *count; i++) {
		id_of[i] = n;
		if (buffers[i].tensor == PLAN_NONE || buffers[i].tensor < g->tensor_count)
			buffers[n++] = buffers[i];
	}
	*count = n;
}

static void
strip_places(struct place *places, uint32_t *count, const uint32_t *device_id, const uint32_t *host_id, const struct graph *g)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < *count; i++) {
		struct place at = places[i];

		at.buffer = (at.on_host ? host_id : device_id)[at.buffer];
		if (at.tensor < g->tensor_count)
			places[n++] = at;
	}
	*count = n;
}

static const uint32_t *
new_ids(const uint32_t *ids, uint32_t count, const uint32_t *id_of, struct arena *a)
{
	uint32_t *to = ARENA_NEW(a, uint32_t, count);

	for (uint32_t i = 0; i < count; i++)
		to[i] = id_of[ids[i]];
	return to;
}

void
homes_strip(struct plan *p, const struct graph *g, struct arena *a)
{
	uint32_t *device_id = ARENA_NEW(a, uint32_t, p->buffer_count), *host_id = ARENA_NEW(a, uint32_t, p->host_count);

	assert(p->graph->op_count == g->op_count);
	p->graph = g;
	strip_buffers(p->buffers, &p->buffer_count, device_id, g);
	strip_buffers(p->host, &p->host_count, host_id, g);
	strip_places(p->initial, &p->initial_count, device_id, host_id, g);
	strip_places(p->final, &p->final_count, device_id, host_id, g);
	for (uint32_t i = 0; i < p->instruction_count; i++) {
		struct instruction *in = &p->program[i];

		if (in->queue == QUEUE_COMPUTE) {
			in->reads = new_ids(in->reads, g->ops[in->op].input_count, device_id, a);
			in->writes = new_ids(in->writes, g->ops[in->op].output_count, device_id, a);
			in->workspace = in->workspace == PLAN_NONE ? PLAN_NONE : device_id[in->workspace];
		} else {
			in->device_buffer = device_id[in->device_buffer];
			in->host_buffer = host_id[in->host_buffer];
		}
	}
}
