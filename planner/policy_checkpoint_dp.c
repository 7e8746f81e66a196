/* SPDX-License-Identifier: Apache-2.0 */
/* policy_checkpoint_dp.c - the least recomputation that fits, on a chain of blocks
 *
 * Forward is cut into a chain of at most BLOCKS_MAX blocks (segments.h); backward's ops belong to the block whose maps they
 * read.  With f_i the time of block i's forward, x_i the bytes that cross into it, h_i what it
 * leaves for its own backward and the next block together, T(s, t, m) is the least time to bring the
 * chain s..t from x_s, which is there, to the end of its backward in m bytes, the blocks after t
 * being done (Beaumont et al., rotor; Herrmann et al. 2019):
 *
 *	T(s, s, m) = f_s, or what of it leads to what its own backward reads when the block has run before
 *	T(s, t, m) = min of	f_s + T(s + 1, t, m - h_s)				keep all of s
 *				min over s < c <= t of  f_s + .. + f_(c-1) + T(c, t, m - x_c) + T(s, c - 1, m)
 *									keep only x_c, come back for s..c-1
 *
 * where each forward needs room for its own working set and the gradients that blocks after t have
 * left, and each backward for its own.  m counts in slots; where sizes have a large common divisor that is
 * exact.  Working sets are estimates, so the schedules for several m are measured, and the fastest that fits is taken.
 */
#include <config.h>
#include "planner/policy.h"

#include <math.h>
#include <string.h>

#include "planner/layers.h"
#include "planner/residency.h"
#include "planner/segments.h"

enum { BLOCKS_MAX = 100, SLOTS = 240, TRIES = 32 };

struct block {
	double us, own_us;		/* of running it again for what leaves it, or for its own backward alone */
	bytes_t input, hold;		/* x, h */
	bytes_t through, keep;		/* most that its forward has at once beside x, keeping nothing or what it leaves */
	bytes_t own;			/* as keep, when it runs again for its own backward alone */
	bytes_t backward;		/* most that its backward has, gradients included */
	bytes_t gradients;		/* that are there before its backward begins */
	uint32_t from, to;		/* its forward ops */
	uint32_t back_from, back_to;	/* its backward's ops */
	bool ran;			/* its forward has been emitted once */
};

struct dp {
	const struct problem *problem;
	const struct graph *graph;
	const struct lifetimes *life;
	struct arena *arena;
	struct segments y;
	struct layers layers;
	struct block *blocks;		/* [count] */
	uint32_t count;
	uint32_t *block_of;		/* [op_count] */
	bool *again, *own;		/* [op_count] runs when its block runs again, or only for its own backward */
	bytes_t slot;
	uint32_t slots;			/* m is in 0 .. slots */
	float *time;			/* [count][count][slots + 1] T, in us */
	uint8_t *choice;		/* the same: 0 keep all, else c - s */
	struct schedule *s;
	size_t step_room, steps;
};

static bytes_t
size_of(const struct dp *d, uint32_t t)
{
	return bytes_align(d->graph->tensors[t].bytes, DEVICE_ALIGN);
}

static bool
is_transient(const struct dp *d, uint32_t t)
{
	return !kind_is_persistent(d->graph->tensors[t].kind) && d->life->first[t] <= d->life->last[t];
}

/* ---- blocks ---- */

/* The block that a named backward op's layer has its forward in; else the latest that it may belong to. */
static uint32_t
preferred(const struct dp *d, uint32_t k, uint32_t latest)
{
	uint32_t forward = d->layers.forward_of[d->layers.group_of[k]];

	return d->graph->ops[k].layer == NULL || forward == LAYERS_NONE ? latest : d->block_of[d->layers.groups[forward].first];
}

/* Merge segments so that backward goes through them in reverse: every backward op reads maps that are there
 * for one block, and no later op those of a block before it.  joined[i]: segment i belongs to the one before. */
