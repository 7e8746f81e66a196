/* SPDX-License-Identifier: Apache-2.0 */
/* ladder.c - budgets in steps that halve with the budget */
#include <config.h>
#include "planner/ladder.h"

#include <math.h>

/* The peak is the first rung of the 30th octave; the highest rung is 2^30 peaks. */
enum { PEAK_OCTAVE = 30, RUNG_MAX = 2 * PEAK_OCTAVE * LADDER_OCTAVE };

static bytes_t
common_divisor(bytes_t x, bytes_t y)
{
	while (y > 0) {
		bytes_t rest = x % y;

		x = y;
		y = rest;
	}
	return x;
}

static bytes_t
add_size(bytes_t unit, bytes_t bytes)
{
	return common_divisor(bytes_align(bytes, DEVICE_ALIGN), unit);
}

void
ladder_init(struct ladder *l, const struct lifetimes *life)
{
	const struct graph *g = life->graph;

	*l = (struct ladder) { .least_bytes = life->bound_bytes, .peak_bytes = life->peak_bytes };
	for (uint32_t t = 0; t < g->tensor_count; t++)
		l->unit_bytes = add_size(l->unit_bytes, g->tensors[t].bytes);
	for (uint32_t k = 0; k < g->op_count; k++) {
		l->unit_bytes = add_size(l->unit_bytes, g->ops[k].workspace_bytes);
		for (uint32_t i = 0; i < g->ops[k].alternative_count; i++)
			l->unit_bytes = add_size(l->unit_bytes, g->ops[k].alternatives[i].workspace_bytes);
	}
	if (l->unit_bytes == 0)
		l->unit_bytes = DEVICE_ALIGN;
}

bytes_t
ladder_budget(const struct ladder *l, uint32_t rung)
{
	int octave = (int)(rung / LADDER_OCTAVE) - PEAK_OCTAVE;
	double share = (LADDER_OCTAVE + rung % LADDER_OCTAVE) / (double)LADDER_OCTAVE;
	double most = floor(ldexp((double)l->peak_bytes * share, octave));
	bytes_t bytes = most < (double)BYTES_MAX ? (bytes_t)most : BYTES_MAX;

	bytes -= bytes % l->unit_bytes;
	return bytes > l->least_bytes ? bytes : l->least_bytes;
}

uint32_t
ladder_rung(const struct ladder *l, bytes_t budget)
{
	uint32_t low = 0, high = RUNG_MAX;

	/* Rung low is at or below the budget, and rung high is above it. */
	if (l->peak_bytes == 0 || ladder_budget(l, high) <= budget)
		return high;
	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		*(ladder_budget(l, middle) <= budget ? &low : &high) = middle;
	}
	return low;
}
