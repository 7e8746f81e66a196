/* SPDX-License-Identifier: Apache-2.0 */
/* task.c - the training step and the device that a question is about */
#include <config.h>
#include "src/library/task.h"

#include <string.h>

#include "src/documents/lookup.h"
#include "src/documents/reorder.h"
#include "src/library/usage.h"
#include "src/network/lower.h"
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

static int
read_network(struct task *t, json_t *root, const struct task_options *o, struct arena *a, struct err *e)
{
	struct network n = { .name = NULL };
	const struct lowering *by = o->lowering == NULL ? lowerings[0] : lowering_find(o->lowering);

	if (o->times != NULL)
		return usage_error(e, "--times", "a network has no times of its own, only a graph does");
	if (by == NULL)
		return usage_unknown(e, "--lowering", o->lowering);
	if (network_from_json(&n, root, a, e) < 0)
		return -1;
	if (o->batch > 0)
		n.batch = o->batch;
	t->is_network = true;
	t->batch = n.batch;
	t->lowering = by->name;
	return lower(&t->graph, &n, by, t->has_device ? &t->device : NULL, a, e);
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

static int
read_graph(struct task *t, json_t *root, const struct task_options *o, struct arena *a, struct err *e)
{
	struct device from;
	struct graph scaled;

	if (o->batch > 0)
		return usage_error(e, "--batch", "a graph is traced at one batch, only a network can change it");
	if (o->lowering != NULL)
		return usage_error(e, "--lowering", "a graph is already lowered, only a network can be");
	t->times = times_find(o->times);
	if (t->times == NULL)
		return usage_unknown(e, "--times", o->times);
	if (graph_from_json(&t->graph, root, a, e) < 0)
		return -1;
	if (strcmp(t->times, "scaled") != 0 || !t->has_device)
		return 0;
	if (measured_device(&from, &t->graph, a, e) < 0)
		return -1;
	roofline_scale(&scaled, &t->graph, &from, &t->device, a);
	t->graph = scaled;
	return 0;
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
	*t = (struct task) { .has_device = o->device != NULL || o->device_text != NULL };
	return t->has_device ? task_read_device(&t->device, o->device, o->device_text, a, e) : 0;
}

static int
read_step(struct task *t, const struct json_source *s, const struct task_options *o, struct arena *a, struct err *e)
{
	struct task_reading r = { t, o };

	if (o->reorder != NULL && reorder_find(o->reorder) == NULL)
		return usage_unknown(e, "--reorder", o->reorder);
	if (json_read(s, read_either, &r, a, e) < 0)
		return -1;
	if (o->reorder != NULL) {
		reorder_find(o->reorder)->run(&t->graph, a);
		t->reorder = reorder_find(o->reorder)->name;
	}
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

const char *
task_record(const struct task *t, struct arena *a)
{
	const char *order = t->reorder == NULL || strcmp(t->reorder, reorders[0].name) == 0 ? "" : arena_printf(a, " --reorder %s", t->reorder);

	return t->is_network ? arena_printf(a, "--lowering %s%s", t->lowering, order) : arena_printf(a, "--times %s%s", t->times, order);
}

bool
task_has_foreign_times(const struct task *t)
{
	const struct measured *m = &t->graph.measured;

	if (t->is_network || m->step_time_us <= 0 || m->device == NULL || strcmp(t->times, "scaled") == 0)
		return false;
	return t->device.gpu == NULL || strcmp(t->device.gpu, m->device) != 0;
}
