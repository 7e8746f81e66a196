/* SPDX-License-Identifier: Apache-2.0 */
/* The index of stabbing queries against an array, and what hybrid promises on real graphs: within the budget, no
 * faster than the bound, no slower than another policy or than itself with less memory, the same for any number of threads. */
#include <config.h>
#include "planner/policy/policy.h"

#include <stdlib.h>
#include <string.h>
#ifdef _OPENMP
#include <omp.h>
#endif

#include "planner/hybrid/hybrid_configuration.h"
#include "planner/hybrid/stab_index.h"
#include "planner/planner.h"
#include "tests/random.h"
#include "tests/results.h"
#include "tests/tap.h"

static uint64_t seed = 3;

static uint32_t
draw(uint32_t below)
{
	return (uint32_t)((random_xorshift(&seed) >> 11) % below);
}

/* Items that stand at one stretch each. */
static void
test_stab_index(void)
{
	enum { ITEMS = 200, PLACES = 500 };
	struct arena a = ARENA_INIT;
	struct stab_index all, x;
	uint32_t from[ITEMS], to[ITEMS];
	unsigned missed = 0, far = 0, wrong_order = 0;

	stab_index_init(&all, ITEMS, PLACES, &a);
	for (uint32_t i = 0; i < ITEMS; i++) {
		from[i] = draw(PLACES);
		to[i] = from[i] + draw(PLACES - from[i] + 1);
		for (uint32_t bucket = 0; bucket <= PLACES / STAB_PLACES; bucket++)
			stab_index_set(&all, bucket, i, from[i] < (bucket + 1) * STAB_PLACES && to[i] > bucket * STAB_PLACES);
	}
	stab_index_init(&x, ITEMS, PLACES, &a);
	stab_index_copy(&x, &all);
	for (uint32_t place = 0; place < PLACES; place++) {
		uint32_t bucket = place / STAB_PLACES, last = 0, i = 0;
		bool said[ITEMS] = { false };

		while ((i = stab_index_next(&x, place, i)) != UINT32_MAX) {
			wrong_order += i < last;
			far += from[i] >= (bucket + 1) * STAB_PLACES || to[i] <= bucket * STAB_PLACES;
			said[i] = true;
			last = i++;
		}
		for (i = 0; i < ITEMS; i++)
			missed += !said[i] && from[i] <= place && place < to[i];
	}
	is_uint(missed, 0, "the index of stabbing queries misses nothing");
	is_uint(far + wrong_order, 0, "and names nothing twice or from another bucket");
	arena_free(&a);
}

/* The texts of configurations: what differs from the default, in a fixed order. */
static void
test_configuration_text(void)
{
	struct configuration c = configuration_default;
	struct arena a = ARENA_INIT;

	is_string(configuration_text(&c, &a), "default", "the default configuration");
	c.share = 0.8 * 0.85;
	c.hold = 0.1;
	is_string(configuration_text(&c, &a), "share=0.68 hold=0.1", "two parameters that differ");
	c = configuration_default;
	c.share = 2;
	c.order = CHECKPOINTS_FIRST;
	c.checkpoints = 0;
	c.homes = 0.3;
	c.look_ahead = 24;
	c.squeeze = 0.98;
	is_string(configuration_text(&c, &a),
	    "share=2 order=checkpoints-first checkpoints=0 homes=0.3 look_ahead=24 squeeze=0.98", "all but one differ");
	c = configuration_default;
	c.share = 0.000000001;
	is_string(configuration_text(&c, &a), "share=0.000000001", "nine decimals");
	arena_free(&a);
}

