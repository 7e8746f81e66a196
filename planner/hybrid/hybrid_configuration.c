/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>
#include "planner/hybrid/hybrid_configuration.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/time/simulate.h"

enum { REPAIRS = 40, LESSONS = 16, SEARCH_WORK = 200000, PATIENCE = 64, FORCED = 16, MANY = 64, MOST_DOUBLINGS = 6 };

/* ---- link ---- */

static double
copy_us(const struct gap *j, enum direction dir)
{
	return (dir == D2H ? j->out : j->in) ? j->copy_us[dir] : 0;
}

/* The first op that starts at or after time us. */
static uint32_t
op_at(const struct model *m, double us)
{
	return lower_bound_double(m->start_us, 0, m->graph->op_count, us);
}

/* When the copies of the chosen gaps can have ended and must begin, one queue each way. */
static void
time_copies(struct hybrid *h, struct gap **chosen, uint32_t count, uint32_t *gone, uint32_t *back)
{
	const struct model *m = &h->model;
	uint32_t *by_b = ARENA_NEW(h->arena, uint32_t, count), *first = ARENA_NEW(h->arena, uint32_t, (size_t)m->graph->op_count + 2);
	double free_us = 0, due_us = INFINITY;

	for (uint32_t i = 0; i < count; i++) {	/* chosen is by a */
		double ready = m->start_us[chosen[i]->a];

		first[chosen[i]->b + 1]++;
		gone[i] = chosen[i]->a;
		if (!chosen[i]->out)
			continue;
		free_us = (free_us > ready ? free_us : ready) + copy_us(chosen[i], D2H);
		gone[i] = op_at(m, free_us);
		if (gone[i] > chosen[i]->b)
			gone[i] = chosen[i]->b;
	}
	for (uint32_t k = 0; k <= m->graph->op_count; k++)
		first[k + 1] += first[k];
	for (uint32_t i = 0; i < count; i++)
		by_b[first[chosen[i]->b]++] = i;
	for (uint32_t i = count; i-- > 0;) {
		const struct gap *j = chosen[by_b[i]];
		double due = m->start_us[j->b] < due_us ? m->start_us[j->b] : due_us;
		uint32_t op;

		back[by_b[i]] = j->b;
		if (!j->in)
			continue;
		due_us = due - copy_us(j, H2D);
		op = op_at(m, due_us);
		op -= op > 0;
		back[by_b[i]] = op < gone[by_b[i]] ? gone[by_b[i]] : op > j->b ? j->b : op;
	}
}

static int
by_a(const void *x, const void *y)
{
	const struct gap *p = *(struct gap *const *)x, *q = *(struct gap *const *)y;

	return p < q ? -1 : p > q;	/* the gaps stand in order of a */
}

/* Bytes more than the link carries between each op and the busiest moment. */
struct links { struct segment_tree out, in; uint32_t op_count; };

static bool
has_time(const struct links *l, const struct gap *j)
{
	return (!j->out || segment_tree_max(&l->out, 0, j->a + 1) + j->bytes <= 0) &&
	    (!j->in || j->b == l->op_count || segment_tree_max(&l->in, j->b, l->op_count) + j->bytes <= 0);
}

static void
take(struct links *l, const struct gap *j)
{
	if (j->out)
		segment_tree_add(&l->out, 0, j->a + 1, j->bytes);
	if (j->in)
		segment_tree_add(&l->in, j->b, l->op_count, j->bytes);
}

/* Away whatever is decided: the step begins or ends with the tensor on the host. */
static bool
at_home(const struct model *m, const struct gap *j)
{
	return m->on_host[j->tensor] && (j->a == 0 || j->b == m->graph->op_count);
}

