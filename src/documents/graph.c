/* SPDX-License-Identifier: Apache-2.0 */
/* graph.c - names of graph.h's enumerations, and the check that every graph passes */
#include <config.h>
#include "src/documents/graph.h"

#include <math.h>
#include <stdlib.h>

const char *const op_times_names[OP_TIMES_COUNT] = { "launched", "captured", NULL };
const char *const kind_names[KIND_COUNT + 1] = {
	"parameter", "state", "optimizer", "input", "activation", "gradient", "result", NULL
};
const char *const phase_names[PHASE_COUNT + 1] = { "forward", "backward", "update", NULL };
const char *const op_class_names[CLASS_COUNT + 1] = {
	"conv", "linear", "norm", "activation", "pool", "elementwise",
	"attention", "embedding", "loss", "update", "copy", "other", NULL
};

/* Limits in microseconds that keep every later sum in range: of all times together (32 years), and of one op. */
static const double TIME_MAX = 1e15, OP_TIME_MAX = 1e12;
static const double FLOPS_MAX = 1e18;	/* of one op */

bool
op_recomputable_default(const struct graph *g, const struct op *o)
{
	if (o->phase == PHASE_UPDATE)
		return false;
	for (uint32_t i = 0; i < o->output_count; i++)
		if (kind_is_persistent(g->tensors[o->outputs[i]].kind))
			return false;
	return true;
}

uint32_t
graph_largest_tensors(const struct graph *g, const struct op *o, uint32_t *largest, uint32_t most)
{
	uint32_t count = 0;

	FOR_EACH_OPERAND(o, t) {
		uint32_t at;
		bool seen = false;

		for (uint32_t j = 0; j < count; j++)
			seen |= largest[j] == t;
		if (seen)
			continue;
		for (at = count; at > 0 && g->tensors[largest[at - 1]].bytes < g->tensors[t].bytes; at--)
			if (at < most)
				largest[at] = largest[at - 1];
		if (at < most)
			largest[at] = t;
		count += count < most;
	}
	return count;
}

int
graph_set_reason(struct err *e, const struct graph *g, uint32_t op, bytes_t missing)
{
	struct err_reason r = { .op = op, .missing_bytes = missing };

	if (op != ERR_NO_OP)
		r.tensor_count = graph_largest_tensors(g, &g->ops[op], r.tensors, ERR_TENSORS);
	return err_set_reason(e, &r);
}

static int
too_many_bytes(struct err *e)
{
	return err_set(e, ERR_INPUT, "expected tensors and workspace of at most %" PRI_BYTES " bytes together, got more",
	    BYTES_MAX);
}

static int
check_tensors(const struct graph *g, bytes_t *sum, struct err *e)
{
	*sum = 0;
	for (uint32_t i = 0; i < g->tensor_count; i++) {
		const struct tensor *t = &g->tensors[i];

		if (t->bytes > BYTES_MAX - *sum) {
			too_many_bytes(e);
			return err_at(e, "tensors[%" PRIu32 "].bytes", i);
		}
		*sum += t->bytes;
		if ((unsigned)t->kind >= KIND_COUNT) {
			err_set(e, ERR_INPUT, "expected a kind of tensor, got %u", (unsigned)t->kind);
			return err_at(e, "tensors[%" PRIu32 "].kind", i);
		}
	}
	return 0;
}

/* For each tensor the last op, by id + 1, that read it and that wrote it.  A test of membership takes constant time,
 * however many tensors an op has. */
struct stamps { uint32_t *read, *written; };

static int
check_ids(const struct graph *g, const uint32_t *ids, uint32_t count, bool distinct,
    uint32_t *stamp, uint32_t mark, struct err *e)
{
	for (uint32_t i = 0; i < count; i++) {
		if (ids[i] >= g->tensor_count)
			err_set(e, ERR_INPUT, "expected a tensor id below %" PRIu32 ", got %" PRIu32,
			    g->tensor_count, ids[i]);
		else if (distinct && stamp[ids[i]] == mark)
			err_set(e, ERR_INPUT, "expected each output once, got %" PRIu32 " again", ids[i]);
		else {
			stamp[ids[i]] = mark;
			continue;
		}
		return err_at(e, "[%" PRIu32 "]", i);
	}
	return 0;
}

/* A pair is an input that the op does not write and an output that it does not read: a tensor on both sides is written in
 * place already. */
static int
check_inplace(const struct graph *g, const struct op *o, const struct stamps *s, uint32_t mark, struct err *e)
{
	for (uint32_t i = 0; i < o->inplace_count; i++) {
		uint32_t in = o->inplace[i].input, out = o->inplace[i].output;

		if (in >= g->tensor_count || s->read[in] != mark || s->written[in] == mark)
			err_set(e, ERR_INPUT, "expected an input that the op does not write, got %" PRIu32, in);
		else if (out >= g->tensor_count || s->written[out] != mark || s->read[out] == mark)
			err_set(e, ERR_INPUT, "expected an output that the op does not read, got %" PRIu32, out);
		else
			continue;
		return err_at(e, "inplace[%" PRIu32 "]", i);
	}
	return 0;
}

/* untimed: no time is needed yet. */
static int
check_cost(bytes_t workspace, double time, bool untimed, bytes_t sum, struct err *e)
{
	if (workspace > BYTES_MAX - sum) {
		too_many_bytes(e);
		return err_at(e, "workspace_bytes");
	}
	if (!untimed && !(time >= 0 && time <= OP_TIME_MAX)) {
		err_set(e, ERR_INPUT, "expected a time from 0 to %g us, got %g", OP_TIME_MAX, time);
		return err_at(e, "time_us");
	}
	return 0;
}

