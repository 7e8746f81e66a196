/* SPDX-License-Identifier: Apache-2.0 */
/* toy_plan.c - instructions added one by one to a plan of fixed storage */
#include <config.h>
#include "tests/toy_plan.h"

#include <stdarg.h>
#include <string.h>

#include "tests/tap.h"

void
toy_init(struct toy *b)
{
	arena_free(&b->arena);
	memset(b, 0, sizeof(*b));
	b->device.name = "toy";
	b->device.link[D2H].bytes_per_s = b->device.link[H2D].bytes_per_s = 1e9;
	b->device.duplex_bytes_per_s = 1e18;
	b->device.copy_engines = 2;
	for (int c = 0; c < CLASS_COUNT; c++)
		b->device.contention[c] = 1;
	b->graph.ops = b->ops;
	b->graph.tensors = b->tensors;
	b->plan.graph = &b->graph;
	b->plan.device = &b->device;
	b->plan.buffers = b->buffers;
	b->plan.host = b->host;
	b->plan.initial = b->initial;
	b->plan.final = b->final;
	b->plan.program = b->program;
}

static uint32_t
instruct(struct toy *b, struct instruction in, va_list edges)
{
	uint32_t id = b->plan.instruction_count++, edge;

	while ((edge = va_arg(edges, uint32_t)) != END)
		b->after[id][in.after_count++] = edge;
	in.after = b->after[id];
	b->program[id] = in;
	return id;
}

uint32_t
toy_run(struct toy *b, uint32_t op, double us, ...)
{
	va_list edges;
	uint32_t id;

	if (op == b->graph.op_count) {
		b->ops[op] = (struct op){ .name = "op", .class = CLASS_CONV, .time_us = us };
		b->graph.op_count++;
	}
	va_start(edges, us);
	id = instruct(b, (struct instruction){ .queue = QUEUE_COMPUTE, .op = op,
	    .workspace = PLAN_NONE, .alternative = PLAN_NONE }, edges);
	va_end(edges);
	return id;
}

uint32_t
toy_move(struct toy *b, enum queue q, bytes_t bytes, ...)
{
	va_list edges;
	uint32_t id;

	if (b->plan.buffer_count == 0)
		b->plan.buffer_count = b->plan.host_count = b->graph.tensor_count = 1;
	va_start(edges, bytes);
	id = instruct(b, (struct instruction){ .queue = q, .bytes = bytes }, edges);
	va_end(edges);
	return id;
}

bool
toy_time(struct toy *b, const char *what)
{
	b->err.code = ERR_NONE;
	if (simulate(&b->result, &b->plan, &b->device, &b->arena, &b->err) == 0)
		return true;
	return ok(false, "%s: %s", what, b->err.text);
}
