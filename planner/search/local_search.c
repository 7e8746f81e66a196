/* SPDX-License-Identifier: Apache-2.0 */
/* local_search.c - draws changes, tries them, and keeps those that help */
#include <config.h>
#include "planner/search/local_search.h"

#include <math.h>
#include <string.h>

#include "planner/schedule/idle.h"
#include "planner/search/packing.h"
#include "planner/search/search_constants.h"
#include "sim/time/simulate.h"
#include "src/base/lower_bound.h"
#include "src/base/random.h"

/* An idle interval that the search decides on. */
struct fate_interval {
	struct idle_interval idle;
	double copy_us[DIRECTION_COUNT];	/* alone on the link */
	bool may_drop;
	uint32_t other_end;		/* of a persistent tensor that may live on the host, at one end of the step: the interval at the other
					 * end; UINT32_MAX: no such interval */
};

/* The decision on a slot before it was changed; slot UINT32_MAX: the tensor's home was at the other side. */
struct fate_change { uint32_t slot, tensor, gone, back; uint8_t fate; };

struct fate_search {
	const struct problem *p;
	struct decisions *d;
	struct arena *arena;
	struct evaluator evaluator;
	struct packing packing;
	struct fate_interval *intervals;
	uint32_t count;
	uint32_t *bucket_start, *bucket;	/* CSR: the intervals across some op of each bucket of bucket_ops ops */
	uint32_t bucket_ops;
	double *loss;			/* [op_count + 1] sums of the time lost before op k */
	uint64_t seed;
	struct fate_change changes[NOTES];
	uint32_t change_count;
	uint32_t from;			/* the op from which the changes act */
};

/* Draws a number in [0, below). */
static uint32_t
draw(struct fate_search *x, uint32_t below)
{
	return (uint32_t)((random_xorshift(&x->seed) >> 11) % below);
}

/* ---- what is decided on ---- */

/* True: the search decides on this interval.  Small tensors hardly count, and a value that is overwritten unread needs no decision. */
static bool
is_open(const struct fate_search *x, const struct idle_interval *idle)
{
	const struct graph *g = x->p->graph;
	bytes_t bytes = g->tensors[idle->tensor].bytes;

	if (bytes < x->p->life->peak_bytes >> SEARCH_LEAST_BYTES_PEAK && bytes < x->p->budget_bytes >> SEARCH_LEAST_BYTES_BUDGET)
		return false;
	return idle->read || idle->to == g->op_count || kind_is_persistent(g->tensors[idle->tensor].kind);
}

/* Links the two intervals at the step's ends of each persistent tensor that may live on the host.  A home that is given stays. */
static void
link_ends(struct fate_search *x)
{
	const struct graph *g = x->p->graph;

	for (uint32_t i = 0, first = 0; i < x->count; i++) {
		uint32_t t = x->intervals[i].idle.tensor;

		x->intervals[i].other_end = UINT32_MAX;
		first = i == 0 || x->intervals[i - 1].idle.tensor != t ? i : first;
		if (x->p->life->homes != NULL || first == i || !kind_is_persistent(g->tensors[t].kind) || x->intervals[first].idle.from > 0 || x->intervals[i].idle.to < g->op_count)
			continue;
		x->intervals[first].other_end = i;
		x->intervals[i].other_end = first;
	}
}

/* Returns the op that has made the transient tensor's value over an idle interval; NULL: none may run again. */
static const struct op *
maker(const struct graph *g, const struct versions *versions, const struct idle_interval *idle)
{
	uint32_t v = versions_before(versions, idle->tensor, idle->to);
	const struct op *o;

	if (kind_is_persistent(g->tensors[idle->tensor].kind) || v == 0)
		return NULL;
	o = &g->ops[versions_writer(versions, idle->tensor, v)];
	return o->recomputable ? o : NULL;
}

/* Finds the intervals.  Values of backward may be dropped where the decisions to begin with drop one: elsewhere such changes hardly ever help. */
static void
find_intervals(struct fate_search *x)
{
	const struct graph *g = x->p->graph;
	uint32_t all;
	struct idle_interval *idle = idle_intervals(x->p->life, &all, x->arena);
	struct versions versions;
	bool gradients = false;

	versions_init(&versions, g, x->arena);
	for (uint32_t i = 0; i < all && !gradients; i++)
		gradients = x->d->fate[idle[i].slot] == FATE_DROP && idle[i].to < g->op_count && maker(g, &versions, &idle[i]) != NULL &&
		    maker(g, &versions, &idle[i])->phase != PHASE_FORWARD;
	x->intervals = ARENA_NEW(x->arena, struct fate_interval, all);
	for (uint32_t i = 0; i < all; i++) {
		uint32_t t = idle[i].tensor;
		const struct op *o = maker(g, &versions, &idle[i]);
		struct fate_interval *j = &x->intervals[x->count];

		if (!is_open(x, &idle[i]))
			continue;
		j->idle = idle[i];
		for (int dir = 0; dir < DIRECTION_COUNT; dir++)
			j->copy_us[dir] = device_busy_us(x->p->device, (enum direction)dir, g->tensors[t].bytes);
		j->may_drop = o != NULL && (gradients || o->phase == PHASE_FORWARD);
		x->count++;
	}
	link_ends(x);
}

