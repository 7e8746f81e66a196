/* SPDX-License-Identifier: Apache-2.0 */
/* device_json.c - the reader of "layrub-device" documents */
#include <config.h>
#include "src/documents/device.h"

#include "src/base/json.h"

static int
out_of_range(const char *key, const char *expected, double got, struct err *e)
{
	err_set(e, ERR_INPUT, "expected %s, got %g", expected, got);
	return err_at(e, "%s", key);
}

/* One number for each op class; `default` is that of classes without a key. */
static int
read_classes(double to[CLASS_COUNT], json_t *obj, double min, double max, struct err *e)
{
	struct json_field fields[CLASS_COUNT + 2] = { { .key = NULL } };
	double fallback = -1;

	for (int i = 0; i < CLASS_COUNT; i++) {
		to[i] = -1;
		fields[i] = (struct json_field) { op_class_names[i], JSON_F_REAL, &to[i], .required = false };
	}
	fields[CLASS_COUNT] = (struct json_field) { "default", JSON_F_REAL, &fallback, .required = false };
	if (json_read_fields(obj, fields, NULL, e) < 0)
		return -1;
	for (int i = 0; i <= CLASS_COUNT; i++) {
		double value = *(double *)fields[i].to;

		if (value == 0 || (value > 0 && (value < min || value > max)))
			return out_of_range(fields[i].key,
			    min > 0 ? "a factor of at least 1" : "a share above 0 and up to 1", value, e);
	}
	for (int i = 0; i < CLASS_COUNT; i++) {
		if (to[i] < 0 && fallback < 0)
			return err_set(e, ERR_INPUT, "expected the key 'default' or '%s', got neither", op_class_names[i]);
		if (to[i] < 0)
			to[i] = fallback;
	}
	return 0;
}

