/* SPDX-License-Identifier: Apache-2.0 */
/* policy_vdnn_conv.c - vDNN_conv: offloads the inputs of convolutions (vdnn.c) */
#include <config.h>
#include "planner/policy/vdnn.h"

int
policy_vdnn_conv(struct schedule *s, const struct problem *p, struct arena *a, struct err *e)
{
	return vdnn_plan(s, p, true, a, e);
}
