/* SPDX-License-Identifier: Apache-2.0 */
/* random_plan.h - small random graphs, and sound plans for them by a planner of the tests' own
 *
 * Knows nothing of planner/: a random walk keeps, offloads, drops, fetches and recomputes; every
 * stay gets a random address that is free for as long as it lasts; `after` edges come from looking at
 * every pair of accesses.  Sizes are multiples of 64 bytes.
 */
#ifndef TESTS_RANDOM_PLAN_H
#define TESTS_RANDOM_PLAN_H
#include "src/documents/plan.h"

struct random { uint64_t state; };

/* In [0, n). */
uint32_t random_below(struct random *r, uint32_t n);

/* True one time in n. */
static inline bool
random_one_in(struct random *r, uint32_t n)
{
	return random_below(r, n) == 0;
}

/* A graph, a device and a plan, all in the arena.  NULL when the walk got stuck. */
struct plan *random_plan(struct random *r, struct arena *a);

/* Throw away p's edges and give each instruction one from every earlier one of another queue that it
 * must follow; with few, only those that the others do not imply. */
void random_plan_edges(struct plan *p, bool few, struct arena *a);
#endif
