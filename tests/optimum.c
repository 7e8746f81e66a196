/* SPDX-License-Identifier: Apache-2.0 */
/* optimum.c - the exhaustive search: states, starts, the clock, and an estimate of the time that is left */
#include <config.h>
#include "tests/optimum_private.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static bytes_t
bytes_of(const struct optimum_search *x, uint32_t set)
{
	bytes_t sum = 0;

	for (; set != 0; set &= set - 1)
		sum += x->bytes[__builtin_ctz(set)];
	return sum;
}

/* ---- states ---- */

static bytes_t
used(const struct optimum_search *x, const struct optimum_state *s)
{
	return bytes_of(x, s->device) + s->held + (s->in == OPTIMUM_NONE ? 0 : x->bytes[s->in]);
}

/* Values that an instruction reads at this moment. */
static uint32_t
pinned(const struct optimum_search *x, const struct optimum_state *s)
{
	uint32_t set = s->op == OPTIMUM_NONE ? 0 : x->reads[s->op] & s->device;

	return set | (s->out == OPTIMUM_NONE ? 0 : BIT(s->out));
}

/* True: value v must stay, because it is needed and no instruction can make or fetch it again. */
static bool
must_stay(const struct optimum_search *x, const struct optimum_state *s, uint32_t v)
{
	return (x->needed[s->next] & ~s->host & BIT(v)) && (x->maker[v] == OPTIMUM_NONE || !x->graph->ops[x->maker[v]].recomputable);
}

/* True: the value's final place is the host. */
static bool
ends_on_host(const struct optimum_search *x, const struct optimum_state *s, uint32_t v)
{
	return (s->home & BIT(x->tensor[v])) && x->last[x->tensor[v]] == v;
}

static bool
is_final(const struct optimum_search *x, const struct optimum_state *s)
{
	if (s->next < x->graph->op_count || s->op != OPTIMUM_NONE || s->out != OPTIMUM_NONE || s->in != OPTIMUM_NONE)
		return false;
	for (uint32_t set = x->final; set != 0; set &= set - 1) {
		uint32_t v = (uint32_t)__builtin_ctz(set);
		bool host = (s->host & BIT(v)) && !((x->persistent & ~s->home) & BIT(x->tensor[v]));

		if (!host && !((s->device & BIT(v)) && !(s->home & BIT(x->tensor[v]))))
			return false;
	}
	return true;
}

/* The least time that each queue still needs. */
static double
time_left(const struct optimum_search *x, const struct optimum_state *s)
{
	double compute = x->least_us[s->next] + (s->op == OPTIMUM_NONE ? 0 : s->left[QUEUE_COMPUTE]);
	double out = s->out == OPTIMUM_NONE ? 0 : s->left[QUEUE_OUT], in = s->in == OPTIMUM_NONE ? 0 : s->left[QUEUE_IN];

	for (uint32_t v = 0; v < x->values; v++) {
		bool here = (s->device | s->writing) & BIT(v), device_home = (x->persistent & ~s->home) & BIT(x->tensor[v]);
		bool needed = false;

		if (ends_on_host(x, s, v) && !(s->host & BIT(v)) && s->out != v)
			out += x->copy_us[D2H][v];
		if (here || s->in == v || (x->maker[v] != OPTIMUM_NONE && (x->maker[v] >= s->next || x->graph->ops[x->maker[v]].recomputable)))
			continue;
		for (uint32_t k = s->next; k < x->graph->op_count; k++)
			needed |= (x->reads[k] & BIT(v)) != 0;
		if (needed || (device_home && x->last[x->tensor[v]] == v))
			in += x->copy_us[H2D][v];
	}
	if (x->device->copy_engines == 1)
		return fmax(compute, out + in);
	return fmax(compute, fmax(out, in));
}

static uint64_t
hash_of(const struct optimum_state *s)
{
	const uint64_t words[] = { s->device | (uint64_t)s->host << 32, s->writing | (uint64_t)s->home << 32, s->held,
	    s->next | (uint64_t)s->op << 8 | (uint64_t)s->alternative << 16 | (uint64_t)s->out << 24 | (uint64_t)s->in << 32 |
	    (uint64_t)s->moving[0] << 40 | (uint64_t)s->moving[1] << 41, (uint64_t)llround(s->left[0] * 1e6),
	    (uint64_t)llround(s->left[1] * 1e6), (uint64_t)llround(s->left[2] * 1e6) };
	uint64_t h = 0;

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		h = (h ^ words[i]) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 29;
	}
	return h;
}

