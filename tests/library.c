/* SPDX-License-Identifier: Apache-2.0 */
/* library.c - tests of liblayrub as its users see it: handles, errors, walking, threads, and memory that runs out.
 * Linked with the static library itself, so nothing here knows more than layrub.h says.
 */
#include <config.h>
#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "src/library/layrub.h"
#include "tests/tap.h"

enum { THREADS = 4 };

/* Options with members. */
#define STEP(...) { .size = sizeof(struct layrub_problem_options), __VA_ARGS__ }
#define PLAN(...) { .size = sizeof(struct layrub_plan_options), __VA_ARGS__ }
#define CHANGE(...) { .size = sizeof(struct layrub_change), __VA_ARGS__ }

/* Two layers forward and back; 'a' and 'b' are the maps that a budget may send away. */
static const char toy[] =
    "{\"format\": \"layrub-graph\", \"version\": 1, \"name\": \"toy\", \"tensors\": ["
    "{\"id\": 0, \"bytes\": 1048576, \"kind\": \"input\"}, {\"id\": 1, \"bytes\": 4096, \"kind\": \"parameter\"},"
    "{\"id\": 2, \"bytes\": 4194304, \"kind\": \"activation\"}, {\"id\": 3, \"bytes\": 4194304, \"kind\": \"activation\"},"
    "{\"id\": 4, \"bytes\": 4194304, \"kind\": \"activation\"}, {\"id\": 5, \"bytes\": 4194304, \"kind\": \"gradient\"},"
    "{\"id\": 6, \"bytes\": 4194304, \"kind\": \"gradient\"}, {\"id\": 7, \"bytes\": 4096, \"kind\": \"gradient\"}], \"ops\": ["
    "{\"name\": \"a\", \"phase\": \"forward\", \"inputs\": [0, 1], \"outputs\": [2], \"workspace_bytes\": 0, \"time_us\": 900},"
    "{\"name\": \"b\", \"phase\": \"forward\", \"inputs\": [2], \"outputs\": [3], \"workspace_bytes\": 0, \"time_us\": 900},"
    "{\"name\": \"c\", \"phase\": \"forward\", \"inputs\": [3], \"outputs\": [4], \"workspace_bytes\": 4096, \"time_us\": 900},"
    "{\"name\": \"c\", \"phase\": \"backward\", \"inputs\": [4, 3], \"outputs\": [5], \"workspace_bytes\": 0, \"time_us\": 900},"
    "{\"name\": \"b\", \"phase\": \"backward\", \"inputs\": [5, 2], \"outputs\": [6], \"workspace_bytes\": 0, \"time_us\": 900},"
    "{\"name\": \"a\", \"phase\": \"backward\", \"inputs\": [6, 0], \"outputs\": [7], \"workspace_bytes\": 0, \"time_us\": 900},"
    "{\"name\": \"u\", \"phase\": \"update\", \"inputs\": [1, 7], \"outputs\": [1], \"workspace_bytes\": 0, \"time_us\": 9}]}";

static const struct layrub_problem_options on_h100 = STEP(.device = "h100");

/* ---- memory that runs out: the linker sends the library's allocations here (--wrap) ---- */

static atomic_long until_failure;	/* allocations that still succeed; negative: all do */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t size);

/* Once one has failed, all do: memory does not come back by itself. */
static bool
fails(void)
{
	long left = atomic_load(&until_failure);

	while (left > 0 && !atomic_compare_exchange_weak(&until_failure, &left, left - 1))
		;
	return left == 0;
}

void *
__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *
__wrap_realloc(void *p, size_t size)
{
	return fails() ? NULL : __real_realloc(p, size);
}

/* ---- names and errors ---- */

static bool
has_row(enum layrub_table table, const char *name)
{
	const char *row, *summary = "";

	for (unsigned i = 0; (row = layrub_row(table, i, &summary)) != NULL; i++)
		if (strcmp(row, name) == 0)
			return *summary != '\0';
	return false;
}

static void
test_names(void)
{
	struct layrub_names *names;
	struct layrub_error e = LAYRUB_ERROR_INIT;
	char version[32];

	snprintf(version, sizeof(version), "%d.%d.%d", LAYRUB_VERSION_MAJOR, LAYRUB_VERSION_MINOR, LAYRUB_VERSION_PATCH);
	is_string(layrub_version(), version, "the header is that of the library");
	is_string(layrub_version(), PACKAGE_VERSION, "and of the package");
	is_string(layrub_row(LAYRUB_POLICIES, 0, NULL), "hybrid", "the default policy comes first");
	is_string(layrub_row(LAYRUB_PLACEMENTS, 0, NULL), "auto", "the default placement comes first");
	is_string(layrub_row(LAYRUB_LOWERINGS, 0, NULL), "reuse", "the default lowering comes first");
	ok(has_row(LAYRUB_TIMES, "scaled") && has_row(LAYRUB_REORDERS, "updates") && has_row(LAYRUB_POLICIES, "checkpoint-dp"), "rows by name");
	ok(!has_row(LAYRUB_POLICIES, "ilp") && !has_row(LAYRUB_PLACEMENTS, "ilp"), "no rows that need GLPK");
	ok(layrub_row(LAYRUB_POLICIES, 1000, NULL) == NULL && layrub_row((enum layrub_table)99, 0, NULL) == NULL, "nothing behind the end");
	names = layrub_names_find(LAYRUB_DEVICES, &e);
	if (ok(names != NULL && names->count >= 10, "devices are found"))
		is_string(names->names[0], "a100-40g", "sorted");
	layrub_names_free(names);
	names = layrub_names_find(LAYRUB_GRAPHS, NULL);
	ok(names != NULL && names->count >= 7 && strncmp(names->names[0], "graphs/", 7) == 0, "graphs are found");
	layrub_names_free(names);
	layrub_names_free(NULL);
	layrub_plan_free(NULL);
	layrub_problem_free(NULL);
}

static struct layrub_problem *
open_toy(const struct layrub_problem_options *o, struct layrub_error *e)
{
	return layrub_problem_parse(toy, sizeof(toy) - 1, o, e);
}

