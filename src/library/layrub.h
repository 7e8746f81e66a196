/* SPDX-License-Identifier: Apache-2.0 */
/* layrub.h - plan, check and simulate the device memory of a training step
 *
 * A *problem* is a training step (a graph, or a network that is lowered to one) and a device.  A *plan* says where
 * every byte of the step sits in a budget of device memory and what moves when: buffers, places, and a program for
 * three in-order queues.  docs/library.md has annotated examples, docs/formats.md the meaning of every field.
 *
 * Rules.  Functions that return int return 0, or -1 with *error filled (error may be NULL).  No function prints,
 * exits or keeps state between calls.  Data that a function returns belongs to its handle and lives as long as the handle, unless the
 * function says otherwise.  A problem and a plan do not change once they are made: any number of threads may use one at once.  A
 * problem may be freed before its plans.  Options that are 0 or NULL are not given; names of policies and the like are those of the
 * command line.  Arrays and strings that a caller passes are copied.
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
#define LAYRUB_VERSION_MAJOR 1
#define LAYRUB_VERSION_MINOR 0
#define LAYRUB_VERSION_PATCH 0

#if defined __GNUC__
#define LAYRUB_API __attribute__((visibility("default")))
#else
#define LAYRUB_API
#endif

LAYRUB_API const char *layrub_version(void);	/* "1.0.0" */

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

/* ---- graphs: in and out ---- */

/* The first four are persistent: alive before and after the step.  A result is made by the step and read after it. */
enum layrub_kind {
	LAYRUB_PARAMETER, LAYRUB_STATE, LAYRUB_OPTIMIZER, LAYRUB_INPUT, LAYRUB_ACTIVATION, LAYRUB_GRADIENT, LAYRUB_RESULT
};
enum layrub_phase { LAYRUB_FORWARD, LAYRUB_BACKWARD, LAYRUB_UPDATE };

/* The class of an op: which rates of a device hold for it. */
enum layrub_class {
	LAYRUB_CLASS_BY_NAME,	/* only in: the class that the op's name and phase say, PyTorch's names or a lowering's */
	LAYRUB_CONV, LAYRUB_LINEAR, LAYRUB_NORM, LAYRUB_ACTIVATION_OP, LAYRUB_POOL, LAYRUB_ELEMENTWISE, LAYRUB_ATTENTION,
	LAYRUB_EMBEDDING, LAYRUB_LOSS, LAYRUB_UPDATE_OP, LAYRUB_COPY, LAYRUB_OTHER
};

/* Whether an op may run again. */
enum layrub_recomputable {
	LAYRUB_RECOMPUTABLE_DEFAULT,	/* only in: yes in phases forward and backward, unless the op writes a persistent tensor */
	LAYRUB_RECOMPUTABLE_NO,		/* a random op, for example */
	LAYRUB_RECOMPUTABLE_YES
};

enum layrub_math { LAYRUB_FLOAT32, LAYRUB_TF32, LAYRUB_BFLOAT16, LAYRUB_FLOAT16 };

#define LAYRUB_UNKNOWN_TIME (-1.0)	/* of an op, only in: the roofline of the problem's device estimates the time */

struct layrub_tensor {
	uint64_t bytes;		/* may be 0 */
	uint32_t kind;		/* enum layrub_kind */
};

/* A permission: tensor output may take over the bytes of tensor input in the same run of the op. */
struct layrub_inplace { uint32_t input, output; };

/* Another algorithm for the same op. */
struct layrub_alternative {
	uint64_t workspace_bytes;
	double time_us;
};