static bool
join_once(struct dp *d, bool *joined)
{
	uint32_t cur = d->y.count - 1, ops = d->graph->op_count;
	bool changed = false;

	for (uint32_t k = d->y.first[d->y.count]; k < ops; k++) {
		const struct op *o = &d->graph->ops[k];
		uint32_t lo = 0, hi = cur;

		for (uint32_t i = 0; i < o->input_count; i++) {
			uint32_t t = o->inputs[i], last = d->y.last_forward[t];

			if (kind_is_persistent(d->graph->tensors[t].kind) || last == SEGMENTS_NONE)
				continue;
			if (d->block_of[d->life->first[t]] > lo)
				lo = d->block_of[d->life->first[t]];
			if (d->block_of[last] < hi)
				hi = d->block_of[last];
		}
		for (uint32_t i = hi + 1; i <= lo; i++)
			if (!joined[i])
				changed = joined[i] = true;
		cur = preferred(d, k, hi);
		cur = cur < lo ? lo : cur;
		cur = cur > hi ? hi : cur;
		d->block_of[k] = cur;
	}
	return changed;
}

static void
number_blocks(struct dp *d, const bool *joined)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < d->y.count; i++) {
		if (i > 0 && !joined[i])
			count++;
		d->y.first[count] = i > 0 && joined[i] ? d->y.first[count] : d->y.first[i];
	}
	d->y.first[count + 1] = d->y.first[d->y.count];
	d->y.count = count + 1;
	for (uint32_t i = 0; i < d->y.count; i++)
		for (uint32_t k = d->y.first[i]; k < d->y.first[i + 1]; k++)
			d->block_of[k] = i;
}

static void
find_blocks(struct dp *d)
{
	bool *joined;

	d->block_of = ARENA_NEW(d->arena, uint32_t, d->graph->op_count);
	do {
		joined = ARENA_NEW(d->arena, bool, d->y.count);
		number_blocks(d, joined);
	} while (join_once(d, joined) && (number_blocks(d, joined), true));
	d->count = d->y.count;
	d->blocks = ARENA_NEW(d->arena, struct block, d->count);
	for (uint32_t i = 0; i < d->count; i++)
		d->blocks[i] = (struct block) { .from = d->y.first[i], .to = d->y.first[i + 1], .back_from = UINT32_MAX };
	for (uint32_t k = d->y.first[d->count]; k < d->graph->op_count; k++) {
		struct block *b = &d->blocks[d->block_of[k]];

		b->back_from = b->back_from == UINT32_MAX ? k : b->back_from;
		b->back_to = k + 1;
	}
}

/* reads[t]: a backward op of the block that made tensor t reads it. */
static bool *
find_own(const struct dp *d)
{
	bool *reads = ARENA_NEW(d->arena, bool, d->graph->tensor_count);
	uint32_t forward = d->y.first[d->count];

	for (uint32_t k = forward; k < d->graph->op_count; k++)
		for (uint32_t i = 0; i < d->graph->ops[k].input_count; i++) {
			uint32_t t = d->graph->ops[k].inputs[i];

			if (is_transient(d, t) && d->life->first[t] < forward && d->block_of[d->life->first[t]] == d->block_of[k])
				reads[t] = true;
		}
	return reads;
}

/* Which ops run when their block does so again: those that lead to something that leaves it, or to what reads[]
 * names.  The sum of their times goes to each block's us or own_us. */
static bool *
find_again(struct dp *d, const bool *reads)
{
	bool *needed = ARENA_NEW(d->arena, bool, d->graph->tensor_count), *again = ARENA_NEW(d->arena, bool, d->graph->op_count);

	for (uint32_t k = d->y.first[d->count]; k-- > 0;) {
		const struct op *o = &d->graph->ops[k];
		struct block *b = &d->blocks[d->block_of[k]];
		bool runs = false;

		for (uint32_t j = 0; j < o->output_count; j++) {
			uint32_t t = o->outputs[j];

			runs |= is_transient(d, t) && (needed[t] || (reads != NULL ? reads[t] : d->life->last[t] >= b->to));
		}
		again[k] = runs && o->recomputable;
		if (!again[k])
			continue;
		*(reads != NULL ? &b->own_us : &b->us) += o->time_us;
		for (uint32_t i = 0; i < o->input_count; i++)
			needed[o->inputs[i]] = true;
	}
	return again;
}

