/* SPDX-License-Identifier: Apache-2.0 */
/* Mutations of the program: edges, order, operands, transfers. */
#include <config.h>
#include "tests/mutants.h"

#include <string.h>

#include "tests/mutants_private.h"

static struct instruction *
pick_transfer(struct mutant *m)
{
	struct instruction *out = pick(m, QUEUE_OUT), *in = pick(m, QUEUE_IN);

	return out == NULL || (in != NULL && random_one_in(m->r, 2)) ? in : out;
}

/* The program becomes old program[order[0]], order[1] ...; edges follow their instructions, those to dropped ones go. */
static void
reorder(struct mutant *m, const uint32_t *order, uint32_t count)
{
	const struct instruction *old = duplicate(m->a, m->plan.program, m->plan.instruction_count * sizeof(*old));
	uint32_t at[MAX_INSTRUCTIONS];

	memset(at, 0xff, sizeof(at));
	for (uint32_t i = count; i-- > 0; )
		at[order[i]] = i;
	m->plan.program = ARENA_NEW(m->a, struct instruction, count);
	m->plan.instruction_count = count;
	for (uint32_t i = 0; i < count; i++) {
		struct instruction *in = &m->plan.program[i];
		uint32_t *after, n = 0;

		*in = old[order[i]];
		after = own(m, &in->after, in->after_count);
		for (uint32_t k = 0; k < in->after_count; k++)
			if (at[after[k]] != UINT32_MAX)
				after[n++] = at[after[k]];
		in->after_count = n;
	}
}

static void
keep_order(const struct mutant *m, uint32_t order[MAX_INSTRUCTIONS])
{
	for (uint32_t i = 0; i < m->plan.instruction_count; i++)
		order[i] = i;
}

static bool
drop(struct mutant *m, const struct instruction *in)
{
	uint32_t order[MAX_INSTRUCTIONS], n = 0;

	if (in == NULL)
		return false;
	for (uint32_t i = 0; i < m->plan.instruction_count; i++)
		if (in != &m->plan.program[i])
			order[n++] = i;
	reorder(m, order, n);
	return true;
}

bool
mutant_drop_edge(struct mutant *m)
{
	struct instruction *in = pick_any(m);
	uint32_t *after, k;

	if (in->after_count == 0)
		return false;
	after = own(m, &in->after, in->after_count);
	k = random_below(m->r, in->after_count);
	after[k] = after[--in->after_count];
	return true;
}

bool
mutant_drop_edges(struct mutant *m)
{
	struct instruction *in = pick_any(m);
	bool had = in->after_count > 0;

	in->after_count = 0;
	return had;
}

bool
mutant_drop_all_edges(struct mutant *m)
{
	for (uint32_t i = 0; i < m->plan.instruction_count; i++)
		m->plan.program[i].after_count = 0;
	return true;
}

static bool
set_edge(struct mutant *m, struct instruction *in, uint32_t id)
{
	uint32_t *after = ARENA_NEW(m->a, uint32_t, in->after_count + 1);

	if (in->after_count > 0)
		memcpy(after, in->after, in->after_count * sizeof(*after));
	after[in->after_count++] = id;
	in->after = after;
	return true;
}

bool
mutant_add_edge(struct mutant *m)
{
	struct instruction *in = pick_any(m), *other = pick_any(m);

	return other < in && other->queue != in->queue && set_edge(m, in, (uint32_t)(other - m->plan.program));
}

bool
mutant_edge_to_itself(struct mutant *m)
{
	struct instruction *in = pick_any(m);

	return set_edge(m, in, (uint32_t)(in - m->plan.program));
}

bool
mutant_edge_to_later(struct mutant *m)
{
	struct instruction *in = pick_any(m), *other = pick_any(m);

	return other > in && set_edge(m, in, (uint32_t)(other - m->plan.program));
}

bool
mutant_edge_in_queue(struct mutant *m)
{
	struct instruction *in = pick_any(m), *other = pick_any(m);

	return other < in && other->queue == in->queue && set_edge(m, in, (uint32_t)(other - m->plan.program));
}

