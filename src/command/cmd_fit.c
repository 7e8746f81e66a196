/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_fit.c - layrub fit: does this training step fit this device, at which batch, and what would make it fit */
#include <config.h>
#include "src/command/command.h"

#include <math.h>
#include <string.h>

#include "src/command/fit_devices.h"
#include "src/command/result.h"
#include "src/library/fit.h"

static const char *slowdown, *largest;

static const char *
table_axes(unsigned i, const char **summary)
{
	if (summary != NULL)
		*summary = NULL;
	return fit_axis_names[i];
}

static const struct option_row options[] = {
	{ "slowdown", 0, OPTION_TEXT, "PCT", &slowdown, "how much longer than the ideal time a step may take\n"
	    "(default: 25%)", NULL },
	{ "largest", 0, OPTION_CHOICE, "NAME", &largest, "search the largest batch, seq (the length of the\nsequence) or image (its height) (default: batch)", table_axes },
	OPTION_END
};

/* Returns the command that makes the plan of a step about the document `document`. */
static const char *
command_of(const struct fit_answer *w, const struct fit_way *way, const char *document, struct arena *a)
{
	const char *name = strrchr(document, '/');
	char *file = arena_strdup(a, name == NULL ? document : name + 1);
	struct plan_request q = w->problem.request;

	if (strlen(file) > 5 && strcmp(file + strlen(file) - 5, ".json") == 0)
		file[strlen(file) - 5] = '\0';
	q.task.batch = way->batch;
	if (way->size > 0 && way->size != w->problem.own && w->problem.axis != FIT_BATCH)
		*(w->problem.axis == FIT_SEQ ? &q.task.seq : &q.task.image) = fit_size(&w->problem, way->size);
	if (way->passes > 0)
		q.task.accumulate = way->passes;
	q.effort = way->effort;
	if (plan_given.budget == NULL)
		q.budget_bytes = 0;
	if (way->resident) {
		q.policy = "keep";
		q.exec_count = 0;
	}
	return arena_printf(a, "layrub plan %s%s -o %s", arena_quote(a, document), plan_request_text(&q, a),
	    arena_quote(a, arena_printf(a, "%s.plan.json", file)));
}

/* Returns the command that makes the plan of an evaluation; NULL: it has none. */
static const char *
evaluation_command(const struct fit_answer *w, const struct fit_evaluation *v, bool resident, const char *document, struct arena *a)
{
	const struct fit_way way = { .batch = v->batch, .size = v->size, .passes = v->passes, .effort = v->effort, .resident = resident };

	return v->has_plan ? command_of(w, &way, document, a) : NULL;
}

/* The commands of an answer; NULL: it has no such plan. */
struct fit_commands {
	const char *largest;		/* of the largest size with a plan */
	const char *answer;		/* of the size that was asked for, or if that does not fit, of the largest */
	const char *fastest;
};

static struct fit_commands
commands_of(const struct fit_answer *w, const char *document, struct arena *a)
{
	const struct fit_evaluation *most = &w->most_planned;
	struct fit_commands all = { .fastest = w->fastest.batch > 0 ? command_of(w, &w->fastest, document, a) : NULL };

	if (most->size > 0)
		all.largest = evaluation_command(w, most, most->size <= w->most_resident.size, document, a);
	all.answer = w->fits || !w->problem.task->is_network ? evaluation_command(w, &w->planned, w->resident.ok, document, a) : all.largest;
	return all;
}

/* The words of an axis. */
static const struct { const char *largest, *at_least, *none; } words[] = {
	[FIT_BATCH] = { "largest batch", "at least batch", "at no batch" },
	[FIT_SEQ] = { "longest sequence", "at least a sequence of", "at no length" },
	[FIT_IMAGE] = { "largest image", "at least an image of", "at no size" }
};

