/* SPDX-License-Identifier: Apache-2.0 */
/* cuda_try.h - what all C that calls CUDA shares: errors, the device, pinned memory */
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

/* Put a failed call into words; returns -1. */
int cuda_error(const char *call, cudaError_t rc, struct err *e);

/* Use the first device; say what is wrong when there is none, or none that this program has code for. */
int cuda_open(struct cudaDeviceProp *prop, struct err *e) WARN_UNUSED;

/* Device memory for what; says how much is missing.  *got is what the driver took for it. */
int cuda_take(void **memory, const char *what, bytes_t bytes, bytes_t *got, struct err *e) WARN_UNUSED;

/* Page-locked host memory that kernels may use, too. */
int cuda_pin(void **memory, bytes_t bytes, struct err *e) WARN_UNUSED;
void cuda_unpin(void *memory, bytes_t bytes);

/* The same for one pool at a time, which stays locked for the next one of at most its size: locking takes
 * seconds.  cuda_pool_end() releases it. */
int cuda_pool_take(void **memory, bytes_t bytes, struct err *e) WARN_UNUSED;
void cuda_pool_end(void);
#endif