static bool
is_same(const struct optimum_state *s, const struct optimum_state *t)
{
	for (int q = 0; q < QUEUE_COUNT; q++)
		if (llround(s->left[q] * 1e6) != llround(t->left[q] * 1e6))
			return false;
	return s->device == t->device && s->host == t->host && s->writing == t->writing && s->home == t->home && s->held == t->held &&
	    s->next == t->next && s->op == t->op && s->alternative == t->alternative && s->out == t->out && s->in == t->in &&
	    s->moving[0] == t->moving[0] && s->moving[1] == t->moving[1];
}

/* ---- the open list ---- */

static bool
is_before(const struct optimum_search *x, uint32_t a, uint32_t b)
{
	return x->nodes[a].f < x->nodes[b].f || (x->nodes[a].f == x->nodes[b].f && a > b);
}

static void
heap_push(struct optimum_search *x, uint32_t id)
{
	size_t i = x->heap_count;

	*ARENA_PUSH(x->arena, x->heap, x->heap_count, x->heap_capacity) = id;
	for (; i > 0 && is_before(x, id, x->heap[(i - 1) / 2]); i = (i - 1) / 2)
		x->heap[i] = x->heap[(i - 1) / 2];
	x->heap[i] = id;
}

static uint32_t
heap_pop(struct optimum_search *x)
{
	uint32_t top = x->heap[0], id = x->heap[--x->heap_count];
	size_t i = 0, c;

	while ((c = 2 * i + 1) < x->heap_count) {
		c += c + 1 < x->heap_count && is_before(x, x->heap[c + 1], x->heap[c]);
		if (!is_before(x, x->heap[c], id))
			break;
		x->heap[i] = x->heap[c];
		i = c;
	}
	x->heap[i] = id;
	return top;
}

/* Adds a state, unless the same one is known at this time or earlier. */
static void
add(struct optimum_search *x, const struct optimum_state *s, const struct optimum_starts *starts, uint32_t parent)
{
	uint32_t *slot = &x->table[hash_of(s) % TABLE], id = (uint32_t)x->count;

	for (uint32_t i = *slot; i != UINT32_MAX; i = x->nodes[i].next_same) {
		if (!is_same(&x->nodes[i].s, s))
			continue;
		if (x->nodes[i].s.now <= s->now + 1e-9)
			return;
		x->nodes[i].done = true;	/* the new one replaces it */
	}
	*ARENA_PUSH(x->arena, x->nodes, x->count, x->node_capacity) = (struct optimum_node) { .s = *s, .starts = *starts, .f = s->now + time_left(x, s), .parent = parent, .next_same = *slot };
	*slot = id;
	heap_push(x, id);
}

/* ---- the clock ---- */

static void
find_rates(const struct optimum_search *x, const struct optimum_state *s, double rate[QUEUE_COUNT])
{
	bool out = s->out != OPTIMUM_NONE && s->moving[D2H], in = s->in != OPTIMUM_NONE && s->moving[H2D];
	double alone[DIRECTION_COUNT] = { 0 }, duplex = x->device->duplex_bytes_per_s / 1e6;

	rate[QUEUE_COMPUTE] = rate[QUEUE_OUT] = rate[QUEUE_IN] = 1;
	for (int dir = 0; dir < DIRECTION_COUNT; dir++) {
		uint32_t v = dir == D2H ? s->out : s->in;

		if (dir == D2H ? out : in)
			alone[dir] = (double)x->graph->tensors[x->tensor[v]].bytes / (x->copy_us[dir][v] - x->device->link[dir].latency_us);
	}
	if (out && in && alone[D2H] + alone[H2D] > duplex)
		rate[QUEUE_OUT] = rate[QUEUE_IN] = duplex / (alone[D2H] + alone[H2D]);
	if (s->op != OPTIMUM_NONE && (out || in)) {
		double factor = x->device->contention[x->graph->ops[s->op].class];

		rate[QUEUE_COMPUTE] = out && in ? 1 / factor : 1 / (1 + (factor - 1) / 2);
	}
}

