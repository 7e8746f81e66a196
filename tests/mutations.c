/* SPDX-License-Identifier: Apache-2.0 */
/* Breaks sound plans in every way that we know, and expects of check the reference's verdict on
 * every mutant, by the same rule, and for each way of breaking only the messages that it
 * can cause. */
#include <config.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/check.h"
#include "tests/random_plan.h"
#include "tests/reference_check.h"
#include "tests/tap.h"

enum { PLANS = 1200, TRIES = 6, STACKED = 8, MAX_INSTRUCTIONS = 400, SHOWN = 10 };

/* All messages of check: what to look for in the text, and whose rule it is. */
#define MESSAGES(ROW) \
	ROW(BUDGET,         STRUCTURE, "reserved ones not counted") \
	ROW(ARENA,          STRUCTURE, "expected at most the budget") \
	ROW(PINNED,         STRUCTURE, "host can pin") \
	ROW(TIME,           STRUCTURE, "expected a time") \
	ROW(HOST_WORKSPACE, STRUCTURE, "only device memory holds workspace") \
	ROW(UNKNOWN_TENSOR, STRUCTURE, "unknown tensor") \
	ROW(MISALIGNED,     STRUCTURE, "misaligned") \
	ROW(OUT_ARENA,      STRUCTURE, "are outside the arena") \
	ROW(OUT_HOST,       STRUCTURE, "are outside the host pool") \
	ROW(SMALL,          STRUCTURE, "too small: tensor") \
	ROW(TRANSIENT,      STRUCTURE, "is transient: it has no place") \
	ROW(SECOND_PLACE,   STRUCTURE, "a second place for tensor") \
	ROW(UNKNOWN_PLACE,  STRUCTURE, "as place of tensor") \
	ROW(PLACE_TENSOR,   STRUCTURE, "is not made for tensor") \
	ROW(NO_PLACE,       STRUCTURE, "no place for tensor") \
	ROW(OTHER_SIDE,     STRUCTURE, "but begins on the") \
	ROW(OTHER_HOST,     STRUCTURE, ", but begins in ") \
	ROW(OTHER_OFFSET,   STRUCTURE, ", but begins at ") \
	ROW(UNKNOWN_AFTER,  STRUCTURE, "unknown instruction") \
	ROW(AFTER_ITSELF,   STRUCTURE, "waits for itself") \
	ROW(AFTER_LATER,    STRUCTURE, "which is later in the program") \
	ROW(AFTER_OWN,      STRUCTURE, "of its own queue") \
	ROW(UNKNOWN_OP,     STRUCTURE, "unknown op") \
	ROW(OP_AGAIN,       STRUCTURE, "runs again, but is not recomputable") \
	ROW(OP_ORDER,       STRUCTURE, "first runs are in the graph's order") \
	ROW(OP_MISSING,     STRUCTURE, "' is missing") \
	ROW(ALTERNATIVE,    STRUCTURE, "unknown alternative") \
	ROW(NO_WORKSPACE,   STRUCTURE, "bytes, got none") \
	ROW(WORKSPACE_TOO,  STRUCTURE, "needs no workspace") \
	ROW(WORKSPACE_TENSOR, STRUCTURE, "expected a workspace buffer") \
	ROW(WORKSPACE_SMALL, STRUCTURE, "needs a workspace of ") \
	ROW(UNKNOWN_HOST,   STRUCTURE, "unknown host buffer") \
	ROW(UNKNOWN_BUFFER, STRUCTURE, "unknown buffer") \
	ROW(OPERAND_WORKSPACE, STRUCTURE, "got workspace buffer") \
	ROW(SWAPPED,        STRUCTURE, "swapped: expected") \
	ROW(WRONG_TENSOR,   STRUCTURE, "wrong tensor") \
	ROW(IN_PLACE,       STRUCTURE, "in place, but reads buffer") \
	ROW(TWO_TENSORS,    STRUCTURE, ", device buffer ") \
	ROW(PART,           STRUCTURE, "are not within tensor") \
	ROW(READ_AFTER_WRITE, SPACE,   "which writes it, has certainly ended") \
	ROW(WRITE_AFTER_READ, SPACE,   "which reads it, has certainly ended") \
	ROW(TWO_INITIAL,    SPACE,     "both are places before the step") \
	ROW(TWO_FINAL,      SPACE,     "both are places after the step") \
	ROW(OVER_FINAL,     SPACE,     "whose tensor has its final place there") \
	ROW(OVER_INITIAL,   SPACE,     "since the step's beginning and is still used") \
	ROW(OVERLAP,        SPACE,     "in space and time") \
	ROW(TAKES,          SPACE,     "no 'after' orders that before") \
	ROW(RUN_WORKSPACE,  SPACE,     "a workspace and another operand of one run") \
	ROW(RUN_OUTPUTS,    SPACE,     "two outputs of one run") \
	ROW(RUN_INPUTS,     SPACE,     "two inputs of one run") \
	ROW(RUN_OFFSET,     SPACE,     "but only at the same offset") \
	ROW(RUN_PERMISSION, SPACE,     "no 'inplace' permission") \
	ROW(STALE,          VALUES,    "got a stale version") \
	ROW(LATER,          VALUES,    "got a later version") \
	ROW(IN_PART,        VALUES,    "got only ") \
	ROW(ABSENT,         VALUES,    "which is not there") \
	ROW(FIGURE,         FIGURES,   "which follows from the graph and the program")

#define ROW(id, rule, text) M_##id,
enum message { MESSAGES(ROW) M_COUNT };
#undef ROW
#define ROW(id, rule, text) { #id, text, BAD_##rule },
static const struct { const char *id, *text; enum verdict rule; } messages[] = { MESSAGES(ROW) };
#undef ROW
static unsigned message_seen[M_COUNT];

