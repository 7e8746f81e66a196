/* SPDX-License-Identifier: Apache-2.0 */
/* reference.h - the right data of a step, worked out from the graph alone
 *
 * The reference follows the ops in graph order, without a plan and without memory for the tensors.  The digest of a value
 * is worked out from its seed (pattern.h).  That formula is all that reference and replay share.
 */
#ifndef CUDA_VALIDATE_REFERENCE_H
#define CUDA_VALIDATE_REFERENCE_H
#include "cuda_validate/replay.h"

struct reference {
	const struct graph *graph;
	const struct backend *backend;	/* works out the digests of large values */
	struct machine *machine;
	bool sample;
	uint64_t seed;
	uint64_t *now;			/* [tensor_count] digest of each tensor's value */
	bool *defined;			/* [tensor_count] false for a transient one before its first write */
	size_t *input_first;		/* [op_count] an op's first input in read */
	uint64_t *read;			/* digest of each input of each op in the last step */
};

/* Returns the seed of a persistent tensor before the first step. */
uint64_t reference_initial(uint64_t seed, uint32_t tensor);

int reference_init(struct reference *r, const struct job *job, const struct backend *b, struct machine *m, struct arena *a,
    struct err *e) WARN_UNUSED;

/* Follows one more step. */
int reference_step(struct reference *r, uint64_t step, struct err *e) WARN_UNUSED;

/* Compares with the machine's data after that step.  ERR_NO names the first op and tensor that differ. */
int reference_compare(const struct reference *r, const struct job *job, uint64_t step, struct err *e) WARN_UNUSED;
#endif
