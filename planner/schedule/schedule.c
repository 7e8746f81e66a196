/* SPDX-License-Identifier: Apache-2.0 */
/* schedule.c - the schedule that every other one starts from */
#include <config.h>
#include "planner/schedule/schedule.h"

void
schedule_init(struct schedule *s, const struct graph *g, struct arena *a)
{
	*s = (struct schedule) { .step_count = g->op_count };
	s->steps = ARENA_NEW(a, struct step, g->op_count);
	for (uint32_t k = 0; k < g->op_count; k++)
		s->steps[k] = (struct step) { .op = k, .alternative = PLAN_NONE };
}