/* Step 1. */
static void
choose_offloads(struct hybrid *h)
{
	struct model *m = &h->model;
	uint32_t n = m->graph->op_count, k = segment_tree_argmax(&m->over), count = 0, *gone, *back;
	int64_t need = segment_tree_at(&m->over, k), pinnable = -segment_tree_at(&m->host, k);
	int64_t *room = ARENA_NEW(h->arena, int64_t, n);
	struct gap **chosen = ARENA_NEW(h->arena, struct gap *, m->gap_count);
	struct links links = { .op_count = n };

	for (uint32_t i = 0; i < n; i++)
		room[i] = i < k ? -(int64_t)(h->way.share * (m->start_us[k] - m->start_us[i + 1]) / h->us_per_byte[D2H]) : 0;
	segment_tree_init(&links.out, room, n, h->arena);
	for (uint32_t i = 0; i < n; i++)
		room[i] = i > k ? -(int64_t)(h->way.share * (m->start_us[i] - m->start_us[k + 1]) / h->us_per_byte[H2D]) : 0;
	segment_tree_init(&links.in, room, n, h->arena);
	for (uint32_t i = 0; i < m->gap_count; i++)
		if (at_home(m, &m->gaps[i]))
			take(&links, chosen[count++] = &m->gaps[i]);
	for (uint32_t i = 0; i < count; i++)
		need -= chosen[i]->a <= k && k < chosen[i]->b ? chosen[i]->bytes : 0;
	for (uint32_t i = 0; i < m->gap_count && need > 0; i++) {
		struct gap *j = h->by_worth[i];

		if (j->a > k || j->b <= k || at_home(m, j) || !has_time(&links, j) || model_pins(m, j) > pinnable ||
		    (h->way.persistents == PERSISTENTS_STAY && kind_is_persistent(m->graph->tensors[j->tensor].kind)))
			continue;
		take(&links, chosen[count++] = j);
		need -= j->bytes;
		pinnable -= model_pins(m, j);
	}
	qsort(chosen, count, sizeof(*chosen), by_a);
	gone = ARENA_NEW(h->arena, uint32_t, count);
	back = ARENA_NEW(h->arena, uint32_t, count);
	time_copies(h, chosen, count, gone, back);
	for (uint32_t i = 0; i < count; i++)
		if (gone[i] < back[i] || at_home(m, chosen[i]))
			model_offload(m, chosen[i], gone[i], back[i]);
}

/* ---- drop ---- */

static bool
covers(const struct gap *j, uint32_t k)
{
	return j->fate == FATE_KEEP && j->a <= k && k < j->b;
}

/* Dropping gap j brought nothing.  It is looked at again after the next drop of another one; after
 * more and more of them when it has often brought nothing. */
static void
set_aside(struct hybrid *h, const struct gap *j)
{
	struct vain *v = &h->vain[j - h->model.gaps];
	uint32_t doublings = v->times < PATIENCE ? 0 : v->times - PATIENCE;

	v->times++;
	v->until = h->turn + (1U << (doublings < MOST_DOUBLINGS ? doublings : MOST_DOUBLINGS));
}

/* The gap across op k that costs least to drop for each byte that it takes away of `excess`. */
static struct gap *
cheapest_drop(struct hybrid *h, uint32_t k, int64_t excess, double *best_cost)
{
	struct gap *best = NULL;
	struct gap *j;
	uint32_t rank = 0;
	int looked = 0;

	*best_cost = INFINITY;
	while (looked < h->way.look_ahead && (j = model_next_here(&h->model, k, &rank)) != NULL) {
		uint32_t i = (uint32_t)(j - h->model.gaps), needed = h->model.needed_at[j->tensor];
		struct drop_cost drop;
		double cost;

		if (!covers(j, k) || (needed >= j->a && needed <= k))
			continue;
		if (isinf(j->density))
			break;
		if (h->model.is_cut[j->tensor] || h->kept[i] || h->vain[i].until > h->turn)
			continue;
		drop = model_drop_cost(&h->model, j, excess, *best_cost);
		if (drop.gain <= 0) {
			set_aside(h, j);
			continue;
		}
		h->vain[i].times = 0;
		cost = drop.us / (double)drop.gain;
		looked++;
		if (cost < *best_cost) {
			*best_cost = cost;
			best = j;
		}
	}
	return best;
}

/* The algorithm of op k that costs least for each byte of workspace that it does without; PLAN_NONE: none does. */
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

