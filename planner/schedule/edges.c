/* SPDX-License-Identifier: Apache-2.0 */
/* edges.c - who touched which bytes last, and vector clocks over the queues
 *
 * Each buffer knows the last instruction of every queue that read it, that wrote it, and that touched its bytes before it.  Each
 * instruction has a vector clock: the last instruction of every queue that has ended when it starts.  A wait that a clock covers
 * needs no edge.
 */
#include <config.h>
#include "planner/schedule/edges.h"

#include <string.h>

#include "src/base/spans.h"

/* The last instruction of each queue with some property; EDGES_NONE: none. */
struct queue_clock { uint32_t last[QUEUE_COUNT]; };

/* One memory, the arena or the pinned pool, and the accesses to its buffers. */
struct memory {
	struct buffer *buffers;
	struct spans *owners;		/* address -> the buffer that filled it last */
	struct queue_clock *reads, *writes;	/* [buffer_count] */
	struct queue_clock *before;	/* [buffer_count] accesses to these bytes before the buffer had them */
	bool *claimed;			/* [buffer_count] it has been accessed */
};

struct edges {
	struct plan *plan;
	struct arena *arena;
	struct memory device, host;
	struct queue_clock *clock;		/* [instruction_count] what has ended when each starts, itself included */
	uint32_t next;			/* the instruction at hand */
	struct queue_clock need;		/* what it must wait for */
	uint32_t newest[QUEUE_COUNT];	/* the last instruction of each queue */
};

static const struct queue_clock nothing = { { EDGES_NONE, EDGES_NONE, EDGES_NONE } };

/* The later of two instructions of one queue, in list order. */
static uint32_t
later(uint32_t x, uint32_t y)
{
	return x == EDGES_NONE || (y != EDGES_NONE && y > x) ? y : x;
}

static void
clock_join(struct queue_clock *to, const struct queue_clock *from)
{
	for (int q = 0; q < QUEUE_COUNT; q++)
		to->last[q] = later(to->last[q], from->last[q]);
}

static struct queue_clock *
clocks_new(uint32_t count, struct arena *a)
{
	struct queue_clock *t = ARENA_NEW(a, struct queue_clock, count);

	memset(t, 0xff, sizeof(*t) * count);
	return t;
}

static void
memory_init(struct memory *m, struct buffer *buffers, uint32_t count, struct arena *a)
{
	bytes_t *ends = ARENA_NEW(a, bytes_t, (size_t)count * 2 + 1);

	for (uint32_t b = 0; b < count; b++) {
		ends[2 * b] = buffers[b].offset_bytes;
		ends[2 * b + 1] = buffers[b].offset_bytes + buffers[b].bytes;
	}
	m->buffers = buffers;
	m->owners = spans_new(ends, (size_t)count * 2 + 1, a);
	m->reads = clocks_new(count, a);
	m->writes = clocks_new(count, a);
	m->before = clocks_new(count, a);
	m->claimed = ARENA_NEW(a, bool, count);
}

struct edges *
edges_new(struct plan *p, struct arena *a)
{
	struct edges *g = ARENA_NEW(a, struct edges, 1);

	g->plan = p;
	g->arena = a;
	memory_init(&g->device, p->buffers, p->buffer_count, a);
	memory_init(&g->host, p->host, p->host_count, a);
	g->clock = clocks_new(p->instruction_count, a);
	g->need = nothing;
	memset(g->newest, 0xff, sizeof(g->newest));
	return g;
}

void
edges_wait(struct edges *g, uint32_t for_id)
{
	uint32_t *last;

	if (for_id == EDGES_NONE)
		return;
	last = &g->need.last[g->plan->program[for_id].queue];
	*last = later(*last, for_id);
}

/* Gives buffer b its bytes: earlier accesses to them must have ended. */
static void
claim(struct memory *m, uint32_t b)
{
	const struct buffer *buffer = &m->buffers[b];
	bytes_t end = buffer->offset_bytes + buffer->bytes;

	m->claimed[b] = true;
	if (buffer->bytes == 0)
		return;
	for (bytes_t at = buffer->offset_bytes; at < end;) {
		struct span s = spans_at(m->owners, at);

		if (s.value != SPAN_EMPTY) {
			clock_join(&m->before[b], &m->reads[s.value]);
			clock_join(&m->before[b], &m->writes[s.value]);
		}
		at = s.to;
	}
	spans_set(m->owners, buffer->offset_bytes, end, b, buffer->offset_bytes);
}

void
edges_access(struct edges *g, uint32_t buffer, bool on_host, bool writes)
{
	struct memory *m = on_host ? &g->host : &g->device;
	struct queue_clock *mine = writes ? m->writes : m->reads;

	if (!m->claimed[buffer])
		claim(m, buffer);
	clock_join(&g->need, &m->before[buffer]);
	clock_join(&g->need, &m->writes[buffer]);
	if (writes)
		clock_join(&g->need, &m->reads[buffer]);
	mine[buffer].last[g->plan->program[g->next].queue] = g->next;
}

void
edges_finish(struct edges *g)
{
	uint32_t id = g->next++;
	struct instruction *i = &g->plan->program[id];
	struct queue_clock *now = &g->clock[id];
	uint32_t previous = g->newest[i->queue], wanted[QUEUE_COUNT], *after;

	if (previous != EDGES_NONE)
		*now = g->clock[previous];
	/* The queue's own order and its earlier waits need no edge. */
	for (int q = 0; q < QUEUE_COUNT; q++)
		wanted[q] = q == (int)i->queue || later(now->last[q], g->need.last[q]) == now->last[q] ?
		    EDGES_NONE : g->need.last[q];
	/* An edge is implied if another edge's instruction has waited for the same. */
	for (int q = 0; q < QUEUE_COUNT; q++)
		for (int r = 0; r < QUEUE_COUNT; r++)
			if (q != r && wanted[q] != EDGES_NONE && wanted[r] != EDGES_NONE &&
			    later(g->clock[wanted[r]].last[q], wanted[q]) == g->clock[wanted[r]].last[q])
				wanted[q] = EDGES_NONE;
	after = ARENA_NEW(g->arena, uint32_t, QUEUE_COUNT - 1);
	i->after = after;
	i->after_count = 0;
	for (int q = 0; q < QUEUE_COUNT; q++)
		if (wanted[q] != EDGES_NONE) {
			after[i->after_count++] = wanted[q];
			clock_join(now, &g->clock[wanted[q]]);
		}
	now->last[i->queue] = id;
	g->newest[i->queue] = id;
	g->need = nothing;
}
