/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>
#include "planner/program.h"

#include <assert.h>
#include <string.h>

#include "planner/edges.h"

/* What a walk over the schedule's steps finds: the stays of all tensors (each a
 * buffer alive over half-open steps [lower, upper)), and which buffer each access means. */
struct builder {
	struct plan *plan;
	const struct graph *graph;
	const struct schedule *schedule;
	struct arena *arena;
	uint32_t buffer_capacity;
	struct place_item *life;	/* [buffer_count] */
	uint32_t *current;		/* [tensor_count] the buffer that holds it now, or PLAN_NONE */
	uint32_t *reads, *writes;	/* the next free cells of all runs' operand arrays */
	uint32_t *leaves, *returns;	/* [step_count + 1] first move in by_gone / by_back */
	uint32_t *by_gone, *by_back;	/* move ids in step order, ties as given */
	uint32_t *from, *to;		/* [move_count] device buffers */
};

/* The moves ordered by the step at which they leave or return; start[k] is the first of
 * step k. */
static uint32_t *
bucket_moves(const struct schedule *s, bool by_back, uint32_t **start, struct arena *a)
{
	uint32_t *order = ARENA_NEW(a, uint32_t, s->move_count), *fill;

	*start = fill = ARENA_NEW(a, uint32_t, (size_t)s->step_count + 1);
	for (uint32_t m = 0; m < s->move_count; m++)
		fill[by_back ? s->moves[m].back : s->moves[m].gone]++;
	for (uint32_t k = 0; k < s->step_count; k++)
		fill[k + 1] += fill[k];
	for (uint32_t m = s->move_count; m-- > 0;)
		order[--fill[by_back ? s->moves[m].back : s->moves[m].gone]] = m;
	return order;
}

static uint32_t
stay_new(struct builder *b, uint32_t tensor, bytes_t bytes, uint32_t lower)
{
	uint32_t id = b->plan->buffer_count++;
	bool hold = b->schedule->hold && tensor != PLAN_NONE;

	b->plan->buffers[id] = (struct buffer) { .tensor = tensor, .bytes = bytes };
	b->life[id] = (struct place_item) { .bytes = bytes, .lower = hold ? 0 : lower,
	    .upper = hold ? b->schedule->step_count : lower + 1, .fixed = PLACE_FREE };
	return id;
}

/* Persistent tensors stay where they are for the whole step. */
static void
settle_persistent(struct builder *b)
{
	struct plan *p = b->plan;
	const struct graph *g = b->graph;

	for (uint32_t t = 0; t < g->tensor_count; t++)
		if (kind_is_persistent(g->tensors[t].kind)) {
			uint32_t id = stay_new(b, t, g->tensors[t].bytes, 0);

			b->life[id].upper = b->schedule->step_count;
			b->current[t] = id;
			p->initial[p->initial_count++] = (struct place) { .tensor = t, .buffer = id };
			p->final[p->final_count++] = (struct place) { .tensor = t, .buffer = id };
		}
}

/* The operands of the run at step k.  A transient tensor that is written without being read
 * starts a new stay: what it held is of no use any more. */
static void
walk_run(struct builder *b, uint32_t k, struct instruction *run)
{
	const struct step *step = &b->schedule->steps[k];
	const struct op *o = &b->graph->ops[step->op];
	const struct tensor *tensors = b->graph->tensors;
	bytes_t workspace = step->alternative == PLAN_NONE ? o->workspace_bytes :
	    o->alternatives[step->alternative].workspace_bytes;

	*run = (struct instruction) { .queue = QUEUE_COMPUTE, .op = step->op, .reads = b->reads,
	    .writes = b->writes, .workspace = PLAN_NONE, .alternative = step->alternative };
	for (uint32_t i = 0; i < o->input_count; i++) {
		uint32_t t = o->inputs[i];

		if (b->current[t] == PLAN_NONE)
			b->current[t] = stay_new(b, t, tensors[t].bytes, k);
		if (b->life[b->current[t]].upper <= k)
			b->life[b->current[t]].upper = k + 1;
		*b->reads++ = b->current[t];
	}
	for (uint32_t j = 0; j < o->output_count; j++) {
		uint32_t t = o->outputs[j];

		if (b->current[t] == PLAN_NONE ||
		    (!kind_is_persistent(tensors[t].kind) && !op_reads(o, t) && !b->schedule->hold))
			b->current[t] = stay_new(b, t, tensors[t].bytes, k);
		if (b->life[b->current[t]].upper <= k)
			b->life[b->current[t]].upper = k + 1;
		*b->writes++ = b->current[t];
	}
	if (workspace > 0)
		run->workspace = stay_new(b, PLAN_NONE, workspace, k);
}

