/* SPDX-License-Identifier: Apache-2.0 */
/* policy_superneurons.c - SuperNeurons (Wang et al., PPoPP 2018)
 *
 * Three stages of the paper: liveness, a unified tensor pool, cost-aware recomputation.  Each runs only if the budget is not met yet.
 * Liveness is the planner's own; the others are:
 *
 *  1. Outputs of convolutions are offloaded after their last use in forward, the least recently used first, until the rest fits.  They
 *     are fetched when the backward of the convolution after them starts.
 *  2. All of them are offloaded, and the maps of cheap layers are dropped and rematerialised in backward (pooling, activation, LRN, batch
 *     norm, and all other ops that are neither a product nor a loss).  Rematerialised maps between two convolutions stay together if
 *     they fit under the largest layer's working set (speed-centric); else each is made for one layer at a time (memory-centric).
 */
#include <config.h>
#include "planner/policy/layers.h"

#include "planner/policy/policy.h"
#include "planner/schedule/occupancy.h"
#include "src/base/rank.h"

struct super {
	const struct problem *problem;
	const struct graph *graph;
	struct occupancy live;
	struct decisions d;
	struct timed_interval *intervals;
	uint32_t interval_count;
	uint8_t *made_by;		/* [tensor_count] bit 0: by a convolution, bit 1: by another costly op */
	uint32_t *convs;		/* [conv_count] backward ops of convolutions, rising */
	uint32_t conv_count;
};

static bool
is_costly(enum op_class c)
{
	return c == CLASS_LINEAR || c == CLASS_ATTENTION || c == CLASS_EMBEDDING || c == CLASS_LOSS;
}

static void
look(struct super *s, struct arena *a)
{
	const struct graph *g = s->graph;

	s->made_by = ARENA_NEW(a, uint8_t, g->tensor_count);
	s->convs = ARENA_NEW(a, uint32_t, g->op_count);
	for (uint32_t k = 0; k < g->op_count; k++) {
		const struct op *o = &g->ops[k];

		if (o->phase == PHASE_BACKWARD && o->class == CLASS_CONV)
			s->convs[s->conv_count++] = k;
		for (uint32_t j = 0; o->phase == PHASE_FORWARD && j < o->output_count; j++)
			s->made_by[o->outputs[j]] |= o->class == CLASS_CONV ? 1 : is_costly(o->class) ? 2 : 0;
	}
}

/* True: the idle interval leads from forward to backward. */
static bool
turns(const struct super *s, const struct timed_interval *j)
{
	return s->graph->ops[j->idle.from - 1].phase == PHASE_FORWARD && s->graph->ops[j->idle.to].phase == PHASE_BACKWARD;
}

/* Returns the last backward convolution before op k.  A tensor that is fetched at its start has the whole convolution to arrive in. */
static uint32_t
convolution_before(const struct super *s, uint32_t k)
{
	uint32_t next = lower_bound(s->convs, 0, s->conv_count, k);

	return next == 0 ? k : s->convs[next - 1];
}

/* Part 1: offloads convolutions' outputs.  True: every op is within the budget. */
static bool
offload(struct super *s, struct arena *a)
{
	int64_t budget = (int64_t)s->problem->budget_bytes;
	struct ranked *order = ARENA_NEW(a, struct ranked, s->interval_count);
	uint32_t *chosen = ARENA_NEW(a, uint32_t, s->interval_count), count = 0, picked = 0;

	for (uint32_t i = 0; i < s->interval_count; i++)
		if (turns(s, &s->intervals[i]) && (s->made_by[s->intervals[i].idle.tensor] & 1) != 0)
			order[count++] = (struct ranked) { .first = s->intervals[i].idle.from, .id = i };
	rank_rising(order, count);
	while (picked < count && occupancy_most(&s->live, 0, s->graph->op_count) > budget) {
		const struct timed_interval *j = &s->intervals[order[picked].id];

		occupancy_add(&s->live, j->idle.from, j->idle.to, -(int64_t)j->bytes);
		chosen[picked] = order[picked].id;
		picked++;
	}
	occupancy_times(&s->live, &s->d, s->intervals, chosen, picked, false, a);
	for (uint32_t i = 0; i < picked; i++) {
		const struct timed_interval *j = &s->intervals[chosen[i]];
		uint32_t back = convolution_before(s, j->idle.to);

		/* The fetch begins no earlier than the convolution after it, however slow the link is. */
		if (back > s->d.back[j->idle.slot] && back <= j->idle.to) {
			occupancy_add(&s->live, s->d.back[j->idle.slot], back, -(int64_t)j->bytes);
			s->d.back[j->idle.slot] = back;
		}
	}
	return occupancy_most(&s->live, 0, s->graph->op_count) <= budget;
}

/* Returns the largest working set of a layer: the tensors of an op, and all persistent tensors. */
static int64_t
largest_layer(const struct problem *p)
{
	return (int64_t)p->life->resident_bound_bytes;
}

/* Fills lean: segments lie between forward convolutions, and one whose maps do not fit together is rematerialised layer by layer. */
static void
choose_lean(struct super *s, const int64_t *dropped_by, struct arena *a)
{
	const struct graph *g = s->graph;
	int64_t room = largest_layer(s->problem) - (int64_t)s->problem->life->persistent_bytes, sum = 0;
	uint32_t first = 0;

	s->d.lean = ARENA_NEW(a, bool, g->op_count);
	for (uint32_t k = 0; k <= g->op_count; k++) {
		bool ends = k == g->op_count || (g->ops[k].phase == PHASE_FORWARD && g->ops[k].class == CLASS_CONV);

		for (; ends && first < k; first++)
			s->d.lean[first] = sum > room;
		if (ends)
			sum = 0;
		if (k < g->op_count)
			sum += dropped_by[k];
	}
}

/* Part 2: offloads all of them, and drops the maps of cheap layers. */
static void
recompute(struct super *s, struct arena *a)
{
	const struct graph *g = s->graph;
	const struct lifetimes *l = s->problem->life;
	bool *may_run = ARENA_NEW(a, bool, g->op_count), *cheap;
	int64_t *dropped_by = ARENA_NEW(a, int64_t, g->op_count);
	uint32_t use;

	for (uint32_t k = 0; k < g->op_count; k++)
		may_run[k] = g->ops[k].phase == PHASE_FORWARD && g->ops[k].class != CLASS_CONV && !is_costly(g->ops[k].class);
	cheap = layers_cheap(l, may_run, a);
	for (uint32_t t = 0; t < g->tensor_count; t++) {
		if (!cheap[t] || s->made_by[t] != 0 || !layers_turn(l, t, &use))
			continue;
		s->d.fate[use] = FATE_DROP;
		dropped_by[l->first[t]] += (int64_t)bytes_align(g->tensors[t].bytes, DEVICE_ALIGN);
	}
	choose_lean(s, dropped_by, a);
}

int
policy_superneurons(struct schedule *s, const struct problem *p, struct arena *a, struct err *e)
{
	struct super u = { .problem = p, .graph = p->graph };

	if (layers_need_backward(p->graph, e) < 0)
		return -1;
	occupancy_init(&u.live, p, a);
	decisions_init(&u.d, p->life, a);
	u.intervals = occupancy_intervals(&u.live, INTERVALS_BETWEEN_USES, &u.interval_count, a);
	look(&u, a);
	if (!offload(&u, a))
		recompute(&u, a);
	return occupancy_schedule(s, p, &u.d, a, e);
}
