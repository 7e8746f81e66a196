/* SPDX-License-Identifier: Apache-2.0 */
/* cuda_try.c - CUDA's errors in words, the device, device memory and pinned memory */
#include <config.h>
#include "cuda_validate/cuda_try.h"

#include <string.h>
#include <sys/mman.h>

#include "cuda_validate/pattern_cuda.h"
#include "src/base/host_memory.h"

int
cuda_error(const char *call, cudaError_t rc, struct err *e)
{
	int length = (int)strcspn(call, "(");

	return err_set(e, ERR_SYSTEM, "%.*s: %s (%s)", length, call, cudaGetErrorString(rc), cudaGetErrorName(rc));
}

static int
no_driver(struct err *e)
{
	int driver = 0, runtime = 0;

	cudaDriverGetVersion(&driver);
	cudaRuntimeGetVersion(&runtime);
	if (driver == 0)
		return err_set(e, ERR_SYSTEM, "no driver for an NVIDIA GPU is installed; --backend host needs none");
	return err_set(e, ERR_SYSTEM, "the NVIDIA driver is too old: it knows CUDA %d.%d, this program needs %d.%d",
	    driver / 1000, driver % 1000 / 10, runtime / 1000, runtime % 1000 / 10);
}

int
cuda_open(struct cudaDeviceProp *prop, struct err *e)
{
	int count = 0;
	cudaError_t rc = cudaGetDeviceCount(&count);

	if (rc == cudaErrorInsufficientDriver)
		return no_driver(e);
	if (rc == cudaErrorNoDevice || (rc == cudaSuccess && count == 0))
		return err_set(e, ERR_SYSTEM, "there is no CUDA device; --backend host needs none");
	if (rc != cudaSuccess)
		return cuda_error("cudaGetDeviceCount", rc, e);
	CUDA_TRY(cudaSetDevice(0), e);
	CUDA_TRY(cudaGetDeviceProperties(prop, 0), e);
	rc = (cudaError_t)pattern_cuda_nothing(NULL);
	if (rc == cudaErrorNoKernelImageForDevice || rc == cudaErrorInvalidDeviceFunction || rc == cudaErrorUnsupportedPtxVersion)
		return err_set(e, ERR_SYSTEM, "this program has no code for '%s' (compute capability %d.%d): build it with "
		    "NVCCFLAGS=-arch=sm_%d%d", prop->name, prop->major, prop->minor, prop->major, prop->minor);
	if (rc != cudaSuccess)
		return cuda_error("cannot launch a kernel", rc, e);
	CUDA_TRY(cudaDeviceSynchronize(), e);
	return 0;
}

/* Before CUDA 12 the call had other arguments. */
int
cuda_instantiate(cudaGraphExec_t *program, cudaGraph_t graph, struct err *e)
{
#if CUDART_VERSION < 12000
	CUDA_TRY(cudaGraphInstantiate(program, graph, NULL, NULL, 0), e);
#else
	CUDA_TRY(cudaGraphInstantiate(program, graph, 0), e);
#endif
	return 0;
}

int
cuda_take(void **memory, const char *what, bytes_t bytes, bytes_t *got, struct err *e)
{
	char want[32], have[32], lack[32];
	size_t before, after, all;
	cudaError_t rc;

	CUDA_TRY(cudaMemGetInfo(&before, &all), e);
	rc = bytes > before ? cudaErrorMemoryAllocation : cudaMalloc(memory, (size_t)bytes);
	if (rc == cudaErrorMemoryAllocation) {
		cudaGetLastError();
		if (bytes > before)
			return err_set(e, ERR_SYSTEM, "not enough device memory: the %s needs %s, %s are free, %s are missing",
			    what, units_size(want, bytes), units_size(have, before), units_size(lack, bytes - before));
		return err_set(e, ERR_SYSTEM, "not enough device memory in one piece: the %s needs %s of %s that are free",
		    what, units_size(want, bytes), units_size(have, before));
	}
	if (rc != cudaSuccess)
		return cuda_error("cudaMalloc", rc, e);
	CUDA_TRY(cudaMemGetInfo(&after, &all), e);
	*got = before - after;
	return 0;
}

int
cuda_pin(void **memory, bytes_t bytes, struct err *e)
{
	void *p;

	if (host_memory_map(&p, "pinned pool", bytes, e) < 0)
		return -1;
	if (cudaHostRegister(p, (size_t)bytes, cudaHostRegisterPortable | cudaHostRegisterMapped) != cudaSuccess) {
		cudaGetLastError();
		munmap(p, (size_t)bytes);
		return host_memory_missing("pinned pool", bytes, e);
	}
	*memory = p;
	return 0;
}

void
cuda_unpin(void *memory, bytes_t bytes)
{
	cudaHostUnregister(memory);
	munmap(memory, (size_t)bytes);
}

static struct { void *memory; bytes_t bytes; } pool;

int
cuda_pool_take(void **memory, bytes_t bytes, struct err *e)
{
	if (bytes > pool.bytes) {
		cuda_pool_end();
		if (cuda_pin(&pool.memory, bytes, e) < 0)
			return -1;
		pool.bytes = bytes;
	}
	*memory = pool.memory;
	return 0;
}

void
cuda_pool_end(void)
{
	if (pool.memory != NULL)
		cuda_unpin(pool.memory, pool.bytes);
	pool.memory = NULL;
	pool.bytes = 0;
}
