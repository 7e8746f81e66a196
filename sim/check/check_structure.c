/* SPDX-License-Identifier: Apache-2.0 */
/* check_structure.c - ids, sizes, limits, and that the instructions are those of the graph
 *
 * The later passes index with the ids that this one has checked, so it cannot use the iterators of plan_access.h.
 */
#include <config.h>
#include "sim/check/check_private.h"

#include <math.h>

static int
check_limits(const struct checker *c)
{
	const struct plan *p = c->plan;
	const struct device *d = p->device;
	bytes_t has = d->memory_bytes > d->reserved_bytes ? device_budget(d) : 0;

	if (p->budget_bytes > has) {
		err_set(c->err, ERR_NO, "expected at most the device's %" PRI_BYTES " bytes, reserved ones not counted, got %" PRI_BYTES,
		    has, p->budget_bytes);
		return err_at(c->err, "budget_bytes");
	}
	if (p->arena_bytes > p->budget_bytes) {
		err_set(c->err, ERR_NO, "expected at most the budget of %" PRI_BYTES " bytes, got %" PRI_BYTES,
		    p->budget_bytes, p->arena_bytes);
		return err_at(c->err, "arena_bytes");
	}
	if (p->host_bytes > d->pinned_bytes) {
		err_set(c->err, ERR_NO, "expected at most the %" PRI_BYTES " bytes that the device's host can pin, got %" PRI_BYTES,
		    d->pinned_bytes, p->host_bytes);
		return err_at(c->err, "host_bytes");
	}
	return 0;
}

/* Timed figures only have to be times: the simulator works them out, not the checker. */
static int
check_times(const struct checker *c)
{
	const struct plan *p = c->plan;
	const struct { const char *path; double us; } times[] = {
		{ "bounds.bound_time_us", p->bound_time_us },
		{ "predicted.ideal_time_us", p->predicted.ideal_time_us },
		{ "predicted.step_time_us", p->predicted.step_time_us },
		{ "predicted.stall_time_us", p->predicted.stall_time_us },
		{ "predicted.recompute_time_us", p->predicted.recompute_time_us },
	};

	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++)
		if (!(times[i].us >= 0) || isinf(times[i].us)) {
			err_set(c->err, ERR_NO, "expected a time, got %g", times[i].us);
			return err_at(c->err, "%s", times[i].path);
		}
	return 0;
}

static int
check_buffer(const struct checker *c, const struct buffer *b, bool host)
{
	bytes_t pool = host ? c->plan->host_bytes : c->plan->arena_bytes;

	if (b->tensor == PLAN_NONE ? host : b->tensor >= c->graph->tensor_count) {
		if (b->tensor == PLAN_NONE)
			err_set(c->err, ERR_NO, "expected a tensor: only device memory holds workspace");
		else
			err_set(c->err, ERR_NO, "unknown tensor %" PRIu32 ", the graph has %" PRIu32, b->tensor, c->graph->tensor_count);
		return err_at(c->err, "tensor");
	}
	if (b->offset_bytes % DEVICE_ALIGN != 0) {
		err_set(c->err, ERR_NO, "misaligned: expected a multiple of %d, got %" PRI_BYTES, DEVICE_ALIGN, b->offset_bytes);
		return err_at(c->err, "offset_bytes");
	}
	if (b->bytes > pool || b->offset_bytes > pool - b->bytes)
		return err_set(c->err, ERR_NO, "%" PRI_BYTES " bytes at %" PRI_BYTES " are outside the %s of %" PRI_BYTES " bytes",
		    b->bytes, b->offset_bytes, host ? "host pool" : "arena", pool);
	if (b->tensor != PLAN_NONE && b->bytes < c->graph->tensors[b->tensor].bytes) {
		err_set(c->err, ERR_NO, "too small: tensor %" PRIu32 " has %" PRI_BYTES " bytes, got %" PRI_BYTES,
		    b->tensor, c->graph->tensors[b->tensor].bytes, b->bytes);
		return err_at(c->err, "bytes");
	}
	return 0;
}

