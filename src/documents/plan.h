/* SPDX-License-Identifier: Apache-2.0 */
/* plan.h - the place of every byte of a step, and a program for three queues
 *
 * A plan is plain data that needs no other file; docs/formats.md describes the document.  The reader makes sure that ids and
 * array lengths are in range, so that an executor may index with them.  sim/check/check.h decides whether the plan is sound.
 */
#ifndef SRC_DOCUMENTS_PLAN_H
#define SRC_DOCUMENTS_PLAN_H
#include <math.h>

#include "src/documents/device.h"
#include "src/documents/graph.h"

enum { PLAN_VERSION = 2 };	/* of the "layrub-plan" document: the newest that is read */
#define PLAN_NONE UINT32_MAX	/* no buffer, no tensor, no alternative */

/* Time and workspace of a run of op o by one of its alternatives; PLAN_NONE: by its own algorithm. */
static inline double
op_time_us(const struct op *o, uint32_t alternative)
{
	return alternative == PLAN_NONE ? o->time_us : o->alternatives[alternative].time_us;
}

static inline bytes_t
op_workspace_bytes(const struct op *o, uint32_t alternative)
{
	return alternative == PLAN_NONE ? o->workspace_bytes : o->alternatives[alternative].workspace_bytes;
}

/* QUEUE_OUT is D2H + 1, and QUEUE_IN is H2D + 1. */
enum queue { QUEUE_COMPUTE, QUEUE_OUT, QUEUE_IN, QUEUE_COUNT };
extern const char *const queue_names[QUEUE_COUNT + 1];	/* "compute" "out" "in" */
extern const char *const action_names[QUEUE_COUNT + 1];	/* "run" "offload" "fetch", the action of each queue */

/* A stretch of the arena, or of the pinned host pool, that holds one tensor for one live range (PLAN_NONE: a workspace). */
struct buffer {
	uint32_t tensor;
	bytes_t offset_bytes, bytes;
};

/* The place of a persistent tensor before or after the step, or of a result after it. */
struct place {
	uint32_t tensor;
	bool on_host;
	uint32_t buffer;	/* id in buffers, or in host if on_host */
};

struct instruction {
	enum queue queue;
	/* run */
	uint32_t op;
	const uint32_t *reads;	/* [op's input_count] buffer ids */
	const uint32_t *writes;	/* [op's output_count] buffer ids */
	uint32_t workspace;	/* buffer id or PLAN_NONE */
	uint32_t alternative;	/* index or PLAN_NONE */
	/* offload: device buffer to host buffer; fetch: host buffer to device buffer */
	uint32_t device_buffer, host_buffer;
	bytes_t at_bytes, bytes;	/* the part of the tensor that moves */
	/* all */
	uint32_t after_count;
	const uint32_t *after;	/* [after_count] earlier instructions of other queues */
};

/* Figures that follow from the plan without timing; the checker calculates them again. */
struct plan_figures {
	bytes_t peak_bytes, offload_bytes, fetch_bytes;
	bytes_t bound_bytes, resident_bound_bytes;
};

/* The simulator's figures when the plan was made. */
struct plan_predicted {
	double ideal_time_us, step_time_us, stall_time_us, recompute_time_us;
};

struct plan {
	const struct graph *graph;	/* not owned */
	const struct device *device;	/* not owned */
	const char *tool;		/* "layrub 0.1" */
	const char *policy, *placement, *options;
	const char *found_by;		/* another policy whose schedule was the fastest; NULL: the schedule is `policy`'s own */
	const char *configuration;	/* of the search that found the schedule: "share=0.8 hold=0.1"; NULL: none */
	const char *status;		/* "optimal", "gap", "time-limit" or "heuristic" */
	uint32_t batch;			/* of the network that was lowered; 0: the input was a graph */
	bytes_t arena_bytes, host_bytes, budget_bytes;
	double bound_time_us;		/* 0: none known */
	struct plan_figures figures;
	struct plan_predicted predicted;
	uint32_t buffer_count, host_count, initial_count, final_count, instruction_count;
	struct buffer *buffers;		/* [buffer_count] device arena */
	struct buffer *host;		/* [host_count] pinned host pool */
	struct place *initial;		/* [initial_count] one for each persistent tensor, by id */
	struct place *final;		/* [final_count] one for each persistent tensor and each result, by id */
	struct instruction *program;	/* [instruction_count] */
};

/* Returns predicted step time / ideal time - 1: 0 if the step takes no time, INFINITY if only the ideal one takes none. */
static inline double
plan_overhead(const struct plan *p)
{
	double ideal = p->predicted.ideal_time_us, step = p->predicted.step_time_us;

	return ideal > 0 ? step / ideal - 1 : step > 0 ? INFINITY : 0;
}

/* A copy that shares the graph, the device, and the texts that outlive a search: all but the configuration. */
void plan_copy(struct plan *to, const struct plan *from, struct arena *a);

/* Reads a "layrub-plan" with the graph and the device in it.  Their digests must agree with the file's. */
int plan_read(struct plan *p, const char *path, struct arena *a, struct err *e) WARN_UNUSED;
struct json_source;
int plan_read_from(struct plan *p, const struct json_source *s, struct arena *a, struct err *e) WARN_UNUSED;
int plan_write(const struct plan *p, const char *path, struct arena *a, struct err *e) WARN_UNUSED;
/* The same into a stream; its caller checks for write errors. */
void plan_write_to(const struct plan *p, FILE *out, struct arena *a);
#endif
