/* SPDX-License-Identifier: Apache-2.0 */
/* cuda_try.h - CUDA's errors as struct err, the device, device memory and pinned memory */
#ifndef CUDA_VALIDATE_CUDA_TRY_H
#define CUDA_VALIDATE_CUDA_TRY_H
#include <cuda_runtime_api.h>

#include "src/base/err.h"
#include "src/base/units.h"

#define CUDA_TRY(call, e) do { \
	cudaError_t rc_ = (cudaError_t)(call); \
	if (rc_ != cudaSuccess) \
		return cuda_error(#call, rc_, (e)); \
} while (0)

/* Reports a failed call; returns -1. */
int cuda_error(const char *call, cudaError_t rc, struct err *e);

/* Selects the first device.  The error text differs for a missing driver, an old driver, no device, and no code for the
 * device. */
int cuda_open(struct cudaDeviceProp *prop, struct err *e) WARN_UNUSED;

/* Makes a captured graph ready for launches. */
int cuda_instantiate(cudaGraphExec_t *program, cudaGraph_t graph, struct err *e) WARN_UNUSED;

/* Allocates device memory; `what` names its use in the error, which says how much is missing.  *got is the number of bytes
 * that the driver took. */
int cuda_take(void **memory, const char *what, bytes_t bytes, bytes_t *got, struct err *e) WARN_UNUSED;

/* Allocates page-locked host memory that kernels may use. */
int cuda_pin(void **memory, bytes_t bytes, struct err *e) WARN_UNUSED;
void cuda_unpin(void *memory, bytes_t bytes);

/* Allocates one pool at a time.  A pool stays locked for the next one of at most its size, because locking takes
 * seconds.  cuda_pool_end() releases it. */
int cuda_pool_take(void **memory, bytes_t bytes, struct err *e) WARN_UNUSED;
void cuda_pool_end(void);
#endif