static int
check_pool(const struct checker *c, const struct buffer *buffers, uint32_t count, bool host)
{
	for (uint32_t i = 0; i < count; i++)
		if (check_buffer(c, &buffers[i], host) < 0)
			return err_at(c->err, "%s[%" PRIu32 "]", host ? "host" : "buffers", i);
	return 0;
}

/* Checks one place.  place_of[tensor] is the index of the tensor's place so far, or NEVER. */
static int
check_place(const struct checker *c, const struct place *place, const uint32_t *place_of, bool initial)
{
	uint32_t count = place->on_host ? c->plan->host_count : c->plan->buffer_count;
	uint32_t t = place->tensor, holds;

	if (t >= c->graph->tensor_count)
		return err_set(c->err, ERR_NO, "unknown tensor %" PRIu32 ", the graph has %" PRIu32, t, c->graph->tensor_count);
	if (!kind_has_final(c->graph->tensors[t].kind))
		return err_set(c->err, ERR_NO, "tensor %" PRIu32 " (%s) is transient: it has no place %s the step", t,
		    kind_names[c->graph->tensors[t].kind], initial ? "before" : "after");
	if (initial && !kind_is_persistent(c->graph->tensors[t].kind))
		return err_set(c->err, ERR_NO, "tensor %" PRIu32 " (%s) is made by the step: it has no place before the step", t,
		    kind_names[c->graph->tensors[t].kind]);
	if (place_of[t] != NEVER)
		return err_set(c->err, ERR_NO, "a second place for tensor %" PRIu32 ", which [%" PRIu32 "] names already", t, place_of[t]);
	if (place->buffer >= count)
		return err_set(c->err, ERR_NO, "unknown %s %" PRIu32 " as place of tensor %" PRIu32 ", there are %" PRIu32,
		    place->on_host ? "host buffer" : "buffer", place->buffer, t, count);
	holds = place->on_host ? c->plan->host[place->buffer].tensor : c->plan->buffers[place->buffer].tensor;
	if (holds != t)
		return err_set(c->err, ERR_NO, "%s %" PRIu32 " is not made for tensor %" PRIu32, place->on_host ? "host buffer" : "buffer",
		    place->buffer, t);
	return 0;
}

static int
check_place_list(const struct checker *c, const struct place *places, uint32_t count, uint32_t *place_of, bool initial)
{
	const char *name = initial ? "initial" : "final";

	for (uint32_t t = 0; t < c->graph->tensor_count; t++)
		place_of[t] = NEVER;
	for (uint32_t i = 0; i < count; i++) {
		if (check_place(c, &places[i], place_of, initial) < 0)
			return err_at(c->err, "%s[%" PRIu32 "]", name, i);
		place_of[places[i].tensor] = i;
	}
	for (uint32_t t = 0; t < c->graph->tensor_count; t++)
		if ((initial ? kind_is_persistent : kind_has_final)(c->graph->tensors[t].kind) && place_of[t] == NEVER) {
			err_set(c->err, ERR_NO, "no place for tensor %" PRIu32 " (%s) %s the step", t,
			    kind_names[c->graph->tensors[t].kind], initial ? "before" : "after");
			return err_at(c->err, "%s", name);
		}
	return 0;
}

/* Checks that a persistent tensor ends the step where it began it, because the next step begins there. */
static int
check_return(const struct checker *c, const struct place *before, const struct place *after)
{
	const struct buffer *buffers = c->plan->buffers;

	if (before->on_host != after->on_host)
		return err_set(c->err, ERR_NO, "tensor %" PRIu32 " ends on the %s, but begins on the %s", after->tensor,
		    after->on_host ? "host" : "device", before->on_host ? "host" : "device");
	if (after->on_host && before->buffer != after->buffer)
		return err_set(c->err, ERR_NO, "tensor %" PRIu32 " ends in host buffer %" PRIu32 ", but begins in %" PRIu32,
		    after->tensor, after->buffer, before->buffer);
	if (!after->on_host && buffers[before->buffer].offset_bytes != buffers[after->buffer].offset_bytes)
		return err_set(c->err, ERR_NO, "tensor %" PRIu32 " ends at offset %" PRI_BYTES ", but begins at %" PRI_BYTES,
		    after->tensor, buffers[after->buffer].offset_bytes, buffers[before->buffer].offset_bytes);
	return 0;
}

