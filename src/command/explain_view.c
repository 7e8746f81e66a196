/* SPDX-License-Identifier: Apache-2.0 */
/* explain_view.c - the parts of explain's answers, and moments in words */
#include <config.h>
#include "src/command/explain_view.h"

#include "planner/schedule/lifetimes.h"

/* Stretches within this part of the peak are near peaks. */
static const double near_part = 0.99;

static void
find_next_uses(struct view *v, struct arena *a)
{
	const struct plan *p = v->plan;

	v->next_use = ARENA_NEW(a, uint32_t, p->buffer_count);
	for (uint32_t b = 0; b < p->buffer_count; b++)
		v->next_use[b] = PLAN_NONE;
	for (uint32_t i = p->instruction_count; i-- > 0 && i + 1 >= v->x.peak;)
		if (p->program[i].queue == QUEUE_COMPUTE)
			FOR_EACH_ACCESS_AT(p, i + 1, x)
				v->next_use[x.buffer] = i;
}

const char *
moment_name(const struct plan *p, uint32_t moment, struct arena *a)
{
	const struct instruction *in = moment_instruction(p, moment);

	if (in == NULL)
		return moment == MOMENT_BEGIN ? "the step's beginning" : "the step's end";
	if (in->queue == QUEUE_COMPUTE)
		return arena_printf(a, "op %" PRIu32 " (%s)", in->op, op_text(&p->graph->ops[in->op], a));
	return arena_printf(a, "%s of tensor %" PRIu32, action_names[in->queue], p->buffers[in->device_buffer].tensor);
}

const char *
why_here(const struct view *v, uint32_t buffer, struct arena *a)
{
	uint32_t i = v->next_use[buffer];

	if (i != PLAN_NONE && i + 1 == v->x.peak)
		return "in use";
	if (i == PLAN_NONE)
		return v->x.ranges[buffer].last > v->plan->instruction_count ? "stays to the end" : "being copied out";
	return arena_printf(a, "waits for %s", moment_name(v->plan, i + 1, a));
}

int
view_init(struct view *v, const struct plan *p, struct arena *a, struct err *e)
{
	struct lifetimes l;

	*v = (struct view) { .plan = p };
	if (simulate(&v->sim, p, p->device, a, e) < 0)
		return -1;
	lifetimes_init(&l, p->graph, a);
	explain_init(&v->x, p, &v->sim, l.peak_op, a);
	v->origins = graph_origins(p->graph, a);
	find_next_uses(v, a);
	v->moved = explain_moved_groups(&v->x, v->origins, &v->moved_count, a);
	v->at_peak = explain_peak_groups(&v->x, v->origins, &v->at_peak_count, a);
	v->near = explain_near_peaks(&v->x, near_part, &v->near_count, a);
	return 0;
}
