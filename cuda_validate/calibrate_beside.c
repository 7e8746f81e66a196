/* SPDX-License-Identifier: Apache-2.0 */
/* calibrate_beside.c - measures copies while compute is busy: each way and both ways, beside three kinds of kernels */
#include <config.h>
#include "cuda_validate/calibrate_private.h"

#include "cuda_validate/calibrate_fit.h"
#include "src/base/numbers.h"

enum { REPEATS = 5, COPIES_MOST = 200, COPIES_LEAST = 2, TRIES = 6, LOADS_FIRST = 4 };

enum { BOTH_WAYS = DIRECTION_COUNT, WAYS };	/* a direction alone, or both */

/* Queues copies of each direction of `way` behind the first of the loads.  us: of all copies, by direction.  *busy: the load
 * outlasted them. */
static int
copy_under_load(struct bench *b, int way, const struct copying *c, const struct bench_load *load, double us[DIRECTION_COUNT], bool *busy,
    struct err *e)
{
	const struct bench_load first = { load->load, load->math, 1 };
	const int from = way == BOTH_WAYS ? 0 : way, to = way == BOTH_WAYS ? DIRECTION_COUNT : way + 1;
	cudaError_t rc;
	float ms;

	if (bench_load(b, &first, e) < 0)
		return -1;
	CUDA_TRY(cudaEventRecord(b->start, b->compute), e);
	for (int dir = from; dir < to; dir++)
		CUDA_TRY(cudaStreamWaitEvent(b->copy[dir], b->start, 0), e);
	if (bench_load(b, load, e) < 0)
		return -1;
	CUDA_TRY(cudaEventRecord(b->busy, b->compute), e);
	for (uint32_t k = 0; k < c->count; k++)
		for (int dir = from; dir < to; dir++)
			if (bench_copies(b, (enum direction)dir, c->bytes, k, 1, e) < 0)
				return -1;
	for (int dir = from; dir < to; dir++)
		CUDA_TRY(cudaEventRecord(b->ends[dir], b->copy[dir]), e);
	for (int dir = from; dir < to; dir++)
		CUDA_TRY(cudaEventSynchronize(b->ends[dir]), e);
	rc = cudaEventQuery(b->busy);
	*busy = rc == cudaErrorNotReady;
	if (rc != cudaSuccess && rc != cudaErrorNotReady)
		return cuda_error("cudaEventQuery", rc, e);
	CUDA_TRY(cudaDeviceSynchronize(), e);
	for (int dir = from; dir < to; dir++) {
		CUDA_TRY(cudaEventElapsedTime(&ms, b->start, b->ends[dir]), e);
		us[dir] = (double)ms * 1e3;
	}
	return 0;
}

/* Repeats copies under a load, whose count grows until it outlasts them.  us: the median of each direction. */
static int
time_copies(struct bench *b, int way, const struct copying *c, struct bench_load *load, double us[DIRECTION_COUNT], struct err *e)
{
	double times[DIRECTION_COUNT][REPEATS] = { 0 }, now[DIRECTION_COUNT] = { 0 };
	bool busy;

	for (int k = 0; k < REPEATS; k++) {
		for (int t = 0; t < TRIES; t++) {
			if (copy_under_load(b, way, c, load, now, &busy, e) < 0)
				return -1;
			if (busy)
				break;
			load->count *= 2;
		}
		if (!busy)
			return err_set(e, ERR_SYSTEM, "copies of %" PRI_BYTES " bytes outlast %" PRIu32 " loads of the GPU", c->bytes, load->count);
		for (int dir = 0; dir < DIRECTION_COUNT; dir++)
			times[dir][k] = now[dir];
	}
	for (int dir = 0; dir < DIRECTION_COUNT; dir++)
		us[dir] = numbers_median(times[dir], REPEATS);
	return 0;
}

static int
measure_beside(struct beside *m, struct bench *b, enum load kind, enum math math, struct err *e)
{
	for (int way = 0; way < WAYS; way++) {
		struct bench_load load = { kind, math, LOADS_FIRST };

		for (int k = 0; k < LOADED_POINTS; k++) {
			const bytes_t bytes = (bytes_t)1 << (LOADED_FIRST + k);
			const uint64_t count = ((bytes_t)1 << 28) / bytes;
			const struct copying c = { bytes, count > COPIES_MOST ? COPIES_MOST : count < COPIES_LEAST ? COPIES_LEAST : (uint32_t)count };
			double us[DIRECTION_COUNT], rates[DIRECTION_COUNT];

			if (time_copies(b, way, &c, &load, us, e) < 0)
				return -1;
			if (way != BOTH_WAYS) {
				m->curve[way][k] = (struct curve_point) { bytes, us[way] / c.count };
				continue;
			}
			for (int dir = 0; dir < DIRECTION_COUNT; dir++)
				rates[dir] = (double)bytes / m->curve[dir][k].time_us * 1e6;
			m->duplex_bytes_per_s[k] = fit_duplex(bytes * c.count, us, rates);
		}
	}
	for (int dir = 0; dir < DIRECTION_COUNT; dir++)
		fit_rising(m->curve[dir], LOADED_POINTS);
	m->measured = true;
	return 0;
}

int
calibrate_beside(struct calibration *c, struct bench *b, struct err *e)
{
	const enum math math = bench_fastest(c);

	if (math != MATH_COUNT && (bench_matrices(b, math, e) < 0 || measure_beside(&c->beside[LOAD_PRODUCT], b, LOAD_PRODUCT, math, e) < 0))
		return -1;
	if (bench_matrices(b, MATH_FLOAT32, e) < 0 || measure_beside(&c->beside[LOAD_ATTENTION], b, LOAD_ATTENTION, math, e) < 0)
		return -1;
	return measure_beside(&c->beside[LOAD_MEMORY], b, LOAD_MEMORY, math, e);
}
