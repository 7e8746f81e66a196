/* SPDX-License-Identifier: Apache-2.0 */
/* cuda_probe.h - whether queues of a captured step can wait for each other by signals on a GPU */
#ifndef PYTORCH_RUNTIME_CUDA_PROBE_H
#define PYTORCH_RUNTIME_CUDA_PROBE_H
#include "pytorch/runtime/cuda_signals.h"

/* Captures and runs a tiny step whose queues wait for each other in turn; the answer for a device holds for the life of the process.
 * like: driver, streams and kernels of the signals to be.  Where the queues do not run side by side, it takes a second. */
bool cuda_probe(const struct cuda_signals *like, int32_t device);
#endif
