/* SPDX-License-Identifier: Apache-2.0 */
/* The incremental evaluator against the pipeline: after every move of long random walks, the same bytes and the same time, to the bit.
 * Plans whose best step time is known. */
#include <config.h>
#include "planner/search/evaluator.h"

#include <math.h>
#include <string.h>

#include "planner/planner.h"
#include "planner/schedule/idle.h"
#include "planner/schedule/program.h"
#include "sim/time/simulate.h"
#include "tests/random_plan.h"
#include "tests/results.h"
#include "tests/tap.h"

static struct random draws = { 10 };	/* one that meets a rerun of a result whose home is the host */

static uint32_t
draw(uint32_t below)
{
	return random_below(&draws, below);
}

/* The pipeline: decisions, schedule, program without offsets, simulation.  over: the first step with the most bytes, where they are over the
 * budget, plus 1; else 0. */
static double
pipeline_us(const struct problem *p, const struct decisions *d, uint32_t *over)
{
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct plan plan = { .graph = p->graph, .device = p->device, .budget_bytes = p->budget_bytes };
	struct program *b = NULL;
	struct schedule s;
	struct sim_result r;
	bytes_t *live, most = 0;
	double us = INFINITY;

	*over = 0;
	if (decisions_schedule(&s, d, &a, &e) == 0)
		b = program_new(&plan, &s, NULL, &a, &e);
	if (b != NULL) {
		live = ARENA_NEW(&a, bytes_t, (size_t)s.step_count + 1);
		program_live(live, b);
		for (uint32_t k = 0; k <= s.step_count; k++)
			if (live[k] > most) {
				most = live[k];
				*over = most > p->budget_bytes ? k + 1 : 0;
			}
		if (most <= p->budget_bytes && program_place(b, NULL, 1, &e) == 0) {
			program_connect(b);
			if (simulate(&r, &plan, p->device, &a, &e) == 0)
				us = r.step_time_us;
		}
	}
	arena_free(&a);
	return us;
}

/* A change that can be taken back. */
struct random_change { uint32_t slot, gone, back, tensor, op, alternative; uint8_t fate; bool home; };

/* Changes an idle interval, a home or an algorithm.  Returns the op from which it acts. */
static uint32_t
change_something(struct random_change *c, struct decisions *d, const struct idle_interval *idle, uint32_t count)
{
	const struct graph *g = d->life->graph;
	const struct idle_interval *x = &idle[draw(count)];
	uint32_t k = draw(g->op_count), slot = x->slot, gone = d->gone[slot], back = d->back[slot];
	enum fate fate;
	bool persistent = kind_is_persistent(g->tensors[x->tensor].kind);

	*c = (struct random_change) { slot, d->gone[slot], d->back[slot], x->tensor, k, d->alternative[k], d->fate[slot], d->on_host[x->tensor] };
	if (draw(8) == 0 && g->ops[k].alternative_count > 0) {
		d->alternative[k] = draw(g->ops[k].alternative_count + 1) - 1;
		return k;
	}
	if (draw(8) == 0 && persistent) {
		d->on_host[x->tensor] = !d->on_host[x->tensor];
		return 0;
	}
	fate = (enum fate)draw(3);
	if (fate == FATE_DROP && persistent)
		fate = FATE_OFFLOAD;
	if (fate == FATE_OFFLOAD && (d->fate[slot] != FATE_OFFLOAD || draw(2) == 0))
		gone = x->from + draw(x->to - x->from + 1);
	if (fate == FATE_OFFLOAD)
		back = gone + draw(x->to - gone + 1);
	return evaluator_change(d, x, fate, gone, back);
}

static void
take_back(struct decisions *d, const struct random_change *c)
{
	d->fate[c->slot] = c->fate;
	d->gone[c->slot] = c->gone;
	d->back[c->slot] = c->back;
	d->on_host[c->tensor] = c->home;
	d->alternative[c->op] = c->alternative;
}

struct walk_tally { unsigned moves, accepted, timed, over, wrong, kept_wrong, over_wrong; };

/* A random walk from everything kept, under a budget that makes copies wait. */
static void
walk(struct walk_tally *y, const struct graph *g, const struct device *device, bytes_t budget, unsigned moves)
{
	struct arena a = ARENA_INIT;
	struct lifetimes l;
	struct decisions d;
	struct problem p = { .graph = g, .device = device, .life = &l, .budget_bytes = budget };
	struct evaluator v;
	struct idle_interval *idle;
	uint32_t count;

	lifetimes_init(&l, g, &a);
	p.budget_bytes = budget > 0 ? budget : l.peak_bytes + (draw(2) == 0 ? 0 : l.peak_bytes / 8 + 256 * (bytes_t)g->tensor_count);
	decisions_init(&d, &l, &a);
	d.on_host = ARENA_NEW(&a, bool, g->tensor_count);
	d.in_place = draw(2) == 0;
	idle = idle_intervals(&l, &count, &a);
	if (!evaluator_init(&v, &p, &d, &a) || count == 0)
		moves = 0;
	for (unsigned i = 0; i < moves; i++) {
		struct random_change changes[4];
		uint32_t from = UINT32_MAX, n = 1 + draw(4), over;
		double us, right, beat = draw(4) == 0 ? v.us : INFINITY;

		for (uint32_t k = 0; k < n; k++) {
			uint32_t at = change_something(&changes[k], &d, idle, count);

			from = at < from ? at : from;
		}
		us = evaluator_try(&v, from, beat);
		right = pipeline_us(&p, &d, &over);
		y->moves++;
		y->timed += !isinf(right);
		y->over += over > 0;
		if (isinf(beat))
			y->over_wrong += over != (v.trial->most_bytes > (int64_t)p.budget_bytes ? v.trial->most_step + 1 : 0);
		if (right >= beat)
			right = EVALUATOR_NO;
		y->wrong += us < right || us > right;
		if (!isinf(us) && draw(2) == 0) {
			evaluator_accept(&v);
			y->kept_wrong += v.us < right || v.us > right;
			y->accepted++;
		} else {
			while (n-- > 0)
				take_back(&d, &changes[n]);
		}
	}
	arena_free(&a);
}

