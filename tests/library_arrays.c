/* SPDX-License-Identifier: Apache-2.0 */
/* library_arrays.c - tests of problems, devices and lists that come as arrays, and of one plan in several threads
 *
 * Linked with the static library itself, so nothing here knows more than layrub.h says.
 */
#include <config.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/library/layrub.h"
#include "tests/tap.h"

#define ON(...) { .size = sizeof(struct layrub_problem_options), __VA_ARGS__ }

static char *
text_of(const struct layrub_problem *p, const char *policy, double percent)
{
	const struct layrub_plan_options o = { .size = sizeof(o), .policy = policy, .budget_percent = percent };
	struct layrub_plan *plan = p == NULL ? NULL : layrub_plan_make(p, &o, NULL);
	size_t size;
	char *text = plan == NULL ? NULL : layrub_plan_text(plan, &size, NULL);

	layrub_plan_free(plan);
	return text;
}

/* ---- the same from arrays as from documents ---- */

static void
test_same(const char *name, const char *times)
{
	static const char *const policies[] = { "keep", "layrub", "capuchin", "checkpoint-sqrt", "hybrid" };
	struct layrub_error e = LAYRUB_ERROR_INIT;
	struct layrub_problem *read = layrub_problem_open(name, &(struct layrub_problem_options) ON(.device = "h100", .times = times), &e), *built;

	if (!ok(read != NULL, "%s is read", name))
		return;
	built = layrub_problem_build(layrub_problem_graph(read), &(struct layrub_problem_options) ON(.device_data = layrub_problem_device(read)), &e);
	if (!ok(built != NULL, "%s is built from arrays: %s %s", name, e.path, e.text))
		return;
	ok(memcmp(layrub_problem_needs(read), layrub_problem_needs(built), sizeof(struct layrub_needs)) == 0, "the same needs");
	for (size_t i = 0; i < sizeof(policies) / sizeof(*policies); i++) {
		char *one = text_of(read, policies[i], i == 0 ? 110 : 92), *two = text_of(built, policies[i], i == 0 ? 110 : 92);

		ok((one == NULL) == (two == NULL) && (one == NULL || strcmp(one, two) == 0), "%s, %s: the same bytes%s", name, policies[i],
		    one == NULL ? " (no plan)" : "");
		free(one);
		free(two);
	}
	layrub_problem_free(read);
	layrub_problem_free(built);
}

/* ---- a step by hand ---- */

static const char toy[] =
    "{\"format\": \"layrub-graph\", \"version\": 1, \"name\": \"toy\", \"tensors\": [{\"id\": 0, \"bytes\": 1024, \"kind\": \"input\"},"
    "{\"id\": 1, \"bytes\": 4096, \"kind\": \"parameter\"}, {\"id\": 2, \"bytes\": 8192, \"kind\": \"activation\"},"
    "{\"id\": 3, \"bytes\": 8192, \"kind\": \"activation\"}, {\"id\": 4, \"bytes\": 4096, \"kind\": \"gradient\"}], \"ops\": ["
    "{\"name\": \"convolution\", \"layer\": \"c\", \"phase\": \"forward\", \"inputs\": [0, 1], \"outputs\": [2], \"workspace_bytes\": 512,"
    "\"time_us\": 9, \"alternatives\": [{\"workspace_bytes\": 0, \"time_us\": 12}]},"
    "{\"name\": \"x\", \"class\": \"pool\", \"phase\": \"forward\", \"inputs\": [2], \"outputs\": [3], \"inplace\": [[2, 3]], \"workspace_bytes\": 0,"
    "\"time_us\": 4, \"recomputable\": false}, {\"name\": \"x\", \"phase\": \"backward\", \"inputs\": [3, 2], \"outputs\": [4],"
    "\"workspace_bytes\": 0, \"time_us\": 5}]}";

static struct layrub_tensor tensors[5];
static struct layrub_op ops[3];
static uint32_t ids[8];
static struct layrub_inplace pairs[1];
static struct layrub_alternative others[1];
static struct layrub_curve_point points[2];
static struct layrub_kernel kernels[1];
static struct layrub_conv_rule rules[1];
static struct layrub_graph graph;
static struct layrub_device device;