/* Bytes that are there while ops [from, to) run, by what is born and dies: change is cleared on the way. */
static bytes_t
highest(const struct dp *d, int64_t *change, uint32_t from, uint32_t to)
{
	int64_t live = 0, most = 0;

	for (uint32_t k = from; k < to; k++) {
		int64_t now;

		live += change[k];
		change[k] = 0;
		now = live + (int64_t)bytes_align(d->graph->ops[k].workspace_bytes, DEVICE_ALIGN);
		most = now > most ? now : most;
	}
	change[to] = 0;
	return (bytes_t)most;
}

/* The tensors in the order of their first use, so that each block's stand together. */
static uint32_t *
by_first(const struct dp *d)
{
	uint32_t ops = d->graph->op_count, *start = ARENA_NEW(d->arena, uint32_t, (size_t)ops + 2), *order;

	order = ARENA_NEW(d->arena, uint32_t, (size_t)d->graph->tensor_count + 1);
	for (uint32_t t = 0; t < d->graph->tensor_count; t++)
		if (is_transient(d, t))
			start[d->life->first[t] + 1]++;
	for (uint32_t k = 0; k < ops; k++)
		start[k + 1] += start[k];
	for (uint32_t t = 0; t < d->graph->tensor_count; t++)
		if (is_transient(d, t))
			order[start[d->life->first[t]]++] = t;
	order[start[ops]] = SEGMENTS_NONE;	/* start[ops] was never moved on: it is the end */
	return order;
}

/* What a forward of block b has at once: in passing, keeping all that leaves it, or for its own backward alone. */
static void
measure_forward(struct dp *d, struct block *b, const uint32_t *tensors, uint32_t count, const bool *reads, int64_t *change)
{
	enum { THROUGH, KEEP, OWN, WAYS };
	bytes_t most[WAYS];

	for (int way = THROUGH; way < WAYS; way++) {
		for (uint32_t n = 0; n < count; n++) {
			uint32_t t = tensors[n], last = d->y.last_forward[t];
			bool stays = way == OWN ? reads[t] : last >= b->to || (way == KEEP && d->life->last[t] >= b->to);

			if (way == OWN && !d->own[d->life->first[t]])
				continue;
			last = last < b->to ? last + 1 : b->to;
			change[d->life->first[t]] += (int64_t)size_of(d, t);
			change[stays ? b->to : last] -= (int64_t)size_of(d, t);
			b->hold += way == KEEP && stays ? size_of(d, t) : 0;
		}
		most[way] = highest(d, change, b->from, b->to);
	}
	b->through = most[THROUGH];
	b->keep = most[KEEP];
	b->own = most[OWN];
}

/* During backward: the block's own maps until their last use in it, and all that backward has made. */
static void
measure_backward(struct dp *d, struct block *b, const uint32_t *tensors, uint32_t count, const int64_t *made)
{
	int64_t *change = ARENA_NEW(d->arena, int64_t, (size_t)(b->back_to - b->back_from) + 1), live = 0;

	for (uint32_t n = 0; n < count; n++) {
		uint32_t last = d->life->last[tensors[n]];

		if (last < b->back_from)
			continue;
		live += (int64_t)size_of(d, tensors[n]);
		if (last < b->back_to)
			change[last + 1 - b->back_from] -= (int64_t)size_of(d, tensors[n]);
	}
	for (uint32_t k = b->back_from; k < b->back_to; k++) {
		bytes_t now;

		live += change[k - b->back_from];
		now = (bytes_t)(live + made[k]) + bytes_align(d->graph->ops[k].workspace_bytes, DEVICE_ALIGN);
		b->backward = now > b->backward ? now : b->backward;
	}
}

