/* SPDX-License-Identifier: Apache-2.0 */
/* pattern_cuda.h - the data of a replay on the GPU, for C
 *
 * Everything is queued on a stream (a cudaStream_t, as void *) and returns a cudaError_t as int.
 * Addresses are the device's; those of the pinned pool work, too.
 */
#ifndef CUDA_VALIDATE_PATTERN_CUDA_H
#define CUDA_VALIDATE_PATTERN_CUDA_H
#include "cuda_validate/pattern_data.h"

#ifdef __cplusplus
extern "C" {
#endif

struct cuda_read { uint64_t address, bytes; };
struct cuda_write { uint64_t address, bytes, which; };

/* In device memory: what kernels of a step share. */
struct cuda_step {
	uint64_t step;
	uint64_t due_ns;	/* when the latest timed run should have ended, by the GPU's clock; 0: none yet */
};

/* One run of an op. */
struct cuda_run {
	const struct cuda_read *reads;		/* [read_count] in device memory */
	const struct cuda_write *writes;	/* [write_count] in device memory */
	uint64_t *digests;			/* [read_count] in device memory */
	uint64_t *stamps;			/* [2] in device memory: begin and end by the GPU's clock */
	struct cuda_step *step;			/* in device memory */
	uint64_t seed, work_bytes;		/* work_bytes: of the larger of reads and writes */
	uint64_t time_ns, gap_ns;		/* gap_ns: of a launch, to count as the run's if it had to wait */
	uint32_t op, read_count, write_count;
	int traced, waits;
};

/* Read and write every word.  Three kernels: digests, data, and when traced one that holds until the time is over. */
int pattern_cuda_run(const struct cuda_run *run, void *stream);
/* Read and write a sample, and hold, all in one kernel. */
int pattern_cuda_sample(const struct cuda_run *run, void *stream);

int pattern_cuda_fill(uint64_t address, uint64_t bytes, uint64_t seed, int sample, void *stream);
/* Add the digest of what lies there to *digest in device memory. */
int pattern_cuda_digest(uint64_t address, uint64_t bytes, int sample, uint64_t *digest, void *stream);
/* ... of a value that lies nowhere. */
int pattern_cuda_formula(uint64_t bytes, uint64_t seed, uint64_t *digest, void *stream);

int pattern_cuda_delay(uint64_t seed, uint32_t instruction, uint64_t most_ns, const struct cuda_step *step, void *stream);
/* Write the GPU's clock. */
int pattern_cuda_stamp(uint64_t *stamp, void *stream);
/* Step number begins: forget when runs should have ended. */
int pattern_cuda_begin(struct cuda_step *step, uint64_t number, void *stream);

/* For calibration: a kernel that reads and writes bytes (half each) of device memory, rounds times. */
int pattern_cuda_stream(void *to, const void *from, uint64_t bytes, uint32_t rounds, void *stream);
/* A kernel that does nothing. */
int pattern_cuda_nothing(void *stream);

#ifdef __cplusplus
}
#endif
#endif
