/* SPDX-License-Identifier: Apache-2.0 */
/* layrub.h - plan, check and simulate the device memory of a training step
 *
 * A *problem* is a training step (a graph, or a network that is lowered to one) and a device.  A *plan* says where
 * every byte of the step sits in a budget of device memory and what moves when: buffers, places, and a program for
 * three in-order queues.  docs/library.md has an annotated example, docs/formats.md the meaning of every field.
 *
 * Rules.  Functions that return int return 0, or -1 with *error filled (error may be NULL).  No function prints,
 * exits or keeps state between calls.  Data that a function returns belongs to its handle and lives as long as the handle, unless the
 * function says otherwise.  A plan handle is for one thread at a time.  A problem does not change once it is open: any number of
 * threads may plan from it at once, and it may be freed before its plans.  Options that are 0 or NULL are not given;
 * names of policies and the like are those of the command line.
 *
 * Sizes.  A struct that may grow begins with `size`, in bytes.  The caller sets it in each struct that it passes, by the
 * struct's _INIT; the library sets it in each struct that it hands out.  A member that only one side knows counts as 0 in
 * options and is not written in results.  Structs without a size never change.  docs/library.md, "Versions", has the rules.
 * Members that hold a value of an enum are uint32_t.
 */
#ifndef LAYRUB_H
#define LAYRUB_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this header; layrub_version() is that of the library. */
#define LAYRUB_VERSION_MAJOR 0
#define LAYRUB_VERSION_MINOR 1
#define LAYRUB_VERSION_PATCH 0

#if defined __GNUC__
#define LAYRUB_API __attribute__((visibility("default")))
#else
#define LAYRUB_API
#endif

LAYRUB_API const char *layrub_version(void);	/* "0.1.0" */

/* True when a struct that the library handed out has this member: an older library may not know it. */
#define LAYRUB_HAS(pointer, member) \
	((size_t)((const char *)(&(pointer)->member + 1) - (const char *)(pointer)) <= (pointer)->size)

/* ---- errors ---- */

enum layrub_code {
	LAYRUB_OK,
	LAYRUB_BAD_INPUT,	/* a document is malformed or missing */
	LAYRUB_BAD_USAGE,	/* the options are wrong, whatever the document: path names the one on the command line */
	LAYRUB_INFEASIBLE,	/* no plan of this policy fits this budget on this device */
	LAYRUB_UNSOUND,	/* the given plan is not sound, or not made for the problem's graph */
	LAYRUB_SYSTEM	/* memory or I/O of the host */
};

#define LAYRUB_NONE UINT32_MAX	/* no op, no tensor, no buffer, no alternative */

enum { LAYRUB_ERROR_TENSORS = 8 };

/* Filled as far as its size goes; not at all where the size is 0. */
struct layrub_error {
	size_t size;
	uint32_t code;		/* enum layrub_code */
	/* LAYRUB_INFEASIBLE: the reason, as far as it is known.  Ids are positions in the problem's graph. */
	uint32_t op;		/* LAYRUB_NONE: no op in particular */
	uint64_t missing_bytes;	/* of the budget, or of the changed device; 0: not known */
	uint32_t tensor_count;	/* of tensors[] */
	uint32_t tensors[LAYRUB_ERROR_TENSORS];	/* those of the op, the largest first */
	char source[256];	/* the file, or "" */
	char path[256];		/* the place in it ("tensors[12].bytes"), or "" */
	char text[1024];	/* what is wrong, one line */
};
#define LAYRUB_ERROR_INIT { .size = sizeof(struct layrub_error) }

/* Writes "source: path: text" as one line into buffer, shortened to size and ended by NUL.  Returns buffer. */
LAYRUB_API const char *layrub_error_line(const struct layrub_error *error, char *buffer, size_t size);

/* ---- names of policies, documents and the like ---- */

