/* SPDX-License-Identifier: Apache-2.0 */
/* calibrate_queues.c - measures queues beside each other: copies under products, waits for events, captured launches
 *
 * A captured step is a CUDA graph.  A wait is measured within one, because the step that it stands for is captured, and because a
 * host that launches cannot keep two queues busy with empty kernels.
 */
#include <config.h>
#include "cuda_validate/calibrate_private.h"

#include <math.h>

#include "cuda_validate/calibrate_fit.h"
#include "cuda_validate/pattern_cuda.h"
#include "src/base/numbers.h"

enum {
	REPEATS = 5, COPIES_MOST = 200, COPIES_LEAST = 2, TRIES = 4,
	STAGES = 1000,			/* of two queues that wait for each other */
	LAUNCHES = 2000,
	SMALL_BYTES = 1 << 18, SMALL_GEMM = 512	/* kernels of a few microseconds */
};

/* ---- copies while compute is busy ---- */

/* Queues copies behind the first of `products` loads.  *busy: the load outlasted the copies. */
static int
copy_under_load(struct bench *b, enum direction dir, struct copying *c, const struct bench_load *load, bool *busy, struct err *e)
{
	const struct bench_load one = { load->math, 1 };
	cudaError_t rc;
	float ms;

	if (bench_load(b, &one, e) < 0)
		return -1;
	CUDA_TRY(cudaEventRecord(b->busy, b->compute), e);
	CUDA_TRY(cudaStreamWaitEvent(b->copy[dir], b->busy, 0), e);
	if (bench_load(b, load, e) < 0)
		return -1;
	CUDA_TRY(cudaEventRecord(b->busy, b->compute), e);
	CUDA_TRY(cudaEventRecord(b->start, b->copy[dir]), e);
	if (bench_copies(b, dir, c->bytes, c->count, e) < 0)
		return -1;
	CUDA_TRY(cudaEventRecord(b->end, b->copy[dir]), e);
	CUDA_TRY(cudaEventSynchronize(b->end), e);
	rc = cudaEventQuery(b->busy);
	*busy = rc == cudaErrorNotReady;
	if (rc != cudaSuccess && rc != cudaErrorNotReady)
		return cuda_error("cudaEventQuery", rc, e);
	CUDA_TRY(cudaDeviceSynchronize(), e);
	CUDA_TRY(cudaEventElapsedTime(&ms, b->start, b->end), e);
	c->us = (double)ms * 1e3 / c->count;
	return 0;
}

/* Measures the time of one copy among many of its size under a load.  load->count grows until the load outlasts the copies. */
static int
time_loaded(struct bench *b, enum direction dir, bytes_t bytes, struct bench_load *load, double *us, struct err *e)
{
	uint64_t count = ((bytes_t)1 << 28) / bytes;
	struct copying c = { bytes, count > COPIES_MOST ? COPIES_MOST : count < COPIES_LEAST ? COPIES_LEAST : (uint32_t)count, 0 };
	double times[REPEATS];
	bool busy;

	for (int k = 0; k < REPEATS; k++) {
		for (int t = 0; t < TRIES; t++) {
			if (copy_under_load(b, dir, &c, load, &busy, e) < 0)
				return -1;
			if (busy)
				break;
			load->count *= 2;
		}
		if (!busy)
			return err_set(e, ERR_SYSTEM, "copies of %" PRI_BYTES " bytes outlast %" PRIu32 " loads of the GPU", bytes, load->count);
		times[k] = c.us;
	}
	*us = numbers_median(times, REPEATS);
	return 0;
}

/* Measures both loaded curves.  The load is the fastest product on random data, or a device copy where no product runs. */
static int
measure_loaded(struct calibration *c, struct bench *b, struct err *e)
{
	enum math math = bench_fastest(c);

	if (math != MATH_COUNT && bench_matrices(b, math, e) < 0)
		return -1;
	for (int dir = 0; dir < DIRECTION_COUNT; dir++) {
		struct bench_load load = { math, 8 };

		for (int k = 0; k < LOADED_POINTS; k++) {
			struct curve_point *p = &c->loaded[dir][k];

			p->bytes = (bytes_t)1 << (LOADED_FIRST + k);
			if (time_loaded(b, (enum direction)dir, p->bytes, &load, &p->time_us, e) < 0)
				return -1;
		}
		fit_rising(c->loaded[dir], LOADED_POINTS);
	}
	return 0;
}

/* ---- captured steps ---- */

typedef int queue_fn(struct bench *b, const void *arg, struct err *e);

/* Captures what `queue` puts on the compute stream, and on streams that follow it. */
static int
capture(cudaGraphExec_t *program, struct bench *b, queue_fn *queue, const void *arg, struct err *e)
{
	cudaGraph_t graph = NULL;
	cudaError_t rc;
	int failed;

	CUDA_TRY(cudaStreamBeginCapture(b->compute, cudaStreamCaptureModeThreadLocal), e);
	failed = queue(b, arg, e);
	rc = cudaStreamEndCapture(b->compute, &graph);
	if (failed == 0 && rc != cudaSuccess)
		failed = cuda_error("cudaStreamEndCapture", rc, e);
	if (failed == 0)
		failed = cuda_instantiate(program, graph, e);
	if (graph != NULL)
		cudaGraphDestroy(graph);
	return failed;
}