struct layrub_op {
	const char *name;
	const char *layer;	/* NULL: none */
	const char *source;	/* "model.py:12", the user's line that the op comes from; NULL: not known */
	uint32_t phase;		/* enum layrub_phase */
	uint32_t op_class;	/* enum layrub_class */
	uint32_t recomputable;	/* enum layrub_recomputable */
	uint32_t input_count, output_count, inplace_count, alternative_count;
	const uint32_t *inputs;	/* [input_count] tensor ids, repeats allowed */
	const uint32_t *outputs;	/* [output_count] tensor ids, distinct; one that is also an input is written in place */
	const struct layrub_inplace *inplace;	/* [inplace_count] */
	const struct layrub_alternative *alternatives;	/* [alternative_count] */
	uint64_t workspace_bytes;
	double time_us;		/* on the device, launch included; LAYRUB_UNKNOWN_TIME: not measured */
	bool estimated;		/* time_us was not measured: a problem's device gives it, in place of the number that is in time_us */
	/* The work, for estimates. */
	uint32_t math;		/* enum layrub_math */
	double flops;		/* 0: none, or not known */
	uint64_t memory_bytes;	/* read and written; 0: the bytes of its operands, each once */
};

/* One training step; ids are positions. */
struct layrub_graph {
	size_t size;
	const char *name;
	const char *source;	/* where it comes from; NULL: not known */
	uint32_t tensor_count, op_count;
	const struct layrub_tensor *tensors;	/* [tensor_count] */
	const struct layrub_op *ops;	/* [op_count] in execution order */
	/* The whole step as it was measured; 0 and NULL: it was not. */
	const char *measured_device;	/* the driver's name for the GPU */
	double measured_step_time_us;
	uint64_t measured_peak_bytes, measured_resident_bytes;
	/* [tensor_count] the names by which other graphs have the same tensors, each or NULL; NULL: none has one. */
	const char *const *tensor_names;
};
#define LAYRUB_GRAPH_INIT { .size = sizeof(struct layrub_graph) }

/* ---- devices: in and out ---- */

/* Arrays by class and by math type have room for later ones; elements that are no class and no math type are 0. */
enum { LAYRUB_CLASS_ROOM = 16, LAYRUB_MATH_ROOM = 8 };

enum layrub_direction { LAYRUB_D2H, LAYRUB_H2D };	/* device to host, an offload; host to device, a fetch */
enum { LAYRUB_DIRECTIONS = 2 };

/* A measured transfer.  Sizes and times of a curve rise. */
struct layrub_curve_point { uint64_t bytes; double time_us; };

struct layrub_link {
	double latency_us, bytes_per_s;	/* without a curve, a transfer takes latency + bytes / rate */
	uint32_t point_count, loaded_count;
	const struct layrub_curve_point *points;	/* [point_count] */
	const struct layrub_curve_point *loaded;	/* [loaded_count] measured while compute is busy */
};

/* The efficiency of one kernel, where that of its class is wrong. */
struct layrub_kernel {
	const char *name;	/* of a lowered op: "max-pool-backward" */
	double flops, memory;	/* shares of at most 1; 0: the class's */
};

/* Passes of a convolution; BACKWARD is filter and data in one op. */
enum layrub_conv_pass { LAYRUB_CONV_FORWARD, LAYRUB_CONV_BACKWARD, LAYRUB_CONV_BACKWARD_FILTER, LAYRUB_CONV_BACKWARD_DATA };

/* A rule for the workspace of convolutions (docs/formats.md, "conv_workspace"). */
struct layrub_conv_rule {
	uint32_t pass;		/* enum layrub_conv_pass */
	uint32_t math;		/* enum layrub_math */
	bool pointwise;		/* only 1 x 1 kernels of stride 1 */
	uint32_t pixel_multiple;	/* 0 or 1: any image */
	double input, output, weight;	/* factors on the bytes of each */
	double weight_per_sample;	/* factor on the weight's bytes times the batch */
	uint64_t fixed_bytes;
};

#define LAYRUB_UNLIMITED UINT64_MAX

/* A "layrub-device" document as a struct; docs/formats.md has the meaning and the range of each value.  In an array by class, in,
 * element LAYRUB_CLASS_BY_NAME is the value of the classes whose element is 0; out, this element is 0 and every class has its value. */