/* Prints the largest size without a plan, or with one. */
static void
print_largest(const char *label, const struct fit_answer *w, const struct fit_evaluation *v, bool proved, const char *more, struct arena *a)
{
	const struct fit_problem *p = &w->problem;
	uint32_t count = p->task->accumulate;
	const char *passes = p->axis == FIT_BATCH && count > 1 ? arena_printf(a, " x %" PRIu32, count) : "";
	double rate = fit_samples_per_s(v, count);
	const char *tokens = p->axis == FIT_SEQ ? arena_printf(a, ", %.0f tokens/s", rate * fit_size(p, v->size)) : "";

	if (v->size > 0)
		text_row(stdout, label, "%s %" PRIu32 "%s%s%.4g samples/s%s", proved ? words[p->axis].largest : words[p->axis].at_least,
		    fit_size(p, v->size), passes, more, rate, tokens);
	else
		text_row(stdout, label, "%s", w->unfinished ? "the search was interrupted" : words[p->axis].none);
}

static void
print_sizes(const struct fit_answer *w, const char *command, struct arena *a)
{
	const struct fit_evaluation *v = &w->most_planned;
	double ideal = w->planned.ideal_time_us;
	char time[32];

	putchar('\n');
	print_largest("all resident", w, &w->most_resident, !w->unfinished, ": ", a);
	print_largest("with a plan", w, v, w->is_largest, arena_printf(a, " (at most %g %% slower): %s a step, %.1f %% longer, ",
	    100 * w->problem.most_overhead, units_time(time, v->figures.step_time_us), 100 * v->overhead), a);
	if (command != NULL)
		text_row(stdout, "  made by", "%s", command);
	if (w->resident.ok || (w->unfinished && w->micro.micro_batch == 0))
		return;
	if (w->mixture.ok)
		text_row(stdout, "accumulation", "batch %s as %" PRIu32 " micro-steps of %" PRIu32 ", %s, %s a step, %.1f %% longer",
		    task_batch_text(w->problem.task, a), w->mixture.passes, w->mixture.batch, w->mixture_resident ? "all resident" : "with a plan",
		    units_time(time, w->mixture.figures.step_time_us),
		    100 * (w->mixture.figures.step_time_us / ideal - 1));
	else if (w->micro.micro_batch > 0)
		text_row(stdout, "accumulation", "batch %s as %" PRIu32 " micro-steps of %" PRIu32 ", %s a step, %.1f %% longer",
		    task_batch_text(w->problem.task, a), w->micro.micro_steps, w->micro.micro_batch, units_time(time, w->micro.step_time_us),
		    100 * (w->micro.step_time_us / ideal - 1));
	else
		text_row(stdout, "accumulation", "impossible: one sample and the gradients do not fit");
}

/* Returns the host memory of the plan, and its share of what can be pinned. */
static const char *
host_text(bytes_t bytes, const struct device *d, struct arena *a)
{
	char size[32], most[32];

	units_size(size, bytes);
	if (bytes == 0 || d->pinned_bytes == DEVICE_HOST_ANY)
		return arena_printf(a, "%s, pinned", size);
	return arena_printf(a, "%s, pinned: %.0f %% of the %s that can be", size, 100 * (double)bytes / (double)d->pinned_bytes,
	    units_size(most, d->pinned_bytes));
}

static void
print_fastest(const struct fit_way *way, const char *command, struct arena *a)
{
	const char *more = "";

	if (way->tokens_per_s > 0)
		more = arena_printf(a, "%s; %.0f tokens/s", more, way->tokens_per_s);
	if (way->peak_share > 0)
		more = arena_printf(a, "%s; %.0f %% of the device's peak arithmetic", more, 100 * way->peak_share);
	text_row(stdout, "most samples/s", "%.4g %s%s", way->samples_per_s, way->how, more);
	text_row(stdout, "  made by", "%s", command);
}

