/* SPDX-License-Identifier: Apache-2.0 */
/* trace.c - timelines in the Trace Event Format */
#include <config.h>
#include "sim/report/trace.h"

#include "src/base/file.h"
#include "src/base/json.h"
#include "src/documents/origin.h"
#include "src/documents/plan_access.h"

struct trace {
	const struct plan *plan;
	const struct timeline *timelines;
	struct sim_memory *memory;	/* [count] one each */
	uint32_t count;
	const char **names;		/* [instruction_count] "h.3.act gelu", "offload h.3.act gelu" */
	uint32_t *offload_of;		/* [instruction_count] a fetch's offload, or PLAN_NONE */
	uint32_t *fetch_of;		/* [instruction_count] a fetch that this run is the first to use, or PLAN_NONE */
};

/* Finds the offload before each fetch, and the fetch before each run. */
static void
find_arrows(struct trace *t, struct arena *a)
{
	const struct plan *p = t->plan;
	uint32_t *brought = ARENA_NEW(a, uint32_t, p->buffer_count), *left = ARENA_NEW(a, uint32_t, p->host_count);

	t->offload_of = ARENA_NEW(a, uint32_t, p->instruction_count);
	t->fetch_of = ARENA_NEW(a, uint32_t, p->instruction_count);
	for (uint32_t b = 0; b < p->buffer_count; b++)
		brought[b] = PLAN_NONE;
	for (uint32_t b = 0; b < p->host_count; b++)
		left[b] = PLAN_NONE;
	for (uint32_t i = 0; i < p->instruction_count; i++) {
		t->offload_of[i] = t->fetch_of[i] = PLAN_NONE;
		FOR_EACH_ACCESS_AT(p, i + 1, x) {
			if (x.operand == OPERAND_FROM && x.host)
				t->offload_of[i] = left[x.buffer];
			if (x.operand == OPERAND_TO)
				*(x.host ? &left[x.buffer] : &brought[x.buffer]) = i;
			if (x.operand != OPERAND_READ || brought[x.buffer] == PLAN_NONE)
				continue;
			t->fetch_of[i] = brought[x.buffer];
			brought[x.buffer] = PLAN_NONE;
		}
	}
}

/* Names each slice: of a run its layer and op, of a copy those of the tensor's origin. */
static void
name_slices(struct trace *t, struct arena *a)
{
	const struct plan *p = t->plan;
	const struct origin *origins = graph_origins(p->graph, a);

	t->names = ARENA_NEW(a, const char *, p->instruction_count);
	for (uint32_t i = 0; i < p->instruction_count; i++) {
		const struct instruction *in = &p->program[i];
		const struct origin *o;

		if (in->queue == QUEUE_COMPUTE) {
			t->names[i] = op_label(&p->graph->ops[in->op], a);
			continue;
		}
		o = &origins[p->buffers[in->device_buffer].tensor];
		t->names[i] = o->how == ORIGIN_NONE ? action_names[in->queue] :
		    arena_printf(a, "%s %s", action_names[in->queue], op_label(&p->graph->ops[o->op], a));
	}
}

/* Opens an event; the caller adds its own keys and closes it. */
static void
event(struct json_out *o, const char *phase, const char *name, uint32_t process, unsigned track, double time_us)
{
	json_out_object(o, NULL, false);
	json_out_string(o, "ph", phase);
	json_out_string(o, "name", name);
	json_out_uint(o, "pid", process);
	json_out_uint(o, "tid", track);
	json_out_real(o, "ts", time_us);
}

static void
name_track(struct json_out *o, const char *what, const char *name, uint32_t process, unsigned track)
{
	json_out_object(o, NULL, false);
	json_out_string(o, "ph", "M");
	json_out_string(o, "name", what);
	json_out_uint(o, "pid", process);
	json_out_uint(o, "tid", track);
	json_out_object(o, "args", false);
	json_out_string(o, "name", name);
	json_out_end_object(o);
	json_out_end_object(o);
}

static void
write_instruction(const struct trace *t, struct json_out *o, uint32_t process, uint32_t i, const struct sim_span *s)
{
	const struct plan *p = t->plan;
	const struct instruction *in = &p->program[i];
	const bool run = in->queue == QUEUE_COMPUTE;

	event(o, "X", t->names[i], process, in->queue, s->start_us);
	json_out_real(o, "dur", s->end_us - s->start_us);
	json_out_string(o, "cat", run ? phase_names[p->graph->ops[in->op].phase] : "transfer");
	json_out_object(o, "args", false);
	json_out_uint(o, "instruction", i);
	if (run) {
		json_out_uint(o, "op", in->op);
		if (p->graph->ops[in->op].layer != NULL)
			json_out_string(o, "layer", p->graph->ops[in->op].layer);
	} else {
		json_out_uint(o, "tensor", p->buffers[in->device_buffer].tensor);
		json_out_uint(o, "bytes", in->bytes);
	}
	json_out_end_object(o);
	json_out_end_object(o);
}

