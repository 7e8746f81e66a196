/* SPDX-License-Identifier: Apache-2.0 */
/* range_tree.h - numbers at 0..count-1 with "add to a range" and "largest of a range"
 *
 * A segment tree with sums left at the nodes that cover them: every call is O(log count).
 */
#ifndef PLANNER_HYBRID_RANGE_TREE_H
#define PLANNER_HYBRID_RANGE_TREE_H
#include "src/base/arena.h"

#include <stdint.h>

struct range_tree {
	uint32_t count, leaves;
	int64_t *most;			/* [2 * leaves] largest below the node, its own sum included */
	int64_t *sum;			/* [2 * leaves] to be added to everything below */
};

void range_tree_init(struct range_tree *t, const int64_t *values, uint32_t count, struct arena *a);

/* Add to [from, to); nothing when from >= to. */
void range_tree_add(struct range_tree *t, uint32_t from, uint32_t to, int64_t add);

int64_t range_tree_at(const struct range_tree *t, uint32_t place);

/* The largest in [from, to), from < to. */
int64_t range_tree_max(const struct range_tree *t, uint32_t from, uint32_t to);

/* The largest of all. */
int64_t range_tree_most(const struct range_tree *t);

/* The first place of the largest of all. */
uint32_t range_tree_argmax(const struct range_tree *t);
#endif
