/* SPDX-License-Identifier: Apache-2.0 */
/* link_rates.c - the best rates of the simulator's link
 *
 * T(s), the time of a transfer of s bytes, is linear between the points of the curve, and past the last one.  A transfer spends its
 * latency, min(lat, T), without moving bytes, and then moves s bytes at the rate s / (T(s) - lat).  While both directions move,
 * they share the duplex rate.
 *
 * Whole transfers of one way: at best s / T(s), which is largest at a point or at infinity.
 *
 * Any stretch of time: u bytes of a transfer count for each microsecond of its latency (at most all of its bytes), and the others for
 * the time after the latency, in proportion to its progress.  With
 *
 *     R(u) = max over s of (s - u lat) / (T(s) - lat), infinite if some transfer within its latency has more than u lat bytes,
 *
 * one way gets at most max(u, R(u)) at every moment.  Both get at most the duplex rate while both move, 2 u while both are in
 * latency, and u + R(u) of either way otherwise.  Small transfers of a measured curve move faster than the duplex rate while the
 * other direction is in its latency, so that the duplex rate alone is no bound.  Any u >= 0 will do.  The one of a grid with the
 * least sum of the three rates is taken.  For a link without a curve, u = 0 gives the rates of the document.
 *
 * A stretch of d us in which one way gets o bytes has it moving for at least (o - u d) / (R(u) - u) us.
 *
 * With one copy engine, a transfer's bytes are spread evenly over its time.
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

/* The rate past the last point, which very large transfers approach. */
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

/* The most bytes of a transfer that takes just the latency; 0: every transfer takes longer. */
static double
within_latency(const struct link_direction *l)
{
	double bytes = 0, us = 0, rate = last_rate(l);

	if (l->point_count == 0 || l->points[0].time_us > l->latency_us)
		return 0;
	for (uint32_t i = 0; i < l->point_count && l->points[i].time_us <= l->latency_us; i++) {
		bytes = (double)l->points[i].bytes;
		us = l->points[i].time_us;
		if (i + 1 < l->point_count)
			rate = rate_of((double)l->points[i + 1].bytes - bytes, l->points[i + 1].time_us - us);
		else
			rate = last_rate(l);
	}
	return bytes + rate * (l->latency_us - us);
}

/* R(u).  Beside a loaded curve every transfer has a latency of its own (device_latency_us()), and moves its bytes at the rate of the
 * document, or in all of its time where it takes less. */
static double
moving_rate(const struct link_direction *l, double u)
{
	double best = last_rate(l), lat = l->latency_us, within = within_latency(l);

	if (l->loaded_count > 0)
		return fmax(best_rate(l), l->bytes_per_s / 1e6);
	if (within > u * lat)
		return unlimited;
	for (uint32_t i = 0; i < l->point_count; i++) {
		const struct curve_point *p = &l->points[i];

		if (p->time_us > lat)
			best = fmax(best, rate_of((double)p->bytes - u * lat, p->time_us - lat));
		else if ((double)p->bytes > u * p->time_us)
			return unlimited;
	}
	return best;
}

void
link_rates_init(struct link_rates *r, const struct device *d)
{
	double most, least = INFINITY;

	*r = (struct link_rates) { .shared = d->copy_engines == 1 };
	for (int dir = 0; dir < DIRECTION_COUNT; dir++)
		r->way[dir] = r->part[dir] = best_rate(&d->link[dir]);
	most = fmax(r->way[D2H], r->way[H2D]);
	r->both = most;
	for (int i = 0; !r->shared && i <= PRICES; i++) {
		double u = most * i / PRICES, out = moving_rate(&d->link[D2H], u), in = moving_rate(&d->link[H2D], u);
		double both = fmax(fmax(d->duplex_bytes_per_s / 1e6, 2 * u), u + fmax(out, in));

		if (fmax(u, out) + fmax(u, in) + both >= least)
			continue;
		least = fmax(u, out) + fmax(u, in) + both;
		r->part[D2H] = fmax(u, out);
		r->part[H2D] = fmax(u, in);
		r->both = fmin(both, r->part[D2H] + r->part[H2D]);
		r->latent = u;
	}
}
