/* SPDX-License-Identifier: Apache-2.0 */
/* calibrate_compute.c - measures launches, device memory, matrix products, and their slow-down under copies */
#include <config.h>
#include "cuda_validate/calibrate_private.h"

#include <string.h>

#include "cuda_validate/pattern_cuda.h"
#include "cuda_validate/pattern_data.h"
#include "src/base/numbers.h"

enum { GEMM_SIZE = 8192, ATTENTION_HEADS = 128, LAUNCHES = 2000, REPEATS = 5 };

const char *const load_names[LOAD_COUNT] = { "product", "attention", "memory" };

static int
queue_attention(struct bench *b, struct err *e)
{
	const size_t floats = (size_t)ATTENTION_HEADS * CUDA_ATTENTION_LENGTH * CUDA_ATTENTION_WIDTH;
	const float *from = b->device[H2D];

	CUDA_TRY(pattern_cuda_attention(b->device[D2H], from, from + floats, from + 2 * floats, ATTENTION_HEADS, b->compute), e);
	return 0;
}

int
bench_load(struct bench *b, const struct bench_load *l, struct err *e)
{
	const bytes_t half = BENCH_BYTES / 2;

	if (l->load == LOAD_MEMORY) {
		CUDA_TRY(pattern_cuda_stream((char *)b->device[D2H] + half, b->device[D2H], BENCH_BYTES, l->count, b->compute), e);
		return 0;
	}
	for (uint32_t k = 0; l->load == LOAD_ATTENTION && k < l->count; k++)
		if (queue_attention(b, e) < 0)
			return -1;
	for (uint32_t k = 0; l->load == LOAD_PRODUCT && k < l->count; k++)
		if (!gemm_run(b->gemm, l->math, GEMM_SIZE, b->device[H2D], (char *)b->device[H2D] + half, b->device[D2H]))
			return err_set(e, ERR_SYSTEM, "cuBLAS refused a product in %s", math_names[l->math]);
	return 0;
}

/* Measures the median time of the load; with `copying`, under copies in both directions. */
static int
time_load(struct bench *b, const struct bench_load *l, bool copying, double *us, struct err *e)
{
	const bytes_t bytes = (bytes_t)1 << 26;
	double times[REPEATS];
	float ms;

	for (int k = 0; k < REPEATS; k++) {
		/* 40 copies each way outlast a load of 30 ms. */
		for (int n = 0; copying && n < 40; n++)
			if (bench_copies(b, D2H, bytes, (uint32_t)n, 1, e) < 0 || bench_copies(b, H2D, bytes, (uint32_t)n, 1, e) < 0)
				return -1;
		CUDA_TRY(cudaEventRecord(b->start, b->compute), e);
		if (bench_load(b, l, e) < 0)
			return -1;
		CUDA_TRY(cudaEventRecord(b->end, b->compute), e);
		CUDA_TRY(cudaDeviceSynchronize(), e);
		CUDA_TRY(cudaEventElapsedTime(&ms, b->start, b->end), e);
		times[k] = (double)ms * 1e3;
	}
	*us = numbers_median(times, REPEATS);
	return 0;
}

/* Measures the factor by which copies slow the load. */
static int
measure_contention(struct bench *b, enum load load, enum math math, double *factor, struct err *e)
{
	struct bench_load l = { load, math, 1 };
	double alone, beside;

	if (time_load(b, &l, false, &alone, e) < 0)
		return -1;
	l.count = alone > 30000 ? 1 : (uint32_t)(30000 / alone) + 1;
	if (time_load(b, &l, false, &alone, e) < 0 || time_load(b, &l, true, &beside, e) < 0)
		return -1;
	*factor = beside > alone ? beside / alone : 1;
	return 0;
}

/* ---- matrices of numbers between -1 and 1 ---- */

static uint32_t
float_bits(float x)
{
	uint32_t bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits;
}

static uint16_t
half_bits(float x)
{
	uint32_t bits = float_bits(x), exponent = bits >> 23 & 255;

	return exponent <= 112 ? 0 : (uint16_t)(bits >> 16 & 0x8000) | (uint16_t)((exponent - 112) << 10) | (uint16_t)(bits >> 13 & 0x3ff);
}

