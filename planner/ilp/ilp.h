/* SPDX-License-Identifier: Apache-2.0 */
/* ilp.h - choices, verdicts, formulations and the model, shared by the parts of policy ilp
 *
 * The search (policy_ilp.c) knows choices and schedules; a formulation knows columns and rows.  Verdicts are the interface between them:
 * the fate that a solution gives each choice.  Lengths in [] below: `count` choices, `op_count` ops of the graph.
 *
 * An idle interval is the ops between two uses of a tensor; of a persistent tensor also the ops before its first and after its last
 * use, and of a result those after its last use.  A persistent tensor cannot be dropped.
 */
#ifndef PLANNER_ILP_ILP_H
#define PLANNER_ILP_ILP_H
#include "planner/bound/link_rates.h"
#include "planner/bound/lp.h"
#include "planner/policy/policy.h"
#include "planner/schedule/occupancy.h"
#include "planner/schedule/rerun.h"

#define ILP_MS 1e3	/* us in a ms: seconds or bytes as units make simplex stop far from the optimum */
#define ILP_MB 1e6	/* bytes in a MB */

#define ILP_NONE UINT32_MAX

/* An idle interval whose tensor may leave the device. */
struct choice {
	const struct timed_interval *interval;
	uint32_t run_start, run_count;	/* runs[]: its rerun closure; run_count 0: it cannot be dropped */
	uint32_t prior;			/* the latest earlier choice of the same tensor and value, whose copy on the host it shares; or ILP_NONE */
};

/* The fates of the choices, read from a solution or from a schedule. */
struct verdicts {
	uint8_t *fate;			/* [count] enum fate */
	double *share;			/* [count] part of its tensor that is away: 0 or 1 in a whole solution */
	uint32_t *gone, *back;		/* [count] FATE_OFFLOAD: as in decisions.h.  FATE_DROP: back is the op before which the tensor is made again */
	uint32_t *gone_from, *back_to;	/* [count] FATE_OFFLOAD: the earliest gone and the latest back that the solution allows */
	bool *lean;			/* [op_count] as in decisions.h */
	bool timed;			/* gone and back are filled */
};

/* A learned row: at least `bytes` are away at op k when all these ops run again before it. */
struct cut { uint32_t op, op_start, op_count; bytes_t bytes; };

struct ilp {
	const struct problem *p;
	const struct graph *graph;
	const struct lifetimes *life;
	struct occupancy full;		/* every tensor is kept; for start_us and the timed intervals */
	bytes_t *kept;			/* [op_count] live bytes when everything is kept */
	struct link_rates rates;
	struct versions versions;
	const struct timed_interval *intervals;
	struct choice *choices;		/* [count] by size, largest first */
	uint32_t count, *runs;
	size_t run_count, run_capacity;
	/* Learned from schedules: */
	bytes_t *extra;			/* [op_count] bytes that schedules need at the op beyond the model */
	bool *asked;			/* [op_count] a schedule was over the budget at the op */
	struct cut *cuts;
	uint32_t *cut_ops;
	size_t cut_count, cut_capacity, cut_op_count, cut_op_capacity;
	bytes_t margin;			/* bytes that placements lost to fragmentation */
	struct lp lp;
	const struct formulation *form;
	void *model;			/* the formulation's own: the meaning of its columns */
	struct schedule best;
	double best_us;
	bytes_t nearest;		/* least excess of a placement so far; UINT64_MAX: no schedule has been placed */
	struct arena *arena, *scratch;	/* of the policy; of the round */
	struct err err;
};

struct formulation {
	const char *name;
	/* Fills m->lp and m->model; false: too large for this form. */
	bool (*build)(struct ilp *m);
	/* Fills v from solution x, whole or relaxed. */
	void (*read)(const struct ilp *m, const double *x, struct verdicts *v);
	/* Fixes the columns of `fixed` to v, except those of choices with loose[] set (NULL: of none). */
	void (*fix)(const struct ilp *m, struct lp *fixed, const struct verdicts *v, const bool *loose);
	/* Notes that the schedule of whole solution x was `over` bytes over the budget at op k, or while the reruns before k ran. */
	void (*learn)(struct ilp *m, const double *x, uint32_t k, bytes_t over, const struct step *reruns, uint32_t rerun_count);
};
extern const struct formulation ilp_exact, ilp_aggregate;

/* Fills m->kept from s, which becomes the schedule that keeps everything. */
int ilp_keep_all(struct ilp *m, struct schedule *s, struct err *e) WARN_UNUSED;
/* Returns the excess at op k when everything is kept, with the learned bytes. */
int64_t ilp_excess(const struct ilp *m, uint32_t k);

/* Fills choices and runs: the largest idle intervals that cross an op near or over the budget. */
void ilp_find_choices(struct ilp *m);

/* Fills ops as rerun_writers() does for version n of tensor t, and returns their number; 0: they cannot run again. */
uint32_t ilp_writers(const struct ilp *m, uint32_t t, uint32_t n, uint32_t *ops, uint32_t room);

void ilp_verdicts_init(struct verdicts *v, const struct ilp *m);
/* Fills v with the fates of the choices in schedule s. */
void ilp_verdicts_of(struct verdicts *v, const struct ilp *m, const struct schedule *s);

/* Places and simulates s, and keeps it when it fits and is the fastest.  Returns the excess of its best placement; 0 also when no
 * placement can help.  The slow placement is for schedules that nearly fit; with `hard`, for all. */
bytes_t ilp_consider(struct ilp *m, const struct schedule *s, bool hard);
/* Turns v, read from solution x, into schedules and considers them; x NULL: v is of a relaxed solution and is rounded first.  With `teach`,
 * the model learns from a schedule that does not fit.  false: all fit, or none could be made, so the same program would give the same
 * solution. */
bool ilp_realise(struct ilp *m, struct verdicts *v, bool teach, const double *x);
#endif
