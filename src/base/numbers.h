/* SPDX-License-Identifier: Apache-2.0 */
/* numbers.h - order among measured values */
#ifndef SRC_BASE_NUMBERS_H
#define SRC_BASE_NUMBERS_H
#include <stddef.h>

/* Sort x[n], the smallest first. */
void numbers_sort(double *x, size_t n);

/* Sort x[n], n > 0, and return the middle value, or the mean of the middle two. */
double numbers_median(double *x, size_t n);
#endif