/* Plan; the step time, or 0 when there is no plan. */
static double
step_us(const struct graph *g, const struct device *d, const char *policy, bytes_t budget)
{
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct planner_options o = { .policy = policy_find(policy), .placement = placement_find("auto"), .budget_bytes = budget };
	struct plan plan;
	double us = 0;

	if (planner_run(&plan, g, d, &o, &a, &e) == 0) {
		us = plan.predicted.step_time_us;
		ok(plan.arena_bytes <= budget && us >= plan.bound_time_us, "%s, %s at %" PRI_BYTES ": within the budget, not below the bound",
		    g->name, policy, budget);
		ok((plan.configuration != NULL) == (strcmp(policy, "hybrid") == 0 && plan.found_by == NULL),
		    "%s, %s: the configuration of hybrid's own search, %s", g->name, policy, plan.configuration == NULL ? "none" : plan.configuration);
	} else {
		ok(e.code == ERR_NO, "%s, %s at %" PRI_BYTES ": %s", g->name, policy, budget, e.text);
	}
	arena_free(&a);
	return us;
}

/* One search for exactly this budget, which may lie between two rungs; the step time, or 0 when it finds no plan. */
static double
search_us(const struct graph *g, const struct device *d, bytes_t budget)
{
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct planner_options o = { .policy = policy_find("hybrid"), .placement = placement_find("auto"), .budget_bytes = budget };
	struct lifetimes l;
	struct problem p;
	struct plan plan;
	double us;

	lifetimes_init(&l, g, &a);
	p = planner_problem(g, d, &l, &o);
	us = planner_try(&plan, &p, &o, &a, &e) == 0 ? plan.predicted.step_time_us : 0;
	arena_free(&a);
	return us;
}

/* A trace and the device to plan it for; false when they cannot be read, which fails the test. */
static bool
read_trace(struct graph *g, struct device *d, struct lifetimes *l, const char *name, struct arena *a)
{
	struct err e = ERR_INIT;

	if (graph_read(g, data_path(arena_printf(a, "graphs/%s.graph.json", name)), a, &e) < 0 ||
	    device_read(d, data_path("devices/h100.json"), a, &e) < 0)
		return ok(false, "%s: %s", name, e.text);
	lifetimes_init(l, g, a);
	return true;
}

static void
test_graph(const char *name, const int *percents, int count)
{
	struct arena a = ARENA_INIT;
	struct lifetimes l;
	struct device d;
	struct graph g;
	double before = 0;

	if (!read_trace(&g, &d, &l, name, &a))
		count = 0;
	for (int i = 0; i < count; i++) {
		bytes_t budget = l.peak_bytes / 100 * (bytes_t)percents[i];
		double us = step_us(&g, &d, "hybrid", budget);

		ok(us > 0 && (before == 0 || us <= before), "%s: a plan at %d %%, no slower than with less", name, percents[i]);
		before = us;
		for (const struct policy *row = policies; row->name != NULL; row++) {
			double other = row->quick && strcmp(row->name, "hybrid") != 0 ? step_us(&g, &d, row->name, budget) : 0;

			ok(other == 0 || us <= other * (1 + 1e-9), "%s at %d %%: no slower than %s", name, percents[i], row->name);
		}
	}
	arena_free(&a);
}

/* A trace with results, which may end on the host.  Budgets below the resident bound, and above. */
static void
test_results(const char *name, const int *percents, int count)
{
	struct arena a = ARENA_INIT;
	uint64_t state = 3;
	struct lifetimes l;
	struct device d;
	struct graph g;
	double before = 0;

	if (!read_trace(&g, &d, &l, name, &a))
		count = 0;
	else if (ok(make_results(&g, 10, &state) > 0, "%s: with results", name))
		lifetimes_init(&l, &g, &a);
	for (int i = 0; i < count; i++) {
		double us = step_us(&g, &d, "hybrid", l.peak_bytes / 100 * (bytes_t)percents[i]);

		ok(us > 0 && (before == 0 || us <= before), "%s with results: a plan at %d %%, no slower than with less", name, percents[i]);
		before = us;
	}
	arena_free(&a);
}

