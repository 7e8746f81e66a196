/* SPDX-License-Identifier: Apache-2.0 */
/* decision_walk.h - the walk over the ops that turns fates into steps and moves, one op at a time
 *
 * Before each op the walk fetches its inputs from the host and adds the reruns that it needs; after it, it settles what becomes
 * of the op's tensors.  Moves are noted by op and get their steps when the reruns there are known.  decisions_schedule() walks once.
 * A search keeps copies of the walk's state on the way, and walks again from the last copy that a changed decision does not touch.
 */
#ifndef PLANNER_SCHEDULE_DECISION_WALK_H
#define PLANNER_SCHEDULE_DECISION_WALK_H
#include "planner/schedule/decisions.h"
#include "planner/schedule/rerun.h"

enum where { ABSENT, RESIDENT, ON_HOST };

#define WALK_NEVER UINT32_MAX	/* no version, no tensor */

/* A tensor on the way.  Versions are those of versions.h. */
struct walk_tensor {
	uint32_t version;		/* that the walk has reached */
	uint32_t next_use;		/* index of the first use not yet made */
	uint32_t copied;		/* the version that the host has, or WALK_NEVER */
	uint32_t move_of;		/* its open move while ON_HOST */
	uint32_t next_return;		/* the next tensor of the same list of returns, or WALK_NEVER */
	enum where where;
};

struct walk_move {
	struct move move;		/* its gone and free, and from group to step: known at the end */
	uint32_t slot;			/* of the decision; WALK_NEVER: none, it leaves for its home on the host */
	uint32_t gone_op;		/* op before which the tensor has gone */
	bool never;			/* it does not happen after all */
};

struct decision_walk {
	const struct decisions *d;	/* not owned */
	const struct lifetimes *life;
	const struct graph *graph;
	struct arena *arena;
	struct err *e;
	struct versions versions;
	struct walk_tensor *tensors;	/* [tensor_count] */
	struct step *steps;		/* [step_count] */
	struct walk_move *moves;	/* [move_count] in the order in which they leave */
	size_t step_count, step_capacity, move_count, move_capacity;
	uint32_t *returns;		/* [op_count + 1] the first of the tensors whose fetch begins at each op, or WALK_NEVER */
	uint32_t *group;		/* [op_count + 2] first step of what is done for op k: its reruns, then itself; op_count:
					 * reruns for results; op_count + 1: the end */
	uint32_t *fetched;		/* [fetched_count] moves that end at the op at hand; some of them never happen */
	uint32_t fetched_count;
	struct rerun rerun;		/* ops that run again before op `at` */
	uint32_t at;
};

/* Fills w, before op 0; e is filled when a later call fails. */
void decision_walk_init(struct decision_walk *w, const struct decisions *d, struct arena *a, struct err *e);

/* Goes back to the moment before op 0, under decisions that may differ in anything. */
void decision_walk_begin(struct decision_walk *w);

/* Goes over op k; ERR_NO as decisions_schedule(). */
int decision_walk_op(struct decision_walk *w, uint32_t k) WARN_UNUSED;

/* Goes over the step's end, after the last op. */
int decision_walk_end(struct decision_walk *w) WARN_UNUSED;

/* Goes back to the moment before op k, when the tensors' state was `tensors`.  Steps, moves and groups before it are as they were then,
 * but for the ends of moves that were open. */
void decision_walk_restore(struct decision_walk *w, uint32_t k, const struct walk_tensor *tensors, size_t step_count, size_t move_count);

/* The steps of a move are groups until the end: the first step of op gone_op. */
static inline uint32_t
decision_walk_gone(const struct decision_walk *w, const struct walk_move *m)
{
	return w->group[m->gone_op];
}
#endif
