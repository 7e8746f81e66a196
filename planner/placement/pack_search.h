/* SPDX-License-Identifier: Apache-2.0 */
/* pack_search.h - a depth-first search for a placement of all items below a level, the capacity
 *
 * State: a skyline, which is a level for each section.  No further item is placed below it.  An item is open until it is placed.
 *
 * Branching: a valley is a run of sections of equal level between higher ones.  For any section of a valley, either an open item over
 * the section rests on the valley's floor, or none does and the section's level rises to the lowest level that one of its items can
 * have.  The split is complete for every section, so the search takes the section with the fewest cases.
 *
 * Bound: lb_j is the highest level of the skyline below open item j.  The items over a section are jobs of one machine with release times
 * lb_j: in the order of lb, end = max(end, lb_j) + size_j, and the last end must not exceed the capacity.  That end is the optimum of
 * 1|r_j|Cmax, so no order of the items has a smaller one.
 *
 * Parts of the skyline that no open item connects are solved one after the other; the first part without a solution ends the branch.  Of
 * identical items only the first is tried.  A state (skyline and open items of a part) that was shown impossible is remembered, which
 * ends stacks that differ only in their order.
 *
 * Canonical solutions, sections and dominance follow MiniMalloc (Moffitt, ASPLOS 2023).  The split on a valley's section, the machine
 * bound and the decomposition are ours.
 */
#ifndef PLANNER_PLACEMENT_PACK_SEARCH_H
#define PLANNER_PLACEMENT_PACK_SEARCH_H
#include <stdatomic.h>

#include "planner/placement/pack_sections.h"

/* The choices of a search: rows of strategies[] in pack_search.c. */
struct strategy {
	int section_rule;	/* which section to branch on */
	int item_key;		/* which item to try first */
};
extern const struct strategy strategies[];
extern const int descent_strategy;	/* the one that most often needs few steps back from the first item to the last */
extern const struct strategy gap_strategy;	/* of pack_gaps.h: the item's key alone */
extern const int strategy_count;	/* at most MOST_STRATEGIES, the size of a caller's arrays */
enum { MOST_STRATEGIES = 16 };

enum pack_answer { PACK_FITS, PACK_NEVER, PACK_GAVE_UP };

struct pack_limits {
	uint64_t work;			/* give up after this many steps (about one for each item looked at) */
	double deadline_s;		/* of the monotonic clock; 0: none */
	bool (*stopped)(void *user);	/* NULL, or true: give up now */
	void *user;
	const atomic_int *winner;	/* give up when a strategy below `self` has won; NULL: never */
	int self;
};

/* States shown impossible below one capacity.  Searches for the same capacity may use it one after the other. */
struct pack_memo;
struct pack_memo *pack_memo_new(struct arena *a);
void pack_memo_clear(struct pack_memo *memo);

/* Fills level[item_count] so that every item ends at or below capacity, in bytes above the sections' floor.  seed 0: the strategy's own order; else its keys are
 * perturbed by up to 15 %. */
enum pack_answer pack_search(level_t *level, const struct sections *s, bytes_t capacity,
    const struct strategy *how, uint64_t seed, const struct pack_limits *limits, struct pack_memo *memo, struct arena *a);

/* Returns a bound on the arena in bytes, from the machine bound of every section before the search. */
bytes_t pack_root_bound(const struct sections *s, struct arena *a);
#endif