static void
fill(void)
{
	static const struct layrub_tensor all[] = {
		{ 1024, LAYRUB_INPUT }, { 4096, LAYRUB_PARAMETER }, { 8192, LAYRUB_ACTIVATION }, { 8192, LAYRUB_ACTIVATION }, { 4096, LAYRUB_GRADIENT }
	};
	static const uint32_t all_ids[] = { 0, 1, 2, 3, 3, 2, 4, 0 };

	memcpy(tensors, all, sizeof(all));
	memcpy(ids, all_ids, sizeof(ids));
	pairs[0] = (struct layrub_inplace) { 2, 3 };
	others[0] = (struct layrub_alternative) { 0, 12 };
	ops[0] = (struct layrub_op) { .name = "convolution", .layer = "c", .input_count = 2, .inputs = ids, .output_count = 1, .outputs = ids + 2,
	    .workspace_bytes = 512, .time_us = 9, .alternative_count = 1, .alternatives = others };
	ops[1] = (struct layrub_op) { .name = "x", .op_class = LAYRUB_POOL, .input_count = 1, .inputs = ids + 2, .output_count = 1,
	    .outputs = ids + 3, .inplace_count = 1, .inplace = pairs, .time_us = 4, .recomputable = LAYRUB_RECOMPUTABLE_NO };
	ops[2] = (struct layrub_op) { .name = "x", .phase = LAYRUB_BACKWARD, .input_count = 2, .inputs = ids + 4, .output_count = 1,
	    .outputs = ids + 6, .time_us = 5 };
	graph = (struct layrub_graph) { .size = sizeof(graph), .name = "toy", .tensor_count = 5, .tensors = tensors, .op_count = 3, .ops = ops };
	points[0] = (struct layrub_curve_point) { 1024, 5 };
	points[1] = (struct layrub_curve_point) { 4096, 6 };
	kernels[0] = (struct layrub_kernel) { "x", 0.5, 0.5 };
	rules[0] = (struct layrub_conv_rule) { .input = 1 };
	device = (struct layrub_device) { .size = sizeof(device), .name = "d", .gpu = "d", .source = "made up", .memory_bytes = 1 << 20,
	    .pinned_bytes = LAYRUB_UNLIMITED, .flops = { 1e12 }, .memory_bytes_per_s = 1e9, .flop_efficiency = { 0.5 },
	    .memory_efficiency = { 0.5 }, .contention = { 1 }, .link = { { 1, 1e9, 2, 2, points, points }, { 1, 1e9, 0, 0, NULL, NULL } },
	    .duplex_bytes_per_s = 1e9, .copy_engines = 2, .kernel_count = 1, .kernels = kernels, .conv_rule_count = 1, .conv_rules = rules };
}

static const struct layrub_problem_options on_device = ON(.device_data = &device);

static void
test_by_hand(void)
{
	struct layrub_problem *read = layrub_problem_parse(toy, sizeof(toy) - 1, &on_device, NULL), *built = layrub_problem_build(&graph, &on_device, NULL);
	const struct layrub_graph *g;
	char *one = text_of(read, "hybrid", 110), *two = text_of(built, "hybrid", 110);

	ok(one != NULL && two != NULL && strcmp(one, two) == 0, "a step by hand, with what documents leave out: the same bytes");
	free(one);
	free(two);
	layrub_problem_free(read);
	if (built == NULL)
		return;
	g = layrub_problem_graph(built);
	ok(g->ops[0].op_class == LAYRUB_CONV && g->ops[0].recomputable == LAYRUB_RECOMPUTABLE_YES && g->ops[1].recomputable ==
	    LAYRUB_RECOMPUTABLE_NO && g->ops[2].recomputable == LAYRUB_RECOMPUTABLE_YES, "defaults are filled in");
	ok(g->ops != ops && g->ops[1].inplace != pairs && g->ops[1].inplace[0].output == 3 && g->ops[0].alternatives[0].time_us > 11, "and copied");
	layrub_problem_free(built);
	/* The roofline: half of 1e9 bytes/s is 500 bytes a microsecond; 2e6 FLOPs at half of 1e12/s take 4 us. */
	ops[0].time_us = LAYRUB_UNKNOWN_TIME;
	ops[2].estimated = true;
	ops[2].memory_bytes = 1;
	ops[2].flops = 2e6;
	built = layrub_problem_build(&graph, &on_device, NULL);
	if (ok(built != NULL, "times that the device estimates")) {
		g = layrub_problem_graph(built);
		ok(g->ops[0].estimated && !g->ops[1].estimated && g->ops[2].estimated, "are marked");
		is_near(g->ops[0].time_us, (1024 + 4096 + 8192 + 2 * 512) / 0.5e3, 1e-9,
		    "the bytes of the operands, and those of a convolution's workspace");
		ok(g->ops[2].time_us < 5, "or those of the op");
	}
	layrub_problem_free(built);
	built = layrub_problem_build(&graph, &(struct layrub_problem_options) ON(.device_data = &device, .host_bytes = 4096), NULL);
	ok(built != NULL && layrub_problem_device(built)->pinned_bytes == 4096, "host_bytes limits what may be pinned");
	layrub_problem_free(built);
}

