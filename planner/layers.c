/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>
#include "planner/layers.h"

#include <string.h>

/* The forward op that backward op k belongs to: the latest one whose output it
 * reads; k itself where there is none. */
static uint32_t
owner(const struct graph *g, uint32_t k, const uint32_t *forward_writer)
{
	const struct op *o = &g->ops[k];
	uint32_t latest = UINT32_MAX;

	if (o->phase != PHASE_BACKWARD)
		return k;
	for (uint32_t i = 0; i < o->input_count; i++) {
		uint32_t w = forward_writer[o->inputs[i]];

		if (w != UINT32_MAX && (latest == UINT32_MAX || w > latest))
			latest = w;
	}
	return latest == UINT32_MAX ? k : latest;
}

void
layers_init(struct layers *l, const struct graph *g, struct arena *a)
{
	uint32_t *forward_writer = ARENA_NEW(a, uint32_t, g->tensor_count);
	uint32_t previous = UINT32_MAX;
	struct layer_group *group = NULL;
	double longest = 0;

	*l = (struct layers) { .group_count = 0 };
	l->groups = ARENA_NEW(a, struct layer_group, g->op_count);
	l->group_of = ARENA_NEW(a, uint32_t, g->op_count);
	memset(forward_writer, 0xff, sizeof(*forward_writer) * g->tensor_count);
	for (uint32_t k = 0; k < g->op_count; k++) {
		const struct op *o = &g->ops[k], *before = k == 0 ? NULL : &g->ops[k - 1];
		uint32_t belongs = owner(g, k, forward_writer);
		bool joins = before != NULL && before->phase == o->phase &&
		    (o->layer != NULL && before->layer != NULL ? strcmp(o->layer, before->layer) == 0 :
		    o->layer == NULL && before->layer == NULL && belongs == previous);

		if (!joins) {
			group = &l->groups[l->group_count++];
			*group = (struct layer_group) { .first = k, .phase = o->phase, .class = o->class };
			longest = o->time_us;
		} else if (o->time_us > longest) {
			longest = o->time_us;
			group->class = o->class;
		}
		group->last = k;
		l->group_of[k] = l->group_count - 1;
		previous = belongs;
		for (uint32_t j = 0; o->phase == PHASE_FORWARD && j < o->output_count; j++)
			forward_writer[o->outputs[j]] = k;
	}
}
