/* SPDX-License-Identifier: Apache-2.0 */
/* hybrid_model.c - what the model knows of a graph before any decision, and what each decision changes */
#include <config.h>
#include "planner/hybrid/hybrid_model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int
gap_order(const void *x, const void *y)
{
	const struct gap *p = x, *q = y;

	if (p->a != q->a)
		return p->a < q->a ? -1 : 1;
	return p->tensor < q->tensor ? -1 : p->tensor > q->tensor;
}

static void
add_gap(struct model *m, uint32_t t, uint32_t slot, uint32_t a, uint32_t b)
{
	bytes_t bytes = bytes_align(m->graph->tensors[t].bytes, DEVICE_ALIGN);

	if (a < b)
		m->gaps[m->gap_count++] = (struct gap) { .tensor = t, .slot = slot, .a = a, .b = b, .bytes = (int64_t)bytes,
		    .copy_us = { [H2D] = device_transfer_us(m->device, H2D, bytes), [D2H] = device_transfer_us(m->device, D2H, bytes) } };
}

static void
find_gaps(struct model *m, bytes_t least_bytes)
{
	const struct lifetimes *l = m->life;
	const struct graph *g = m->graph;
	uint32_t slots = decisions_slots(l);

	m->gaps = ARENA_NEW(m->arena, struct gap, slots);
	m->gap_of = ARENA_NEW(m->arena, uint32_t, slots);
	memset(m->gap_of, 0xff, sizeof(*m->gap_of) * slots);
	for (uint32_t t = 0; t < g->tensor_count; t++) {
		uint32_t first = l->use_start[t], end = l->use_start[t + 1];
		bool persistent = kind_is_persistent(g->tensors[t].kind);

		if (g->tensors[t].bytes < least_bytes || g->tensors[t].bytes == 0 || first == end)
			continue;
		if (persistent)
			add_gap(m, t, decisions_before(l, t), 0, l->use_op[first]);
		for (uint32_t u = first; u + 1 < end; u++)
			add_gap(m, t, u, l->use_op[u] + 1, l->use_op[u + 1]);
		if (persistent)
			add_gap(m, t, end - 1, l->use_op[end - 1] + 1, g->op_count);
	}
	qsort(m->gaps, m->gap_count, sizeof(*m->gaps), gap_order);
	for (uint32_t i = 0; i < m->gap_count; i++)
		m->gap_of[m->gaps[i].slot] = i;
}

/* Fills live: the bytes alive, less what outputs take over in the schedule (program.h). */
static void
find_live(struct model *m)
{
	const struct lifetimes *l = m->life;
	const struct graph *g = m->graph;
	bool *taken = ARENA_NEW(m->arena, bool, g->tensor_count);

	m->live = ARENA_NEW(m->arena, int64_t, g->op_count);
	for (uint32_t k = 0; k < g->op_count; k++) {
		m->live[k] = (int64_t)l->live[k];
		for (uint32_t i = 0; i < g->ops[k].inplace_count; i++) {
			uint32_t x = g->ops[k].inplace[i].input, y = g->ops[k].inplace[i].output;

			if (taken[x] || taken[y] || l->last[x] != k || l->first[y] != k || kind_is_persistent(g->tensors[x].kind) ||
			    kind_is_persistent(g->tensors[y].kind) || g->tensors[x].bytes != g->tensors[y].bytes)
				continue;
			taken[x] = taken[y] = true;
			m->live[k] -= (int64_t)g->tensors[x].bytes;
		}
	}
}

/* True: only forward reads the transient tensor, and one op writes it. */
static bool
is_passing(const struct model *m, uint32_t t)
{
	const struct lifetimes *l = m->life;

	return !kind_is_persistent(m->graph->tensors[t].kind) && m->graph->tensors[t].bytes > 0 && l->first[t] < l->last[t] &&
	    m->graph->ops[l->last[t]].phase == PHASE_FORWARD && versions_before(&m->versions, t, m->graph->op_count) == 1;
}

