/* SPDX-License-Identifier: Apache-2.0 */
/* evacuation.h - the decisions that need the least memory
 *
 * Every tensor is on the device only for the ops that use it.  Persistent tensors live on the host, unless homes are given, and results end there.  The busiest
 * op alone decides how much memory this takes, and op times do not matter.  The step is slow, and every byte needs pinned memory.
 */
#ifndef PLANNER_SCHEDULE_EVACUATION_H
#define PLANNER_SCHEDULE_EVACUATION_H
#include "planner/schedule/decisions.h"

/* Fills d.  restless: a tensor leaves between two ops in a row that use it, too.  Then no op's tensors keep an address, so that they
 * always pack; the step is slower yet. */
void evacuation(struct decisions *d, const struct lifetimes *l, bool restless, struct arena *a);
#endif
