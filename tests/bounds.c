/* SPDX-License-Identifier: Apache-2.0 */
/* Bounds on the step time: by hand on a chain, against every decision on tiny graphs, and under every policy's
 * plans on real ones.  A plan that beats a bound is a failure. */
#include <config.h>
#include "planner/bound/bounds.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "planner/bound/bound_time.h"
#include "planner/bound/link_rates.h"
#include "planner/planner.h"
#include "planner/schedule/decisions.h"
#include "planner/schedule/program.h"
#include "sim/check/check.h"
#include "sim/time/simulate.h"
#include "tests/random.h"
#include "tests/results.h"
#include "tests/tap.h"

#define IDS(...) (const uint32_t[]) { __VA_ARGS__ }
#define OP(us, can, ws, in, out) { .name = "op", .recomputable = can, .inputs = in, .input_count = sizeof(in) / 4, \
	.outputs = out, .output_count = sizeof(out) / 4, .workspace_bytes = ws, .time_us = us }

static void
device_init(struct device *d, double bytes_per_us)
{
	*d = (struct device) { .name = "toy", .memory_bytes = 1ull << 40, .duplex_bytes_per_s = 2e6 * bytes_per_us,
	    .copy_engines = 2, .pinned_bytes = 1ull << 40 };
	d->link[D2H].bytes_per_s = d->link[H2D].bytes_per_s = 1e6 * bytes_per_us;
	for (int c = 0; c < CLASS_COUNT; c++)
		d->contention[c] = 1;
}

/* a (1000 bytes) is made by op 0 and read by op 4; b, c, d, e have one byte each, and op 2 a workspace of 5000.  In a budget of
 * 5402, op 2 (a, b, c, 5000 = 6002) is 600 over, and no other.  The ops take 10, 5, 5, 5, 10 = 35 us.
 *
 * Moved at 100 bytes/us: from the end of op 0 (10) to the start of op 2 (15) 500 bytes leave, so op 2 waits 1 us; the
 * fetch of 600 bytes has from the end of op 2 (20) to the start of op 4 (25): op 4 waits 1 us.  37.
 * Made again at 1 byte/us: 5 bytes leave from 10 to 15; the other 595 of 1000 cost 595/1000 of op 0: 5.95 us.
 * Moving one byte more saves 0.01 us and costs 1.  40.95.
 * Both, at 100 bytes/us: 500 bytes are moved for nothing, 100 more cost 1 us made again (10 us for 1000 bytes), and 2 us moved.  36. */
static void
test_chain(void)
{
	struct tensor tensors[] = { { 1000, KIND_ACTIVATION }, { 1, KIND_ACTIVATION }, { 1, KIND_ACTIVATION },
	    { 1, KIND_ACTIVATION }, { 1, KIND_ACTIVATION } };
	struct op ops[] = {
		{ .name = "a", .outputs = IDS(0), .output_count = 1, .time_us = 10 },
		{ .name = "b", .outputs = IDS(1), .output_count = 1, .time_us = 5 },
		OP(5, false, 5000, IDS(1), IDS(2)), OP(5, false, 0, IDS(2), IDS(3)), OP(10, false, 0, IDS(0, 3), IDS(4)),
	};
	struct graph g = { .name = "chain", .tensor_count = 5, .op_count = 5, .tensors = tensors, .ops = ops };
	struct arena a = ARENA_INIT;
	struct lifetimes l;
	struct time_bound b;
	struct device d;

	lifetimes_init(&l, &g, &a);
	device_init(&d, 100);
	bound_time(&b, &l, &d, 7000, &a);
	is_near(b.us, 35, 1e-6, "chain: what fits takes its ideal time");
	is_uint(b.op, 5, "chain: and no op is over");
	bound_time(&b, &l, &d, 5402, &a);
	is_near(b.us, 37, 1e-6, "chain: moved");
	is_uint(b.op, 2, "chain: at op 2");
	is_uint(b.excess_bytes, 600, "chain: which is 600 over");
	is_near(b.before_us, 1, 1e-6, "chain: and waits for copies out");
	ops[0].recomputable = true;
	bound_time(&b, &l, &d, 5402, &a);
	is_near(b.us, 36, 1e-6, "chain: both");
	device_init(&d, 1);
	bound_time(&b, &l, &d, 5402, &a);
	is_near(b.us, 40.95, 1e-6, "chain: made again");
	for (int i = 1; bounds[i].name != NULL; i++)
		is_near(bounds[i].time_us(&l, &d, 5402, &a), 40.9, 0.06, "chain: made again, bound '%s'", bounds[i].name);
	arena_free(&a);
}