bool
mutant_edge_to_unknown(struct mutant *m)
{
	return set_edge(m, pick_any(m), m->plan.instruction_count + random_below(m->r, 3));
}

bool
mutant_swap_neighbours(struct mutant *m)
{
	uint32_t order[MAX_INSTRUCTIONS], i;

	if (m->plan.instruction_count < 2)
		return false;
	keep_order(m, order);
	i = random_below(m->r, m->plan.instruction_count - 1);
	order[i] = i + 1;
	order[i + 1] = i;
	reorder(m, order, m->plan.instruction_count);
	return true;
}

bool
mutant_swap_neighbours_re_edge(struct mutant *m)
{
	return re_edge(m, mutant_swap_neighbours(m));
}

bool
mutant_swap_instructions(struct mutant *m)
{
	uint32_t order[MAX_INSTRUCTIONS], i = random_below(m->r, m->plan.instruction_count), j = random_below(m->r, m->plan.instruction_count);

	if (i == j)
		return false;
	keep_order(m, order);
	order[i] = j;
	order[j] = i;
	reorder(m, order, m->plan.instruction_count);
	return true;
}

bool
mutant_move_instruction(struct mutant *m)
{
	uint32_t order[MAX_INSTRUCTIONS], n = m->plan.instruction_count, from = random_below(m->r, n), to = random_below(m->r, n);

	keep_order(m, order);
	memmove(&order[from], &order[from + 1], (n - 1 - from) * sizeof(*order));
	memmove(&order[to + 1], &order[to], (n - 1 - to) * sizeof(*order));
	order[to] = from;
	reorder(m, order, n);
	return from != to;
}

bool
mutant_move_instruction_re_edge(struct mutant *m)
{
	return re_edge(m, mutant_move_instruction(m));
}

bool
mutant_swap_runs_without_ids(struct mutant *m)
{
	struct instruction *x = pick(m, QUEUE_COMPUTE), *y = pick(m, QUEUE_COMPUTE), old = *x;

	if (x->op == y->op)
		return false;
	*x = *y;
	*y = old;
	return re_edge(m, true);
}

bool
mutant_duplicate_instruction(struct mutant *m)
{
	uint32_t order[MAX_INSTRUCTIONS], n = m->plan.instruction_count, i = random_below(m->r, n);

	keep_order(m, order);
	memmove(&order[i + 1], &order[i], (n - i) * sizeof(*order));
	reorder(m, order, n + 1);
	return re_edge(m, true);
}

bool
mutant_drop_fetch(struct mutant *m)
{
	return drop(m, pick(m, QUEUE_IN));
}

bool
mutant_drop_fetch_re_edge(struct mutant *m)
{
	return re_edge(m, mutant_drop_fetch(m));
}

bool
mutant_drop_offload(struct mutant *m)
{
	return drop(m, pick(m, QUEUE_OUT));
}

bool
mutant_drop_offload_re_edge(struct mutant *m)
{
	return re_edge(m, mutant_drop_offload(m));
}

bool
mutant_drop_run(struct mutant *m)
{
	return drop(m, pick(m, QUEUE_COMPUTE));
}

bool
mutant_drop_rerun(struct mutant *m)
{
	struct instruction *in = pick(m, QUEUE_COMPUTE), *other = pick(m, QUEUE_COMPUTE);

	return in != other && in->op == other->op && re_edge(m, drop(m, in > other ? in : other));
}

static bool
retarget(struct mutant *m, bool reads, bool to_sibling)
{
	struct instruction *in = pick(m, QUEUE_COMPUTE);
	uint32_t count = reads ? op_of(m, in)->input_count : op_of(m, in)->output_count, k, to, *ids;

	if (count == 0)
		return false;
	ids = own(m, reads ? &in->reads : &in->writes, count);
	k = random_below(m->r, count);
	to = to_sibling ? sibling(m, m->plan.buffers, m->plan.buffer_count, ids[k]) : random_below(m->r, m->plan.buffer_count);
	if (to == PLAN_NONE)
		return false;
	ids[k] = to;
	return true;
}

bool
mutant_retarget_read(struct mutant *m)
{
	return retarget(m, true, false);
}

