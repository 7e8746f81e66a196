/* SPDX-License-Identifier: Apache-2.0 */
/* greedy_swap.h - greedy choice of idle intervals to swap, by a score that falls with the excess over the budget
 *
 * The timeline is split into slices.  Each slice has its time, and the excess of its fullest op.  A score only falls as intervals are
 * picked, so the best is found lazily (score_heap.h).
 */
#ifndef PLANNER_POLICY_GREEDY_SWAP_H
#define PLANNER_POLICY_GREEDY_SWAP_H
#include "planner/schedule/occupancy.h"

struct greedy_swap {
	struct occupancy live;
	struct timed_interval *intervals;
	uint32_t interval_count;
	uint32_t slice_ops;		/* number of ops in a slice */
	uint32_t slices;		/* number of slices */
	double *excess;			/* [slices] bytes over the budget, at least 0 */
	uint32_t *chosen, chosen_count;	/* picked intervals, in order */
	struct absent { uint32_t from, to; } *absent;	/* [interval_count] of a picked interval: live does not count its tensor at ops [from, to) */
	void *own;			/* data of the policy */
};

/* Returns the current score of an idle interval; 0: its swap is of no use. */
typedef double greedy_swap_score(const struct greedy_swap *s, uint32_t interval);
/* Called for a picked interval.  Books its copies on the link, and sets *absent, at first the whole interval, to the ops during which the
 * tensor is really gone. */
typedef void greedy_swap_taken(struct greedy_swap *s, uint32_t interval, struct absent *absent);

void greedy_swap_init(struct greedy_swap *s, const struct problem *p, struct arena *a);

/* Returns the sum of time times min(bytes, excess) over the slices of ops [from, to).  bytes may be INFINITY. */
double greedy_swap_area(const struct greedy_swap *s, uint32_t from, uint32_t to, double bytes);

/* Picks by score among intervals of at least least_bytes until every op is within the budget, or no score is over 0.  taken may be NULL.
 * True: every op is within the budget. */
bool greedy_swap_pick(struct greedy_swap *s, greedy_swap_score *score, greedy_swap_taken *taken, bytes_t least_bytes, struct arena *a);

/* Makes the tensors of all picked intervals absent over their whole intervals.  True: every op is now within the budget. */
bool greedy_swap_stretch(struct greedy_swap *s);
#endif
