/* SPDX-License-Identifier: Apache-2.0 */
/* check_figures.c - the figures of a plan that need no timing: peak, traffic, bounds */
#include <config.h>
#include "sim/check/check.h"

#include "sim/check/check_private.h"
#include "src/documents/graph_bounds.h"

/* The operands of one run, by tensor.  An entry is valid where its stamp is the run's moment. */
struct operands {
	uint32_t *written, *write_stamp;	/* [tensor_count] output position */
	bytes_t *taken;				/* [tensor_count] bytes that this output takes over so far */
	uint32_t *read, *read_stamp;		/* [tensor_count] last input position, the start of a chain ... */
	uint32_t *next;				/* [longest input_count] ... of positions of the same tensor; NEVER ends it */
};

static void
operands_init(struct operands *w, const struct graph *g, struct arena *a)
{
	uint32_t longest = 0;

	for (uint32_t k = 0; k < g->op_count; k++)
		if (g->ops[k].input_count > longest)
			longest = g->ops[k].input_count;
	w->written = ARENA_NEW(a, uint32_t, g->tensor_count);
	w->write_stamp = ARENA_NEW(a, uint32_t, g->tensor_count);
	w->taken = ARENA_NEW(a, bytes_t, g->tensor_count);
	w->read = ARENA_NEW(a, uint32_t, g->tensor_count);
	w->read_stamp = ARENA_NEW(a, uint32_t, g->tensor_count);
	w->next = ARENA_NEW(a, uint32_t, longest);
}

static void
operands_find(struct operands *w, const struct op *o, uint32_t moment)
{
	for (uint32_t i = 0; i < o->input_count; i++) {
		uint32_t t = o->inputs[i];

		w->next[i] = w->read_stamp[t] == moment ? w->read[t] : NEVER;
		w->read[t] = i;
		w->read_stamp[t] = moment;
	}
	for (uint32_t j = 0; j < o->output_count; j++) {
		w->written[o->outputs[j]] = j;
		w->write_stamp[o->outputs[j]] = moment;
		w->taken[o->outputs[j]] = 0;
	}
}

/* Returns the bytes that a run's outputs take over from its inputs in place.  Both buffers count at that moment, so
 * their common bytes would count twice.  An output replaces one input; in an unsound plan it may stand on several, and
 * the largest counts. */
static bytes_t
shared_in_run(const struct plan *p, const struct moment_range *ranges, struct operands *w, uint32_t moment)
{
	const struct instruction *in = &p->program[moment - 1];
	const struct op *o = &p->graph->ops[in->op];
	bytes_t shared = 0;

	operands_find(w, o, moment);
	for (uint32_t k = 0; k < o->inplace_count; k++) {
		uint32_t x = o->inplace[k].input, y = o->inplace[k].output, to;

		if (w->write_stamp[y] != moment || w->read_stamp[y] == moment ||
		    w->read_stamp[x] != moment || w->write_stamp[x] == moment)
			continue;
		to = in->writes[w->written[y]];
		if (ranges[to].first != moment)
			continue;
		for (uint32_t i = w->read[x]; i != NEVER; i = w->next[i]) {
			const struct buffer *from = &p->buffers[in->reads[i]], *b = &p->buffers[to];
			bytes_t common = from->bytes < b->bytes ? from->bytes : b->bytes;

			if (ranges[in->reads[i]].last != moment || from->offset_bytes != b->offset_bytes || common <= w->taken[y])
				continue;
			shared += bytes_align(common, DEVICE_ALIGN) - bytes_align(w->taken[y], DEVICE_ALIGN);
			w->taken[y] = common;
		}
	}
	return shared;
}

bytes_t *
check_live(const struct plan *p, struct arena *a)
{
	bytes_t *change = ARENA_NEW(a, bytes_t, (size_t)p->instruction_count + 3), *live = ARENA_NEW(a, bytes_t, (size_t)p->instruction_count + 2), sum = 0;
	const struct moment_range *ranges = plan_live_ranges(p, a);
	struct operands w;

	operands_init(&w, p->graph, a);
	for (uint32_t i = 0; i < p->buffer_count; i++) {
		bytes_t bytes = bytes_align(p->buffers[i].bytes, DEVICE_ALIGN);

		if (ranges[i].first == PLAN_NONE)
			continue;
		change[ranges[i].first] += bytes;
		change[ranges[i].last + 1] -= bytes;		/* unsigned: the sum comes out right */
	}
	for (uint32_t m = MOMENT_BEGIN; m <= moment_end(p); m++) {
		const struct instruction *in = moment_instruction(p, m);

		sum += change[m];
		live[m] = sum;
		if (in != NULL && in->queue == QUEUE_COMPUTE && p->graph->ops[in->op].inplace_count > 0)
			live[m] -= shared_in_run(p, ranges, &w, m);
	}
	return live;
}

bytes_t
check_peak(uint32_t *moment, const struct plan *p, struct arena *a)
{
	const bytes_t *live = check_live(p, a);

	*moment = MOMENT_BEGIN;
	for (uint32_t m = MOMENT_BEGIN; m <= moment_end(p); m++)
		if (live[m] > live[*moment])
			*moment = m;
	return live[*moment];
}

/* A sum that overflows becomes UINT64_MAX, a figure that no document can hold. */
static void
add_bytes(bytes_t *sum, bytes_t bytes)
{
	if (__builtin_add_overflow(*sum, bytes, sum))
		*sum = UINT64_MAX;
}

void
check_figures(struct plan_figures *f, const struct plan *p, struct arena *a)
{
	struct graph_bounds bounds;
	uint32_t moment;

	*f = (struct plan_figures) { 0 };
	for (uint32_t i = 0; i < p->instruction_count; i++) {
		if (p->program[i].queue == QUEUE_OUT)
			add_bytes(&f->offload_bytes, p->program[i].bytes);
		else if (p->program[i].queue == QUEUE_IN)
			add_bytes(&f->fetch_bytes, p->program[i].bytes);
	}
	f->peak_bytes = check_peak(&moment, p, a);
	graph_bounds(&bounds, p->graph, a);
	f->bound_bytes = bounds.bytes;
	f->resident_bound_bytes = bounds.resident_bytes;
}
