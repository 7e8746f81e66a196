/* SPDX-License-Identifier: Apache-2.0 */
/* vdnn.h - the plan of vDNN, which its two policies share */
#ifndef PLANNER_POLICY_VDNN_H
#define PLANNER_POLICY_VDNN_H
#include "planner/policy/policy.h"

/* Offloads the inputs of every layer, or of convolutions only. */
int vdnn_plan(struct schedule *s, const struct problem *p, bool convolutions_only, struct arena *a, struct err *e) WARN_UNUSED;
#endif