/* Ends the work of a queue; false: a copy goes on from its latency to its bytes. */
static bool
end_work(const struct optimum_search *x, struct optimum_state *s, enum queue q)
{
	enum direction dir = q == QUEUE_OUT ? D2H : H2D;
	uint8_t *v = q == QUEUE_OUT ? &s->out : &s->in;

	if (q == QUEUE_COMPUTE) {
		s->device |= s->writing;
		s->writing = 0;
		s->held = 0;
		s->op = s->alternative = OPTIMUM_NONE;
		return true;
	}
	if (!s->moving[dir] && x->copy_us[dir][*v] > x->device->link[dir].latency_us) {
		s->moving[dir] = true;
		s->left[q] = x->copy_us[dir][*v] - x->device->link[dir].latency_us;
		return false;
	}
	*(q == QUEUE_OUT ? &s->host : &s->device) |= BIT(*v);
	s->moving[dir] = false;
	*v = OPTIMUM_NONE;
	return true;
}

/* Moves the clock to the next end of an instruction; false: none is at work. */
static bool
advance(const struct optimum_search *x, struct optimum_state *s)
{
	bool ended = false;

	while (!ended) {
		bool works[QUEUE_COUNT] = { s->op != OPTIMUM_NONE, s->out != OPTIMUM_NONE, s->in != OPTIMUM_NONE };
		double rate[QUEUE_COUNT], step = INFINITY;

		find_rates(x, s, rate);
		for (int q = 0; q < QUEUE_COUNT; q++)
			if (works[q])
				step = fmin(step, s->left[q] / rate[q]);
		if (isinf(step))
			return false;
		s->now += step;
		for (int q = 0; q < QUEUE_COUNT; q++)
			if (works[q])
				s->left[q] = s->left[q] / rate[q] - step <= 1e-9 ? 0 : s->left[q] - step * rate[q];
		for (int q = 0; q < QUEUE_COUNT; q++)
			if (works[q] && s->left[q] <= 0)
				ended |= end_work(x, s, (enum queue)q);
	}
	s->device &= x->useful[s->next] | pinned(x, s);
	s->host &= x->useful[s->next];
	return true;
}

/* ---- starts ---- */

struct optimum_choosing {
	struct optimum_search *x;
	uint32_t parent;
};

typedef void next_stage(const struct optimum_choosing *c, const struct optimum_state *s, const struct optimum_starts *starts);

/* Goes on to `next` for each smallest set of values that can be given up so that everything fits. */
static void
make_room(const struct optimum_choosing *c, const struct optimum_state *s, const struct optimum_starts *starts, next_stage *next)
{
	const struct optimum_search *x = c->x;
	bytes_t all = used(x, s), over = all > x->budget ? all - x->budget : 0;
	uint32_t may = s->device & ~pinned(x, s), set = 0;

	if (over == 0) {
		next(c, s, starts);
		return;
	}
	for (uint32_t v = 0; v < x->values; v++)
		if ((may & BIT(v)) && must_stay(x, s, v))
			may &= ~BIT(v);
	/* All subsets of `may`, the empty one first. */
	do {
		bool least = bytes_of(x, set) >= over;
		struct optimum_state t = *s;
		struct optimum_starts u = *starts;

		for (uint32_t rest = set; least && rest != 0; rest &= rest - 1)
			least = bytes_of(x, set & ~(rest & -rest)) < over;
		if (least) {
			t.device &= ~set;
			u.dropped |= set;
			next(c, &t, &u);
		}
		set = (set - may) & may;
	} while (set != 0);
}

static void
finish(const struct optimum_choosing *c, const struct optimum_state *s, const struct optimum_starts *starts)
{
	struct optimum_state t = *s;

	if (advance(c->x, &t))
		add(c->x, &t, starts, c->parent);
}

static double
first_work(const struct optimum_search *x, enum direction dir, uint32_t v)
{
	return fmin(x->copy_us[dir][v], x->device->link[dir].latency_us);
}

static bool
engine_is_free(const struct optimum_search *x, const struct optimum_state *s)
{
	return x->device->copy_engines > 1 || (s->in == OPTIMUM_NONE && s->out == OPTIMUM_NONE);
}

