/* SPDX-License-Identifier: Apache-2.0 */
/* layrub-replay: execute a plan on real data, or measure a machine. */
#include <config.h>

#include <getopt.h>
#include <math.h>
#include <string.h>

#include "cuda_validate/measure.h"
#include "cuda_validate/replay.h"
#include "sim/check.h"
#include "sim/trace.h"
#include "src/json.h"
#include "src/lookup.h"
#include "src/process.h"
#ifdef HAVE_CUDA
#include "cuda_validate/calibrate.h"
#endif

static const struct backend *const backends[] = {
#ifdef HAVE_CUDA
	&backend_cuda,
#endif
	&backend_host, NULL
};

/* Everything of one run of the program. */
struct session {
	const char *plan;		/* the one at hand */
	const char *graph, *backend, *device, *trace, *output;
	struct replay_options options;
	uint32_t seeds;
	const char *const *plans;	/* [plan_count] operands */
	int plan_count;
	bytes_t pinned_bytes;
	bool json, help, version, calibrate, unchecked;
	struct plan document;
	struct replay replay;
	struct arena arena, replay_arena;	/* of the documents; of one replay */
	struct err err;
};

enum option_id {
	OPT_GRAPH = 256, OPT_BACKEND, OPT_STEPS, OPT_TOUCH, OPT_TIME, OPT_JITTER, OPT_SEED, OPT_SEEDS, OPT_CAPTURE, OPT_TRACE,
	OPT_JSON, OPT_MAX_INPUT, OPT_CALIBRATE, OPT_PINNED, OPT_UNCHECKED, OPT_VERSION
};

static const struct option long_options[] = {
	{ "graph", required_argument, NULL, OPT_GRAPH },
	{ "backend", required_argument, NULL, OPT_BACKEND },
	{ "steps", required_argument, NULL, OPT_STEPS },
	{ "touch", required_argument, NULL, OPT_TOUCH },
	{ "time", required_argument, NULL, OPT_TIME },
	{ "jitter", required_argument, NULL, OPT_JITTER },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "seeds", required_argument, NULL, OPT_SEEDS },
	{ "capture", no_argument, NULL, OPT_CAPTURE },
	{ "trace", required_argument, NULL, OPT_TRACE },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "max-input", required_argument, NULL, OPT_MAX_INPUT },
	{ "device", required_argument, NULL, 'd' },
	{ "calibrate", no_argument, NULL, OPT_CALIBRATE },
	{ "pinned", required_argument, NULL, OPT_PINNED },
	{ "output", required_argument, NULL, 'o' },
	{ "test-only-unchecked", no_argument, NULL, OPT_UNCHECKED },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 }
};

static void
print_help(void)
{
	fputs("Usage: layrub-replay PLAN... [OPTION]...\n"
	    "       layrub-replay --calibrate -o DEVICE [OPTION]...\n"
	    "Execute plans on real data: proof that they are sound, and a measurement of how true\n"
	    "their predicted times are.\n\n", stdout);
	for (const struct backend *const *b = backends; *b != NULL; b++)
		printf("  --backend %-16s %s%s\n", (*b)->name, (*b)->summary, b == backends ? " (default)" : "");
	fputs("  --graph GRAPH              the plan must be for this graph: a name or a file\n"
	    "  --steps N                  steps after the first one, which warms up (default: 3)\n"
	    "  --touch all|sample         ops read and write every word, which proves the data, or a\n"
	    "                             few of each tensor, which leaves time to the op (default: all)\n"
	    "  --time none|traced         ops end at once, or last as long as the graph says (default: none)\n"
	    "  --jitter PCT               hold instructions up at random, on average by half of PCT per cent of\n"
	    "                             one's time, and at least of 20 us\n"
	    "  --seed N                   of data and delays (default: 1)\n"
	    "  --seeds N                  replay N times, with N seeds from --seed on (default: 1)\n"
	    "  --capture                  launch the step as one CUDA graph\n"
	    "  --trace FILE               write the predicted and the measured timeline for a trace viewer\n"
	    "  -d, --device DEVICE        predict with this device instead of the plan's: a name or a file\n"
	    "  --calibrate                measure this machine and write its device document\n"
	    "  -o, --output FILE          where --calibrate writes it\n"
	    "  --pinned SIZE              page-locked memory that the document grants to plans\n"
	    "      --json                 print the result as one JSON document; of several plans, one a line\n"
	    "      --max-input SIZE       refuse larger input files (default: 256MiB)\n"
	    "  -h, --help                 print this help\n"
	    "      --version              print the version\n"
	    "\nWith --calibrate, --device names the document to take from what cannot be measured.\n"
	    "Exit status: 0 the data is right, 1 it is not, or the plan is unsound, 2 bad usage or input,\n"
	    "3 the system failed.\n", stdout);
}

/* ---- options ---- */

static int
read_count(const char *value, uint64_t min, uint64_t max, uint64_t *to, struct err *e)
{
	return units_parse_count(value, min, max, to, e);
}

