/* SPDX-License-Identifier: Apache-2.0 */
/* graph.h - one whole training step as ops in execution order over tensors
 *
 * A tensor is one piece of storage; an op that writes it again makes a new version.  Tensor and op ids are positions in
 * the arrays.  Every graph in memory has passed graph_check().
 */
#ifndef SRC_DOCUMENTS_GRAPH_H
#define SRC_DOCUMENTS_GRAPH_H
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "src/base/arena.h"
#include "src/base/err.h"
#include "src/base/units.h"

/* The first four are persistent: alive before and after the step.  A result is made by the step and read after it. */
enum kind { KIND_PARAMETER, KIND_STATE, KIND_OPTIMIZER, KIND_INPUT, KIND_ACTIVATION, KIND_GRADIENT, KIND_RESULT, KIND_COUNT };
enum phase { PHASE_FORWARD, PHASE_BACKWARD, PHASE_UPDATE, PHASE_COUNT };

enum op_class {
	CLASS_CONV, CLASS_LINEAR, CLASS_NORM, CLASS_ACTIVATION, CLASS_POOL, CLASS_ELEMENTWISE,
	CLASS_ATTENTION, CLASS_EMBEDDING, CLASS_LOSS, CLASS_UPDATE, CLASS_COPY, CLASS_OTHER, CLASS_COUNT
};

enum math { MATH_FLOAT32, MATH_TF32, MATH_BFLOAT16, MATH_FLOAT16, MATH_COUNT };

extern const char *const math_names[MATH_COUNT + 1];	/* "float32" ..., NULL */
extern const char *const kind_names[KIND_COUNT + 1];	/* "parameter" ..., NULL */
extern const char *const phase_names[PHASE_COUNT + 1];
extern const char *const op_class_names[CLASS_COUNT + 1];

static inline bool
kind_is_persistent(enum kind k)
{
	return k <= KIND_INPUT;
}

/* True: the tensor's value is needed after the step, so a plan has a final place for it. */
static inline bool
kind_has_final(enum kind k)
{
	return kind_is_persistent(k) || k == KIND_RESULT;
}

struct tensor {
	bytes_t bytes;			/* may be 0 */
	enum kind kind;
};

/* Another algorithm for the same op. */
struct alternative {
	bytes_t workspace_bytes;
	double time_us;
};

/* A permission: tensor output may take over the bytes of tensor input in the same run of the op. */
struct inplace { uint32_t input, output; };

struct op {
	const char *name;
	const char *layer;		/* NULL: none */
	const char *source;		/* "file.py:12", the user's line that the op comes from; NULL: not known */
	enum phase phase;
	enum op_class class;		/* given, or found by op_class_of() */
	bool recomputable;
	uint32_t input_count, output_count, inplace_count, alternative_count;
	const uint32_t *inputs;		/* [input_count] tensor ids, repeats allowed */
	const uint32_t *outputs;	/* [output_count] tensor ids, distinct */
	const struct inplace *inplace;	/* [inplace_count] */
	const struct alternative *alternatives;	/* [alternative_count] */
	bytes_t workspace_bytes;
	double time_us;			/* on the device, launch included; NAN: none yet, only where `estimated` */
	bool estimated;			/* time_us was not measured: the roofline of a device gives it */
	/* The work, for the roofline. */
	double flops;			/* 0: none, or not known */
	bytes_t memory_bytes;		/* read and written; 0: the bytes of its operands, each once */
	enum math math;			/* in which it calculates */
};

/* Figures that a trace measured; absent when step_time_us is 0. */
struct measured {
	const char *device;
	double step_time_us;
	bytes_t peak_bytes, resident_bytes;
};

/* How a trace measured the times of its ops: launched one by one, with the gap of a launch; or many of each in one captured graph, as
 * they run in a captured step. */
enum op_times { OP_TIMES_UNKNOWN, OP_TIMES_LAUNCHED, OP_TIMES_CAPTURED, OP_TIMES_COUNT };
extern const char *const op_times_names[OP_TIMES_COUNT];	/* "launched" "captured", without the unknown one */

struct graph {
	const char *name;
	const char *source;		/* NULL: none */
	enum op_times op_times;
	struct measured measured;
	double peak_time_us;		/* of all FLOPs at a device's peak rates; 0: not known.  Not in documents */
	uint32_t tensor_count, op_count;
	struct tensor *tensors;		/* [tensor_count] */
	const char *const *tensor_names;	/* NULL, or [tensor_count] by which other graphs have the same tensors (tensor_names.h), each or NULL */
	struct op *ops;			/* [op_count] in execution order */
};

/* The class of an op by its name, PyTorch's or a lowering's.  The suffix of an overload (".Tensor") and the "_" of an
 * in-place op do not count.  In phase update the class is always update. */
