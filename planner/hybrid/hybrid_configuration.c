/* SPDX-License-Identifier: Apache-2.0 */
/* hybrid_configuration.c - how a configuration offloads, drops, prunes and learns from dead ends */
#include <config.h>
#include "planner/hybrid/hybrid_configuration.h"

#include <math.h>
#include <string.h>

#include "planner/hybrid/hybrid_heuristics.h"
#include "src/base/rank.h"

/* ---- link ---- */

static double
copy_us(const struct model_interval *j, enum direction dir)
{
	return (dir == D2H ? j->out : j->in) ? j->copy_us[dir] : 0;
}

/* Returns the first op that starts at or after time us. */
static uint32_t
op_at(const struct model *m, double us)
{
	return lower_bound_double(m->start_us, 0, m->graph->op_count, us);
}

/* For each op, the bytes chosen beyond what the link carries between it and the busiest op. */
struct links { struct segment_tree out, in; uint32_t op_count; };

static bool
has_time(const struct links *l, const struct model_interval *j)
{
	return (!j->out || segment_tree_max(&l->out, 0, j->idle.from + 1) + j->bytes <= 0) &&
	    (!j->in || j->idle.to == l->op_count || segment_tree_max(&l->in, j->idle.to, l->op_count) + j->bytes <= 0);
}

static void
take(struct links *l, const struct model_interval *j)
{
	if (j->out)
		segment_tree_add(&l->out, 0, j->idle.from + 1, j->bytes);
	if (j->in)
		segment_tree_add(&l->in, j->idle.to, l->op_count, j->bytes);
}

void
hybrid_offload(struct hybrid *h)
{
	struct model *m = &h->model;
	uint32_t n = m->graph->op_count, k = segment_tree_argmax(&m->over);
	int64_t need = segment_tree_at(&m->over, k), pinnable = -segment_tree_at(&m->host, k);
	int64_t *room = ARENA_NEW(h->arena, int64_t, n);
	bool *is_chosen = ARENA_NEW(h->arena, bool, m->interval_count);
	struct links links = { .op_count = n };

	for (uint32_t i = 0; i < n; i++)
		room[i] = i < k ? -(int64_t)(h->configuration.share * (m->start_us[k] - m->start_us[i + 1]) / h->us_per_byte[D2H]) : 0;
	segment_tree_init(&links.out, room, n, h->arena);
	for (uint32_t i = 0; i < n; i++)
		room[i] = i > k ? -(int64_t)(h->configuration.share * (m->start_us[i] - m->start_us[k + 1]) / h->us_per_byte[H2D]) : 0;
	segment_tree_init(&links.in, room, n, h->arena);
	for (uint32_t i = 0; i < m->interval_count; i++) {
		const struct model_interval *j = &m->intervals[i];

		if (!model_at_home(m, j) && !m->away[i])
			continue;
		take(&links, j);
		is_chosen[i] = true;
		need -= j->idle.from <= k && k < j->idle.to ? j->bytes : 0;
	}
	for (uint32_t i = 0; i < h->worth_count && need > 0; i++) {
		const struct model_interval *j = h->by_worth[i];

		if (j->idle.from > k || j->idle.to <= k || !has_time(&links, j) || model_pins(m, j) > pinnable)
			continue;
		take(&links, j);
		is_chosen[j - m->intervals] = true;
		need -= j->bytes;
		pinnable -= model_pins(m, j);
	}
	for (uint32_t i = 0; i < m->interval_count; i++)
		if (is_chosen[i])
			model_offload(m, &m->intervals[i], m->intervals[i].idle.from, m->intervals[i].idle.to);
}

/* ---- drop ---- */

static bool
covers(const struct model_interval *j, uint32_t k)
{
	return j->fate == FATE_KEEP && j->idle.from <= k && k < j->idle.to;
}

/* Starts the cooldown of idle interval j, whose drop would free nothing.  It lasts one turn, and doubles with each failure past
 * PATIENCE in a row. */