struct layrub_device {
	size_t size;
	const char *name;
	const char *gpu;		/* the driver's name for it: "NVIDIA H200" */
	const char *source;		/* of the numbers: a measurement, or a datasheet */
	uint64_t memory_bytes;		/* all, as the driver reports it */
	uint64_t reserved_bytes;	/* taken by the driver's context and by libraries */
	uint64_t process_bytes;		/* what a process takes beside its arena; 0: not known */
	uint64_t pinned_bytes;		/* the most host memory that a plan may pin; 0: none; LAYRUB_UNLIMITED: no limit */
	double flops[LAYRUB_MATH_ROOM];	/* peak FLOP/s by enum layrub_math; 0: not supported */
	double memory_bytes_per_s;
	double launch_us;		/* added to the time of each op */
	double flop_efficiency[LAYRUB_CLASS_ROOM];	/* share of flops that is reached, by enum layrub_class */
	double memory_efficiency[LAYRUB_CLASS_ROOM];	/* share of the bandwidth that is reached */
	double contention[LAYRUB_CLASS_ROOM];	/* time factor >= 1 of an op while both directions copy */
	double captured_gap_us[LAYRUB_CLASS_ROOM];	/* by which an op takes less inside a captured step */
	struct layrub_link link[LAYRUB_DIRECTIONS];
	double duplex_bytes_per_s;	/* both directions together */
	double wait_us;			/* of one queue for an event of another; 0: not known */
	uint32_t copy_engines;		/* 1: one transfer at a time, either way; 2: one each way */
	uint32_t multiprocessors;	/* 0: not known, every kernel fills them */
	uint32_t gemm_tile[2], conv_tile[2];	/* 0: none */
	uint32_t kernel_count, conv_rule_count;
	const struct layrub_kernel *kernels;	/* [kernel_count] */
	const struct layrub_conv_rule *conv_rules;	/* [conv_rule_count] */
};
#define LAYRUB_DEVICE_INIT { .size = sizeof(struct layrub_device) }

/* ---- problems ---- */

struct layrub_problem_options {
	size_t size;
	/* One of these three is required. */
	const char *device;	/* a name or a file */
	const char *device_text;	/* the text of a device document; messages then call it by `device` */
	const struct layrub_device *device_data;	/* the device itself */
	const char *lowering;	/* of a network */
	const char *times;	/* of a graph */
	const char *reorder;
	uint32_t batch;		/* samples of one pass of a network; 0: its own */
	uint32_t accumulate;	/* passes of a network's step; 0: its own */
	uint32_t gpus_per_link;	/* number of GPUs on the same link; 0 or 1: the link is not shared */
	uint32_t set_count;
	uint64_t host_bytes;	/* the most host memory that a plan may pin; 0: the device's pinned_bytes */
	const char *const *set;	/* [set_count] changes of a network: "LAYER.ATTRIBUTE=VALUE" (docs/networks.md) */
	uint32_t seq, image;	/* length of a network's sequence; height and width of its image; 0: its own */
};
#define LAYRUB_PROBLEM_OPTIONS_INIT { .size = sizeof(struct layrub_problem_options) }

struct layrub_needs {
	size_t size;
	uint32_t batch;			/* samples of one pass; 0: a graph */
	uint32_t accumulate;		/* passes of a step; 0: a graph */
	uint32_t estimated_ops;		/* ops whose time was not measured but estimated */
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
/* Makes the problem from a graph in memory.  A value out of range is LAYRUB_BAD_INPUT, with its path: "ops[3].inputs[0]". */
LAYRUB_API struct layrub_problem *layrub_problem_build(const struct layrub_graph *graph, const struct layrub_problem_options *options,
    struct layrub_error *error);
LAYRUB_API void layrub_problem_free(struct layrub_problem *problem);	/* NULL: does nothing */

LAYRUB_API const struct layrub_graph *layrub_problem_graph(const struct layrub_problem *problem);
LAYRUB_API const struct layrub_device *layrub_problem_device(const struct layrub_problem *problem);	/* with the options' changes */
LAYRUB_API const struct layrub_needs *layrub_problem_needs(const struct layrub_problem *problem);

/* ---- plans ---- */

struct layrub_plan;

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
	double effort;		/* of hybrid's search, as a multiple of the usual; 0: 1.  Less than 1: a quick draft without floors over budgets */
	/* NULL, or a sound plan, of another batch or of an evaluation step: persistent tensors begin and end the step at its places. */
	const struct layrub_plan *homes;
};
#define LAYRUB_PLAN_OPTIONS_INIT { .size = sizeof(struct layrub_plan_options) }

