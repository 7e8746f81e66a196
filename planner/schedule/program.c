/* SPDX-License-Identifier: Apache-2.0 */
/* program.c - live ranges, offsets and edges of a schedule
 *
 * One walk over the steps finds the live ranges of all tensors.  Each is a buffer, alive over half-open steps [lower, upper).  A
 * live range lasts from where its tensor is written or fetched to its last use or departure.  The ranges are the items of the placement.
 */
#include <config.h>
#include "planner/schedule/program.h"

#include <assert.h>
#include <string.h>

#include "planner/placement/place_settle.h"
#include "planner/schedule/edges.h"
#include "planner/schedule/homes.h"
#include "src/base/rank.h"
#include "src/documents/plan_access.h"

/* The state of the walk, and its results: live ranges, and the buffer of every access. */
struct program {
	struct plan *plan;
	const struct graph *graph;
	const struct schedule *schedule;
	const struct homes *homes;	/* NULL: chosen with the offsets */
	struct arena *arena;
	uint32_t buffer_capacity;
	struct place_item *ranges;	/* [buffer_count] live ranges */
	uint32_t *current;		/* [tensor_count] the buffer that holds it now, or PLAN_NONE */
	uint32_t *final_of;		/* [tensor_count] index of its place in final */
	bool *gone;			/* [tensor_count] its latest move takes it to the host for good */
	uint32_t *reads, *writes;	/* the next free cells of the runs' operand arrays */
	uint32_t *leaves, *returns;	/* [step_count + 2] first move in by_gone / by_back */
	uint32_t *by_gone, *by_back;	/* move ids in step order, ties as given; step_count: at the end */
	uint32_t *from, *to;		/* [move_count] device buffers */
	uint32_t *host_of;		/* [move_count] the host buffer that holds the copy */
	uint32_t instructions;		/* of the program, so far */
	uint32_t *move;			/* [instructions] the move of each copy */
	struct place_item *host_ranges;	/* [host_count], or NULL: not found yet */
	bool host_placed;
	bool is_apart;			/* no two buffers share a byte: the waits for room come from the bytes alive */
	uint32_t takeover_count;
	struct takeover *takeovers;	/* those that ops permit, in step order */
	uint32_t *part_of;		/* [buffer_count] the buffer whose placement item it shares: itself, but for takeovers */
	bool has_results;
	bool homes_return;		/* some persistent tensor leaves the device and returns */
};

/* An output buffer may take an input buffer's bytes in the run at a step. */
struct takeover { uint32_t from, to, step; };

/* Returns the moves ordered by the step at which they leave or return; start[k] is the first of step k. */
static uint32_t *
bucket_moves(const struct schedule *s, bool by_back, uint32_t **start, struct arena *a)
{
	uint32_t *key = ARENA_NEW(a, uint32_t, s->move_count);

	for (uint32_t m = 0; m < s->move_count; m++)
		key[m] = by_back ? s->moves[m].back : s->moves[m].gone;
	return rank_by_key(key, s->move_count, s->step_count + 1, start, a);
}

/* Orders moves that return before the same step.  Tensors that reruns there or the next first run use come in the order of these uses.
 * All others follow, in the order of the first runs that use them: a walk over the ops knows this order without the later reruns. */
static void
order_returns(struct program *b)
{
	const struct schedule *s = b->schedule;
	uint32_t *next = ARENA_NEW(b->arena, uint32_t, b->graph->tensor_count), *next_first = ARENA_NEW(b->arena, uint32_t, b->graph->tensor_count);
	struct ranked *order = ARENA_NEW(b->arena, struct ranked, s->move_count);
	uint32_t first_run = s->step_count;
	bool *is_first_run = ARENA_NEW(b->arena, bool, s->step_count);

	for (uint32_t k = 0, op = 0; k < s->step_count; k++)
		op += is_first_run[k] = s->steps[k].op == op;
	memset(next, 0xff, sizeof(*next) * b->graph->tensor_count);
	memset(next_first, 0xff, sizeof(*next_first) * b->graph->tensor_count);
	for (uint32_t k = s->step_count + 1; k-- > 0;) {
		uint32_t count = b->returns[k + 1] - b->returns[k], *ids = b->by_back + b->returns[k];

		first_run = k < s->step_count && is_first_run[k] ? k : first_run;
		if (k < s->step_count)
			FOR_EACH_OPERAND(&b->graph->ops[s->steps[k].op], t) {
				next[t] = k;
				if (is_first_run[k])
					next_first[t] = k;
			}
		for (uint32_t i = 0; i < count; i++) {
			uint32_t t = s->moves[ids[i]].tensor;

			order[i] = (struct ranked) { .first = next[t] <= first_run ? next[t] : next_first[t], .id = ids[i] };
		}
		rank_rising(order, count);
		for (uint32_t i = 0; i < count; i++)
			ids[i] = order[i].id;
	}
}