/* Which of two words value is: 0 or 1. */
static int
read_word(const char *value, const char *zero, const char *one, bool *to, struct err *e)
{
	char q[48];

	if (strcmp(value, zero) != 0 && strcmp(value, one) != 0)
		return err_set(e, ERR_INPUT, "expected '%s' or '%s', got '%s'", zero, one, err_quote(q, value));
	*to = strcmp(value, one) == 0;
	return 0;
}

static int
read_backend(struct session *s, const char *value)
{
	char q[48];

	for (const struct backend *const *b = backends; *b != NULL; b++)
		if (strcmp((*b)->name, value) == 0) {
			s->backend = value;
			return 0;
		}
	if (strcmp(value, "cuda") == 0)
		return err_set(&s->err, ERR_INPUT, "this program was built without CUDA: only 'host' is there");
	return err_set(&s->err, ERR_INPUT, "expected 'host' or 'cuda', got '%s'", err_quote(q, value));
}

static int
read_option(struct session *s, int id, const char *value)
{
	struct err *e = &s->err;
	uint64_t n = 0;
	int rc = 0;

	switch (id) {
	case OPT_GRAPH:		s->graph = value; return 0;
	case OPT_TRACE:		s->trace = value; return 0;
	case 'd':		s->device = value; return 0;
	case 'o':		s->output = value; return 0;
	case OPT_CAPTURE:	s->options.capture = true; return 0;
	case OPT_JSON:		s->json = true; return 0;
	case OPT_CALIBRATE:	s->calibrate = true; return 0;
	case OPT_UNCHECKED:	s->unchecked = true; return 0;
	case 'h':		s->help = true; return 0;
	case OPT_VERSION:	s->version = true; return 0;
	case OPT_BACKEND:	return read_backend(s, value);
	case OPT_TOUCH:		return read_word(value, "all", "sample", &s->options.sample, e);
	case OPT_TIME:		return read_word(value, "none", "traced", &s->options.traced, e);
	case OPT_SEED:		return read_count(value, 0, UINT32_MAX, &s->options.seed, e);
	case OPT_PINNED:	return units_parse_size(value, &s->pinned_bytes, e);
	case OPT_MAX_INPUT:	return units_parse_size(value, &json_max_input, e);
	case OPT_JITTER:
		if (units_parse_percent(value, &s->options.jitter, e) < 0)
			return -1;
		return s->options.jitter <= 1e6 ? 0 : err_set(e, ERR_INPUT, "expected at most 1000000 per cent, got '%s'", value);
	case OPT_SEEDS:
		rc = read_count(value, 1, 1000000, &n, e);
		s->seeds = (uint32_t)n;
		return rc;
	case OPT_STEPS:
		rc = read_count(value, 1, 1000000, &n, e);
		s->options.steps = (uint32_t)n;
		return rc;
	}
	return 0;
}

static const char *
option_name(int id)
{
	for (const struct option *o = long_options; o->name != NULL; o++)
		if (o->val == id)
			return o->name;
	return "";
}

static int
parse(struct session *s, int argc, char **argv)
{
	struct err *e = &s->err;
	int id, at;
	char q[48];

	opterr = 0;
	for (;;) {
		at = optind;
		id = getopt_long(argc, argv, ":hd:o:", long_options, NULL);
		if (id == -1)
			break;
		if (id == ':')
			return err_set(e, ERR_INPUT, "expected a value after '%s', got none", err_quote(q, argv[optind - 1]));
		if (id == '?')
			return err_set(e, ERR_INPUT, "unknown option '%s'", err_quote(q, argv[optind > at ? optind - 1 : at]));
		if (read_option(s, id, optarg) < 0)
			return err_at(e, "--%s", option_name(id));
	}
	if (s->help || s->version)
		return 0;
	if (s->calibrate && optind < argc)
		return err_set(e, ERR_INPUT, "unexpected argument '%s'", err_quote(q, argv[optind]));
	if (!s->calibrate && optind == argc)
		return err_set(e, ERR_INPUT, "expected PLAN, got nothing");
	if (s->calibrate && s->output == NULL)
		return err_set(e, ERR_INPUT, "--calibrate needs --output: a file for the device document");
	if (s->trace != NULL && optind + 1 < argc)
		return err_set(e, ERR_INPUT, "--trace takes one plan, got %d", argc - optind);
	s->plans = (const char *const *)argv + optind;
	s->plan_count = argc - optind;
	return 0;
}

/* ---- running ---- */

static int
check_graph(const struct session *s, const struct plan *p, struct arena *a, struct err *e)
{
	const char *path = lookup(s->graph, LOOKUP_GRAPH, a, e);
	char want[33], got[33];
	struct graph g;

	if (path == NULL || graph_read(&g, path, a, e) < 0)
		return -1;
	graph_digest(&g, want, a);
	graph_digest(p->graph, got, a);
	if (strcmp(want, got) == 0)
		return 0;
	err_set(e, ERR_NO, "made for another graph: expected digest %s, got %s", want, got);
	err_at(e, "graph");
	return err_in_file(e, s->plan);
}