static int
read_flops(double flops[MATH_COUNT], json_t *obj, struct err *e)
{
	struct json_field fields[MATH_COUNT + 1] = { { .key = NULL } };

	for (int i = 0; i < MATH_COUNT; i++)
		fields[i] = (struct json_field) { math_names[i], JSON_F_REAL, &flops[i], .required = i == MATH_FLOAT32 };
	if (json_read_fields(obj, fields, NULL, e) < 0)
		return -1;
	return flops[MATH_FLOAT32] > 0 ? 0 : out_of_range("float32", "a positive number", flops[MATH_FLOAT32], e);
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
		if (k.flops > 1 || k.memory > 1) {
			out_of_range(k.flops > 1 ? "flops" : "memory", "a share of at most 1",
			    k.flops > 1 ? k.flops : k.memory, e);
			return err_at(e, "[%" PRIu32 "]", i);
		}
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
	/* A factor counts copies; a larger one is a mistake. */
	for (size_t i = 0; fields[i].key != NULL; i++)
		if (fields[i].type == JSON_F_REAL && *(double *)fields[i].to > 1e6)
			return out_of_range(fields[i].key, "a factor of at most 1e+06", *(double *)fields[i].to, e);
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

/* Optional parts of `compute`: figures of kernels beyond the efficiencies by class. */
struct kernel_parts { json_t *gemm_tile, *conv_tile, *kernels, *conv_workspace; };

static int
read_kernel_parts(struct device *d, const struct kernel_parts *k, struct arena *a, struct err *e)
{
	if (read_tile(d->compute.gemm_tile, k->gemm_tile, e) < 0)
		return err_at(e, "gemm_tile");
	if (read_tile(d->compute.conv_tile, k->conv_tile, e) < 0)
		return err_at(e, "conv_tile");
	if (k->kernels != NULL && read_kernels(d, k->kernels, a, e) < 0)
		return err_at(e, "kernels");
	if (k->conv_workspace != NULL && read_conv_rules(d, k->conv_workspace, a, e) < 0)
		return err_at(e, "conv_workspace");
	return 0;
}

static int
read_compute(struct device *d, json_t *obj, struct arena *a, struct err *e)
{
	json_t *flops, *flop_efficiency, *memory_efficiency;
	struct kernel_parts k = { NULL, NULL, NULL, NULL };
	const struct json_field fields[] = {
		{ "flops", JSON_F_OBJECT, &flops, .required = true },
		{ "memory_bytes_per_s", JSON_F_REAL, &d->compute.memory_bytes_per_s, .required = true },
		{ "launch_us", JSON_F_TIME, &d->compute.launch_us, .required = true },
		{ "flop_efficiency", JSON_F_OBJECT, &flop_efficiency, .required = true },
		{ "memory_efficiency", JSON_F_OBJECT, &memory_efficiency, .required = true },
		{ "multiprocessors", JSON_F_POSITIVE, &d->compute.multiprocessors, .required = false },
		{ "gemm_tile", JSON_F_ARRAY, &k.gemm_tile, .required = false },
		{ "conv_tile", JSON_F_ARRAY, &k.conv_tile, .required = false },
		{ "kernels", JSON_F_ARRAY, &k.kernels, .required = false },
		{ "conv_workspace", JSON_F_ARRAY, &k.conv_workspace, .required = false },
		{ .key = NULL }
	};

	if (json_read_fields(obj, fields, a, e) < 0)
		return -1;
	if (read_flops(d->compute.flops, flops, e) < 0)
		return err_at(e, "flops");
	if (!(d->compute.memory_bytes_per_s > 0))
		return out_of_range("memory_bytes_per_s", "a positive number", d->compute.memory_bytes_per_s, e);
	if (read_classes(d->compute.flop_efficiency, flop_efficiency, 0, 1, e) < 0)
		return err_at(e, "flop_efficiency");
	if (read_classes(d->compute.memory_efficiency, memory_efficiency, 0, 1, e) < 0)
		return err_at(e, "memory_efficiency");
	return read_kernel_parts(d, &k, a, e);
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
read_curve(struct link_direction *l, json_t *list, struct arena *a, struct err *e)
{
	if (json_read_size(list, &l->point_count, e) < 0)
		return -1;
	l->points = ARENA_NEW(a, struct curve_point, l->point_count);
	for (uint32_t i = 0; i < l->point_count; i++) {
		struct curve_point *p = &l->points[i];

		if (read_point(p, json_array_get(list, i), e) < 0)
			return err_at(e, "[%" PRIu32 "]", i);
		if (i > 0 && (p->bytes <= p[-1].bytes || p->time_us <= p[-1].time_us)) {
			err_set(e, ERR_INPUT, "expected more bytes and time than [%" PRI_BYTES ", %g], got [%" PRI_BYTES ", %g]",
			    p[-1].bytes, p[-1].time_us, p->bytes, p->time_us);
			return err_at(e, "[%" PRIu32 "]", i);
		}
	}
	return 0;
}

/* The least rate of a link, in bytes per second: at this rate times of the largest transfers still add up. */
static const double LEAST_RATE = 1000;

static int
read_direction(struct link_direction *l, json_t *obj, struct arena *a, struct err *e)
{
	json_t *curve = NULL;
	const struct json_field fields[] = {
		{ "latency_us", JSON_F_TIME, &l->latency_us, .required = true },
		{ "bytes_per_s", JSON_F_REAL, &l->bytes_per_s, .required = true },
		{ "curve", JSON_F_ARRAY, &curve, .required = false },
		{ .key = NULL }
	};

	if (json_read_fields(obj, fields, a, e) < 0)
		return -1;
	if (!(l->bytes_per_s >= LEAST_RATE))
		return out_of_range("bytes_per_s", "1000 or more", l->bytes_per_s, e);
	return curve != NULL && read_curve(l, curve, a, e) < 0 ? err_at(e, "curve") : 0;
}

static int
read_link(struct device *d, json_t *obj, struct arena *a, struct err *e)
{
	json_t *direction[DIRECTION_COUNT];
	const struct json_field fields[] = {
		{ direction_names[D2H], JSON_F_OBJECT, &direction[D2H], .required = true },
		{ direction_names[H2D], JSON_F_OBJECT, &direction[H2D], .required = true },
		{ "duplex_bytes_per_s", JSON_F_REAL, &d->duplex_bytes_per_s, .required = true },
		{ "copy_engines", JSON_F_POSITIVE, &d->copy_engines, .required = true },
		{ .key = NULL }
	};

	if (json_read_fields(obj, fields, a, e) < 0)
		return -1;
	for (int i = 0; i < DIRECTION_COUNT; i++)
		if (read_direction(&d->link[i], direction[i], a, e) < 0)
			return err_at(e, "%s", direction_names[i]);
	if (!(d->duplex_bytes_per_s >= LEAST_RATE))
		return out_of_range("duplex_bytes_per_s", "1000 or more", d->duplex_bytes_per_s, e);
	return d->copy_engines <= 2 ? 0 : out_of_range("copy_engines", "1 or 2", d->copy_engines, e);
}

static int
read_host(struct device *d, json_t *obj, struct err *e)
{
	const struct json_field fields[] = {
		{ "pinned_bytes", JSON_F_BYTES, &d->pinned_bytes, .required = true },
		{ .key = NULL }
	};

	return json_read_fields(obj, fields, NULL, e);
}

static int
read_parts(struct device *d, json_t *compute, json_t *link, json_t *contention, json_t *host, struct arena *a,
    struct err *e)
{
	if (d->reserved_bytes >= d->memory_bytes) {
		err_set(e, ERR_INPUT, "expected less than memory_bytes, %" PRI_BYTES ", got %" PRI_BYTES,
		    d->memory_bytes, d->reserved_bytes);
		return err_at(e, "reserved_bytes");
	}
	if (read_compute(d, compute, a, e) < 0)
		return err_at(e, "compute");
	if (read_link(d, link, a, e) < 0)
		return err_at(e, "link");
	if (read_classes(d->contention, contention, 1, 1e6, e) < 0)
		return err_at(e, "contention");
	return read_host(d, host, e) < 0 ? err_at(e, "host") : 0;
}

int
device_from_json(struct device *d, json_t *root, struct arena *a, struct err *e)
{
	json_t *format, *version, *compute, *link, *contention, *host;
	const struct json_field fields[] = {
		{ "format", JSON_F_ANY, &format, .required = true },
		{ "version", JSON_F_ANY, &version, .required = true },
		{ "name", JSON_F_STRING, &d->name, .required = true },
		{ "gpu", JSON_F_STRING, &d->gpu, .required = true },
		{ "source", JSON_F_STRING, &d->source, .required = true },
		{ "memory_bytes", JSON_F_BYTES, &d->memory_bytes, .required = true },
		{ "reserved_bytes", JSON_F_BYTES, &d->reserved_bytes, .required = true },
		{ "compute", JSON_F_OBJECT, &compute, .required = true },
		{ "link", JSON_F_OBJECT, &link, .required = true },
		{ "contention", JSON_F_OBJECT, &contention, .required = true },
		{ "host", JSON_F_OBJECT, &host, .required = true },
		{ .key = NULL }
	};

	*d = (struct device) { .name = NULL };
	if (json_check_format(root, "layrub-device", DEVICE_VERSION, NULL, e) < 0 || json_read_fields(root, fields, a, e) < 0)
		return -1;
	return read_parts(d, compute, link, contention, host, a, e);
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