static void
test_problem_errors(void)
{
	static const struct {
		const char *text;	/* NULL: the toy */
		struct layrub_problem_options options;
		enum layrub_code code;
		const char *line;	/* how it begins */
	} rows[] = {
		{ NULL, STEP(.device = NULL), LAYRUB_BAD_USAGE, "--device: expected a device" },
		{ NULL, STEP(.device = "h100", .batch = 2), LAYRUB_BAD_USAGE, "--batch: a graph" },
		{ NULL, STEP(.device = "h100", .lowering = "reuse"), LAYRUB_BAD_USAGE, "--lowering: a graph" },
		{ NULL, STEP(.device = "h100", .times = "guessed"), LAYRUB_BAD_USAGE, "--times: there is no 'guessed'" },
		{ NULL, STEP(.device = "h100", .reorder = "x"), LAYRUB_BAD_USAGE, "--reorder: there is no 'x'" },
		{ NULL, STEP(.device = "h100", .gpus_per_link = 5000), LAYRUB_BAD_USAGE, "--gpus-per-link: expected at most" },
		{ NULL, STEP(.device = "h1000"), LAYRUB_BAD_INPUT, "expected a file or the name of a device" },
		{ NULL, STEP(.device_text = "{}"), LAYRUB_BAD_INPUT, "format: expected 'layrub-device'" },
		{ NULL, STEP(.device_text = "{", .device = "mine"), LAYRUB_BAD_INPUT, "mine: line 1, column 1: not valid JSON: " },
		{ "[]", STEP(.device = "h100"), LAYRUB_BAD_INPUT, "expected a layrub-network or layrub-graph document" },
		{ "{\"format\": \"layrub-graph\", \"version\": 1, \"name\": \"t\", \"tensors\": [{\"id\": 0, \"bytes\": -4, \"kind\": \"input\"}], \"ops\": []}",
		  STEP(.device = "h100"), LAYRUB_BAD_INPUT, "tensors[0].bytes: expected a whole number" },
	};
	struct layrub_problem *p;
	struct layrub_error e = LAYRUB_ERROR_INIT;
	char line[512], cut[9];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *text = rows[i].text == NULL ? toy : rows[i].text;

		p = layrub_problem_parse(text, strlen(text), &rows[i].options, &e);
		ok(p == NULL && e.code == rows[i].code && strncmp(layrub_error_line(&e, line, sizeof(line)), rows[i].line,
		    strlen(rows[i].line)) == 0, "problem %zu: %s", i, rows[i].line);
		if (p == NULL && strncmp(line, rows[i].line, strlen(rows[i].line)) != 0)
			diag("code %d, %s", (int)e.code, line);
		layrub_problem_free(p);
	}
	ok(layrub_problem_open("no-such-network", &on_h100, &e) == NULL && e.code == LAYRUB_BAD_INPUT, "no such network");
	is_string(layrub_error_line(&e, cut, sizeof(cut)), "expected", "a message is cut to the buffer");
	ok(layrub_problem_open("no-such-network", NULL, NULL) == NULL, "errors may be left out");
	p = layrub_problem_open("resnet18", &(struct layrub_problem_options) STEP(.device = "h100", .lowering = "no"), &e);
	ok(p == NULL && e.code == LAYRUB_BAD_USAGE && strcmp(e.path, "--lowering") == 0 && e.source[0] == '\0', "no such lowering");
}

static void
test_plan_errors(void)
{
	static const struct {
		struct layrub_plan_options options;
		enum layrub_code code;
		const char *line;
	} rows[] = {
		{ PLAN(.policy = "ilp"), LAYRUB_BAD_USAGE, "--policy: there is no 'ilp'" },
		{ PLAN(.placement = "ilp"), LAYRUB_BAD_USAGE, "--placement: there is no 'ilp'" },
		{ PLAN(.budget_bytes = 1, .budget_percent = 50), LAYRUB_BAD_USAGE, "--budget: expected one budget" },
		{ PLAN(.slowdown_percent = 10, .minimise_memory = true), LAYRUB_BAD_USAGE, "--slowdown: expected one budget search" },
		{ PLAN(.budget_percent = -1), LAYRUB_BAD_USAGE, "--budget: expected a percentage" },
		{ PLAN(.slowdown_percent = -1), LAYRUB_BAD_USAGE, "--slowdown: expected a percentage" },
		{ PLAN(.budget_percent = 1e-9), LAYRUB_BAD_USAGE, "--budget: expected a budget over 0" },
		{ PLAN(.budget_bytes = UINT64_MAX), LAYRUB_BAD_INPUT, "expected a budget of at most" },
		{ PLAN(.budget_percent = 10), LAYRUB_INFEASIBLE, "a budget of" },
		{ PLAN(.policy = "keep", .budget_percent = 99), LAYRUB_INFEASIBLE, "policy 'keep' needs an arena of" },
	};
	struct layrub_problem *p = open_toy(&on_h100, NULL);
	struct layrub_plan *plan;
	struct layrub_error e = LAYRUB_ERROR_INIT;
	char line[512];

	for (size_t i = 0; p != NULL && i < sizeof(rows) / sizeof(rows[0]); i++) {
		plan = layrub_plan_make(p, &rows[i].options, &e);
		ok(plan == NULL && e.code == rows[i].code && strncmp(layrub_error_line(&e, line, sizeof(line)), rows[i].line,
		    strlen(rows[i].line)) == 0, "plan %zu: %s", i, rows[i].line);
		if (plan == NULL && strncmp(line, rows[i].line, strlen(rows[i].line)) != 0)
			diag("code %d, %s", (int)e.code, line);
		layrub_plan_free(plan);
	}
	layrub_problem_free(p);
	ok(layrub_plan_read("/no/such/plan.json", &e) == NULL && e.code == LAYRUB_BAD_INPUT && strcmp(e.source, "/no/such/plan.json") == 0,
	    "no such plan");
	ok(layrub_plan_parse("{}", 2, &e) == NULL && e.code == LAYRUB_BAD_INPUT, "no plan");
}

/* ---- why there is no plan, as data ---- */

/* Op "join" reads tensors 1 and 2 and writes 3 with a workspace: 15 MiB + 256 KiB.  Its neighbours need less, and so do the persistent
 * tensors (1 MiB). */
