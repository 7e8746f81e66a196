/* SPDX-License-Identifier: Apache-2.0 */
/* task.c - the training step and the device that a question is about */
#include <config.h>
#include "src/library/task.h"

#include <string.h>

#include "src/documents/lookup.h"
#include "src/documents/reorder.h"
#include "src/library/usage.h"
#include "src/network/lower.h"
#include "src/network/network_set.h"
#include "src/network/network_size.h"
#include "src/network/roofline.h"

const struct task_times task_times[] = {
	{ "traced", "the graph's own times as they are" },
	{ "scaled", "the graph's times scaled from the device that was measured" },
	{ NULL, NULL }
};

int
task_read_device(struct device *d, const char *name, const char *text, struct arena *a, struct err *e)
{
	struct json_source s = { .path = name, .text = text, .size = text == NULL ? 0 : strlen(text) };

	if (text == NULL && (s.path = lookup(name, LOOKUP_DEVICE, a, e)) == NULL)
		return -1;
	return device_read_from(d, &s, a, e);
}

/* The arguments of the reader of a parsed document. */
struct task_reading {
	struct task *task;
	const struct task_options *options;
};

int
task_options_check(const struct task_options *o, struct err *e)
{
	for (uint32_t i = 0; i < o->set_count; i++)
		if (network_set_check(o->set[i], e) < 0)
			return usage_at(e, "--set");
	return 0;
}

/* Changes the document and reads it. */
static int
read_changed(struct network *n, json_t *root, const struct task_options *o, struct arena *a, struct err *e)
{
	struct network_changes changes;

	if (network_size(root, o->seq, o->image, e) < 0 || network_set(&changes, root, o->set, o->set_count, a, e) < 0)
		return -1;
	return network_from_json(n, root, a, e) < 0 ? network_set_blame(&changes, e) : 0;
}

/* Returns the options that changed the document; NULL: none. */
static const char *
changes_text(const struct task_options *o, struct arena *a)
{
	const char *text = network_set_text(o->set, o->set_count, a);

	if (o->image > 0)
		text = arena_printf(a, " --image %" PRIu32 "%s", o->image, text);
	if (o->seq > 0)
		text = arena_printf(a, " --seq %" PRIu32 "%s", o->seq, text);
	return *text == '\0' ? NULL : text;
}

static int
read_network(struct task *t, json_t *root, const struct task_options *o, struct arena *a, struct err *e)
{
	struct network *n = ARENA_NEW(a, struct network, 1);
	const struct lowering *by = o->lowering == NULL ? lowerings[0] : lowering_find(o->lowering);

	if (o->times != NULL)
		return usage_error(e, "--times", "a network has no times of its own, only a graph does");
	if (by == NULL)
		return usage_unknown(e, "--lowering", o->lowering);
	if (read_changed(n, root, o, a, e) < 0)
		return -1;
	if (o->batch > 0)
		n->batch = o->batch;
	if (o->accumulate > 0)
		n->accumulate = o->accumulate;
	t->is_network = true;
	t->network = n;
	t->batch = n->batch;
	t->accumulate = n->accumulate;
	t->accumulate_given = o->accumulate > 0;
	t->changes = changes_text(o, a);
	t->lowering = by->name;
	return lower(&t->graph, n, by, t->has_device ? &t->device : NULL, a, e);
}

/* Fills *d with the installed device that the graph's times were measured on. */
static int
measured_device(struct device *d, const struct graph *g, struct arena *a, struct err *e)
{
	const char **names, *known = g->measured.device;
	uint32_t count;

	if (g->measured.step_time_us <= 0 || known == NULL)
		return err_set(e, ERR_INPUT, "--times scaled needs a graph that says on which device it was measured");
	names = lookup_list(LOOKUP_DEVICE, &count, a, e);
	if (names == NULL)
		return -1;
	for (uint32_t i = 0; i < count; i++) {
		if (task_read_device(d, names[i], NULL, a, e) < 0)
			return -1;
		if (d->gpu != NULL && strcmp(d->gpu, known) == 0)
			return 0;
	}
	return err_set(e, ERR_INPUT, "--times scaled needs a device document for '%s', got none", known);
}

static const char *
times_find(const char *name)
{
	const struct task_times *row = task_times;

	while (name != NULL && row->name != NULL && strcmp(row->name, name) != 0)
		row++;
	return row->name;
}

