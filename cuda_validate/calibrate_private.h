/* SPDX-License-Identifier: Apache-2.0 */
/* calibrate_private.h - the measured values of a machine, and the buffers and streams of the measurements */
#ifndef CUDA_VALIDATE_CALIBRATE_PRIVATE_H
#define CUDA_VALIDATE_CALIBRATE_PRIVATE_H
#include <stdbool.h>

#include "cuda_validate/cuda_try.h"
#include "src/documents/device.h"

enum { LOADED_FIRST = 16, LOADED_LAST = 28, LOADED_POINTS = LOADED_LAST - LOADED_FIRST + 1 };	/* 64 KiB to 256 MiB */
enum { CURVE_FIRST = 12, CURVE_LAST = 30, CURVE_POINTS = CURVE_LAST - CURVE_FIRST + 1 };	/* 4 KiB to 1 GiB */
#define BENCH_BYTES ((bytes_t)1 << CURVE_LAST)

/* Kinds of kernels that keep compute busy. */
enum load { LOAD_PRODUCT, LOAD_ATTENTION, LOAD_MEMORY, LOAD_COUNT };
extern const char *const load_names[LOAD_COUNT];

/* Copies beside one kind of kernel. */
struct beside {
	bool measured;						/* false: the kernel cannot run here */
	struct curve_point curve[DIRECTION_COUNT][LOADED_POINTS];	/* one way at a time */
	double duplex_bytes_per_s[LOADED_POINTS];		/* both ways at once, together */
};

struct calibration {
	struct cudaDeviceProp prop;
	size_t memory_bytes, used_bytes;			/* used: by the context */
	struct curve_point curve[DIRECTION_COUNT][CURVE_POINTS];
	double latency_us[DIRECTION_COUNT], bytes_per_s[DIRECTION_COUNT];
	double pageable_bytes_per_s[DIRECTION_COUNT];
	double duplex_bytes_per_s;
	double memory_bytes_per_s;				/* read and written by a kernel */
	double flops[MATH_COUNT];				/* of a large product; 0: not measured */
	const char *gemm_library;				/* NULL: cuBLAS was not found */
	struct beside beside[LOAD_COUNT];
	double launch_us, wait_us;
	double memory_gap_us, compute_gap_us;			/* what a launch costs less inside a captured step, by kind of kernel */
	bytes_t process_bytes;					/* in use on the device, less the measurements' own buffers */
	double compute_contention, memory_contention;		/* time factors while both directions copy */
	char pci[32], link_speed[32];				/* "0000:65:00.0", "32.0 GT/s PCIe"; "": not readable */
	int link_width, numa_node;				/* -1: not readable */
};

/* Buffers, streams and events that all measurements use. */
struct bench {
	void *device[DIRECTION_COUNT], *host[DIRECTION_COUNT];	/* BENCH_BYTES each */
	cudaStream_t compute, copy[DIRECTION_COUNT];
	cudaEvent_t start, end, ends[DIRECTION_COUNT], mark, busy;
	bytes_t taken_bytes;					/* by device[], as the driver counts */
	struct gemm *gemm;					/* NULL: no cuBLAS */
};

/* Queues copies number first .. first + count - 1 of `bytes` each on a direction's stream, with an event behind each as in a replay.
 * The number says which part of the buffers is copied, so that caches do not help. */
int bench_copies(struct bench *b, enum direction dir, bytes_t bytes, uint32_t first, uint32_t count, struct err *e) WARN_UNUSED;

/* Work on the compute stream, repeated count times. */
struct bench_load {
	enum load load;
	enum math math;		/* of a product */
	uint32_t count;
};
int bench_load(struct bench *b, const struct bench_load *l, struct err *e) WARN_UNUSED;

/* Fills device[H2D] and host[H2D] with random matrices of a type, so that copies to the device leave them as they are. */
int bench_matrices(struct bench *b, enum math math, struct err *e) WARN_UNUSED;

/* Returns the math type of the fastest product; MATH_COUNT: none ran. */
enum math bench_fastest(const struct calibration *c);

/* Copies of one size. */
struct copying { bytes_t bytes; uint32_t count; };

int calibrate_link(struct calibration *c, struct bench *b, struct err *e) WARN_UNUSED;
int calibrate_compute(struct calibration *c, struct bench *b, struct err *e) WARN_UNUSED;
int calibrate_beside(struct calibration *c, struct bench *b, struct err *e) WARN_UNUSED;
int calibrate_queues(struct calibration *c, struct bench *b, struct err *e) WARN_UNUSED;
void calibrate_bus(struct calibration *c);

/* Loads cuBLAS at run time; NULL without it. */
struct gemm *gemm_open(cudaStream_t stream, const char **library);
void gemm_close(struct gemm *g);
/* Queues one product of size x size matrices; false: cuBLAS refused. */
bool gemm_run(struct gemm *g, enum math math, uint32_t size, const void *a, const void *b, void *to);
#endif
