/* SPDX-License-Identifier: Apache-2.0 */
/* Policy ilp on steps so small that every plan there is can be tried: all fates of all idle intervals, with all ops at which a tensor may have gone and
 * come back.  The exact program's optimum is no more than any of them takes, the policy's plan hardly more than the best, and the
 * bound on the time no more either.  What the policy writes as a model is read back. */
#include <config.h>
#include "planner/ilp/ilp.h"

#include <glpk.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "planner/bound/bounds.h"
#include "planner/bound/lp_solve.h"
#include "planner/planner.h"
#include "planner/schedule/program.h"
#include "sim/time/simulate.h"
#include "src/base/clock.h"
#include "tests/random.h"
#include "tests/results.h"
#include "tests/tap.h"
#include "tests/tiny_step.h"

static uint64_t seed;

/* 0 .. n - 1 */
static uint32_t
pick(uint32_t n)
{
	return (uint32_t)(random_splitmix(&seed) % n);
}

enum { FORWARD = 4, BACKWARD = 4, OPS = FORWARD + BACKWARD, TENSORS = 2 + 2 * FORWARD + BACKWARD, MOST_INTERVALS = 6, MOST_PLANS = 3000 };

struct tiny {
	struct graph g;
	struct tensor tensors[TENSORS];
	struct op ops[OPS];
	uint32_t in[OPS][4], out[OPS][2];
	struct device d;
};

static uint32_t
new_tensor(struct tiny *t, enum kind kind)
{
	t->tensors[t->g.tensor_count] = (struct tensor) { kind == KIND_INPUT ? 256 : 256 * (bytes_t)(1 + pick(8)), kind };
	return t->g.tensor_count++;
}

static void
device_init(struct device *d)
{
	double rate = (double)(64 << pick(6));	/* bytes/us */

	*d = (struct device) { .name = "toy", .memory_bytes = 1ull << 40, .copy_engines = 1 + pick(2), .pinned_bytes = 1ull << 40,
	    .duplex_bytes_per_s = 1e6 * rate * (1 + 0.1 * pick(11)) };
	for (int i = 0; i < DIRECTION_COUNT; i++) {
		d->link[i].bytes_per_s = 1e6 * rate;
		d->link[i].latency_us = 0.5 * pick(3);
	}
	for (int c = 0; c < CLASS_COUNT; c++)
		d->contention[c] = 1 + 0.05 * pick(4);
}

/* Forward ops make a map, sometimes in place, sometimes with a mask; backward reads them again, last first. */
static void
tiny_init(struct tiny *t)
{
	uint32_t map, grad, maps[2 * FORWARD], count = 0;

	memset(t, 0, sizeof(*t));
	device_init(&t->d);
	map = new_tensor(t, KIND_INPUT);
	for (uint32_t k = 0; k < OPS; k++)
		t->ops[k] = (struct op) { .name = "op", .inputs = t->in[k], .outputs = t->out[k], .input_count = 1, .output_count = 1,
		    .recomputable = k < FORWARD && pick(6) > 0, .phase = k < FORWARD ? PHASE_FORWARD : PHASE_BACKWARD,
		    .time_us = 1 + pick(20), .workspace_bytes = 256 * (bytes_t)pick(4), .class = pick(2) == 0 ? CLASS_CONV : CLASS_OTHER };
	for (uint32_t k = 0; k < FORWARD; k++) {
		t->in[k][0] = map;
		if (k == 0 || pick(5) > 0)
			maps[count++] = map = new_tensor(t, KIND_ACTIVATION);
		t->out[k][0] = map;
		if (pick(4) == 0)
			maps[count++] = t->out[k][t->ops[k].output_count++] = new_tensor(t, KIND_ACTIVATION);
	}
	grad = map;
	for (uint32_t k = FORWARD; k < OPS; k++) {
		t->in[k][0] = grad;
		if (count > 0 && maps[count - 1] != grad)
			t->in[k][t->ops[k].input_count++] = maps[count - 1];
		count -= count > 0;
		t->out[k][0] = grad = new_tensor(t, KIND_GRADIENT);
	}
	t->g = (struct graph) { .name = "tiny", .tensors = t->tensors, .ops = t->ops, .op_count = OPS, .tensor_count = t->g.tensor_count };
	if (pick(2) == 0)
		make_results(&t->g, 3, &seed);
}

/* ---- every plan ---- */

