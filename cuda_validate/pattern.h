/* SPDX-License-Identifier: Apache-2.0 */
/* pattern.h - write, read and predict the data of a replay on the host */
#ifndef CUDA_VALIDATE_PATTERN_H
#define CUDA_VALIDATE_PATTERN_H
#include <stdbool.h>

#include "cuda_validate/pattern_data.h"
#include "src/base/units.h"

/* Write the value of a seed; sample: only the words that a sample touches. */
void pattern_fill(void *memory, bytes_t bytes, uint64_t seed, bool sample);

/* The digest of what lies in memory. */
uint64_t pattern_digest(const void *memory, bytes_t bytes, bool sample);

/* The digest of a value, without any memory that holds it. */
uint64_t pattern_formula(bytes_t bytes, uint64_t seed, bool sample);
#endif
