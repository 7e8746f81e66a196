/* SPDX-License-Identifier: Apache-2.0 */
/* schedule.c - the schedule that every other one starts from */
#include <config.h>
#include "planner/schedule/schedule.h"

#include <string.h>

void
schedule_init(struct schedule *s, const struct graph *g, struct arena *a)
{
	*s = (struct schedule) { .step_count = g->op_count };
	s->steps = ARENA_NEW(a, struct step, g->op_count);
	for (uint32_t k = 0; k < g->op_count; k++)
		s->steps[k] = (struct step) { .op = k, .alternative = PLAN_NONE };
}

void
schedule_copy(struct schedule *to, const struct schedule *from, uint32_t tensor_count, struct arena *a)
{
	*to = *from;
	to->decisions = NULL;
	to->known = NULL;
	if (from->on_host != NULL)
		to->on_host = memcpy(ARENA_NEW(a, bool, tensor_count), from->on_host, sizeof(bool) * tensor_count);
	to->steps = ARENA_NEW(a, struct step, from->step_count);
	memcpy(to->steps, from->steps, sizeof(*to->steps) * from->step_count);
	to->moves = ARENA_NEW(a, struct move, from->move_count);
	if (from->move_count > 0)
		memcpy(to->moves, from->moves, sizeof(*to->moves) * from->move_count);
}
