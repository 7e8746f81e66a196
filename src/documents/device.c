/* SPDX-License-Identifier: Apache-2.0 */
/* device.c - names of device.h's enumerations, the time of one transfer, and the ranges of a device's values */
#include <config.h>
#include "src/documents/device.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* The largest time in microseconds, the largest real number, and the largest factor of a device. */
static const double TIME_MOST = 1e12, REAL_MOST = 1e18, FACTOR_MOST = 1e6;

/* The least rate of a link, in bytes per second: at this rate times of the largest transfers still add up. */
static const double RATE_LEAST = 1000;

const char *const math_names[MATH_COUNT + 1] = { "float32", "tf32", "bfloat16", "float16", NULL };
const char *const direction_names[DIRECTION_COUNT + 1] = { "d2h", "h2d", NULL };
const char *const conv_pass_names[CONV_PASS_COUNT + 1] = { "forward", "backward", "backward-filter", "backward-data", NULL };

/* The first of n points that is not smaller than bytes. */
static uint32_t
point_from(const struct curve_point *points, uint32_t n, bytes_t bytes)
{
	uint32_t low = 0, high = n;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (points[mid].bytes < bytes)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Returns the time on a curve of n points, n > 0. */
static double
curve_us(const struct curve_point *p, uint32_t n, double bytes_per_s, bytes_t bytes)
{
	uint32_t i = point_from(p, n, bytes);

	if (i == 0)
		return p[0].time_us;	/* latency alone */
	if (i == n && n == 1)
		return p[0].time_us + (double)(bytes - p[0].bytes) * 1e6 / bytes_per_s;
	if (i == n)
		i = n - 1;
	return p[i - 1].time_us + (double)(bytes - p[i - 1].bytes) *
	    (p[i].time_us - p[i - 1].time_us) / (double)(p[i].bytes - p[i - 1].bytes);
}

double
device_transfer_us(const struct device *d, enum direction dir, bytes_t bytes)
{
	const struct link_direction *l = &d->link[dir];

	if (l->point_count == 0)
		return l->latency_us + (double)bytes * 1e6 / l->bytes_per_s;
	return curve_us(l->points, l->point_count, l->bytes_per_s, bytes);
}

double
device_busy_us(const struct device *d, enum direction dir, bytes_t bytes)
{
	const struct link_direction *l = &d->link[dir];
	double alone = device_transfer_us(d, dir, bytes);
	bytes_t at;

	if (l->loaded_count == 0)
		return alone;
	at = bytes > l->loaded[0].bytes ? bytes : l->loaded[0].bytes;
	return alone + fmax(0, curve_us(l->loaded, l->loaded_count, l->bytes_per_s, at) - device_transfer_us(d, dir, at));
}

double
device_latency_us(const struct device *d, enum direction dir, bytes_t bytes)
{
	const struct link_direction *l = &d->link[dir];

	return l->loaded_count == 0 ? l->latency_us : fmax(0, device_transfer_us(d, dir, bytes) - (double)bytes * 1e6 / l->bytes_per_s);
}

/* ---- the ranges ---- */

static int
out_of_range(const char *key, const char *expected, double got, struct err *e)
{
	err_set(e, ERR_INPUT, "expected %s, got %g", expected, got);
	return err_at(e, "%s", key);
}

/* Refuses a number outside least..most, and NaN. */
static int
check_real(const char *key, double value, double least, double most, struct err *e)
{
	char expected[64];

	if (value >= least && value <= most)
		return 0;
	snprintf(expected, sizeof(expected), "a number from %g to %g", least, most);
	return out_of_range(key, expected, value, e);
}

static int
check_positive(const char *key, double value, struct err *e)
{
	return value > 0 && value <= REAL_MOST ? 0 : out_of_range(key, "a positive number", value, e);
}

static int
check_whole(const char *key, uint64_t value, uint64_t most, struct err *e)
{
	if (value <= most)
		return 0;
	err_set(e, ERR_INPUT, "expected a whole number from 0 to %" PRIu64 ", got %" PRIu64, most, value);
	return err_at(e, "%s", key);
}

int
device_check_class(const char *key, double value, enum class_range range, struct err *e)
{
	switch (range) {
	case CLASS_SHARES:
		return value > 0 && value <= 1 ? 0 : out_of_range(key, "a share above 0 and up to 1", value, e);
	case CLASS_FACTORS:
		return value >= 1 && value <= FACTOR_MOST ? 0 : out_of_range(key, "a factor of at least 1", value, e);
	default:
		return check_real(key, value, 0, TIME_MOST, e);
	}
}

static int
check_classes(const char *key, const double value[CLASS_COUNT], enum class_range range, struct err *e)
{
	for (int i = 0; i < CLASS_COUNT; i++)
		if (device_check_class(op_class_names[i], value[i], range, e) < 0)
			return err_at(e, "%s", key);
	return 0;
}

static int
check_text(const char *key, const char *text, struct err *e)
{
	if (text != NULL)
		return 0;
	err_set(e, ERR_INPUT, "expected a string, got none");
	return err_at(e, "%s", key);
}

/* A tile is two numbers of at least 1, or none. */
static int
check_tile(const char *key, const uint32_t tile[2], struct err *e)
{
	if ((tile[0] > 0) == (tile[1] > 0) && tile[0] <= INT32_MAX && tile[1] <= INT32_MAX)
		return 0;
	err_set(e, ERR_INPUT, "expected two whole numbers from 1 to %d, got %" PRIu32 " and %" PRIu32, INT32_MAX, tile[0], tile[1]);
	return err_at(e, "%s", key);
}

static int
check_kernels(const struct device *d, struct err *e)
{
	for (uint32_t i = 0; i < d->compute.kernel_count; i++) {
		const struct kernel_efficiency *k = &d->compute.kernels[i];
		bool flops = !(k->flops >= 0 && k->flops <= 1), memory = !(k->memory >= 0 && k->memory <= 1);

		if (check_text("name", k->name, e) < 0)
			return err_at(e, "kernels[%" PRIu32 "]", i);
		if (!flops && !memory)
			continue;
		out_of_range(flops ? "flops" : "memory", "a share of at most 1", flops ? k->flops : k->memory, e);
		return err_at(e, "kernels[%" PRIu32 "]", i);
	}
	return 0;
}

static int
check_conv_rule(const struct conv_rule *w, struct err *e)
{
	const struct { const char *key; double value; } factors[] = {
		{ "input", w->input }, { "output", w->output }, { "weight", w->weight }, { "weight_per_sample", w->weight_per_sample }
	};

	if (check_whole("pass", (uint64_t)w->pass, CONV_PASS_COUNT - 1, e) < 0 ||
	    check_whole("math", (uint64_t)w->math, MATH_COUNT - 1, e) < 0 ||
	    check_whole("pixel_multiple", w->pixel_multiple, INT32_MAX, e) < 0)
		return -1;
	/* A factor counts copies; a larger one is a mistake. */
	for (size_t i = 0; i < sizeof(factors) / sizeof(factors[0]); i++)
		if (!(factors[i].value >= 0 && factors[i].value <= FACTOR_MOST))
			return out_of_range(factors[i].key, "a factor of at most 1e+06", factors[i].value, e);
	return check_whole("fixed_bytes", w->fixed_bytes, BYTES_MAX, e);
}

static int
check_kernel_parts(const struct device *d, struct err *e)
{
	if (check_whole("multiprocessors", d->compute.multiprocessors, INT32_MAX, e) < 0 ||
	    check_tile("gemm_tile", d->compute.gemm_tile, e) < 0 || check_tile("conv_tile", d->compute.conv_tile, e) < 0 ||
	    check_kernels(d, e) < 0)
		return -1;
	for (uint32_t i = 0; i < d->compute.conv_rule_count; i++)
		if (check_conv_rule(&d->compute.conv_rules[i], e) < 0)
			return err_at(e, "conv_workspace[%" PRIu32 "]", i);
	return 0;
}

static int
check_compute(const struct device *d, struct err *e)
{
	for (int i = 0; i < MATH_COUNT; i++)
		if (i == MATH_FLOAT32 ? check_positive(math_names[i], d->compute.flops[i], e) < 0 :
		    check_real(math_names[i], d->compute.flops[i], 0, REAL_MOST, e) < 0)
			return err_at(e, "flops");
	if (check_positive("memory_bytes_per_s", d->compute.memory_bytes_per_s, e) < 0 ||
	    check_real("launch_us", d->compute.launch_us, 0, TIME_MOST, e) < 0 ||
	    check_real("wait_us", d->wait_us, 0, TIME_MOST, e) < 0 ||
	    check_classes("captured_gap_us", d->compute.captured_gap_us, CLASS_TIMES, e) < 0 ||
	    check_classes("flop_efficiency", d->compute.flop_efficiency, CLASS_SHARES, e) < 0 ||
	    check_classes("memory_efficiency", d->compute.memory_efficiency, CLASS_SHARES, e) < 0)
		return -1;
	return check_kernel_parts(d, e);
}

static int
check_point(const struct curve_point *p, bool first, struct err *e)
{
	if (check_whole("[0]", p->bytes, BYTES_MAX, e) < 0 || check_real("[1]", p->time_us, 0, TIME_MOST, e) < 0)
		return -1;
	if (first || (p->bytes > p[-1].bytes && p->time_us > p[-1].time_us))
		return 0;
	return err_set(e, ERR_INPUT, "expected more bytes and time than [%" PRI_BYTES ", %g], got [%" PRI_BYTES ", %g]",
	    p[-1].bytes, p[-1].time_us, p->bytes, p->time_us);
}

/* Refuses a curve that does not rise. */
static int
check_curve(const struct curve_point *points, uint32_t count, struct err *e)
{
	for (uint32_t i = 0; i < count; i++)
		if (check_point(&points[i], i == 0, e) < 0)
			return err_at(e, "[%" PRIu32 "]", i);
	return 0;
}

static int
check_rate(const char *key, double rate, struct err *e)
{
	return rate >= RATE_LEAST && rate <= REAL_MOST ? 0 : out_of_range(key, "1000 or more", rate, e);
}

static int
check_link(const struct device *d, struct err *e)
{
	for (int i = 0; i < DIRECTION_COUNT; i++) {
		const struct link_direction *l = &d->link[i];

		if (check_real("latency_us", l->latency_us, 0, TIME_MOST, e) < 0 || check_rate("bytes_per_s", l->bytes_per_s, e) < 0)
			return err_at(e, "%s", direction_names[i]);
		if (check_curve(l->points, l->point_count, e) < 0) {
			err_at(e, "curve");
			return err_at(e, "%s", direction_names[i]);
		}
		if (check_curve(l->loaded, l->loaded_count, e) < 0) {
			err_at(e, "%s", direction_names[i]);
			return err_at(e, "loaded");
		}
	}
	if (check_rate("duplex_bytes_per_s", d->duplex_bytes_per_s, e) < 0)
		return -1;
	return d->copy_engines == 1 || d->copy_engines == 2 ? 0 : out_of_range("copy_engines", "1 or 2", d->copy_engines, e);
}

static int
check_memory(const struct device *d, struct err *e)
{
	bool reserved = d->reserved_bytes >= d->memory_bytes;

	if (check_whole("memory_bytes", d->memory_bytes, BYTES_MAX, e) < 0)
		return -1;
	if (!reserved && d->process_bytes <= d->memory_bytes)
		return 0;
	err_set(e, ERR_INPUT, "expected %s memory_bytes, %" PRI_BYTES ", got %" PRI_BYTES, reserved ? "less than" : "at most",
	    d->memory_bytes, reserved ? d->reserved_bytes : d->process_bytes);
	return err_at(e, "%s", reserved ? "reserved_bytes" : "process_bytes");
}

int
device_check(const struct device *d, struct err *e)
{
	if (check_text("name", d->name, e) < 0 || check_text("gpu", d->gpu, e) < 0 || check_text("source", d->source, e) < 0 ||
	    check_memory(d, e) < 0)
		return -1;
	if (check_compute(d, e) < 0)
		return err_at(e, "compute");
	if (check_link(d, e) < 0)
		return err_at(e, "link");
	if (check_classes("contention", d->contention, CLASS_FACTORS, e) < 0)
		return -1;
	return check_whole("pinned_bytes", d->pinned_bytes, BYTES_MAX, e) < 0 ? err_at(e, "host") : 0;
}
