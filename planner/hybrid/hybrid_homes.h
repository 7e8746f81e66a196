/* SPDX-License-Identifier: Apache-2.0 */
/* hybrid_homes.h - which persistent tensors are away from the device, and where they live
 *
 * Parameters and optimizer state that do not fit beside a step's other tensors have to move.  Each costs a copy out and a copy in.
 * Two ways to be away at the fullest op:
 *
 *  - A tensor at home on the device leaves before that op and returns for its next use.  Its copy out fills the link while forward
 *    runs, when little else does.
 *  - A tensor at home on the host is fetched for its first use and copied out after its last.  If its first use comes after the
 *    fullest op, so do both copies.
 *
 * Tensors that the step writes take the first way, those with the farthest next use first, as long as the link has time.  Others take the second way,
 * evenly spread over the step, so that the link is evenly busy.
 */
#ifndef PLANNER_HYBRID_HYBRID_HOMES_H
#define PLANNER_HYBRID_HYBRID_HOMES_H
#include "planner/hybrid/hybrid_model.h"

/* Fills m->on_host and m->away, of a model with nothing decided.  At every op, persistent tensors free what
 * transient ones cannot, and of what these could free, `part` (0 .. 1). */
void homes_choose(struct model *m, double part);
#endif
