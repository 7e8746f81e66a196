/* SPDX-License-Identifier: Apache-2.0 */
/* policy_checkpoint_dp.c - the least recomputation that fits, on a chain of blocks
 *
 * The step is a chain of at most BLOCKS_MAX blocks (blocks.h).  f_i is the time of block i's forward, x_i the bytes that cross into it,
 * and h_i the bytes that it leaves for its own backward and the next block together.  T(s, t, m) is the least time of the forward runs
 * that the blocks s..t need until the end of their backward, in m bytes, with x_s on the device and the blocks behind t done (Beaumont
 * et al., rotor; Herrmann et al. 2019):
 *
 *	T(s, s, m) = f_s, or the part of it that leads to what its own backward reads, if the block has run before
 *	T(s, t, m) = min of	f_s + T(s + 1, t, m - h_s)				keep all of s
 *				min over s < c <= t of  f_s + .. + f_(c-1) + T(c, t, m - x_c) + T(s, c - 1, m)
 *									keep only x_c, come back for s..c-1
 *
 * where each forward needs room for its own working set and for the gradients that blocks behind t have left, and each backward for its
 * own.  m counts in units, which is exact where sizes have a large common divisor.  Working sets are estimates, so the schedules for
 * several m are measured, and the one with the largest m that fits is taken.
 */
#include <config.h>
#include "planner/policy/policy.h"

#include <math.h>
#include <string.h>

#include "planner/policy/blocks.h"
#include "planner/schedule/occupancy.h"

enum { BLOCKS_MAX = 100, UNITS = 240, TRIES = 32 };

/* Keeping only x_c: its units, the least m, and the time of the forward up to c. */
struct dp_way { uint32_t input, room; float us; };

struct dp {
	const struct problem *problem;
	const struct graph *graph;
	struct arena *arena;
	struct blocks chain;
	bool *ran;			/* [chain.count] its forward has been emitted once */
	bytes_t unit;			/* bytes of one unit of m */
	uint32_t units;			/* m is in 0 .. units */
	float *time;			/* [count][count][units + 1] T, in us */
	struct dp_way *way;		/* [count + 1] of the blocks s .. t at hand, by c */
	struct schedule *s;
	size_t step_room, steps;
};

/* ---- the table ---- */

static size_t
cell(const struct dp *d, uint32_t s, uint32_t t, uint32_t m)
{
	return ((size_t)s * d->chain.count + t) * (d->units + 1) + m;
}

static uint32_t
to_units(const struct dp *d, bytes_t bytes)
{
	bytes_t n = (bytes + d->unit - 1) / d->unit;

	return n > d->units ? d->units + 1 : (uint32_t)n;
}

static void
set_units(struct dp *d, bytes_t most)
{
	bytes_t divisor = 0;

	for (uint32_t i = 0; i < d->chain.count; i++) {
		const struct block *b = &d->chain.blocks[i];
		const bytes_t sizes[] = { b->input, b->hold, b->through, b->keep, b->own, b->backward, b->gradients };

		for (size_t n = 0; n < sizeof(sizes) / sizeof(*sizes); n++)
			divisor = bytes_gcd(divisor, sizes[n]);
	}
	d->unit = divisor > 0 && most / divisor <= UNITS ? divisor : (most + UNITS - 1) / UNITS;
	d->unit = d->unit == 0 ? 1 : d->unit;
	d->units = (uint32_t)(most / d->unit);
}

/* True: block s runs for its own backward alone.  A block that is alone has run before, unless it is the last of all. */
static bool
is_alone(const struct dp *d, uint32_t s, uint32_t t)
{
	return s == t && t + 1 < d->chain.count;
}

/* Returns the least room in which block s can be kept, after the blocks behind t. */
static uint32_t
room_to_keep(const struct dp *d, uint32_t s, uint32_t t)
{
	const struct block *b = &d->chain.blocks[s];
	bytes_t forward = (is_alone(d, s, t) ? b->own : b->keep) + d->chain.blocks[t].gradients;

	return to_units(d, forward > b->backward ? forward : b->backward);
}

/* Returns the time of keeping all of block s, in m units. */
static float
keep_us(const struct dp *d, uint32_t s, uint32_t t, uint32_t keep, uint32_t hold, uint32_t m)
{
	const struct block *first = &d->chain.blocks[s];

	if (keep > m || (s < t && hold > m))
		return INFINITY;
	if (s == t)
		return (float)(is_alone(d, s, t) ? first->own_us : first->us);
	return (float)first->us + d->time[cell(d, s + 1, t, m - hold)];
}

/* Fills way[c], s < c <= t: what is needed to keep only x_c, and come back for s .. c - 1. */
static void
find_ways(struct dp *d, uint32_t s, uint32_t t)
{
	bytes_t most = 0;
	float us = 0;

	for (uint32_t c = s + 1; c <= t; c++) {
		const struct block *b = &d->chain.blocks[c - 1];
		bytes_t need = b->through + (c - 1 > s ? b->input : 0) + d->chain.blocks[t].gradients;
		uint32_t x = to_units(d, d->chain.blocks[c].input), room;

		most = need > most ? need : most;
		room = to_units(d, most);
		us += (float)b->us;
		d->way[c] = (struct dp_way) { .input = x, .room = x > room ? x : room, .us = us };
	}
}

