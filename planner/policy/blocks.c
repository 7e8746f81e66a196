/* SPDX-License-Identifier: Apache-2.0 */
/* blocks.c - merges segments into blocks that backward visits in reverse, then measures them */
#include <config.h>
#include "planner/policy/blocks.h"

#include "planner/schedule/versions.h"
#include "src/base/rank.h"

static bytes_t
size_of(const struct blocks *d, uint32_t t)
{
	return bytes_align(d->graph->tensors[t].bytes, DEVICE_ALIGN);
}

static bool
is_transient(const struct blocks *d, uint32_t t)
{
	return !kind_is_persistent(d->graph->tensors[t].kind) && !d->shared[t] && d->life->first[t] <= d->life->last[t];
}

/* A map is shared when forward reads it in more than one of SHARED_PART segments, and in more than SHARED_LEAST; or when backward reads
 * it after it has come to a block more than SHARED_LEAST before the map's. */
enum { SHARED_PART = 8, SHARED_LEAST = 4 };

static void
share(struct blocks *d, uint32_t t)
{
	d->shared[t] = true;
	d->shared_bytes += size_of(d, t);
}

/* Finds the maps that forward reads in many segments; the blocks are segments still. */
static void
share_common(struct blocks *d)
{
	uint32_t *count = ARENA_NEW(d->arena, uint32_t, d->graph->tensor_count), *latest = ARENA_NEW(d->arena, uint32_t, d->graph->tensor_count);

	for (uint32_t k = 0; k < d->y.first[d->y.count]; k++)
		for (uint32_t i = 0; i < d->graph->ops[k].input_count; i++) {
			uint32_t t = d->graph->ops[k].inputs[i];

			count[t] += latest[t] != d->block_of[k] + 1;
			latest[t] = d->block_of[k] + 1;
		}
	for (uint32_t t = 0; t < d->graph->tensor_count; t++)
		if (!kind_is_persistent(d->graph->tensors[t].kind) && count[t] > SHARED_LEAST && count[t] > d->y.count / SHARED_PART)
			share(d, t);
}

/* Shares the maps that backward op k reads from blocks long before which backward has come to `cur`; true: there are some. */
static bool
share_late(struct blocks *d, uint32_t k, uint32_t cur)
{
	const struct op *o = &d->graph->ops[k];
	bool any = false;

	for (uint32_t i = 0; i < o->input_count; i++) {
		uint32_t t = o->inputs[i];

		if (!is_transient(d, t) || d->y.last_forward[t] == SEGMENTS_NONE || d->block_of[d->life->first[t]] <= cur + SHARED_LEAST)
			continue;
		share(d, t);
		any = true;
	}
	return any;
}

/* Returns the block with the forward of backward op k's layer; `latest` if the op has no layer name, or the layer no forward. */
static uint32_t
preferred(const struct blocks *d, uint32_t k, uint32_t latest)
{
	uint32_t forward = d->layers.forward_of[d->layers.group_of[k]];

	return d->graph->ops[k].layer == NULL || forward == LAYERS_NONE ? latest : d->block_of[d->layers.groups[forward].first];
}

/* Merges segments so that backward goes through them in reverse: each backward op reads maps of one block, and after it no op reads maps
 * of a later block, but shared ones.  joined[i]: segment i belongs to the one before.  True: a segment was merged, or a map shared. */
