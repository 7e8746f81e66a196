/* SPDX-License-Identifier: Apache-2.0 */
/* timeline.c - live ranges and works along the walk over the ops */
#include <config.h>
#include "planner/search/timeline.h"

#include <math.h>
#include <string.h>

/* ---- tables ---- */

/* True: the output of an in-place pair may take the input's bytes, as far as sizes and kinds say (program.c). */
static bool
may_take_over(const struct line_tables *tables, const struct graph *g, const struct inplace *pair)
{
	return !kind_is_persistent(g->tensors[pair->input].kind) && tables->bytes[pair->input] == tables->bytes[pair->output];
}

static void
list_touches(struct line_tables *tables, const struct problem *p, struct arena *a)
{
	const struct graph *g = p->graph;
	size_t touches = 0, pairs = 0;

	for (uint32_t k = 0; k < g->op_count; k++) {
		touches += g->ops[k].input_count + g->ops[k].output_count;
		pairs += g->ops[k].inplace_count;
	}
	tables->touch_start = ARENA_NEW(a, uint32_t, (size_t)g->op_count + 1);
	tables->touches = ARENA_NEW(a, struct line_touch, touches);
	tables->pair_start = ARENA_NEW(a, uint32_t, (size_t)g->op_count + 1);
	tables->pairs = ARENA_NEW(a, struct inplace, pairs);
	touches = pairs = 0;
	for (uint32_t k = 0; k < g->op_count; k++) {
		const struct op *o = &g->ops[k];

		for (uint32_t i = 0; i < o->input_count; i++)
			tables->touches[touches++] = (struct line_touch) { o->inputs[i], false };
		for (uint32_t j = 0; j < o->output_count; j++)
			tables->touches[touches++] = (struct line_touch) { o->outputs[j],
			    !kind_is_persistent(g->tensors[o->outputs[j]].kind) && !op_reads(o, o->outputs[j]) };
		for (uint32_t i = 0; i < o->inplace_count; i++)
			if (may_take_over(tables, g, &o->inplace[i]))
				tables->pairs[pairs++] = o->inplace[i];
		tables->touch_start[k + 1] = (uint32_t)touches;
		tables->pair_start[k + 1] = (uint32_t)pairs;
	}
}

void
line_tables_init(struct line_tables *tables, const struct problem *p, struct arena *a)
{
	const struct graph *g = p->graph;

	*tables = (struct line_tables) { .bytes = ARENA_NEW(a, int64_t, g->tensor_count), .runs = ARENA_NEW(a, struct sim_work, g->op_count) };
	for (uint32_t t = 0; t < g->tensor_count; t++)
		tables->bytes[t] = (int64_t)bytes_align(g->tensors[t].bytes, DEVICE_ALIGN);
	for (int dir = 0; dir < DIRECTION_COUNT; dir++) {
		tables->copies[dir] = ARENA_NEW(a, struct sim_work, g->tensor_count);
		for (uint32_t t = 0; t < g->tensor_count; t++)
			tables->copies[dir][t] = sim_work_of_transfer(p->device, (enum direction)dir, g->tensors[t].bytes, 1);
	}
	for (uint32_t k = 0; k < g->op_count; k++)
		tables->runs[k] = sim_work_of_op(p->device, &g->ops[k], PLAN_NONE, 1);
	list_touches(tables, p, a);
}

/* ---- live ranges ---- */

/* Ends tensor x's live range where it ends so far. */
static void
close_range(struct time_line *t, struct line_tensor *x)
{
	if (x->range != PLAN_NONE)
		t->ranges[x->range].upper = x->upper;
	x->range = PLAN_NONE;
}

static uint32_t
push_range(struct time_line *t, uint32_t owner, int64_t bytes, uint32_t lower, bool fetched)
{
	*ARENA_PUSH(t->arena, t->ranges, t->counts.ranges, t->capacity.ranges) =
	    (struct live_range) { .bytes = bytes, .lower = lower, .upper = lower + 1, .owner = owner, .fetched = fetched };
	return (uint32_t)t->counts.ranges - 1;
}

