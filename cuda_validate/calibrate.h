/* SPDX-License-Identifier: Apache-2.0 */
/* calibrate.h - measure this machine and describe it as a device document */
#ifndef CUDA_VALIDATE_CALIBRATE_H
#define CUDA_VALIDATE_CALIBRATE_H
#include "src/documents/device.h"

/* Measure the GPU and its link and write the document to path, a summary to out.  What cannot be measured (efficiencies of op
 * classes, workspaces of convolutions) is taken from the shipped device of the same name, or from like when it is not NULL.
 * pinned_bytes: of host memory for the pool; 0: most of the machine's. */
int calibrate(const char *path, const char *like, bytes_t pinned_bytes, bool json, FILE *out, struct arena *a, struct err *e) WARN_UNUSED;
#endif