static bool
join_once(struct blocks *d, bool *joined)
{
	uint32_t cur = d->y.count - 1, ops = d->graph->op_count;
	bool changed = false;

	for (uint32_t k = d->y.first[d->y.count]; k < ops; k++) {
		const struct op *o = &d->graph->ops[k];
		uint32_t lo = 0, hi = cur;

		changed |= share_late(d, k, cur);

		for (uint32_t i = 0; i < o->input_count; i++) {
			uint32_t t = o->inputs[i], last = d->y.last_forward[t];

			if (!is_transient(d, t) || last == SEGMENTS_NONE)
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
number_blocks(struct blocks *d, const bool *joined)
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
find_blocks(struct blocks *d)
{
	bool *joined;

	d->block_of = ARENA_NEW(d->arena, uint32_t, d->graph->op_count);
	d->shared = ARENA_NEW(d->arena, bool, d->graph->tensor_count);
	number_blocks(d, ARENA_NEW(d->arena, bool, d->y.count));
	share_common(d);
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

/* Fills reads[t]: a backward op of the block that made tensor t reads it. */
static bool *
find_own(const struct blocks *d)
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

/* True: op k, which is recomputable, may run again among the ops of can[] without leaving or reading an older version: all later forward
 * writers of its outputs run again, too, and those of its inputs that have been written over since. */
static bool
keeps_versions(const struct blocks *d, const struct versions *v, const bool *can, uint32_t k)
{
	const struct op *o = &d->graph->ops[k];
	uint32_t forward = d->y.first[d->count];

	for (uint32_t j = 0; j < o->output_count; j++)
		for (uint32_t n = versions_before(v, o->outputs[j], k) + 2; n <= versions_before(v, o->outputs[j], forward); n++)
			if (!can[versions_writer(v, o->outputs[j], n)])
				return false;
	for (uint32_t i = 0; i < o->input_count; i++) {
		uint32_t n = versions_before(v, o->inputs[i], k);

		if (n > 0 && n < versions_before(v, o->inputs[i], forward) && !can[versions_writer(v, o->inputs[i], n)])
			return false;
	}
	return true;
}

/* Returns the ops that may run again. */
static bool *
find_able(const struct blocks *d)
{
	bool *can = ARENA_NEW(d->arena, bool, d->graph->op_count), changed = true;
	struct versions v;

	versions_init(&v, d->graph, d->arena);
	for (uint32_t k = 0; k < d->y.first[d->count]; k++)
		can[k] = d->graph->ops[k].recomputable;
	while (changed) {
		changed = false;
		for (uint32_t k = d->y.first[d->count]; k-- > 0;)
			if (can[k] && !keeps_versions(d, &v, can, k)) {
				can[k] = false;
				changed = true;
			}
	}
	return can;
}

/* Returns the ops of can[] that rerun with their block: those on the way to a tensor of reads[] or, with reads NULL, to one that leaves the block.
 * Adds their times to each block's own_us or us. */
static bool *
find_again(struct blocks *d, const bool *can, const bool *reads)
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
		again[k] = runs && can[k];
		if (!again[k])
			continue;
		*(reads != NULL ? &b->own_us : &b->us) += o->time_us;
		for (uint32_t i = 0; i < o->input_count; i++)
			needed[o->inputs[i]] = true;
	}
	return again;
}

/* Returns the most bytes alive during an op of [from, to), workspace included.  change[k]: bytes born at op k less bytes that died.
 * Clears change. */
static bytes_t
highest(const struct blocks *d, int64_t *change, uint32_t from, uint32_t to)
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

/* Returns the transient tensors in the order of their first use.  Those with op k as their first use are at (*start)[k] ..
 * (*start)[k + 1] - 1, so the tensors of a block are adjacent. */
static uint32_t *
by_first(const struct blocks *d, uint32_t **start)
{
	uint32_t *key = ARENA_NEW(d->arena, uint32_t, d->graph->tensor_count);

	for (uint32_t t = 0; t < d->graph->tensor_count; t++)
		key[t] = is_transient(d, t) ? d->life->first[t] : RANK_NONE;
	return rank_by_key(key, d->graph->tensor_count, d->graph->op_count, start, d->arena);
}

/* Measures the peaks of block b's forward: keeping no tensor for its own backward, keeping all that leaves it, or for its own backward
 * alone. */
static void
measure_forward(struct blocks *d, struct block *b, const uint32_t *tensors, uint32_t count, const bool *reads, int64_t *change)
{
	enum { THROUGH, KEEP, OWN, MODES };
	bytes_t most[MODES];

	for (int mode = THROUGH; mode < MODES; mode++) {
		for (uint32_t n = 0; n < count; n++) {
			uint32_t t = tensors[n], last = d->y.last_forward[t];
			bool stays = mode == OWN ? reads[t] : last >= b->to || (mode == KEEP && d->life->last[t] >= b->to);

			if (mode == OWN && !d->own[d->life->first[t]])
				continue;
			last = last < b->to ? last + 1 : b->to;
			change[d->life->first[t]] += (int64_t)size_of(d, t);
			change[stays ? b->to : last] -= (int64_t)size_of(d, t);
			b->hold += mode == KEEP && stays ? size_of(d, t) : 0;
		}
		most[mode] = highest(d, change, b->from, b->to);
	}
	b->through = most[THROUGH];
	b->keep = most[KEEP];
	b->own = most[OWN];
}

/* Measures the peak of block b's backward: the block's maps until their last use in it, and all tensors that backward has made. */
static void
measure_backward(struct blocks *d, struct block *b, const uint32_t *tensors, uint32_t count, const int64_t *made)
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
measure_blocks(struct blocks *d, const bool *reads)
{
	uint32_t ops = d->graph->op_count, forward = d->y.first[d->count], *start, *order = by_first(d, &start);
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
		const uint32_t *tensors = &order[start[b->from]], count = start[b->to] - start[b->from];

		crossing[i] += i > 0 ? crossing[i - 1] : 0;
		b->input = (bytes_t)crossing[i];
		measure_forward(d, b, tensors, count, reads, change);
		if (b->back_from != UINT32_MAX)
			measure_backward(d, b, tensors, count, made);
	}
	/* The bytes that the backward of later blocks leaves are mostly gradients of parameters. */
	for (uint32_t i = d->count; i-- > 0;) {
		struct block *b = &d->blocks[i];

		b->gradients = alive;
		if (b->back_from != UINT32_MAX)
			alive = (bytes_t)(made[b->back_to - 1] - dying[b->back_to - 1]);
	}
}

int
blocks_init(struct blocks *d, const struct lifetimes *l, uint32_t most, struct arena *a, struct err *e)
{
	uint32_t maps;
	bool *reads, *can;

	*d = (struct blocks) { .graph = l->graph, .life = l, .arena = a };
	if (segments_maps(&maps, l, a, e) < 0 || segments_init(&d->y, l, maps < most ? maps + 1 : most, a, e) < 0)
		return -1;
	layers_init(&d->layers, l->graph, a);
	find_blocks(d);
	reads = find_own(d);
	can = find_able(d);
	d->again = find_again(d, can, NULL);
	d->own = find_again(d, can, reads);
	measure_blocks(d, reads);
	return 0;
}