static void
cool_down(struct hybrid *h, const struct model_interval *j)
{
	struct cooldown *c = &h->cooldown[j - h->model.intervals];
	uint32_t doublings = c->failures < PATIENCE ? 0 : c->failures - PATIENCE;

	c->failures++;
	c->until = h->turn + (1U << (doublings < MOST_DOUBLINGS ? doublings : MOST_DOUBLINGS));
}

/* Returns the idle interval across op k whose drop costs least for each byte of `excess` that it frees; NULL: none may be dropped. */
static struct model_interval *
cheapest_drop(struct hybrid *h, uint32_t k, int64_t excess, double *best_cost)
{
	struct model_interval *best = NULL;
	struct model_interval *j;
	uint32_t rank = 0;
	int looked = 0;

	*best_cost = INFINITY;
	while (looked < h->configuration.look_ahead && (j = model_next_here(&h->model, k, &rank)) != NULL) {
		uint32_t i = (uint32_t)(j - h->model.intervals), needed = h->model.needed_at[j->idle.tensor];
		struct drop_cost drop;
		double cost;

		if (!covers(j, k) || (needed >= j->idle.from && needed <= k))
			continue;
		if (isinf(j->density))
			break;
		if (h->model.is_checkpoint[j->idle.tensor] || h->barred[i] || h->cooldown[i].until > h->turn)
			continue;
		drop = model_drop_cost(&h->model, j, excess, *best_cost);
		if (drop.gain <= 0) {
			cool_down(h, j);
			continue;
		}
		h->cooldown[i].failures = 0;
		cost = drop.us / (double)drop.gain;
		looked++;
		if (cost < *best_cost) {
			*best_cost = cost;
			best = j;
		}
	}
	return best;
}

/* Returns the alternative of op k that costs least for each byte of workspace that it saves; PLAN_NONE: none saves any. */
static uint32_t
cheapest_alternative(const struct hybrid *h, uint32_t k, int64_t excess, double *cost)
{
	const struct op *o = &h->p->graph->ops[k];
	uint32_t now = h->model.alternative[k], best = PLAN_NONE;
	bytes_t bytes = op_workspace_bytes(o, now);
	double us = op_time_us(o, now);

	*cost = INFINITY;
	for (uint32_t i = 0; i < o->alternative_count; i++) {
		const struct alternative *x = &o->alternatives[i];
		int64_t gain = (int64_t)bytes - (int64_t)x->workspace_bytes;
		double price = (x->time_us - us) / (double)(gain < excess ? gain : excess);

		if (gain > 0 && price < *cost) {
			*cost = price;
			best = i;
		}
	}
	return best;
}

/* True: interval j is present at op k and may become absent there: its tensor is kept, or its offload begins later or ends earlier. */
static bool
may_leave(const struct hybrid *h, const struct model_interval *j, uint32_t k)
{
	uint32_t needed = h->model.needed_at[j->idle.tensor];

	return j->idle.from <= k && k < j->idle.to && !(needed >= j->idle.from && needed <= k) &&
	    (j->fate == FATE_KEEP || (j->fate == FATE_OFFLOAD && (k < j->gone || k >= j->back)));
}

struct forced { double gain; struct model_interval *interval; };

/* Fills best[FORCED] with the idle intervals across op k that are best offloaded although the link has no time left, best first.
 * The gain is the bytes of the excess that an interval frees, times the shares of its copies that have time on either side of k.  Returns how many to offload: one, and one more
 * for each FORCED_PART candidates, so that many candidates are looked at less often. */