/* A tensor to choose: the larger of two with the same worth comes first. */
struct candidate { double worth; bytes_t bytes; uint32_t tensor; };

static int
worthier(const void *x, const void *y)
{
	const struct candidate *p = x, *q = y;

	if (p->worth != q->worth)
		return p->worth > q->worth ? -1 : 1;
	if (p->bytes != q->bytes)
		return p->bytes > q->bytes ? -1 : 1;
	return p->tensor < q->tensor ? -1 : p->tensor > q->tensor;
}

/* Fills carried: counts, for every moment between two forward ops, the tensors of at least least_bytes that forward carries across it. */
static void
find_carried(struct model *m, bytes_t least_bytes)
{
	const struct lifetimes *l = m->life;
	const struct graph *g = m->graph;
	int32_t *across = ARENA_NEW(m->arena, int32_t, (size_t)g->op_count + 1);
	uint64_t *names = ARENA_NEW(m->arena, uint64_t, (size_t)g->op_count + 1);	/* sum of what crosses: one is its own sum */

	m->carried = ARENA_NEW(m->arena, uint32_t, g->op_count);
	for (uint32_t t = 0; t < g->tensor_count; t++) {
		uint32_t last = l->use_start[t];

		if (kind_is_persistent(g->tensors[t].kind) || g->tensors[t].bytes < least_bytes || l->first[t] > l->last[t])
			continue;
		while (last + 1 < l->use_start[t + 1] && g->ops[l->use_op[last + 1]].phase == PHASE_FORWARD)
			last++;
		across[l->first[t]]++;
		across[l->use_op[last]]--;
		names[l->first[t]] += t;
		names[l->use_op[last]] -= t;
	}
	for (uint32_t k = 0, count = 0; k < g->op_count; k++) {
		count += (uint32_t)across[k];
		names[k + 1] += names[k];
		m->carried[k] = count == 1 && g->ops[k].phase == PHASE_FORWARD ? (uint32_t)names[k] : UINT32_MAX;
	}
}

static double
us_per_byte(const struct model *m, uint32_t t)
{
	return m->graph->ops[versions_writer(&m->versions, t, 1)].time_us / (double)m->graph->tensors[t].bytes;
}

/* Fills until and holdable.  Reruns may read a passing tensor (is_passing) until the last use of what is made of it, directly or by
 * way of other passing tensors. */
static void
find_holdable(struct model *m)
{
	const struct lifetimes *l = m->life;
	const struct graph *g = m->graph;
	struct candidate *dear = ARENA_NEW(m->arena, struct candidate, g->tensor_count);

	m->until = ARENA_NEW(m->arena, uint32_t, g->tensor_count);
	m->holdable = ARENA_NEW(m->arena, uint32_t, g->tensor_count);
	for (uint32_t k = g->op_count; k-- > 0;) {
		uint32_t until = 0;

		if (g->ops[k].phase != PHASE_FORWARD || !g->ops[k].recomputable)
			continue;
		for (uint32_t i = 0; i < g->ops[k].output_count; i++) {
			uint32_t t = g->ops[k].outputs[i], end = is_passing(m, t) ? m->until[t] : l->last[t];

			if (!kind_is_persistent(g->tensors[t].kind) && end > until)
				until = end;
		}
		for (uint32_t i = 0; i < g->ops[k].input_count; i++) {
			uint32_t t = g->ops[k].inputs[i];

			if (is_passing(m, t) && until > m->until[t] && g->ops[until].phase != PHASE_FORWARD)
				m->until[t] = until;
		}
	}
	for (uint32_t t = 0; t < g->tensor_count; t++)
		if (m->until[t] > 0)
			dear[m->holdable_count++] = (struct candidate) { .worth = us_per_byte(m, t), .tensor = t };
	qsort(dear, m->holdable_count, sizeof(*dear), worthier);
	for (uint32_t i = 0; i < m->holdable_count; i++)
		m->holdable[i] = dear[i].tensor;
}