/* Writes one end of an arrow: phase "s" starts it, "f" ends it. */
static void
write_arrow_end(struct json_out *o, const char *phase, const char *name, uint32_t process, enum queue q, double time_us, uint64_t id)
{
	event(o, phase, name, process, q, time_us);
	json_out_string(o, "cat", "data");
	json_out_uint(o, "id", id);
	if (*phase == 'f')
		json_out_string(o, "bp", "e");
	json_out_end_object(o);
}

static void
write_arrow(const struct trace *t, struct json_out *o, uint32_t process, const struct sim_span *spans, uint32_t from, uint32_t to)
{
	const struct instruction *program = t->plan->program;
	/* Ids are unique in the file, over all timelines. */
	const uint64_t id = (uint64_t)process * t->plan->instruction_count + to;
	const char *name = program[from].queue == QUEUE_OUT ? "comes back" : "is used";

	write_arrow_end(o, "s", name, process, program[from].queue, spans[from].start_us, id);
	write_arrow_end(o, "f", name, process, program[to].queue, spans[to].start_us, id);
}

static void
write_memory(const struct sim_memory *m, struct json_out *o, uint32_t process)
{
	for (uint32_t k = 0; k < m->count; k++) {
		event(o, "C", "device memory", process, 0, m->time_us[k]);
		json_out_object(o, "args", false);
		for (int kind = 0; kind < SIM_KINDS; kind++)
			json_out_uint(o, sim_kind_name(kind), m->bytes[k][kind]);
		json_out_end_object(o);
		json_out_end_object(o);
		if (k > 0 && m->host_bytes[k] == m->host_bytes[k - 1])
			continue;
		event(o, "C", "pinned memory", process, 0, m->time_us[k]);
		json_out_object(o, "args", false);
		json_out_uint(o, "bytes", m->host_bytes[k]);
		json_out_end_object(o);
		json_out_end_object(o);
	}
}

static void
write_timeline(const struct trace *t, struct json_out *o, uint32_t k)
{
	const struct sim_result *r = t->timelines[k].result;
	const uint32_t process = k + 1;

	name_track(o, "process_name", t->timelines[k].title, process, 0);
	for (int q = 0; q < QUEUE_COUNT; q++)
		name_track(o, "thread_name", queue_names[q], process, (unsigned)q);
	for (uint32_t i = 0; i < t->plan->instruction_count; i++)
		write_instruction(t, o, process, i, &r->spans[i]);
	for (uint32_t i = 0; i < t->plan->instruction_count; i++) {
		if (t->offload_of[i] != PLAN_NONE)
			write_arrow(t, o, process, r->spans, t->offload_of[i], i);
		if (t->fetch_of[i] != PLAN_NONE)
			write_arrow(t, o, process, r->spans, t->fetch_of[i], i);
	}
	write_memory(&t->memory[k], o, process);
}

static int
write_trace(FILE *out, void *arg, struct err *e)
{
	const struct trace *t = arg;
	struct json_out o;

	(void)e;
	json_out_init(&o, out);
	json_out_object(&o, NULL, true);
	json_out_string(&o, "displayTimeUnit", "ms");
	json_out_object(&o, "otherData", false);
	json_out_string(&o, "graph", t->plan->graph->name);
	json_out_string(&o, "device", t->plan->device->name);
	json_out_string(&o, "policy", t->plan->policy);
	json_out_end_object(&o);
	json_out_array(&o, "traceEvents", true);
	for (uint32_t k = 0; k < t->count; k++)
		write_timeline(t, &o, k);
	json_out_end_array(&o);
	json_out_end_object(&o);
	json_out_finish(&o);
	return 0;
}

int
trace_write(const char *path, const struct plan *p, const struct timeline *timelines, uint32_t count, struct arena *a, struct err *e)
{
	struct trace t = { .plan = p, .timelines = timelines, .count = count };

	/* All memory is taken before the file is opened. */
	t.memory = ARENA_NEW(a, struct sim_memory, count);
	for (uint32_t k = 0; k < count; k++)
		sim_memory(&t.memory[k], timelines[k].result, p, a);
	find_arrows(&t, a);
	name_slices(&t, a);
	return file_write(path, write_trace, &t, e);
}