/* Budgets that have no room for one op beside all persistent tensors: a plan for each, ending at home. */
static void
test_below_resident(const char *name, const int *percents, int count)
{
	struct arena a = ARENA_INIT;
	struct lifetimes l;
	struct device d;
	struct graph g;

	if (!read_trace(&g, &d, &l, name, &a))
		count = 0;
	for (int i = 0; i < count; i++) {
		bytes_t budget = l.peak_bytes / 100 * (bytes_t)percents[i];

		ok(budget < l.resident_bound_bytes && budget > l.bound_bytes, "%s: %d %% is below the resident bound", name, percents[i]);
		ok(step_us(&g, &d, "hybrid", budget) > 0, "%s at %d %%: persistent tensors leave", name, percents[i]);
		is_near(step_us(&g, &d, "keep", budget), 0, 0, "%s at %d %%: keep says no", name, percents[i]);
	}
	arena_free(&a);
}

/* One op with two algorithms: 4096 bytes of workspace in 10 us, or none in 12.  Nothing else can give way, so a budget below
 * 1024 + 4096 takes the slower one, and the step 12 us. */
static void
test_alternative(void)
{
	static const uint32_t out[] = { 0 };
	static const struct alternative slower[] = { { .workspace_bytes = 0, .time_us = 12 } };
	struct tensor tensors[] = { { 1024, KIND_ACTIVATION } };
	struct op op = { .name = "conv", .outputs = out, .output_count = 1, .workspace_bytes = 4096, .time_us = 10,
	    .alternatives = slower, .alternative_count = 1 };
	struct graph g = { .name = "one", .tensor_count = 1, .op_count = 1, .tensors = tensors, .ops = &op };
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct device d;

	if (device_read(&d, data_path("devices/h100.json"), &a, &e) < 0) {
		ok(false, "%s", e.text);
	} else {
		is_near(step_us(&g, &d, "hybrid", 8192), 10, 1e-9, "room for the workspace: the fast algorithm");
		is_near(step_us(&g, &d, "hybrid", 2048), 12, 1e-9, "no room for it: the other one");
	}
	arena_free(&a);
}

/* Layers of a dear op, whose megabyte only forward reads, and a cheap one, whose 64 backward reads.  Without a
 * host there is room for all of the former and two of the latter: those are held, and only cheap ops run again, 10 of them. */
static void
test_hold(void)
{
	enum { LAYERS = 12, OPS = 3 * LAYERS, TENSORS = 3 * LAYERS };
	const bytes_t mib = UINT64_C(1) << 20;
	struct tensor tensors[TENSORS];
	struct op ops[OPS] = { { .name = "" } };
	uint32_t ids[TENSORS];		/* small, large and gradient of each layer */
	struct graph g = { .name = "layers", .tensor_count = TENSORS, .op_count = OPS, .tensors = tensors, .ops = ops };
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct device d;

	for (uint32_t i = 0; i < LAYERS; i++) {
		uint32_t *id = ids + 3 * i, back = OPS - 1 - i;

		id[0] = i;
		id[1] = LAYERS + i;
		id[2] = 2 * LAYERS + i;
		tensors[id[0]] = (struct tensor) { mib, KIND_ACTIVATION };
		tensors[id[1]] = (struct tensor) { 64 * mib, KIND_ACTIVATION };
		tensors[id[2]] = (struct tensor) { 256, KIND_GRADIENT };
		ops[2 * i] = (struct op) { .name = "dear", .time_us = 1000, .recomputable = true, .outputs = &id[0], .output_count = 1,
		    .inputs = i > 0 ? id - 2 : NULL, .input_count = i > 0 };
		ops[2 * i + 1] = (struct op) { .name = "cheap", .time_us = 10, .recomputable = true, .outputs = &id[1], .output_count = 1,
		    .inputs = &id[0], .input_count = 1 };
		ops[back] = (struct op) { .name = "backward", .phase = PHASE_BACKWARD, .time_us = 10, .outputs = &id[2], .output_count = 1,
		    .inputs = &id[1], .input_count = 1 };
	}
	if (device_read(&d, data_path("devices/h100.json"), &a, &e) < 0) {
		ok(false, "%s", e.text);
	} else {
		d.pinned_bytes = 0;
		is_near(search_us(&g, &d, (LAYERS + 2 * 64 + 1) * mib), LAYERS * 1020 + (LAYERS - 2) * 10, 1e-6,
		    "what is dear and small is held, only what is cheap runs again");
	}
	arena_free(&a);
}