static void
walk(struct builder *b)
{
	const struct schedule *s = b->schedule;
	struct instruction *next = b->plan->program;

	settle_persistent(b);
	for (uint32_t k = 0; k < s->step_count; k++) {
		for (uint32_t i = b->leaves[k]; i < b->leaves[k + 1]; i++) {
			const struct move *m = &s->moves[b->by_gone[i]];

			assert(b->current[m->tensor] != PLAN_NONE && m->gone <= m->free && m->free <= m->back);
			b->from[b->by_gone[i]] = b->current[m->tensor];
			b->life[b->current[m->tensor]].upper = m->free;
			b->current[m->tensor] = PLAN_NONE;
			*next++ = (struct instruction) { .queue = QUEUE_OUT, .op = PLAN_NONE, .host_buffer = b->by_gone[i] };
		}
		for (uint32_t i = b->returns[k]; i < b->returns[k + 1]; i++) {
			const struct move *m = &s->moves[b->by_back[i]];

			b->current[m->tensor] = stay_new(b, m->tensor, b->graph->tensors[m->tensor].bytes, k);
			b->to[b->by_back[i]] = b->current[m->tensor];
			*next++ = (struct instruction) { .queue = QUEUE_IN, .op = PLAN_NONE, .host_buffer = b->by_back[i] };
		}
		walk_run(b, k, next++);
	}
	b->plan->instruction_count = (uint32_t)(next - b->plan->program);
}

static int
place_all(struct builder *b, const struct placement *placement, struct err *e)
{
	struct plan *p = b->plan;
	/* A budget of the user's own is all that is asked for; else the smallest arena. */
	struct place_problem device = { .count = p->buffer_count, .items = b->life, .align = DEVICE_ALIGN,
	    .capacity = p->budget_bytes < device_budget(p->device) ? p->budget_bytes : 0 };
	struct place_result r = { .offsets = ARENA_NEW(b->arena, bytes_t, p->buffer_count) };

	if (placement_run(&r, placement, &device, b->arena, e) < 0)
		return -1;
	p->arena_bytes = r.arena_bytes;
	for (uint32_t i = 0; i < p->buffer_count; i++)
		p->buffers[i].offset_bytes = r.offsets[i];
	return 0;
}

/* The pinned pool.  Host memory is plentiful: one quick order will do. */
static int
place_host(struct builder *b, struct err *e)
{
	struct plan *p = b->plan;
	const struct schedule *s = b->schedule;
	struct place_item *stays = ARENA_NEW(b->arena, struct place_item, s->move_count);
	struct place_problem host = { .count = s->move_count, .items = stays, .align = DEVICE_ALIGN };
	struct place_result r = { .offsets = ARENA_NEW(b->arena, bytes_t, s->move_count) };

	p->host_count = s->move_count;
	p->host = ARENA_NEW(b->arena, struct buffer, s->move_count);
	for (uint32_t m = 0; m < s->move_count; m++) {
		p->host[m] = (struct buffer) { .tensor = s->moves[m].tensor,
		    .bytes = b->graph->tensors[s->moves[m].tensor].bytes };
		stays[m] = (struct place_item) { .bytes = p->host[m].bytes, .lower = s->moves[m].gone,
		    .upper = s->moves[m].back + 1, .fixed = PLACE_FREE };
	}
	if (placement_run(&r, placement_find("by-size"), &host, b->arena, e) < 0)
		return -1;
	p->host_bytes = r.arena_bytes;
	for (uint32_t m = 0; m < s->move_count; m++)
		p->host[m].offset_bytes = r.offsets[m];
	return 0;
}

/* What instruction id touches. */
static void
add_accesses(struct edges *g, const struct plan *p, uint32_t id)
{
	const struct instruction *i = &p->program[id];
	const struct op *o;

	if (i->queue != QUEUE_COMPUTE) {
		edges_access(g, i->device_buffer, false, i->queue == QUEUE_IN);
		edges_access(g, i->host_buffer, true, i->queue == QUEUE_OUT);
		return;
	}
	o = &p->graph->ops[i->op];
	for (uint32_t j = 0; j < o->input_count; j++)
		edges_access(g, i->reads[j], false, false);
	for (uint32_t j = 0; j < o->output_count; j++)
		edges_access(g, i->writes[j], false, true);
	if (i->workspace != PLAN_NONE)
		edges_access(g, i->workspace, false, true);
}

/* The order that the schedule asks for beyond what soundness does: when copies
 * may begin, and where the queues meet. */
