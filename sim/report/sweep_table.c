/* SPDX-License-Identifier: Apache-2.0 */
/* sweep_table.c - a sweep's results as a table: what varies in the names of its points, and the figures
 *
 * Where two things vary, one is in rows and the other in columns.  Else each point is a row.
 */
#include <config.h>
#include "sim/report/report.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DIMS_MOST = 24, ROWS_MOST = 40, COLUMNS_MOST = 8, CELL = 64, REASON_MOST = 90 };

/* One thing that points differ in: "batch", "policy", or the path of a --set. */
struct dim {
	const char *name;
	const char **values;		/* [count] of each point; "": it has none */
	double *order;			/* [count] a number's value */
	bool varies;
};

struct table {
	const struct sweep *sweep;
	uint32_t count;			/* of points, those without a plan after the others */
	struct dim dims[DIMS_MOST];
	uint32_t dim_count;
	double *rate;			/* [count] samples or steps a second; NaN: none */
	uint32_t best;			/* the point with the highest rate; UINT32_MAX: none */
	uint32_t *sorted;		/* [count] points by what varies, numbers rising */
	bool bold, has_batches;
	struct arena *arena;
};

static const struct sweep_point *
point_at(const struct table *t, uint32_t i)
{
	return i < t->sweep->count ? &t->sweep->points[i] : &t->sweep->failures[i - t->sweep->count];
}

static const char *
reason_of(const struct table *t, uint32_t i)
{
	const char *error = point_at(t, i)->error;

	return error != NULL ? error : "no plan fits";
}

/* ---- names ---- */

static struct dim *
dim_of(struct table *t, const char *name)
{
	struct dim *d;

	for (uint32_t i = 0; i < t->dim_count; i++)
		if (strcmp(t->dims[i].name, name) == 0)
			return &t->dims[i];
	if (t->dim_count == DIMS_MOST)
		return NULL;
	d = &t->dims[t->dim_count++];
	*d = (struct dim) { .name = name, .values = ARENA_NEW(t->arena, const char *, t->count), .order = ARENA_NEW(t->arena, double, t->count) };
	for (uint32_t i = 0; i < t->count; i++)
		d->values[i] = "";
	return d;
}

/* True: a value is the name of a file. */
static bool
is_file(const char *value)
{
	size_t n = strlen(value);

	return strchr(value, '/') != NULL || (n > 5 && strcmp(value + n - 5, ".json") == 0);
}

/* Returns a value as a person reads it: sizes and rates with units, files without suffix. */
static const char *
readable(const char *name, const char *value, struct arena *a)
{
	size_t n = strlen(value), digits = strspn(value, "0123456789");
	char buf[32];

	if (digits > 0 && value[digits] == '\0' && (strcmp(name, "memory") == 0 || strcmp(name, "host-memory") == 0 || strcmp(name, "budget") == 0))
		return arena_strdup(a, units_size(buf, strtoull(value, NULL, 10)));
	if (n > 3 && strcmp(value + n - 3, "B/s") == 0)
		return arena_strdup(a, units_rate(buf, strtod(value, NULL)));
	return n > 5 && strcmp(value + n - 5, ".json") == 0 ? arena_printf(a, "%.*s", (int)(n - 5), value) : value;
}

/* Returns a number's value; texts come after numbers. */
static double
order_of(const char *value)
{
	static const double after_numbers = 1e30;
	char *end;
	double number = strtod(value, &end);

	return end != value ? number : after_numbers;
}

/* Compares two points' values: numbers first and rising, then texts by the alphabet.  The order of a file's lines is that in which points ended. */
static int
compare_values(const struct dim *d, uint32_t a, uint32_t b)
{
	if (d->order[a] < d->order[b] || d->order[a] > d->order[b])
		return d->order[a] < d->order[b] ? -1 : 1;
	return strcmp(d->values[a], d->values[b]);
}

