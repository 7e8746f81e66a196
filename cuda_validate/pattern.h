/* SPDX-License-Identifier: Apache-2.0 */
/* pattern.h - writes, reads and predicts the data of a replay on the host */
#ifndef CUDA_VALIDATE_PATTERN_H
#define CUDA_VALIDATE_PATTERN_H
#include <stdbool.h>

#include "cuda_validate/pattern_data.h"
#include "src/base/units.h"

/* Writes the value of a seed; with sample, only the words of the sample. */
void pattern_fill(void *memory, bytes_t bytes, uint64_t seed, bool sample);

/* Returns the digest of memory. */
uint64_t pattern_digest(const void *memory, bytes_t bytes, bool sample);

/* Returns the digest of a seed's value without memory that holds it. */
uint64_t pattern_formula(bytes_t bytes, uint64_t seed, bool sample);
#endif