static void
start_in(const struct optimum_choosing *c, const struct optimum_state *s, const struct optimum_starts *starts)
{
	const struct optimum_search *x = c->x;

	finish(c, s, starts);
	for (uint32_t v = 0; s->in == OPTIMUM_NONE && engine_is_free(x, s) && v < x->values; v++) {
		bool home = ((x->persistent & ~s->home) & BIT(x->tensor[v])) && x->last[x->tensor[v]] == v;
		struct optimum_state t = *s;
		struct optimum_starts u = *starts;

		if (!(s->host & ~(s->device | s->writing) & BIT(v)) || !(home || (x->read_later[s->next] & BIT(v))))
			continue;
		t.in = u.in = (uint8_t)v;
		t.moving[H2D] = false;
		t.left[QUEUE_IN] = first_work(x, H2D, v);
		make_room(c, &t, &u, finish);
	}
}

static void
start_out(const struct optimum_choosing *c, const struct optimum_state *s, const struct optimum_starts *starts)
{
	const struct optimum_search *x = c->x;

	start_in(c, s, starts);
	for (uint32_t v = 0; s->out == OPTIMUM_NONE && engine_is_free(x, s) && v < x->values; v++) {
		struct optimum_state t = *s;
		struct optimum_starts u = *starts;

		if (!(s->device & ~s->host & x->useful[s->next] & BIT(v)))
			continue;
		t.out = u.out = (uint8_t)v;
		t.moving[D2H] = false;
		t.left[QUEUE_OUT] = first_work(x, D2H, v);
		if (ends_on_host(x, s, v)) {	/* it is written over the value before the step */
			if (s->in == x->first[x->tensor[v]])
				continue;
			t.host &= ~BIT(x->first[x->tensor[v]]);
		}
		start_in(c, &t, &u);
	}
}

/* Starts a run whose outputs from number j on have no place yet. */
static void
place_outputs(const struct optimum_choosing *c, const struct optimum_state *s, const struct optimum_starts *starts, uint32_t j)
{
	const struct optimum_search *x = c->x;
	const struct op *o = &x->graph->ops[s->op];
	struct optimum_state t = *s;
	struct optimum_starts u;
	uint32_t v;

	if (j == o->output_count) {
		t.held += bytes_align(op_workspace_bytes(o, s->alternative == OPTIMUM_NONE ? PLAN_NONE : s->alternative), DEVICE_ALIGN);
		make_room(c, &t, starts, start_out);
		return;
	}
	for (v = x->first[o->outputs[j]]; !(x->writes[s->op] & BIT(v)); v++)
		;
	/* A value that is there already is written over, unless it is being copied out: then the new one is given up in the end. */
	if (s->out == v)
		t.writing &= ~BIT(v);
	else
		t.device &= ~BIT(v);
	if (op_reads(o, o->outputs[j])) {
		if (!(t.device & BIT(v - 1)) || s->out == v - 1)
			return;
		t.device &= ~BIT(v - 1);
		t.held += x->bytes[v];
		place_outputs(c, &t, starts, j + 1);
		return;
	}
	t.held += x->bytes[v];
	place_outputs(c, &t, starts, j + 1);
	for (uint32_t i = 0; i < o->inplace_count && starts->take_count < OPTIMUM_TAKES; i++) {
		uint32_t from = x->first[o->inplace[i].input];
		struct optimum_state w = t;

		if (o->inplace[i].output != o->outputs[j])
			continue;
		while (!(x->reads[s->op] & BIT(from)))
			from++;
		if (!(t.device & BIT(from)) || s->out == from || must_stay(x, s, from))
			continue;
		w.device &= ~BIT(from);
		if (x->bytes[from] > x->bytes[v])
			w.held += x->bytes[from] - x->bytes[v];
		u = *starts;
		u.takes[u.take_count].from = (uint8_t)from;
		u.takes[u.take_count++].to = (uint8_t)v;
		place_outputs(c, &w, &u, j + 1);
	}
}