static const char join[] =
    "{\"format\": \"layrub-graph\", \"version\": 1, \"name\": \"join\", \"tensors\": ["
    "{\"id\": 0, \"bytes\": 1048576, \"kind\": \"input\"}, {\"id\": 1, \"bytes\": 2097152, \"kind\": \"activation\"},"
    "{\"id\": 2, \"bytes\": 8388608, \"kind\": \"activation\"}, {\"id\": 3, \"bytes\": 5242880, \"kind\": \"activation\"},"
    "{\"id\": 4, \"bytes\": 1048576, \"kind\": \"gradient\"}], \"ops\": ["
    "{\"name\": \"one\", \"phase\": \"forward\", \"inputs\": [0], \"outputs\": [1], \"workspace_bytes\": 0, \"time_us\": 10},"
    "{\"name\": \"two\", \"phase\": \"forward\", \"inputs\": [0], \"outputs\": [2], \"workspace_bytes\": 0, \"time_us\": 10},"
    "{\"name\": \"join\", \"phase\": \"forward\", \"inputs\": [1, 2, 1], \"outputs\": [3], \"workspace_bytes\": 262144, \"time_us\": 10},"
    "{\"name\": \"back\", \"phase\": \"backward\", \"inputs\": [3], \"outputs\": [4], \"workspace_bytes\": 0, \"time_us\": 10}]}";

/* A device document, of so many bytes of its own memory and of pinned memory. */
static const char device_format[] =
    "{\"format\": \"layrub-device\", \"version\": 1, \"name\": \"small\", \"gpu\": \"none\", \"source\": \"made up\", \"memory_bytes\": %d,"
    "\"reserved_bytes\": 0, \"compute\": {\"flops\": {\"float32\": 1e12}, \"memory_bytes_per_s\": 1e11, \"launch_us\": 5,"
    "\"flop_efficiency\": {\"default\": 0.5}, \"memory_efficiency\": {\"default\": 0.5}}, \"link\": {\"d2h\": {\"latency_us\": 10,"
    "\"bytes_per_s\": 1e10}, \"h2d\": {\"latency_us\": 10, \"bytes_per_s\": 1e10}, \"duplex_bytes_per_s\": 1.5e10, \"copy_engines\": 2},"
    "\"contention\": {\"default\": 1.1}, \"host\": {\"pinned_bytes\": %d}}";

static void
test_reasons(void)
{
	const uint64_t needs = (UINT64_C(15) << 20) + (UINT64_C(256) << 10);
	struct layrub_error e = LAYRUB_ERROR_INIT;
	struct layrub_problem *p = layrub_problem_parse(join, sizeof(join) - 1, &on_h100, &e);
	struct layrub_plan *plan;

	if (!ok(p != NULL, "a step with one large op"))
		return;
	plan = layrub_plan_make(p, &(struct layrub_plan_options) PLAN(.budget_bytes = needs - 512), &e);
	ok(plan == NULL && e.code == LAYRUB_INFEASIBLE, "a budget that one op alone exceeds");
	is_uint(e.op, 2, "the op");
	is_uint(e.missing_bytes, 512, "the bytes that are missing");
	ok(e.tensor_count == 3 && e.tensors[0] == 2 && e.tensors[1] == 3 && e.tensors[2] == 1, "its tensors, each once, the largest first");
	layrub_plan_free(plan);
	plan = layrub_plan_make(p, &(struct layrub_plan_options) PLAN(.budget_bytes = needs, .policy = "vdnn-all"), &e);
	ok(plan == NULL && e.code == LAYRUB_INFEASIBLE && e.op == 2 && e.missing_bytes == 1048576 && e.tensor_count == 3,
	    "a policy that keeps persistent tensors: the same op, and their bytes");
	layrub_plan_free(plan);
	plan = layrub_plan_make(p, &(struct layrub_plan_options) PLAN(.policy = "keep"), &e);
	ok(plan != NULL && e.code == LAYRUB_OK && e.op == LAYRUB_NONE && e.tensor_count == 0 && e.missing_bytes == 0, "no error, no reason");
	ok(layrub_plan_make(p, &(struct layrub_plan_options) PLAN(.policy = "ilp"), &e) == NULL && e.code == LAYRUB_BAD_USAGE &&
	    e.op == LAYRUB_NONE && e.tensor_count == 0, "a mistake has no reason");
	layrub_plan_free(plan);
	layrub_problem_free(p);
}

/* Reasons that are no single op's, and those that a search finds. */
static void
test_more_reasons(void)
{
	struct layrub_error e = LAYRUB_ERROR_INIT;
	struct layrub_problem *p = open_toy(&on_h100, NULL);
	struct layrub_figures f = LAYRUB_FIGURES_INIT;
	struct layrub_plan *plan = layrub_plan_make(p, &(struct layrub_plan_options) PLAN(.policy = "keep", .budget_percent = 99), &e);
	char text[1024];

	snprintf(text, sizeof(text), device_format, 1 << 20, 1 << 20);
	ok(plan == NULL && e.code == LAYRUB_INFEASIBLE && e.op == LAYRUB_NONE && e.tensor_count == 0, "an arena over the budget: no op");
	is_uint(e.missing_bytes, 17829888 - 17651589, "but the bytes that are missing");
	plan = layrub_plan_make(p, NULL, &e);
	ok(layrub_plan_simulate(plan, &(struct layrub_change) CHANGE(.device_text = text), &f, NULL, &e) < 0 &&
	    e.code == LAYRUB_INFEASIBLE && e.op == LAYRUB_NONE, "a device that does not hold the plan");
	layrub_plan_figures(plan, &f, NULL);
	is_uint(e.missing_bytes, f.arena_bytes - 1048576, "lacks so many bytes");
	layrub_plan_free(plan);
	layrub_problem_free(p);
	snprintf(text, sizeof(text), device_format, 1 << 30, 4096);
	p = open_toy(&(struct layrub_problem_options) STEP(.device_text = text), &e);
	plan = layrub_plan_make(p, &(struct layrub_plan_options) PLAN(.budget_bytes = 12582912 + 4096), &e);
	ok(plan == NULL && e.code == LAYRUB_INFEASIBLE && e.op != LAYRUB_NONE && e.tensor_count > 0 && e.missing_bytes == 0,
	    "hybrid without pinned memory: an op of its first configuration");
	diag("%s: op %u", e.text, (unsigned)e.op);
	layrub_plan_free(plan);
	layrub_problem_free(p);
}

/* ---- structs of other sizes than this library's ---- */

