/* SPDX-License-Identifier: Apache-2.0 */
/* rank.h - ids in the order of one or two numbers; ids break ties, so every libc sorts alike */
#ifndef SRC_BASE_RANK_H
#define SRC_BASE_RANK_H
#include <stddef.h>
#include <stdint.h>

/* Whole numbers are exact below 2^53. */
struct ranked { double first, second; uint32_t id; };

/* Sorts by the first number, then by the second, then by the id: the smallest first. */
void rank_rising(struct ranked *r, size_t count);

/* The same with the largest numbers first; of equal ones the smallest id is first. */
void rank_falling(struct ranked *r, size_t count);
#endif
