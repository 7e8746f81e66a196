/* SPDX-License-Identifier: Apache-2.0 */
/* Figures of a calibration from measured times, by hand: curves, latency, the rate of both directions, waits, classes. */
#include <config.h>
#include "cuda_validate/calibrate_fit.h"

#include "tests/tap.h"

#define POINTS 5

static void
test_rising(void)
{
	static const struct curve_point rows[][POINTS] = {
		{ { 1, 1 }, { 2, 2 }, { 4, 3 }, { 8, 5 }, { 16, 9 } },		/* rises already */
		{ { 1, 4 }, { 2, 3.9 }, { 4, 4 }, { 8, 3.8 }, { 16, 9 } },	/* noise below the latency */
		{ { 1, 7 }, { 2, 7 }, { 4, 7 }, { 8, 7 }, { 16, 7 } },		/* all the same */
		{ { 1, 9 }, { 2, 8 }, { 4, 7 }, { 8, 6 }, { 16, 5 } }		/* falls */
	};

	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		struct curve_point p[POINTS];
		bool rises = true, kept = true;

		for (int k = 0; k < POINTS; k++)
			p[k] = rows[r][k];
		fit_rising(p, POINTS);
		for (int k = 1; k < POINTS; k++)
			rises = rises && p[k].time_us > p[k - 1].time_us && p[k - 1].time_us > 0;
		for (int k = 0; k < POINTS; k++)
			kept = kept && p[k].bytes == rows[r][k].bytes && (r > 0 || (p[k].time_us >= rows[r][k].time_us && p[k].time_us <= rows[r][k].time_us));
		ok(rises && kept, "curve %zu: times rise with sizes", r);
		is_near(p[POINTS - 1].time_us, rows[r][POINTS - 1].time_us, 0, "curve %zu: the largest copy keeps its time", r);
	}
	fit_rising(NULL, 0);
}

static void
test_rates(void)
{
	const struct curve_point small = { 4096, 6 };
	/* The slower direction moved 100 MB in 2 s, the faster in 1 s.  The second second is alone, at 40 MB/s: 160 MB in the first. */
	const double us[DIRECTION_COUNT] = { [D2H] = 2e6, [H2D] = 1e6 }, rate[DIRECTION_COUNT] = { [D2H] = 40e6, [H2D] = 90e6 };
	const double other[DIRECTION_COUNT] = { [D2H] = 1e6, [H2D] = 2e6 }, same[DIRECTION_COUNT] = { 1e6, 1e6 };

	is_near(fit_latency(&small, 4.096e9), 5, 1e-9, "latency: 6 us less the bytes' 1 us");
	is_near(fit_latency(&small, 4.096e8), 0, 0, "latency: never below 0");
	is_near(fit_duplex(100000000, us, rate), 160e6, 1e-3, "both directions: the end alone does not count");
	is_near(fit_duplex(100000000, other, rate), 110e6, 1e-3, "both directions: the other is slower");
	is_near(fit_duplex(100000000, same, rate), 200e6, 1e-3, "both directions: equally fast");
	is_near(fit_each(3000, 1000, 1000), 2, 1e-12, "one of a thousand waits");
	is_near(fit_each(1000, 1000.5, 1000), 0, 0, "noise makes no negative wait");
}

static void
test_classes(void)
{
	double to[CLASS_COUNT];

	fit_classes(to, 1.0, 1.05);
	is_near(to[CLASS_CONV], 1, 0, "two numbers that differ by noise are one");
	fit_classes(to, 0.01, 0.1);
	is_near(to[CLASS_LINEAR], 0.01, 0, "so are small ones");
	fit_classes(to, 1.0, 2.0);
	for (int k = 0; k < CLASS_COUNT; k++)
		is_near(to[k], k == CLASS_CONV || k == CLASS_LINEAR || k == CLASS_ATTENTION ? 2 : 1, 0, "class %s has its kind's number", op_class_names[k]);
}

int
main(void)
{
	test_rising();
	test_rates();
	test_classes();
	return tap_done();
}
