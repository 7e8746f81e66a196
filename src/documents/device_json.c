/* SPDX-License-Identifier: Apache-2.0 */
/* device_json.c - the reader of "layrub-device" documents */
#include <config.h>
#include "src/documents/device.h"

#include "src/base/json.h"

/* A document being read. */
struct reading {
	struct device *d;
	uint32_t version;
	struct arena *a;
	struct err *e;
};

/* One number for each op class; `default` is that of classes without a key. */
static int
read_classes(double to[CLASS_COUNT], json_t *obj, enum class_range range, struct err *e)
{
	struct json_field fields[CLASS_COUNT + 2] = { { .key = NULL } };
	bool seen[CLASS_COUNT + 1] = { false };
	double fallback = 0;

	for (int i = 0; i < CLASS_COUNT; i++)
		fields[i] = (struct json_field) { op_class_names[i], JSON_F_REAL, &to[i], .seen = &seen[i] };
	fields[CLASS_COUNT] = (struct json_field) { "default", JSON_F_REAL, &fallback, .seen = &seen[CLASS_COUNT] };
	if (json_read_fields(obj, fields, NULL, e) < 0)
		return -1;
	for (int i = 0; i < CLASS_COUNT; i++) {
		if (!seen[i] && !seen[CLASS_COUNT])
			return err_set(e, ERR_INPUT, "expected the key 'default' or '%s', got neither", op_class_names[i]);
		if (!seen[i])
			to[i] = fallback;
	}
	return seen[CLASS_COUNT] ? device_check_class("default", fallback, range, e) : 0;
}

static int
read_flops(double flops[MATH_COUNT], json_t *obj, struct err *e)
{
	struct json_field fields[MATH_COUNT + 1] = { { .key = NULL } };

	for (int i = 0; i < MATH_COUNT; i++)
		fields[i] = (struct json_field) { math_names[i], JSON_F_REAL, &flops[i], .required = i == MATH_FLOAT32 };
	return json_read_fields(obj, fields, NULL, e);
}

/* Two whole numbers; NULL leaves the tile at 0. */
static int
read_tile(uint32_t tile[2], json_t *pair, struct err *e)
{
	if (pair == NULL)
		return 0;
	if (json_array_size(pair) != 2)
		return err_set(e, ERR_INPUT, "expected two whole numbers, got %s", json_type_name(pair));
	for (size_t i = 0; i < 2; i++) {
		const struct json_field number = { .type = JSON_F_POSITIVE, .to = &tile[i] };

		if (json_read_value(json_array_get(pair, i), &number, NULL, e) < 0)
			return err_at(e, "[%zu]", i);
	}
	return 0;
}

static int
read_kernels(struct device *d, json_t *list, struct arena *a, struct err *e)
{
	struct kernel_efficiency k;
	const struct json_field fields[] = {
		{ "name", JSON_F_STRING, &k.name, .required = true },
		{ "flops", JSON_F_REAL, &k.flops, .required = false },
		{ "memory", JSON_F_REAL, &k.memory, .required = false },
		{ .key = NULL }
	};

	if (json_read_size(list, &d->compute.kernel_count, e) < 0)
		return -1;
	d->compute.kernels = ARENA_NEW(a, struct kernel_efficiency, d->compute.kernel_count);
	for (uint32_t i = 0; i < d->compute.kernel_count; i++) {
		k = (struct kernel_efficiency) { .name = NULL };
		if (json_read_fields(json_array_get(list, i), fields, a, e) < 0)
			return err_at(e, "[%" PRIu32 "]", i);
		d->compute.kernels[i] = k;
	}
	return 0;
}

static int
read_conv_rule(struct conv_rule *w, json_t *obj, struct err *e)
{
	int pass, math;
	const struct json_field fields[] = {
		{ "pass", JSON_F_CHOICE, &pass, .required = true, .choices = conv_pass_names },
		{ "math", JSON_F_CHOICE, &math, .required = true, .choices = math_names },
		{ "pointwise", JSON_F_BOOL, &w->pointwise, .required = false },
		{ "pixel_multiple", JSON_F_POSITIVE, &w->pixel_multiple, .required = false },
		{ "input", JSON_F_REAL, &w->input, .required = false },
		{ "output", JSON_F_REAL, &w->output, .required = false },
		{ "weight", JSON_F_REAL, &w->weight, .required = false },
		{ "weight_per_sample", JSON_F_REAL, &w->weight_per_sample, .required = false },
		{ "fixed_bytes", JSON_F_BYTES, &w->fixed_bytes, .required = false },
		{ .key = NULL }
	};

	if (json_read_fields(obj, fields, NULL, e) < 0)
		return -1;
	w->pass = (enum conv_pass)pass;
	w->math = (enum math)math;
	return 0;
}