/* Estimates the op times that were not measured, for the task's device.  An estimate in the document may be that of another device. */
static int
estimate_times(struct task *t, struct arena *a, struct err *e)
{
	for (uint32_t i = 0; i < t->graph.op_count; i++)
		if (t->graph.ops[i].estimated)
			t->graph.ops[i].time_us = NAN;
	return graph_estimate(&t->graph, &t->device, a, e);
}

/* Scales the measured op times from the device that they were measured on to the task's device. */
static int
scale_times(struct task *t, struct arena *a, struct err *e)
{
	struct device from;
	struct graph scaled;

	if (measured_device(&from, &t->graph, a, e) < 0)
		return -1;
	roofline_scale(&scaled, &t->graph, &from, &t->device, a);
	t->graph = scaled;
	return 0;
}

/* Sets the choice of op times.  Options of networks are mistakes. */
static int
begin_graph(struct task *t, const struct task_options *o, struct err *e)
{
	if (o->batch > 0)
		return usage_error(e, "--batch", "a graph is traced at one batch, only a network can change it");
	if (o->accumulate > 0)
		return usage_error(e, "--accumulate", "a graph is traced with its passes, only a network can change them");
	if (o->set_count > 0)
		return usage_error(e, "--set", "a graph has no layers to change, only a network does");
	if (o->seq > 0 || o->image > 0)
		return usage_error(e, o->seq > 0 ? "--seq" : "--image", "a graph is traced at one size, only a network can change it");
	if (o->lowering != NULL)
		return usage_error(e, "--lowering", "a graph is already lowered, only a network can be");
	t->times = times_find(o->times);
	return t->times == NULL ? usage_unknown(e, "--times", o->times) : 0;
}

/* Gives each op its time. */
static int
time_graph(struct task *t, struct arena *a, struct err *e)
{
	if (!t->has_device)
		return 0;
	if (strcmp(t->times, "scaled") == 0 && scale_times(t, a, e) < 0)
		return -1;
	return estimate_times(t, a, e);
}

static int
read_graph(struct task *t, json_t *root, const struct task_options *o, struct arena *a, struct err *e)
{
	if (begin_graph(t, o, e) < 0 || graph_from_json(&t->graph, root, a, e) < 0)
		return -1;
	return time_graph(t, a, e);
}

static int
wrong_format(json_t *root, struct err *e)
{
	json_t *format = json_object_get(root, "format");
	char q[48];

	if (!json_is_object(root))
		return err_set(e, ERR_INPUT, "expected a layrub-network or layrub-graph document, got %s", json_type_name(root));
	if (json_is_string(format))
		err_set(e, ERR_INPUT, "expected 'layrub-network' or 'layrub-graph', got '%s'", err_quote(q, json_string_value(format)));
	else
		err_set(e, ERR_INPUT, "expected 'layrub-network' or 'layrub-graph', got %s", json_type_name(format));
	return err_at(e, "format");
}

static int
read_either(void *to, json_t *root, struct arena *a, struct err *e)
{
	const struct task_reading *r = to;
	const char *format = json_string_value(json_object_get(root, "format"));

	if (format != NULL && strcmp(format, "layrub-network") == 0)
		return read_network(r->task, root, r->options, a, e);
	if (format != NULL && strcmp(format, "layrub-graph") == 0)
		return read_graph(r->task, root, r->options, a, e);
	return wrong_format(root, e);
}

/* Reads the device, before the step: a network's op times depend on it. */
static int
read_device(struct task *t, const struct task_options *o, struct arena *a, struct err *e)
{
	*t = (struct task) { .has_device = o->device != NULL || o->device_text != NULL || o->device_data != NULL };
	if (!t->has_device)
		return 0;
	if (o->device_data != NULL)
		t->device = *o->device_data;
	else if (task_read_device(&t->device, o->device, o->device_text, a, e) < 0)
		return -1;
	t->sets_memory = o->memory != NULL;
	if (o->memory != NULL && units_parse_size(o->memory, &t->device.memory_bytes, e) < 0)
		return usage_at(e, "--memory");
	if (o->memory != NULL && device_check(&t->device, e) < 0)
		return err_in_file(e, "the changed memory");
	t->limits_host = o->host_memory != NULL || o->host_bytes > 0;
	if (o->host_bytes > 0)
		t->device.pinned_bytes = o->host_bytes;
	return o->host_memory != NULL && units_parse_size(o->host_memory, &t->device.pinned_bytes, e) < 0 ? usage_at(e, "--host-memory") : 0;
}

