/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - layrub-replay: executes plans on real data, or measures a machine */
#include <config.h>

#include <assert.h>
#include <getopt.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "cuda_validate/measure.h"
#include "cuda_validate/replay.h"
#include "sim/check/check.h"
#include "sim/report/trace.h"
#include "src/base/json.h"
#include "src/base/option.h"
#include "src/base/process.h"
#include "src/documents/lookup.h"
#ifdef HAVE_CUDA
#include "cuda_validate/calibrate.h"
#endif

enum { REPEATS_MAX = 1000000 };	/* of --steps and --seeds */

static const struct backend *const backends[] = {
#ifdef HAVE_CUDA
	&backend_cuda,
#endif
	&backend_host, NULL
};

/* Everything of one run of the program. */
struct session {
	const char *plan;		/* the current operand */
	const struct backend *backend;
	struct replay_options options;
	const char *const *plans;	/* [plan_count] operands */
	int plan_count;
	struct plan document;
	struct replay replay;
	struct arena arena;		/* of the documents */
	struct arena replay_arena;	/* of one replay */
	struct err err;
};

/* ---- options ---- */

static struct {
	const char *graph, *backend, *device, *trace, *output, *touch, *time, *jitter;
	uint32_t steps, seed, seeds;
	bytes_t pinned_bytes;
	bool capture, json, help, version, calibrate, unchecked;
} given = { .touch = "all", .time = "none", .steps = 3, .seed = 1, .seeds = 1 };

static const char *
table_backends(unsigned i, const char **summary)
{
	if (backends[i] == NULL)
		return NULL;
	if (summary != NULL)
		*summary = backends[i]->summary;
	return backends[i]->name;
}

static const char *
table_touches(unsigned i, const char **summary)
{
	static const char *const names[] = { "all", "sample", NULL };

	(void)summary;
	return names[i];
}

static const char *
table_clocks(unsigned i, const char **summary)
{
	static const char *const names[] = { "none", "traced", NULL };

	(void)summary;
	return names[i];
}

static const struct option_row options[] = {
	/* Parsed by hand, because a back end that was left out of the build has a message of its own. */
	{ "backend", 0, OPTION_TEXT, "BACKEND", &given.backend, "where the plan runs (default: the first that was\nbuilt)", table_backends },
	{ "graph", 'g', OPTION_TEXT, "GRAPH", &given.graph, "the plan must be for this graph: a name or a file\n(default: any graph)", NULL },
	{ "device", 'd', OPTION_TEXT, "DEVICE", &given.device, "predict with this device: a name or a file\n"
	    "(default: the plan's own); with --calibrate: take\nfrom it what cannot be measured (default: the one\nthat ships for this GPU)", NULL },
	{ "steps", 0, OPTION_COUNT, "N", &given.steps, "steps after the first one, which warms up\n(default: 3)", NULL },
	{ "touch", 0, OPTION_CHOICE, "WHAT", &given.touch, "ops read and write every word, which proves the\n"
	    "data, or a few of each tensor, which leaves time to\nthe op (default: all)", table_touches },
	{ "time", 0, OPTION_CHOICE, "TIMES", &given.time, "ops end at once, or last as long as the graph says\n(default: none)", table_clocks },
	{ "jitter", 0, OPTION_TEXT, "PCT", &given.jitter, "delay instructions at random, one in four; the mean\n"
	    "delay over all is PCT / 2 of their mean time, which\ncounts as at least 20us (default: none)", NULL },
	{ "seed", 0, OPTION_COUNT, "N", &given.seed, "seed of data and delays (default: 1)", NULL },
	{ "seeds", 0, OPTION_COUNT, "N", &given.seeds, "number of replays, each with the next seed from\n--seed on (default: 1)", NULL },
	{ "capture", 0, OPTION_FLAG, NULL, &given.capture, "launch the step as one CUDA graph", NULL },
	{ "trace", 0, OPTION_TEXT, "FILE", &given.trace, "write the predicted and the measured timeline for\n"
	    "Perfetto to this file (default: nowhere)", NULL },
	{ "calibrate", 0, OPTION_FLAG, NULL, &given.calibrate, "measure this machine instead and write its device\ndocument", NULL },
	{ "output", 'o', OPTION_TEXT, "FILE", &given.output, "with --calibrate: write the document to this file\n(required)", NULL },
	{ "pinned", 0, OPTION_SIZE, "SIZE", &given.pinned_bytes, "with --calibrate: page-locked memory that plans may\n"
	    "use (default: the document has no limit)", NULL },
	{ "json", 0, OPTION_FLAG, NULL, &given.json, "print the result as one JSON document; of several\nplans, one a line", NULL },
	{ "max-input", 0, OPTION_SIZE, "SIZE", &json_max_input, "refuse larger input files (default: 256MiB)", NULL },
	{ "help", 'h', OPTION_FLAG, NULL, &given.help, "print this help", NULL },
	{ "version", 0, OPTION_FLAG, NULL, &given.version, "print the version", NULL },
	{ "test-only-unchecked", 0, OPTION_FLAG, NULL, &given.unchecked, NULL, NULL },
	OPTION_END
};