static int
read_conv_rules(struct device *d, json_t *list, struct arena *a, struct err *e)
{
	if (json_read_size(list, &d->compute.conv_rule_count, e) < 0)
		return -1;
	d->compute.conv_rules = ARENA_NEW(a, struct conv_rule, d->compute.conv_rule_count);
	for (uint32_t i = 0; i < d->compute.conv_rule_count; i++)
		if (read_conv_rule(&d->compute.conv_rules[i], json_array_get(list, i), e) < 0)
			return err_at(e, "[%" PRIu32 "]", i);
	return 0;
}

/* The parts of `compute` that are still JSON while it is read. */
struct compute_parts { json_t *flops, *flop_efficiency, *memory_efficiency, *captured_gap, *gemm_tile, *conv_tile, *kernels, *conv_workspace; };

static int
read_compute_parts(struct reading *r, const struct compute_parts *k)
{
	struct device *d = r->d;

	if (read_flops(d->compute.flops, k->flops, r->e) < 0)
		return err_at(r->e, "flops");
	if (read_classes(d->compute.flop_efficiency, k->flop_efficiency, CLASS_SHARES, r->e) < 0)
		return err_at(r->e, "flop_efficiency");
	if (read_classes(d->compute.memory_efficiency, k->memory_efficiency, CLASS_SHARES, r->e) < 0)
		return err_at(r->e, "memory_efficiency");
	if (k->captured_gap != NULL && read_classes(d->compute.captured_gap_us, k->captured_gap, CLASS_TIMES, r->e) < 0)
		return err_at(r->e, "captured_gap_us");
	if (read_tile(d->compute.gemm_tile, k->gemm_tile, r->e) < 0)
		return err_at(r->e, "gemm_tile");
	if (read_tile(d->compute.conv_tile, k->conv_tile, r->e) < 0)
		return err_at(r->e, "conv_tile");
	if (k->kernels != NULL && read_kernels(d, k->kernels, r->a, r->e) < 0)
		return err_at(r->e, "kernels");
	if (k->conv_workspace != NULL && read_conv_rules(d, k->conv_workspace, r->a, r->e) < 0)
		return err_at(r->e, "conv_workspace");
	return 0;
}

static int
read_compute(struct reading *r, json_t *obj)
{
	struct device *d = r->d;
	struct compute_parts k = { .captured_gap = NULL };
	const struct json_field fields[] = {
		{ "flops", JSON_F_OBJECT, &k.flops, .required = true },
		{ "memory_bytes_per_s", JSON_F_REAL, &d->compute.memory_bytes_per_s, .required = true },
		{ "launch_us", JSON_F_TIME, &d->compute.launch_us, .required = true },
		{ "captured_gap_us", JSON_F_OBJECT, &k.captured_gap, .since = 2 },
		{ "wait_us", JSON_F_TIME, &d->wait_us, .since = 2 },
		{ "flop_efficiency", JSON_F_OBJECT, &k.flop_efficiency, .required = true },
		{ "memory_efficiency", JSON_F_OBJECT, &k.memory_efficiency, .required = true },
		{ "multiprocessors", JSON_F_POSITIVE, &d->compute.multiprocessors, .required = false },
		{ "gemm_tile", JSON_F_ARRAY, &k.gemm_tile, .required = false },
		{ "conv_tile", JSON_F_ARRAY, &k.conv_tile, .required = false },
		{ "kernels", JSON_F_ARRAY, &k.kernels, .required = false },
		{ "conv_workspace", JSON_F_ARRAY, &k.conv_workspace, .required = false },
		{ .key = NULL }
	};

	return json_read_fields_of(obj, fields, r->version, r->a, r->e) < 0 ? -1 : read_compute_parts(r, &k);
}

static int
read_point(struct curve_point *p, json_t *pair, struct err *e)
{
	const struct json_field bytes = { .type = JSON_F_BYTES, .to = &p->bytes };
	const struct json_field time = { .type = JSON_F_TIME, .to = &p->time_us };

	if (json_array_size(pair) != 2)
		return err_set(e, ERR_INPUT, "expected [bytes, us], got %s", json_type_name(pair));
	if (json_read_value(json_array_get(pair, 0), &bytes, NULL, e) < 0)
		return err_at(e, "[0]");
	return json_read_value(json_array_get(pair, 1), &time, NULL, e) < 0 ? err_at(e, "[1]") : 0;
}

static int
read_curve(struct curve_point **points, uint32_t *count, json_t *list, struct reading *r)
{
	if (json_read_size(list, count, r->e) < 0)
		return -1;
	*points = ARENA_NEW(r->a, struct curve_point, *count);
	for (uint32_t i = 0; i < *count; i++)
		if (read_point(&(*points)[i], json_array_get(list, i), r->e) < 0)
			return err_at(r->e, "[%" PRIu32 "]", i);
	return 0;
}

static int
read_direction(struct link_direction *l, json_t *obj, struct reading *r)
{
	json_t *curve = NULL;
	const struct json_field fields[] = {
		{ "latency_us", JSON_F_TIME, &l->latency_us, .required = true },
		{ "bytes_per_s", JSON_F_REAL, &l->bytes_per_s, .required = true },
		{ "curve", JSON_F_ARRAY, &curve, .required = false },
		{ .key = NULL }
	};

	if (json_read_fields(obj, fields, r->a, r->e) < 0)
		return -1;
	return curve != NULL && read_curve(&l->points, &l->point_count, curve, r) < 0 ? err_at(r->e, "curve") : 0;
}