/* ---- refusals ---- */

/* Each row spoils one value; fill() mends it. */
#define REFUSALS(ROW) \
	ROW(graph.name = NULL, "name") \
	ROW(graph.op_count = 0, "ops") \
	ROW(graph.tensors = NULL, "tensors") \
	ROW(graph.ops = NULL, "ops") \
	ROW(graph.measured_step_time_us = NAN, "measured_step_time_us") \
	ROW(graph.measured_step_time_us = 5, "measured_device") \
	ROW(graph.measured_peak_bytes = UINT64_MAX, "measured_peak_bytes") \
	ROW(tensors[1].kind = 99, "tensors[1].kind") \
	ROW(tensors[1].bytes = UINT64_MAX, "tensors[1].bytes") \
	ROW(ops[1].name = NULL, "ops[1].name") \
	ROW(ops[1].phase = 3, "ops[1].phase") \
	ROW(ops[1].op_class = 13, "ops[1].op_class") \
	ROW(ops[1].recomputable = 3, "ops[1].recomputable") \
	ROW(ops[1].math = 4, "ops[1].math") \
	ROW(ops[1].inputs = NULL, "ops[1].inputs") \
	ROW(ops[1].outputs = NULL, "ops[1].outputs") \
	ROW(ops[1].inplace = NULL, "ops[1].inplace") \
	ROW(ops[0].alternatives = NULL, "ops[0].alternatives") \
	ROW(ops[1].input_count = UINT32_MAX, "ops[1].inputs") \
	ROW(ids[5] = 5, "ops[2].inputs[1]") \
	ROW(ids[6] = 5, "ops[2].outputs[0]") \
	ROW(pairs[0].input = 4, "ops[1].inplace[0]") \
	ROW(pairs[0].output = 4, "ops[1].inplace[0]") \
	ROW(others[0].time_us = NAN, "ops[0].alternatives[0].time_us") \
	ROW(others[0].workspace_bytes = UINT64_MAX, "ops[0].alternatives[0].workspace_bytes") \
	ROW(ops[1].workspace_bytes = UINT64_MAX, "ops[1].workspace_bytes") \
	ROW(ops[1].time_us = NAN, "ops[1].time_us") \
	ROW(ops[1].time_us = -2, "ops[1].time_us") \
	ROW(ops[1].flops = -1, "ops[1].flops") \
	ROW(ops[1].memory_bytes = UINT64_MAX, "ops[1].memory_bytes") \
	ROW(device.name = NULL, "device_data.name") \
	ROW(device.gpu = NULL, "device_data.gpu") \
	ROW(device.source = NULL, "device_data.source") \
	ROW(device.memory_bytes = UINT64_MAX, "device_data.memory_bytes") \
	ROW(device.reserved_bytes = 1 << 20, "device_data.reserved_bytes") \
	ROW(device.process_bytes = 2 << 20, "device_data.process_bytes") \
	ROW(device.pinned_bytes = UINT64_MAX - 1, "device_data.host.pinned_bytes") \
	ROW(device.flops[LAYRUB_FLOAT32] = 0, "device_data.compute.flops.float32") \
	ROW(device.flops[7] = 1, "device_data.flops[7]") \
	ROW(device.memory_bytes_per_s = 0, "device_data.compute.memory_bytes_per_s") \
	ROW(device.launch_us = NAN, "device_data.compute.launch_us") \
	ROW(device.flop_efficiency[LAYRUB_POOL] = 2, "device_data.compute.flop_efficiency.pool") \
	ROW(device.memory_efficiency[0] = 0, "device_data.compute.memory_efficiency.conv") \
	ROW(device.memory_efficiency[15] = 1, "device_data.memory_efficiency[15]") \
	ROW(device.contention[LAYRUB_CONV] = 0.5, "device_data.contention.conv") \
	ROW(device.captured_gap_us[LAYRUB_CONV] = -1, "device_data.compute.captured_gap_us.conv") \
	ROW(device.wait_us = -1, "device_data.compute.wait_us") \
	ROW(device.link[0].points = NULL, "device_data.link[0].points") \
	ROW(device.link[0].loaded = NULL, "device_data.link[0].loaded") \
	ROW(device.link[1].bytes_per_s = 0, "device_data.link.h2d.bytes_per_s") \
	ROW(points[1].bytes = 1024, "device_data.link.d2h.curve[1]") \
	ROW(device.duplex_bytes_per_s = 0, "device_data.link.duplex_bytes_per_s") \
	ROW(device.copy_engines = 3, "device_data.link.copy_engines") \
	ROW(device.gemm_tile[0] = 1, "device_data.compute.gemm_tile") \
	ROW(device.kernels = NULL, "device_data.kernels") \
	ROW(kernels[0].name = NULL, "device_data.kernels[0].name") \
	ROW(kernels[0].flops = 2, "device_data.compute.kernels[0].flops") \
	ROW(device.conv_rules = NULL, "device_data.conv_rules") \
	ROW(rules[0].pass = 4, "device_data.conv_rules[0].pass") \
	ROW(rules[0].weight = -1, "device_data.compute.conv_workspace[0].weight")