/* Options of callers that are older or newer, or that forgot the size. */
static void
test_option_sizes(void)
{
	struct { struct layrub_plan_options known; uint64_t newer; } longer = { .known = PLAN(.policy = "capuchin", .budget_percent = 80) };
	struct layrub_plan_options o = PLAN(.policy = "capuchin", .budget_percent = 80, .slowdown_percent = 10);
	struct layrub_problem_options forgotten = { .device = "h100" };
	struct layrub_error e = LAYRUB_ERROR_INIT;
	struct layrub_problem *p = open_toy(&on_h100, NULL);
	struct layrub_plan *plan;

	ok(open_toy(&forgotten, &e) == NULL && e.code == LAYRUB_BAD_USAGE, "a size of 0 is refused");
	is_string(e.path, "layrub_problem_options", "by the struct's name");
	forgotten.size = SIZE_MAX;
	ok(open_toy(&forgotten, &e) == NULL && e.code == LAYRUB_BAD_USAGE, "a size that cannot be is refused");
	ok(layrub_plan_make(p, &o, &e) == NULL && e.code == LAYRUB_BAD_USAGE, "two budgets are refused");
	o.size = offsetof(struct layrub_plan_options, slowdown_percent);
	plan = layrub_plan_make(p, &o, &e);
	ok(plan != NULL, "an older caller's options: what is behind them is not read");
	layrub_plan_free(plan);
	longer.known.size = sizeof(longer);
	plan = layrub_plan_make(p, &longer.known, &e);
	ok(plan != NULL && e.code == LAYRUB_OK, "a newer caller's options that are not given");
	layrub_plan_free(plan);
	longer.newer = UINT64_C(1) << 63;
	plan = layrub_plan_make(p, &longer.known, &e);
	ok(plan == NULL && e.code == LAYRUB_BAD_USAGE, "and one that is given is refused");
	is_string(e.path, "layrub_plan_options", "by the struct's name");
	layrub_plan_free(plan);
	layrub_problem_free(p);
}

/* Results for callers that are older or newer, or that forgot the size. */
static void
test_result_sizes(void)
{
	struct { struct layrub_figures known; uint64_t newer; } longer = { .known.size = sizeof(longer), .newer = 7 };
	struct layrub_figures f = { .size = offsetof(struct layrub_figures, peak_bytes), .peak_bytes = 7 };
	struct layrub_error e = LAYRUB_ERROR_INIT, old = { .size = offsetof(struct layrub_error, text), .text = "as it was" };
	struct layrub_problem *p = open_toy(&on_h100, NULL);
	struct layrub_plan *plan = layrub_plan_make(p, NULL, &e);

	ok(open_toy(NULL, &old) == NULL && old.code == LAYRUB_BAD_USAGE && strcmp(old.path, "--device") == 0, "an older caller's error is filled");
	is_string(old.text, "as it was", "and nothing behind it");
	old = (struct layrub_error) { .code = LAYRUB_SYSTEM };
	ok(open_toy(NULL, &old) == NULL && old.code == LAYRUB_SYSTEM && old.text[0] == '\0', "an error of no size is left alone");
	ok(layrub_plan_figures(plan, &f, &e) == 0 && f.arena_bytes > 0 && f.peak_bytes == 7, "so are an older caller's figures");
	ok(layrub_plan_figures(plan, &longer.known, &e) == 0 && longer.known.ideal_time_us > 5000 && longer.newer == 7, "and a newer one's");
	is_uint(longer.known.size, sizeof(longer), "the caller's size stays");
	f.size = 0;
	ok(layrub_plan_figures(plan, &f, &e) < 0 && e.code == LAYRUB_BAD_USAGE && strcmp(e.path, "layrub_figures") == 0, "figures of no size");
	ok(layrub_plan_simulate(plan, NULL, &f, NULL, &e) < 0 && e.code == LAYRUB_BAD_USAGE, "are not simulated");
	f.size = sizeof(f);
	ok(layrub_plan_simulate(plan, &(struct layrub_change) { .compute_scale = 2 }, &f, NULL, &e) < 0 && e.code == LAYRUB_BAD_USAGE &&
	    strcmp(e.path, "layrub_change") == 0, "a change of no size");
	ok(LAYRUB_HAS(layrub_plan_program(plan), instructions) && LAYRUB_HAS(layrub_problem_graph(p), ops) &&
	    LAYRUB_HAS(layrub_problem_needs(p), ideal_time_us), "what the library hands out says its size");
	old.size = offsetof(struct layrub_error, path);
	ok(LAYRUB_HAS(&old, source) && !LAYRUB_HAS(&old, path), "and which members it has");
	layrub_plan_free(plan);
	layrub_problem_free(p);
}

/* ---- a plan's life ---- */

static struct layrub_plan *
toy_plan(const struct layrub_plan_options *o)
{
	struct layrub_problem *p = open_toy(&on_h100, NULL);
	struct layrub_plan *plan = p == NULL ? NULL : layrub_plan_make(p, o, NULL);

	layrub_problem_free(p);		/* the plan keeps what it needs */
	return plan;
}

/* Every id that a walker may follow is in range, and what a queue has no use for is none. */
static bool
is_walkable(const struct layrub_program *p, const struct layrub_graph *g)
{
	for (uint32_t i = 0; i < p->instruction_count; i++) {
		const struct layrub_instruction *in = &p->instructions[i];

		for (uint32_t k = 0; k < in->after_count; k++)
			if (in->after[k] >= i || p->instructions[in->after[k]].queue == in->queue)
				return false;
		if (in->queue != LAYRUB_COMPUTE) {
			if (in->op != LAYRUB_NONE || in->buffer >= p->buffer_count || in->host_buffer >= p->host_buffer_count || in->bytes == 0)
				return false;
			continue;
		}
		if (in->op >= g->op_count || in->read_count != g->ops[in->op].input_count || in->write_count != g->ops[in->op].output_count ||
		    in->buffer != LAYRUB_NONE || (in->workspace == LAYRUB_NONE) != (g->ops[in->op].workspace_bytes == 0))
			return false;
		for (uint32_t k = 0; k < in->read_count; k++)
			if (p->buffers[in->reads[k]].tensor != g->ops[in->op].inputs[k])
				return false;
		for (uint32_t k = 0; k < in->write_count; k++)
			if (p->buffers[in->writes[k]].tensor != g->ops[in->op].outputs[k])
				return false;
	}
	for (uint32_t i = 0; i < p->buffer_count; i++)
		if (p->buffers[i].offset_bytes + p->buffers[i].bytes > p->arena_bytes ||
		    (p->buffers[i].tensor != LAYRUB_NONE && p->buffers[i].bytes != g->tensors[p->buffers[i].tensor].bytes))
			return false;
	return p->initial_count == 2 && p->final_count == 2 && g->tensors[p->initial_places[1].tensor].kind == LAYRUB_PARAMETER;
}

