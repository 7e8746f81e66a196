/* SPDX-License-Identifier: Apache-2.0 */
/* report_sweep.c - a sweep's results as the series of four charts
 *
 * A series is named by all dimensions that vary and are not on its chart's x axis.
 */
#include <config.h>
#include "sim/report/report_draw.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum dimension { DIM_GRAPH, DIM_DEVICE, DIM_BATCH, DIM_POLICY, DIM_BUDGET, DIM_LINK, DIM_COUNT };

const char *const chart_titles[CHART_COUNT] = {
	[CHART_PARETO] = "Memory against time", [CHART_BATCH] = "Batch against throughput",
	[CHART_LINK] = "Link rate against overhead", [CHART_BUDGET] = "Budget against overhead"
};

/* Colours of Tol and of Okabe and Ito, the most different first. */
const char *const series_colours[SERIES_MOST] = {
	"#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#8A6FC8", "#999933"
};

struct grouping {
	struct sweep_picture *pic;
	struct arena *arena;
	bool varies[DIM_COUNT];
	struct series *all;
	size_t count, capacity;
};

static bool
same(const struct sweep_point *x, const struct sweep_point *y, enum dimension d)
{
	switch (d) {
	case DIM_GRAPH:
		return strcmp(x->graph, y->graph) == 0;
	case DIM_DEVICE:
		return strcmp(x->device, y->device) == 0;
	case DIM_POLICY:
		return strcmp(x->policy, y->policy) == 0;
	case DIM_BATCH:
		return x->batch == y->batch && x->passes == y->passes;
	case DIM_BUDGET:
		if (x->budget != NULL && y->budget != NULL)
			return strcmp(x->budget, y->budget) == 0;
		return x->budget_bytes == y->budget_bytes || (isnan(x->budget_bytes) && isnan(y->budget_bytes));
	default:
		return x->link_bytes_per_s == y->link_bytes_per_s || (isnan(x->link_bytes_per_s) && isnan(y->link_bytes_per_s));
	}
}

/* True for the dimension on the chart's x axis or along its frontier. */
static bool
is_shown(enum chart c, enum dimension d)
{
	switch (c) {
	case CHART_PARETO:
	case CHART_BUDGET:
		return d == DIM_BUDGET;
	case CHART_BATCH:
		return d == DIM_BATCH;
	default:
		return d == DIM_LINK;
	}
}

const char *
sweep_batch_text(const struct sweep_point *p, struct arena *a)
{
	return p->passes > 1 ? arena_printf(a, "%" PRIu64 " x %" PRIu64, p->batch, p->passes) : arena_printf(a, "%" PRIu64, p->batch);
}

/* Returns a typed budget for people: "50%", "12.0 GiB". */
static const char *
budget_text(const char *typed, struct arena *a)
{
	char buf[32];

	return typed[strspn(typed, "0123456789")] == '\0' ? arena_strdup(a, units_size(buf, strtoull(typed, NULL, 10))) :
	    arena_printf(a, "budget %s", typed);
}

static const char *
series_name(const struct grouping *g, const struct sweep_point *p, enum chart c)
{
	const char *name = "";
	char buf[32];

	for (int d = 0; d < DIM_COUNT; d++) {
		const char *part = "";

		if (!g->varies[d] || is_shown(c, (enum dimension)d))
			continue;
		if (d == DIM_GRAPH)
			part = p->graph;
		if (d == DIM_DEVICE)
			part = p->device;
		if (d == DIM_POLICY)
			part = p->policy;
		if (d == DIM_BATCH)
			part = arena_printf(g->arena, "batch %s", sweep_batch_text(p, g->arena));
		if (d == DIM_BUDGET)
			part = p->budget != NULL ? budget_text(p->budget, g->arena) : p->budget_bytes > 0 ? units_size(buf, (bytes_t)p->budget_bytes) : "no budget";
		if (d == DIM_LINK)
			part = p->link_bytes_per_s > 0 ? units_rate(buf, p->link_bytes_per_s) : "no link";
		name = arena_printf(g->arena, "%s%s%s", name, *name != '\0' ? ", " : "", part);
	}
	return name;
}

static double
chart_x(const struct sweep_point *p, enum chart c)
{
	switch (c) {
	case CHART_PARETO:
		return p->arena_bytes / GIB;
	case CHART_BATCH:
		return p->batch > 0 ? (double)p->batch : NAN;
	case CHART_LINK:
		return p->link_bytes_per_s / 1e9;
	default:
		return p->budget_bytes / GIB;
	}
}