static int
check_places(const struct checker *c)
{
	const struct plan *p = c->plan;
	uint32_t *initial_of = ARENA_NEW(c->arena, uint32_t, c->graph->tensor_count);
	uint32_t *final_of = ARENA_NEW(c->arena, uint32_t, c->graph->tensor_count);

	if (check_place_list(c, p->initial, p->initial_count, initial_of, true) < 0 ||
	    check_place_list(c, p->final, p->final_count, final_of, false) < 0)
		return -1;
	for (uint32_t i = 0; i < p->final_count; i++)
		if (initial_of[p->final[i].tensor] != NEVER &&
		    check_return(c, &p->initial[initial_of[p->final[i].tensor]], &p->final[i]) < 0)
			return err_at(c->err, "final[%" PRIu32 "]", i);
	return 0;
}

static int
check_after(const struct checker *c, uint32_t i)
{
	const struct instruction *program = c->plan->program, *in = &program[i];

	for (uint32_t k = 0; k < in->after_count; k++) {
		uint32_t id = in->after[k];

		if (id >= c->plan->instruction_count)
			err_set(c->err, ERR_NO, "unknown instruction %" PRIu32 ", the program has %" PRIu32, id, c->plan->instruction_count);
		else if (id == i)
			err_set(c->err, ERR_NO, "waits for itself");
		else if (id > i)
			err_set(c->err, ERR_NO, "waits for instruction %" PRIu32 ", which is later in the program", id);
		else if (program[id].queue == in->queue)
			err_set(c->err, ERR_NO, "waits for instruction %" PRIu32 " of its own queue '%s'", id, queue_names[in->queue]);
		else
			continue;
		return err_at(c->err, "after[%" PRIu32 "]", k);
	}
	return 0;
}

/* Checks that instruction i may run op; next is the first op that has not run yet. */
static int
check_op_order(const struct checker *c, uint32_t op, uint32_t next, uint32_t i)
{
	const struct op *ops = c->graph->ops;
	char name[48], other[48];

	if (op < next && !ops[op].recomputable) {
		err_set(c->err, ERR_NO, "op %" PRIu32 " '%s' runs again, but is not recomputable", op, err_quote(name, ops[op].name));
		return err_at(c->err, "op");
	}
	if (op <= next)
		return 0;
	for (uint32_t k = i + 1; k < c->plan->instruction_count; k++)
		if (c->plan->program[k].queue == QUEUE_COMPUTE && c->plan->program[k].op == next) {
			err_set(c->err, ERR_NO, "op %" PRIu32 " '%s' runs before op %" PRIu32 " '%s': first runs are in the graph's order",
			    op, err_quote(name, ops[op].name), next, err_quote(other, ops[next].name));
			return err_at(c->err, "op");
		}
	return err_set(c->err, ERR_NO, "op %" PRIu32 " '%s' is missing: expected it before op %" PRIu32, next,
	    err_quote(name, ops[next].name), op);
}

static int
check_operand(const struct checker *c, uint32_t op, uint32_t tensor, uint32_t id, bool write)
{
	const struct op *o = &c->graph->ops[op];
	uint32_t holds;
	char name[48];

	if (id >= c->plan->buffer_count)
		return err_set(c->err, ERR_NO, "unknown buffer %" PRIu32 ", the plan has %" PRIu32, id, c->plan->buffer_count);
	holds = c->plan->buffers[id].tensor;
	if (holds == tensor)
		return 0;
	err_quote(name, o->name);
	if (holds == PLAN_NONE)
		return err_set(c->err, ERR_NO, "expected a buffer for tensor %" PRIu32 ", got workspace buffer %" PRIu32, tensor, id);
	if (write && op_writes(o, holds))
		return err_set(c->err, ERR_NO, "outputs of '%s' swapped: expected a buffer for tensor %" PRIu32 ", got buffer %" PRIu32
		    " for its output tensor %" PRIu32, name, tensor, id, holds);
	return err_set(c->err, ERR_NO, "wrong tensor: '%s' %s tensor %" PRIu32 " here, buffer %" PRIu32 " is for tensor %" PRIu32,
	    name, write ? "writes" : "reads", tensor, id, holds);
}

