/* SPDX-License-Identifier: Apache-2.0 */
/* calibrate_link.c - measures the link: curves, both directions at once, pageable memory, the bus */
#include <config.h>
#include "cuda_validate/calibrate_private.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cuda_validate/calibrate_fit.h"
#include "src/base/clock.h"
#include "src/base/numbers.h"

enum { REPEATS = 5, COPIES_MOST = 200, COPIES_LEAST = 2, PAGEABLE_BYTES = 1 << 26 };

int
bench_copies(struct bench *b, enum direction dir, bytes_t bytes, uint32_t first, uint32_t count, struct err *e)
{
	cudaStream_t s = b->copy[dir];

	for (uint32_t k = first; k < first + count; k++) {
		bytes_t at = (bytes_t)k * bytes % BENCH_BYTES;
		char *device = (char *)b->device[dir] + at, *host = (char *)b->host[dir] + at;

		if (dir == D2H)
			CUDA_TRY(cudaMemcpyAsync(host, device, (size_t)bytes, cudaMemcpyDeviceToHost, s), e);
		else
			CUDA_TRY(cudaMemcpyAsync(device, host, (size_t)bytes, cudaMemcpyHostToDevice, s), e);
		CUDA_TRY(cudaEventRecord(b->mark, s), e);
	}
	return 0;
}

/* Measures the time of one copy among many of its size. */
static int
time_copy(struct bench *b, enum direction dir, bytes_t bytes, double *us, struct err *e)
{
	uint32_t count = (uint32_t)(((bytes_t)1 << 28) / bytes);
	double times[REPEATS];
	float ms;

	count = count > COPIES_MOST ? COPIES_MOST : count < COPIES_LEAST ? COPIES_LEAST : count;
	for (int k = 0; k < REPEATS; k++) {
		CUDA_TRY(cudaEventRecord(b->start, b->copy[dir]), e);
		if (bench_copies(b, dir, bytes, 0, count, e) < 0)
			return -1;
		CUDA_TRY(cudaEventRecord(b->end, b->copy[dir]), e);
		CUDA_TRY(cudaEventSynchronize(b->end), e);
		CUDA_TRY(cudaEventElapsedTime(&ms, b->start, b->end), e);
		times[k] = (double)ms * 1e3 / count;
	}
	*us = numbers_median(times, REPEATS);
	return 0;
}

static int
measure_curve(struct calibration *c, struct bench *b, enum direction dir, struct err *e)
{
	struct curve_point *p = c->curve[dir];
	const int last = CURVE_POINTS - 1;

	for (int k = 0; k <= last; k++) {
		p[k].bytes = (bytes_t)1 << (CURVE_FIRST + k);
		if (time_copy(b, dir, p[k].bytes, &p[k].time_us, e) < 0)
			return -1;
	}
	fit_rising(p, CURVE_POINTS);
	c->bytes_per_s[dir] = (double)p[last].bytes / p[last].time_us * 1e6;
	c->latency_us[dir] = fit_latency(p, c->bytes_per_s[dir]);
	return 0;
}

/* Measures the rate while both directions are busy. */
static int
measure_duplex(struct calibration *c, struct bench *b, struct err *e)
{
	const bytes_t bytes = (bytes_t)1 << 26;
	const uint32_t count = 64;
	double rates[REPEATS], us[DIRECTION_COUNT];
	float ms;

	for (int k = 0; k < REPEATS; k++) {
		CUDA_TRY(cudaEventRecord(b->start, b->copy[D2H]), e);
		CUDA_TRY(cudaStreamWaitEvent(b->copy[H2D], b->start, 0), e);
		for (uint32_t n = 0; n < count; n += 4)
			if (bench_copies(b, D2H, bytes, n, 4, e) < 0 || bench_copies(b, H2D, bytes, n, 4, e) < 0)
				return -1;
		for (int dir = 0; dir < DIRECTION_COUNT; dir++)
			CUDA_TRY(cudaEventRecord(b->ends[dir], b->copy[dir]), e);
		for (int dir = 0; dir < DIRECTION_COUNT; dir++) {
			CUDA_TRY(cudaEventSynchronize(b->ends[dir]), e);
			CUDA_TRY(cudaEventElapsedTime(&ms, b->start, b->ends[dir]), e);
			us[dir] = (double)ms * 1e3;
		}
		rates[k] = fit_duplex(bytes * count, us, c->bytes_per_s);
	}
	c->duplex_bytes_per_s = numbers_median(rates, REPEATS);
	return 0;
}

static int
time_pageable(struct calibration *c, struct bench *b, void *memory, struct err *e)
{
	for (int dir = 0; dir < DIRECTION_COUNT; dir++) {
		double times[REPEATS], start;

		for (int k = 0; k < REPEATS; k++) {
			start = clock_seconds();
			if (dir == D2H)
				CUDA_TRY(cudaMemcpy(memory, b->device[dir], PAGEABLE_BYTES, cudaMemcpyDeviceToHost), e);
			else
				CUDA_TRY(cudaMemcpy(b->device[dir], memory, PAGEABLE_BYTES, cudaMemcpyHostToDevice), e);
			CUDA_TRY(cudaDeviceSynchronize(), e);
			times[k] = clock_seconds() - start;
		}
		c->pageable_bytes_per_s[dir] = PAGEABLE_BYTES / numbers_median(times, REPEATS);
	}
	return 0;
}

static int
measure_pageable(struct calibration *c, struct bench *b, struct err *e)
{
	void *memory = malloc(PAGEABLE_BYTES);
	int rc;

	if (memory == NULL)
		return err_set(e, ERR_SYSTEM, "out of memory");
	memset(memory, 1, PAGEABLE_BYTES);
	rc = time_pageable(c, b, memory, e);
	free(memory);
	return rc;
}

int
calibrate_link(struct calibration *c, struct bench *b, struct err *e)
{
	for (int dir = 0; dir < DIRECTION_COUNT; dir++)
		if (measure_curve(c, b, (enum direction)dir, e) < 0)
			return -1;
	return measure_duplex(c, b, e) < 0 ? -1 : measure_pageable(c, b, e);
}

/* ---- the bus ---- */

static void
read_bus(const char *pci, const char *name, char *to, size_t size)
{
	char path[128];
	FILE *in;

	*to = '\0';
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", pci, name);
	in = fopen(path, "r");
	if (in == NULL)
		return;
	if (fgets(to, (int)size, in) != NULL)
		to[strcspn(to, "\n")] = '\0';
	fclose(in);
}

void
calibrate_bus(struct calibration *c)
{
	char text[32];

	c->link_width = c->numa_node = -1;
	if (cudaDeviceGetPCIBusId(c->pci, sizeof(c->pci), 0) != cudaSuccess) {
		cudaGetLastError();
		c->pci[0] = '\0';
		return;
	}
	for (char *p = c->pci; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	read_bus(c->pci, "current_link_speed", c->link_speed, sizeof(c->link_speed));
	read_bus(c->pci, "current_link_width", text, sizeof(text));
	if (text[0] != '\0')
		c->link_width = atoi(text);
	read_bus(c->pci, "numa_node", text, sizeof(text));
	if (text[0] != '\0')
		c->numa_node = atoi(text);
}