/* a, b and c have 1000 bytes each; op 2 turns b into c in its place, op 3 reads a and c.  So 2000 bytes are enough for the ideal time, and
 * no op is over.  In 1999, one byte is: op 2 needs a and one of b and c. */
static void
test_in_place(void)
{
	static const struct inplace takes[] = { { 1, 2 } };
	struct tensor tensors[] = { { 1000, KIND_ACTIVATION }, { 1000, KIND_ACTIVATION }, { 1000, KIND_ACTIVATION } };
	struct op ops[] = {
		{ .name = "a", .outputs = IDS(0), .output_count = 1, .time_us = 10 }, { .name = "b", .outputs = IDS(1), .output_count = 1, .time_us = 5 },
		OP(5, false, 0, IDS(1), IDS(2)),
		{ .name = "d", .inputs = IDS(0, 2), .input_count = 2, .time_us = 10 },
	};
	struct graph g = { .name = "in place", .tensor_count = 3, .op_count = 4, .tensors = tensors, .ops = ops };
	struct arena a = ARENA_INIT;
	struct lifetimes l;
	struct time_bound b;
	struct device d;

	ops[2].inplace = takes;
	ops[2].inplace_count = 1;
	lifetimes_init(&l, &g, &a);
	device_init(&d, 100);
	for (int i = 0; bounds[i].name != NULL; i++)
		is_near(bounds[i].time_us(&l, &d, 2000, &a), 30, 1e-4, "in place: bytes that are shared count once, bound '%s'", bounds[i].name);
	bound_time(&b, &l, &d, 1999, &a);
	is_uint(b.excess_bytes, 1, "in place: one byte is over");
	arena_free(&a);
}

/* 256 KiB take 6.7 us, of which 6 are latency, so copies of both directions can pass each other: the duplex rate does not hold. */
static void
test_link(void)
{
	struct curve_point points[] = { { 262144, 6.7 }, { 1048576, 20.5 } };
	struct link_rates r;
	struct device d;

	device_init(&d, 55000);
	d.duplex_bytes_per_s = 70e9;
	link_rates_init(&r, &d);
	is_near(r.both, 70000, 1e-6, "link: without a curve the duplex rate");
	d.copy_engines = 1;
	link_rates_init(&r, &d);
	is_near(r.both, 55000, 1e-6, "link: one engine");
	d.copy_engines = 2;
	for (int i = 0; i < DIRECTION_COUNT; i++) {
		d.link[i].points = points;
		d.link[i].point_count = 2;
		d.link[i].latency_us = 6;
	}
	link_rates_init(&r, &d);
	ok(r.both > 2 * 262144 / 6.7, "link: small copies pass each other: %g", r.both);
	is_near(r.way[D2H], (1048576 - 262144) / (20.5 - 6.7), 1e-6, "link: one way its last rate");
	for (int i = 0; i < DIRECTION_COUNT; i++) {
		d.link[i].loaded = points;
		d.link[i].loaded_count = 2;
	}
	link_rates_init(&r, &d);
	is_near(r.both, 70000, 1e-6, "link: beside a loaded curve small copies have latency, and the duplex rate holds");
}

enum { STAGES = 200, DEPTH = 3, STAGE_BYTES = 653096, STAGE_ROOM = 653312 };

/* Op i reads parameter i and writes state i, all at home on the host. */
struct pipeline {
	struct graph g;
	struct tensor tensors[2 * STAGES];
	struct op ops[STAGES];
	uint32_t ids[2 * STAGES];
	struct plan p;
	struct buffer buffers[2 * STAGES], host[2 * STAGES];
	struct place places[2 * STAGES];
	struct instruction program[3 * STAGES];
	uint32_t after[3 * STAGES][2];
};