enum layrub_table { LAYRUB_POLICIES, LAYRUB_PLACEMENTS, LAYRUB_LOWERINGS, LAYRUB_REORDERS, LAYRUB_TIMES };

/* Returns the name of row i of a table; NULL: the table has no row i.  Sets *summary to the row's meaning, unless summary is NULL.
 * Row 0 is the default. */
LAYRUB_API const char *layrub_row(enum layrub_table table, unsigned i, const char **summary);

enum layrub_shelf { LAYRUB_NETWORKS, LAYRUB_GRAPHS, LAYRUB_DEVICES };

/* The names of the installed documents, sorted.  The command looks in the same places (docs/command-line.md, "Names"). */
struct layrub_names {
	size_t size;
	size_t count;
	const char *const *names;	/* [count] */
};
LAYRUB_API struct layrub_names *layrub_names_find(enum layrub_shelf shelf, struct layrub_error *error);	/* NULL: error */
LAYRUB_API void layrub_names_free(struct layrub_names *names);	/* NULL: does nothing */

/* ---- graphs ---- */

enum layrub_kind {	/* the first four are persistent: alive before and after the step */
	LAYRUB_PARAMETER, LAYRUB_STATE, LAYRUB_OPTIMIZER, LAYRUB_INPUT, LAYRUB_ACTIVATION, LAYRUB_GRADIENT
};
enum layrub_phase { LAYRUB_FORWARD, LAYRUB_BACKWARD, LAYRUB_UPDATE };

struct layrub_tensor {
	uint64_t bytes;
	uint32_t kind;		/* enum layrub_kind */
};

struct layrub_op {
	const char *name;
	const char *layer;	/* NULL: none */
	uint32_t phase;		/* enum layrub_phase */
	uint32_t input_count, output_count;
	const uint32_t *inputs;	/* [input_count] tensor ids */
	const uint32_t *outputs;	/* [output_count] tensor ids */
	uint64_t workspace_bytes;
	double time_us;
	bool recomputable;
};

/* One training step; ids are positions. */
struct layrub_graph {
	size_t size;
	const char *name;
	uint32_t tensor_count, op_count;
	const struct layrub_tensor *tensors;	/* [tensor_count] */
	const struct layrub_op *ops;	/* [op_count] in execution order */
};

/* ---- problems ---- */

struct layrub_problem_options {
	size_t size;
	const char *device;	/* required: a name or a file ... */
	const char *device_text;	/* ... or the text of a device document; messages then call it by `device` */
	const char *lowering;	/* of a network */
	const char *times;	/* of a graph */
	const char *reorder;
	uint32_t batch;		/* of a network; 0: its own */
	uint32_t gpus_per_link;	/* number of GPUs on the same link; 0 or 1: the link is not shared */
};
#define LAYRUB_PROBLEM_OPTIONS_INIT { .size = sizeof(struct layrub_problem_options) }

struct layrub_needs {
	size_t size;
	uint32_t batch;			/* 0: a graph */
	bool foreign_times;		/* the graph's op times were measured on another device than this one */
	uint64_t device_bytes;		/* the largest budget: the device's memory minus the reserved bytes */
	uint64_t peak_bytes;		/* of the step with everything resident */
	uint64_t persistent_bytes;
	uint64_t bound_bytes;		/* no plan needs less ... */
	uint64_t resident_bound_bytes;	/* ... and no plan that keeps all persistent tensors on the device needs less than this */
	uint32_t peak_op, bound_op, resident_bound_op;
	double ideal_time_us;		/* the sum of the op times */
};

struct layrub_problem;

/* Opens the document in a file, or the installed document of that name; "-" is standard input.  NULL: error. */
LAYRUB_API struct layrub_problem *layrub_problem_open(const char *name, const struct layrub_problem_options *options,
    struct layrub_error *error);
/* Opens a document in memory. */
LAYRUB_API struct layrub_problem *layrub_problem_parse(const char *text, size_t size, const struct layrub_problem_options *options,
    struct layrub_error *error);
