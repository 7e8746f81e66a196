/* SPDX-License-Identifier: Apache-2.0 */
/* policy_autoswap.c - AutoSwap (Zhang et al., arXiv 1903.06631)
 *
 * Candidates are variables over a size threshold whose absence between two uses crosses the time over the
 * limit.  A candidate's score is its size times its absence, where each moment of the absence is weighted by
 * how far the load there is over the limit; the best is taken and the load falls, until it is under the
 * limit.  Copies begin after the last use, and return as late as is safe.
 */
#include <config.h>
#include "planner/policy/greedy_swap.h"
#include "planner/policy/policy.h"

#include <math.h>

enum { THRESHOLD = 1 << 20, SMALL_SHARE = 1024 };

static double
score(const struct swap *s, uint32_t interval)
{
	const struct timed_interval *j = &s->intervals[interval];

	return (double)j->bytes * swap_area(s, j->idle.from, j->idle.to, INFINITY);
}

int
policy_autoswap(struct schedule *s, const struct problem *p, struct arena *a, struct err *e)
{
	bytes_t least = p->life->peak_bytes / SMALL_SHARE < THRESHOLD ? p->life->peak_bytes / SMALL_SHARE : THRESHOLD;
	struct decisions d;
	struct swap w;

	swap_init(&w, p, a);
	decisions_init(&d, p->life, a);
	swap_pick(&w, score, NULL, least, a);
	occupancy_times(&w.live, &d, w.intervals, w.chosen, w.chosen_count, false, a);
	return occupancy_schedule(s, p, &d, a, e);
}
