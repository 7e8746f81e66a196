/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>
#include "src/task.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "src/lookup.h"
#include "src/lower.h"
#include "src/reorder.h"
#include "src/roofline.h"

int
task_read_device(struct device *d, const char *name, struct arena *a, struct err *e)
{
	const char *path = lookup(name, LOOKUP_DEVICE, a, e);

	return path == NULL ? -1 : device_read(d, path, a, e);
}

static int
read_network(struct task *t, const char *path, const struct task_options *o, struct cli *c, struct err *e)
{
	struct network n = { .name = NULL };
	int lowering = 0;

	if (o->times != NULL)
		return usage_error(c, e, "--times", "a network has no times of its own, only a graph does");
	if (network_from_json(&n, c->document, &c->arena, e) < 0)
		return err_in_file(e, path);
	if (o->batch > 0)
		n.batch = o->batch;
	for (int i = 0; o->lowering != NULL && lowerings[i].name != NULL; i++)
		if (strcmp(lowerings[i].name, o->lowering) == 0)
			lowering = i;
	t->is_network = true;
	t->batch = n.batch;
	t->lowering = lowerings[lowering].name;
	if (lower(&t->graph, &n, lowering, t->has_device ? &t->device : NULL, &c->arena, e) < 0)
		return err_in_file(e, path);
	return 0;
}

/* The device that the graph's times were measured on, among those that are installed. */
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
		if (task_read_device(d, names[i], a, e) < 0)
			return -1;
		if (d->gpu != NULL && strcmp(d->gpu, known) == 0)
			return 0;
	}
	return err_set(e, ERR_INPUT, "--times scaled needs a device document for '%s', got none", known);
}

static int
read_graph(struct task *t, const char *path, const struct task_options *o, struct cli *c, struct err *e)
{
	struct device from;
	struct graph scaled;

	if (o->batch > 0)
		return usage_error(c, e, "--batch", "a graph is traced at one batch, only a network can change it");
	if (o->lowering != NULL)
		return usage_error(c, e, "--lowering", "a graph is already lowered, only a network can be");
	if (graph_from_json(&t->graph, c->document, &c->arena, e) < 0)
		return err_in_file(e, path);
	t->times = o->times == NULL ? table_times(0, NULL) : o->times;
	if (strcmp(t->times, "scaled") != 0 || !t->has_device)
		return 0;
	if (measured_device(&from, &t->graph, &c->arena, e) < 0)
		return err_in_file(e, path);
	roofline_scale(&scaled, &t->graph, &from, &t->device, &c->arena);
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

int
task_read(struct task *t, const char *name, const struct task_options *o, struct cli *c, struct err *e)
{
	const char *path, *format;
	int rc;

	*t = (struct task) { .has_device = o->device != NULL };
	if (t->has_device && task_read_device(&t->device, o->device, &c->arena, e) < 0)
		return -1;
	path = lookup(name, LOOKUP_NETWORK, &c->arena, e);
	if (path == NULL)
		return -1;
	c->document = json_read_file(path, e);
	if (c->document == NULL)
		return -1;
	format = json_string_value(json_object_get(c->document, "format"));
	if (format != NULL && strcmp(format, "layrub-network") == 0)
		rc = read_network(t, path, o, c, e);
	else if (format != NULL && strcmp(format, "layrub-graph") == 0)
		rc = read_graph(t, path, o, c, e);
	else {
		rc = wrong_format(c->document, e);
		err_in_file(e, path);
	}
	json_decref(c->document);
	c->document = NULL;
	if (rc == 0 && o->reorder != NULL)
		reorder_find(o->reorder)->run(&t->graph, &c->arena);
	return rc;
}

const char *
task_record(const struct task *t, const struct task_options *o, struct arena *a)
{
	const char *order = o->reorder == NULL || reorder_find(o->reorder) == reorders ? "" : arena_printf(a, " --reorder %s", o->reorder);

	return t->is_network ? arena_printf(a, "--lowering %s%s", t->lowering, order) : arena_printf(a, "--times %s%s", t->times, order);
}

int
task_budget(bytes_t *budget, const char *text, const struct task *t, bytes_t peak_bytes, struct cli *c, struct err *e)
{
	size_t n = text == NULL ? 0 : strlen(text);
	char want[32], have[32];
	double percent;

	*budget = device_budget(&t->device);
	if (text == NULL)
		return 0;
	if (n == 0)
		return usage_error(c, e, "--budget", "expected a size such as 12GiB, got nothing");
	if (text[n - 1] == '%') {
		if (units_parse_percent(text, &percent, e) < 0)
			goto usage;
		percent = floor(percent / 100 * (double)peak_bytes);
		*budget = percent < (double)BYTES_MAX ? (bytes_t)percent : BYTES_MAX;
	} else if (units_parse_size(text, budget, e) < 0)
		goto usage;
	if (*budget == 0) {
		err_set(e, ERR_INPUT, "expected more than no memory, got '%s'", text);
		goto usage;
	}
	if (*budget <= device_budget(&t->device))
		return 0;
	err_set(e, ERR_INPUT, "expected at most the %s that device '%s' has less what is reserved, got %s",
	    units_size(have, device_budget(&t->device)), t->device.name, units_size(want, *budget));
	return err_at(e, "--budget");
usage:
	c->usage = true;
	return err_at(e, "--budget");
}

void
task_warn_of_times(const struct task *t)
{
	const struct measured *m = &t->graph.measured;
	char q[48], r[48];

	if (t->is_network || m->step_time_us <= 0 || m->device == NULL || strcmp(t->times, "scaled") == 0)
		return;
	if (t->device.gpu == NULL || strcmp(t->device.gpu, m->device) != 0)
		warn("op times were measured on '%s', not on '%s'; --times scaled would scale them",
		    err_quote(q, m->device), err_quote(r, t->device.name));
}

double
task_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}
