/* SPDX-License-Identifier: Apache-2.0 */
/* plan_order.h - which moments of a plan have ended when another one begins, in every timing
 *
 * Moments (plan_access.h) lie in lanes: the three queues, and one for the step's beginning and end.  Moments of one
 * lane follow each other.  Moments of two lanes are ordered only by `after`, and by the step's beginning and end.
 */
#ifndef SRC_DOCUMENTS_PLAN_ORDER_H
#define SRC_DOCUMENTS_PLAN_ORDER_H
#include "src/documents/plan_access.h"

enum { LANE_STEP = QUEUE_COUNT, LANE_COUNT };

/* Vector clocks: done[m][lane] is the number of the lane's moments that have ended when m begins, in every timing. */
struct plan_order {
	uint8_t *lane;			/* [instruction_count + 2] */
	uint32_t *position;		/* [instruction_count + 2] in its lane */
	uint32_t (*done)[LANE_COUNT];	/* [instruction_count + 2] */
};

/* Fills o with the order of p, whose `after` name earlier instructions. */
void plan_order_init(struct plan_order *o, const struct plan *p, struct arena *a);

/* True when x has ended before y begins, in every timing. */
static inline bool
order_before(const struct plan_order *o, uint32_t x, uint32_t y)
{
	return o->done[y][o->lane[x]] > o->position[x];
}
#endif