/* Takes "axis=value axis=value"; of "set=PATH=VALUE" the path is the axis.  A device that was given as a file has its document's name. */
static void
take_name(struct table *t, uint32_t i, const char *text)
{
	const char *device = point_at(t, i)->device;
	char *copy = arena_strdup(t->arena, text), *next;

	for (char *part = copy; part != NULL; part = next) {
		char *equal;
		struct dim *d;

		next = strchr(part, ' ');
		if (next != NULL)
			*next++ = '\0';
		if (strncmp(part, "set=", 4) == 0)
			part += 4;
		equal = strchr(part, '=');
		if (equal == NULL)
			continue;
		*equal = '\0';
		d = dim_of(t, part);
		if (d == NULL)
			continue;
		d->values[i] = strcmp(part, "device") == 0 && is_file(equal + 1) ? device : readable(part, equal + 1, t->arena);
		d->order[i] = order_of(equal + 1);
	}
}

static void
take_names(struct table *t)
{
	for (uint32_t i = 0; i < t->count; i++) {
		const struct sweep_point *p = point_at(t, i);

		take_name(t, i, p->point != NULL && *p->point != '\0' ? p->point : arena_printf(t->arena, "network=%s device=%s batch=%" PRIu64 " policy=%s", p->graph, p->device,
		    p->batch, p->policy));
	}
	for (uint32_t k = 0; k < t->dim_count; k++)
		for (uint32_t i = 1; i < t->count; i++)
			t->dims[k].varies = t->dims[k].varies || strcmp(t->dims[k].values[i], t->dims[k].values[0]) != 0;
}

static const struct table *sorting;	/* of compare_points(), which qsort() gives no argument */

static int
compare_points(const void *x, const void *y)
{
	uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;

	for (uint32_t k = 0; k < sorting->dim_count; k++) {
		int order = sorting->dims[k].varies ? compare_values(&sorting->dims[k], a, b) : 0;

		if (order != 0)
			return order;
	}
	return a < b ? -1 : a > b;
}

static void
sort_points(struct table *t)
{
	t->sorted = ARENA_NEW(t->arena, uint32_t, t->count);
	for (uint32_t i = 0; i < t->count; i++)
		t->sorted[i] = i;
	sorting = t;
	qsort(t->sorted, t->count, sizeof(*t->sorted), compare_points);
}

/* ---- figures ---- */

static void
find_rates(struct table *t)
{
	t->rate = ARENA_NEW(t->arena, double, t->count);
	t->best = UINT32_MAX;
	t->has_batches = true;
	for (uint32_t i = 0; i < t->sweep->count; i++)
		t->has_batches = t->has_batches && t->sweep->points[i].batch > 0;
	for (uint32_t i = 0; i < t->count; i++) {
		const struct sweep_point *p = point_at(t, i);

		t->rate[i] = p->step_time_us > 0 ? (t->has_batches ? (double)(p->batch * p->passes) : 1) / (p->step_time_us / 1e6) : NAN;
		if (t->rate[i] > 0 && (t->best == UINT32_MAX || t->rate[i] > t->rate[t->best]))
			t->best = i;
	}
}

static const char *
rate_text(char buf[24], double rate)
{
	snprintf(buf, 24, rate >= 99.95 ? "%.0f" : "%.3g", rate);
	return buf;
}

/* Prints a cell, right-aligned; the best one is bold, or has a star where there is no bold type. */
static void
put_cell(FILE *out, const struct table *t, int width, const char *text, bool best)
{
	const char *star = best && !t->bold ? "*" : "";
	int room = width + 1 - (int)strlen(text) - (int)strlen(star);

	fprintf(out, "%*s%s%s%s%s", room > 0 ? room : 0, "", star, best && t->bold ? "\033[1m" : "", text, best && t->bold ? "\033[0m" : "");
}

static void
put_reason(FILE *out, const char *text)
{
	size_t n = text_prefix(text, REASON_MOST);

	fprintf(out, "%.*s%s\n", (int)n, text, text[n] == '\0' ? "" : "...");
}

/* ---- rows ---- */