/* Occupancy is the sum of its parts, its most is the figures', and the stalls are the stall time. */
static void
test_timeline(const struct layrub_timeline *t, const struct layrub_figures *f)
{
	uint64_t device = 0, host = 0, wrong = 0;
	double stalled = 0;

	for (uint32_t i = 0; i < t->row_count; i++) {
		uint64_t sum = t->workspace_bytes[i];

		for (uint32_t k = 0; k < t->kind_count; k++)
			sum += t->kind_bytes[k][i];
		wrong += sum != t->device_bytes[i] || (i > 0 && t->times_us[i] <= t->times_us[i - 1]);
		device = t->device_bytes[i] > device ? t->device_bytes[i] : device;
		host = t->host_bytes[i] > host ? t->host_bytes[i] : host;
	}
	for (uint32_t i = 0; i < t->stall_count; i++)
		stalled += t->stalls[i].end_us - t->stalls[i].start_us;
	ok(t->row_count > 4 && wrong == 0, "rows of occupancy rise in time and are the sum of their kinds");
	is_uint(device, f->occupancy_bytes, "the most in use");
	is_uint(host, f->host_occupancy_bytes, "the most pinned");
	ok(t->stall_count > 0, "there are stalls");
	is_near(stalled, f->stall_time_us, 1e-6, "which are the stall time");
}

static void
test_figures(struct layrub_plan *plan)
{
	const struct layrub_program *p = layrub_plan_program(plan);
	struct layrub_timeline *line = NULL;
	struct layrub_figures said = LAYRUB_FIGURES_INIT, now = LAYRUB_FIGURES_INIT, changed = LAYRUB_FIGURES_INIT;
	struct layrub_error e = LAYRUB_ERROR_INIT;
	double end = 0;

	layrub_plan_figures(plan, &said, NULL);
	if (!ok(layrub_plan_simulate(plan, NULL, &now, &line, &e) == 0 && line->span_count == p->instruction_count, "simulate"))
		return;
	for (uint32_t i = 0; i < p->instruction_count; i++) {
		end = line->spans[i].end_us > end ? line->spans[i].end_us : end;
		for (uint32_t k = 0; k < p->instructions[i].after_count; k++)
			if (line->spans[p->instructions[i].after[k]].end_us > line->spans[i].start_us)
				ok(false, "instruction %u waits for those before it", (unsigned)i);
	}
	is_near(end, now.step_time_us, 1e-6, "the last instruction ends the step");
	is_near(now.step_time_us, said.step_time_us, 1e-9, "the simulation is what the plan predicts");
	is_near(now.ideal_time_us, 5409, 1e-9, "the ideal time is the sum of the op times");
	is_uint(now.budget_bytes, said.budget_bytes, "its budget");
	ok(now.occupancy_bytes > 0 && now.occupancy_bytes <= now.arena_bytes, "occupancy is within the arena");
	ok(now.bound_time_us <= now.step_time_us && now.bound_time_us >= 0.999 * now.ideal_time_us, "the bound is between ideal and step");
	ok(layrub_plan_simulate(plan, &(struct layrub_change) CHANGE(.compute_scale = 2), &changed, NULL, &e) == 0, "twice as fast");
	is_near(changed.ideal_time_us, 5409.0 / 2, 1e-9, "half the ideal time");
	ok(changed.bound_time_us <= 0, "no bound for another machine");
	ok(layrub_plan_simulate(plan, &(struct layrub_change) CHANGE(.h2d_bytes_per_s = 1e6, .d2h_bytes_per_s = 1e6), &changed, NULL, &e) == 0 &&
	    changed.step_time_us > 2 * now.step_time_us, "a link of 1 MB/s makes it slow");
	ok(layrub_plan_simulate(plan, &(struct layrub_change) CHANGE(.device = "v100"), &changed, NULL, &e) == 0, "another device");
	ok(layrub_plan_simulate(plan, &(struct layrub_change) CHANGE(.h2d_bytes_per_s = 1), &changed, NULL, &e) < 0 &&
	    e.code == LAYRUB_BAD_USAGE && strcmp(e.path, "--h2d") == 0, "no such link");
	ok(layrub_plan_simulate(plan, &(struct layrub_change) CHANGE(.compute_scale = -1), &changed, NULL, &e) < 0 &&
	    e.code == LAYRUB_BAD_USAGE, "no such GPU");
	test_timeline(line, &now);
	layrub_timeline_free(line);
}

static void
test_documents(struct layrub_plan *plan)
{
	struct layrub_problem *toys = open_toy(&on_h100, NULL), *other = layrub_problem_open("graphs/alexnet", &on_h100, NULL);
	struct layrub_plan *read, *spoilt;
	struct layrub_figures f = LAYRUB_FIGURES_INIT;
	struct layrub_error e = LAYRUB_ERROR_INIT;
	size_t size = 0, again = 0;
	char *text = layrub_plan_text(plan, &size, &e), *copy, *at;

	if (!ok(text != NULL && strlen(text) == size && text[size - 1] == '\n', "the plan's text"))
		return;
	read = layrub_plan_parse(text, size, &e);
	copy = read == NULL ? NULL : layrub_plan_text(read, &again, &e);
	ok(copy != NULL && again == size && memcmp(copy, text, size) == 0, "read and written again: the same text");
	ok(read != NULL && layrub_plan_check(read, NULL, &e) == 0 && layrub_plan_check(read, toys, &e) == 0, "sound, and for its graph");
	ok(read != NULL && layrub_plan_check(read, other, &e) < 0 && e.code == LAYRUB_UNSOUND && strcmp(e.path, "graph") == 0, "not for another");
	ok(read != NULL && is_walkable(layrub_plan_program(read), layrub_plan_graph(read)), "walkable when read");
	free(copy);
	layrub_plan_free(read);
	/* One edge less is one race more. */
	at = strstr(text, ", \"after\": [");
	if (ok(at != NULL, "there is an edge to take away"))
		memset(at, ' ', (size_t)(strchr(at, ']') + 1 - at));
	spoilt = layrub_plan_parse(text, size, &e);
	ok(spoilt != NULL, "a spoilt plan is still a plan");
	ok(spoilt != NULL && layrub_plan_check(spoilt, NULL, &e) < 0 && e.code == LAYRUB_UNSOUND && e.path[0] != '\0', "but not sound");
	ok(spoilt != NULL && layrub_plan_simulate(spoilt, NULL, &f, NULL, &e) < 0 && e.code == LAYRUB_UNSOUND, "and not simulated");
	layrub_plan_free(spoilt);
	free(text);
	layrub_problem_free(toys);
	layrub_problem_free(other);
}

