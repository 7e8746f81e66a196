/* SPDX-License-Identifier: Apache-2.0 */
/* segment_tree.h - numbers at places 0 .. count - 1, with "add to a range" and "largest of a range"
 *
 * A number that is added to a range stays at the nodes that cover the range, so every call takes O(log count) time.
 * A range is [from, to) with to <= count.
 */
#ifndef SRC_BASE_SEGMENT_TREE_H
#define SRC_BASE_SEGMENT_TREE_H
#include "src/base/arena.h"

#include <stdint.h>

struct segment_tree {
	uint32_t count, leaves;		/* leaves: the smallest power of two that is at least count */
	int64_t *most;			/* [2 * leaves] largest number below the node, its own sum included */
	int64_t *sum;			/* [2 * leaves] sum of all values added to every number below the node */
};
#define SEGMENT_TREE_NONE UINT32_MAX

/* values[count] are copied. */
void segment_tree_init(struct segment_tree *t, const int64_t *values, uint32_t count, struct arena *a);

/* Adds value to every number of the range; an empty range (from >= to) is permitted. */
void segment_tree_add(struct segment_tree *t, uint32_t from, uint32_t to, int64_t value);

int64_t segment_tree_at(const struct segment_tree *t, uint32_t place);

/* The largest number of the range, which is not empty. */
int64_t segment_tree_max(const struct segment_tree *t, uint32_t from, uint32_t to);

/* The largest number of all, in O(1), and the first place that has it. */
int64_t segment_tree_max_all(const struct segment_tree *t);
uint32_t segment_tree_argmax(const struct segment_tree *t);

/* The first (the last) place of the range whose number is over the limit; SEGMENT_TREE_NONE: none is. */
uint32_t segment_tree_first_over(const struct segment_tree *t, uint32_t from, uint32_t to, int64_t limit);
uint32_t segment_tree_last_over(const struct segment_tree *t, uint32_t from, uint32_t to, int64_t limit);
#endif
