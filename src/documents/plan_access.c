/* SPDX-License-Identifier: Apache-2.0 */
/* plan_access.c - the walk over a plan's initial places, instructions and final places */
#include <config.h>
#include "src/documents/plan_access.h"

static int
visit_places(const struct place *places, uint32_t count, struct access x, access_fn *fn, void *arg)
{
	int rc = 0;

	for (x.index = 0; rc == 0 && x.index < count; x.index++) {
		x.host = places[x.index].on_host;
		x.buffer = places[x.index].buffer;
		rc = fn(arg, &x);
	}
	return rc;
}

static int
visit_run(const struct op *o, const struct instruction *in, uint32_t moment, access_fn *fn, void *arg)
{
	struct access x = { .moment = moment, .operand = OPERAND_READ };
	int rc = 0;

	for (x.index = 0; rc == 0 && x.index < o->input_count; x.index++) {
		x.buffer = in->reads[x.index];
		rc = fn(arg, &x);
	}
	x.write = true;
	x.index = 0;
	x.operand = OPERAND_WORKSPACE;
	x.buffer = in->workspace;
	if (rc == 0 && in->workspace != PLAN_NONE)
		rc = fn(arg, &x);
	x.operand = OPERAND_WRITE;
	for (x.index = 0; rc == 0 && x.index < o->output_count; x.index++) {
		x.buffer = in->writes[x.index];
		rc = fn(arg, &x);
	}
	return rc;
}

static int
visit_transfer(const struct instruction *in, uint32_t moment, access_fn *fn, void *arg)
{
	bool offload = in->queue == QUEUE_OUT;
	struct access device = { .moment = moment, .buffer = in->device_buffer, .write = !offload,
	    .operand = offload ? OPERAND_FROM : OPERAND_TO };
	struct access host = { .moment = moment, .buffer = in->host_buffer, .write = offload, .host = true,
	    .operand = offload ? OPERAND_TO : OPERAND_FROM };
	int rc = fn(arg, offload ? &device : &host);

	return rc != 0 ? rc : fn(arg, offload ? &host : &device);
}

int
plan_visit(const struct plan *p, access_fn *fn, void *arg)
{
	struct access initial = { .moment = MOMENT_BEGIN, .operand = OPERAND_INITIAL, .write = true };
	struct access final = { .moment = moment_end(p), .operand = OPERAND_FINAL };
	int rc = visit_places(p->initial, p->initial_count, initial, fn, arg);

	for (uint32_t i = 0; rc == 0 && i < p->instruction_count; i++) {
		const struct instruction *in = &p->program[i];

		rc = in->queue == QUEUE_COMPUTE ? visit_run(&p->graph->ops[in->op], in, i + 1, fn, arg) :
		    visit_transfer(in, i + 1, fn, arg);
	}
	return rc != 0 ? rc : visit_places(p->final, p->final_count, final, fn, arg);
}