/* The curves of both directions while compute is busy. */
static int
read_loaded(struct reading *r, json_t *obj)
{
	json_t *curve[DIRECTION_COUNT] = { NULL, NULL };
	const struct json_field fields[] = {
		{ direction_names[D2H], JSON_F_ARRAY, &curve[D2H], .required = true },
		{ direction_names[H2D], JSON_F_ARRAY, &curve[H2D], .required = true },
		{ .key = NULL }
	};

	if (json_read_fields(obj, fields, r->a, r->e) < 0)
		return -1;
	for (int i = 0; i < DIRECTION_COUNT; i++)
		if (read_curve(&r->d->link[i].loaded, &r->d->link[i].loaded_count, curve[i], r) < 0)
			return err_at(r->e, "%s", direction_names[i]);
	return 0;
}

static int
read_link(struct reading *r, json_t *obj)
{
	json_t *direction[DIRECTION_COUNT], *loaded = NULL;
	const struct json_field fields[] = {
		{ direction_names[D2H], JSON_F_OBJECT, &direction[D2H], .required = true },
		{ direction_names[H2D], JSON_F_OBJECT, &direction[H2D], .required = true },
		{ "loaded", JSON_F_OBJECT, &loaded, .since = 2 },
		{ "duplex_bytes_per_s", JSON_F_REAL, &r->d->duplex_bytes_per_s, .required = true },
		{ "copy_engines", JSON_F_POSITIVE, &r->d->copy_engines, .required = true },
		{ .key = NULL }
	};

	if (json_read_fields_of(obj, fields, r->version, r->a, r->e) < 0)
		return -1;
	for (int i = 0; i < DIRECTION_COUNT; i++)
		if (read_direction(&r->d->link[i], direction[i], r) < 0)
			return err_at(r->e, "%s", direction_names[i]);
	return loaded != NULL && read_loaded(r, loaded) < 0 ? err_at(r->e, "loaded") : 0;
}

/* Version 1 needs a host; in version 2 the limit on its memory is optional. */
static int
read_host(struct reading *r, json_t *obj)
{
	const struct json_field fields[] = {
		{ "pinned_bytes", JSON_F_BYTES, &r->d->pinned_bytes, .required = true },
		{ .key = NULL }
	};

	if (obj != NULL)
		return json_read_fields(obj, fields, NULL, r->e) < 0 ? err_at(r->e, "host") : 0;
	if (r->version < 2)
		return err_set(r->e, ERR_INPUT, "expected the key 'host', got none");
	r->d->pinned_bytes = DEVICE_HOST_ANY;
	return 0;
}

int
device_from_json(struct device *d, json_t *root, struct arena *a, struct err *e)
{
	struct reading r = { .d = d, .a = a, .e = e };
	json_t *format, *version, *compute, *link, *contention, *host = NULL;
	const struct json_field fields[] = {
		{ "format", JSON_F_ANY, &format, .required = true },
		{ "version", JSON_F_ANY, &version, .required = true },
		{ "name", JSON_F_STRING, &d->name, .required = true },
		{ "gpu", JSON_F_STRING, &d->gpu, .required = true },
		{ "source", JSON_F_STRING, &d->source, .required = true },
		{ "memory_bytes", JSON_F_BYTES, &d->memory_bytes, .required = true },
		{ "reserved_bytes", JSON_F_BYTES, &d->reserved_bytes, .required = true },
		{ "process_bytes", JSON_F_BYTES, &d->process_bytes, .since = 2 },
		{ "compute", JSON_F_OBJECT, &compute, .required = true },
		{ "link", JSON_F_OBJECT, &link, .required = true },
		{ "contention", JSON_F_OBJECT, &contention, .required = true },
		{ "host", JSON_F_OBJECT, &host, .required = false },
		{ .key = NULL }
	};

	*d = (struct device) { .name = NULL };
	if (json_check_format(root, "layrub-device", DEVICE_VERSION, &r.version, e) < 0 ||
	    json_read_fields_of(root, fields, r.version, a, e) < 0 || read_host(&r, host) < 0)
		return -1;
	if (read_compute(&r, compute) < 0)
		return err_at(e, "compute");
	if (read_link(&r, link) < 0)
		return err_at(e, "link");
	if (read_classes(d->contention, contention, CLASS_FACTORS, e) < 0)
		return err_at(e, "contention");
	return device_check(d, e);
}

static int
read_any(void *to, json_t *root, struct arena *a, struct err *e)
{
	return device_from_json(to, root, a, e);
}

int
device_read_from(struct device *d, const struct json_source *s, struct arena *a, struct err *e)
{
	return json_read(s, read_any, d, a, e);
}

int
device_read(struct device *d, const char *path, struct arena *a, struct err *e)
{
	return device_read_from(d, &(struct json_source) { .path = path }, a, e);
}
