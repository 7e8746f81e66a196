/* SPDX-License-Identifier: Apache-2.0 */
/* mutants_private.h - what mutations are made of */
#ifndef TESTS_MUTANTS_PRIVATE_H
#define TESTS_MUTANTS_PRIVATE_H
#include <string.h>

#include "tests/mutants.h"

/* A copy with room for one more element. */
static inline void *
duplicate(struct arena *a, const void *from, size_t bytes)
{
	void *to = arena_alloc(a, 1, bytes + sizeof(struct instruction));

	if (bytes > 0)
		memcpy(to, from, bytes);
	return to;
}

static inline uint32_t *
own(struct mutant *m, const uint32_t **ids, uint32_t count)
{
	return (uint32_t *)(*ids = duplicate(m->a, *ids, count * sizeof(**ids)));
}

/* A random instruction of a queue; NULL: none. */
static inline struct instruction *
pick(struct mutant *m, enum queue queue)
{
	uint32_t n = 0;
	struct instruction *one = NULL;

	for (uint32_t i = 0; i < m->plan.instruction_count; i++)
		if (m->plan.program[i].queue == queue && random_one_in(m->r, ++n))
			one = &m->plan.program[i];
	return one;
}

static inline struct instruction *
pick_any(struct mutant *m)
{
	return &m->plan.program[random_below(m->r, m->plan.instruction_count)];
}

static inline const struct op *
op_of(const struct mutant *m, const struct instruction *in)
{
	return &m->graph.ops[in->op];
}

static inline struct buffer *
pick_buffer(struct mutant *m)
{
	return &m->plan.buffers[random_below(m->r, m->plan.buffer_count)];
}

/* Another buffer of the same tensor; PLAN_NONE: none. */
static inline uint32_t
sibling(struct mutant *m, const struct buffer *buffers, uint32_t count, uint32_t id)
{
	uint32_t n = 0, one = PLAN_NONE;

	for (uint32_t i = 0; i < count; i++)
		if (i != id && buffers[i].tensor == buffers[id].tensor && random_one_in(m->r, ++n))
			one = i;
	return one;
}

static inline uint64_t
nudge(struct mutant *m, uint64_t x, uint64_t by)
{
	return random_one_in(m->r, 2) && x >= by ? x - by : x + by;
}

static inline bool
re_edge(struct mutant *m, bool done)
{
	if (done)
		random_plan_edges(&m->plan, random_one_in(m->r, 2), m->a);
	return done;
}
#endif
