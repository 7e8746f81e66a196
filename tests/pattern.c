/* SPDX-License-Identifier: Apache-2.0 */
/* The data of a replay: what is written is what the formula says, and no change goes unseen. */
#include <config.h>
#include "cuda_validate/pattern.h"

#include <stdlib.h>
#include <string.h>

#include "tests/tap.h"

enum { MOST = 1100, GUARD = 64 };

static uint64_t storage[(MOST + GUARD) / 8];
static unsigned char *const memory = (unsigned char *)storage;

/* Fill so many bytes: digest and formula agree, and nothing behind them has changed. */
static bool
round_trip(bytes_t bytes, bool sample)
{
	memset(memory, 0xee, sizeof(storage));
	pattern_fill(memory, bytes, 7 + bytes, sample);
	for (size_t i = bytes; i < sizeof(storage); i++)
		if (memory[i] != 0xee)
			return false;
	return pattern_digest(memory, bytes, sample) == pattern_formula(bytes, 7 + bytes, sample);
}

static void
test_sizes(bool sample)
{
	bool good = true;

	for (bytes_t bytes = 0; bytes <= MOST; bytes++)
		good &= round_trip(bytes, sample);
	ok(good, "fill, digest and formula agree on all sizes up to %d%s", MOST, sample ? ", sampled" : "");
}

/* Each changed bit, and each pair of neighbouring words that changed places. */
static void
test_changes(void)
{
	const bytes_t bytes = 203;
	uint64_t want, word;
	bool bits = true, swaps = true;

	pattern_fill(memory, bytes, 99, false);
	want = pattern_digest(memory, bytes, false);
	for (size_t i = 0; i < bytes * 8; i++) {
		memory[i / 8] ^= (unsigned char)(1u << i % 8);
		bits &= pattern_digest(memory, bytes, false) != want;
		memory[i / 8] ^= (unsigned char)(1u << i % 8);
	}
	ok(bits, "a digest sees each changed bit");
	for (size_t w = 0; w + 1 < bytes / 8; w++) {
		word = storage[w];
		storage[w] = storage[w + 1];
		storage[w + 1] = word;
		swaps &= pattern_digest(memory, bytes, false) != want;
		storage[w + 1] = storage[w];
		storage[w] = word;
	}
	ok(swaps, "a digest sees words that changed places");
}

static void
test_seeds(void)
{
	uint64_t op = pattern_op(1, 5, 2);

	ok(op != pattern_op(1, 5, 3) && op != pattern_op(1, 6, 2) && op != pattern_op(2, 5, 2), "an op's seed depends on op, step and seed");
	ok(pattern_read(pattern_read(op, 10), 11) != pattern_read(pattern_read(op, 11), 10), "the order of inputs matters");
	ok(pattern_write(op, 0) != pattern_write(op, 1), "outputs differ");
	ok(pattern_stride(8 * PATTERN_SAMPLES, 1) == 1 && pattern_stride(8 * PATTERN_SAMPLES + 1, 1) == 2, "a small tensor's sample is all of it");
}

static void
test_delays(void)
{
	uint64_t sum = 0, most = 0;
	enum { TRIES = 20000 };

	for (uint32_t i = 0; i < TRIES; i++) {
		uint64_t d = pattern_delay(3, i, 1, 1000);

		sum += d;
		most = d > most ? d : most;
	}
	is_near((double)sum / TRIES, 500, 25, "delays average half of the most");
	ok(most < 4000, "none is over four times that");
	is_uint(pattern_delay(3, 4, 1, 0), 0, "no jitter, no delay");
}

int
main(void)
{
	test_sizes(false);
	test_sizes(true);
	test_changes();
	test_seeds();
	test_delays();
	return tap_done();
}