static void
measure_blocks(struct dp *d, const bool *reads)
{
	uint32_t ops = d->graph->op_count, forward = d->y.first[d->count], *order = by_first(d), n = 0;
	int64_t *change = ARENA_NEW(d->arena, int64_t, (size_t)ops + 2), *made = ARENA_NEW(d->arena, int64_t, (size_t)ops + 2);
	int64_t *crossing = ARENA_NEW(d->arena, int64_t, (size_t)d->count + 1), *dying = ARENA_NEW(d->arena, int64_t, ops);
	bytes_t alive = 0;

	for (uint32_t t = 0; t < d->graph->tensor_count; t++) {
		uint32_t last = d->y.last_forward[t];

		if (!is_transient(d, t))
			continue;
		if (d->life->first[t] >= forward) {
			made[d->life->first[t]] += (int64_t)size_of(d, t);
			made[d->life->last[t] + 1] -= (int64_t)size_of(d, t);
			dying[d->life->last[t]] += (int64_t)size_of(d, t);
		} else if (d->block_of[last] > d->block_of[d->life->first[t]]) {
			crossing[d->block_of[d->life->first[t]] + 1] += (int64_t)size_of(d, t);
			crossing[d->block_of[last] + 1] -= (int64_t)size_of(d, t);
		}
	}
	for (uint32_t k = 1; k < ops; k++)
		made[k] += made[k - 1];
	for (uint32_t i = 0; i < d->count; i++) {
		struct block *b = &d->blocks[i];
		uint32_t begin = n;

		crossing[i] += i > 0 ? crossing[i - 1] : 0;
		b->input = (bytes_t)crossing[i];
		while (order[n] != SEGMENTS_NONE && d->life->first[order[n]] < b->to)
			n++;
		measure_forward(d, b, &order[begin], n - begin, reads, change);
		if (b->back_from != UINT32_MAX)
			measure_backward(d, b, &order[begin], n - begin, made);
	}
	/* What later blocks' backward has left, param gradients above all. */
	for (uint32_t i = d->count; i-- > 0;) {
		struct block *b = &d->blocks[i];

		b->gradients = alive;
		if (b->back_from != UINT32_MAX)
			alive = (bytes_t)(made[b->back_to - 1] - dying[b->back_to - 1]);
	}
}

/* ---- the table ---- */

static size_t
cell(const struct dp *d, uint32_t s, uint32_t t, uint32_t m)
{
	return ((size_t)s * d->count + t) * (d->slots + 1) + m;
}

static uint32_t
to_slots(const struct dp *d, bytes_t bytes)
{
	bytes_t n = (bytes + d->slot - 1) / d->slot;

	return n > d->slots ? d->slots + 1 : (uint32_t)n;
}

static bytes_t
common_divisor(bytes_t x, bytes_t y)
{
	while (y != 0) {
		bytes_t r = x % y;

		x = y;
		y = r;
	}
	return x;
}

static void
set_slots(struct dp *d, bytes_t most)
{
	bytes_t unit = 0;

	for (uint32_t i = 0; i < d->count; i++) {
		const struct block *b = &d->blocks[i];
		const bytes_t sizes[] = { b->input, b->hold, b->through, b->keep, b->own, b->backward, b->gradients };

		for (size_t n = 0; n < sizeof(sizes) / sizeof(*sizes); n++)
			unit = common_divisor(unit, sizes[n]);
	}
	d->slot = unit > 0 && most / unit <= SLOTS ? unit : (most + SLOTS - 1) / SLOTS;
	d->slot = d->slot == 0 ? 1 : d->slot;
	d->slots = (uint32_t)(most / d->slot);
}

/* A block that is alone has run before, unless it is the last of all: it runs for its own backward. */
static bool
is_alone(const struct dp *d, uint32_t s, uint32_t t)
{
	return s == t && t + 1 < d->count;
}

/* The least room in which block s can be kept at all, with blocks after t done. */
static uint32_t
room_to_keep(const struct dp *d, uint32_t s, uint32_t t)
{
	const struct block *b = &d->blocks[s];
	bytes_t forward = (is_alone(d, s, t) ? b->own : b->keep) + d->blocks[t].gradients;

	return to_slots(d, forward > b->backward ? forward : b->backward);
}

