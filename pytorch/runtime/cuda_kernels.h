/* SPDX-License-Identifier: Apache-2.0 */
/* cuda_kernels.h - the runtime's own kernels: the driver compiles them, so no toolkit is needed */
#ifndef PYTORCH_RUNTIME_CUDA_KERNELS_H
#define PYTORCH_RUNTIME_CUDA_KERNELS_H
#include "pytorch/runtime/cuda_driver.h"

/* name, in the driver and in traces (sim/measured/kineto.c knows them), arguments and what it does */
#define CUDA_KERNELS(ROW) \
	ROW(FILL, "layrub_fill")	/* (u64 at, u32 value, u32 words) each thread stores one word of 4 bytes */ \
	ROW(RAISE, "layrub_raise")	/* (u64 at, u32 value) stores the word, after everything before it */ \
	ROW(AWAIT, "layrub_await")	/* (u64 at, u32 value) ends when the word is at least that, as unsigned numbers */

#define ROW(name, exported) CUDA_KERNEL_##name,
enum { CUDA_KERNELS(ROW) CUDA_KERNEL_COUNT };
#undef ROW

/* Fills *kernels: [CUDA_KERNEL_COUNT] of a GPU that is current, loaded at the first call for the life of the process. */
int cuda_kernels(const struct cuda_driver *d, int32_t device, const cuda_function **kernels, struct err *e) WARN_UNUSED;
#endif
