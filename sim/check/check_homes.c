/* SPDX-License-Identifier: Apache-2.0 */
/* check_homes.c - places of one plan against places and buffers of another */
#include <config.h>
#include "sim/check/check_homes.h"

#include <stdlib.h>

#include "src/documents/tensor_names.h"

/* The bytes of a tensor's home. */
struct lone_home { bytes_t start, end; uint32_t tensor; };

static int
by_start(const void *x, const void *y)
{
	const struct lone_home *p = x, *q = y;

	return p->start < q->start ? -1 : p->start > q->start;
}

static const struct buffer *
place_buffer(const struct plan *p, const struct place *at)
{
	return at->on_host ? &p->host[at->buffer] : &p->buffers[at->buffer];
}

/* Lists the homes, in the arena or in the pool, of the tensors that only p has and that must survive steps of another plan. */
static struct lone_home *
list_homes(const struct plan *p, const uint32_t *other_of, bool host, uint32_t *count, struct arena *a)
{
	struct lone_home *homes = ARENA_NEW(a, struct lone_home, p->initial_count);

	*count = 0;
	for (uint32_t i = 0; i < p->initial_count; i++) {
		const struct place *at = &p->initial[i];
		const struct tensor *t = &p->graph->tensors[at->tensor];
		bytes_t start = place_buffer(p, at)->offset_bytes;

		if (at->on_host == host && other_of[at->tensor] == TENSOR_NONE && t->kind != KIND_INPUT && t->bytes > 0)
			homes[(*count)++] = (struct lone_home) { start, start + t->bytes, at->tensor };
	}
	if (*count > 1)
		qsort(homes, *count, sizeof(*homes), by_start);
	return homes;
}

/* Returns a home that shares a byte with buffer b; NULL: none does.  Homes are apart, so that their ends rise, too. */
static const struct lone_home *
touched(const struct lone_home *homes, uint32_t count, const struct buffer *b)
{
	uint32_t low = 0, high = count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (homes[middle].end <= b->offset_bytes)
			low = middle + 1;
		else
			high = middle;
	}
	return b->bytes > 0 && low < count && homes[low].start < b->offset_bytes + b->bytes ? &homes[low] : NULL;
}

/* The buffers of p, or of its pool, against the homes of tensors that only `owner` has.  given: p is the plan that gives the homes. */
static int
check_untouched(const struct plan *p, const struct plan *owner, const uint32_t *other_of, bool host, bool given, struct arena *a, struct err *e)
{
	const struct buffer *buffers = host ? p->host : p->buffers;
	uint32_t n = host ? p->host_count : p->buffer_count, count;
	const struct lone_home *homes = list_homes(owner, other_of, host, &count, a);

	for (uint32_t i = 0; i < n && count > 0; i++) {
		const struct lone_home *x = touched(homes, count, &buffers[i]);

		if (x == NULL)
			continue;
		if (given)
			return err_set(e, ERR_NO, "%s is at home where the plan with the homes has %s %" PRIu32, tensor_names_say(owner->graph, x->tensor, a),
			    host ? "host buffer" : "buffer", i);
		err_set(e, ERR_NO, "it takes bytes %" PRI_BYTES " to %" PRI_BYTES ", where %s is at home, which only the other plan has", x->start, x->end,
		    tensor_names_say(owner->graph, x->tensor, a));
		return err_at(e, "%s[%" PRIu32 "]", host ? "host" : "buffers", i);
	}
	return 0;
}

/* The same place of a tensor that both plans have. */
static int
check_same(const struct plan *p, const struct place *x, const struct plan *other, const struct place *y, struct arena *a, struct err *e)
{
	bytes_t at = place_buffer(p, x)->offset_bytes, there = place_buffer(other, y)->offset_bytes;

	if (x->on_host != y->on_host)
		return err_set(e, ERR_NO, "%s is at home on the %s, but on the %s in the plan with the homes", tensor_names_say(p->graph, x->tensor, a),
		    x->on_host ? "host" : "device", y->on_host ? "host" : "device");
	if (at != there && p->graph->tensors[x->tensor].bytes > 0)
		return err_set(e, ERR_NO, "%s is at home at offset %" PRI_BYTES ", but at %" PRI_BYTES " in the plan with the homes",
		    tensor_names_say(p->graph, x->tensor, a), at, there);
	return 0;
}

int
check_homes(struct shared_homes *s, const struct plan *p, const struct plan *other, struct arena *a, struct err *e)
{
	uint32_t *other_of = ARENA_NEW(a, uint32_t, p->graph->tensor_count), *own_of = ARENA_NEW(a, uint32_t, other->graph->tensor_count);
	const struct place **there = ARENA_NEW(a, const struct place *, other->graph->tensor_count);

	*s = (struct shared_homes) { .others = other->initial_count };
	if (tensor_names_match(other_of, p->graph, other->graph, a, e) < 0)
		return -1;
	for (uint32_t t = 0; t < other->graph->tensor_count; t++)
		own_of[t] = TENSOR_NONE;
	for (uint32_t i = 0; i < other->initial_count; i++)
		there[other->initial[i].tensor] = &other->initial[i];
	for (uint32_t i = 0; i < p->initial_count; i++) {
		uint32_t t = p->initial[i].tensor;

		if (other_of[t] == TENSOR_NONE) {
			s->own++;
			continue;
		}
		own_of[other_of[t]] = t;
		s->shared++;
		s->others--;
		s->shared_bytes += p->graph->tensors[t].bytes;
		if (check_same(p, &p->initial[i], other, there[other_of[t]], a, e) < 0)
			return err_at(e, "initial[%" PRIu32 "]", i);
	}
	for (int host = 0; host < 2; host++)
		if (check_untouched(p, other, own_of, host, false, a, e) < 0 || check_untouched(other, p, other_of, host, true, a, e) < 0)
			return -1;
	return 0;
}
