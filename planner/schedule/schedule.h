/* SPDX-License-Identifier: Apache-2.0 */
/* schedule.h - the answer of a policy: the ops in sequence, and the moves
 *
 * A schedule is a sequence of steps and a list of moves.  The sequence has every op once, in graph order, and reruns
 * between them.  Live ranges follow from the sequence: a tensor whose next use writes it without reading it holds no memory in
 * between, so that recomputing needs no flag of its own.  All positions are positions in the sequence.
 */
#ifndef PLANNER_SCHEDULE_SCHEDULE_H
#define PLANNER_SCHEDULE_SCHEDULE_H
#include "src/base/rank.h"
#include "src/documents/graph.h"
#include "src/documents/plan.h"

struct decisions;

struct step {
	uint32_t op;
	uint32_t alternative;	/* PLAN_NONE: the op's own algorithm */
	bool barrier;		/* all three queues meet before this step */
};

/* A tensor leaves over an idle interval.  The copy out may begin when step `from` has ended, and must end before step `gone`.
 * Other buffers may take the memory from step `free` on.  The tensor takes memory again before step `back`, and the copy in begins when step
 * back - 1 has ended.  last use before it < gone <= free <= back <= next use.
 *
 * A persistent tensor whose home is the device may also leave before its first use.  It must be back at its own offset when the step
 * ends (back = step_count).  The last move of a result may be back at SCHEDULE_END: the result ends the step on the host.  If the home
 * of a persistent tensor is the host (on_host), its first move is a copied one that leaves at step 0, and its last move
 * is back at SCHEDULE_END. */
struct move {
	uint32_t tensor;
	uint32_t from;		/* SCHEDULE_START: from the beginning */
	uint32_t gone, free, back;
	bool copied;		/* no copy out: the host has this value from the tensor's previous move, or is its home */
};
#define SCHEDULE_START UINT32_MAX
#define SCHEDULE_END   RANK_NONE

struct schedule {
	uint32_t step_count, move_count;
	struct step *steps;	/* [step_count] */
	struct move *moves;	/* [move_count] in any order; the moves of one tensor in order of time */
	const char *found_by;	/* NULL, or the other policy that found the schedule */
	const char *configuration;	/* NULL, or the configuration of the search that found the schedule, as text */
	const struct decisions *decisions;	/* NULL, or those that it was made from */
	const bytes_t *known;	/* NULL, or offsets of the program's buffers in a packing that is known (placement.h) */
	const bool *on_host;	/* [tensor_count] or NULL: persistent tensors at home on the host */
	bool hold;		/* every tensor has memory of its own for the whole step; only without moves */
	bool may_fill;		/* the arena may have the whole budget; else the smallest one is wanted at the device's own budget */
	bool thorough;		/* its placement may take more time than one of a search's many */
	bool in_place;		/* outputs take over inputs that end with the op, where it permits that */
};

/* Fills s: every op once, in order, without moves. */
void schedule_init(struct schedule *s, const struct graph *g, struct arena *a);

/* A copy that shares no memory with `from`, whose graph has tensor_count tensors; without decisions and known offsets. */
void schedule_copy(struct schedule *to, const struct schedule *from, uint32_t tensor_count, struct arena *a);
#endif
