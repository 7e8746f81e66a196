/* SPDX-License-Identifier: Apache-2.0 */
/* schedule.h - what a policy decides: what runs, and what leaves when
 *
 * A schedule is a sequence of steps (every op once in graph order, reruns of
 * recomputed ops between them) and a list of moves.  Lifetimes follow from the
 * sequence: a tensor whose next use writes it again without reading it holds no
 * memory in between, so recomputing needs no flag of its own.  All positions are
 * positions in the sequence.
 */
#ifndef PLANNER_SCHEDULE_SCHEDULE_H
#define PLANNER_SCHEDULE_SCHEDULE_H
#include "src/documents/graph.h"
#include "src/documents/plan.h"

struct step {
	uint32_t op;
	uint32_t alternative;	/* PLAN_NONE: the op's own algorithm */
	bool barrier;		/* all three queues meet before this step */
};

/* A tensor leaves between two of its uses: the copy out may begin when
 * step `from` has ended and has ended before step `gone`; other buffers may take the memory from
 * step `free` on; room is taken again before step `back`, and the copy in begins when step
 * back - 1 has ended.  last use before the gap < gone <= free <= back <= next use.
 *
 * A persistent tensor leaves its home, the device, like any other, but before its first use, too, and at
 * the latest it is back, at its own offset, at the end (back = step_count).  One at home on the host (on_host) begins with a
 * copied move that leaves at step 0 and ends with one that is back at SCHEDULE_END. */
struct move {
	uint32_t tensor;
	uint32_t from;		/* SCHEDULE_START: from the beginning */
	uint32_t gone, free, back;
	bool copied;		/* the host has this value already, from the tensor's move before or as its home: no copy out */
};
#define SCHEDULE_START UINT32_MAX
#define SCHEDULE_END   UINT32_MAX

struct schedule {
	uint32_t step_count, move_count;
	struct step *steps;	/* [step_count] */
	struct move *moves;	/* [move_count] in any order, but those of one tensor in order of time */
	const char *found_by;	/* NULL, or the policy that another one asked, because nothing of its own was faster */
	const bool *on_host;	/* [tensor_count] or NULL: persistent tensors at home on the host */
	bool hold;		/* every tensor has memory of its own for the whole step; only without moves */
	bool in_place;		/* outputs take over inputs that end with the op, where it permits that */
};

/* Every op once, in order, nothing moves. */
void schedule_init(struct schedule *s, const struct graph *g, struct arena *a);

/* A copy that shares no memory with `from`, whose graph has tensor_count tensors. */
void schedule_copy(struct schedule *to, const struct schedule *from, uint32_t tensor_count, struct arena *a);
#endif
