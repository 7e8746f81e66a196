/* SPDX-License-Identifier: Apache-2.0 */
/* greedy_swap.h - greedy choice of what to swap out, by a score that sinks as the excess over the budget does
 *
 * The timeline is cut into slices; each has its time and how far the most that is live in it is over the
 * budget.  A candidate's score only falls as others are picked, so the best is found lazily: a
 * heap's top is scored again, and taken if it is still the best.
 */
#ifndef PLANNER_POLICY_GREEDY_SWAP_H
#define PLANNER_POLICY_GREEDY_SWAP_H
#include "planner/schedule/occupancy.h"

struct swap {
	struct occupancy live;
	struct timed_interval *intervals;
	uint32_t interval_count;
	uint32_t slice_ops, slices;	/* ops of a slice; how many slices */
	double *excess;			/* [slices] bytes over the budget, 0 when under */
	uint32_t *chosen, chosen_count;	/* picked intervals, in order */
	struct away { uint32_t from, to; } *away;	/* [interval_count] of each picked one: the ops at which live lacks it */
	void *own;			/* the policy's */
};

/* The score of an idle interval as things are; 0: of no use. */
typedef double swap_score(const struct swap *s, uint32_t interval);
/* It has been picked: note what it takes, and say over which ops it will be away.  NULL: over its
 * whole idle interval. */
typedef void swap_taken(struct swap *s, uint32_t interval, struct away *away);

void swap_init(struct swap *s, const struct problem *p, struct arena *a);

/* The sum over the slices of ops [from, to) of time times min(bytes, excess); or of time times excess with bytes
 * infinite. */
double swap_area(const struct swap *s, uint32_t from, uint32_t to, double bytes);

/* Pick by score among intervals of at least least_bytes until nothing is over the budget, or no score is
 * over 0.  True when nothing is over. */
bool swap_pick(struct swap *s, swap_score *score, swap_taken *taken, bytes_t least_bytes, struct arena *a);

/* What is picked shall be away over its whole idle interval.  True when nothing is over the budget then. */
bool swap_stretch(struct swap *s);
#endif
