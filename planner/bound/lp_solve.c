/* SPDX-License-Identifier: Apache-2.0 */
/* lp_solve.c - programs into GLPK, solutions and duals out of it */
#include <config.h>
#include "planner/bound/lp_solve.h"

#include <errno.h>
#include <glpk.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/file.h"

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

/* 0 seconds: no limit. */
static int
limit_ms(double seconds)
{
	return seconds > 0 && seconds < 1e6 ? (int)ceil(1e3 * seconds) : INT_MAX;
}

static bool
solve_relaxed(glp_prob *lp, int method, int iterations, double seconds)
{
	glp_smcp how;

	glp_init_smcp(&how);
	how.msg_lev = GLP_MSG_OFF;
	how.meth = method;
	how.presolve = GLP_ON;
	how.it_lim = iterations > 0 ? iterations : INT_MAX;
	how.tm_lim = limit_ms(seconds);
	return glp_simplex(lp, &how) == 0 && glp_get_status(lp) == GLP_OPT;
}

bool
lp_solve(const struct lp *p, double *x, double *duals, int iterations)
{
	glp_prob *lp = glp_create_prob();
	bool good;

	load(lp, p);
	good = load_entries(lp, p) && solve_relaxed(lp, GLP_DUALP, iterations, 0);
	for (size_t j = 0; x != NULL && good && j < p->column_count; j++)
		x[j] = glp_get_col_prim(lp, (int)j + 1);
	for (size_t i = 0; duals != NULL && good && i < p->row_count; i++)
		duals[i] = glp_get_row_dual(lp, (int)i + 1);
	glp_delete_prob(lp);
	return good;
}

struct searching {
	const struct lp_search *how;
	double *start;		/* [column_count + 1] as GLPK counts; NULL when it has been given */
	double *x;		/* [column_count] for how->meet */
	bool stopped;
};

static void
show(struct searching *s, glp_prob *lp, bool whole)
{
	int n = glp_get_num_cols(lp);

	if (s->how->meet == NULL)
		return;
	for (int j = 0; j < n; j++)
		s->x[j] = whole ? glp_mip_col_val(lp, j + 1) : glp_get_col_prim(lp, j + 1);
	s->how->meet(s->how->arg, s->x, whole);
}

static void
visit(glp_tree *tree, void *arg)
{
	struct searching *s = arg;
	glp_prob *lp = glp_ios_get_prob(tree);
	int node = glp_ios_best_node(tree);
	double best = glp_mip_status(lp) == GLP_FEAS || glp_mip_status(lp) == GLP_OPT ? glp_mip_obj_val(lp) : INFINITY;

	/* GLPK takes a solution to begin with only here. */
	if (glp_ios_reason(tree) == GLP_IHEUR && s->start != NULL) {
		glp_ios_heur_sol(tree, s->start);
		s->start = NULL;
	}
	if (glp_ios_reason(tree) == GLP_IHEUR)
		show(s, lp, false);
	if (glp_ios_reason(tree) == GLP_IBINGO)
		show(s, lp, true);
	if (s->how->tell != NULL && !s->stopped &&
	    !s->how->tell(s->how->arg, best, node > 0 ? glp_ios_node_bound(tree, node) : best)) {
		s->stopped = true;
		glp_ios_terminate(tree);
	}
}

static enum lp_answer
branch(glp_prob *lp, const struct lp_search *how, double seconds, double *start, double *x)
{
	struct searching s = { .how = how, .start = start, .x = x };
	glp_iocp control;
	int rc;

	glp_init_iocp(&control);
	control.msg_lev = GLP_MSG_OFF;
	control.presolve = how->reduce ? GLP_ON : GLP_OFF;	/* else the callback's columns are the program's */
	control.mip_gap = how->gap;
	control.mir_cuts = control.cov_cuts = control.gmi_cuts = GLP_ON;
	control.tm_lim = limit_ms(seconds);
	control.cb_func = visit;
	control.cb_info = &s;
	rc = glp_intopt(lp, &control);
	if (glp_mip_status(lp) != GLP_FEAS && glp_mip_status(lp) != GLP_OPT)
		return LP_NONE;
	return glp_mip_status(lp) == GLP_OPT || rc == GLP_EMIPGAP ? LP_BEST : LP_FOUND;
}

enum lp_answer
lp_search(const struct lp *p, double *x, const struct lp_search *how)
{
	glp_prob *lp = glp_create_prob();
	double *start = how->start == NULL ? NULL : malloc((p->column_count + 1) * sizeof(*start));
	double begin = glp_time(), left;
	enum lp_answer answer = LP_NONE;
	bool good;

	for (size_t j = 0; start != NULL && j < p->column_count; j++)
		start[j + 1] = how->start[j];
	glp_term_out(GLP_OFF);
	load(lp, p);
	good = load_entries(lp, p) && (how->reduce || solve_relaxed(lp, GLP_PRIMAL, 0, how->seconds));
	for (size_t j = 0; good && j < p->column_count; j++)
		if (p->columns[j].whole)
			glp_set_col_kind(lp, (int)j + 1, GLP_IV);
	left = how->seconds - glp_difftime(glp_time(), begin);
	if (good && (how->seconds <= 0 || left > 0))
		answer = branch(lp, how, how->seconds <= 0 ? 0 : left, start, x);
	for (size_t j = 0; answer != LP_NONE && j < p->column_count; j++)
		x[j] = glp_mip_col_val(lp, (int)j + 1);
	free(start);
	glp_delete_prob(lp);
	return answer;
}

/* Writes the model to an open file.  GLPK opens files by name: here by that of the descriptor. */
static int
write_model(FILE *out, void *arg, struct err *e)
{
	char name[64];

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fileno(out));
	if (glp_write_lp(arg, NULL, name) == 0)
		return 0;
	return err_set(e, ERR_SYSTEM, "cannot write the model: %s", strerror(errno != 0 ? errno : EIO));
}

int
lp_write(const struct lp *p, const char *path, struct err *e)
{
	glp_prob *lp = glp_create_prob();
	int rc;

	glp_term_out(GLP_OFF);
	load(lp, p);
	rc = load_entries(lp, p) ? 0 : err_set(e, ERR_SYSTEM, "out of memory");
	for (size_t i = 0; i < p->row_count; i++)
		if (p->rows[i].name[0] != 0)
			glp_set_row_name(lp, (int)i + 1, p->rows[i].name);
	for (size_t j = 0; j < p->column_count; j++) {
		if (p->columns[j].name[0] != 0)
			glp_set_col_name(lp, (int)j + 1, p->columns[j].name);
		if (p->columns[j].whole)
			glp_set_col_kind(lp, (int)j + 1, GLP_IV);
	}
	if (rc == 0)
		rc = file_write(path, write_model, lp, e);
	glp_delete_prob(lp);
	return rc < 0 ? err_in_file(e, path) : 0;
}