int
bench_matrices(struct bench *b, enum math math, struct err *e)
{
	const size_t bytes = (size_t)1 << 26;
	uint32_t *words = b->host[H2D];
	uint16_t *halves = b->host[H2D];

	for (size_t i = 0; i < bytes / (math <= MATH_TF32 ? 4 : 2); i++) {
		float x = (float)(int32_t)(uint32_t)pattern_mix(i + 1) / 2147483648.0f;

		if (math <= MATH_TF32)
			words[i] = float_bits(x);
		else
			halves[i] = math == MATH_BFLOAT16 ? (uint16_t)(float_bits(x) >> 16) : half_bits(x);
	}
	for (size_t at = bytes; at < BENCH_BYTES; at += bytes)
		memcpy((char *)b->host[H2D] + at, b->host[H2D], bytes);
	CUDA_TRY(cudaMemcpy(b->device[H2D], b->host[H2D], BENCH_BYTES, cudaMemcpyHostToDevice), e);
	return 0;
}

static int
measure_gemm(struct calibration *c, struct bench *b, struct err *e)
{
	const double work = 2.0 * GEMM_SIZE * GEMM_SIZE * (double)GEMM_SIZE;
	double us;

	for (int math = 0; b->gemm != NULL && math < MATH_COUNT; math++) {
		struct bench_load l = { LOAD_PRODUCT, (enum math)math, 4 };

		if (bench_matrices(b, l.math, e) < 0)
			return -1;
		/* An old device may lack a type, which is no failure. */
		if (!gemm_run(b->gemm, l.math, GEMM_SIZE, b->device[H2D], (char *)b->device[H2D] + BENCH_BYTES / 2, b->device[D2H]))
			continue;
		if (time_load(b, &l, false, &us, e) < 0)
			return -1;
		c->flops[math] = work * l.count / us * 1e6;
	}
	return 0;
}

static int
measure_launch(struct calibration *c, struct bench *b, struct err *e)
{
	float ms;

	for (int warm = 0; warm < 2; warm++) {
		CUDA_TRY(cudaEventRecord(b->start, b->compute), e);
		for (int k = 0; k < LAUNCHES; k++)
			CUDA_TRY(pattern_cuda_nothing(b->compute), e);
		CUDA_TRY(cudaEventRecord(b->end, b->compute), e);
		CUDA_TRY(cudaEventSynchronize(b->end), e);
		CUDA_TRY(cudaEventElapsedTime(&ms, b->start, b->end), e);
	}
	c->launch_us = (double)ms * 1e3 / LAUNCHES;
	return 0;
}

static int
measure_memory(struct calibration *c, struct bench *b, struct err *e)
{
	const struct bench_load l = { LOAD_MEMORY, MATH_COUNT, 10 };
	double us;

	if (time_load(b, &l, false, &us, e) < 0)
		return -1;
	c->memory_bytes_per_s = (double)BENCH_BYTES * l.count / us * 1e6;
	return 0;
}

enum math
bench_fastest(const struct calibration *c)
{
	enum math math = MATH_COUNT;

	for (int k = 0; k < MATH_COUNT; k++)
		if (c->flops[k] > 0 && (math == MATH_COUNT || c->flops[k] > c->flops[math]))
			math = (enum math)k;
	return math;
}

int
calibrate_compute(struct calibration *c, struct bench *b, struct err *e)
{
	enum math math;

	if (measure_launch(c, b, e) < 0 || measure_memory(c, b, e) < 0 || measure_gemm(c, b, e) < 0)
		return -1;
	math = bench_fastest(c);
	c->compute_contention = 1;
	if (math != MATH_COUNT && (bench_matrices(b, math, e) < 0 || measure_contention(b, LOAD_PRODUCT, math, &c->compute_contention, e) < 0))
		return -1;
	return measure_contention(b, LOAD_MEMORY, math, &c->memory_contention, e);
}