/* Plans, checks and simulates.  NULL: error.  LAYRUB_INFEASIBLE: no plan fits; if one op alone exceeds the budget, the error has the op and
 * its tensors. */
LAYRUB_API struct layrub_plan *layrub_plan_make(const struct layrub_problem *problem, const struct layrub_plan_options *options,
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
 * the place of the fault.  The plan keeps the answer, so a second call returns at once. */
LAYRUB_API int layrub_plan_check(const struct layrub_plan *plan, const struct layrub_problem *problem, struct layrub_error *error);

/* Returns 0 if both plans are sound and serve one set of persistent tensors: their steps may follow each other in any order, in one arena and
 * one pool.  LAYRUB_UNSOUND: they do not, and the error names the place in `plan`.  LAYRUB_BAD_INPUT: a tensor has another size or kind. */
LAYRUB_API int layrub_plan_check_homes(const struct layrub_plan *plan, const struct layrub_plan *homes, struct layrub_error *error);

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
	/* The origin of the plan. */
	const char *policy, *placement, *options, *tool, *status;
	const char *found_by;	/* another policy whose schedule was the fastest; NULL: the schedule is the policy's own */
	const char *configuration;	/* of the search that found the schedule; NULL: none */
	const char *device;	/* its name */
	const char *graph_digest, *device_digest;	/* XXH3-128 of the documents' text, 32 hex digits */
	uint32_t batch;		/* of the network that was lowered; 0: the input was a graph */
	uint64_t budget_bytes;
	uint64_t arena_bytes, host_bytes;	/* to allocate: one stretch on the device, one of pinned memory */
	uint32_t buffer_count, host_buffer_count, initial_count, final_count, instruction_count;
	const struct layrub_buffer *buffers;		/* [buffer_count] */
	const struct layrub_buffer *host_buffers;	/* [host_buffer_count] */
	const struct layrub_place *initial_places;	/* [initial_count] before the step */
	const struct layrub_place *final_places;	/* [final_count] after it */
	const struct layrub_instruction *instructions;	/* [instruction_count] */
};

LAYRUB_API const struct layrub_graph *layrub_plan_graph(const struct layrub_plan *plan);
LAYRUB_API const struct layrub_device *layrub_plan_device(const struct layrub_plan *plan);
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
	uint64_t process_bytes;		/* the arena and what the process takes beside it; 0: not known */
	uint64_t estimated_ops;		/* ops whose time was not measured but estimated */
};
#define LAYRUB_FIGURES_INIT { .size = sizeof(struct layrub_figures) }

/* The figures that the plan states.  The one error is a size of 0. */
LAYRUB_API int layrub_plan_figures(const struct layrub_plan *plan, struct layrub_figures *figures, struct layrub_error *error);

/* A changed machine.  A member that is 0 or NULL changes nothing. */
struct layrub_change {
	size_t size;
	/* At most one of these three: this device's link, contention and memory; op times stay. */
	const char *device, *device_text;
	const struct layrub_device *device_data;
	uint32_t gpus_per_link;		/* number of GPUs that share the link */
	double h2d_bytes_per_s, d2h_bytes_per_s, duplex_bytes_per_s;
	double latency_us;		/* of a copy */
	double compute_scale;		/* factor by which compute is faster */
};
#define LAYRUB_CHANGE_INIT { .size = sizeof(struct layrub_change) }

struct layrub_span { double start_us, end_us; };

