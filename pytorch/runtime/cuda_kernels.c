/* SPDX-License-Identifier: Apache-2.0 */
/* cuda_kernels.c - kernels as text of NVIDIA's virtual machine, for all GPUs from Pascal on */
#include <config.h>
#include "pytorch/runtime/cuda_kernels.h"

#include <pthread.h>

#define ROW(name, exported) exported,
static const char *const exported_names[] = { CUDA_KERNELS(ROW) };
#undef ROW

static const char source[] =
    ".version 6.4\n"
    ".target sm_60\n"
    ".address_size 64\n"
    ".visible .entry layrub_fill(.param .u64 at, .param .u32 value, .param .u32 words)\n"
    "{\n"
    "	.reg .pred beyond;\n"
    "	.reg .b32 block, size, word, count, value_;\n"
    "	.reg .b64 base, place;\n"
    "	mov.u32 block, %ctaid.x;\n"
    "	mov.u32 size, %ntid.x;\n"
    "	mov.u32 word, %tid.x;\n"
    "	mad.lo.u32 word, block, size, word;\n"
    "	ld.param.u32 count, [words];\n"
    "	setp.ge.u32 beyond, word, count;\n"
    "	@beyond ret;\n"
    "	ld.param.u64 base, [at];\n"
    "	ld.param.u32 value_, [value];\n"
    "	cvta.to.global.u64 base, base;\n"
    "	mul.wide.u32 place, word, 4;\n"
    "	add.s64 place, base, place;\n"
    "	st.global.u32 [place], value_;\n"
    "	ret;\n"
    "}\n"
    ".visible .entry layrub_raise(.param .u64 at, .param .u32 value)\n"
    "{\n"
    "	.reg .b64 place;\n"
    "	.reg .b32 value_;\n"
    "	ld.param.u64 place, [at];\n"
    "	ld.param.u32 value_, [value];\n"
    "	cvta.to.global.u64 place, place;\n"
    "	membar.sys;\n"
    "	st.volatile.global.u32 [place], value_;\n"
    "	ret;\n"
    "}\n"
    ".visible .entry layrub_await(.param .u64 at, .param .u32 value)\n"
    "{\n"
    "	.reg .pred early;\n"
    "	.reg .b64 place;\n"
    "	.reg .b32 value_, now;\n"
    "	ld.param.u64 place, [at];\n"
    "	ld.param.u32 value_, [value];\n"
    "	cvta.to.global.u64 place, place;\n"
    "again:\n"
    "	ld.volatile.global.u32 now, [place];\n"
    "	setp.lt.u32 early, now, value_;\n"
    "	@early bra again;\n"
    "	membar.sys;\n"
    "	ret;\n"
    "}\n";

static cuda_function loaded[CUDA_GPUS][CUDA_KERNEL_COUNT];
static bool is_loaded[CUDA_GPUS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int
load(const struct cuda_driver *d, int32_t device, struct err *e)
{
	cuda_module module;

	if (is_loaded[device])
		return 0;
	CUDA_CALL(d, module_load, (&module, source), e);
	for (int k = 0; k < CUDA_KERNEL_COUNT; k++)
		CUDA_CALL(d, module_function, (&loaded[device][k], module, exported_names[k]), e);
	is_loaded[device] = true;
	return 0;
}

int
cuda_kernels(const struct cuda_driver *d, int32_t device, const cuda_function **kernels, struct err *e)
{
	int rc;

	pthread_mutex_lock(&lock);
	rc = load(d, device, e);
	pthread_mutex_unlock(&lock);
	*kernels = loaded[device];
	return rc;
}