/* The possible fates of an idle interval: kept, dropped, or offloaded from op gone until op back. */
struct option { uint8_t fate; uint32_t gone, back; };
struct open_interval { uint32_t use, count; struct option options[2 + OPS * OPS]; };
struct exact_outcome { bytes_t arena; double us; };

/* The idle intervals of t; 0: too many plans, or none but one. */
static uint32_t
find_intervals(struct open_interval intervals[MOST_INTERVALS], const struct tiny *t, const struct lifetimes *l)
{
	uint64_t plans = 1;
	uint32_t n = 0;

	for (uint32_t i = 0; i < t->g.tensor_count; i++)
		for (uint32_t u = l->use_start[i]; u < l->use_start[i + 1]; u++) {
			bool last = u + 1 == l->use_start[i + 1];
			uint32_t from = l->use_op[u] + 1, to = last ? OPS : l->use_op[u + 1];
			struct open_interval *x = &intervals[n];

			if (kind_is_persistent(t->tensors[i].kind) || from == to || (last ? t->tensors[i].kind != KIND_RESULT : !op_reads(&t->ops[to], i)))
				continue;
			if (n++ == MOST_INTERVALS)
				return 0;
			*x = (struct open_interval) { .use = u, .count = 2, .options = { { FATE_KEEP, 0, 0 }, { FATE_DROP, 0, 0 } } };
			for (uint32_t gone = from; gone < to; gone++)
				for (uint32_t back = last ? to : gone + 1; back <= to; back++)
					x->options[x->count++] = (struct option) { FATE_OFFLOAD, gone, back };
			plans *= x->count;
		}
	return plans <= MOST_PLANS ? n : 0;
}

static bool
try_plan(struct exact_outcome *to, const struct tiny *t, const struct decisions *x, struct arena *a)
{
	struct plan p = { .graph = &t->g, .device = &t->d, .policy = "", .placement = "", .budget_bytes = device_budget(&t->d) };
	struct schedule s;
	struct sim_result r;
	struct err e = ERR_INIT;

	if (decisions_schedule(&s, x, a, &e) < 0)
		return false;
	if (program_build(&p, &s, NULL, placement_find("auto"), 0, a, &e) < 0 || simulate(&r, &p, &t->d, a, &e) < 0)
		return ok(false, "a plan: %s", e.text);
	*to = (struct exact_outcome) { p.arena_bytes, r.step_time_us };
	return true;
}

static uint32_t
try_all(struct exact_outcome all[MOST_PLANS], const struct tiny *t, const struct lifetimes *l, const struct open_interval *intervals, uint32_t n)
{
	uint32_t at[MOST_INTERVALS] = { 0 }, count = 0, i;

	do {
		struct arena a = ARENA_INIT;
		struct decisions x;

		decisions_init(&x, l, &a);
		for (i = 0; i < n; i++) {
			const struct option *o = &intervals[i].options[at[i]];

			x.fate[intervals[i].use] = o->fate;
			x.gone[intervals[i].use] = o->gone;
			x.back[intervals[i].use] = o->back;
		}
		count += try_plan(&all[count], t, &x, &a);
		arena_free(&a);
		for (i = 0; i < n && ++at[i] == intervals[i].count; i++)
			at[i] = 0;
	} while (i < n);
	return count;
}

static double
best_within(const struct exact_outcome *all, uint32_t count, bytes_t budget)
{
	double best = INFINITY;

	for (uint32_t i = 0; i < count; i++)
		if (all[i].arena <= budget)
			best = fmin(best, all[i].us);
	return best;
}

/* ---- against the program ---- */

/* The program before any schedule has taught it. */
static bool
build(struct ilp *m, const struct formulation *form, const struct problem *p, struct arena *a)
{
	struct schedule kept;

	*m = (struct ilp) { .p = p, .graph = p->graph, .life = p->life, .form = form, .arena = a, .scratch = a };
	occupancy_init(&m->full, p, a);
	link_rates_init(&m->rates, p->device);
	versions_init(&m->versions, p->graph, a);
	m->extra = ARENA_NEW(a, bytes_t, p->graph->op_count);
	m->asked = ARENA_NEW(a, bool, p->graph->op_count);
	if (ilp_keep_all(m, &kept, &m->err) < 0)
		return false;
	ilp_find_choices(m);
	return form->build(m);
}

