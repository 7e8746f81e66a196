/* SPDX-License-Identifier: Apache-2.0 */
/* layrub_graph.c - graphs as the plain structs of layrub.h: taken from a caller's arrays, and shown */
#include <config.h>
#include "src/library/layrub_private.h"

#include <assert.h>
#include <string.h>

static_assert((int)LAYRUB_PARAMETER == KIND_PARAMETER && (int)LAYRUB_STATE == KIND_STATE && (int)LAYRUB_OPTIMIZER == KIND_OPTIMIZER &&
    (int)LAYRUB_INPUT == KIND_INPUT && (int)LAYRUB_ACTIVATION == KIND_ACTIVATION && (int)LAYRUB_GRADIENT == KIND_GRADIENT,
    "the kinds are the same");
static_assert((int)LAYRUB_FORWARD == PHASE_FORWARD && (int)LAYRUB_BACKWARD == PHASE_BACKWARD && (int)LAYRUB_UPDATE == PHASE_UPDATE,
    "the phases are the same");
#define SAME_CLASS(theirs, ours) ((int)LAYRUB_##theirs == (int)CLASS_##ours + 1)
static_assert(SAME_CLASS(CONV, CONV) && SAME_CLASS(LINEAR, LINEAR) && SAME_CLASS(NORM, NORM) && SAME_CLASS(ACTIVATION_OP, ACTIVATION) &&
    SAME_CLASS(POOL, POOL) && SAME_CLASS(ELEMENTWISE, ELEMENTWISE) && SAME_CLASS(ATTENTION, ATTENTION) &&
    SAME_CLASS(EMBEDDING, EMBEDDING) && SAME_CLASS(LOSS, LOSS) && SAME_CLASS(UPDATE_OP, UPDATE) && SAME_CLASS(COPY, COPY) &&
    SAME_CLASS(OTHER, OTHER) && (int)LAYRUB_OTHER == (int)CLASS_COUNT, "the classes are the same, behind LAYRUB_CLASS_BY_NAME");
static_assert((int)LAYRUB_FLOAT32 == MATH_FLOAT32 && (int)LAYRUB_TF32 == MATH_TF32 && (int)LAYRUB_BFLOAT16 == MATH_BFLOAT16 &&
    (int)LAYRUB_FLOAT16 == MATH_FLOAT16 && (int)LAYRUB_FLOAT16 + 1 == (int)MATH_COUNT, "the math types are the same");

/* ---- values of a caller's structs ---- */

int
take_text(const char **to, const char *from, const char *key, bool required, struct arena *a, struct err *e)
{
	*to = NULL;
	if (from != NULL)
		*to = arena_strdup(a, from);
	if (from != NULL || !required)
		return 0;
	err_set(e, ERR_INPUT, "expected a string, got none");
	return err_at(e, "%s", key);
}

int
take_choice(uint32_t value, uint32_t count, const char *key, struct err *e)
{
	if (value < count)
		return 0;
	err_set(e, ERR_INPUT, "expected a value below %" PRIu32 ", got %" PRIu32, count, value);
	return err_at(e, "%s", key);
}

int
take_array(const void *array, uint32_t count, const char *key, struct err *e)
{
	if (array == NULL && count > 0)
		err_set(e, ERR_INPUT, "expected an array of %" PRIu32 " elements, got none", count);
	else if (count > COUNT_MAX)
		err_set(e, ERR_INPUT, "expected at most %" PRIu32 " elements, got %" PRIu32, COUNT_MAX, count);
	else
		return 0;
	return err_at(e, "%s", key);
}

static int
take_bytes(uint64_t bytes, const char *key, struct err *e)
{
	if (bytes <= BYTES_MAX)
		return 0;
	err_set(e, ERR_INPUT, "expected at most %" PRI_BYTES " bytes, got %" PRIu64, BYTES_MAX, bytes);
	return err_at(e, "%s", key);
}

static int
take_real(double value, double most, const char *key, struct err *e)
{
	if (value >= 0 && value <= most)
		return 0;
	err_set(e, ERR_INPUT, "expected a number from 0 to %g, got %g", most, value);
	return err_at(e, "%s", key);
}

/* ---- graphs in ---- */

/* Returns a copy of an array of ids. */
static const uint32_t *
copy_ids(const uint32_t *ids, uint32_t count, struct arena *a)
{
	uint32_t *copy = ARENA_NEW(a, uint32_t, count);

	if (count > 0)
		memcpy(copy, ids, sizeof(*ids) * count);
	return copy;
}