LAYRUB_API void layrub_problem_free(struct layrub_problem *problem);	/* NULL: does nothing */

LAYRUB_API const struct layrub_graph *layrub_problem_graph(const struct layrub_problem *problem);
LAYRUB_API const struct layrub_needs *layrub_problem_needs(const struct layrub_problem *problem);

/* ---- plans ---- */

struct layrub_plan_options {
	size_t size;
	const char *policy;	/* default: hybrid */
	const char *placement;	/* default: auto */
	/* At most one of these four; none: device_bytes of struct layrub_needs. */
	uint64_t budget_bytes;
	double budget_percent;	/* of the step's own peak */
	double slowdown_percent;	/* find the smallest budget whose step is at most this much longer than the ideal time */
	bool minimise_memory;	/* find the smallest budget that has a plan */
	/* These end searches early.  The result is the best plan so far; LAYRUB_INFEASIBLE: the search has found none. */
	double time_limit_s;	/* seconds; 0: none */
	uint32_t threads;	/* 0: as OpenMP decides */
	bool (*stopped)(void *user);	/* called now and then, from any thread; true ends the search */
	void (*progress)(void *user, const char *line);	/* called now and then, by the calling thread, with the state of the search */
	void *user;		/* the first argument of both */
};
#define LAYRUB_PLAN_OPTIONS_INIT { .size = sizeof(struct layrub_plan_options) }

struct layrub_plan;

/* Plans, checks and simulates.  NULL: error.  LAYRUB_INFEASIBLE: no plan fits; if one op alone exceeds the budget, the error has the op and
 * its tensors. */
LAYRUB_API struct layrub_plan *layrub_plan_make(struct layrub_problem *problem, const struct layrub_plan_options *options,
    struct layrub_error *error);
/* Reads a plan, sound or not, from a file or from memory.  NULL: error. */
LAYRUB_API struct layrub_plan *layrub_plan_read(const char *path, struct layrub_error *error);
LAYRUB_API struct layrub_plan *layrub_plan_parse(const char *text, size_t size, struct layrub_error *error);
/* Writes the whole file or none: an older file of that name stays until the new one is complete.  "-" is standard output. */
LAYRUB_API int layrub_plan_write(const struct layrub_plan *plan, const char *path, struct layrub_error *error);
/* Returns the document's text, ended by NUL, for the caller to free().  NULL: error. */
LAYRUB_API char *layrub_plan_text(const struct layrub_plan *plan, size_t *size, struct layrub_error *error);
LAYRUB_API void layrub_plan_free(struct layrub_plan *plan);	/* NULL: does nothing */

/* Returns 0 if the plan is sound for any timing and, unless problem is NULL, made for that problem's graph.  LAYRUB_UNSOUND: the error names
 * the place of the fault. */
LAYRUB_API int layrub_plan_check(struct layrub_plan *plan, const struct layrub_problem *problem, struct layrub_error *error);

/* ---- walking a plan ---- */

enum layrub_queue { LAYRUB_COMPUTE, LAYRUB_OUT, LAYRUB_IN };	/* run an op; offload to the host; fetch from it */
enum { LAYRUB_QUEUES = 3 };

/* A stretch of the arena, or of the pinned host pool, that holds one tensor for one live range. */
struct layrub_buffer {
	uint32_t tensor;	/* LAYRUB_NONE: a workspace */
	uint64_t offset_bytes, bytes;
};

/* The place of a persistent tensor before or after the step. */
struct layrub_place {
	uint32_t tensor;
	bool on_host;
	uint32_t buffer;	/* in host_buffers when on_host, else in buffers */
};