/* Begins a new live range of tensor id at a step; filled: by this fetch, as a position plus 1. */
static void
open_range(struct time_line *t, uint32_t id, uint32_t lower, uint32_t filled)
{
	struct line_tensor *x = &t->tensors[id];

	close_range(t, x);
	x->range = push_range(t, id, t->tables->bytes[id], lower, filled > 0);
	x->upper = lower + 1;
	x->filled = filled;
}

/* ---- works ---- */

static struct sim_work *
push_work(struct time_line *t, enum queue q, const struct sim_work *w)
{
	struct sim_work *to = ARENA_PUSH(t->arena, t->works[q], t->counts.works[q], t->capacity.works[q]);

	*to = *w;
	return to;
}

/* Adds a copy of tensor id before a step. */
static struct sim_work *
push_copy(struct time_line *t, enum queue q, uint32_t id, uint32_t step, uint32_t after_out)
{
	size_t count = t->counts.works[q];

	*ARENA_PUSH(t->arena, t->copies[q], count, t->copy_capacity[q]) =
	    (struct line_copy) { .step = step, .after_out = after_out, .bytes = t->tables->bytes[id] };
	return push_work(t, q, &t->tables->copies[q == QUEUE_OUT ? D2H : H2D][id]);
}

/* Lets the tensor of a move leave before a step. */
static void
leave(struct time_line *t, const struct walk_move *m, uint32_t step)
{
	uint32_t id = m->move.tensor;
	struct line_tensor *x = &t->tensors[id];
	struct sim_work *w;

	if (x->range != PLAN_NONE) {
		t->ranges[x->range].departs |= !m->move.copied;
		x->upper = step;
		close_range(t, x);
	}
	if (m->move.copied)
		return;
	w = push_copy(t, QUEUE_OUT, id, step, 0);
	w->wait[QUEUE_COMPUTE] = m->move.from == SCHEDULE_START ? 0 : m->move.from + 1;
	w->wait[QUEUE_IN] = x->filled;
	if (t->walk.d->on_host != NULL && t->walk.d->on_host[id])
		w->wait[QUEUE_IN] = x->in > x->filled ? x->in : x->filled;
	x->out = (uint32_t)t->counts.works[QUEUE_OUT];
}

static void
come_back(struct time_line *t, uint32_t id, uint32_t step)
{
	struct line_tensor *x = &t->tensors[id];
	struct sim_work *w = push_copy(t, QUEUE_IN, id, step, x->out);

	w->wait[QUEUE_COMPUTE] = step;
	x->in = (uint32_t)t->counts.works[QUEUE_IN];
	open_range(t, id, step, x->in);
}

/* Uses tensors in the run at a step, as the tables say of its op. */
static void
touch_all(struct time_line *t, uint32_t op, uint32_t step, struct sim_work *w)
{
	const struct line_tables *tables = t->tables;
	uint32_t filled = 0;

	for (uint32_t i = tables->touch_start[op]; i < tables->touch_start[op + 1]; i++) {
		const struct line_touch *y = &tables->touches[i];
		struct line_tensor *x = &t->tensors[y->tensor];

		if (x->range == PLAN_NONE || y->anew)
			open_range(t, y->tensor, step, 0);
		x->upper = x->upper <= step ? step + 1 : x->upper;
		filled = x->filled > filled ? x->filled : filled;
	}
	w->wait[QUEUE_IN] = filled;
}

static void
run(struct time_line *t, uint32_t step)
{
	const struct line_tables *tables = t->tables;
	const struct graph *g = t->problem->graph;
	const struct step *s = &t->walk.steps[step];
	uint32_t k = s->op;
	bytes_t workspace = op_workspace_bytes(&g->ops[k], s->alternative);
	struct sim_work *w = push_work(t, QUEUE_COMPUTE, &tables->runs[k]);

	if (s->alternative != PLAN_NONE)
		*w = sim_work_of_op(t->problem->device, &g->ops[k], s->alternative, 1);
	t->compute_us += w->us;
	touch_all(t, k, step, w);
	if (workspace > 0)
		push_range(t, g->tensor_count + k, (int64_t)bytes_align(workspace, DEVICE_ALIGN), step, false);
	if (!t->walk.d->in_place)
		return;
	for (uint32_t i = tables->pair_start[k]; i < tables->pair_start[k + 1]; i++)
		*ARENA_PUSH(t->arena, t->pairs, t->counts.pairs, t->capacity.pairs) =
		    (struct line_pair) { t->tensors[tables->pairs[i].input].range, t->tensors[tables->pairs[i].output].range, step };
}