static void
pipeline_init(struct pipeline *x)
{
	*x = (struct pipeline) { .g = { .name = "pipeline", .tensor_count = 2 * STAGES, .op_count = STAGES, .tensors = x->tensors, .ops = x->ops } };
	for (uint32_t i = 0; i < 2 * STAGES; i++) {
		x->ids[i] = i;
		x->tensors[i] = (struct tensor) { STAGE_BYTES, i < STAGES ? KIND_PARAMETER : KIND_STATE };
		x->buffers[i] = (struct buffer) { i, STAGE_ROOM * (bytes_t)(i % STAGES % DEPTH + (i < STAGES ? 0 : DEPTH)), STAGE_BYTES };
		x->host[i] = (struct buffer) { i, STAGE_ROOM * (bytes_t)i, STAGE_BYTES };
		x->places[i] = (struct place) { i, true, i };
	}
	x->p = (struct plan) { .graph = &x->g, .policy = "", .placement = "", .arena_bytes = 2 * DEPTH * STAGE_ROOM,
	    .budget_bytes = 2 * DEPTH * STAGE_ROOM, .host_bytes = 2 * STAGES * STAGE_ROOM, .buffer_count = 2 * STAGES, .host_count = 2 * STAGES,
	    .initial_count = 2 * STAGES, .final_count = 2 * STAGES, .instruction_count = 3 * STAGES, .buffers = x->buffers, .host = x->host,
	    .initial = x->places, .final = x->places, .program = x->program };
	for (uint32_t i = 0; i < STAGES; i++) {
		uint32_t fetch = 3 * i, run = fetch + 1, offload = fetch + 2, past = 3 * DEPTH;
		bool full = i >= DEPTH;

		x->ops[i] = (struct op) { .name = "f", .inputs = &x->ids[i], .input_count = 1, .outputs = &x->ids[STAGES + i], .output_count = 1,
		    .time_us = 10 };
		memcpy(x->after[fetch], (uint32_t[]) { full ? run - past : 0 }, 4);
		memcpy(x->after[run], (uint32_t[]) { fetch, full ? offload - past : 0 }, 8);
		memcpy(x->after[offload], (uint32_t[]) { run }, 4);
		x->program[fetch] = (struct instruction) { .queue = QUEUE_IN, .op = PLAN_NONE, .device_buffer = i, .host_buffer = i,
		    .bytes = STAGE_BYTES, .after_count = full, .after = x->after[fetch] };
		x->program[run] = (struct instruction) { .queue = QUEUE_COMPUTE, .op = i, .reads = &x->ids[i], .writes = &x->ids[STAGES + i],
		    .workspace = PLAN_NONE, .alternative = PLAN_NONE, .after_count = 1 + full, .after = x->after[run] };
		x->program[offload] = (struct instruction) { .queue = QUEUE_OUT, .op = PLAN_NONE, .device_buffer = STAGES + i,
		    .host_buffer = STAGES + i, .bytes = STAGE_BYTES, .after_count = 1, .after = x->after[offload] };
	}
}

/* Both directions copy all the time, 20 us for each op.  The only point of the link's curve takes less than the latency, so that
 * copies of up to 100 KiB move no bytes after it, and those here move for half of their time: the duplex rate hardly binds. */
static void
test_pipeline(void)
{
	struct pipeline *x = malloc(sizeof(*x));
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct curve_point point = { 4096, 8.2 };
	struct lifetimes l;
	struct sim_result r = { .step_time_us = 0 };
	struct device d;

	if (x == NULL) {
		ok(false, "pipeline: memory");
		return;
	}
	pipeline_init(x);
	device_init(&d, 55000);
	d.duplex_bytes_per_s = 60e9;
	for (int dir = 0; dir < DIRECTION_COUNT; dir++) {
		d.link[dir].latency_us = 10;
		d.link[dir].points = &point;
		d.link[dir].point_count = 1;
	}
	x->p.device = &d;
	lifetimes_init(&l, &x->g, &a);
	check_figures(&x->p.figures, &x->p, &a);
	ok(check_plan(&x->p, &a, &e) == 0 && simulate(&r, &x->p, &d, &a, &e) == 0, "pipeline: the plan is sound %s: %s", e.path, e.text);
	is_near(r.step_time_us, 20 * STAGES + 30, 1e-6, "pipeline: its time");
	for (int i = 0; bounds[i].name != NULL; i++) {
		double us = bounds[i].time_us(&l, &d, x->p.arena_bytes, &a);

		ok(us <= r.step_time_us && us > 11 * STAGES, "pipeline: bound '%s', %g us, is not above", bounds[i].name, us);
	}
	arena_free(&a);
	free(x);
}

