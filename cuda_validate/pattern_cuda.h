/* SPDX-License-Identifier: Apache-2.0 */
/* pattern_cuda.h - kernels that write, read and predict the data of a replay on the GPU, for C
 *
 * Each function queues on a stream (a cudaStream_t, as void *) and returns a cudaError_t as int.  Addresses are the
 * device's, or those of the pinned pool as the device sees it.
 */
#ifndef CUDA_VALIDATE_PATTERN_CUDA_H
#define CUDA_VALIDATE_PATTERN_CUDA_H
#include "cuda_validate/pattern_data.h"

#ifdef __cplusplus
extern "C" {
#endif

struct cuda_read { uint64_t address, bytes; };
struct cuda_write { uint64_t address, bytes, which; };

/* State that the kernels of a step share, in device memory. */
struct cuda_step {
	uint64_t step;
	uint64_t due_ns;	/* scheduled end of the latest timed run, by the GPU's clock; 0: none yet */
};

/* One run of an op. */
struct cuda_run {
	const struct cuda_read *reads;		/* [read_count] in device memory */
	const struct cuda_write *writes;	/* [write_count] in device memory */
	uint64_t *digests;			/* [read_count] in device memory */
	uint64_t *stamps;			/* [2] in device memory: begin and end by the GPU's clock */
	struct cuda_step *step;			/* in device memory */
	uint64_t seed, work_bytes;		/* work_bytes: of the larger of reads and writes */
	uint64_t time_ns, gap_ns;		/* gap_ns: of a launch; part of a run's time if the run had to wait */
	uint32_t op, read_count, write_count;
	int traced, waits;
};

/* Reads and writes every word, in three kernels: digests, data, and a hold until the run's time is over. */
int pattern_cuda_run(const struct cuda_run *run, void *stream);
/* Reads and writes a sample, and holds, in one kernel. */
int pattern_cuda_sample(const struct cuda_run *run, void *stream);

int pattern_cuda_fill(uint64_t address, uint64_t bytes, uint64_t seed, int sample, void *stream);
/* Adds the digest of a stretch to *digest in device memory. */
int pattern_cuda_digest(uint64_t address, uint64_t bytes, int sample, uint64_t *digest, void *stream);
/* Adds the digest of a seed's value without memory that holds it. */
int pattern_cuda_formula(uint64_t bytes, uint64_t seed, uint64_t *digest, void *stream);

int pattern_cuda_delay(uint64_t seed, uint32_t instruction, uint64_t most_ns, const struct cuda_step *step, void *stream);
/* Writes the GPU's clock to *stamp. */
int pattern_cuda_stamp(uint64_t *stamp, void *stream);
/* Begins step `number` and resets due_ns. */
int pattern_cuda_begin(struct cuda_step *step, uint64_t number, void *stream);

/* For calibration: reads and writes `bytes` of device memory (half each), `rounds` times. */
int pattern_cuda_stream(void *to, const void *from, uint64_t bytes, uint32_t rounds, void *stream);
/* For calibration: attention of `heads` heads over CUDA_ATTENTION_LENGTH positions of CUDA_ATTENTION_WIDTH floats, with the scores in
 * registers.  to, query, key and value: heads x length x width floats each. */
enum { CUDA_ATTENTION_LENGTH = 2048, CUDA_ATTENTION_WIDTH = 64 };
int pattern_cuda_attention(float *to, const float *query, const float *key, const float *value, uint32_t heads, void *stream);
/* Launches an empty kernel. */
int pattern_cuda_nothing(void *stream);

#ifdef __cplusplus
}
#endif
#endif
