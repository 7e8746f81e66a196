/* SPDX-License-Identifier: Apache-2.0 */
/* hybrid_copies.h - when offloaded tensors leave and return
 *
 * A tensor that leaves keeps its bytes until its copy out has ended, and one that returns takes bytes when its copy in begins.  Drops are
 * chosen as if copies needed no bytes (copies_give_way()).  copies_time() then gives the room that is left to copies, in one run over the ops:
 *
 *  - Copies out are made in the order in which they may begin.  At an op without room, compute waits for the oldest of them.
 *  - Copies in are made in the order of need.  One begins when it is due, the queue is free, and all ops up to its use have room.
 *
 * The run keeps the time with stalls, so copies stay in step with compute where the link is the bottleneck.
 */
#ifndef PLANNER_HYBRID_HYBRID_COPIES_H
#define PLANNER_HYBRID_HYBRID_COPIES_H
#include "planner/hybrid/hybrid_model.h"

/* Makes every offloaded interval absent for as long as it may be. */
void copies_give_way(struct model *m);

/* Sets when every offloaded interval is absent.  O((n + G) log n) for n ops and G intervals. */
void copies_time(struct model *m);
#endif
