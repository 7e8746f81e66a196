/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_simulate.c - layrub simulate: how long a plan's step takes, and what if the machine were another */
#include <config.h>
#include "src/command/command.h"

#include <stdlib.h>
#include <string.h>

#include "sim/check/check.h"
#include "sim/time/jitter.h"
#include "sim/time/simulate.h"
#include "sim/time/what_if.h"
#include "src/command/result.h"
#include "src/library/task.h"

enum { LARGEST_STALLS = 10, DEFAULT_RUNS = 100 };

static struct {
	const char *device, *jitter;
	struct what_if change;
	double link;
	uint32_t runs, seed;
} given = { .change = WHAT_IF_INIT };

static const struct option_row options[] = {
	{ "device", 'd', OPTION_TEXT, "DEVICE", &given.device, "take link, contention and memory from this device:\n"
	    "a name or a file; op times stay (default: the\nplan's own)", NULL },
	{ "gpus-per-link", 0, OPTION_COUNT, "N", &given.change.gpus_per_link, "GPUs that share the link, all as busy as this one\n(default: 1)", NULL },
	{ "h2d", 0, OPTION_RATE, "RATE", &given.change.rate[H2D], "rate of copies to the device (default: the device's\nown)", NULL },
	{ "d2h", 0, OPTION_RATE, "RATE", &given.change.rate[D2H], "rate of copies to the host (default: the device's\nown)", NULL },
	{ "link", 0, OPTION_RATE, "RATE", &given.link, "rate of either direction, instead of --h2d and\n--d2h (default: the device's own)", NULL },
	{ "duplex", 0, OPTION_RATE, "RATE", &given.change.duplex, "rate of both directions together (default: the\n"
	    "device's own, in proportion to the two)", NULL },
	{ "latency", 0, OPTION_TIME, "TIME", &given.change.latency, "time before a copy's first byte (default: the\ndevice's own)", NULL },
	{ "compute-scale", 0, OPTION_FACTOR, "X", &given.change.compute_scale, "compute is X times as fast (default: 1)", NULL },
	{ "jitter", 0, OPTION_TEXT, "PCT", &given.jitter, "draw each op's and copy's time evenly from so much\n"
	    "below to so much above its own (default: none)", NULL },
	{ "runs", 0, OPTION_COUNT, "N", &given.runs, "with --jitter: steps to draw (default: 100)", NULL },
	{ "seed", 0, OPTION_COUNT, "N", &given.seed, "with --jitter: seed of the draws (default: 1)", NULL },
	OPTION_END
};

/* Fills *d with the device to simulate on: the plan's or another, with the changes that options ask for. */
static int
changed_device(struct device *d, const struct plan *p, struct arena *a, struct err *e)
{
	*d = *p->device;
	if (given.device != NULL && task_read_device(d, given.device, NULL, a, e) < 0)
		return -1;
	what_if_device(d, &given.change, a);
	return 0;
}

/* Reads the options of a change and of --jitter, so that their mistakes are found before the plan is read. */
static int
read_jitter(struct jitter *j, struct err *e)
{
	*j = (struct jitter) { .runs = given.runs == 0 ? DEFAULT_RUNS : given.runs, .seed = given.seed == 0 ? 1 : given.seed };
	if (what_if_both(&given.change, given.link, e) < 0 || what_if_check(&given.change, e) < 0)
		return usage_at(e, NULL);
	if (given.jitter == NULL)
		return given.runs == 0 && given.seed == 0 ? 0 :
		    usage_error(e, given.runs > 0 ? "--runs" : "--seed", "needs --jitter: without it every step is the same");
	if (units_parse_percent(given.jitter, &j->percent, e) < 0)
		return usage_at(e, "--jitter");
	if (j->percent >= 100)
		return usage_error(e, "--jitter", "expected less than 100%%, got %g%%", j->percent);
	if (j->runs > JITTER_RUNS_MAX)
		return usage_error(e, "--runs", "expected at most %d, got %" PRIu32, JITTER_RUNS_MAX, j->runs);
	return 0;
}

/* ---- stalls ---- */

