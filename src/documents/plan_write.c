/* SPDX-License-Identifier: Apache-2.0 */
/* plan_write.c - the writer of "layrub-plan" documents */
#include <config.h>
#include "src/documents/plan.h"

#include "src/base/file.h"
#include "src/base/json.h"

struct writing {
	const struct plan *p;
	char graph_digest[33], device_digest[33];
};

static void
write_text(const char *key, const char *text, struct json_out *o)
{
	json_out_string(o, key, text == NULL ? "" : text);
}

static void
write_provenance(const struct writing *w, struct json_out *o)
{
	const struct plan *p = w->p;

	json_out_object(o, "provenance", true);
	json_out_string(o, "graph_xxh3", w->graph_digest);
	json_out_string(o, "device_xxh3", w->device_digest);
	write_text("policy", p->policy, o);
	if (p->found_by != NULL)
		json_out_string(o, "found_by", p->found_by);
	if (p->configuration != NULL)
		json_out_string(o, "configuration", p->configuration);
	write_text("placement", p->placement, o);
	write_text("options", p->options, o);
	if (p->batch > 0)
		json_out_uint(o, "batch", p->batch);
	json_out_string(o, "status", p->status == NULL ? "heuristic" : p->status);
	json_out_end_object(o);
}

static void
write_figures(const struct plan *p, struct json_out *o)
{
	json_out_object(o, "bounds", false);
	json_out_uint(o, "bound_bytes", p->figures.bound_bytes);
	json_out_uint(o, "resident_bound_bytes", p->figures.resident_bound_bytes);
	if (p->bound_time_us > 0)
		json_out_real(o, "bound_time_us", p->bound_time_us);
	json_out_end_object(o);
	json_out_object(o, "figures", false);
	json_out_uint(o, "peak_bytes", p->figures.peak_bytes);
	json_out_uint(o, "offload_bytes", p->figures.offload_bytes);
	json_out_uint(o, "fetch_bytes", p->figures.fetch_bytes);
	json_out_end_object(o);
	json_out_object(o, "predicted", false);
	json_out_real(o, "ideal_time_us", p->predicted.ideal_time_us);
	json_out_real(o, "step_time_us", p->predicted.step_time_us);
	json_out_real(o, "stall_time_us", p->predicted.stall_time_us);
	json_out_real(o, "recompute_time_us", p->predicted.recompute_time_us);
	json_out_end_object(o);
}

static void
write_buffers(const char *key, const struct buffer *buffers, uint32_t count, struct json_out *o)
{
	json_out_array(o, key, true);
	for (uint32_t i = 0; i < count; i++) {
		const struct buffer *b = &buffers[i];

		json_out_object(o, NULL, false);
		json_out_uint(o, "id", i);
		if (b->tensor != PLAN_NONE)
			json_out_uint(o, "tensor", b->tensor);
		json_out_uint(o, "offset_bytes", b->offset_bytes);
		json_out_uint(o, "bytes", b->bytes);
		json_out_end_object(o);
	}
	json_out_end_array(o);
}

static void
write_places(const char *key, const struct place *places, uint32_t count, struct json_out *o)
{
	json_out_array(o, key, true);
	for (uint32_t i = 0; i < count; i++) {
		json_out_object(o, NULL, false);
		json_out_uint(o, "tensor", places[i].tensor);
		json_out_uint(o, places[i].on_host ? "host" : "buffer", places[i].buffer);
		json_out_end_object(o);
	}
	json_out_end_array(o);
}

static void
write_run(const struct instruction *in, const struct op *op, struct json_out *o)
{
	json_out_uint(o, "op", in->op);
	json_out_ids(o, "reads", in->reads, op->input_count);
	json_out_ids(o, "writes", in->writes, op->output_count);
	if (in->workspace != PLAN_NONE)
		json_out_uint(o, "workspace", in->workspace);
	if (in->alternative != PLAN_NONE)
		json_out_uint(o, "alternative", in->alternative);
}