static void
start_run(const struct optimum_choosing *c, const struct optimum_state *s, uint32_t p)
{
	const struct optimum_search *x = c->x;
	const struct op *o = &x->graph->ops[p];

	if ((x->reads[p] & ~s->device) != 0)
		return;
	for (uint32_t i = 0; i <= o->alternative_count; i++) {
		struct optimum_state t = *s;
		struct optimum_starts u = { .op = (uint8_t)p, .out = OPTIMUM_NONE, .in = OPTIMUM_NONE,
		    .alternative = i == 0 ? OPTIMUM_NONE : (uint8_t)(i - 1) };

		t.next += p == s->next;
		t.op = u.op;
		t.alternative = u.alternative;
		t.writing = x->writes[p];
		t.left[QUEUE_COMPUTE] = op_time_us(o, i == 0 ? PLAN_NONE : i - 1);
		place_outputs(c, &t, &u, 0);
	}
}

static void
expand(struct optimum_search *x, uint32_t id)
{
	const struct optimum_state s = x->nodes[id].s;
	struct optimum_choosing c = { x, id };

	if (s.op == OPTIMUM_NONE) {
		if (s.next < x->graph->op_count)
			start_run(&c, &s, s.next);
		for (uint32_t p = 0; p < s.next; p++)
			if (x->graph->ops[p].recomputable && (x->writes[p] & x->useful[s.next] & ~s.device) != 0)
				start_run(&c, &s, p);
	}
	start_out(&c, &s, &(struct optimum_starts) { .op = OPTIMUM_NONE, .alternative = OPTIMUM_NONE, .out = OPTIMUM_NONE, .in = OPTIMUM_NONE });
}

/* ---- the search ---- */

static void
add_roots(struct optimum_search *x)
{
	uint32_t home = 0;

	/* All subsets of the persistent tensors. */
	do {
		struct optimum_state s = { .home = home, .op = OPTIMUM_NONE, .alternative = OPTIMUM_NONE, .out = OPTIMUM_NONE, .in = OPTIMUM_NONE };

		for (uint32_t t = 0; t < x->graph->tensor_count; t++)
			if (x->persistent & BIT(t))
				*(home & BIT(t) ? &s.host : &s.device) |= BIT(x->first[t]);
		if (used(x, &s) <= x->budget)
			add(x, &s, &(struct optimum_starts) { .op = OPTIMUM_NONE, .out = OPTIMUM_NONE, .in = OPTIMUM_NONE }, UINT32_MAX);
		home = (home - x->persistent) & x->persistent;
	} while (home != 0);
}

static void
tell(struct optimum *to, const struct optimum_search *x, uint32_t id)
{
	uint32_t n = 0;

	to->us = x->nodes[id].s.now;
	for (uint32_t i = id; x->nodes[i].parent != UINT32_MAX; i = x->nodes[i].parent)
		n++;
	to->moment_count = n;
	to->moments = ARENA_NEW(x->arena, struct optimum_moment, n);
	for (uint32_t i = id; x->nodes[i].parent != UINT32_MAX; i = x->nodes[i].parent)
		to->moments[--n] = (struct optimum_moment) { .starts = x->nodes[i].starts, .before = x->nodes[x->nodes[i].parent].s,
		    .after = x->nodes[i].s };
}

enum optimum_answer
optimum_find(struct optimum *to, const struct graph *g, const struct device *d, bytes_t budget, uint32_t most, struct arena *a)
{
	struct optimum_search x = { .graph = g, .device = d, .budget = budget, .arena = a, .most = most };

	assert(g->tensor_count <= OPTIMUM_TENSORS && g->op_count <= OPTIMUM_OPS && optimum_value(g, g->tensor_count) <= OPTIMUM_VALUES);
	*to = (struct optimum) { .us = 0 };
	optimum_values(&x);
	x.table = ARENA_NEW(a, uint32_t, TABLE);
	memset(x.table, 0xff, sizeof(*x.table) * TABLE);
	add_roots(&x);
	while (x.heap_count > 0 && x.count < most) {
		uint32_t id = heap_pop(&x);

		if (x.nodes[id].done)
			continue;
		x.nodes[id].done = true;
		if (is_final(&x, &x.nodes[id].s)) {
			tell(to, &x, id);
			to->states = (uint32_t)x.count;
			return OPTIMUM_FOUND;
		}
		expand(&x, id);
	}
	to->states = (uint32_t)x.count;
	return x.count < most ? OPTIMUM_IMPOSSIBLE : OPTIMUM_UNKNOWN;
}
