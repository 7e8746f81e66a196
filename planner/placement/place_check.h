/* SPDX-License-Identifier: Apache-2.0 */
/* place_check.h - the check that a placement is sound
 *
 * The check shares no code with the placements.
 */
#ifndef PLANNER_PLACEMENT_PLACE_CHECK_H
#define PLANNER_PLACEMENT_PLACE_CHECK_H
#include "planner/placement/placement.h"

/* The first fault that place_check() found. */
struct place_fault {
	uint32_t item, other;		/* other: PLACE_NONE, or the item that it shares a byte with */
};
#define PLACE_NONE UINT32_MAX

/* Returns 0 when no two items alive at once share a byte, every offset is aligned, fixed items have their offsets, and no item ends above
 * arena_bytes.  Otherwise -1: e (ERR_NO) and *fault tell the first fault.  O(n log n). */
int place_check(const struct place_problem *p, const bytes_t *offsets, bytes_t arena_bytes,
    struct place_fault *fault, struct arena *a, struct err *e) WARN_UNUSED;

/* The same check of the fixed items alone. */
int place_check_fixed(const struct place_problem *p, struct place_fault *fault, struct arena *a, struct err *e) WARN_UNUSED;
#endif