static void
print_answer(const struct fit_answer *w, const struct fit_commands *make, struct arena *a)
{
	const struct task *t = w->problem.task;
	char size[32], label[32];

	text_row(stdout, "graph", "%s", t->graph.name);
	text_row(stdout, "device", "%s", t->device.name);
	if (t->batch > 0)
		text_row(stdout, "batch", "%s", task_batch_text(t, a));
	text_row(stdout, "answer", "%s", w->verdict);
	printf("\nwhat it takes\n");
	for (int k = 0; k < KIND_COUNT; k++) {
		snprintf(label, sizeof(label), "  %s", kind_names[k]);
		if (w->kind_bytes[k] > 0)
			text_row(stdout, label, "%s", units_size(size, w->kind_bytes[k]));
	}
	text_row(stdout, "  activations", "%s", units_size(size, w->transient_bytes - w->gradient_bytes));
	if (w->gradient_bytes > 0)
		text_row(stdout, "  gradients", "%s", units_size(size, w->gradient_bytes));
	text_row(stdout, "  workspace", "%s", units_size(size, w->workspace_bytes));
	text_row(stdout, "  in all", "%s", units_size(size, w->planning.life.peak_bytes));
	text_row(stdout, "  available", "%s", units_size(size, w->planning.options.budget_bytes));
	text_row(stdout, "  reserved", "%s for the driver and libraries, not counted above", units_size(size, t->device.reserved_bytes));
	if (w->planned.has_plan) {
		char time[32], longer[32];

		text_row(stdout, "  host memory", "%s", host_text(w->planned.figures.host_bytes, &t->device, a));
		text_row(stdout, "step time", "%s, %s than ideal", units_time(time, w->planned.figures.step_time_us),
		    fit_longer(longer, w->planned.overhead));
	}
	if (t->is_network)
		print_sizes(w, make->largest, a);
	putchar('\n');
	if (make->fastest != NULL)
		print_fastest(&w->fastest, make->fastest, a);
	if (w->limit != NULL)
		text_row(stdout, "limit", "%s", w->limit);
	if (w->always != NULL)
		text_row(stdout, "at every batch", "%s", w->always);
	if (make->answer != NULL)
		text_row(stdout, "plan it", "%s", make->answer);
}

static void
evaluation_to_json(struct json_out *o, const char *key, const struct fit_evaluation *v, const char *command, const struct fit_problem *p)
{
	json_out_object(o, key, false);
	json_out_uint(o, fit_axis_names[p->axis], fit_size(p, v->size));
	if (v->has_plan) {
		json_out_real(o, "step_time_us", v->figures.step_time_us);
		json_out_real(o, "samples_per_s", fit_samples_per_s(v, p->task->accumulate));
		if (isfinite(v->overhead))
			json_out_real(o, "overhead", v->overhead);
		json_out_uint(o, "arena_bytes", v->figures.arena_bytes);
		json_out_uint(o, "host_bytes", v->figures.host_bytes);
	}
	if (command != NULL)
		json_out_string(o, "command", command);
	json_out_end_object(o);
}

static void
figures_of_answer(struct figures *f, const struct fit_answer *w)
{
	const struct fit_evaluation *v = &w->planned;

	planning_refused(f, &w->planning, v->why[0] == '\0' ? NULL : v->why);
	if (!v->has_plan)
		return;
	*f = v->figures;
	f->graph = w->problem.task->graph.name;
	f->device = w->problem.task->device.name;
	f->reason = v->why[0] == '\0' ? NULL : v->why;
	if (w->unfinished)
		f->status = "time-limit";
	/* The answer is about the step.  These four are about the plan. */
	f->found_by = f->configuration = NULL;
	f->fragmentation = f->bytes_gap = NAN;
}

static void
fastest_to_json(struct json_out *o, const struct fit_way *way, const char *command)
{
	json_out_object(o, "fastest", false);
	json_out_string(o, "how", way->how);
	json_out_uint(o, "batch", way->batch);
	if (way->passes > 0)
		json_out_uint(o, "accumulate", way->passes);
	json_out_real(o, "samples_per_s", way->samples_per_s);
	if (way->tokens_per_s > 0)
		json_out_real(o, "tokens_per_s", way->tokens_per_s);
	if (way->peak_share > 0)
		json_out_real(o, "peak_share", way->peak_share);
	json_out_string(o, "command", command);
	json_out_end_object(o);
}