static void
fill_buckets(struct fate_search *x)
{
	uint32_t n = x->p->graph->op_count, *fill;

	x->bucket_ops = n / BUCKETS + 1;
	x->bucket_start = ARENA_NEW(x->arena, uint32_t, BUCKETS + 2);
	fill = ARENA_NEW(x->arena, uint32_t, BUCKETS + 2);
	for (uint32_t i = 0; i < x->count; i++)
		for (uint32_t b = x->intervals[i].idle.from / x->bucket_ops; b <= (x->intervals[i].idle.to - 1) / x->bucket_ops; b++)
			x->bucket_start[b + 1]++;
	for (uint32_t b = 0; b <= BUCKETS; b++)
		x->bucket_start[b + 1] += x->bucket_start[b];
	memcpy(fill, x->bucket_start, sizeof(*fill) * (BUCKETS + 2));
	x->bucket = ARENA_NEW(x->arena, uint32_t, x->bucket_start[BUCKETS + 1]);
	for (uint32_t i = 0; i < x->count; i++)
		for (uint32_t b = x->intervals[i].idle.from / x->bucket_ops; b <= (x->intervals[i].idle.to - 1) / x->bucket_ops; b++)
			x->bucket[fill[b]++] = i;
}

/* Sums up the time that the base loses at each op: waits before its steps, reruns, slower algorithms and contention. */
static void
find_loss(struct fate_search *x)
{
	const struct decision_walk *w = &x->evaluator.base->walk;
	const struct sim_span *spans = x->evaluator.spans[QUEUE_COMPUTE];
	double at = 0;

	for (uint32_t k = 0; k < x->p->graph->op_count; k++) {
		double end = spans[w->group[k + 1] - 1].end_us;

		x->loss[k + 1] = x->loss[k] + fmax(0, end - at - x->p->graph->ops[k].time_us);
		at = end;
	}
}

/* ---- changes ---- */

/* Draws an op: any, or one where time is lost. */
static uint32_t
draw_op(struct fate_search *x)
{
	uint32_t n = x->p->graph->op_count, k;

	if (draw(x, 2) == 0 || x->loss[n] <= 0)
		return draw(x, n);
	k = lower_bound_double(x->loss, 0, n + 1, x->loss[n] * draw(x, 1 << 30) / (1 << 30));
	return k == 0 ? 0 : k - 1;
}

/* True: the tensor of interval j is at home on the host, and j at one end of the step. */
static bool
is_home(const struct fate_search *x, const struct fate_interval *j)
{
	return x->d->on_host[j->idle.tensor] && (j->idle.from == 0 || j->idle.to == x->p->graph->op_count);
}

/* True: the tensor of interval j is away at op k, which lies in j. */
static bool
is_away(const struct fate_search *x, const struct fate_interval *j, uint32_t k)
{
	uint32_t slot = j->idle.slot;

	switch ((enum fate)x->d->fate[slot]) {
	case FATE_DROP: return true;
	case FATE_OFFLOAD: return (x->d->gone[slot] <= k || (is_home(x, j) && j->idle.from == 0)) &&
	    (k < x->d->back[slot] || (is_home(x, j) && j->idle.to == x->p->graph->op_count));
	default: return is_home(x, j) && j->idle.from == 0;	/* it is fetched for its first use */
	}
}

/* Draws an idle interval across op k whose tensor is away there, or is not; UINT32_MAX: a few draws found none. */
static uint32_t
draw_interval(struct fate_search *x, uint32_t k, bool away)
{
	uint32_t b = k / x->bucket_ops, first = x->bucket_start[b], count = x->bucket_start[b + 1] - first;

	for (int i = 0; i < DRAWS && count > 0; i++) {
		uint32_t id = x->bucket[first + draw(x, count)];
		const struct fate_interval *j = &x->intervals[id];

		if (j->idle.from <= k && k < j->idle.to && is_away(x, j, k) == away)
			return id;
	}
	return UINT32_MAX;
}

