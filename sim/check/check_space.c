/* SPDX-License-Identifier: Apache-2.0 */
/* check_space.c - the rule of space, for the arena and for the host pool
 *
 * One buffer: a write is ordered after every earlier access, and a read after every earlier write.  The moments of a
 * lane follow each other, so the latest moment of each lane stands for all.
 *
 * Two buffers that share bytes: every access to one is ordered before every access to the other.  A buffer claims its
 * bytes at its first access in list order.  It is compared with the buffers that owned the bytes just before.  Each of
 * those was ordered after the owners before it, so the buffer is ordered after all of them.  One exception: a run may
 * write an output where it reads an input for the last time, if its op lets the output replace the input.
 */
#include <config.h>
#include "sim/check/check_private.h"

#include <assert.h>
#include <string.h>

#include "src/base/spans.h"

/* Moments at which a buffer is used, by lane.  first and last are over the whole program; read and wrote are the latest
 * so far. */
struct buffer_uses {
	uint32_t first[LANE_COUNT], last[LANE_COUNT], read[LANE_COUNT], wrote[LANE_COUNT];
};

struct memory_pool {
	const struct buffer *buffers;	/* not owned */
	struct buffer_uses *uses;
	bool *claimed;
	struct spans *owners;		/* values are buffer ids */
};

struct space {
	const struct checker *c;
	struct memory_pool pool[2];		/* [1]: the host's */
};

static void
note(struct space *s, const struct access *x)
{
	struct buffer_uses *u = &s->pool[x->host].uses[x->buffer];
	int lane = s->c->order.lane[x->moment];

	assert(s->pool[x->host].uses != NULL);
	if (u->first[lane] == NEVER)
		u->first[lane] = x->moment;
	u->last[lane] = x->moment;
}

/* Reports that x uses its buffer while the earlier access at moment m may still run. */
static int
unordered(const struct space *s, const struct access *x, uint32_t m, bool wrote)
{
	const struct plan *p = s->c->plan;
	struct words buffer, moment;

	err_set(s->c->err, ERR_NO, "%s is %s before %s, which %s it, has certainly ended: no queue and no 'after' orders them",
	    say_buffer(&buffer, p, x->host, x->buffer), x->write ? "written" : "read", say_moment(&moment, p, m),
	    wrote ? "writes" : "reads");
	return check_at(x, s->c->err);
}

/* Checks x against the earlier accesses to its buffer.  A run that reads and writes one buffer works in place, which is
 * no conflict. */
static int
check_one_buffer(const struct space *s, const struct access *x)
{
	const struct plan_order *o = &s->c->order;
	struct buffer_uses *u = &s->pool[x->host].uses[x->buffer];

	for (int q = 0; q < LANE_COUNT; q++) {
		if (u->wrote[q] != NEVER && !order_before(o, u->wrote[q], x->moment))
			return unordered(s, x, u->wrote[q], true);
		if (x->write && u->read[q] != NEVER && u->read[q] != x->moment && !order_before(o, u->read[q], x->moment))
			return unordered(s, x, u->read[q], false);
	}
	*(x->write ? &u->wrote[o->lane[x->moment]] : &u->read[o->lane[x->moment]]) = x->moment;
	return 0;
}

/* True when one run may read an input from buffer `from` and write an output, by access x, to buffer `to`, although the
 * two share bytes.  A kernel that works in place does so byte for byte, so the offsets are equal.  An input that the run
 * also writes is not free to share.  An output that the run also reads claims its bytes as a read and is refused. */
static bool
shares_in_place(const struct space *s, const struct access *x, const struct buffer *from, const struct buffer *to)
{
	const struct op *o;

	if (x->operand != OPERAND_WRITE || from->tensor == PLAN_NONE || from->offset_bytes != to->offset_bytes)
		return false;
	o = &s->c->graph->ops[s->c->plan->program[x->moment - 1].op];
	return op_may_share(o, from->tensor, to->tensor) && !op_writes(o, from->tensor);
}

/* True when the run of x also uses the owner's buffer and has no permission to share. */
static bool
used_by_run(const struct space *s, const struct access *x, uint32_t owner)
{
	const struct buffer_uses *u = &s->pool[x->host].uses[owner];

	return !x->host && s->c->order.lane[x->moment] == QUEUE_COMPUTE &&
	    (u->read[QUEUE_COMPUTE] == x->moment || u->wrote[QUEUE_COMPUTE] == x->moment) &&
	    !shares_in_place(s, x, &s->pool[false].buffers[owner], &s->pool[false].buffers[x->buffer]);
}

static int
same_run(const struct space *s, const struct access *x, uint32_t owner)
{
	const struct plan *p = s->c->plan;
	const struct op *o = &s->c->graph->ops[p->program[x->moment - 1].op];
	const struct buffer *from = &p->buffers[owner], *to = &p->buffers[x->buffer];
	struct words a, b;
	char name[48];
	const char *why;

	if (from->tensor == PLAN_NONE || to->tensor == PLAN_NONE)
		why = "a workspace and another operand of one run";
	else if (op_writes(o, from->tensor) && op_writes(o, to->tensor))
		why = "two outputs of one run";
	else if (!op_writes(o, from->tensor) && !op_writes(o, to->tensor))
		why = "two inputs of one run in different buffers";
	else if (op_may_share(o, from->tensor, to->tensor) && from->offset_bytes != to->offset_bytes)
		why = "an output may replace this input, but only at the same offset";
	else
		why = "no 'inplace' permission lets this output replace this input";
	err_set(s->c->err, ERR_NO, "%s shares bytes with %s in one run of '%s': %s", say_buffer(&b, p, false, x->buffer),
	    say_buffer(&a, p, false, owner), err_quote(name, o->name), why);
	return check_at(x, s->c->err);
}