static int
width_of(const struct table *t, const struct dim *d)
{
	int width = (int)strlen(d->name);

	for (uint32_t i = 0; i < t->count && i < ROWS_MOST; i++)
		width = (int)strlen(d->values[i]) > width ? (int)strlen(d->values[i]) : width;
	return width;
}

static void
put_row(FILE *out, const struct table *t, uint32_t i)
{
	const struct sweep_point *p = point_at(t, i);
	char buf[32], cell[24];

	for (uint32_t k = 0; k < t->dim_count; k++)
		if (t->dims[k].varies)
			fprintf(out, "%-*s  ", width_of(t, &t->dims[k]), t->dims[k].values[i]);
	if (!(p->step_time_us > 0)) {
		put_reason(out, reason_of(t, i));
		return;
	}
	put_cell(out, t, 10, units_time(buf, p->step_time_us), false);
	put_cell(out, t, 8, units_share(buf, p->overhead), false);
	put_cell(out, t, 10, rate_text(cell, t->rate[i]), i == t->best);
	put_cell(out, t, 10, p->arena_bytes >= 0 ? units_size(buf, (bytes_t)p->arena_bytes) : "", false);
	put_cell(out, t, 10, p->host_bytes >= 0 ? units_size(buf, (bytes_t)p->host_bytes) : "", false);
	fputc('\n', out);
}

static void
put_rows(FILE *out, const struct table *t)
{
	for (uint32_t k = 0; k < t->dim_count; k++)
		if (t->dims[k].varies)
			fprintf(out, "%-*s  ", width_of(t, &t->dims[k]), t->dims[k].name);
	fprintf(out, " %10s %8s %10s %10s %10s\n", "step time", "slower", t->has_batches ? "samples/s" : "steps/s", "arena", "host");
	for (uint32_t i = 0; i < t->count && i < ROWS_MOST; i++)
		put_row(out, t, t->sorted[i]);
	if (t->count > ROWS_MOST)
		fprintf(out, "(%" PRIu32 " more rows)\n", t->count - ROWS_MOST);
}

/* ---- a matrix ---- */

/* Fills the different values of a dimension in their order, at most ROWS_MOST; returns their number, or one over most. */
static uint32_t
different(const char **to, uint32_t most, const struct table *t, const struct dim *d)
{
	uint32_t at[ROWS_MOST], n = 0, k;

	for (uint32_t i = 0; i < t->count; i++) {
		for (k = 0; k < n && strcmp(d->values[at[k]], d->values[i]) != 0; k++)
			;
		if (k < n)
			continue;
		if (n == most)
			return most + 1;
		for (k = n++; k > 0 && compare_values(d, at[k - 1], i) > 0; k--)
			at[k] = at[k - 1];
		at[k] = i;
	}
	for (k = 0; k < n; k++)
		to[k] = d->values[at[k]];
	return n;
}

/* Returns the point with both values; UINT32_MAX: none. */
static uint32_t
find_point(const struct table *t, const struct dim *row, const char *x, const struct dim *column, const char *y)
{
	for (uint32_t i = 0; i < t->count; i++)
		if (strcmp(row->values[i], x) == 0 && strcmp(column->values[i], y) == 0)
			return i;
	return UINT32_MAX;
}

static const char *
matrix_cell(char buf[CELL], const struct table *t, uint32_t i)
{
	const struct sweep_point *p = i == UINT32_MAX ? NULL : point_at(t, i);
	char rate[24], share[32];

	if (p == NULL || !(p->step_time_us > 0))
		snprintf(buf, CELL, "%s", p == NULL ? "" : "no plan");
	else
		snprintf(buf, CELL, "%s (%s)", rate_text(rate, t->rate[i]), units_share(share, p->overhead));
	return buf;
}