/* Not away at op k, and may be: kept, or offloaded but not so early or so long. */
static bool
may_leave(const struct hybrid *h, const struct gap *j, uint32_t k)
{
	uint32_t needed = h->model.needed_at[j->tensor];

	return j->a <= k && k < j->b && !(needed >= j->a && needed <= k) &&
	    (j->fate == FATE_KEEP || (j->fate == FATE_OFFLOAD && (k < j->gone || k >= j->back)));
}

struct forced { double gain; struct gap *gap; };

/* The gaps across op k that are best offloaded although the link has no time left, best first: those that take most
 * of the excess away, as far as their copies find time on either side of k.  One, or, to look less often where there
 * are many, one for each MANY of them and at most FORCED. */
static int
find_forced(struct hybrid *h, uint32_t k, int64_t excess, struct forced *best)
{
	const struct model *m = &h->model;
	struct gap *j;
	int count = 0, candidates = 0;

	for (uint32_t rank = 0; (j = model_next_here(m, k, &rank)) != NULL;) {
		double out, in, gain;
		int at;

		if (!may_leave(h, j, k))
			continue;
		if (j->fate == FATE_KEEP && !model_host_has_room(m, j)) {
			h->host_is_full = true;
			continue;
		}
		out = j->out ? (m->start_us[k] - m->start_us[j->a]) / copy_us(j, D2H) : 1;
		in = j->in ? (m->start_us[j->b] - m->start_us[k + 1]) / copy_us(j, H2D) : 1;
		gain = (double)(j->bytes < excess ? j->bytes : excess) * (0.01 + (out < 1 ? out : 1)) * (0.01 + (in < 1 ? in : 1));
		if (kind_is_persistent(m->graph->tensors[j->tensor].kind))
			gain /= 2;	/* must return to its own offset: it packs worse */
		candidates++;
		if (count == FORCED && gain <= best[FORCED - 1].gain)
			continue;
		count += count < FORCED;
		for (at = count - 1; at > 0 && best[at - 1].gain < gain; at--)
			best[at] = best[at - 1];
		best[at] = (struct forced) { gain, j };
	}
	return count < 1 + candidates / MANY ? count : 1 + candidates / MANY;
}

/* Gap j, offloaded, is away at op k, too, and as far beyond as memory is over the budget without a break: compute waits for
 * its copies anyway. */
static void
widen(struct model *m, struct gap *j, uint32_t k)
{
	uint32_t gone = k, back = k + 1;

	while (k < j->gone && gone > j->a && segment_tree_at(&m->over, gone - 1) > 0)
		gone--;
	while (k >= j->back && back < j->b && segment_tree_at(&m->over, back) > 0)
		back++;
	model_widen(m, j, gone, back);
}

static void
force_offload(struct model *m, struct gap *j, uint32_t k)
{
	uint32_t gone, back;

	if (j->fate == FATE_OFFLOAD) {
		widen(m, j, k);
		return;
	}
	gone = op_at(m, m->start_us[j->a] + copy_us(j, D2H));
	back = op_at(m, m->start_us[j->b] - copy_us(j, H2D));
	model_offload(m, j, gone < k ? gone : k, back > k ? (back < j->b ? back : j->b) : k + 1);
}

/* Step 2: false when memory stays over the budget. */
static bool
cover(struct hybrid *h)
{
	struct model *m = &h->model;

	h->turn = 0;
	h->host_is_full = false;
	memset(h->vain, 0, sizeof(*h->vain) * m->gap_count);
	for (;;) {
		uint32_t k = segment_tree_argmax(&m->over), alternative;
		int64_t excess = segment_tree_at(&m->over, k);
		double drop_cost, alternative_cost;
		struct forced forced[FORCED];
		struct gap *j;
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
		count = find_forced(h, k, excess, forced);
		if (count == 0) {
			h->stuck = k;
			return false;
		}
		for (int i = 0; i < count && segment_tree_at(&m->over, k) > 0; i++)
			force_offload(m, forced[i].gap, k);
	}
}

static int
dearer(const void *x, const void *y)
{
	const struct gap *p = *(struct gap *const *)x, *q = *(struct gap *const *)y;
	double cost_p = p->density * (double)p->bytes, cost_q = q->density * (double)q->bytes;

	if (cost_p != cost_q)
		return cost_p > cost_q ? -1 : 1;
	return p < q ? -1 : p > q;
}

