/* SPDX-License-Identifier: Apache-2.0 */
/* layrub_device.c - devices as the plain struct of layrub.h: taken from a caller's arrays, and shown */
#include <config.h>
#include "src/library/layrub_private.h"

#include <assert.h>

#include "src/library/usage.h"

static_assert((int)LAYRUB_D2H == D2H && (int)LAYRUB_H2D == H2D && (int)LAYRUB_DIRECTIONS == DIRECTION_COUNT, "the directions are the same");
static_assert((int)LAYRUB_CONV_FORWARD == CONV_FORWARD && (int)LAYRUB_CONV_BACKWARD == CONV_BACKWARD &&
    (int)LAYRUB_CONV_BACKWARD_FILTER == CONV_BACKWARD_FILTER && (int)LAYRUB_CONV_BACKWARD_DATA == CONV_BACKWARD_DATA,
    "the passes are the same");
static_assert((int)LAYRUB_CLASS_ROOM > CLASS_COUNT && (int)LAYRUB_MATH_ROOM >= MATH_COUNT, "there is room");

/* ---- in ---- */

/* Refuses a value behind the last class or math type, which would be lost. */
static int
check_rest(const double *value, uint32_t from, uint32_t room, const char *key, struct err *e)
{
	for (uint32_t i = from; i < room; i++)
		if (!(value[i] >= 0 && value[i] <= 0)) {
			err_set(e, ERR_INPUT, "expected 0 behind the last one, got %g", value[i]);
			return err_at(e, "%s[%" PRIu32 "]", key, i);
		}
	return 0;
}

/* Element 0 is the value of the classes whose element is 0. */
static int
take_classes(double to[CLASS_COUNT], const double from[LAYRUB_CLASS_ROOM], const char *key, struct err *e)
{
	for (uint32_t c = 0; c < CLASS_COUNT; c++)
		to[c] = from[c + 1] >= 0 && from[c + 1] <= 0 ? from[LAYRUB_CLASS_BY_NAME] : from[c + 1];
	return check_rest(from, CLASS_COUNT + 1, LAYRUB_CLASS_ROOM, key, e);
}

static struct curve_point *
copy_curve(const struct layrub_curve_point *from, uint32_t count, struct arena *a)
{
	struct curve_point *to = ARENA_NEW(a, struct curve_point, count);

	for (uint32_t i = 0; i < count; i++)
		to[i] = (struct curve_point) { from[i].bytes, from[i].time_us };
	return to;
}

static int
take_link(struct link_direction *to, const struct layrub_link *from, struct arena *a, struct err *e)
{
	if (take_array(from->points, from->point_count, "points", e) < 0 || take_array(from->loaded, from->loaded_count, "loaded", e) < 0)
		return -1;
	*to = (struct link_direction) { .latency_us = from->latency_us, .bytes_per_s = from->bytes_per_s,
	    .point_count = from->point_count, .points = copy_curve(from->points, from->point_count, a),
	    .loaded_count = from->loaded_count, .loaded = copy_curve(from->loaded, from->loaded_count, a) };
	return 0;
}

static int
take_kernels(struct device *to, const struct layrub_device *from, struct arena *a, struct err *e)
{
	struct kernel_efficiency *kernels;

	if (take_array(from->kernels, from->kernel_count, "kernels", e) < 0)
		return -1;
	kernels = ARENA_NEW(a, struct kernel_efficiency, from->kernel_count);
	for (uint32_t i = 0; i < from->kernel_count; i++) {
		kernels[i] = (struct kernel_efficiency) { .flops = from->kernels[i].flops, .memory = from->kernels[i].memory };
		if (take_text(&kernels[i].name, from->kernels[i].name, "name", true, a, e) < 0)
			return err_at(e, "kernels[%" PRIu32 "]", i);
	}
	to->compute.kernels = kernels;
	to->compute.kernel_count = from->kernel_count;
	return 0;
}

