/* SPDX-License-Identifier: Apache-2.0 */
/* sources.h - where requests outside of plans are answered from
 *
 * MEMORY: the device, in the order of the stream.
 * KEPT: blocks that were given back serve later requests of the same size and stream, so that a captured graph of many runs of one
 * op takes none from the device.
 * ADDRESSES: addresses without memory, for a recording in which nothing runs.  None is given twice, so that no two tensors of
 * a recording share one.
 */
#ifndef PYTORCH_RUNTIME_SOURCES_H
#define PYTORCH_RUNTIME_SOURCES_H
#include "pytorch/runtime/backend.h"

enum source { SOURCE_MEMORY, SOURCE_KEPT, SOURCE_ADDRESSES, SOURCE_COUNT };

/* One thread at a time.  Bytes are more than 0; sources_give() takes those of the request. */
int sources_take(const struct runtime_backend *b, int32_t device, enum source source, void **memory, bytes_t bytes, void *stream,
    struct err *e) WARN_UNUSED;
void sources_give(const struct runtime_backend *b, int32_t device, void *memory, bytes_t bytes, void *stream);

/* Gives the kept blocks that nobody uses back to the device, which is idle. */
void sources_trim(const struct runtime_backend *b, int32_t device);

/* Bytes with memory that are in use. */
bytes_t sources_used(void);
#endif