/* An idle stretch of compute before instruction `waiting`, because of the edge from instruction `cause`, a copy. */
struct layrub_stall {
	double start_us, end_us;
	uint32_t waiting;	/* LAYRUB_NONE: the end of the step, which waits for all queues */
	uint32_t cause;
};

/* One simulated step in time.  Occupancy is one row for each time at which a sum changes. */
struct layrub_timeline {
	size_t size;
	uint32_t span_count, stall_count, row_count;
	const struct layrub_span *spans;	/* [span_count] by instruction */
	const struct layrub_stall *stalls;	/* [stall_count] in time order */
	const double *times_us;			/* [row_count] rising */
	const uint64_t *device_bytes;		/* [row_count] in use in the arena from this time on */
	const uint64_t *host_bytes;		/* [row_count] in the pinned pool */
	const uint64_t *workspace_bytes;	/* [row_count] the part of device_bytes that is workspace ... */
	uint32_t kind_count;
	const uint64_t *const *kind_bytes;	/* [kind_count][row_count] ... and the parts by enum layrub_kind */
};

/* Simulates one step.  change NULL: on the plan's own device.  figures NULL, timeline NULL: not wanted; *timeline is the caller's to free.
 * LAYRUB_UNSOUND: the plan is not sound.  LAYRUB_INFEASIBLE: it does not fit on the changed device. */
LAYRUB_API int layrub_plan_simulate(const struct layrub_plan *plan, const struct layrub_change *change, struct layrub_figures *figures,
    struct layrub_timeline **timeline, struct layrub_error *error);
LAYRUB_API void layrub_timeline_free(struct layrub_timeline *timeline);	/* NULL: does nothing */

/* ---- fitting: which batch has a plan ---- */

struct layrub_fit_options {
	size_t size;
	const char *policy;	/* default: hybrid */
	const char *placement;	/* default: auto */
	/* At most one of these two; none: device_bytes of struct layrub_needs. */
	uint64_t budget_bytes;
	double budget_percent;	/* of the step's own peak */
	double slowdown_percent;	/* by which a step may be longer than its ideal time; 0: 25 */
	double time_limit_s;	/* seconds for each plan; 0: none */
	uint32_t threads;	/* 0: as OpenMP decides */
	uint32_t this_batch_only;	/* 1: largest batches and micro-steps are not searched */
	bool (*stopped)(void *user);	/* as in struct layrub_plan_options */
	void (*progress)(void *user, const char *line);	/* called by the calling thread: one line before each plan, and those of its search */
	void *user;		/* the first argument of both */
	const char *largest;	/* of a network, the size to search: "batch" (default), "seq" or "image" */
	double effort;		/* as in struct layrub_plan_options; 0: as much as each of the search's plans needs */
};
#define LAYRUB_FIT_OPTIONS_INIT { .size = sizeof(struct layrub_fit_options) }

/* One batch, planned and timed. */
struct layrub_fit_batch {
	uint32_t batch;		/* of the search for the largest batch, 0: none fits */
	uint32_t has_plan;	/* 0: no plan was found, and the figures are 0 */
	uint64_t arena_bytes, host_bytes;
	double step_time_us;
	double overhead;	/* step time / ideal time - 1 */
};

/* A step as layrub_plan_make() makes it: of a problem at this batch and these passes, with this effort. */
struct layrub_fit_way {
	uint32_t batch;		/* of one pass; 0: there is no such way, or it was not looked for */
	uint32_t accumulate;	/* passes */
	uint32_t resident;	/* 1: by the policy keep; 0: by that of the options */
	double effort;		/* 0: the usual */
	double step_time_us;
	double samples_per_s, tokens_per_s;	/* tokens 0: samples are no sequences */
	double peak_share;	/* of the device's peak arithmetic; 0: not known */
};

