/* SPDX-License-Identifier: Apache-2.0 */
/* ilp_schedule.c - schedules from verdicts, verdicts from schedules, and the test of a schedule by placement and simulation */
#include <config.h>
#include <string.h>

#include "planner/ilp/ilp.h"
#include "planner/schedule/program.h"
#include "sim/time/simulate.h"
#include "src/base/lower_bound.h"
#include "src/base/rank.h"

void
ilp_verdicts_init(struct verdicts *v, const struct ilp *m)
{
	*v = (struct verdicts) { .fate = ARENA_NEW(m->scratch, uint8_t, m->count), .share = ARENA_NEW(m->scratch, double, m->count),
	    .gone = ARENA_NEW(m->scratch, uint32_t, m->count), .back = ARENA_NEW(m->scratch, uint32_t, m->count),
	    .gone_from = ARENA_NEW(m->scratch, uint32_t, m->count), .back_to = ARENA_NEW(m->scratch, uint32_t, m->count),
	    .lean = ARENA_NEW(m->scratch, bool, m->graph->op_count) };
}

/* ---- candidates ---- */

/* Keeps the best schedule so far, past the round, with its packing if that is known. */
static void
keep_best(struct ilp *m, const struct schedule *s, uint32_t buffer_count)
{
	schedule_copy(&m->best, s, m->graph->tensor_count, m->arena);
	if (s->known != NULL)
		m->best.known = memcpy(ARENA_NEW(m->arena, bytes_t, buffer_count), s->known, sizeof(*s->known) * buffer_count);
}

bytes_t
ilp_consider(struct ilp *m, const struct schedule *s, bool hard)
{
	/* A packing that is known comes first: another one may make copies wait for bytes. */
	static const char *const rows[] = { "auto", "by-size", "boxing", "auto" };
	struct plan plan = { .graph = m->graph, .device = m->p->device, .policy = "", .placement = "", .budget_bytes = m->p->budget_bytes };
	struct program *program;
	bytes_t missing = UINT64_MAX;
	struct sim_result r;

	m->err = (struct err) ERR_INIT;
	program = program_new(&plan, s, m->p->life->homes, m->scratch, &m->err);
	for (size_t i = s->known == NULL; program != NULL && i < sizeof(rows) / sizeof(*rows) && missing > 0; i++) {
		if (i == 3 && !hard && missing > m->p->budget_bytes / 4)
			break;
		if (program_place(program, placement_find(rows[i]), 0, &m->err) < 0 || plan.host_bytes > m->p->device->pinned_bytes)
			return 0;
		if (plan.arena_bytes > m->p->budget_bytes) {
			if (plan.arena_bytes - m->p->budget_bytes < missing)
				missing = plan.arena_bytes - m->p->budget_bytes;
			continue;
		}
		missing = 0;
		program_connect(program);
		if (simulate(&r, &plan, m->p->device, m->scratch, &m->err) == 0 && r.step_time_us < m->best_us) {
			keep_best(m, s, plan.buffer_count);
			m->best_us = r.step_time_us;
		}
	}
	if (program == NULL)
		return 0;
	m->nearest = missing < m->nearest ? missing : m->nearest;
	return missing;
}

/* ---- from verdicts to schedules ---- */

/* When copies run, within the times of the solution or by the link's rates alone (occupancy.h). */
enum timing {
	OWN_TIMES,	/* out as late, in as early as the solution allows */
	IN_ORDER,	/* OWN_TIMES, but copies out go in the order of last uses */
	EARLY_OUT,	/* out as early, in as early as the solution allows */
	SHORT,		/* out as early, in as late as the solution allows */
	EAGER,		/* by the rates: in early */
	LATE,		/* by the rates: in late */
	TIMINGS
};

/* Moves copies out earlier, so that each precedes all copies that can only begin later.  decisions.h orders copies by the ops at which
 * they must have ended.  The program may split a copy around another one; a queue cannot. */
static void
out_in_order(const struct ilp *m, struct decisions *d, struct ranked *order, uint32_t n)
{
	uint32_t soonest = UINT32_MAX;

	for (uint32_t i = 0; i < n; i++)
		order[i].first = m->choices[order[i].id].interval->idle.from;
	rank_rising(order, n);
	for (uint32_t i = n; i-- > 0;) {
		const struct timed_interval *g = m->choices[order[i].id].interval;

		if (d->gone[g->idle.slot] > soonest)
			d->gone[g->idle.slot] = soonest > g->idle.from ? soonest : g->idle.from;
		soonest = d->gone[g->idle.slot];
	}
}

