/* SPDX-License-Identifier: Apache-2.0 */
/* Bounds on the step time against the true optimum of tiny random graphs (optimum.h).  A bound above the optimum is a failure.
 * Arguments: graphs of each mix, and the first seed.  $LAYRUB_KEEP
 * is a folder for the graph and the device of each failure. */
#include <config.h>
#include "tests/optimum.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "planner/bound/bounds.h"
#include "planner/schedule/decisions.h"
#include "planner/schedule/idle.h"
#include "planner/schedule/program.h"
#include "sim/check/check.h"
#include "sim/time/simulate.h"
#include "tests/random.h"
#include "tests/tap.h"
#include "tests/tiny_step.h"

enum { MOST_STATES = 60000, PLAN_EACH = 4, PLANS = 5 };

struct optimum_tally {
	int found, impossible, unknown;
	int plans, scattered, unlike;	/* as plans: sound and as fast; over the budget by fragmentation; neither */
	int beaten;
	int slower, tight[BOUND_COUNT];	/* slower than the ideal; of these, the bound reaches half of the distance */
};

/* True: the answer is a sound plan that takes as long. */
static bool
is_plan(struct optimum_tally *n, const struct tiny_step *x, const struct optimum *best, bytes_t budget, struct arena *a)
{
	struct plan p = { .graph = &x->graph, .device = &x->device, .policy = "", .placement = "", .budget_bytes = budget };
	struct sim_result r;
	struct err e = ERR_INIT;

	if (optimum_plan(&p, best, a, &e) < 0 || p.arena_bytes > budget) {
		n->scattered++;
		return false;
	}
	check_figures(&p.figures, &p, a);
	if (check_plan(&p, a, &e) == 0 && simulate(&r, &p, &x->device, a, &e) == 0 && fabs(r.step_time_us - best->us) <= 1e-6 * (1 + best->us)) {
		n->plans++;
		return true;
	}
	n->unlike++;
	diag("the optimum, %.9g us, is no plan: %s: %s, %.9g us", best->us, e.path, e.text, r.step_time_us);
	return false;
}

static void
compare(struct optimum_tally *n, const struct tiny_mix *mix, uint64_t seed)
{
	struct arena a = ARENA_INIT;
	struct tiny_step x;
	struct lifetimes l;
	struct optimum best;
	double ideal, each[BOUND_COUNT];
	bool planned = false;

	tiny_step_init(&x, mix, seed);
	lifetimes_init(&l, &x.graph, &a);
	switch (optimum_find(&best, &x.graph, &x.device, x.budget, MOST_STATES, &a)) {
	case OPTIMUM_IMPOSSIBLE:
		n->impossible++;
		arena_free(&a);
		return;
	case OPTIMUM_UNKNOWN:
		n->unknown++;
		arena_free(&a);
		return;
	default:
		n->found++;
	}
	ideal = bounds_time_us(each, &l, &x.device, BYTES_MAX, &a);
	bounds_time_us(each, &l, &x.device, x.budget, &a);
	n->slower += best.us > ideal * (1 + 1e-6);
	if (seed % PLAN_EACH == 0)
		planned = is_plan(n, &x, &best, x.budget, &a);
	for (int b = 0; b < BOUND_COUNT; b++) {
		n->tight[b] += best.us > ideal * (1 + 1e-6) && each[b] - ideal > 0.5 * (best.us - ideal);
		if (each[b] <= best.us * (1 + 1e-9) + 1e-9)
			continue;
		n->beaten++;
		diag("%s, seed %llu, budget %llu: bound '%s' %.9g us, optimum %.9g us%s", mix->name, (unsigned long long)seed,
		    (unsigned long long)x.budget, bounds[b].name, each[b], best.us,
		    planned || is_plan(n, &x, &best, x.budget, &a) ? ", which is a plan's" : "");
		if (getenv("LAYRUB_KEEP") != NULL)
			tiny_step_write(&x, getenv("LAYRUB_KEEP"), seed);
	}
	arena_free(&a);
}

