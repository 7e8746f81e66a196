/* SPDX-License-Identifier: Apache-2.0 */
/* plan_access.c - the walk over a plan's initial places, instructions and final places */
#include <config.h>
#include "src/documents/plan_access.h"

static bool
place_at(const struct place *places, uint32_t count, struct access *x)
{
	if (x->position >= count)
		return false;
	x->index = x->position;
	x->host = places[x->index].on_host;
	x->buffer = places[x->index].buffer;
	return true;
}

static bool
operand_at(const struct op *o, const struct instruction *in, struct access *x)
{
	uint32_t at = x->position;

	if (at < o->input_count) {
		x->operand = OPERAND_READ;
		x->index = at;
		x->buffer = in->reads[at];
		return true;
	}
	at -= o->input_count;
	x->write = true;
	if (at == 0 && in->workspace != PLAN_NONE) {
		x->operand = OPERAND_WORKSPACE;
		x->index = 0;
		x->buffer = in->workspace;
		return true;
	}
	at -= in->workspace != PLAN_NONE;
	if (at >= o->output_count)
		return false;
	x->operand = OPERAND_WRITE;
	x->index = at;
	x->buffer = in->writes[at];
	return true;
}

static bool
transfer_end_at(const struct instruction *in, struct access *x)
{
	if (x->position > 1)
		return false;
	x->write = x->position == 1;
	x->operand = x->write ? OPERAND_TO : OPERAND_FROM;
	x->index = 0;
	x->host = x->write == (in->queue == QUEUE_OUT);
	x->buffer = x->host ? in->host_buffer : in->device_buffer;
	return true;
}

bool
access_at(const struct plan *p, struct access *x)
{
	const struct instruction *in = moment_instruction(p, x->moment);

	if (in != NULL && in->queue != QUEUE_COMPUTE)
		return transfer_end_at(in, x);
	x->host = x->write = false;
	if (in != NULL)
		return operand_at(&p->graph->ops[in->op], in, x);
	x->write = x->moment == MOMENT_BEGIN;
	x->operand = x->write ? OPERAND_INITIAL : OPERAND_FINAL;
	return x->write ? place_at(p->initial, p->initial_count, x) : place_at(p->final, p->final_count, x);
}

bool
access_from(const struct plan *p, struct access *x)
{
	while (!access_at(p, x)) {
		if (x->moment == moment_end(p))
			return false;
		x->moment++;
		x->position = 0;
	}
	return true;
}

struct moment_range *
plan_live_ranges(const struct plan *p, struct arena *a)
{
	struct moment_range *ranges = ARENA_NEW(a, struct moment_range, p->buffer_count);

	for (uint32_t b = 0; b < p->buffer_count; b++)
		ranges[b] = (struct moment_range) { PLAN_NONE, PLAN_NONE };
	FOR_EACH_ACCESS(p, x) {
		if (x.host)
			continue;
		if (ranges[x.buffer].first == PLAN_NONE)
			ranges[x.buffer].first = x.moment;
		ranges[x.buffer].last = x.moment;
	}
	return ranges;
}
