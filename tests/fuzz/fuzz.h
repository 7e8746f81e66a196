/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz.h - what the fuzz targets share
 *
 * A target is one file that defines fuzz_case(): it reads the input as the program would, and does with what it read
 * all that the program would.  fuzz.c wraps that into LLVMFuzzerTestOneInput(), which libFuzzer and AFL++ drive,
 * and which main.c calls on given files where there is no fuzzer.  A finding is a crash, a sanitizer's report, a
 * case that takes too long, or an EXPECT that does not hold.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H
#include <stddef.h>
#include <stdint.h>

#include "src/documents/device.h"
#include "src/documents/plan.h"

/* All that one case needs; whatever it allocates from the arena goes when it ends. */
struct fuzz {
	const char *path;		/* the input as a file */
	const uint8_t *data;
	size_t size;
	struct arena arena;
	struct err err;
};

/* 0: the input was taken; -1: it was refused with err filled, which is as good. */
int fuzz_case(struct fuzz *f);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Documents are written to standard output, which is a file in memory: where to read it again. */
extern const char *const fuzz_output;
/* What was written there since the last call, in the arena; standard output is empty then. */
char *fuzz_written(struct fuzz *f, size_t *size);
/* Put size bytes there, to be read again. */
void fuzz_put(const char *text, size_t size);

/* A broken promise: say where and stop, as a crash would. */
_Noreturn void fuzz_fail(const struct fuzz *f, const char *file, int line, const char *what);
#define EXPECT(f, holds) ((holds) ? (void)0 : fuzz_fail((f), __FILE__, __LINE__, #holds))

/* A number in [0, n) that depends on the input alone. */
uint32_t fuzz_choice(const struct fuzz *f, uint32_t n);

/* A device on which anything fits, with rates at which copies are worth a thought. */
void fuzz_device(struct device *d);

/* A plan is written, read again, and written again to the same bytes. */
void fuzz_round_trip(struct fuzz *f, const struct plan *p, struct plan *again);

/* Plan g with a policy and a budget somewhere between what it needs and what it would like; everything that comes
 * of it must hold: a sound plan that is not faster than its bound, or the answer no. */
void fuzz_plan(struct fuzz *f, const struct graph *g, const struct device *d, const char *policy, uint32_t share);
#endif