/* Its optimum in us. */
static double
optimum(const struct formulation *form, const struct problem *p, struct arena *a)
{
	struct lp_search how = { .gap = 1e-9, .reduce = true };
	struct ilp m;
	double *x, sum = 0;

	if (!build(&m, form, p, a))
		return NAN;
	x = ARENA_NEW(a, double, m.lp.column_count);
	if (lp_search(&m.lp, x, &how) == LP_NONE)
		return INFINITY;
	for (size_t j = 0; j < m.lp.column_count; j++)
		sum += m.lp.columns[j].cost * x[j];
	return ILP_MS * sum;
}

struct tally { int compared, above, bound_above, slower, missed; double sum, worst, loose; };

static void
compare(struct tally *y, int round, const struct tiny *t, const struct lifetimes *l, bytes_t budget, double best)
{
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct search_control control = { .time_limit_s = 20 };
	struct planner_options o = { .policy = policy_find("ilp"), .placement = placement_find("auto"), .budget_bytes = budget, .control = &control };
	struct problem p = { .graph = &t->g, .device = &t->d, .life = l, .budget_bytes = budget, .control = NULL };
	double least = optimum(&ilp_exact, &p, &a);
	struct plan plan;

	y->compared++;
	y->loose += best / least - 1;
	if (!(least <= best * (1 + 1e-6))) {
		y->above++;
		diag("graph %d in %" PRI_BYTES ": the program's optimum is %.6f us, a plan takes %.6f", round, budget, least, best);
	}
	if (planner_run(&plan, &t->g, &t->d, &o, &a, &e) < 0) {
		y->missed++;
		diag("graph %d in %" PRI_BYTES ": %s; a plan takes %.6f us", round, budget, e.text, best);
	} else {
		y->bound_above += plan.bound_time_us > best * (1 + 1e-6);
		/* The search itself is content with 0.05 %. */
		if (plan.predicted.step_time_us > best * 1.0006) {
			y->slower++;
			diag("graph %d in %" PRI_BYTES ": ilp takes %.6f us, the best plan %.6f, the program's optimum %.6f", round, budget,
			    plan.predicted.step_time_us, best, least);
		}
		y->sum += plan.predicted.step_time_us / best - 1;
		y->worst = fmax(y->worst, plan.predicted.step_time_us / best - 1);
	}
	arena_free(&a);
}

static void
test_all_plans(int wanted)
{
	static struct exact_outcome all[MOST_PLANS];
	struct tally y = { 0 };

	for (int round = 0, tried = 0; tried < wanted; round++) {
		struct arena a = ARENA_INIT;
		struct open_interval intervals[MOST_INTERVALS];
		struct lifetimes l;
		struct tiny t;
		uint32_t n, count;

		seed = (uint64_t)round;
		tiny_init(&t);
		lifetimes_init(&l, &t.g, &a);
		n = find_intervals(intervals, &t, &l);
		if (n >= 2) {
			tried++;
			count = try_all(all, &t, &l, intervals, n);
			for (int part = 1; part < 6; part += 2) {
				bytes_t budget = (l.resident_bound_bytes + (l.peak_bytes - l.resident_bound_bytes) * (bytes_t)part / 6) / 256 * 256;
				double best = best_within(all, count, budget);

				if (budget < l.peak_bytes && budget >= l.resident_bound_bytes && isfinite(best))
					compare(&y, round, &t, &l, budget, best);
			}
		}
		arena_free(&a);
	}
	is_uint((uint64_t)y.above, 0, "no plan is faster than the exact program's optimum (%d compared)", y.compared);
	ok(y.loose <= 0.05 * y.compared, "which is near the best plan's time: %.2f %% below on average", 100 * y.loose / y.compared);
	is_uint((uint64_t)y.bound_above, 0, "nor than the bound");
	is_uint((uint64_t)y.missed, 0, "ilp finds a plan wherever there is one");
	ok(y.slower <= y.compared / 10, "ilp's plan is the best in %d of %d", y.compared - y.slower, y.compared);
	ok(y.sum <= 0.01 * y.compared, "and %.2f %% slower on average, %.1f %% at most", 100 * y.sum / y.compared, 100 * y.worst);
}

/* ---- plans drawn at random ---- */

enum { MOST_ARENAS = 24, DRAWN = 120 };