/* ---- along the walk ---- */

/* Lists the moves from number `first` on that still happen and leave before op k or later, by the ops before which they leave. */
static void
list_leaves(struct time_line *t, size_t first, uint32_t k)
{
	for (size_t m = first; m < t->walk.move_count; m++) {
		const struct walk_move *w = &t->walk.moves[m];
		size_t count = m;

		*ARENA_PUSH(t->arena, t->next_leave, count, t->next_leave_capacity) = WALK_NEVER;
		if (w->never || w->gone_op < k)
			continue;
		t->next_leave[m] = t->leaves[w->gone_op];
		t->leaves[w->gone_op] = (uint32_t)m;
	}
}

/* Lets all tensors leave that leave before op k, in the order of the moves. */
static void
leave_all(struct time_line *t, uint32_t k)
{
	uint32_t step = t->walk.group[k], earlier = WALK_NEVER;

	for (uint32_t m = t->leaves[k], next; m != WALK_NEVER; m = next) {
		next = t->next_leave[m];
		t->next_leave[m] = earlier;
		earlier = m;
	}
	t->leaves[k] = earlier;
	for (uint32_t m = earlier; m != WALK_NEVER; m = t->next_leave[m])
		if (!t->walk.moves[m].never)
			leave(t, &t->walk.moves[m], step);
}

/* Returns the first step of op k's group, up to its own first run, that uses tensor id; UINT32_MAX: none does. */
static uint32_t
use_in_group(const struct time_line *t, uint32_t id, uint32_t step)
{
	for (; step < t->walk.step_count; step++)
		FOR_EACH_OPERAND(&t->problem->graph->ops[t->walk.steps[step].op], x)
			if (x == id)
				return step;
	return UINT32_MAX;
}

/* Fetches all tensors that return before a step: those that the group uses by step, then by the op that uses them next. */
static void
fetch_all(struct time_line *t, uint32_t step)
{
	const struct lifetimes *l = t->problem->life;
	struct decision_walk *w = &t->walk;
	uint32_t count = 0;

	for (uint32_t i = 0; i < w->fetched_count; i++) {
		const struct walk_move *m = &w->moves[w->fetched[i]];
		uint32_t id = m->move.tensor, use = w->tensors[id].next_use, first;

		if (m->never || m->move.back != step)
			continue;
		first = use_in_group(t, id, step);
		t->order[count++] = (struct ranked) { .first = first != UINT32_MAX ? first :
		    use < l->use_start[id + 1] ? (double)w->step_count + l->use_op[use] : INFINITY, .id = w->fetched[i] };
	}
	rank_rising(t->order, count);
	for (uint32_t i = 0; i < count; i++)
		come_back(t, w->moves[t->order[i].id].move.tensor, step);
}

bool
timeline_op(struct time_line *t, uint32_t k)
{
	struct decision_walk *w = &t->walk;
	size_t moves = w->move_count;

	if (decision_walk_op(w, k) < 0)
		return false;
	list_leaves(t, moves, 0);
	leave_all(t, k);
	if (w->fetched_count > 0)
		fetch_all(t, w->group[k]);
	for (uint32_t step = w->group[k]; step < w->step_count; step++)
		run(t, step);
	return true;
}

void
timeline_begin(struct time_line *t)
{
	const struct graph *g = t->problem->graph;

	memset(&t->counts, 0, sizeof(t->counts));
	memset(t->leaves, 0xff, sizeof(*t->leaves) * ((size_t)g->op_count + 2));
	t->compute_us = 0;
	decision_walk_begin(&t->walk);
	list_leaves(t, 0, 0);
	for (uint32_t id = 0; id < g->tensor_count; id++) {
		t->tensors[id] = (struct line_tensor) { .range = PLAN_NONE };
		if (kind_is_persistent(g->tensors[id].kind) && !(t->walk.d->on_host != NULL && t->walk.d->on_host[id]))
			open_range(t, id, 0, 0);
	}
	t->first_range = (uint32_t)t->counts.ranges;
}

void
timeline_init(struct time_line *t, const struct problem *p, const struct line_tables *tables, const struct decisions *d, struct arena *a,
    struct err *e)
{
	const struct graph *g = p->graph;