static void
test_plan(void)
{
	struct layrub_plan *plan = toy_plan(&(struct layrub_plan_options) PLAN(.budget_percent = 80, .policy = "capuchin"));
	struct layrub_error e = LAYRUB_ERROR_INIT;

	if (!ok(plan != NULL, "a plan outlives its problem"))
		return;
	is_string(layrub_plan_program(plan)->policy, "capuchin", "its policy");
	is_string(layrub_plan_program(plan)->options, "--times traced", "its options");
	is_string(layrub_plan_program(plan)->device, "h100", "its device");
	ok(is_walkable(layrub_plan_program(plan), layrub_plan_graph(plan)), "walkable");
	ok(layrub_plan_check(plan, NULL, &e) == 0 && e.code == LAYRUB_OK, "sound");
	ok(layrub_plan_write(plan, "/no/such/folder/plan.json", &e) < 0 && e.code == LAYRUB_SYSTEM, "cannot be written there");
	test_figures(plan);
	test_documents(plan);
	layrub_plan_free(plan);
}

/* A plan for little memory gives its homes to one of the same tensors, which their names tell. */
static void
test_homes(void)
{
	static const char *const names[8] = { "x", "w" }, *const others[8] = { "x", "v" };
	struct layrub_problem *toy_problem = open_toy(&on_h100, NULL), *named, *renamed;
	struct layrub_graph g = *layrub_problem_graph(toy_problem);
	struct layrub_error e = LAYRUB_ERROR_INIT;
	struct layrub_plan *home, *plan, *own;

	g.tensor_names = names;
	named = layrub_problem_build(&g, &on_h100, &e);
	if (!ok(named != NULL, "tensors with names"))
		return;
	is_string(layrub_problem_graph(named)->tensor_names[1], "w", "a name goes in and out");
	home = layrub_plan_make(named, &(struct layrub_plan_options) PLAN(.minimise_memory = true), &e);
	plan = layrub_plan_make(named, &(struct layrub_plan_options) PLAN(.homes = home), &e);
	g.tensor_names = others;
	renamed = layrub_problem_build(&g, &on_h100, &e);
	own = layrub_plan_make(renamed, &(struct layrub_plan_options) PLAN(.policy = "keep"), &e);
	if (ok(home != NULL && plan != NULL && own != NULL, "plans")) {
		ok(layrub_plan_check_homes(plan, home, &e) == 0 && layrub_plan_check_homes(home, plan, &e) == 0, "both serve one set");
		ok(layrub_plan_check_homes(own, home, &e) < 0 && e.code == LAYRUB_UNSOUND && strcmp(e.path, "buffers[1]") == 0, "another does not");
		is_string(e.text, "it takes bytes 1048576 to 1052672, where tensor 1 ('w') is at home, which only the other plan has", "the reason");
	}
	ok(layrub_plan_make(toy_problem, &(struct layrub_plan_options) PLAN(.homes = home), &e) == NULL && e.code == LAYRUB_BAD_INPUT &&
	    strcmp(e.path, "--homes") == 0, "without names no tensor is known again");
	layrub_plan_free(own);
	layrub_plan_free(plan);
	layrub_plan_free(home);
	layrub_problem_free(renamed);
	layrub_problem_free(named);
	layrub_problem_free(toy_problem);
}

static void
test_needs(void)
{
	struct layrub_problem *p = open_toy(&on_h100, NULL);
	const struct layrub_needs *n = layrub_problem_needs(p);
	const struct layrub_graph *g = layrub_problem_graph(p);
	struct layrub_plan *plan;
	struct layrub_figures f = LAYRUB_FIGURES_INIT;

	is_uint(n->persistent_bytes, 1052672, "persistent bytes");
	is_uint(n->peak_bytes, 1052672 + 4 * 4194304, "the peak");
	is_uint(g->tensor_count, 8, "tensors");
	ok(strcmp(g->name, "toy") == 0 && g->op_count == 7 && strcmp(g->ops[6].name, "u") == 0 && g->ops[6].phase == LAYRUB_UPDATE, "ops");
	plan = layrub_plan_make(p, &(struct layrub_plan_options) PLAN(.minimise_memory = true), NULL);
	if (ok(plan != NULL, "the smallest budget")) {
		layrub_plan_figures(plan, &f, NULL);
		ok(f.budget_bytes < n->peak_bytes && f.budget_bytes >= n->bound_bytes, "is between bound and peak");
	}
	layrub_plan_free(plan);
	plan = layrub_plan_make(p, &(struct layrub_plan_options) PLAN(.slowdown_percent = 1e-6), NULL);
	ok(plan != NULL, "the smallest budget without a slowdown");
	layrub_plan_free(plan);
	plan = layrub_plan_make(p, NULL, NULL);
	ok(plan != NULL, "everything left out: hybrid into all of the device");
	layrub_plan_free(plan);
	layrub_problem_free(p);
	p = layrub_problem_open("resnet18", &(struct layrub_problem_options) STEP(.device = "k40m", .batch = 5), NULL);
	ok(p != NULL && layrub_problem_needs(p)->batch == 5, "a network at another batch");
	layrub_problem_free(p);
	p = layrub_problem_open("graphs/alexnet", &(struct layrub_problem_options) STEP(.device = "k40m"), NULL);
	ok(p != NULL && layrub_problem_needs(p)->foreign_times, "times of another device are said to be");
	layrub_problem_free(p);
}