static int
begin_order(struct task *t, const struct task_options *o, struct err *e)
{
	const struct reorder *row = o->reorder == NULL ? NULL : reorder_find(o->reorder);

	if (o->reorder != NULL && row == NULL)
		return usage_unknown(e, "--reorder", o->reorder);
	t->reorder = row == NULL ? NULL : row->name;
	return 0;
}

static void
reorder(struct task *t, struct arena *a)
{
	struct graph *own;

	t->own_order = NULL;
	if (t->reorder == NULL || strcmp(t->reorder, reorders[0].name) == 0)
		return;
	own = ARENA_NEW(a, struct graph, 1);
	*own = t->graph;
	t->own_order = own;
	reorder_find(t->reorder)->run(&t->graph, a);
}

static int
read_step(struct task *t, const struct json_source *s, const struct task_options *o, struct arena *a, struct err *e)
{
	struct task_reading r = { t, o };

	if (task_options_check(o, e) < 0 || begin_order(t, o, e) < 0 || json_read(s, read_either, &r, a, e) < 0)
		return -1;
	reorder(t, a);
	return 0;
}

int
task_read_from(struct task *t, const struct json_source *s, const struct task_options *o, struct arena *a, struct err *e)
{
	return read_device(t, o, a, e) < 0 ? -1 : read_step(t, s, o, a, e);
}

int
task_read(struct task *t, const char *name, const struct task_options *o, struct arena *a, struct err *e)
{
	struct json_source s = { .path = NULL };

	if (read_device(t, o, a, e) < 0)
		return -1;
	s.path = lookup(name, LOOKUP_NETWORK, a, e);
	return s.path == NULL ? -1 : read_step(t, &s, o, a, e);
}

int
task_from_graph(struct task *t, const struct graph *g, const struct task_options *o, struct arena *a, struct err *e)
{
	if (task_options_check(o, e) < 0 || read_device(t, o, a, e) < 0 || begin_order(t, o, e) < 0 || begin_graph(t, o, e) < 0)
		return -1;
	t->graph = *g;
	if (time_graph(t, a, e) < 0)
		return -1;
	reorder(t, a);
	return 0;
}

int
task_at_batch(struct task *to, const struct task *from, uint32_t batch, uint32_t accumulate, struct arena *a, struct err *e)
{
	struct network n;

	*to = *from;
	if (from->network == NULL)
		return 0;
	n = *from->network;
	if (batch > 0)
		n.batch = batch;
	if (accumulate > 0)
		n.accumulate = accumulate;
	to->batch = n.batch;
	to->accumulate = n.accumulate;
	if (lower(&to->graph, &n, lowering_find(to->lowering), to->has_device ? &to->device : NULL, a, e) < 0)
		return -1;
	reorder(to, a);
	to->network = NULL;	/* n is local */
	return 0;
}

const char *
task_record(const struct task *t, struct arena *a)
{
	const char *order = t->reorder == NULL || strcmp(t->reorder, reorders[0].name) == 0 ? "" : arena_printf(a, " --reorder %s", t->reorder);

	const char *passes = t->accumulate_given || t->accumulate > 1 ? arena_printf(a, " --accumulate %" PRIu32, t->accumulate) : "";
	const char *memory = t->sets_memory ? arena_printf(a, " --memory %" PRI_BYTES, t->device.memory_bytes) : "";
	const char *host = t->limits_host ? arena_printf(a, " --host-memory %" PRI_BYTES, t->device.pinned_bytes) : "";

	return t->is_network ? arena_printf(a, "--lowering %s%s%s%s%s%s", t->lowering, order, passes, t->changes == NULL ? "" : t->changes, memory, host) :
	    arena_printf(a, "--times %s%s%s%s", t->times, order, memory, host);
}

const char *
task_batch_text(const struct task *t, struct arena *a)
{
	return t->accumulate > 1 ? arena_printf(a, "%" PRIu32 " x %" PRIu32, t->batch, t->accumulate) : arena_printf(a, "%" PRIu32, t->batch);
}

bool
task_has_foreign_times(const struct task *t)
{
	const struct measured *m = &t->graph.measured;

	if (t->is_network || graph_estimated_count(&t->graph) == t->graph.op_count || m->step_time_us <= 0 || m->device == NULL || strcmp(t->times, "scaled") == 0)
		return false;
	return t->device.gpu == NULL || strcmp(t->device.gpu, m->device) != 0;
}
