/* SPDX-License-Identifier: Apache-2.0 */
/* random.h - random numbers that are the same in every run and with every libc; the state is a seed of the caller's own */
#ifndef SRC_BASE_RANDOM_H
#define SRC_BASE_RANDOM_H
#include <stdint.h>

/* xorshift64 (Marsaglia 2003); the seed is not 0. */
static inline uint64_t
random_xorshift(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}
#endif
