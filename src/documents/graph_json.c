/* SPDX-License-Identifier: Apache-2.0 */
/* graph_json.c - reader and writer of "layrub-graph" documents, and their digest */
#include <config.h>
#include "src/documents/graph.h"

#include "src/base/json.h"

enum { GRAPH_VERSION = 2 };	/* the newest that is read */

/* ---- reading ---- */

static int
read_measured(struct measured *m, json_t *obj, struct arena *a, struct err *e)
{
	const struct json_field fields[] = {
		{ "device", JSON_F_STRING, &m->device, .required = true },
		{ "step_time_us", JSON_F_TIME, &m->step_time_us, .required = true },
		{ "peak_bytes", JSON_F_BYTES, &m->peak_bytes, .required = true },
		{ "resident_bytes", JSON_F_BYTES, &m->resident_bytes, .required = true },
		{ .key = NULL }
	};

	if (json_read_fields(obj, fields, a, e) < 0)
		return -1;
	if (m->step_time_us > 0)
		return 0;
	err_set(e, ERR_INPUT, "expected a positive time, got 0");
	return err_at(e, "step_time_us");
}

static int
read_tensors(struct graph *g, json_t *list, uint32_t version, struct arena *a, struct err *e)
{
	uint32_t id;
	bytes_t bytes;
	const char *name, **names;
	int kind;
	const struct json_field fields[] = {
		{ "id", JSON_F_ID, &id, .required = true },
		{ "bytes", JSON_F_BYTES, &bytes, .required = true },
		{ "kind", JSON_F_CHOICE, &kind, .required = true, .choices = kind_names },
		{ "name", JSON_F_STRING, &name, .since = 2 },
		{ .key = NULL }
	};

	if (json_read_size(list, &g->tensor_count, e) < 0)
		return err_at(e, "tensors");
	g->tensors = ARENA_NEW(a, struct tensor, g->tensor_count);
	names = ARENA_NEW(a, const char *, g->tensor_count);
	for (uint32_t i = 0; i < g->tensor_count; i++) {
		name = NULL;
		if (json_read_fields_of(json_array_get(list, i), fields, version, a, e) < 0 || json_check_id(id, i, e) < 0)
			return err_at(e, "tensors[%" PRIu32 "]", i);
		if (kind == KIND_RESULT && version < 2) {
			err_set(e, ERR_INPUT, "the kind 'result' needs \"version\": 2, got %" PRIu32, version);
			return err_at(e, "tensors[%" PRIu32 "].kind", i);
		}
		g->tensors[i] = (struct tensor) { bytes, (enum kind)kind };
		names[i] = name;
		if (name != NULL)
			g->tensor_names = names;
	}
	return 0;
}

static int
read_inplace(struct op *o, json_t *list, struct arena *a, struct err *e)
{
	struct inplace *pairs;
	struct json_ids ids;
	const struct json_field pair = { .type = JSON_F_IDS, .to = &ids };

	if (json_read_size(list, &o->inplace_count, e) < 0)
		return -1;
	pairs = ARENA_NEW(a, struct inplace, o->inplace_count);
	for (uint32_t i = 0; i < o->inplace_count; i++) {
		if (json_read_value(json_array_get(list, i), &pair, a, e) < 0)
			return err_at(e, "[%" PRIu32 "]", i);
		if (ids.count != 2) {
			err_set(e, ERR_INPUT, "expected [input, output], got %" PRIu32 " ids", ids.count);
			return err_at(e, "[%" PRIu32 "]", i);
		}
		pairs[i] = (struct inplace) { ids.ids[0], ids.ids[1] };
	}
	o->inplace = pairs;
	return 0;
}

static int
read_alternatives(struct op *o, json_t *list, struct arena *a, struct err *e)
{
	struct alternative *alts, alt;
	const struct json_field fields[] = {
		{ "workspace_bytes", JSON_F_BYTES, &alt.workspace_bytes, .required = true },
		{ "time_us", JSON_F_TIME, &alt.time_us, .required = true },
		{ .key = NULL }
	};

	if (json_read_size(list, &o->alternative_count, e) < 0)
		return -1;
	alts = ARENA_NEW(a, struct alternative, o->alternative_count);
	for (uint32_t i = 0; i < o->alternative_count; i++) {
		if (json_read_fields(json_array_get(list, i), fields, a, e) < 0)
			return err_at(e, "[%" PRIu32 "]", i);
		alts[i] = alt;
	}
	o->alternatives = alts;
	return 0;
}