/* What was dropped for one moment's sake may be in the way of nothing once other moments have had theirs: the dearest
 * first, drops that are not needed any more are taken back (reverse delete). */
static void
prune(struct hybrid *h)
{
	struct model *m = &h->model;
	struct gap **dropped = ARENA_NEW(h->arena, struct gap *, m->gap_count);
	uint32_t count = 0;

	for (uint32_t i = 0; i < m->gap_count; i++)
		if (m->gaps[i].fate == FATE_DROP)
			dropped[count++] = &m->gaps[i];
	qsort(dropped, count, sizeof(*dropped), dearer);
	for (uint32_t i = 0; i < count; i++)
		model_keep(m, dropped[i]);
}

/* Nothing could leave at op `stuck`: whoever's chain needs there, or before, what might have
 * been away must not be dropped the next time.  False: there is no such lesson. */
static bool
learn(struct hybrid *h)
{
	const struct model *m = &h->model;
	bool *calls = ARENA_NEW(h->arena, bool, (size_t)m->graph->op_count + 1), learned = false;

	for (uint32_t i = 0; i < m->gap_count; i++) {
		const struct gap *t = &m->gaps[i];
		uint32_t c = m->needed_at[t->tensor];

		if (t->a <= h->stuck && h->stuck < t->b && c >= t->a && c <= h->stuck)
			calls[c] = true;
	}
	for (uint32_t i = 0; i < m->gap_count; i++)
		if (m->gaps[i].fate == FATE_DROP && calls[m->gaps[i].b] && !h->kept[i])
			learned = h->kept[i] = true;
	return learned;
}

/* ---- schedule ---- */

/* Tell the model at which ops the schedule, chains included, is over the budget. */
static bool
feed_back(struct hybrid *h, const struct schedule *s, const bytes_t *live, bytes_t budget)
{
	bytes_t most = 0;
	uint32_t next = 0;		/* op whose first run comes next; what stands before it is its chain */
	bool over = false;

	for (uint32_t k = 0; k < s->step_count; k++) {
		most = live[k] > most ? live[k] : most;
		if (s->steps[k].op != next)
			continue;
		if (most > budget) {
			model_overflow(&h->model, next, most - budget);
			over = true;
		}
		most = 0;
		next++;
	}
	return over;
}

/* Step 4: copies in may begin earlier, and copies out end later, where memory has room. */
static void
stretch(struct hybrid *h)
{
	struct model *m = &h->model;

	for (uint32_t i = 0; i < m->gap_count; i++) {
		struct gap *j = &m->gaps[i];

		if (j->fate != FATE_OFFLOAD)
			continue;
		for (double lead = h->way.lead; lead > 0.4 && j->back > j->gone; lead /= 2) {
			uint32_t to = op_at(m, m->start_us[j->back] - lead * copy_us(j, H2D));

			to = to < j->gone ? j->gone : to;
			if (to < j->back && model_narrow(m, j, j->gone, to))
				break;
		}
		for (double lag = h->way.lead; lag > 0.4 && j->gone < j->back; lag /= 2) {
			uint32_t to = op_at(m, m->start_us[j->gone] + lag * copy_us(j, D2H));

			to = to > j->back ? j->back : to;
			if (to > j->gone && model_narrow(m, j, to, j->back))
				break;
		}
	}
}

/* Steps 2 to 4, until the schedule's own profile is within the budget. */
static int
make_schedule(struct hybrid *h, bytes_t budget, struct err *e)
{
	struct schedule *s = &h->schedule;
	struct decisions d;
	bytes_t *live;

	for (int i = 0; i < REPAIRS; i++) {
		if (!isinf(h->beat_us) && search_stopped(h->p->control))
			return err_set(e, ERR_NO, "there is no more time");
		if (!cover(h))
			return err_set(e, ERR_NO, h->host_is_full ? "the host's pinned memory is full and there is nothing more to recompute" :
			    "there is nothing more to move or recompute");
		prune(h);
		if (i == 0)
			stretch(h);
		decisions_init(&d, h->p->life, h->arena);
		model_decide(&h->model, &d);
		if (decisions_schedule(s, &d, h->arena, e) < 0)
			return -1;
		if (hybrid_build(h, e) < 0)
			return -1;
		live = ARENA_NEW(h->arena, bytes_t, (size_t)s->step_count + 1);
		program_live(live, h->program);
		if (!feed_back(h, s, live, budget))
			return 0;
	}
	return err_set(e, ERR_NO, "it does not settle below the budget");
}

