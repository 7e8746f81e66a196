/* SPDX-License-Identifier: Apache-2.0 */
/* host_memory.h - the host's memory, and the error when it is too small */
#ifndef SRC_BASE_HOST_MEMORY_H
#define SRC_BASE_HOST_MEMORY_H
#include "src/base/err.h"
#include "src/base/units.h"

/* Returns the bytes that the system can give now; 0: unknown. */
bytes_t host_memory_available(void);

/* Reports that `what` needs wanted bytes and how many are missing; returns -1. */
int host_memory_missing(const char *what, bytes_t wanted, struct err *e);
#endif
