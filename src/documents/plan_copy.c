/* SPDX-License-Identifier: Apache-2.0 */
/* plan_copy.c - a plan in memory of its own */
#include <config.h>
#include "src/documents/plan.h"

#include <string.h>

static void *
copy_of(const void *from, size_t bytes, struct arena *a)
{
	void *to = arena_alloc(a, 1, bytes);

	return bytes == 0 ? to : memcpy(to, from, bytes);
}

static const char *
copy_text(const char *text, struct arena *a)
{
	return text == NULL ? NULL : arena_strdup(a, text);
}

void
plan_copy(struct plan *to, const struct plan *from, struct arena *a)
{
	*to = *from;
#define COPY(member, type, count) to->member = copy_of(from->member, sizeof(type) * (count), a);
	COPY(buffers, struct buffer, from->buffer_count)
	COPY(host, struct buffer, from->host_count)
	COPY(initial, struct place, from->initial_count)
	COPY(final, struct place, from->final_count)
	COPY(program, struct instruction, from->instruction_count)
	for (uint32_t i = 0; i < from->instruction_count; i++) {
		const struct instruction *x = &from->program[i];
		const struct op *o = x->queue == QUEUE_COMPUTE ? &from->graph->ops[x->op] : NULL;

		COPY(program[i].after, uint32_t, x->after_count)
		if (o == NULL)
			continue;
		COPY(program[i].reads, uint32_t, o->input_count)
		COPY(program[i].writes, uint32_t, o->output_count)
	}
#undef COPY
	to->configuration = copy_text(from->configuration, a);
}
