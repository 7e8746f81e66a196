/* SPDX-License-Identifier: Apache-2.0 */
/* place_check.h - is a placement sound, whoever made it?
 *
 * Written apart from the placements: it shares no code with them.
 */
#ifndef PLANNER_PLACEMENT_PLACE_CHECK_H
#define PLANNER_PLACEMENT_PLACE_CHECK_H
#include "planner/placement/placement.h"

/* What place_check found first. */
struct place_fault {
	uint32_t item, other;		/* other: PLACE_NONE, or the item that it shares a byte with */
};
#define PLACE_NONE UINT32_MAX

/* 0 when no two items alive at once share a byte, every offset is aligned, fixed items are where they
 * were, and nothing ends above arena_bytes.  Else ERR_NO, and what is wrong in e and *fault.
 * O(n log n). */
int place_check(const struct place_problem *p, const bytes_t *offsets, bytes_t arena_bytes,
    struct place_fault *fault, struct arena *a, struct err *e) WARN_UNUSED;

/* The same of the fixed items alone: do the given offsets clash? */
int place_check_fixed(const struct place_problem *p, struct place_fault *fault, struct arena *a, struct err *e) WARN_UNUSED;
#endif