static void
copy_permissions(struct op *to, const struct layrub_op *from, struct arena *a)
{
	struct inplace *pairs = ARENA_NEW(a, struct inplace, from->inplace_count);
	struct alternative *alternatives = ARENA_NEW(a, struct alternative, from->alternative_count);

	for (uint32_t i = 0; i < from->inplace_count; i++)
		pairs[i] = (struct inplace) { from->inplace[i].input, from->inplace[i].output };
	for (uint32_t i = 0; i < from->alternative_count; i++)
		alternatives[i] = (struct alternative) { from->alternatives[i].workspace_bytes, from->alternatives[i].time_us };
	to->inplace = pairs;
	to->inplace_count = from->inplace_count;
	to->alternatives = alternatives;
	to->alternative_count = from->alternative_count;
}

static int
take_op(struct op *to, const struct layrub_op *from, struct arena *a, struct err *e)
{
	if (take_text(&to->name, from->name, "name", true, a, e) < 0 || take_text(&to->layer, from->layer, "layer", false, a, e) < 0 ||
	    take_text(&to->source, from->source, "source", false, a, e) < 0 || take_choice(from->phase, PHASE_COUNT, "phase", e) < 0 ||
	    take_choice(from->op_class, CLASS_COUNT + 1, "op_class", e) < 0 || take_choice(from->math, MATH_COUNT, "math", e) < 0 ||
	    take_choice(from->recomputable, LAYRUB_RECOMPUTABLE_YES + 1, "recomputable", e) < 0 ||
	    take_array(from->inputs, from->input_count, "inputs", e) < 0 || take_array(from->outputs, from->output_count, "outputs", e) < 0 ||
	    take_array(from->inplace, from->inplace_count, "inplace", e) < 0 ||
	    take_array(from->alternatives, from->alternative_count, "alternatives", e) < 0 ||
	    take_real(from->flops, 1e18, "flops", e) < 0 || take_bytes(from->memory_bytes, "memory_bytes", e) < 0)
		return -1;
	to->phase = (enum phase)from->phase;
	to->class = from->op_class == LAYRUB_CLASS_BY_NAME ? op_class_of(to->name, to->phase) : (enum op_class)(from->op_class - 1);
	to->recomputable = from->recomputable == LAYRUB_RECOMPUTABLE_YES;
	to->inputs = copy_ids(from->inputs, from->input_count, a);
	to->input_count = from->input_count;
	to->outputs = copy_ids(from->outputs, from->output_count, a);
	to->output_count = from->output_count;
	copy_permissions(to, from, a);
	to->workspace_bytes = from->workspace_bytes;
	to->estimated = from->estimated || (from->time_us < 0 && from->time_us >= LAYRUB_UNKNOWN_TIME && from->time_us <= LAYRUB_UNKNOWN_TIME);
	to->time_us = to->estimated ? 0 : from->time_us;	/* an estimate is made for the problem's device */
	to->flops = from->flops;
	to->memory_bytes = from->memory_bytes;
	to->math = (enum math)from->math;
	return 0;
}

static int
take_measured(struct measured *to, const struct layrub_graph *from, struct arena *a, struct err *e)
{
	if (take_real(from->measured_step_time_us, 1e12, "measured_step_time_us", e) < 0 ||
	    take_bytes(from->measured_peak_bytes, "measured_peak_bytes", e) < 0 ||
	    take_bytes(from->measured_resident_bytes, "measured_resident_bytes", e) < 0)
		return -1;
	if (from->measured_step_time_us <= 0)
		return 0;
	to->step_time_us = from->measured_step_time_us;
	to->peak_bytes = from->measured_peak_bytes;
	to->resident_bytes = from->measured_resident_bytes;
	return take_text(&to->device, from->measured_device, "measured_device", true, a, e);
}

