/* SPDX-License-Identifier: Apache-2.0 */
/* backend.h - the table of back ends: memory, queues and copies of one kind of device
 *
 * A back end is one file and one row.  Commands go to the end of an instruction's queue; nothing but `begin`, `record` and
 * `wait` orders queues.
 */
#ifndef PYTORCH_RUNTIME_BACKEND_H
#define PYTORCH_RUNTIME_BACKEND_H
#include "src/documents/plan.h"

/* Queues and events of one program.  Opaque: each back end completes it in its own file. */
struct machine;

/* A program, as a back end sees it. */
struct machine_job {
	const struct plan *plan;
	const bool *signals;	/* [plan->instruction_count] another queue waits for it */
	unsigned char *arena, *pool;
	int32_t device;
};

struct runtime_backend {
	const char *name, *summary;
	int (*take)(void **memory, int32_t device, bool on_host, bytes_t bytes, struct err *e);
	void (*give)(void *memory, int32_t device, bool on_host, bytes_t bytes);
	/* The same in the order of a stream (CUstream), for requests outside of plans. */
	int (*take_in)(void **memory, int32_t device, bytes_t bytes, void *stream, struct err *e);
	void (*give_in)(void *memory, int32_t device, void *stream);
	/* Addresses without memory, for the life of the process. */
	int (*reserve)(void **address, int32_t device, bytes_t bytes, struct err *e);
	int (*move)(void *to, const void *from, int32_t device, bytes_t bytes, struct err *e);
	int (*open)(struct machine **m, const struct machine_job *job, struct arena *a, struct err *e);
	void (*close)(struct machine *m);	/* also after a failed open */
	void *(*stream)(const struct machine *m);
	int (*begin)(struct machine *m, struct err *e);		/* the other queues follow compute ... */
	int (*end)(struct machine *m, struct err *e);		/* ... and compute follows them */
	void (*drain)(struct machine *m);	/* returns when all queues are empty, whatever has failed */
	int (*copy)(struct machine *m, uint32_t instruction, struct err *e);
	int (*record)(struct machine *m, uint32_t instruction, struct err *e);
	int (*wait)(struct machine *m, uint32_t instruction, uint32_t after, struct err *e);
	/* Makes the graph of a captured step faster; NULL: there are no captured steps. */
	int (*tune)(void *graph, int32_t device, uint32_t *changed, struct err *e);
};

extern const struct runtime_backend runtime_host, runtime_cuda;

int runtime_backend_find(const struct runtime_backend **found, const char *name, struct err *e) WARN_UNUSED;

/* The two ends of the copy of an instruction. */
static inline void *
machine_device_end(const struct machine_job *j, const struct instruction *in)
{
	return j->arena + j->plan->buffers[in->device_buffer].offset_bytes + in->at_bytes;
}

static inline void *
machine_host_end(const struct machine_job *j, const struct instruction *in)
{
	return j->pool + j->plan->host[in->host_buffer].offset_bytes + in->at_bytes;
}
#endif
