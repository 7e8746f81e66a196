/* SPDX-License-Identifier: Apache-2.0 */
/* configuration_list.h - which configurations the hybrid search evaluates: those that it starts from, and their neighbours */
#ifndef PLANNER_HYBRID_CONFIGURATION_LIST_H
#define PLANNER_HYBRID_CONFIGURATION_LIST_H
#include "planner/hybrid/hybrid_configuration.h"

enum {
	STARTS = 49,			/* configurations that a search may start from, the most useful first */
	MOVING_STARTS = 10,		/* the first of them where persistent tensors move */
	MOST_NEIGHBOURS = 32		/* of one configuration */
};
#define START_HOLD 0.2		/* a part of the budget to hold, tried when no configuration that holds nothing fits */

/* Returns the i-th configuration that the search starts from.  homes_move: persistent tensors move. */
struct configuration configuration_start(int i, bool homes_move);

struct neighbours { int count; struct configuration of[MOST_NEIGHBOURS]; };

/* Fills n with the configurations that differ from c in one parameter; homes_move: in homes, too. */
void configuration_neighbours(struct neighbours *n, const struct configuration *c, bool homes_move);

/* True: no parameter differs. */
bool configuration_is_same(const struct configuration *c, const struct configuration *d);
#endif