static void
expect(const char *change, const char *path)
{
	struct layrub_error e = LAYRUB_ERROR_INIT;
	struct layrub_problem *p = layrub_problem_build(&graph, &on_device, &e);

	if (!ok(p == NULL && e.code == LAYRUB_BAD_INPUT && strcmp(e.path, path) == 0, "%s is refused at %s", change, path))
		diag("code %u, at %s: %s", (unsigned)e.code, e.path, e.text);
	layrub_problem_free(p);
	fill();
}

static void
test_refusals(void)
{
	struct layrub_error e = LAYRUB_ERROR_INIT;

	fill();
#define ROW(change, path) change; expect(#change, path);
	REFUSALS(ROW)
#undef ROW
	ok(layrub_problem_build(NULL, &on_device, &e) == NULL && e.code == LAYRUB_BAD_INPUT, "no graph");
	ok(layrub_problem_build(&graph, NULL, &e) == NULL && e.code == LAYRUB_BAD_USAGE, "no device");
	ok(layrub_problem_build(&graph, &(struct layrub_problem_options) ON(.device = "h100", .device_data = &device), &e) == NULL &&
	    e.code == LAYRUB_BAD_USAGE && strcmp(e.path, "--device") == 0, "two devices");
	ok(layrub_problem_build(&graph, &(struct layrub_problem_options) ON(.device_data = &device, .batch = 2), &e) == NULL &&
	    e.code == LAYRUB_BAD_USAGE && strcmp(e.path, "--batch") == 0, "a batch of a graph");
	graph.size = 0;
	ok(layrub_problem_build(&graph, &on_device, &e) == NULL && e.code == LAYRUB_BAD_USAGE && strcmp(e.path, "layrub_graph") == 0, "a graph of no size");
	fill();
	device.size = 0;
	ok(layrub_problem_build(&graph, &on_device, &e) == NULL && e.code == LAYRUB_BAD_USAGE && strcmp(e.path, "layrub_device") == 0, "a device of no size");
	fill();
}

/* ---- placing ---- */

static void
watch(void *user, const char *line)
{
	*(int *)user += *line != '\0';
}