void
model_choose_checkpoints(struct model *m, bytes_t bytes_between)
{
	const struct graph *g = m->graph;
	bytes_t made = 0;

	memset(m->is_checkpoint, 0, sizeof(*m->is_checkpoint) * g->tensor_count);
	for (uint32_t k = 0; k < g->op_count && g->ops[k].phase == PHASE_FORWARD; k++) {
		for (uint32_t j = 0; j < g->ops[k].output_count; j++)
			if (m->life->first[g->ops[k].outputs[j]] == k)
				made += g->tensors[g->ops[k].outputs[j]].bytes;
		if (m->carried[k] != UINT32_MAX && made >= bytes_between) {
			m->is_checkpoint[m->carried[k]] = true;
			made = 0;
		}
	}
}

/* Allocates what decisions change. */
static void
make_room(struct model *m)
{
	const struct graph *g = m->graph;

	m->held = ARENA_NEW(m->arena, bool, g->tensor_count);
	m->is_checkpoint = ARENA_NEW(m->arena, bool, g->tensor_count);
	m->on_host = ARENA_NEW(m->arena, bool, g->tensor_count);
	m->alternative = ARENA_NEW(m->arena, uint32_t, g->op_count);
	m->rerun_at = ARENA_NEW(m->arena, uint32_t, g->op_count);
	m->needed_at = ARENA_NEW(m->arena, uint32_t, g->tensor_count);
	m->stack = ARENA_NEW(m->arena, uint32_t, g->op_count);
	m->seen = ARENA_NEW(m->arena, uint32_t, g->op_count);
	m->stamp = 0;
	stab_index_init(&m->here, m->gap_count, g->op_count, m->arena);
}

/* Updates the index after interval j has become absent, or present again, at ops from .. to - 1. */
static void
index_gap(struct model *m, const struct gap *j, uint32_t from, uint32_t to)
{
	for (uint32_t first = from - from % STAB_PLACES; first < to; first += STAB_PLACES) {
		uint32_t a = first > j->a ? first : j->a, b = first + STAB_PLACES < j->b ? first + STAB_PLACES : j->b;

		stab_index_set(&m->here, first / STAB_PLACES, j->rank, j->fate == FATE_KEEP || a < j->gone || j->back < b);
	}
}

static bool
is_written(const struct model *m, uint32_t t)
{
	return versions_before(&m->versions, t, m->graph->op_count) > 0;
}

/* How much of tensor t's copies at the step's two ends hides behind compute, 0 .. 2. */
static double
ease_on_host(const struct model *m, uint32_t t)
{
	const struct lifetimes *l = m->life;
	double in = device_transfer_us(m->device, H2D, m->graph->tensors[t].bytes);
	double out = is_written(m, t) ? device_transfer_us(m->device, D2H, m->graph->tensors[t].bytes) : 0;

	return fmin(1, m->start_us[l->first[t]] / in) +
	    (out > 0 ? fmin(1, (m->start_us[m->graph->op_count] - m->start_us[l->last[t] + 1]) / out) : 1);
}

/* Gives persistent tensors that the step's ends have no room for their home on the host: first those whose copies hide best. */
static void
choose_homes(struct model *m)
{
	const struct graph *g = m->graph;
	uint32_t n = g->op_count, count = 0;
	int64_t first = segment_tree_at(&m->over, 0), last = segment_tree_at(&m->over, n - 1);
	int64_t excess = first > last ? first : last;
	struct candidate *homes;

	memset(m->on_host, 0, sizeof(*m->on_host) * g->tensor_count);
	if (excess <= 0)
		return;
	homes = ARENA_NEW(m->arena, struct candidate, g->tensor_count);
	for (uint32_t t = 0; t < g->tensor_count; t++)
		if (kind_is_persistent(g->tensors[t].kind) && g->tensors[t].bytes > 0 && m->life->first[t] <= m->life->last[t] &&
		    m->life->first[t] > 0 && m->life->last[t] + 1 < n)
			homes[count++] = (struct candidate) { ease_on_host(m, t), g->tensors[t].bytes, t };
	qsort(homes, count, sizeof(*homes), worthier);
	for (uint32_t i = 0; i < count && excess > 0; i++) {
		int64_t bytes = (int64_t)bytes_align(homes[i].bytes, DEVICE_ALIGN);

		m->on_host[homes[i].tensor] = true;
		segment_tree_add(&m->host, 0, n, bytes);
		excess -= bytes;
	}
}