/* ---- one way ---- */

struct worth { double worth; struct gap *gap; };

static int
worthier(const void *x, const void *y)
{
	const struct worth *p = x, *q = y;

	if (p->worth != q->worth)
		return p->worth > q->worth ? -1 : 1;
	return p->gap < q->gap ? -1 : p->gap > q->gap;
}

/* What spans many of the moments over the budget is worth offloading, the more so what is dear
 * to recompute, or what chains of reruns start from. */
static void
order_offloads(struct hybrid *h)
{
	const struct model *m = &h->model;
	const double dear = 1e-3;	/* us a byte: no op that is worth running again costs so much */
	uint32_t n = m->graph->op_count, *before = ARENA_NEW(h->arena, uint32_t, (size_t)n + 1);
	struct worth *w = ARENA_NEW(h->arena, struct worth, m->gap_count);

	for (uint32_t k = 0; k < n; k++)
		before[k + 1] = before[k] + (m->life->live[k] > h->p->budget_bytes);
	for (uint32_t i = 0; i < m->gap_count; i++) {
		struct gap *j = &m->gaps[i];
		double worth = before[j->b] - before[j->a];

		if (kind_is_persistent(m->graph->tensors[j->tensor].kind))
			worth *= h->way.persistents == PERSISTENTS_EQUAL ? dear : 1e-12;	/* cannot be made again: its turn comes when the others have what they want */
		else if (h->way.order != BY_SPAN)
			worth *= j->density < dear ? j->density : dear;
		if (h->way.order == CUTS_FIRST && m->is_cut[j->tensor])
			worth *= 1 / dear;
		w[i] = (struct worth) { worth, j };
	}
	qsort(w, m->gap_count, sizeof(*w), worthier);
	h->by_worth = ARENA_NEW(h->arena, struct gap *, m->gap_count);
	for (uint32_t i = 0; i < m->gap_count; i++)
		h->by_worth[i] = w[i].gap;
}

/* Bytes over which a way's cuts are spread: what the step takes, but at most four times the room beside persistent tensors, for
 * what runs again between two cuts has to fit. */
static bytes_t
cut_span(const struct problem *p)
{
	bytes_t stay = p->life->persistent_bytes, quarter = p->budget_bytes / 4;
	bytes_t room = p->budget_bytes > stay + quarter ? p->budget_bytes - stay : quarter;

	return room < p->life->peak_bytes / 4 ? room * 4 : p->life->peak_bytes;
}

static void
hybrid_init(struct hybrid *h)
{
	const struct problem *p = h->p;

	model_copy(&h->model, h->undecided, h->arena);
	if (h->way.cuts > 0)
		model_choose_cuts(&h->model, cut_span(p) / (bytes_t)h->way.cuts);
	if (h->way.hold > 0)
		model_hold(&h->model, (bytes_t)(h->way.hold * (double)p->budget_bytes));
	order_offloads(h);
	h->vain = ARENA_NEW(h->arena, struct vain, h->model.gap_count);
	h->kept = ARENA_NEW(h->arena, bool, h->model.gap_count);
	for (int dir = 0; dir < DIRECTION_COUNT; dir++)
		h->us_per_byte[dir] = device_transfer_us(p->device, (enum direction)dir, UINT64_C(16) << 20) / 0x1p24;
}

/* There are many ways, and the plan's own placement searches longer. */
static void
place_shortly(struct place_result *r, const struct place_problem *p, struct arena *a)
{
	struct place_problem shorter = *p;

	shorter.work = SEARCH_WORK;
	place_auto(r, &shorter, a);
}

int
hybrid_build(struct hybrid *h, struct err *e)
{
	h->plan = (struct plan) { .graph = h->p->graph, .device = h->p->device, .budget_bytes = h->p->budget_bytes };
	h->program = program_new(&h->plan, &h->schedule, h->arena, e);
	return h->program == NULL ? -1 : 0;
}

