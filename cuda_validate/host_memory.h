/* SPDX-License-Identifier: Apache-2.0 */
/* host_memory.h - how much memory the host can give, and how to say that it is too little */
#ifndef CUDA_VALIDATE_HOST_MEMORY_H
#define CUDA_VALIDATE_HOST_MEMORY_H
#include "src/base/err.h"
#include "src/base/units.h"

/* Bytes that the system can give now, and bytes that it has; 0: it does not say. */
bytes_t host_memory_available(void);
bytes_t host_memory_total(void);

/* "not enough host memory ... are missing": what needs wanted bytes.  Returns -1. */
int host_memory_missing(const char *what, bytes_t wanted, struct err *e);
#endif