	*t = (struct time_line) { .problem = p, .tables = tables, .arena = a };
	t->tensors = ARENA_NEW(a, struct line_tensor, g->tensor_count);
	t->leaves = ARENA_NEW(a, uint32_t, (size_t)g->op_count + 2);
	t->order = ARENA_NEW(a, struct ranked, g->tensor_count);
	for (uint32_t id = 0; id < g->tensor_count; id++)
		t->has_results |= g->tensors[id].kind == KIND_RESULT;
	decision_walk_init(&t->walk, d, a, e);
	timeline_begin(t);
}

/* ---- the end ---- */

/* Leaves, fetches and live ranges at the step's end (find_finals() in program.c). */
static void
end_ranges(struct time_line *t)
{
	const struct graph *g = t->problem->graph;
	uint32_t steps = (uint32_t)t->walk.step_count;

	for (uint32_t id = 0; id < g->tensor_count; id++) {
		struct line_tensor *x = &t->tensors[id];

		if (x->range == PLAN_NONE)
			continue;
		/* What a rerun writes of a result that ends the step on the host is not needed. */
		if (kind_has_final(g->tensors[id].kind) && t->walk.tensors[id].where != ON_HOST)
			x->upper = !kind_is_persistent(g->tensors[id].kind) || (t->has_results && t->ranges[x->range].lower == steps) ?
			    steps + 1 : steps;
		close_range(t, x);
	}
}

/* Lets outputs take over inputs that end with the op (take_over() in program.c): the bytes count once at that step. */
static void
take_over(struct time_line *t)
{
	for (size_t i = 0; i < t->counts.pairs; i++) {
		const struct line_pair *w = &t->pairs[i];
		struct live_range *from = &t->ranges[w->from], *to = &t->ranges[w->to];

		if (from->taken || to->joined || from->upper != w->step + 1 || to->lower != w->step || from->departs || w->from == w->to)
			continue;
		from->taken = to->joined = true;
		to->part_of = from->joined ? from->part_of : w->from;
		t->live[w->step] -= to->bytes;
		t->live[w->step + 1] += to->bytes;
		t->begun[w->step] -= to->bytes;
	}
}

static void
sum_up(struct time_line *t)
{
	size_t steps = t->walk.step_count;
	int64_t sum = 0;

	if (t->live_capacity < steps + 2) {
		t->live_capacity = 2 * (steps + 2);
		t->live = ARENA_NEW(t->arena, int64_t, t->live_capacity);
		t->begun = ARENA_NEW(t->arena, int64_t, t->live_capacity);
	}
	memset(t->live, 0, sizeof(*t->live) * (steps + 2));
	memset(t->begun, 0, sizeof(*t->begun) * (steps + 2));
	for (size_t i = 0; i < t->counts.ranges; i++) {
		struct live_range *r = &t->ranges[i];

		r->joined = r->taken = false;
		t->live[r->lower] += r->bytes;
		t->live[r->upper] -= r->bytes;
		t->begun[r->lower] += r->bytes;
	}
	take_over(t);
	t->most_bytes = 0;
	for (uint32_t k = 0; k <= steps; k++) {
		t->live[k] = sum += t->live[k];
		if (sum > t->most_bytes) {
			t->most_bytes = sum;
			t->most_step = k;
		}
	}
}

bool
timeline_finish(struct time_line *t)
{
	struct decision_walk *w = &t->walk;
	uint32_t n = t->problem->graph->op_count;
	size_t moves = w->move_count;

	t->most_bytes = 0;
	if (decision_walk_end(w) < 0)
		return false;
	list_leaves(t, moves, 0);
	leave_all(t, n);
	if (w->group[n] < w->group[n + 1]) {
		fetch_all(t, w->group[n]);
		for (uint32_t step = w->group[n]; step < w->group[n + 1]; step++)
			run(t, step);
	}
	leave_all(t, n + 1);
	fetch_all(t, w->group[n + 1]);
	end_ranges(t);
	sum_up(t);
	return t->most_bytes <= (int64_t)t->problem->budget_bytes;
}

