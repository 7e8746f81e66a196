/* SPDX-License-Identifier: Apache-2.0 */
/* calibrate_fit.c - figures of a device document from measured times */
#include <config.h>
#include "cuda_validate/calibrate_fit.h"

#include <math.h>

/* The share by which a point is put below the next one. */
static const double BELOW = 0.001;

/* Repeated measurements of one launch differ by less than this many microseconds, or by less than this share. */
static const double NOISE_US = 0.1, NOISE_SHARE = 0.1;

void
fit_rising(struct curve_point *p, uint32_t count)
{
	for (uint32_t k = count; k-- > 1;)
		if (p[k - 1].time_us >= p[k].time_us)
			p[k - 1].time_us = p[k].time_us * (1 - BELOW);
}

double
fit_latency(const struct curve_point *points, double bytes_per_s)
{
	return fmax(0, points[0].time_us - (double)points[0].bytes / bytes_per_s * 1e6);
}

double
fit_duplex(bytes_t bytes, const double us[DIRECTION_COUNT], const double bytes_per_s[DIRECTION_COUNT])
{
	enum direction slower = us[D2H] > us[H2D] ? D2H : H2D, faster = slower == D2H ? H2D : D2H;
	double alone = (us[slower] - us[faster]) / 1e6 * bytes_per_s[slower];

	return (2 * (double)bytes - alone) / us[faster] * 1e6;
}

double
fit_each(double more_us, double less_us, uint32_t count)
{
	return fmax(0, (more_us - less_us) / count);
}

bool
fit_is_compute_bound(enum op_class c)
{
	return c == CLASS_CONV || c == CLASS_LINEAR || c == CLASS_ATTENTION;
}

void
fit_classes(double to[CLASS_COUNT], double memory_us, double compute_us)
{
	bool same = fabs(memory_us - compute_us) <= fmax(NOISE_US, NOISE_SHARE * fmax(memory_us, compute_us));

	for (int k = 0; k < CLASS_COUNT; k++)
		to[k] = fit_is_compute_bound((enum op_class)k) && !same ? compute_us : memory_us;
}
