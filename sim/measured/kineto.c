/* SPDX-License-Identifier: Apache-2.0 */
/* kineto.c - reads the events of a profiler's trace */
#include <config.h>
#include "sim/measured/kineto.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/json.h"

static const char run_prefix[] = "layrub run ";

/* In a captured step this kernel of liblayrub-torch fills memory (pytorch/runtime/cuda_kernels.h); it gets the profiler's name for a fill. */
static const char fill_kernel[] = "layrub_fill", fill[] = "Memset (Device)";

/* By these kernels of a captured step compute and the copies wait for each other; no op launches them. */
static const char *const signal_kernels[] = { "layrub_raise", "layrub_await", NULL };

/* Categories whose events are works or launches. */
static const char *const work_categories[] = { "kernel", "gpu_memcpy", "gpu_memset", NULL };
static const char *const launch_categories[] = { "cuda_runtime", "cuda_driver", NULL };

struct kineto_reading {
	struct kineto *to;
	size_t runs, launches, works;	/* capacities are beside them */
	size_t run_capacity, launch_capacity, work_capacity;
	struct arena *arena;
	struct err *err;
};

static bool
is_one_of(const char *s, const char *const *list)
{
	while (*list != NULL && strcmp(s, *list) != 0)
		list++;
	return *list != NULL;
}

/* The profiler's documents have keys of many versions, so only those that are used are looked at. */
static const char *
text_of(json_t *event, const char *key)
{
	const char *s = json_string_value(json_object_get(event, key));

	return s != NULL ? s : "";
}

static int64_t
number_of(json_t *event, const char *key, int64_t none)
{
	json_t *value = json_object_get(event, key);

	return json_is_integer(value) ? (int64_t)json_integer_value(value) : none;
}

/* Reads "ts" and "dur". */
static int
read_times(json_t *event, double *start_us, double *end_us, struct err *e)
{
	double us = 0;
	const struct json_field fields[] = {
		{ .key = "ts", .type = JSON_F_REAL, .to = start_us },
		{ .key = "dur", .type = JSON_F_TIME, .to = &us }
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		json_t *value = json_object_get(event, fields[i].key);

		if (value == NULL)
			return err_set(e, ERR_INPUT, "expected the key '%s', got none", fields[i].key);
		if (json_read_value(value, &fields[i], NULL, e) < 0)
			return err_at(e, "%s", fields[i].key);
	}
	*end_us = *start_us + us;
	return 0;
}

static int
read_run(struct kineto_reading *r, json_t *event, const char *name)
{
	struct kineto_run run = { .thread = number_of(event, "tid", 0) };
	char *end;
	unsigned long long n = strtoull(name, &end, 10);

	if (end == name || *end != '\0' || n >= UINT32_MAX)
		return err_set(r->err, ERR_INPUT, "expected the number of an instruction behind '%s', got '%.20s'", run_prefix, name);
	run.instruction = (uint32_t)n;
	if (read_times(event, &run.start_us, &run.end_us, r->err) < 0)
		return -1;
	*ARENA_PUSH(r->arena, r->to->runs, r->runs, r->run_capacity) = run;
	return 0;
}

static int
read_launch(struct kineto_reading *r, json_t *event)
{
	struct kineto_launch launch = { .thread = number_of(event, "tid", 0) };
	double end_us;

	launch.correlation = number_of(json_object_get(event, "args"), "correlation", -1);
	if (launch.correlation < 0)
		return 0;
	if (read_times(event, &launch.start_us, &end_us, r->err) < 0)
		return -1;
	*ARENA_PUSH(r->arena, r->to->launches, r->launches, r->launch_capacity) = launch;
	return 0;
}