/* Sets which copies interval j needs while no other interval of its tensor is offloaded. */
static void
find_copies(struct model *m, struct gap *j)
{
	bool home = m->on_host[j->tensor];

	j->out = !home || versions_before(&m->versions, j->tensor, j->a) > 0;
	j->in = !home || j->b < m->graph->op_count;
}

static void
decide_nothing(struct model *m, bytes_t budget)
{
	const struct graph *g = m->graph;
	int64_t *over = ARENA_NEW(m->arena, int64_t, g->op_count), *host = ARENA_NEW(m->arena, int64_t, g->op_count);

	for (uint32_t k = 0; k < g->op_count; k++) {
		over[k] = m->live[k] - (int64_t)budget;
		host[k] = -(int64_t)m->device->pinned_bytes;
	}
	segment_tree_init(&m->over, over, g->op_count, m->arena);
	segment_tree_init(&m->host, host, g->op_count, m->arena);
	memset(m->alternative, 0xff, sizeof(*m->alternative) * g->op_count);
	memset(m->rerun_at, 0xff, sizeof(*m->rerun_at) * g->op_count);
	memset(m->needed_at, 0xff, sizeof(*m->needed_at) * g->tensor_count);
	if (g->op_count > 0)
		choose_homes(m);
	for (uint32_t i = 0; i < m->gap_count; i++) {
		m->gaps[i].fate = FATE_KEEP;
		find_copies(m, &m->gaps[i]);
	}
}

void
model_reset(struct model *m, bytes_t budget)
{
	decide_nothing(m, budget);
	stab_index_copy(&m->here, &m->all);
}

static int
cheaper(const void *x, const void *y)
{
	const struct gap *p = *(struct gap *const *)x, *q = *(struct gap *const *)y;

	if (p->density != q->density)
		return p->density < q->density ? -1 : 1;
	return p < q ? -1 : p > q;
}

/* Ranks the idle intervals by their cost of recomputing while nothing is decided, and indexes all of them. */
static void
rank_gaps(struct model *m)
{
	struct gap **order = ARENA_NEW(m->arena, struct gap *, m->gap_count);

	decide_nothing(m, m->life->peak_bytes);
	for (uint32_t i = 0; i < m->gap_count; i++) {
		m->gaps[i].density = model_drop_cost(m, &m->gaps[i], INT64_MAX, INFINITY).us / (double)m->gaps[i].bytes;
		order[i] = &m->gaps[i];
	}
	qsort(order, m->gap_count, sizeof(*order), cheaper);
	m->by_density = ARENA_NEW(m->arena, uint32_t, m->gap_count);
	for (uint32_t i = 0; i < m->gap_count; i++) {
		m->by_density[i] = (uint32_t)(order[i] - m->gaps);
		order[i]->rank = i;
	}
	for (uint32_t i = 0; i < m->gap_count; i++)
		index_gap(m, &m->gaps[i], m->gaps[i].a, m->gaps[i].b);
	stab_index_init(&m->all, m->gap_count, m->graph->op_count, m->arena);
	stab_index_copy(&m->all, &m->here);
}

void
model_init(struct model *m, const struct lifetimes *l, const struct device *d, bytes_t least_bytes, struct arena *a)
{
	const struct graph *g = l->graph;

	*m = (struct model) { .graph = g, .life = l, .device = d, .start_us = l->start_us, .arena = a };
	versions_init(&m->versions, g, a);
	find_gaps(m, least_bytes);
	find_carried(m, least_bytes);
	find_live(m);
	find_holdable(m);
	make_room(m);
	rank_gaps(m);
}

