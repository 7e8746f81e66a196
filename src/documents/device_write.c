/* SPDX-License-Identifier: Apache-2.0 */
/* device_write.c - the writer of "layrub-device" documents, and their digest */
#include <config.h>
#include "src/documents/device.h"

#include "src/base/json.h"

/* `default` is the number of class other; the classes that differ follow. */
static void
write_classes(const char *key, const double value[CLASS_COUNT], struct json_out *o)
{
	json_out_object(o, key, false);
	json_out_real(o, "default", value[CLASS_OTHER]);
	for (int i = 0; i < CLASS_COUNT; i++)
		if (value[i] != value[CLASS_OTHER])
			json_out_real(o, op_class_names[i], value[i]);
	json_out_end_object(o);
}

static void
write_positive(const char *key, double value, struct json_out *o)
{
	if (value > 0)
		json_out_real(o, key, value);
}

static bool
has_captured_gap(const struct device *d)
{
	for (int i = 0; i < CLASS_COUNT; i++)
		if (d->compute.captured_gap_us[i] > 0)
			return true;
	return false;
}

static bool
has_loaded(const struct device *d)
{
	return d->link[D2H].loaded_count > 0 || d->link[H2D].loaded_count > 0;
}

uint32_t
device_version(const struct device *d)
{
	return d->process_bytes > 0 || d->wait_us > 0 || has_captured_gap(d) || has_loaded(d) ||
	    d->pinned_bytes == DEVICE_HOST_ANY ? 2 : 1;
}

static void
write_kernels(const struct device *d, struct json_out *o)
{
	if (d->compute.kernel_count == 0)
		return;
	json_out_array(o, "kernels", true);
	for (uint32_t i = 0; i < d->compute.kernel_count; i++) {
		const struct kernel_efficiency *k = &d->compute.kernels[i];

		json_out_object(o, NULL, false);
		json_out_string(o, "name", k->name);
		write_positive("flops", k->flops, o);
		write_positive("memory", k->memory, o);
		json_out_end_object(o);
	}
	json_out_end_array(o);
}

static void
write_conv_rules(const struct device *d, struct json_out *o)
{
	if (d->compute.conv_rule_count == 0)
		return;
	json_out_array(o, "conv_workspace", true);
	for (uint32_t i = 0; i < d->compute.conv_rule_count; i++) {
		const struct conv_rule *w = &d->compute.conv_rules[i];

		json_out_object(o, NULL, false);
		json_out_string(o, "pass", conv_pass_names[w->pass]);
		json_out_string(o, "math", math_names[w->math]);
		if (w->pointwise)
			json_out_bool(o, "pointwise", true);
		if (w->pixel_multiple > 0)
			json_out_uint(o, "pixel_multiple", w->pixel_multiple);
		write_positive("input", w->input, o);
		write_positive("output", w->output, o);
		write_positive("weight", w->weight, o);
		write_positive("weight_per_sample", w->weight_per_sample, o);
		if (w->fixed_bytes > 0)
			json_out_uint(o, "fixed_bytes", w->fixed_bytes);
		json_out_end_object(o);
	}
	json_out_end_array(o);
}

static void
write_tile(const char *key, const uint32_t tile[2], struct json_out *o)
{
	if (tile[0] > 0)
		json_out_ids(o, key, tile, 2);
}

static void
write_compute(const struct device *d, struct json_out *o)
{
	json_out_object(o, "compute", true);
	json_out_object(o, "flops", false);
	for (int i = 0; i < MATH_COUNT; i++)
		write_positive(math_names[i], d->compute.flops[i], o);
	json_out_end_object(o);
	json_out_real(o, "memory_bytes_per_s", d->compute.memory_bytes_per_s);
	json_out_real(o, "launch_us", d->compute.launch_us);
	if (has_captured_gap(d))
		write_classes("captured_gap_us", d->compute.captured_gap_us, o);
	write_positive("wait_us", d->wait_us, o);
	if (d->compute.multiprocessors > 0)
		json_out_uint(o, "multiprocessors", d->compute.multiprocessors);
	write_tile("gemm_tile", d->compute.gemm_tile, o);
	write_tile("conv_tile", d->compute.conv_tile, o);
	write_classes("flop_efficiency", d->compute.flop_efficiency, o);
	write_classes("memory_efficiency", d->compute.memory_efficiency, o);
	write_kernels(d, o);
	write_conv_rules(d, o);
	json_out_end_object(o);
}

static void
write_curve(const char *key, const struct curve_point *points, uint32_t count, struct json_out *o)
{
	json_out_array(o, key, false);
	for (uint32_t i = 0; i < count; i++) {
		json_out_array(o, NULL, false);
		json_out_uint(o, NULL, points[i].bytes);
		json_out_real(o, NULL, points[i].time_us);
		json_out_end_array(o);
	}
	json_out_end_array(o);
}

static void
write_direction(const char *key, const struct link_direction *l, struct json_out *o)
{
	json_out_object(o, key, false);
	json_out_real(o, "latency_us", l->latency_us);
	json_out_real(o, "bytes_per_s", l->bytes_per_s);
	if (l->point_count > 0)
		write_curve("curve", l->points, l->point_count, o);
	json_out_end_object(o);
}

static void
write_link(const struct device *d, struct json_out *o)
{
	json_out_object(o, "link", true);
	for (int i = 0; i < DIRECTION_COUNT; i++)
		write_direction(direction_names[i], &d->link[i], o);
	if (has_loaded(d)) {
		json_out_object(o, "loaded", true);
		for (int i = 0; i < DIRECTION_COUNT; i++)
			write_curve(direction_names[i], d->link[i].loaded, d->link[i].loaded_count, o);
		json_out_end_object(o);
	}
	json_out_real(o, "duplex_bytes_per_s", d->duplex_bytes_per_s);
	json_out_uint(o, "copy_engines", d->copy_engines);
	json_out_end_object(o);
}

void
device_to_json(const struct device *d, const char *key, struct json_out *o)
{
	json_out_object(o, key, true);
	json_out_string(o, "format", "layrub-device");
	json_out_uint(o, "version", device_version(d));
	json_out_string(o, "name", d->name);
	json_out_string(o, "gpu", d->gpu);
	json_out_string(o, "source", d->source);
	json_out_uint(o, "memory_bytes", d->memory_bytes);
	json_out_uint(o, "reserved_bytes", d->reserved_bytes);
	if (d->process_bytes > 0)
		json_out_uint(o, "process_bytes", d->process_bytes);
	write_compute(d, o);
	write_link(d, o);
	write_classes("contention", d->contention, o);
	if (d->pinned_bytes != DEVICE_HOST_ANY) {
		json_out_object(o, "host", false);
		json_out_uint(o, "pinned_bytes", d->pinned_bytes);
		json_out_end_object(o);
	}
	json_out_end_object(o);
}

static void
write_any(const void *document, const char *key, struct json_out *o)
{
	device_to_json(document, key, o);
}

int
device_write(const struct device *d, const char *path, struct err *e)
{
	return json_write_file(path, write_any, d, e);
}

void
device_digest(const struct device *d, char digest[33], struct arena *a)
{
	json_digest(digest, write_any, d, a);
}