static const struct backend *
find_backend(const char *name)
{
	for (const struct backend *const *b = backends; name != NULL && *b != NULL; b++)
		if (strcmp((*b)->name, name) == 0)
			return *b;
	return backends[0];
}

/* The plan, sound unless a test says otherwise, and the device to predict with. */
static int
read_input(struct session *s, struct plan *p, struct device *d, struct err *e)
{
	const char *path;

	if (plan_read(p, s->plan, &s->arena, e) < 0 || (s->graph != NULL && check_graph(s, p, &s->arena, e) < 0))
		return -1;
	if (!s->unchecked && check_plan(p, &s->arena, e) < 0)
		return err_in_file(e, s->plan);
	*d = *p->device;
	if (s->device == NULL)
		return 0;
	path = lookup(s->device, LOOKUP_DEVICE, &s->arena, e);
	return path == NULL ? -1 : device_read(d, path, &s->arena, e);
}

static int
write_timelines(struct session *s, const struct measures *m, struct err *e)
{
	const struct timeline lines[] = { { "predicted", &m->predicted }, { "measured", &s->replay.timeline } };

	return trace_write(s->trace, m->replay->job.plan, lines, 2, &s->arena, e);
}

static int
replay_once(void *arg)
{
	struct session *s = arg;

	return replay_run(&s->replay, &s->document, find_backend(s->backend), &s->options, &s->replay_arena, &s->err);
}

/* Replay with each seed; the last replay stays open. */
static int
replay_seeds(struct session *s)
{
	struct replay_options *o = &s->options;
	uint64_t first = o->seed;
	size_t length;
	int rc = 0;

	for (uint32_t k = 0; rc == 0 && k < s->seeds && (k == 0 || !interrupt_came()); k++) {
		o->seed = first + k;
		replay_close(&s->replay);
		arena_free(&s->replay_arena);
		rc = arena_run(&s->replay_arena, replay_once, s, &s->err);
	}
	length = strlen(s->err.text);
	if (rc < 0 && s->err.code == ERR_NO && s->seeds > 1)
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
	s->options.spans = s->trace != NULL || s->options.traced;
	s->options.stopped = interrupt_came;
	interrupt_watch();
	rc = replay_seeds(s);
	interrupt_end(rc == 0);
	if (rc < 0)
		return -1;
	if (interrupt_came())
		fprintf(stderr, "layrub-replay: warning: interrupted: this is what was replayed until then\n");
	if (measure(&m, &s->replay, &d, &s->arena, e) < 0)
		return err_in_file(e, s->plan);
	if (s->trace != NULL && write_timelines(s, &m, e) < 0)
		return -1;
	if (s->json)
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
	return calibrate(s->output, s->device, s->pinned_bytes, s->json, stdout, &s->arena, &s->err);
#else
	return err_set(&s->err, ERR_SYSTEM, "this program was built without CUDA: there is no GPU to calibrate");
#endif
}

static int
exit_status(enum err_code code)
{
	switch (code) {
	case ERR_NONE:	return EXIT_YES;
	case ERR_INPUT:	return EXIT_BAD;
	case ERR_NO:	return EXIT_NO;
	default:	return EXIT_SYSTEM;
	}
}

/* Print the error, if there is one, and make ready for the next plan; the exit status. */
static int
conclude(struct session *s, int rc)
{
	int status;

	replay_close(&s->replay);
	arena_free(&s->replay_arena);
	arena_free(&s->arena);
	if (rc < 0 && s->err.code == ERR_NONE)
		err_set(&s->err, ERR_SYSTEM, "failed without a reason");
	status = exit_status(s->err.code);
	if (status == EXIT_YES)
		return status;
	if (status == EXIT_NO && s->json)
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

/* One plan after the other; the worst status. */
static int
replay_all(struct session *s)
{
	const struct backend *b = find_backend(s->backend);
	int status = EXIT_YES, one;

	for (int k = 0; k < s->plan_count; k++) {
		s->plan = s->plans[k];
		one = finish(conclude(s, arena_run(&s->arena, replay_plan, s, &s->err)));
		status = one > status ? one : status;
		/* All plans are the answer. */
		if (interrupt_came() && k + 1 < s->plan_count)
			interrupt_end(false);
	}
	if (b->end != NULL)
		b->end();
	return status;
}

int
main(int argc, char **argv)
{
	static struct session s = { .options = { .steps = 3, .seed = 1 }, .seeds = 1, .arena = ARENA_INIT, .replay_arena = ARENA_INIT,
		.err = ERR_INIT };
	int status;

	process_begin();
	if (parse(&s, argc, argv) < 0) {
		status = conclude(&s, -1);
		fputs("Try 'layrub-replay --help'.\n", stderr);
		return finish(status);
	}
	if (s.help)
		print_help();
	else if (s.version)
		fputs("layrub-replay " PACKAGE_VERSION "\n", stdout);
	else if (s.calibrate)
		return finish(conclude(&s, arena_run(&s.arena, run_calibrate, &s, &s.err)));
	else
		return finish(replay_all(&s));
	return finish(EXIT_YES);
}