/* Simulate h's program with the offsets that it has. */
static int
time_offsets(struct hybrid *h, double *us)
{
	struct sim_result r;

	program_connect(h->program);
	if (simulate(&r, &h->plan, h->p->device, h->arena, &h->err) < 0)
		return -1;
	*us = r.step_time_us;
	return 0;
}

/* Place h's program and time it. */
static int
place_and_time(struct hybrid *h, place_fn *place, bytes_t *missing, double *us)
{
	const struct placement placement = { .place = place };

	if (program_place(h->program, place == NULL ? NULL : &placement, &h->err) < 0)
		return -1;
	*missing = place != NULL && h->plan.arena_bytes > h->p->budget_bytes ? h->plan.arena_bytes - h->p->budget_bytes : 0;
	return time_offsets(h, us);
}

/* Place h's program within the budget, as hard as h->packing says, and time it. */
static int
pack(struct hybrid *h, bytes_t *missing, double *us)
{
	/* A search finds room for so much of the budget at most. */
	static const struct { place_fn *place; unsigned part; } searches[] = {
		[PACK_QUICKLY] = { NULL, 0 }, [PACK_SHORTLY] = { place_shortly, 4 }, [PACK_IN_FULL] = { place_auto, 16 }
	};
	const unsigned part = searches[h->packing].part;

	if (place_and_time(h, place_quickly, missing, us) < 0)
		return -1;
	if (h->plan.host_bytes > h->p->device->pinned_bytes)
		return err_set(&h->err, ERR_NO, "it needs more pinned host memory than there is");
	if (*missing > 0 && *us < h->beat_us && part > 0 && *missing <= h->p->budget_bytes / part)
		return place_and_time(h, searches[h->packing].place, missing, us);
	return 0;
}

int
hybrid_time(struct hybrid *h, bytes_t *missing, double *us)
{
	struct placed placed;

	*missing = 0;
	h->fits = false;
	if (!isinf(h->beat_us)) {
		if (place_and_time(h, NULL, missing, us) < 0)
			return -1;
		if (*us >= h->beat_us)
			return 0;
	}
	placed.key = placed_key(&h->schedule, h->p->graph->tensor_count, h->packing, h->arena);
	if (placed_find(h->placed, placed.key, &placed)) {
		*missing = placed.missing;
		*us = placed.us;
	} else {
		if (pack(h, missing, us) < 0)
			return -1;
		placed.missing = *missing;
		placed.us = *us;
		placed_add(h->placed, &placed);
	}
	h->fits = *missing == 0;
	return 0;
}

/* What to ask for next when `missing` bytes were over: that much less, but no more than half the way to
 * what no plan can do without. */
static bytes_t
tighter_budget(bytes_t budget, bytes_t missing, bytes_t least)
{
	bytes_t half = budget > least ? (budget - least) / 2 : 0;

	return budget - (missing < half ? missing : half);
}

/* Try the way, tighter where fragmentation breaks the budget; *us is the simulated step. */
int
hybrid_go(struct hybrid *h, double *us)
{
	bytes_t budget = (bytes_t)((double)h->p->budget_bytes * h->way.squeeze);

	hybrid_init(h);
	for (int tighter = 0, lessons = 0; tighter < TIGHTENINGS;) {
		bytes_t missing;

		h->stuck = UINT32_MAX;
		h->err = (struct err) ERR_INIT;
		model_reset(&h->model, budget);
		choose_offloads(h);
		if (make_schedule(h, budget, &h->err) < 0) {
			/* With less dropped, more would have to be offloaded. */
			if (h->stuck == UINT32_MAX || h->host_is_full || lessons++ == LESSONS || !learn(h))
				return -1;
			continue;
		}
		if (hybrid_time(h, &missing, us) < 0)
			return -1;
		if (missing == 0 || *us >= h->beat_us)
			return 0;
		budget = tighter_budget(budget, missing, h->p->life->bound_bytes);
		tighter++;
	}
	return err_set(&h->err, ERR_NO, "its buffers do not pack into the budget");
}