/* Changes the decision on an interval; the times are moved into it. */
static void
change(struct fate_search *x, const struct fate_interval *j, enum fate fate, uint32_t gone, uint32_t back)
{
	uint32_t slot = j->idle.slot, from;

	x->changes[x->change_count++] = (struct fate_change) { slot, 0, x->d->gone[slot], x->d->back[slot], x->d->fate[slot] };
	gone = gone < j->idle.from ? j->idle.from : gone > j->idle.to ? j->idle.to : gone;
	back = back < gone ? gone : back > j->idle.to ? j->idle.to : back;
	from = evaluator_change(x->d, &j->idle, fate, gone, back);
	x->from = from < x->from ? from : x->from;
}

static void
take_back(struct fate_search *x)
{
	while (x->change_count > 0) {
		const struct fate_change *c = &x->changes[--x->change_count];

		if (c->slot == UINT32_MAX) {
			x->d->on_host[c->tensor] = !x->d->on_host[c->tensor];
			continue;
		}
		x->d->fate[c->slot] = c->fate;
		x->d->gone[c->slot] = c->gone;
		x->d->back[c->slot] = c->back;
	}
}

/* The first op that starts at or after time us. */
static uint32_t
op_at(const struct fate_search *x, double us)
{
	return lower_bound_double(x->p->life->start_us, 0, x->p->graph->op_count, us);
}

/* Offloads an interval, absent at op k if k is not UINT32_MAX; each copy has some times its own time. */
static void
offload(struct fate_search *x, const struct fate_interval *j, uint32_t k)
{
	static const double leads[] = { 1, 1, 1.5, 2, 4 };
	const double *start = x->p->life->start_us;
	uint32_t gone = op_at(x, start[j->idle.from] + leads[draw(x, 5)] * j->copy_us[D2H]);
	uint32_t back = op_at(x, start[j->idle.to] - leads[draw(x, 5)] * j->copy_us[H2D]);

	if (k != UINT32_MAX) {
		gone = gone > k ? k : gone;
		back = back <= k ? k + 1 : back;
	}
	change(x, j, FATE_OFFLOAD, gone, back);
}

/* Moves a persistent tensor's home to the host, with copies at both ends of the step, or back to the device, where it stays. */
static void
move_home(struct fate_search *x, const struct fate_interval *j)
{
	bool to_host = !x->d->on_host[j->idle.tensor];

	x->changes[x->change_count++] = (struct fate_change) { .slot = UINT32_MAX, .tensor = j->idle.tensor };
	x->d->on_host[j->idle.tensor] = to_host;
	x->from = 0;
	for (int end = 0; end < 2; end++, j = &x->intervals[j->other_end])
		if (to_host)
			offload(x, j, UINT32_MAX);
		else
			change(x, j, FATE_KEEP, 0, 0);
}

/* Lets a tensor that is present at op k be away there. */
static void
send_away(struct fate_search *x, const struct fate_interval *j, uint32_t k)
{
	uint32_t gone = x->d->gone[j->idle.slot], back = x->d->back[j->idle.slot];

	if (x->d->fate[j->idle.slot] == FATE_OFFLOAD || is_home(x, j))
		change(x, j, FATE_OFFLOAD, gone > k ? k : gone, back <= k ? k + 1 : back);
	else if (j->other_end != UINT32_MAX && draw(x, 2) == 0)
		move_home(x, j);
	else if (j->may_drop && draw(x, 2))
		change(x, j, FATE_DROP, 0, 0);
	else
		offload(x, j, k);
}

/* Changes the fate of a tensor that is away, or when it leaves or returns. */
static void
bring_back(struct fate_search *x, const struct fate_interval *j)
{
	uint32_t gone = x->d->gone[j->idle.slot], back = x->d->back[j->idle.slot], ops = 1 + draw(x, 1 + draw(x, FARTHEST));

	if (is_home(x, j)) {
		if (j->other_end != UINT32_MAX && draw(x, HOMEWARD) == 0)
			move_home(x, j);
		else if (x->d->fate[j->idle.slot] != FATE_OFFLOAD)
			offload(x, j, UINT32_MAX);
		else if (j->idle.from == 0)
			change(x, j, FATE_OFFLOAD, 0, draw(x, 2) ? back + ops : back > ops ? back - ops : 0);
		else
			change(x, j, FATE_OFFLOAD, draw(x, 2) ? gone + ops : gone > ops ? gone - ops : 0, j->idle.to);
		return;
	}
	if (x->d->fate[j->idle.slot] == FATE_DROP) {
		if (draw(x, 3) > 0)
			change(x, j, FATE_KEEP, 0, 0);
		else
			offload(x, j, UINT32_MAX);
		return;
	}
	switch (draw(x, 6)) {
	case 0: change(x, j, FATE_KEEP, 0, 0); break;
	case 1: change(x, j, j->may_drop ? FATE_DROP : FATE_KEEP, 0, 0); break;
	case 2: change(x, j, FATE_OFFLOAD, gone + ops, back); break;
	case 3: change(x, j, FATE_OFFLOAD, gone > ops ? gone - ops : 0, back); break;
	case 4: change(x, j, FATE_OFFLOAD, gone, back > ops ? back - ops : 0); break;
	default: change(x, j, FATE_OFFLOAD, gone, back + ops); break;
	}
}