int
take_graph(struct graph *to, const struct layrub_graph *given, struct arena *a, struct err *e)
{
	struct layrub_graph from = { .size = 0 };
	const char **names;

	*to = (struct graph) { .name = NULL };
	if (options_copy(&from, sizeof(from), given, "layrub_graph", e) < 0 || take_text(&to->name, from.name, "name", true, a, e) < 0 ||
	    take_text(&to->source, from.source, "source", false, a, e) < 0 || take_measured(&to->measured, &from, a, e) < 0 ||
	    take_array(from.tensors, from.tensor_count, "tensors", e) < 0 || take_array(from.ops, from.op_count, "ops", e) < 0)
		return -1;
	to->tensor_count = from.tensor_count;
	to->tensors = ARENA_NEW(a, struct tensor, from.tensor_count);
	names = ARENA_NEW(a, const char *, from.tensor_count);
	to->tensor_names = from.tensor_names == NULL ? NULL : names;
	for (uint32_t i = 0; i < from.tensor_count; i++) {
		if (take_choice(from.tensors[i].kind, KIND_COUNT, "kind", e) < 0)
			return err_at(e, "tensors[%" PRIu32 "]", i);
		to->tensors[i] = (struct tensor) { from.tensors[i].bytes, (enum kind)from.tensors[i].kind };
		if (from.tensor_names != NULL && take_text(&names[i], from.tensor_names[i], "name", false, a, e) < 0)
			return err_at(e, "tensors[%" PRIu32 "]", i);
	}
	to->op_count = from.op_count;
	to->ops = ARENA_NEW(a, struct op, from.op_count);
	for (uint32_t i = 0; i < from.op_count; i++)
		if (take_op(&to->ops[i], &from.ops[i], a, e) < 0)
			return err_at(e, "ops[%" PRIu32 "]", i);
	if (graph_check(to, e) < 0)
		return -1;
	for (uint32_t i = 0; i < to->op_count; i++)
		if (from.ops[i].recomputable == LAYRUB_RECOMPUTABLE_DEFAULT)
			to->ops[i].recomputable = op_recomputable_default(to, &to->ops[i]);
	return 0;
}

/* ---- graphs out ---- */

static void
view_permissions(struct layrub_op *to, const struct op *o, struct arena *a)
{
	struct layrub_inplace *pairs = ARENA_NEW(a, struct layrub_inplace, o->inplace_count);
	struct layrub_alternative *alternatives = ARENA_NEW(a, struct layrub_alternative, o->alternative_count);

	for (uint32_t i = 0; i < o->inplace_count; i++)
		pairs[i] = (struct layrub_inplace) { o->inplace[i].input, o->inplace[i].output };
	for (uint32_t i = 0; i < o->alternative_count; i++)
		alternatives[i] = (struct layrub_alternative) { o->alternatives[i].workspace_bytes, o->alternatives[i].time_us };
	to->inplace = pairs;
	to->inplace_count = o->inplace_count;
	to->alternatives = alternatives;
	to->alternative_count = o->alternative_count;
}

struct layrub_graph *
view_graph(const struct graph *g, struct arena *a)
{
	struct layrub_graph *to = ARENA_NEW(a, struct layrub_graph, 1);
	struct layrub_tensor *tensors = ARENA_NEW(a, struct layrub_tensor, g->tensor_count);
	struct layrub_op *ops = ARENA_NEW(a, struct layrub_op, g->op_count);

	for (uint32_t i = 0; i < g->tensor_count; i++)
		tensors[i] = (struct layrub_tensor) { g->tensors[i].bytes, (uint32_t)g->tensors[i].kind };
	for (uint32_t i = 0; i < g->op_count; i++) {
		const struct op *o = &g->ops[i];

		ops[i] = (struct layrub_op) { .name = o->name, .layer = o->layer, .source = o->source, .phase = (uint32_t)o->phase,
		    .op_class = (uint32_t)o->class + 1, .recomputable = o->recomputable ? LAYRUB_RECOMPUTABLE_YES : LAYRUB_RECOMPUTABLE_NO,
		    .input_count = o->input_count, .output_count = o->output_count, .inputs = o->inputs, .outputs = o->outputs,
		    .workspace_bytes = o->workspace_bytes, .time_us = o->time_us, .estimated = o->estimated, .math = (uint32_t)o->math,
		    .flops = o->flops, .memory_bytes = o->memory_bytes };
		view_permissions(&ops[i], o, a);
	}
	*to = (struct layrub_graph) { .size = sizeof(*to), .name = g->name, .source = g->source, .tensor_count = g->tensor_count,
	    .op_count = g->op_count, .tensors = tensors, .ops = ops, .measured_device = g->measured.device,
	    .measured_step_time_us = g->measured.step_time_us, .measured_peak_bytes = g->measured.peak_bytes,
	    .measured_resident_bytes = g->measured.resident_bytes, .tensor_names = g->tensor_names };
	return to;
}
