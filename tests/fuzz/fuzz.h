/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz.h - the interface of fuzz targets, and the helpers that they share
 *
 * A target is one file that defines fuzz_case(), which reads the input and uses the result as the program would.  fuzz.c wraps it into
 * LLVMFuzzerTestOneInput(), which libFuzzer and AFL++ call; main.c calls it on files where there is no fuzzer.  A finding is a crash, a
 * sanitizer's report, a case that takes too long, or an EXPECT that does not hold.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H
#include <stddef.h>
#include <stdint.h>

#include "src/documents/device.h"
#include "src/documents/plan.h"

/* One case; its arena is released when it ends. */
struct fuzz {
	const char *path;		/* the input as a file */
	const uint8_t *data;
	size_t size;
	struct arena arena;
	struct err err;
};

/* Runs one case.  0: the input was accepted; -1: it was refused with err filled.  Both are good. */
int fuzz_case(struct fuzz *f);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The path of standard output, a file in memory to which documents are written. */
extern const char *const fuzz_output;
/* Returns the text written there since the last call, in the arena, and empties standard output. */
char *fuzz_written(struct fuzz *f, size_t *size);
/* Puts size bytes there, to be read again. */
void fuzz_put(const char *text, size_t size);

/* Prints the place of a broken expectation and aborts. */
_Noreturn void fuzz_fail(const struct fuzz *f, const char *file, int line, const char *what);
#define EXPECT(f, holds) ((holds) ? (void)0 : fuzz_fail((f), __FILE__, __LINE__, #holds))

/* Returns a number in [0, n) that depends on the input alone. */
uint32_t fuzz_choice(const struct fuzz *f, uint32_t n);

/* Makes a device on which everything fits, with rates at which copies are worth planning. */
void fuzz_device(struct device *d);

/* Writes a plan, reads it into again, and expects the same bytes when that is written. */
void fuzz_round_trip(struct fuzz *f, const struct plan *p, struct plan *again);

/* Plans g with a policy and a budget: the least one plus share / 4 of the way to the peak.  Expects a sound plan that is not faster than
 * its bound, or ERR_NO. */
void fuzz_plan(struct fuzz *f, const struct graph *g, const struct device *d, const char *policy, uint32_t share);
#endif