static int
read_work(struct kineto_reading *r, json_t *event, const char *name)
{
	json_t *args = json_object_get(event, "args");
	int64_t bytes = number_of(args, "bytes", 0);
	struct kineto_work work = { .correlation = number_of(args, "correlation", -1), .bytes = bytes > 0 ? (bytes_t)bytes : 0 };

	work.kind = strncmp(name, "Memcpy DtoH", 11) == 0 ? KINETO_OUT : strncmp(name, "Memcpy HtoD", 11) == 0 ? KINETO_IN : KINETO_KERNEL;
	if (read_times(event, &work.start_us, &work.end_us, r->err) < 0)
		return -1;
	work.name = strcmp(name, fill_kernel) == 0 ? fill : arena_strdup(r->arena, name);
	*ARENA_PUSH(r->arena, r->to->works, r->works, r->work_capacity) = work;
	return 0;
}

static int
read_event(struct kineto_reading *r, json_t *event)
{
	const char *name = text_of(event, "name"), *category = text_of(event, "cat");

	if (strcmp(text_of(event, "ph"), "X") != 0)
		return 0;
	if (is_one_of(category, work_categories))
		return is_one_of(name, signal_kernels) ? 0 : read_work(r, event, name);
	if (is_one_of(category, launch_categories))
		return read_launch(r, event);
	/* The profiler repeats a span on the GPU's own rows. */
	if (strncmp(name, run_prefix, strlen(run_prefix)) == 0 && strcmp(category, "gpu_user_annotation") != 0)
		return read_run(r, event, name + strlen(run_prefix));
	return 0;
}

static int
compare(double x, double y)
{
	return (x > y) - (x < y);
}

static int
compare_runs(const void *a, const void *b)
{
	const struct kineto_run *x = a, *y = b;

	return x->start_us != y->start_us ? compare(x->start_us, y->start_us) : compare(x->instruction, y->instruction);
}

static int
compare_launches(const void *a, const void *b)
{
	const struct kineto_launch *x = a, *y = b;

	if (x->correlation != y->correlation)
		return x->correlation > y->correlation ? 1 : -1;
	return compare(x->start_us, y->start_us);
}

static int
compare_works(const void *a, const void *b)
{
	const struct kineto_work *x = a, *y = b;

	if (x->correlation != y->correlation)
		return x->correlation > y->correlation ? 1 : -1;
	if (x->start_us != y->start_us)
		return compare(x->start_us, y->start_us);
	return x->end_us != y->end_us ? compare(x->end_us, y->end_us) : strcmp(x->name, y->name);
}

static void
sort(void *array, size_t count, size_t size, int (*by)(const void *, const void *))
{
	if (count > 0)
		qsort(array, count, size, by);
}

static int
read_trace(void *to, json_t *root, struct arena *a, struct err *e)
{
	struct kineto_reading r = { .to = to, .arena = a, .err = e };
	json_t *events = json_is_array(root) ? root : json_object_get(root, "traceEvents");
	uint32_t count;

	if (!json_is_array(events))
		return err_set(e, ERR_INPUT, "expected a profiler's trace with the key 'traceEvents', got %s", json_type_name(root));
	if (json_read_size(events, &count, e) < 0)
		return err_at(e, "traceEvents");
	for (uint32_t i = 0; i < count; i++)
		if (read_event(&r, json_array_get(events, i)) < 0)
			return err_at(e, "traceEvents[%" PRIu32 "]", i);
	r.to->run_count = (uint32_t)r.runs;
	r.to->launch_count = (uint32_t)r.launches;
	r.to->work_count = (uint32_t)r.works;
	sort(r.to->runs, r.runs, sizeof(*r.to->runs), compare_runs);
	sort(r.to->launches, r.launches, sizeof(*r.to->launches), compare_launches);
	sort(r.to->works, r.works, sizeof(*r.to->works), compare_works);
	return 0;
}

int
kineto_read(struct kineto *k, const char *path, struct arena *a, struct err *e)
{
	*k = (struct kineto) { .run_count = 0 };
	return json_read(&(struct json_source) { .path = path }, read_trace, k, a, e);
}
