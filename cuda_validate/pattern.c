/* SPDX-License-Identifier: Apache-2.0 */
/* pattern.c - the data of a replay in the host's memory */
#include <config.h>
#include "cuda_validate/pattern.h"

/* Words before the tensor's last one are whole; the last one may be cut off. */

void
pattern_fill(void *memory, bytes_t bytes, uint64_t seed, bool sample)
{
	const uint64_t words = pattern_words(bytes), stride = pattern_stride(bytes, sample), whole = bytes / PATTERN_WORD;
	uint64_t *to = memory;
	uint64_t w = 0;

	for (; w < whole; w += stride)
		to[w] = pattern_word(seed, w);
	if (w < words)
		pattern_store(memory, bytes, w, pattern_word(seed, w));
}

uint64_t
pattern_digest(const void *memory, bytes_t bytes, bool sample)
{
	const uint64_t words = pattern_words(bytes), stride = pattern_stride(bytes, sample), whole = bytes / PATTERN_WORD;
	const uint64_t *from = memory;
	uint64_t sum = 0, w = 0;

	for (; w < whole; w += stride)
		sum += pattern_share(from[w], w);
	return w < words ? sum + pattern_share(pattern_load(memory, bytes, w), w) : sum;
}

uint64_t
pattern_formula(bytes_t bytes, uint64_t seed, bool sample)
{
	const uint64_t words = pattern_words(bytes), stride = pattern_stride(bytes, sample);
	uint64_t sum = 0;

	for (uint64_t w = 0; w < words; w += stride)
		sum += pattern_share(pattern_word(seed, w) & pattern_mask(bytes, w), w);
	return sum;
}