/* Instructions of one queue run in list order; each waits for those in `after`, all earlier ones of other queues. */
struct layrub_instruction {
	uint32_t queue;		/* enum layrub_queue */
	uint32_t after_count;
	const uint32_t *after;	/* [after_count] instruction ids */
	/* LAYRUB_COMPUTE */
	uint32_t op;
	uint32_t read_count, write_count;
	const uint32_t *reads;	/* [read_count] buffers: reads[i] holds the op's inputs[i] */
	const uint32_t *writes;	/* [write_count] buffers: writes[j] holds its outputs[j] */
	uint32_t workspace;	/* a buffer, or LAYRUB_NONE */
	uint32_t alternative;	/* another algorithm of the op's document, or LAYRUB_NONE */
	/* LAYRUB_OUT: buffer to host_buffer; LAYRUB_IN: host_buffer to buffer */
	uint32_t buffer, host_buffer;
	uint64_t at_bytes, bytes;	/* the part of the tensor that moves */
};

struct layrub_program {
	size_t size;
	const char *policy, *placement, *options, *tool, *status;	/* the origin of the plan */
	const char *device;	/* its name */
	uint64_t arena_bytes, host_bytes;	/* to allocate: one stretch on the device, one of pinned memory */
	uint32_t buffer_count, host_buffer_count, initial_count, final_count, instruction_count;
	const struct layrub_buffer *buffers;		/* [buffer_count] */
	const struct layrub_buffer *host_buffers;	/* [host_buffer_count] */
	const struct layrub_place *initial_places;	/* [initial_count] before the step */
	const struct layrub_place *final_places;	/* [final_count] after it */
	const struct layrub_instruction *instructions;	/* [instruction_count] */
};

LAYRUB_API const struct layrub_graph *layrub_plan_graph(const struct layrub_plan *plan);
LAYRUB_API const struct layrub_program *layrub_plan_program(const struct layrub_plan *plan);

/* ---- figures ---- */

/* The figures of `layrub plan --json`.  overhead = step_time_us / ideal_time_us - 1. */
struct layrub_figures {
	size_t size;
	uint64_t budget_bytes, arena_bytes, peak_bytes, host_bytes;
	uint64_t bound_bytes, resident_bound_bytes;
	uint64_t offload_bytes, fetch_bytes;
	double ideal_time_us, step_time_us, stall_time_us, recompute_time_us;
	double bound_time_us;		/* no plan at this budget is faster; 0: not known */
	/* 0 before a simulation: */
	uint64_t occupancy_bytes, host_occupancy_bytes;	/* the most that is in use at once, over simulated time */
	double busy_us[LAYRUB_QUEUES];
};
#define LAYRUB_FIGURES_INIT { .size = sizeof(struct layrub_figures) }

/* The figures that the plan states.  The one error is a size of 0. */
LAYRUB_API int layrub_plan_figures(const struct layrub_plan *plan, struct layrub_figures *figures, struct layrub_error *error);

/* A changed machine.  A member that is 0 or NULL changes nothing. */
struct layrub_change {
	size_t size;
	const char *device, *device_text;	/* this device's link, contention and memory; op times stay */
	uint32_t gpus_per_link;		/* number of GPUs that share the link */
	double h2d_bytes_per_s, d2h_bytes_per_s, duplex_bytes_per_s;
	double latency_us;		/* of a copy */
	double compute_scale;		/* factor by which compute is faster */
};
#define LAYRUB_CHANGE_INIT { .size = sizeof(struct layrub_change) }

struct layrub_span { double start_us, end_us; };

/* Simulates one step.  change NULL: on the plan's own device.  spans: NULL, or the caller's [instruction_count], filled with the start and
 * the end of each instruction.  LAYRUB_UNSOUND: the plan is not sound.  LAYRUB_INFEASIBLE: it does not fit on the changed device. */
LAYRUB_API int layrub_plan_simulate(struct layrub_plan *plan, const struct layrub_change *change, struct layrub_figures *figures,
    struct layrub_span *spans, struct layrub_error *error);

#ifdef __cplusplus
}
#endif
#endif