void
timeline_wait_for_room(struct time_line *t)
{
	const struct line_copy *outs = t->copies[QUEUE_OUT], *ins = t->copies[QUEUE_IN];
	size_t out_count = t->counts.works[QUEUE_OUT], in_count = t->counts.works[QUEUE_IN], out = 0, in = 0;
	int64_t leaving = 0, budget = (int64_t)t->problem->budget_bytes;
	uint32_t ended = 0;

	for (uint32_t k = 0; k <= t->walk.step_count; k++) {
		int64_t now = t->live[k] - t->begun[k];

		for (; out < out_count && outs[out].step == k; out++)
			leaving += outs[out].bytes;
		for (; in < in_count && ins[in].step == k; in++) {
			now += ins[in].bytes;
			for (; ended < out && leaving + now > budget; ended++)
				leaving -= outs[ended].bytes;
			t->works[QUEUE_IN][in].wait[QUEUE_OUT] = ended > ins[in].after_out ? ended : ins[in].after_out;
		}
		if (k == t->walk.step_count)
			break;
		for (; ended < out && leaving + t->live[k] > budget; ended++)
			leaving -= outs[ended].bytes;
		t->works[QUEUE_COMPUTE][k].wait[QUEUE_OUT] = ended;
	}
}

/* ---- states ---- */

void
timeline_keep(struct line_state *s, const struct time_line *t, uint32_t k)
{
	uint32_t n = t->problem->graph->tensor_count;

	s->op = k;
	s->counts = t->counts;
	s->counts.steps = t->walk.step_count;
	s->counts.moves = t->walk.move_count;
	s->compute_us = t->compute_us;
	memcpy(s->walk, t->walk.tensors, sizeof(*s->walk) * n);
	memcpy(s->line, t->tensors, sizeof(*s->line) * n);
}

/* Copies the first count elements of an array, which gets room for as many. */
static void *
copy_array(void *to, const void *from, size_t size, size_t count, size_t *capacity, struct arena *a)
{
	if (count > *capacity) {
		*capacity = 2 * count;
		to = arena_alloc(a, size, *capacity);
	}
	if (count > 0)
		memcpy(to, from, size * count);
	return to;
}
#define COPY_ARRAY(to, from, member, count, capacity) \
	((to)->member = copy_array((to)->member, (from)->member, sizeof(*(to)->member), (count), &(capacity), (to)->arena))

static void
copy_prefix(struct time_line *t, const struct time_line *from, const struct line_state *s)
{
	COPY_ARRAY(&t->walk, &from->walk, steps, s->counts.steps, t->walk.step_capacity);
	COPY_ARRAY(&t->walk, &from->walk, moves, s->counts.moves, t->walk.move_capacity);
	memcpy(t->walk.group, from->walk.group, sizeof(*t->walk.group) * s->op);
	COPY_ARRAY(t, from, ranges, s->counts.ranges, t->capacity.ranges);
	COPY_ARRAY(t, from, pairs, s->counts.pairs, t->capacity.pairs);
	for (int q = 0; q < QUEUE_COUNT; q++)
		COPY_ARRAY(t, from, works[q], s->counts.works[q], t->capacity.works[q]);
	COPY_ARRAY(t, from, copies[QUEUE_OUT], s->counts.works[QUEUE_OUT], t->copy_capacity[QUEUE_OUT]);
	COPY_ARRAY(t, from, copies[QUEUE_IN], s->counts.works[QUEUE_IN], t->copy_capacity[QUEUE_IN]);
}

void
timeline_restore(struct time_line *t, const struct time_line *from, const struct line_state *s)
{
	const struct graph *g = t->problem->graph;

	if (t != from)
		copy_prefix(t, from, s);
	decision_walk_restore(&t->walk, s->op, s->walk, s->counts.steps, s->counts.moves);
	t->counts = s->counts;
	t->compute_us = s->compute_us;
	memcpy(t->tensors, s->line, sizeof(*t->tensors) * g->tensor_count);
	memset(t->leaves + s->op, 0xff, sizeof(*t->leaves) * ((size_t)g->op_count + 2 - s->op));
	/* Ranges that are open here have not departed, and moves that are open leave in their order. */
	for (uint32_t id = 0; id < g->tensor_count; id++)
		if (t->tensors[id].range != PLAN_NONE)
			t->ranges[t->tensors[id].range].departs = false;
	list_leaves(t, 0, s->op);
}
