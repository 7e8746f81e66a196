/* SPDX-License-Identifier: Apache-2.0 */
/* units.h - sizes, rates and times as people write them, and the limits of sizes and counts
 *
 * Sizes on a command line: 12GiB, 12GB, 512MiB, 65536 (bare = bytes).  "12G" is refused, because readers disagree on its meaning.
 * Rates end in /s; times end in s, ms or us.
 */
#ifndef SRC_BASE_UNITS_H
#define SRC_BASE_UNITS_H
#include <inttypes.h>
#include <stdint.h>

#include "src/base/err.h"

/* A size in device memory.  64 bits on every host: a tensor may hold 40 GB. */
typedef uint64_t bytes_t;
#define PRI_BYTES PRIu64

/* The largest size or sum of sizes that a document may hold (4 EiB), so that
 * sums of two never overflow. */
#define BYTES_MAX (UINT64_C(1) << 62)

/* The largest length of a list: ids, and a few special values above them, fit 32 bits. */
#define COUNT_MAX (UINT32_MAX - 16)

/* Offsets and sizes in an arena are multiples of this (cudaMalloc's promise). */
enum { DEVICE_ALIGN = 256 };

static inline bytes_t
bytes_align(bytes_t n, bytes_t align)
{
	return (n + align - 1) / align * align;
}

/* The greatest common divisor; of 0 and n: n. */
static inline bytes_t
bytes_gcd(bytes_t x, bytes_t y)
{
	while (y != 0) {
		bytes_t rest = x % y;

		x = y;
		y = rest;
	}
	return x;
}

int units_parse_size(const char *s, bytes_t *bytes, struct err *e) WARN_UNUSED;
int units_parse_rate(const char *s, double *bytes_per_s, struct err *e) WARN_UNUSED;
int units_parse_time(const char *s, double *us, struct err *e) WARN_UNUSED;
/* "25%" or "25" -> 25.0; at least 0. */
int units_parse_percent(const char *s, double *percent, struct err *e) WARN_UNUSED;
/* A whole number in [min, max]. */
int units_parse_count(const char *s, uint64_t min, uint64_t max, uint64_t *n, struct err *e) WARN_UNUSED;

/* "1.50 GiB", "61.2 ms", "16.0 GB/s": into buf, which is returned. */
const char *units_size(char buf[32], bytes_t bytes);
const char *units_rate(char buf[32], double bytes_per_s);
const char *units_time(char buf[32], double us);
/* "12.3 %" of a share of 0.123; never "-0.0 %".  A share of nothing (NaN, infinity) is "n/a". */
const char *units_share(char buf[32], double share);
#endif