static void
answer_to_json(const struct fit_answer *w, const struct fit_commands *make)
{
	struct json_out o;
	struct figures f;

	figures_of_answer(&f, w);
	result_begin(&o, cmd_fit.name, stdout);
	json_out_bool(&o, "fits", w->fits);
	json_out_string(&o, "answer", w->verdict);
	result_to_json(&f, &o);
	if (w->problem.task->accumulate > 1)
		json_out_uint(&o, "accumulate", w->problem.task->accumulate);
	json_out_uint(&o, "persistent_bytes", w->planning.life.persistent_bytes);
	json_out_uint(&o, "activation_bytes", w->transient_bytes - w->gradient_bytes);
	json_out_uint(&o, "gradient_bytes", w->gradient_bytes);
	json_out_uint(&o, "workspace_bytes", w->workspace_bytes);
	json_out_uint(&o, "step_peak_bytes", w->planning.life.peak_bytes);
	json_out_uint(&o, "reserved_bytes", w->problem.task->device.reserved_bytes);
	json_out_real(&o, "slowdown", w->problem.most_overhead);
	/* An unfinished search does not say that there is none. */
	if (w->problem.task->is_network && (!w->unfinished || w->most_resident.size > 0))
		evaluation_to_json(&o, "largest_resident", &w->most_resident, NULL, &w->problem);
	if (w->problem.task->is_network && (!w->unfinished || w->most_planned.size > 0))
		evaluation_to_json(&o, "largest_planned", &w->most_planned, make->largest, &w->problem);
	if (w->problem.task->is_network && !w->unfinished)
		json_out_bool(&o, "largest_is_proved", w->is_largest);
	if (w->mixture.ok) {
		json_out_object(&o, "accumulation_plan", false);
		json_out_uint(&o, "micro_batch", w->mixture.batch);
		json_out_uint(&o, "micro_steps", w->mixture.passes);
		json_out_bool(&o, "resident", w->mixture_resident);
		json_out_real(&o, "step_time_us", w->mixture.figures.step_time_us);
		json_out_end_object(&o);
	}
	if (w->micro.micro_batch > 0) {
		json_out_object(&o, "accumulation", false);
		json_out_uint(&o, "micro_batch", w->micro.micro_batch);
		json_out_uint(&o, "micro_steps", w->micro.micro_steps);
		json_out_real(&o, "step_time_us", w->micro.step_time_us);
		json_out_end_object(&o);
	}
	if (make->fastest != NULL)
		fastest_to_json(&o, &w->fastest, make->fastest);
	if (w->limit != NULL)
		json_out_string(&o, "limit", w->limit);
	if (w->always != NULL)
		json_out_string(&o, "at_every_batch", w->always);
	if (make->answer != NULL)
		json_out_string(&o, "command", make->answer);
	json_out_end(&o);
}

static int
run(struct cli *c, struct err *e)
{
	struct task task;
	struct fit_answer w = { .problem = { .task = &task, .most_overhead = 0.25 } };
	struct fit_commands make;
	int rc;

	if (strcmp(c->operands[0], "-") == 0)
		return usage_error(e, NULL, "expected a file or a name, got '-': the answer names a command that reads it again");
	if (request_share(&w.problem.most_overhead, "--slowdown", slowdown, e) < 0)
		return -1;
	if (plan_given.task.device == NULL && largest != NULL)
		return usage_error(e, "--largest", "needs --device");
	if (plan_given.task.device == NULL)
		return fit_devices(c, w.problem.most_overhead, e);
	if (begin_planning(&w.planning, &task, c, e) < 0 || fit_along(&w.problem, largest, e) < 0)
		return -1;
	w.problem.document = c->operands[0];
	w.problem.request = plan_given;
	w.problem.request.budget = NULL;
	w.problem.request.budget_bytes = w.planning.options.budget_bytes;
	w.problem.request.stopped = interrupted;
	w.problem.request.progress = watch_begin();
	rc = fit_answer(&w, &c->arena, e);
	watch_end(rc == 0);
	if (rc < 0)
		return -1;
	if (w.unfinished)
		warn("interrupted: larger sizes may fit, too");
	make = commands_of(&w, c->operands[0], &c->arena);
	if (c->json)
		answer_to_json(&w, &make);
	else
		print_answer(&w, &make, &c->arena);
	return w.fits ? 0 : err_set(e, ERR_NO, "%s does not fit %s", task.graph.name, task.device.name);
}

const struct command cmd_fit = {
	"fit", "NETWORK|GRAPH", 1, 1, "Say if a step fits a device, and at which batch", options, run, FOR_FIT
};