/* Begins a live range at step `lower`, with a buffer of its own. */
static uint32_t
range_new(struct program *b, uint32_t tensor, bytes_t bytes, uint32_t lower)
{
	uint32_t id = b->plan->buffer_count++;
	bool hold = b->schedule->hold && tensor != PLAN_NONE;

	b->plan->buffers[id] = (struct buffer) { .tensor = tensor, .bytes = bytes };
	b->ranges[id] = (struct place_item) { .bytes = bytes, .lower = hold ? 0 : lower,
	    .upper = hold ? b->schedule->step_count : lower + 1, .fixed = PLACE_FREE };
	return id;
}

static bool
on_host(const struct schedule *s, uint32_t t)
{
	return s->on_host != NULL && s->on_host[t];
}

/* Puts persistent tensors at home at the beginning; host buffers come later. */
static void
begin_persistent(struct program *b)
{
	struct plan *p = b->plan;
	const struct graph *g = b->graph;

	for (uint32_t t = 0; t < g->tensor_count; t++) {
		if (!kind_is_persistent(g->tensors[t].kind))
			continue;
		if (!on_host(b->schedule, t))
			b->current[t] = range_new(b, t, g->tensors[t].bytes, 0);
		p->initial[p->initial_count++] = (struct place) { .tensor = t, .on_host = on_host(b->schedule, t),
		    .buffer = b->current[t] };
	}
}

/* Puts persistent tensors at home at the end, and results where they are; host buffers come later. */
static void
find_finals(struct program *b)
{
	struct plan *p = b->plan;
	const struct graph *g = b->graph;

	for (uint32_t t = 0; t < g->tensor_count; t++) {
		bool host = kind_is_persistent(g->tensors[t].kind) ? on_host(b->schedule, t) : b->gone[t];

		if (!kind_has_final(g->tensors[t].kind))
			continue;
		b->final_of[t] = p->final_count;
		p->final[p->final_count++] = (struct place) { .tensor = t, .on_host = host, .buffer = b->current[t] };
		if (host)
			continue;
		assert(b->current[t] != PLAN_NONE);
		/* A tensor may return after the last step.  Results are there then, and no output of the last step takes their bytes over;
		 * without results only homes are there. */
		if (!kind_is_persistent(g->tensors[t].kind) || (b->has_results && b->ranges[b->current[t]].lower == b->schedule->step_count))
			b->ranges[b->current[t]].upper = b->schedule->step_count + 1;
		else
			b->ranges[b->current[t]].upper = b->schedule->step_count;
	}
}

/* Notes the takeovers that the op at step k permits.  The decision waits until all live ranges are known. */
static void
note_takeovers(struct program *b, uint32_t k)
{
	const struct op *o = &b->graph->ops[b->schedule->steps[k].op];

	for (uint32_t i = 0; i < o->inplace_count; i++)
		b->takeovers[b->takeover_count++] = (struct takeover) { b->current[o->inplace[i].input],
		    b->current[o->inplace[i].output], k };
}

static bool
may_take_over(const struct program *b, const bool *departs, const struct takeover *w)
{
	const struct place_item *from = &b->ranges[w->from], *to = &b->ranges[w->to];

	return b->part_of[w->to] == w->to && from->upper == w->step + 1 && to->lower == w->step && !departs[w->from] &&
	    bytes_align(b->plan->buffers[w->from].bytes, DEVICE_ALIGN) == bytes_align(to->bytes, DEVICE_ALIGN) &&
	    !kind_is_persistent(b->graph->tensors[b->plan->buffers[w->from].tensor].kind) && w->from != w->to;
}

/* Lets outputs take over the bytes of inputs that end with the op: each pair is one item of the placement.  Inputs that are still
 * being copied out keep theirs. */