void
model_hold(struct model *m, bytes_t bytes)
{
	uint32_t n = m->graph->op_count;
	int64_t *change = ARENA_NEW(m->arena, int64_t, (size_t)n + 1), *live = ARENA_NEW(m->arena, int64_t, n), held = 0;

	for (uint32_t i = 0; i < m->holdable_count; i++) {
		uint32_t t = m->holdable[i];
		bytes_t more = bytes_align(m->graph->tensors[t].bytes, DEVICE_ALIGN);

		if (more > bytes)
			continue;
		bytes -= more;
		m->held[t] = true;
		change[m->life->last[t] + 1] += (int64_t)more;
		change[m->until[t] + 1] -= (int64_t)more;
	}
	for (uint32_t k = 0; k < n; k++)
		live[k] = m->live[k] + (held += change[k]);
	m->live = live;
	rank_gaps(m);
}

bytes_t
model_floor(const struct model *m)
{
	uint32_t n = m->graph->op_count;
	int64_t *change = ARENA_NEW(m->arena, int64_t, (size_t)n + 1), absent = 0, most = 0;

	for (uint32_t i = 0; i < m->gap_count; i++) {
		change[m->gaps[i].a] += m->gaps[i].bytes;
		change[m->gaps[i].b] -= m->gaps[i].bytes;
	}
	for (uint32_t k = 0; k < n; k++) {
		int64_t stays = m->live[k] - (absent += change[k]);

		most = stays > most ? stays : most;
	}
	return (bytes_t)most;
}

void
model_copy(struct model *m, const struct model *from, struct arena *a)
{
	*m = *from;
	m->arena = a;
	m->gaps = ARENA_NEW(a, struct gap, m->gap_count);
	if (m->gap_count > 0)
		memcpy(m->gaps, from->gaps, sizeof(*m->gaps) * m->gap_count);
	make_room(m);
}

/* The idle interval of tensor s that op c falls into (a <= c <= b), or NULL. */
static struct gap *
gap_at(const struct model *m, uint32_t s, uint32_t c)
{
	const struct lifetimes *l = m->life;
	uint32_t next = lifetimes_use_from(l, s, c), slot = next == l->use_start[s] ? decisions_before(l, s) : next - 1;

	return m->gap_of[slot] == UINT32_MAX ? NULL : &m->gaps[m->gap_of[slot]];
}

/* Called for an op of a rerun chain for op c; false ends the walk. */
typedef bool visit_fn(struct model *m, uint32_t op, uint32_t c, void *arg);

/* True: tensor s, at the version that op c reads, is there at c without a rerun of this chain: resident, on the host, or remade by a
 * chain of its own. */
static bool
is_there(const struct model *m, uint32_t s, uint32_t c)
{
	const struct gap *j;

	if (m->held[s])
		return c <= m->until[s];
	j = gap_at(m, s, c);
	return m->life->last[s] >= c && (j == NULL || j->fate != FATE_DROP || j->back <= c || c < j->gone);
}

static void
push(struct model *m, uint32_t *count, uint32_t op)
{
	if (m->seen[op] == m->stamp)
		return;
	m->seen[op] = m->stamp;
	m->stack[(*count)++] = op;
}

/* Walks the rerun chain that makes what op c, the end of interval j, reads of j's tensor, back to tensors that are there.  Visits each op that
 * does not run again before c already.  False: some op cannot run again. */
static bool
walk_chain(struct model *m, const struct gap *j, visit_fn *visit, void *arg)
{
	const struct graph *g = m->graph;
	uint32_t count = 0, c = j->b;

	m->stamp++;
	push(m, &count, versions_writer(&m->versions, j->tensor, versions_before(&m->versions, j->tensor, c)));
	for (uint32_t at = 0; at < count; at++) {
		uint32_t p = m->stack[at];
		const struct op *o = &g->ops[p];

		if (!o->recomputable)
			return false;
		if (m->rerun_at[p] <= c && m->rerun_at[p] >= j->a)
			continue;
		if (!visit(m, p, c, arg))
			return true;
		for (uint32_t i = 0; i < o->input_count; i++) {
			uint32_t s = o->inputs[i], v = versions_before(&m->versions, s, p);

			if (kind_is_persistent(g->tensors[s].kind) && v != versions_before(&m->versions, s, c))
				return false;
			if (v == 0)
				continue;
			if (v == versions_before(&m->versions, s, c) && s != j->tensor && is_there(m, s, c))
				continue;
			push(m, &count, versions_writer(&m->versions, s, v));
		}
	}
	return true;
}