static void
print_help(void)
{
	fputs("Usage: layrub-replay PLAN... [OPTION]...\n"
	    "       layrub-replay --calibrate -o FILE [OPTION]...\n"
	    "Execute plans on real data: proof that they are sound, and a measurement of the\n"
	    "error of their predicted times.\n\n", stdout);
	options_print(options);
	fputs("\nSizes are 12GiB, 12GB or bytes, PCT 25%.  As a file, '-' is standard input.\n"
	    "Exit status: 0 the data is right, 1 it is not, or the plan is unsound, 2 bad\n"
	    "usage or input, 3 the system failed.\n", stdout);
}

static int
find_backend(const struct backend **found, const char *name, struct err *e)
{
	char q[48];

	*found = backends[0];
	if (name == NULL)
		return 0;
	for (const struct backend *const *b = backends; *b != NULL; b++)
		if (strcmp((*b)->name, name) == 0) {
			*found = *b;
			return 0;
		}
	if (strcmp(name, "cuda") == 0)
		err_set(e, ERR_INPUT, "this program was built without CUDA: only 'host' is there");
	else
		err_set(e, ERR_INPUT, "expected 'host' or 'cuda', got '%s'", err_quote(q, name));
	return err_at(e, "--backend");
}

static int
read_jitter(double *percent, struct err *e)
{
	if (given.jitter == NULL)
		return 0;
	if (units_parse_percent(given.jitter, percent, e) < 0)
		return err_at(e, "--jitter");
	if (*percent <= 1e6)
		return 0;
	err_set(e, ERR_INPUT, "expected at most 1000000%%, got '%s'", given.jitter);
	return err_at(e, "--jitter");
}

static int
at_most(uint32_t count, uint32_t most, const char *option, struct err *e)
{
	if (count <= most)
		return 0;
	err_set(e, ERR_INPUT, "expected at most %" PRIu32 ", got %" PRIu32, most, count);
	return err_at(e, "%s", option);
}

static int
check_operands(int count, const char *first, struct err *e)
{
	char q[48];

	if (given.calibrate && count > 0)
		return err_set(e, ERR_INPUT, "unexpected argument '%s'", err_quote(q, first));
	if (!given.calibrate && count == 0)
		return err_set(e, ERR_INPUT, "expected PLAN, got nothing");
	if (given.calibrate && given.output == NULL)
		return err_set(e, ERR_INPUT, "--calibrate needs --output: a file for the device document");
	if (given.trace != NULL && count > 1)
		return err_set(e, ERR_INPUT, "--trace takes one plan, got %d", count);
	return 0;
}

static int
parse(struct session *s, int argc, char **argv)
{
	const struct option_row *const tables[] = { options, NULL };
	struct err *e = &s->err;

	if (options_parse(tables, argc, argv, NULL, NULL, e) < 0 || find_backend(&s->backend, given.backend, e) < 0)
		return -1;
	if (given.help || given.version)
		return 0;
	s->options = (struct replay_options) { .steps = given.steps, .seed = given.seed, .capture = given.capture,
		.sample = strcmp(given.touch, "sample") == 0, .traced = strcmp(given.time, "traced") == 0,
		.spans = given.trace != NULL || strcmp(given.time, "traced") == 0 };
	s->plans = (const char *const *)argv + optind;
	s->plan_count = argc - optind;
	if (read_jitter(&s->options.jitter, e) < 0 || at_most(given.steps, REPEATS_MAX, "--steps", e) < 0 ||
	    at_most(given.seeds, REPEATS_MAX, "--seeds", e) < 0)
		return -1;
	return check_operands(s->plan_count, s->plans[0], e);
}

/* ---- running ---- */

static int
check_given_graph(const struct session *s, const struct plan *p, struct arena *a, struct err *e)
{
	const char *path = lookup(given.graph, LOOKUP_GRAPH, a, e);
	struct graph g;

	if (path == NULL || graph_read(&g, path, a, e) < 0)
		return -1;
	return check_graph(p, &g, a, e) < 0 ? err_in_file(e, s->plan) : 0;
}

/* Reads the plan and the device to predict with.  The plan is checked, except under --test-only-unchecked. */
static int
read_input(struct session *s, struct plan *p, struct device *d, struct err *e)
{
	const char *path;

	if (plan_read(p, s->plan, &s->arena, e) < 0 ||
	    (given.graph != NULL && check_given_graph(s, p, &s->arena, e) < 0))
		return -1;
	if (!given.unchecked && check_plan(p, &s->arena, e) < 0)
		return err_in_file(e, s->plan);
	*d = *p->device;
	if (given.device == NULL)
		return 0;
	path = lookup(given.device, LOOKUP_DEVICE, &s->arena, e);
	return path == NULL ? -1 : device_read(d, path, &s->arena, e);
}

static int
write_timelines(struct session *s, const struct measures *m, struct err *e)
{
	const struct timeline lines[] = { { "predicted", &m->predicted }, { "measured", &s->replay.timeline } };

	return trace_write(given.trace, m->replay->job.plan, lines, 2, &s->arena, e);
}