static int
launch_graph(struct bench *b, const void *arg, struct err *e)
{
	const cudaGraphExec_t *program = arg;

	CUDA_TRY(cudaGraphLaunch(*program, b->compute), e);
	return 0;
}

/* Measures the median time of what `queue` puts on the compute stream.  The first time warms up and does not count. */
static int
time_queued(struct bench *b, queue_fn *queue, const void *arg, double *us, struct err *e)
{
	double times[REPEATS];
	float ms;

	for (int k = -1; k < REPEATS; k++) {
		CUDA_TRY(cudaEventRecord(b->start, b->compute), e);
		if (queue(b, arg, e) < 0)
			return -1;
		CUDA_TRY(cudaEventRecord(b->end, b->compute), e);
		CUDA_TRY(cudaEventSynchronize(b->end), e);
		CUDA_TRY(cudaEventElapsedTime(&ms, b->start, b->end), e);
		if (k >= 0)
			times[k] = (double)ms * 1e3;
	}
	*us = numbers_median(times, REPEATS);
	return 0;
}

/* The same, captured. */
static int
time_captured(struct bench *b, queue_fn *queue, const void *arg, double *us, struct err *e)
{
	cudaGraphExec_t program = NULL;
	int rc = capture(&program, b, queue, arg, e);

	if (rc == 0)
		rc = time_queued(b, launch_graph, &program, us, e);
	if (program != NULL)
		cudaGraphExecDestroy(program);
	return rc;
}

/* Queues STAGES empty kernels on compute and as many on a second stream.  *arg: before each kernel, both wait for each other's last. */
static int
queue_ladder(struct bench *b, const void *arg, struct err *e)
{
	const bool *waits = arg;
	cudaStream_t other = b->copy[D2H];

	CUDA_TRY(cudaEventRecord(b->busy, b->compute), e);
	CUDA_TRY(cudaStreamWaitEvent(other, b->busy, 0), e);
	for (int k = 0; k < STAGES; k++) {
		CUDA_TRY(pattern_cuda_nothing(b->compute), e);
		CUDA_TRY(pattern_cuda_nothing(other), e);
		if (!*waits)
			continue;
		CUDA_TRY(cudaEventRecord(b->busy, b->compute), e);
		CUDA_TRY(cudaEventRecord(b->mark, other), e);
		CUDA_TRY(cudaStreamWaitEvent(other, b->busy, 0), e);
		CUDA_TRY(cudaStreamWaitEvent(b->compute, b->mark, 0), e);
	}
	CUDA_TRY(cudaEventRecord(b->mark, other), e);
	CUDA_TRY(cudaStreamWaitEvent(b->compute, b->mark, 0), e);
	return 0;
}

/* Measures a wait: the difference between two chains of kernels that wait for each other and two that do not. */
static int
measure_wait(struct calibration *c, struct bench *b, struct err *e)
{
	static const bool with = true, without = false;
	double waiting, free_running;

	if (time_captured(b, queue_ladder, &with, &waiting, e) < 0 || time_captured(b, queue_ladder, &without, &free_running, e) < 0)
		return -1;
	c->wait_us = fit_each(waiting, free_running, STAGES);
	return 0;
}

/* Queues LAUNCHES small kernels: *arg is the math of a product, or MATH_COUNT for a copy within the device. */
static int
queue_small(struct bench *b, const void *arg, struct err *e)
{
	const enum math *math = arg;

	for (int k = 0; k < LAUNCHES; k++) {
		if (*math == MATH_COUNT)
			CUDA_TRY(pattern_cuda_stream((char *)b->device[D2H] + SMALL_BYTES, b->device[D2H], SMALL_BYTES, 1, b->compute), e);
		else if (!gemm_run(b->gemm, *math, SMALL_GEMM, b->device[H2D], (char *)b->device[H2D] + BENCH_BYTES / 2, b->device[D2H]))
			return err_set(e, ERR_SYSTEM, "cuBLAS refused a small product in %s", math_names[*math]);
	}
	return 0;
}

/* Measures what a launch of one kind of kernel costs less inside a captured step. */
static int
measure_gap(struct bench *b, enum math math, double *gap_us, struct err *e)
{
	double queued, captured;

	if (time_queued(b, queue_small, &math, &queued, e) < 0 || time_captured(b, queue_small, &math, &captured, e) < 0)
		return -1;
	*gap_us = fit_each(queued, captured, LAUNCHES);
	return 0;
}

int
calibrate_queues(struct calibration *c, struct bench *b, struct err *e)
{
	enum math math = bench_fastest(c);

	if (measure_loaded(c, b, e) < 0 || measure_wait(c, b, e) < 0 || measure_gap(b, MATH_COUNT, &c->memory_gap_us, e) < 0)
		return -1;
	c->compute_gap_us = c->memory_gap_us;
	return math == MATH_COUNT ? 0 : measure_gap(b, math, &c->compute_gap_us, e);
}