enum op_class op_class_of(const char *name, enum phase phase);

/* The table of op_class_of(), sorted by name, without the parts of names that do not count. */
struct op_class_row {
	const char *name;
	enum op_class class;
};
extern const struct op_class_row op_class_rows[];	/* ends with a NULL name */

static inline bool
op_has_time(const struct op *o)
{
	return !isnan(o->time_us);
}

/* True in phases forward and backward, unless the op writes a persistent tensor. */
bool op_recomputable_default(const struct graph *g, const struct op *o);

static inline bool
op_writes(const struct op *o, uint32_t tensor)
{
	for (uint32_t i = 0; i < o->output_count; i++)
		if (o->outputs[i] == tensor)
			return true;
	return false;
}

static inline bool
op_reads(const struct op *o, uint32_t tensor)
{
	for (uint32_t i = 0; i < o->input_count; i++)
		if (o->inputs[i] == tensor)
			return true;
	return false;
}

/* Sets *tensor to operand number `at` of an op: inputs, then outputs.  False past the last. */
static inline bool
op_operand(const struct op *o, uint32_t at, uint32_t *tensor)
{
	if (at >= o->input_count + o->output_count)
		return false;
	*tensor = at < o->input_count ? o->inputs[at] : o->outputs[at - o->input_count];
	return true;
}

/* Run the body for every operand t of op o, reads before writes; a tensor named twice comes twice. */
#define FOR_EACH_OPERAND(o, t) \
	for (uint32_t t##_at = 0, t; op_operand((o), t##_at, &(t)); t##_at++)

/* The same with each tensor once.  stamp[t] == mark says that t has come; no two loops share a mark. */
#define FOR_EACH_OPERAND_ONCE(o, stamp, mark, t) \
	FOR_EACH_OPERAND(o, t) \
		if ((stamp)[t] != (mark) && ((stamp)[t] = (mark), true))

static inline bool
op_may_share(const struct op *o, uint32_t input, uint32_t output)
{
	for (uint32_t i = 0; i < o->inplace_count; i++)
		if (o->inplace[i].input == input && o->inplace[i].output == output)
			return true;
	return false;
}

/* Fills largest with the op's largest tensors, each once, at most `most`, the largest first; equal ones in the op's order.  Returns how many. */
uint32_t graph_largest_tensors(const struct graph *g, const struct op *o, uint32_t *largest, uint32_t most);

/* Adds the reason to the error in e, as data: op `op` with its largest tensors (ERR_NO_OP: no op in particular), and the missing
 * bytes (0: not known). */
int graph_set_reason(struct err *e, const struct graph *g, uint32_t op, bytes_t missing);

/* Checks ids, sums and times.  Ids are in range, no op has an output twice, an inplace pair is an input and another
 * output of the op, total bytes and total time are in range, and there is at least one op.  Some op writes each result, before
 * any op reads it.  Only an estimated op may be without a time.  ERR_INPUT has the path of the first place that fails. */
int graph_check(const struct graph *g, struct err *e) WARN_UNUSED;

/* Checks that every op has a time.  ERR_INPUT has the path of the first op without one. */
int graph_check_times(const struct graph *g, struct err *e) WARN_UNUSED;

/* The name that the document gives tensor t; NULL: none. */
static inline const char *
graph_tensor_name(const struct graph *g, uint32_t t)
{
	return g->tensor_names == NULL ? NULL : g->tensor_names[t];
}

/* Return how many ops have an estimated time, and how many have no time yet. */
uint32_t graph_estimated_count(const struct graph *g);
uint32_t graph_untimed_count(const struct graph *g);

/* Returns the lowest version of a "layrub-graph" document that holds the graph. */
uint32_t graph_version(const struct graph *g);

/* Reads a "layrub-graph" document into the arena. */
int graph_read(struct graph *g, const char *path, struct arena *a, struct err *e) WARN_UNUSED;
/* The same from a parsed document or a part of one (json_t *, see json.h). */
struct json_t;
int graph_from_json(struct graph *g, struct json_t *root, struct arena *a, struct err *e) WARN_UNUSED;

/* Writes the graph's deterministic text, in the lowest version that holds it.  class, recomputable, layer and the keys of the work
 * are left out where a reader assumes them, and time_us where the op has none yet. */
struct json_out;
void graph_to_json(const struct graph *g, const char *key, struct json_out *o);
int graph_write(const struct graph *g, const char *path, struct err *e) WARN_UNUSED;

/* XXH3-128 of the deterministic text, as 32 hex digits. */
void graph_digest(const struct graph *g, char digest[33], struct arena *a);
#endif