/* True when step times cannot share an axis, because networks, batches or devices differ. */
static bool
pareto_is_relative(const struct grouping *g)
{
	return g->varies[DIM_GRAPH] || g->varies[DIM_BATCH] || g->varies[DIM_DEVICE];
}

static double
chart_y(const struct grouping *g, const struct sweep_point *p, enum chart c)
{
	if (c == CHART_BATCH)
		return (double)p->batch * (double)p->passes / (p->step_time_us / 1e6);
	return c == CHART_PARETO && !pareto_is_relative(g) ? p->step_time_us / 1e3 : 100 * p->overhead;
}

static int
by_x(const void *x, const void *y)
{
	const struct chart_point *a = x, *b = y;

	if (a->x != b->x)
		return a->x < b->x ? -1 : 1;
	return a->y < b->y ? -1 : a->y > b->y;
}

/* Keeps the best of several results at one x.  A frontier keeps a result that is faster than all smaller ones. */
static void
thin(struct series *s, enum chart c)
{
	size_t n = 0;

	qsort(s->points, s->count, sizeof(*s->points), by_x);
	for (size_t i = 0; i < s->count; i++) {
		struct chart_point p = s->points[i], *last = n > 0 ? &s->points[n - 1] : NULL;

		if (c == CHART_PARETO && last != NULL && p.y >= last->y)
			continue;
		if (last == NULL || last->x != p.x)
			s->points[n++] = p;
		else if (c == CHART_BATCH)
			*last = p;
	}
	s->count = n;
}

static struct series *
find_series(struct grouping *g, const char *name, const struct sweep_point *first)
{
	struct series *s;

	for (size_t i = 0; i < g->count; i++)
		if (strcmp(g->all[i].name, name) == 0)
			return &g->all[i];
	s = ARENA_PUSH(g->arena, g->all, g->count, g->capacity);
	*s = (struct series){ .name = name, .first = first };
	return s;
}

static int
by_count(const void *x, const void *y)
{
	const struct series *a = x, *b = y;

	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	return strcmp(a->name, b->name);
}

static int
compare_numbers(double x, double y)
{
	return x < y ? -1 : x > y;
}

/* Orders series by the parts of their names, numbers by size. */
static int
by_parts(const void *x, const void *y)
{
	const struct sweep_point *a = ((const struct series *)x)->first, *b = ((const struct series *)y)->first;
	int rc = strcmp(a->graph, b->graph);

	if (rc == 0)
		rc = strcmp(a->device, b->device);
	if (rc == 0)
		rc = compare_numbers((double)a->batch, (double)b->batch);
	if (rc == 0)
		rc = compare_numbers((double)a->passes, (double)b->passes);
	if (rc == 0)
		rc = strcmp(a->policy, b->policy);
	if (rc == 0)
		rc = compare_numbers(a->budget_bytes, b->budget_bytes);
	if (rc == 0)
		rc = compare_numbers(a->link_bytes_per_s, b->link_bytes_per_s);
	return rc != 0 ? rc : strcmp(((const struct series *)x)->name, ((const struct series *)y)->name);
}

/* Finds the chart's bound, if all points are of one network, batch and machine. */
static void
find_bound(struct grouping *g, struct chart_data *d, enum chart c)
{
	const struct sweep *s = g->pic->sweep;
	struct series bound = { .name = "" };

	if (pareto_is_relative(g) || g->varies[DIM_LINK] || (c != CHART_PARETO && c != CHART_BUDGET))
		return;
	for (uint32_t i = 0; i < s->count; i++) {
		const struct sweep_point *p = &s->points[i];
		double x = p->budget_bytes / GIB, ideal = p->step_time_us / (1 + p->overhead);
		double y = c == CHART_PARETO ? p->bound_time_us / 1e3 : 100 * (p->bound_time_us / ideal - 1);

		if (x > 0 && isfinite(y))
			*ARENA_PUSH(g->arena, bound.points, bound.count, bound.capacity) = (struct chart_point){ x, y };
	}
	if (bound.count == 0)
		return;
	thin(&bound, CHART_BUDGET);
	d->bound = bound.points;
	d->bound_count = bound.count;
}

static bool
has_one_x(const struct series *s)
{
	for (size_t i = 1; i < s->count; i++)
		if (s->points[i].x != s->points[0].x)
			return false;
	return true;
}

