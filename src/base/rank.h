/* SPDX-License-Identifier: Apache-2.0 */
/* rank.h - ids in the order of one or two numbers, or of a small key; ids break ties, so every libc sorts alike */
#ifndef SRC_BASE_RANK_H
#define SRC_BASE_RANK_H
#include "src/base/arena.h"

#include <stddef.h>
#include <stdint.h>

/* Whole numbers are exact below 2^53. */
struct ranked { double first, second; uint32_t id; };

/* Sorts by the first number, then by the second, then by the id: the smallest first. */
void rank_rising(struct ranked *r, size_t count);

/* The same with the largest numbers first; of equal ones the smallest id is first. */
void rank_falling(struct ranked *r, size_t count);

#define RANK_NONE UINT32_MAX	/* a key that leaves its id out */

/* Returns the ids below count in the order of key[id] < keys, ties by id, in linear time.  start, unless NULL, is filled: the ids of
 * key k are at start[k] .. start[k + 1] - 1. */
uint32_t *rank_by_key(const uint32_t *key, uint32_t count, uint32_t keys, uint32_t **start, struct arena *a);
#endif
