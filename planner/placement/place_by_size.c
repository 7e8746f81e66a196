/* SPDX-License-Identifier: Apache-2.0 */
/* place_by_size.c - largest first, best fit
 *
 * The greedy-by-size rule of TensorFlow Lite's arena planner (Pisarchyk and Lee, 2020), also XLA's.
 */
#include <config.h>
#include "planner/placement/pack_greedy.h"

void
place_by_size(struct place_result *r, const struct place_problem *p, struct arena *a)
{
	greedy_place(r, p, GREEDY_BY_SIZE, GREEDY_BY_LENGTH, GREEDY_BEST, a);
}