/* Draws homes, fates and times. */
static void
draw_decisions(struct decisions *d, const struct lifetimes *l, uint64_t *random, struct arena *a)
{
	uint32_t count, most = 1 + (uint32_t)(random_splitmix(random) % 4);
	const struct idle_interval *idle = idle_intervals(l, &count, a);

	d->on_host = ARENA_NEW(a, bool, l->graph->tensor_count);
	d->in_place = random_splitmix(random) % 2;
	d->keep_recomputed = random_splitmix(random) % 2;
	for (uint32_t t = 0; t < l->graph->tensor_count; t++)
		d->on_host[t] = kind_is_persistent(l->graph->tensors[t].kind) && random_splitmix(random) % 2;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t u = idle[i].slot, length = idle[i].to - idle[i].from;

		if (random_splitmix(random) % most > 0)
			continue;
		d->fate[u] = kind_is_persistent(l->graph->tensors[idle[i].tensor].kind) || random_splitmix(random) % 2 ? FATE_OFFLOAD : FATE_DROP;
		d->gone[u] = idle[i].from + (uint32_t)(random_splitmix(random) % (length + 1));
		d->back[u] = d->gone[u] + (uint32_t)(random_splitmix(random) % (idle[i].to - d->gone[u] + 1));
	}
	for (uint32_t k = 0; k < l->graph->op_count; k++)
		if (l->graph->ops[k].alternative_count > 0 && random_splitmix(random) % 2)
			d->alternative[k] = 0;
}

/* No plan that the planner's own path makes of random decisions is faster than the optimum within its arena. */
static void
test_plans(const struct tiny_mix *mix, uint64_t count)
{
	int compared = 0, faster = 0, equal = 0;

	for (uint64_t i = 0; i < count; i++) {
		struct arena a = ARENA_INIT;
		uint64_t random = i;
		struct tiny_step x;
		struct lifetimes l;

		tiny_step_init(&x, mix, i);
		lifetimes_init(&l, &x.graph, &a);
		for (int n = 0; n < PLANS; n++) {
			struct plan p = { .graph = &x.graph, .device = &x.device, .policy = "", .placement = "", .budget_bytes = device_budget(&x.device) };
			struct decisions d;
			struct schedule s;
			struct sim_result r;
			struct optimum best;
			struct err e = ERR_INIT;

			decisions_init(&d, &l, &a);
			draw_decisions(&d, &l, &random, &a);
			if (decisions_schedule(&s, &d, &a, &e) < 0 || program_build(&p, &s, NULL, placement_find("auto"), 1, &a, &e) < 0 ||
			    simulate(&r, &p, &x.device, &a, &e) < 0 ||
			    optimum_find(&best, &x.graph, &x.device, p.arena_bytes, MOST_STATES, &a) != OPTIMUM_FOUND)
				continue;
			compared++;
			equal += r.step_time_us <= best.us * (1 + 1e-9);
			if (r.step_time_us >= best.us * (1 - 1e-9) - 1e-9)
				continue;
			faster++;
			diag("%s, seed %llu in %llu: a plan takes %.9g us, the optimum %.9g", mix->name, (unsigned long long)i,
			    (unsigned long long)p.arena_bytes, r.step_time_us, best.us);
		}
		arena_free(&a);
	}
	ok(compared > 0 && faster == 0, "%s: no plan of %d is faster than the optimum, %d are as fast", mix->name, compared, equal);
}

/* A parameter that is at home on the host and away before its first use and after its last write: one fetch and one copy out, 1000 us
 * each.  130 us of ops, less the first one, which the fetch cannot overlap, and the wait for the copy out: 2130 us. */
static void
test_home(void)
{
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct optimum best = { .us = 0 };
	struct lifetimes l;
	struct graph g;
	struct device d;
	const bytes_t budget = 1002560;

	if (graph_read(&g, tests_path("data/h1.graph.json"), &a, &e) < 0 || device_read(&d, tests_path("data/h1.dev.json"), &a, &e) < 0) {
		ok(false, "home: read: %s", e.text);
		return;
	}
	lifetimes_init(&l, &g, &a);
	ok(optimum_find(&best, &g, &d, budget, MOST_STATES, &a) == OPTIMUM_FOUND, "home: an optimum");
	is_near(best.us, 2130, 1e-6, "home: one copy out serves");
	for (int b = 0; bounds[b].name != NULL; b++) {
		double us = bounds[b].time_us(&l, &d, budget, &a);

		ok(us <= 2130 && us > 1000, "home: bound '%s', %g us, is not above", bounds[b].name, us);
	}
	arena_free(&a);
}

/* Tensor 1 is needed at ops 0 and 6, and must be away during ops 1 and 4.  Op 0 ends too late for a copy out before op 1, so it is dropped
 * then.  Op 2 waits 100 us for parameter 0, in which op 0 runs again for nothing; the copy out and the fetch are hidden by ops 3 and
 * 5.  Making it again after op 4, or a
 * wait for a copy out before op 1, would take 40 us more. */