static void
take_over(struct program *b)
{
	uint32_t count = b->plan->buffer_count;
	bool *departs = ARENA_NEW(b->arena, bool, count), *taken = ARENA_NEW(b->arena, bool, count);

	for (uint32_t i = 0; i < count; i++)
		b->part_of[i] = i;
	for (uint32_t m = 0; m < b->schedule->move_count; m++)
		if (b->from[m] != PLAN_NONE)
			departs[b->from[m]] = true;
	for (uint32_t i = 0; i < b->takeover_count; i++) {
		const struct takeover *w = &b->takeovers[i];
		struct place_item *whole = &b->ranges[b->part_of[w->from]];

		if (taken[w->from] || !may_take_over(b, departs, w))
			continue;
		taken[w->from] = true;
		b->part_of[w->to] = b->part_of[w->from];
		whole->upper = b->ranges[w->to].upper;
		b->ranges[w->to].bytes = 0;
	}
}

/* Fills the operands of the run at step k.  They have no buffers yet, so plan_access.h cannot walk them.  A transient tensor that is
 * written without being read starts a new live range: its old value is not needed. */
static void
walk_run(struct program *b, uint32_t k, struct instruction *run)
{
	const struct step *step = &b->schedule->steps[k];
	const struct op *o = &b->graph->ops[step->op];
	const struct tensor *tensors = b->graph->tensors;
	bytes_t workspace = op_workspace_bytes(o, step->alternative);

	*run = (struct instruction) { .queue = QUEUE_COMPUTE, .op = step->op, .reads = b->reads,
	    .writes = b->writes, .workspace = PLAN_NONE, .alternative = step->alternative };
	for (uint32_t i = 0; i < o->input_count; i++) {
		uint32_t t = o->inputs[i];

		if (b->current[t] == PLAN_NONE)
			b->current[t] = range_new(b, t, tensors[t].bytes, k);
		if (b->ranges[b->current[t]].upper <= k)
			b->ranges[b->current[t]].upper = k + 1;
		*b->reads++ = b->current[t];
	}
	for (uint32_t j = 0; j < o->output_count; j++) {
		uint32_t t = o->outputs[j];

		if (b->current[t] == PLAN_NONE ||
		    (!kind_is_persistent(tensors[t].kind) && !op_reads(o, t) && !b->schedule->hold))
			b->current[t] = range_new(b, t, tensors[t].bytes, k);
		if (b->ranges[b->current[t]].upper <= k)
			b->ranges[b->current[t]].upper = k + 1;
		*b->writes++ = b->current[t];
	}
	if (workspace > 0)
		run->workspace = range_new(b, PLAN_NONE, workspace, k);
	if (b->schedule->in_place)
		note_takeovers(b, k);
}

/* Lets the tensor of move id leave. */
static void
leave(struct program *b, uint32_t id)
{
	const struct move *m = &b->schedule->moves[id];
	uint32_t buffer = b->current[m->tensor];

	assert(m->gone <= m->free && m->free <= m->back);
	b->current[m->tensor] = PLAN_NONE;
	b->gone[m->tensor] = m->back == SCHEDULE_END;
	b->from[id] = m->copied ? PLAN_NONE : buffer;
	if (buffer != PLAN_NONE)	/* none at step 0, for a tensor at home on the host */
		b->ranges[buffer].upper = m->free;
	if (m->copied)
		return;
	b->move[b->instructions] = id;
	b->plan->program[b->instructions++] = (struct instruction) { .queue = QUEUE_OUT, .op = PLAN_NONE };
}

/* Brings the tensor of move id back at step k. */
static void
come_back(struct program *b, uint32_t id, uint32_t k)
{
	uint32_t t = b->schedule->moves[id].tensor;

	b->to[id] = b->current[t] = range_new(b, t, b->graph->tensors[t].bytes, k);
	b->homes_return |= kind_is_persistent(b->graph->tensors[t].kind) && !on_host(b->schedule, t);
	b->move[b->instructions] = id;
	b->plan->program[b->instructions++] = (struct instruction) { .queue = QUEUE_IN, .op = PLAN_NONE };
}

static void
walk(struct program *b)
{
	const struct schedule *s = b->schedule;

	begin_persistent(b);
	for (uint32_t k = 0; k <= s->step_count; k++) {
		for (uint32_t i = b->leaves[k]; i < b->leaves[k + 1]; i++)
			leave(b, b->by_gone[i]);
		for (uint32_t i = b->returns[k]; i < b->returns[k + 1]; i++)
			come_back(b, b->by_back[i], k);
		if (k < s->step_count)
			walk_run(b, k, &b->plan->program[b->instructions++]);
	}
	find_finals(b);
	b->plan->instruction_count = b->instructions;
	take_over(b);
}

