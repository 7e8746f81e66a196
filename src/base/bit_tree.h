/* SPDX-License-Identifier: Apache-2.0 */
/* bit_tree.h - a set of numbers below a count, whose nearest neighbours are found in a few steps
 *
 * Level 0 has one bit a number.  Bit i of a higher level says that word i of the level below is not 0; the top level is one word.
 * Each operation takes O(log n) steps, base 64.
 */
#ifndef SRC_BASE_BIT_TREE_H
#define SRC_BASE_BIT_TREE_H
#include <stdbool.h>
#include <stdint.h>

#include "src/base/arena.h"

enum { BIT_TREE_LEVELS = 11 };	/* 64^11 > 2^64 */
#define BIT_NONE SIZE_MAX

struct bit_tree {
	int levels;
	uint64_t *bits[BIT_TREE_LEVELS];
};

/* The empty set of numbers below count. */
void bit_tree_init(struct bit_tree *t, size_t count, struct arena *a);

void bit_tree_add(struct bit_tree *t, size_t i);
void bit_tree_drop(struct bit_tree *t, size_t i);

static inline bool
bit_tree_has(const struct bit_tree *t, size_t i)
{
	return (t->bits[0][i / 64] >> i % 64 & 1) != 0;
}

/* The largest member that is at most i, or BIT_NONE. */
size_t bit_tree_up_to(const struct bit_tree *t, size_t i);

/* The least member that is larger than i, or BIT_NONE. */
size_t bit_tree_after(const struct bit_tree *t, size_t i);
#endif