/* Fills T for blocks s .. t, at every m. */
static void
fill_cells(struct dp *d, uint32_t s, uint32_t t)
{
	uint32_t keep = room_to_keep(d, s, t), hold = to_units(d, d->chain.blocks[s].hold);
	float *best = &d->time[cell(d, s, t, 0)];

	for (uint32_t m = 0; m <= d->units; m++)
		best[m] = keep_us(d, s, t, keep, hold, m);
	for (uint32_t c = s + 1; c <= t; c++) {
		const struct dp_way w = d->way[c];
		const float *after = &d->time[cell(d, c, t, 0)] - w.input, *before = &d->time[cell(d, s, c - 1, 0)];

#ifdef _OPENMP
#pragma omp simd
#endif
		for (uint32_t m = w.room; m <= d->units; m++) {
			float us = w.us + after[m] + before[m];

			best[m] = us < best[m] ? us : best[m];
		}
	}
}

static void
fill_table(struct dp *d)
{
	d->way = ARENA_NEW(d->arena, struct dp_way, (size_t)d->chain.count + 1);
	d->time = ARENA_NEW(d->arena, float, (size_t)d->chain.count * d->chain.count * (d->units + 1));
	for (uint32_t t = 0; t < d->chain.count; t++)
		for (uint32_t s = t + 1; s-- > 0;) {
			find_ways(d, s, t);
			fill_cells(d, s, t);
		}
}

/* Returns how T(s, t, m) is reached: c, or s for keeping all of block s; ties go to the lowest. */
static uint32_t
choice(struct dp *d, uint32_t s, uint32_t t, uint32_t m)
{
	float best = d->time[cell(d, s, t, m)];
	uint32_t c = s;

	find_ways(d, s, t);
	if (keep_us(d, s, t, room_to_keep(d, s, t), to_units(d, d->chain.blocks[s].hold), m) <= best)
		return s;
	do
		c++;
	while (m < d->way[c].room || d->way[c].us + d->time[cell(d, c, t, m - d->way[c].input)] + d->time[cell(d, s, c - 1, m)] > best);
	return c;
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
	struct block *b = &d->chain.blocks[i];

	for (uint32_t k = b->from; k < b->to; k++)
		if (!d->ran[i] || again[k])
			push(d, k);
	d->ran[i] = true;
}

static void
emit_chain(struct dp *d, uint32_t s, uint32_t t, uint32_t m)
{
	uint32_t c = choice(d, s, t, m);

	if (c > s) {
		for (uint32_t i = s; i < c; i++)
			emit_forward(d, i, d->chain.again);
		emit_chain(d, c, t, m - to_units(d, d->chain.blocks[c].input));
		emit_chain(d, s, c - 1, m);
		return;
	}
	emit_forward(d, s, is_alone(d, s, t) ? d->chain.own : d->chain.again);
	if (s < t)
		emit_chain(d, s + 1, t, m - to_units(d, d->chain.blocks[s].hold));
	for (uint32_t k = d->chain.blocks[s].back_from; k < d->chain.blocks[s].back_to; k++)
		push(d, k);
}

static void
emit(struct dp *d, struct schedule *s, uint32_t m)
{
	*s = (struct schedule) { .step_count = 0 };
	d->s = s;
	d->steps = d->step_room = 0;
	memset(d->ran, 0, sizeof(*d->ran) * d->chain.count);
	emit_chain(d, 0, d->chain.count - 1, m);
	s->step_count = (uint32_t)d->steps;
}

/* The versions that ops read, and the version that each tensor has in the end, in the graph's own order. */
struct reads {
	uint32_t *first;		/* [op_count + 1] of an op's inputs, then of its outputs, in version */
	uint32_t *version;
	uint32_t *newest;		/* [tensor_count] */
};

static void
find_reading(struct reads *r, const struct graph *g, struct arena *a)
{
	uint32_t n = 0;

	r->first = ARENA_NEW(a, uint32_t, (size_t)g->op_count + 1);
	r->newest = ARENA_NEW(a, uint32_t, g->tensor_count);
	for (uint32_t k = 0; k < g->op_count; k++)
		r->first[k + 1] = r->first[k] + g->ops[k].input_count + g->ops[k].output_count;
	r->version = ARENA_NEW(a, uint32_t, r->first[g->op_count]);
	for (uint32_t k = 0; k < g->op_count; k++) {
		for (uint32_t i = 0; i < g->ops[k].input_count; i++)
			r->version[n++] = r->newest[g->ops[k].inputs[i]];
		for (uint32_t j = 0; j < g->ops[k].output_count; j++)
			r->version[n++] = ++r->newest[g->ops[k].outputs[j]];
	}
}

