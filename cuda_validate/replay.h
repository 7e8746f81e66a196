/* SPDX-License-Identifier: Apache-2.0 */
/* replay.h - executes a plan on real data and proves that the data comes out right
 *
 * prepare.c finds the memory that each instruction reads and writes (struct job).  The loop of
 * sim/execute queues the instructions of a step in list order, and a back end executes them.  Queues and `after` alone order instructions; a back end must not
 * add an order of its own.  reference.c knows the right data.
 */
#ifndef CUDA_VALIDATE_REPLAY_H
#define CUDA_VALIDATE_REPLAY_H
#include <stdbool.h>

#include "cuda_validate/pattern_data.h"
#include "sim/time/simulate.h"
#include "src/documents/plan.h"

struct replay_options {
	uint32_t steps;
	bool sample;		/* touch a sample of each tensor instead of every word, and poison nothing */
	bool traced;		/* an op lasts as long as the graph says */
	bool capture;		/* CUDA: launch the step as one graph */
	double jitter;		/* delays, in per cent of an instruction's mean time; 0: none */
	uint64_t seed;		/* of the data and of the delays */
	bool spans;		/* measure when each instruction begins and ends */
	bool (*stopped)(void);	/* NULL, or returns true to end the timed steps (Ctrl-C) */
	void (*progress)(uint64_t step, uint64_t count);	/* NULL, or called as step 1 .. count begins */
};

/* A stretch of the arena that a run reads.  Its number among all reads is the number of its digest. */
struct read {
	bytes_t offset_bytes, bytes;
	uint32_t input;			/* of the op */
};

/* A stretch that a run overwrites: with output `which` of the op, or with PATTERN_WORKSPACE, _PADDING or _POISON. */
struct write {
	bytes_t offset_bytes, bytes;
	uint64_t which;
};

/* The effect of one instruction on memory.  A run reads, then writes.  A transfer poisons its destination, copies, then
 * poisons its source. */
struct effect {
	uint32_t read_first, read_count;	/* in job.reads, without inputs that hold no value yet */
	uint32_t write_first, write_count;	/* in job.writes */
	bytes_t device_bytes, host_bytes;	/* offsets of a transfer's two ends */
	bytes_t poison_to_bytes, poison_from_bytes;	/* from the buffers' beginning; 0: no poison */
	double time_us;				/* of a run */
	bool waits;				/* it waits for another queue */
};

struct job {
	const struct plan *plan;
	struct replay_options options;
	struct effect *effects;		/* [plan->instruction_count] */
	const bool *signals;		/* [plan->instruction_count] another queue waits for it */
	struct read *reads;		/* [read_count] */
	struct write *writes;		/* [write_count] */
	size_t read_count, write_count;
	uint64_t jitter_ns;		/* the argument `most` of pattern_delay() */
};

/* Fills job from a plan whose ids are in range. */
void job_init(struct job *job, const struct plan *p, const struct replay_options *o, struct arena *a);

/* The time of one step. */
struct replay_step {
	double time_us;
	const struct sim_span *spans;	/* [instruction_count]; NULL: not measured */
};

/* Bytes that the driver took; 0: the driver does not tell. */
struct replay_memory { bytes_t arena_bytes, host_bytes; };

/* Memory, queues and clock of a back end.  Opaque: each back end completes it in its own file. */
struct machine;

/* A step is begin, commands, finish.  Commands go to a queue's end and return at once; finish waits for all of them.  A
 * machine that repeats the commands of the previous step sets *again in begin, and gets no commands in this step.  put,
 * digest and formula are called between steps and return when they are done. */
struct backend {
	const char *name, *summary;
	int (*open)(struct machine **m, const struct job *job, struct arena *a, struct err *e);
	void (*close)(struct machine *m);	/* also after a failed open */
	int (*begin)(struct machine *m, uint64_t step, bool spans, bool *again, struct err *e);
	int (*run)(struct machine *m, uint32_t instruction, struct err *e);
	int (*copy)(struct machine *m, uint32_t instruction, struct err *e);
	int (*delay)(struct machine *m, uint32_t instruction, struct err *e);
	/* Writes PATTERN_POISON, in the queue of instruction. */
	int (*poison)(struct machine *m, uint32_t instruction, bool on_host, bytes_t offset, bytes_t bytes, struct err *e);
	int (*record)(struct machine *m, uint32_t instruction, struct err *e);
	int (*wait)(struct machine *m, uint32_t instruction, uint32_t after, struct err *e);
	int (*finish)(struct machine *m, struct replay_step *s, struct err *e);
	int (*put)(struct machine *m, bool on_host, bytes_t offset, bytes_t bytes, uint64_t seed, struct err *e);
	int (*digest)(struct machine *m, bool on_host, bytes_t offset, bytes_t bytes, uint64_t *digest, struct err *e);
	int (*formula)(struct machine *m, bytes_t bytes, uint64_t seed, uint64_t *digest, struct err *e);
	/* Sets *digests to those of all reads of the last step: [job->read_count]. */
	int (*reads)(struct machine *m, const uint64_t **digests, struct err *e);
	void (*memory)(const struct machine *m, struct replay_memory *out);
	const char *(*device)(const struct machine *m);	/* the driver's name for it */
	double (*launch_gap)(const struct machine *m);	/* us between two runs of a queue */
	void (*end)(void);		/* releases the memory kept from one machine to the next; may be NULL */
};

extern const struct backend backend_host;
#ifdef HAVE_CUDA
extern const struct backend backend_cuda;
#endif

/* The results of a replay. */
struct replay {
	const struct backend *backend;
	struct machine *machine;	/* to be closed with replay_close(), whatever replay_run() returned */
	struct job job;
	double *step_us;		/* [options.steps] */
	double first_us;		/* time of the warm-up step before them */
	bool has_spans;
	struct sim_result timeline;	/* one more step, measured in detail; spans, busy_us and step_time_us only */
	struct replay_memory memory;
	const char *device;
	double launch_gap_us;
};

/* Warms up with one step, times options.steps more, and compares the data after each.  job.options.steps is the number of
 * timed steps, also when `stopped` ended them early.  ERR_NO: the data is wrong; the message names the first op and
 * tensor that differ.  ERR_SYSTEM: the machine failed. */
int replay_run(struct replay *r, const struct plan *p, const struct backend *b, const struct replay_options *o,
    struct arena *a, struct err *e) WARN_UNUSED;
void replay_close(struct replay *r);
#endif