static void
draw_changes(struct fate_search *x)
{
	uint32_t n = 1 + draw(x, MOST_DRAWN), k = draw_op(x);

	x->change_count = 0;
	x->from = UINT32_MAX;
	for (uint32_t i = 0; i < n; i++) {
		bool away = draw(x, 2) == 0;
		uint32_t id = draw_interval(x, k, away);

		if (id == UINT32_MAX)
			continue;
		if (away)
			bring_back(x, &x->intervals[id]);
		else
			send_away(x, &x->intervals[id], k);
	}
}

/* The op in whose group a step of the trial lies. */
static uint32_t
op_of_step(const struct fate_search *x, uint32_t step)
{
	return lower_bound(x->evaluator.trial->walk.group, 0, x->p->graph->op_count, step + 1) - 1;
}

/* Sends one more tensor away from the trial's fullest op.  False: there is none, or the trial does not fail for lack of memory. */
static bool
repair(struct fate_search *x)
{
	const struct time_line *t = x->evaluator.trial;
	uint32_t k, id;

	if (t->most_bytes <= (int64_t)x->p->budget_bytes || x->change_count + 3 > NOTES)
		return false;
	k = op_of_step(x, t->most_step);
	id = draw_interval(x, k, false);
	if (id == UINT32_MAX)
		return false;
	send_away(x, &x->intervals[id], k);
	return true;
}

/* Returns the step time of the changed decisions without addresses, repaired where that is needed; EVALUATOR_NO: no better. */
static double
try_changes(struct fate_search *x, struct local_search_result *r)
{
	double us;

	do {
		us = evaluator_try(&x->evaluator, x->from, x->evaluator.us * (1 - BETTER));
		r->trials++;
	} while (isinf(us) && repair(x));
	return us;
}

/* True: with addresses, the trial is faster, too; then it becomes the base. */
static bool
keep(struct fate_search *x, struct local_search_result *r, local_search_time *time, void *arg)
{
	bool kept = false;

	if (packing_try(&x->packing, x->evaluator.trial)) {
		double us = time(arg, x->d, packing_offsets(&x->packing, x->packing.trial, x->evaluator.trial));

		kept = us < r->us * (1 - BETTER);
		r->us = kept ? us : r->us;
	}
	if (!kept)
		return false;
	packing_accept(&x->packing);
	evaluator_accept(&x->evaluator);
	find_loss(x);
	r->kept++;
	return true;
}

/* Returns the most trials for a step that takes us: fewer for larger graphs, more where there is more to gain. */
static uint64_t
most_trials(const struct problem *p, double us)
{
	double most = fmin(SEARCH_OPS / (p->graph->op_count + 1.0), MOST_TRIALS);
	double ideal = p->life->ideal_time_us, overhead = ideal > 0 ? us / ideal - 1 : 0, effort = search_effort(p->control);

	most *= effort;
	if (p->control != NULL && p->control->time_limit_s > 0)
		most *= LIMITED;
	return (uint64_t)(most * fmin(effort < 1 ? 1 : MOST_EFFORT, fmax(LEAST_EFFORT, overhead / USUAL_OVERHEAD)));
}

bool
local_search(struct decisions *d, struct local_search_result *r, const struct problem *p, local_search_time *time, void *arg,
    struct arena *a)
{
	struct fate_search *x = ARENA_NEW(a, struct fate_search, 1);
	uint64_t most = most_trials(p, r->us), last = 0;

	*x = (struct fate_search) { .p = p, .d = d, .arena = a, .seed = UINT64_C(88172645463325252) };
	if (d->on_host == NULL)
		d->on_host = ARENA_NEW(a, bool, p->graph->tensor_count);
	if (!evaluator_init(&x->evaluator, p, d, a))
		return false;
	find_intervals(x);
	if (x->count == 0)
		return true;
	x->loss = ARENA_NEW(a, double, (size_t)p->graph->op_count + 1);
	fill_buckets(x);
	find_loss(x);
	packing_init(&x->packing, x->evaluator.base, r->offsets, a);
	for (uint32_t i = 0; r->trials < most && r->trials - last <= most / IDLE_PART; i++) {
		if (i % STOP_TRIALS == 0 && search_stopped(p->control))
			break;
		draw_changes(x);
		if (x->change_count == 0)
			r->trials++;
		else if (!isinf(try_changes(x, r)) && keep(x, r, time, arg))
			last = r->trials;
		else
			take_back(x);
	}
	r->offsets = packing_offsets(&x->packing, x->packing.base, x->evaluator.base);
	return true;
}
