/* SPDX-License-Identifier: Apache-2.0 */
/* ilp_exact.h - the model of the exact form, private to ilp_exact.c, ilp_exact_solution.c and ilp_stages.c */
#ifndef PLANNER_ILP_ILP_EXACT_H
#define PLANNER_ILP_ILP_EXACT_H
#include "planner/ilp/ilp.h"

/* The reruns that may happen just before one op. */
struct stage {
	uint32_t op;
	uint32_t *x;			/* [op_count] column of each op's rerun, or ILP_NONE */
};

/* A choice's tensor may be made again at a stage. */
struct again { uint32_t stage, column; };

struct interval_columns {
	uint32_t first_row, row_count;	/* of the moments that it crosses */
	uint32_t e;			/* column of e at moment first_row + i: e + i */
	uint32_t s;			/* column of s at moment first_row + i: s + i - 1; none at i = 0 */
	uint32_t o, o_first, o_count;	/* copy out: first column, first time interval, number of columns */
	uint32_t r, r_first, r_count;	/* fetch: the same */
	struct again *again;		/* [again_count] by stage */
	uint32_t again_count;
};

/* A contention factor: a copy makes such ops 1 + slow times as long, and each ms of copying during such an op loses `loss` ms. */
struct slow_level { double slow, loss; };

struct exact {
	struct ilp *m;
	uint32_t *moment, moments;	/* [moments] ops with a row for memory, rising */
	uint32_t intervals, d;		/* time intervals: their number, and their first column */
	uint32_t *run_in;		/* [op_count + 1] time interval of the reruns just before op k; op_count: of those for results */
	uint32_t *op_in;		/* [op_count + 1] time interval of op k; op_count: the number of intervals */
	double *least;			/* [intervals] ms of its ops */
	struct slow_level levels[CLASS_COUNT];	/* by slow */
	uint32_t level_count;
	double *light;			/* [intervals][level_count] ms by which the level's loss falls when copies overlap with less affected ops */
	uint32_t *time_row;		/* [intervals][level_count] or ILP_NONE */
	struct stage *stages;		/* [stage_count] by op */
	uint32_t stage_count;
	uint32_t *stage_at;		/* [op_count + 1] the stage before the op, or ILP_NONE; op_count: at the end */
	uint32_t *choice_of;		/* [slots of decisions.h] the choice whose idle interval follows the use, or ILP_NONE */
	struct interval_columns *of;	/* [count] */
};

/* Returns the choice whose idle interval of tensor t has op k in it or ends there, or ILP_NONE. */
uint32_t exact_choice_at(const struct exact *f, uint32_t t, uint32_t k);

/* Finds which ops may run again at which stage, with a column for each, and at which stages each choice may be made again. */
void exact_stages(struct exact *f);
/* Adds the rows by which every rerun finds its inputs. */
void exact_stage_rows(struct exact *f);
/* The formulation's read, fix and learn (ilp.h). */
void exact_read(const struct ilp *m, const double *x, struct verdicts *v);
void exact_fix(const struct ilp *m, struct lp *fixed, const struct verdicts *v, const bool *loose);
void exact_learn(struct ilp *m, const double *x, uint32_t k, bytes_t over, const struct step *reruns, uint32_t rerun_count);

/* Returns the loss at this level, in ms, that a ms of an op of class c can save: copies lose less while it runs. */
double exact_relief(const struct exact *f, uint32_t level, enum op_class c);
/* Returns the first of choice i's moments at or after op k, counted from its first_row; row_count: none. */
uint32_t exact_row_from(const struct exact *f, uint32_t i, uint32_t k);
/* True: an output of op k may take over the bytes of choice i's tensor, if the tensor is dropped after the op. */
bool exact_gives_way(const struct exact *f, uint32_t i, uint32_t k);
#endif