/* ---- threads ---- */

static const char *const on_one[THREADS] = { "hybrid", "superneurons", "vdnn-conv", "hybrid" };
static const char *const on_own[THREADS] = { "layrub", "superneurons", "vdnn-all", "layup" };

struct thread_job {
	struct layrub_problem *shared;	/* NULL: a problem of its own */
	const char *policy;
	char *text;
	size_t size;
};

static void *
work(void *arg)
{
	struct thread_job *j = arg;
	const struct layrub_plan_options o = PLAN(.policy = j->policy, .budget_percent = 92);
	struct layrub_problem *p = j->shared != NULL ? j->shared : layrub_problem_open("graphs/vgg16", &on_h100, NULL);
	struct layrub_plan *plan = p == NULL ? NULL : layrub_plan_make(p, &o, NULL);
	struct layrub_figures f = LAYRUB_FIGURES_INIT;

	if (j->shared == NULL)
		layrub_problem_free(p);
	if (plan != NULL && layrub_plan_check(plan, NULL, NULL) == 0 && layrub_plan_simulate(plan, NULL, &f, NULL, NULL) == 0)
		j->text = layrub_plan_text(plan, &j->size, NULL);
	layrub_plan_free(plan);
	return NULL;
}

/* All at once give what each gives alone. */
static void
test_threads(bool share)
{
	const char *const *names = share ? on_one : on_own;
	struct layrub_problem *p = share ? layrub_problem_open("graphs/vgg16", &on_h100, NULL) : NULL;
	struct thread_job alone[THREADS], together[THREADS];
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++) {
		alone[i] = together[i] = (struct thread_job) { .shared = p, .policy = names[i] };
		work(&alone[i]);
	}
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, work, &together[i]) != 0)
			abort();
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < THREADS; i++) {
		ok(alone[i].text != NULL && together[i].text != NULL && alone[i].size == together[i].size &&
		    memcmp(alone[i].text, together[i].text, alone[i].size) == 0, "%s, %s problem: the bytes of a thread alone",
		    names[i], share ? "one" : "its own");
		free(alone[i].text);
		free(together[i].text);
	}
	layrub_problem_free(p);
}

/* ---- limits, progress, cancelling ---- */

/* One caller's view of its plan.  Progress comes from its own thread alone; stopped() may come from any. */
struct watcher {
	struct layrub_problem *problem;
	struct layrub_plan_options options;
	pthread_t thread;
	bool cancels;			/* at the first line of progress */
	atomic_bool cancelled;
	bool foreign;			/* a line came from another thread, or was none */
	int lines;
	int threads;			/* of the process at the last line; 0: not known */
	char *text;
	size_t size;
};

static bool
is_cancelled(void *user)
{
	struct watcher *w = user;

	return atomic_load(&w->cancelled);
}

static int
count_threads(void)
{
	DIR *tasks = opendir("/proc/self/task");
	int n = 0;

	while (tasks != NULL && readdir(tasks) != NULL)
		n++;
	if (tasks != NULL)
		closedir(tasks);
	return n;
}

static void
watch(void *user, const char *line)
{
	struct watcher *w = user;

	w->lines++;
	w->threads = count_threads();
	w->foreign |= !pthread_equal(pthread_self(), w->thread) || *line == '\0' || strchr(line, '\n') != NULL;
	if (w->cancels)
		atomic_store(&w->cancelled, true);
}

static struct layrub_plan *
plan_watched(struct watcher *w, struct layrub_error *e)
{
	w->thread = pthread_self();
	w->options.stopped = is_cancelled;
	w->options.progress = watch;
	w->options.user = w;
	return layrub_plan_make(w->problem, &w->options, e);
}

/* The best so far, or no. */
static void
test_cancel(struct layrub_problem *p)
{
	static const struct layrub_plan_options rows[] = {
		PLAN(.budget_percent = 75), PLAN(.budget_percent = 75, .threads = 1), PLAN(.minimise_memory = true, .effort = 0.2),
		PLAN(.slowdown_percent = 10)
	};
	struct layrub_error e = LAYRUB_ERROR_INIT;
	struct layrub_figures f = LAYRUB_FIGURES_INIT;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct watcher w = { .problem = p, .options = rows[i], .cancels = true };
		struct layrub_plan *plan = plan_watched(&w, &e);
		bool searched = rows[i].budget_percent <= 0;

		ok(plan != NULL ? layrub_plan_check(plan, NULL, NULL) == 0 : e.code == LAYRUB_INFEASIBLE, "cancelled %zu: the best so far, or no", i);
		ok(w.lines > 0 && !w.foreign, "cancelled %zu: after a line of progress", i);
		if (plan == NULL)
			continue;
		layrub_plan_figures(plan, &f, NULL);
		is_string(layrub_plan_program(plan)->status, searched ? "heuristic" : "time-limit", "cancelled: what the plan says of itself");
		ok(rows[i].slowdown_percent <= 0 || f.step_time_us <= 1.1 * f.ideal_time_us, "cancelled %zu: as asked", i);
		layrub_plan_free(plan);
	}
}

static void
test_limits(struct layrub_problem *p)
{
	static const struct { struct layrub_plan_options options; const char *line; } rows[] = {
		{ PLAN(.time_limit_s = -1), "--time-limit: expected" },
		{ PLAN(.threads = 100000), "threads: expected at most" },
		{ PLAN(.budget_percent = 50, .minimise_memory = true), "--budget: expected no budget with --minimise" },
	};
	struct layrub_plan *plan;
	struct layrub_error e = LAYRUB_ERROR_INIT;
	struct timespec begin, end;
	char line[512];

	clock_gettime(CLOCK_MONOTONIC, &begin);
	plan = layrub_plan_make(p, &(struct layrub_plan_options) PLAN(.budget_percent = 75, .time_limit_s = 1e-6), &e);
	clock_gettime(CLOCK_MONOTONIC, &end);
	ok(plan != NULL && strcmp(layrub_plan_program(plan)->status, "time-limit") == 0, "a time limit ends the search, and the plan says so");
	ok(end.tv_sec - begin.tv_sec < 30, "soon");
	layrub_plan_free(plan);
	plan = layrub_plan_make(p, &(struct layrub_plan_options) PLAN(.budget_percent = 92, .policy = "layrub", .time_limit_s = 1e6), &e);
	ok(plan != NULL && strcmp(layrub_plan_program(plan)->status, "heuristic") == 0, "a long limit changes nothing");
	layrub_plan_free(plan);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		plan = layrub_plan_make(p, &rows[i].options, &e);
		ok(plan == NULL && e.code == LAYRUB_BAD_USAGE && strncmp(layrub_error_line(&e, line, sizeof(line)), rows[i].line,
		    strlen(rows[i].line)) == 0, "limit %zu: %s", i, rows[i].line);
		layrub_plan_free(plan);
	}
}

