/* SPDX-License-Identifier: Apache-2.0 */
/* execute.c - execute a plan, in host memory and with arithmetic instead of kernels
 *
 *	cc execute.c $(pkg-config --cflags --libs layrub) -o execute
 *	./execute plan.json
 *
 * Prints a digest of all persistent tensors after the step.  Two plans of one step have the same digest: the data are those of a step
 * with everything resident.  An executor for a GPU has one stream a queue in place of the one loop, and events for `after`.
 */
#include <inttypes.h>
#include <layrub.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct memory {
	const struct layrub_program *program;
	const struct layrub_graph *graph;
	unsigned char *arena, *host;
};

/* FNV-1a, a byte at a time. */
static uint64_t
digest_add(uint64_t digest, const unsigned char *data, uint64_t bytes)
{
	for (uint64_t i = 0; i < bytes; i++)
		digest = (digest ^ data[i]) * UINT64_C(0x100000001b3);
	return digest;
}

static void
fill(unsigned char *data, uint64_t bytes, uint64_t seed)
{
	for (uint64_t i = 0; i < bytes; i++) {
		seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		data[i] = (unsigned char)(seed >> 56);
	}
}

static unsigned char *
place_address(const struct memory *m, const struct layrub_place *p)
{
	return p->on_host ? m->host + m->program->host_buffers[p->buffer].offset_bytes
			  : m->arena + m->program->buffers[p->buffer].offset_bytes;
}

/* Gives each output values that follow from the op and from all its inputs. */
static void
run_op(const struct memory *m, const struct layrub_instruction *in)
{
	const struct layrub_op *op = &m->graph->ops[in->op];
	const struct layrub_buffer *buffers = m->program->buffers;
	uint64_t seed = in->op;

	for (uint32_t i = 0; i < in->read_count; i++)
		seed = digest_add(seed, m->arena + buffers[in->reads[i]].offset_bytes, m->graph->tensors[op->inputs[i]].bytes);
	for (uint32_t j = 0; j < in->write_count; j++)
		fill(m->arena + buffers[in->writes[j]].offset_bytes, m->graph->tensors[op->outputs[j]].bytes, seed + j);
}

/* Runs one step.  The list order is an order that all `after` allow. */
static void
run_step(const struct memory *m)
{
	const struct layrub_program *p = m->program;

	for (uint32_t i = 0; i < p->instruction_count; i++) {
		const struct layrub_instruction *in = &p->instructions[i];
		unsigned char *device, *host;

		if (in->queue == LAYRUB_COMPUTE) {
			run_op(m, in);
			continue;
		}
		device = m->arena + p->buffers[in->buffer].offset_bytes + in->at_bytes;
		host = m->host + p->host_buffers[in->host_buffer].offset_bytes + in->at_bytes;
		if (in->queue == LAYRUB_OUT)
			memcpy(host, device, in->bytes);
		else
			memcpy(device, host, in->bytes);
	}
}

static int
execute(const struct layrub_plan *plan)
{
	struct memory m = { .program = layrub_plan_program(plan), .graph = layrub_plan_graph(plan) };
	const struct layrub_program *p = m.program;
	uint64_t digest = 0;

	m.arena = malloc(p->arena_bytes + 1);
	m.host = malloc(p->host_bytes + 1);
	if (m.arena == NULL || m.host == NULL) {
		fputs("execute: not enough memory\n", stderr);
		free(m.arena);
		free(m.host);
		return 2;
	}
	for (uint32_t i = 0; i < p->initial_count; i++)
		fill(place_address(&m, &p->initial_places[i]), m.graph->tensors[p->initial_places[i].tensor].bytes,
		    p->initial_places[i].tensor);
	run_step(&m);
	for (uint32_t i = 0; i < p->final_count; i++)
		digest ^= digest_add(p->final_places[i].tensor, place_address(&m, &p->final_places[i]),
		    m.graph->tensors[p->final_places[i].tensor].bytes);
	printf("%" PRIu32 " instructions, %" PRIu32 " persistent tensors, digest %016" PRIx64 "\n", p->instruction_count, p->final_count,
	    digest);
	free(m.arena);
	free(m.host);
	return 0;
}

int
main(int argc, char **argv)
{
	struct layrub_error e = LAYRUB_ERROR_INIT;
	struct layrub_plan *plan;
	char line[2048];
	int status;

	if (argc != 2) {
		fputs("usage: execute PLAN\n", stderr);
		return 2;
	}
	plan = layrub_plan_read(argv[1], &e);
	if (plan == NULL || layrub_plan_check(plan, NULL, &e) < 0) {
		fprintf(stderr, "execute: %s\n", layrub_error_line(&e, line, sizeof(line)));
		layrub_plan_free(plan);
		return 2;
	}
	status = execute(plan);
	layrub_plan_free(plan);
	return status;
}