bool
mutant_retarget_read_sibling(struct mutant *m)
{
	return re_edge(m, retarget(m, true, true));
}

bool
mutant_retarget_write(struct mutant *m)
{
	return retarget(m, false, false);
}

bool
mutant_retarget_write_sibling(struct mutant *m)
{
	return re_edge(m, retarget(m, false, true));
}

/* Read and write of a tensor that is changed in place both go to another of its buffers. */
bool
mutant_retarget_in_place(struct mutant *m)
{
	struct instruction *in = pick(m, QUEUE_COMPUTE);
	const struct op *o = op_of(m, in);
	uint32_t *reads = own(m, &in->reads, o->input_count), *writes = own(m, &in->writes, o->output_count);

	for (uint32_t j = 0; j < o->output_count; j++) {
		uint32_t to = sibling(m, m->plan.buffers, m->plan.buffer_count, writes[j]);

		if (!op_reads(o, o->outputs[j]) || to == PLAN_NONE)
			continue;
		writes[j] = to;
		for (uint32_t i = 0; i < o->input_count; i++)
			if (o->inputs[i] == o->outputs[j])
				reads[i] = to;
		return re_edge(m, true);
	}
	return false;
}

bool
mutant_split_in_place(struct mutant *m)
{
	struct instruction *in = pick(m, QUEUE_COMPUTE);
	const struct op *o = op_of(m, in);
	uint32_t *writes = own(m, &in->writes, o->output_count);

	for (uint32_t j = 0; j < o->output_count; j++) {
		uint32_t to = sibling(m, m->plan.buffers, m->plan.buffer_count, writes[j]);

		if (op_reads(o, o->outputs[j]) && to != PLAN_NONE) {
			writes[j] = to;
			return true;
		}
	}
	return false;
}

bool
mutant_swap_outputs(struct mutant *m)
{
	struct instruction *in = pick(m, QUEUE_COMPUTE);
	uint32_t *writes, old;

	if (op_of(m, in)->output_count < 2)
		return false;
	writes = own(m, &in->writes, 2);
	old = writes[0];
	writes[0] = writes[1];
	writes[1] = old;
	return true;
}

bool
mutant_unknown_operand(struct mutant *m)
{
	struct instruction *in = pick(m, QUEUE_COMPUTE);
	bool reads = random_one_in(m->r, 2);
	uint32_t count = reads ? op_of(m, in)->input_count : op_of(m, in)->output_count;

	if (count == 0)
		return false;
	own(m, reads ? &in->reads : &in->writes, count)[random_below(m->r, count)] = random_one_in(m->r, 2) ? PLAN_NONE : m->plan.buffer_count;
	return true;
}

bool
mutant_unknown_transfer(struct mutant *m)
{
	struct instruction *in = pick_transfer(m);

	if (in == NULL)
		return false;
	if (random_one_in(m->r, 2))
		in->device_buffer = m->plan.buffer_count;
	else
		in->host_buffer = m->plan.host_count;
	return true;
}

bool
mutant_change_workspace(struct mutant *m)
{
	uint32_t b = random_below(m->r, m->plan.buffer_count + 2);

	pick(m, QUEUE_COMPUTE)->workspace = b < m->plan.buffer_count ? b : b == m->plan.buffer_count ? PLAN_NONE : b;
	return true;
}

bool
mutant_change_workspace_sibling(struct mutant *m)
{
	struct instruction *in = pick(m, QUEUE_COMPUTE);
	uint32_t to = in->workspace == PLAN_NONE ? PLAN_NONE : sibling(m, m->plan.buffers, m->plan.buffer_count, in->workspace);

	if (to == PLAN_NONE)
		return false;
	in->workspace = to;
	return re_edge(m, true);
}

bool
mutant_change_alternative(struct mutant *m)
{
	struct instruction *in = pick(m, QUEUE_COMPUTE);

	in->alternative = random_one_in(m->r, 3) ? PLAN_NONE : random_below(m->r, 4);
	return true;
}

bool
mutant_unknown_alternative(struct mutant *m)
{
	struct instruction *in = pick(m, QUEUE_COMPUTE);

	in->alternative = op_of(m, in)->alternative_count;
	return true;
}

