/* SPDX-License-Identifier: Apache-2.0 */
/* configuration_list.h - which configurations the hybrid search evaluates: those that it starts from, and their neighbours */
#ifndef PLANNER_HYBRID_CONFIGURATION_LIST_H
#define PLANNER_HYBRID_CONFIGURATION_LIST_H
#include "planner/hybrid/hybrid_configuration.h"

enum {
	STARTS = 49,			/* configurations that a search may start from, the most useful first */
	MOVING_STARTS = 10,		/* the first of them where persistent tensors move */
	MOST_NEIGHBOURS = 33		/* of one configuration */
};
#define START_HOLD 0.2		/* a part of the budget to hold, tried when no configuration that holds nothing fits */

/* Parameters that may have other values than the default: persistent tensors move, values of backward may be made again. */
struct freedom { bool homes, gradients; };

/* Returns the i-th configuration that the search starts from. */
struct configuration configuration_start(int i, const struct freedom *f);

struct neighbours { int count; struct configuration of[MOST_NEIGHBOURS]; };

/* Fills n with the configurations that differ from c in one parameter. */
void configuration_neighbours(struct neighbours *n, const struct configuration *c, const struct freedom *f);

/* True: no parameter differs. */
bool configuration_is_same(const struct configuration *c, const struct configuration *d);
#endif