/* The error of a step of op k that finds tensor t as `by` left it. */
static int
reads_wrong(const struct dp *d, uint32_t k, uint32_t t, uint32_t by, struct err *e)
{
	const struct graph *g = d->graph;

	if (by == PLAN_NONE)
		err_set(e, ERR_NO, "forward is not a chain of blocks: op %" PRIu32 " '%s' would read tensor %" PRIu32 " before it is made",
		    k, g->ops[k].name, t);
	else
		err_set(e, ERR_NO, "forward is not a chain of blocks: op %" PRIu32 " '%s' would read tensor %" PRIu32 " as op %" PRIu32
		    " '%s' has left it, which is another version", k, g->ops[k].name, t, by, g->ops[by].name);
	return graph_set_reason(e, g, k, 0);
}

/* ERR_NO unless every step reads the versions that the graph's order gives it, and results end with their newest version. */
static int
check_reads(const struct dp *d, const struct schedule *s, const struct reads *r, struct err *e)
{
	const struct graph *g = d->graph;
	uint32_t *version = ARENA_NEW(d->arena, uint32_t, g->tensor_count), *by = ARENA_NEW(d->arena, uint32_t, g->tensor_count);

	memset(by, 0xff, sizeof(*by) * g->tensor_count);
	for (uint32_t k = 0; k < s->step_count; k++) {
		const struct op *o = &g->ops[s->steps[k].op];
		const uint32_t *want = &r->version[r->first[s->steps[k].op]];

		for (uint32_t i = 0; i < o->input_count; i++)
			/* Before its first version a transient tensor holds nothing, so that any will do. */
			if (version[o->inputs[i]] != want[i] && (want[i] > 0 || kind_is_persistent(g->tensors[o->inputs[i]].kind)))
				return reads_wrong(d, s->steps[k].op, o->inputs[i], by[o->inputs[i]], e);
		for (uint32_t j = 0; j < o->output_count; j++) {
			version[o->outputs[j]] = want[o->input_count + j];
			by[o->outputs[j]] = s->steps[k].op;
		}
	}
	for (uint32_t t = 0; t < g->tensor_count; t++)
		if (kind_has_final(g->tensors[t].kind) && version[t] != r->newest[t]) {
			err_set(e, ERR_NO, "forward is not a chain of blocks: op %" PRIu32 " '%s' would leave an older version of tensor %" PRIu32
			    " at the end", by[t], g->ops[by[t]].name, t);
			return graph_set_reason(e, g, by[t], 0);
		}
	return 0;
}

/* Fills s with the schedule of the largest m that reads right and fits.  Estimates err to both sides, so the search begins above the real room. */
static int
best_fit(struct dp *d, struct schedule *s, struct err *e)
{
	bytes_t reached, least = UINT64_MAX;
	char peak[32], budget[32];
	uint32_t before = UINT32_MAX;
	struct err wrong = ERR_INIT;
	struct reads reading;

	find_reading(&reading, d->graph, d->arena);
	for (uint32_t i = TRIES; i > 0; i--) {
		uint32_t m = (uint32_t)((uint64_t)d->units * i / TRIES);

		if (m == before || isinf(d->time[cell(d, 0, d->chain.count - 1, m)]))
			continue;
		before = m;
		emit(d, s, m);
		if (check_reads(d, s, &reading, &wrong) < 0)
			continue;
		reached = occupancy_peak(s, d->graph, NULL, d->arena);
		if (reached <= d->problem->budget_bytes)
			return 0;
		least = reached < least ? reached : least;
	}
	if (least == UINT64_MAX && wrong.code != ERR_NONE) {
		*e = wrong;
		return -1;
	}
	if (least == UINT64_MAX)
		return err_set(e, ERR_NO, "no choice of checkpoints over %" PRIu32 " blocks fits %s", d->chain.count,
		    units_size(budget, d->problem->budget_bytes));
	err_set(e, ERR_NO, "the best choice of checkpoints over %" PRIu32 " blocks has a peak of %s, over the budget of %s",
	    d->chain.count, units_size(peak, least), units_size(budget, d->problem->budget_bytes));
	return graph_set_reason(e, d->graph, ERR_NO_OP, least - d->problem->budget_bytes);
}

int
policy_checkpoint_dp(struct schedule *s, const struct problem *p, struct arena *a, struct err *e)
{
	struct dp d = { .problem = p, .graph = p->graph, .arena = a };
	bytes_t persistent, room;

	if (blocks_init(&d.chain, p->life, BLOCKS_MAX, a, e) < 0)
		return -1;
	persistent = d.chain.shared_bytes;
	for (uint32_t t = 0; t < p->graph->tensor_count; t++)
		if (kind_is_persistent(p->graph->tensors[t].kind))
			persistent += bytes_align(p->graph->tensors[t].bytes, DEVICE_ALIGN);
	if (persistent >= p->budget_bytes)
		return err_set(e, ERR_NO, "persistent tensors alone fill the budget");
	room = p->budget_bytes - persistent;
	d.ran = ARENA_NEW(a, bool, d.chain.count);
	set_units(&d, room + room / 4);
	fill_table(&d);
	return best_fit(&d, s, e);
}
