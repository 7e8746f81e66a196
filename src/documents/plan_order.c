/* SPDX-License-Identifier: Apache-2.0 */
/* plan_order.c - the vector clocks of a plan's moments */
#include <config.h>
#include "src/documents/plan_order.h"

static inline void
join(uint32_t done[LANE_COUNT], const struct plan_order *o, uint32_t before)
{
	for (int q = 0; q < LANE_COUNT; q++)
		if (o->done[before][q] > done[q])
			done[q] = o->done[before][q];
	if (o->position[before] + 1 > done[o->lane[before]])
		done[o->lane[before]] = o->position[before] + 1;
}

/* Each moment knows all that the moment before it in its lane knows, and all that the
 * moments it waits for know. */
void
plan_order_init(struct plan_order *o, const struct plan *p, struct arena *a)
{
	const uint32_t count = p->instruction_count, end = moment_end(p);
	uint32_t latest[QUEUE_COUNT] = { MOMENT_BEGIN, MOMENT_BEGIN, MOMENT_BEGIN }, length[QUEUE_COUNT] = { 0 };

	o->lane = ARENA_NEW(a, uint8_t, (size_t)count + 2);
	o->position = ARENA_NEW(a, uint32_t, (size_t)count + 2);
	o->done = arena_alloc(a, sizeof(*o->done), (size_t)count + 2);
	o->lane[MOMENT_BEGIN] = o->lane[end] = LANE_STEP;
	o->position[end] = 1;
	for (uint32_t m = 1; m <= count; m++) {
		const struct instruction *in = &p->program[m - 1];

		o->lane[m] = (uint8_t)in->queue;
		o->position[m] = length[in->queue]++;
		join(o->done[m], o, latest[in->queue]);
		for (uint32_t k = 0; k < in->after_count; k++)
			join(o->done[m], o, in->after[k] + 1);
		latest[in->queue] = m;
	}
	for (int q = 0; q < QUEUE_COUNT; q++)
		o->done[end][q] = length[q];
	o->done[end][LANE_STEP] = 1;
}