/* *recomputable_given: the document has the key, so o->recomputable is not the default. */
static int
read_op(struct op *o, bool *recomputable_given, json_t *obj, uint32_t version, struct arena *a, struct err *e)
{
	struct json_ids inputs, outputs;
	json_t *inplace = NULL, *alternatives = NULL;
	int phase, class = -1, math = MATH_FLOAT32;
	bool timed = false, told = false;
	const struct json_field fields[] = {
		{ "name", JSON_F_STRING, &o->name, .required = true },
		{ "layer", JSON_F_STRING, &o->layer, .required = false },
		{ "source", JSON_F_STRING, &o->source, .since = 2 },
		{ "class", JSON_F_CHOICE, &class, .choices = op_class_names },
		{ "phase", JSON_F_CHOICE, &phase, .required = true, .choices = phase_names },
		{ "inputs", JSON_F_IDS, &inputs, .required = true },
		{ "outputs", JSON_F_IDS, &outputs, .required = true },
		{ "inplace", JSON_F_ARRAY, &inplace, .required = false },
		{ "workspace_bytes", JSON_F_BYTES, &o->workspace_bytes, .required = true },
		{ "time_us", JSON_F_TIME, &o->time_us, .required = version < 2, .seen = &timed },
		{ "estimated", JSON_F_BOOL, &o->estimated, .seen = &told, .since = 2 },
		{ "flops", JSON_F_REAL, &o->flops, .since = 2 },
		{ "memory_bytes", JSON_F_BYTES, &o->memory_bytes, .since = 2 },
		{ "math", JSON_F_CHOICE, &math, .choices = math_names, .since = 2 },
		{ "alternatives", JSON_F_ARRAY, &alternatives, .required = false },
		{ "recomputable", JSON_F_BOOL, &o->recomputable, .seen = recomputable_given },
		{ .key = NULL }
	};

	o->time_us = NAN;
	if (json_read_fields_of(obj, fields, version, a, e) < 0)
		return -1;
	if (!told)
		o->estimated = !timed;
	if (!timed && !o->estimated)
		return err_set(e, ERR_INPUT, "expected the key 'time_us' of an op that is not estimated, got none");
	o->math = (enum math)math;
	o->phase = (enum phase)phase;
	o->class = class >= 0 ? (enum op_class)class : op_class_of(o->name, o->phase);
	o->inputs = inputs.ids;
	o->input_count = inputs.count;
	o->outputs = outputs.ids;
	o->output_count = outputs.count;
	if (inplace != NULL && read_inplace(o, inplace, a, e) < 0)
		return err_at(e, "inplace");
	if (alternatives != NULL && read_alternatives(o, alternatives, a, e) < 0)
		return err_at(e, "alternatives");
	return 0;
}

static int
read_ops(struct graph *g, bool **given, json_t *list, uint32_t version, struct arena *a, struct err *e)
{
	if (json_read_size(list, &g->op_count, e) < 0)
		return err_at(e, "ops");
	g->ops = ARENA_NEW(a, struct op, g->op_count);
	*given = ARENA_NEW(a, bool, g->op_count);
	for (uint32_t i = 0; i < g->op_count; i++)
		if (read_op(&g->ops[i], *given + i, json_array_get(list, i), version, a, e) < 0)
			return err_at(e, "ops[%" PRIu32 "]", i);
	return 0;
}

int
graph_from_json(struct graph *g, json_t *root, struct arena *a, struct err *e)
{
	json_t *format, *version, *measured = NULL, *tensors = NULL, *ops = NULL;
	int op_times = -1;
	bool *given = NULL;
	uint32_t document_version = 0;
	const struct json_field fields[] = {
		{ "format", JSON_F_ANY, &format, .required = true },
		{ "version", JSON_F_ANY, &version, .required = true },
		{ "name", JSON_F_STRING, &g->name, .required = true },
		{ "source", JSON_F_STRING, &g->source, .required = false },
		{ "op_times", JSON_F_CHOICE, &op_times, .choices = op_times_names, .since = 2 },
		{ "measured", JSON_F_OBJECT, &measured, .required = false },
		{ "tensors", JSON_F_ARRAY, &tensors, .required = true },
		{ "ops", JSON_F_ARRAY, &ops, .required = true },
		{ .key = NULL }
	};

	*g = (struct graph) { .name = NULL };
	if (json_check_format(root, "layrub-graph", GRAPH_VERSION, &document_version, e) < 0 ||
	    json_read_fields_of(root, fields, document_version, a, e) < 0)
		return -1;
	g->op_times = (enum op_times)(op_times + 1);
	if (measured != NULL && read_measured(&g->measured, measured, a, e) < 0)
		return err_at(e, "measured");
	if (read_tensors(g, tensors, document_version, a, e) < 0 || read_ops(g, &given, ops, document_version, a, e) < 0 || graph_check(g, e) < 0)
		return -1;
	for (uint32_t i = 0; i < g->op_count; i++)
		if (!given[i])
			g->ops[i].recomputable = op_recomputable_default(g, &g->ops[i]);
	return 0;
}

static int
read_any(void *to, json_t *root, struct arena *a, struct err *e)
{
	return graph_from_json(to, root, a, e);
}

int
graph_read(struct graph *g, const char *path, struct arena *a, struct err *e)
{
	return json_read(&(struct json_source) { .path = path }, read_any, g, a, e);
}

/* ---- writing ---- */