static uint64_t seed;

/* 0 .. n - 1 */
static uint32_t
pick(uint32_t n)
{
	return (uint32_t)(random_splitmix(&seed) % n);
}

enum { FORWARD = 7, BACKWARD = 7, OPS = FORWARD + BACKWARD + 1, TENSORS = 2 + 2 * FORWARD + BACKWARD };

/* A little training step: forward ops make a map, sometimes in place, sometimes with a mask; backward reads maps and
 * masks again in about the opposite order; the last op updates a parameter. */
struct tiny_graph {
	struct graph g;
	struct tensor tensors[TENSORS];
	struct op ops[OPS];
	uint32_t in[OPS][4], out[OPS][2];
};

static uint32_t
new_tensor(struct tiny_graph *t, enum kind kind)
{
	t->tensors[t->g.tensor_count] = (struct tensor) { 256 * (bytes_t)(1 + pick(8)), kind };
	return t->g.tensor_count++;
}

static void
tiny_init(struct tiny_graph *t)
{
	uint32_t weight, map, grad, maps[2 * FORWARD], count = 0;

	memset(t, 0, sizeof(*t));
	weight = new_tensor(t, KIND_PARAMETER);
	map = new_tensor(t, KIND_INPUT);
	t->tensors[weight].bytes = t->tensors[map].bytes = 256;	/* what schedules cannot move, bounds could */
	for (uint32_t k = 0; k < OPS; k++)
		t->ops[k] = (struct op) { .name = "op", .inputs = t->in[k], .outputs = t->out[k], .input_count = 1,
		    .output_count = 1, .recomputable = k < FORWARD, .phase = k < FORWARD ? PHASE_FORWARD : PHASE_BACKWARD,
		    .time_us = 1 + pick(20), .workspace_bytes = 256 * (bytes_t)pick(4) };
	for (uint32_t k = 0; k < FORWARD; k++) {
		struct op *o = &t->ops[k];

		t->in[k][0] = map;
		if (k == 0 || pick(5) > 0)
			maps[count++] = map = new_tensor(t, KIND_ACTIVATION);
		t->out[k][0] = map;
		if (k == 1)
			t->in[k][o->input_count++] = weight;
		if (pick(4) == 0)
			maps[count++] = t->out[k][o->output_count++] = new_tensor(t, KIND_ACTIVATION);
	}
	grad = map;
	for (uint32_t k = FORWARD; k + 1 < OPS; k++) {
		t->in[k][0] = grad;
		if (count > 0 && maps[count - 1] != grad)
			t->in[k][t->ops[k].input_count++] = maps[count - 1];
		count -= count > 0;
		t->out[k][0] = grad = new_tensor(t, KIND_GRADIENT);
	}
	t->in[OPS - 1][0] = weight;
	t->in[OPS - 1][1] = grad;
	t->ops[OPS - 1].input_count = 2;
	t->out[OPS - 1][0] = weight;
	t->g.name = "tiny";
	t->g.tensors = t->tensors;
	t->g.ops = t->ops;
	t->g.op_count = OPS;
	if (pick(2) == 0)
		make_results(&t->g, 3, &seed);
}

enum { MOST_USES = 64, MOST_ARENAS = 256, PLANS = 2000 };

struct best { bytes_t arena; double us; };