static int
check_workspace(const struct checker *c, const struct instruction *in)
{
	const struct op *o = &c->graph->ops[in->op];
	bytes_t need = op_workspace_bytes(o, in->alternative);
	const struct buffer *b;
	char name[48];

	err_quote(name, o->name);
	if (in->workspace == PLAN_NONE)
		return need == 0 ? 0 : err_set(c->err, ERR_NO, "'%s' needs a workspace of %" PRI_BYTES " bytes, got none", name, need);
	if (in->workspace >= c->plan->buffer_count)
		return err_set(c->err, ERR_NO, "unknown buffer %" PRIu32 ", the plan has %" PRIu32, in->workspace, c->plan->buffer_count);
	b = &c->plan->buffers[in->workspace];
	if (need == 0)
		return err_set(c->err, ERR_NO, "'%s' needs no workspace, got buffer %" PRIu32, name, in->workspace);
	if (b->tensor != PLAN_NONE)
		return err_set(c->err, ERR_NO, "expected a workspace buffer, got buffer %" PRIu32 " for tensor %" PRIu32, in->workspace, b->tensor);
	if (b->bytes < need)
		return err_set(c->err, ERR_NO, "'%s' needs a workspace of %" PRI_BYTES " bytes, buffer %" PRIu32 " has %" PRI_BYTES,
		    name, need, in->workspace, b->bytes);
	return 0;
}

/* The buffer that a run writes a tensor to, by tensor.  It is valid where run[tensor] is the instruction + 1, so no
 * clearing between runs is needed. */
struct written { uint32_t *buffer, *run; };

static int
check_operands(const struct checker *c, uint32_t i, struct written *w)
{
	const struct instruction *in = &c->plan->program[i];
	const struct op *o = &c->graph->ops[in->op];
	char name[48];

	for (uint32_t k = 0; k < o->output_count; k++) {
		if (check_operand(c, in->op, o->outputs[k], in->writes[k], true) < 0)
			return err_at(c->err, "writes[%" PRIu32 "]", k);
		w->buffer[o->outputs[k]] = in->writes[k];
		w->run[o->outputs[k]] = i + 1;
	}
	for (uint32_t k = 0; k < o->input_count; k++) {
		uint32_t t = o->inputs[k];

		if (check_operand(c, in->op, t, in->reads[k], false) < 0)
			return err_at(c->err, "reads[%" PRIu32 "]", k);
		if (w->run[t] == i + 1 && w->buffer[t] != in->reads[k]) {
			err_set(c->err, ERR_NO, "'%s' changes tensor %" PRIu32 " in place, but reads buffer %" PRIu32 " and writes buffer %" PRIu32,
			    err_quote(name, o->name), t, in->reads[k], w->buffer[t]);
			return err_at(c->err, "reads[%" PRIu32 "]", k);
		}
	}
	return 0;
}

static int
check_run(const struct checker *c, uint32_t i, uint32_t *next, struct written *w)
{
	const struct instruction *in = &c->plan->program[i];
	char name[48];

	if (in->op >= c->graph->op_count) {
		err_set(c->err, ERR_NO, "unknown op %" PRIu32 ", the graph has %" PRIu32, in->op, c->graph->op_count);
		return err_at(c->err, "op");
	}
	if (check_op_order(c, in->op, *next, i) < 0)
		return -1;
	*next += in->op == *next;
	if (in->alternative != PLAN_NONE && in->alternative >= c->graph->ops[in->op].alternative_count) {
		err_set(c->err, ERR_NO, "unknown alternative %" PRIu32 ", '%s' has %" PRIu32, in->alternative,
		    err_quote(name, c->graph->ops[in->op].name), c->graph->ops[in->op].alternative_count);
		return err_at(c->err, "alternative");
	}
	if (check_workspace(c, in) < 0)
		return err_at(c->err, "workspace");
	return check_operands(c, i, w);
}

