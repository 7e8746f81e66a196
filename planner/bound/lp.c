/* SPDX-License-Identifier: Apache-2.0 */
/* lp.c - building a linear program, and certifying a bound from its duals */
#include <config.h>
#include "planner/bound/lp.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

void
lp_init(struct lp *p, struct arena *a)
{
	*p = (struct lp) { .arena = a };
}

uint32_t
lp_row(struct lp *p, double low, double high)
{
	size_t count = p->row_count;

	*ARENA_PUSH(p->arena, p->rows, p->row_count, p->row_capacity) = (struct lp_line) { .low = low, .high = high };
	return (uint32_t)count;
}

uint32_t
lp_column(struct lp *p, double low, double high, double cost)
{
	size_t count = p->column_count;

	*ARENA_PUSH(p->arena, p->columns, p->column_count, p->column_capacity) =
	    (struct lp_line) { .low = low, .high = high, .cost = cost };
	return (uint32_t)count;
}

void
lp_add(struct lp *p, uint32_t row, uint32_t column, double value)
{
	if (value != 0)
		*ARENA_PUSH(p->arena, p->entries, p->entry_count, p->entry_capacity) = (struct lp_entry) { row, column, value };
}

void
lp_name_row(struct lp *p, uint32_t row, const char *prefix, uint32_t i, uint32_t j)
{
	snprintf(p->rows[row].name, sizeof(p->rows[row].name), "%s_%" PRIu32 "_%" PRIu32, prefix, i, j);
}

void
lp_name_column(struct lp *p, uint32_t column, const char *prefix, uint32_t i, uint32_t j)
{
	snprintf(p->columns[column].name, sizeof(p->columns[column].name), "%s_%" PRIu32 "_%" PRIu32, prefix, i, j);
}

/* For any y: cost x = y (A x) + (cost - y A) x, and each term has its least value at a bound. */
double
lp_certify(const struct lp *p, const double *duals, struct arena *a)
{
	long double sum = 0, *reduced = ARENA_NEW(a, long double, p->column_count);
	double *used = ARENA_NEW(a, double, p->row_count);

	for (size_t i = 0; i < p->row_count; i++) {
		double bound = duals[i] > 0 ? p->rows[i].low : p->rows[i].high;

		/* A dual of the wrong sign is rounding, or a wrong answer: the row goes without. */
		used[i] = isfinite(duals[i]) && isfinite(bound) ? duals[i] : 0;
		if (used[i] != 0)
			sum += (long double)used[i] * (long double)bound;
	}
	for (size_t j = 0; j < p->column_count; j++)
		reduced[j] = p->columns[j].cost;
	for (size_t k = 0; k < p->entry_count; k++)
		reduced[p->entries[k].column] -= (long double)used[p->entries[k].row] * (long double)p->entries[k].value;
	for (size_t j = 0; j < p->column_count; j++)
		sum += reduced[j] * (long double)(reduced[j] > 0 ? p->columns[j].low : p->columns[j].high);
	return (double)sum;
}
