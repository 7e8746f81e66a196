/* SPDX-License-Identifier: Apache-2.0 */
/* kineto.h - the events of a trace that PyTorch's profiler wrote (Kineto, the Trace Event Format)
 *
 * Three kinds of events matter: spans in which a program ran an op of a plan, launches, and works of the GPU.  A launch and its works
 * share a correlation; a CUDA graph is one launch of many works.  All other events are skipped.  Times are microseconds.
 */
#ifndef SIM_MEASURED_KINETO_H
#define SIM_MEASURED_KINETO_H
#include <stdbool.h>

#include "src/base/arena.h"
#include "src/base/err.h"
#include "src/base/units.h"

/* The run of one op: a span with the name "layrub run N" on a thread of the host. */
struct kineto_run {
	uint32_t instruction;
	int64_t thread;
	double start_us, end_us;
};

struct kineto_launch {
	int64_t correlation, thread;
	double start_us;
};

enum kineto_work_kind { KINETO_KERNEL, KINETO_OUT, KINETO_IN };	/* a kernel, memset or copy within the device; a copy out; a copy in */

struct kineto_work {
	enum kineto_work_kind kind;
	const char *name;
	int64_t correlation;		/* -1: none */
	bytes_t bytes;			/* of a copy */
	double start_us, end_us;
};

struct kineto {
	uint32_t run_count, launch_count, work_count;
	struct kineto_run *runs;	/* [run_count] by start */
	struct kineto_launch *launches;	/* [launch_count] by correlation */
	struct kineto_work *works;	/* [work_count] by correlation, then start */
};

int kineto_read(struct kineto *k, const char *path, struct arena *a, struct err *e) WARN_UNUSED;
#endif