/* Draws fates and times for every slot, persistent tensors' too; all are at home on the device. */
static void
draw_decisions(struct decisions *x, const struct graph *g, const struct lifetimes *l, struct arena *a)
{
	uint32_t n, count, most = 1 + pick(4);
	const struct idle_interval *idle = idle_intervals(l, &count, a);

	for (n = 0; n < count; n++) {
		uint32_t u = idle[n].slot;

		if (pick(most) > 0)
			continue;
		if (!idle[n].read && idle[n].to < g->op_count)
			continue;	/* written over */
		x->fate[u] = (uint8_t)(!kind_is_persistent(g->tensors[idle[n].tensor].kind) && pick(2) == 0 ? FATE_DROP : FATE_OFFLOAD);
		x->gone[u] = idle[n].from + pick(idle[n].to - idle[n].from + 1);
		x->back[u] = pick(2) == 0 ? idle[n].to : x->gone[u] + pick(idle[n].to - x->gone[u] + 1);
	}
}

/* True: the decisions are over the choices that policy ilp makes at this budget, so that the program knows them. */
static bool
are_choices(const struct decisions *x, const struct tiny_step *t, const struct lifetimes *l, bytes_t budget, struct arena *a)
{
	struct problem p = { .graph = &t->graph, .device = &t->device, .life = l, .budget_bytes = budget };
	const struct idle_interval *idle;
	uint32_t count;
	struct ilp m;

	if (!build(&m, &ilp_exact, &p, a))
		return false;
	idle = idle_intervals(l, &count, a);
	for (uint32_t i = 0; i < count; i++) {
		bool chosen = x->fate[idle[i].slot] == FATE_KEEP;

		for (uint32_t k = 0; !chosen && k < m.count; k++)
			chosen = m.choices[k].interval->idle.slot == idle[i].slot;
		if (!chosen)
			return false;
	}
	return true;
}

/* The fastest plan drawn for each arena; returns their number. */
static uint32_t
draw_plans(struct exact_outcome best[MOST_ARENAS], const struct tiny_step *t, const struct lifetimes *l)
{
	uint32_t count = 0, at;

	for (int n = 0; n < DRAWN; n++) {
		struct arena a = ARENA_INIT;
		struct plan p = { .graph = &t->graph, .device = &t->device, .policy = "", .placement = "", .budget_bytes = device_budget(&t->device) };
		struct decisions x;
		struct schedule s;
		struct sim_result r;
		struct err e = ERR_INIT;

		decisions_init(&x, l, &a);
		x.in_place = pick(2) == 0;
		draw_decisions(&x, &t->graph, l, &a);
		if (decisions_schedule(&s, &x, &a, &e) == 0 && program_build(&p, &s, NULL, placement_find("auto"), 1, &a, &e) == 0 &&
		    simulate(&r, &p, &t->device, &a, &e) == 0 && are_choices(&x, t, l, p.arena_bytes, &a)) {
			for (at = 0; at < count && best[at].arena != p.arena_bytes; at++)
				;
			if (at == count && count < MOST_ARENAS)
				best[count++] = (struct exact_outcome) { p.arena_bytes, r.step_time_us };
			else if (at < count)
				best[at].us = fmin(best[at].us, r.step_time_us);
		}
		arena_free(&a);
	}
	return count;
}

/* No plan that decisions can express is faster than the exact program's optimum, whatever the graph and the link. */
static void
test_drawn(int rounds)
{
	for (const struct tiny_mix *mix = tiny_mixes; mix->name != NULL; mix++) {
		int compared = 0, above = 0;

		for (int i = 0; i < rounds; i++) {
			struct exact_outcome best[MOST_ARENAS];
			struct arena a = ARENA_INIT;
			struct tiny_step t;
			struct lifetimes l;
			uint32_t count;

			tiny_step_init(&t, mix, (uint64_t)i);
			seed = (uint64_t)i;
			lifetimes_init(&l, &t.graph, &a);
			count = draw_plans(best, &t, &l);
			for (uint32_t k = 0; k < count; k++) {
				struct problem p = { .graph = &t.graph, .device = &t.device, .life = &l, .budget_bytes = best[k].arena };
				double least = optimum(&ilp_exact, &p, &a);

				compared++;
				if (!(least <= best[k].us * (1 + 1e-6) + 1e-6)) {
					above++;
					diag("%s, seed %d in %" PRI_BYTES ": the program's optimum is %.6f us, a plan takes %.6f", mix->name, i,
					    best[k].arena, least, best[k].us);
				}
			}
			arena_free(&a);
		}
		is_uint((uint64_t)above, 0, "%s: no plan drawn is faster than the exact program's optimum (%d compared)", mix->name, compared);
	}
}