static enum message
message_of(const struct err *e)
{
	enum message m = 0;

	while (m < M_COUNT && strstr(e->text, messages[m].text) == NULL)
		m++;
	return m;
}

/* Mutants.  A mutation changes its own copy of a plan; false: this plan offers nothing to break that
 * way. */

struct mutant {
	struct plan plan;
	struct graph graph;
	struct device device;
	struct random *r;
	struct arena *a;
};

/* A copy with room for one more element. */
static void *
duplicate(struct arena *a, const void *from, size_t bytes)
{
	void *to = arena_alloc(a, 1, bytes + sizeof(struct instruction));

	if (bytes > 0)
		memcpy(to, from, bytes);
	return to;
}

static void
mutant_init(struct mutant *m, const struct plan *p, struct random *r, struct arena *a)
{
	*m = (struct mutant) { *p, *p->graph, *p->device, r, a };
	m->plan.graph = &m->graph;
	m->plan.device = &m->device;
	m->plan.buffers = duplicate(a, p->buffers, p->buffer_count * sizeof(*p->buffers));
	m->plan.host = duplicate(a, p->host, p->host_count * sizeof(*p->host));
	m->plan.initial = duplicate(a, p->initial, p->initial_count * sizeof(*p->initial));
	m->plan.final = duplicate(a, p->final, p->final_count * sizeof(*p->final));
	m->plan.program = duplicate(a, p->program, p->instruction_count * sizeof(*p->program));
	m->graph.ops = duplicate(a, p->graph->ops, p->graph->op_count * sizeof(*p->graph->ops));
}

static uint32_t *
own(struct mutant *m, const uint32_t **ids, uint32_t count)
{
	return (uint32_t *)(*ids = duplicate(m->a, *ids, count * sizeof(**ids)));
}

/* A random instruction of a queue; NULL: none. */
static struct instruction *
pick(struct mutant *m, enum queue queue)
{
	uint32_t n = 0;
	struct instruction *one = NULL;

	for (uint32_t i = 0; i < m->plan.instruction_count; i++)
		if (m->plan.program[i].queue == queue && random_one_in(m->r, ++n))
			one = &m->plan.program[i];
	return one;
}

static struct instruction *
pick_transfer(struct mutant *m)
{
	struct instruction *out = pick(m, QUEUE_OUT), *in = pick(m, QUEUE_IN);

	return out == NULL || (in != NULL && random_one_in(m->r, 2)) ? in : out;
}

static struct instruction *
pick_any(struct mutant *m)
{
	return &m->plan.program[random_below(m->r, m->plan.instruction_count)];
}

static const struct op *
op_of(const struct mutant *m, const struct instruction *in)
{
	return &m->graph.ops[in->op];
}

static struct buffer *
pick_buffer(struct mutant *m)
{
	return &m->plan.buffers[random_below(m->r, m->plan.buffer_count)];
}

/* Another buffer of the same tensor; PLAN_NONE: none. */
static uint32_t
sibling(struct mutant *m, const struct buffer *buffers, uint32_t count, uint32_t id)
{
	uint32_t n = 0, one = PLAN_NONE;

	for (uint32_t i = 0; i < count; i++)
		if (i != id && buffers[i].tensor == buffers[id].tensor && random_one_in(m->r, ++n))
			one = i;
	return one;
}