/* Six layers of 64 MiB each and 10 ms an op, room for four: copies of the other two hide (a copy slows ops by 0.1 ms), but what
 * the host has no room for runs again. */
static void
test_full_host(void)
{
	enum { LAYERS = 6, OPS = 2 * LAYERS };
	const bytes_t mib = UINT64_C(1) << 20;
	struct tensor tensors[OPS];
	struct op ops[OPS] = { { .name = "" } };
	uint32_t ids[OPS];
	struct graph g = { .name = "layers", .tensor_count = OPS, .op_count = OPS, .tensors = tensors, .ops = ops };
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct device d;

	for (uint32_t i = 0; i < LAYERS; i++) {
		uint32_t back = OPS - 1 - i;

		ids[i] = i;
		ids[back] = back;
		tensors[i] = (struct tensor) { 64 * mib, KIND_ACTIVATION };
		tensors[back] = (struct tensor) { 256, KIND_GRADIENT };
		ops[i] = (struct op) { .name = "forward", .time_us = 10000, .recomputable = true, .outputs = &ids[i], .output_count = 1 };
		ops[back] = (struct op) { .name = "backward", .phase = PHASE_BACKWARD, .time_us = 10000, .outputs = &ids[back],
		    .output_count = 1, .inputs = &ids[i], .input_count = 1 };
	}
	if (device_read(&d, data_path("devices/h100.json"), &a, &e) < 0) {
		ok(false, "%s", e.text);
		arena_free(&a);
		return;
	}
	for (uint32_t room = 0; room <= 2; room++) {
		d.pinned_bytes = room * 64 * mib;
		is_near(step_us(&g, &d, "hybrid", (4 * 64 + 1) * mib), (OPS + 2 - room) * 10000, 300, "the host has room for %u of two", room);
	}
	arena_free(&a);
}

/* Layers with optimizer state, of which two layers' beside the loss have room.  `most_us` is 5 or 8 % over what the link allows.
 *
 *  - Slow backward: all copies hide.  The link copies 8 states out during forward, and the others both ways during backward.
 *  - Fast backward: the link is the bottleneck behind the loss.  14 states come in, and the 6 that forward has no time for leave: with both
 *    directions busy each copies 35.1 GB/s, alone 55.0 GB/s, so 0.94 GB in and 0.40 GB out take 21.3 ms. */