/* Random fates and times for every use; the plan's arena and time, false when there is no such plan. */
static bool
try_plan(struct best *to, const struct tiny_graph *t, const struct lifetimes *l, const struct device *d, struct arena *a)
{
	struct decisions x;
	struct schedule s;
	struct sim_result r;
	struct err e = ERR_INIT;
	struct plan p = { .graph = &t->g, .device = d, .policy = "", .placement = "", .budget_bytes = device_budget(d) };
	uint32_t most = pick(6);

	decisions_init(&x, l, a);
	for (uint32_t i = 0; i < t->g.tensor_count; i++)
		for (uint32_t u = l->use_start[i]; u < l->use_start[i + 1]; u++) {
			bool last = u + 1 == l->use_start[i + 1];
			uint32_t from = l->use_op[u] + 1, to_op = last ? OPS : l->use_op[u + 1];

			if (last && t->tensors[i].kind != KIND_RESULT)
				continue;

			x.fate[u] = (uint8_t)(kind_is_persistent(t->tensors[i].kind) ? FATE_KEEP : most == 0 || pick(most) == 0 ? 1 + pick(2) : 0);
			x.gone[u] = from + pick(to_op - from + 1);
			x.back[u] = pick(2) == 0 ? to_op : x.gone[u] + pick(to_op - x.gone[u] + 1);
		}
	if (decisions_schedule(&s, &x, a, &e) < 0 || program_build(&p, &s, NULL, placement_find("auto"), 0, a, &e) < 0)
		return false;
	check_figures(&p.figures, &p, a);
	if (check_plan(&p, a, &e) < 0 || simulate(&r, &p, d, a, &e) < 0)
		return ok(false, "tiny: a plan is not sound: %s", e.text);
	*to = (struct best) { p.arena_bytes, r.step_time_us };
	return true;
}

/* Fills `loaded`: copies beside ops take up to 3 times as long, and a queue that waited takes time to go on.  Bounds must not count on
 * it, because copies may run while compute waits. */
static void
load_link(struct device *d, struct curve_point loaded[2])
{
	for (uint32_t i = 0; i < 2; i++) {
		bytes_t bytes = i == 0 ? 256 : 1 << 20;

		loaded[i] = (struct curve_point) { bytes, device_transfer_us(d, D2H, bytes) * (1 + pick(3)) + 1 };
	}
	if (loaded[1].time_us <= loaded[0].time_us)
		return;
	for (int dir = 0; dir < DIRECTION_COUNT; dir++) {
		d->link[dir].loaded = loaded;
		d->link[dir].loaded_count = 2;
	}
	d->wait_us = pick(3);
}

/* The fastest plan found for each arena, against the bounds at that budget. */
static void
test_tiny(int rounds)
{
	int tried = 0, beaten = 0, tight = 0;	/* tight: more than the ideal time, and a plan within a fifth */

	for (int i = 0; i < rounds; i++) {
		struct arena a = ARENA_INIT;
		struct best best[MOST_ARENAS], got;
		uint32_t count = 0, at;
		struct lifetimes l;
		struct device d;
		struct curve_point loaded[2];
		struct tiny_graph t;

		seed = (uint64_t)i;
		tiny_init(&t);
		device_init(&d, (double)(1 << pick(9)));
		d.duplex_bytes_per_s = d.link[D2H].bytes_per_s * (1 + 0.1 * pick(11));
		d.copy_engines = 1 + pick(2);
		if (pick(3) == 0)
			load_link(&d, loaded);
		lifetimes_init(&l, &t.g, &a);
		for (int n = 0; n < PLANS; n++) {
			struct arena scratch = ARENA_INIT;

			if (try_plan(&got, &t, &l, &d, &scratch)) {
				for (at = 0; at < count && best[at].arena != got.arena; at++)
					;
				if (at == count && count < MOST_ARENAS)
					best[count++] = got;
				else if (at < count && got.us < best[at].us)
					best[at] = got;
			}
			arena_free(&scratch);
		}
		for (at = 0; at < count; at++)
			for (int b = 0; bounds[b].name != NULL; b++) {
				double us = bounds[b].time_us(&l, &d, best[at].arena, &a);

				tried++;
				tight += us > l.ideal_time_us * 1.01 && best[at].us < us * 1.2;
				if (best[at].us < us) {
					beaten++;
					diag("graph %d, arena %llu: a plan takes %.6f us, bound '%s' says %.6f", i,
					    (unsigned long long)best[at].arena, best[at].us, bounds[b].name, us);
				}
			}
		arena_free(&a);
	}
	is_uint((uint64_t)beaten, 0, "tiny: no plan beats a bound (%d compared, %d of them close)", tried, tight);
	ok(tight > tried / 20, "tiny: and the bounds say something");
}