/* Prints the reason of each point without a plan; points with the same reason share a line. */
static void
put_failures(FILE *out, const struct table *t, const struct dim *row, const struct dim *column)
{
	bool *told = ARENA_NEW(t->arena, bool, t->count);

	for (uint32_t i = 0, shown = 0; i < t->count && shown < ROWS_MOST; i++) {
		uint32_t p = t->sorted[i], others = 0;

		if (p < t->sweep->count || told[p])
			continue;
		for (uint32_t k = i + 1; k < t->count; k++)
			if (t->sorted[k] >= t->sweep->count && strcmp(reason_of(t, t->sorted[k]), reason_of(t, p)) == 0) {
				told[t->sorted[k]] = true;
				others++;
			}
		fprintf(out, "%s, %s", row->values[p], column->values[p]);
		if (others > 0)
			fprintf(out, " and %" PRIu32 " more", others);
		fprintf(out, ": ");
		put_reason(out, reason_of(t, p));
		shown++;
	}
}

/* Prints the matrix of two dimensions, and the reasons of points without a plan.  Returns false if there are too many values. */
static bool
put_matrix(FILE *out, const struct table *t, const struct dim *row, const struct dim *column)
{
	const char *rows[ROWS_MOST], *columns[COLUMNS_MOST];
	uint32_t row_count = different(rows, ROWS_MOST, t, row), column_count = different(columns, COLUMNS_MOST, t, column);
	int width = (int)strlen(row->name), cell_width = 18;
	char cell[CELL];

	/* Two devices may have one name. */
	if (row_count > ROWS_MOST || column_count > COLUMNS_MOST || t->count > row_count * column_count)
		return false;
	for (uint32_t i = 0; i < row_count; i++)
		width = (int)strlen(rows[i]) > width ? (int)strlen(rows[i]) : width;
	for (uint32_t k = 0; k < column_count; k++)
		cell_width = (int)strlen(columns[k]) > cell_width ? (int)strlen(columns[k]) : cell_width;
	fprintf(out, "%s, and by how much the step is slower than ideal, by %s and %s\n%-*s", t->has_batches ? "samples/s" : "steps/s", row->name, column->name,
	    width, row->name);
	for (uint32_t k = 0; k < column_count; k++)
		fprintf(out, " %*s", cell_width, columns[k]);
	fputc('\n', out);
	for (uint32_t i = 0; i < row_count; i++) {
		fprintf(out, "%-*s", width, rows[i]);
		for (uint32_t k = 0; k < column_count; k++) {
			uint32_t at = find_point(t, row, rows[i], column, columns[k]);

			put_cell(out, t, cell_width, matrix_cell(cell, t, at), at != UINT32_MAX && at == t->best);
		}
		fputc('\n', out);
	}
	put_failures(out, t, row, column);
	return true;
}

const char **
sweep_failure_names(const struct sweep *s, struct arena *a)
{
	struct table t = { .sweep = s, .count = s->count + s->failure_count, .arena = a };
	const char **names = ARENA_NEW(a, const char *, s->failure_count);

	take_names(&t);
	for (uint32_t i = 0; i < s->failure_count; i++) {
		names[i] = s->failures[i].graph;
		for (uint32_t k = 0; k < t.dim_count; k++) {
			const char *value = t.dims[k].values[s->count + i];

			if (t.dims[k].varies && *value != '\0' && strcmp(t.dims[k].name, "network") != 0)
				names[i] = arena_printf(a, "%s, %s %s", names[i], t.dims[k].name, value);
		}
	}
	return names;
}

void
sweep_table(FILE *out, const struct sweep *s, bool bold, struct arena *a)
{
	struct table t = { .sweep = s, .count = s->count + s->failure_count, .bold = bold, .arena = a };
	const struct dim *two[2] = { NULL, NULL };
	uint32_t varying = 0;

	if (t.count == 0)
		return;
	take_names(&t);
	find_rates(&t);
	sort_points(&t);
	for (uint32_t k = 0; k < t.dim_count; k++)
		if (t.dims[k].varies) {
			if (varying < 2)
				two[varying] = &t.dims[k];
			varying++;
		}
	if (varying != 2 || t.count < 4 || !put_matrix(out, &t, two[0], two[1]))
		put_rows(out, &t);
}