static void
test_optimizer_state(double backward_us, double most_us)
{
	enum { LAYERS = 16, OPS = 3 * LAYERS + 1, PER_LAYER = 4, TENSORS = PER_LAYER * LAYERS + 1 };
	enum { PARAMETER, STATE, ACTIVATION, GRADIENT };
	const bytes_t mib = UINT64_C(1) << 20;
	struct tensor tensors[TENSORS];
	struct op ops[OPS] = { { .name = "" } };
	uint32_t reads[OPS][3], writes[OPS][2];
	struct graph g = { .name = "layers", .tensor_count = TENSORS, .op_count = OPS, .tensors = tensors, .ops = ops };
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct device d;
	double us;

	for (uint32_t k = 0; k < OPS; k++)
		ops[k] = (struct op) { .inputs = reads[k], .outputs = writes[k] };
	for (uint32_t i = 0; i < LAYERS; i++) {
		uint32_t t = PER_LAYER * i, forward = i, backward = LAYERS + 1 + 2 * (LAYERS - 1 - i), update = backward + 1;

		tensors[t + PARAMETER] = (struct tensor) { mib, KIND_PARAMETER };
		tensors[t + STATE] = (struct tensor) { 64 * mib, KIND_OPTIMIZER };
		tensors[t + ACTIVATION] = (struct tensor) { mib, KIND_ACTIVATION };
		tensors[t + GRADIENT] = (struct tensor) { mib, KIND_GRADIENT };
		ops[forward].name = "forward";
		ops[forward].time_us = 600;
		reads[forward][ops[forward].input_count++] = t + PARAMETER;
		writes[forward][ops[forward].output_count++] = t + ACTIVATION;
		ops[backward].name = "backward";
		ops[backward].phase = PHASE_BACKWARD;
		ops[backward].time_us = backward_us;
		reads[backward][ops[backward].input_count++] = t + ACTIVATION;
		reads[backward][ops[backward].input_count++] = t + PARAMETER;
		writes[backward][ops[backward].output_count++] = t + GRADIENT;
		ops[update].name = "update";
		ops[update].phase = PHASE_UPDATE;
		ops[update].time_us = 100;
		for (uint32_t j = 0; j < 2; j++)
			reads[update][ops[update].input_count++] = writes[update][ops[update].output_count++] = t + j;
		reads[update][ops[update].input_count++] = t + GRADIENT;
	}
	tensors[TENSORS - 1] = (struct tensor) { 256, KIND_GRADIENT };
	ops[LAYERS].name = "loss";
	ops[LAYERS].time_us = 100;
	ops[LAYERS].workspace_bytes = 512 * mib;
	reads[LAYERS][ops[LAYERS].input_count++] = PER_LAYER * (LAYERS - 1) + ACTIVATION;
	writes[LAYERS][ops[LAYERS].output_count++] = TENSORS - 1;
	if (device_read(&d, data_path("devices/h100.json"), &a, &e) < 0) {
		ok(false, "%s", e.text);
	} else {
		us = step_us(&g, &d, "hybrid", (512 + 2 * LAYERS + 2 * 64 + 1) * mib);
		ok(us > 0 && us <= most_us, "optimizer state in step with the link: %.1f ms of at most %.1f", us / 1000, most_us / 1000);
	}
	arena_free(&a);
}

/* Without a host: maps of 6 and 10 units that wait for backward, and between them an op with a workspace of 10, in a budget of 16.  The
 * small map costs least for each byte (1 ms for 6 units), and is dropped first; 4 units are still missing, for which the large one goes (5 ms).
 * That one alone is enough: only it is made again.  A tensor that the first op and the last of forward write keeps the checkpointing
 * policies, which would find the same, from cutting forward into segments. */
static void
test_redundant_drop(void)
{
	enum { SMALL, ACROSS, LARGE, GRADIENT_LARGE, GRADIENT_SMALL, TENSORS };
	const bytes_t unit = UINT64_C(16) << 20;
	static const uint32_t ids[TENSORS] = { SMALL, ACROSS, LARGE, GRADIENT_LARGE, GRADIENT_SMALL };
	struct tensor tensors[TENSORS] = { { 6 * unit, KIND_ACTIVATION }, { 256, KIND_ACTIVATION }, { 10 * unit, KIND_ACTIVATION },
	    { 256, KIND_GRADIENT }, { 256, KIND_GRADIENT } };
	struct op ops[] = {
		{ .name = "small", .time_us = 1000, .recomputable = true, .outputs = ids, .output_count = 2 },
		{ .name = "large", .time_us = 5000, .recomputable = true, .outputs = ids + 2, .output_count = 1 },
		{ .name = "between", .time_us = 100, .workspace_bytes = 10 * unit, .outputs = ids + 1, .output_count = 1 },
		{ .name = "back", .phase = PHASE_BACKWARD, .time_us = 100, .inputs = ids + 2, .input_count = 1, .outputs = ids + 3, .output_count = 1 },
		{ .name = "back", .phase = PHASE_BACKWARD, .time_us = 100, .inputs = ids, .input_count = 1, .outputs = ids + 4, .output_count = 1 },
	};
	struct graph g = { .name = "two", .tensor_count = TENSORS, .op_count = 5, .tensors = tensors, .ops = ops };
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct device d;

	if (device_read(&d, data_path("devices/h100.json"), &a, &e) < 0) {
		ok(false, "%s", e.text);
	} else {
		d.pinned_bytes = 0;
		is_near(step_us(&g, &d, "hybrid", 16 * unit + 1024), 6300 + 5000, 1e-6, "a drop that another one made needless is taken back");
	}
	arena_free(&a);
}