static int
check_transfer(const struct checker *c, const struct instruction *in)
{
	const char *device = in->queue == QUEUE_OUT ? "from" : "to", *host = in->queue == QUEUE_OUT ? "to" : "from";
	uint32_t tensor;
	bytes_t bytes;

	if (in->device_buffer >= c->plan->buffer_count) {
		err_set(c->err, ERR_NO, "unknown buffer %" PRIu32 ", the plan has %" PRIu32, in->device_buffer, c->plan->buffer_count);
		return err_at(c->err, "%s", device);
	}
	if (in->host_buffer >= c->plan->host_count) {
		err_set(c->err, ERR_NO, "unknown host buffer %" PRIu32 ", the plan has %" PRIu32, in->host_buffer, c->plan->host_count);
		return err_at(c->err, "%s", host);
	}
	tensor = c->plan->buffers[in->device_buffer].tensor;
	if (tensor == PLAN_NONE) {
		err_set(c->err, ERR_NO, "expected a tensor to move, got workspace buffer %" PRIu32, in->device_buffer);
		return err_at(c->err, "%s", device);
	}
	if (c->plan->host[in->host_buffer].tensor != tensor) {
		err_set(c->err, ERR_NO, "host buffer %" PRIu32 " is for tensor %" PRIu32 ", device buffer %" PRIu32 " for tensor %" PRIu32,
		    in->host_buffer, c->plan->host[in->host_buffer].tensor, in->device_buffer, tensor);
		return err_at(c->err, "to");
	}
	bytes = c->graph->tensors[tensor].bytes;
	if (in->bytes > bytes || in->at_bytes > bytes - in->bytes) {
		err_set(c->err, ERR_NO, "%" PRI_BYTES " bytes at %" PRI_BYTES " are not within tensor %" PRIu32 ", which has %" PRI_BYTES,
		    in->bytes, in->at_bytes, tensor, bytes);
		return err_at(c->err, "bytes");
	}
	return 0;
}

static int
check_program(const struct checker *c)
{
	const struct plan *p = c->plan;
	struct written w = { ARENA_NEW(c->arena, uint32_t, c->graph->tensor_count), ARENA_NEW(c->arena, uint32_t, c->graph->tensor_count) };
	uint32_t next = 0;
	char name[48];

	for (uint32_t i = 0; i < p->instruction_count; i++) {
		const struct instruction *in = &p->program[i];
		int rc;

		if ((unsigned)in->queue >= QUEUE_COUNT)
			rc = err_set(c->err, ERR_NO, "unknown queue %u", (unsigned)in->queue);
		else if ((rc = check_after(c, i)) == 0)
			rc = in->queue == QUEUE_COMPUTE ? check_run(c, i, &next, &w) : check_transfer(c, in);
		if (rc < 0)
			return err_at(c->err, "program[%" PRIu32 "]", i);
	}
	if (next < c->graph->op_count) {
		err_set(c->err, ERR_NO, "op %" PRIu32 " '%s' is missing", next, err_quote(name, c->graph->ops[next].name));
		return err_at(c->err, "program");
	}
	return 0;
}

int
check_structure(const struct checker *c)
{
	const struct plan *p = c->plan;

	if (check_limits(c) < 0 || check_times(c) < 0 ||
	    check_pool(c, p->buffers, p->buffer_count, false) < 0 ||
	    check_pool(c, p->host, p->host_count, true) < 0 ||
	    check_places(c) < 0)
		return -1;
	return check_program(c);
}
