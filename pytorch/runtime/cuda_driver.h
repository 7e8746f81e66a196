/* SPDX-License-Identifier: Apache-2.0 */
/* cuda_driver.h - the functions of NVIDIA's driver that the runtime calls, found when the first program needs them
 *
 * No file of CUDA's toolkit is needed to build, and no driver to load the library.  Types and values are those of cuda.h;
 * names are those that the driver exports.
 */
#ifndef PYTORCH_RUNTIME_CUDA_DRIVER_H
#define PYTORCH_RUNTIME_CUDA_DRIVER_H
#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"

typedef int cuda_result;		/* CUresult; 0: success */
typedef uint64_t cuda_address;		/* CUdeviceptr */
typedef struct CUctx_st *cuda_context;
typedef struct CUstream_st *cuda_stream;
typedef struct CUevent_st *cuda_event;
typedef struct CUmod_st *cuda_module;
typedef struct CUfunc_st *cuda_function;
typedef struct CUgraph_st *cuda_graph;
typedef struct CUgraphNode_st *cuda_node;
typedef struct CUgraphExec_st *cuda_exec;	/* an instantiated graph */

/* CUDA_MEMSET_NODE_PARAMS_v1 */
struct cuda_fill {
	cuda_address to;
	size_t pitch;
	unsigned value, element_bytes;	/* 1, 2 or 4 */
	size_t width, rows;		/* elements of a row */
};

/* CUDA_KERNEL_NODE_PARAMS_v2 */
struct cuda_kernel {
	cuda_function function;
	unsigned grid[3], block[3], shared_bytes;
	void **arguments, **extra;
	void *kernel;			/* in place of function */
	cuda_context context;		/* NULL: the current one */
};

enum {
	CUDA_OUT_OF_MEMORY = 2,
	CUDA_NOT_READY = 600,
	CUDA_STREAM_NON_BLOCKING = 1,
	CUDA_EVENT_DISABLE_TIMING = 2,
	CUDA_HOST_PORTABLE = 1, CUDA_HOST_DEVICE_MAP = 2,
	CUDA_CAPTURE_RELAXED = 2,
	CUDA_IS_CAPTURING = 1,
	CUDA_AT_LEAST = 0,		/* what a wait for a word waits for */
	CUDA_NODE_FILL = 2,
	CUDA_GPUS = 64			/* of one machine, at most */
};