/* A quick search that may give slow steps up makes the same plan where it makes one, and none where the step is much slower. */
static void
test_quick(const char *name, int fast_percent, int slow_percent)
{
	struct search_control quick = { .effort = 0.1 };
	struct planner_options o = { .policy = policy_find("hybrid"), .placement = placement_find("auto"), .bound_time_us = NO_TIME_BOUND,
	    .control = &quick };
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct plan any, fast;
	struct lifetimes l;
	struct device d;
	struct graph g;

	if (!read_trace(&g, &d, &l, name, &a))
		return;
	o.budget_bytes = l.peak_bytes / 100 * (bytes_t)fast_percent;
	if (ok(planner_run(&any, &g, &d, &o, &a, &e) == 0, "%s at %d %%: a quick plan %s", name, fast_percent, e.text)) {
		o.most_us = any.predicted.step_time_us;
		ok(planner_run(&fast, &g, &d, &o, &a, &e) == 0 && fast.predicted.step_time_us == any.predicted.step_time_us,
		    "the same plan if slower ones may be given up %s", e.text);
	}
	o.budget_bytes = l.peak_bytes / 100 * (bytes_t)slow_percent;
	ok(planner_run(&fast, &g, &d, &o, &a, &e) < 0 && e.code == ERR_NO, "%s at %d %%: none is so fast: %s", name, slow_percent, e.text);
	e = (struct err) ERR_INIT;
	o.most_us = 0;
	ok(planner_run(&any, &g, &d, &o, &a, &e) == 0 && plan_overhead(&any) > 0.375, "a quick plan that is slower %s", e.text);
	arena_free(&a);
}

static void
test_threads(void)
{
#ifdef _OPENMP
	struct arena a = ARENA_INIT;
	struct lifetimes l;
	struct device d;
	struct graph g;
	double one, two;
	int threads = omp_get_max_threads();

	if (read_trace(&g, &d, &l, "vgg16", &a)) {
		omp_set_num_threads(1);
		one = step_us(&g, &d, "hybrid", UINT64_C(6) << 30);
		omp_set_num_threads(3);
		two = step_us(&g, &d, "hybrid", UINT64_C(6) << 30);
		omp_set_num_threads(threads);
		is_near(two, one, 0, "the same with one thread and with three");
	}
	arena_free(&a);
#else
	tap_skip("the same with one thread and with three", "no OpenMP");
#endif
}

int
main(void)
{
	static const int few[] = { 93 }, alexnet[] = { 60 }, vgg16[] = { 75 }, rising[] = { 75, 90 };

	test_stab_index();
	test_configuration_text();
	test_graph("vgg16", few, 1);
	test_graph("alexnet", few, 1);
	test_below_resident("alexnet", alexnet, 1);
	test_below_resident("vgg16", vgg16, 1);
	test_results("alexnet", rising, 2);
	test_results("vgg16", rising + 1, 1);
	test_alternative();
	test_hold();
	test_full_host();
	test_optimizer_state(4000, 1.05 * (16 * (600 + 4000 + 100) + 100));
	test_optimizer_state(500, 1.08 * (16 * 600 + 100 + 21300));
	test_redundant_drop();
	test_quick("vgg16", 90, 70);
	test_threads();
	return tap_done();
}
