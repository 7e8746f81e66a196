/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_info.c - layrub info: the parts and the needs of a training step, before any plan */
#include <config.h>
#include "src/command/command.h"

#include "src/library/tables.h"

#include <string.h>

#include "planner/schedule/lifetimes.h"
#include "src/command/math_warning.h"
#include "src/command/result.h"
#include "src/documents/origin.h"
#include "src/library/task.h"

enum { PEAK_TENSORS = 10, PEAK_WORKSPACE = KIND_COUNT, PEAK_KINDS };

static struct task_options given;
static struct option_texts sets;

static const struct option_row options[] = {
	{ "device", 'd', OPTION_TEXT, "DEVICE", &given.device, "a name or a file: gives a network its op times and\n"
	    "says whether the step fits (default: none)", NULL },
	{ "batch", 'b', OPTION_COUNT, "N", &given.batch, "samples a step, for a network (default: its own)", NULL },
	{ "memory", 0, OPTION_TEXT, "SIZE", &given.memory, "the device's memory, what is reserved included\n(default: what the device document says)", NULL },
	{ "seq", 0, OPTION_COUNT, "N", &given.seq, "length of the sequence, for a network of ids\n(default: its own)", NULL },
	{ "image", 0, OPTION_COUNT, "N", &given.image, "height and width of the image, for a network of\nimages (default: its own)", NULL },
	{ "accumulate", 0, OPTION_COUNT, "N", &given.accumulate, "passes a step, for a network: their gradients are\n"
	    "added up before the update (default: its own)", NULL },
	{ "set", 0, OPTION_TEXTS, "PATH=VALUE", &sets, "change a network before it is read; PATH is\n"
	    "LAYER.ATTRIBUTE, where LAYER may be a pattern, or a\nkey such as dtype; may be repeated (default: no\nchange)", NULL },
	{ "lowering", 0, OPTION_CHOICE, "LOWERING", &given.lowering, "how a network becomes ops (default: reuse)", table_lowerings },
	{ "reorder", 0, OPTION_CHOICE, "ORDER", &given.reorder, "the order of ops (default: none, the graph's own)", table_reorders },
	OPTION_END
};

struct info {
	const struct task *task;
	const struct graph *graph;
	struct lifetimes life;
	uint32_t *at_peak, at_peak_count;	/* tensors alive at the peak, largest first */
	const struct origin *origins;		/* [tensor_count] */
	bytes_t total[KIND_COUNT], peak[PEAK_KINDS];
	uint32_t tensors[KIND_COUNT];
	double class_us[CLASS_COUNT];
	uint32_t class_ops[CLASS_COUNT];
};

static void
collect(struct info *f, const struct task *t, struct arena *a)
{
	const struct graph *g = f->graph;

	f->task = t;
	lifetimes_init(&f->life, g, a);
	f->at_peak = lifetimes_at(&f->life, f->life.peak_op, &f->at_peak_count, a);
	f->origins = graph_origins(g, a);
	for (uint32_t i = 0; i < g->tensor_count; i++) {
		f->total[g->tensors[i].kind] += bytes_align(g->tensors[i].bytes, DEVICE_ALIGN);
		f->tensors[g->tensors[i].kind]++;
	}
	for (uint32_t i = 0; i < f->at_peak_count; i++)
		f->peak[g->tensors[f->at_peak[i]].kind] += bytes_align(g->tensors[f->at_peak[i]].bytes, DEVICE_ALIGN);
	f->peak[PEAK_WORKSPACE] = bytes_align(g->ops[f->life.peak_op].workspace_bytes, DEVICE_ALIGN);
	for (uint32_t k = 0; k < g->op_count; k++) {
		f->class_us[g->ops[k].class] += g->ops[k].time_us;
		f->class_ops[g->ops[k].class]++;
	}
}

static double
percent_off(double predicted, double measured)
{
	return measured > 0 ? 100 * (predicted / measured - 1) : 0;
}

/* ---- for people ---- */

static void
print_kinds(const struct info *f)
{
	char total[32], peak[32];

	printf("\n%-20s %8s %12s %12s\n", "kind", "tensors", "in all", "at the peak");
	for (int k = 0; k < KIND_COUNT; k++)
		if (f->tensors[k] > 0)
			printf("%-20s %8" PRIu32 " %12s %12s\n", kind_names[k], f->tensors[k],
			    units_size(total, f->total[k]), units_size(peak, f->peak[k]));
	if (f->peak[PEAK_WORKSPACE] > 0)
		printf("%-20s %8s %12s %12s\n", "workspace", "", "", units_size(peak, f->peak[PEAK_WORKSPACE]));
}