/* ---- on a real graph ---- */

static int
read_problem(struct problem *p, struct graph *g, struct device *d, struct lifetimes *l, unsigned percent, struct arena *a)
{
	struct err e = ERR_INIT;

	if (graph_read(g, data_path("graphs/vgg16.graph.json"), a, &e) < 0 || device_read(d, data_path("devices/h100.json"), a, &e) < 0) {
		ok(false, "read: %s", e.text);
		return -1;
	}
	lifetimes_init(l, g, a);
	*p = (struct problem) { .graph = g, .device = d, .life = l, .budget_bytes = l->peak_bytes / 100 * percent, .control = NULL };
	return 0;
}

/* What GLPK reads from the file is the program that was written: its size and its relaxed optimum. */
static void
read_back(const char *path, const struct lp *p, const char *name, struct arena *a)
{
	glp_prob *lp = glp_create_prob();
	double *x = ARENA_NEW(a, double, p->column_count), sum = 0;
	size_t whole = 0;
	glp_smcp quiet;

	for (size_t j = 0; j < p->column_count; j++)
		whole += p->columns[j].whole;
	glp_term_out(GLP_OFF);
	glp_init_smcp(&quiet);
	quiet.presolve = GLP_ON;
	if (!ok(glp_read_lp(lp, NULL, path) == 0, "%s: GLPK reads the file", name)) {
		glp_delete_prob(lp);
		return;
	}
	is_uint((uint64_t)glp_get_num_cols(lp), p->column_count, "%s: all columns", name);
	is_uint((uint64_t)glp_get_num_rows(lp), p->row_count, "%s: all rows", name);
	is_uint((uint64_t)glp_get_num_nz(lp), p->entry_count, "%s: all entries", name);
	is_uint((uint64_t)glp_get_num_int(lp), whole, "%s: all whole columns", name);
	if (ok(lp_solve(p, x, NULL, 0) && glp_simplex(lp, &quiet) == 0, "%s: both are solved", name)) {
		for (size_t j = 0; j < p->column_count; j++)
			sum += p->columns[j].cost * x[j];
		is_near(glp_get_obj_val(lp), sum, 1e-6 * sum, "%s: the same optimum", name);
	}
	glp_delete_prob(lp);
}

static void
test_write(void)
{
	static const struct formulation *const forms[] = { &ilp_exact, &ilp_aggregate };
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct problem p;
	struct graph g;
	struct device d;
	struct lifetimes l;

	for (size_t i = 0; i < 2 && read_problem(&p, &g, &d, &l, 95, &a) == 0; i++) {
		const char *folder = getenv("TMPDIR");
		char *path = arena_printf(&a, "%s/layrub-ilp-XXXXXX", folder == NULL ? "/tmp" : folder);
		int file = mkstemp(path);
		struct ilp m;

		if (!ok(file >= 0, "a temporary file"))
			break;
		close(file);
		if (ok(build(&m, forms[i], &p, &a) && lp_write(&m.lp, path, &e) == 0, "%s: written", forms[i]->name))
			read_back(path, &m.lp, forms[i]->name, &a);
		unlink(path);
	}
	arena_free(&a);
}

/* The limit is for the whole run, hybrid's plan to begin with and the plan's bounds included. */
static void
test_time_limit(void)
{
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct search_control control = { .time_limit_s = 3 };
	struct planner_options o = { .policy = policy_find("ilp"), .placement = placement_find("auto"), .control = &control };
	struct problem p;
	struct graph g;
	struct device d;
	struct lifetimes l;
	struct plan plan;
	double begin = clock_seconds(), seconds;

	if (read_problem(&p, &g, &d, &l, 85, &a) == 0) {
		o.budget_bytes = p.budget_bytes;
		ok(planner_run(&plan, &g, &d, &o, &a, &e) == 0, "time limit: a plan %s", e.text);
		seconds = clock_seconds() - begin;
		/* A tenth is the promise; the rest is for a busy machine. */
		ok(seconds < 1.5 * control.time_limit_s, "time limit: %g s asked for, %.2f s taken", control.time_limit_s, seconds);
		is_string(plan.status, "time-limit", "time limit: and it says so");
	}
	arena_free(&a);
}

int
main(int argc, char **argv)
{
	test_all_plans(20);
	test_drawn(argc > 1 ? atoi(argv[1]) : 12);
	test_write();
	test_time_limit();
	return tap_done();
}