/* Checks sizes and times, and adds the longest of the op's algorithms to *time. */
static int
check_costs(const struct op *o, bytes_t sum, double *time, struct err *e)
{
	bool untimed = o->estimated && !op_has_time(o);
	double longest = untimed ? 0 : o->time_us;

	if (check_cost(o->workspace_bytes, o->time_us, untimed, sum, e) < 0)
		return -1;
	for (uint32_t i = 0; i < o->alternative_count; i++) {
		const struct alternative *alt = &o->alternatives[i];

		if (check_cost(alt->workspace_bytes, alt->time_us, false, sum, e) < 0)
			return err_at(e, "alternatives[%" PRIu32 "]", i);
		longest = fmax(longest, alt->time_us);
	}
	*time += longest;
	if (*time > TIME_MAX) {
		err_set(e, ERR_INPUT, "expected times of at most %g us together, got more", TIME_MAX);
		return err_at(e, "time_us");
	}
	return 0;
}

/* Checks the figures that the roofline needs. */
static int
check_work(const struct op *o, struct err *e)
{
	if (!(o->flops >= 0 && o->flops <= FLOPS_MAX)) {
		err_set(e, ERR_INPUT, "expected from 0 to %g FLOPs, got %g", FLOPS_MAX, o->flops);
		return err_at(e, "flops");
	}
	if (o->memory_bytes > BYTES_MAX) {
		err_set(e, ERR_INPUT, "expected at most %" PRI_BYTES " bytes, got more", BYTES_MAX);
		return err_at(e, "memory_bytes");
	}
	if ((unsigned)o->math >= MATH_COUNT) {
		err_set(e, ERR_INPUT, "expected a number type, got %u", (unsigned)o->math);
		return err_at(e, "math");
	}
	return 0;
}

/* A result holds no value before its first write. */
static int
check_results_read(const struct graph *g, const struct op *o, const struct stamps *s, struct err *e)
{
	for (uint32_t i = 0; i < o->input_count; i++)
		if (g->tensors[o->inputs[i]].kind == KIND_RESULT && s->written[o->inputs[i]] == 0) {
			err_set(e, ERR_INPUT, "expected a tensor with a value, got result %" PRIu32 " before its first write", o->inputs[i]);
			return err_at(e, "inputs[%" PRIu32 "]", i);
		}
	return 0;
}

static int
check_results_written(const struct graph *g, const struct stamps *s, struct err *e)
{
	for (uint32_t t = 0; t < g->tensor_count; t++)
		if (g->tensors[t].kind == KIND_RESULT && s->written[t] == 0) {
			err_set(e, ERR_INPUT, "expected an op that writes the result, got none");
			return err_at(e, "tensors[%" PRIu32 "]", t);
		}
	return 0;
}

static int
check_op(const struct graph *g, const struct op *o, const struct stamps *s, uint32_t mark, struct err *e)
{
	if (o->name == NULL)
		return err_set(e, ERR_INPUT, "expected a name, got none");
	if ((unsigned)o->phase >= PHASE_COUNT || (unsigned)o->class >= CLASS_COUNT)
		return err_set(e, ERR_INPUT, "expected a phase and a class, got %u and %u",
		    (unsigned)o->phase, (unsigned)o->class);
	if (check_work(o, e) < 0)
		return -1;
	if (check_ids(g, o->inputs, o->input_count, false, s->read, mark, e) < 0)
		return err_at(e, "inputs");
	if (check_results_read(g, o, s, e) < 0)
		return -1;
	if (check_ids(g, o->outputs, o->output_count, true, s->written, mark, e) < 0)
		return err_at(e, "outputs");
	return check_inplace(g, o, s, mark, e);
}

static int
check_ops(const struct graph *g, bytes_t sum, const struct stamps *s, struct err *e)
{
	double time = 0;

	for (uint32_t i = 0; i < g->op_count; i++)
		if (check_op(g, &g->ops[i], s, i + 1, e) < 0 || check_costs(&g->ops[i], sum, &time, e) < 0)
			return err_at(e, "ops[%" PRIu32 "]", i);
	return check_results_written(g, s, e);
}

int
graph_check(const struct graph *g, struct err *e)
{
	struct stamps s;
	bytes_t sum;
	int rc;

	if (g->op_count == 0) {
		err_set(e, ERR_INPUT, "expected at least one op, got none");
		return err_at(e, "ops");
	}
	if (g->op_count > COUNT_MAX || g->tensor_count > COUNT_MAX)
		return err_set(e, ERR_INPUT, "expected at most %" PRIu32 " ops and tensors, got more", COUNT_MAX);
	if (check_tensors(g, &sum, e) < 0)
		return -1;
	s.read = calloc((size_t)g->tensor_count + 1, sizeof(*s.read));
	s.written = calloc((size_t)g->tensor_count + 1, sizeof(*s.written));
	rc = s.read == NULL || s.written == NULL ? err_set(e, ERR_SYSTEM, "out of memory") : check_ops(g, sum, &s, e);
	free(s.read);
	free(s.written);
	return rc;
}

int
graph_check_times(const struct graph *g, struct err *e)
{
	for (uint32_t i = 0; i < g->op_count; i++)
		if (!op_has_time(&g->ops[i])) {
			err_set(e, ERR_INPUT, "expected the time of the op, got none");
			return err_at(e, "ops[%" PRIu32 "].time_us", i);
		}
	return 0;
}

uint32_t
graph_estimated_count(const struct graph *g)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < g->op_count; i++)
		count += g->ops[i].estimated && op_has_time(&g->ops[i]);
	return count;
}

uint32_t
graph_untimed_count(const struct graph *g)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < g->op_count; i++)
		count += !op_has_time(&g->ops[i]);
	return count;
}