static void
write_tensors(const struct graph *g, struct json_out *o)
{
	json_out_array(o, "tensors", true);
	for (uint32_t i = 0; i < g->tensor_count; i++) {
		json_out_object(o, NULL, false);
		json_out_uint(o, "id", i);
		json_out_uint(o, "bytes", g->tensors[i].bytes);
		json_out_string(o, "kind", kind_names[g->tensors[i].kind]);
		if (graph_tensor_name(g, i) != NULL)
			json_out_string(o, "name", graph_tensor_name(g, i));
		json_out_end_object(o);
	}
	json_out_end_array(o);
}

static void
write_alternatives(const struct op *op, struct json_out *o)
{
	json_out_array(o, "alternatives", false);
	for (uint32_t i = 0; i < op->alternative_count; i++) {
		json_out_object(o, NULL, false);
		json_out_uint(o, "workspace_bytes", op->alternatives[i].workspace_bytes);
		json_out_real(o, "time_us", op->alternatives[i].time_us);
		json_out_end_object(o);
	}
	json_out_end_array(o);
}

static void
write_work(const struct op *op, struct json_out *o)
{
	if (op->flops > 0)
		json_out_real(o, "flops", op->flops);
	if (op->memory_bytes > 0)
		json_out_uint(o, "memory_bytes", op->memory_bytes);
	if (op->math != MATH_FLOAT32)
		json_out_string(o, "math", math_names[op->math]);
}

static void
write_op(const struct graph *g, const struct op *op, struct json_out *o)
{
	json_out_object(o, NULL, false);
	json_out_string(o, "name", op->name);
	if (op->layer != NULL)
		json_out_string(o, "layer", op->layer);
	if (op->class != op_class_of(op->name, op->phase))
		json_out_string(o, "class", op_class_names[op->class]);
	if (op->source != NULL)
		json_out_string(o, "source", op->source);
	json_out_string(o, "phase", phase_names[op->phase]);
	json_out_ids(o, "inputs", op->inputs, op->input_count);
	json_out_ids(o, "outputs", op->outputs, op->output_count);
	if (op->inplace_count > 0) {
		json_out_array(o, "inplace", false);
		for (uint32_t i = 0; i < op->inplace_count; i++)
			json_out_ids(o, NULL, (uint32_t[]) { op->inplace[i].input, op->inplace[i].output }, 2);
		json_out_end_array(o);
	}
	json_out_uint(o, "workspace_bytes", op->workspace_bytes);
	if (op_has_time(op))
		json_out_real(o, "time_us", op->time_us);
	if (op_has_time(op) && op->estimated)
		json_out_bool(o, "estimated", true);
	write_work(op, o);
	if (op->alternative_count > 0)
		write_alternatives(op, o);
	if (op->recomputable != op_recomputable_default(g, op))
		json_out_bool(o, "recomputable", op->recomputable);
	json_out_end_object(o);
}

static void
write_measured(const struct measured *m, struct json_out *o)
{
	json_out_object(o, "measured", false);
	json_out_string(o, "device", m->device);
	json_out_real(o, "step_time_us", m->step_time_us);
	json_out_uint(o, "peak_bytes", m->peak_bytes);
	json_out_uint(o, "resident_bytes", m->resident_bytes);
	json_out_end_object(o);
}

uint32_t
graph_version(const struct graph *g)
{
	if (g->op_times != OP_TIMES_UNKNOWN)
		return 2;
	for (uint32_t t = 0; t < g->tensor_count; t++)
		if (g->tensors[t].kind == KIND_RESULT || graph_tensor_name(g, t) != NULL)
			return 2;
	for (uint32_t i = 0; i < g->op_count; i++) {
		const struct op *o = &g->ops[i];

		if (o->source != NULL || o->estimated || o->flops > 0 || o->memory_bytes > 0 || o->math != MATH_FLOAT32)
			return 2;
	}
	return 1;
}

void
graph_to_json(const struct graph *g, const char *key, struct json_out *o)
{
	json_out_object(o, key, true);
	json_out_string(o, "format", "layrub-graph");
	json_out_uint(o, "version", graph_version(g));
	json_out_string(o, "name", g->name);
	if (g->source != NULL)
		json_out_string(o, "source", g->source);
	if (g->op_times != OP_TIMES_UNKNOWN)
		json_out_string(o, "op_times", op_times_names[g->op_times - 1]);
	if (g->measured.step_time_us > 0)
		write_measured(&g->measured, o);
	write_tensors(g, o);
	json_out_array(o, "ops", true);
	for (uint32_t i = 0; i < g->op_count; i++)
		write_op(g, &g->ops[i], o);
	json_out_end_array(o);
	json_out_end_object(o);
}

static void
write_any(const void *document, const char *key, struct json_out *o)
{
	graph_to_json(document, key, o);
}

int
graph_write(const struct graph *g, const char *path, struct err *e)
{
	return json_write_file(path, write_any, g, e);
}

void
graph_digest(const struct graph *g, char digest[33], struct arena *a)
{
	json_digest(digest, write_any, g, a);
}