/* Overwrites one line on stderr with the current step. */
static void
show_step(uint64_t step, uint64_t count)
{
	fprintf(stderr, "\rlayrub-replay: step %" PRIu64 " of %" PRIu64 "\033[K", step, count);
}

static void
clear_progress(const struct session *s)
{
	if (s->options.progress != NULL)
		fputs("\r\033[K", stderr);
}

static int
replay_once(void *arg)
{
	struct session *s = arg;

	return replay_run(&s->replay, &s->document, s->backend, &s->options, &s->replay_arena, &s->err);
}

/* Replays with each seed; the last replay stays open. */
static int
replay_seeds(struct session *s)
{
	struct replay_options *o = &s->options;
	uint64_t first = o->seed;
	size_t length;
	int rc = 0;

	for (uint32_t k = 0; rc == 0 && k < given.seeds && (k == 0 || !interrupt_came()); k++) {
		o->seed = first + k;
		replay_close(&s->replay);
		arena_free(&s->replay_arena);
		rc = arena_run(&s->replay_arena, replay_once, s, &s->err);
	}
	clear_progress(s);
	length = strlen(s->err.text);
	if (rc < 0 && s->err.code == ERR_NO && given.seeds > 1)
		snprintf(s->err.text + length, sizeof(s->err.text) - length, ", with seed %" PRIu64, o->seed);
	o->seed = first;
	return rc < 0 ? err_in_file(&s->err, s->plan) : 0;
}

static int
replay_plan(void *arg)
{
	struct session *s = arg;
	struct err *e = &s->err;
	struct measures m;
	struct device d;
	int rc;

	if (read_input(s, &s->document, &d, e) < 0)
		return -1;
	s->options.stopped = interrupt_came;
	s->options.progress = isatty(STDERR_FILENO) ? show_step : NULL;
	interrupt_watch();
	rc = replay_seeds(s);
	interrupt_end(rc == 0);
	if (rc < 0)
		return -1;
	if (interrupt_came())
		fprintf(stderr, "layrub-replay: warning: interrupted: this is what was replayed until then\n");
	if (measure(&m, &s->replay, &d, &s->arena, e) < 0)
		return err_in_file(e, s->plan);
	if (given.trace != NULL && write_timelines(s, &m, e) < 0)
		return -1;
	if (given.json)
		measure_to_json(&m, s->plan, d.name, s->plan_count == 1, stdout);
	else
		measure_print(&m, stdout);
	return 0;
}

static int
run_calibrate(void *arg)
{
	struct session *s = arg;

#ifdef HAVE_CUDA
	return calibrate(given.output, given.device, given.pinned_bytes, given.json, stdout, &s->arena, &s->err);
#else
	return err_set(&s->err, ERR_SYSTEM, "this program was built without CUDA: there is no GPU to calibrate");
#endif
}

/* Prints the error, if there is one, releases the plan's memory, and returns the exit status. */
static int
conclude(struct session *s, int rc)
{
	int status;

	replay_close(&s->replay);
	arena_free(&s->replay_arena);
	arena_free(&s->arena);
	if (rc < 0 && s->err.code == ERR_NONE)
		err_set(&s->err, ERR_SYSTEM, "failed without a reason");
	status = exit_status_of(s->err.code);
	if (status == EXIT_YES)
		return status;
	if (status == EXIT_NO && given.json)
		printf("{\"data_ok\": false}\n");
	fflush(stdout);
	err_print(&s->err, "layrub-replay", stderr);
	s->err = (struct err) ERR_INIT;
	return status;
}

static int
finish(int status)
{
	return process_flush("layrub-replay", status);
}

/* Replays one plan after the other; returns the worst status. */
static int
replay_all(struct session *s)
{
	int status = EXIT_YES, one;

	for (int k = 0; k < s->plan_count; k++) {
		s->plan = s->plans[k];
		one = finish(conclude(s, arena_run(&s->arena, replay_plan, s, &s->err)));
		status = one > status ? one : status;
		/* An interrupt ends the program before the next plan. */
		if (interrupt_came() && k + 1 < s->plan_count)
			interrupt_end(false);
	}
	assert(s->backend != NULL);
	if (s->backend->end != NULL)
		s->backend->end();
	return status;
}

int
main(int argc, char **argv)
{
	static struct session s = { .arena = ARENA_INIT, .replay_arena = ARENA_INIT, .err = ERR_INIT };
	int status;

	process_begin();
	if (parse(&s, argc, argv) < 0) {
		status = conclude(&s, -1);
		fputs("Try 'layrub-replay --help'.\n", stderr);
		return finish(status);
	}
	if (given.help)
		print_help();
	else if (given.version)
		fputs("layrub-replay " PACKAGE_VERSION "\n", stdout);
	else if (given.calibrate)
		return finish(conclude(&s, arena_run(&s.arena, run_calibrate, &s, &s.err)));
	else
		return finish(replay_all(&s));
	return finish(EXIT_YES);
}