static void
print_peak(const struct info *f, struct arena *a)
{
	const struct graph *g = f->graph;
	char label[48], size[32], name[48];

	printf("\nlargest at the peak, op %" PRIu32 " (%s)\n", f->life.peak_op, err_quote(name, g->ops[f->life.peak_op].name));
	for (uint32_t i = 0; i < f->at_peak_count && i < PEAK_TENSORS; i++) {
		uint32_t t = f->at_peak[i];

		snprintf(label, sizeof(label), "  tensor %" PRIu32, t);
		text_row(stdout, label, "%10s  %s", units_size(size, g->tensors[t].bytes), tensor_text(g, f->origins, t, a));
	}
}

static void
print_classes(const struct info *f)
{
	char time[32];

	if (f->life.ideal_time_us <= 0)
		return;
	printf("\n%-20s %8s %12s %12s\n", "class", "ops", "time", "share");
	for (int k = 0; k < CLASS_COUNT; k++)
		if (f->class_ops[k] > 0)
			printf("%-20s %8" PRIu32 " %12s %10.1f %%\n", op_class_names[k], f->class_ops[k],
			    units_time(time, f->class_us[k]), 100 * f->class_us[k] / f->life.ideal_time_us);
}

static void
print_measured(const struct info *f)
{
	const struct measured *m = &f->graph->measured;
	char size[32], time[32];

	if (m->step_time_us <= 0)
		return;
	putchar('\n');
	text_row(stdout, "measured on", "%s", m->device == NULL ? "an unnamed device" : m->device);
	text_row(stdout, "  peak", "%s (the graph's is %+.2f %%)", units_size(size, m->peak_bytes),
	    percent_off((double)f->life.peak_bytes, (double)m->peak_bytes));
	text_row(stdout, "  resident", "%s (the graph's is %+.2f %%)", units_size(size, m->resident_bytes),
	    percent_off((double)f->life.persistent_bytes, (double)m->resident_bytes));
	if (graph_untimed_count(f->graph) > 0)
		text_row(stdout, "  step time", "%s", units_time(time, m->step_time_us));
	else
		text_row(stdout, "  step time", "%s (the graph's is %+.2f %%)", units_time(time, m->step_time_us),
		    percent_off(f->life.ideal_time_us, m->step_time_us));
}

static void
print_bound(const struct info *f, const char *label, bytes_t bytes, uint32_t op)
{
	char size[32], name[48];

	text_row(stdout, label, "%s, op %" PRIu32 " (%s)", units_size(size, bytes), op, err_quote(name, f->graph->ops[op].name));
}

/* Prints the ideal time, and how many op times were not measured. */
static void
print_times(const struct info *f)
{
	uint32_t untimed = graph_untimed_count(f->graph), estimated = graph_estimated_count(f->graph);
	char time[32];

	if (f->life.ideal_time_us > 0)
		text_row(stdout, "ideal time", "%s", units_time(time, f->life.ideal_time_us));
	if (untimed > 0)
		text_row(stdout, "ideal time", "not known: %" PRIu32 " of %" PRIu32 " ops have no time, --device estimates them",
		    untimed, f->graph->op_count);
	if (estimated > 0)
		text_row(stdout, "estimated op times", "%" PRIu32, estimated);
}

static void
print_info(const struct info *f, struct arena *a)
{
	const struct task *t = f->task;
	const struct lifetimes *l = &f->life;
	char size[32];

	text_row(stdout, "graph", "%s", f->graph->name);
	if (f->graph->source != NULL)
		text_row(stdout, "source", "%s", f->graph->source);
	if (t->batch > 0)
		text_row(stdout, "batch", "%s", task_batch_text(t, a));
	if (t->lowering != NULL)
		text_row(stdout, "lowering", "%s", t->lowering);
	text_row(stdout, "ops", "%" PRIu32, f->graph->op_count);
	text_row(stdout, "tensors", "%" PRIu32, f->graph->tensor_count);
	text_row(stdout, "persistent", "%s", units_size(size, l->persistent_bytes));
	text_row(stdout, "peak", "%s", units_size(size, l->peak_bytes));
	print_bound(f, "bound", l->bound_bytes, l->bound_op);
	print_bound(f, "resident bound", l->resident_bound_bytes, l->resident_bound_op);
	print_times(f);
	if (t->has_device)
		text_row(stdout, "device", "%s: %s to plan with, %s", t->device.name, units_size(size, device_budget(&t->device)),
		    l->peak_bytes <= device_budget(&t->device) ? "the peak fits" : "the peak does not fit");
	if (t->device.process_bytes > 0)
		text_row(stdout, "process", "%s, with an arena of the peak's size", units_size(size, l->peak_bytes + t->device.process_bytes));
	print_kinds(f);
	print_peak(f, a);
	print_classes(f);
	print_measured(f);
}

/* ---- for programs ---- */

static void
op_to_json(struct json_out *o, const char *key, const struct graph *g, uint32_t op)
{
	json_out_object(o, key, false);
	json_out_uint(o, "id", op);
	json_out_string(o, "name", g->ops[op].name);
	if (g->ops[op].layer != NULL)
		json_out_string(o, "layer", g->ops[op].layer);
	json_out_end_object(o);
}

