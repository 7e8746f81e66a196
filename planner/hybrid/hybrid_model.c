/* SPDX-License-Identifier: Apache-2.0 */
/* hybrid_model.c - what the model knows of a graph before any decision, and what each decision changes */
#include <config.h>
#include "planner/hybrid/hybrid_model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "planner/hybrid/hybrid_homes.h"
#include "src/base/rank.h"

static int
interval_order(const void *x, const void *y)
{
	const struct model_interval *p = x, *q = y;

	if (p->idle.from != q->idle.from)
		return p->idle.from < q->idle.from ? -1 : 1;
	return p->idle.tensor < q->idle.tensor ? -1 : p->idle.tensor > q->idle.tensor;
}

static void
find_intervals(struct model *m, bytes_t least_bytes)
{
	const struct graph *g = m->graph;
	uint32_t slots = decisions_slots(m->life), count;
	const struct idle_interval *idle = idle_intervals(m->life, &count, m->arena);

	m->intervals = ARENA_NEW(m->arena, struct model_interval, count);
	for (uint32_t i = 0; i < count; i++) {
		bytes_t bytes = bytes_align(g->tensors[idle[i].tensor].bytes, DEVICE_ALIGN);

		if (g->tensors[idle[i].tensor].bytes >= least_bytes)
			m->intervals[m->interval_count++] = (struct model_interval) { .idle = idle[i], .bytes = (int64_t)bytes,
			    .copy_us = { [H2D] = device_busy_us(m->device, H2D, bytes), [D2H] = device_busy_us(m->device, D2H, bytes) } };
	}
	qsort(m->intervals, m->interval_count, sizeof(*m->intervals), interval_order);
	m->interval_of = ARENA_NEW(m->arena, uint32_t, slots);
	memset(m->interval_of, 0xff, sizeof(*m->interval_of) * slots);
	for (uint32_t i = 0; i < m->interval_count; i++)
		m->interval_of[m->intervals[i].idle.slot] = i;
}

/* Fills live: the bytes alive, less the bytes that outputs take over in the schedule (program.h). */
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

			if (taken[x] || taken[y] || l->last[x] != k || l->first[y] != k || kind_has_final(g->tensors[x].kind) ||
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

	return !kind_has_final(m->graph->tensors[t].kind) && m->graph->tensors[t].bytes > 0 && l->first[t] < l->last[t] &&
	    m->graph->ops[l->last[t]].phase == PHASE_FORWARD && versions_before(&m->versions, t, m->graph->op_count) == 1;
}