static void *
work_watched(void *arg)
{
	struct watcher *w = arg;
	struct layrub_plan *plan = plan_watched(w, NULL);

	if (plan != NULL)
		w->text = layrub_plan_text(plan, &w->size, NULL);
	layrub_plan_free(plan);
	return NULL;
}

/* Two plans in two threads at once, each with threads and a watcher of its own; one is cancelled, and the other is whole. */
static void
test_two_at_once(struct layrub_problem *p)
{
	struct watcher alone = { .problem = p, .options = PLAN(.budget_percent = 92) };
	struct watcher two[2] = {
		{ .problem = p, .options = PLAN(.budget_percent = 92, .threads = 2) },
		{ .problem = p, .options = PLAN(.budget_percent = 92, .threads = 1), .cancels = true },
	};
	pthread_t threads[2];

	work_watched(&alone);
	for (int i = 0; i < 2; i++)
		if (pthread_create(&threads[i], NULL, work_watched, &two[i]) != 0)
			abort();
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	if (!ok(alone.text != NULL && two[0].text != NULL && alone.size == two[0].size && memcmp(alone.text, two[0].text, alone.size) == 0,
	    "two at once: the bytes of one alone, with two threads"))
		return;
	ok(alone.lines == two[0].lines && !alone.foreign && !two[0].foreign, "two at once: %d lines of progress, each from its own thread", two[0].lines);
	ok(two[1].lines > 0 && !two[1].foreign && two[1].text != NULL && strstr(two[1].text, "\"time-limit\"") != NULL &&
	    strstr(two[0].text, "\"time-limit\"") == NULL, "two at once: the other alone was cancelled");
	free(alone.text);
	free(two[0].text);
	free(two[1].text);
}

#ifdef _OPENMP
/* The threads of earlier plans end a little after their pthreads: counts until the number has not changed for 0.2 s. */
static int
settled_threads(void)
{
	int n = count_threads();

	for (int same = 0; same < 20; same++) {
		nanosleep(&(struct timespec) { .tv_nsec = 10000000 }, NULL);
		if (count_threads() != n) {
			n = count_threads();
			same = 0;
		}
	}
	return n;
}
#endif

/* A plan has at most as many threads as its options say, whatever the plan before it had: fewer where it searches fewer budgets side by
 * side, or where LLVM's OpenMP keeps those of earlier plans. */
static void
test_thread_counts(struct layrub_problem *p)
{
#ifdef _OPENMP
	static const uint32_t most[] = { 1, 3, 2 };
	int before = settled_threads();

	for (size_t i = 0; i < sizeof(most) / sizeof(most[0]) && before > 0; i++) {
		struct watcher w = { .problem = p, .options = PLAN(.budget_percent = 92, .threads = most[i], .effort = 0.2) };
		pthread_t thread;

		if (pthread_create(&thread, NULL, work_watched, &w) != 0)
			abort();
		pthread_join(thread, NULL);
		ok(w.threads > 0 && w.threads <= before + (int)most[i], "at most %u threads (%d after %d)", (unsigned)most[i], w.threads, before);
		free(w.text);
		before = settled_threads();
	}
	if (before > 0)
		return;
#else
	(void)p;
#endif
	tap_skip("threads of a plan", "no OpenMP, or no /proc");
}

static void
test_watched(void)
{
	struct layrub_problem *p = layrub_problem_open("graphs/vgg16", &on_h100, NULL);

	if (!ok(p != NULL, "a problem to watch"))
		return;
	test_cancel(p);
	test_limits(p);
	test_two_at_once(p);
	test_thread_counts(p);
	layrub_problem_free(p);
}

/* ---- memory ---- */

/* A whole session; true when every failure was said to be one of the system. */
static bool
session(bool *done)
{
	struct layrub_error e = LAYRUB_ERROR_INIT;
	struct layrub_names *names = layrub_names_find(LAYRUB_DEVICES, &e);
	struct layrub_problem *p = names == NULL ? NULL : open_toy(&on_h100, &e);
	struct layrub_plan *plan = p == NULL ? NULL : layrub_plan_make(p, &(struct layrub_plan_options) PLAN(.policy = "capuchin", .budget_percent = 80), &e);
	size_t size;
	char *text = plan == NULL ? NULL : layrub_plan_text(plan, &size, &e);
	struct layrub_plan *read = text == NULL ? NULL : layrub_plan_parse(text, size, &e);
	struct layrub_figures f = LAYRUB_FIGURES_INIT;
	bool good = read != NULL && layrub_plan_check(read, p, &e) == 0 && layrub_plan_simulate(read, NULL, &f, NULL, &e) == 0;

	layrub_plan_free(read);
	layrub_plan_free(plan);
	layrub_problem_free(p);
	layrub_names_free(names);
	free(text);
	*done = good;
	return good || (e.code == LAYRUB_SYSTEM && strstr(e.text, "memory") != NULL);
}

static void
test_out_of_memory(void)
{
	bool done = false, said = true;
	long n;

	for (n = 0; n < 10000 && !done && said; n++) {
		atomic_store(&until_failure, n);
		said = session(&done);
	}
	atomic_store(&until_failure, -1);
	ok(said && done, "every allocation of a session fails once, and is said to");
	diag("%ld allocations", n - 1);
	ok(n > 10, "there were some");
}

int
main(void)
{
	atomic_store(&until_failure, -1);
	test_names();
	test_problem_errors();
	test_plan_errors();
	test_reasons();
	test_more_reasons();
	test_option_sizes();
	test_result_sizes();
	test_needs();
	test_plan();
	test_homes();
	test_threads(true);
	test_threads(false);
	test_watched();
	test_out_of_memory();
	return tap_done();
}