static const char *
left_names(const struct grouping *g, uint32_t drawn)
{
	enum { NAMES_MOST = 20 };
	const char *names = "";

	for (size_t i = drawn; i < g->count && i < drawn + (size_t)NAMES_MOST; i++)
		names = arena_printf(g->arena, "%s%s%s", names, i == drawn ? "" : "; ", g->all[i].name);
	return g->count > drawn + (size_t)NAMES_MOST ? arena_printf(g->arena, "%s; ...", names) : names;
}

static void
make_chart(struct grouping *g, enum chart c)
{
	struct chart_data *d = &g->pic->charts[c];
	const struct sweep *s = g->pic->sweep;
	double least = INFINITY, most = -INFINITY;

	g->all = NULL;
	g->count = g->capacity = 0;
	for (uint32_t i = 0; i < s->count; i++) {
		double x = chart_x(&s->points[i], c), y = chart_y(g, &s->points[i], c);
		struct series *to;

		if (!isfinite(x) || !isfinite(y))
			continue;
		to = find_series(g, series_name(g, &s->points[i], c), &s->points[i]);
		*ARENA_PUSH(g->arena, to->points, to->count, to->capacity) = (struct chart_point){ x, y };
		least = x < least ? x : least;
		most = x > most ? x : most;
	}
	d->least = least;
	d->most = most;
	d->flat = true;
	for (size_t i = 0; i < g->count; i++) {
		d->flat = d->flat && has_one_x(&g->all[i]);
		thin(&g->all[i], c);
	}
	if (g->count > SERIES_MOST)
		qsort(g->all, g->count, sizeof(*g->all), by_count);
	d->count = g->count > SERIES_MOST ? SERIES_MOST : (uint32_t)g->count;
	d->left_out = (uint32_t)(g->count - d->count);
	d->left_names = left_names(g, d->count);
	for (uint32_t i = 0; i < d->count; i++) {
		d->series[i] = g->all[i];
		d->series[i].label = picture_quoted(*g->all[i].name != '\0' ? g->all[i].name : "all results", g->arena);
	}
	qsort(d->series, d->count, sizeof(d->series[0]), by_parts);
	find_bound(g, d, c);
}

/* True: results of one device differ in their link.  Else the device's name tells it. */
static bool
link_varies(const struct sweep *s, struct arena *a)
{
	const struct sweep_point **firsts = ARENA_NEW(a, const struct sweep_point *, s->count);
	uint32_t count = 0, k;

	for (uint32_t i = 0; i < s->count; i++) {
		for (k = 0; k < count && !same(firsts[k], &s->points[i], DIM_DEVICE); k++)
			;
		if (k == count)
			firsts[count++] = &s->points[i];
		else if (!same(firsts[k], &s->points[i], DIM_LINK))
			return true;
	}
	return false;
}

void
sweep_picture_init(struct sweep_picture *pic, const struct sweep *s, struct arena *a)
{
	struct grouping g = { .pic = pic, .arena = a };
	const char *what = "";

	*pic = (struct sweep_picture){ .sweep = s };
	for (uint32_t i = 1; i < s->count; i++)
		for (int d = 0; d < DIM_COUNT; d++)
			g.varies[d] = g.varies[d] || !same(&s->points[0], &s->points[i], (enum dimension)d);
	g.varies[DIM_LINK] = g.varies[DIM_LINK] && link_varies(s, a);
	pic->relative = pareto_is_relative(&g);
	for (int c = 0; c < CHART_COUNT; c++)
		make_chart(&g, (enum chart)c);
	if (!g.varies[DIM_GRAPH] && s->count > 0)
		what = arena_printf(a, "%s%s%s, ", s->points[0].graph, g.varies[DIM_DEVICE] ? "" : " on ",
		    g.varies[DIM_DEVICE] ? "" : s->points[0].device);
	if (!g.varies[DIM_BATCH] && s->count > 0 && s->points[0].batch > 0)
		what = arena_printf(a, "%sbatch %s, ", what, sweep_batch_text(&s->points[0], a));
	if (!g.varies[DIM_POLICY] && s->count > 0)
		what = arena_printf(a, "%spolicy %s, ", what, s->points[0].policy);
	pic->plain_title = arena_printf(a, "%s%" PRIu32 " results%s%s", what, s->count,
	    s->unfit > 0 ? arena_printf(a, ", %" PRIu32 " more do not fit", s->unfit) : "",
	    s->failed > 0 ? arena_printf(a, ", %" PRIu32 " failed", s->failed) : "");
	pic->title = picture_quoted(pic->plain_title, a);
}