/* Fills carried: counts, for every moment between two forward ops, the tensors of at least least_bytes that forward carries across it. */
static void
find_carried(struct model *m, bytes_t least_bytes)
{
	const struct lifetimes *l = m->life;
	const struct graph *g = m->graph;
	int32_t *across = ARENA_NEW(m->arena, int32_t, (size_t)g->op_count + 1);
	uint64_t *names = ARENA_NEW(m->arena, uint64_t, (size_t)g->op_count + 1);	/* sum of the ids that cross: the id itself, if one crosses */

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

/* Fills until and holdable.  Reruns may read a passing tensor (is_passing) until the last use of the tensors that are made from it,
 * directly or by way of other passing tensors. */
static void
find_holdable(struct model *m)
{
	const struct lifetimes *l = m->life;
	const struct graph *g = m->graph;
	struct ranked *dear = ARENA_NEW(m->arena, struct ranked, g->tensor_count);

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
			dear[m->holdable_count++] = (struct ranked) { .first = us_per_byte(m, t), .id = t };
	rank_falling(dear, m->holdable_count);
	for (uint32_t i = 0; i < m->holdable_count; i++)
		m->holdable[i] = dear[i].id;
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

/* Allocates the members that decisions change. */
static void
make_room(struct model *m)
{
	const struct graph *g = m->graph;

	m->held = ARENA_NEW(m->arena, bool, g->tensor_count);
	m->is_checkpoint = ARENA_NEW(m->arena, bool, g->tensor_count);
	m->on_host = ARENA_NEW(m->arena, bool, g->tensor_count);
	m->away = ARENA_NEW(m->arena, bool, m->interval_count);
	m->alternative = ARENA_NEW(m->arena, uint32_t, g->op_count);
	m->rerun_at = ARENA_NEW(m->arena, uint32_t, g->op_count);
	m->needed_at = ARENA_NEW(m->arena, uint32_t, g->tensor_count);
	rerun_init(&m->rerun, g, &m->versions, g->op_count, m->arena);
	stab_index_init(&m->here, m->interval_count, g->op_count, m->arena);
}

/* Updates the index after interval j has become absent, or present again, at ops from .. to - 1. */
static void
index_interval(struct model *m, const struct model_interval *j, uint32_t from, uint32_t to)
{
	for (uint32_t first = from - from % STAB_PLACES; first < to; first += STAB_PLACES) {
		uint32_t a = first > j->idle.from ? first : j->idle.from;
		uint32_t b = first + STAB_PLACES < j->idle.to ? first + STAB_PLACES : j->idle.to;

		stab_index_set(&m->here, first / STAB_PLACES, j->rank, j->fate == FATE_KEEP || a < j->gone || j->back < b);
	}
}

/* Sets which copies interval j needs while no other interval of its tensor is offloaded. */
static void
find_copies(struct model *m, struct model_interval *j)
{
	bool home = m->on_host[j->idle.tensor];

	j->out = !home || versions_before(&m->versions, j->idle.tensor, j->idle.from) > 0;
	j->in = idle_returns(m->graph, &j->idle) && (!home || j->idle.to < m->graph->op_count);
}

static void
decide_nothing(struct model *m, bytes_t budget, double homes)
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
	memset(m->on_host, 0, sizeof(*m->on_host) * g->tensor_count);
	memset(m->away, 0, sizeof(*m->away) * m->interval_count);
	if (g->op_count > 0)
		homes_choose(m, homes);
	for (uint32_t i = 0; i < m->interval_count; i++) {
		m->intervals[i].fate = FATE_KEEP;
		find_copies(m, &m->intervals[i]);
	}
}

void
model_reset(struct model *m, bytes_t budget, double homes)
{
	decide_nothing(m, budget, homes);
	stab_index_copy(&m->here, &m->all);
}

/* Ranks the idle intervals by their cost of recomputing while nothing is decided, and indexes all of them. */
static void
rank_intervals(struct model *m)
{
	struct ranked *order = ARENA_NEW(m->arena, struct ranked, m->interval_count);

	decide_nothing(m, m->life->peak_bytes, 0);
	m->droppable_count = 0;
	for (uint32_t i = 0; i < m->interval_count; i++) {
		m->intervals[i].density = model_drop_cost(m, &m->intervals[i], INT64_MAX, INFINITY).us / (double)m->intervals[i].bytes;
		m->droppable_count += !isinf(m->intervals[i].density);
		order[i] = (struct ranked) { .first = m->intervals[i].density, .id = i };
	}
	rank_rising(order, m->interval_count);
	m->by_density = ARENA_NEW(m->arena, uint32_t, m->interval_count);
	for (uint32_t i = 0; i < m->interval_count; i++) {
		m->by_density[i] = order[i].id;
		m->intervals[order[i].id].rank = i;
	}
	for (uint32_t i = 0; i < m->interval_count; i++)
		index_interval(m, &m->intervals[i], m->intervals[i].idle.from, m->intervals[i].idle.to);
	stab_index_init(&m->all, m->interval_count, m->graph->op_count, m->arena);
	stab_index_copy(&m->all, &m->here);
}

void
model_init(struct model *m, const struct lifetimes *l, const struct device *d, bytes_t least_bytes, bool gradients, struct arena *a)
{
	const struct graph *g = l->graph;

	*m = (struct model) { .graph = g, .life = l, .device = d, .gradients = gradients, .start_us = l->start_us, .arena = a };
	versions_init(&m->versions, g, a);
	find_intervals(m, least_bytes);
	find_carried(m, least_bytes);
	find_live(m);
	find_holdable(m);
	make_room(m);
	rank_intervals(m);
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
	rank_intervals(m);
}

bytes_t
model_floor(const struct model *m)
{
	uint32_t n = m->graph->op_count;
	int64_t *change = ARENA_NEW(m->arena, int64_t, (size_t)n + 1), absent = 0, most = 0;

	for (uint32_t i = 0; i < m->interval_count; i++) {
		change[m->intervals[i].idle.from] += m->intervals[i].bytes;
		change[m->intervals[i].idle.to] -= m->intervals[i].bytes;
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
	m->intervals = ARENA_NEW(a, struct model_interval, m->interval_count);
	if (m->interval_count > 0)
		memcpy(m->intervals, from->intervals, sizeof(*m->intervals) * m->interval_count);
	make_room(m);
}

/* Returns the idle interval of tensor s that contains op c or ends at c; NULL: none. */
static struct model_interval *
interval_at(const struct model *m, uint32_t s, uint32_t c)
{
	const struct lifetimes *l = m->life;
	uint32_t next = lifetimes_use_from(l, s, c), slot = next == l->use_start[s] ? decisions_before(l, s) : next - 1;

	return m->interval_of[slot] == UINT32_MAX ? NULL : &m->intervals[m->interval_of[slot]];
}

/* True when op c finds tensor s, at the version that it reads, without this rerun closure: resident, on the host, or made again by
 * another drop. */
static bool
is_there(const struct model *m, uint32_t s, uint32_t c)
{
	const struct model_interval *j;

	if (m->held[s])
		return c <= m->until[s];
	j = interval_at(m, s, c);
	return lifetimes_needs(m->life, s, c) && (j == NULL || j->fate != FATE_DROP || j->back <= c || c < j->gone);
}

/* A drop to be priced or made: the walk back over the ops that would run again before the interval's end. */
struct drop { struct model *m; const struct model_interval *interval; struct drop_cost cost; double most; };

static bool
is_present(void *arg, uint32_t t, uint32_t v)
{
	const struct drop *x = arg;

	return v == 0 || is_there(x->m, t, x->interval->idle.to);
}

/* True: op `op` runs again already within the idle interval or at its end. */
static bool
runs_already(const struct drop *x, uint32_t op)
{
	return x->m->rerun_at[op] <= x->interval->idle.to && x->m->rerun_at[op] >= x->interval->idle.from;
}

/* Visits the ops that would have to run again for interval x->interval and do not yet.  False: some op cannot. */
static bool
walk_reruns(struct drop *x, rerun_visit *visit)
{
	struct model *m = x->m;
	enum rerun_answer answer;

	rerun_begin(&m->rerun);
	rerun_want(&m->rerun, x->interval->idle.tensor, versions_before(&m->versions, x->interval->idle.tensor, x->interval->idle.to));
	answer = rerun_close(&m->rerun, x->interval->idle.to, is_present, visit, x);
	return answer == RERUN_POSSIBLE || answer == RERUN_STOPPED;
}

static bool
is_worth_it(const struct drop *x)
{
	return x->cost.gain > 0 && x->cost.us < x->most * (double)x->cost.gain;
}

static enum rerun_step
count_cost(void *arg, uint32_t op)
{
	struct drop *x = arg;
	const struct model *m = x->m;
	const struct op *o = &m->graph->ops[op];
	uint32_t c = x->interval->idle.to;

	if (runs_already(x, op))
		return RERUN_PASS;
	if (o->phase != PHASE_FORWARD && !m->gradients) {
		x->cost.us = INFINITY;
		return RERUN_STOP;
	}
	if (m->rerun_at[op] == UINT32_MAX)
		x->cost.us += o->time_us;
	for (uint32_t i = 0; i < o->input_count && is_worth_it(x); i++) {
		const struct model_interval *j = interval_at(m, o->inputs[i], c);
		uint32_t from;

		if (j == NULL || j->fate == FATE_KEEP || j->back <= c)
			continue;
		from = c > j->gone ? c : j->gone;
		if (from < j->back && segment_tree_max(&m->over, from, j->back) + j->bytes > 0)
			x->cost.gain -= j->bytes;
	}
	return is_worth_it(x) ? RERUN_ENTER : RERUN_STOP;
}

struct drop_cost
model_drop_cost(struct model *m, const struct model_interval *j, int64_t wanted, double most)
{
	struct drop x = { .m = m, .interval = j, .cost = { 0, j->bytes < wanted ? j->bytes : wanted }, .most = most };
	bool forward = j->idle.to < m->graph->op_count && m->graph->ops[j->idle.to].phase == PHASE_FORWARD;

	if (kind_is_persistent(m->graph->tensors[j->idle.tensor].kind) ||
	    versions_before(&m->versions, j->idle.tensor, j->idle.to) == 0 || forward ||
	    !walk_reruns(&x, count_cost))
		x.cost.us = INFINITY;
	return x.cost;
}

void
model_be_here(struct model *m, struct model_interval *j, uint32_t gone, uint32_t back)
{
	uint32_t from = j->gone, to = j->back;

	segment_tree_add(&m->over, from, gone, j->bytes);
	segment_tree_add(&m->over, back, to, j->bytes);
	j->gone = gone;
	j->back = back;
	index_interval(m, j, from, gone);
	index_interval(m, j, back, to);
}

/* Has tensor s return by op c, because the rerun closure before c reads the tensor. */
static void
need(struct model *m, uint32_t s, uint32_t c)
{
	struct model_interval *j = interval_at(m, s, c);

	if (c < m->needed_at[s])
		m->needed_at[s] = c;
	if (j == NULL || j->fate == FATE_KEEP || j->back <= c)
		return;
	model_be_here(m, j, j->gone, c > j->gone ? c : j->gone);
}

static enum rerun_step
mark_rerun(void *arg, uint32_t op)
{
	struct drop *x = arg;
	struct model *m = x->m;
	const struct op *o = &m->graph->ops[op];

	if (runs_already(x, op))
		return RERUN_PASS;
	m->rerun_at[op] = x->interval->idle.to;
	for (uint32_t i = 0; i < o->input_count; i++)
		need(m, o->inputs[i], x->interval->idle.to);
	return RERUN_ENTER;
}

static void
leave(struct model *m, struct model_interval *j, enum fate fate, uint32_t gone, uint32_t back)
{
	uint32_t needed = m->needed_at[j->idle.tensor];

	if (needed >= j->idle.from && needed < back)
		back = needed > gone ? needed : gone;
	j->fate = fate;
	j->gone = gone;
	j->back = back;
	segment_tree_add(&m->over, gone, back, -j->bytes);
	index_interval(m, j, gone, back);
}

/* Notes that the host keeps its copy of interval j's tensor: later idle intervals of the same version need no copy out. */
static void
mark_copied(struct model *m, const struct model_interval *j)
{
	const struct lifetimes *l = m->life;
	uint32_t t = j->idle.tensor, u = j->idle.slot == decisions_before(l, t) ? l->use_start[t] : j->idle.slot + 1;

	for (; u < l->use_start[t + 1] && !op_writes(&m->graph->ops[l->use_op[u]], t); u++)
		if (m->interval_of[u] != UINT32_MAX) {
			m->intervals[m->interval_of[u]].out = false;
			m->intervals[m->interval_of[u]].copied = j->idle.to;
		}
}

void
model_drop(struct model *m, struct model_interval *j)
{
	walk_reruns(&(struct drop) { .m = m, .interval = j }, mark_rerun);
	leave(m, j, FATE_DROP, j->idle.from, j->idle.to);
}

int64_t
model_pins(const struct model *m, const struct model_interval *j)
{
	return m->on_host[j->idle.tensor] ? 0 : j->bytes;
}

/* The op from which the host keeps a copy for interval j. */
static uint32_t
pinned_from(const struct model_interval *j)
{
	return j->out ? j->idle.from : j->copied;
}

bool
model_host_has_room(const struct model *m, const struct model_interval *j)
{
	int64_t bytes = model_pins(m, j);

	return bytes == 0 || segment_tree_max_all(&m->host) + bytes <= 0 || segment_tree_max(&m->host, pinned_from(j), j->idle.to) + bytes <= 0;
}

void
model_offload(struct model *m, struct model_interval *j, uint32_t gone, uint32_t back)
{
	segment_tree_add(&m->host, pinned_from(j), j->idle.to, model_pins(m, j));
	leave(m, j, FATE_OFFLOAD, gone, back);
	mark_copied(m, j);
}

bool
model_keep(struct model *m, struct model_interval *j)
{
	if (j->gone < j->back && segment_tree_max(&m->over, j->gone, j->back) + j->bytes > 0)
		return false;
	model_be_here(m, j, j->back, j->back);
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
model_widen(struct model *m, struct model_interval *j, uint32_t gone, uint32_t back)
{
	if (gone < j->gone) {
		segment_tree_add(&m->over, gone, j->gone, -j->bytes);
		j->gone = gone;
	}
	if (back > j->back) {
		segment_tree_add(&m->over, j->back, back, -j->bytes);
		j->back = back;
	}
	index_interval(m, j, j->gone, j->back);
}

void
model_be_away(struct model *m, struct model_interval *j)
{
	uint32_t needed = m->needed_at[j->idle.tensor], to = j->idle.to;

	if (needed >= j->idle.from && needed < to)
		to = needed;
	model_widen(m, j, j->idle.from, to);
}

struct model_interval *
model_next_here(const struct model *m, uint32_t k, uint32_t *rank)
{
	uint32_t next = stab_index_next(&m->here, k, *rank);

	if (next == UINT32_MAX)
		return NULL;
	*rank = next + 1;
	return &m->intervals[m->by_density[next]];
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
	for (uint32_t i = 0; i < m->interval_count; i++) {
		const struct model_interval *j = &m->intervals[i];

		d->fate[j->idle.slot] = (uint8_t)j->fate;
		d->gone[j->idle.slot] = j->gone;
		d->back[j->idle.slot] = j->back;
	}
	for (uint32_t i = 0; i < m->holdable_count; i++)
		if (m->held[m->holdable[i]])
			d->fate[m->life->use_start[m->holdable[i] + 1] - 1] = FATE_KEEP;
	memcpy(d->alternative, m->alternative, sizeof(*d->alternative) * m->graph->op_count);
	d->on_host = m->on_host;
	d->in_place = true;
}
