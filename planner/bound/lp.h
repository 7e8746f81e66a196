/* SPDX-License-Identifier: Apache-2.0 */
/* lp.h - a linear program in plain memory, and lower bounds from its duals
 *
 * minimise cost x, low <= A x <= high for every row, low <= x <= high for every column.  lp_certify() turns any vector of duals
 * into a lower bound by weak duality.  Wrong or unfinished duals give a weak bound and never a wrong one, so that no solver has to be
 * trusted.
 */
#ifndef PLANNER_BOUND_LP_H
#define PLANNER_BOUND_LP_H
#include <stdbool.h>
#include <stdint.h>

#include "src/base/arena.h"

struct lp_line {
	double low, high;	/* of a row: -INFINITY, INFINITY for none */
	double cost;		/* of a column */
	bool whole;		/* of a column: a whole number */
	char name[28];		/* "" or a name for files */
};

struct lp_entry { uint32_t row, column; double value; };

struct lp {
	struct arena *arena;
	size_t row_count, column_count, entry_count;
	size_t row_capacity, column_capacity, entry_capacity;
	struct lp_line *rows, *columns;
	struct lp_entry *entries;	/* each pair of row and column at most once */
};

/* An empty program. */
void lp_init(struct lp *p, struct arena *a);
/* Add a row, a column (both return its id), or an entry; names are PREFIX_I_J. */
uint32_t lp_row(struct lp *p, double low, double high);
uint32_t lp_column(struct lp *p, double low, double high, double cost);
void lp_add(struct lp *p, uint32_t row, uint32_t column, double value);
void lp_name_row(struct lp *p, uint32_t row, const char *prefix, uint32_t i, uint32_t j);
void lp_name_column(struct lp *p, uint32_t column, const char *prefix, uint32_t i, uint32_t j);

/* The Lagrangian at these duals: no feasible x costs less.  Every column must have finite bounds. */
double lp_certify(const struct lp *p, const double *duals, struct arena *a);
#endif