/* Fixes the offsets of tensors at home on the device, to which they return.  If no homes are given, they stand one behind the other.
 * Those that never leave are lowest, so that the others leave one stretch together with the memory above.  A known packing has its own
 * homes. */
static void
fix_homes(struct program *b)
{
	struct plan *p = b->plan;
	struct ranked *homes = ARENA_NEW(b->arena, struct ranked, p->initial_count);
	uint32_t *place = ARENA_NEW(b->arena, uint32_t, b->graph->tensor_count), count = 0;	/* in initial */
	bytes_t offset = 0;

	for (uint32_t i = 0; i < p->initial_count; i++) {
		place[p->initial[i].tensor] = i;
		if (!p->initial[i].on_host)
			homes[count++] = (struct ranked) { .first = b->ranges[p->initial[i].buffer].upper, .id = p->initial[i].tensor };
	}
	rank_falling(homes, count);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t at = place[homes[i].id];

		if (b->homes != NULL)
			offset = b->homes->offset[homes[i].id];
		else if (b->schedule->known != NULL)
			offset = b->schedule->known[p->initial[at].buffer];
		b->ranges[p->initial[at].buffer].fixed = b->ranges[p->final[b->final_of[homes[i].id]].buffer].fixed = offset;
		offset += bytes_align(b->graph->tensors[homes[i].id].bytes, DEVICE_ALIGN);
	}
}

static int
place_device(struct program *b, const struct placement *placement, uint32_t threads, struct err *e)
{
	struct plan *p = b->plan;
	/* A budget of the user's own is the goal, and any budget that is known to be short; else the smallest arena is. */
	struct place_problem device = { .count = p->buffer_count, .items = b->ranges, .align = DEVICE_ALIGN, .threads = threads,
	    .known = b->schedule->known, .thorough = b->schedule->thorough,
	    .capacity = b->schedule->may_fill || p->budget_bytes < device_budget(p->device) ? p->budget_bytes : 0 };
	struct place_result r = { .offsets = ARENA_NEW(b->arena, bytes_t, p->buffer_count) };

	if (b->homes_return || b->homes != NULL)
		fix_homes(b);
	if (placement_run(&r, placement, &device, b->arena, e) < 0)
		return -1;
	p->arena_bytes = r.arena_bytes;
	for (uint32_t i = 0; i < p->buffer_count; i++)
		p->buffers[i].offset_bytes = r.offsets[b->part_of[i]];
	return 0;
}

/* Gives every copy a host buffer.  A tensor at home on the host has one for the whole step; any other has one from its copy out
 * to the last fetch that it serves, and a result that ends the step there to the step's end. */
static void
find_host_ranges(struct program *b)
{
	struct plan *p = b->plan;
	const struct schedule *s = b->schedule;
	const struct graph *g = b->graph;
	struct place_item *ranges = ARENA_NEW(b->arena, struct place_item, (size_t)s->move_count + p->initial_count);
	uint32_t *latest = ARENA_NEW(b->arena, uint32_t, g->tensor_count);

	p->host = ARENA_NEW(b->arena, struct buffer, (size_t)s->move_count + p->initial_count);
	for (uint32_t i = 0; i < p->initial_count; i++)
		if (p->initial[i].on_host) {
			uint32_t t = p->initial[i].tensor;

			latest[t] = p->initial[i].buffer = p->final[b->final_of[t]].buffer = p->host_count;
			ranges[p->host_count] = (struct place_item) { .upper = s->step_count + 1,
			    .fixed = b->homes != NULL ? b->homes->offset[t] : PLACE_FREE };
			p->host[p->host_count++] = (struct buffer) { .tensor = t, .bytes = g->tensors[t].bytes };
		}
	for (uint32_t i = 0; i < s->move_count; i++) {
		const struct move *m = &s->moves[b->by_gone[i]];

		if (!m->copied && !on_host(s, m->tensor)) {
			latest[m->tensor] = p->host_count;
			ranges[p->host_count] = (struct place_item) { .lower = m->gone, .fixed = PLACE_FREE };
			p->host[p->host_count++] = (struct buffer) { .tensor = m->tensor, .bytes = g->tensors[m->tensor].bytes };
		}
		b->host_of[b->by_gone[i]] = latest[m->tensor];
		if (!on_host(s, m->tensor))
			ranges[latest[m->tensor]].upper = (m->back == SCHEDULE_END ? s->step_count : m->back) + 1;
		if (m->back == SCHEDULE_END && kind_has_final(g->tensors[m->tensor].kind))
			p->final[b->final_of[m->tensor]].buffer = latest[m->tensor];
	}
	for (uint32_t i = 0; i < p->host_count; i++)
		ranges[i].bytes = p->host[i].bytes;
	b->host_ranges = ranges;
}

