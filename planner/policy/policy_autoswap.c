/* SPDX-License-Identifier: Apache-2.0 */
/* policy_autoswap.c - AutoSwap (Zhang et al., arXiv 1903.06631)
 *
 * Candidates are tensors over a size threshold with an idle interval that crosses the time over the budget.  A candidate's score is its
 * size times the interval's time, in which each moment is weighted by its excess over the budget.  The best is picked, which lowers
 * the excess, until no op is over the budget.  Copies out begin after the last use, and copies in end as late as is safe.
 */
#include <config.h>
#include "planner/policy/greedy_swap.h"
#include "planner/policy/policy.h"

#include <math.h>

enum { THRESHOLD = 1 << 20, SMALL_SHARE = 1024 };

static double
score(const struct greedy_swap *s, uint32_t interval)
{
	const struct timed_interval *j = &s->intervals[interval];

	return (double)j->bytes * greedy_swap_area(s, j->idle.from, j->idle.to, INFINITY);
}

int
policy_autoswap(struct schedule *s, const struct problem *p, struct arena *a, struct err *e)
{
	bytes_t least = p->life->peak_bytes / SMALL_SHARE < THRESHOLD ? p->life->peak_bytes / SMALL_SHARE : THRESHOLD;
	struct decisions d;
	struct greedy_swap w;

	greedy_swap_init(&w, p, a);
	decisions_init(&d, p->life, a);
	greedy_swap_pick(&w, score, NULL, least, a);
	occupancy_times(&w.live, &d, w.intervals, w.chosen, w.chosen_count, false, a);
	return occupancy_schedule(s, p, &d, a, e);
}
