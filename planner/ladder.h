/* SPDX-License-Identifier: Apache-2.0 */
/* ladder.h - the budgets at which searches run: the rungs of a ladder that follows from the graph alone
 *
 * Between half the step's own peak and the peak, rungs are 1 % of the peak apart.  Each further halving of the budget halves their
 * distance, so that it stays between 1 % and 2 % of the budget.  A rung is rounded down to the unit: the greatest common divisor of all
 * aligned sizes.  No plan uses a part of a unit, so the ladder of a step of a few large tensors has every budget that makes a difference.
 * The lowest rung is the least that any plan needs.
 */
#ifndef PLANNER_LADDER_H
#define PLANNER_LADDER_H
#include "planner/schedule/lifetimes.h"

struct ladder { bytes_t least_bytes, peak_bytes, unit_bytes; };

enum { LADDER_OCTAVE = 50 };	/* rungs from a budget to twice the budget */

void ladder_init(struct ladder *l, const struct lifetimes *life);

/* Returns the bytes of a rung; they rise with the rung, or stay. */
bytes_t ladder_budget(const struct ladder *l, uint32_t rung);

/* Returns the highest rung at or below a budget, which is at least the lowest rung. */
uint32_t ladder_rung(const struct ladder *l, bytes_t budget);
#endif