/* Places the pinned pool, once.  Host memory is plentiful, so that one quick order is enough. */
static int
place_host(struct program *b, struct err *e)
{
	struct plan *p = b->plan;
	struct place_problem host = { .count = p->host_count, .items = b->host_ranges, .align = DEVICE_ALIGN };
	struct place_result r = { .offsets = ARENA_NEW(b->arena, bytes_t, p->host_count) };

	if (b->host_placed)
		return 0;
	b->host_placed = true;
	if (placement_run(&r, placement_find("by-size"), &host, b->arena, e) < 0)
		return -1;
	p->host_bytes = r.arena_bytes;
	for (uint32_t i = 0; i < p->host_count; i++)
		p->host[i].offset_bytes = r.offsets[i];
	return 0;
}

/* Places every buffer in bytes of its own. */
static void
place_apart(struct program *b)
{
	struct plan *p = b->plan;

	b->is_apart = true;
	p->arena_bytes = p->host_bytes = 0;
	for (uint32_t i = 0; i < p->buffer_count; i++) {
		p->buffers[i].offset_bytes = p->arena_bytes;
		p->arena_bytes += bytes_align(p->buffers[i].bytes, DEVICE_ALIGN);
	}
	b->host_placed = false;
	for (uint32_t i = 0; i < p->host_count; i++) {
		p->host[i].offset_bytes = p->host_bytes;
		p->host_bytes += bytes_align(p->host[i].bytes, DEVICE_ALIGN);
	}
}

/* Copies out that may still run, while their tensors' bytes are needed. */
struct leaving {
	int64_t budget;
	int64_t bytes;			/* of copies that may still run */
	uint32_t *ids;			/* [count] their instructions, in order; those before `ended` have ended */
	uint32_t ended, count;
	int64_t *live, *begun;		/* [step_count + 1] bytes of all buffers at the step, and of those that begin there */
	int64_t now;			/* the bytes that the instruction at hand needs at its step: the buffers begun until then */
};

static int64_t
bytes_of(const struct program *b, uint32_t buffer)
{
	return (int64_t)bytes_align(b->plan->buffers[buffer].bytes, DEVICE_ALIGN);
}

static struct leaving *
leaving_new(const struct program *b)
{
	uint32_t steps = b->schedule->step_count;
	struct leaving *x = ARENA_NEW(b->arena, struct leaving, 1);

	x->budget = (int64_t)b->plan->budget_bytes;
	x->ids = ARENA_NEW(b->arena, uint32_t, b->schedule->move_count);
	x->live = ARENA_NEW(b->arena, int64_t, (size_t)steps + 1);
	x->begun = ARENA_NEW(b->arena, int64_t, (size_t)steps + 1);
	program_live((bytes_t *)x->live, b);
	for (uint32_t i = 0; i < b->plan->buffer_count; i++)
		x->begun[b->ranges[i].lower] += (int64_t)bytes_align(b->ranges[i].bytes, DEVICE_ALIGN);
	return x;
}

/* Returns the copy out that must have ended before instruction id of step k, so that all bytes in use fit the budget; EDGES_NONE: none.
 * Copies end in order.  No placement within the budget lets the instruction wait for less. */
static uint32_t
leaving_wait(struct leaving *x, const struct program *b, uint32_t id, uint32_t k)
{
	const struct instruction *i = &b->plan->program[id];

	if (i->queue == QUEUE_OUT) {
		x->ids[x->count++] = id;
		x->bytes += bytes_of(b, i->device_buffer);
		return EDGES_NONE;
	}
	if (i->queue == QUEUE_COMPUTE)
		x->now = x->live[k];
	else
		x->now += bytes_of(b, i->device_buffer);
	for (; x->ended < x->count && x->bytes + x->now > x->budget; x->ended++)
		x->bytes -= bytes_of(b, b->plan->program[x->ids[x->ended]].device_buffer);
	return x->ended == 0 ? EDGES_NONE : x->ids[x->ended - 1];
}

