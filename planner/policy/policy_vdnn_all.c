/* SPDX-License-Identifier: Apache-2.0 */
/* policy_vdnn_all.c - vDNN_all: offloads the input of every layer (vdnn.c) */
#include <config.h>
#include "planner/policy/vdnn.h"

int
policy_vdnn_all(struct schedule *s, const struct problem *p, struct arena *a, struct err *e)
{
	return vdnn_plan(s, p, false, a, e);
}