static void
fill_cell(struct dp *d, uint32_t s, uint32_t t, const uint32_t *room_through, const float *run)
{
	uint32_t keep = room_to_keep(d, s, t), hold = to_slots(d, d->blocks[s].hold);

	for (uint32_t m = 0; m <= d->slots; m++) {
		float best = INFINITY;
		uint8_t how = 0;

		if (keep <= m && s == t)
			best = (float)(is_alone(d, s, t) ? d->blocks[s].own_us : d->blocks[s].us);
		else if (keep <= m && hold <= m)
			best = (float)d->blocks[s].us + d->time[cell(d, s + 1, t, m - hold)];
		for (uint32_t c = s + 1; c <= t && room_through[c] <= m; c++) {
			uint32_t x = to_slots(d, d->blocks[c].input);
			float us;

			if (x > m)
				continue;
			us = run[c] + d->time[cell(d, c, t, m - x)] + d->time[cell(d, s, c - 1, m)];
			if (us < best) {
				best = us;
				how = (uint8_t)(c - s);
			}
		}
		d->time[cell(d, s, t, m)] = best;
		d->choice[cell(d, s, t, m)] = how;
	}
}

static void
fill_table(struct dp *d)
{
	uint32_t *room = ARENA_NEW(d->arena, uint32_t, (size_t)d->count + 1);
	float *run = ARENA_NEW(d->arena, float, (size_t)d->count + 1);

	d->time = ARENA_NEW(d->arena, float, (size_t)d->count * d->count * (d->slots + 1));
	d->choice = ARENA_NEW(d->arena, uint8_t, (size_t)d->count * d->count * (d->slots + 1));
	for (uint32_t t = 0; t < d->count; t++)
		for (uint32_t s = t + 1; s-- > 0;) {
			bytes_t most = 0;

			/* To run s .. c - 1 through, one after the other; x_s is not ours to count. */
			run[s] = 0;
			for (uint32_t c = s + 1; c <= t; c++) {
				const struct block *b = &d->blocks[c - 1];
				bytes_t need = b->through + (c - 1 > s ? b->input : 0) + d->blocks[t].gradients;

				most = need > most ? need : most;
				room[c] = to_slots(d, most);
				run[c] = run[c - 1] + (float)b->us;
			}
			fill_cell(d, s, t, room, run);
		}
}

/* ---- the schedule ---- */

static void
push(struct dp *d, uint32_t op)
{
	*ARENA_PUSH(d->arena, d->s->steps, d->steps, d->step_room) = (struct step) { .op = op, .alternative = PLAN_NONE };
}

static void
emit_forward(struct dp *d, uint32_t i, const bool *again)
{
	struct block *b = &d->blocks[i];

	for (uint32_t k = b->from; k < b->to; k++)
		if (!b->ran || again[k])
			push(d, k);
	b->ran = true;
}

static void
emit_chain(struct dp *d, uint32_t s, uint32_t t, uint32_t m)
{
	uint32_t how = d->choice[cell(d, s, t, m)], c = s + how;

	if (how > 0) {
		for (uint32_t i = s; i < c; i++)
			emit_forward(d, i, d->again);
		emit_chain(d, c, t, m - to_slots(d, d->blocks[c].input));
		emit_chain(d, s, c - 1, m);
		return;
	}
	emit_forward(d, s, is_alone(d, s, t) ? d->own : d->again);
	if (s < t)
		emit_chain(d, s + 1, t, m - to_slots(d, d->blocks[s].hold));
	for (uint32_t k = d->blocks[s].back_from; k < d->blocks[s].back_to; k++)
		push(d, k);
}

static void
emit(struct dp *d, struct schedule *s, uint32_t m)
{
	*s = (struct schedule) { .step_count = 0 };
	d->s = s;
	d->steps = d->step_room = 0;
	for (uint32_t i = 0; i < d->count; i++)
		d->blocks[i].ran = false;
	emit_chain(d, 0, d->count - 1, m);
	s->step_count = (uint32_t)d->steps;
}

