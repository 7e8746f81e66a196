/* SPDX-License-Identifier: Apache-2.0 */
/* random.h - random numbers that are the same with every libc; a test's state is a seed of its own */
#ifndef TESTS_RANDOM_H
#define TESTS_RANDOM_H
#include "src/base/random.h"

/* splitmix64 (Steele, Lea and Flood 2014) */
static inline uint64_t
random_splitmix(uint64_t *seed)
{
	uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}
#endif
