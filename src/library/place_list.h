/* SPDX-License-Identifier: Apache-2.0 */
/* place_list.h - a list of items with times of 64 bits: its limits, its placement, and the check of the placement
 *
 * The command `layrub place` and layrub_place() of the library share it.
 */
#ifndef SRC_LIBRARY_PLACE_LIST_H
#define SRC_LIBRARY_PLACE_LIST_H
#include "planner/placement/placement.h"

#define PLACE_ALIGN_MAX (UINT64_C(1) << 40)

/* Sums over a list that is being read. */
struct place_sums {
	bytes_t all, free;	/* of sizes with their padding: of all items, of those without an offset */
	bytes_t highest;	/* end of the items with an offset */
};

/* Adds an item whose size and offset are at most BYTES_MAX.  False: the list is too large.  No placement ends higher than a stack of all
 * items without an offset above the highest one with an offset.  So a list that passes can be placed, written and read again. */
bool place_sums_add(struct place_sums *s, const struct place_item *it);

/* Fills the items' times with the ranks of the times at lowers and uppers, both [count]; returns the time of each rank. */
const int64_t *place_rank_times(struct place_item *items, const int64_t *lowers, const int64_t *uppers, uint32_t count, struct arena *a);

/* Runs a row of placements and checks its result with code that no placement shares.  ERR_NO: the row does not handle p. */
int place_list_run(struct place_result *r, const struct placement *row, const struct place_problem *p, struct arena *a,
    struct err *e) WARN_UNUSED;

/* Items that prove a capacity too small: all are alive at one time, or one is larger or ends too high by its given offset.  Without any one of them the
 * others would prove nothing. */
struct place_proof {
	uint32_t count;			/* 0: only a search has proved it */
	uint32_t *items;		/* [count] */
	uint32_t time;			/* the first at which all are alive */
	bytes_t bytes;			/* no arena of these items alone is smaller */
};

void place_prove(struct place_proof *proof, const struct place_problem *p, bytes_t capacity, struct arena *a);

enum place_status { PLACE_OPTIMAL, PLACE_FEASIBLE, PLACE_UNKNOWN, PLACE_INFEASIBLE };
extern const char *const place_status_names[];	/* "optimal" "feasible" "unknown" "infeasible" */

/* Returns what a result says about its problem: a smaller arena does not or may exist, and over a given capacity, an arena that fits
 * may or does not exist. */
enum place_status place_status_of(const struct place_result *r, bytes_t capacity);
#endif
