/* SPDX-License-Identifier: Apache-2.0 */
/* host_memory.h - the host's memory, the pages of a pool, and the error when there is too little */
#ifndef SRC_BASE_HOST_MEMORY_H
#define SRC_BASE_HOST_MEMORY_H
#include "src/base/err.h"
#include "src/base/units.h"

/* Returns the bytes that the system can give now; 0: unknown. */
bytes_t host_memory_available(void);

/* Takes bytes of zeros for a pool that is to be pinned, in large pages where the system has some: these are locked many times as fast as
 * small ones.  The caller ends them by munmap().  `what`: as of host_memory_missing(). */
int host_memory_map(void **memory, const char *what, bytes_t bytes, struct err *e) WARN_UNUSED;

/* Reports that `what` needs wanted bytes and how many are missing; returns -1. */
int host_memory_missing(const char *what, bytes_t wanted, struct err *e);
#endif