/* Fills d with the times of the solution.  Fetches that begin before the same op are queued in the order in which their tensors left, so a
 * tensor that is needed later begins an op later where possible. */
static void
own_times(const struct ilp *m, const struct verdicts *v, struct decisions *d, enum timing timing)
{
	struct ranked *order = ARENA_NEW(m->scratch, struct ranked, m->count);
	uint32_t n = 0, before = 0;

	for (uint32_t i = 0; i < m->count; i++) {
		const struct timed_interval *g = m->choices[i].interval;

		if (v->fate[i] != FATE_OFFLOAD)
			continue;
		d->fate[g->idle.slot] = FATE_OFFLOAD;
		d->gone[g->idle.slot] = timing == OWN_TIMES || timing == IN_ORDER ? v->gone[i] : v->gone_from[i];
		order[n++] = (struct ranked) { .first = g->idle.to, .id = i };
	}
	rank_rising(order, n);
	for (uint32_t i = 0; i < n; i++) {
		const struct timed_interval *g = m->choices[order[i].id].interval;
		uint32_t back = (timing == SHORT ? v->back_to : v->back)[order[i].id];

		if (i > 0 && back <= before && before + 1 < g->idle.to)
			back = before + 1;
		back = back > g->idle.to ? g->idle.to : back;
		before = d->back[g->idle.slot] = back;
	}
	if (timing == IN_ORDER)
		out_in_order(m, d, order, n);
}

static void
link_times(const struct ilp *m, const struct verdicts *v, struct decisions *d, bool eager)
{
	struct occupancy r;
	uint32_t *moved = ARENA_NEW(m->scratch, uint32_t, m->count), n = 0;

	occupancy_init(&r, m->p, m->scratch);
	for (uint32_t i = 0; i < m->count; i++) {
		const struct timed_interval *g = m->choices[i].interval;

		if (v->fate[i] == FATE_KEEP)
			continue;
		occupancy_add(&r, g->idle.from, v->fate[i] == FATE_DROP && v->timed ? v->back[i] : g->idle.to, -(int64_t)g->bytes);
		if (v->fate[i] == FATE_OFFLOAD && kind_is_persistent(m->graph->tensors[g->idle.tensor].kind)) {
			d->fate[g->idle.slot] = FATE_OFFLOAD;
			d->gone[g->idle.slot] = v->gone_from[i];
			d->back[g->idle.slot] = v->back[i];
		} else if (v->fate[i] == FATE_OFFLOAD) {
			moved[n++] = (uint32_t)(g - m->intervals);
		}
	}
	occupancy_times(&r, d, m->intervals, moved, n, eager, m->scratch);
}

static bool
make_schedule(struct ilp *m, const struct verdicts *v, enum timing timing, struct schedule *s)
{
	struct decisions d;

	decisions_init(&d, m->life, m->scratch);
	d.in_place = true;
	d.lean = v->lean;
	for (uint32_t i = 0; i < m->count; i++)
		if (v->fate[i] == FATE_DROP)
			d.fate[m->choices[i].interval->idle.slot] = FATE_DROP;
	if (timing < EAGER)
		own_times(m, v, &d, timing);
	else
		link_times(m, v, &d, timing == EAGER);
	m->err = (struct err) ERR_INIT;
	return decisions_schedule(s, &d, m->scratch, &m->err) == 0;
}

/* True: the move lies within the idle interval between the steps `from` and `to`, or a result leaves there for good. */
static bool
is_within(const struct move *x, const struct timed_interval *g, const struct graph *graph, int64_t from, uint32_t to)
{
	return x->tensor == g->idle.tensor && x->gone > from && (x->back <= to || (x->back == SCHEDULE_END && !idle_returns(graph, &g->idle)));
}

/* Teaches the model each excess of the schedule (x NULL: only looks); false: the schedule is within the budget. */
static bool
learn(struct ilp *m, const struct schedule *s, const double *x)
{
	bytes_t *live = ARENA_NEW(m->scratch, bytes_t, (size_t)s->step_count + 1), most = 0;
	uint32_t next = 0, begin = 0;
	bool over = false;

	if (program_profile(live, m->graph, s, m->scratch, &m->err) < 0)
		return false;
	for (uint32_t k = 0; k < s->step_count; k++) {
		most = live[k] > most ? live[k] : most;
		if (s->steps[k].op != next)
			continue;
		if (most > m->p->budget_bytes) {
			/* The excess is at the op itself, or else at a rerun before it. */
			bool alone = live[k] == most;

			over = true;
			if (x != NULL)
				m->form->learn(m, x, next, most - m->p->budget_bytes, &s->steps[begin], alone ? 0 : k - begin);
		}
		most = 0;
		begin = k + 1;
		next++;
	}
	most = live[s->step_count] > most ? live[s->step_count] : most;
	if (most > m->p->budget_bytes) {	/* at the end, or while results are made again there */
		over = true;
		if (x != NULL)
			m->form->learn(m, x, next - 1, most - m->p->budget_bytes, NULL, 0);
	}
	return over;
}