static const char *const cause_names[QUEUE_COUNT + 1] = { "the end", "offload", "fetch", NULL };

/* Returns the cause of a stall: the queue of the awaited instruction, or the end of the step. */
static int
cause_of(const struct plan *p, const struct sim_stall *s)
{
	return s->waiting == PLAN_NONE || s->cause == PLAN_NONE ? QUEUE_COMPUTE : (int)p->program[s->cause].queue;
}

static double
length_of(const struct sim_stall *s)
{
	return s->end_us - s->start_us;
}

static int
longest_first(const void *a, const void *b)
{
	const struct sim_stall *x = a, *y = b;

	if (length_of(x) != length_of(y))
		return length_of(x) < length_of(y) ? 1 : -1;
	return (x->start_us > y->start_us) - (x->start_us < y->start_us);
}

static uint32_t
tensor_of(const struct plan *p, uint32_t instruction)
{
	const struct instruction *n;

	if (instruction == PLAN_NONE)
		return PLAN_NONE;
	n = &p->program[instruction];
	return n->queue == QUEUE_COMPUTE ? PLAN_NONE : p->buffers[n->device_buffer].tensor;
}

static const char *
waiting_name(const struct plan *p, const struct sim_stall *s)
{
	const struct instruction *n = s->waiting == PLAN_NONE ? NULL : &p->program[s->waiting];

	return n == NULL || n->queue != QUEUE_COMPUTE ? NULL : p->graph->ops[n->op].name;
}

static void
print_stalls(const struct plan *p, const struct sim_result *sr, const struct sim_stall *stalls)
{
	double by_cause[QUEUE_COUNT] = { 0 };
	uint32_t count[QUEUE_COUNT] = { 0 }, shown = sr->stall_count < LARGEST_STALLS ? sr->stall_count : LARGEST_STALLS;
	char time[32], name[48], q[48];

	for (uint32_t i = 0; i < sr->stall_count; i++) {
		by_cause[cause_of(p, &stalls[i])] += length_of(&stalls[i]);
		count[cause_of(p, &stalls[i])]++;
	}
	for (int k = 0; k < QUEUE_COUNT; k++) {
		snprintf(name, sizeof(name), "%s busy", queue_names[k]);
		text_row(stdout, name, "%s", units_time(time, sr->busy_us[k]));
	}
	for (int k = 0; k < QUEUE_COUNT; k++) {
		if (count[k] == 0)
			continue;
		snprintf(name, sizeof(name), "waits for %s", cause_names[k]);
		text_row(stdout, name, "%s in %" PRIu32, units_time(time, by_cause[k]), count[k]);
	}
	if (shown > 0)
		printf("\nlongest waits\n");
	for (uint32_t i = 0; i < shown; i++) {
		const struct sim_stall *s = &stalls[i];
		uint32_t tensor = tensor_of(p, s->cause);
		const char *op = waiting_name(p, s);

		snprintf(name, sizeof(name), "  %s", units_time(time, length_of(s)));
		if (tensor == PLAN_NONE)
			text_row(stdout, name, "before %s", op == NULL ? "the end" : err_quote(q, op));
		else
			text_row(stdout, name, "before %s, for the %s of tensor %" PRIu32, op == NULL ? "the end" : err_quote(q, op),
			    cause_of(p, s) == QUEUE_COMPUTE ? "copy" : cause_names[cause_of(p, s)], tensor);
	}
}

static void
stalls_to_json(struct json_out *o, const struct plan *p, const struct sim_result *sr, const struct sim_stall *stalls)
{
	json_out_object(o, "busy_us", false);
	for (int k = 0; k < QUEUE_COUNT; k++)
		json_out_real(o, queue_names[k], sr->busy_us[k]);
	json_out_end_object(o);
	json_out_uint(o, "stall_count", sr->stall_count);
	json_out_array(o, "stalls", true);
	for (uint32_t i = 0; i < sr->stall_count && i < LARGEST_STALLS; i++) {
		const struct sim_stall *s = &stalls[i];

		json_out_object(o, NULL, false);
		json_out_real(o, "start_us", s->start_us);
		json_out_real(o, "time_us", length_of(s));
		json_out_string(o, "cause", cause_names[cause_of(p, s)]);
		if (waiting_name(p, s) != NULL)
			json_out_string(o, "op", waiting_name(p, s));
		if (tensor_of(p, s->cause) != PLAN_NONE)
			json_out_uint(o, "tensor", tensor_of(p, s->cause));
		json_out_end_object(o);
	}
	json_out_end_array(o);
}