struct counting { struct drop_cost drop; double most; };

static bool
is_worth_it(const struct counting *count)
{
	return count->drop.gain > 0 && count->drop.us < count->most * (double)count->drop.gain;
}

static bool
count_cost(struct model *m, uint32_t op, uint32_t c, void *arg)
{
	const struct op *o = &m->graph->ops[op];
	struct counting *count = arg;
	struct drop_cost *drop = &count->drop;

	if (m->rerun_at[op] == UINT32_MAX)
		drop->us += o->time_us;
	for (uint32_t i = 0; i < o->input_count && is_worth_it(count); i++) {
		const struct gap *j = gap_at(m, o->inputs[i], c);
		uint32_t from;

		if (j == NULL || j->fate == FATE_KEEP || j->back <= c)
			continue;
		from = c > j->gone ? c : j->gone;
		if (from < j->back && segment_tree_max(&m->over, from, j->back) + j->bytes > 0)
			drop->gain -= j->bytes;
	}
	return is_worth_it(count);
}

struct drop_cost
model_drop_cost(struct model *m, const struct gap *j, int64_t wanted, double most)
{
	struct counting count = { { 0, j->bytes < wanted ? j->bytes : wanted }, most };

	if (kind_is_persistent(m->graph->tensors[j->tensor].kind) ||
	    versions_before(&m->versions, j->tensor, j->b) == 0 || m->graph->ops[j->b].phase == PHASE_FORWARD ||
	    !walk_chain(m, j, count_cost, &count))
		count.drop.us = INFINITY;
	return count.drop;
}

/* Makes interval j, which is absent at ops gone .. back - 1 or more, absent only there. */
static void
be_here(struct model *m, struct gap *j, uint32_t gone, uint32_t back)
{
	uint32_t from = j->gone, to = j->back;

	segment_tree_add(&m->over, from, gone, j->bytes);
	segment_tree_add(&m->over, back, to, j->bytes);
	j->gone = gone;
	j->back = back;
	index_gap(m, j, from, gone);
	index_gap(m, j, back, to);
}

/* Has tensor s back by op c, whose rerun chain reads it. */
static void
need(struct model *m, uint32_t s, uint32_t c)
{
	struct gap *j = gap_at(m, s, c);

	if (c < m->needed_at[s])
		m->needed_at[s] = c;
	if (j == NULL || j->fate == FATE_KEEP || j->back <= c)
		return;
	be_here(m, j, j->gone, c > j->gone ? c : j->gone);
}

static bool
mark_rerun(struct model *m, uint32_t op, uint32_t c, void *arg)
{
	const struct op *o = &m->graph->ops[op];

	(void)arg;
	m->rerun_at[op] = c;
	for (uint32_t i = 0; i < o->input_count; i++)
		need(m, o->inputs[i], c);
	return true;
}

static void
leave(struct model *m, struct gap *j, enum fate fate, uint32_t gone, uint32_t back)
{
	uint32_t needed = m->needed_at[j->tensor];

	if (needed >= j->a && needed < back)
		back = needed > gone ? needed : gone;
	j->fate = fate;
	j->gone = gone;
	j->back = back;
	segment_tree_add(&m->over, gone, back, -j->bytes);
	index_gap(m, j, gone, back);
}

/* Notes that the host keeps its copy of interval j's tensor: later idle intervals of the same version need no copy out. */
static void
mark_copied(struct model *m, const struct gap *j)
{
	const struct lifetimes *l = m->life;
	uint32_t t = j->tensor, u = j->slot == decisions_before(l, t) ? l->use_start[t] : j->slot + 1;

	for (; u < l->use_start[t + 1] && !op_writes(&m->graph->ops[l->use_op[u]], t); u++)
		if (m->gap_of[u] != UINT32_MAX) {
			m->gaps[m->gap_of[u]].out = false;
			m->gaps[m->gap_of[u]].copied = j->b;
		}
}