static void
write_transfer(const struct instruction *in, const struct plan *p, struct json_out *o)
{
	const struct buffer *b = &p->buffers[in->device_buffer];
	bool out = in->queue == QUEUE_OUT;

	json_out_uint(o, "from", out ? in->device_buffer : in->host_buffer);
	json_out_uint(o, "to", out ? in->host_buffer : in->device_buffer);
	if (in->at_bytes > 0)
		json_out_uint(o, "at_bytes", in->at_bytes);
	/* A transfer without `bytes` takes the rest of the tensor. */
	if (b->tensor == PLAN_NONE || in->at_bytes + in->bytes != p->graph->tensors[b->tensor].bytes)
		json_out_uint(o, "bytes", in->bytes);
}

static void
write_program(const struct plan *p, struct json_out *o)
{
	json_out_array(o, "program", true);
	for (uint32_t i = 0; i < p->instruction_count; i++) {
		const struct instruction *in = &p->program[i];

		json_out_object(o, NULL, false);
		json_out_uint(o, "id", i);
		json_out_string(o, "queue", queue_names[in->queue]);
		json_out_string(o, "do", action_names[in->queue]);
		if (in->queue == QUEUE_COMPUTE)
			write_run(in, &p->graph->ops[in->op], o);
		else
			write_transfer(in, p, o);
		if (in->after_count > 0)
			json_out_ids(o, "after", in->after, in->after_count);
		json_out_end_object(o);
	}
	json_out_end_array(o);
}

/* Returns the lowest version that holds the plan: at least that of the newest document in it. */
static uint32_t
version_of(const struct plan *p)
{
	uint32_t graph = graph_version(p->graph), device = device_version(p->device), own = p->configuration != NULL ? 2 : 1;

	return graph > device ? (graph > own ? graph : own) : device > own ? device : own;
}

static void
write_plan(const struct writing *w, FILE *out)
{
	const struct plan *p = w->p;
	struct json_out o;

	json_out_init(&o, out);
	json_out_object(&o, NULL, true);
	json_out_string(&o, "format", "layrub-plan");
	json_out_uint(&o, "version", version_of(p));
	write_text("tool", p->tool, &o);
	write_provenance(w, &o);
	json_out_uint(&o, "arena_bytes", p->arena_bytes);
	json_out_uint(&o, "host_bytes", p->host_bytes);
	json_out_uint(&o, "budget_bytes", p->budget_bytes);
	write_figures(p, &o);
	write_buffers("buffers", p->buffers, p->buffer_count, &o);
	write_buffers("host", p->host, p->host_count, &o);
	write_places("initial", p->initial, p->initial_count, &o);
	write_places("final", p->final, p->final_count, &o);
	write_program(p, &o);
	graph_to_json(p->graph, "graph", &o);
	device_to_json(p->device, "device", &o);
	json_out_end_object(&o);
	json_out_finish(&o);
}

static void
writing_init(struct writing *w, const struct plan *p, struct arena *a)
{
	w->p = p;
	graph_digest(p->graph, w->graph_digest, a);
	device_digest(p->device, w->device_digest, a);
}

static int
write_file(FILE *out, void *arg, struct err *e)
{
	(void)e;
	write_plan(arg, out);
	return 0;
}

/* Refuses figures that plan_read() would refuse. */
static int
check_figures(const struct plan *p, struct err *e)
{
	static const double time_most = 1e18;	/* JSON_F_REAL */
	const double times[] = { p->predicted.ideal_time_us, p->predicted.step_time_us, p->predicted.stall_time_us,
		p->predicted.recompute_time_us, p->bound_time_us };

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		if (!(times[i] <= time_most))
			return err_set(e, ERR_INPUT, "expected a step of at most %g us, which a plan can say, got one of %g us", time_most, times[i]);
	return device_check(p->device, e);
}

int
plan_write(const struct plan *p, const char *path, struct arena *a, struct err *e)
{
	struct writing w;

	if (check_figures(p, e) < 0)
		return err_in_file(e, path);
	writing_init(&w, p, a);
	return file_write(path, write_file, &w, e);
}

void
plan_write_to(const struct plan *p, FILE *out, struct arena *a)
{
	struct writing w;

	writing_init(&w, p, a);
	write_plan(&w, out);
}