bool
mutant_change_op(struct mutant *m)
{
	struct instruction *in = pick(m, QUEUE_COMPUTE);
	uint32_t op = random_below(m->r, m->graph.op_count);

	if (op == in->op || m->graph.ops[op].input_count != op_of(m, in)->input_count ||
	    m->graph.ops[op].output_count != op_of(m, in)->output_count)
		return false;
	in->op = op;
	return true;
}

bool
mutant_unknown_op(struct mutant *m)
{
	pick(m, QUEUE_COMPUTE)->op = m->graph.op_count;
	return true;
}

bool
mutant_not_recomputable(struct mutant *m)
{
	struct instruction *in = pick(m, QUEUE_COMPUTE), *other = pick(m, QUEUE_COMPUTE);

	if (in == other || in->op != other->op)
		return false;
	m->graph.ops[in->op].recomputable = false;
	return true;
}

bool
mutant_no_permission(struct mutant *m)
{
	struct instruction *in = pick(m, QUEUE_COMPUTE);

	if (op_of(m, in)->inplace_count == 0)
		return false;
	m->graph.ops[in->op].inplace_count = 0;
	return true;
}

bool
mutant_shift_transfer(struct mutant *m)
{
	struct instruction *in = pick_transfer(m);

	if (in == NULL)
		return false;
	in->at_bytes = nudge(m, in->at_bytes, 64);
	return true;
}

bool
mutant_shrink_transfer(struct mutant *m)
{
	struct instruction *in = pick_transfer(m);

	if (in == NULL || in->bytes == 0)
		return false;
	in->bytes -= 64 * (1 + random_below(m->r, (uint32_t)(in->bytes / 64)));
	return true;
}

bool
mutant_trim_transfer(struct mutant *m)
{
	struct instruction *in = pick_transfer(m);

	if (in == NULL || in->bytes < 128)
		return false;
	in->at_bytes += 64;
	in->bytes -= 64;
	return true;
}

bool
mutant_odd_transfer(struct mutant *m)
{
	struct instruction *in = pick_transfer(m);

	if (in == NULL || in->bytes == 0 || !random_one_in(m->r, 4))	/* the reference counts single bytes here: slow */
		return false;
	in->bytes--;
	in->at_bytes += random_below(m->r, 2);
	return true;
}

bool
mutant_grow_transfer(struct mutant *m)
{
	struct instruction *in = pick_transfer(m);

	if (in == NULL)
		return false;
	in->bytes += 64;
	return true;
}

bool
mutant_huge_transfer(struct mutant *m)
{
	struct instruction *in = pick_transfer(m);

	if (in == NULL)
		return false;
	*(random_one_in(m->r, 2) ? &in->bytes : &in->at_bytes) = random_one_in(m->r, 2) ? BYTES_MAX : UINT64_MAX - 63;
	return true;
}

bool
mutant_turn_transfer(struct mutant *m)
{
	struct instruction *in = pick_transfer(m);

	if (in == NULL)
		return false;
	in->queue = in->queue == QUEUE_OUT ? QUEUE_IN : QUEUE_OUT;
	return re_edge(m, true);
}

bool
mutant_retarget_transfer(struct mutant *m)
{
	struct instruction *in = pick_transfer(m);

	if (in == NULL)
		return false;
	if (random_one_in(m->r, 2))
		in->device_buffer = random_below(m->r, m->plan.buffer_count);
	else
		in->host_buffer = random_below(m->r, m->plan.host_count);
	return true;
}

bool
mutant_retarget_transfer_sibling(struct mutant *m)
{
	struct instruction *in = pick_transfer(m);
	bool host = random_one_in(m->r, 2);
	uint32_t to;

	if (in == NULL)
		return false;
	to = host ? sibling(m, m->plan.host, m->plan.host_count, in->host_buffer) :
	    sibling(m, m->plan.buffers, m->plan.buffer_count, in->device_buffer);
	if (to == PLAN_NONE)
		return false;
	*(host ? &in->host_buffer : &in->device_buffer) = to;
	return re_edge(m, true);
}
