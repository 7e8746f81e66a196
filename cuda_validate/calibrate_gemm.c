/* SPDX-License-Identifier: Apache-2.0 */
/* calibrate_gemm.c - matrix products through cuBLAS
 *
 * cuBLAS is large, no replay needs it, and it may be missing at run time, so only a calibration loads it.  Its header may be missing,
 * too: the few numbers of its interface that are used here are those of versions 11 to 13.
 */
#include <config.h>
#include "cuda_validate/calibrate_private.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdlib.h>

#include <library_types.h>

/* cublasOperation_t, cublasComputeType_t and cublasGemmAlgo_t; a cublasStatus_t of 0 is success. */
enum { OPERATION_NONE = 0, COMPUTE_32F = 68, COMPUTE_32F_FAST_TF32 = 77, ALGORITHM_DEFAULT = -1 };

/* Memory for the products, given to cuBLAS, because it would take new memory in every capture. */
enum { WORKSPACE_BYTES = 1 << 25 };

typedef void *handle;
typedef int create_fn(handle *);
typedef int destroy_fn(handle);
typedef int set_stream_fn(handle, cudaStream_t);
typedef int set_workspace_fn(handle, void *, size_t);
typedef int gemm_fn(handle, int, int, int, int, int, const void *, const void *, cudaDataType, int, const void *, cudaDataType, int,
    const void *, void *, cudaDataType, int, int, int);

struct gemm {
	void *library;
	handle handle;
	void *workspace;
	create_fn *create;
	destroy_fn *destroy;
	set_stream_fn *set_stream;
	set_workspace_fn *set_workspace;
	gemm_fn *run;
};

static const char *const names[] = { "libcublas.so.13", "libcublas.so.12", "libcublas.so.11", "libcublas.so", NULL };

/* POSIX lets a function's address pass through a void *; C does not. */
static void
find(const struct gemm *g, const char *name, void *to)
{
	*(void **)to = dlsym(g->library, name);
}

struct gemm *
gemm_open(cudaStream_t stream, const char **library)
{
	struct gemm *g = calloc(1, sizeof(*g));
	const char *const *name = names;

	if (g == NULL)
		return NULL;
	while (*name != NULL && (g->library = dlopen(*name, RTLD_NOW | RTLD_LOCAL)) == NULL)
		name++;
	if (g->library != NULL) {
		find(g, "cublasCreate_v2", &g->create);
		find(g, "cublasDestroy_v2", &g->destroy);
		find(g, "cublasSetStream_v2", &g->set_stream);
		find(g, "cublasSetWorkspace_v2", &g->set_workspace);
		find(g, "cublasGemmEx", &g->run);
	}
	if (g->create == NULL || g->destroy == NULL || g->set_stream == NULL || g->run == NULL ||
	    g->set_workspace == NULL || g->create(&g->handle) != 0 || g->set_stream(g->handle, stream) != 0 ||
	    cudaMalloc(&g->workspace, WORKSPACE_BYTES) != cudaSuccess || g->set_workspace(g->handle, g->workspace, WORKSPACE_BYTES) != 0) {
		gemm_close(g);
		return NULL;
	}
	*library = *name;
	return g;
}

void
gemm_close(struct gemm *g)
{
	if (g == NULL)
		return;
	if (g->handle != NULL)
		g->destroy(g->handle);
	if (g->workspace != NULL)
		cudaFree(g->workspace);
	if (g->library != NULL)
		dlclose(g->library);
	free(g);
}

bool
gemm_run(struct gemm *g, enum math math, uint32_t size, const void *a, const void *b, void *to)
{
	static const struct { cudaDataType type; int compute; } rows[MATH_COUNT] = {
		[MATH_FLOAT32] = { CUDA_R_32F, COMPUTE_32F },
		[MATH_TF32] = { CUDA_R_32F, COMPUTE_32F_FAST_TF32 },
		[MATH_BFLOAT16] = { CUDA_R_16BF, COMPUTE_32F },
		[MATH_FLOAT16] = { CUDA_R_16F, COMPUTE_32F }
	};
	const float one = 1, zero = 0;
	const int n = (int)size;

	return g->run(g->handle, OPERATION_NONE, OPERATION_NONE, n, n, n, &one, a, rows[math].type, n, b, rows[math].type, n, &zero,
	    to, rows[math].type, n, rows[math].compute, ALGORITHM_DEFAULT) == 0;
}