/* ---- jitter ---- */

static void
print_spread(const char *label, const struct spread *s)
{
	char low[32], middle[32], high[32];

	text_row(stdout, label, "%s, %s, %s", units_time(low, s->p5), units_time(middle, s->p50), units_time(high, s->p95));
}

static void
print_jitter(const struct jitter *j, const struct jitter_result *jr)
{
	printf("\n%" PRIu32 " steps, every time drawn from %g %% around its own (p5, p50, p95)\n", j->runs, j->percent);
	print_spread("  step time", &jr->step_time_us);
	print_spread("  stalled", &jr->stall_time_us);
}

static void
spread_to_json(struct json_out *o, const char *key, const struct spread *s)
{
	json_out_object(o, key, false);
	json_out_real(o, "p5", s->p5);
	json_out_real(o, "p50", s->p50);
	json_out_real(o, "p95", s->p95);
	json_out_end_object(o);
}

static void
jitter_to_json(struct json_out *o, const struct jitter *j, const struct jitter_result *jr)
{
	json_out_object(o, "jitter", true);
	json_out_real(o, "percent", j->percent);
	json_out_uint(o, "runs", j->runs);
	json_out_uint(o, "seed", j->seed);
	spread_to_json(o, "step_time_us", &jr->step_time_us);
	spread_to_json(o, "stall_time_us", &jr->stall_time_us);
	json_out_end_object(o);
}

static void
print_result(const struct figures *f, const struct plan *p, const struct sim_result *sr, const struct jitter *j,
    const struct jitter_result *jr, const struct cli *c)
{
	struct json_out o;

	if (sr->stall_count > 0)
		qsort(sr->stalls, sr->stall_count, sizeof(*sr->stalls), longest_first);
	if (!c->json) {
		result_print(f, stdout);
		print_stalls(p, sr, sr->stalls);
		if (given.jitter != NULL)
			print_jitter(j, jr);
		return;
	}
	result_begin(&o, cmd_simulate.name, stdout);
	result_to_json(f, &o);
	stalls_to_json(&o, p, sr, sr->stalls);
	if (given.jitter != NULL)
		jitter_to_json(&o, j, jr);
	json_out_end(&o);
}

static int
run(struct cli *c, struct err *e)
{
	struct jitter_result jr = { 0 };
	struct sim_result sr;
	struct jitter j;
	struct device d;
	struct figures f;
	struct plan p;

	if (read_jitter(&j, e) < 0)
		return -1;
	if (begin_plan(&p, c, e) < 0)
		return -1;
	if (check_plan(&p, &c->arena, e) < 0)
		return err_in_file(e, c->operands[0]);
	if (changed_device(&d, &p, &c->arena, e) < 0)
		return -1;
	if (what_if_fits(&p, &d, e) < 0)
		return err_in_file(e, c->operands[0]);
	if (given.change.compute_scale > 0)
		what_if_compute(&p, given.change.compute_scale, &c->arena);
	if (simulate(&sr, &p, &d, &c->arena, e) < 0)
		return err_in_file(e, c->operands[0]);
	if (given.jitter != NULL && jitter_run(&jr, &p, &d, &j, &c->arena, e) < 0)
		return err_in_file(e, c->operands[0]);
	figures_of_plan(&f, &p);
	f.device = d.name;
	f.status = NULL;
	figures_simulate(&f, &sr, given.device != NULL || what_if_any(&given.change));
	print_result(&f, &p, &sr, &j, &jr, c);
	return 0;
}

const struct command cmd_simulate = {
	"simulate", "PLAN", 1, 1, "Time a plan's step: queues, copies, stalls, memory", options, run, FOR_NONE
};