static void
test_trace(const char *name, const char *device_name, bool results, unsigned moves)
{
	struct arena a = ARENA_INIT;
	struct walk_tally y = { 0 };
	struct err e = ERR_INIT;
	struct device d;
	struct graph g;
	uint64_t seed = 3;

	if (graph_read(&g, data_path(arena_printf(&a, "graphs/%s.graph.json", name)), &a, &e) < 0 ||
	    device_read(&d, data_path(arena_printf(&a, "devices/%s.json", device_name)), &a, &e) < 0) {
		ok(false, "%s: %s", name, e.text);
	} else {
		if (results)
			make_results(&g, 10, &seed);
		walk(&y, &g, &d, 0, moves);
		ok(y.moves == moves && y.timed > moves / 4 && y.accepted > moves / 20, "%s: %u moves, %u timed, %u accepted", name, y.moves, y.timed,
		    y.accepted);
		is_uint(y.wrong + y.kept_wrong, 0, "%s on %s%s: every time is the pipeline's", name, device_name, results ? ", with results" : "");
		is_uint(y.over_wrong, 0, "%s: every fullest step over the budget (%u) is the pipeline's", name, y.over);
	}
	arena_free(&a);
}

/* A device on which copies of small tensors count: one or two engines, contention, latency, waits, often a loaded link. */
static struct device
small_device(struct arena *a)
{
	struct device d = { .name = "small", .memory_bytes = 1 << 30, .copy_engines = 1 + draw(2), .pinned_bytes = DEVICE_HOST_ANY };

	for (int dir = 0; dir < DIRECTION_COUNT; dir++)
		d.link[dir] = (struct link_direction) { .latency_us = draw(3) / 2.0, .bytes_per_s = 1e8 * (1 + draw(5)) };
	for (int dir = 0; dir < DIRECTION_COUNT; dir++) {
		struct link_direction *l = &d.link[dir];

		l->loaded_count = draw(3) > 0 ? 2 : 0;
		l->loaded = ARENA_NEW(a, struct curve_point, 2);
		for (uint32_t i = 0; i < l->loaded_count; i++) {
			bytes_t bytes = i == 0 ? 256 : 1 << 16;

			l->loaded[i] = (struct curve_point) { bytes, device_transfer_us(&d, (enum direction)dir, bytes) * (1 + draw(4) / 3.0 + i) };
		}
	}
	d.wait_us = draw(3) / 4.0;
	d.duplex_bytes_per_s = 1e8 * (1 + draw(8));
	for (int c = 0; c < CLASS_COUNT; c++)
		d.contention[c] = 1 + draw(3) / 10.0;
	return d;
}

/* Small graphs with everything that documents permit. */
static void
test_small(void)
{
	struct walk_tally y = { 0 };

	for (int i = 0; i < 1500; i++) {
		struct arena a = ARENA_INIT;
		const struct plan *plan = random_plan(&draws, &a);

		const struct device d = small_device(&a);

		if (plan != NULL)
			walk(&y, plan->graph, &d, 0, 40);
		arena_free(&a);
	}
	ok(y.timed > 20000 && y.accepted > 2000, "small graphs: %u moves, %u timed, %u accepted", y.moves, y.timed, y.accepted);
	is_uint(y.wrong + y.kept_wrong, 0, "small graphs: every time is the pipeline's");
	is_uint(y.over_wrong, 0, "small graphs: every fullest step over the budget (%u) is the pipeline's", y.over);
}

/* Plans a graph of tests/data by hybrid: the step time, or INFINITY. */
static double
hybrid_us(const char *graph, const char *device, bytes_t budget)
{
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct planner_options o = { .policy = policy_find("hybrid"), .placement = placement_find("auto"), .budget_bytes = budget,
	    .bound_time_us = NO_TIME_BOUND };
	struct device d;
	struct graph g;
	struct plan plan;
	double us = INFINITY;

	if (graph_read(&g, tests_path(arena_printf(&a, "data/search-%s.json", graph)), &a, &e) < 0 ||
	    device_read(&d, tests_path(arena_printf(&a, "data/search-%s.json", device)), &a, &e) < 0)
		ok(false, "%s: %s", graph, e.text);
	else if (planner_run(&plan, &g, &d, &o, &a, &e) == 0)
		us = plan.predicted.step_time_us;
	arena_free(&a);
	return us;
}

/* Steps whose best plan was found by hand. */
static void
test_right_values(void)
{
	is_near(hybrid_us("gradient", "device-nopin", 11 << 20), 6000, 1, "a gradient that is read early and late is made again");
	is_near(hybrid_us("linear5", "device-nopin", 3145984), 21000, 1, "no forward op runs twice before the loss");
	is_near(hybrid_us("stream", "device", 45088768), 24000, 1, "parameters are fetched before the op that comes before their use");
	is_near(hybrid_us("infer", "device", 83886080), 24500, 1, "parameters that do not fit live on the host, at no cost");
	ok(!isinf(hybrid_us("infer", "device", 31 << 20)), "a budget between two that have plans has a plan");
}

int
main(void)
{
	test_right_values();
	test_small();
	test_trace("alexnet", "h100", false, 1500);
	test_trace("vgg16", "k40m", true, 800);
	test_trace("resnet50", "h100", false, 300);
	return tap_done();
}
