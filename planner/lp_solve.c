/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>
#include "planner/lp_solve.h"

#include <glpk.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>

static int
line_type(const struct lp_line *l)
{
	if (isinf(l->low))
		return isinf(l->high) ? GLP_FR : GLP_UP;
	if (isinf(l->high))
		return GLP_LO;
	return l->low < l->high ? GLP_DB : GLP_FX;
}

/* GLPK counts from 1. */
static void
load(glp_prob *lp, const struct lp *p)
{
	if (p->row_count > 0)
		glp_add_rows(lp, (int)p->row_count);
	if (p->column_count > 0)
		glp_add_cols(lp, (int)p->column_count);
	for (size_t i = 0; i < p->row_count; i++)
		glp_set_row_bnds(lp, (int)i + 1, line_type(&p->rows[i]), p->rows[i].low, p->rows[i].high);
	for (size_t j = 0; j < p->column_count; j++) {
		glp_set_col_bnds(lp, (int)j + 1, line_type(&p->columns[j]), p->columns[j].low, p->columns[j].high);
		glp_set_obj_coef(lp, (int)j + 1, p->columns[j].cost);
	}
}

static bool
load_entries(glp_prob *lp, const struct lp *p)
{
	size_t n = p->entry_count;
	int *row = malloc((n + 1) * sizeof(*row)), *column = malloc((n + 1) * sizeof(*column));
	double *value = malloc((n + 1) * sizeof(*value));
	bool good = row != NULL && column != NULL && value != NULL;

	for (size_t k = 0; good && k < n; k++) {
		row[k + 1] = (int)p->entries[k].row + 1;
		column[k + 1] = (int)p->entries[k].column + 1;
		value[k + 1] = p->entries[k].value;
	}
	if (good)
		glp_load_matrix(lp, (int)n, row, column, value);
	free(row);
	free(column);
	free(value);
	return good;
}

bool
lp_solve(const struct lp *p, double *x, double *duals, int iterations)
{
	glp_prob *lp = glp_create_prob();
	glp_smcp how;
	bool good;

	load(lp, p);
	good = load_entries(lp, p);
	if (good) {
		glp_init_smcp(&how);
		how.msg_lev = GLP_MSG_OFF;
		how.meth = GLP_DUALP;
		how.presolve = GLP_ON;
		how.it_lim = iterations > 0 ? iterations : INT_MAX;
		good = glp_simplex(lp, &how) == 0 && glp_get_status(lp) == GLP_OPT;
	}
	for (size_t j = 0; x != NULL && good && j < p->column_count; j++)
		x[j] = glp_get_col_prim(lp, (int)j + 1);
	for (size_t i = 0; duals != NULL && good && i < p->row_count; i++)
		duals[i] = glp_get_row_dual(lp, (int)i + 1);
	glp_delete_prob(lp);
	return good;
}
