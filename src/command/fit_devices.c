/* SPDX-License-Identifier: Apache-2.0 */
/* fit_devices.c - layrub fit without --device: which of the devices that ship fit a step, least memory first */
#include <config.h>
#include "src/command/fit_devices.h"

#include <stdlib.h>
#include <string.h>

#include "src/command/result.h"
#include "src/documents/lookup.h"
#include "src/library/fit_search.h"

/* The answer for one device. */
struct row {
	const char *name;		/* the document's */
	bytes_t memory_bytes;
	uint32_t batch;
	bool resident;			/* all stays on the device; else a plan */
	struct fit_evaluation result;
};

struct device_rows {
	struct row *rows;		/* [count] */
	size_t count;
	const char *graph;
	bool stopped;
};

static int
by_memory(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return x->memory_bytes != y->memory_bytes ? x->memory_bytes > y->memory_bytes ? 1 : -1 : strcmp(x->name, y->name);
}

/* Reads the step for q's device.  Times of a graph that were measured on another device are scaled, if that device is known. */
static int
read_task(struct task *t, struct plan_request *q, const char *document, struct arena *a, struct err *e)
{
	struct err none = ERR_INIT;
	struct task scaled;

	if (plan_request_task(t, document, NULL, q, a, e) < 0)
		return -1;
	if (q->task.times != NULL || !task_has_foreign_times(t))
		return 0;
	q->task.times = "scaled";
	if (plan_request_task(&scaled, document, NULL, q, a, &none) == 0)
		*t = scaled;
	else
		q->task.times = NULL;
	return 0;
}

/* Fills the row of the device that is looked up as `device`: all resident, or else with a plan. */
static int
evaluate(struct row *r, const char *device, const char **graph, const char *document, double most_overhead, struct arena *a, struct err *e)
{
	struct plan_request q = plan_given;
	struct planning planning;
	struct task t;
	struct fit_problem p = { .task = &t, .most_overhead = most_overhead };

	q.task.device = device;
	if (read_task(&t, &q, document, a, e) < 0 || planning_begin(&planning, &q, &t, a, e) < 0)
		return -1;
	*graph = t.graph.name;
	r->name = t.device.name;
	r->batch = t.batch;
	r->memory_bytes = t.device.memory_bytes;
	p.request = q;
	p.request.budget = NULL;
	p.request.budget_bytes = planning.options.budget_bytes;
	p.request.stopped = interrupted;
	if (fit_evaluate(&r->result, &p, FIT_RESIDENT, 0, e) < 0)
		return -1;
	r->resident = r->result.ok;
	return r->resident ? 0 : fit_evaluate(&r->result, &p, FIT_PLANNED, 0, e);
}

static int
fill(struct device_rows *t, const char *document, double most_overhead, struct arena *a, struct err *e)
{
	uint32_t count;
	const char **names = lookup_list(LOOKUP_DEVICE, &count, a, e);

	if (names == NULL)
		return -1;
	t->rows = ARENA_NEW(a, struct row, count);
	for (uint32_t i = 0; i < count && !interrupted(NULL); i++) {
		progress_stage("device %s", names[i]);
		if (evaluate(&t->rows[t->count], names[i], &t->graph, document, most_overhead, a, e) < 0)
			return interrupted(NULL) ? 0 : -1;
		t->count++;
	}
	t->stopped = interrupted(NULL);
	qsort(t->rows, t->count, sizeof(*t->rows), by_memory);
	return 0;
}

static uint32_t
fitting(const struct device_rows *t)
{
	uint32_t n = 0;

	for (size_t i = 0; i < t->count; i++)
		n += t->rows[i].result.ok;
	return n;
}

static const char *
how(const struct row *r, struct arena *a)
{
	char host[32];

	if (r->resident)
		return "all resident";
	if (r->result.figures.host_bytes == 0)
		return "a plan, no host memory";
	return arena_printf(a, "a plan, %s pinned on the host", units_size(host, r->result.figures.host_bytes));
}

static void
print_table(const struct device_rows *t, struct arena *a)
{
	char memory[32], time[32];
	const char *not = NULL;

	text_row(stdout, "graph", "%s", t->graph);
	if (t->count > 0 && t->rows[0].batch > 0)
		text_row(stdout, "batch", "%" PRIu32, t->rows[0].batch);
	text_row(stdout, "answer", "%" PRIu32 " of %zu devices fit, least memory first", fitting(t), t->count);
	if (fitting(t) > 0)
		printf("\n%-20s %10s %10s %9s  %s\n", "device", "memory", "step time", "overhead", "how");
	for (size_t i = 0; i < t->count; i++) {
		const struct row *r = &t->rows[i];

		if (r->result.ok)
			printf("%-20s %10s %10s %7.1f %%  %s\n", r->name, units_size(memory, r->memory_bytes),
			    units_time(time, r->result.figures.step_time_us), r->result.overhead * 100, how(r, a));
		else
			not = not == NULL ? r->name : arena_printf(a, "%s, %s", not, r->name);
	}
	if (not != NULL) {
		putchar('\n');
		text_row(stdout, "no fit", "%s", not);
	}
}

static void
table_to_json(const struct device_rows *t)
{
	struct json_out o;

	result_begin(&o, "fit", stdout);
	json_out_string(&o, "graph", t->graph);
	if (t->count > 0 && t->rows[0].batch > 0)
		json_out_uint(&o, "batch", t->rows[0].batch);
	json_out_array(&o, "devices", true);
	for (size_t i = 0; i < t->count; i++) {
		const struct row *r = &t->rows[i];

		json_out_object(&o, NULL, false);
		json_out_string(&o, "device", r->name);
		json_out_uint(&o, "memory_bytes", r->memory_bytes);
		json_out_bool(&o, "fits", r->result.ok);
		if (r->result.ok) {
			json_out_bool(&o, "resident", r->resident);
			json_out_uint(&o, "arena_bytes", r->result.figures.arena_bytes);
			json_out_uint(&o, "host_bytes", r->result.figures.host_bytes);
			json_out_real(&o, "step_time_us", r->result.figures.step_time_us);
			json_out_real(&o, "overhead", r->result.overhead);
		} else
			json_out_string(&o, "why", r->result.why);
		json_out_end_object(&o);
	}
	json_out_end_array(&o);
	json_out_end(&o);
}

int
fit_devices(struct cli *c, double most_overhead, struct err *e)
{
	struct device_rows t = { .graph = c->operands[0] };
	int rc;

	if (plan_request_check(&plan_given, e) < 0)
		return -1;
	plan_given.progress = watch_begin();
	rc = fill(&t, c->operands[0], most_overhead, &c->arena, e);
	watch_end(rc == 0);
	if (rc < 0)
		return -1;
	if (t.stopped)
		warn("interrupted: %zu devices are in the table", t.count);
	if (c->json)
		table_to_json(&t);
	else
		print_table(&t, &c->arena);
	return fitting(&t) > 0 ? 0 : err_set(e, ERR_NO, "%s fits none of the devices", t.graph);
}
