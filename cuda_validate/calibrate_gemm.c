/* SPDX-License-Identifier: Apache-2.0 */
/* calibrate_gemm.c - matrix products through cuBLAS
 *
 * cuBLAS is large, no replay needs it, and it may be missing at run time, so only a calibration loads it.
 */
#include <config.h>
#include "cuda_validate/calibrate_private.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdlib.h>

#ifdef HAVE_CUBLAS
#include <cublas_v2.h>

#define TEXT_OF(x) #x
#define VERSION_OF(x) TEXT_OF(x)

typedef cublasStatus_t create_fn(cublasHandle_t *);
typedef cublasStatus_t destroy_fn(cublasHandle_t);
typedef cublasStatus_t set_stream_fn(cublasHandle_t, cudaStream_t);
typedef cublasStatus_t gemm_fn(cublasHandle_t, cublasOperation_t, cublasOperation_t, int, int, int, const void *, const void *,
    cudaDataType, int, const void *, cudaDataType, int, const void *, void *, cudaDataType, int, cublasComputeType_t,
    cublasGemmAlgo_t);

struct gemm {
	void *library;
	cublasHandle_t handle;
	create_fn *create;
	destroy_fn *destroy;
	set_stream_fn *set_stream;
	gemm_fn *run;
};

static const char *const names[] = { "libcublas.so." VERSION_OF(CUBLAS_VER_MAJOR), "libcublas.so", NULL };

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
		find(g, "cublasGemmEx", &g->run);
	}
	if (g->create == NULL || g->destroy == NULL || g->set_stream == NULL || g->run == NULL ||
	    g->create(&g->handle) != CUBLAS_STATUS_SUCCESS) {
		gemm_close(g);
		return NULL;
	}
	g->set_stream(g->handle, stream);
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
	if (g->library != NULL)
		dlclose(g->library);
	free(g);
}

bool
gemm_run(struct gemm *g, enum math math, uint32_t size, const void *a, const void *b, void *to)
{
	static const struct { cudaDataType type; cublasComputeType_t compute; } rows[MATH_COUNT] = {
		[MATH_FLOAT32] = { CUDA_R_32F, CUBLAS_COMPUTE_32F },
		[MATH_TF32] = { CUDA_R_32F, CUBLAS_COMPUTE_32F_FAST_TF32 },
		[MATH_BFLOAT16] = { CUDA_R_16BF, CUBLAS_COMPUTE_32F },
		[MATH_FLOAT16] = { CUDA_R_16F, CUBLAS_COMPUTE_32F }
	};
	const float one = 1, zero = 0;
	const int n = (int)size;

	return g->run(g->handle, CUBLAS_OP_N, CUBLAS_OP_N, n, n, n, &one, a, rows[math].type, n, b, rows[math].type, n, &zero,
	    to, rows[math].type, n, rows[math].compute, CUBLAS_GEMM_DEFAULT) == CUBLAS_STATUS_SUCCESS;
}
#else
struct gemm *
gemm_open(cudaStream_t stream, const char **library)
{
	(void)stream;
	(void)library;
	return NULL;
}

void
gemm_close(struct gemm *g)
{
	(void)g;
}

bool
gemm_run(struct gemm *g, enum math math, uint32_t size, const void *a, const void *b, void *to)
{
	(void)g, (void)math, (void)size, (void)a, (void)b, (void)to;
	return false;
}
#endif
