/* SPDX-License-Identifier: Apache-2.0 */
/* pack_search.h - do these items fit below this level?  A depth-first search
 *
 * The state is a skyline: a level for each section, below which nothing more is
 * put.  Where it has a valley (equal levels between higher ones), look at one of its sections: either some item
 * over that section rests on the valley's floor there, or nothing does, and the section's level rises to where
 * the lowest of its items can be at all.  That is a complete case split whatever the section, so the search may take the one with the fewest cases.
 *
 * Bound: let lb_j be the highest level below item j.  The items over a section are jobs of one machine with
 * release times lb_j: in the order of lb, end = max(end, lb_j) + size_j, and the last end must not pass
 * the capacity (the optimum of 1|r_j|Cmax, so no order of theirs does better).
 *
 * Parts of the skyline that no open item connects are solved one after the other, and when one cannot be, the others are not tried
 * again.  Of identical items the first is tried.  A state (skyline and open items of a part) that was shown
 * impossible is remembered: stacks that differ only in their order end there.
 *
 * Canonical solutions, sections and dominance follow MiniMalloc (Moffitt, ASPLOS 2023); the split on a valley's section, the
 * machine bound and the decomposition are ours.
 */
#ifndef PLANNER_PLACEMENT_PACK_SEARCH_H
#define PLANNER_PLACEMENT_PACK_SEARCH_H
#include <stdatomic.h>

#include "planner/placement/pack_sections.h"

/* How a search chooses: rows of strategies[] in pack_search.c. */
struct strategy {
	int section_rule;	/* which section to branch on */
	int item_key;		/* which item to try first */
};
extern const struct strategy strategies[];
extern const int strategy_count;	/* at most MOST_STRATEGIES, the size of a caller's arrays */
enum { MOST_STRATEGIES = 16 };

enum pack_answer { PACK_FITS, PACK_NEVER, PACK_GAVE_UP };

struct pack_limits {
	uint64_t work;			/* give up after so many steps (about one for each item looked at) */
	double deadline_s;		/* of the monotonic clock; 0: none */
	bool (*stopped)(void);		/* NULL, or true: give up now */
	const atomic_int *winner;	/* give up when a strategy below `self` has won; NULL: never */
	int self;
};

/* States shown impossible below one capacity; searches for the same capacity may share it, one after the other. */
struct pack_memo;
struct pack_memo *pack_memo_new(struct arena *a);
void pack_memo_clear(struct pack_memo *memo);

/* Fill level[item_count] so that every item ends at or below capacity.  seed 0: the
 * strategy's own order; else its keys are perturbed. */
enum pack_answer pack_search(level_t *level, const struct sections *s, level_t capacity,
    const struct strategy *how, uint64_t seed, const struct pack_limits *limits, struct pack_memo *memo, struct arena *a);

#endif
