/* SPDX-License-Identifier: Apache-2.0 */
/* policy_checkpoint_sqrt.c - sqrt(n) segments (Chen et al., arXiv 1604.06174)
 *
 * The n maps that wait for backward are split into about sqrt(n) segments of about sqrt(n) maps.  Maps that cross into a segment are kept.
 * The maps inside all but the last segment are dropped after forward.  When backward first needs one, its segment reruns from the
 * kept maps: one extra forward at most.
 */
#include <config.h>
#include "planner/policy/policy.h"

#include <math.h>

#include "planner/policy/layers.h"
#include "planner/policy/segments.h"
#include "planner/schedule/decisions.h"

int
policy_checkpoint_sqrt(struct schedule *s, const struct problem *p, struct arena *a, struct err *e)
{
	const struct graph *g = p->graph;
	bool *may_run = ARENA_NEW(a, bool, g->op_count), *cheap;
	uint32_t maps, use, dropped = 0;
	struct segments y;
	struct decisions d;

	if (segments_maps(&maps, p->life, a, e) < 0 ||
	    segments_init(&y, p->life, (uint32_t)lround(sqrt(maps)), a, e) < 0)
		return -1;
	for (uint32_t k = 0; k < g->op_count; k++)
		may_run[k] = g->ops[k].phase == PHASE_FORWARD;
	cheap = layers_cheap(p->life, may_run, a);
	decisions_init(&d, p->life, a);
	for (uint32_t t = 0; t < g->tensor_count; t++) {
		uint32_t last = y.last_forward[t];

		if (kind_is_persistent(g->tensors[t].kind) || last == SEGMENTS_NONE)
			continue;
		if (y.of[p->life->first[t]] != y.of[last]) {
			/* A segment reruns from the map, even if backward itself does not read it. */
			if (p->life->last[t] == last)
				d.fate[p->life->use_start[t + 1] - 1] = FATE_KEEP;
		} else if (y.of[last] + 1 < y.count && cheap[t] && layers_turn(p->life, t, &use)) {
			d.fate[use] = FATE_DROP;
			dropped++;
		}
	}
	if (dropped == 0)
		return err_set(e, ERR_NO, "no map inside a segment of the %" PRIu32 " can be made again", y.count);
	return decisions_schedule(s, &d, a, e);
}
