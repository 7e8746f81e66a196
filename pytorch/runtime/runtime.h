/* SPDX-License-Identifier: Apache-2.0 */
/* runtime.h - executes plans for PyTorch: the interface that Python loads (layrub/runtime.py)
 *
 * The caller owns the ops and this library all else: memory, queues, copies, and the loop over the program.  A program is
 * a plan with an arena and a pool; its step calls back for each run.  Functions that can fail fill error, one line of at
 * most RUNTIME_ERROR bytes.  One thread at a time uses a program.
 */
#ifndef PYTORCH_RUNTIME_RUNTIME_H
#define PYTORCH_RUNTIME_RUNTIME_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RUNTIME_API __attribute__((visibility("default")))
enum { RUNTIME_ERROR = 1536 };

/* A device of a back end: "host", or "cuda" with the number of a GPU. */
struct layrub_torch_device {
	const char *backend;
	int32_t number;
};

/* Counts up when a function or a struct of this header changes. */
RUNTIME_API uint32_t layrub_torch_interface(void);

/* Allocates device memory, or host memory that the device's copies reach (pinned).  NULL: error. */
struct layrub_torch_memory;
RUNTIME_API struct layrub_torch_memory *layrub_torch_memory_take(const struct layrub_torch_device *device, bool on_host, uint64_t bytes,
    char *error);
RUNTIME_API void *layrub_torch_memory_address(const struct layrub_torch_memory *memory);	/* aligned to 256 bytes */
RUNTIME_API void layrub_torch_memory_free(struct layrub_torch_memory *memory);	/* NULL: does nothing */

/* Copies between any two places, in order after all work that is queued on the device; returns when the copy is done. */
RUNTIME_API int layrub_torch_copy(const struct layrub_torch_device *device, void *to, const void *from, uint64_t bytes, char *error);

/* Makes a plan ready from its document.  arena and pool have at least the plan's bytes, and outlive the program; NULL where the
 * plan needs none.  NULL: error. */
struct layrub_torch_program;
RUNTIME_API struct layrub_torch_program *layrub_torch_program_open(const struct layrub_torch_device *device, const char *text,
    size_t size, void *arena, void *pool, char *error);
RUNTIME_API void layrub_torch_program_close(struct layrub_torch_program *program);	/* NULL: does nothing */

/* The stream in which run queues its op (CUstream); NULL: the op is done when run returns. */
RUNTIME_API void *layrub_torch_program_stream(const struct layrub_torch_program *program);

/* Runs the op of an instruction.  Anything but 0 ends the step. */
typedef int layrub_torch_run_fn(uint32_t instruction);

/* Queues one step, and returns when it is queued.  The queues begin after all earlier work of the stream, and the stream's later
 * work begins after the queues.  A step may be captured: nothing in it waits on the host.  0: done; 1: run has ended it; -1:
 * error.  After 1 and -1 all queues are empty, and the contents of memory are not defined. */
RUNTIME_API int layrub_torch_program_step(struct layrub_torch_program *program, layrub_torch_run_fn *run, char *error);

/* Makes a captured graph (CUgraph) faster before it is instantiated: its small fills become kernels.  Returns how many; -1: error, and
 * the graph is as before. */
RUNTIME_API int layrub_torch_graph_tune(const struct layrub_torch_device *device, void *graph, char *error);

/* ---- PyTorch's allocator ---- */

/* The two functions of a CUDAPluggableAllocator.  A request goes to the device, in the order of its stream, unless an answer is
 * planned for it.  Failure raises std::bad_alloc. */
RUNTIME_API void *layrub_torch_alloc(ptrdiff_t bytes, int device, void *stream);
RUNTIME_API void layrub_torch_free(void *memory, ptrdiff_t bytes, int device, void *stream);

/* Names the device of requests outside of plans.  "cuda" before the first call; "host" is for tests. */
RUNTIME_API int layrub_torch_allocator_use(const struct layrub_torch_device *device, char *error);

/* Where requests outside of plans are answered from, as in sources.h.  Returns the source before. */
RUNTIME_API uint32_t layrub_torch_answer_from(uint32_t source);
RUNTIME_API void layrub_torch_trim(void);	/* frees the kept blocks that nobody uses; the device is idle */

/* Bytes with memory that are in use outside of plans. */
RUNTIME_API uint64_t layrub_torch_used_bytes(void);

struct layrub_torch_request {
	void *address;
	uint64_t bytes;
	uint32_t freed;		/* 1: the memory was given back; bytes is then 0 */
};

/* Begins a list of all requests. */
RUNTIME_API void layrub_torch_requests_note(void);
/* Ends the list, and returns it; it is valid until the next call of either function.  *count is UINT32_MAX where memory for the list
 * ran out. */
RUNTIME_API const struct layrub_torch_request *layrub_torch_requests_noted(uint32_t *count);

/* From now on the calling thread's requests get these addresses, in order.  A request of at most 64 bytes that is not the next one
 * gets memory aside: attention makes seeds on the device only while it is captured.  All addresses lie in the arena.  wanted stays
 * the caller's, until layrub_torch_requests_end(). */
RUNTIME_API void layrub_torch_requests_answer(void *arena, uint64_t arena_bytes, const struct layrub_torch_request *wanted,
    uint32_t count);
/* Ends it.  Returns how many requests found no answer of their size, and the bytes of the first one; *left is the number of answers
 * that nobody wanted. */
RUNTIME_API uint32_t layrub_torch_requests_end(uint32_t *left, uint64_t *missed_bytes);
#endif