static int
find_forced(struct hybrid *h, uint32_t k, int64_t excess, struct forced *best, bool present)
{
	const struct model *m = &h->model;
	struct model_interval *j;
	int count = 0, candidates = 0;

	for (uint32_t rank = 0; (j = model_next_here(m, k, &rank)) != NULL;) {
		double out, in, gain;
		int at;

		if (!may_leave(h, j, k) || (!present && j->fate == FATE_KEEP))
			continue;
		if (j->fate == FATE_KEEP && !model_host_has_room(m, j)) {
			h->host_is_full = true;
			continue;
		}
		out = j->out ? (m->start_us[k] - m->start_us[j->idle.from]) / copy_us(j, D2H) : 1;
		in = j->in ? (m->start_us[j->idle.to] - m->start_us[k + 1]) / copy_us(j, H2D) : 1;
		gain = (double)(j->bytes < excess ? j->bytes : excess) * (LEAST_SHARE + (out < 1 ? out : 1)) * (LEAST_SHARE + (in < 1 ? in : 1));
		if (kind_is_persistent(m->graph->tensors[j->idle.tensor].kind))
			gain *= PERSISTENT_GAIN;
		candidates++;
		if (count == FORCED && gain <= best[FORCED - 1].gain)
			continue;
		count += count < FORCED;
		for (at = count - 1; at > 0 && best[at - 1].gain < gain; at--)
			best[at] = best[at - 1];
		best[at] = (struct forced) { gain, j };
	}
	return count < 1 + candidates / FORCED_PART ? count : 1 + candidates / FORCED_PART;
}

/* Makes the tensor of offloaded interval j absent at op k, too, and on through every next op over the budget: compute waits for its
 * copies anyway. */
static void
widen(struct model *m, struct model_interval *j, uint32_t k)
{
	uint32_t gone = k, back = k + 1;

	while (k < j->gone && gone > j->idle.from && segment_tree_at(&m->over, gone - 1) > 0)
		gone--;
	while (k >= j->back && back < j->idle.to && segment_tree_at(&m->over, back) > 0)
		back++;
	model_widen(m, j, gone, back);
}

static void
force_offload(struct model *m, struct model_interval *j, uint32_t k)
{
	uint32_t gone, back;

	if (j->fate == FATE_OFFLOAD) {
		widen(m, j, k);
		return;
	}
	gone = op_at(m, m->start_us[j->idle.from] + copy_us(j, D2H));
	back = op_at(m, m->start_us[j->idle.to] - copy_us(j, H2D));
	model_offload(m, j, gone < k ? gone : k, back > k ? (back < j->idle.to ? back : j->idle.to) : k + 1);
}

bool
hybrid_cover(struct hybrid *h)
{
	struct model *m = &h->model;

	h->turn = 0;
	h->host_is_full = false;
	memset(h->cooldown, 0, sizeof(*h->cooldown) * m->interval_count);
	for (;;) {
		uint32_t k = segment_tree_argmax(&m->over), alternative;
		int64_t excess = segment_tree_at(&m->over, k);
		double drop_cost, alternative_cost;
		struct forced forced[FORCED];
		struct model_interval *j;
		int count;

		if (excess <= 0)
			return true;
		j = cheapest_drop(h, k, excess, &drop_cost);
		alternative = cheapest_alternative(h, k, excess, &alternative_cost);
		if (alternative != PLAN_NONE && alternative_cost <= drop_cost) {
			model_use_alternative(m, k, alternative);
			continue;
		}
		if (j != NULL) {
			model_drop(m, j);
			h->turn++;
			continue;
		}
		/* Tensors that move anyway are away for longer before others move, too. */
		count = find_forced(h, k, excess, forced, false);
		if (count == 0)
			count = find_forced(h, k, excess, forced, true);
		if (count == 0) {
			h->stuck = k;
			return false;
		}
		for (int i = 0; i < count && segment_tree_at(&m->over, k) > 0; i++)
			force_offload(m, forced[i].interval, k);
	}
}

void
hybrid_prune(struct hybrid *h)
{
	struct model *m = &h->model;
	struct ranked *dropped = ARENA_NEW(h->arena, struct ranked, m->interval_count);
	uint32_t count = 0;

	for (uint32_t i = 0; i < m->interval_count; i++)
		if (m->intervals[i].fate == FATE_DROP)
			dropped[count++] = (struct ranked) { .first = m->intervals[i].density * (double)m->intervals[i].bytes, .id = i };
	rank_falling(dropped, count);
	for (uint32_t i = 0; i < count; i++)
		model_keep(m, &m->intervals[dropped[i].id]);
}

