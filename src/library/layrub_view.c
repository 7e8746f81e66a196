/* SPDX-License-Identifier: Apache-2.0 */
/* layrub_view.c - plans and figures as the plain structs of layrub.h */
#include <config.h>
#include "src/library/layrub_private.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static_assert((int)LAYRUB_COMPUTE == QUEUE_COMPUTE && (int)LAYRUB_OUT == QUEUE_OUT && (int)LAYRUB_IN == QUEUE_IN &&
    (int)LAYRUB_QUEUES == QUEUE_COUNT, "the queues are the same");
static_assert(LAYRUB_NONE == PLAN_NONE, "none is the same");

static struct layrub_buffer *
view_buffers(const struct buffer *b, uint32_t count, struct arena *a)
{
	struct layrub_buffer *to = ARENA_NEW(a, struct layrub_buffer, count);

	for (uint32_t i = 0; i < count; i++)
		to[i] = (struct layrub_buffer) { b[i].tensor, b[i].offset_bytes, b[i].bytes };
	return to;
}

static struct layrub_place *
view_places(const struct place *p, uint32_t count, struct arena *a)
{
	struct layrub_place *to = ARENA_NEW(a, struct layrub_place, count);

	for (uint32_t i = 0; i < count; i++)
		to[i] = (struct layrub_place) { p[i].tensor, p[i].on_host, p[i].buffer };
	return to;
}

/* Fields that belong to other queues are none or 0. */
static struct layrub_instruction
view_instruction(const struct instruction *in, const struct graph *g)
{
	struct layrub_instruction to = { .queue = (uint32_t)in->queue, .after_count = in->after_count, .after = in->after,
	    .op = LAYRUB_NONE, .workspace = LAYRUB_NONE, .alternative = LAYRUB_NONE, .buffer = LAYRUB_NONE, .host_buffer = LAYRUB_NONE };

	if (in->queue == QUEUE_COMPUTE) {
		to.op = in->op;
		to.read_count = g->ops[in->op].input_count;
		to.write_count = g->ops[in->op].output_count;
		to.reads = in->reads;
		to.writes = in->writes;
		to.workspace = in->workspace;
		to.alternative = in->alternative;
	} else {
		to.buffer = in->device_buffer;
		to.host_buffer = in->host_buffer;
		to.at_bytes = in->at_bytes;
		to.bytes = in->bytes;
	}
	return to;
}

void
view_program(struct layrub_program *to, const struct plan *p, struct arena *a)
{
	struct layrub_instruction *instructions = ARENA_NEW(a, struct layrub_instruction, p->instruction_count);

	for (uint32_t i = 0; i < p->instruction_count; i++)
		instructions[i] = view_instruction(&p->program[i], p->graph);
	*to = (struct layrub_program) {
		.size = sizeof(*to), .policy = p->policy, .placement = p->placement, .options = p->options, .tool = p->tool, .status = p->status,
		.found_by = p->found_by, .configuration = p->configuration, .device = p->device->name, .batch = p->batch,
		.budget_bytes = p->budget_bytes, .arena_bytes = p->arena_bytes, .host_bytes = p->host_bytes,
		.buffer_count = p->buffer_count, .buffers = view_buffers(p->buffers, p->buffer_count, a),
		.host_buffer_count = p->host_count, .host_buffers = view_buffers(p->host, p->host_count, a),
		.initial_count = p->initial_count, .initial_places = view_places(p->initial, p->initial_count, a),
		.final_count = p->final_count, .final_places = view_places(p->final, p->final_count, a),
		.instruction_count = p->instruction_count, .instructions = instructions,
	};
}

void
view_figures(struct layrub_figures *to, const struct figures *f, uint64_t estimated_ops, const struct sim_result *r)
{
	struct layrub_figures figures = {
		.budget_bytes = f->budget_bytes, .arena_bytes = f->arena_bytes, .peak_bytes = f->peak_bytes, .host_bytes = f->host_bytes,
		.bound_bytes = f->bound_bytes, .resident_bound_bytes = f->resident_bound_bytes, .offload_bytes = f->offload_bytes,
		.fetch_bytes = f->fetch_bytes, .ideal_time_us = f->ideal_time_us, .step_time_us = f->step_time_us,
		.stall_time_us = f->stall_time_us, .recompute_time_us = f->recompute_time_us,
		.bound_time_us = isnan(f->bound_time_us) ? 0 : f->bound_time_us,
		.process_bytes = f->process_bytes == FIGURE_UNKNOWN ? 0 : f->process_bytes, .estimated_ops = estimated_ops,
	};

	if (r != NULL) {
		figures.occupancy_bytes = r->device_peak_bytes;
		figures.host_occupancy_bytes = r->host_peak_bytes;
		memcpy(figures.busy_us, r->busy_us, sizeof(figures.busy_us));
	}
	result_copy(to, &figures, sizeof(figures));
}
