/* SPDX-License-Identifier: Apache-2.0 */
/* what_if.c - a changed link, a faster GPU, and whether a plan fits on another device */
#include <config.h>
#include "sim/time/what_if.h"

#include <math.h>
#include <string.h>

enum { GPUS_MAX = 1024 };

static const double RATE_LEAST = 1e3, RATE_MOST = 1e15;

static int
check_rate(double rate, const char *option, struct err *e)
{
	if (rate == 0 || (rate >= RATE_LEAST && rate <= RATE_MOST))
		return 0;
	err_set(e, ERR_INPUT, "expected a rate from 1kB/s to 1000TB/s, got %gB/s", rate);
	return err_at(e, "%s", option);
}

int
what_if_check(const struct what_if *w, struct err *e)
{
	if (check_rate(w->rate[H2D], "--h2d", e) < 0 || check_rate(w->rate[D2H], "--d2h", e) < 0 ||
	    check_rate(w->duplex, "--duplex", e) < 0)
		return -1;
	if (w->latency > 1e9) {
		err_set(e, ERR_INPUT, "expected a latency of at most 1000s, got %gs", w->latency / 1e6);
		return err_at(e, "--latency");
	}
	if (w->gpus_per_link > GPUS_MAX) {
		err_set(e, ERR_INPUT, "expected at most %d GPUs behind one link, got %" PRIu32, GPUS_MAX, w->gpus_per_link);
		return err_at(e, "--gpus-per-link");
	}
	return 0;
}

int
what_if_contradiction(struct err *e)
{
	err_set(e, ERR_USAGE, "gives both directions one rate, which --d2h and --h2d contradict");
	return err_at(e, "--link");
}

int
what_if_both(struct what_if *w, double both, struct err *e)
{
	if (both > 0 && (w->rate[H2D] > 0 || w->rate[D2H] > 0))
		return what_if_contradiction(e);
	if (both > 0)
		w->rate[H2D] = w->rate[D2H] = both;
	return 0;
}

/* Returns a curve for the share of one of n GPUs: all time but the latency becomes n times as long. */
static struct curve_point *
share_curve(const struct curve_point *points, uint32_t count, double latency_us, uint32_t n, struct arena *a)
{
	struct curve_point *to = ARENA_NEW(a, struct curve_point, count);

	for (uint32_t i = 0; i < count; i++) {
		double latency = fmin(latency_us, points[i].time_us);

		to[i] = points[i];
		to[i].time_us = latency + n * (points[i].time_us - latency);
	}
	return to;
}

/* Reduces a direction to the share of one of n GPUs. */
static void
share(struct link_direction *l, uint32_t n, struct arena *a)
{
	l->bytes_per_s /= n;
	l->points = share_curve(l->points, l->point_count, l->latency_us, n, a);
	l->loaded = share_curve(l->loaded, l->loaded_count, l->latency_us, n, a);
}

void
what_if_device(struct device *d, const struct what_if *w, struct arena *a)
{
	double before = 0, after = 0;

	for (int dir = 0; dir < DIRECTION_COUNT; dir++) {
		struct link_direction *link = &d->link[dir];

		before += link->bytes_per_s;
		if (w->rate[dir] > 0) {
			link->bytes_per_s = w->rate[dir];
			link->point_count = link->loaded_count = 0;
		}
		after += link->bytes_per_s;
		if (w->latency >= 0) {
			link->latency_us = w->latency;
			link->point_count = link->loaded_count = 0;
		}
	}
	if (before > 0)
		d->duplex_bytes_per_s *= after / before;
	if (w->duplex > 0)
		d->duplex_bytes_per_s = w->duplex;
	if (w->gpus_per_link <= 1)
		return;
	for (int dir = 0; dir < DIRECTION_COUNT; dir++)
		share(&d->link[dir], w->gpus_per_link, a);
	d->duplex_bytes_per_s /= w->gpus_per_link;
}

int
what_if_fits(const struct plan *p, const struct device *d, struct err *e)
{
	char want[32], have[32];

	if (p->arena_bytes > device_budget(d)) {
		err_set(e, ERR_NO, "expected an arena of at most %s on device '%s', got %s",
		    units_size(have, device_budget(d)), d->name, units_size(want, p->arena_bytes));
		return graph_set_reason(e, p->graph, ERR_NO_OP, p->arena_bytes - device_budget(d));
	}
	if (p->host_bytes > d->pinned_bytes)
		return err_set(e, ERR_NO, "expected at most %s of pinned memory on the host of device '%s', got %s",
		    units_size(have, d->pinned_bytes), d->name, units_size(want, p->host_bytes));
	return 0;
}

void
what_if_compute(struct plan *p, double factor, struct arena *a)
{
	struct graph *g = ARENA_NEW(a, struct graph, 1);
	struct alternative *alternatives;

	*g = *p->graph;
	g->ops = ARENA_NEW(a, struct op, g->op_count);
	memcpy(g->ops, p->graph->ops, g->op_count * sizeof(*g->ops));
	for (uint32_t k = 0; k < g->op_count; k++) {
		struct op *o = &g->ops[k];

		o->time_us /= factor;
		if (o->alternative_count == 0)
			continue;
		alternatives = ARENA_NEW(a, struct alternative, o->alternative_count);
		memcpy(alternatives, o->alternatives, o->alternative_count * sizeof(*alternatives));
		for (uint32_t i = 0; i < o->alternative_count; i++)
			alternatives[i].time_us /= factor;
		o->alternatives = alternatives;
	}
	p->graph = g;
}