static void
test_trace(const char *name, const char *device)
{
	static const double shares[] = { 0.95, 0.75, 0.6, 0.45 };
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct graph g;
	struct device d;
	struct lifetimes l;
	double before = 0;

	if (graph_read(&g, data_path(arena_printf(&a, "graphs/%s.graph.json", name)), &a, &e) < 0 ||
	    device_read(&d, data_path(arena_printf(&a, "devices/%s.json", device)), &a, &e) < 0) {
		ok(false, "%s: read: %s", name, e.text);
		return;
	}
	lifetimes_init(&l, &g, &a);
	for (size_t i = 0; i < sizeof(shares) / sizeof(*shares); i++) {
		bytes_t budget = (bytes_t)(shares[i] * (double)l.peak_bytes);
		double us;

		if (budget > device_budget(&d) || budget < l.resident_bound_bytes)
			continue;
		us = bounds_time_us(NULL, &l, &d, budget, &a);
		ok(us >= before && us >= l.ideal_time_us * (1 - 1e-6), "%s at %g: %.4f of ideal, no less than at more memory",
		    name, shares[i], us / l.ideal_time_us);
		before = us;
		for (const struct policy *row = policies; row->name != NULL; row++) {
			struct planner_options o = { .policy = row, .placement = placement_find("by-size"), .budget_bytes = budget };
			struct plan p;

			e = (struct err) ERR_INIT;
			if (!row->quick || strcmp(row->name, "hybrid") == 0 || planner_run(&p, &g, &d, &o, &a, &e) < 0)
				continue;
			ok(p.bound_time_us > 0 && p.predicted.step_time_us >= p.bound_time_us, "%s at %g, %s: gap %.4f", name, shares[i],
			    row->name, p.predicted.step_time_us / p.bound_time_us - 1);
		}
	}
	arena_free(&a);
}

static bool
stop_at_once(void *user)
{
	(void)user;
	return true;
}

/* The integer program begins with the best of the quick policies, so it is no slower than any, and
 * has an answer whenever it is stopped. */
static void
test_ilp(void)
{
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct search_control control = { .time_limit_s = 3 };
	struct planner_options o = { .placement = placement_find("auto"), .policy = policy_find("ilp"), .control = &control };
	struct plan best, p;
	struct lifetimes l;
	struct graph g;
	struct device d;

	if (o.policy == NULL) {
		tap_skip("ilp", "no GLPK");
		return;
	}
	if (graph_read(&g, data_path("graphs/vgg16.graph.json"), &a, &e) < 0 || device_read(&d, data_path("devices/a100-80g.json"), &a, &e) < 0) {
		ok(false, "ilp: read: %s", e.text);
		return;
	}
	lifetimes_init(&l, &g, &a);
	o.budget_bytes = l.peak_bytes / 100 * 92;
	ok(planner_run(&best, &g, &d, &o, &a, &e) == 0, "ilp: a plan %s", e.text);
	ok(best.predicted.step_time_us >= best.bound_time_us, "ilp: no faster than the bound");
	is_string(best.status, control.status, "ilp: the plan says what became of the search");
	for (const struct policy *row = policies; row->name != NULL; row++) {
		struct err refused = ERR_INIT;

		o.policy = row;
		o.control = NULL;
		if (row->quick && planner_run(&p, &g, &d, &o, &a, &refused) == 0)
			ok(best.predicted.step_time_us <= p.predicted.step_time_us * (1 + 1e-9), "ilp: no slower than %s", row->name);
	}
	o.policy = policy_find("ilp");
	o.control = &control;
	control.stopped = stop_at_once;
	ok(planner_run(&p, &g, &d, &o, &a, &e) == 0, "ilp: stopped, it has a plan %s", e.text);
	arena_free(&a);
}

int
main(void)
{
	test_chain();
	test_in_place();
	test_link();
	test_pipeline();
	test_tiny(15);
	test_trace("alexnet", "h100");
	test_trace("vgg16", "h100");
	test_trace("resnet50", "h100");
	test_trace("vit_b_16", "h200");
	test_ilp();
	return tap_done();
}
