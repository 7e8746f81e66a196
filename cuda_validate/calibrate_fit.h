/* SPDX-License-Identifier: Apache-2.0 */
/* calibrate_fit.h - figures of a device document from measured times; needs no GPU */
#ifndef CUDA_VALIDATE_CALIBRATE_FIT_H
#define CUDA_VALIDATE_CALIBRATE_FIT_H
#include "src/documents/device.h"

/* Makes the times of points, whose bytes rise, rise with them: noise must not make a larger copy the faster one.  The largest copy is
 * measured best, so smaller ones give way. */
void fit_rising(struct curve_point *points, uint32_t count);

/* Returns the microseconds that the smallest copy of a curve takes beyond its bytes at the rate; at least 0. */
double fit_latency(const struct curve_point *points, double bytes_per_s);

/* Returns the rate of both directions together.  Each moved `bytes` in us[direction], both from one moment on.  The slower direction
 * ends alone, at its own rate. */
double fit_duplex(bytes_t bytes, const double us[DIRECTION_COUNT], const double bytes_per_s[DIRECTION_COUNT]);

/* Returns (more - less) / count: what one of count things costs; 0 where noise makes it negative. */
double fit_each(double more_us, double less_us, uint32_t count);

/* Fills the numbers of all classes from those of a memory-bound and a compute-bound kernel.  Numbers that differ by less than noise
 * are one number for all classes. */
void fit_classes(double to[CLASS_COUNT], double memory_us, double compute_us);

/* True: the time of ops of this class follows their arithmetic and not their bytes. */
bool fit_is_compute_bound(enum op_class c);
#endif