static void
test_remade(void)
{
	enum { UNIT = 256 };
	static const uint32_t id[] = { 0, 1, 2, 3, 4, 5, 6 };
	struct tensor tensors[] = { { 40 * UNIT, KIND_PARAMETER }, { 16 * UNIT, KIND_ACTIVATION }, { UNIT, KIND_ACTIVATION }, { UNIT, KIND_ACTIVATION },
	    { UNIT, KIND_ACTIVATION }, { UNIT, KIND_ACTIVATION }, { UNIT, KIND_ACTIVATION } };
	const uint32_t last[] = { 1, 5 };
	struct op ops[] = {
		{ .name = "map", .outputs = &id[1], .output_count = 1, .time_us = 40, .recomputable = true },
		{ .name = "room", .outputs = &id[2], .output_count = 1, .time_us = 0, .workspace_bytes = 58 * UNIT },
		{ .name = "parameter", .inputs = &id[0], .input_count = 1, .outputs = &id[3], .output_count = 1, .time_us = 1 },
		{ .name = "long", .inputs = &id[3], .input_count = 1, .outputs = &id[4], .output_count = 1, .time_us = 100 },
		{ .name = "room", .inputs = &id[4], .input_count = 1, .outputs = &id[5], .output_count = 1, .time_us = 1, .workspace_bytes = 57 * UNIT },
		{ .name = "long", .inputs = &id[5], .input_count = 1, .outputs = &id[6], .output_count = 1, .time_us = 100 },
		{ .name = "last", .inputs = last, .input_count = 2, .outputs = &id[2], .output_count = 1, .time_us = 1 },
	};
	struct graph g = { .name = "remade", .tensor_count = 7, .op_count = 7, .tensors = tensors, .ops = ops };
	struct device d = { .name = "toy", .memory_bytes = BYTES_MAX / 2, .pinned_bytes = BYTES_MAX / 4, .copy_engines = 2,
	    .duplex_bytes_per_s = 204.8e6, .link = { { .bytes_per_s = 102.4e6 }, { .bytes_per_s = 102.4e6 } } };
	struct arena a = ARENA_INIT;
	struct optimum best = { .us = 0 };
	struct lifetimes l;

	for (int c = 0; c < CLASS_COUNT; c++)
		d.contention[c] = 1;
	lifetimes_init(&l, &g, &a);
	ok(optimum_find(&best, &g, &d, 59 * UNIT, MOST_STATES, &a) == OPTIMUM_FOUND, "remade: an optimum");
	is_near(best.us, 40 + 100 + 1 + 100 + 1 + 100 + 1, 1e-6, "remade: its time");
	for (int b = 0; bounds[b].name != NULL; b++) {
		double us = bounds[b].time_us(&l, &d, 59 * UNIT, &a);

		ok(us <= best.us, "remade: bound '%s', %g us, is not above", bounds[b].name, us);
	}
	arena_free(&a);
}

/* Steps at which earlier bounds were above the optimum. */
static const struct { const char *mix; uint64_t seed; } known[] = {
	{ "parameters", 1637 }, { "parameters", 13630 }, { "homes", 837 }, { "homes", 964 }, { "homes", 992 }, { "homes", 1262 }, { "homes", 1412 },
	{ "homes", 1690 }, { "homes", 1786 }, { "homes", 2543 }, { "homes", 3514 }, { "homes", 3694 }, { "homes", 3886 },
	{ "versions", 312 }, { "versions", 3724 }, { "curves", 887 }, { "curves", 1548 }, { "curves", 13530 },
};

static void
test_known(void)
{
	struct optimum_tally n = { 0 };

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		for (const struct tiny_mix *mix = tiny_mixes; mix->name != NULL; mix++)
			if (strcmp(mix->name, known[i].mix) == 0)
				compare(&n, mix, known[i].seed);
	ok(n.beaten == 0, "known: no bound is above the optimum of %d graphs", n.found);
}

int
main(int argc, char **argv)
{
	uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 120, first = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;

	test_home();
	test_remade();
	test_known();
	for (const struct tiny_mix *mix = tiny_mixes; mix->name != NULL; mix++) {
		struct optimum_tally n = { 0 };

		for (uint64_t i = 0; i < count; i++)
			compare(&n, mix, first + i);
		ok(n.beaten == 0, "%s: no bound is above the optimum of %d graphs", mix->name, n.found);
		ok(n.unlike == 0, "%s: %d optima are sound plans, %d more need room for fragmentation", mix->name, n.plans, n.scattered);
		ok((uint64_t)n.found * 3 > count, "%s: %d have no plan, %d were too large to search", mix->name, n.impossible, n.unknown);
		test_plans(mix, count / 4);
		for (int b = 0; b < BOUND_COUNT; b++)
			diag("%s: bound '%s' sees half of the time over the ideal in %d of %d", mix->name, bounds[b].name, n.tight[b], n.slower);
	}
	return tap_done();
}
