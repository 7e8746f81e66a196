/* SPDX-License-Identifier: Apache-2.0 */
/* segments.h - forward in segments, each of which can rerun by itself
 *
 * A segment may end before an op unless a tensor that crosses there is overwritten later.  The maps that wait for backward are divided about
 * evenly.  Near each division, the segment ends at the boundary that the fewest bytes cross.
 */
#ifndef PLANNER_POLICY_SEGMENTS_H
#define PLANNER_POLICY_SEGMENTS_H
#include "planner/schedule/lifetimes.h"

struct segments {
	uint32_t count;
	uint32_t *first;		/* [count + 1] segment i has the ops [first[i], first[i + 1]); together they are all of forward */
	uint32_t *of;			/* [op_count] the segment of a forward op */
	uint32_t *last_forward;		/* [tensor_count] last forward op that uses a transient tensor, SEGMENTS_NONE: none */
	uint32_t maps;			/* number of forward ops that make a tensor that waits for backward */
};
#define SEGMENTS_NONE UINT32_MAX

/* Sets *maps to the number of maps; ERR_NO: there are none, or forward and backward do not follow each other. */
int segments_maps(uint32_t *maps, const struct lifetimes *l, struct arena *a, struct err *e) WARN_UNUSED;

/* Splits forward into at most `want` segments; maps + 1 is the largest possible number. */
int segments_init(struct segments *s, const struct lifetimes *l, uint32_t want, struct arena *a, struct err *e) WARN_UNUSED;
#endif