/* Does every step read the versions that the graph's order gives it? */
static bool
reads_right(const struct dp *d, const struct schedule *s)
{
	const struct graph *g = d->graph;
	uint32_t *version = ARENA_NEW(d->arena, uint32_t, g->tensor_count), *first = ARENA_NEW(d->arena, uint32_t, (size_t)g->op_count + 1);
	uint32_t *reads, n = 0;

	for (uint32_t k = 0; k < g->op_count; k++)
		first[k + 1] = first[k] + g->ops[k].input_count + g->ops[k].output_count;
	reads = ARENA_NEW(d->arena, uint32_t, first[g->op_count]);
	for (uint32_t k = 0; k < g->op_count; k++) {
		for (uint32_t i = 0; i < g->ops[k].input_count; i++)
			reads[n++] = version[g->ops[k].inputs[i]];
		for (uint32_t j = 0; j < g->ops[k].output_count; j++)
			reads[n++] = ++version[g->ops[k].outputs[j]];
	}
	memset(version, 0, sizeof(*version) * g->tensor_count);
	for (uint32_t k = 0; k < s->step_count; k++) {
		const struct op *o = &g->ops[s->steps[k].op];
		const uint32_t *want = &reads[first[s->steps[k].op]];

		for (uint32_t i = 0; i < o->input_count; i++)
			if (version[o->inputs[i]] != want[i])
				return false;
		for (uint32_t j = 0; j < o->output_count; j++)
			version[o->outputs[j]] = want[o->input_count + j];
	}
	return true;
}

/* The most room whose schedule really fits.  Estimates err to both sides, so more than there is is tried first. */
static int
best_fit(struct dp *d, struct schedule *s, struct err *e)
{
	bytes_t reached, least = UINT64_MAX;
	char peak[32], budget[32];
	uint32_t before = UINT32_MAX;

	for (uint32_t i = TRIES; i > 0; i--) {
		uint32_t m = (uint32_t)((uint64_t)d->slots * i / TRIES);

		if (m == before || isinf(d->time[cell(d, 0, d->count - 1, m)]))
			continue;
		before = m;
		emit(d, s, m);
		if (!reads_right(d, s))
			return err_set(e, ERR_NO, "forward is not a chain: a block run again would read what has been overwritten");
		reached = residency_peak(s, d->graph, NULL, d->arena);
		if (reached <= d->problem->budget_bytes)
			return 0;
		least = reached < least ? reached : least;
	}
	if (least == UINT64_MAX)
		return err_set(e, ERR_NO, "no choice of checkpoints over %" PRIu32 " blocks fits %s", d->count,
		    units_size(budget, d->problem->budget_bytes));
	return err_set(e, ERR_NO, "the best choice of checkpoints over %" PRIu32 " blocks has a peak of %s, over the budget of %s",
	    d->count, units_size(peak, least), units_size(budget, d->problem->budget_bytes));
}

int
policy_checkpoint_dp(struct schedule *s, const struct problem *p, struct arena *a, struct err *e)
{
	struct dp d = { .problem = p, .graph = p->graph, .life = p->life, .arena = a };
	bytes_t persistent = 0, room;
	uint32_t maps;
	bool *reads;

	if (segments_maps(&maps, p->life, a, e) < 0 ||
	    segments_init(&d.y, p->life, maps < BLOCKS_MAX ? maps + 1 : BLOCKS_MAX, a, e) < 0)
		return -1;
	for (uint32_t t = 0; t < p->graph->tensor_count; t++)
		if (kind_is_persistent(p->graph->tensors[t].kind))
			persistent += size_of(&d, t);
	if (persistent >= p->budget_bytes)
		return err_set(e, ERR_NO, "persistent tensors alone fill the budget");
	room = p->budget_bytes - persistent;
	layers_init(&d.layers, p->graph, a);
	find_blocks(&d);
	reads = find_own(&d);
	d.again = find_again(&d, NULL);
	d.own = find_again(&d, reads);
	measure_blocks(&d, reads);
	set_slots(&d, room + room / 4);
	fill_table(&d);
	return best_fit(&d, s, e);
}