/* The answer of `layrub fit`. */
struct layrub_fit_result {
	size_t size;
	bool fits;		/* the problem's batch has a plan that is fast enough ... */
	bool resident;		/* ... with every tensor on the device */
	bool unfinished;	/* the search was stopped: larger batches may fit, too */
	uint32_t micro_batch, micro_steps;	/* the batch as the fewest equal micro-steps that stay resident; 0: not searched, or none */
	double micro_step_time_us;	/* of all micro-steps together */
	struct layrub_fit_batch own;	/* the problem's batch */
	struct layrub_fit_batch largest_resident, largest_planned;	/* of a network only */
	uint64_t budget_bytes, step_peak_bytes, persistent_bytes;
	uint64_t transient_bytes, workspace_bytes;	/* at the step's peak */
	char answer[256];	/* in words: yes or no, and why */
	char limit[1024];	/* the reason against a larger batch, or against this one; "": there is none */
	char at_every_batch[256];	/* the reason that no batch removes; "": there is none */
	uint64_t gradient_bytes;	/* the part of transient_bytes that is gradients */
	uint32_t resident_size, planned_size;	/* the largest batch, sequence or image, all resident and with a plan; 0: none */
	bool is_largest;	/* no larger size than planned_size has a plan: bounds prove it */
	struct layrub_fit_way accumulation;	/* the batch as passes of one plan */
	struct layrub_fit_way fastest;	/* most samples a second of all that was tried */
};
#define LAYRUB_FIT_RESULT_INIT { .size = sizeof(struct layrub_fit_result) }

/* Fills *result; returns 0 for yes and for no.  LAYRUB_SYSTEM: also a stop before the answer is known. */
LAYRUB_API int layrub_fit(const struct layrub_problem *problem, const struct layrub_fit_options *options, struct layrub_fit_result *result,
    struct layrub_error *error);

/* ---- placing: an offset for every item of a list ---- */

struct layrub_item {
	int64_t lower, upper;	/* alive in [lower, upper), lower < upper; any whole numbers */
	uint64_t bytes;		/* at least 1 */
	uint64_t alignment;	/* of its offset; 0 or 1: none */
	bool fixed;		/* true: it lies at offset_bytes */
	uint64_t offset_bytes;	/* 0 unless fixed */
};

struct layrub_place_options {
	size_t size;
	const char *placement;	/* default: auto */
	uint64_t capacity_bytes;	/* stop as soon as the items fit into so much; 0: look for the smallest arena */
	double time_limit_s;	/* seconds for the search; 0: a fixed amount of search, the same in every run */
	uint32_t threads;	/* 0: as OpenMP decides */
	bool (*stopped)(void *user);	/* as in struct layrub_plan_options */
	void (*progress)(void *user, const char *line);	/* called by the calling thread */
	void *user;		/* the first argument of both */
};
#define LAYRUB_PLACE_OPTIONS_INIT { .size = sizeof(struct layrub_place_options) }

enum layrub_place_status {
	LAYRUB_PLACE_OPTIMAL,	/* no smaller arena exists */
	LAYRUB_PLACE_FEASIBLE,	/* a smaller one may exist */
	LAYRUB_PLACE_UNKNOWN,	/* larger than the capacity: no arena that fits was found */
	LAYRUB_PLACE_INFEASIBLE	/* larger than the capacity: no arena fits, as is proved */
};

struct layrub_place_result {
	size_t size;
	uint64_t arena_bytes;	/* the highest end of an item */
	uint64_t bound_bytes;	/* no arena is smaller */
	uint32_t status;	/* enum layrub_place_status */
};
#define LAYRUB_PLACE_RESULT_INIT { .size = sizeof(struct layrub_place_result) }

/* Fills the caller's offsets[count] and *result, so that no two items alive at once share a byte.  LAYRUB_BAD_INPUT: the path is that of
 * the value ("items[3].upper").  LAYRUB_INFEASIBLE: this placement does not handle this list. */
LAYRUB_API int layrub_place(const struct layrub_item *items, uint32_t count, const struct layrub_place_options *options, uint64_t *offsets,
    struct layrub_place_result *result, struct layrub_error *error);

#ifdef __cplusplus
}
#endif
#endif