bool
hybrid_learn(struct hybrid *h)
{
	const struct model *m = &h->model;
	bool *calls = ARENA_NEW(h->arena, bool, (size_t)m->graph->op_count + 1), learned = false;

	for (uint32_t i = 0; i < m->interval_count; i++) {
		const struct model_interval *t = &m->intervals[i];
		uint32_t c = m->needed_at[t->idle.tensor];

		if (t->idle.from <= h->stuck && h->stuck < t->idle.to && c >= t->idle.from && c <= h->stuck)
			calls[c] = true;
	}
	for (uint32_t i = 0; i < m->interval_count; i++)
		if (m->intervals[i].fate == FATE_DROP && calls[m->intervals[i].idle.to] && !h->barred[i])
			learned = h->barred[i] = true;
	return learned;
}

/* ---- the beginning ---- */

/* Orders the idle intervals of transient tensors by their worth to the link: the number of ops over the budget that an interval spans, times its cost of
 * recomputing.  The configuration may leave the cost out, or put checkpoints first. */
static void
order_offloads(struct hybrid *h)
{
	const struct model *m = &h->model;
	uint32_t n = m->graph->op_count, *before = ARENA_NEW(h->arena, uint32_t, (size_t)n + 1);
	struct ranked *w = ARENA_NEW(h->arena, struct ranked, m->interval_count);

	for (uint32_t k = 0; k < n; k++)
		before[k + 1] = before[k] + (m->life->live[k] > h->p->budget_bytes);
	for (uint32_t i = 0; i < m->interval_count; i++) {
		const struct model_interval *j = &m->intervals[i];
		double worth = before[j->idle.to] - before[j->idle.from];

		if (kind_is_persistent(m->graph->tensors[j->idle.tensor].kind))
			continue;
		if (h->configuration.order != BY_SPAN)
			worth *= j->density < DEAR ? j->density : DEAR;
		if (h->configuration.order == CHECKPOINTS_FIRST && m->is_checkpoint[j->idle.tensor])
			worth *= 1 / DEAR;
		w[h->worth_count++] = (struct ranked) { .first = worth, .id = i };
	}
	rank_falling(w, h->worth_count);
	h->by_worth = ARENA_NEW(h->arena, struct model_interval *, h->worth_count);
	for (uint32_t i = 0; i < h->worth_count; i++)
		h->by_worth[i] = &h->model.intervals[w[i].id];
}

/* Returns the bytes over which the checkpoints are spread: the peak, but at most SPAN_PART times the room that persistent tensors leave,
 * because the reruns between two checkpoints have to fit into that. */
static bytes_t
checkpoint_span(const struct problem *p)
{
	bytes_t stay = p->life->persistent_bytes, least = p->budget_bytes / LEAST_ROOM_PART;
	bytes_t room = p->budget_bytes > stay + least ? p->budget_bytes - stay : least;

	return room < p->life->peak_bytes / SPAN_PART ? room * SPAN_PART : p->life->peak_bytes;
}

void
hybrid_begin(struct hybrid *h)
{
	const struct problem *p = h->p;

	model_copy(&h->model, h->undecided, h->arena);
	if (h->configuration.checkpoints > 0)
		model_choose_checkpoints(&h->model, checkpoint_span(p) / (bytes_t)h->configuration.checkpoints);
	if (h->configuration.hold > 0)
		model_hold(&h->model, (bytes_t)(h->configuration.hold * (double)p->budget_bytes));
	order_offloads(h);
	h->cooldown = ARENA_NEW(h->arena, struct cooldown, h->model.interval_count);
	h->barred = ARENA_NEW(h->arena, bool, h->model.interval_count);
	for (int dir = 0; dir < DIRECTION_COUNT; dir++)
		h->us_per_byte[dir] = device_busy_us(p->device, (enum direction)dir, RATE_BYTES) / (double)RATE_BYTES;
}