/* ---- rounding ---- */

/* Rounds relaxed verdicts: a tensor leaves when its share is a half or more, or, by falling share, while it lowers an excess. */
static void
round_shares(struct ilp *m, struct verdicts *v)
{
	struct occupancy r;
	struct ranked *order = ARENA_NEW(m->scratch, struct ranked, m->count);
	int64_t limit = (int64_t)m->p->budget_bytes - (int64_t)m->margin;

	occupancy_init(&r, m->p, m->scratch);
	for (uint32_t i = 0; i < m->count; i++)
		order[i] = (struct ranked) { .first = (uint32_t)(v->share[i] * 0x1p30), .id = i };
	rank_falling(order, m->count);
	for (uint32_t i = 0; i < m->count; i++) {
		const struct timed_interval *g = m->choices[order[i].id].interval;
		bool helps = occupancy_most(&r, g->idle.from, g->idle.to) > limit;

		if (v->share[order[i].id] < 0.5 && (!helps || v->share[order[i].id] < 1e-6))
			v->fate[order[i].id] = FATE_KEEP;
		else if (v->fate[order[i].id] != FATE_KEEP)
			occupancy_add(&r, g->idle.from, g->idle.to, -(int64_t)g->bytes);
	}
	v->timed = false;
}

bool
ilp_realise(struct ilp *m, struct verdicts *v, bool teach, const double *x)
{
	bytes_t least = UINT64_MAX;
	bool learned = false;

	if (x == NULL)
		round_shares(m, v);
	for (enum timing timing = v->timed ? OWN_TIMES : EAGER; timing < TIMINGS && (least == UINT64_MAX || !search_stopped(m->p->control)); timing++) {
		struct schedule s;
		bytes_t missing;

		if (!make_schedule(m, v, timing, &s))
			continue;
		/* The model learns only from the first timing, which is the solution's own. */
		if (learn(m, &s, teach && least == UINT64_MAX && !learned ? x : NULL)) {
			learned = true;
			continue;
		}
		missing = ilp_consider(m, &s, false);
		least = missing < least ? missing : least;
	}
	if (least != UINT64_MAX && least > 0 && teach && !learned)
		m->margin += least;
	return learned || (least != UINT64_MAX && least > 0);
}

/* ---- from schedules to verdicts ---- */

/* Returns first[k], the step at which op k runs first; first[op_count]: the end. */
static uint32_t *
first_runs(const struct ilp *m, const struct schedule *s)
{
	uint32_t *first = ARENA_NEW(m->scratch, uint32_t, (size_t)m->graph->op_count + 1), next = 0;

	for (uint32_t k = 0; k < s->step_count; k++)
		if (s->steps[k].op == next)
			first[next++] = k;
	first[m->graph->op_count] = s->step_count;
	return first;
}

void
ilp_verdicts_of(struct verdicts *v, const struct ilp *m, const struct schedule *s)
{
	uint32_t *first = first_runs(m, s), n = m->graph->op_count;

	v->timed = true;
	for (uint32_t i = 0; i < m->count; i++) {
		const struct timed_interval *g = m->choices[i].interval;
		int64_t from = g->idle.from == 0 ? -1 : (int64_t)first[g->idle.from - 1];
		uint32_t to = first[g->idle.to];

		v->fate[i] = FATE_KEEP;
		for (uint32_t k = (uint32_t)(from + 1); k < to && !kind_is_persistent(m->graph->tensors[g->idle.tensor].kind); k++)
			if (s->steps[k].op < g->idle.to && first[s->steps[k].op] < k && op_writes(&m->graph->ops[s->steps[k].op], g->idle.tensor)) {
				v->fate[i] = FATE_DROP;
				v->back[i] = lower_bound(first, 0, n, k);
				break;
			}
		for (uint32_t k = 0; k < s->move_count; k++)
			if (is_within(&s->moves[k], g, m->graph, from, to)) {
				v->fate[i] = FATE_OFFLOAD;
				v->gone[i] = lower_bound(first, 0, n, s->moves[k].gone);
				v->back[i] = lower_bound(first, 0, n, s->moves[k].back);
			}
		v->share[i] = v->fate[i] != FATE_KEEP;
	}
}