static int
take_conv_rules(struct device *to, const struct layrub_device *from, struct arena *a, struct err *e)
{
	struct conv_rule *rules;

	if (take_array(from->conv_rules, from->conv_rule_count, "conv_rules", e) < 0)
		return -1;
	rules = ARENA_NEW(a, struct conv_rule, from->conv_rule_count);
	for (uint32_t i = 0; i < from->conv_rule_count; i++) {
		const struct layrub_conv_rule *w = &from->conv_rules[i];

		if (take_choice(w->pass, CONV_PASS_COUNT, "pass", e) < 0 || take_choice(w->math, MATH_COUNT, "math", e) < 0)
			return err_at(e, "conv_rules[%" PRIu32 "]", i);
		rules[i] = (struct conv_rule) { .pass = (enum conv_pass)w->pass, .math = (enum math)w->math, .pointwise = w->pointwise,
		    .pixel_multiple = w->pixel_multiple, .input = w->input, .output = w->output, .weight = w->weight,
		    .weight_per_sample = w->weight_per_sample, .fixed_bytes = w->fixed_bytes };
	}
	to->compute.conv_rules = rules;
	to->compute.conv_rule_count = from->conv_rule_count;
	return 0;
}

/* Copies the parts that are arrays. */
static int
take_parts(struct device *to, const struct layrub_device *from, struct arena *a, struct err *e)
{
	if (take_text(&to->name, from->name, "name", true, a, e) < 0 || take_text(&to->gpu, from->gpu, "gpu", true, a, e) < 0 ||
	    take_text(&to->source, from->source, "source", true, a, e) < 0 ||
	    check_rest(from->flops, MATH_COUNT, LAYRUB_MATH_ROOM, "flops", e) < 0 ||
	    take_classes(to->compute.flop_efficiency, from->flop_efficiency, "flop_efficiency", e) < 0 ||
	    take_classes(to->compute.memory_efficiency, from->memory_efficiency, "memory_efficiency", e) < 0 ||
	    take_classes(to->compute.captured_gap_us, from->captured_gap_us, "captured_gap_us", e) < 0 ||
	    take_classes(to->contention, from->contention, "contention", e) < 0 || take_kernels(to, from, a, e) < 0)
		return -1;
	for (int i = 0; i < DIRECTION_COUNT; i++)
		if (take_link(&to->link[i], &from->link[i], a, e) < 0)
			return err_at(e, "link[%d]", i);
	return take_conv_rules(to, from, a, e);
}

static int
take_checked(struct device *to, const struct layrub_device *given, struct arena *a, struct err *e)
{
	struct layrub_device from = { .size = 0 };

	*to = (struct device) { .name = NULL };
	if (options_copy(&from, sizeof(from), given, "layrub_device", e) < 0 || take_parts(to, &from, a, e) < 0)
		return -1;
	to->memory_bytes = from.memory_bytes;
	to->reserved_bytes = from.reserved_bytes;
	to->process_bytes = from.process_bytes;
	to->pinned_bytes = from.pinned_bytes == LAYRUB_UNLIMITED ? DEVICE_HOST_ANY : from.pinned_bytes;
	for (int i = 0; i < MATH_COUNT; i++)
		to->compute.flops[i] = from.flops[i];
	to->compute.memory_bytes_per_s = from.memory_bytes_per_s;
	to->compute.launch_us = from.launch_us;
	to->compute.multiprocessors = from.multiprocessors;
	for (int i = 0; i < 2; i++) {
		to->compute.gemm_tile[i] = from.gemm_tile[i];
		to->compute.conv_tile[i] = from.conv_tile[i];
	}
	to->duplex_bytes_per_s = from.duplex_bytes_per_s;
	to->wait_us = from.wait_us;
	to->copy_engines = from.copy_engines;
	return device_check(to, e);
}

int
take_device(struct device *to, const struct layrub_device *given, struct arena *a, struct err *e)
{
	if (take_checked(to, given, a, e) == 0)
		return 0;
	return e->code == ERR_USAGE ? -1 : err_at(e, "device_data");
}

int
check_device_options(const char *name, const char *text, const struct layrub_device *data, struct err *e)
{
	return data == NULL || (name == NULL && text == NULL) ? 0 : usage_error(e, "--device", "expected one device, got device_data, too");
}

