/* SPDX-License-Identifier: Apache-2.0 */
/* allocator.h - answers PyTorch's requests for GPU memory: from the driver, by a plan, or by addresses that have no memory
 *
 * It is the process's allocator from the start of CUDA on (torch.cuda.memory.CUDAPluggableAllocator).  While an op of a plan
 * runs, its requests get the plan's addresses, so that kernels write straight into their place.  While a step is recorded that
 * the GPU could not hold, tensors get addresses and no bytes.  At all other times requests get memory.
 */
#ifndef PYTORCH_RUNTIME_ALLOCATOR_H
#define PYTORCH_RUNTIME_ALLOCATOR_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "pytorch/runtime/runtime.h"

/* Of PyTorch's pluggable allocator.  A request of 0 bytes gets NULL.  One that fails raises PyTorch's error. */
RUNTIME_API void *layrub_torch_alloc(ssize_t bytes, int device, void *stream);
RUNTIME_API void layrub_torch_release(void *memory, ssize_t bytes, int device, void *stream);

/* PyTorch's function that throws its error, for a request that fails.  Without it such a request ends the process. */
typedef void layrub_torch_raise_fn(const char *function, const char *file, uint32_t line, const char *text);
RUNTIME_API void layrub_torch_raise_by(layrub_torch_raise_fn *raise);

/* Where requests are answered from.
 * MEMORY: the driver's pool.
 * KEPT: blocks that were given back serve later requests of the same size and stream, so that a captured graph of many runs of
 * one op takes none from the driver.
 * ADDRESSES: addresses without memory.  None is given twice, so that no two tensors of a recording share one. */
enum { LAYRUB_TORCH_MEMORY, LAYRUB_TORCH_KEPT, LAYRUB_TORCH_ADDRESSES };
RUNTIME_API uint32_t layrub_torch_answer_from(uint32_t source);	/* returns the one before */
RUNTIME_API void layrub_torch_trim(void);	/* frees what KEPT keeps and nobody uses; the GPU is idle */

/* Bytes with memory that are in use; and the most since the last reset. */
RUNTIME_API uint64_t layrub_torch_used_bytes(void);
RUNTIME_API uint64_t layrub_torch_peak_bytes(bool reset);

/* A request: taken, or given back. */
struct layrub_torch_request {
	uint64_t address, bytes;
	uint32_t taken;
};

/* Lists all requests from now on; on again, an empty list.  log() returns how many there are, and copies the first `most`. */
RUNTIME_API void layrub_torch_log_requests(bool on);
RUNTIME_API uint32_t layrub_torch_log(struct layrub_torch_request *requests, uint32_t most);

/* The requests of the op that runs next, in order: each gets its address.  The list is the caller's until expected_end().
 * A request of another size gets memory, as if no op ran; of at most 64 bytes, a place aside. */
RUNTIME_API void layrub_torch_expect(const struct layrub_torch_request *requests, uint32_t count);

/* Ends it.  Returns how many requests were not on the list, and sets `bytes` to the largest of them. */
RUNTIME_API uint32_t layrub_torch_expected_end(uint64_t *bytes);

/* For tests: the driver to use instead of NVIDIA's. */
struct cuda_driver;
void allocator_use_driver(const struct cuda_driver *driver);
#endif
