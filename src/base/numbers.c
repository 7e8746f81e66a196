/* SPDX-License-Identifier: Apache-2.0 */
/* numbers.c - order among measured values */
#include <config.h>
#include "src/base/numbers.h"

#include <stdlib.h>

static int
rising(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

void
numbers_sort(double *x, size_t n)
{
	qsort(x, n, sizeof(*x), rising);
}

double
numbers_median(double *x, size_t n)
{
	numbers_sort(x, n);
	return n % 2 == 1 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}