static void
peak_tensors_to_json(struct json_out *o, const struct info *f)
{
	json_out_array(o, "peak_tensors", true);
	for (uint32_t i = 0; i < f->at_peak_count && i < PEAK_TENSORS; i++) {
		uint32_t t = f->at_peak[i];

		json_out_object(o, NULL, false);
		json_out_uint(o, "id", t);
		json_out_uint(o, "bytes", f->graph->tensors[t].bytes);
		json_out_string(o, "kind", kind_names[f->graph->tensors[t].kind]);
		if (f->origins[t].how != ORIGIN_NONE)
			op_to_json(o, "op", f->graph, f->origins[t].op);
		json_out_end_object(o);
	}
	json_out_end_array(o);
}

static void
kinds_to_json(struct json_out *o, const struct info *f)
{
	json_out_array(o, "kinds", true);
	for (int k = 0; k < PEAK_KINDS; k++) {
		json_out_object(o, NULL, false);
		json_out_string(o, "kind", k == PEAK_WORKSPACE ? "workspace" : kind_names[k]);
		json_out_uint(o, "tensors", k < KIND_COUNT ? f->tensors[k] : 0);
		json_out_uint(o, "bytes", k < KIND_COUNT ? f->total[k] : 0);
		json_out_uint(o, "peak_bytes", f->peak[k]);
		json_out_end_object(o);
	}
	json_out_end_array(o);
}

static void
measured_to_json(struct json_out *o, const struct info *f)
{
	const struct measured *m = &f->graph->measured;

	if (m->step_time_us <= 0)
		return;
	json_out_object(o, "measured", false);
	if (m->device != NULL)
		json_out_string(o, "device", m->device);
	json_out_real(o, "step_time_us", m->step_time_us);
	json_out_uint(o, "peak_bytes", m->peak_bytes);
	json_out_uint(o, "resident_bytes", m->resident_bytes);
	json_out_end_object(o);
	json_out_real(o, "peak_error_percent", percent_off((double)f->life.peak_bytes, (double)m->peak_bytes));
	if (graph_untimed_count(f->graph) == 0)
		json_out_real(o, "time_error_percent", percent_off(f->life.ideal_time_us, m->step_time_us));
}

static void
info_to_json(const struct info *f)
{
	const struct task *t = f->task;
	const struct lifetimes *l = &f->life;
	struct json_out o;

	result_begin(&o, cmd_info.name, stdout);
	json_out_string(&o, "graph", f->graph->name);
	if (t->has_device)
		json_out_string(&o, "device", t->device.name);
	if (t->batch > 0)
		json_out_uint(&o, "batch", t->batch);
	if (t->accumulate > 1)
		json_out_uint(&o, "accumulate", t->accumulate);
	if (t->lowering != NULL)
		json_out_string(&o, "lowering", t->lowering);
	json_out_uint(&o, "tensors", f->graph->tensor_count);
	json_out_uint(&o, "ops", f->graph->op_count);
	json_out_uint(&o, "persistent_bytes", l->persistent_bytes);
	json_out_uint(&o, "peak_bytes", l->peak_bytes);
	op_to_json(&o, "peak_op", f->graph, l->peak_op);
	peak_tensors_to_json(&o, f);
	kinds_to_json(&o, f);
	json_out_uint(&o, "bound_bytes", l->bound_bytes);
	op_to_json(&o, "bound_op", f->graph, l->bound_op);
	json_out_uint(&o, "resident_bound_bytes", l->resident_bound_bytes);
	op_to_json(&o, "resident_bound_op", f->graph, l->resident_bound_op);
	if (graph_estimated_count(f->graph) > 0)
		json_out_uint(&o, "estimated_ops", graph_estimated_count(f->graph));
	if (graph_untimed_count(f->graph) > 0)
		json_out_uint(&o, "untimed_ops", graph_untimed_count(f->graph));
	if (l->ideal_time_us > 0)
		json_out_real(&o, "ideal_time_us", l->ideal_time_us);
	if (t->has_device)
		json_out_uint(&o, "budget_bytes", device_budget(&t->device));
	if (t->device.process_bytes > 0)
		json_out_uint(&o, "process_bytes", l->peak_bytes + t->device.process_bytes);
	measured_to_json(&o, f);
	json_out_end(&o);
}

static int
run(struct cli *c, struct err *e)
{
	struct task t;
	struct info f = { .graph = &t.graph };

	given.set = sets.texts;
	given.set_count = sets.count;
	if (task_read(&t, c->operands[0], &given, &c->arena, e) < 0)
		return -1;
	warn_of_math(&t, &c->arena);
	collect(&f, &t, &c->arena);
	if (c->json)
		info_to_json(&f);
	else
		print_info(&f, &c->arena);
	return 0;
}

const struct command cmd_info = {
	"info", "NETWORK|GRAPH", 1, 1, "Show what a training step is made of and needs", options, run, FOR_NONE
};
