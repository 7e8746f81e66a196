/* SPDX-License-Identifier: Apache-2.0 */
/* runtime.c - memory, programs, and a step as the loop over a program */
#include <config.h>
#include "pytorch/runtime/runtime.h"

#include <stdlib.h>
#include <string.h>

#include "pytorch/runtime/backend.h"
#include "sim/execute/execute.h"
#include "src/base/json.h"

enum { INTERFACE = 3 };

static const struct runtime_backend *const backends[] = { &runtime_host, &runtime_cuda };

struct layrub_torch_memory {
	const struct runtime_backend *backend;
	int32_t device;
	bool on_host;
	bytes_t bytes;
	void *address;
};

struct layrub_torch_program {
	struct arena arena;
	const struct runtime_backend *backend;
	struct plan plan;
	struct machine_job job;
	struct machine *machine;
	layrub_torch_run_fn *run;	/* in a step */
	bool stopped;			/* run has ended the step */
};

uint32_t
layrub_torch_interface(void)
{
	return INTERFACE;
}

/* Writes an error as one line: "PLACE: TEXT". */
static void
say(const struct err *e, char *error)
{
	snprintf(error, RUNTIME_ERROR, "%s%s%s", e->path, e->path[0] != '\0' ? ": " : "", e->text);
}

int
runtime_backend_find(const struct runtime_backend **found, const char *name, struct err *e)
{
	for (size_t k = 0; k < sizeof(backends) / sizeof(*backends); k++)
		if (strcmp(backends[k]->name, name) == 0) {
			*found = backends[k];
			return 0;
		}
	return err_set(e, ERR_INPUT, "no back end '%s'", name);
}

/* ---- memory ---- */

static int
take(struct layrub_torch_memory *m, const char *backend, struct err *e)
{
	if (runtime_backend_find(&m->backend, backend, e) < 0)
		return -1;
	return m->bytes == 0 ? 0 : m->backend->take(&m->address, m->device, m->on_host, m->bytes, e);
}

struct layrub_torch_memory *
layrub_torch_memory_take(const struct layrub_torch_device *device, bool on_host, uint64_t bytes, char *error)
{
	struct layrub_torch_memory *m = calloc(1, sizeof(*m));
	struct err e = ERR_INIT;

	if (m == NULL) {
		snprintf(error, RUNTIME_ERROR, "out of memory");
		return NULL;
	}
	*m = (struct layrub_torch_memory) { .device = device->number, .on_host = on_host, .bytes = bytes };
	if (take(m, device->backend, &e) == 0)
		return m;
	say(&e, error);
	free(m);
	return NULL;
}

void *
layrub_torch_memory_address(const struct layrub_torch_memory *memory)
{
	return memory->address;
}

void
layrub_torch_memory_free(struct layrub_torch_memory *memory)
{
	if (memory == NULL)
		return;
	if (memory->address != NULL)
		memory->backend->give(memory->address, memory->device, memory->on_host, memory->bytes);
	free(memory);
}

int
layrub_torch_copy(const struct layrub_torch_device *device, void *to, const void *from, uint64_t bytes, char *error)
{
	const struct runtime_backend *b;
	struct err e = ERR_INIT;

	if (runtime_backend_find(&b, device->backend, &e) == 0 && (bytes == 0 || b->move(to, from, device->number, bytes, &e) == 0))
		return 0;
	say(&e, error);
	return -1;
}

/* ---- programs ---- */

struct program_opening {
	struct layrub_torch_program *program;
	const char *backend;
	struct json_source source;
	struct err err;
};

static int
open_program(void *arg)
{
	struct program_opening *o = arg;
	struct layrub_torch_program *p = o->program;

	if (runtime_backend_find(&p->backend, o->backend, &o->err) < 0 || plan_read_from(&p->plan, &o->source, &p->arena, &o->err) < 0)
		return -1;
	if ((p->plan.arena_bytes > 0 && p->job.arena == NULL) || (p->plan.host_bytes > 0 && p->job.pool == NULL))
		return err_set(&o->err, ERR_INPUT, "the plan needs an arena or a pool, and none is given");
	p->job.plan = &p->plan;
	p->job.signals = execute_signals(&p->plan, &p->arena);
	return p->backend->open(&p->machine, &p->job, &p->arena, &o->err);
}

struct layrub_torch_program *
layrub_torch_program_open(const struct layrub_torch_device *device, const char *text, size_t size, void *arena, void *pool, char *error)
{
	struct program_opening o = { .backend = device->backend, .source = { .text = text, .size = size }, .err = ERR_INIT };

	o.program = calloc(1, sizeof(*o.program));
	if (o.program == NULL) {
		snprintf(error, RUNTIME_ERROR, "out of memory");
		return NULL;
	}
	o.program->job = (struct machine_job) { .arena = arena, .pool = pool, .device = device->number };
	if (arena_run(&o.program->arena, open_program, &o, &o.err) == 0)
		return o.program;
	say(&o.err, error);
	layrub_torch_program_close(o.program);
	return NULL;
}

void
layrub_torch_program_close(struct layrub_torch_program *program)
{
	if (program == NULL)
		return;
	if (program->machine != NULL)
		program->backend->close(program->machine);
	arena_free(&program->arena);
	free(program);
}

void *
layrub_torch_program_stream(const struct layrub_torch_program *program)
{
	return program->backend->stream(program->machine);
}

/* ---- a step ---- */

static int
wait_for(void *program, uint32_t i, uint32_t after, struct err *e)
{
	struct layrub_torch_program *p = program;

	return p->backend->wait(p->machine, i, after, e);
}

static int
perform(void *program, uint32_t i, struct err *e)
{
	struct layrub_torch_program *p = program;
	const struct instruction *in = &p->plan.program[i];

	if (in->queue != QUEUE_COMPUTE)
		return in->bytes == 0 ? 0 : p->backend->copy(p->machine, i, e);
	if (p->run(i) == 0)
		return 0;
	p->stopped = true;
	return err_set(e, ERR_NO, "the op has failed");
}

static int
record(void *program, uint32_t i, struct err *e)
{
	struct layrub_torch_program *p = program;

	return p->backend->record(p->machine, i, e);
}

int
layrub_torch_program_step(struct layrub_torch_program *program, layrub_torch_run_fn *run, char *error)
{
	static const struct commands commands = { .wait = wait_for, .perform = perform, .record = record };
	struct err e = ERR_INIT;

	program->run = run;
	program->stopped = false;
	if (program->backend->begin(program->machine, &e) == 0 &&
	    execute_step(&program->plan, program->job.signals, &commands, program, &e) == 0 &&
	    program->backend->end(program->machine, &e) == 0)
		return 0;
	program->backend->drain(program->machine);
	say(&e, error);
	return program->stopped ? 1 : -1;
}

int
layrub_torch_graph_tune(const struct layrub_torch_device *device, void *graph, char *error)
{
	const struct runtime_backend *b;
	struct err e = ERR_INIT;
	uint32_t changed = 0;

	if (runtime_backend_find(&b, device->backend, &e) == 0 && (b->tune == NULL || b->tune(graph, device->number, &changed, &e) == 0))
		return (int)changed;
	say(&e, error);
	return -1;
}
