/* SPDX-License-Identifier: Apache-2.0 */
/* unmapped.h - an allocator for PyTorch that can answer with addresses that have no memory behind them */

#ifndef LAYRUB_UNMAPPED_H
#define LAYRUB_UNMAPPED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* As torch.cuda.memory.CUDAPluggableAllocator wants it.  Bytes; NULL: no memory, no address or no CUDA, or 0 bytes. */
void *layrub_unmapped_alloc(ssize_t bytes, int device, void *stream);
void layrub_unmapped_free(void *address, ssize_t bytes, int device, void *stream);

/* From now on requests get addresses without memory, or memory again.  Returns what held before. */
bool layrub_unmapped_without_memory(bool on);

/* Bytes with memory that are in use; the most since the last call with reset. */
uint64_t layrub_unmapped_live_bytes(void);
uint64_t layrub_unmapped_peak_bytes(bool reset);

/* Frees the blocks with memory that are not in use.  The GPU must be idle. */
void layrub_unmapped_trim(void);

#endif
