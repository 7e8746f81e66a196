/* SPDX-License-Identifier: Apache-2.0 */
/* threads.h - the number of threads of a parallel region
 *
 * The number that a caller wants is passed to each region's num_threads clause, so no state of the process changes.  With one thread a
 * caller runs a plain loop instead: GCC's OpenMP ends the process when it finds no memory for a region, even for one of one thread.
 */
#ifndef SRC_BASE_THREADS_H
#define SRC_BASE_THREADS_H
#include <stdbool.h>
#include <stdint.h>
#ifdef _OPENMP
#include <omp.h>
#endif

enum { THREADS_MAX = 65536 };

/* Returns the value of a num_threads clause: wanted (at most THREADS_MAX), or OpenMP's own choice where wanted is 0. */
static inline int
threads_for(uint32_t wanted)
{
#ifdef _OPENMP
	if (wanted == 0)
		return omp_get_max_threads();
#endif
	return wanted == 0 ? 1 : (int)wanted;
}

/* True: the caller is in a parallel region already, where another one has one thread. */
static inline bool
threads_taken(void)
{
#ifdef _OPENMP
	return omp_in_parallel();
#else
	return true;
#endif
}
#endif
