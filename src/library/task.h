/* SPDX-License-Identifier: Apache-2.0 */
/* task.h - the training step and the device that a question is about
 *
 * A task combines a NETWORK or a GRAPH, changes of the network, a device, a batch, a lowering, an order of ops and the choice of op
 * times, for the command and for the library.  Options that exclude each other are ERR_USAGE, with the option's name on the command line
 * as the path.
 */
#ifndef SRC_LIBRARY_TASK_H
#define SRC_LIBRARY_TASK_H
#include "src/base/json.h"
#include "src/documents/device.h"
#include "src/documents/graph.h"

struct network;

/* As given; NULL or 0: not given. */
struct task_options {
	const char *device;		/* a name or a file ... */
	const char *device_text;	/* ... or the document itself ... */
	const struct device *device_data;	/* ... or the device, which the task shares */
	const char *lowering;	/* a row of lowerings */
	const char *times;	/* a row of task_times */
	const char *reorder;	/* a row of reorders */
	const char *host_memory;	/* as text: "64GiB", the host memory that a plan may pin, whatever the device document says */
	bytes_t host_bytes;	/* the same as a number; 0: not given */
	const char *memory;	/* as text: the device's memory, whatever its document says */
	uint32_t batch;		/* samples of one pass */
	uint32_t seq, image;	/* length of the sequence; height and width of the image (src/network/network_size.h) */
	uint32_t accumulate;	/* passes of a step */
	const char *const *set;	/* [set_count] changes of the network, PATH=VALUE (src/network/network_set.h) */
	uint32_t set_count;
};

/* The values of --times.  They are about measured times: an estimated time is that of the task's device in any case. */
struct task_times { const char *name, *summary; };
extern const struct task_times task_times[];	/* ends with a NULL name */

struct task {
	struct graph graph;		/* every op has a time if has_device */
	struct device device;
	bool has_device;
	bool is_network;
	uint32_t batch;		/* of the network, in one pass; 0: a graph */
	uint32_t accumulate;	/* passes of a step; 0: a graph */
	bool accumulate_given;	/* by an option */
	const char *changes;	/* " --set PATH=VALUE" for each change of the network; NULL: none */
	const char *lowering;	/* NULL: a graph */
	const char *times;	/* NULL: a network */
	const char *reorder;	/* NULL: the graph's own order */
	bool sets_memory;	/* memory of the options is in device.memory_bytes */
	const struct graph *own_order;	/* the graph before --reorder changed it; NULL: it did not */
	bool limits_host;	/* host_memory of the options is in device.pinned_bytes */
	const struct network *network;	/* at its batch; NULL: a graph */
};

/* Refuses options that are wrong whatever the document. */
int task_options_check(const struct task_options *o, struct err *e) WARN_UNUSED;

/* Fills t from the document or name `name`. */
int task_read(struct task *t, const char *name, const struct task_options *o, struct arena *a, struct err *e) WARN_UNUSED;

/* Fills t from the document that s names or holds. */
int task_read_from(struct task *t, const struct json_source *s, const struct task_options *o, struct arena *a, struct err *e) WARN_UNUSED;

/* Fills t with graph g, which has passed graph_check() and which t shares.  Every op that is `estimated` gets its time. */
int task_from_graph(struct task *t, const struct graph *g, const struct task_options *o, struct arena *a, struct err *e) WARN_UNUSED;

/* Fills `to` with the task `from` at another batch and number of passes (0: those of from): the graph of a network is made anew, even at the same batch, and shares names
 * with `from`.  A graph has no batch and is shared. */
int task_at_batch(struct task *to, const struct task *from, uint32_t batch, uint32_t accumulate, struct arena *a,
    struct err *e) WARN_UNUSED;

/* Returns the options that made t's graph, for a plan's record. */
const char *task_record(const struct task *t, struct arena *a);

/* Returns "8", or "8 x 4" for four passes. */
const char *task_batch_text(const struct task *t, struct arena *a);

/* True: t's op times were measured on another device than t's own. */
bool task_has_foreign_times(const struct task *t);

/* Reads a device from the text of its document; text NULL: from the file or by the name `name`. */
int task_read_device(struct device *d, const char *name, const char *text, struct arena *a, struct err *e) WARN_UNUSED;
#endif
