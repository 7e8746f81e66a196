/* SPDX-License-Identifier: Apache-2.0 */
/* ilp.h - what the parts of policy ilp share
 *
 * The search (policy_ilp.c) knows choices and schedules; a formulation knows columns and rows.  Between them stand verdicts: what
 * a solution makes of each choice.  Lengths in [] below: `count` choices, the graph's ops.
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

/* An idle interval whose tensor may leave. */
struct choice {
	const struct timed_interval *interval;
	uint32_t run_start, run_count;	/* runs[]: ops that run again to make it; none: it cannot be dropped */
	uint32_t prior;			/* an earlier choice of the same tensor and value, whose copy on the host would serve; or ILP_NONE */
};

/* What becomes of choices, said by a solution or seen in a schedule. */
struct verdicts {
	uint8_t *fate;			/* [count] enum fate */
	double *share;			/* [count] how much of its tensor is away: 0 or 1 in a whole solution */
	uint32_t *gone, *back;		/* [count] FATE_OFFLOAD: as in decisions.h.  FATE_DROP: back is the op before which it is made again */
	uint32_t *gone_from, *back_to;	/* [count] FATE_OFFLOAD: gone from this op on, and back by that one, would do as well */
	bool *lean;			/* [op_count] as in decisions.h */
	bool timed;			/* gone and back are filled */
};

/* More than `bytes` must be away at op k when the ops of the chain run again before it. */
struct cut { uint32_t op, chain_start, chain_count; bytes_t bytes; };

struct ilp {
	const struct problem *p;
	const struct graph *graph;
	const struct lifetimes *life;
	struct occupancy full;		/* for its times */
	bytes_t *kept;			/* [op_count] live bytes when everything is kept */
	struct link_rates rates;
	struct versions versions;
	const struct timed_interval *intervals;
	struct choice *choices;		/* [count] by size, largest first */
	uint32_t count, *runs;
	size_t run_count, run_capacity;
	/* Learned from schedules: */
	bytes_t *extra;			/* [op_count] they need more at the op than the model has */
	bool *asked;			/* [op_count] they were over the budget there */
	struct cut *cuts;
	uint32_t *cut_ops;
	size_t cut_count, cut_capacity, cut_op_count, cut_op_capacity;
	bytes_t margin;			/* what placements lost to fragmentation */
	struct lp lp;
	const struct formulation *form;
	void *model;			/* the formulation's own: what its columns mean */
	struct schedule best;
	double best_us;
	struct arena *arena, *scratch;	/* for good; for the round */
	struct err err;
};

struct formulation {
	const char *name;
	/* Fill m->lp and m->model.  false: too large for it. */
	bool (*build)(struct ilp *m);
	/* What solution x, whole or not, says. */
	void (*read)(const struct ilp *m, const double *x, struct verdicts *v);
	/* Set bounds of fixed's columns to v, but for the choices that are loose[] (NULL: none is). */
	void (*fix)(const struct ilp *m, struct lp *fixed, const struct verdicts *v, const bool *loose);
	/* The schedule made of whole solution x was so many bytes over at op k, or while the chain before it ran. */
	void (*learn)(struct ilp *m, const double *x, uint32_t k, bytes_t over, const struct step *chain, uint32_t chain_count);
};
extern const struct formulation ilp_exact, ilp_aggregate;

/* Fill kept, from schedule s that keeps all. */
int ilp_keep_all(struct ilp *m, struct schedule *s, struct err *e) WARN_UNUSED;
/* Bytes over the budget at op k when everything is kept, with what was learned. */
int64_t ilp_excess(const struct ilp *m, uint32_t k);

/* Fill choices and runs: the largest idle intervals that cross a moment over the budget. */
void ilp_find_choices(struct ilp *m);

/* rerun_writers() of version n of tensor t; 0: they cannot run again. */
uint32_t ilp_writers(const struct ilp *m, uint32_t t, uint32_t n, uint32_t *ops, uint32_t room);

void ilp_verdicts_init(struct verdicts *v, const struct ilp *m);
/* What schedule s does with the choices. */
void ilp_verdicts_of(struct verdicts *v, const struct ilp *m, const struct schedule *s);

/* Build and simulate s; keep it when it fits and is the fastest.  The bytes by which the best of its placements
 * does not fit. */
bytes_t ilp_consider(struct ilp *m, const struct schedule *s);
/* Turn v, read from solution x, into schedules and consider them; x NULL: v is of a relaxed solution, round it first.  Where they do
 * not fit, teach the model if asked to.  false: they fit, or none could be made: solving it again would bring the same. */
bool ilp_realise(struct ilp *m, struct verdicts *v, bool teach, const double *x);
#endif
