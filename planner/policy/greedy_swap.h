/* SPDX-License-Identifier: Apache-2.0 */
/* greedy_swap.h - greedy choice of idle intervals to swap, by a score that falls with the excess over the budget
 *
 * The timeline is split into slices.  Each has its time, and the excess of its fullest op.  A candidate's score only falls as others
 * are picked, so the best is found lazily (score_heap.h).
 */
#ifndef PLANNER_POLICY_GREEDY_SWAP_H
#define PLANNER_POLICY_GREEDY_SWAP_H
#include "planner/schedule/occupancy.h"

struct greedy_swap {
	struct occupancy live;
	struct timed_interval *intervals;
	uint32_t interval_count;
	uint32_t slice_ops, slices;	/* ops of a slice; number of slices */
	double *excess;			/* [slices] bytes over the budget, at least 0 */
	uint32_t *chosen, chosen_count;	/* picked intervals, in order */
	struct absent { uint32_t from, to; } *absent;	/* [interval_count] of each picked interval: live lacks its tensor at ops [from, to) */
	void *own;			/* the policy's */
};

/* The present score of an idle interval; 0: swapping it is of no use. */
typedef double greedy_swap_score(const struct greedy_swap *s, uint32_t interval);
/* Called for a picked interval: notes what the swap takes, and narrows *absent from the whole interval to the ops without the tensor. */
typedef void greedy_swap_taken(struct greedy_swap *s, uint32_t interval, struct absent *absent);

void greedy_swap_init(struct greedy_swap *s, const struct problem *p, struct arena *a);

/* The sum over the slices of ops [from, to) of time times min(bytes, excess).  bytes may be INFINITY. */
double greedy_swap_area(const struct greedy_swap *s, uint32_t from, uint32_t to, double bytes);

/* Picks by score among intervals of at least least_bytes until every op is within the budget, or no score is over 0.  taken may be NULL.
 * True: every op is within the budget. */
bool greedy_swap_pick(struct greedy_swap *s, greedy_swap_score *score, greedy_swap_taken *taken, bytes_t least_bytes, struct arena *a);

/* Makes the tensors of all picked intervals absent over their whole intervals.  True: every op is within the budget then. */
bool greedy_swap_stretch(struct greedy_swap *s);
#endif
