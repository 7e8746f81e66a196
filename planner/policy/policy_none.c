/* SPDX-License-Identifier: Apache-2.0 */
/* policy_none.c - no reuse of memory, as in the original Caffe
 *
 * Every map, gradient map and temporary has memory of its own for the whole step; only workspaces share.  The plan's peak counts the
 * bytes in use; its arena is what Caffe allocates.
 */
#include <config.h>
#include "planner/policy/policy.h"

int
policy_none(struct schedule *s, const struct problem *p, struct arena *a, struct err *e)
{
	(void)e;
	schedule_init(s, p->graph, a);
	s->hold = true;
	return 0;
}
