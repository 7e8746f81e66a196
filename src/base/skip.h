/* SPDX-License-Identifier: Apache-2.0 */
/* skip.h - positions of a line that are dealt with one after another, and the way to the next that is not
 *
 * next[k] is k while position k is open, and else a position nearer to the next open one.  The way is halved at each search (Tarjan
 * and van Leeuwen 1984), so that a search takes almost constant time on average.
 */
#ifndef SRC_BASE_SKIP_H
#define SRC_BASE_SKIP_H
#include <stdint.h>

/* Returns the first open position from k on.  The last position of next stays open. */
static inline uint32_t
skip_to_open(uint32_t *next, uint32_t k)
{
	while (next[k] != k) {
		next[k] = next[next[k]];
		k = next[k];
	}
	return k;
}
#endif
