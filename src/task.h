/* SPDX-License-Identifier: Apache-2.0 */
/* task.h - the training step and the device that a command line asks about
 *
 * The one place that knows how a NETWORK or a GRAPH, a device, a batch, a lowering and the choice of op
 * times come together.
 */
#ifndef SRC_TASK_H
#define SRC_TASK_H
#include "src/command.h"
#include "src/device.h"
#include "src/graph.h"

/* As given on the command line; NULL or 0: not given. */
struct task_options {
	const char *device;
	const char *lowering;	/* a row of table_lowerings */
	const char *times;	/* a row of table_times */
	const char *reorder;	/* a row of table_reorders */
	uint32_t batch;
};

struct task {
	struct graph graph;
	struct device device;
	bool has_device;
	bool is_network;
	uint32_t batch;		/* of the network; 0: a graph */
	const char *lowering;	/* NULL: a graph */
	const char *times;	/* NULL: a network */
};

/* Fill t from the document or name `name`. */
int task_read(struct task *t, const char *name, const struct task_options *o, struct cli *c, struct err *e) WARN_UNUSED;

/* What --budget says in bytes ("12GiB", or "50%" of peak_bytes); text NULL: all that t's device has less what is reserved. */
int task_budget(bytes_t *budget, const char *text, const struct task *t, bytes_t peak_bytes, struct cli *c, struct err *e) WARN_UNUSED;

/* The options that made t's graph, for a plan's record. */
const char *task_record(const struct task *t, const struct task_options *o, struct arena *a);

/* Times of another device are the graph's own, and say so. */
void task_warn_of_times(const struct task *t);

/* The monotonic clock, for plan_time_s. */
double task_seconds(void);

/* A device by name or file. */
int task_read_device(struct device *d, const char *name, struct arena *a, struct err *e) WARN_UNUSED;
#endif
