/* SPDX-License-Identifier: Apache-2.0 */
/* ilp_exact.h - the parts of the exact form (private to ilp_exact.c, ilp_exact_solution.c and ilp_stages.c) */
#ifndef PLANNER_ILP_ILP_EXACT_H
#define PLANNER_ILP_ILP_EXACT_H
#include "planner/ilp/ilp.h"

/* The reruns that may happen just before one op. */
struct stage {
	uint32_t op;
	uint32_t *x;			/* [op_count] column of each op's rerun, or ILP_NONE */
};

/* Gap g may be made again at a stage. */
struct again { uint32_t stage, column; };

struct interval_columns {
	uint32_t first_row, row_count;	/* of the moments: those that it crosses */
	uint32_t e, s;			/* first column: gone, back by its first_row + i; s has none for i = 0 */
	uint32_t o, o_first, o_count;	/* first column, first interval, how many */
	uint32_t r, r_first, r_count;
	struct again *again;		/* [again_count] by stage */
	uint32_t again_count;
};

/* How much copies slow ops of some classes: so much time is lost in a ms of one copy while they run. */
struct level { double slow, loss; };

struct exact {
	struct ilp *m;
	uint32_t *moment, moments;	/* [moments] ops with a row for memory, rising */
	uint32_t intervals, d;		/* how many, first column */
	uint32_t *run_in, *op_in;	/* [op_count] interval of what runs again just before op k, and of the op */
	double *least;			/* [intervals] ms of its ops */
	struct level levels[CLASS_COUNT];	/* by slow */
	uint32_t level_count;
	double *light;			/* [intervals][level_count] ms that copies may overlap with at less than the level's loss */
	uint32_t *time_row;		/* [intervals][level_count] or ILP_NONE */
	struct stage *stages;		/* [stage_count] by op */
	uint32_t stage_count, *stage_at;	/* [op_count] or ILP_NONE */
	uint32_t *choice_of;		/* [uses] the choice whose gap follows it, or ILP_NONE */
	struct interval_columns *of;		/* [count] */
};

/* The choice whose gap of tensor t has op k in it, or ends there; ILP_NONE. */
uint32_t exact_choice_at(const struct exact *f, uint32_t t, uint32_t k);

/* Find which ops may run again where, with a column for each, and where each gap may be made again. */
void exact_stages(struct exact *f);
/* Rows: what runs again finds its inputs. */
void exact_stage_rows(struct exact *f);
/* The formulation's other entries: ilp.h. */
void exact_read(const struct ilp *m, const double *x, struct verdicts *v);
void exact_fix(const struct ilp *m, struct lp *fixed, const struct verdicts *v, const bool *loose);
void exact_learn(struct ilp *m, const double *x, uint32_t k, bytes_t over, const struct step *chain, uint32_t chain_count);

/* For a ms of an op of class c, so much may be added to what copies at this level lose for all: they had better overlap with it. */
double exact_relief(const struct exact *f, uint32_t level, enum op_class c);
/* The first of choice i's rows at or after op k: an index from its first_row on, row_count: none. */
uint32_t exact_row_from(const struct exact *f, uint32_t i, uint32_t k);
#endif