/* ---- out ---- */

static void
view_classes(double to[LAYRUB_CLASS_ROOM], const double from[CLASS_COUNT])
{
	for (uint32_t c = 0; c < CLASS_COUNT; c++)
		to[c + 1] = from[c];
}

static const struct layrub_curve_point *
view_curve(const struct curve_point *from, uint32_t count, struct arena *a)
{
	struct layrub_curve_point *to = ARENA_NEW(a, struct layrub_curve_point, count);

	for (uint32_t i = 0; i < count; i++)
		to[i] = (struct layrub_curve_point) { from[i].bytes, from[i].time_us };
	return to;
}

static void
view_kernels(struct layrub_device *to, const struct device *d, struct arena *a)
{
	struct layrub_kernel *kernels = ARENA_NEW(a, struct layrub_kernel, d->compute.kernel_count);
	struct layrub_conv_rule *rules = ARENA_NEW(a, struct layrub_conv_rule, d->compute.conv_rule_count);

	for (uint32_t i = 0; i < d->compute.kernel_count; i++) {
		const struct kernel_efficiency *k = &d->compute.kernels[i];

		kernels[i] = (struct layrub_kernel) { k->name, k->flops, k->memory };
	}
	for (uint32_t i = 0; i < d->compute.conv_rule_count; i++) {
		const struct conv_rule *w = &d->compute.conv_rules[i];

		rules[i] = (struct layrub_conv_rule) { .pass = (uint32_t)w->pass, .math = (uint32_t)w->math, .pointwise = w->pointwise,
		    .pixel_multiple = w->pixel_multiple, .input = w->input, .output = w->output, .weight = w->weight,
		    .weight_per_sample = w->weight_per_sample, .fixed_bytes = w->fixed_bytes };
	}
	to->kernel_count = d->compute.kernel_count;
	to->kernels = kernels;
	to->conv_rule_count = d->compute.conv_rule_count;
	to->conv_rules = rules;
}

struct layrub_device *
view_device(const struct device *d, struct arena *a)
{
	struct layrub_device *to = ARENA_NEW(a, struct layrub_device, 1);

	*to = (struct layrub_device) { .size = sizeof(*to), .name = d->name, .gpu = d->gpu, .source = d->source,
	    .memory_bytes = d->memory_bytes, .reserved_bytes = d->reserved_bytes, .process_bytes = d->process_bytes,
	    .pinned_bytes = d->pinned_bytes == DEVICE_HOST_ANY ? LAYRUB_UNLIMITED : d->pinned_bytes,
	    .memory_bytes_per_s = d->compute.memory_bytes_per_s, .launch_us = d->compute.launch_us,
	    .duplex_bytes_per_s = d->duplex_bytes_per_s, .wait_us = d->wait_us, .copy_engines = d->copy_engines,
	    .multiprocessors = d->compute.multiprocessors, .gemm_tile = { d->compute.gemm_tile[0], d->compute.gemm_tile[1] },
	    .conv_tile = { d->compute.conv_tile[0], d->compute.conv_tile[1] } };
	for (int i = 0; i < MATH_COUNT; i++)
		to->flops[i] = d->compute.flops[i];
	view_classes(to->flop_efficiency, d->compute.flop_efficiency);
	view_classes(to->memory_efficiency, d->compute.memory_efficiency);
	view_classes(to->contention, d->contention);
	view_classes(to->captured_gap_us, d->compute.captured_gap_us);
	for (int i = 0; i < DIRECTION_COUNT; i++) {
		const struct link_direction *l = &d->link[i];

		to->link[i] = (struct layrub_link) { .latency_us = l->latency_us, .bytes_per_s = l->bytes_per_s, .point_count = l->point_count,
		    .points = view_curve(l->points, l->point_count, a), .loaded_count = l->loaded_count,
		    .loaded = view_curve(l->loaded, l->loaded_count, a) };
	}
	view_kernels(to, d, a);
	return to;
}