static void
connect(struct builder *b)
{
	struct plan *p = b->plan;
	const struct schedule *s = b->schedule;
	struct edges *g = edges_new(p, b->arena);
	uint32_t *run = ARENA_NEW(b->arena, uint32_t, s->step_count);
	uint32_t last_out = EDGES_NONE, last_in = EDGES_NONE, met_in = EDGES_NONE, step = 0;

	for (uint32_t id = 0; id < p->instruction_count; id++) {
		struct instruction *i = &p->program[id];
		uint32_t move = i->host_buffer;

		if (i->queue == QUEUE_COMPUTE) {
			if (s->steps[step].barrier) {
				edges_wait(g, last_out);
				edges_wait(g, met_in);
			}
			met_in = last_in;
			run[step++] = id;
		} else if (i->queue == QUEUE_OUT) {
			i->device_buffer = b->from[move];
			i->bytes = p->host[move].bytes;
			edges_wait(g, s->moves[move].from == SCHEDULE_START ? EDGES_NONE : run[s->moves[move].from]);
			last_out = id;
		} else {
			i->device_buffer = b->to[move];
			i->bytes = p->host[move].bytes;
			edges_wait(g, step == 0 ? EDGES_NONE : run[step - 1]);
			last_in = id;
		}
		add_accesses(g, p, id);
		edges_finish(g);
	}
}

/* Room for all that a walk over s may make. */
static int
builder_init(struct builder *b, struct err *e)
{
	const struct graph *g = b->graph;
	const struct schedule *s = b->schedule;
	struct plan *p = b->plan;
	struct arena *a = b->arena;
	size_t reads = 0, writes = 0, persistent = 0, buffers;

	for (uint32_t k = 0; k < s->step_count; k++) {
		reads += g->ops[s->steps[k].op].input_count;
		writes += g->ops[s->steps[k].op].output_count;
	}
	for (uint32_t t = 0; t < g->tensor_count; t++)
		persistent += kind_is_persistent(g->tensors[t].kind);
	/* Each stay begins with an operand, a fetch, the step, or is a workspace. */
	buffers = reads + writes + s->move_count + persistent + s->step_count;
	if (buffers > PLAN_NONE / 2)
		return err_set(e, ERR_NO, "the plan would have more than %" PRIu32 " buffers", PLAN_NONE / 2);
	p->buffers = ARENA_NEW(a, struct buffer, buffers);
	b->life = ARENA_NEW(a, struct place_item, buffers);
	p->initial = ARENA_NEW(a, struct place, persistent);
	p->final = ARENA_NEW(a, struct place, persistent);
	p->program = ARENA_NEW(a, struct instruction, (size_t)s->step_count + 2 * (size_t)s->move_count);
	p->buffer_count = p->initial_count = p->final_count = 0;
	b->reads = ARENA_NEW(a, uint32_t, reads);
	b->writes = ARENA_NEW(a, uint32_t, writes);
	b->current = ARENA_NEW(a, uint32_t, g->tensor_count);
	memset(b->current, 0xff, sizeof(*b->current) * g->tensor_count);
	b->from = ARENA_NEW(a, uint32_t, s->move_count);
	b->to = ARENA_NEW(a, uint32_t, s->move_count);
	b->by_gone = bucket_moves(s, false, &b->leaves, a);
	b->by_back = bucket_moves(s, true, &b->returns, a);
	return 0;
}

int
program_build(struct plan *p, const struct schedule *s, const struct placement *placement,
    struct arena *a, struct err *e)
{
	struct builder b = { .plan = p, .graph = p->graph, .schedule = s, .arena = a };

	if (builder_init(&b, e) < 0)
		return -1;
	walk(&b);
	if (place_all(&b, placement, e) < 0 || place_host(&b, e) < 0)
		return -1;
	connect(&b);
	return 0;
}

int
program_profile(bytes_t *live, const struct graph *g, const struct schedule *s, struct arena *a, struct err *e)
{
	struct plan p = { .graph = g };
	struct builder b = { .plan = &p, .graph = g, .schedule = s, .arena = a };
	bytes_t sum = 0;

	if (builder_init(&b, e) < 0)
		return -1;
	walk(&b);
	memset(live, 0, sizeof(*live) * ((size_t)s->step_count + 1));
	for (uint32_t i = 0; i < p.buffer_count; i++) {
		live[b.life[i].lower] += bytes_align(b.life[i].bytes, DEVICE_ALIGN);
		live[b.life[i].upper] -= bytes_align(b.life[i].bytes, DEVICE_ALIGN);	/* unsigned: the sum comes out right */
	}
	for (uint32_t k = 0; k <= s->step_count; k++)
		live[k] = sum += live[k];
	return 0;
}