void
model_drop(struct model *m, struct gap *j)
{
	walk_chain(m, j, mark_rerun, NULL);
	leave(m, j, FATE_DROP, j->a, j->b);
}

int64_t
model_pins(const struct model *m, const struct gap *j)
{
	return m->on_host[j->tensor] ? 0 : j->bytes;
}

/* The op from which the host keeps a copy for interval j. */
static uint32_t
pinned_from(const struct gap *j)
{
	return j->out ? j->a : j->copied;
}

bool
model_host_has_room(const struct model *m, const struct gap *j)
{
	int64_t bytes = model_pins(m, j);

	return bytes == 0 || segment_tree_max_all(&m->host) + bytes <= 0 || segment_tree_max(&m->host, pinned_from(j), j->b) + bytes <= 0;
}

void
model_offload(struct model *m, struct gap *j, uint32_t gone, uint32_t back)
{
	segment_tree_add(&m->host, pinned_from(j), j->b, model_pins(m, j));
	leave(m, j, FATE_OFFLOAD, gone, back);
	mark_copied(m, j);
}

bool
model_keep(struct model *m, struct gap *j)
{
	if (!model_narrow(m, j, j->back, j->back))
		return false;
	j->fate = FATE_KEEP;
	return true;
}

void
model_use_alternative(struct model *m, uint32_t k, uint32_t alternative)
{
	const struct op *o = &m->graph->ops[k];
	bytes_t before = op_workspace_bytes(o, m->alternative[k]), now = op_workspace_bytes(o, alternative);

	m->alternative[k] = alternative;
	segment_tree_add(&m->over, k, k + 1, (int64_t)now - (int64_t)before);
}

void
model_widen(struct model *m, struct gap *j, uint32_t gone, uint32_t back)
{
	if (gone < j->gone) {
		segment_tree_add(&m->over, gone, j->gone, -j->bytes);
		j->gone = gone;
	}
	if (back > j->back) {
		segment_tree_add(&m->over, j->back, back, -j->bytes);
		j->back = back;
	}
	index_gap(m, j, j->gone, j->back);
}

static bool
has_room(const struct model *m, const struct gap *j, uint32_t from, uint32_t to)
{
	return from >= to || segment_tree_max(&m->over, from, to) + j->bytes <= 0;
}

bool
model_narrow(struct model *m, struct gap *j, uint32_t gone, uint32_t back)
{
	if (!has_room(m, j, j->gone, gone) || !has_room(m, j, back, j->back))
		return false;
	be_here(m, j, gone, back);
	return true;
}

struct gap *
model_next_here(const struct model *m, uint32_t k, uint32_t *rank)
{
	uint32_t next = stab_index_next(&m->here, k, *rank);

	if (next == UINT32_MAX)
		return NULL;
	*rank = next + 1;
	return &m->gaps[m->by_density[next]];
}

void
model_overflow(struct model *m, uint32_t k, bytes_t bytes)
{
	int64_t now = segment_tree_at(&m->over, k);

	/* The model counted -now bytes of room there. */
	segment_tree_add(&m->over, k, k + 1, (int64_t)bytes - (now < 0 ? now : 0));
}

void
model_decide(const struct model *m, struct decisions *d)
{
	for (uint32_t i = 0; i < m->gap_count; i++) {
		const struct gap *j = &m->gaps[i];

		d->fate[j->slot] = (uint8_t)j->fate;
		d->gone[j->slot] = j->gone;
		d->back[j->slot] = j->back;
	}
	for (uint32_t i = 0; i < m->holdable_count; i++)
		if (m->held[m->holdable[i]])
			d->fate[m->life->use_start[m->holdable[i] + 1] - 1] = FATE_KEEP;
	memcpy(d->alternative, m->alternative, sizeof(*d->alternative) * m->graph->op_count);
	d->on_host = m->on_host;
	d->in_place = true;
}