/* name, exported name, arguments */
#define CUDA_DRIVER(ROW) \
	ROW(init, cuInit, (unsigned flags)) \
	ROW(error_name, cuGetErrorName, (cuda_result rc, const char **name)) \
	ROW(error_text, cuGetErrorString, (cuda_result rc, const char **text)) \
	ROW(device, cuDeviceGet, (int *device, int number)) \
	ROW(context_retain, cuDevicePrimaryCtxRetain, (cuda_context *context, int device)) \
	ROW(context_push, cuCtxPushCurrent_v2, (cuda_context context)) \
	ROW(context_pop, cuCtxPopCurrent_v2, (cuda_context *context)) \
	ROW(context_synchronize, cuCtxSynchronize, (void)) \
	ROW(capture_mode, cuThreadExchangeStreamCaptureMode, (int *mode)) \
	ROW(memory_info, cuMemGetInfo_v2, (size_t *free_bytes, size_t *all_bytes)) \
	ROW(address_reserve, cuMemAddressReserve, \
	    (cuda_address *address, size_t bytes, size_t alignment, cuda_address hint, unsigned long long flags)) \
	ROW(memory_take, cuMemAlloc_v2, (cuda_address *address, size_t bytes)) \
	ROW(memory_give, cuMemFree_v2, (cuda_address address)) \
	ROW(memory_take_in, cuMemAllocAsync, (cuda_address *address, size_t bytes, cuda_stream stream)) \
	ROW(memory_give_in, cuMemFreeAsync, (cuda_address address, cuda_stream stream)) \
	ROW(host_pin, cuMemHostRegister_v2, (void *memory, size_t bytes, unsigned flags)) \
	ROW(host_unpin, cuMemHostUnregister, (void *memory)) \
	ROW(copy, cuMemcpy, (cuda_address to, cuda_address from, size_t bytes)) \
	ROW(copy_out, cuMemcpyDtoHAsync_v2, (void *to, cuda_address from, size_t bytes, cuda_stream stream)) \
	ROW(copy_in, cuMemcpyHtoDAsync_v2, (cuda_address to, const void *from, size_t bytes, cuda_stream stream)) \
	ROW(stream_make, cuStreamCreate, (cuda_stream *stream, unsigned flags)) \
	ROW(stream_wait, cuStreamWaitEvent, (cuda_stream stream, cuda_event event, unsigned flags)) \
	ROW(stream_synchronize, cuStreamSynchronize, (cuda_stream stream)) \
	ROW(stream_query, cuStreamQuery, (cuda_stream stream)) \
	ROW(stream_fill, cuMemsetD32Async, (cuda_address at, unsigned value, size_t words, cuda_stream stream)) \
	ROW(stream_write, cuStreamWriteValue32_v2, (cuda_stream stream, cuda_address at, uint32_t value, unsigned flags)) \
	ROW(stream_await, cuStreamWaitValue32_v2, (cuda_stream stream, cuda_address at, uint32_t value, unsigned flags)) \
	ROW(stream_launch, cuLaunchKernel, \
	    (cuda_function kernel, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x, unsigned block_y, unsigned block_z, \
	    unsigned shared_bytes, cuda_stream stream, void **arguments, void **extra)) \
	ROW(capture_begin, cuStreamBeginCapture_v2, (cuda_stream stream, int mode)) \
	ROW(capture_end, cuStreamEndCapture, (cuda_stream stream, cuda_graph *graph)) \
	ROW(capture_status, cuStreamIsCapturing, (cuda_stream stream, int *status)) \
	ROW(event_make, cuEventCreate, (cuda_event *event, unsigned flags)) \
	ROW(event_end, cuEventDestroy_v2, (cuda_event event)) \
	ROW(event_record, cuEventRecord, (cuda_event event, cuda_stream stream)) \
	ROW(module_load, cuModuleLoadData, (cuda_module *module, const void *source)) \
	ROW(module_function, cuModuleGetFunction, (cuda_function *function, cuda_module module, const char *name)) \
	ROW(graph_nodes, cuGraphGetNodes, (cuda_graph graph, cuda_node *found, size_t *count)) \
	ROW(graph_add_kernel, cuGraphAddKernelNode_v2, \
	    (cuda_node *made, cuda_graph graph, const cuda_node *after, size_t count, const struct cuda_kernel *kernel)) \
	ROW(graph_add_edges, cuGraphAddDependencies, (cuda_graph graph, const cuda_node *from, const cuda_node *to, size_t count)) \
	ROW(graph_make, cuGraphInstantiateWithFlags, (cuda_exec *made, cuda_graph graph, unsigned long long flags)) \
	ROW(graph_launch, cuGraphLaunch, (cuda_exec made, cuda_stream stream)) \
	ROW(graph_end, cuGraphDestroy, (cuda_graph graph)) \
	ROW(exec_end, cuGraphExecDestroy, (cuda_exec made)) \
	ROW(graph_drop_node, cuGraphDestroyNode, (cuda_node node)) \
	ROW(node_type, cuGraphNodeGetType, (cuda_node node, int *type)) \
	ROW(node_fill, cuGraphMemsetNodeGetParams, (cuda_node node, struct cuda_fill *fill)) \
	ROW(node_before, cuGraphNodeGetDependencies, (cuda_node node, cuda_node *found, size_t *count)) \
	ROW(node_after, cuGraphNodeGetDependentNodes, (cuda_node node, cuda_node *found, size_t *count))

struct cuda_driver {
#define ROW(name, exported, arguments) cuda_result (*name) arguments;
	CUDA_DRIVER(ROW)
#undef ROW
};

/* Returns the driver, loaded and started at the first call; NULL: error.  Any thread may call. */
const struct cuda_driver *cuda_driver(struct err *e);

/* Makes the primary context of a GPU, which is PyTorch's, current for the calling thread until cuda_leave(). */
int cuda_enter(const struct cuda_driver *d, int32_t number, struct err *e) WARN_UNUSED;
void cuda_leave(const struct cuda_driver *d);

/* Reports a failed call; returns -1. */
int cuda_failed(const struct cuda_driver *d, const char *call, cuda_result rc, struct err *e);
#define CUDA_CALL(d, name, arguments, e) do { \
	cuda_result rc_ = (d)->name arguments; \
	if (rc_ != 0) \
		return cuda_failed((d), #name, rc_, (e)); \
} while (0)
#endif
