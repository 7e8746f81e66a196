/* SPDX-License-Identifier: Apache-2.0 */
/* device.c - names of device.h's enumerations, and the time of one transfer */
#include <config.h>
#include "src/documents/device.h"

const char *const math_names[MATH_COUNT + 1] = { "float32", "tf32", "bfloat16", "float16", NULL };
const char *const direction_names[DIRECTION_COUNT + 1] = { "d2h", "h2d", NULL };
const char *const conv_pass_names[CONV_PASS_COUNT + 1] = { "forward", "backward", "backward-filter", "backward-data", NULL };

/* The first point of the curve that is not smaller than bytes. */
static uint32_t
point_from(const struct link_direction *l, bytes_t bytes)
{
	uint32_t low = 0, high = l->point_count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (l->points[mid].bytes < bytes)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

double
device_transfer_us(const struct device *d, enum direction dir, bytes_t bytes)
{
	const struct link_direction *l = &d->link[dir];
	const struct curve_point *p = l->points;
	uint32_t n = l->point_count, i;

	if (n == 0)
		return l->latency_us + (double)bytes * 1e6 / l->bytes_per_s;
	i = point_from(l, bytes);
	if (i == 0)
		return p[0].time_us;	/* latency alone */
	if (i == n && n == 1)
		return p[0].time_us + (double)(bytes - p[0].bytes) * 1e6 / l->bytes_per_s;
	if (i == n)
		i = n - 1;
	return p[i - 1].time_us + (double)(bytes - p[i - 1].bytes) *
	    (p[i].time_us - p[i - 1].time_us) / (double)(p[i].bytes - p[i - 1].bytes);
}
