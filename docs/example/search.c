/* SPDX-License-Identifier: Apache-2.0 */
/* search.c - plan a training step that is given as arrays, show progress, and cancel the search after 100 ms
 *
 *	cc search.c $(pkg-config --cflags --libs layrub) -o search
 *	./search
 *
 * The step is a chain of layers with parameters, the device is made up.  No document is read.
 */
#include <inttypes.h>
#include <layrub.h>
#include <stdio.h>
#include <time.h>

enum { LAYERS = 400, TENSORS = 4 * LAYERS + 1, OPS = 3 * LAYERS };

static double
seconds(void)
{
	struct timespec now;

	timespec_get(&now, TIME_UTC);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* One search: when it began, and how often the library told of it. */
struct search {
	double begin_s;
	unsigned lines;
};

/* Called from any thread of the search. */
static bool
after_100_ms(void *user)
{
	const struct search *s = user;

	return seconds() - s->begin_s > 0.1;
}

static void
show(void *user, const char *line)
{
	struct search *s = user;

	s->lines++;
	printf("%4.0f ms  %s\n", 1e3 * (seconds() - s->begin_s), line);
}

/* Tensors of layer i: its parameters, its map, and the gradients of both. */
static uint32_t parameters(uint32_t i) { return 4 * i; }
static uint32_t map(uint32_t i) { return 4 * i + 1; }
static uint32_t map_gradient(uint32_t i) { return 4 * i + 2; }
static uint32_t gradient(uint32_t i) { return 4 * i + 3; }

/* Fills the arrays: forward from the first layer to the last, then backward with an update after each layer. */
static void
fill(struct layrub_tensor tensors[TENSORS], struct layrub_op ops[OPS], uint32_t ids[OPS][5])
{
	struct layrub_op *op = ops;

	tensors[4 * LAYERS] = (struct layrub_tensor) { 32 << 20, LAYRUB_INPUT };
	for (uint32_t i = 0; i < LAYERS; i++) {
		uint64_t bytes = (UINT64_C(8) + 7 * i % 32) << 20;
		uint32_t *id = ids[op - ops];

		tensors[parameters(i)] = (struct layrub_tensor) { 2 << 20, LAYRUB_PARAMETER };
		tensors[map(i)] = (struct layrub_tensor) { bytes, LAYRUB_ACTIVATION };
		tensors[map_gradient(i)] = (struct layrub_tensor) { bytes, LAYRUB_GRADIENT };
		tensors[gradient(i)] = (struct layrub_tensor) { 2 << 20, LAYRUB_GRADIENT };
		id[0] = i == 0 ? 4 * LAYERS : map(i - 1);
		id[1] = parameters(i);
		id[2] = map(i);
		*op++ = (struct layrub_op) { .name = "linear", .phase = LAYRUB_FORWARD, .input_count = 2, .inputs = id, .output_count = 1,
		    .outputs = id + 2, .time_us = LAYRUB_UNKNOWN_TIME, .flops = 40e9, .math = LAYRUB_TF32 };
	}
	for (uint32_t i = LAYERS; i-- > 0;) {
		uint32_t *id = ids[op - ops], *update = ids[op - ops + 1];

		/* The gradient of the last map comes from the map itself. */
		id[0] = i + 1 == LAYERS ? map(i) : map_gradient(i + 1);
		id[1] = i == 0 ? 4 * LAYERS : map(i - 1);
		id[2] = parameters(i);
		id[3] = map_gradient(i);
		id[4] = gradient(i);
		*op++ = (struct layrub_op) { .name = "linear-backward", .phase = LAYRUB_BACKWARD, .op_class = LAYRUB_LINEAR, .input_count = 3,
		    .inputs = id, .output_count = 2, .outputs = id + 3, .time_us = LAYRUB_UNKNOWN_TIME, .flops = 80e9, .math = LAYRUB_TF32 };
		update[0] = parameters(i);
		update[1] = gradient(i);
		*op++ = (struct layrub_op) { .name = "sgd-update", .phase = LAYRUB_UPDATE, .input_count = 2, .inputs = update,
		    .output_count = 1, .outputs = update, .time_us = LAYRUB_UNKNOWN_TIME };
	}
}

static void
describe(struct layrub_device *d)
{
	d->name = d->gpu = "an example";
	d->source = "made up";
	d->memory_bytes = UINT64_C(16) << 30;
	d->reserved_bytes = UINT64_C(1) << 30;
	d->pinned_bytes = LAYRUB_UNLIMITED;
	d->flops[LAYRUB_FLOAT32] = 60e12;
	d->flops[LAYRUB_TF32] = 400e12;
	d->memory_bytes_per_s = 3e12;
	d->launch_us = 3;
	d->flop_efficiency[LAYRUB_CLASS_BY_NAME] = 0.6;		/* of every class that has no value of its own */
	d->flop_efficiency[LAYRUB_LINEAR] = 0.7;
	d->memory_efficiency[LAYRUB_CLASS_BY_NAME] = 0.8;
	d->contention[LAYRUB_CLASS_BY_NAME] = 1.05;
	for (int i = 0; i < LAYRUB_DIRECTIONS; i++) {
		d->link[i].latency_us = 10;
		d->link[i].bytes_per_s = 50e9;
	}
	d->duplex_bytes_per_s = 90e9;
	d->copy_engines = 2;
}

static int
fail(const struct layrub_error *e)
{
	char line[2048];

	fprintf(stderr, "search: %s\n", layrub_error_line(e, line, sizeof(line)));
	return e->code == LAYRUB_INFEASIBLE ? 1 : 2;
}

static int
report(const struct layrub_plan *plan, struct layrub_error *e)
{
	const struct layrub_program *p = layrub_plan_program(plan);
	struct layrub_figures f = LAYRUB_FIGURES_INIT;
	struct layrub_timeline *t;

	if (layrub_plan_check(plan, NULL, e) < 0 || layrub_plan_simulate(plan, NULL, &f, &t, e) < 0)
		return fail(e);
	printf("status   %s\n", p->status);
	printf("arena    %.0f MiB of %.0f MiB\n", (double)p->arena_bytes / (1 << 20), (double)p->budget_bytes / (1 << 20));
	printf("step     %.1f ms, %.1f ms with everything resident\n", f.step_time_us / 1e3, f.ideal_time_us / 1e3);
	printf("times    %" PRIu64 " of %" PRIu32 " estimated\n", f.estimated_ops, layrub_plan_graph(plan)->op_count);
	printf("memory   %" PRIu32 " changes over time\n", t->row_count);
	layrub_timeline_free(t);
	return 0;
}

int
main(void)
{
	static struct layrub_tensor tensors[TENSORS];
	static struct layrub_op ops[OPS];
	static uint32_t ids[OPS][5];
	struct layrub_graph graph = LAYRUB_GRAPH_INIT;
	struct layrub_device device = LAYRUB_DEVICE_INIT;
	struct layrub_problem_options where = LAYRUB_PROBLEM_OPTIONS_INIT;
	struct layrub_plan_options how = LAYRUB_PLAN_OPTIONS_INIT;
	struct layrub_error e = LAYRUB_ERROR_INIT;
	struct layrub_problem *problem;
	struct layrub_plan *plan;
	struct search search = { .lines = 0 };
	int status;

	fill(tensors, ops, ids);
	describe(&device);
	graph.name = "chain";
	graph.tensors = tensors;
	graph.tensor_count = TENSORS;
	graph.ops = ops;
	graph.op_count = OPS;
	where.device_data = &device;
	problem = layrub_problem_build(&graph, &where, &e);
	if (problem == NULL)
		return fail(&e);
	how.budget_percent = 60;
	how.progress = show;
	how.stopped = after_100_ms;
	how.user = &search;
	search.begin_s = seconds();
	plan = layrub_plan_make(problem, &how, &e);
	printf("%u lines of progress, back after %.0f ms\n", search.lines, 1e3 * (seconds() - search.begin_s));
	status = plan == NULL ? fail(&e) : report(plan, &e);
	layrub_plan_free(plan);
	layrub_problem_free(problem);
	return status;
}