/* Adds the waits for accesses, and those that the schedule asks for beyond soundness: when copies may begin, and where the queues
 * meet. */
void
program_connect(struct program *b)
{
	struct plan *p = b->plan;
	const struct schedule *s = b->schedule;
	struct edges *g = edges_new(p, b->arena);
	struct leaving *leaving = b->is_apart ? leaving_new(b) : NULL;
	uint32_t *run = ARENA_NEW(b->arena, uint32_t, s->step_count);
	uint32_t last_out = EDGES_NONE, last_in = EDGES_NONE, met_in = EDGES_NONE, step = 0;

	for (uint32_t id = 0; id < p->instruction_count; id++) {
		struct instruction *i = &p->program[id];
		uint32_t move = b->move[id], k = step;

		if (leaving != NULL && (id == 0 || p->program[id - 1].queue == QUEUE_COMPUTE))
			leaving->now = leaving->live[k] - leaving->begun[k];
		if (i->queue == QUEUE_COMPUTE) {
			if (s->steps[step].barrier) {
				edges_wait(g, last_out);
				edges_wait(g, met_in);
			}
			met_in = last_in;
			run[step++] = id;
		} else if (i->queue == QUEUE_OUT) {
			i->device_buffer = b->from[move];
			i->host_buffer = b->host_of[move];
			i->bytes = p->host[i->host_buffer].bytes;
			edges_wait(g, s->moves[move].from == SCHEDULE_START ? EDGES_NONE : run[s->moves[move].from]);
			last_out = id;
		} else {
			i->device_buffer = b->to[move];
			i->host_buffer = b->host_of[move];
			i->bytes = p->host[i->host_buffer].bytes;
			edges_wait(g, step == 0 ? EDGES_NONE : run[step - 1]);
			last_in = id;
		}
		if (leaving != NULL)
			edges_wait(g, leaving_wait(leaving, b, id, k));
		FOR_EACH_ACCESS_AT(p, id + 1, x)
			edges_access(g, x.buffer, x.host, x.write);
		edges_finish(g);
	}
}

/* Allocates room for all results of the walk. */
static int
make_room(struct program *b, struct err *e)
{
	const struct graph *g = b->graph;
	const struct schedule *s = b->schedule;
	struct plan *p = b->plan;
	struct arena *a = b->arena;
	size_t reads = 0, writes = 0, persistent = 0, finals = 0, takeovers = 0, buffers;

	for (uint32_t k = 0; k < s->step_count; k++) {
		takeovers += s->in_place ? g->ops[s->steps[k].op].inplace_count : 0;
		reads += g->ops[s->steps[k].op].input_count;
		writes += g->ops[s->steps[k].op].output_count;
	}
	for (uint32_t t = 0; t < g->tensor_count; t++) {
		persistent += kind_is_persistent(g->tensors[t].kind);
		finals += kind_has_final(g->tensors[t].kind);
	}
	b->has_results = finals > persistent;
	/* Each live range begins with an operand, a fetch or the step, or is a workspace. */
	buffers = reads + writes + s->move_count + persistent + s->step_count;
	if (buffers > PLAN_NONE / 2)
		return err_set(e, ERR_NO, "the plan would have more than %" PRIu32 " buffers", PLAN_NONE / 2);
	p->buffers = ARENA_NEW(a, struct buffer, buffers);
	b->ranges = ARENA_NEW(a, struct place_item, buffers);
	p->initial = ARENA_NEW(a, struct place, persistent);
	p->final = ARENA_NEW(a, struct place, finals);
	b->final_of = ARENA_NEW(a, uint32_t, g->tensor_count);
	b->gone = ARENA_NEW(a, bool, g->tensor_count);
	p->program = ARENA_NEW(a, struct instruction, (size_t)s->step_count + 2 * (size_t)s->move_count);
	p->buffer_count = p->host_count = p->initial_count = p->final_count = 0;
	b->takeovers = ARENA_NEW(a, struct takeover, takeovers);
	b->part_of = ARENA_NEW(a, uint32_t, buffers);
	b->reads = ARENA_NEW(a, uint32_t, reads);
	b->writes = ARENA_NEW(a, uint32_t, writes);
	b->current = ARENA_NEW(a, uint32_t, g->tensor_count);
	memset(b->current, 0xff, sizeof(*b->current) * g->tensor_count);
	b->from = ARENA_NEW(a, uint32_t, s->move_count);
	b->to = ARENA_NEW(a, uint32_t, s->move_count);
	b->host_of = ARENA_NEW(a, uint32_t, s->move_count);
	b->move = ARENA_NEW(a, uint32_t, (size_t)s->step_count + 2 * (size_t)s->move_count);
	b->by_gone = bucket_moves(s, false, &b->leaves, a);
	b->by_back = bucket_moves(s, true, &b->returns, a);
	order_returns(b);
	return 0;
}

