/* SPDX-License-Identifier: Apache-2.0 */
/* calibrate.h - measures this machine and writes its device document */
#ifndef CUDA_VALIDATE_CALIBRATE_H
#define CUDA_VALIDATE_CALIBRATE_H
#include "src/documents/device.h"

/* Measures the GPU and its link, and writes the document to path and a summary to out.  Efficiencies of op classes and
 * workspaces of convolutions are not measured: they come from the shipped device of the same GPU, or from `like` when it
 * is not NULL.  pinned_bytes is the host memory for the pool; 0: the document has no limit. */
int calibrate(const char *path, const char *like, bytes_t pinned_bytes, bool json, FILE *out, struct arena *a, struct err *e) WARN_UNUSED;
#endif
