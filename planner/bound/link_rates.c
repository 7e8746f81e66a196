/* SPDX-License-Identifier: Apache-2.0 */
/* link_rates.c - the best rates of the simulator's link
 *
 * One way: T(s), the time of a transfer of s bytes, is linear between the points of the curve.  So s / T(s) is monotone there, and
 * largest at a point or at infinity.
 *
 * Both ways: a transfer spends its latency `lat` without moving bytes, and then moves s bytes.  Alone it moves at the rate
 * s / (T(s) - lat); together with one of the other direction, at most at the duplex rate.  Small transfers of a measured curve
 * move faster than the duplex rate while the other direction is in its latency, so that the duplex rate alone is no bound.
 *
 * So each transfer is charged a price u for every microsecond of its latency, and the other direction's time is credited with it.
 * In time D both directions have latency for at most 2 D less the time in which they move.  For any u >= 0, by weak duality,
 *
 *     bytes <= D max(duplex, 2 u, u + max over s of (s - u lat) / (T(s) - lat)),
 *
 * if transfers that end within their latency bring no more than u a microsecond.  The rate is the least over a grid of u.  For a
 * link without a curve, u = 0 gives max(duplex, either rate).
 */
#include <config.h>
#include "planner/bound/link_rates.h"

#include <math.h>

enum { PRICES = 256 };

static const double unlimited = 1e15;	/* bytes/us, of transfers that take no time */

static double
rate_of(double bytes, double us)
{
	return us > 0 ? fmin(bytes / us, unlimited) : bytes > 0 ? unlimited : 0;
}

/* The rate that very large transfers approach. */
static double
last_rate(const struct link_direction *l)
{
	const struct curve_point *p;

	if (l->point_count < 2)
		return l->bytes_per_s / 1e6;
	p = &l->points[l->point_count - 1];
	return rate_of((double)(p->bytes - p[-1].bytes), p->time_us - p[-1].time_us);
}

static double
best_rate(const struct link_direction *l)
{
	double best = last_rate(l);

	for (uint32_t i = 0; i < l->point_count; i++)
		best = fmax(best, rate_of((double)l->points[i].bytes, l->points[i].time_us));
	return best;
}

/* The largest (s - u lat) / (T(s) - lat); unlimited when a transfer within its latency brings more than u. */
static double
moving_rate(const struct link_direction *l, double u)
{
	double best = last_rate(l), lat = l->latency_us;

	for (uint32_t i = 0; i < l->point_count; i++) {
		const struct curve_point *p = &l->points[i];
		double bytes = (double)p->bytes;

		if (p->time_us > lat) {
			best = fmax(best, rate_of(bytes - u * lat, p->time_us - lat));
			if (i == 0 || p[-1].time_us >= lat)
				continue;
			/* The size whose transfer takes just the latency. */
			bytes = (double)p[-1].bytes + (bytes - (double)p[-1].bytes) *
			    (lat - p[-1].time_us) / (p->time_us - p[-1].time_us);
			if (bytes > u * lat)
				return unlimited;
		} else if (bytes > u * p->time_us) {
			return unlimited;
		}
	}
	return best;
}

void
link_rates_init(struct link_rates *r, const struct device *d)
{
	double best, most;

	for (int dir = 0; dir < DIRECTION_COUNT; dir++)
		r->way[dir] = best_rate(&d->link[dir]);
	r->shared = d->copy_engines == 1;
	most = fmax(r->way[D2H], r->way[H2D]);
	best = r->shared ? most : r->way[D2H] + r->way[H2D];
	for (int i = 0; !r->shared && i <= PRICES; i++) {
		double u = most * i / PRICES;
		double alone = fmax(moving_rate(&d->link[D2H], u), moving_rate(&d->link[H2D], u));

		best = fmin(best, fmax(fmax(d->duplex_bytes_per_s / 1e6, 2 * u), u + alone));
	}
	r->both = best;
}