/* Refuses a plan whose reader would refuse it. */
static int
check_sum(const struct buffer *buffers, uint32_t count, const char *where, struct err *e)
{
	bytes_t sum = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (buffers[i].bytes > BYTES_MAX - sum)
			return err_set(e, ERR_NO, "the plan's %s buffers would have more than %" PRI_BYTES " bytes together",
			    where, BYTES_MAX);
		sum += buffers[i].bytes;
	}
	return 0;
}

struct program *
program_new(struct plan *p, const struct schedule *s, const struct homes *homes, struct arena *a, struct err *e)
{
	struct program *b = ARENA_NEW(a, struct program, 1);

	*b = (struct program) { .plan = p, .graph = p->graph, .schedule = s, .homes = homes, .arena = a };
	if (make_room(b, e) < 0)
		return NULL;
	walk(b);
	return b;
}

int
program_place(struct program *b, const struct placement *placement, uint32_t threads, struct err *e)
{
	const struct plan *p = b->plan;

	/* program_live() does without host buffers and sums. */
	if (b->host_ranges == NULL) {
		find_host_ranges(b);
		if (check_sum(p->buffers, p->buffer_count, "device", e) < 0 || check_sum(p->host, p->host_count, "host", e) < 0)
			return -1;
	}
	if (placement == NULL) {
		place_apart(b);
		return 0;
	}
	b->is_apart = false;
	return place_device(b, placement, threads, e) < 0 || place_host(b, e) < 0 ? -1 : 0;
}

/* Puts tensors that never leave below all others, as fix_homes() does: a plan with less memory may then take over these homes. */
static void
settle(struct program *b)
{
	struct plan *p = b->plan;
	struct place_problem device = { .count = p->buffer_count, .items = b->ranges, .align = DEVICE_ALIGN };
	bytes_t *offsets = ARENA_NEW(b->arena, bytes_t, p->buffer_count);

	if (b->homes_return || b->homes != NULL)
		return;
	for (uint32_t i = 0; i < p->buffer_count; i++)
		offsets[i] = p->buffers[i].offset_bytes;
	place_settle(offsets, &device, b->arena);
	for (uint32_t i = 0; i < p->buffer_count; i++)
		p->buffers[i].offset_bytes = offsets[b->part_of[i]];
}

int
program_build(struct plan *p, const struct schedule *s, const struct homes *homes, const struct placement *placement, uint32_t threads,
    struct arena *a, struct err *e)
{
	struct program *b = program_new(p, s, homes, a, e);

	if (b == NULL || program_place(b, placement, threads, e) < 0)
		return -1;
	if (placement != NULL)
		settle(b);
	program_connect(b);
	return 0;
}

void
program_live(bytes_t *live, const struct program *b)
{
	uint32_t steps = b->schedule->step_count;
	bytes_t sum = 0;

	memset(live, 0, sizeof(*live) * ((size_t)steps + 1));
	for (uint32_t i = 0; i < b->plan->buffer_count; i++) {
		live[b->ranges[i].lower] += bytes_align(b->ranges[i].bytes, DEVICE_ALIGN);
		if (b->ranges[i].upper <= steps)
			live[b->ranges[i].upper] -= bytes_align(b->ranges[i].bytes, DEVICE_ALIGN);	/* wraps; the sum does not */
	}
	for (uint32_t k = 0; k <= steps; k++)
		live[k] = sum += live[k];
}

int
program_profile(bytes_t *live, const struct graph *g, const struct schedule *s, struct arena *a, struct err *e)
{
	struct plan p = { .graph = g };
	const struct program *b = program_new(&p, s, NULL, a, e);

	if (b == NULL)
		return -1;
	program_live(live, b);
	return 0;
}
