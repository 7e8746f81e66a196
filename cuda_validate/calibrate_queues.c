/* SPDX-License-Identifier: Apache-2.0 */
/* calibrate_queues.c - measures captured steps: waits of queues for each other, and launches
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
	REPEATS = 5,
	STAGES = 1000,			/* of an op and a copy that wait for each other */
	LAUNCHES = 2000,
	COPY_BYTES = 1 << 12,
	SMALL_BYTES = 1 << 18, SMALL_GEMM = 512	/* kernels of a few microseconds */
};

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

/* The parts of a chain of ops and copies. */
struct chain { bool ops, copies, waits; };

/* Queues STAGES times an empty kernel on compute and a small copy to the host.  arg: struct chain; with waits, each waits for the one
 * before it, as ops and copies of a tight plan do. */
static int
queue_chain(struct bench *b, const void *arg, struct err *e)
{
	const struct chain *c = arg;
	cudaStream_t copy = b->copy[D2H];

	CUDA_TRY(cudaEventRecord(b->busy, b->compute), e);
	CUDA_TRY(cudaStreamWaitEvent(copy, b->busy, 0), e);
	for (int k = 0; k < STAGES; k++) {
		if (c->ops)
			CUDA_TRY(pattern_cuda_nothing(b->compute), e);
		if (c->waits) {
			CUDA_TRY(cudaEventRecord(b->busy, b->compute), e);
			CUDA_TRY(cudaStreamWaitEvent(copy, b->busy, 0), e);
		}
		if (c->copies)
			CUDA_TRY(cudaMemcpyAsync(b->host[D2H], b->device[D2H], COPY_BYTES, cudaMemcpyDeviceToHost, copy), e);
		if (c->waits) {
			CUDA_TRY(cudaEventRecord(b->mark, copy), e);
			CUDA_TRY(cudaStreamWaitEvent(b->compute, b->mark, 0), e);
		}
	}
	CUDA_TRY(cudaEventRecord(b->mark, copy), e);
	CUDA_TRY(cudaStreamWaitEvent(b->compute, b->mark, 0), e);
	return 0;
}

/* Measures a wait, which in a plan is always one of an op for a copy or the other way round: what a chain of both takes beyond the ops
 * and the copies alone.  A stage has two waits. */
static int
measure_wait(struct calibration *c, struct bench *b, struct err *e)
{
	static const struct chain both = { true, true, true }, ops = { .ops = true }, copies = { .copies = true };
	double chain, of_ops, of_copies;

	if (time_captured(b, queue_chain, &both, &chain, e) < 0 || time_captured(b, queue_chain, &ops, &of_ops, e) < 0 ||
	    time_captured(b, queue_chain, &copies, &of_copies, e) < 0)
		return -1;
	c->wait_us = fit_each(chain, of_ops + of_copies, 2 * STAGES);
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

	if (measure_wait(c, b, e) < 0 || measure_gap(b, MATH_COUNT, &c->memory_gap_us, e) < 0)
		return -1;
	c->compute_gap_us = c->memory_gap_us;
	return math == MATH_COUNT ? 0 : measure_gap(b, math, &c->compute_gap_us, e);
}
