/* SPDX-License-Identifier: Apache-2.0 */
/* pattern_data.h - the data of a replay, bit for bit the same from C and from a kernel
 *
 * A value (one version of one tensor) has a 64-bit seed; its word w is a function of seed and w.  The seed of an op's
 * output follows from the op, the step and the digests of all of its inputs, so each word written depends on each word
 * read.  A digest is a sum over words of a function of word and position, so threads may add in any order, and a moved
 * word changes it.  A word has 8 bytes; bytes beyond the tensor's end in its last word count as 0.
 */
#ifndef CUDA_VALIDATE_PATTERN_DATA_H
#define CUDA_VALIDATE_PATTERN_DATA_H
#include <stdint.h>

#ifdef __CUDACC__
#define PATTERN_FN static __host__ __device__ __forceinline__
#else
#define PATTERN_FN static inline
#endif

enum { PATTERN_WORD = 8, PATTERN_SAMPLES = 32 };	/* words of a tensor that a sample touches */

/* The `which` of writes that are no output; outputs are 0, 1, ... */
#define PATTERN_WORKSPACE UINT64_C(0xfffffffffffffff1)
#define PATTERN_PADDING UINT64_C(0xfffffffffffffff2)
#define PATTERN_POISON UINT64_C(0xfffffffffffffff3)

/* Returns a bijection of 64 bits in which each bit of the result depends on each bit of x. */
PATTERN_FN uint64_t
pattern_mix(uint64_t x)
{
	x ^= x >> 32;
	x *= UINT64_C(0xd6e8feb86659fd93);
	x ^= x >> 32;
	x *= UINT64_C(0xd6e8feb86659fd93);
	return x ^ x >> 32;
}

PATTERN_FN uint64_t
pattern_word(uint64_t seed, uint64_t w)
{
	return pattern_mix(seed + w * UINT64_C(0x9e3779b97f4a7c15));
}

/* Returns the share of word w in its tensor's digest: for each w a bijection of the word. */
PATTERN_FN uint64_t
pattern_share(uint64_t word, uint64_t w)
{
	uint64_t x = (word ^ w * UINT64_C(0xa24baed4963ee407)) * UINT64_C(0x9fb21c651e98df25);

	return x ^ x >> 32;
}

/* Returns an op's seed before its first input. */
PATTERN_FN uint64_t
pattern_op(uint64_t seed, uint32_t op, uint64_t step)
{
	return pattern_mix(pattern_mix(seed ^ step << 32 ^ op) + 1);
}

/* Returns an op's seed after one more input. */
PATTERN_FN uint64_t
pattern_read(uint64_t op, uint64_t digest)
{
	return pattern_mix((op << 1 | op >> 63) ^ digest);
}

/* Returns the seed of a value that an op writes. */
PATTERN_FN uint64_t
pattern_write(uint64_t op, uint64_t which)
{
	return pattern_mix(op + which * UINT64_C(0xc2b2ae3d27d4eb4f) + 1);
}

PATTERN_FN uint64_t
pattern_words(uint64_t bytes)
{
	return (bytes + PATTERN_WORD - 1) / PATTERN_WORD;
}

/* Returns the distance of touched words. */
PATTERN_FN uint64_t
pattern_stride(uint64_t bytes, int sample)
{
	uint64_t words = pattern_words(bytes);

	return !sample || words <= PATTERN_SAMPLES ? 1 : (words + PATTERN_SAMPLES - 1) / PATTERN_SAMPLES;
}

/* Returns a mask of the bits of word w inside a tensor of `bytes`. */
PATTERN_FN uint64_t
pattern_mask(uint64_t bytes, uint64_t w)
{
	uint64_t left = bytes - w * PATTERN_WORD;

	return left >= PATTERN_WORD ? UINT64_MAX : (UINT64_C(1) << 8 * left) - 1;
}

PATTERN_FN uint64_t
pattern_load(const void *memory, uint64_t bytes, uint64_t w)
{
	const unsigned char *p = (const unsigned char *)memory + w * PATTERN_WORD;
	uint64_t word = 0;

	if (bytes - w * PATTERN_WORD >= PATTERN_WORD)
		return *(const uint64_t *)(const void *)p;
	for (uint64_t i = 0; i < bytes - w * PATTERN_WORD; i++)
		word |= (uint64_t)p[i] << 8 * i;
	return word;
}

PATTERN_FN void
pattern_store(void *memory, uint64_t bytes, uint64_t w, uint64_t word)
{
	unsigned char *p = (unsigned char *)memory + w * PATTERN_WORD;

	if (bytes - w * PATTERN_WORD >= PATTERN_WORD) {
		*(uint64_t *)(void *)p = word;
		return;
	}
	for (uint64_t i = 0; i < bytes - w * PATTERN_WORD; i++)
		p[i] = (unsigned char)(word >> 8 * i);
}

/* Returns the nanoseconds by which jitter delays an instruction: one in four, by up to 4 * most, so by most / 2 on
 * average. */
PATTERN_FN uint64_t
pattern_delay(uint64_t seed, uint32_t instruction, uint64_t step, uint64_t most)
{
	uint64_t x = pattern_mix(seed ^ pattern_mix((uint64_t)instruction << 20 ^ step));

	return (x & 3) != 0 || most == 0 ? 0 : (x >> 2) % (4 * most);
}
#endif