static uint64_t
nudge(struct mutant *m, uint64_t x, uint64_t by)
{
	return random_one_in(m->r, 2) && x >= by ? x - by : x + by;
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

static bool
re_edge(struct mutant *m, bool done)
{
	if (done)
		random_plan_edges(&m->plan, random_one_in(m->r, 2), m->a);
	return done;
}

static bool
drop_edge(struct mutant *m)
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

static bool
drop_edges(struct mutant *m)
{
	struct instruction *in = pick_any(m);
	bool had = in->after_count > 0;

	in->after_count = 0;
	return had;
}

static bool
drop_all_edges(struct mutant *m)
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

static bool
add_edge(struct mutant *m)
{
	struct instruction *in = pick_any(m), *other = pick_any(m);

	return other < in && other->queue != in->queue && set_edge(m, in, (uint32_t)(other - m->plan.program));
}

static bool
edge_to_itself(struct mutant *m)
{
	struct instruction *in = pick_any(m);

	return set_edge(m, in, (uint32_t)(in - m->plan.program));
}

static bool
edge_to_later(struct mutant *m)
{
	struct instruction *in = pick_any(m), *other = pick_any(m);

	return other > in && set_edge(m, in, (uint32_t)(other - m->plan.program));
}

static bool
edge_in_queue(struct mutant *m)
{
	struct instruction *in = pick_any(m), *other = pick_any(m);

	return other < in && other->queue == in->queue && set_edge(m, in, (uint32_t)(other - m->plan.program));
}

static bool
edge_to_unknown(struct mutant *m)
{
	return set_edge(m, pick_any(m), m->plan.instruction_count + random_below(m->r, 3));
}

static bool
shift_buffer(struct mutant *m)
{
	struct buffer *b = pick_buffer(m);

	b->offset_bytes = nudge(m, b->offset_bytes, 256 * (1 + random_below(m->r, 3)));
	return true;
}

static bool
shift_buffer_re_edge(struct mutant *m)
{
	return re_edge(m, shift_buffer(m));
}

static bool
stack_buffers(struct mutant *m)
{
	pick_buffer(m)->offset_bytes = pick_buffer(m)->offset_bytes;
	return true;
}

static bool
stack_buffers_re_edge(struct mutant *m)
{
	return re_edge(m, stack_buffers(m));
}

static bool
stack_persistent(struct mutant *m)
{
	const struct place *places = random_one_in(m->r, 2) ? m->plan.initial : m->plan.final;
	const struct place *place = &places[random_below(m->r, m->plan.initial_count)];
	struct buffer *b = pick_buffer(m);

	if (place->on_host || b == &m->plan.buffers[place->buffer])
		return false;
	b->offset_bytes = m->plan.buffers[place->buffer].offset_bytes;
	return true;
}

/* All buffers of the tensors that stay where they are move together. */
static bool
stack_places(struct mutant *m)
{
	const struct place *x = &m->plan.initial[random_below(m->r, m->plan.initial_count)];
	const struct place *y = &m->plan.initial[random_below(m->r, m->plan.initial_count)];

	if (x->on_host || y->on_host || x == y)
		return false;
	m->plan.buffers[x->buffer].offset_bytes = m->plan.buffers[y->buffer].offset_bytes;
	for (uint32_t i = 0; i < m->plan.final_count; i++)
		if (m->plan.final[i].tensor == x->tensor)
			m->plan.buffers[m->plan.final[i].buffer].offset_bytes = m->plan.buffers[y->buffer].offset_bytes;
	return true;
}

static bool
misalign_buffer(struct mutant *m)
{
	pick_buffer(m)->offset_bytes += 64 * (1 + random_below(m->r, 3));
	return true;
}

static bool
misalign_host(struct mutant *m)
{
	if (m->plan.host_count == 0)
		return false;
	m->plan.host[random_below(m->r, m->plan.host_count)].offset_bytes += 128;
	return true;
}

static bool
shift_host(struct mutant *m)
{
	struct buffer *b;

	if (m->plan.host_count == 0)
		return false;
	b = &m->plan.host[random_below(m->r, m->plan.host_count)];
	b->offset_bytes = nudge(m, b->offset_bytes, 256);
	return true;
}

static bool
stack_host(struct mutant *m)
{
	if (m->plan.host_count < 2)
		return false;
	m->plan.host[random_below(m->r, m->plan.host_count)].offset_bytes = m->plan.host[random_below(m->r, m->plan.host_count)].offset_bytes;
	return true;
}

static bool
stack_host_re_edge(struct mutant *m)
{
	return re_edge(m, stack_host(m));
}

static bool
shrink_buffer(struct mutant *m)
{
	struct buffer *b = pick_buffer(m);

	if (b->bytes == 0)
		return false;
	b->bytes -= 64;
	return true;
}

static bool
grow_buffer(struct mutant *m)
{
	pick_buffer(m)->bytes += 64 * (1 + random_below(m->r, 6));
	return true;
}

static bool
grow_host(struct mutant *m)
{
	if (m->plan.host_count == 0)
		return false;
	m->plan.host[random_below(m->r, m->plan.host_count)].bytes += 64 * (1 + random_below(m->r, 6));
	return true;
}

static bool
huge_buffer(struct mutant *m)
{
	struct buffer *b = m->plan.host_count > 0 && random_one_in(m->r, 3) ?
	    &m->plan.host[random_below(m->r, m->plan.host_count)] : pick_buffer(m);

	*(random_one_in(m->r, 2) ? &b->bytes : &b->offset_bytes) = random_one_in(m->r, 2) ? BYTES_MAX : UINT64_MAX - 255;
	return true;
}

static bool
change_buffer_tensor(struct mutant *m)
{
	uint32_t t = random_below(m->r, m->graph.tensor_count + 2);

	pick_buffer(m)->tensor = t < m->graph.tensor_count ? t : t == m->graph.tensor_count ? PLAN_NONE : t;
	return true;
}

static bool
change_host_tensor(struct mutant *m)
{
	uint32_t t = random_below(m->r, m->graph.tensor_count + 2);

	if (m->plan.host_count == 0)
		return false;
	m->plan.host[random_below(m->r, m->plan.host_count)].tensor = t < m->graph.tensor_count ? t :
	    t == m->graph.tensor_count ? PLAN_NONE : t;
	return true;
}

static bool
swap_neighbours(struct mutant *m)
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

static bool
swap_neighbours_re_edge(struct mutant *m)
{
	return re_edge(m, swap_neighbours(m));
}

static bool
swap_instructions(struct mutant *m)
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

static bool
move_instruction(struct mutant *m)
{
	uint32_t order[MAX_INSTRUCTIONS], n = m->plan.instruction_count, from = random_below(m->r, n), to = random_below(m->r, n);

	keep_order(m, order);
	memmove(&order[from], &order[from + 1], (n - 1 - from) * sizeof(*order));
	memmove(&order[to + 1], &order[to], (n - 1 - to) * sizeof(*order));
	order[to] = from;
	reorder(m, order, n);
	return from != to;
}

static bool
move_instruction_re_edge(struct mutant *m)
{
	return re_edge(m, move_instruction(m));
}

static bool
swap_runs_without_ids(struct mutant *m)
{
	struct instruction *x = pick(m, QUEUE_COMPUTE), *y = pick(m, QUEUE_COMPUTE), old = *x;

	if (x->op == y->op)
		return false;
	*x = *y;
	*y = old;
	return re_edge(m, true);
}

static bool
duplicate_instruction(struct mutant *m)
{
	uint32_t order[MAX_INSTRUCTIONS], n = m->plan.instruction_count, i = random_below(m->r, n);

	keep_order(m, order);
	memmove(&order[i + 1], &order[i], (n - i) * sizeof(*order));
	reorder(m, order, n + 1);
	return re_edge(m, true);
}

static bool
drop_fetch(struct mutant *m)
{
	return drop(m, pick(m, QUEUE_IN));
}

static bool
drop_fetch_re_edge(struct mutant *m)
{
	return re_edge(m, drop_fetch(m));
}

static bool
drop_offload(struct mutant *m)
{
	return drop(m, pick(m, QUEUE_OUT));
}

static bool
drop_offload_re_edge(struct mutant *m)
{
	return re_edge(m, drop_offload(m));
}

static bool
drop_run(struct mutant *m)
{
	return drop(m, pick(m, QUEUE_COMPUTE));
}

static bool
drop_rerun(struct mutant *m)
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

static bool
retarget_read(struct mutant *m)
{
	return retarget(m, true, false);
}

static bool
retarget_read_sibling(struct mutant *m)
{
	return re_edge(m, retarget(m, true, true));
}

static bool
retarget_write(struct mutant *m)
{
	return retarget(m, false, false);
}

static bool
retarget_write_sibling(struct mutant *m)
{
	return re_edge(m, retarget(m, false, true));
}

/* Read and write of a tensor that is changed in place both go to another of its buffers. */
static bool
retarget_in_place(struct mutant *m)
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

static bool
split_in_place(struct mutant *m)
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

static bool
swap_outputs(struct mutant *m)
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

static bool
unknown_operand(struct mutant *m)
{
	struct instruction *in = pick(m, QUEUE_COMPUTE);
	bool reads = random_one_in(m->r, 2);
	uint32_t count = reads ? op_of(m, in)->input_count : op_of(m, in)->output_count;

	if (count == 0)
		return false;
	own(m, reads ? &in->reads : &in->writes, count)[random_below(m->r, count)] = random_one_in(m->r, 2) ? PLAN_NONE : m->plan.buffer_count;
	return true;
}

static bool
unknown_transfer(struct mutant *m)
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

static bool
change_workspace(struct mutant *m)
{
	uint32_t b = random_below(m->r, m->plan.buffer_count + 2);

	pick(m, QUEUE_COMPUTE)->workspace = b < m->plan.buffer_count ? b : b == m->plan.buffer_count ? PLAN_NONE : b;
	return true;
}

static bool
change_workspace_sibling(struct mutant *m)
{
	struct instruction *in = pick(m, QUEUE_COMPUTE);
	uint32_t to = in->workspace == PLAN_NONE ? PLAN_NONE : sibling(m, m->plan.buffers, m->plan.buffer_count, in->workspace);

	if (to == PLAN_NONE)
		return false;
	in->workspace = to;
	return re_edge(m, true);
}

static bool
change_alternative(struct mutant *m)
{
	struct instruction *in = pick(m, QUEUE_COMPUTE);

	in->alternative = random_one_in(m->r, 3) ? PLAN_NONE : random_below(m->r, 4);
	return true;
}

static bool
unknown_alternative(struct mutant *m)
{
	struct instruction *in = pick(m, QUEUE_COMPUTE);

	in->alternative = op_of(m, in)->alternative_count;
	return true;
}

static bool
change_op(struct mutant *m)
{
	struct instruction *in = pick(m, QUEUE_COMPUTE);
	uint32_t op = random_below(m->r, m->graph.op_count);

	if (op == in->op || m->graph.ops[op].input_count != op_of(m, in)->input_count ||
	    m->graph.ops[op].output_count != op_of(m, in)->output_count)
		return false;
	in->op = op;
	return true;
}

static bool
unknown_op(struct mutant *m)
{
	pick(m, QUEUE_COMPUTE)->op = m->graph.op_count;
	return true;
}

static bool
not_recomputable(struct mutant *m)
{
	struct instruction *in = pick(m, QUEUE_COMPUTE), *other = pick(m, QUEUE_COMPUTE);

	if (in == other || in->op != other->op)
		return false;
	m->graph.ops[in->op].recomputable = false;
	return true;
}

static bool
no_permission(struct mutant *m)
{
	struct instruction *in = pick(m, QUEUE_COMPUTE);

	if (op_of(m, in)->inplace_count == 0)
		return false;
	m->graph.ops[in->op].inplace_count = 0;
	return true;
}

static bool
shift_transfer(struct mutant *m)
{
	struct instruction *in = pick_transfer(m);

	if (in == NULL)
		return false;
	in->at_bytes = nudge(m, in->at_bytes, 64);
	return true;
}

static bool
shrink_transfer(struct mutant *m)
{
	struct instruction *in = pick_transfer(m);

	if (in == NULL || in->bytes == 0)
		return false;
	in->bytes -= 64 * (1 + random_below(m->r, (uint32_t)(in->bytes / 64)));
	return true;
}

static bool
trim_transfer(struct mutant *m)
{
	struct instruction *in = pick_transfer(m);

	if (in == NULL || in->bytes < 128)
		return false;
	in->at_bytes += 64;
	in->bytes -= 64;
	return true;
}

static bool
odd_transfer(struct mutant *m)
{
	struct instruction *in = pick_transfer(m);

	if (in == NULL || in->bytes == 0 || !random_one_in(m->r, 4))	/* the reference counts single bytes here: slow */
		return false;
	in->bytes--;
	in->at_bytes += random_below(m->r, 2);
	return true;
}

static bool
grow_transfer(struct mutant *m)
{
	struct instruction *in = pick_transfer(m);

	if (in == NULL)
		return false;
	in->bytes += 64;
	return true;
}

static bool
huge_transfer(struct mutant *m)
{
	struct instruction *in = pick_transfer(m);

	if (in == NULL)
		return false;
	*(random_one_in(m->r, 2) ? &in->bytes : &in->at_bytes) = random_one_in(m->r, 2) ? BYTES_MAX : UINT64_MAX - 63;
	return true;
}

static bool
turn_transfer(struct mutant *m)
{
	struct instruction *in = pick_transfer(m);

	if (in == NULL)
		return false;
	in->queue = in->queue == QUEUE_OUT ? QUEUE_IN : QUEUE_OUT;
	return re_edge(m, true);
}

static bool
retarget_transfer(struct mutant *m)
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

static bool
retarget_transfer_sibling(struct mutant *m)
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

static struct place *
pick_place(struct mutant *m)
{
	return &(random_one_in(m->r, 2) ? m->plan.initial : m->plan.final)[random_below(m->r, m->plan.initial_count)];
}

static bool
change_place(struct mutant *m)
{
	struct place *place = pick_place(m);
	uint32_t to = place->on_host ? sibling(m, m->plan.host, m->plan.host_count, place->buffer) :
	    sibling(m, m->plan.buffers, m->plan.buffer_count, place->buffer);

	if (to == PLAN_NONE)
		return false;
	place->buffer = to;
	return re_edge(m, true);
}

static bool
change_both_places(struct mutant *m)
{
	uint32_t i = random_below(m->r, m->plan.initial_count), to;
	struct place *place = &m->plan.initial[i];

	to = place->on_host ? sibling(m, m->plan.host, m->plan.host_count, place->buffer) :
	    sibling(m, m->plan.buffers, m->plan.buffer_count, place->buffer);
	if (to == PLAN_NONE)
		return false;
	m->plan.initial[i].buffer = m->plan.final[i].buffer = to;
	return re_edge(m, true);
}

/* A last stay that only the end looks at, and that may be longer than needed. */
static bool
own_final_stays(struct mutant *m)
{
	struct buffer *buffers = ARENA_NEW(m->a, struct buffer, m->plan.buffer_count + m->plan.final_count);
	uint32_t old = m->plan.buffer_count;

	memcpy(buffers, m->plan.buffers, old * sizeof(*buffers));
	m->plan.buffers = buffers;
	for (uint32_t i = 0; i < m->plan.final_count; i++) {
		struct place *place = &m->plan.final[i];

		if (place->on_host)
			continue;
		buffers[m->plan.buffer_count] = buffers[place->buffer];
		buffers[m->plan.buffer_count].bytes += random_one_in(m->r, 2) ? 0 : 256 * random_below(m->r, 6);
		place->buffer = m->plan.buffer_count++;
	}
	return m->plan.buffer_count > old;
}

static bool
random_place(struct mutant *m)
{
	pick_place(m)->buffer = random_below(m->r, m->plan.buffer_count + 2);
	return true;
}

static bool
turn_place(struct mutant *m)
{
	struct place *place = pick_place(m);

	place->on_host = !place->on_host;
	for (uint32_t i = 0; i < m->plan.buffer_count; i++)	/* one that holds the tensor, where there is one */
		if (!place->on_host && m->plan.buffers[i].tensor == place->tensor)
			place->buffer = i;
	for (uint32_t i = 0; i < m->plan.host_count; i++)
		if (place->on_host && m->plan.host[i].tensor == place->tensor)
			place->buffer = i;
	return true;
}

static bool
place_of_transient(struct mutant *m)
{
	bool initial = random_one_in(m->r, 2);
	uint32_t t = m->graph.tensor_count - 1;

	*(initial ? &m->plan.initial[m->plan.initial_count++] : &m->plan.final[m->plan.final_count++]) = (struct place) { t, false, 0 };
	return true;
}

static bool
place_twice(struct mutant *m)
{
	if (random_one_in(m->r, 2))
		m->plan.initial[m->plan.initial_count] = m->plan.initial[random_below(m->r, m->plan.initial_count)], m->plan.initial_count++;
	else
		m->plan.final[m->plan.final_count] = m->plan.final[random_below(m->r, m->plan.final_count)], m->plan.final_count++;
	return true;
}

static bool
drop_place(struct mutant *m)
{
	if (random_one_in(m->r, 2))
		m->plan.initial_count--;
	else
		m->plan.final_count--;
	return true;
}

static bool
place_of_unknown(struct mutant *m)
{
	pick_place(m)->tensor = m->graph.tensor_count;
	return true;
}

static bool
small_arena(struct mutant *m)
{
	if (m->plan.arena_bytes < 64)
		return false;
	m->plan.arena_bytes -= 64;
	return true;
}

static bool
small_host_pool(struct mutant *m)
{
	if (m->plan.host_bytes < 64)
		return false;
	m->plan.host_bytes -= 64;
	return true;
}

static bool
small_budget(struct mutant *m)
{
	if (m->plan.arena_bytes == 0)
		return false;
	m->plan.budget_bytes = m->plan.arena_bytes - 1;
	return true;
}

static bool
small_device(struct mutant *m)
{
	m->device.memory_bytes = m->plan.budget_bytes + m->device.reserved_bytes - 1;
	return true;
}

static bool
small_pinned(struct mutant *m)
{
	if (m->plan.host_bytes == 0)
		return false;
	m->device.pinned_bytes = m->plan.host_bytes - 1;
	return true;
}

static bool
wrong_figure(struct mutant *m)
{
	struct plan_figures *f = &m->plan.figures;
	bytes_t *all[] = { &f->peak_bytes, &f->offload_bytes, &f->fetch_bytes, &f->bound_bytes, &f->resident_bound_bytes };
	bytes_t *one = all[random_below(m->r, 5)];

	*one = nudge(m, *one, 1 + 255 * random_below(m->r, 2));
	return true;
}

static bool
wrong_time(struct mutant *m)
{
	static const double wrong[] = { NAN, INFINITY, -1 };
	struct plan_predicted *t = &m->plan.predicted;
	double *all[] = { &m->plan.bound_time_us, &t->ideal_time_us, &t->step_time_us, &t->stall_time_us, &t->recompute_time_us };

	*all[random_below(m->r, 5)] = wrong[random_below(m->r, 3)];
	return true;
}

/* What each mutation may make check say: nothing listed is everything. */
struct mutation {
	const char *name;
	bool (*mutate)(struct mutant *m);
	bool always;			/* no such mutant is sound */
	enum message may[26];		/* ends with the first M_COUNT; {M_COUNT}: no limit */
};

#define ANY { M_COUNT }
#define ONLY(...) { __VA_ARGS__, M_COUNT }
#define UNORDERED M_READ_AFTER_WRITE, M_WRITE_AFTER_READ, M_TAKES
#define OVERLAPS M_OVERLAP, M_OVER_INITIAL, M_OVER_FINAL, M_TAKES, M_RUN_WORKSPACE, M_RUN_OUTPUTS, M_RUN_INPUTS, M_RUN_PERMISSION, \
	M_RUN_OFFSET, M_TWO_INITIAL, M_TWO_FINAL
#define LOST M_STALE, M_LATER, M_IN_PART, M_ABSENT

static const struct mutation mutations[] = {
	{ "drop an edge", drop_edge, false, ONLY(UNORDERED) },
	{ "drop an instruction's edges", drop_edges, false, ONLY(UNORDERED) },
	{ "drop all edges", drop_all_edges, false, ONLY(UNORDERED) },
	{ "add an edge", add_edge, false, ONLY(M_COUNT) },
	{ "an edge to itself", edge_to_itself, true, ONLY(M_AFTER_ITSELF) },
	{ "an edge to a later one", edge_to_later, true, ONLY(M_AFTER_LATER) },
	{ "an edge within a queue", edge_in_queue, true, ONLY(M_AFTER_OWN) },
	{ "an edge to nowhere", edge_to_unknown, true, ONLY(M_UNKNOWN_AFTER) },
	{ "shift a buffer", shift_buffer, false, ONLY(M_OUT_ARENA, M_OTHER_OFFSET, OVERLAPS, LOST) },
	{ "shift a buffer, new edges", shift_buffer_re_edge, false, ONLY(M_OUT_ARENA, M_OTHER_OFFSET, OVERLAPS, LOST) },
	{ "a buffer on another", stack_buffers, false, ONLY(M_OUT_ARENA, M_OTHER_OFFSET, OVERLAPS, LOST) },
	{ "a buffer on another, new edges", stack_buffers_re_edge, false, ONLY(M_OUT_ARENA, M_OTHER_OFFSET, OVERLAPS, LOST) },
	{ "a buffer on a persistent place", stack_persistent, false, ONLY(M_OUT_ARENA, M_OTHER_OFFSET, OVERLAPS, LOST) },
	{ "two persistent places in one", stack_places, false, ONLY(M_OUT_ARENA, M_OTHER_OFFSET, OVERLAPS, LOST) },
	{ "misalign a buffer", misalign_buffer, true, ONLY(M_MISALIGNED) },
	{ "misalign a host buffer", misalign_host, true, ONLY(M_MISALIGNED) },
	{ "shift a host buffer", shift_host, false, ONLY(M_OUT_HOST, OVERLAPS) },
	{ "a host buffer on another", stack_host, false, ONLY(M_OUT_HOST, OVERLAPS) },
	{ "a host buffer on another, new edges", stack_host_re_edge, false, ONLY(M_OUT_HOST, OVERLAPS) },
	{ "shrink a buffer", shrink_buffer, false, ONLY(M_SMALL, M_WORKSPACE_SMALL) },
	{ "grow a buffer", grow_buffer, false, ONLY(M_OUT_ARENA, OVERLAPS, LOST) },
	{ "grow a host buffer", grow_host, false, ONLY(M_OUT_HOST, OVERLAPS) },
	{ "a huge buffer", huge_buffer, true, ONLY(M_OUT_ARENA, M_OUT_HOST) },
	{ "another tensor for a buffer", change_buffer_tensor, false, ONLY(M_UNKNOWN_TENSOR, M_SMALL, M_PLACE_TENSOR, M_OPERAND_WORKSPACE,
	    M_WORKSPACE_TENSOR, M_SWAPPED, M_WRONG_TENSOR, M_TWO_TENSORS, M_ABSENT, M_IN_PART) },
	{ "another tensor for a host buffer", change_host_tensor, false, ONLY(M_UNKNOWN_TENSOR, M_HOST_WORKSPACE, M_SMALL, M_PLACE_TENSOR,
	    M_TWO_TENSORS) },
	{ "swap neighbours", swap_neighbours, false, ONLY(M_AFTER_LATER, M_OP_ORDER, OVERLAPS, M_READ_AFTER_WRITE, M_WRITE_AFTER_READ, LOST) },
	{ "swap neighbours, new edges", swap_neighbours_re_edge, false, ONLY(M_OP_ORDER, OVERLAPS, LOST) },
	{ "swap two instructions", swap_instructions, false, ONLY(M_AFTER_LATER, M_OP_ORDER, OVERLAPS, M_READ_AFTER_WRITE, M_WRITE_AFTER_READ, LOST) },
	{ "move an instruction", move_instruction, false, ONLY(M_AFTER_LATER, M_OP_ORDER, OVERLAPS, M_READ_AFTER_WRITE, M_WRITE_AFTER_READ, LOST) },
	{ "move an instruction, new edges", move_instruction_re_edge, false, ONLY(M_OP_ORDER, OVERLAPS, LOST) },
	{ "swap two runs", swap_runs_without_ids, false, ONLY(M_OP_ORDER, OVERLAPS, LOST) },
	{ "an instruction twice", duplicate_instruction, false, ONLY(M_OP_AGAIN, OVERLAPS, LOST) },
	{ "drop a fetch", drop_fetch, false, ONLY(UNORDERED, LOST) },
	{ "drop a fetch, new edges", drop_fetch_re_edge, false, ONLY(LOST) },
	{ "drop an offload", drop_offload, false, ONLY(UNORDERED, LOST) },
	{ "drop an offload, new edges", drop_offload_re_edge, false, ONLY(LOST) },
	{ "drop a run", drop_run, false, ONLY(M_OP_MISSING, M_OP_ORDER, UNORDERED, LOST) },
	{ "drop a rerun", drop_rerun, false, ONLY(LOST) },
	{ "read another buffer", retarget_read, false, ONLY(M_OPERAND_WORKSPACE, M_WRONG_TENSOR, M_IN_PLACE, UNORDERED, OVERLAPS, LOST) },
	{ "read another stay", retarget_read_sibling, false, ONLY(M_IN_PLACE, OVERLAPS, LOST) },
	{ "write another buffer", retarget_write, false, ONLY(M_OPERAND_WORKSPACE, M_WRONG_TENSOR, M_SWAPPED, M_IN_PLACE, M_READ_AFTER_WRITE,
	    M_WRITE_AFTER_READ, OVERLAPS, LOST) },
	{ "write another stay", retarget_write_sibling, false, ONLY(M_IN_PLACE, OVERLAPS, LOST) },
	{ "read and write another stay", retarget_in_place, false, ONLY(OVERLAPS, LOST) },
	{ "in place, but out of place", split_in_place, true, ONLY(M_IN_PLACE) },
	{ "swap outputs", swap_outputs, true, ONLY(M_SWAPPED) },
	{ "an unknown operand", unknown_operand, true, ONLY(M_UNKNOWN_BUFFER) },
	{ "an unknown transfer buffer", unknown_transfer, true, ONLY(M_UNKNOWN_BUFFER, M_UNKNOWN_HOST) },
	{ "another workspace", change_workspace, false, ONLY(M_UNKNOWN_BUFFER, M_NO_WORKSPACE, M_WORKSPACE_TOO, M_WORKSPACE_TENSOR,
	    M_WORKSPACE_SMALL, OVERLAPS, UNORDERED, LOST) },
	{ "another workspace that is one", change_workspace_sibling, false, ONLY(M_WORKSPACE_SMALL, OVERLAPS, LOST) },
	{ "another alternative", change_alternative, false, ONLY(M_ALTERNATIVE, M_NO_WORKSPACE, M_WORKSPACE_TOO, M_WORKSPACE_SMALL) },
	{ "an unknown alternative", unknown_alternative, true, ONLY(M_ALTERNATIVE) },
	{ "another op", change_op, true, ANY },
	{ "an unknown op", unknown_op, true, ONLY(M_UNKNOWN_OP) },
	{ "rerun what must not", not_recomputable, true, ONLY(M_OP_AGAIN) },
	{ "no inplace permission", no_permission, false, ONLY(M_RUN_PERMISSION) },
	{ "shift a transfer", shift_transfer, false, ONLY(M_PART, LOST) },
	{ "shrink a transfer", shrink_transfer, false, ONLY(LOST) },
	{ "trim a transfer", trim_transfer, false, ONLY(LOST) },
	{ "an odd byte less", odd_transfer, false, ONLY(LOST) },
	{ "grow a transfer", grow_transfer, false, ONLY(M_PART, LOST) },
	{ "a huge transfer", huge_transfer, true, ONLY(M_PART) },
	{ "turn a transfer round", turn_transfer, false, ONLY(OVERLAPS, LOST) },
	{ "transfer another buffer", retarget_transfer, false, ONLY(M_TWO_TENSORS, M_OPERAND_WORKSPACE, M_READ_AFTER_WRITE, M_WRITE_AFTER_READ,
	    OVERLAPS, LOST) },
	{ "transfer another stay", retarget_transfer_sibling, false, ONLY(OVERLAPS, LOST) },
	{ "another stay as place", change_place, false, ONLY(M_OTHER_HOST, M_OTHER_OFFSET, OVERLAPS, LOST) },
	{ "another stay as both places", change_both_places, false, ONLY(M_OTHER_HOST, M_OTHER_OFFSET, OVERLAPS, LOST) },
	{ "last stays of their own", own_final_stays, false, ONLY(M_OUT_ARENA, OVERLAPS, LOST) },
	{ "any buffer as place", random_place, false, ONLY(M_UNKNOWN_PLACE, M_PLACE_TENSOR, M_OTHER_HOST, M_OTHER_OFFSET, OVERLAPS,
	    UNORDERED, LOST) },
	{ "a place on the other side", turn_place, true, ONLY(M_UNKNOWN_PLACE, M_PLACE_TENSOR, M_OTHER_SIDE) },
	{ "a place for a transient tensor", place_of_transient, true, ONLY(M_TRANSIENT) },
	{ "a place twice", place_twice, true, ONLY(M_SECOND_PLACE) },
	{ "drop a place", drop_place, true, ONLY(M_NO_PLACE) },
	{ "a place for an unknown tensor", place_of_unknown, true, ONLY(M_UNKNOWN_TENSOR) },
	{ "a smaller arena", small_arena, true, ONLY(M_OUT_ARENA) },
	{ "a smaller host pool", small_host_pool, true, ONLY(M_OUT_HOST) },
	{ "a smaller budget", small_budget, true, ONLY(M_ARENA) },
	{ "a smaller device", small_device, true, ONLY(M_BUDGET) },
	{ "less pinned memory", small_pinned, true, ONLY(M_PINNED) },
	{ "a wrong figure", wrong_figure, true, ONLY(M_FIGURE) },
	{ "a wrong time", wrong_time, true, ONLY(M_TIME) },
};
enum { MUTATIONS = sizeof(mutations) / sizeof(*mutations) };

static struct tally { unsigned made, unsound, disagreed, unexpected; } tallies[MUTATIONS + 1];

static bool
expected(const struct mutation *row, enum message m)
{
	if (row == NULL || row->may[0] == M_COUNT)
		return row == NULL || row->mutate != add_edge;
	for (size_t i = 0; row->may[i] != M_COUNT; i++)
		if (row->may[i] == m)
			return true;
	return false;
}

/* Both look at a mutant; row is NULL where several mutations were stacked. */
static enum verdict
judge(struct mutant *m, const struct mutation *row, struct tally *t)
{
	struct err e = ERR_INIT;
	enum verdict want = reference_check(&m->plan, m->a), got = SOUND;
	enum message said = M_COUNT;

	if (want != BAD_STRUCTURE) {
		struct plan_figures f, g = reference_figures(&m->plan, m->a);

		check_figures(&f, &m->plan, m->a);
		if (memcmp(&f, &g, sizeof(f)) != 0 && t->disagreed++ < SHOWN)
			diag("%s: figures differ from the reference's", row == NULL ? "stacked" : row->name);
	}
	if (check_plan(&m->plan, m->a, &e) < 0) {
		said = message_of(&e);
		got = said == M_COUNT || e.code != ERR_NO || e.path[0] == '\0' ? VERDICT_COUNT : messages[said].rule;
		if (said != M_COUNT)
			message_seen[said]++;
	}
	if (got != want && t->disagreed++ < SHOWN)
		diag("%s: reference says %s, check: %s: %s", row == NULL ? "stacked" : row->name, verdict_names[want], e.path, e.text);
	else if (got == want && want != SOUND && want != BAD_FIGURES && !expected(row, said) && t->unexpected++ < SHOWN)
		diag("%s: unexpected %s: %s: %s", row->name, messages[said].id, e.path, e.text);
	return want;
}

/* Figures of a mutant that follow from what it is now hide nothing else. */
static void
judge_twice(struct mutant *m, const struct mutation *row, struct tally *t)
{
	enum verdict v = judge(m, row, t);

	if (v == BAD_FIGURES && (row == NULL || row->mutate != wrong_figure)) {
		m->plan.figures = reference_figures(&m->plan, m->a);
		v = judge(m, row, t);
	}
	t->made++;
	t->unsound += v != SOUND;
	if (row != NULL && row->always && v == SOUND && t->unexpected++ < SHOWN)
		diag("%s: a mutant is sound", row->name);
}

static void
break_plan(const struct plan *p, struct random *r)
{
	for (size_t k = 0; k < MUTATIONS; k++)
		for (int tries = 0; tries < TRIES; tries++) {
			struct arena a = ARENA_INIT;
			struct mutant m;
			bool done;

			mutant_init(&m, p, r, &a);
			done = mutations[k].mutate(&m);
			if (done)
				judge_twice(&m, &mutations[k], &tallies[k]);
			arena_free(&a);
			if (done)
				break;
		}
	for (int n = 0; n < STACKED; n++) {
		struct arena a = ARENA_INIT;
		struct mutant m;
		enum verdict v = SOUND;

		/* until one breaks the structure: the mutations rely on it */
		mutant_init(&m, p, r, &a);
		for (int tries = 0; tries < 4 && v != BAD_STRUCTURE; tries++)
			if (mutations[random_below(r, MUTATIONS)].mutate(&m))
				v = reference_check(&m.plan, &a);
		judge_twice(&m, NULL, &tallies[MUTATIONS]);
		arena_free(&a);
	}
}

int
main(void)
{
	struct random r = { 20 };
	unsigned made = 0, unsound = 0, plans = 0, total = 0;

	while (plans < PLANS) {
		struct arena a = ARENA_INIT;
		struct plan *p = random_plan(&r, &a);
		struct err e = ERR_INIT;

		if (p != NULL && p->instruction_count + 2 < MAX_INSTRUCTIONS) {
			p->figures = reference_figures(p, &a);
			unsound += check_plan(p, &a, &e) < 0 || reference_check(p, &a) != SOUND;
			if (e.code != ERR_NONE)
				diag("plan %u: %s: %s", plans, e.path, e.text);
			break_plan(p, &r);
			plans++;
		}
		arena_free(&a);
	}
	is_uint(unsound, 0, "%u random plans are sound before they are broken", plans);
	for (size_t k = 0; k <= MUTATIONS; k++) {
		const struct tally *t = &tallies[k];

		made += t->made;
		total += t->unsound;
		ok(t->made > 0 && t->disagreed == 0 && t->unexpected == 0, "%s: %u mutants, %u unsound",
		    k == MUTATIONS ? "several at once" : mutations[k].name, t->made, t->unsound);
	}
	ok(made >= 20000, "%u mutants in all, %u of them unsound", made, total);
	for (size_t k = 0; k < M_COUNT; k++)
		ok(message_seen[k] > 0, "message '%s' was heard %u times", messages[k].text, message_seen[k]);
	return tap_done();
}