/* Reports that x's buffer claims bytes of owner, while the owner's access at moment a and that of x's buffer at b have
 * no order. */
static int
overlap(const struct space *s, const struct access *x, uint32_t owner, uint32_t a, uint32_t b)
{
	const struct plan *p = s->c->plan;
	struct words taken, claims, last, first;
	const char *fmt;

	if (x->operand == OPERAND_INITIAL)
		fmt = "%s shares bytes with %s: both are places before the step";
	else if (a == moment_end(p) && x->operand == OPERAND_FINAL)
		fmt = "%s shares bytes with %s: both are places after the step";
	else if (a == moment_end(p))
		fmt = "%s lies over %s, whose tensor has its final place there";
	else if (used_by_run(s, x, owner))
		return same_run(s, x, owner);
	else if (a > b && s->pool[x->host].uses[owner].first[LANE_STEP] == MOMENT_BEGIN)
		fmt = "%s lies over %s, whose tensor is there since the step's beginning and is still used by %s";
	else if (a > b)
		fmt = "%s overlaps %s in space and time: the latter is still used by %s, the former from %s on";
	else
		fmt = "%s takes bytes of %s before %s has certainly ended: no queue and no 'after' orders that before %s";
	err_set(s->c->err, ERR_NO, fmt, say_buffer(&claims, p, x->host, x->buffer), say_buffer(&taken, p, x->host, owner),
	    say_moment(&last, p, a), say_moment(&first, p, b));
	return check_at(x, s->c->err);
}

static int
check_pair(const struct space *s, const struct access *x, uint32_t owner)
{
	const struct memory_pool *pool = &s->pool[x->host];
	const struct buffer_uses *from = &pool->uses[owner], *to = &pool->uses[x->buffer];
	const struct plan_order *o = &s->c->order;

	for (int q = LANE_COUNT - 1; q >= 0; q--) {
		uint32_t a = from->last[q];

		for (int r = LANE_COUNT - 1; a != NEVER && r >= 0; r--) {
			uint32_t b = to->first[r];

			if (b == NEVER || order_before(o, a, b) ||
			    (a == b && shares_in_place(s, x, &pool->buffers[owner], &pool->buffers[x->buffer])))
				continue;
			/* A later access will find this one before the buffer's first write has ended: a better message. */
			if (x->write && b != x->moment && !order_before(o, x->moment, b))
				continue;
			return overlap(s, x, owner, a, b);
		}
	}
	return 0;
}

static int
check_access(struct space *s, const struct access *x)
{
	struct memory_pool *pool = &s->pool[x->host];
	const struct buffer *b = &pool->buffers[x->buffer];
	bytes_t end;

	assert(pool->buffers != NULL);
	end = b->offset_bytes + b->bytes;
	if (check_one_buffer(s, x) < 0)
		return -1;
	if (pool->claimed[x->buffer])
		return 0;
	pool->claimed[x->buffer] = true;
	for (bytes_t at = b->offset_bytes; at < end; ) {
		struct span span = spans_at(pool->owners, at);

		if (span.value != SPAN_EMPTY && check_pair(s, x, (uint32_t)span.value) < 0)
			return -1;
		at = span.to;
	}
	if (b->bytes > 0)
		spans_set(pool->owners, b->offset_bytes, end, x->buffer, 0);
	return 0;
}

static void
pool_init(struct memory_pool *pool, const struct buffer *buffers, uint32_t count, bytes_t bytes, struct arena *a)
{
	bytes_t *addresses = ARENA_NEW(a, bytes_t, (size_t)count * 2 + 2);
	size_t n = 0;

	addresses[n++] = 0;
	addresses[n++] = bytes + 1;
	for (uint32_t i = 0; i < count; i++) {
		addresses[n++] = buffers[i].offset_bytes;
		addresses[n++] = buffers[i].offset_bytes + buffers[i].bytes;
	}
	pool->buffers = buffers;
	pool->uses = ARENA_NEW(a, struct buffer_uses, count);
	memset(pool->uses, 0xff, count * sizeof(*pool->uses));	/* all NEVER */
	pool->claimed = ARENA_NEW(a, bool, count);
	pool->owners = spans_new(addresses, n, a);
}

int
check_space(const struct checker *c)
{
	const struct plan *p = c->plan;
	struct space s = { .c = c };

	pool_init(&s.pool[false], p->buffers, p->buffer_count, p->arena_bytes, c->arena);
	pool_init(&s.pool[true], p->host, p->host_count, p->host_bytes, c->arena);
	FOR_EACH_ACCESS(p, x)
		note(&s, &x);
	FOR_EACH_ACCESS(p, x)
		if (check_access(&s, &x) < 0)
			return -1;
	return 0;
}