static void
test_place(void)
{
	struct layrub_item items[] = { { .lower = -5, .upper = 2, .bytes = 8 }, { .lower = 1, .upper = 4, .bytes = 6 },
		{ .lower = 3, .upper = INT64_MAX, .bytes = 4 }, { .lower = 2, .upper = 4, .bytes = 2, .alignment = 2, .fixed = true, .offset_bytes = 6 } };
	static const struct { int item; struct layrub_item value; const char *path; } rows[] = {
		{ 0, { .lower = 2, .upper = 2, .bytes = 8 }, "items[0].upper" },
		{ 1, { .lower = 1, .upper = 4 }, "items[1].bytes" },
		{ 1, { .lower = 1, .upper = 4, .bytes = UINT64_MAX }, "items[1].bytes" },
		{ 1, { .lower = 1, .upper = 4, .bytes = UINT64_C(1) << 62 }, "items[1].bytes" },
		{ 2, { .lower = 1, .upper = 4, .bytes = 1, .alignment = UINT64_MAX }, "items[2].alignment" },
		{ 2, { .lower = 1, .upper = 4, .bytes = 1, .offset_bytes = 3 }, "items[2].offset_bytes" },
		{ 2, { .lower = 1, .upper = 4, .bytes = 1, .alignment = 2, .fixed = true, .offset_bytes = 3 }, "items[2].offset_bytes" },
		{ 2, { .lower = 1, .upper = 4, .bytes = 4, .fixed = true, .offset_bytes = 4 }, "items[3].offset_bytes" },
	};
	struct layrub_place_result r = LAYRUB_PLACE_RESULT_INIT;
	struct layrub_place_options o = LAYRUB_PLACE_OPTIONS_INIT;
	struct layrub_error e = LAYRUB_ERROR_INIT;
	uint64_t offsets[4] = { 99, 99, 99, 99 };
	int lines = 0;

	o.progress = watch;
	o.user = &lines;
	ok(layrub_place(items, 4, &o, offsets, &r, &e) == 0 && r.status == LAYRUB_PLACE_OPTIMAL, "a list is placed %s", e.text);
	ok(r.arena_bytes == 14 && r.bound_bytes == 14 && offsets[3] == 6 && lines > 0, "in 14 bytes, with %d lines of progress", lines);
	o.capacity_bytes = 10;
	ok(layrub_place(items, 4, &o, offsets, &r, &e) == 0 && r.status == LAYRUB_PLACE_INFEASIBLE, "not in 10");
	ok(layrub_place(NULL, 0, NULL, NULL, &r, &e) == 0 && r.arena_bytes == 0, "a list of no items");
	ok(layrub_place(NULL, 1, NULL, offsets, &r, &e) < 0 && e.code == LAYRUB_BAD_INPUT && strcmp(e.path, "items") == 0, "no list");
	o = (struct layrub_place_options) { .size = sizeof(o), .placement = "no" };
	ok(layrub_place(items, 4, &o, offsets, &r, &e) < 0 && e.code == LAYRUB_BAD_USAGE && strcmp(e.path, "--placement") == 0, "no such placement");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct layrub_item kept = items[rows[i].item];

		items[rows[i].item] = rows[i].value;
		if (!ok(layrub_place(items, 4, NULL, offsets, NULL, &e) < 0 && e.code == LAYRUB_BAD_INPUT && strcmp(e.path, rows[i].path) == 0,
		    "item %zu is refused at %s", i, rows[i].path))
			diag("at %s: %s", e.path, e.text);
		items[rows[i].item] = kept;
	}
}

/* ---- one plan in several threads ---- */

enum { THREADS = 4 };

static void *
ask(void *arg)
{
	const struct layrub_plan *plan = arg;
	struct layrub_error e = LAYRUB_ERROR_INIT;
	struct layrub_figures f = LAYRUB_FIGURES_INIT;
	uintptr_t wrong = 0;

	for (int i = 0; i < 3; i++) {
		bool sound = layrub_plan_check(plan, NULL, &e) == 0;

		wrong += !sound && (e.code != LAYRUB_UNSOUND || e.path[0] == '\0');
		wrong += (layrub_plan_simulate(plan, NULL, &f, NULL, &e) == 0) != sound;
	}
	return (void *)wrong;
}

static void
test_together(struct layrub_plan *plan, const char *name)
{
	pthread_t threads[THREADS];
	void *wrong;
	bool right = plan != NULL;

	for (int i = 0; i < THREADS && plan != NULL; i++)
		if (pthread_create(&threads[i], NULL, ask, plan) != 0)
			abort();
	for (int i = 0; i < THREADS && plan != NULL; i++) {
		pthread_join(threads[i], &wrong);
		right &= wrong == NULL;
	}
	ok(right, "%s: %d threads check and simulate it at once", name, THREADS);
	layrub_plan_free(plan);
}

static void
test_threads(void)
{
	struct layrub_problem *p = layrub_problem_open("graphs/vgg16", &(struct layrub_problem_options) ON(.device = "h100"), NULL);
	char *text = text_of(p, "capuchin", 92), *at;

	if (ok(text != NULL, "a plan")) {
		test_together(layrub_plan_parse(text, strlen(text), NULL), "a sound plan");
		at = strstr(text, ", \"after\": [");
		if (at != NULL)
			memset(at, ' ', (size_t)(strchr(at, ']') + 1 - at));
		test_together(layrub_plan_parse(text, strlen(text), NULL), "a plan that is not sound");
	}
	free(text);
	layrub_problem_free(p);
}

int
main(void)
{
	fill();
	test_by_hand();
	fill();
	test_refusals();
	test_same("graphs/alexnet", NULL);
	test_same("graphs/vgg16", NULL);
	test_place();
	test_threads();
	return tap_done();
}
